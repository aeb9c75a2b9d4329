//! # 3.6 Build cache not optimised
//!
//! ## What is wrong
//! A build specification may say which folders to keep for the next build, but only a project with a cache keeps them:
//! without one CodeBuild ignores the paths, and every build downloads its dependencies again. The same goes for a
//! project with a cache whose build specification names no path.
//!
//! ## What the fix does
//! It gives the project a local cache, and the build specification the folder in which the package manager keeps its
//! downloads. Jest gets a folder there as well, so that files which did not change are not compiled again. Build output
//! (`dist`) is never cached: what a commit deletes would live on in the next release. pnpm is told where to keep its store: by
//! itself it chooses a folder by the disk that the sources are on. The step of CDK Pipelines that builds the app gets the same by `synthCodeBuildDefaults`.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as codebuild from 'aws-cdk-lib/aws-codebuild';
//! import { Construct } from 'constructs';
//!
//! export class BuildStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     new codebuild.PipelineProject(this, 'Build', {
//!       buildSpec: codebuild.BuildSpec.fromObject({
//!         version: '0.2',
//!         phases: {
//!           install: { commands: ['npm ci'] },
//!           build: { commands: ['npm run build', 'npx jest'] },
//!         },
//!         cache: {
//!           paths: ['/root/.npm/**/*'],
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
//! export class BuildStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!     new codebuild.PipelineProject(this, 'Build', {
//!       buildSpec: codebuild.BuildSpec.fromObject({
//!         version: '0.2',
//!         phases: {
//!           install: { commands: ['npm ci'] },
//!           build: { commands: ['npm run build', 'npx jest --cacheDirectory=/root/.cache/jest'] },
//!         },
//!         cache: {
//!           paths: ['/root/.npm/**/*', '/root/.cache/jest/**/*'],
//!         },
//!       }),
//!       cache: codebuild.Cache.local(codebuild.LocalCacheMode.CUSTOM),
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! For projects that install nothing (deployments, smoke tests), that cache already, that build on Lambda or Windows, that
//! start batches, and whose build specification is out of sight; for pipelines of CDK Pipelines that have defaults for
//! their builds. Where a package manager keeps its downloads elsewhere by
//! an option or a setting of its own (`--cache`, `cacheFolder`), and for Yarn where its release, on which the folder depends, cannot
//! be told.
//!
//! ## When it refuses
//! Where the paths name single files: a local cache takes folders only, and a build with others fails. Where the paths are
//! put together elsewhere.
//!
//! ## What to know before deploying
//! A local cache costs nothing and needs no permission. It lives on the build host for a short time: builds that follow each
//! other soon profit, rare ones do not (`Cache.bucket` keeps it in S3, which costs storage and transfer). `npm ci` deletes
//! `node_modules` first, so a path to it is replaced by npm's own folder. A path that may hold build output is
//! offered for review, as it was without effect until now.
//!
//! ## Other checkers
//! None of cdk-nag, Checkov and cfn-lint covers it.

use super::downloads::{Addition, Download, downloads};
use super::pipeline_cache;
use crate::detect::{Findings, Match, Refusal};
use crate::edit::Builder;
use crate::fixes::cost::function::decides_itself;
use crate::model::build::{spec_entry, spec_items, spec_literal, spec_pair};
use crate::model::{BuildSpec, Model, Prop, Site};
use crate::rule::{Impact, Meta, Pillar, Rule, Tier};
use crate::syntax::shell::{Program, programs};
use crate::syntax::{Literal, Syn};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const META: Meta = Meta {
    id: "3.6",
    also: &[],
    name: "build-cache",
    title: "Build cache not optimised",
    pillar: Pillar::Performance,
    impact: Impact::Low,
    tier: Tier::Safe,
    practice: "SUS06-BP04",
    clears: &[],
    raises: &[],
    asks: &[],
    // Behind 2.6 and before 6.3: all three edit the same commands.
    order: 360,
    source: include_str!("wa_3_6_build_cache.rs"),
    query: include_str!("../../queries/performance/wa_3_6_build_cache.scm"),
};

