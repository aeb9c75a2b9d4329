//! Construct sites: where the app builds something of the CDK.

use std::sync::Arc;

use super::Model;
use super::catalogue::ClassName;
use super::meaning::{Meaning, is_class, words};
use super::props::Props;
use super::scope::{Declaration, is_function, lookup};
use crate::syntax::{Parsed, Syn};

/// `new X(scope, id, props)`, or the `super(scope, id, props)` of a class of the app that extends X.
#[derive(Debug, Clone, PartialEq)]
pub struct Site<'a> {
    /// The `new_expression`, or the `call_expression` of `super(…)`.
    pub node: Syn<'a>,
    /// The nearest CDK class, canonical: `aws_lambda.Function`.
    pub class: ClassName,
    /// The class of the app between, where one is built or defined.
    pub local: Option<Syn<'a>>,
    /// The arguments.
    pub arguments: Arc<[Syn<'a>]>,
    /// Index of the props among the arguments.
    pub props_index: usize,
}

/// What a construct is bound to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Binding<'a> {
    /// `const name = new …`: the identifier.
    Variable(Syn<'a>),
    /// `this.name = new …` or a field's initialiser: the property identifier.
    Field(Syn<'a>),
    /// Nothing.
    None,
}

impl<'a> Binding<'a> {
    /// What the value of an expression is bound to.
    pub fn of(expression: Syn<'a>) -> Self {
        let mut value = expression;
        while let Some(parent) = value.parent() {
            match parent.kind() {
                "parenthesized_expression"
                | "as_expression"
                | "satisfies_expression"
                | "non_null_expression" => value = parent,
                "variable_declarator" => {
                    return parent
                        .field("name")
                        .filter(|name| name.is("identifier"))
                        .map_or(Self::None, Self::Variable);
                }
                "assignment_expression" => {
                    let Some(left) = parent.field("left") else { return Self::None };
                    return match left.kind() {
                        "identifier" => Self::Variable(left),
                        "member_expression"
                            if left.field("object").is_some_and(|object| object.is("this")) =>
                        {
                            left.field("property").map_or(Self::None, Self::Field)
                        }
                        _ => Self::None,
                    };
                }
                "public_field_definition" => {
                    return parent.field("name").map_or(Self::None, Self::Field);
                }
                _ => return Self::None,
            }
        }
        Self::None
    }

    /// The text by which the value is used afterwards: `handler`, `this.handler`.
    pub fn text(self) -> Option<String> {
        match self {
            Self::Variable(name) => Some(name.text().to_owned()),
            Self::Field(name) => Some(format!("this.{}", name.text())),
            Self::None => None,
        }
    }

    /// The type that the variable or field is declared with, if it is.
    pub fn declared_type(self) -> Option<Syn<'a>> {
        let declared = match self {
            Self::Variable(name) => match lookup(name, name.text()) {
                Some(Declaration::Variable { declarator, .. }) => declarator.field("type"),
                _ => None,
            },
            Self::Field(name) => {
                let class = name.ancestors().find(|node| is_class(*node))?;
                let mut members = class.field("body")?.children();
                members
                    .find(|member| member.field("name").is_some_and(|own| own.text() == name.text()))?
                    .field("type")
            }
            Self::None => None,
        };
        declared?.first()
    }
}

