//! The command lists of an app's builds: where packages are installed, and where the CDK is run.

use crate::edit::Builder;
use crate::model::command::{yaml_key, yaml_pairs, yaml_sibling};
use crate::model::meaning::words;
use crate::model::props::own_entry;
use crate::model::{Command, Model, Runner};
use crate::source::Language;
use crate::syntax::{Literal, Syn};

/// What installs the packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manager {
    /// npm.
    Npm,
    /// Yarn, of any age.
    Yarn,
    /// pnpm.
    Pnpm,
}

/// A command of a build, alone in its item of a list or on its line of a script.
#[derive(Debug, Clone)]
pub(super) struct Line<'a> {
    /// The literal.
    pub node: Syn<'a>,
    /// What runs it.
    pub command: Command<'a>,
    /// The command.
    pub text: String,
    /// Where it stands in the file.
    pub at: usize,
}

/// The manager whose install a command is: of everything, and where the command stands.
pub(super) fn installer(text: &str) -> Option<Manager> {
    let mut words = text.split_whitespace();
    let manager = match words.next()? {
        "npm" => Manager::Npm,
        "yarn" => Manager::Yarn,
        "pnpm" => Manager::Pnpm,
        _ => return None,
    };
    let rest: Vec<&str> = words.collect();
    let verbs: &[&str] = match manager {
        Manager::Npm => &["ci", "install", "i", "clean-install"],
        Manager::Yarn => &["install"],
        Manager::Pnpm => &["install", "i"],
    };
    let flags = match rest.split_first() {
        Some((verb, flags)) if verbs.contains(verb) => flags,
        // Yarn alone installs.
        _ if manager == Manager::Yarn => rest.as_slice(),
        _ => return None,
    };
    let here = |flag: &&str| {
        let elsewhere =
            ["-g", "--global", "--prefix", "-C", "--cwd", "--dir", "-w", "--workspace", "--filter"];
        flag.starts_with('-') && !elsewhere.contains(&flag.split('=').next().unwrap_or(flag))
    };
    flags.iter().all(here).then_some(manager)
}

/// Whether a command synthesises or deploys with the CDK.
pub(super) fn runs_cdk(text: &str) -> bool {
    let text = text.trim();
    let verb = ["cdk synth", "cdk deploy", "cdk -- synth", "cdk -- deploy"];
    verb.iter().any(|verb| text.contains(verb)) && !text.contains(['|', ';']) && !text.contains("&&")
}

/// The lines of the app's builds that a test holds for: those of pipelines first, then those of workflows.
pub(super) fn lines<'a>(model: &Model<'a>, wanted: impl Fn(&str) -> bool) -> Vec<Line<'a>> {
    let mut found: Vec<Line<'a>> = Vec::new();
    for file in &model.app.files {
        let yaml = file.candidate.language == Language::Yaml;
        let may = |text: &str| ["npm", "yarn", "pnpm", "cdk"].iter().any(|word| text.contains(word));
        if !(yaml || file.speaks_cdk()) || !file.text().is_ok_and(|text| may(text)) {
            continue;
        }
        let Some(parsed) = file.parsed() else { continue };
        let root = Syn::root(parsed);
        for at in ["npm", "yarn", "pnpm", "cdk"].iter().flat_map(|word| words(root, word)) {
            let Some(token) = root.at(at) else { continue };
            let around = std::iter::once(token).chain(token.ancestors());
            let Some(node) = around.into_iter().find(|node| is_literal(*node)) else { continue };
            if !found.iter().any(|line| line.node == node) {
                found.extend(line(model, node, &wanted));
            }
        }
    }
    found.sort_by_key(|line| matches!(line.command.runner, Runner::Workflow | Runner::GitLab));
    found
}

fn is_literal(node: Syn<'_>) -> bool {
    matches!(
        node.kind(),
        "string" | "plain_scalar" | "single_quote_scalar" | "double_quote_scalar" | "block_scalar"
    )
}

/// The first line of a literal that a test holds for, where its folder is the app's.
pub(super) fn line<'a>(model: &Model<'a>, node: Syn<'a>, wanted: &dyn Fn(&str) -> bool) -> Option<Line<'a>> {
    let literal = Literal::of(node)?;
    let text = literal.text.lines().find(|line| wanted(line.trim()))?.trim().to_owned();
    let several = literal.text.trim().contains('\n');
    // A line of a quoted text cannot be added to without a look at its escapes.
    if several && !node.is("block_scalar") || !several && literal.text.trim() != text {
        return None;
    }
    // A build specification of Amplify is that of a web site.
    let site = yaml_pairs(node)
        .last()
        .is_some_and(|top| matches!(yaml_key(*top), "frontend" | "backend" | "applications"));
    let command = model.command(node).filter(|_| !site)?;
    let runs = matches!(command.runner, Runner::CodeBuild | Runner::Step | Runner::Workflow | Runner::GitLab);
    let offset = literal.text.find(&text)?;
    let before = literal.text.get(..offset).unwrap_or_default();
    let moved = before.lines().any(|line| line.contains("cd ")) || is_moved(&command, node);
    let at = literal.source(&(offset..offset + text.len()))?.start;
    (runs && !moved).then_some(Line { node, command, text, at })
}

/// Whether an earlier command of the list, or a setting, goes to another folder.
fn is_moved(command: &Command<'_>, node: Syn<'_>) -> bool {
    if command.runner == Runner::Workflow {
        return node.file.text.contains("working-directory");
    }
    let list = command.list.into_iter().flat_map(Syn::children);
    list.filter(|item| item.end() <= node.start())
        .any(|item| item.text().contains("cd ") || item.text().contains("pushd "))
}

