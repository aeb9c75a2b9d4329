//! A second region: which one it is, where the app says where its stacks go, and how the app's entry speaks of both.

use crate::detect::Refusal;
use crate::edit::carry::only_instance;
use crate::edit::{Builder, no_fix};
use crate::model::props::own_entry;
use crate::model::{Model, Site, statement_of};
use crate::rule::{AnswerType, Question};
use crate::syntax::Syn;

/// The region that has the copies, or takes over.
pub(super) const DR_REGION: Question = Question {
    key: "dr_region",
    ask: "Which AWS region holds the copies and takes over when the app's own region fails?",
    kind: AnswerType::Text,
    example: "us-west-2",
};

/// The one place where a stack is built, and what it says of its region.
pub(super) struct Home<'a> {
    /// The `new`.
    pub site: Site<'a>,
    /// Its statement.
    pub statement: Syn<'a>,
    /// Its props.
    pub object: Syn<'a>,
    /// What `env` is set to.
    env: Syn<'a>,
    /// The region, as an expression.
    pub region: String,
}

/// Where a class of stack is built.
///
/// # Errors
/// A [`Refusal`] where it is not built once by the app itself, with an `env` that names a region.
pub(super) fn home<'a>(model: &Model<'a>, class: Syn<'a>) -> Result<Home<'a>, Refusal> {
    let name = class.field("name").map_or("the stack", Syn::text);
    let site = only_instance(model, class).ok_or_else(|| {
        no_fix(
            &format!("{name} is built more than once, and wa-fix cannot tell which of them goes where"),
            "build it in one place, then run again",
        )
    })?;
    let by_app =
        site.scope().and_then(|scope| model.origin(scope)).is_some_and(|scope| model.builds(&scope, "App"));
    let statement = statement_of(site.node).filter(|_| by_app).ok_or_else(|| {
        no_fix(
            &format!("{name} is not built by the app itself, but by a stage or a function"),
            "give the stage a second region by hand",
        )
    })?;
    let object = site.props_argument().filter(|object| object.is("object")).ok_or_else(|| {
        no_fix(
            &format!("the props of {name} are not written where it is built"),
            "write them in one object literal, with an env, then run again",
        )
    })?;
    let unknown = || {
        no_fix(
            &format!("{name} does not say which region it is deployed to"),
            "give it env: { account, region }, then run again",
        )
    };
    let env = own_entry(object, "env").ok_or_else(unknown)?;
    let region = match env.kind() {
        "object" => own_entry(env, "region").map(|region| region.text().to_owned()),
        "identifier" | "shorthand_property_identifier" | "member_expression" => {
            let known = model.props_of(env).object();
            let there = known.is_none_or(|object| own_entry(object, "region").is_some());
            there.then(|| format!("{}.region", env.text()))
        }
        _ => None,
    };
    let region = region.ok_or_else(unknown)?;
    Ok(Home { site, statement, object, env, region })
}

/// The names by which the app's entry speaks of both regions.
pub(super) struct Regions {
    /// The second region, or `undefined`.
    pub second: String,
    /// True where there are two.
    pub condition: String,
}

impl<'a> Home<'a> {
    /// What the app is called.
    pub(super) fn scope(&self) -> &'a str {
        self.site.scope().map_or("app", Syn::text)
    }

    /// `env` of a stack in the second region.
    pub(super) fn env_in(&self, region: &str) -> String {
        let entry = if region == "region" { region.to_owned() } else { format!("region: {region}") };
        if !self.env.is("object") {
            return format!("{{ ...{}, {entry} }}", self.env.text());
        }
        let others: Vec<&str> = self
            .env
            .children()
            .filter(|other| crate::model::props::key_of(*other) != Some("region") && !other.is("comment"))
            .map(Syn::text)
            .collect();
        if others.is_empty() {
            format!("{{ {entry} }}")
        } else {
            format!("{{ {}, {entry} }}", others.join(", "))
        }
    }

    /// Declares both regions in front of the stack, or takes the names that are there.
    ///
    /// # Errors
    /// [`Refusal::NeedsValue`] where nobody has named the second region, a refusal where it is the first.
    pub(super) fn regions(&self, b: &mut Builder<'_, 'a>) -> Result<(Regions, String), Refusal> {
        if let Some(known) = self.known_regions() {
            return Ok((known, String::new()));
        }
        let region = b.value(&DR_REGION)?;
        let is_name =
            region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !is_name || region.split('-').count() < 3 {
            return Err(no_fix(
                &format!("`{region}` is no region"),
                "set dr_region to one such as us-west-2",
            ));
        }
        if self.region.trim_matches(['\'', '"', '`']) == region {
            return Err(no_fix(
                &format!("the stack is deployed to {region} itself"),
                "set dr_region to another region",
            ));
        }
        let second = b.fresh_name(self.site.node.file, &["drRegion", "secondRegion"]);
        // A region that is written out needs no name.
        let (first, named) = if self.region.starts_with(['\'', '"']) {
            (self.region.clone(), String::new())
        } else {
            let first = b.fresh_name(self.site.node.file, &["primaryRegion", "ownRegion"]);
            let named = format!("const {first} = {};\n", self.region);
            (first, named)
        };
        let asked = format!("{}.node.tryGetContext('drRegion')", self.scope());
        let default = match b.environment(self.statement).known() {
            Some(known) => format!("({} ? '{region}' : undefined)", known.expression),
            None => format!("'{region}'"),
        };
        let gap = if asked.len() + default.len() + 7 > 80 { "\n  " } else { " " };
        let typed = b.annotation(self.statement.file, "string | undefined");
        let code = format!(
            "// The second region: cdk deploy --context drRegion=… names another one\nconst {second}{typed} =\n  \
             {asked} ??{gap}{default};\n{named}"
        );
        Ok((Regions { condition: condition(&second, &first), second }, code))
    }

    /// The names that another fix, or a person, has given to both regions.
    fn known_regions(&self) -> Option<Regions> {
        let before = self.statement.parent()?.children().take_while(|other| *other != self.statement);
        let declarators = before.filter(|other| other.is("lexical_declaration")).flat_map(Syn::children);
        let (mut first, mut second) = (None, None);
        for declarator in declarators {
            let (Some(name), Some(value)) = (declarator.field("name"), declarator.field("value")) else {
                continue;
            };
            let text = value.text();
            let asks = text.contains("'drRegion'") || text.contains("\"drRegion\"");
            if asks && text.contains("tryGetContext") {
                second = Some(name.text());
            } else if value.text() == self.region {
                first = Some(name.text());
            }
        }
        let first = first.map_or_else(|| self.region.clone(), str::to_owned);
        let second = second?.to_owned();
        Some(Regions { condition: condition(&second, &first), second })
    }
}

fn condition(second: &str, first: &str) -> String {
    if first.starts_with(['\'', '"']) {
        return format!("{second} && {second} !== {first}");
    }
    format!("{second} && {first} && {second} !== {first}")
}
