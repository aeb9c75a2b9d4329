//! What a build does twice, for nothing, or carries along for nobody.

use super::portable::{installs_all, is_plain};
use crate::edit::Builder;
use crate::model::build::{spec_entry, spec_items, spec_literal, spec_pair};
use crate::model::{BuildCommand, BuildSpec, Model, Site};
use crate::syntax::shell::{Program, programs};
use crate::syntax::{Literal, Syn};

/// A test command that runs again what an earlier one ran.
pub(super) struct Twice<'a> {
    /// The earlier command.
    pub(super) first: BuildCommand<'a>,
    /// The later one.
    pub(super) again: BuildCommand<'a>,
    /// What the later one is asked besides, as its source has it.
    extra: Vec<String>,
    /// Where that goes in the earlier one.
    at: usize,
    /// Whether npm needs `--` before it.
    dashes: bool,
}

/// A run of a test tool: what it selects, and every argument.
struct Run {
    tool: String,
    selects: Vec<String>,
    program: Program,
}

/// Options that change how a run is reported, not what it runs.
const REPORTING: [&str; 10] = [
    "--coverage",
    "--ci",
    "--silent",
    "--verbose",
    "--cacheDirectory",
    "--colors",
    "--forceExit",
    "--runInBand",
    "--maxWorkers",
    "--logHeapUsage",
];

/// The tests that a build runs twice.
pub(super) fn twice<'a>(model: &Model<'a>, spec: &BuildSpec<'a>) -> Option<Twice<'a>> {
    let runs: Vec<(&BuildCommand<'a>, Run)> =
        spec.commands.iter().filter_map(|command| Some((command, run_of(model, command)?))).collect();
    for (index, (first, run)) in runs.iter().enumerate() {
        for (again, other) in runs.iter().skip(index + 1) {
            if run.tool != other.tool || run.selects != other.selects {
                continue;
            }
            let extra = extra(first, run, again, other)?;
            let end = run.program.span.end;
            let at = Literal::of(first.literal)?.source(&(end..end))?.start;
            let dashes = run.program.script.as_ref().is_some_and(|script| script.manager == "npm")
                && !run.program.has(&["--"]);
            return Some(Twice { first: (*first).clone(), again: (*again).clone(), extra, at, dashes });
        }
    }
    None
}

/// The test run that a command is, if it is nothing else.
fn run_of<'a>(model: &Model<'a>, command: &BuildCommand<'a>) -> Option<Run> {
    let found = programs(&command.text)?;
    let [program] = found.as_slice() else { return None };
    let bare = program.span.start == 0 && program.span.end == command.text.trim_end().len();
    let starts = ["npm ", "npx ", "yarn ", "pnpm ", "jest"].iter().any(|head| command.text.starts_with(head));
    if !bare || !starts {
        return None;
    }
    let mut words: Vec<String> = Vec::new();
    let mut own = program.words.iter().skip(1);
    if let Some(script) = &program.script {
        let text = model.script_text(script)?;
        let inner = programs(&text)?;
        let [inner] = inner.as_slice() else { return None };
        if inner.script.is_some() || inner.span != (0..text.trim_end().len()) {
            return None;
        }
        words.extend(inner.words.iter().cloned());
        for _ in own.by_ref().take_while(|word| **word != script.name && *word != "t") {}
    } else {
        words.extend(program.words.first().cloned());
    }
    words.extend(own.cloned());
    let (tool, arguments) = words.split_first()?;
    if !matches!(tool.as_str(), "jest" | "vitest" | "mocha")
        || arguments.iter().any(|word| word.contains("watch"))
    {
        return None;
    }
    let mut selects: Vec<String> = arguments
        .iter()
        .filter(|word| *word != "--" && !REPORTING.iter().any(|option| word.starts_with(option)))
        .cloned()
        .collect();
    selects.sort();
    Some(Run { tool: tool.clone(), selects, program: program.clone() })
}

