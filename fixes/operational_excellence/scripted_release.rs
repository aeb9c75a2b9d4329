//! Releases of functions that a script makes: `aws lambda update-alias` becomes a deployment of `CodeDeploy`.

use super::alias::{is_written_about, keep_versions};
use super::release_commands::start_deployment;
use super::release_group::{build_group, exchange_permission, pass_names};
use super::wa_5_5_no_gradual_release::META;
use crate::detect::Findings;
use crate::model::props::own_entry;
use crate::model::{Command, Model, Runner, Site};
use crate::rule::{Impact, Tier};
use crate::syntax::shell::{Program, programs};
use crate::syntax::{Literal, ShellWord, Syn};

/// What the deployment that replaces a command has to know.
pub(super) struct Release<'a> {
    /// The literal that holds the command, and the list it is an item of.
    pub(super) literal: Syn<'a>,
    pub(super) list: Syn<'a>,
    /// The build project that runs it.
    pub(super) project: Site<'a>,
    /// The name by which the function is known beside the project, and the function.
    pub(super) function: (Syn<'a>, Site<'a>),
    /// The alias, where it is known there.
    pub(super) alias: Option<Syn<'a>>,
    /// How the command names function, alias and version.
    pub(super) words: Words,
}

/// The words of the command that go into the deployment, as shell text.
pub(super) struct Words {
    pub(super) function: ShellWord,
    pub(super) alias: ShellWord,
    pub(super) version: ShellWord,
    /// ` --region …`, where it is given.
    pub(super) global: String,
}

/// Options that `update-alias` may have and a deployment can do without or take over.
const KNOWN: [&str; 8] = [
    "--function-name",
    "--name",
    "--function-version",
    "--region",
    "--profile",
    "--output",
    "--query",
    "--no-cli-pager",
];
/// Variables of the build by which the script knows where to deploy.
pub(super) const APPLICATION: &str = "CODEDEPLOY_APPLICATION";
pub(super) const GROUP: &str = "CODEDEPLOY_GROUP";

pub(super) fn check<'a>(model: &Model<'a>, node: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let literal = Literal::of(node)?;
    let found = programs(&literal.text)?;
    let of = |operation: &str| found.iter().find(|command| command.aws() == Some(("lambda", operation)));
    let command = model.command(node)?;
    if command.owner.to_ascii_lowercase().contains("rollback") || deploys(model, node) {
        return None;
    }
    match (of("update-alias"), of("update-function-code")) {
        (Some(update), _) if update.option(&literal.text, "--routing-config").is_none() => {
            moves_alias(model, node, (&literal, update, &command), out);
            Some(())
        }
        (None, Some(update)) => replaces_code(model, node, (update, &command), out),
        _ => None,
    }
}

/// Whether a deployment is started by the build that runs a command, or by one that cannot be told from it.
fn deploys<'a>(model: &Model<'a>, command: Syn<'a>) -> bool {
    let own = project_of(model, command);
    is_written_about(model, "deploy create-deployment", |token| match (&own, project_of(model, token)) {
        (Some(own), Some(other)) => own.node == other.node,
        _ => true,
    })
}

/// The build project in whose props a node stands.
fn project_of<'a>(model: &Model<'a>, node: Syn<'a>) -> Option<Site<'a>> {
    node.ancestors()
        .filter_map(|around| model.site_of(around))
        .find(|site| model.builds(site, "aws_codebuild.Project"))
}

/// `aws lambda update-alias`.
fn moves_alias<'a>(
    model: &Model<'a>,
    node: Syn<'a>,
    (literal, update, command): (&Literal, &Program, &Command<'a>),
    out: &mut Findings<'a>,
) {
    let owner = &command.owner;
    let release = release(model, node, (literal, update, command));
    let fix = if release.is_ok() {
        " The fix has CodeDeploy try it with 10 % of the traffic for five minutes and go back at the first error; the release waits for \
         that, and an alarm is billed."
    } else {
        ""
    };
    let finding = out.report(
        &META,
        model,
        node,
        format!(
            "{owner} points the alias to the new version with `aws lambda update-alias`: all callers get it at once, and if it fails, \
             every call fails until somebody goes back.{fix}"
        ),
    );
    finding.tier(Tier::Scaffold);
    match release {
        Ok(release) => finding.fix(format!("Let CodeDeploy move the alias for {owner}"), move |b| {
            let names = build_group(b, &release)?;
            start_deployment(b, &release);
            pass_names(b, &release, &names)?;
            exchange_permission(b, &release);
            keep_versions(b, &release.function.1)
        }),
        Err(why) => finding.refuse(why.0, why.1),
    }
}

