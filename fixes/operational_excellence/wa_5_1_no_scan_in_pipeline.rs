//! # 5.1 No automated testing in the pipeline
//!
//! ## What is wrong
//! The pipeline deploys whatever compiles: nothing looks whether the packages it installs have known vulnerabilities, nothing
//! reads the templates before they are deployed, or a scanner does and the build goes on whatever it finds. (Tests whose failure is
//! thrown away are 2.6.)
//!
//! ## What the fix does
//! It runs the package manager's own audit after the install, for what is shipped and from `high` severity on (`audit_level`
//! sets another). It adds cdk-nag, in the release that fits the app's aws-cdk-lib, has it check the app where
//! `--context cdkNag=true` is given, and runs that in the build. It cuts what throws a scanner's result away.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as codebuild from 'aws-cdk-lib/aws-codebuild';
//! import { Construct } from 'constructs';
//!
//! export class ScanStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new codebuild.PipelineProject(this, 'Scan', {
//!       buildSpec: codebuild.BuildSpec.fromObject({
//!         version: '0.2',
//!         phases: {
//!           build: {
//!             commands: ['npm audit --audit-level=high || true'],
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
//! export class ScanStack extends cdk.Stack {
//!   constructor(scope: Construct, id: string) {
//!     super(scope, id);
//!
//!     new codebuild.PipelineProject(this, 'Scan', {
//!       buildSpec: codebuild.BuildSpec.fromObject({
//!         version: '0.2',
//!         phases: {
//!           build: {
//!             commands: ['npm audit --audit-level=high'],
//!           },
//!         },
//!       }),
//!     });
//!   }
//! }
//! ```
//!
//! ## When it stays silent
//! Where any build, script or workflow of the app or of the repository around it audits packages (`npm audit`, Snyk, Trivy, OSV, Grype) or checks
//! templates (cdk-nag, cfn-lint, cfn-guard, Checkov, KICS, a validation plugin), tests that use cdk-nag included; where no build is
//! known, and for the templates where none names the CDK; for scripts that run at every install; for apps of CDK v1. With
//! Dependabot, Renovate or Inspector in the repository the missing audit is only a remark.
//!
//! ## When it refuses
//! Without a lock file, which every audit reads; where the install is not a command of its own; where the app has no name, its
//! package.json is elsewhere, or its aws-cdk-lib is older than every cdk-nag that is known to work. Where the build could not
//! synthesise the app (it bundles with Docker, or looks things up in an account), cdk-nag is added but the build does not run it.
//!
//! ## What to know before deploying
//! Builds that used to pass may stop: run the commands once by hand. A new advisory stops a release without any change of the code. A private
//! registry that does not know the audit request fails it. After cdk-nag is added, run the install once and commit the lock
//! file, or `npm ci` fails; then mend or suppress what `cdk synth --context cdkNag=true` reports. Static analysis of the code (Semgrep,
//! CodeQL, Sonar) is worth having as well, and is a choice of its own.
//!
//! ## Other checkers
//! None of cdk-nag, Checkov and cfn-lint reads commands.

use super::super::reliability::wa_2_6_pipeline_swallows_failures::{HOOKS, Switch};
use super::build_lists::{self, Line, Manager};
use super::nag;
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::{Model, Runner};
use crate::rule::{AnswerType, Impact, Meta, Pillar, Question, Rule, Tier};
use crate::syntax::shell::{masked_scan, runs_scan};
use crate::syntax::{Literal, Syn};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const LEVEL: Question = Question {
    key: "audit_level",
    ask: "From which severity on should a known vulnerability stop the build (low, moderate, high, critical)? Without an answer it is high.",
    kind: AnswerType::Choice(&["low", "moderate", "high", "critical"]),
    example: "high",
};

pub(super) const META: Meta = Meta {
    id: "5.1",
    also: &[],
    name: "no-scan-in-pipeline",
    title: "Nothing in the pipeline looks for known vulnerabilities",
    pillar: Pillar::OperationalExcellence,
    impact: Impact::Medium,
    tier: Tier::Review,
    practice: "OPS05-BP02",
    clears: &[],
    raises: &[],
    asks: &[LEVEL],
    // Behind 2.6, which repairs the same lists, and before 6.3, which shortens them.
    order: 510,
    source: include_str!("wa_5_1_no_scan_in_pipeline.rs"),
    query: include_str!("../../queries/operational_excellence/wa_5_1_no_scan_in_pipeline.scm"),
};

