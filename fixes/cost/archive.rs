//! The archive of log groups: one for a stack, else one beside the groups.

use std::path::{Path, PathBuf};

use super::wa_4_1_logs_without_archive::{ARCHIVED, QUARTER, is_archive, is_archived, kept, takes_events};
use crate::detect::Refusal;
use crate::edit::carry::{class_around, constructor_of, last_statement, only_instance};
use crate::edit::config::name_after;
use crate::edit::names::camel_name;
use crate::edit::style::line_indent;
use crate::edit::{Builder, no_fix};
use crate::fixes::security::named;
use crate::model::meaning::words;
use crate::model::{Environment, Model, Prop, Site};
use crate::syntax::Syn;

/// The construct's source.
const CONSTRUCT: &str = include_str!("log_archive.ts");
/// The same for releases without a stream of the second level.
const PLAIN: &str = include_str!("log_archive_plain.ts");

/// Keeps the recent events of a group only, and sends all of them to an archive.
///
/// # Errors
/// A [`Refusal`] where the archive cannot be written for the app, or the group has no name.
pub(super) fn archive<'a>(b: &mut Builder<'_, 'a>, group: &Site<'a>, today: u16) -> Result<(), Refusal> {
    let file = group.node.file;
    let location = b.model.location(file).map(Path::to_owned).unwrap_or_default();
    if location.extension().is_none_or(|end| end != "ts") || file.text.contains("@aws-cdk/") {
        return Err(no_fix(
            "the archive is written in TypeScript for CDK v2, and this app is not",
            "send the events to a bucket with a lifecycle by a subscription filter and Firehose",
        ));
    }
    let statement = b.statement(group.node)?;
    let block = statement.parent().filter(|block| block.is("statement_block"));
    let value = group.props(b.model).get(b.model, "retention").value();
    let days_text = value.and_then(|value| value.field("object")).map_or("logs.RetentionDays", Syn::text);
    let retention = format!("{days_text}.{}", if today < QUARTER { "ONE_WEEK" } else { "ONE_MONTH" });
    let beside = block.and_then(|block| archive_in(b.model, block, statement));
    if let Some(Place { known, at }) = in_stack(b, group).filter(|_| beside.is_none()) {
        b.set_prop(group, "retention", &retention)?;
        let name = b.reach_interface(group, at).ok_or_else(out_of_reach)?;
        return match known {
            Some(archive) => join(b, &archive, &name, today),
            None => build(b, group, (at, "this"), &name, today),
        };
    }
    let name = match named(b, group, statement, "group") {
        Some(name) => {
            b.set_prop(group, "retention", &retention)?;
            name
        }
        None => hoist(b, group, statement, value, &retention)?,
    };
    if let Some(archive) = beside {
        return join(b, &archive, &name, today);
    }
    let last = block.and_then(|block| block.children().filter(|child| !child.is("return_statement")).last());
    let scope = b.scope_text(group);
    build(b, group, (last.unwrap_or(statement), scope), &name, today)
}

fn out_of_reach() -> Refusal {
    no_fix("the group cannot be reached from the stack", "keep it in a public field, then run again")
}

/// Builds an archive of one group behind a statement; the file of its class where the app has none.
fn build<'a>(
    b: &mut Builder<'_, 'a>,
    group: &Site<'a>,
    (at, scope): (Syn<'a>, &str),
    name: &str,
    today: u16,
) -> Result<(), Refusal> {
    let file = at.file;
    let (target, known) = home(b, group)?;
    let specifier = b.specifier_of(file, &target);
    if b.model.imports(file).binding("LogArchive").is_none() {
        if words(Syn::root(file), "LogArchive").next().is_some() {
            return Err(taken());
        }
        b.import_local(file, &specifier, "LogArchive");
    }
    let id = b.fresh_id(at, &["LogArchive"]);
    let props = if today > ARCHIVED {
        let duration = b.cdk(at, "Duration")?;
        format!("{{\n  logGroups: [{name}],\n  expireAfter: {duration}.days({today}),\n}}")
    } else {
        format!("{{\n  logGroups: [{name}],\n}}")
    };
    let mut code = format!("new LogArchive({scope}, '{id}', {props});");
    if let Environment::Known(known) = b.environment(at) {
        code = format!(
            "// The archive outlives the stack, so only production has one\nif ({}) {{\n  {}\n}}",
            known.expression,
            code.replace('\n', "\n  ")
        );
    }
    b.insert_after(at, &code);
    if !known {
        let l2 = b.model.has_member("aws_kinesisfirehose.DeliveryStream", "fromDeliveryStreamArn")
            && b.model.has_prop("aws_logs_destinations.FirehoseDestinationProps", "role");
        let text = if l2 { CONSTRUCT } else { PLAIN };
        let text = b.style(file).adapt(text, "").replace("\r\n", "\n");
        b.create(target, &text);
    }
    Ok(())
}

