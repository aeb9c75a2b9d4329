//! Where a shell text throws away the exit status of a check (a test, a lint, a build), and how to stop it.
//!
//! A status is thrown away by `|| true` and its relatives, by `; exit 0`, by `set +e` where the shell stops at
//! errors otherwise, and by `| tee` without `pipefail`. The text is parsed with the Bash grammar; what it cannot
//! parse is left alone. Which commands are checks, see `shell_command`.

use std::cell::RefCell;
use std::ops::Range;

use tree_sitter::{Node, Parser};

pub use super::shell_command::{Check, Program, Script, folder_at};
use super::shell_command::{check_of, program_of, scan_of};

/// How the shell treats failures before the text says anything of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// Whether it stops at the first command that fails (`sh -e`).
    pub errexit: bool,
    /// Whether a pipeline fails with any of its commands.
    pub pipefail: bool,
}

impl Defaults {
    /// A plain `sh -c`.
    pub const PLAIN: Self = Self { errexit: false, pipefail: false };
}

/// A replacement of a part of a shell text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellEdit {
    /// The part.
    pub span: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

/// What a shell text throws away.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Masked {
    /// The checks whose status is lost, in source order.
    pub checks: Vec<Check>,
    /// What throws it away, such as `|| true`.
    pub by: Vec<String>,
    /// The repair.
    pub edits: Vec<ShellEdit>,
    /// Whether the repair works only in a shell that knows `pipefail`.
    pub needs_bash: bool,
    /// Whether a status is also used in a way that a cut would break.
    pub unclear: bool,
}

impl Masked {
    /// The text with the edits made; for tests and for a second look.
    pub fn repaired(&self, text: &str) -> String {
        let mut out = text.to_owned();
        let mut edits: Vec<_> = self.edits.iter().collect();
        edits.sort_by_key(|edit| edit.span.start);
        for edit in edits.iter().rev() {
            if out.get(edit.span.clone()).is_some() {
                out.replace_range(edit.span.clone(), &edit.text);
            }
        }
        out
    }
}

thread_local! {
    static PARSER: RefCell<Option<Parser>> = RefCell::new({
        let mut parser = Parser::new();
        parser.set_language(&tree_sitter_bash::LANGUAGE.into()).is_ok().then_some(parser)
    });
}

/// What a text throws away; `None` where nothing is lost, or nothing that is known.
pub fn masked(text: &str, defaults: Defaults) -> Option<Masked> {
    masked_by(text, defaults, check_of)
}

/// What a text throws away of vulnerability scans, which are no checks for [`masked`].
pub fn masked_scan(text: &str, defaults: Defaults) -> Option<Masked> {
    masked_by(text, defaults, scan_of)
}

/// Tells whether a command node is one whose status is wanted.
type Wanted = fn(Node<'_>, &str) -> Option<Check>;

fn masked_by(text: &str, defaults: Defaults, wanted: Wanted) -> Option<Masked> {
    let tree = parse(text)?;
    let mut walk = Walk::new(text, 0, defaults, wanted);
    walk.visit(tree.root_node());
    let mut found = walk.found;
    if found.checks.is_empty() {
        return None;
    }
    found.edits.sort_by_key(|edit| edit.span.start);
    Some(found)
}

/// Whether a text runs a check at all, masked or not.
pub fn runs_check(text: &str) -> bool {
    parse(text).is_some_and(|tree| any_of(tree.root_node(), text, check_of))
}

/// The check whose status is that of a whole text, which is what decides where the text stands by itself.
pub fn final_check(text: &str) -> Option<Check> {
    let tree = parse(text)?;
    status_check(last_child(tree.root_node())?, text, check_of)
}

/// Whether a text runs a vulnerability scan and no check, masked or not.
pub fn runs_scan(text: &str) -> bool {
    parse(text).is_some_and(|tree| any_of(tree.root_node(), text, scan_of)) && !runs_check(text)
}

/// Every command of a text in source order, those inside of others included; `None` where it cannot be parsed.
pub fn programs(text: &str) -> Option<Vec<Program>> {
    let tree = parse(text)?;
    let mut found = Vec::new();
    let mut open = vec![tree.root_node()];
    while let Some(node) = open.pop() {
        if node.kind() == "command" {
            found.extend(program_of(node, text));
        }
        open.extend(children(node).into_iter().rev());
    }
    found.sort_by_key(|program| program.span.start);
    Some(found)
}

fn parse(text: &str) -> Option<tree_sitter::Tree> {
    let tree = PARSER.with_borrow_mut(|parser| parser.as_mut()?.parse(text.as_bytes(), None))?;
    (!tree.root_node().has_error()).then_some(tree)
}

fn any_of(node: Node<'_>, text: &str, wanted: Wanted) -> bool {
    status_check(node, text, wanted).is_some()
        || children(node).into_iter().any(|child| any_of(child, text, wanted))
}

/// What a command does to the status of a list that it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Always success, and nothing is done but saying so.
    Succeeds,
    /// Always success, but something else is done before.
    SucceedsBusily,
    /// Failure, or unknown.
    Other,
}

