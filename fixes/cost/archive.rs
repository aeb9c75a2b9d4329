//! The archive of log groups: one for a stack, else one beside the groups.

use std::path::{Path, PathBuf};

use super::wa_4_1_logs_without_archive::{ARCHIVED, QUARTER, is_archive, is_archived, kept, takes_events};
use crate::detect::Refusal;
use crate::edit::carry::{class_around, constructor_of, last_statement};
use crate::edit::config::name_after;
use crate::edit::names::camel_name;
use crate::edit::style::line_indent;
use crate::edit::{Builder, no_fix};
use crate::fixes::security::named;
use crate::model::meaning::words;
use crate::model::scope::is_function;
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
    if b.model.may_run_again(group.node) {
        let list = collect(b, group, (statement, value, &retention))?;
        return match list {
            Collected::Known(archive) => outlive(b, &archive, today),
            Collected::ForOne(archive, list) => join(b, &archive, &[format!("...{list}")], today),
            Collected::New(at, list) => build(b, group, (at, "this"), &Groups::Listed(list), today),
        };
    }
    let beside = block.and_then(|block| archive_in(b.model, block, statement));
    if let Some(Place { known, at }) = in_stack(b, group).filter(|_| beside.is_none()) {
        b.set_prop(group, "retention", &retention)?;
        let names = b.reach_each(group, at).ok_or_else(out_of_reach)?;
        return match known {
            Some(archive) => join(b, &archive, &names, today),
            None => build(b, group, (at, "this"), &Groups::Named(names), today),
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
        return join(b, &archive, &[name], today);
    }
    let last = block.and_then(|block| block.children().filter(|child| !child.is("return_statement")).last());
    let scope = b.scope_text(group);
    build(b, group, (last.unwrap_or(statement), scope), &Groups::Named(vec![name]), today)
}

fn out_of_reach() -> Refusal {
    no_fix("the group cannot be reached from the stack", "keep it in a public field, then run again")
}

/// What an archive is given.
enum Groups {
    /// Groups one by one.
    Named(Vec<String>),
    /// A list that is filled before.
    Listed(String),
}

impl Groups {
    /// The property, one level below the statement that builds the archive.
    fn property<'a>(&self, b: &mut Builder<'_, 'a>, at: Syn<'a>) -> String {
        match self {
            Self::Listed(list) => format!("logGroups: {list},"),
            Self::Named(names) => {
                let line = format!("logGroups: [{}],", names.join(", "));
                let fits = names.len() == 1 || b.fits(at, 1, line.len());
                if fits { line } else { format!("logGroups: [\n    {},\n  ],", names.join(",\n    ")) }
            }
        }
    }
}

/// Builds an archive of groups behind a statement; the file of its class where the app has none.
fn build<'a>(
    b: &mut Builder<'_, 'a>,
    group: &Site<'a>,
    (at, scope): (Syn<'a>, &str),
    groups: &Groups,
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
    let groups = groups.property(b, at);
    let props = if today > ARCHIVED {
        let duration = b.cdk(at, "Duration")?;
        format!("{{\n  {groups}\n  expireAfter: {duration}.days({today}),\n}}")
    } else {
        format!("{{\n  {groups}\n}}")
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

/// Where a list of groups goes.
enum Collected<'a> {
    /// To the archive that has it already.
    Known(Site<'a>),
    /// To an archive of other groups.
    ForOne(Site<'a>, String),
    /// To a new archive behind this statement.
    New(Syn<'a>, String),
}

/// Keeps a group that is built again and again in a list of its class: the archive at the end of the constructor takes the list.
fn collect<'a>(
    b: &mut Builder<'_, 'a>,
    group: &Site<'a>,
    (statement, value, retention): (Syn<'a>, Option<Syn<'a>>, &str),
) -> Result<Collected<'a>, Refusal> {
    let model = b.model;
    let refused = || {
        no_fix(
            "it is built in a loop or in a function that is called several times, and not all of that happens in the constructor of its \
             class, where one archive could take all the groups",
            "keep the groups in a list, and build one archive of them behind the last",
        )
    };
    let class = class_around(group.node).ok_or_else(refused)?;
    let end = last_statement(class).ok_or_else(refused)?;
    let known = model.all_sites().find(|site| is_archive(site) && class_around(site.node) == Some(class));
    let at = known.as_ref().map_or(end.end(), |archive| archive.node.start());
    let told = |at: Syn<'a>| model.environment(at).known().is_some();
    let fits = model.has_construct_this(group.node)
        && told(group.node) == told(end)
        && is_over_before(model, class, group.node, at, 4);
    if !fits {
        return Err(refused());
    }
    let own = known.as_ref().and_then(|archive| list_of(model, archive));
    let list = match own {
        Some(list) => list.text().to_owned(),
        None => {
            let ty = b.cdk(group.node, "aws_logs.ILogGroup")?;
            let name = b.fresh_name(class.file, &["archivedGroups", "archivedLogGroups"]);
            b.insert_field_line(class, &format!("private readonly {name}: {ty}[] = []"));
            format!("this.{name}")
        }
    };
    match named(b, group, statement, "group") {
        Some(name) => {
            b.set_prop(group, "retention", retention)?;
            b.insert_below(statement, &format!("{list}.push({name});"));
        }
        None => {
            let name = hoist(b, group, statement, value, retention)?;
            b.insert_before(statement, &format!("{list}.push({name});"));
        }
    }
    Ok(match (known, own) {
        (Some(archive), Some(_)) => Collected::Known(archive),
        (Some(archive), None) => Collected::ForOne(archive, list),
        (None, _) => Collected::New(end, list),
    })
}

/// The list of the class that an archive takes: `this.archivedGroups`, alone or among groups.
pub(super) fn list_of<'a>(model: &Model<'a>, archive: &Site<'a>) -> Option<Syn<'a>> {
    let given = archive.props(model).get(model, "logGroups").value()?;
    let own = |list: &Syn<'a>| {
        list.is("member_expression") && list.field("object").is_some_and(|object| object.is("this"))
    };
    let spread = || given.children().filter(|part| part.is("spread_element")).filter_map(Syn::first);
    if given.is("array") { spread().find(own) } else { Some(given).filter(own) }
}

/// Whether a place of a class is run by its constructor only, and for the last time before an offset of it.
fn is_over_before<'a>(model: &Model<'a>, class: Syn<'a>, at: Syn<'a>, offset: usize, depth: u8) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let mut method = None;
    for around in at.ancestors().take_while(|around| *around != class) {
        if around.is("method_definition") {
            method = Some(around);
            break;
        }
        if is_function(around.kind()) && !is_called_for_each(around) {
            return false;
        }
    }
    let Some((method, name)) = method.and_then(|method| Some((method, method.field("name")?))) else {
        return false;
    };
    if name.text() == "constructor" {
        return constructor_of(class) == Some(method) && at.end() <= offset;
    }
    let mut calls = model.method_calls(name.text()).peekable();
    calls.peek().is_some()
        && calls.all(|call| {
            let receiver = call.field("function").and_then(|function| function.field("object"));
            receiver.is_some_and(|receiver| receiver.is("this"))
                && class_around(call) == Some(class)
                && is_over_before(model, class, call, offset, depth)
        })
}

