//! # 2.6 Pipeline test stage does not fail the build
//!
//! ## What is wrong
//! A command that checks something (a test, a linter, a type check, a build) is written so that its failure
//! counts as success: `npm test || true`. The stage is green whatever happens, and what it should have stopped
//! is released.
//!
//! ## What the fix does
//! It cuts what throws the exit status away (`|| true`, `|| :`, `|| exit 0`, `|| echo …`, `; exit 0`, `set +e`,
//! `on-failure: CONTINUE`, `continue-on-error: true`) and nothing else. Before `| tee` it switches `pipefail` on
//! and has `CodeBuild` use Bash, because the default shell of its Ubuntu images does not know the option. Where a build, a workflow or a
//! script calls `make`, recipes of the targets that it asks for are read as well: there a `-` before the command throws its status away.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as codebuild from 'aws-cdk-lib/aws-codebuild';
//! import { Construct } from 'constructs';
//!
//! export class TestStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new codebuild.PipelineProject(this, 'TestProject', {
//!       buildSpec: codebuild.BuildSpec.fromObject({
//!         version: '0.2',
//!         phases: {
//!           build: {
//!             commands: ['npm ci', 'npm test || true'],
//!           },
//!         },
//!       }),
//!     });
//!   }
//! }
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as codebuild from 'aws-cdk-lib/aws-codebuild';
//! import { Construct } from 'constructs';
//!
//! export class TestStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new codebuild.PipelineProject(this, 'TestProject', {
//!       buildSpec: codebuild.BuildSpec.fromObject({
//!         version: '0.2',
//!         phases: {
//!           build: {
//!             commands: ['npm ci', 'npm test'],
//!           },
//!         },
//!       }),
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For commands that are no checks (`rm`, `grep`, `docker stop`, `npm outdated`), for real fallbacks
//! (`npm ci || npm install`), where the right side fails too (`|| exit 1`), where the result is written down and
//! judged later (`|| FAILED=1`, `code=$?`), inside quoted text of `echo`, and for vulnerability scanners: whether a
//! new advisory stops a release is a decision of its own. Strings that nothing known runs are never touched, nor recipes of a
//! Makefile that no build asks for, nor any in a Makefile with `.ONESHELL`, `.IGNORE` and the like, which read differently.
//!
//! ## When it refuses
//! Where other commands run between the check and the status that is made up, where the other side of `||` does
//! more than say so, and before `| tee` in a shell that may not know `pipefail`.
//!
//! ## What to know before deploying
//! A check that has been failing unseen will now stop the pipeline: run it once before. Where package.json has no
//! script of the name, the stage checked nothing until now; the fix then adds `--if-present` (npm and pnpm), which
//! passes until the script is written and fails with it from then on, and is offered for review. So is a recipe of a Makefile: people
//! who run `make` themselves meet the failure, too.
//!
//! ## Other checkers
//! None of cdk-nag, Checkov and cfn-lint reads commands.

use super::make_recipes;
use super::missing_script::{Missing, home};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::command::{yaml_key, yaml_sibling};
use crate::model::props::{key_of, own_entry};
use crate::model::{Command, Model, Runner};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::shell::{Masked, masked, runs_check};
use crate::syntax::{Literal, Syn};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "2.6",
    also: &["5.1"],
    name: "pipeline-swallows-failures",
    title: "Pipeline test stage does not fail the build",
    pillar: Pillar::Reliability,
    impact: Impact::High,
    tier: Tier::Safe,
    practice: "REL08-BP02",
    clears: &[],
    raises: &[],
    asks: &[],
    order: 260,
    source: include_str!("wa_2_6_pipeline_swallows_failures.rs"),
    query: include_str!("../../queries/reliability/wa_2_6_pipeline_swallows_failures.scm"),
};

/// Scripts that run on install or publish, where a failure must not be in the way.
pub(crate) const HOOKS: [&str; 7] =
    ["prepare", "preinstall", "install", "postinstall", "prepack", "postpack", "postpublish"];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    match m.node("switch") {
        Some(switch) => check_switch(m.model, switch, out),
        None => check_command(m.model, m.node("command")?, out),
    }
}

