//! The README says what is so.

use std::fmt::Write as _;

use crate::support::top;

/// The table of rules between the markers. To renew it: `WA_FIX_README=1 cargo test --test it readme`.
#[test]
fn the_table_of_rules_is_the_registry() {
    let mut table =
        String::from("| item | rule | pillar | impact | tier | practice |\n|---|---|---|---|---|---|\n");
    for rule in wa_fix::fixes::ALL {
        let meta = rule.meta;
        let items = std::iter::once(meta.id).chain(meta.also.iter().copied()).collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            table,
            "| {items} | {} (`{}`) | {} | {} | {} | {} |",
            meta.title, meta.name, meta.pillar, meta.impact, meta.tier, meta.practice
        );
    }
    let file = top().join("README.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once("<!-- rules -->\n").unwrap();
    let (is, after) = rest.split_once("<!-- /rules -->").unwrap();
    if std::env::var_os("WA_FIX_README").is_some() {
        #[expect(clippy::disallowed_methods, reason = "asked for")]
        std::fs::write(&file, format!("{before}<!-- rules -->\n{table}<!-- /rules -->{after}")).unwrap();
    } else {
        assert!(
            is == table,
            "the README's table of rules is old; WA_FIX_README=1 cargo test --test it readme"
        );
    }
}