struct Walk<'t> {
    text: &'t str,
    /// Where `text` stands in the whole.
    base: usize,
    errexit: bool,
    pipefail: bool,
    wanted: Wanted,
    found: Masked,
}

impl<'t> Walk<'t> {
    fn new(text: &'t str, base: usize, defaults: Defaults, wanted: Wanted) -> Self {
        let errexit = defaults.errexit || text.contains("set -e") || text.contains("set -o errexit");
        // `PIPESTATUS` has every status of a pipeline: somebody looks at it.
        let pipefail = defaults.pipefail || text.contains("pipefail") || text.contains("PIPESTATUS");
        Self { text, base, errexit, pipefail, wanted, found: Masked::default() }
    }

    fn of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn cut(&mut self, check: Check, span: Range<usize>) {
        let by =
            self.text.get(span.clone()).unwrap_or_default().trim().trim_start_matches(';').trim().to_owned();
        self.lost(check, by);
        self.found
            .edits
            .push(ShellEdit { span: span.start + self.base..span.end + self.base, text: String::new() });
    }

    fn lost(&mut self, mut check: Check, by: String) {
        check.at += self.base;
        self.found.checks.push(check);
        self.found.by.push(by);
    }

    fn visit(&mut self, node: Node<'_>) {
        match node.kind() {
            "command_substitution" | "process_substitution" | "heredoc_body" | "string" | "raw_string" => {}
            "list" => self.list(node),
            "pipeline" => self.pipeline(node),
            "command" => self.nested(node),
            "program" | "subshell" | "compound_statement" | "do_group" => {
                self.sequence(&children(node));
                self.each(node);
            }
            "if_statement" | "while_statement" | "elif_clause" => {
                // A condition's status is used.
                let mut cursor = node.walk();
                let conditions: Vec<_> = node.children_by_field_name("condition", &mut cursor).collect();
                let first = (node.kind() == "elif_clause").then(|| node.named_child(0)).flatten();
                for child in children(node) {
                    if !conditions.contains(&child) && first != Some(child) {
                        self.visit(child);
                    }
                }
            }
            _ => self.each(node),
        }
    }

    fn each(&mut self, node: Node<'_>) {
        for child in children(node) {
            self.visit(child);
        }
    }

    /// `left || right` and `left && right`.
    fn list(&mut self, node: Node<'_>) {
        let (Some(left), Some(right)) = (node.named_child(0), last_child(node)) else { return };
        let operator = node.child(1).map(|operator| self.of(operator)).unwrap_or_default();
        if operator == "||" {
            // The grammar hangs a redirection of the last command on the whole list.
            let redirected = node.parent().filter(|parent| parent.kind() == "redirected_statement");
            let last = match redirected {
                Some(outer) if !redirects_harmlessly(outer, self.text) => Ending::Other,
                _ => ending(right, self.text),
            };
            match (status_check(left, self.text, self.wanted), last) {
                (Some(check), Ending::Succeeds) if !self.fails_later(node) => {
                    self.cut(check, left.end_byte()..redirected.unwrap_or(right).end_byte());
                    self.visit(left);
                    return;
                }
                (Some(check), Ending::SucceedsBusily) if !self.fails_later(node) => {
                    self.lost(check, format!("|| {}", self.of(right)));
                    self.found.unclear = true;
                }
                _ => {}
            }
        }
        self.visit(left);
        self.visit(right);
    }

