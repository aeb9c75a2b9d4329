//! Which shell commands are checks: tests, linters, type checks, builds, deployments. Their failure has to stop
//! a pipeline. Everything else (`rm`, `grep`, `docker stop`) may fail for good reasons.
//!
//! Vulnerability scanners (`npm audit`, `snyk`, `trivy`) are no checks here: a new advisory fails them without a
//! change of the code, so whether they stop a release is a decision of its own. They are known apart, as scans.

use std::ops::Range;

use tree_sitter::Node;

/// A command that checks something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The command as written.
    pub text: String,
    /// Where it starts in the whole text.
    pub at: usize,
    /// The script of package.json that it runs, if that is what it does.
    pub script: Option<Script>,
}

/// A script of package.json that a command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// `npm`, `yarn`, `pnpm`, `bun`.
    pub manager: String,
    /// Its name.
    pub name: String,
    /// Where the name stands, from the start of the command.
    pub span: Range<usize>,
    /// The folder that a `cd` of the same text goes to before.
    pub folder: Option<String>,
    /// Whether the package.json cannot be told: workspaces, `--prefix`, several `cd`.
    pub elsewhere: bool,
}

/// Parts of a script's or a file's name that say it checks something.
const VERBS: [&str; 22] = [
    "test",
    "tests",
    "lint",
    "tsc",
    "typecheck",
    "check",
    "checks",
    "build",
    "compile",
    "bundle",
    "synth",
    "deploy",
    "validate",
    "verify",
    "e2e",
    "jest",
    "vitest",
    "mocha",
    "eslint",
    "coverage",
    "integration",
    "unit",
];

/// Parts that say a script is about something else, whatever follows.
const NOT_CHECKS: [&str; 12] = [
    "clean", "clear", "start", "stop", "watch", "fix", "report", "reports", "audit", "update", "setup",
    "teardown",
];

/// Programs that are checks whatever their arguments.
const PROGRAMS: [&str; 33] = [
    "tsc",
    "vue-tsc",
    "jest",
    "vitest",
    "mocha",
    "ava",
    "cypress",
    "playwright",
    "eslint",
    "tslint",
    "stylelint",
    "biome",
    "pytest",
    "tox",
    "nox",
    "mypy",
    "pyright",
    "flake8",
    "pylint",
    "mvn",
    "mvnw",
    "gradle",
    "gradlew",
    "cfn-lint",
    "cfn_nag",
    "cfn_nag_scan",
    "checkov",
    "tflint",
    "semgrep",
    "rspec",
    "phpunit",
    "golangci-lint",
    "shellcheck",
];

/// Programs that are checks with one of these as a later word.
const WITH: [(&str, &[&str]); 15] = [
    ("cdk", &["synth", "synthesize", "deploy"]),
    ("go", &["test", "vet", "build"]),
    ("cargo", &["test", "clippy", "check", "build", "nextest"]),
    ("dotnet", &["test", "build", "publish"]),
    ("prettier", &["--check", "-c", "--list-different", "-l"]),
    ("black", &["--check"]),
    ("isort", &["--check", "--check-only"]),
    ("ruff", &["check"]),
    ("make", &["test", "tests", "lint", "check", "build", "validate", "verify", "deploy"]),
    ("just", &["test", "lint", "check", "build"]),
    ("terraform", &["validate", "apply"]),
    ("sam", &["validate", "build", "deploy"]),
    ("serverless", &["deploy", "package"]),
    ("nx", &["test", "lint", "build", "affected"]),
    ("turbo", &["test", "lint", "build", "typecheck"]),
];

/// A command as a shell sees it, without what only runs it (`npx`, `sudo`, `FOO=1`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name and its arguments, quotes around a whole word taken off.
    pub words: Vec<String>,
    /// Where each word stands, quotes included.
    pub places: Vec<Range<usize>>,
    /// The whole command in the text, prefixes included.
    pub span: Range<usize>,
    /// Whether it is a statement by itself: no part of a list, a pipeline, a substitution or a redirection.
    pub alone: bool,
    /// The script of package.json that it runs, if that is what it does.
    pub script: Option<Script>,
}

impl Program {
    /// Its name without its folder.
    pub fn name(&self) -> &str {
        let name = self.words.first().map(String::as_str).unwrap_or_default();
        name.rsplit('/').next().unwrap_or(name)
    }

    /// Whether one of its arguments is one of these words.
    pub fn has(&self, words: &[&str]) -> bool {
        self.words.iter().skip(1).any(|word| words.contains(&word.as_str()))
    }
}

struct Word<'t> {
    text: &'t str,
    span: Range<usize>,
}

