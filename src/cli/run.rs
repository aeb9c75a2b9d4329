//! What `scan`, `diff` and `apply` share: options to apps and rules, a plan to a report.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};

use super::args::{Color, RunArgs};
use super::config::{self, Config};
use crate::custom::{self, CustomRule};
use crate::edit::FileChange;
use crate::model::App;
use crate::plan::{self, Options, Plan, RuleSet, Scope, Trial, apps::app_root, find_apps};
use crate::prove::{Proof, Verdict};
use crate::report::progress::Progress;
use crate::report::{self, Command, Format, Look, Report, summary};
use crate::rule::{Impact, Rule, Tier};
use crate::source::changed;
use crate::source::discover::{printed, slashed};
use crate::source::{DiscoverOptions, Discovery, SkipKind, Skipped, discover, read_text};

/// What the environment says; read once, here.
pub(crate) struct Environment {
    /// `NO_COLOR` is set.
    pub no_color: bool,
    /// `CLICOLOR_FORCE` is set.
    pub force_color: bool,
    /// Where journals go outside of repositories.
    pub state_home: PathBuf,
    /// Where programs are looked for.
    pub path: OsString,
    /// What edits a file: `VISUAL`, else `EDITOR`.
    pub editor: String,
    /// The terminal can do nothing but print.
    pub is_dumb: bool,
    /// The arguments as typed, without the program and the command.
    pub typed: Vec<OsString>,
}

impl Environment {
    /// Reads the process's environment.
    pub(crate) fn read() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = || set("HOME").map(|home| Path::new(&home).join(".local/state"));
        let state_home =
            set("XDG_STATE_HOME").map(PathBuf::from).or_else(home).unwrap_or_else(std::env::temp_dir);
        Self {
            no_color: set("NO_COLOR").is_some(),
            force_color: set("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            state_home,
            path: set("PATH").unwrap_or_default(),
            editor: set("VISUAL")
                .or_else(|| set("EDITOR"))
                .map_or_else(|| "vi".to_owned(), |editor| editor.to_string_lossy().into_owned()),
            is_dumb: set("TERM").is_none_or(|term| term == "dumb"),
            typed: std::env::args_os().skip(1).collect(),
        }
    }

    /// Whether to colour a stream.
    pub(crate) fn colour(&self, choice: Color, terminal: bool) -> bool {
        match choice {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => self.force_color || (terminal && !self.no_color),
        }
    }
}

/// A run that is ready to start.
pub(crate) struct Run {
    /// The apps.
    pub apps: Vec<App>,
    /// The rules that there are.
    pub known: Rules,
    /// Those that run.
    pub rules: RuleSet,
    /// What to plan.
    pub options: Options,
    /// The folder that everything written lies in.
    pub root: PathBuf,
    /// The files and folders that were named, at their real places.
    pub named: Vec<PathBuf>,
    /// Whether tests are read.
    pub tests: bool,
    /// The configuration that was read.
    pub config_file: Option<PathBuf>,
    /// What `[proof]` says.
    pub proof: config::Proof,
    cwd: PathBuf,
    skipped: Vec<Skipped>,
    /// What is to be said of files that were named and are not looked at.
    notes: Vec<String>,
    /// A file that was named cannot be read: the run fails, though the others are seen to.
    failed: bool,
    started: Instant,
    shows_progress: bool,
}