/// Where Jest keeps what it compiles: outside the sources, so that no artifact takes it along.
const JEST: &str = "/root/.cache/jest";

/// Parts of paths that hold downloads or what a tool checks before it uses it.
const KNOWN: [&str; 13] = [
    "/.npm",
    ".cache",
    "/.m2",
    "/.gradle",
    "go-build",
    "go/pkg",
    ".yarn",
    ".pnpm-store",
    "node_modules",
    ".next/cache",
    ".nx/cache",
    "/pip",
    "vendor",
];

/// What a project keeps for its next build.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeps {
    /// The paths of its build specification are ignored.
    PathsWithoutCache,
    /// It installs dependencies, and keeps nothing.
    Nothing,
    /// It has a cache for folders, and names none.
    CacheWithoutPaths,
}

/// One project and what is to be kept.
struct Build<'a> {
    project: Site<'a>,
    spec: BuildSpec<'a>,
    keeps: Keeps,
    /// The list of paths and its items.
    paths: Option<(Syn<'a>, Vec<Syn<'a>>)>,
    /// The commands that download dependencies.
    downloads: Vec<Download<'a>>,
}

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let model = m.model;
    if let Some(pipeline) = m.site("cdk") {
        return pipeline_cache::check(&META, model, pipeline, out);
    }
    let project = m.site("project")?;
    if decides_itself(&project) || runs_elsewhere(model, &project)? {
        return None;
    }
    let has_cache = has_cache(model, &project)?;
    let spec = model.build_spec(&project).filter(|spec| spec_entry(spec.root, "batch").is_none())?;
    let paths = paths(model, &spec)?;
    let downloads = downloads(model, &spec)?;
    let keeps = match (has_cache, &paths) {
        (false, Some((_, items))) if !items.is_empty() => Keeps::PathsWithoutCache,
        (false, _) if !downloads.is_empty() => Keeps::Nothing,
        (true, None) if !downloads.is_empty() => Keeps::CacheWithoutPaths,
        _ => return None,
    };
    let label = project.label();
    let build = Build { project, spec, keeps, paths, downloads };
    let jest = build.jest(model);
    let message = message(&label, &build, !jest.is_empty());
    let finding = out.report(&META, model, build.place(), message);
    finding.key(&label);
    if keeps == Keeps::Nothing {
        finding.impact(Impact::Info);
    }
    let texts = build.path_texts();
    if texts.iter().any(|path| !is_known(path)) {
        finding.tier(Tier::Review);
    }
    if let Some(file) = texts.iter().find(|path| !is_folder(path)) {
        finding.refuse(
            &format!("`{file}` is no folder, and a local cache takes folders only: the build would fail"),
            "name the folder around it, or give the project `Cache.bucket`, then run again",
        );
        return Some(());
    }
    finding.fix(format!("Let {label} keep what it downloads"), move |b| build.keep(b, &jest));
    Some(())
}

/// Whether a project builds where no local cache is, or none is known to be; `None` where that is out of sight.
fn runs_elsewhere<'a>(model: &Model<'a>, project: &Site<'a>) -> Option<bool> {
    let environment = match project.props(model).get(model, "environment") {
        Prop::Absent => return Some(false),
        Prop::Present(entry) => model.props_of(entry.value),
        Prop::Unknown => return None,
    };
    let (image, size) =
        (model.named_prop(&environment, "buildImage"), model.named_prop(&environment, "computeType"));
    let has = |name: &Option<String>, word: &str| name.as_ref().is_some_and(|name| name.contains(word));
    Some(
        environment.is_opaque()
            || has(&image, "Lambda")
            || has(&image, "Windows")
            || has(&image, "Gpu")
            || has(&size, "LAMBDA")
            || has(&size, "X2_LARGE"),
    )
}