/// The program that a `command` node runs.
pub(super) fn program_of(node: Node<'_>, text: &str) -> Option<Program> {
    let words = words(node, text);
    let mut rest = words.as_slice();
    while let Some(shorter) = without_prefix(rest) {
        rest = shorter;
    }
    let (head, arguments) = rest.split_first()?;
    let script = script_of(head, arguments).map(|mut script| {
        place(&mut script, node, text);
        script
    });
    let words = rest.iter().map(|word| word.text.to_owned()).collect();
    let places = rest.iter().map(|word| word.span.clone()).collect();
    let assigns = node.named_child(0).is_some_and(|first| first.kind() == "variable_assignment");
    let own = node.parent().is_some_and(|parent| parent.kind() == "program");
    let background = node.next_sibling().is_some_and(|token| token.kind() == "&");
    let alone = own && !assigns && !background;
    Some(Program { words, places, span: node.byte_range(), alone, script })
}

/// The check that a `command` node runs.
pub(super) fn check_of(node: Node<'_>, text: &str) -> Option<Check> {
    let words = words(node, text);
    let mut rest = words.as_slice();
    while let Some(shorter) = without_prefix(rest) {
        rest = shorter;
    }
    let (head, arguments) = rest.split_first()?;
    let script = script_of(head, arguments);
    let found = match &script {
        Some(script) => is_check_name(&script.name),
        None => is_check_program(head.text, arguments),
    };
    found.then(|| {
        let script = script.map(|mut script| {
            place(&mut script, node, text);
            script.span = script.span.start.saturating_sub(node.start_byte())
                ..script.span.end.saturating_sub(node.start_byte());
            script
        });
        Check {
            text: text.get(node.byte_range()).unwrap_or_default().to_owned(),
            at: node.start_byte(),
            script,
        }
    })
}

/// Programs that look for known vulnerabilities, with the words one of which says so; none where the name does.
const SCANNERS: [(&str, &[&str]); 17] = [
    ("npm", &["audit"]),
    ("yarn", &["audit"]),
    ("pnpm", &["audit"]),
    ("bun", &["audit"]),
    ("cargo", &["audit"]),
    ("audit-ci", &[]),
    ("better-npm-audit", &[]),
    ("snyk", &["test", "code", "iac", "container"]),
    ("trivy", &[]),
    ("grype", &[]),
    ("osv-scanner", &[]),
    ("dependency-check", &[]),
    ("dependency-check.sh", &[]),
    ("pip-audit", &[]),
    ("safety", &["check", "scan"]),
    ("bandit", &[]),
    ("njsscan", &[]),
];

/// The vulnerability scan that a `command` node runs.
pub(super) fn scan_of(node: Node<'_>, text: &str) -> Option<Check> {
    let words = words(node, text);
    let mut rest = words.as_slice();
    while let Some(shorter) = without_prefix(rest) {
        rest = shorter;
    }
    let (head, arguments) = rest.split_first()?;
    let name = head.text.rsplit('/').next().unwrap_or(head.text);
    let (_, with) = SCANNERS.iter().find(|(program, _)| *program == name)?;
    let says = |list: &[&str]| arguments.iter().any(|word| list.contains(&word.text));
    let is_scan =
        (with.is_empty() || says(with)) && !says(&["fix", "--fix", "--version", "--help", "signatures"]);
    is_scan.then(|| Check {
        text: text.get(node.byte_range()).unwrap_or_default().to_owned(),
        at: node.start_byte(),
        script: None,
    })
}

/// The name and the arguments of a command, quotes taken off.
fn words<'t>(node: Node<'_>, text: &'t str) -> Vec<Word<'t>> {
    let mut cursor = node.walk();
    let parts = node.named_children(&mut cursor);
    parts
        .filter(|part| !matches!(part.kind(), "variable_assignment" | "file_redirect" | "comment"))
        .map(|part| {
            let word = text.get(part.byte_range()).unwrap_or_default();
            Word { text: word.trim_matches(['"', '\'']), span: part.byte_range() }
        })
        .collect()
}