impl Run {
    /// Finds the apps, the configuration and the rules.
    ///
    /// # Errors
    /// A path that does not exist, a configuration that cannot be read, a selector that names no rule.
    pub(crate) fn prepare(args: &RunArgs) -> Result<Self> {
        let started = Instant::now();
        if let Some(file) = &args.output {
            crate::write::check_output(file)?;
        }
        let cwd = std::env::current_dir()
            .context("the working directory cannot be read; change to one that exists")?;
        let cwd = std::fs::canonicalize(&cwd).unwrap_or(cwd);
        let paths = if args.paths.is_empty() { vec![PathBuf::from(".")] } else { args.paths.clone() };
        let mut within = Vec::new();
        let mut roots: Vec<PathBuf> = Vec::new();
        for path in &paths {
            let place = std::fs::canonicalize(path).map_err(|error| {
                anyhow!("{}: {}; name a file or folder that exists", path.display(), plain(&error))
            })?;
            if !place.is_dir() && !place.is_file() {
                bail!("{}: is no regular file and no folder; name one", path.display());
            }
            let root = match app_root(&place) {
                Some(root) if place.starts_with(&root) => root,
                _ if place.is_dir() => place.clone(),
                _ => place.parent().map_or_else(|| place.clone(), Path::to_owned),
            };
            within.push(place);
            roots.push(root);
        }
        let named_places = within.clone();
        if roots == within {
            within.clear();
        }
        roots.sort();
        roots.dedup();
        let outermost: Vec<PathBuf> = roots
            .iter()
            .filter(|root| !roots.iter().any(|other| other != *root && root.starts_with(other)))
            .cloned()
            .collect();
        let start = outermost.first().cloned().unwrap_or_else(|| cwd.clone());
        let config_file = Config::locate(args.config.as_deref(), &start);
        let config = Config::load(config_file.as_deref()).map_err(anyhow::Error::msg)?;
        let discover_options = DiscoverOptions {
            cwd,
            tests: args.tests || config.paths.tests,
            exclude: config.paths.exclude.clone(),
            jobs: args.jobs.unwrap_or_default(),
        };
        let mut found = discover(&outermost, &discover_options);
        let named =
            Named::look(&mut found, within.iter().filter(|place| place.is_file()), &discover_options.cwd);
        let root = common(&outermost).unwrap_or_else(|| start.clone());
        let known = Rules::of(&config)?;
        let scope = scope(args, &config, &known, config_file.as_deref(), &root)?;
        let rules = select(args, &config, &known)?.scoped(scope);
        let mut values = config.values();
        values.extend(args.set.iter().cloned());
        let tier =
            if args.all { Tier::Scaffold } else { args.tier.or(config.rules.tier).unwrap_or(Tier::Safe) };
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let skipped = std::mem::take(&mut found.skipped);
        Ok(Self {
            apps: find_apps(found, &outermost),
            known,
            rules,
            options: Options {
                tier,
                min_impact: args.min_impact.or(config.rules.min_impact).unwrap_or(Impact::Low),
                only: None,
                values,
                within,
                jobs: args.jobs.filter(|jobs| *jobs > 0).unwrap_or_else(cores),
                trial: Trial::default(),
            },
            root,
            named: named_places,
            tests: discover_options.tests,
            config_file,
            proof: config.proof,
            cwd: discover_options.cwd,
            skipped,
            notes: named.notes,
            failed: named.failed,
            started,
            shows_progress: !args.quiet && std::io::stderr().is_terminal(),
        })
    }

