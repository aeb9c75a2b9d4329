//! What a Makefile runs: its rules with their recipes, as far as they are written out.

use super::shell::{Defaults, Program, programs};

/// The names that make looks for, in its order.
pub const MAKEFILES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];

/// The rules of a Makefile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Makefile {
    rules: Vec<MakeRule>,
    /// How the shell of its recipes treats failures.
    pub shell: Defaults,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct MakeRule {
    targets: Vec<String>,
    needs: Vec<String>,
    recipe: Vec<RecipeLine>,
}

/// One command line of a recipe, with what continues it: a shell of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeLine {
    /// What the shell gets, as long as it is in the file: the signs for make stand as blanks, its variables as letters.
    pub text: String,
    /// Where it starts in the file.
    pub at: usize,
    /// Where in `text` the `-` stood that has make go on when the line fails.
    pub ignored: Option<usize>,
}

/// What changes how recipes are read: such files are not.
const ODD: [&str; 4] = [".RECIPEPREFIX", ".ONESHELL", ".IGNORE", ".SECONDEXPANSION"];

/// Directives that stand between the lines of a recipe without ending it.
const CONDITIONS: [&str; 6] = ["ifeq", "ifneq", "ifdef", "ifndef", "else", "endif"];

impl Makefile {
    /// Reads a Makefile; `None` where its recipes are not what they look like.
    pub fn of(text: &str) -> Option<Self> {
        if ODD.iter().any(|word| text.contains(word)) {
            return None;
        }
        let mut rules: Vec<MakeRule> = Vec::new();
        let mut in_rule = false;
        let mut defines = false;
        for (at, line) in logical_lines(text) {
            let first = line.split_whitespace().next().unwrap_or_default();
            if defines || first == "define" {
                defines = first != "endef";
                in_rule = false;
            } else if let Some(recipe) = line.strip_prefix('\t') {
                if let Some(rule) = rules.last_mut().filter(|_| in_rule && !recipe.trim().is_empty()) {
                    rule.recipe.push(RecipeLine::of(recipe, at + 1));
                }
            } else if !first.is_empty() && !first.starts_with('#') && !CONDITIONS.contains(&first) {
                let rule = rule_of(line);
                in_rule = rule.is_some();
                rules.extend(rule);
            }
        }
        let flags = text.lines().find(|line| line.starts_with(".SHELLFLAGS")).unwrap_or_default();
        let errexit = flags.split_whitespace().any(|flag| {
            flag.strip_prefix('-').is_some_and(|letters| !letters.starts_with('-') && letters.contains('e'))
        });
        Some(Self { rules, shell: Defaults { errexit, pipefail: flags.contains("pipefail") } })
    }

    /// The target that make takes where none is named.
    pub fn default_target(&self) -> Option<&str> {
        let mut targets = self.rules.iter().flat_map(|rule| &rule.targets);
        targets.find(|target| !target.starts_with('.') && !target.contains(['%', '$'])).map(String::as_str)
    }

    /// What make runs for a target: the recipes of what the target needs, then its own. Nothing where there is no such target.
    pub fn recipe_of(&self, target: &str) -> Vec<&RecipeLine> {
        let (mut lines, mut seen) = (Vec::new(), Vec::new());
        self.gather(target, &mut seen, &mut lines);
        lines
    }

    fn gather<'m>(&'m self, target: &str, seen: &mut Vec<String>, lines: &mut Vec<&'m RecipeLine>) {
        if seen.iter().any(|other| other == target) {
            return;
        }
        seen.push(target.to_owned());
        let own = || self.rules.iter().filter(|rule| rule.targets.iter().any(|other| other == target));
        for need in own().flat_map(|rule| &rule.needs) {
            self.gather(need, seen, lines);
        }
        for line in own().flat_map(|rule| &rule.recipe) {
            let calls = programs(&line.text).unwrap_or_default();
            for call in calls.iter().filter_map(MakeCall::of).filter(|call| call.folder.is_none()) {
                for target in call.targets {
                    self.gather(target, seen, lines);
                }
            }
            if !lines.iter().any(|other| other.at == line.at) {
                lines.push(line);
            }
        }
    }
}

/// A call of make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakeCall<'p> {
    /// The folder whose Makefile it reads, where it names one.
    pub folder: Option<&'p str>,
    /// The targets that it names.
    pub targets: Vec<&'p str>,
}

impl<'p> MakeCall<'p> {
    /// The call that a program is; `None` where it is none, or reads another file, only says what it would do, or makes what is computed.
    pub fn of(program: &'p Program) -> Option<Self> {
        if !matches!(program.name(), "make" | "gmake") {
            return None;
        }
        let mut call = Self { folder: None, targets: Vec::new() };
        let mut words = program.words.iter().skip(1).map(String::as_str);
        while let Some(word) = words.next() {
            match word {
                "-C" => call.folder = Some(words.next()?),
                "-j" | "-s" | "-B" | "--silent" | "--no-print-directory" | "--always-make" => {}
                _ if word.starts_with("-j") => {}
                _ if word.starts_with('-') => return None,
                // A number behind `-j` is no target.
                _ if word.contains('=') || word.bytes().all(|byte| byte.is_ascii_digit()) => {}
                _ if word.contains('$') => return None,
                _ => call.targets.push(word),
            }
        }
        Some(call)
    }
}

