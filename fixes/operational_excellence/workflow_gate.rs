//! A job of a GitHub workflow that deploys to production with the CDK, and for which nobody is asked.

use super::build_lists::last_end;
use super::deploying_stages::{is_not_production, is_production, parts};
use super::pull_requests;
use super::wa_5_2_no_approval_before_production::META;
use super::workflow::{Job, Step, setting, text, texts, variables};
use crate::detect::{Findings, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words;
use crate::model::{Model, Runner};
use crate::source::Language;
use crate::syntax::shell::{Program, programs};
use crate::syntax::{Literal, Syn};

/// A deployment that a step makes.
struct Deployment {
    /// How it is written.
    shown: String,
    /// The words behind `deploy`.
    words: Vec<String>,
}

pub(super) fn check<'a>(model: &Model<'a>, runs_on: Syn<'a>, out: &mut Findings<'a>) -> Option<()> {
    let job = Job::of(runs_on)?;
    if !starts_by_itself(&job) || is_chosen(job.setting("if")) || is_gated(model, &job) {
        return None;
    }
    let steps = job.steps().into_iter().filter(|step| !is_chosen(step.setting("if")));
    let deploying: Vec<(Deployment, Option<bool>)> = steps
        .filter_map(|step| {
            let deployment = deployment(model, &step)?;
            let production = is_for_production(model, &job, &step, &deployment);
            Some((deployment, production))
        })
        .collect();
    let (first, _) = deploying.iter().find(|(_, production)| *production == Some(true))?;
    let settings = job.mapping.text();
    let by_token = settings.contains("role-to-assume") && !settings.contains("aws-access-key-id");
    let name = environment_name(model);
    let token = if by_token {
        format!(
            " The token that the job shows to AWS then ends in `:environment:{name}`, which the trust of its role has to admit."
        )
    } else {
        String::new()
    };
    let message = format!(
        "Job {} runs `{}` by itself, and nobody is asked: whatever is merged goes out. The fix has it deploy to the environment `{name}`, \
         where GitHub waits for a person as soon as the settings of the repository name required reviewers for it.{token}{}",
        job.id,
        first.shown,
        pull_requests::told(model)
    );
    let finding = out.report(&META, model, runs_on, message);
    finding.key(&format!("workflow:{}", job.id));
    if deploying.iter().any(|(_, production)| *production == Some(false)) {
        finding.refuse(
            "the job also deploys elsewhere than to production, and an environment holds back a whole job",
            "deploy to production in a job of its own that needs this one, then run again",
        );
        return Some(());
    }
    finding.fix(format!("Let job {} deploy to the environment {name}", job.id), move |b| {
        if by_token {
            trust_admits(b.model, &name)?;
        }
        pull_requests::add(b);
        gate(b, runs_on, &name);
        Ok(())
    });
    Some(())
}

fn gate<'a>(b: &mut Builder<'_, 'a>, runs_on: Syn<'a>, name: &str) {
    b.insert_lines_after(runs_on, runs_on.start(), last_end(runs_on), &format!("environment: {name}"));
}

/// Whether the job runs after a push, or after another workflow, without a person's doing. A tag and a release are set by one.
fn starts_by_itself(job: &Job<'_>) -> bool {
    let pushed = job.event("push").is_some_and(|push| {
        let branches = setting(push, "branches").map(texts);
        match branches {
            Some(branches) => branches.iter().any(|branch| !is_not_production(branch)),
            None => setting(push, "tags").is_none() && setting(push, "tags-ignore").is_none(),
        }
    });
    pushed || job.event("workflow_run").is_some()
}

/// Whether a condition leaves the decision to a person, or may.
fn is_chosen(condition: Option<Syn<'_>>) -> bool {
    const BY_PERSONS: [&str; 8] =
        ["workflow_dispatch", "inputs", "tag", "release", "label", "comment", "approv", "false"];
    let Some(condition) = condition else { return false };
    let condition = condition.text().to_ascii_lowercase();
    BY_PERSONS.iter().any(|word| condition.contains(word)) || is_not_production(&condition)
}