/// What an archive is built behind, and what it calls a group.
struct Place<'a> {
    /// The archive that is there already.
    known: Option<Site<'a>>,
    /// The statement behind which a new one stands.
    at: Syn<'a>,
}

/// Where the one archive of a group's stack is, or shall be: at the end of the stack's constructor. `None` where the stack's
/// constructor cannot reach the group, or only one class builds groups that are kept for long.
fn in_stack<'a>(b: &Builder<'_, 'a>, group: &Site<'a>) -> Option<Place<'a>> {
    let model = b.model;
    let stack = stack_of(model, group)?;
    let body = constructor_of(stack)?.field("body")?;
    let known = model.all_sites().find(|site| is_archive(site) && class_around(site.node) == Some(stack));
    let statement = |site: &Site<'a>| {
        let own = std::iter::once(site.node).chain(site.node.ancestors());
        own.into_iter().find(|node| node.parent() == Some(body))
    };
    let at = match &known {
        Some(archive) => statement(archive)?,
        None => last_statement(stack)?,
    };
    let told = |at: Syn<'a>| model.environment(at).known().is_some();
    let fits = |group: &Site<'a>| told(group.node) == told(at) && b.is_in_reach(group, at);
    if !fits(group) {
        return None;
    }
    let class = class_around(group.node);
    let shared = known.is_some()
        || model.all_sites().any(|other| {
            model.builds(&other, "aws_logs.LogGroup")
                && class_around(other.node) != class
                && stack_of(model, &other) == Some(stack)
                && kept(model, &other).is_some()
                && !is_archived(model, &other)
                && !takes_events(model, &other)
                && fits(&other)
        });
    shared.then_some(Place { known, at })
}

/// The class of the stack whose constructor a construct is built in, itself or through classes that are built once.
fn stack_of<'a>(model: &Model<'a>, site: &Site<'a>) -> Option<Syn<'a>> {
    let mut class = class_around(site.node)?;
    for _ in 0..4 {
        if model.cdk_base(class).is_some_and(|base| matches!(base.as_str(), "Stack" | "NestedStack")) {
            return Some(class);
        }
        class = class_around(only_instance(model, class)?.node)?;
    }
    None
}

fn taken() -> Refusal {
    no_fix("the name LogArchive is taken in the app", "rename that, then run again")
}

/// Where the construct's file is, or shall be, and whether it is there. The same for all groups of the app.
fn home<'a>(b: &Builder<'_, 'a>, group: &Site<'a>) -> Result<(PathBuf, bool), Refusal> {
    let model = b.model;
    for file in model.cdk_files() {
        if file.text.contains("class LogArchive ") {
            let own = file.text.contains("readonly logGroups: logs.ILogGroup[]");
            let location = model.location(file).filter(|_| own).ok_or_else(taken)?;
            return Ok((location.to_owned(), true));
        }
    }
    let mut groups = model.all_sites().filter(|site| model.builds(site, "aws_logs.LogGroup"));
    let first = groups.find(|site| kept(model, site).is_some());
    let new = b.construct_file(first.as_ref().unwrap_or(group).node, "log-archive")?;
    Ok((new.path, false))
}