    /// The working directory.
    pub(crate) fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// The configuration that answers are kept in: the one that was read, else a new one.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.config_file.clone().unwrap_or_else(|| self.root.join(config::NAME))
    }

    /// Finds only.
    pub(crate) fn scan(&self) -> Plan {
        self.with_skipped(self.with_progress(|done| plan::scan(&self.apps, &self.rules, &self.options, done)))
    }

    /// Finds and plans.
    pub(crate) fn plan(&self) -> Plan {
        self.with_skipped(self.with_progress(|done| plan::plan(&self.apps, &self.rules, &self.options, done)))
    }

    /// Plans without some more fixes; a proof does it again and again, so there is nothing to show.
    pub(crate) fn plan_with(&self, trial: &Trial) -> Plan {
        let options = Options { trial: self.options.trial.and(trial), ..self.options.clone() };
        self.with_skipped(plan::plan(&self.apps, &self.rules, &options, &|_| {}))
    }

    /// Shows how far a long run is, on a terminal.
    fn with_progress(&self, work: impl FnOnce(plan::Done<'_>) -> Plan) -> Plan {
        let total = self.apps.iter().map(|app| app.files.len()).sum();
        let progress = Progress::new(std::io::stderr(), self.shows_progress, total);
        let progress = std::sync::Mutex::new(progress);
        work(&|files| {
            let mut progress = progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            for _ in 0..files {
                progress.step();
            }
        })
    }

    fn with_skipped(&self, mut plan: Plan) -> Plan {
        plan.skipped.extend(self.skipped.iter().cloned());
        // Files beside the named ones are read for what they mean, and are nobody's question.
        let within = &self.options.within;
        plan.skipped.retain(|skipped| {
            let file = self.cwd.join(&skipped.path);
            // As printed, for what is printed may be a name that is not UTF-8.
            within.is_empty() || within.iter().any(|place| file.starts_with(&*place.to_string_lossy()))
        });
        plan.skipped.sort();
        plan.notes.extend(self.notes.iter().cloned());
        plan
    }

    /// Prints a plan: the report to standard output or `--output`, the summary to standard error.
    ///
    /// # Errors
    /// Those of the streams.
    pub(crate) fn print(
        &self,
        args: &RunArgs,
        environment: &Environment,
        command: &Command,
        plan: &Plan,
        proof: Option<&Proof>,
        texts: &BTreeMap<String, String>,
    ) -> Result<report::Counts> {
        let arguments = typed(environment);
        let report = Report {
            findings: &plan.findings,
            changes: &plan.changes,
            skipped: &plan.skipped,
            texts,
            min_impact: self.options.min_impact,
            scanned: plan.files,
            elapsed: self.started.elapsed(),
            verbose: args.verbose,
            command,
            arguments: &arguments,
            proof,
        };
        let to_terminal = args.output.is_none() && std::io::stdout().is_terminal();
        let width = console::Term::stdout().size_checked().map_or(100, |(_, columns)| usize::from(columns));
        let look = Look { colour: environment.colour(args.color, to_terminal), width };
        if let Some(file) = &args.output {
            let mut out: Vec<u8> = Vec::new();
            report::write(args.format, &report, look, &mut out)?;
            crate::write::output(file, &out)?;
        } else {
            let mut out = std::io::BufWriter::with_capacity(64 * 1024, std::io::stdout().lock());
            report::write(args.format, &report, look, &mut out)?;
            out.flush()?;
        }
        let terminal = std::io::stderr().is_terminal();
        let mut err = std::io::stderr().lock();
        if args.quiet {
            // What a run could not look at is no part of a summary: without it, quiet would mean clean.
            for skipped in plan.skipped.iter().filter(|skipped| skipped.kind == SkipKind::Problem) {
                writeln!(err, "wa-fix: {}: {}", skipped.path, skipped.why)?;
            }
            // Nor is why it ends in 2 or 3.
            for lost in proof.iter().flat_map(|proof| &proof.backed_out) {
                writeln!(err, "wa-fix: backed out: {} {}: {}", lost.rule, lost.name, lost.error)?;
            }
            if let Some(error) = proof.and_then(|proof| proof.error.as_ref()) {
                writeln!(
                    err,
                    "wa-fix: the project fails before any fix, so nothing is proved or written: {error}"
                )?;
            }
        } else {
            let look = Look { colour: environment.colour(args.color, terminal), width };
            summary::write(&report, look, &mut err)?;
            for note in &plan.notes {
                writeln!(err, "note: {note}")?;
            }
        }
        Ok(report.counts())
    }

    /// Names files outside the working directory by `../`, and counts them. Git skips an absolute name without a
    /// word and applies the rest, which may be half of a fix; at this one it stops.
    pub(crate) fn name_upwards(&self, changes: &mut [FileChange]) -> usize {
        let mut outside = 0;
        for change in changes.iter_mut().filter(|change| Path::new(&change.path).is_absolute()) {
            outside += 1;
            let Some(above) = self.cwd.ancestors().find(|folder| change.file.starts_with(folder)) else {
                continue;
            };
            let Ok(rest) = change.file.strip_prefix(above) else { continue };
            let up = self.cwd.strip_prefix(above).map_or(0, |down| down.components().count());
            change.path = format!("{}{}", "../".repeat(up), slashed(rest));
        }
        outside
    }

    /// The exit code.
    pub(crate) fn exit_code(&self, counts: &report::Counts, proof: Option<&Proof>, args: &RunArgs) -> u8 {
        let fails_before = proof.is_some_and(|proof| proof.verdict == Verdict::FailedBefore);
        let lost = proof.is_some_and(|proof| !proof.backed_out.is_empty());
        if self.failed || fails_before {
            2
        } else if lost || counts.outcomes.backed_out > 0 {
            3
        } else {
            u8::from(counts.remaining + counts.problems > 0 && !args.exit_zero)
        }
    }
}