/// Whether a project has a cache for folders; `None` where it has another one, or where that is out of sight.
fn has_cache<'a>(model: &Model<'a>, project: &Site<'a>) -> Option<bool> {
    let call = match project.props(model).get(model, "cache") {
        Prop::Absent => return Some(false),
        Prop::Present(entry) => model.value_of(entry.value),
        Prop::Unknown => return None,
    };
    let modes = call.field("arguments")?.text();
    match model.cdk_name(call.field("function")?)?.strip_prefix("aws_codebuild.Cache.")? {
        "none" => Some(false),
        "bucket" => Some(true),
        "local" => modes.contains("CUSTOM").then_some(true),
        _ => None,
    }
}

/// The paths that a build specification names; the outer `None` where they cannot be read.
#[expect(clippy::option_option, reason = "no paths are something else than paths out of sight")]
fn paths<'a>(model: &Model<'a>, spec: &BuildSpec<'a>) -> Option<Option<(Syn<'a>, Vec<Syn<'a>>)>> {
    let Some(cache) = spec_entry(spec.root, "cache") else {
        return spec.complete.then_some(None);
    };
    let cache = model.spec_mapping(cache)?;
    let list = model.spec_list(spec_entry(cache, "paths")?)?;
    let items = spec_items(list);
    items.iter().all(|item| spec_literal(*item).is_some()).then_some(Some((list, items)))
}

fn is_known(path: &str) -> bool {
    KNOWN.iter().any(|part| path.contains(part))
}

/// Whether a cache path names a folder: `dir/**/*`, `dir/*`, `dir/`, `dir`.
fn is_folder(path: &str) -> bool {
    let base = path.trim_end_matches(['*', '/']);
    let last = base.rsplit('/').next().unwrap_or(base);
    let bare = base == path;
    // Without a glob behind it, a name with an end is a file's, and a hidden one may be.
    if last.is_empty() || base.contains('*') {
        return false;
    }
    !bare || is_known(path) && !last.trim_start_matches('.').contains('.') || !last.contains('.')
}

fn message(label: &str, build: &Build<'_>, jest: bool) -> String {
    let install = build.downloads.first().map(|download| download.text.as_str()).unwrap_or_default();
    let wrong = match build.keeps {
        Keeps::PathsWithoutCache => format!(
            "The build specification of {label} names cache paths, but the project has no cache: CodeBuild ignores them, and every \
             build starts from nothing."
        ),
        Keeps::Nothing => {
            format!(
                "{label} runs `{install}` and keeps nothing of it: every build downloads its dependencies again."
            )
        }
        Keeps::CacheWithoutPaths => format!(
            "{label} has a cache, but its build specification names no path: nothing is kept, and every `{install}` downloads again."
        ),
    };
    let does = match build.keeps {
        Keeps::CacheWithoutPaths => "The fix names the folder of the downloads",
        _ => "The fix adds a local cache, which is free and lives on the build host for a while",
    };
    let jest = if jest { ", and lets Jest keep what it compiled" } else { "" };
    format!("{wrong} {does}{jest}.")
}