    /// Whether a later command of the text fails on purpose: the result is judged there.
    fn fails_later(&self, node: Node<'_>) -> bool {
        let rest = self.text.get(node.end_byte()..).unwrap_or_default();
        rest.match_indices("exit ").any(|(at, _)| {
            rest.get(at + 5..)
                .is_some_and(|code| code.starts_with(['1', '2', '3', '4', '5', '6', '7', '8', '9', '$', '"']))
        })
    }

    /// `check | tee file`.
    fn pipeline(&mut self, node: Node<'_>) {
        let stages = children(node);
        let lost = tee_check(&stages, self.text, self.wanted);
        if let (Some(check), false) = (lost, self.pipefail) {
            let by = stages.last().map(|last| format!("| {}", self.of(*last))).unwrap_or_default();
            self.lost(check, by);
            self.found.needs_bash = true;
            let mut root = node;
            while let Some(parent) = root.parent() {
                root = parent;
            }
            let start = children(root).first().map_or(0, Node::start_byte) + self.base;
            let edit = ShellEdit { span: start..start, text: "set -o pipefail; ".to_owned() };
            if !self.found.edits.contains(&edit) {
                self.found.edits.push(edit);
            }
        }
        self.each(node);
    }

    /// Statements one after another: `check; exit 0`, `set +e`.
    fn sequence(&mut self, statements: &[Node<'_>]) {
        let uses_status = self.text.contains("$?") || self.text.contains("PIPESTATUS");
        let off = statements.iter().position(|node| self.of(*node) == "set +e");
        let on_again = off.is_some_and(|off| {
            statements.iter().skip(off + 1).any(|node| self.of(*node).starts_with("set -e"))
        });
        let stops = self.errexit && off.is_none();
        if uses_status || on_again || stops {
            return;
        }
        let mut repaired = self.trailing_success(statements);
        if let (Some(off), true, false) = (off, self.errexit, repaired) {
            // The shell would stop at errors but for this; the last command's status counts anyway.
            let between = statements.get(off + 1..statements.len().saturating_sub(1)).unwrap_or_default();
            if let Some(check) = between.iter().find_map(|node| status_check(*node, self.text, self.wanted)) {
                self.lost(check, "set +e".to_owned());
                repaired = true;
            }
        }
        let ends =
            off.filter(|_| repaired).and_then(|off| Some((statements.get(off)?, statements.get(off + 1)?)));
        if let Some((node, next)) = ends {
            let span = node.start_byte() + self.base..next.start_byte() + self.base;
            self.found.edits.push(ShellEdit { span, text: String::new() });
        }
    }

    /// `check; exit 0`, `check; true`. Whether there was one.
    fn trailing_success(&mut self, statements: &[Node<'_>]) -> bool {
        let [.., before, last] = statements else { return false };
        if !matches!(self.of(*last), "true" | ":" | "exit 0") {
            return false;
        }
        if let Some(check) = status_check(*before, self.text, self.wanted) {
            let mut start = before.end_byte();
            let mut token = last.prev_sibling();
            while let Some(comment) = token.filter(|token| token.start_byte() >= before.end_byte()) {
                if comment.kind() == "comment" {
                    start = comment.end_byte();
                    break;
                }
                token = comment.prev_sibling();
            }
            self.cut(check, start..last.end_byte());
            return true;
        }
        let earlier = statements.get(..statements.len() - 1).unwrap_or_default();
        if let Some(check) = earlier.iter().find_map(|node| status_check(*node, self.text, self.wanted)) {
            self.lost(check, self.of(*last).to_owned());
            self.found.unclear = true;
        }
        false
    }

    /// `bash -c "…"`.
    fn nested(&mut self, node: Node<'_>) {
        let parts = children(node);
        let words: Vec<&str> = parts.iter().map(|part| self.of(*part)).collect();
        let [program, flag, ..] = words.as_slice() else { return };
        let Some(script) = parts.get(2).filter(|part| matches!(part.kind(), "string" | "raw_string")) else {
            return;
        };
        if !matches!(*program, "bash" | "sh" | "/bin/bash" | "/bin/sh")
            || !flag.starts_with('-')
            || !flag.ends_with('c')
        {
            return;
        }
        let quoted = self.of(*script);
        let Some(inner) = quoted.get(1..quoted.len().saturating_sub(1)).filter(|inner| !inner.contains('\\'))
        else {
            return;
        };
        let Some(tree) = parse(inner) else { return };
        let defaults = Defaults { errexit: flag.contains('e'), pipefail: false };
        let mut walk = Walk::new(inner, self.base + script.start_byte() + 1, defaults, self.wanted);
        walk.visit(tree.root_node());
        // Bash knows `pipefail`, wherever it was started from.
        self.found.needs_bash |= walk.found.needs_bash && !program.ends_with("bash");
        self.found.unclear |= walk.found.unclear;
        self.found.checks.append(&mut walk.found.checks);
        self.found.by.append(&mut walk.found.by);
        self.found.edits.append(&mut walk.found.edits);
    }
}

/// The named children, comments left out.
fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|child| child.kind() != "comment").collect()
}