/// What says that packages are audited.
const AUDITS: [&str; 17] = [
    "npm audit",
    "yarn audit",
    "yarn npm audit",
    "pnpm audit",
    "bun audit",
    "audit-ci",
    "npm-audit",
    "snyk",
    "trivy",
    "osv-scanner",
    "grype",
    "dependency-check",
    "dependency-review",
    "socket-security",
    "sonatype",
    "mend-bolt",
    "whitesource",
];

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    if let Some(node) = m.node("scan") {
        return masked(m.model, node, out);
    }
    if let Some(node) = m.node("switch") {
        return switched_off(m.model, node, out);
    }
    if let Some(node) = m.node("install") {
        return unaudited(m.model, node, out);
    }
    nag::unchecked(m.model, &m.site("app")?, out)
}

/// A scanner whose result is thrown away.
fn masked<'a>(model: &Model<'a>, node: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let literal = Literal::of(node)?;
    let plain = crate::syntax::shell::Defaults { errexit: true, pipefail: false };
    masked_scan(&literal.text, crate::syntax::shell::Defaults::PLAIN)
        .or_else(|| masked_scan(&literal.text, plain))?;
    let command = model.command(node)?;
    let found = masked_scan(&literal.text, command.shell)?;
    // An advisory must not be in the way of an install.
    if command.runner == Runner::PackageScript && HOOKS.contains(&command.owner.as_str()) {
        return None;
    }
    // As it is written, with the `${…}` that the text does not show.
    let check = found.checks.first()?;
    let first = node.file.text.get(literal.source(&(check.at..check.at + check.text.len()))?)?.to_owned();
    let by = found.by.first()?.clone();
    let owner = build_lists::runner(&command);
    let message = format!(
        "{owner} runs `{first}` and goes on whatever it finds, because of `{by}`. The fix lets a finding stop the build; run it once before, and \
         decide about what it reports."
    );
    let finding = out.report(&META, model, node, message);
    finding.key(&first);
    if found.unclear || found.needs_bash {
        finding.refuse(
            "its result is mixed with that of other commands",
            "give the scanner a command of its own",
        );
        return Some(());
    }
    finding.fix(format!("Let `{first}` stop the build"), move |b| {
        for edit in &found.edits {
            let span = literal
                .source(&edit.span)
                .ok_or_else(|| no_fix("the literal cannot be edited", "edit it by hand"))?;
            b.splice(node, span, &edit.text);
        }
        Ok(())
    });
    Some(())
}

/// A scanner beside a setting that lets the build go on.
fn switched_off<'a>(model: &Model<'a>, pair: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let switch = Switch::of(model, pair, runs_scan)?;
    let Switch { shown, owner, first, .. } = &switch;
    let message = format!(
        "`{shown}` lets {owner} go on whatever `{first}` finds. The fix lets a finding stop the build; run it once before, and decide about \
         what it reports."
    );
    let finding = out.report(&META, model, pair, message);
    finding.key(first);
    finding.fix(format!("Let `{first}` stop the build"), move |b| {
        switch.remove(b);
        Ok(())
    });
    Some(())
}

/// Every text of the app and of the repository's workflows that may name a scanner.
pub(super) fn says(model: &Model<'_>, words: &[&str]) -> bool {
    let named = |text: &str| words.iter().any(|word| text.contains(word));
    model.app.files.iter().any(|file| file.text().is_ok_and(|text| named(text)))
        || model.app.workflows_above().iter().any(|text| named(text))
        || [
            ".gitlab-ci.yml",
            "bitbucket-pipelines.yml",
            "Jenkinsfile",
            "azure-pipelines.yml",
            ".pre-commit-config.yaml",
        ]
        .iter()
        .any(|file| model.app.text_above(file).is_some_and(|text| named(&text)))
}

