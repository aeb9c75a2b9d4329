//! Has cdk-nag read the app's templates before they are deployed.

use super::build_lists::{self, Line};
use super::wa_5_1_no_scan_in_pipeline::{META, builds_the_app, says};
use crate::detect::{Findings, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::{Binding, Model, Prop, Release, Site, release};
use crate::rule::Tier;
use crate::syntax::Parsed;

/// What says that templates are checked.
const CHECKERS: [&str; 11] = [
    "cdk-nag",
    "policyValidationBeta1",
    "addPlugins",
    "cfn-lint",
    "cfn_nag",
    "cfn-nag",
    "cfn-guard",
    "checkov",
    "kics",
    "trivy config",
    "cfnguard",
];

/// The cdk-nag that goes with an aws-cdk-lib, from the peer ranges of its releases; newest first.
const RELEASES: [(u16, &str); 5] =
    [(176, "~2.37.55"), (156, "2.36.50"), (116, "2.28.196"), (78, "2.28.9"), (45, "2.27.1")];

/// How builds call the CDK's command line: the check is called like the line that it stands before.
const RUNNERS: [&str; 6] = ["cdk", "npx cdk", "npx aws-cdk", "yarn cdk", "pnpm cdk", "pnpm exec cdk"];

/// Where the build runs cdk-nag.
#[derive(Debug, Clone)]
enum Place<'a> {
    Before(Line<'a>),
    After(Line<'a>),
    /// No build can synthesise the app: why.
    Nowhere(&'static str),
}

/// An app that a build delivers, and whose templates nothing checks.
pub(super) fn unchecked<'a>(model: &Model<'a>, app: &Site<'a>, out: &mut Findings<'a>) -> Option<()> {
    let release = model.app.release;
    if !model.starts_app(app) || release.is_some_and(|release| release.major < 2) {
        return None;
    }
    let runs = |text: &str| runs_cdk(model, text) || build_lists::installer(text).is_some();
    let lines: Vec<Line<'a>> = build_lists::lines(model, runs).into_iter().filter(builds_the_app).collect();
    // Where no build names the CDK, another project's sources may be what is built: a web site's, a container's.
    let names = |text: &str| text.contains("cdk") || runs_cdk(model, text);
    let speaks = build_lists::lines(model, names).iter().any(builds_the_app);
    if lines.is_empty() || !speaks || says(model, &CHECKERS) {
        return None;
    }
    let place = place(model, &lines);
    let who = match &place {
        Place::Before(line) | Place::After(line) => {
            format!("{} runs it, and stops at what it finds", build_lists::runner(&line.command))
        }
        Place::Nowhere(why) => format!("{why}, so run it by hand"),
    };
    let message = format!(
        "Nothing reads the templates of this app before they are deployed: an open bucket or an unencrypted queue goes out unseen. The fix \
         adds cdk-nag for `--context cdkNag=true`; {who}. Install once and commit the lock file, then mend or suppress what it finds."
    );
    let finding = out.report(&META, model, app.node, message);
    finding.key("templates").tier(Tier::Scaffold);
    let Some(version) = version(model) else {
        finding.refuse(
            "no cdk-nag is known to work with this aws-cdk-lib",
            "update aws-cdk-lib to 2.45.0 or later, then run again",
        );
        return Some(());
    };
    let Some((manifest, section)) = manifest(model) else {
        finding.refuse(
            "the package.json that names aws-cdk-lib is not in the app's folder",
            "add cdk-nag there, and run wa-fix on that folder",
        );
        return Some(());
    };
    let Binding::Variable(name) = app.binding() else {
        finding.refuse("the app has no name here", "keep it in a constant, then run again");
        return Some(());
    };
    let (app, name) = (app.clone(), name.text());
    finding.fix("Check the templates with cdk-nag", move |b| {
        gate(b, &app, name)?;
        b.set_json(manifest, &[section, "cdk-nag"], &format!("\"{version}\""))?;
        let code = command(b.model, &place);
        let added = match &place {
            Place::Before(line) => build_lists::add_before(b, line, &code),
            Place::After(line) => build_lists::add_after(b, line, &code),
            Place::Nowhere(_) => Some(()),
        };
        added.ok_or_else(|| no_fix("the build's list cannot be added to", "run cdk-nag in the build by hand"))
    });
    Some(())
}

/// Whether a command synthesises or deploys with the CDK, by itself or through a script of package.json.
fn runs_cdk(model: &Model<'_>, text: &str) -> bool {
    let script = text.split_whitespace().nth(2).filter(|_| text.starts_with("npm run "));
    build_lists::runs_cdk(text)
        || script.is_some_and(|script| {
            model
                .package_json(&model.app.root)
                .and_then(|package| Some(package.get("scripts")?.get(script)?.as_str()?.to_owned()))
                .is_some_and(|script| build_lists::runs_cdk(&script))
        })
}

/// Before the CDK is run, else behind what builds the code, else behind the install.
fn place<'a>(model: &Model<'a>, lines: &[Line<'a>]) -> Place<'a> {
    if let Some(why) = cannot_synthesise(model) {
        return Place::Nowhere(why);
    }
    let usable = || lines.iter().filter(|line| build_lists::has_place(line));
    if let Some(line) = usable().find(|line| runs_cdk(model, &line.text)) {
        return Place::Before(line.clone());
    }
    let Some(install) = usable().next() else {
        return Place::Nowhere("no build has a place for it");
    };
    let same = |line: &Line<'a>| {
        line.command.spec.is_some() && line.command.spec == install.command.spec
            || line.command.list.is_some() && line.command.list == install.command.list
    };
    let built = build_lists::lines(model, compiles);
    let built = built.iter().rfind(|line| same(line) && build_lists::has_place(line));
    Place::After(built.unwrap_or(install).clone())
}

/// Whether a command makes what the app deploys.
fn compiles(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let script = match words.as_slice() {
        ["npm" | "pnpm" | "yarn" | "bun", "run", script, ..] | ["yarn" | "pnpm", script, ..] => *script,
        ["npx", "tsc", ..] | ["tsc", ..] => "build",
        _ => return false,
    };
    ["build", "bundle", "compile"].iter().any(|part| script.starts_with(part))
}

/// Why a build cannot synthesise the app; `None` where it can.
fn cannot_synthesise(model: &Model<'_>) -> Option<&'static str> {
    let docker = model.all_sites().any(|site| {
        let bundling = site.props(model).get(model, "bundling");
        model.builds(&site, "aws_lambda_python_alpha.PythonFunction")
            || model.builds(&site, "aws_lambda_go_alpha.GoFunction")
            || matches!(bundling, Prop::Present(entry) if entry.value.text().contains("image"))
    }) || model
        .cdk_files()
        .any(|file| file.text.contains("bundlingImage") || file.text.contains("fromDockerBuild"));
    if docker {
        return Some("the app bundles its code with Docker, which the build may not have");
    }
    let looks_up = model
        .cdk_files()
        .any(|file| file.text.contains(".fromLookup(") || file.text.contains("valueFromLookup("));
    (looks_up && model.app.text_above("cdk.context.json").is_none())
        .then_some("the app looks things up in an account, which the build may not reach")
}

/// The command, with the CDK's command line as the app has it.
fn command(model: &Model<'_>, place: &Place<'_>) -> String {
    let package = model.package_json(&model.app.root);
    let has_cli = package.is_some_and(|package| {
        ["dependencies", "devDependencies"]
            .iter()
            .any(|section| package.get(section).is_some_and(|section| section.get("aws-cdk").is_some()))
    });
    let same = match place {
        Place::Before(line) => RUNNERS
            .iter()
            .find(|runner| line.text.strip_prefix(**runner).is_some_and(|rest| rest.starts_with(' '))),
        _ => None,
    };
    // Without a release of its own the app takes the newest of the same generation.
    let program = same.copied().unwrap_or(if has_cli { "npx cdk" } else { "npx aws-cdk@2" });
    format!("{program} synth --quiet --context cdkNag=true")
}

fn version(model: &Model<'_>) -> Option<&'static str> {
    let lib = model.app.release?;
    let constructs = release::of_package(&model.app.root, "constructs");
    if lib.minor >= 176 && constructs >= Some(Release { major: 10, minor: 5, patch: 1 }) {
        return Some("~2.38.2");
    }
    RELEASES.iter().find(|(minor, _)| lib.minor >= *minor).map(|(_, version)| *version)
}

/// The package.json of the app, and the section that names aws-cdk-lib.
fn manifest<'a>(model: &Model<'a>) -> Option<(&'a Parsed, &'static str)> {
    let parsed = model.app.file(&model.app.root.join("package.json"))?.parsed()?;
    let json: serde_json::Value = serde_json::from_str(&parsed.text).ok()?;
    let section = ["devDependencies", "dependencies"]
        .into_iter()
        .find(|section| json.get(section).is_some_and(|section| section.get("aws-cdk-lib").is_some()))?;
    Some((parsed, section))
}

/// Adds the aspect behind everything that the program builds, before it synthesises or returns.
fn gate<'a>(b: &mut Builder<'_, 'a>, app: &Site<'a>, name: &str) -> Result<(), Refusal> {
    let own = b.statement(app.node)?;
    let block =
        own.parent().ok_or_else(|| no_fix("the app is built nowhere", "report this as a fault of wa-fix"))?;
    b.package(app.node.file, "cdk-nag", "AwsSolutionsChecks")?;
    let aspects = b.cdk(app.node, "Aspects")?;
    let code = format!(
        "// Checked where it is asked for: cdk synth --context cdkNag=true\nif (String({name}.node.tryGetContext('cdkNag')) === 'true') {{\n  \
         {aspects}.of({name}).add(new AwsSolutionsChecks({{ verbose: true }}));\n}}"
    );
    let synth = format!("{name}.synth(");
    let later = || block.children().filter(|other| other.start() > own.start() && !other.is("comment"));
    let end = later().find(|other| other.text().contains(&synth) || other.is("return_statement"));
    match end {
        Some(end) => b.insert_before(end, &code),
        None => b.insert_after(later().last().unwrap_or(own), &code),
    }
    Ok(())
}