/// What the later run is asked and the earlier is not; `None` where it cannot be moved as it is written.
fn extra(first: &BuildCommand<'_>, run: &Run, again: &BuildCommand<'_>, other: &Run) -> Option<Vec<String>> {
    let quotes = (first.literal.text().chars().next()?, again.literal.text().chars().next()?);
    let strings = first.literal.is("string") && again.literal.is("string");
    if !strings && (first.literal.kind() != again.literal.kind() || quotes.0 != quotes.1) {
        return None;
    }
    let literal = Literal::of(again.literal)?;
    let mut moved = Vec::new();
    for (word, place) in other.program.words.iter().zip(&other.program.places) {
        let reports = REPORTING.iter().any(|option| word.starts_with(option));
        if !reports || run.program.words.contains(word) {
            continue;
        }
        moved.push(if quotes.0 == quotes.1 {
            again.literal.file.text.get(literal.source(place)?)?.to_owned()
        } else {
            let text = again.text.get(place.clone())?.replace('\\', "\\\\");
            text.replace(quotes.0, &format!("\\{}", quotes.0))
        });
    }
    Some(moved)
}

/// Leaves one run of the tests, asked what both were.
pub(super) fn run_once<'a>(b: &mut Builder<'_, 'a>, spec: &BuildSpec<'a>, twice: &Twice<'a>) {
    if !twice.extra.is_empty() {
        let dashes = if twice.dashes { " --" } else { "" };
        let text = format!("{dashes} {}", twice.extra.join(" "));
        b.splice(twice.first.literal, twice.at..twice.at, &text);
    }
    remove_command(b, spec, &twice.again);
}

/// Removes a command, with the `echo` that announces it.
fn remove_command<'a>(b: &mut Builder<'_, 'a>, spec: &BuildSpec<'a>, command: &BuildCommand<'a>) {
    remove_item(b, command.item);
    let says = |other: &&BuildCommand<'a>| {
        other.text.starts_with("echo ") && other.item.parent() == command.item.parent()
    };
    let index = spec.commands.iter().position(|other| other.item == command.item);
    let Some(before) =
        index.and_then(|index| index.checked_sub(1)).and_then(|index| spec.commands.get(index))
    else {
        return;
    };
    let after = index.and_then(|index| spec.commands.get(index + 1));
    let ends = after.is_none_or(|after| says(&after) || after.item.parent() != command.item.parent());
    let line =
        |item: Syn<'_>| item.file.text.get(..item.start()).map_or(0, |text| text.matches('\n').count());
    if says(&before) && ends && line(before.item) != line(command.item) {
        remove_item(b, before.item);
    }
}

fn remove_item<'a>(b: &mut Builder<'_, 'a>, item: Syn<'a>) {
    if item.file.language.is_script() { b.remove_entry(item) } else { b.remove_line(item) }
}

/// Packages that are installed for their command, and what it is called.
const COMMANDS: [(&str, &[&str]); 9] = [
    ("aws-cdk", &["cdk"]),
    ("typescript", &["tsc", "ts-node"]),
    ("ts-node", &["ts-node"]),
    ("serverless", &["serverless", "sls"]),
    ("jest", &["jest"]),
    ("eslint", &["eslint"]),
    ("prettier", &["prettier"]),
    ("yarn", &["yarn"]),
    ("pnpm", &["pnpm"]),
];

/// A global installation of a tool that no command of the build runs, and the tool.
pub(super) fn unused_install<'a>(
    spec: &BuildSpec<'a>,
    runs: &[Program],
) -> Option<(BuildCommand<'a>, &'static str)> {
    if !runs.iter().all(is_plain) {
        return None;
    }
    spec.commands.iter().find_map(|command| {
        let found = programs(&command.text)?;
        let [program] = found.as_slice() else { return None };
        if program.name() != "npm" || !program.has(&["-g", "--global"]) || !program.has(&["install", "i"]) {
            return None;
        }
        let mut packages =
            program.words.iter().skip(2).filter(|word| !word.starts_with('-') && *word != "install");
        let package = packages.next().filter(|_| program.words.len() == 4)?;
        let name = package.split('@').next().filter(|name| !name.is_empty())?;
        let (name, commands) = COMMANDS.iter().find(|(known, _)| *known == name)?;
        let used = runs.iter().any(|run| commands.contains(&run.name()));
        (!used).then(|| (command.clone(), *name))
    })
}

