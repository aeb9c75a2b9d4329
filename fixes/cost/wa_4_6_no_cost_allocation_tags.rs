//! # 4.6 No cost allocation tags
//!
//! ## What is wrong
//! Nothing that the app deploys carries a tag that says whose it is. The bill shows Lambda and S3, not the
//! project or the team that used them, so nobody can see what the app costs.
//!
//! ## What the fix does
//! It tags everything in the app (or in its one stack, where the values are known there) with the project, the team
//! and the cost centre, in the way the file tags already. It uses what the code knows: variables such as `team` and
//! `project`, else the name in package.json. The cost centre is the answer to `cost_center` (4711 below), else the
//! context value `costCenter` with the team as its default, where the team is known.
//!
//! Where several parts (constructs of the app's own, stacks) are built there, the review offers a second way, which tags each of them with a
//! `Component` as well: the bill then shows what each part costs. `component_tags=yes` takes that way without a review.
//!
//! ## Before
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as sqs from 'aws-cdk-lib/aws-sqs';
//!
//! const app = new cdk.App();
//! const team: string = app.node.tryGetContext('team') ?? 'platform';
//!
//! const stack = new cdk.Stack(app, 'Jobs', { description: `Jobs of ${team}` });
//! new sqs.Queue(stack, 'Queue', { enforceSSL: true });
//! ```
//!
//! ## After
//! ```ts
//! import * as cdk from 'aws-cdk-lib';
//! import * as sqs from 'aws-cdk-lib/aws-sqs';
//!
//! const app = new cdk.App();
//! const team: string = app.node.tryGetContext('team') ?? 'platform';
//!
//! const stack = new cdk.Stack(app, 'Jobs', { description: `Jobs of ${team}` });
//! new sqs.Queue(stack, 'Queue', { enforceSSL: true });
//!
//! cdk.Tags.of(app).add('Team', team);
//! cdk.Tags.of(app).add('CostCenter', '4711');
//! ```
//!
//! ## When it stays silent
//! Where one of the app's tags is a cost allocation key already (`CostCenter`, `Project`, `Team`, `Owner`, `Application`,
//! `BusinessUnit` and their like, in any spelling); where keys cannot be read; where stacks come from a package or an
//! aspect sets tags, because these may tag; and in libraries, which have no app but examples.
//!
//! ## When it refuses
//! Where the app is not bound to a name, so that nothing can be said of it. Where neither a variable nor package.json
//! names the project, it asks for `cost_center`.
//!
//! ## What to know before deploying
//! Nothing is replaced, but every resource that can be tagged is updated once, and the role that deploys needs the
//! right to tag. Cost Explorer shows the keys only after somebody has activated them as cost allocation tags in the
//! billing console of the management account; that does not reach back. A resource holds 50 tags at most. With the
//! feature flag `@aws-cdk/core:explicitStackTags`, stacks themselves need `tags` in their props besides.
//!
//! ## Other checkers
//! None covers it.

use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::imports::cdk_module;
use crate::model::meaning::words;
use crate::model::props::key_of;
use crate::model::scope::lookup;
use crate::model::types::Type;
use crate::model::{Binding, Model, Prop, Site, statement_of};
use crate::rule::{AnswerType, Impact, Meta, Pillar, Question, Rule, Tier};
use crate::syntax::{Literal, Syn};

/// The rule.
pub const RULE: Rule = Rule { meta: &META, check };

const COST_CENTER: Question = Question {
    key: "cost_center",
    ask: "Which cost centre pays for this app?",
    kind: AnswerType::Text,
    example: "4711",
};

/// Whether each part gets a tag as well. Never asked: the review offers it.
const COMPONENTS: &str = "component_tags";

const META: Meta = Meta {
    id: "4.6",
    also: &[],
    name: "no-cost-allocation-tags",
    title: "No cost allocation tags",
    pillar: Pillar::Cost,
    impact: Impact::Low,
    tier: Tier::Review,
    practice: "COST03-BP02",
    clears: &[],
    raises: &[],
    asks: &[COST_CENTER],
    order: 460,
    source: include_str!("wa_4_6_no_cost_allocation_tags.rs"),
    query: include_str!("../../queries/cost/wa_4_6_no_cost_allocation_tags.scm"),
};

/// Keys that say who pays, in lower case and without separators.
const COST_KEYS: [&str; 26] = [
    "costcenter",
    "costcentre",
    "costallocation",
    "costcode",
    "billing",
    "billto",
    "businessunit",
    "department",
    "division",
    "project",
    "projectname",
    "projectid",
    "team",
    "teamname",
    "owner",
    "ownedby",
    "application",
    "applicationname",
    "applicationid",
    "app",
    "appname",
    "appid",
    "product",
    "service",
    "workload",
    "solutionid",
];

