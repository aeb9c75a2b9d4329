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
    shows("rules", &table);
}

/// Compares what stands in the README between two markers, or writes it there if asked.
pub(crate) fn shows(marker: &str, wanted: &str) {
    let file = top().join("README.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (start, end) = (format!("<!-- {marker} -->\n"), format!("<!-- /{marker} -->"));
    let (before, rest) = text.split_once(&start).unwrap();
    let (is, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("WA_FIX_README").is_some() {
        #[expect(clippy::disallowed_methods, reason = "asked for")]
        std::fs::write(&file, format!("{before}{start}{wanted}{end}{after}")).unwrap();
    } else {
        assert!(is == wanted, "the README's {marker} are old; WA_FIX_README=1 cargo test --test it readme");
    }
}
