//! What the build projects of a role run.

use crate::model::{Model, Site};
use crate::syntax::shell::{Program, programs};

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

/// Parts of words that speak of a tool which speaks to CloudFormation: installed, it is there to be run.
const TOOLS: [&str; 8] =
    ["cloudformation", "cdk", "sls", "serverless", "terraform", "pulumi", "amplify", "copilot"];
/// Programs that run what cannot be seen.
const RUNNERS: [&str; 12] = [
    "node", "ts-node", "python", "python3", "make", "gradle", "gradlew", "mvn", "mvnw", "bash", "sh", "yarn",
];
/// Tools of a project that do no more than they say.
const HARMLESS: [&str; 14] = [
    "tsc", "eslint", "prettier", "esbuild", "webpack", "vite", "rimraf", "rm", "cp", "mkdir", "cd", "npm",
    "zip", "true",
];
/// Scripts that call scripts are followed so far.
const DEPTH: u8 = 4;

/// What the projects that run as a principal need.
pub(super) fn need<'a>(model: &Model<'a>, principal: &Site<'a>) -> Need {
    let Some(runs) = runs(model, principal) else { return Need::Unknown };
    if runs.deploys && !runs.rival {
        return if runs.more { Need::CdkDeployAndMore } else { Need::CdkDeploy };
    }
    if runs.deploys || runs.tools || runs.hidden { Need::Unknown } else { Need::Nothing }
}

/// What commands come to.
#[derive(Default)]
struct Runs {
    /// `cdk deploy` is among them.
    deploys: bool,
    /// Another tool is that deploys through CloudFormation.
    rival: bool,
    /// A tool is spoken of that may.
    tools: bool,
    /// Other commands of AWS are, or scripts.
    more: bool,
    /// Something is that cannot be seen.
    hidden: bool,
}

impl Runs {
    /// A shell text; `None` where it cannot be read. `inside` is a script of package.json.
    fn read(&mut self, model: &Model<'_>, text: &str, inside: bool, depth: u8) -> Option<()> {
        for program in programs(text)? {
            let through = text.get(program.span.clone()).unwrap_or_default();
            let through = inside || ["npx", "yarn", "pnpm"].iter().any(|runner| through.starts_with(runner));
            self.program(model, &program, through, depth)?;
        }
        Some(())
    }

    fn program(&mut self, model: &Model<'_>, program: &Program, through: bool, depth: u8) -> Option<()> {
        if let Some(script) = &program.script {
            // `npm run cdk -- deploy`
            if script.name == "cdk" && program.has(&["deploy"]) {
                self.deploys = true;
                return Some(());
            }
            return match (model.script_text(script), depth.checked_sub(1)) {
                (Some(text), Some(depth)) => self.read(model, &text, true, depth),
                _ => {
                    self.hidden = true;
                    Some(())
                }
            };
        }
        let name = program.name();
        if matches!(name, "echo" | "printf") {
            return Some(());
        }
        let said = |part: &str| program.words.iter().any(|word| word.contains(part));
        self.deploys |= name == "cdk" && program.has(&["deploy"]);
        let deploys_stacks = program.aws().is_some_and(|(service, _)| service == "cloudformation");
        self.rival |= deploys_stacks || matches!(name, "sam" | "sls" | "serverless");
        self.tools |= name == "sam" || TOOLS.iter().any(|tool| said(tool));
        self.more |= name == "aws" || name == "terraform" || said(".sh");
        let starts = name == "npm" && program.has(&["start"]);
        self.hidden |=
            starts || said(".sh") || RUNNERS.contains(&name) || through && !HARMLESS.contains(&name);
        Some(())
    }
}

/// What every project runs that runs as a principal; `None` where one is out of sight.
fn runs<'a>(model: &Model<'a>, principal: &Site<'a>) -> Option<Runs> {
    let mut runs = Runs::default();
    for project in projects(model, principal)? {
        let spec = model.build_spec(&project).filter(|spec| spec.complete)?;
        for command in &spec.commands {
            runs.read(model, &command.text, false, DEPTH)?;
        }
    }
    Some(runs)
}

/// The projects that run as a principal; `None` where it is used for something else, or for nothing.
fn projects<'a>(model: &Model<'a>, principal: &Site<'a>) -> Option<Vec<Site<'a>>> {
    if model.builds(principal, "aws_codebuild.Project") {
        return Some(vec![principal.clone()]);
    }
    let mut projects = Vec::new();
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
        projects.push(site);
    }
    (!projects.is_empty()).then_some(projects)
}