/// Whether a function is one that an array calls for its elements at once.
fn is_called_for_each(function: Syn<'_>) -> bool {
    let call = function.parent().filter(|list| list.is("arguments")).and_then(Syn::parent);
    let method = call.and_then(|call| call.field("function")?.field("property"));
    method.is_some_and(|method| matches!(method.text(), "forEach" | "map" | "flatMap"))
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
        || class.is_some_and(|class| model.instances(class).count() > 1 && class != stack)
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

/// The class of the stack whose constructor a construct is built in, itself or through classes that are built once; its own class
/// may be built several times there.
fn stack_of<'a>(model: &Model<'a>, site: &Site<'a>) -> Option<Syn<'a>> {
    let mut class = class_around(site.node)?;
    for depth in 0..4 {
        if model.cdk_base(class).is_some_and(|base| matches!(base.as_str(), "Stack" | "NestedStack")) {
            return Some(class);
        }
        let mut outer = model.instances(class).map(|instance| class_around(instance.node));
        let next = outer.next()??;
        // One that is built several times is followed to the class that does.
        let same = outer.all(|other| depth == 0 && other == Some(next));
        class = same.then_some(next)?;
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
fn join<'a>(
    b: &mut Builder<'_, 'a>,
    archive: &Site<'a>,
    names: &[String],
    today: u16,
) -> Result<(), Refusal> {
    let given = archive.props(b.model).get(b.model, "logGroups").value();
    let added = names.join(", ");
    if let Some(list) = given.filter(|_| list_of(b.model, archive) == given) {
        let own = list.text();
        b.replace(list, &format!("[...{own}, {added}]"));
        return outlive(b, archive, today);
    }
    let groups = given.filter(|groups| groups.is("array"));
    let last = groups.and_then(|groups| groups.children().last()).ok_or_else(|| {
        no_fix("the groups of the archive are listed out of sight", "add the group to the archive by hand")
    })?;
    match last.parent().filter(|array| !array.text().contains('\n')) {
        // Written anew, so that one group joins at a time and the line is broken where it gets too long.
        Some(array) => {
            let names: Vec<&str> =
                array.children().map(Syn::text).chain(names.iter().map(String::as_str)).collect();
            let line = format!("[{}]", names.join(", "));
            let fits = b.fits(array, 0, "logGroups: ,".len() + line.len());
            b.replace(array, &if fits { line } else { format!("[\n  {},\n]", names.join(",\n  ")) });
        }
        None => b.insert_element_after(last, &names.join(",\n")),
    }
    outlive(b, archive, today)
}

/// Lets an archive keep events for so many days at least.
fn outlive<'a>(b: &mut Builder<'_, 'a>, archive: &Site<'a>, today: u16) -> Result<(), Refusal> {
    let props = archive.props(b.model);
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
