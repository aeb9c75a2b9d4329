//! A function that an alarm starts.

use super::alarm_response::{Alarm, named};
use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::syntax::Syn;

/// What the function is for and what it may do.
pub(super) struct Remedy {
    /// The comment above it.
    pub comment: &'static str,
    /// Its description.
    pub description: &'static str,
    /// The constant that holds its code, and another name where that is taken.
    pub constant: &'static str,
    /// See `constant`.
    pub other: &'static str,
    /// What the constant's comment says.
    pub about: &'static str,
    /// Its code.
    pub script: &'static str,
    /// The lines of its environment.
    pub environment: String,
    /// The actions of its statement.
    pub actions: &'static [&'static str],
    /// The resources of its statement, as code.
    pub resources: Vec<String>,
    /// A grant besides, as code that takes the function: `key.grantDecrypt`.
    pub grant: Option<String>,
}

impl Remedy {
    /// Builds the function behind the alarm, and lets the alarm start it.
    ///
    /// # Errors
    /// A [`Refusal`] where the alarm has no place for it, and those of naming classes of the CDK.
    pub(super) fn add<'a>(&self, b: &mut Builder<'_, 'a>, alarm: &Alarm<'a>) -> Result<(), Refusal> {
        let at = alarm.node;
        let statement = b.statement(at)?;
        let name = named(b, alarm)?;
        let short = name.rsplit('.').next().unwrap_or(&name).to_owned();
        let remedy = b.fresh_name(at.file, &[&format!("{short}Remedy")]);
        let (scope, id, log_id) = ids(b, alarm);
        let class = b.cdk(at, "aws_lambda.Function")?;
        let runtime = b.cdk(at, "aws_lambda.Runtime")?;
        let newest = ["NODEJS_22_X", "NODEJS_20_X", "NODEJS_18_X"]
            .into_iter()
            .find(|member| b.model.has_member("aws_lambda.Runtime", member))
            .unwrap_or("NODEJS_18_X");
        let architecture = b.cdk(at, "aws_lambda.Architecture")?;
        let code = b.cdk(at, "aws_lambda.Code")?;
        let tracing = b.cdk(at, "aws_lambda.Tracing")?;
        let duration = b.cdk(at, "Duration")?;
        let group = b.cdk(at, "aws_logs.LogGroup")?;
        let days = b.cdk(at, "aws_logs.RetentionDays")?;
        let allow = b.cdk(at, "aws_iam.PolicyStatement")?;
        let action = b.cdk(at, "aws_cloudwatch_actions.LambdaAction")?;
        let Names { script, memory, seconds } = self.above(b, at)?;
        let mut resources = format!("resources: [{}],", self.resources.join(", "));
        if !b.fits(at, 2, resources.len()) {
            resources = format!("resources: [\n      {},\n    ],", self.resources.join(",\n      "));
        }
        let mut actions = format!("['{}']", self.actions.join("', '"));
        if !b.fits(at, 2, "actions: ,".len() + actions.len()) {
            actions = format!("[\n      '{}',\n    ]", self.actions.join("',\n      '"));
        }
        let unique = if b.model.has_prop("aws_cloudwatch_actions.LambdaAction", "useUniquePermissionId") {
            ", {\n    useUniquePermissionId: true,\n  }"
        } else {
            ""
        };
        let grant = self.grant.as_ref().map(|grant| format!("{grant}({remedy});\n")).unwrap_or_default();
        let Self { comment, description, environment, .. } = self;
        b.insert_after(
            statement,
            &format!(
                "// {comment}\n\
                 const {remedy} = new {class}({scope}, {id}, {{\n  \
                   description: '{description}',\n  \
                   runtime: {runtime}.{newest},\n  \
                   architecture: {architecture}.ARM_64,\n  \
                   handler: 'index.handler',\n  \
                   code: {code}.fromInline({script}),\n  \
                   memorySize: {memory},\n  \
                   timeout: {duration}.seconds({seconds}),\n  \
                   tracing: {tracing}.ACTIVE,\n  \
                   environment: {{\n    \
                     {environment}\n  \
                   }},\n  \
                   logGroup: new {group}({scope}, {log_id}, {{\n    \
                     retention: {days}.ONE_WEEK,\n  \
                   }}),\n\
                 }});\n\
                 {remedy}.addToRolePolicy(\n  \
                   new {allow}({{\n    \
                     actions: {actions},\n    \
                     {resources}\n  \
                   }})\n\
                 );\n{grant}\
                 {name}.addAlarmAction(\n  \
                   new {action}({remedy}{unique})\n\
                 );"
            ),
        );
        Ok(())
    }

    /// The constants that describe the function, above the class; those of an earlier alarm of the file serve again.
    fn above<'a>(&self, b: &mut Builder<'_, 'a>, at: Syn<'a>) -> Result<Names, Refusal> {
        let names = |script: String| {
            let (memory, seconds) = (format!("{script}_MEMORY"), format!("{script}_SECONDS"));
            Names { script, memory, seconds }
        };
        let known = crate::model::meaning::words(Syn::root(at.file), self.constant).next().is_some();
        if known && at.file.text.contains(self.script) {
            return Ok(names(self.constant.to_owned()));
        }
        let names = names(b.fresh_name(at.file, &[self.constant, self.other]));
        let top = at
            .ancestors()
            .find(|node| node.parent().is_some_and(|parent| parent.is("program")))
            .ok_or_else(|| {
                no_fix(
                    "the alarm is built where no constant can stand above",
                    "build it in a class, then run again",
                )
            })?;
        let Self { about, script, .. } = self;
        b.insert_before(
            top,
            &format!(
                "/** {about} */\nconst {} = `\n{script}\n`;\n\n/** Megabytes and seconds: it makes a handful of calls. */\n\
                 const {} = 128;\nconst {} = 30;",
                names.script, names.memory, names.seconds
            ),
        );
        Ok(names)
    }
}

/// The constants above the class.
struct Names {
    /// The function's code.
    script: String,
    /// Its megabytes.
    memory: String,
    /// Its timeout.
    seconds: String,
}

/// The scope of the function, its id and that of its log group.
fn ids<'a>(b: &mut Builder<'_, 'a>, alarm: &Alarm<'a>) -> (&'a str, String, String) {
    match &alarm.site {
        Some(site) => (b.scope_text(site), b.sibling_id(site, "Remedy"), b.sibling_id(site, "RemedyLogs")),
        None => {
            // `metric.createAlarm(scope, id, …)`
            let at = alarm.node;
            let arguments: Vec<Syn<'a>> =
                at.field("arguments").map(|list| list.children().collect()).unwrap_or_default();
            let id = arguments.get(1).copied();
            let scope = arguments.first().map_or("this", |scope| scope.text());
            (scope, b.id_after(at, id, "Remedy"), b.id_after(at, id, "RemedyLogs"))
        }
    }
}
