//! A stack of the app, built once more in a second region.

use super::failover::Failover;
use super::global_names::{GlobalName, global_names, keep_apart};
use super::second_region::{Home, home};
use super::state::stack_of;
use crate::detect::Refusal;
use crate::edit::carry::{Carried, class_around, last_statement};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::is_class;
use crate::model::props::key_of;
use crate::model::{Model, Prop, Site, statement_of};
use crate::syntax::Syn;

const QUALIFIER: &str = "regionQualifier";

/// Builds a class of stack a second time, in another region, behind the first.
///
/// # Errors
/// A [`Refusal`] where names, props or neighbours do not allow it, and where nobody has named the region.
pub(super) fn add_region<'a>(b: &mut Builder<'_, 'a>, class: Syn<'a>) -> Result<(), Refusal> {
    let home = home(b.model, class)?;
    not_tied(b.model, &home)?;
    let at = last_statement(class).ok_or_else(|| {
        no_fix("the stack has no constructor", "write one that calls super(…), then run again")
    })?;
    let named = global_names(b.model, class)?;
    let failover = Failover::of(b, &rest_apis(b.model, class), at)?;
    let (regions, declared) = home.regions(b)?;
    let trails = trails(b.model, class);
    let qualified = !named.is_empty() || !trails.is_empty() || failover.is_some();
    if qualified {
        qualify(b, class, &home, (&named, &trails), failover.as_ref().map(|failover| (failover, at)))?;
    }
    regional_endpoints(b, class)?;
    build_second(b, &home, &regions, (&declared, qualified), failover.as_ref());
    Ok(())
}

/// Lets the stack know that it is not the first, and acts on it.
fn qualify<'a>(
    b: &mut Builder<'_, 'a>,
    class: Syn<'a>,
    home: &Home<'a>,
    (names, trails): (&[GlobalName<'a>], &[Site<'a>]),
    failover: Option<(&Failover, Syn<'a>)>,
) -> Result<(), Refusal> {
    let mut members = vec![Carried {
        name: QUALIFIER,
        ty: "string",
        doc: "Set in every region but the first; keeps names apart that exist once.",
        required: false,
    }];
    if failover.is_some() {
        members.push(Carried {
            name: "failover",
            ty: "RegionalFailoverConfig",
            doc: "The name that all regions answer to.",
            required: false,
        });
    }
    let taken = b.take_in_props(class, home.site.props_index, &members)?;
    let mut texts = taken.texts.iter().map(String::as_str);
    let (qualifier, name) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
    keep_apart(b, class, names, qualifier)?;
    once_per_account(b, trails, qualifier);
    match failover {
        Some((failover, at)) => failover.build(b, class, at, (name, qualifier), taken.file),
        None => Ok(()),
    }
}

/// Refuses a stack that is given what another stack builds.
fn not_tied<'a>(model: &Model<'a>, home: &Home<'a>) -> Result<(), Refusal> {
    for entry in home.object.children() {
        let value = entry.field("value").unwrap_or(entry);
        let object = value.field("object").unwrap_or(value);
        let tied = model.origin(object).filter(|site| site.class == "Stack" || site.scope().is_some());
        let optional = key_of(entry) == Some("artifactReplica");
        if let Some(other) = tied.filter(|_| !optional) {
            return Err(no_fix(
                &format!("the stack uses what `{}` builds in its own region", other.label()),
                "build both in the second region by hand",
            ));
        }
    }
    Ok(())
}

/// The trails that a stack builds itself: an account needs one.
fn trails<'a>(model: &Model<'a>, class: Syn<'a>) -> Vec<Site<'a>> {
    let is_trail = |site: &Site<'a>| model.builds(site, "aws_cloudtrail.Trail");
    let in_class = |local: Syn<'a>| {
        model.all_sites().any(|inner| is_trail(&inner) && class_around(inner.node) == Some(local))
    };
    let own = model.all_sites().filter(|site| class_around(site.node) == Some(class));
    own.filter(|site| is_trail(site) || site.local.is_some_and(in_class)).collect()
}