/// Adds a command behind another.
pub(super) fn add_after<'a>(b: &mut Builder<'_, 'a>, line: &Line<'a>, code: &str) -> Option<()> {
    if line.node.file.language.is_script() {
        let quoted = b.style(line.node.file).string(code);
        b.insert_element_after(element(line)?, &quoted);
        return Some(());
    }
    if line.node.is("block_scalar") {
        b.insert_lines_after(line.node, line.at, line.at, code);
        return Some(());
    }
    let item = own_item(line.node)?;
    let text = match line.command.runner {
        Runner::Workflow if is_named(line.node) => {
            format!("- name: Look for known vulnerabilities\n  run: {code}")
        }
        Runner::Workflow => format!("- run: {code}"),
        _ => format!("- {}", yaml_text(code)),
    };
    // Behind the whole step, which may have more keys than `run`; a comment below it belongs to what follows.
    b.insert_lines_after(item, item.start(), last_end(item), &text);
    Some(())
}

/// Where the last token of a node ends that is no comment.
pub(super) fn last_end(node: Syn<'_>) -> usize {
    node.tokens().filter(|token| !token.is("comment")).last().map_or(node.end(), last_end)
}

/// Adds a command before another.
pub(super) fn add_before<'a>(b: &mut Builder<'_, 'a>, line: &Line<'a>, code: &str) -> Option<()> {
    if line.node.file.language.is_script() {
        let quoted = b.style(line.node.file).string(code);
        b.insert_element_before(element(line)?, &quoted);
        return Some(());
    }
    if line.node.is("block_scalar") {
        b.insert_lines_before(line.node, line.at, code);
        return Some(());
    }
    let item = own_item(line.node)?;
    let text = match line.command.runner {
        Runner::Workflow if is_named(line.node) => format!("- name: Check the templates\n  run: {code}"),
        Runner::Workflow => format!("- run: {code}"),
        _ => format!("- {}", yaml_text(code)),
    };
    b.insert_lines_before(item, item.start(), &text);
    Some(())
}

/// What runs a command, for messages.
pub(super) fn runner(command: &Command<'_>) -> String {
    match command.runner {
        Runner::PackageScript => format!("Script {}", command.owner),
        Runner::Workflow => format!("Step {}", command.owner),
        Runner::GitLab => format!("Job {}", command.owner),
        _ => command.owner.clone(),
    }
}

/// A command as a YAML scalar.
fn yaml_text(code: &str) -> String {
    if code.contains(": ")
        || code.contains(" #")
        || code.contains('"')
        || code.starts_with(['[', '{', '*', '&', '!'])
    {
        format!("'{}'", code.replace('\'', "''"))
    } else {
        code.to_owned()
    }
}

/// The element of the array that a line of TypeScript is.
fn element<'a>(line: &Line<'a>) -> Option<Syn<'a>> {
    line.node.parent().filter(|parent| parent.is("array")).map(|_| line.node)
}

/// The item of the block sequence that a line of YAML is, or is the `run` of.
fn own_item(node: Syn<'_>) -> Option<Syn<'_>> {
    node.ancestors()
        .take_while(|outer| !outer.is("flow_sequence"))
        .find(|outer| outer.is("block_sequence_item"))
}

/// Whether a command can be added beside a line.
pub(super) fn has_place(line: &Line<'_>) -> bool {
    if line.node.file.language.is_script() {
        element(line).is_some()
    } else {
        own_item(line.node).is_some() || line.node.is("block_scalar")
    }
}

/// The first command of the `pre_build` phase of a build specification whose `install` phase has a line.
pub(super) fn before_build<'a>(line: &Line<'a>) -> Option<Syn<'a>> {
    let phases = own_entry(line.command.spec?, "phases").filter(|phases| phases.is("object"))?;
    own_entry(phases, "install").filter(|install| install.span().contains(&line.node.start()))?;
    let commands = own_entry(own_entry(phases, "pre_build")?, "commands")?;
    commands.first().filter(|_| commands.is("array")).filter(|first| first.is("string"))
}

/// Whether a step of a workflow is named.
fn is_named(node: Syn<'_>) -> bool {
    node.ancestors()
        .find(|outer| outer.is("block_mapping_pair") && yaml_key(*outer) == "run")
        .is_some_and(|run| yaml_sibling(run, "name").is_some())
}

#[cfg(test)]
mod tests {
    use super::{Manager, installer, runs_cdk};

    #[test]
    fn installs_of_everything_are_told_from_others() {
        for (text, manager) in [
            ("npm ci", Some(Manager::Npm)),
            ("npm install --no-audit", Some(Manager::Npm)),
            ("yarn", Some(Manager::Yarn)),
            ("yarn --frozen-lockfile", Some(Manager::Yarn)),
            ("pnpm i", Some(Manager::Pnpm)),
            ("npm install -g aws-cdk", None),
            ("npm install typescript", None),
            ("npm ci --prefix app", None),
            ("yarn build", None),
            ("pnpm", None),
            ("npm ci && npm test", None),
        ] {
            assert_eq!(installer(text), manager, "{text}");
        }
    }

    #[test]
    fn the_cdk_is_seen_at_work() {
        assert!(runs_cdk("npx cdk synth") && runs_cdk("npm run cdk -- deploy --all"));
        assert!(!runs_cdk("npx cdk synth && cp cdk.out x") && !runs_cdk("npm install -g aws-cdk"));
    }
}
