//! The command line: one function per command, thin.

mod apply;
pub mod args;
mod baseline;
mod branch;
mod compare;
mod config;
mod editor;
mod init;
mod keep;
mod lsp;
mod plan;
mod proof;
mod review;
mod review_proof;
mod run;
mod schema;
mod test;
mod values;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use clap::{CommandFactory, Parser};

use crate::custom;
use crate::detect::Outcome;
use crate::plan::Plan;
use crate::prove::Proof;
use crate::report::{Command as Kind, Format};
use args::{Cli, Command, RunArgs};
use config::Config;
use proof::Planned;
use run::{Environment, Rules, Run, frames};

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let environment = Environment::read();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no failures.
            let code = u8::from(error.use_stderr()) * 2;
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match dispatch(cli, &environment) {
        Ok(code) => ExitCode::from(code),
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "wa-fix: {}", told(&error));
            ExitCode::from(2)
        }
    }
}

fn dispatch(cli: Cli, environment: &Environment) -> Result<u8> {
    match cli.command {
        None if cli.interactive => review::start(&cli.run, cli.plain, environment),
        None => diff(&cli.run, environment),
        Some(Command::Scan(args)) => scan(&args, environment),
        Some(Command::Diff(args)) => diff(&args, environment),
        Some(Command::Plan(args)) => plan::plan(&args, environment),
        Some(Command::Apply(args)) => apply::apply(&args, environment),
        Some(Command::Values(args)) => values::values(&args),
        Some(Command::Undo(args)) => apply::undo(&args, environment),
        Some(Command::Lsp(args)) => Ok(lsp::lsp(&args, environment)),
        Some(Command::Explain { rule, config }) => explain(&rule, config.as_deref()),
        Some(Command::Rules { config }) => rules(config.as_deref()),
        Some(Command::Test(args)) => test::test(&args, environment),
        Some(Command::Init(args)) => init::init(&args, environment),
        Some(Command::Schema) => say(schema::schema()?.as_bytes()),
        Some(Command::Baseline(args)) => baseline::baseline(&args),
        Some(Command::Completions { shell }) => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "wa-fix", &mut out);
            say(&out)
        }
        Some(Command::Man) => {
            let mut out = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut out)?;
            say(&out)
        }
    }
}

fn say(out: &[u8]) -> Result<u8> {
    std::io::stdout().lock().write_all(out)?;
    Ok(0)
}

fn scan(args: &RunArgs, environment: &Environment) -> Result<u8> {
    proves_nothing("scan", args)?;
    let run = Run::prepare(args)?;
    let plan = run.scan();
    let counts = run.print(args, environment, &Kind::Scan, &plan, None, &frames(&plan, &run, args.format))?;
    Ok(run.exit_code(&counts, None, args))
}

/// Refuses `--prove` where there is nothing to prove: a check that is silently not run is taken for one that passed.
fn proves_nothing(command: &str, args: &RunArgs) -> Result<()> {
    if !args.prove.is_empty() {
        bail!("{command} makes no fix that --prove could try; use `wa-fix diff` or `wa-fix apply`");
    }
    Ok(())
}

fn diff(args: &RunArgs, environment: &Environment) -> Result<u8> {
    let run = Run::prepare(args)?;
    let Planned { plan, proof, .. } = proof::planned(&run, args, environment)?;
    preview(&run, args, environment, &Kind::Diff, plan, proof.as_ref())
}

/// Shows a plan of which nothing is written.
fn preview(
    run: &Run,
    args: &RunArgs,
    environment: &Environment,
    kind: &Kind,
    mut plan: Plan,
    proof: Option<&Proof>,
) -> Result<u8> {
    // A preview fixes nothing: what `apply` would fix is offered.
    for finding in plan.findings.iter_mut().filter(|finding| finding.outcome == Outcome::Fixed) {
        finding.outcome = Outcome::Offered;
    }
    if args.format == Format::Text {
        let outside = run.name_upwards(&mut plan.changes);
        if outside > 0 {
            plan.notes.push(format!(
                "{outside} of the changed files lie outside the working directory, where `git apply` does not reach: \
                 run this in {}",
                run.root.display()
            ));
        }
    }
    let counts = run.print(args, environment, kind, &plan, proof, &frames(&plan, run, args.format))?;
    Ok(run.exit_code(&counts, proof, args))
}

/// The rules of the project around the working directory.
fn rules_here(config: Option<&Path>) -> Result<Rules> {
    let file = Config::locate(config, &std::env::current_dir()?);
    Rules::of(&Config::load(file.as_deref()).map_err(anyhow::Error::msg)?)
}

fn explain(selector: &str, config: Option<&Path>) -> Result<u8> {
    if selector == custom::GUIDE_NAME {
        return say(custom::GUIDE.as_bytes());
    }
    let rules = rules_here(config)?;
    let all = &rules.all;
    let rule = all
        .iter()
        .find(|rule| {
            rule.meta.id == selector || rule.meta.name == selector || rule.meta.also.contains(&selector)
        })
        .or_else(|| all.iter().find(|rule| rule.meta.is_named_by(selector)))
        .ok_or_else(|| anyhow!(rules.unknown(selector)))?;
    let meta = rule.meta;
    let mut text = meta.documentation();
    let also = if meta.also.is_empty() { String::new() } else { format!(", also {}", meta.also.join(", ")) };
    text.push_str(&format!(
        "\n---\n{} · {}{also} · impact {} · tier {} · {}\n",
        meta.name, meta.pillar, meta.impact, meta.tier, meta.practice
    ));
    for question in meta.asks {
        text.push_str(&format!("--set {}={}  {}\n", question.key, question.example, question.ask));
    }
    say(text.as_bytes())
}

fn rules(config: Option<&Path>) -> Result<u8> {
    let mut text = String::new();
    let all = rules_here(config)?.all;
    let width = all.iter().map(|rule| rule.meta.name.len()).max().unwrap_or(0);
    for rule in all {
        let meta = rule.meta;
        let id = std::iter::once(meta.id).chain(meta.also.iter().copied()).collect::<Vec<_>>().join("+");
        text.push_str(&format!(
            "{id:8} {:width$}  {:6} {:8} {:22} {}\n",
            meta.name,
            meta.impact.name(),
            meta.tier.name(),
            meta.pillar.name(),
            meta.title
        ));
    }
    say(text.as_bytes())
}

/// An error with its causes, each said once: many say their cause themselves.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Whether the reader of our output has gone, as `head` does.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
