//! `tools/new-rule.mjs` writes a rule that the registry can take.

use std::process::Command;

use crate::support::{TempApp, read_tree, top};

#[test]
fn a_new_rule_is_written_and_registered() {
    let files = read_tree(&top().join("fixes"))
        .into_iter()
        .map(|(path, text)| (format!("fixes/{path}"), text))
        .collect();
    let project = TempApp::new(&files);
    let run = || {
        Command::new("node")
            .arg(top().join("tools/new-rule.mjs"))
            .args(["3.99", "performance", "made-up-rule"])
            .env("WA_FIX_TOP", project.root())
            .output()
            .unwrap()
    };
    let output = run();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let after = read_tree(&project.root());
    let stem = "wa_3_99_made_up_rule";
    assert!(wa_fix::detect::query::Query::parse(&after[&format!("queries/performance/{stem}.scm")]).is_ok());
    assert!(after[&format!("fixes/performance/{stem}.rs")].contains("id: \"3.99\""));
    assert!(after["fixes/performance/mod.rs"].contains(&format!("pub mod {stem};\n")));
    let registry = &after["fixes/mod.rs"];
    assert!(registry.contains("\npub mod performance;\n"));
    assert!(registry.contains(&format!("\n    performance::{stem}::RULE,\n")));
    for kind in ["fix", "keep", "refuse"] {
        assert!(after.contains_key(&format!("tests/fixtures/3.99/{kind}/first.ts")));
    }
    // A second run overwrites nothing.
    let again = run();
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
}