/// What the account needs once stays with the first region.
fn once_per_account<'a>(b: &mut Builder<'_, 'a>, trails: &[Site<'a>], qualifier: &str) {
    for trail in trails {
        let guard = trail
            .node
            .ancestors()
            .take_while(|around| !is_class(*around))
            .find(|around| around.is("if_statement"));
        let condition = guard.and_then(|guard| guard.field("condition")).and_then(Syn::first);
        if let Some(condition) = condition {
            let text = condition.text();
            let text =
                if text.contains("||") || text.contains('?') { format!("({text})") } else { text.to_owned() };
            b.replace(condition, &format!("{text} && !{qualifier}"));
        } else if let Some(statement) =
            statement_of(trail.node).filter(|statement| statement.is("expression_statement"))
        {
            let code = statement.text().replace('\n', "\n  ");
            b.replace(statement, &format!("if (!{qualifier}) {{\n  {code}\n}}"));
        }
    }
}

/// A REST API of the edge has a custom domain once only.
fn regional_endpoints<'a>(b: &mut Builder<'_, 'a>, class: Syn<'a>) -> Result<(), Refusal> {
    for api in rest_apis(b.model, class) {
        let props = api.props(b.model);
        if ["endpointConfiguration", "endpointTypes"]
            .iter()
            .all(|name| props.get(b.model, name) == Prop::Absent)
        {
            let kind = b.cdk(api.node, "aws_apigateway.EndpointType")?;
            b.set_prop(&api, "endpointConfiguration", &format!("{{\n  types: [{kind}.REGIONAL],\n}}"))?;
        }
    }
    Ok(())
}

fn rest_apis<'a>(model: &Model<'a>, class: Syn<'a>) -> Vec<Site<'a>> {
    model
        .all_sites()
        .filter(|site| {
            site.node.is("new_expression")
                && model.builds(site, "aws_apigateway.RestApi")
                && stack_of(model, site.node) == Some(class)
        })
        .collect()
}

/// Builds the stack again behind the first.
fn build_second<'a>(
    b: &mut Builder<'_, 'a>,
    home: &Home<'a>,
    regions: &super::second_region::Regions,
    (declared, qualified): (&str, bool),
    failover: Option<&Failover>,
) {
    let mut before = declared.trim_end().to_owned();
    if let Some(failover) = failover {
        let name = if before.is_empty() { "" } else { "\n" };
        before.push_str(name);
        before.push_str(&failover.declared(&regions.second));
        b.insert_entry(home.object, "failover", "failover");
    }
    if !before.is_empty() {
        b.insert_before(home.statement, &before);
    }
    let skipped = ["env", "stackName", "artifactReplica", "crossRegionReferences"];
    let mut lines: Vec<String> = home
        .object
        .children()
        .filter(|entry| !entry.is("comment") && !key_of(*entry).is_some_and(|key| skipped.contains(&key)))
        .map(|entry| entry.text().to_owned())
        .collect();
    if qualified {
        lines.push(format!("{QUALIFIER}: {}", regions.second));
    }
    if failover.is_some() {
        lines.push("failover".to_owned());
    }
    lines.push(format!("env: {}", home.env_in(&regions.second)));
    let class = home.site.node.field("constructor").map_or("", Syn::text);
    let code = format!(
        "// The same in the second region, ready to take over\nif ({}) {{\n  new {class}({}, {}, {{\n    {},\n  }});\n}}",
        regions.condition,
        home.scope(),
        second_id(&home.site, &regions.second),
        lines.join(",\n    ")
    );
    b.insert_after(home.statement, &code);
}

/// The id of the second stack, as code.
fn second_id(site: &Site<'_>, region: &str) -> String {
    let text = site.id().map_or("'Stack'", Syn::text);
    let inner = |text: &str| text.get(1..text.len().saturating_sub(1)).unwrap_or_default().to_owned();
    match site.id().map(Syn::kind) {
        Some("string" | "template_string") | None => format!("`{}-${{{region}}}`", inner(text)),
        Some(_) => format!("`${{{text}}}-${{{region}}}`"),
    }
}