/// What a tag's value may be called in code, best first.
const TEAM: [&str; 5] = ["team", "teamName", "owner", "ownerName", "squad"];
const PROJECT: [&str; 9] = [
    "project",
    "projectName",
    "application",
    "applicationName",
    "appName",
    "product",
    "productName",
    "service",
    "serviceName",
];
const CENTER: [&str; 4] = ["costCenter", "costCentre", "costCenterCode", "businessUnit"];

/// Names of packages that say nothing of the project.
const NO_NAMES: [&str; 27] = [
    "app",
    "aws-cdk",
    "backend",
    "cdk",
    "cdk-app",
    "code",
    "demo",
    "deployment",
    "example",
    "frontend",
    "hello-cdk",
    "iac",
    "infra",
    "infrastructure",
    "javascript",
    "lib",
    "main",
    "my-app",
    "package",
    "project",
    "root",
    "sample",
    "source",
    "src",
    "template",
    "test",
    "typescript",
];

/// Where the tags go.
#[derive(Debug, Clone)]
struct Place<'a> {
    /// The statement behind which they go.
    after: Syn<'a>,
    /// Whether that statement sets a tag itself.
    goes_on: bool,
    /// What is tagged: `this`, `app`.
    target: String,
}

/// Tags as code: key and value.
type Tag = (&'static str, String);

fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let app = m.site("app")?;
    let model = m.model;
    if model.app.is_library() {
        return None;
    }
    let calls = tag_calls(model);
    if may_tag_elsewhere(model) || keys(model, &calls)?.iter().any(|key| is_cost_key(key)) {
        return None;
    }
    let (place, tags) = in_stack(model, &app, &calls).or_else(|| in_app(model, &app, &calls)).unzip();
    let shown = place.as_ref().and_then(|place: &Place<'a>| {
        calls.iter().copied().find(|call| statement_of(*call) == Some(place.after))
    });
    let finding = out.report(
        &META,
        model,
        shown.unwrap_or(app.node),
        "Nothing that this app deploys carries a tag that says who pays for it: the bill shows services, not the project or the team. \
         The fix tags everything; activate the keys in the billing console afterwards.",
    );
    finding.key("tags");
    let (Some(place), Some(tags)) = (place, tags) else {
        finding.refuse("the app is not bound to a name", "write `const app = new App()`, then run again");
        return Some(());
    };
    let parts = components(model, &place);
    if parts.len() > 1 {
        let (place, tags, parts) = (place.clone(), tags.clone(), parts.clone());
        let title = "Tag the app for cost allocation, and each of its parts as a component";
        finding.alternative(title, Tier::Review, move |b| add_tags(b, &place, &tags, &parts));
    }
    finding.fix("Tag the app for cost allocation", move |b| {
        let parts = match b.value_if_given(COMPONENTS) {
            None | Some("no") => &[],
            Some("yes") => parts.as_slice(),
            Some(other) => {
                return Err(no_fix(
                    &format!("component_tags is {other}"),
                    "say yes or no: shall each part of the app have a Component tag?",
                ));
            }
        };
        add_tags(b, &place, &tags, parts)
    });
    Some(())
}

/// What is built beside the place of the tags, above it: the name of each part, and what its tag says.
fn components<'a>(model: &Model<'a>, place: &Place<'a>) -> Vec<(String, String)> {
    let block = place.after.parent();
    let mut parts: Vec<(String, String)> = Vec::new();
    for site in model.sites(place.after.file).iter().filter(|site| site.local.is_some()) {
        let own = site.statement();
        let Binding::Variable(name) = site.binding() else { continue };
        let beside =
            own.and_then(Syn::parent) == block && own.is_some_and(|own| own.end() <= place.after.end());
        let Some(id) = site.id_text().filter(|_| beside && site.node.is("new_expression")) else { continue };
        let part = kebab(id);
        if !parts.iter().any(|(_, other)| *other == part) {
            parts.push((name.text().to_owned(), part));
        }
    }
    parts
}

/// `OrderQueue` as `order-queue`; tags of AWS are case-sensitive.
fn kebab(id: &str) -> String {
    let mut out = String::new();
    let mut before = false;
    for c in id.chars() {
        if c.is_uppercase() && before {
            out.push('-');
        }
        before = c.is_lowercase() || c.is_ascii_digit();
        out.extend(c.to_lowercase());
    }
    out
}