impl<'a> Site<'a> {
    /// The scope argument of a construct.
    pub fn scope(&self) -> Option<Syn<'a>> {
        (self.props_index >= 2).then(|| self.arguments.first().copied()).flatten()
    }

    /// The id argument of a construct.
    pub fn id(&self) -> Option<Syn<'a>> {
        (self.props_index >= 2).then(|| self.arguments.get(1).copied()).flatten()
    }

    /// The id's text, if it is a literal.
    pub fn id_text(&self) -> Option<&'a str> {
        self.id().filter(|id| id.is("string")).map(super::imports::string_text)
    }

    /// The props argument as written.
    pub fn props_argument(&self) -> Option<Syn<'a>> {
        self.arguments.get(self.props_index).copied()
    }

    /// The argument list's node.
    pub fn argument_list(&self) -> Option<Syn<'a>> {
        self.node.field("arguments")
    }

    /// The props as far as they are known.
    pub fn props(&self, model: &Model<'a>) -> Props<'a> {
        if self.arguments.iter().any(|argument| argument.is("spread_element")) {
            return model.props_of(self.node);
        }
        self.props_argument().map_or(Props::EMPTY, |argument| model.props_of(argument))
    }

    /// What the construct is bound to.
    pub fn binding(&self) -> Binding<'a> {
        Binding::of(self.node)
    }

    /// What the construct is called where it is built: `handler`, `this.handler`.
    pub fn bound(&self) -> Option<String> {
        self.binding().text()
    }

    /// The statement that holds the construct.
    pub fn statement(&self) -> Option<Syn<'a>> {
        statement_of(self.node)
    }

    /// A name for messages: the id, else what it is bound to, else the class.
    pub fn label(&self) -> String {
        let template = self.id().filter(|id| id.is("template_string"));
        match (self.id_text().or(template.map(super::imports::string_text)), self.binding()) {
            (Some(id), _) => id.to_owned(),
            (None, Binding::Variable(name) | Binding::Field(name)) => name.text().to_owned(),
            (None, Binding::None) => {
                // `super(…)` builds what its class is.
                let own = self
                    .node
                    .is("call_expression")
                    .then(|| self.node.ancestors().find(|node| is_class(*node)));
                let name = own.flatten().and_then(|class| class.field("name")).map(Syn::text);
                name.or(self.class.rsplit('.').next()).unwrap_or(&self.class).to_owned()
            }
        }
    }
}

