//! The aliases of an app, and what moves them.

use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::model::imports::string_text;
use crate::model::{Binding, Meaning, Model, Prop, Site};
use crate::syntax::Syn;

/// An alias: `new Alias(…)` or `fn.addAlias(…)`.
#[derive(Clone)]
pub(super) struct Alias<'a> {
    /// The expression that builds it.
    pub(super) node: Syn<'a>,
    /// The construct, where it is built by `new`.
    pub(super) site: Option<Site<'a>>,
    /// The function behind it.
    pub(super) function: Site<'a>,
    /// Its name, where it is a literal.
    pub(super) literal: Option<&'a str>,
}

impl<'a> Alias<'a> {
    /// An alias that follows the function's versions; `None` where that cannot be seen, where its traffic is split
    /// already, or where it points to what never changes.
    pub(super) fn of(model: &Model<'a>, node: Syn<'a>) -> Option<Self> {
        let (site, version, options, name) = if let Some(site) = model.site_of(node) {
            let props = site.props(model);
            let version = props.get(model, "version").value()?;
            let name = props.get(model, "aliasName").value();
            (Some(site), version, props, name)
        } else {
            let arguments: Vec<Syn<'a>> = node.field("arguments")?.children().collect();
            let options =
                arguments.get(1).map_or(crate::model::Props::EMPTY, |options| model.props_of(*options));
            let receiver = node.field("function")?.field("object")?;
            (None, receiver, options, arguments.first().copied())
        };
        let fixed = version.text().ends_with("latestVersion") || version.text().contains(".fromVersion");
        if fixed || options.get(model, "additionalVersions") != Prop::Absent {
            return None;
        }
        let function = model.invoked_function(version)?;
        let is_function = model.builds(&function, "aws_lambda.Function")
            && !model.runs_at_edge(&function)
            && !model.serves_custom_resource(&function);
        let literal = name.filter(|name| name.is("string")).map(string_text);
        is_function.then_some(Self { node, site, function, literal })
    }

    /// Every alias of the app that can be followed to a function, by path and offset.
    pub(super) fn all(model: &Model<'a>) -> Vec<Self> {
        let built = model.all_sites().filter(|site| model.builds(site, "aws_lambda.Alias"));
        let nodes = built.map(|site| site.node).chain(model.method_calls("addAlias"));
        nodes.filter_map(|node| Self::of(model, node)).collect()
    }

    /// What it is called in messages.
    pub(super) fn label(&self) -> String {
        match (&self.site, self.literal) {
            (Some(site), _) => site.label(),
            (None, Some(name)) => format!("{name} of {}", self.function.label()),
            (None, None) => format!("the alias of {}", self.function.label()),
        }
    }

    /// Whether an expression stands for it.
    pub(super) fn is_meant(&self, model: &Model<'a>, expression: Syn<'a>) -> bool {
        expression == self.node
            || model.origin(expression).is_some_and(|origin| origin.node == self.node)
            || model.meaning(expression) == Some(Meaning::Value(self.node))
    }

    /// What it is called where it is built.
    ///
    /// # Errors
    /// A [`Refusal`] where it is bound to nothing, or only as an interface, which a deployment group does not take.
    pub(super) fn name(&self) -> Result<String, Refusal> {
        let binding = Binding::of(self.node);
        let name = binding.text().ok_or_else(|| {
            no_fix("the alias is bound to no name", "assign it to a constant, then run again")
        })?;
        if is_interface(binding) {
            return Err(no_fix(
                &format!("{name} is declared as an interface, and a deployment group takes only an Alias"),
                "declare it as lambda.Alias, then run again",
            ));
        }
        Ok(name)
    }

    /// The id, as code, of a construct that goes with it.
    pub(super) fn sibling_id(&self, b: &mut Builder<'_, 'a>, suffix: &str) -> String {
        match &self.site {
            Some(site) => b.sibling_id(site, suffix),
            None => b.sibling_id(&self.function, suffix),
        }
    }

    /// What a construct built beside it passes as its scope.
    pub(super) fn scope(&self, b: &Builder<'_, 'a>) -> &'a str {
        b.scope_text(self.site.as_ref().unwrap_or(&self.function))
    }
}

/// Whether a name is declared as `IAlias` and the like.
fn is_interface(binding: Binding<'_>) -> bool {
    binding.declared_type().is_some_and(|ty| {
        let last = ty.text().rsplit('.').next().unwrap_or_default();
        matches!(last, "IAlias" | "IVersion" | "IFunction")
    })
}

/// Who moves the aliases of an app step by step, if somebody does.
pub(super) struct Shifting<'a> {
    /// Expressions of the aliases that a deployment group is given.
    groups: Vec<Option<Syn<'a>>>,
    /// Whether one is built or used that names no alias.
    elsewhere: bool,
}