/// Removes an installation; where it was the only command of its phase, the phase's empty list as well.
pub(super) fn remove_install<'a>(
    b: &mut Builder<'_, 'a>,
    model: &Model<'a>,
    spec: &BuildSpec<'a>,
    command: &BuildCommand<'a>,
) {
    let phases = spec_entry(spec.root, "phases").and_then(|phases| model.spec_mapping(phases));
    let phase = phases.and_then(|phases| Some((phases, spec_pair(phases, command.phase)?)));
    let mapping = phases.and_then(|phases| model.spec_mapping(spec_entry(phases, command.phase)?));
    let only = spec.commands.iter().filter(|other| other.phase == command.phase).count() == 1;
    match (phase, mapping.and_then(|mapping| Some((mapping, spec_pair(mapping, "commands")?)))) {
        (Some((phases, phase)), Some((mapping, commands))) if only => {
            let whole = mapping.children().count() == 1 && phases.children().count() > 1;
            let node = if whole { phase } else { commands };
            remove_item(b, node);
        }
        _ => remove_item(b, command.item),
    }
}

/// The `artifacts` of a build that take the installed dependencies along, though no later stage needs them.
pub(super) fn carried_modules<'a>(
    model: &Model<'a>,
    project: &Site<'a>,
    spec: &BuildSpec<'a>,
) -> Option<Syn<'a>> {
    let artifacts = model.spec_mapping(spec_entry(spec.root, "artifacts")?)?;
    let others = ["exclude-paths", "base-directory", "secondary-artifacts", "discard-paths"];
    if others.iter().any(|key| spec_entry(artifacts, key).is_some()) {
        return None;
    }
    let files = model.spec_list(spec_entry(artifacts, "files")?)?;
    let all = spec_items(files)
        .iter()
        .any(|item| spec_literal(*item).and_then(Literal::of).is_some_and(|read| read.text == "**/*"));
    let installs = spec.commands.iter().any(|command| {
        !command.text.contains("cd ") && programs(&command.text).unwrap_or_default().iter().any(installs_all)
    });
    if !all || !installs {
        return None;
    }
    let artifact = output_of(model, project)?;
    let mut consumers = 0;
    for used in model.uses(&artifact) {
        let action = used.ancestors().find_map(|node| model.site_of(node))?;
        if !model.builds(&action, "aws_codepipeline_actions.CodeBuildAction") {
            return None;
        }
        let pair = used.parent()?;
        if pair.is("array") {
            continue;
        }
        if crate::model::props::key_of(pair) != Some("input") {
            return None;
        }
        let consumer = model.origin(action.props(model).get(model, "project").value()?)?;
        let spec = model.build_spec(&consumer)?;
        if !does_without_modules(&spec)? {
            return None;
        }
        consumers += 1;
    }
    (consumers > 0).then_some(artifacts)
}

/// The one artifact that the one pipeline action of a project writes.
fn output_of<'a>(model: &Model<'a>, project: &Site<'a>) -> Option<Site<'a>> {
    let mut actions = model.all_sites().filter(|site| {
        model.builds(site, "aws_codepipeline_actions.CodeBuildAction")
            && site
                .props(model)
                .get(model, "project")
                .value()
                .and_then(|value| model.origin(value))
                .is_some_and(|origin| origin.node == project.node)
    });
    let (action, None) = (actions.next()?, actions.next()) else { return None };
    let outputs = model.array(action.props(model).get(model, "outputs").value()?)?;
    let mut items = outputs.children();
    match (items.next(), items.next()) {
        (Some(only), None) => model.origin(only),
        _ => None,
    }
}

/// Whether a build needs no dependencies in its input: it installs them first, or runs nothing that could want them.
fn does_without_modules(spec: &BuildSpec<'_>) -> Option<bool> {
    if !spec.complete {
        return None;
    }
    for command in &spec.commands {
        for program in programs(&command.text)? {
            if installs_all(&program) {
                return Some(true);
            }
            let elsewhere = command.text.starts_with("cd ") && !command.text.starts_with("cd .");
            let carries =
                matches!(program.name(), "zip" | "tar" | "cp" | "mv") || program.has(&["s3", "package"]);
            let global = program.has(&["-g", "--global"]);
            let runs = matches!(
                program.name(),
                "npm" | "yarn" | "pnpm" | "jest" | "tsc" | "eslint" | "mocha" | "vitest"
            );
            if !is_plain(&program) || (runs && !global) || (carries && !elsewhere) {
                return Some(false);
            }
        }
    }
    Some(true)
}

/// Leaves the dependencies out of an artifact.
pub(super) fn leave_out<'a>(b: &mut Builder<'_, 'a>, artifacts: Syn<'a>) {
    if artifacts.is("object") {
        b.insert_entry(artifacts, "'exclude-paths'", "['node_modules/**/*']");
    } else {
        b.append_yaml(artifacts, "exclude-paths:\n  - 'node_modules/**/*'");
    }
}