/// The texts of files with findings, as they are on disk now, for code frames.
pub(crate) fn texts(plan: &Plan, root: &Path) -> BTreeMap<String, String> {
    let cwd = std::env::current_dir().unwrap_or_else(|_| root.to_owned());
    let mut texts = BTreeMap::new();
    for finding in &plan.findings {
        if !texts.contains_key(&finding.path)
            && let Ok(text) = read_text(&cwd.join(&finding.path))
        {
            texts.insert(finding.path.clone(), text.to_string());
        }
    }
    texts
}

/// The texts that a report shows: of files with findings where it has code frames, else none.
pub(crate) fn frames(plan: &Plan, run: &Run, format: Format) -> BTreeMap<String, String> {
    if format.needs_texts() { texts(plan, &run.root) } else { BTreeMap::new() }
}

/// What became of files that were named one by one.
struct Named {
    notes: Vec<String>,
    failed: bool,
}

impl Named {
    /// A named file that cannot be read is a failure, whatever the reason; one that is left out gets a note,
    /// for a person who names a file expects to hear of it.
    fn look<'p>(found: &mut Discovery, files: impl Iterator<Item = &'p PathBuf>, cwd: &Path) -> Self {
        let mut named = Self { notes: Vec::new(), failed: false };
        for file in files {
            let path = printed(file, cwd);
            if let Some(at) = found.files.iter().position(|candidate| candidate.file == *file) {
                if let Err(why) = read_text(file) {
                    found.files.remove(at);
                    found.skipped.push(Skipped { path, kind: SkipKind::Problem, why: why.to_string() });
                    named.failed = true;
                }
            } else {
                let skipped = found.skipped.iter().find(|skipped| skipped.path == path);
                if skipped.is_some_and(|skipped| skipped.kind == SkipKind::Problem) {
                    named.failed = true;
                    continue;
                }
                let why = skipped
                    .map_or("is ignored by the project, or no kind of file that wa-fix reads", |skipped| {
                        &skipped.why
                    });
                named.notes.push(format!("{path} is left out: it {why}"));
            }
        }
        named
    }
}

/// The rules of a project: those of wa-fix, its own, and those that look after suppressions.
pub(crate) struct Rules {
    /// All of them.
    pub all: Vec<Rule>,
    /// Its own, with their files.
    pub custom: Vec<CustomRule>,
}

impl Rules {
    /// Reads the custom rules that a configuration names.
    ///
    /// # Errors
    /// Everything that is wrong with their files, one line each.
    pub(super) fn of(config: &Config) -> Result<Self> {
        let mut all: Vec<Rule> =
            crate::fixes::ALL.iter().chain(crate::detect::upkeep::RULES).copied().collect();
        let folders: Vec<PathBuf> = config.rules.custom.iter().map(PathBuf::from).collect();
        let cwd = std::env::current_dir().unwrap_or_default();
        let cwd = std::fs::canonicalize(&cwd).unwrap_or(cwd);
        let custom = custom::load(&folders, &cwd, &all).map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            anyhow!(lines.join("\n"))
        })?;
        all.extend(custom.iter().map(|custom| custom.rule));
        Ok(Self { all, custom })
    }

    /// Whether a selector names one of them.
    pub(super) fn has(&self, selector: &str) -> bool {
        self.all.iter().any(|rule| rule.meta.is_named_by(selector))
    }

    /// What to say of a selector that names no rule.
    pub(super) fn unknown(&self, selector: &str) -> String {
        let names: Vec<&str> = self
            .all
            .iter()
            .flat_map(|rule| [rule.meta.id, rule.meta.name, rule.meta.practice, rule.meta.pillar.name()])
            .collect();
        let close = similar::get_close_matches(selector, &names, 1, 0.6);
        let hint = close.first().map_or_else(String::new, |close| format!("did you mean `{close}`? "));
        format!("no rule is called `{selector}`; {hint}`wa-fix rules` lists them")
    }
}

