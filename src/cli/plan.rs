//! `plan`, and `apply` of what it wrote: the fixes that were agreed to, and no others.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};

use super::args::{ApplyArgs, PlanArgs, RunArgs};
use super::config::Config;
use super::proof::{self, Planned};
use super::run::{Environment, Rules, Run};
use super::{preview, run};
use crate::plan::{Plan, Trial};
use crate::prove::Verdict;
use crate::report::{Command as Kind, Format};
use crate::saved::{MAX_BYTES, Refused, SavedFix, SavedPlan, Settings, saved_path};

/// Standard input or output.
const STANDARD: &str = "-";

/// Writes the plan to a file, and shows it; without a file, the plan alone goes to standard output.
pub(super) fn plan(args: &PlanArgs, environment: &Environment) -> Result<u8> {
    let args = &args.run;
    let file = args.output.as_deref().filter(|file| *file != Path::new(STANDARD));
    if file.is_none() && args.format != Format::Text {
        bail!(
            "the plan has one form: name a file for it with -o, or use `wa-fix diff --format {}`",
            args.format
        );
    }
    if let Some(file) = file {
        crate::write::check_output(file)?;
    }
    let args = RunArgs { output: None, ..args.clone() };
    let run = Run::prepare(&args)?;
    let Planned { plan, proof, trial, .. } = proof::planned(&run, &args, environment)?;
    let (saved, plan) = saved(&run, &plan, trial)?;
    let bytes = saved.to_bytes()?;
    match file {
        Some(file) => crate::write::output(file, &bytes)?,
        None => std::io::stdout().lock().write_all(&bytes)?,
    }
    let kind = Kind::Plan(file.map(|file| file.display().to_string()));
    preview(&run, &args, environment, &kind, plan, proof.as_ref())
}

/// The file of a plan, and the plan that it says: made once more, for what each fix makes by itself.
fn saved(run: &Run, plan: &Plan, trial: Trial) -> Result<(SavedPlan, Plan)> {
    let fixed = plan.steps.iter().flat_map(|step| step.fixed.iter().cloned());
    let whole = run.plan_with(&Trial { only: Some(fixed.collect()), ..trial });
    let top = top(&run.root);
    let mut settings =
        Settings::of(&run.options, run.rules.rules().iter().map(|rule| rule.meta.id), run.tests);
    settings.paths = run.named.iter().map(|path| saved_path(path, &top)).collect::<Result<_, _>>()?;
    Ok((SavedPlan::of(&whole, settings, &top, run.cwd())?, whole))
}

/// What the paths of a plan are relative to: the top of the repository, outside of one the folder itself.
fn top(folder: &Path) -> PathBuf {
    folder.ancestors().find(|above| above.join(".git").exists()).unwrap_or(folder).to_owned()
}

/// The plan file among the paths of `apply`: standard input, or JSON that is no part of an app.
pub(super) fn file_of(args: &ApplyArgs) -> Result<Option<&Path>> {
    let is_plan = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let is_json = path.extension().is_some_and(|end| end == "json");
        name == STANDARD || (is_json && name != "package.json" && name != "cdk.json" && !path.is_dir())
    };
    let Some(file) = args.run.paths.iter().find(is_plan) else { return Ok(None) };
    if args.run.paths.len() > 1 {
        bail!(
            "{}: a plan is applied alone, since it says itself what it is of; leave the other paths out",
            file.display()
        );
    }
    let run = &args.run;
    let decided = [
        ("--tier", run.tier.is_some()),
        ("--all", run.all),
        ("--set", !run.set.is_empty()),
        ("--min-impact", run.min_impact.is_some()),
        ("--baseline", run.baseline.is_some()),
        ("--since", run.since.is_some()),
        ("--staged", run.staged),
        ("--tests", run.tests),
    ];
    match decided.iter().find(|(_, given)| *given) {
        Some((option, _)) => bail!("{option} was decided when the plan was made; make another plan with it"),
        None => Ok(Some(file)),
    }
}