/// `aws lambda update-function-code` and nothing that publishes a version.
fn replaces_code<'a>(
    model: &Model<'a>,
    node: Syn<'a>,
    (update, command): (&Program, &Command<'a>),
    out: &mut Findings<'a>,
) -> Option<()> {
    let published = ["publish-version", "update-alias"].iter().any(|word| node.file.text.contains(word));
    let dry = ["--publish", "--dry-run"].iter().any(|option| update.options().any(|given| given == *option));
    if published || dry || matches!(command.runner, Runner::PackageScript | Runner::Bundling) {
        return None;
    }
    let owner = &command.owner;
    out.report(
        &META,
        model,
        node,
        format!(
            "{owner} replaces the code of a function in place: all callers get it at once, and no version is kept to go back to."
        ),
    )
    .impact(Impact::Low)
    .refuse(
        "callers use the function itself, so there is nothing that could be moved step by step",
        "let the callers use an alias, publish a version here, and let CodeDeploy move the alias",
    );
    Some(())
}

/// Why a command cannot be replaced, and what to do.
type Why = (&'static str, &'static str);

fn release<'a>(
    model: &Model<'a>,
    node: Syn<'a>,
    (literal, update, command): (&Literal, &Program, &Command<'a>),
) -> Result<Release<'a>, Why> {
    let by_hand =
        "create a CodeDeploy deployment group for the alias, and start a deployment in place of update-alias";
    let project = project_of(model, node).filter(|_| command.runner == Runner::CodeBuild).ok_or((
        "the command does not stand in a build project of the app, which could be told where to deploy",
        by_hand,
    ))?;
    let whole = literal.text.trim().len() == update.span.len() && update.alone;
    let list = command.list.filter(|list| node.parent() == Some(*list)).filter(|_| whole).ok_or((
        "the command is part of a longer text, which would have to be rewritten",
        "make it an item of its own in the list of commands, then run again",
    ))?;
    let version = command.spec.and_then(|spec| own_entry(spec, "version"));
    if version.is_none_or(|version| !version.text().contains("0.2")) {
        return Err((
            "only from version 0.2 on does a build specification keep variables from one command to the next",
            "say version: '0.2', then run again",
        ));
    }
    if update.options().any(|option| !KNOWN.contains(&option)) || node.is("template_string") {
        return Err(("the command has options or parts that a deployment has no place for", by_hand));
    }
    let word = |name: &str| {
        update
            .option(&literal.text, name)
            .ok_or(("the command does not say all that a deployment needs", by_hand))
    };
    let words = Words {
        function: word("--function-name")?,
        alias: word("--name")?,
        version: word("--function-version")?,
        global: ["--region", "--profile"]
            .iter()
            .filter_map(|name| Some(format!(" {name} {}", update.option(&literal.text, name)?.text)))
            .collect(),
    };
    if words.version.value().contains("LATEST") {
        return Err((
            "an alias that points to $LATEST has no versions to shift between",
            "publish a version, then run again",
        ));
    }
    let named = |word: &ShellWord, members: &[&str]| {
        let value = variable(model, &project, word.variable()?)?;
        let property = value.field("property")?.text();
        value.field("object").filter(|_| members.contains(&property))
    };
    let alias = named(&words.alias, &["aliasName"]);
    if alias.is_none() && words.alias.text.contains('$') {
        return Err((
            "which alias it moves cannot be told",
            "give its name as a variable of the project, { value: alias.aliasName }, then run again",
        ));
    }
    let function = named(&words.function, &["functionName", "functionArn"])
        .and_then(|name| Some((name, model.invoked_function(name)?)))
        .ok_or((
            "which function it releases cannot be told",
            "give its name as a variable of the project, { value: fn.functionName }, then run again",
        ))?;
    let role = project.props(model).get(model, "role").present().map(|role| model.origin(role.value));
    if role.is_some_and(|role| role.is_none_or(|role| !model.builds(&role, "aws_iam.Role"))) {
        return Err(("the project's role is not built by this app, which could then let it deploy", by_hand));
    }
    Ok(Release { literal: node, list, project, function, alias, words })
}

/// The value of a build's environment variable.
fn variable<'a>(model: &Model<'a>, project: &Site<'a>, name: &str) -> Option<Syn<'a>> {
    let props = project.props(model);
    let environment = props.get(model, "environment").value().map(|value| model.props_of(value));
    let own = props.get(model, "environmentVariables").value();
    let inner = environment.and_then(|environment| environment.get(model, "environmentVariables").value());
    own.into_iter()
        .chain(inner)
        .filter_map(|variables| model.props_of(variables).get(model, name).value())
        .find_map(|variable| model.props_of(variable).get(model, "value").value())
}