/// What the configuration and the options leave aside.
fn scope(
    args: &RunArgs,
    config: &Config,
    rules: &Rules,
    config_file: Option<&Path>,
    root: &Path,
) -> Result<Scope> {
    let folder = config_file.and_then(|file| std::fs::canonicalize(file).ok());
    let folder = folder.as_deref().and_then(Path::parent).unwrap_or(root);
    let mut scope = Scope {
        tiers: config.rules.tiers.clone().into_iter().collect(),
        places: config.places(folder).map_err(anyhow::Error::msg)?,
        ..Scope::default()
    };
    for name in config.selectors() {
        if !rules.has(name) {
            bail!("{}", rules.unknown(name));
        }
    }
    if let Some(file) = &args.baseline {
        scope.baseline = super::baseline::accepted(file)?;
    }
    scope.changed = match &args.since {
        Some(revision) => Some(changed::since(root, revision).map_err(anyhow::Error::msg)?),
        None if args.staged => Some(changed::staged(root).map_err(anyhow::Error::msg)?),
        None => None,
    };
    Ok(scope)
}

/// The rules that the options and the configuration select.
fn select(args: &RunArgs, config: &Config, rules: &Rules) -> Result<RuleSet> {
    let wanted = if args.select.is_empty() { &config.rules.select } else { &args.select };
    let unwanted: Vec<&String> = args.ignore.iter().chain(&config.rules.ignore).collect();
    for selector in wanted.iter().chain(unwanted.iter().copied()) {
        if !rules.has(selector) {
            bail!("{}", rules.unknown(selector));
        }
    }
    let chosen = rules.all.iter().copied().filter(|rule: &Rule| {
        (wanted.is_empty() || wanted.iter().any(|selector| rule.meta.is_named_by(selector)))
            && !unwanted.iter().any(|selector| rule.meta.is_named_by(selector))
    });
    let set = RuleSet::new(chosen).map_err(anyhow::Error::msg)?;
    Ok(set.among(rules.all.iter().map(|rule| rule.meta)))
}

/// The folder that holds all of them.
fn common(folders: &[PathBuf]) -> Option<PathBuf> {
    let first = folders.first()?;
    first.ancestors().find(|folder| folders.iter().all(|other| other.starts_with(folder))).map(Path::to_owned)
}

/// The options as typed, for the next command, quoted for a shell.
fn typed(environment: &Environment) -> String {
    let commands = ["scan", "diff", "plan", "apply"];
    let mut words = Vec::new();
    let mut skip_value = false;
    for (index, word) in environment.typed.iter().enumerate() {
        let word = word.to_string_lossy();
        if std::mem::take(&mut skip_value) || (index == 0 && commands.contains(&&*word)) {
            continue;
        }
        if matches!(&*word, "--format" | "-o" | "--output" | "--color") {
            skip_value = true;
            continue;
        }
        if ["--format=", "--output=", "--color="].iter().any(|start| word.starts_with(start)) {
            continue;
        }
        words.push(shell_word(&word));
    }
    words.join(" ")
}

/// A word as a POSIX shell reads it back.
pub(super) fn shell_word(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@".contains(c);
    if word.chars().all(safe) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// An operating system error in plain words.
pub(super) fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "may not be read".to_owned(),
        _ => error.to_string(),
    }
}