fn check_command<'a>(model: &Model<'a>, node: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let literal = Literal::of(node)?;
    if literal.text.trim() == "set +e" {
        return check_set_e(model, node, out);
    }
    make_recipes::check(&META, model, node, &literal, out);
    // The shell text first: most strings hold no check, and where one stands is the longer question.
    masked(&literal.text, crate::syntax::shell::Defaults::PLAIN).or_else(|| {
        masked(&literal.text, crate::syntax::shell::Defaults { errexit: true, pipefail: false })
    })?;
    let command = model.command(node)?;
    let found = masked(&literal.text, command.shell)?;
    if command.runner == Runner::PackageScript && HOOKS.contains(&command.owner.as_str()) {
        return None;
    }
    let missing = home(model, node, &command).and_then(|home| Missing::of(model, &home, &found));
    let checks: Vec<String> =
        found.checks.iter().filter_map(|check| as_written(node, &literal, check.at, &check.text)).collect();
    let message = message(&command, &checks, &found, missing.as_ref());
    let finding = out.report(&META, model, node, message);
    let first = checks.first()?.clone();
    finding.key(&first);
    if command.runner == Runner::PackageScript {
        finding.impact(Impact::Medium).tier(Tier::Review);
    }
    if missing.is_some() {
        finding.tier(Tier::Review);
    }
    if found.unclear {
        finding.refuse(
            "other commands run before the success is made up, and a cut would change what they do",
            "let the command fail where it stands, and clean up in `finally` or `post_build`",
        );
        return Some(());
    }
    if found.needs_bash && matches!(command.runner, Runner::Step | Runner::Bundling | Runner::PackageScript) {
        finding.refuse(
            "the pipeline's status is that of `tee`, and the shell that runs it may not know `pipefail`",
            "run it as bash -c 'set -o pipefail; …'",
        );
        return Some(());
    }
    finding.fix(format!("Let `{first}` fail the build"), move |b| {
        if found.needs_bash && command.runner == Runner::CodeBuild {
            use_bash(b, &command)?;
        }
        let if_present = missing.iter().filter_map(|missing| missing.edit.clone());
        for edit in found.edits.iter().cloned().chain(if_present) {
            let span = literal
                .source(&edit.span)
                .ok_or_else(|| no_fix("the literal cannot be edited", "edit it by hand"))?;
            let text = on_own_line(b, node, span.start, &edit.text);
            b.splice(node, span, &text);
        }
        Ok(())
    });
    Some(())
}

/// A command before others: on a line of its own in a text of several lines.
fn on_own_line<'a>(b: &mut Builder<'_, 'a>, node: Syn<'a>, at: usize, text: &str) -> String {
    match text.strip_suffix("; ").filter(|_| node.is("block_scalar")) {
        Some(command) => {
            let before = node.file.text.get(..at).unwrap_or_default();
            let indent = before.rsplit('\n').next().unwrap_or_default();
            format!("{command}{}{indent}", b.style(node.file).eol)
        }
        None => text.to_owned(),
    }
}

/// A part of a literal's text as its source has it: with `${…}`, which the text does not show.
fn as_written(node: Syn<'_>, literal: &Literal, at: usize, text: &str) -> Option<String> {
    node.file.text.get(literal.source(&(at..at + text.len()))?).map(str::to_owned)
}

fn message(command: &Command<'_>, checks: &[String], found: &Masked, missing: Option<&Missing>) -> String {
    let checks = list(checks.iter().map(String::as_str));
    let by = list(found.by.iter().map(String::as_str));
    let place = place(command);
    let missing = missing.map(Missing::told).unwrap_or_default();
    format!(
        "{place} runs {checks} and throws the result away with {by}: when it fails, the build is green and the release goes on. \
         The fix lets the failure stop the build.{missing}"
    )
}

/// What runs a command, in a message.
pub(super) fn place(command: &Command<'_>) -> String {
    match command.runner {
        Runner::PackageScript => format!("Script {}", command.owner),
        Runner::Workflow => format!("Step {}", command.owner),
        Runner::GitLab => format!("Job {}", command.owner),
        _ => command.owner.clone(),
    }
}