impl<'a> Shifting<'a> {
    /// Looks at the whole app.
    pub(super) fn of(model: &Model<'a>) -> Self {
        let groups = model
            .all_sites()
            .filter(|site| model.builds(site, "aws_codedeploy.LambdaDeploymentGroup"))
            .map(|group| group.props(model).get(model, "alias").value())
            .collect();
        let elsewhere = model.app_builds("aws_codedeploy.CfnDeploymentGroup")
            || is_written(model, "fromLambdaDeploymentGroupAttributes")
            || is_written(model, "deploy create-deployment");
        Self { groups, elsewhere }
    }

    /// Whether an alias is, or may be, moved by `CodeDeploy`.
    pub(super) fn moves(&self, model: &Model<'a>, alias: &Alias<'a>) -> bool {
        self.elsewhere
            || self.groups.iter().any(|group| {
                group.is_none_or(|group| {
                    alias.is_meant(model, group)
                        || Alias::all(model).iter().all(|other| !other.is_meant(model, group))
                })
            })
    }
}

/// Whether a text stands in any file of the app.
pub(super) fn is_written(model: &Model<'_>, text: &str) -> bool {
    model.app.files.iter().any(|file| file.text().is_ok_and(|whole| whole.contains(text)))
}

/// Whether a text stands in a file that is no code of the app's CDK, or at a node of one that is about what is asked for.
pub(super) fn is_written_about<'a>(model: &Model<'a>, text: &str, about: impl Fn(Syn<'a>) -> bool) -> bool {
    let files = &model.app.files;
    files.iter().any(|file| !file.speaks_cdk() && file.text().is_ok_and(|whole| whole.contains(text)))
        || model.cdk_files().any(|file| {
            let root = Syn::root(file);
            file.text.match_indices(text).any(|(at, found)| root.at(at..at + found.len()).is_none_or(&about))
        })
}

/// Keeps the versions of a function, so that there is one to go back to.
///
/// # Errors
/// Those of setting a property.
pub(super) fn keep_versions<'a>(b: &mut Builder<'_, 'a>, function: &Site<'a>) -> Result<(), Refusal> {
    const PROP: &str = "currentVersionOptions";
    if !b.model.has_prop("aws_lambda.Function", PROP) {
        return Ok(());
    }
    let policy = |b: &mut Builder<'_, 'a>| Ok(format!("{}.RETAIN", b.cdk(function.node, "RemovalPolicy")?));
    match function.props(b.model).get(b.model, PROP) {
        Prop::Absent => {
            let policy = policy(b)?;
            b.set_prop(function, PROP, &format!("{{ removalPolicy: {policy} }}"))
        }
        Prop::Present(entry) if entry.value.is("object") => {
            if b.model.props_of(entry.value).get(b.model, "removalPolicy") == Prop::Absent {
                let policy = policy(b)?;
                b.insert_entry(entry.value, "removalPolicy", &policy);
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The statement, as code, of an alarm that rings at the first error of an alias, which tells the topic of the other
/// alarms of the file.
///
/// # Errors
/// Those of naming classes of the CDK.
pub(super) fn canary_alarm<'a>(
    b: &mut Builder<'_, 'a>,
    statement: Syn<'a>,
    (name, scope, id): (&str, &str, &str),
    (metric, label): (&str, &str),
) -> Result<String, Refusal> {
    let alarm = b.cdk(statement, "aws_cloudwatch.Alarm")?;
    let operator = b.cdk(statement, "aws_cloudwatch.ComparisonOperator")?;
    let missing = b.cdk(statement, "aws_cloudwatch.TreatMissingData")?;
    let action = b.alarm_action(statement)?;
    let action = action.map_or_else(String::new, |action| format!("\n{name}.addAlarmAction({action});"));
    let description = format!("A new version behind {label} fails: CodeDeploy goes back to the one before");
    let gap = if description.len() > 60 { "\n    " } else { " " };
    Ok(format!(
        "const {name} = new {alarm}({scope}, {id}, {{\n  \
           alarmDescription:{gap}'{description}',\n  \
           metric: {metric},\n  \
           threshold: 1,\n  \
           evaluationPeriods: 1,\n  \
           comparisonOperator:\n    \
             {operator}.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,\n  \
           treatMissingData: {missing}.NOT_BREACHING,\n\
         }});{action}"
    ))
}

/// A label as it may stand in a literal: an id that is computed is no name.
pub(super) fn spoken(label: &str, otherwise: &str) -> String {
    let plain = label.chars().all(|c| c.is_ascii_alphanumeric() || "-_ ".contains(c));
    if plain { label.to_owned() } else { otherwise.to_owned() }
}