/// Whether a line belongs to a build of the app: a project or step, or a workflow that runs the CDK.
pub(super) fn builds_the_app(line: &Line<'_>) -> bool {
    !matches!(line.command.runner, Runner::Workflow | Runner::GitLab) || line.node.file.text.contains("cdk ")
}

fn unaudited<'a>(model: &Model<'a>, node: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    // The text first: most strings install nothing.
    let is_install = |text: &str| build_lists::installer(text).is_some();
    let own = build_lists::line(model, node, &is_install)?;
    let first = build_lists::lines(model, is_install).into_iter().find(builds_the_app)?;
    if first.node != own.node || says(model, &AUDITS) {
        return None;
    }
    let manager = build_lists::installer(&own.text)?;
    let lock = lock(model, manager);
    let fix = if lock.is_some() && build_lists::has_place(&own) {
        " The fix audits what is shipped: an advisory of high severity or above (audit_level sets another) then stops the release until the \
         package is updated."
    } else {
        ""
    };
    let message = format!(
        "{} runs `{}`, and no build looks whether the packages have known vulnerabilities.{fix}",
        build_lists::runner(&own.command),
        own.text
    );
    let finding = out.report(&META, model, node, message);
    finding.key("audit");
    if is_watched(model) {
        finding.impact(Impact::Info);
    }
    let Some(lock) = lock else {
        finding.refuse(
            "there is no lock file, and an audit reads nothing else",
            "commit the lock file that the install writes, then run again",
        );
        return Some(());
    };
    if !build_lists::has_place(&own) {
        finding.refuse(
            "the install is not an item of a list that can be added to",
            "run the package manager's audit behind it",
        );
        return Some(());
    }
    finding.fix("Audit the packages in the build", move |b| {
        let code = audit(b, manager, &lock)?;
        match build_lists::before_build(&own) {
            Some(first) => {
                let quoted = b.style(first.file).string(&code);
                b.insert_element_before(first, &quoted);
                Ok(())
            }
            None => build_lists::add_after(b, &own, &code).ok_or_else(|| {
                no_fix("the list cannot be added to", "run the package manager's audit behind it")
            }),
        }
    });
    Some(())
}

/// Whether something else watches the packages.
fn is_watched(model: &Model<'_>) -> bool {
    let files = [
        ".github/dependabot.yml",
        ".github/dependabot.yaml",
        "renovate.json",
        "renovate.json5",
        ".renovaterc",
        ".renovaterc.json",
        ".github/renovate.json",
        ".github/renovate.json5",
    ];
    files.iter().any(|file| model.app.text_above(file).is_some())
        || model.cdk_files().any(|file| file.text.contains("inspectorv2") || file.text.contains("inspector2"))
}

/// The text of the lock file that a manager reads.
fn lock(model: &Model<'_>, manager: Manager) -> Option<String> {
    let names: &[&str] = match manager {
        Manager::Npm => &["package-lock.json", "npm-shrinkwrap.json"],
        Manager::Yarn => &["yarn.lock"],
        Manager::Pnpm => &["pnpm-lock.yaml"],
    };
    names.iter().find_map(|name| model.app.text_above(name))
}

fn audit(b: &Builder<'_, '_>, manager: Manager, lock: &str) -> Result<String, Refusal> {
    let level = b.value_if_given(LEVEL.key).unwrap_or("high");
    // What the exit status of the first Yarn says: a sum of 1 info, 2 low, 4 moderate, 8 high, 16 critical.
    let bit = match level {
        "low" => 2,
        "moderate" => 4,
        "high" => 8,
        "critical" => 16,
        other => {
            return Err(no_fix(
                &format!("audit_level is {other}"),
                "give one of low, moderate, high, critical",
            ));
        }
    };
    Ok(match manager {
        Manager::Npm => format!("npm audit --omit=dev --audit-level={level}"),
        Manager::Yarn if lock.contains("__metadata:") => {
            format!("yarn npm audit --environment production --severity {level}")
        }
        Manager::Yarn => format!("yarn audit --groups dependencies --level {level} || [ $? -lt {bit} ]"),
        Manager::Pnpm => format!("pnpm audit --prod --audit-level {level}"),
    })
}