/// The words behind something that only runs the next command.
fn without_prefix<'w, 't>(words: &'w [Word<'t>]) -> Option<&'w [Word<'t>]> {
    let (head, rest) = words.split_first()?;
    let first = rest.first().map(|word| word.text).unwrap_or_default();
    let skipped = match head.text {
        "sudo" | "time" | "npx" | "bunx" | "env" | "cross-env" | "nice" | "dotenv" | "xvfb-run" | "exec" => {
            rest.iter().take_while(|word| word.text.starts_with('-') || is_assignment(word.text)).count()
        }
        "npm" | "pnpm" | "yarn" if matches!(first, "exec" | "dlx" | "x") => {
            1 + rest.iter().skip(1).take_while(|word| word.text.starts_with('-')).count()
        }
        "timeout" => 1,
        "poetry" | "pipenv" | "uv" | "hatch" | "rye" if first == "run" => 1,
        "python" | "python3" if first == "-m" => 1,
        _ => return None,
    };
    rest.get(skipped..).filter(|rest| !rest.is_empty())
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// `npm run x`, `yarn x`, `pnpm test`.
fn script_of(head: &Word<'_>, arguments: &[Word<'_>]) -> Option<Script> {
    if !matches!(head.text, "npm" | "yarn" | "pnpm" | "bun") {
        return None;
    }
    let elsewhere = arguments.iter().take_while(|word| word.text != "--").any(|word| {
        let name = word.text.split('=').next().unwrap_or_default();
        matches!(
            name,
            "--prefix"
                | "-C"
                | "--dir"
                | "--cwd"
                | "-w"
                | "-ws"
                | "--workspace"
                | "--workspaces"
                | "--filter"
                | "-r"
                | "-F"
        ) || name == "workspace"
            || name == "workspaces"
    });
    let takes_value = |word: &str| {
        matches!(word, "--prefix" | "-C" | "--dir" | "--cwd" | "-w" | "--workspace" | "--filter" | "-F")
    };
    let mut skip_next = false;
    let mut plain = arguments.iter().filter(|word| {
        if skip_next {
            skip_next = false;
            return false;
        }
        skip_next = takes_value(word.text);
        !word.text.starts_with('-')
    });
    let mut first = plain.next()?;
    if first.text == "workspace" {
        plain.next()?;
        first = plain.next()?;
    }
    let word = match (head.text, first.text) {
        (_, "run" | "run-script") => plain.next()?,
        (_, "test" | "t" | "tst") | ("yarn" | "pnpm", _) => first,
        _ => return None,
    };
    let name = if matches!(word.text, "t" | "tst") { "test" } else { word.text };
    Some(Script {
        manager: head.text.to_owned(),
        name: name.to_owned(),
        span: word.span.clone(),
        folder: None,
        elsewhere,
    })
}

/// Where a script's package.json is: behind the `cd`s that come before in the text.
fn place(script: &mut Script, node: Node<'_>, text: &str) {
    match folder_at(text, node.start_byte()) {
        Some(folder) => script.folder = folder,
        None => script.elsewhere = true,
    }
}

/// The folder that the `cd` before a place of a text goes to, if there is one; `None` where it cannot be told.
pub fn folder_at(text: &str, at: usize) -> Option<Option<String>> {
    let before = text.get(..at).unwrap_or_default();
    let mut folders =
        before.split(['&', ';', '\n', '(', '|', '{']).filter_map(|part| part.trim().strip_prefix("cd "));
    let folder = folders.next().map(|folder| folder.trim().trim_matches(['"', '\'']).to_owned());
    let odd = folder.as_deref().is_some_and(|folder| folder.contains(['$', '~', 'X', '`']));
    (!odd && folders.next().is_none() && !before.contains("pushd ")).then_some(folder)
}

fn is_check_name(name: &str) -> bool {
    let parts: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .map(str::to_ascii_lowercase)
        .filter(|part| !part.is_empty())
        .collect();
    let has = |list: &[&str]| parts.iter().any(|part| list.contains(&part.as_str()));
    let camel = name.to_ascii_lowercase();
    let is_type_check =
        camel.contains("typecheck") || camel.contains("type-check") || camel.contains("types:check");
    (has(&VERBS) || is_type_check) && !has(&NOT_CHECKS)
}

fn is_check_program(head: &str, arguments: &[Word<'_>]) -> bool {
    let name = head.rsplit('/').next().unwrap_or(head);
    if PROGRAMS.contains(&name) {
        return !arguments
            .iter()
            .any(|word| matches!(word.text, "--version" | "--help" | "--fix" | "--init"));
    }
    if name == "unittest" {
        return true;
    }
    if let Some((_, with)) = WITH.iter().find(|(program, _)| *program == name) {
        return arguments.iter().any(|word| with.contains(&word.text));
    }
    // A file of the project: `./scripts/run-tests.sh`, `bash scripts/build.sh`, `python scripts/validate.py`.
    let file = match name {
        "bash" | "sh" | "zsh" | "python" | "python3" | "node" | "ts-node" | "tsx" => {
            arguments.first().map(|word| word.text)
        }
        _ => Some(head).filter(|head| head.contains(['/', '.'])),
    };
    file.is_some_and(|file| {
        let stem = file.rsplit('/').next().unwrap_or(file);
        stem.contains('.') && stem.rsplit_once('.').is_some_and(|(stem, _)| is_check_name(stem))
    })
}