/// `a`, `b` and `c` in backticks, each once.
pub(super) fn list<'t>(items: impl Iterator<Item = &'t str>) -> String {
    let mut seen: Vec<String> = Vec::new();
    for item in items {
        let item = format!("`{item}`");
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    match seen.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

/// `set +e` as a command of its own.
fn check_set_e<'a>(model: &Model<'a>, node: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let command = model.command(node)?;
    let items: Vec<_> = command.list?.children().collect();
    let own = items.iter().position(|item| item.span().contains(&node.start()))?;
    let later: Vec<String> = items.iter().skip(own + 1).filter_map(|item| text_of(*item)).collect();
    let judged = |text: &String| text.contains("set -e") || text.contains("$?") || text.contains("exit ");
    if !later.iter().any(|text| runs_check(text)) || later.iter().any(judged) {
        return None;
    }
    let owner = &command.owner;
    let finding = out.report(
        &META,
        model,
        node,
        format!("{owner} switches off with `set +e` that a failure stops the commands that follow, checks among them. The fix removes it."),
    );
    let entry = *items.get(own)?;
    finding.fix(format!("Let the checks of {owner} fail the build"), move |b| {
        if node.file.language.is_script() {
            b.remove_entry(entry);
        } else {
            b.remove_line(entry);
        }
        Ok(())
    });
    Some(())
}

/// The command that an item of a list holds.
fn text_of(item: Syn<'_>) -> Option<String> {
    let mut node = item;
    loop {
        if let Some(literal) = Literal::of(node) {
            return Some(literal.text);
        }
        node = node.first()?;
    }
}

/// `on-failure: CONTINUE`, `continue-on-error: true`, `allow_failure: true` beside a check.
fn check_switch<'a>(model: &Model<'a>, pair: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let switch = Switch::of(model, pair, runs_check)?;
    let Switch { shown, owner, first, .. } = &switch;
    let finding = out.report(
        &META,
        model,
        pair,
        format!("`{shown}` lets {owner} go on when `{first}` fails: the failure stops nothing. The fix removes it."),
    );
    finding.fix(format!("Let {owner} fail"), move |b| {
        switch.remove(b);
        Ok(())
    });
    Some(())
}

/// A setting that lets a build go on when the commands beside it fail.
pub(crate) struct Switch<'a> {
    pair: Syn<'a>,
    /// As it is written.
    pub(crate) shown: String,
    /// What runs the commands.
    pub(crate) owner: String,
    /// The first command that is looked for.
    pub(crate) first: String,
}

impl<'a> Switch<'a> {
    /// The switch that a pair is, where a command of some kind stands beside it.
    pub(crate) fn of(model: &Model<'a>, pair: Syn<'a>, runs: fn(&str) -> bool) -> Option<Self> {
        let script = pair.file.language.is_script();
        let key = if script { key_of(pair)? } else { yaml_key(pair) };
        let value = pair.field("value")?.text().trim_matches(['\'', '"']);
        let commands = match (key, value) {
            ("on-failure", "CONTINUE") => "commands",
            ("continue-on-error", "true") => "run",
            ("allow_failure", "true") => "script",
            _ => return None,
        };
        let commands = if script {
            own_entry(pair.parent()?, commands)?
        } else {
            yaml_sibling(pair, commands)?.field("value")?
        };
        let literals = literals(commands);
        let (at, literal) = literals.iter().find_map(|node| {
            let literal = Literal::of(*node)?;
            runs(&literal.text).then_some((*node, literal))
        })?;
        let line = literal.text.lines().find(|line| runs(line)).unwrap_or(&literal.text).trim();
        let first = as_written(at, &literal, literal.text.find(line)?, line)?;
        let owner = model.command(at)?.owner;
        Some(Self { pair, shown: format!("{key}: {value}"), owner, first })
    }

    /// Takes it out.
    pub(crate) fn remove(&self, b: &mut Builder<'_, 'a>) {
        if self.pair.file.language.is_script() { b.remove_entry(self.pair) } else { b.remove_line(self.pair) }
    }
}

/// The literals below a node, outermost first.
fn literals(node: Syn<'_>) -> Vec<Syn<'_>> {
    if Literal::of(node).is_some() {
        return vec![node];
    }
    node.children().flat_map(literals).collect()
}

/// Has `CodeBuild` run the commands with Bash.
fn use_bash<'a>(b: &mut Builder<'_, 'a>, command: &Command<'a>) -> Result<(), Refusal> {
    let refused = || {
        no_fix(
            "the build specification cannot be followed to say `env: { shell: bash }`",
            "say it there, then run again",
        )
    };
    let spec = command.spec.ok_or_else(refused)?;
    if spec.is("object") {
        return match own_entry(spec, "env") {
            None if own_entry(spec, "phases").is_none() => Err(refused()),
            None => {
                b.insert_entry(spec, "env", "{ shell: 'bash' }");
                Ok(())
            }
            Some(env) if env.is("object") => {
                if own_entry(env, "shell").is_none() {
                    b.insert_entry(env, "shell", "'bash'");
                }
                Ok(())
            }
            Some(_) => Err(refused()),
        };
    }
    let top = |key: &str| spec.children().find(|pair| yaml_key(*pair) == key);
    match (top("env"), top("phases")) {
        (Some(env), _) if env.text().contains("shell: bash") => Ok(()),
        (None, Some(phases)) => {
            let eol = b.style(phases.file).eol;
            b.splice(phases, phases.start()..phases.start(), &format!("env:{eol}  shell: bash{eol}"));
            Ok(())
        }
        _ => Err(refused()),
    }
}
