//! Which stages of a pipeline deploy, and what for.

use crate::model::{Model, PipelineStage};
use crate::syntax::Syn;

/// Actions that change what is deployed.
const DEPLOYS: [&str; 14] = [
    "CloudFormationCreateUpdateStackAction",
    "CloudFormationExecuteChangeSetAction",
    "CloudFormationDeployStackSetAction",
    "CloudFormationDeployStackInstancesAction",
    "CodeDeployServerDeployAction",
    "CodeDeployEcsDeployAction",
    "EcsDeployAction",
    "S3DeployAction",
    "ElasticBeanstalkDeployAction",
    "AppConfigDeployAction",
    "ServiceCatalogDeployActionBeta1",
    "Ec2DeployAction",
    "EksDeployAction",
    "AlexaSkillDeployAction",
];

/// Actions that run something of the app's own: a deployment where a name says so.
const RUNS: [&str; 4] =
    ["CodeBuildAction", "LambdaInvokeAction", "StepFunctionInvokeAction", "CommandsAction"];

/// Parts of names that say that a stage is not production.
const NOT_PRODUCTION: [&str; 19] = [
    "dev",
    "test",
    "qa",
    "staging",
    "stage",
    "beta",
    "alpha",
    "gamma",
    "uat",
    "sandbox",
    "preprod",
    "nonprod",
    "preproduction",
    "int",
    "sit",
    "e2e",
    "review",
    "preview",
    "nonproduction",
];

/// Whether a stage changes what is deployed.
pub(crate) fn deploys<'a>(model: &Model<'a>, stage: &PipelineStage<'a>) -> bool {
    stage.actions.iter().flatten().any(|action| {
        let class = action.class.rsplit('.').next().unwrap_or_default();
        if DEPLOYS.contains(&class) {
            return true;
        }
        let props = action.props(model);
        let action_name = props.get(model, "actionName").value().map(Syn::text);
        let project = props.get(model, "project").value().map(Syn::text);
        RUNS.contains(&class)
            && [stage.name, action_name, project].into_iter().flatten().any(|name| {
                let name = name.to_ascii_lowercase();
                ["deploy", "release", "promote", "prod"].iter().any(|part| name.contains(part))
                    && !is_not_production(&name)
            })
    })
}

/// The words of a name: `DeployToProd`, `deploy-prod`, `DEPLOY_PROD`.
pub(crate) fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut lower = false;
    for character in name.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && lower) {
            parts.push(String::new());
        }
        lower = character.is_lowercase();
        if let Some(part) = parts.last_mut().filter(|_| character.is_alphanumeric()) {
            part.extend(character.to_lowercase());
        }
    }
    parts
}

/// Whether a name says that it is not about production.
pub(crate) fn is_not_production(name: &str) -> bool {
    let parts = parts(name);
    let pair = |a: &str, b: &str| {
        parts.windows(2).any(|two| matches!(two, [first, second] if first == a && second == b))
    };
    // `ProdStage` is a stage of CDK Pipelines.
    let noun = parts.iter().any(|part| matches!(part.as_str(), "prod" | "production" | "prd"));
    let other = |part: &String| {
        NOT_PRODUCTION.contains(&part.as_str()) && !(noun && part == "stage") || part.starts_with("develop")
    };
    parts.iter().any(other) || pair("non", "prod") || pair("pre", "prod")
}

/// Whether a name says that it is about production.
pub(crate) fn is_production(name: &str) -> bool {
    !is_not_production(name)
        && parts(name).iter().any(|part| matches!(part.as_str(), "prod" | "production" | "live" | "prd"))
}

#[cfg(test)]
mod tests {
    use super::{is_not_production, is_production};

    #[test]
    fn names_tell_production_from_the_rest() {
        for name in ["prod", "ProdStage", "stage=prod", "deploy-to-production", "PRD", "Live"] {
            assert!(is_production(name) && !is_not_production(name), "{name}");
        }
        for name in ["stage", "Staging", "DevStage", "pre-prod", "NonProd", "develop", "prod-test"] {
            assert!(!is_production(name) && is_not_production(name), "{name}");
        }
        assert!(!is_production("Product") && !is_not_production("Latest"));
    }
}