/// Whether the job, or one that it waits for, stops for a person, or may.
fn is_gated<'a>(model: &Model<'a>, job: &Job<'a>) -> bool {
    let asks = |job: &Job<'a>| {
        job.steps().iter().filter_map(|step| step.says("uses")).any(|action| action.contains("approv"))
    };
    let held = |job: &Job<'a>| {
        job.setting("environment").is_some_and(|environment| {
            let name = setting(environment, "name").unwrap_or(environment);
            !is_not_production(name.text())
        })
    };
    job.setting("environment").is_some()
        || asks(job)
        || job.needed().iter().any(|other| {
            let called = other.setting("uses").and_then(text);
            asks(other) || held(other) || called.is_some_and(|called| may_ask(model, &called))
        })
}

/// Whether a workflow that a job calls stops for a person, or is out of sight.
fn may_ask(model: &Model<'_>, called: &str) -> bool {
    let file = called.strip_prefix("./").and_then(|path| {
        model.app.files.iter().find(|file| file.candidate.path.ends_with(path))?.text().ok()
    });
    file.is_none_or(|text| text.contains("environment:") || text.contains("approv"))
}

/// What a step deploys with the CDK.
fn deployment<'a>(model: &Model<'a>, step: &Step<'a>) -> Option<Deployment> {
    if step.says("uses").is_some_and(|action| action.starts_with("youyo/aws-cdk-github-actions@")) {
        let with = step.setting("with")?;
        let given = |key: &str| setting(with, key).and_then(text);
        let named: String =
            ["cdk_args", "cdk_stack"].into_iter().filter_map(given).map(|text| text + " ").collect();
        let words = named.split_whitespace().map(str::to_owned).collect();
        let deploys = given("cdk_subcommand").is_some_and(|command| command.trim() == "deploy");
        return deploys
            .then(|| Deployment { shown: format!("cdk deploy {}", named.trim()).trim().to_owned(), words });
    }
    let run = step.setting("run")?;
    model.command(run).filter(|command| command.runner == Runner::Workflow)?;
    let literal = Literal::of(run)?;
    let at = step.says("working-directory");
    programs(&literal.text)?.iter().find_map(|program| {
        let words = deployed(program).or_else(|| by_script(model, program, at.as_deref()))?;
        // As it is written, with the `${{ … }}` that the text does not show.
        let shown = run.file.text.get(literal.source(&program.span)?)?;
        Some(Deployment { shown: shown.split_whitespace().collect::<Vec<_>>().join(" "), words })
    })
}

/// The words behind `cdk deploy`; nothing where it is not that, or executes nothing.
fn deployed(program: &Program) -> Option<Vec<String>> {
    let name = program.name();
    let by_script = program.script.as_ref().is_some_and(|script| script.name == "cdk");
    if !(by_script
        || name == "cdk"
        || name == "aws-cdk"
        || name.starts_with("aws-cdk@")
        || name.starts_with("cdk@"))
    {
        return None;
    }
    let at = program.words.iter().position(|word| word == "deploy")?;
    let words: Vec<String> = program.words.iter().skip(at + 1).cloned().collect();
    let idle = ["--no-execute", "prepare-change-set", "--help"];
    let executes = !words.iter().any(|word| idle.iter().any(|option| word.contains(option)));
    executes.then_some(words)
}

/// The words of a script of package.json that deploys, its name among them.
fn by_script(model: &Model<'_>, program: &Program, folder: Option<&str>) -> Option<Vec<String>> {
    let script = program.script.as_ref().filter(|script| !script.elsewhere)?;
    let mut at = model.app.root.clone();
    at.extend(folder);
    at.extend(script.folder.as_deref());
    let package = model.package_json(&at)?;
    let code = package.get("scripts")?.get(&script.name)?.as_str()?.to_owned();
    let mut words = programs(&code)?.iter().find_map(deployed)?;
    words.push(script.name.clone());
    words.extend(program.words.iter().skip_while(|word| **word != script.name).skip(1).cloned());
    Some(words)
}