/// A run of exactly the fixes of a plan that can still be made as they were agreed to.
pub(super) fn reviewed(args: &ApplyArgs, file: &Path, environment: &Environment) -> Result<(Run, Planned)> {
    let saved = SavedPlan::from_bytes(&read(file)?).map_err(|bad| anyhow!("{} {bad}", shown(file)))?;
    let cwd =
        std::env::current_dir().context("the working directory cannot be read; change to one that exists")?;
    let top = top(&std::fs::canonicalize(&cwd).unwrap_or(cwd));
    let moved = saved.moved(&top).map_err(|bad| anyhow!("{} {bad}", shown(file)))?;
    if saved.is_of_elsewhere(&top) {
        bail!(
            "{}: none of the files that the plan changes is in {}; run this where the plan was made",
            shown(file),
            top.display()
        );
    }
    let mut run = Run::prepare(&as_planned(&args.run, &saved, &top))
        .with_context(|| format!("{} is a plan of another place or another configuration", shown(file)))?;
    let left_out = not_selected(&args.run, &run, &saved)?;
    let wanted = |name: &str| !left_out.contains(name);
    let only = saved.fixes.iter().map(|fix| fix.fingerprint.clone()).filter(|name| wanted(name)).collect();
    let mut refused = saved.refused_for(&moved);
    refused.retain(|name, _| wanted(name));
    run.options.trial = Trial { backed_out: refused, only: Some(only) };
    // Without the checks first: they are run of nothing that is refused.
    let planned = agreed(&mut run, &saved, &top, &|run| {
        Ok(Planned { plan: run.plan(), proof: None, bench: None, trial: Trial::default() })
    })?;
    let mut planned = if args.run.prove.is_empty() {
        planned
    } else {
        agreed(&mut run, &saved, &top, &|run| proof::planned(run, &args.run, environment))?
    };
    planned.plan.notes.extend(moot(&run.options.trial.backed_out, &saved, &planned.plan));
    Ok((run, planned))
}

/// Plans until every fix writes what was agreed to: one that would not is refused, and with it those that build on it.
fn agreed(
    run: &mut Run,
    saved: &SavedPlan,
    top: &Path,
    make: &dyn Fn(&Run) -> Result<Planned>,
) -> Result<Planned> {
    loop {
        let planned = make(run)?;
        if planned.proof.as_ref().is_some_and(|proof| proof.verdict == Verdict::FailedBefore) {
            return Ok(planned);
        }
        let trial = run.options.trial.and(&planned.trial);
        let differing = saved.differing(&planned.plan, top, |name| !trial.leaves_out(name))?;
        if differing.is_empty() {
            return Ok(planned);
        }
        // Each time at least one is refused, so this ends.
        run.options.trial.backed_out.extend(differing);
    }
}

/// The options of a plan, with those that do not decide what is planned.
fn as_planned(args: &RunArgs, saved: &SavedPlan, top: &Path) -> RunArgs {
    let settings = &saved.settings;
    RunArgs {
        paths: settings.paths.iter().map(|path| top.join(path)).collect(),
        select: settings.rules.clone(),
        ignore: Vec::new(),
        tier: Some(settings.tier),
        min_impact: Some(settings.min_impact),
        set: settings.values.clone().into_iter().collect(),
        tests: settings.tests,
        ..args.clone()
    }
}

/// The fixes that `--select` and `--ignore` leave out.
fn not_selected(args: &RunArgs, run: &Run, saved: &SavedPlan) -> Result<BTreeSet<String>> {
    let rules = run.rules.rules();
    let config = Config::load(run.config_file.as_deref()).map_err(anyhow::Error::msg)?;
    let all = Rules::of(&config)?;
    if let Some(unknown) = args.select.iter().chain(&args.ignore).find(|selector| !all.has(selector)) {
        bail!("{}", all.unknown(unknown));
    }
    let is_named = |fix: &SavedFix, list: &[String]| {
        let rule = rules.iter().find(|rule| rule.meta.id == fix.rule);
        rule.is_some_and(|rule| list.iter().any(|selector| rule.meta.is_named_by(selector)))
    };
    let is_out = |fix: &&SavedFix| {
        (!args.select.is_empty() && !is_named(fix, &args.select)) || is_named(fix, &args.ignore)
    };
    Ok(saved.fixes.iter().filter(is_out).map(|fix| fix.fingerprint.clone()).collect())
}

/// A note for each refused fix that has nothing left to do: somebody has done it.
fn moot(refused: &Refused, saved: &SavedPlan, plan: &Plan) -> Vec<String> {
    let is_left = |name: &str| plan.findings.iter().any(|finding| finding.fingerprint == name);
    let gone = saved.fixes.iter().filter(|fix| !is_left(&fix.fingerprint));
    gone.filter_map(|fix| {
        let why = refused.get(&fix.fingerprint)?;
        Some(format!("{} {}: there is nothing left to fix ({why})", fix.rule, fix.title))
    })
    .collect()
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more than a plan may have shows that it has more.
    let limit = MAX_BYTES + 1;
    let done = if file == Path::new(STANDARD) {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else if file.exists() && !file.is_file() {
        bail!("{}: is no regular file; name the plan", file.display());
    } else {
        std::fs::File::open(file).and_then(|open| open.take(limit).read_to_end(&mut bytes))
    };
    done.map_err(|error| anyhow!("{}: {}; name a plan that exists", shown(file), run::plain(&error)))?;
    Ok(bytes)
}

fn shown(file: &Path) -> String {
    if file == Path::new(STANDARD) { "standard input".to_owned() } else { file.display().to_string() }
}