/// The statement that holds a node: the ancestor whose parent is a block or the program. `None` where the node stands in a
/// function without a block, or among its parameters: what a statement around the function says is said before it runs.
pub fn statement_of(node: Syn<'_>) -> Option<Syn<'_>> {
    let mut inner = node;
    for outer in node.ancestors() {
        if is_function(outer.kind()) {
            return None;
        }
        if matches!(outer.kind(), "statement_block" | "program" | "switch_case" | "switch_default") {
            return (inner != node
                || inner.kind().ends_with("_statement")
                || inner.kind().ends_with("_declaration"))
            .then_some(inner);
        }
        inner = outer;
    }
    None
}

impl<'a> Model<'a> {
    /// The sites of a file in source order.
    pub(crate) fn find_sites(&self, file: &'a Parsed) -> Vec<Site<'a>> {
        let root = Syn::root(file);
        let mut sites = Vec::new();
        for at in words(root, "new") {
            // The smallest named node around the word is the expression that starts with it.
            let Some(node) = root.named_at(at).filter(|node| node.is("new_expression")) else { continue };
            if let Some(site) = self.new_site(node) {
                sites.push(site);
            }
        }
        for at in words(root, "super") {
            let Some(token) = root.at(at).filter(|node| node.is("super")) else { continue };
            let Some(call) = token.parent().filter(|node| node.is("call_expression")) else { continue };
            if let Some(site) = self.super_site(call) {
                sites.push(site);
            }
        }
        sites.sort_by_key(|site| site.node.start());
        sites
    }

    fn new_site(&self, node: Syn<'a>) -> Option<Site<'a>> {
        let constructor = node.field("constructor")?;
        if !constructor.text().rsplit('.').next()?.starts_with(|first: char| first.is_ascii_uppercase()) {
            return None;
        }
        let (class, local) = match self.meaning(constructor)? {
            Meaning::Cdk(name) => (name, None),
            Meaning::Class(class) => (self.cdk_base(class)?, Some(class)),
            _ => return None,
        };
        Some(self.site(node, &class, local))
    }

    fn super_site(&self, call: Syn<'a>) -> Option<Site<'a>> {
        let class = call.ancestors().find(|node| is_class(*node))?;
        let base = self.cdk_base(class)?;
        // `extends Stack` and `extends Construct` are the app's own structure, not something built.
        if matches!(
            base.as_str(),
            "constructs.Construct" | "Construct" | "Stack" | "Stage" | "NestedStack" | "App"
        ) {
            return None;
        }
        Some(self.site(call, &base, Some(class)))
    }

    fn site(&self, node: Syn<'a>, class: &str, local: Option<Syn<'a>>) -> Site<'a> {
        let arguments = node.field("arguments").map(|list| list.children().collect()).unwrap_or_default();
        let class = self.catalogue.known(class);
        let props_index = class.props_index();
        Site { node, class, local, arguments, props_index }
    }

    /// The nearest CDK class that a class of the app extends.
    pub fn cdk_base(&self, class: Syn<'a>) -> Option<String> {
        let mut class = class;
        for _ in 0..16 {
            let heritage = class.children().find(|child| child.is("class_heritage"))?;
            let base = match heritage.children().find(|child| child.is("extends_clause")) {
                Some(clause) => clause.field("value")?,
                // The JavaScript grammar has the expression right there.
                None => heritage.first()?,
            };
            match self.meaning(base)? {
                Meaning::Cdk(name) => return Some(name),
                Meaning::Class(next) if next != class => class = next,
                _ => return None,
            }
        }
        None
    }

    /// Whether a site builds a class or one of its subclasses.
    pub fn builds(&self, site: &Site<'a>, class: &str) -> bool {
        site.class.is_a(class)
    }

    /// The construct that an expression stands for, followed through variables, fields, and the
    /// props that the app passes between its own constructs.
    pub fn origin(&self, expression: Syn<'a>) -> Option<Site<'a>> {
        self.origin_at(expression, 8)
    }

    fn origin_at(&self, expression: Syn<'a>, depth: u8) -> Option<Site<'a>> {
        let depth = depth.checked_sub(1)?;
        match expression.kind() {
            "new_expression" => self.new_site(expression),
            "parenthesized_expression" | "as_expression" | "satisfies_expression" | "non_null_expression" => {
                self.origin_at(expression.first()?, depth)
            }
            "member_expression" | "identifier" | "shorthand_property_identifier" => {
                if let Some(Declaration::Destructured { from: Some(from), key, .. }) = Some(expression)
                    .filter(|name| !name.is("member_expression"))
                    .and_then(|name| self.lookup(name, name.text()))
                {
                    return self.property_origin(from, key, depth);
                }
                match self.meaning(expression)? {
                    Meaning::Value(value) if value.is("new_expression") => self.new_site(value),
                    Meaning::Value(value) if value.is("variable_declarator") => {
                        self.origin_at(self.assigned_once(value)?, depth)
                    }
                    Meaning::Value(value) if value.is("member_expression") => {
                        self.member_origin(value, depth)
                    }
                    Meaning::Parameter(parameter) => self.argument_origin(parameter, None, depth),
                    Meaning::Value(value) if value != expression && value.is("identifier") => {
                        self.origin_at(value, depth)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The value of a `let` that is assigned once: `let x; x = new …`.
    fn assigned_once(&self, declarator: Syn<'a>) -> Option<Syn<'a>> {
        let name = declarator.field("name")?;
        let mut values: Vec<_> = declarator.field("value").into_iter().collect();
        for at in words(Syn::root(declarator.file), name.text()) {
            let node = declarator.at(at)?;
            let Some(parent) = node.parent().filter(|parent| parent.is("assignment_expression")) else {
                continue;
            };
            if parent.field("left") == Some(node) {
                values.push(parent.field("right")?);
            }
        }
        match values.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// `x.y` where x is an instance of a class of the app, or `props.y`.
    fn member_origin(&self, member: Syn<'a>, depth: u8) -> Option<Site<'a>> {
        let object = member.field("object")?;
        let property = member.field("property")?.text();
        if object.is("this") {
            let class = member.ancestors().find(|node| is_class(*node))?;
            return self.field_origin(class, property, depth);
        }
        self.property_origin(object, property, depth)
    }

    /// A property of what an expression stands for: `props`, or an instance of a class of the app.
    fn property_origin(&self, object: Syn<'a>, property: &str, depth: u8) -> Option<Site<'a>> {
        if let Some(Meaning::Parameter(parameter)) = self.meaning(object) {
            // What the caller passes is an object of props, or a construct with a field of that name.
            return self.argument_origin(parameter, Some(property), depth).or_else(|| {
                let built = self.argument_origin(parameter, None, depth)?;
                self.field_origin(built.local?, property, depth.checked_sub(1)?)
            });
        }
        let built = self.origin_at(object, depth)?;
        self.field_origin(built.local?, property, depth)
    }

    fn field_origin(&self, class: Syn<'a>, field: &str, depth: u8) -> Option<Site<'a>> {
        self.origin_at(self.field_value(class, field)?, depth)
    }

    /// What the one caller of a constructor passes for a parameter, or for a property of it.
    fn argument_origin(&self, parameter: Syn<'a>, property: Option<&str>, depth: u8) -> Option<Site<'a>> {
        self.origin_at(self.argument(parameter, property)?, depth)
    }

    /// The expression that the only `new` of a class of the app passes for a constructor's parameter,
    /// or for a property of that parameter.
    pub fn argument(&self, parameter: Syn<'a>, property: Option<&str>) -> Option<Syn<'a>> {
        let (parameter, destructured) = match parameter.kind() {
            "required_parameter" | "optional_parameter" => (parameter, None),
            // A name out of an object pattern: the parameter around it.
            _ => (
                parameter.ancestors().find(|node| node.kind().ends_with("_parameter"))?,
                Some(parameter.text()),
            ),
        };
        let method = parameter.ancestor("method_definition")?;
        if method.field("name")?.text() != "constructor" {
            return None;
        }
        let index = method.field("parameters")?.children().position(|other| other == parameter)?;
        let class = method.ancestors().find(|node| is_class(*node))?;
        let mut callers = self.instances(class);
        let caller = callers.next()?;
        if callers.next().is_some() {
            return None;
        }
        let argument = *caller.arguments.get(index)?;
        match property.or(destructured) {
            Some(property) => self.props_of(argument).get(self, property).value(),
            None => Some(argument),
        }
    }

    /// The site of `App` where the app starts: in the file that `cdk.json` names, else the first of all. A library has
    /// examples and starts nothing.
    pub fn entry(&self) -> Option<Site<'a>> {
        if self.app.is_library() {
            return None;
        }
        let all: Vec<_> = self.all_sites().filter(|site| self.builds(site, "App")).collect();
        let command =
            self.app.cdk_json.as_ref().and_then(|json| json.get("app")?.as_str()).unwrap_or_default();
        let named = |site: &&Site<'a>| {
            let file = self.location(site.node.file);
            let stem = file.and_then(std::path::Path::file_stem).and_then(|stem| stem.to_str());
            stem.is_some_and(|stem| command.split(['/', ' ', '.']).any(|part| part == stem))
        };
        all.iter().find(named).or(all.first()).cloned()
    }

    /// Whether a site of `App` is where the app starts.
    pub fn starts_app(&self, app: &Site<'a>) -> bool {
        self.entry().is_some_and(|entry| entry.node == app.node)
    }

    /// The classes of stack that the app has and builds, in order.
    pub fn stack_classes(&self) -> Vec<Syn<'a>> {
        let mut classes = Vec::new();
        for site in self.all_sites().filter(|site| site.class == "Stack" && site.node.is("new_expression")) {
            if let Some(class) = site.local.filter(|class| !classes.contains(class)) {
                classes.push(class);
            }
        }
        classes
    }

    /// Every `new` of a class of the app.
    pub fn instances(&self, class: Syn<'a>) -> impl Iterator<Item = Site<'a>> {
        self.all_sites()
            .filter(move |site| site.local == Some(class) && site.node.is("new_expression"))
            .collect::<Vec<_>>()
            .into_iter()
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{App, Model, Overlay};

    #[test]
    fn a_binding_tells_its_text_and_its_declared_type() {
        let text = "import * as sns from 'aws-cdk-lib/aws-sns';\nlet late: sns.ITopic;\nlate = new sns.Topic(app, 'Late');\n\
            const plain = new sns.Topic(app, 'Plain');\nclass Holder {\n  readonly topic: sns.Topic;\n  constructor() {\n    \
            this.topic = new sns.Topic(app, 'Field');\n  }\n}\nuse(new sns.Topic(app, 'Loose'));\n";
        let overlay = Overlay::from([("/app/lib/a.ts".into(), text.into())]);
        let app = App::new("/app".into(), Vec::new()).with(&overlay);
        let model = Model::new(&app);
        let bindings: Vec<_> = model
            .all_sites()
            .map(|site| (site.binding().text(), site.binding().declared_type().map(crate::syntax::Syn::text)))
            .collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            bindings,
            [
                (text("late"), Some("sns.ITopic")),
                (text("plain"), None),
                (text("this.topic"), Some("sns.Topic")),
                (None, None),
            ]
        );
    }
}