/// Gives a group that is built inside another expression a constant before the statement; its name.
fn hoist<'a>(
    b: &mut Builder<'_, 'a>,
    group: &Site<'a>,
    statement: Syn<'a>,
    value: Option<Syn<'a>>,
    retention: &str,
) -> Result<String, Refusal> {
    let refused = || {
        no_fix(
            "the group is built inside another expression",
            "give it a constant of its own, then run again",
        )
    };
    let node = group.node;
    let value = value.filter(|value| node.span().contains(&value.start())).ok_or_else(refused)?;
    let apart = node
        .ancestors()
        .take_while(|around| *around != statement)
        .any(|around| around.kind().contains("function") || around.is("ternary_expression"));
    if apart || !node.is("new_expression") {
        return Err(refused());
    }
    let label = camel_name(&group.label()).unwrap_or_else(|| "log".to_owned());
    let wanted = if label.to_lowercase().ends_with("group") { label } else { format!("{label}Group") };
    let name = b.fresh_name(node.file, &[&wanted, &name_after(&group.label(), "LogGroup")]);
    let text = node.text();
    let (from, to) = (value.start() - node.start(), value.end() - node.start());
    let (Some(head), Some(tail)) = (text.get(..from), text.get(to..)) else { return Err(refused()) };
    let indent = line_indent(&node.file.text, node.start());
    let code = format!("{head}{retention}{tail}").replace("\r\n", "\n").replace(&format!("\n{indent}"), "\n");
    let code = outdented(b, node, &code);
    b.insert_before(statement, &format!("const {name} = {code};"));
    let shorthand = node
        .parent()
        .filter(|pair| pair.is("pair") && pair.field("key").is_some_and(|key| key.text() == name));
    match shorthand {
        Some(pair) => b.replace(pair, &name),
        None => b.replace(node, &name),
    }
    Ok(name)
}

/// A text of the file as a snippet: levels of two blanks.
fn outdented<'a>(b: &mut Builder<'_, 'a>, node: Syn<'a>, code: &str) -> String {
    let unit = b.style(node.file).indent.text(1);
    let mut lines = code.split('\n').map(|line| {
        let mut rest = line;
        let mut depth = 0;
        while let Some(inner) = rest.strip_prefix(unit.as_str()) {
            rest = inner;
            depth += 1;
        }
        format!("{}{rest}", "  ".repeat(depth))
    });
    let first = lines.next().unwrap_or_default();
    lines.fold(first, |all, line| format!("{all}\n{line}"))
}

/// The archive that a block builds behind a statement, in it or in a condition.
fn archive_in<'a>(model: &Model<'a>, block: Syn<'a>, statement: Syn<'a>) -> Option<Site<'a>> {
    model
        .sites(block.file)
        .iter()
        .find(|site| {
            is_archive(site)
                && site.node.start() > statement.end()
                && block.span().contains(&site.node.start())
                && !site
                    .node
                    .ancestors()
                    .take_while(|around| *around != block)
                    .any(|around| around.kind().contains("function"))
        })
        .cloned()
}

/// Adds a group to an archive, which keeps events as long as any of its groups did.
fn join<'a>(b: &mut Builder<'_, 'a>, archive: &Site<'a>, name: &str, today: u16) -> Result<(), Refusal> {
    let props = archive.props(b.model);
    let groups = props.get(b.model, "logGroups").value().filter(|groups| groups.is("array"));
    let last = groups.and_then(|groups| groups.children().last()).ok_or_else(|| {
        no_fix("the groups of the archive are listed out of sight", "add the group to the archive by hand")
    })?;
    match last.parent().filter(|array| !array.text().contains('\n')) {
        // Written anew, so that one group joins at a time and the line is broken where it gets too long.
        Some(array) => {
            let names: Vec<&str> = array.children().map(Syn::text).chain([name]).collect();
            let line = format!("[{}]", names.join(", "));
            let fits = b.fits(array, 0, "logGroups: ,".len() + line.len());
            b.replace(array, &if fits { line } else { format!("[\n  {},\n]", names.join(",\n  ")) });
        }
        None => b.insert_element_after(last, name),
    }
    let known = match props.get(b.model, "expireAfter") {
        Prop::Absent => Some(ARCHIVED),
        Prop::Present(entry) => {
            let text = entry.value.text();
            text.rsplit_once('(').and_then(|(_, days)| days.trim_end_matches(')').parse().ok())
        }
        Prop::Unknown => None,
    };
    if known.is_some_and(|known| known < today) {
        let duration = b.cdk(archive.node, "Duration")?;
        b.set_prop(archive, "expireAfter", &format!("{duration}.days({today})"))?;
    }
    Ok(())
}