/// Whether a deployment is for production: as its words say, else what is nearest to it; `None` where nothing does.
fn is_for_production<'a>(
    model: &Model<'a>,
    job: &Job<'a>,
    step: &Step<'a>,
    deployment: &Deployment,
) -> Option<bool> {
    let environment = |variables_of: Option<Syn<'a>>| -> Vec<String> {
        let all = variables_of.into_iter().flat_map(variables);
        all.filter(|(name, _)| names_environment(name)).map(|(_, value)| value).collect()
    };
    let named = |name: Option<Syn<'a>>| name.and_then(text).into_iter().collect::<Vec<_>>();
    let mut of_job = named(job.setting("name"));
    of_job.push(job.id.to_owned());
    let file = job.mapping.file.path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut of_workflow = named(job.of_workflow("name"));
    of_workflow.push(file);
    let by_words: Vec<String> = deployment.words.iter().filter_map(|word| said(word)).collect();
    let levels = [
        by_words,
        environment(step.setting("env")),
        named(step.setting("name")),
        environment(job.setting("env")),
        of_job,
        environment(job.of_workflow("env")),
        of_workflow,
    ];
    let verdict = |texts: &Vec<String>| {
        if texts.iter().any(|text| is_not_production(text)) {
            return Some(false);
        }
        texts.iter().any(|text| is_meant(text)).then_some(true)
    };
    levels.iter().find_map(verdict).or_else(|| deploys_all(model, job, deployment).then_some(true))
}

/// What a word of a command says: the stack, or the value of `-c stage=prod`.
fn said(word: &str) -> Option<String> {
    let value = word.rsplit('=').next().unwrap_or(word);
    (!value.starts_with('-') && !value.contains('$'))
        .then(|| value.trim_matches(['"', '\'', '*', '/']).to_owned())
}

/// Whether a text names production. Much is called `Live…` that streams.
fn is_meant(text: &str) -> bool {
    is_production(text)
        && (text.eq_ignore_ascii_case("live") || parts(text).iter().any(|part| part.starts_with("pr")))
}

/// Whether a variable tells the CDK app which environment is deployed.
fn names_environment(name: &str) -> bool {
    name != "NODE_ENV"
        && parts(&name.to_ascii_lowercase())
            .iter()
            .any(|part| matches!(part.as_str(), "env" | "environment" | "stage" | "tier"))
}

/// Whether all stacks of the app are deployed, of which one is production's, whatever the command says.
fn deploys_all<'a>(model: &Model<'a>, job: &Job<'a>, deployment: &Deployment) -> bool {
    let all = deployment.words.iter().any(|word| matches!(word.as_str(), "--all" | "*" | "**"));
    let told = deployment.words.iter().any(|word| word.starts_with("-c") || word.starts_with("--context"));
    let matrix = job.setting("strategy").is_some();
    let of_production = || {
        model.all_sites().any(|site| {
            let whole = model.builds(&site, "Stack") || model.builds(&site, "Stage");
            let always = site.node.ancestors().all(|around| {
                !matches!(
                    around.kind(),
                    "if_statement" | "ternary_expression" | "switch_statement" | "binary_expression"
                )
            });
            whole && always && site.id_text().is_some_and(is_meant)
        })
    };
    all && !told && !matrix && of_production()
}

/// The environment that other jobs deploy production to; else what GitHub's own examples call it.
fn environment_name(model: &Model<'_>) -> String {
    let workflows = model.app.files.iter().filter(|file| {
        file.candidate.language == Language::Yaml && file.candidate.path.contains(".github/workflows/")
    });
    let mut names = workflows.filter_map(|file| file.parsed()).flat_map(|parsed| {
        let root = Syn::root(parsed);
        words(root, "environment")
            .filter_map(|at| root.at(at)?.ancestor("block_mapping_pair")?.parent())
            .filter_map(|mapping| {
                let given = setting(mapping, "environment")?;
                text(setting(given, "name").unwrap_or(given))
            })
            .collect::<Vec<_>>()
    });
    let plain = |name: &String| name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    names.find(|name| is_meant(name) && plain(name)).unwrap_or_else(|| "production".to_owned())
}

/// An error where the app itself says whom the role of the job trusts, and the job is not among them any more.
fn trust_admits(model: &Model<'_>, name: &str) -> Result<(), Refusal> {
    let strict = |text: &str| {
        text.contains("token.actions.githubusercontent.com")
            && text.contains(":ref:")
            && !text.contains(":environment:")
    };
    if model.cdk_files().any(|file| strict(&file.text)) {
        return Err(no_fix(
            "the role that the job assumes trusts branches only, and a job with an environment shows that in the place of its branch",
            &format!(
                "let the role trust `repo:OWNER/NAME:environment:{name}` as well, deploy that, then run again"
            ),
        ));
    }
    Ok(())
}