impl<'a> Build<'a> {
    /// What is shown: the paths that are ignored, where they stand in code, else the project.
    fn place(&self) -> Syn<'a> {
        spec_pair(self.spec.root, "cache")
            .filter(|pair| self.keeps == Keeps::PathsWithoutCache && pair.file.language.is_script())
            .unwrap_or(self.project.node)
    }

    fn path_texts(&self) -> Vec<String> {
        let items = self.paths.iter().flat_map(|(_, items)| items);
        items.filter_map(|item| Some(Literal::of(spec_literal(*item)?)?.text)).collect()
    }

    /// Where Jest is to be told its folder, in the commands that run it.
    fn jest(&self, model: &Model<'a>) -> Vec<Addition<'a>> {
        if configures_jest(model) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for command in &self.spec.commands {
            let Some(literal) = Literal::of(command.literal) else { continue };
            for program in programs(&command.text).unwrap_or_default() {
                let Some(text) = jest_option(model, &program) else { continue };
                let end = program.span.end;
                if let Some(span) = literal.source(&(end..end)) {
                    found.push((command.literal, span.start, text));
                }
            }
        }
        found
    }

    fn keep(&self, b: &mut Builder<'_, 'a>, jest: &[Addition<'a>]) -> Result<(), Refusal> {
        if self.keeps != Keeps::CacheWithoutPaths {
            let cache = b.cdk(self.project.node, "aws_codebuild.Cache")?;
            let mode = b.cdk(self.project.node, "aws_codebuild.LocalCacheMode")?;
            b.set_prop(&self.project, "cache", &format!("{cache}.local({mode}.CUSTOM)"))?;
        }
        // Where the paths are written down, somebody has decided where the downloads are.
        let downloads = || self.downloads.iter().filter(|_| self.paths.is_none());
        let mut wanted: Vec<String> = Vec::new();
        for path in downloads().map(|download| format!("{}/**/*", download.folder)) {
            if !wanted.contains(&path) {
                wanted.push(path);
            }
        }
        let options = downloads().filter_map(|download| download.option.as_ref());
        for (literal, at, text) in options.chain(jest) {
            b.splice(*literal, *at..*at, text);
        }
        if !jest.is_empty() {
            wanted.push(format!("{JEST}/**/*"));
        }
        match &self.paths {
            None => self.add_paths(b, &wanted),
            Some((list, items)) => {
                self.replace_modules(b, items);
                for path in wanted.iter().filter(|path| !self.path_texts().contains(path)) {
                    b.append_item(*list, path);
                }
            }
        }
        Ok(())
    }

    /// `npm ci` deletes `node_modules` before it starts: what npm has downloaded is worth keeping instead.
    fn replace_modules(&self, b: &mut Builder<'_, 'a>, items: &[Syn<'a>]) {
        let runs_ci = self.spec.commands.iter().any(|command| command.text.contains("npm ci"));
        let has_npm = self.path_texts().iter().any(|path| path.contains("/.npm"));
        if !runs_ci || has_npm {
            return;
        }
        for item in items {
            let Some(literal) = spec_literal(*item) else { continue };
            let Some(read) = Literal::of(literal).filter(|read| read.text.starts_with("node_modules")) else {
                continue;
            };
            if let Some(span) = read.source(&(0..read.text.len())) {
                b.splice(literal, span, "/root/.npm/**/*");
                return;
            }
        }
    }

    fn add_paths(&self, b: &mut Builder<'_, 'a>, paths: &[String]) {
        let root = self.spec.root;
        if root.is("object") {
            let list = paths.iter().map(|path| format!("'{path}'")).collect::<Vec<_>>().join(", ");
            b.insert_entry(root, "cache", &format!("{{\n  paths: [{list}],\n}}"));
        } else {
            let lines: Vec<String> = paths.iter().map(|path| format!("    - '{path}'")).collect();
            b.append_yaml(root, &format!("cache:\n  paths:\n{}", lines.join("\n")));
        }
    }
}

/// Whether the app says itself where Jest keeps its cache.
fn configures_jest(model: &Model<'_>) -> bool {
    model.app.files.iter().any(|file| {
        let name = file.candidate.file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        (name == "package.json" || name.starts_with("jest."))
            && file.text().is_ok_and(|text| text.contains("cacheDirectory"))
    })
}

/// What to add to a command that runs Jest, and nothing but Jest.
fn jest_option(model: &Model<'_>, program: &Program) -> Option<String> {
    let decides = |program: &Program| {
        program.words.iter().any(|word| word.starts_with("--cacheDirectory") || word.contains("-cache"))
    };
    if decides(program) {
        return None;
    }
    let option = format!(" --cacheDirectory={JEST}");
    let Some(script) = &program.script else {
        return (program.name() == "jest").then_some(option);
    };
    let text = model.script_text(script)?;
    let runs = programs(&text)?;
    let [only] = runs.as_slice() else { return None };
    if only.name() != "jest" || decides(only) || only.span.end != text.trim_end().len() {
        return None;
    }
    let passes = script.manager == "npm" && !program.has(&["--"]);
    Some(if passes { format!(" --{option}") } else { option })
}
