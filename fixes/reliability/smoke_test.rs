//! Part of 2.7: an action that asks what was released for its health.

use crate::detect::Refusal;
use crate::edit::Builder;
use crate::fixes::security::name_at;
use crate::model::meaning::{has_word, is_class};
use crate::model::props::key_of;
use crate::model::{Model, PipelineStage, Prop, Site};
use crate::syntax::Syn;

/// A question for the health of what was released.
pub(super) struct SmokeTest<'a> {
    /// The last action of the stage.
    last: Syn<'a>,
    /// The artifact that the action gets, as code.
    input: &'a str,
    /// The address, as the inside of a template literal.
    url: String,
    /// The path, for messages.
    pub path: &'static str,
    /// When it runs.
    order: u32,
}

/// How the stage can ask for the health of the app's API; `None` where that is not known for certain.
pub(super) fn smoke_test<'a>(
    model: &Model<'a>,
    pipeline: &Site<'a>,
    stage: &PipelineStage<'a>,
) -> Option<SmokeTest<'a>> {
    const GUARDS: [&str; 9] = [
        "authorizationType",
        "authorizer",
        "defaultAuthorizer",
        "addAuthorizer",
        "apiKeyRequired",
        "AuthorizationType",
        "PRIVATE",
        "disableExecuteApiEndpoint",
        "ApiDefinition",
    ];
    let class = "aws_codepipeline_actions.CommandsAction";
    model.has_prop(class, "commands").then_some(())?;
    let mut apis = model.all_sites().filter(|site| model.builds(site, "aws_apigateway.RestApi"));
    let api = apis.next()?;
    if apis.next().is_some()
        || model.cdk_files().any(|file| GUARDS.iter().any(|guard| has_word(&file.text, guard)))
    {
        return None;
    }
    let path = served(model)?;
    let actions = stage.actions.as_ref()?;
    let tested = actions.iter().any(|action| {
        let name =
            action.props(model).get(model, "actionName").value().map(|name| name.text().to_lowercase());
        name.is_some_and(|name| ["smoke", "health", "test", "verify"].iter().any(|word| name.contains(word)))
    });
    let last = actions.last()?;
    let input = last.props(model).get(model, "input").value()?;
    if tested || !std::ptr::eq(input.file, stage.object.file) || !last.node.parent()?.is("array") {
        return None;
    }
    let orders: Option<Vec<u32>> = actions
        .iter()
        .map(|action| match action.props(model).get(model, "runOrder") {
            Prop::Absent => Some(1),
            Prop::Present(entry) => entry.value.text().parse().ok(),
            Prop::Unknown => None,
        })
        .collect();
    let order = orders?.into_iter().max()? + 1;
    let name = name_of(model, &api, pipeline.node)?;
    Some(SmokeTest {
        last: last.node,
        input: input.text(),
        url: format!("${{{name}.url}}{path}"),
        path,
        order,
    })
}

/// A health path that code of the app serves.
fn served(model: &Model<'_>) -> Option<&'static str> {
    const PATHS: [&str; 4] = ["health", "healthz", "healthcheck", "health-check"];
    let handlers =
        || model.app.files.iter().filter(|file| file.candidate.language.is_script() && !file.speaks_cdk());
    PATHS.into_iter().find(|path| {
        ['\'', '"', '`'].iter().any(|quote| {
            let literal = format!("{quote}/{path}{quote}");
            handlers().any(|file| file.text().is_ok_and(|text| text.contains(&literal)))
        })
    })
}

/// How an API is called where the pipeline is built: by its own name, or as a property of the props.
fn name_of<'a>(model: &Model<'a>, api: &Site<'a>, at: Syn<'a>) -> Option<String> {
    if let Some(name) = name_at(api, at) {
        return Some(name);
    }
    let constructor = at.ancestors().find(|node| {
        node.is("method_definition") && node.field("name").is_some_and(|name| name.text() == "constructor")
    })?;
    let class = constructor.ancestors().find(|node| is_class(*node))?;
    let mut built = model.instances(class);
    let site = built.next()?;
    if built.next().is_some() {
        return None;
    }
    let parameter = constructor.field("parameters")?.children().nth(site.props_index)?;
    let props = parameter.field("pattern").filter(|pattern| pattern.is("identifier"))?;
    let declared = model.type_of(props).ty;
    let object = site.props_argument().filter(|object| object.is("object"))?;
    let key = object.children().find_map(|entry| {
        let value = entry.field("value").unwrap_or(entry);
        let same = model.origin(value).is_some_and(|origin| origin.node == api.node);
        key_of(entry).filter(|_| same)
    })?;
    // `IRestApi` does not tell its address.
    let member = model.member(&declared, key)?;
    let ty = member.node.field("type")?.text();
    (ty.ends_with("RestApi") && !ty.contains("IRestApi")).then(|| format!("{}.{key}", props.text()))
}

/// Adds the action that asks, behind the last of the stage.
///
/// # Errors
/// A [`Refusal`] where its class cannot be named.
pub(super) fn add_smoke_test<'a>(b: &mut Builder<'_, 'a>, test: &SmokeTest<'a>) -> Result<(), Refusal> {
    let class = b.cdk(test.last, "aws_codepipeline_actions.CommandsAction")?;
    let input = if test.input == "input" { "input".to_owned() } else { format!("input: {}", test.input) };
    let code = format!(
        "new {class}({{\n  actionName: 'SmokeTest',\n  {input},\n  runOrder: {},\n  commands: [\n    \
         `curl --fail --silent --show-error --max-time 10 --retry 5 --retry-delay 5 --retry-all-errors {}`,\n  ],\n}})",
        test.order, test.url
    );
    b.insert_element_after(test.last, &code);
    Ok(())
}