fn last_child(node: Node<'_>) -> Option<Node<'_>> {
    children(node).pop()
}

/// The check whose status is the status of a statement.
fn status_check(node: Node<'_>, text: &str, wanted: Wanted) -> Option<Check> {
    match node.kind() {
        "command" if node.next_sibling().is_some_and(|token| token.kind() == "&") => None,
        "command" => wanted(node, text),
        "redirected_statement" => status_check(node.child_by_field_name("body")?, text, wanted),
        "list" => {
            let parts = children(node);
            let and = node.child(1).is_some_and(|operator| operator.kind() == "&&");
            let right = parts.last().and_then(|right| status_check(*right, text, wanted));
            right.or_else(|| parts.first().filter(|_| and).and_then(|left| status_check(*left, text, wanted)))
        }
        "pipeline" => {
            let stages = children(node);
            tee_check(&stages, text, wanted).or_else(|| status_check(*stages.last()?, text, wanted))
        }
        "subshell" | "compound_statement" => status_check(last_child(node)?, text, wanted),
        _ => None,
    }
}

/// The check before a final `| tee`.
fn tee_check(stages: &[Node<'_>], text: &str, wanted: Wanted) -> Option<Check> {
    let (last, before) = stages.split_last()?;
    let name = last.child_by_field_name("name")?;
    if text.get(name.byte_range()) != Some("tee") {
        return None;
    }
    before.iter().find_map(|stage| status_check(*stage, text, wanted))
}

/// Whether a statement's output goes to the log or to nowhere: in a file, somebody may look for it.
fn redirects_harmlessly(node: Node<'_>, text: &str) -> bool {
    children(node).iter().skip(1).all(|redirect| {
        redirect
            .child_by_field_name("destination")
            .and_then(|to| text.get(to.byte_range()))
            .is_some_and(|to| matches!(to, "/dev/null" | "/dev/stderr" | "/dev/stdout" | "1" | "2"))
    })
}

/// What a statement on the right of `||` does.
fn ending(node: Node<'_>, text: &str) -> Ending {
    let of = |node: Node<'_>| text.get(node.byte_range()).unwrap_or_default();
    match node.kind() {
        "command" => {
            let name = node.child_by_field_name("name").map(of).unwrap_or_default();
            match name {
                "true" | ":" | "/bin/true" | "echo" | "printf" => Ending::Succeeds,
                "exit" if of(node) == "exit 0" => Ending::Succeeds,
                _ => Ending::Other,
            }
        }
        "redirected_statement" => match node.child_by_field_name("body") {
            Some(body) if redirects_harmlessly(node, text) => ending(body, text),
            _ => Ending::Other,
        },
        "list" => {
            let parts = children(node);
            let both = |a: Ending, b: Ending| if a == b { a } else { Ending::Other };
            match (parts.first(), parts.last()) {
                (Some(left), Some(right)) => both(ending(*left, text), ending(*right, text)),
                _ => Ending::Other,
            }
        }
        "subshell" | "compound_statement" => {
            let parts = children(node);
            let Some((last, before)) = parts.split_last() else { return Ending::Other };
            let quiet = before.iter().all(|part| ending(*part, text) == Ending::Succeeds);
            match ending(*last, text) {
                Ending::Succeeds if quiet => Ending::Succeeds,
                Ending::Other => Ending::Other,
                _ if of(node).contains("exit 1") => Ending::Other,
                _ => Ending::SucceedsBusily,
            }
        }
        _ => Ending::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_of_cases_holds() {
        #[derive(serde::Deserialize)]
        struct Case {
            command: String,
            finding: bool,
            rewrite: Option<String>,
            needs: Option<String>,
        }
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/shell-cases.json")).unwrap();
        assert!(cases.len() > 60);
        for case in cases {
            let found = masked(&case.command, Defaults::PLAIN);
            assert_eq!(found.is_some(), case.finding, "{}: {found:?}", case.command);
            let Some(found) = found else { continue };
            assert_eq!(case.rewrite.is_none(), found.unclear, "{}: {found:?}", case.command);
            assert_eq!(found.needs_bash, case.needs.is_some(), "{}", case.command);
            if let Some(rewrite) = case.rewrite {
                assert_eq!(found.repaired(&case.command), rewrite);
                assert_eq!(
                    masked(&rewrite, Defaults::PLAIN),
                    None,
                    "a second run finds nothing in {rewrite}"
                );
            }
        }
    }

    #[test]
    fn a_shell_that_stops_at_errors_is_stricter() {
        let strict = Defaults { errexit: true, pipefail: false };
        assert_eq!(masked("npm test\nexit 0", strict), None);
        let found = masked("set +e\nnpm test\necho done", strict).unwrap();
        assert_eq!(found.repaired("set +e\nnpm test\necho done"), "npm test\necho done");
        assert_eq!(masked("set +e\nnpm test\ncode=$?\nset -e\nexit $code", strict), None);
        assert_eq!(masked("npm test | tee log", Defaults { errexit: true, pipefail: true }), None);
    }

    #[test]
    fn scans_are_known_apart_from_checks() {
        for (text, rewrite) in [
            ("npm audit --omit=dev || true", Some("npm audit --omit=dev")),
            ("npx audit-ci --high; exit 0", Some("npx audit-ci --high")),
            ("yarn npm audit || echo odd", Some("yarn npm audit")),
            ("npm audit fix || true", None),
            ("snyk monitor || true", None),
            ("yarn audit --level high || [ $? -lt 8 ]", None),
            ("npm test || true", None),
        ] {
            let found = masked_scan(text, Defaults::PLAIN);
            assert_eq!(found.map(|found| found.repaired(text)).as_deref(), rewrite, "{text}");
        }
        assert_eq!(masked("npm audit || true", Defaults::PLAIN), None);
    }

    #[test]
    fn checks_are_told_with_their_script() {
        let found = masked("cd app && npm run test:e2e -- --ci || true", Defaults::PLAIN).unwrap();
        let check = &found.checks[0];
        assert_eq!(check.text, "npm run test:e2e -- --ci");
        let script = check.script.as_ref().unwrap();
        assert_eq!((script.name.as_str(), script.folder.as_deref()), ("test:e2e", Some("app")));
    }
}
