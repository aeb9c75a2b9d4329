//! Part of 2.3: a destination for failed events that the version in use does not have.

use crate::detect::{Findings, Refusal};
use crate::edit::names::is_visible;
use crate::edit::{Builder, no_fix};
use crate::fixes::security::named;
use crate::model::{Invocation, Model, Prop, Site};
use crate::rule::{Impact, Meta, Tier};
use crate::syntax::Syn;

/// Reports an alias that is invoked asynchronously, where only its function (that is, `$LATEST`) has a destination.
pub(super) fn check<'a>(
    meta: &'static Meta,
    model: &Model<'a>,
    alias: Site<'a>,
    out: &mut Findings<'a>,
) -> Option<()> {
    let version = alias.props(model).get(model, "version").value()?;
    let function = model.invoked_function(version)?;
    let own = ["onFailure", "deadLetterQueue", "deadLetterQueueEnabled", "deadLetterTopic"];
    let props = function.props(model);
    // A dead-letter queue belongs to each version; a destination to what it is configured on.
    if own.iter().skip(1).any(|name| props.get(model, name) != Prop::Absent)
        || alias.props(model).get(model, "onFailure") != Prop::Absent
        || configured(model, &alias).is_some()
        || model.has_invoke_config(&function)
    {
        return None;
    }
    let destination = match props.get(model, "onFailure") {
        Prop::Present(entry) => entry.value,
        Prop::Absent => model.props_of(configured(model, &function)?).get(model, "onFailure").value()?,
        Prop::Unknown => return None,
    };
    let by_alias = model.invocations(&function).into_iter().any(|(how, by)| {
        let invoked = || model.invoked_expression(by).and_then(|invoked| model.origin(invoked));
        how == Invocation::Async && invoked().is_some_and(|site| site.node == alias.node)
    });
    by_alias.then_some(())?;
    let (label, of) = (alias.label(), function.label());
    let message = format!(
        "{label} is invoked asynchronously, and the destination for what fails is configured on {of}: it holds for $LATEST only, so events \
         that fail behind {label} are gone after two retries. The fix configures the same destination on {label}."
    );
    let candidate = out.report(meta, model, alias.node, message);
    candidate.key("destination").impact(Impact::Medium).tier(Tier::Safe);
    candidate.fix(format!("Send what fails behind {label} to the destination"), move |b| {
        add(b, &alias, destination)
    });
    Some(())
}

/// What `configureAsyncInvoke` is given on a construct.
fn configured<'a>(model: &Model<'a>, site: &Site<'a>) -> Option<Syn<'a>> {
    let mut calls = model.method_calls("configureAsyncInvoke");
    let call = calls.find(|call| {
        let object = call.field("function").and_then(|callee| callee.field("object"));
        object.and_then(|object| model.origin(object)).is_some_and(|of| of.node == site.node)
    });
    call?.field("arguments")?.first()
}

fn add<'a>(b: &mut Builder<'_, 'a>, alias: &Site<'a>, destination: Syn<'a>) -> Result<(), Refusal> {
    let statement = b.statement(alias.node)?;
    let built = destination.is("new_expression");
    let arguments = destination.field("arguments").map(Syn::children).into_iter().flatten();
    let named_here = |name: Syn<'a>| is_visible(statement, name);
    let visible = if built { arguments.into_iter().all(named_here) } else { named_here(destination) };
    if !visible || !std::ptr::eq(destination.file, statement.file) || destination.text().contains('\n') {
        return Err(no_fix(
            "the destination is put together where it cannot be named beside the alias",
            "call configureAsyncInvoke with it on the alias",
        ));
    }
    let typed = alias.binding().declared_type();
    let name = typed
        .is_none_or(|ty| b.model.cdk_name(ty).is_some_and(|name| name.starts_with("aws_lambda.")))
        .then(|| named(b, alias, statement, "alias"))
        .flatten()
        .ok_or_else(|| {
            no_fix("the alias is built inside another expression", "keep it in a constant, then run again")
        })?;
    let entry = if destination.text() == "onFailure" {
        "onFailure".to_owned()
    } else {
        format!("onFailure: {}", destination.text())
    };
    b.insert_after(statement, &format!("{name}.configureAsyncInvoke({{ {entry} }});"));
    Ok(())
}