impl RecipeLine {
    fn of(recipe: &str, at: usize) -> Self {
        let signs = recipe.len() - recipe.trim_start_matches(['@', '-', '+', ' ', '\t']).len();
        let (signs, command) = recipe.split_at_checked(signs).unwrap_or(("", recipe));
        let text = format!("{}{}", " ".repeat(signs.len()), as_shell(command));
        Self { text, at, ignored: signs.find('-') }
    }
}

/// The lines of a file with those that a backslash continues, each with its place and without its end.
fn logical_lines(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        at += line.len();
        let goes_on = line.trim_end_matches(['\n', '\r']).ends_with('\\');
        if !goes_on || at == text.len() {
            let whole = text.get(start..at).unwrap_or_default();
            lines.push((start, whole.trim_end_matches(['\n', '\r'])));
            start = at;
        }
    }
    lines
}

/// `targets: what they need`; `None` for whatever else a line may be.
fn rule_of(line: &str) -> Option<MakeRule> {
    let line = line.split('#').next().unwrap_or(line);
    let (targets, rest) = line.split_once(':')?;
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    // `NAME := value`, `NAME = a:b`, a variable of one target, a recipe on the same line.
    if targets.contains('=') || rest.starts_with('=') {
        return None;
    }
    let plain = !rest.contains(['=', ';', '$']);
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let needs = if plain { words(&rest.replace(['|', '\\'], " ")) } else { Vec::new() };
    Some(MakeRule { targets: words(targets), needs, recipe: Vec::new() })
}

/// A command as the shell gets it, byte for byte as long as make's: `$(MAKE)` is make, other variables of make are unknown letters, and `$$` is a
/// dollar.
fn as_shell(command: &str) -> String {
    let mut out = String::with_capacity(command.len());
    let mut rest = command;
    while let Some((before, dollar)) = rest.split_once('$') {
        out.push_str(before);
        let length = reference(dollar);
        let (name, after) = dollar.split_at_checked(length).unwrap_or((dollar, ""));
        match name {
            "$" => out.push_str(" $"),
            "(MAKE)" | "{MAKE}" => out.push_str("make   "),
            _ => out.push_str(&"X".repeat(1 + name.len())),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// How long what stands behind a `$` of make is: `(NAME)`, `{NAME}`, `@`, `$`.
fn reference(text: &str) -> usize {
    let close = match text.bytes().next() {
        Some(b'(') => ('(', ')'),
        Some(b'{') => ('{', '}'),
        _ => return text.chars().next().map_or(0, char::len_utf8),
    };
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        if character == close.0 {
            depth += 1;
        } else if character == close.1 {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::{MakeCall, Makefile};
    use crate::syntax::shell::programs;

    const TEXT: &str = "SHELL := /bin/bash
.PHONY: ci test
url = https://x

ci: lint test | out
\t@echo done

# All of them
test: unit
\t- npm run e2e -- --url $(url) \\
\t  --ci
ifdef CI
\t@-$(MAKE) report; echo $$?
endif

lint unit:
\tnpx eslint .
deploy: STAGE = dev
deploy:
\tcdk deploy
";

    #[test]
    fn recipes_are_read_with_what_their_targets_need() {
        let file = Makefile::of(TEXT).unwrap();
        assert_eq!(file.default_target(), Some("ci"));
        let texts = |target: &str| {
            file.recipe_of(target).iter().map(|line| line.text.trim().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            texts("ci"),
            [
                "npx eslint .",
                "npm run e2e -- --url XXXXXX \\\n\t  --ci",
                "make    report; echo  $?",
                "echo done"
            ]
        );
        assert_eq!(texts("deploy"), ["cdk deploy"]);
        assert_eq!(texts("nothing"), Vec::<String>::new());
        let ignored: Vec<_> = file.recipe_of("test").iter().map(|line| line.ignored).collect();
        assert_eq!(ignored, [None, Some(0), Some(1)]);
        for line in file.recipe_of("ci") {
            assert!(TEXT.get(line.at..line.at + line.text.len()).is_some_and(|text| !text.starts_with('\t')));
        }
    }

    #[test]
    fn calls_name_targets_and_a_folder() {
        let of = |text: &str| {
            let found = programs(text).unwrap();
            MakeCall::of(&found[0]).map(|call| (call.folder.map(str::to_owned), call.targets.join(" ")))
        };
        assert_eq!(of("make -j 4 STAGE=dev lint test"), Some((None, "lint test".to_owned())));
        assert_eq!(of("make -C app test"), Some((Some("app".to_owned()), "test".to_owned())));
        assert_eq!(of("make"), Some((None, String::new())));
        assert_eq!(of("make -n test"), None);
        assert_eq!(of("make $TARGET STAGE=$STAGE"), None);
        assert_eq!(of("cmake test"), None);
    }

    #[test]
    fn files_that_change_how_recipes_are_read_are_not() {
        assert_eq!(Makefile::of(".ONESHELL:\ntest:\n\tnpm test\n"), None);
        let strict = Makefile::of(".SHELLFLAGS := -eu -o pipefail -c\ntest:\n\tnpm test\n").unwrap();
        assert!(strict.shell.errexit && strict.shell.pipefail);
    }
}
