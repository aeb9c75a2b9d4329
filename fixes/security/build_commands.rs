//! What the build projects of a role run.

use crate::model::{Model, Site};
use crate::syntax::Syn;

/// How far a role's need of CloudFormation can be told from the commands it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Every command is visible, and none can reach CloudFormation.
    Nothing,
    /// `cdk deploy` and no other command line of AWS: the roles of the CDK's bootstrap do the work.
    CdkDeploy,
    /// `cdk deploy`, and commands that may need more.
    CdkDeployAndMore,
    /// Anything else, or not to be seen.
    Unknown,
}

/// Tools that speak to CloudFormation.
const TOOLS: [&str; 9] =
    ["cloudformation", "cdk", "sam ", "sls", "serverless", "terraform", "pulumi", "amplify", "copilot"];
/// Ways to run what cannot be seen.
const RUNNERS: [&str; 13] = [
    "npm run",
    "npm start",
    "npm test",
    "npx",
    "yarn",
    "pnpm",
    "make",
    ".sh",
    "python",
    "node ",
    "gradle",
    "mvn",
    "bash",
];

/// What the projects that run as a principal need.
pub(super) fn need<'a>(model: &Model<'a>, principal: &Site<'a>) -> Need {
    let Some(commands) = commands(model, principal) else { return Need::Unknown };
    let has = |words: &[&str]| words.iter().any(|word| commands.contains(word));
    if has(&["cdk deploy", "cdk -- deploy"]) && !has(&["aws cloudformation", "sam ", "sls", "serverless"]) {
        return if has(&["aws ", "terraform", ".sh"]) { Need::CdkDeployAndMore } else { Need::CdkDeploy };
    }
    if has(&TOOLS) || has(&RUNNERS) { Need::Unknown } else { Need::Nothing }
}

/// The build specs of every project that runs as a principal, as one text; `None` where one is out of sight.
fn commands<'a>(model: &Model<'a>, principal: &Site<'a>) -> Option<String> {
    if model.builds(principal, "aws_codebuild.Project") {
        return build_spec(model, principal);
    }
    let mut text = String::new();
    let mut projects = 0;
    for used in model.uses(principal) {
        let parent = used.parent()?;
        let assumed = match parent.kind() {
            "pair" => parent.field("value") == Some(used),
            "object" => true,
            _ => false,
        };
        if !assumed {
            continue;
        }
        let site = used.ancestors().find_map(|node| model.site_of(node))?;
        if !model.builds(&site, "aws_codebuild.Project") {
            return None;
        }
        text.push_str(&build_spec(model, &site)?);
        projects += 1;
    }
    (projects > 0).then_some(text)
}

fn build_spec<'a>(model: &Model<'a>, project: &Site<'a>) -> Option<String> {
    let call = value_of(model, project.props(model).get(model, "buildSpec").value()?);
    let name = model.cdk_name(call.field("function")?)?;
    let argument = call.field("arguments")?.first()?;
    match name.rsplit('.').next()? {
        "fromObject" | "fromObjectToYaml" => {
            let object = value_of(model, argument);
            // A name or a call inside may stand for more commands.
            (object.is("object") && is_plain(object)).then(|| object.text().to_owned())
        }
        "fromSourceFilename" => {
            let file = model.app.root.join(argument.text().trim_matches(['\'', '"']));
            model.app.file(&file)?.text().ok().map(ToString::to_string)
        }
        _ => None,
    }
}

fn value_of<'a>(model: &Model<'a>, expression: Syn<'a>) -> Syn<'a> {
    match model.meaning(expression) {
        Some(crate::model::Meaning::Value(value)) => value,
        _ => expression,
    }
}

/// Whether an object is made of literals; what a template string is filled with is no command.
fn is_plain(node: Syn<'_>) -> bool {
    node.children().all(|child| match child.kind() {
        "template_string" => true,
        "spread_element"
        | "call_expression"
        | "member_expression"
        | "identifier"
        | "shorthand_property_identifier" => false,
        _ => is_plain(child),
    })
}
