//! `// wa-fix-ignore 2.6 -- reason` on the line or the line above, `// wa-fix-ignore-file` for a file.

use std::ops::Range;

use super::upkeep::is_upkeep;
use crate::rule::Meta;
use crate::syntax::{Parsed, Syn};

/// A comment that accepts findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Rules by number, name or pillar; `all` for every rule.
    pub rules: Vec<String>,
    /// Why; empty where the comment gives none, and the comment then has no effect.
    pub reason: String,
    /// The first line it covers, from 1; 0 covers the file.
    pub line: usize,
    /// Where the comment stands.
    pub span: Range<usize>,
}

impl Suppression {
    /// Whether it covers a rule at a line (from 1).
    pub fn covers(&self, rule: &Meta, line: usize) -> bool {
        let here = self.line == 0 || line == self.line || line == self.line + 1;
        here && !is_upkeep(rule)
            && !self.reason.is_empty()
            && self.rules.iter().any(|name| name == "all" || rule.is_named_by(name))
    }
}

const WORD: &str = "wa-fix-ignore";

/// The suppressions of a file, in source order.
pub fn suppressions(file: &Parsed) -> Vec<Suppression> {
    let root = Syn::root(file);
    memchr::memmem::find_iter(file.text.as_bytes(), WORD.as_bytes())
        .filter_map(|at| {
            let comment = root.at(at..at + WORD.len()).filter(|node| node.is("comment"))?;
            let rest = file.text.get(at + WORD.len()..comment.end())?;
            let rest = rest.lines().next()?.trim_end_matches("*/");
            let (whole_file, rest) = match rest.strip_prefix("-file") {
                Some(rest) => (true, rest),
                None => (false, rest),
            };
            let (names, reason) = rest.split_once("--").unwrap_or((rest, ""));
            let mut rules: Vec<String> =
                names.split([' ', ',']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
            if rules.is_empty() && whole_file {
                rules.push("all".to_owned());
            }
            let line = if whole_file { 0 } else { 1 + file.text.get(..at)?.matches('\n').count() };
            Some(Suppression { rules, reason: reason.trim().to_owned(), line, span: comment.span() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Language;
    use crate::syntax::parse;

    #[test]
    fn only_comments_count() {
        let text = "// wa-fix-ignore 2.6 -- tests are flaky\nconst a = 'wa-fix-ignore 2.6 -- no';\n/* wa-fix-ignore-file -- legacy */\n";
        let parsed = parse("a.ts", text.into(), Language::TypeScript).unwrap();
        let found = suppressions(&parsed);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].rules, ["2.6"]);
        assert_eq!(found[0].reason, "tests are flaky");
        assert_eq!(
            (found[1].line, found[1].rules[0].as_str(), found[1].reason.as_str()),
            (0, "all", "legacy")
        );
    }
}