fn add_tags<'a>(
    b: &mut Builder<'_, 'a>,
    place: &Place<'a>,
    found: &[Tag],
    parts: &[(String, String)],
) -> Result<(), Refusal> {
    let mut tags = found.to_vec();
    if tags.is_empty() {
        match package_name(b.model) {
            Some(name) => tags.push(("Project", quoted(&name))),
            None => tags.push(("CostCenter", quoted(b.value(&COST_CENTER)?))),
        }
    }
    let context = format!("{}.node.tryGetContext('costCenter')", place.target);
    let team = tags.iter().find(|(key, _)| *key == "Team").map(|(_, value)| value.clone());
    if !tags.iter().any(|(key, _)| *key == "CostCenter") {
        match (b.value_if_given(COST_CENTER.key), team) {
            (Some(center), _) => tags.push(("CostCenter", quoted(center))),
            (None, Some(team)) => tags.push(("CostCenter", format!("{context} ?? {team}"))),
            (None, None) => {}
        }
    }
    let class = b.cdk(place.after, "Tags")?;
    let mut lines: Vec<String> = tags
        .iter()
        .map(|(key, value)| format!("{class}.of({}).add('{key}', {value});", place.target))
        .collect();
    let tagged = parts.iter().map(|(name, part)| format!("{class}.of({name}).add('Component', '{part}');"));
    lines.extend(tagged);
    if place.goes_on {
        b.insert_below(place.after, &lines.join("\n"));
    } else {
        b.insert_after(place.after, &lines.join("\n"));
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// The name in package.json, if it says something.
fn package_name(model: &Model<'_>) -> Option<String> {
    let package = model.package_json(&model.app.root)?;
    let name = package.get("name")?.as_str()?.rsplit('/').next()?.to_owned();
    (!name.is_empty() && !NO_NAMES.contains(&name.to_ascii_lowercase().as_str())).then_some(name)
}

fn is_cost_key(key: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|character| character.to_ascii_lowercase())
            .collect()
    };
    // `acme:cost-center` and the like.
    let own = key.rsplit([':', '/']).next().unwrap_or(key);
    COST_KEYS.contains(&plain(own).as_str())
}

/// The calls that set a tag.
fn tag_calls<'a>(model: &Model<'a>) -> Vec<Syn<'a>> {
    model
        .method_calls("add")
        .filter(|call| {
            let Some(function) = call.field("function") else { return false };
            if model.cdk_name(function).is_some_and(|name| name == "Tag.add") {
                return true;
            }
            let Some(object) = function.field("object") else { return false };
            is_tags(model, object) || variable_value(model, object).is_some_and(|value| is_tags(model, value))
        })
        .collect()
}

/// `Tags.of(…)`.
fn is_tags<'a>(model: &Model<'a>, expression: Syn<'a>) -> bool {
    let call =
        Some(expression).filter(|call| call.is("call_expression")).and_then(|call| call.field("function"));
    call.and_then(|function| model.cdk_name(function)).is_some_and(|name| name == "Tags.of")
}

fn variable_value<'a>(model: &Model<'a>, name: Syn<'a>) -> Option<Syn<'a>> {
    match model.meaning(name)? {
        crate::model::Meaning::Value(value) => Some(value),
        _ => None,
    }
}

/// Every key that the app tags with; `None` where one cannot be read.
fn keys<'a>(model: &Model<'a>, calls: &[Syn<'a>]) -> Option<Vec<String>> {
    let mut keys = Vec::new();
    for call in calls {
        let mut arguments = call.field("arguments")?.children();
        let old = call
            .field("function")
            .and_then(|function| model.cdk_name(function))
            .is_some_and(|name| name == "Tag.add");
        let key = if old { arguments.nth(1)? } else { arguments.next()? };
        let value = variable_value(model, key).unwrap_or(key);
        keys.push(Literal::of(value).filter(|_| value.is("string") || value.is("template_string"))?.text);
    }
    for site in model.all_sites().filter(|site| model.builds(site, "Stack") || model.builds(site, "Stage")) {
        match site.props(model).get(model, "tags") {
            Prop::Present(entry) => {
                let tags = model.props_of(entry.value).object()?;
                for entry in tags.children() {
                    keys.push(key_of(entry)?.to_owned());
                }
            }
            Prop::Absent | Prop::Unknown => {}
        }
    }
    let settings =
        model.app.cdk_json.as_ref().and_then(|json| json.get("tags")).and_then(|tags| tags.as_array());
    keys.extend(settings.into_iter().flatten().filter_map(|tag| tag.get("Key")?.as_str().map(str::to_owned)));
    Some(keys)
}

