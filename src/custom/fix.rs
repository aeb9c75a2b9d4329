//! Does what the directives of a custom rule's query say.

use std::sync::Arc;

use super::template::{Captured, Names, Template};
use crate::detect::directive::{Directive, DirectiveName};
use crate::detect::{Findings, Match, Refusal};
use crate::edit::{Builder, no_fix};
use crate::model::{Prop, Site};
use crate::syntax::Syn;

/// The check of every custom rule.
pub(super) fn check<'a>(m: &Match<'_, 'a>, out: &mut Findings<'a>) -> Option<()> {
    let report = directive(&m.directives, DirectiveName::Report)?;
    let captured = Captured { nodes: m.captures.clone(), rule: m.rule };
    let message = captured.say(m.model, &argument(report, 0)?);
    let candidate = out.report(m.rule, m.model, m.node(&report.capture)?, message);
    if let Some(refuse) = directive(&m.directives, DirectiveName::Refuse) {
        let said = |number| argument(refuse, number).map(|text| captured.say(m.model, &text));
        candidate.refuse(&said(0)?, &said(1)?);
    } else if let Some(fix) = directive(&m.directives, DirectiveName::Fix) {
        let title = captured.say(m.model, &argument(fix, 0)?);
        let directives = Arc::clone(&m.directives);
        candidate.fix(title, move |b| {
            let mut names = Names::new();
            directives.iter().try_for_each(|directive| make(b, &captured, directive, &mut names))
        });
    }
    Some(())
}

fn directive(directives: &[Directive], name: DirectiveName) -> Option<&Directive> {
    directives.iter().find(|directive| directive.name == name)
}

fn argument(directive: &Directive, number: usize) -> Option<Template> {
    Template::parse(directive.arguments.get(number)?).ok()
}

/// One edit.
fn make<'a>(
    b: &mut Builder<'_, 'a>,
    captured: &Captured<'a>,
    directive: &Directive,
    names: &mut Names,
) -> Result<(), Refusal> {
    use DirectiveName as D;
    if matches!(directive.name, D::Report | D::Fix | D::Refuse) {
        return Ok(());
    }
    let unknown = || no_fix("the rule names what its query does not capture", "mend the rule");
    let node = captured.node(&directive.capture).ok_or_else(unknown)?;
    let text = |number: usize| directive.arguments.get(number).map(String::as_str).ok_or_else(unknown);
    let mut code = |b: &mut Builder<'_, 'a>, number: usize| {
        let template = argument(directive, number).ok_or_else(unknown)?;
        captured.code(b, node, &template, names)
    };
    match directive.name {
        D::SetProp => {
            let value = code(b, 1)?;
            set_prop(b, &site(b, node)?, text(0)?, &value)
        }
        D::RemoveProp => remove_prop(b, &site(b, node)?, text(0)?),
        D::Replace => {
            keeps_comments(node)?;
            let code = code(b, 0)?;
            b.replace(node, &code);
            Ok(())
        }
        D::InsertBefore => {
            let (statement, code) = (b.statement(node)?, code(b, 0)?);
            b.insert_before(statement, &code);
            Ok(())
        }
        D::InsertAfter => {
            let (statement, code) = (b.statement(node)?, code(b, 0)?);
            b.insert_after(statement, &code);
            Ok(())
        }
        D::Remove => remove(b, node),
        D::AddImport => {
            let names = directive.arguments.get(1..).unwrap_or_default();
            names.iter().try_for_each(|name| b.import_from(node, text(0)?, name))
        }
        D::Report | D::Fix | D::Refuse => Ok(()),
    }
}

fn site<'a>(b: &Builder<'_, 'a>, node: Syn<'a>) -> Result<Site<'a>, Refusal> {
    b.model.site_of(node).ok_or_else(|| no_fix("the code there builds no construct", "change it by hand"))
}

fn set_prop<'a>(b: &mut Builder<'_, 'a>, site: &Site<'a>, name: &str, value: &str) -> Result<(), Refusal> {
    // A class whose properties are not known has a superclass that the rule was checked with.
    if !b.model.has_prop(&site.class, name) {
        return Err(no_fix(
            &format!(
                "this release of CDK has no {name} for {}, or it is not known which release this is",
                site.class
            ),
            "name a release in package.json that has it, then run again",
        ));
    }
    if let Prop::Present(entry) = site.props(b.model).get(b.model, name) {
        keeps_comments(entry.value)?;
    }
    b.set_prop(site, name, value)
}

fn remove_prop<'a>(b: &mut Builder<'_, 'a>, site: &Site<'a>, name: &str) -> Result<(), Refusal> {
    match site.props(b.model).get(b.model, name) {
        Prop::Present(entry) if entry.entry.parent() == site.props_argument() => {
            keeps_comments(entry.entry)?;
            b.remove_entry(entry.entry);
            Ok(())
        }
        Prop::Absent => {
            Err(no_fix(&format!("{name} is not there"), "mend the rule: ask for it with #has-prop?"))
        }
        _ => Err(no_fix(
            "the props come from elsewhere",
            &format!("remove {name} where they are put together"),
        )),
    }
}

/// Removes the statement that holds a node, where nothing else needs what it declares.
fn remove<'a>(b: &mut Builder<'_, 'a>, node: Syn<'a>) -> Result<(), Refusal> {
    let statement = b.statement(node)?;
    keeps_comments(statement)?;
    if let Some(site) = b.model.site_of(node)
        && !b.model.uses(&site).is_empty()
    {
        return Err(no_fix(
            &format!("{} is used elsewhere", site.label()),
            "take it out there first, then run again",
        ));
    }
    b.remove_statement(statement);
    Ok(())
}

/// Refuses to take away what a person wrote beside the code.
fn keeps_comments(node: Syn<'_>) -> Result<(), Refusal> {
    let mut open = vec![node];
    while let Some(next) = open.pop() {
        if next.is("comment") {
            return Err(no_fix("a comment stands inside and would be lost", "move it, then run again"));
        }
        open.extend(next.tokens());
    }
    Ok(())
}