/// Whether something that cannot be read may set tags: a stack of a package, an aspect that tags.
fn may_tag_elsewhere(model: &Model<'_>) -> bool {
    model.cdk_files().any(|file| {
        let root = Syn::root(file);
        let aspect = ["setTag", "TagManager", "applyTags", "addTags"]
            .iter()
            .any(|word| words(root, word).next().is_some());
        let foreign = model.imports(file).imports.iter().any(|import| {
            let outside = !import.module.starts_with('.') && cdk_module(import.module).is_none();
            outside && ["Stack", "App", "Stage"].iter().any(|end| import.local.ends_with(end))
        });
        aspect || foreign
    })
}

/// In the constructor of the only stack, where it knows the team or the project.
fn in_stack<'a>(model: &Model<'a>, app: &Site<'a>, calls: &[Syn<'a>]) -> Option<(Place<'a>, Vec<Tag>)> {
    if model.all_sites().filter(|site| model.builds(site, "App")).count() > 1 {
        return None;
    }
    let mut stacks = model.all_sites().filter(|site| {
        let in_app =
            site.scope().and_then(|scope| model.origin(scope)).is_some_and(|origin| origin.node == app.node);
        in_app
            && site.node.is("new_expression")
            && (model.builds(site, "Stack") || model.builds(site, "Stage"))
    });
    let stack = stacks.next()?;
    if stacks.next().is_some() || !model.builds(&stack, "Stack") {
        return None;
    }
    let body = stack.local?.field("body")?;
    let constructor = body
        .children()
        .find(|member| member.field("name").is_some_and(|name| name.text() == "constructor"))?;
    let block = constructor.field("body")?;
    let last = block.children().last()?;
    let tags = known(model, last);
    let own = |call: &Syn<'a>| statement_of(*call).filter(|statement| statement.parent() == Some(block));
    let after = calls.iter().rev().find_map(own).unwrap_or(last);
    // Only what is declared before the place.
    let tags: Vec<Tag> = if after == last { tags } else { known(model, after) };
    (!tags.is_empty()).then(|| (Place { after, goes_on: after != last, target: "this".to_owned() }, tags))
}

/// Beside the app, behind the last tag that is set there.
fn in_app<'a>(model: &Model<'a>, app: &Site<'a>, calls: &[Syn<'a>]) -> Option<(Place<'a>, Vec<Tag>)> {
    let Binding::Variable(name) = app.binding() else { return None };
    let own = statement_of(app.node)?;
    let block = own.parent()?;
    let tagged = calls
        .iter()
        .rev()
        .find_map(|call| statement_of(*call).filter(|statement| statement.parent() == Some(block)));
    // Without tags to join: at the end, but before the app is synthesised and before a function returns.
    let last = block
        .children()
        .take_while(|statement| {
            !statement.is("return_statement")
                && !statement.text().starts_with(&format!("{}.synth(", name.text()))
        })
        .filter(|statement| statement.start() >= own.start() && !statement.is("export_statement"))
        .last()?;
    let tagged = tagged.filter(|tagged| tagged.start() > own.start());
    let after = tagged.unwrap_or(last);
    Some((Place { after, goes_on: tagged.is_some(), target: name.text().to_owned() }, known(model, after)))
}

/// Values that stand in variables declared before a statement.
fn known<'a>(model: &Model<'a>, at: Syn<'a>) -> Vec<Tag> {
    let find = |names: &[&str]| {
        names.iter().find_map(|name| {
            let declaration = lookup(at, name)?;
            let before = match declaration {
                crate::model::scope::Declaration::Variable { declarator, .. } => {
                    declarator.end() <= at.start()
                }
                crate::model::scope::Declaration::Destructured { name, .. } => name.end() <= at.start(),
                crate::model::scope::Declaration::Parameter { .. } => true,
                _ => false,
            };
            let typed = model.type_of_name(at, name);
            (before && matches!(typed.ty, Type::String | Type::Literals(_)) && !typed.optional)
                .then(|| (*name).to_owned())
        })
    };
    let mut tags = Vec::new();
    for (key, names) in [("Project", &PROJECT[..]), ("Team", &TEAM[..]), ("CostCenter", &CENTER[..])] {
        tags.extend(find(names).map(|value| (key, value)));
    }
    tags
}
