//! The expression in scope that says which environment this is.
//!
//! Looked for in a stated order, the first hit wins: a boolean such as `isProd`; a comparison that the same
//! file already makes; a string such as `environmentSuffix`; the property of an object (`config.environmentSuffix`);
//! a field of the class; a context key or a variable of the process that the app itself reads. Types decide what
//! may be used: a CDK token (`stack.region`, a parameter's value) is never equal to a literal, and a union of
//! literals without a production-like member makes a comparison that does not compile.
//!
//! The expression is true in production, and a fix lets its true branch keep today's value: a wrong guess must
//! not degrade a live system.

use super::imports::string_text;
use super::meaning::{Meaning, has_word, is_class, words};
use super::scope::Declaration;
use super::types::{Type, Typed};
use super::{Model, statement_of};
use crate::rule::Tier;
use crate::syntax::{Parsed, Syn};

/// Which environment a place belongs to, and how it can be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Environment<'a> {
    /// The place belongs to one environment already: nothing there depends on which one it is.
    Guarded,
    /// An expression tells.
    Known(Discriminator<'a>),
    /// Nothing in scope tells.
    None,
}

impl<'a> Environment<'a> {
    /// The expression, if there is one.
    pub fn known(&self) -> Option<&Discriminator<'a>> {
        match self {
            Self::Known(discriminator) => Some(discriminator),
            _ => None,
        }
    }
}

/// An expression that is true in production.
#[derive(Debug, Clone, PartialEq)]
pub struct Discriminator<'a> {
    /// As it is written in code, with single quotes: `config.environmentSuffix === 'prod'`, `isProd`.
    pub expression: String,
    /// The value that means production, as written: `'prod'`. `None` for a boolean.
    pub production: Option<String>,
    /// How it was found.
    pub step: Step,
    /// The least tier that a fix may have which relies on it.
    pub tier: Tier,
    /// Whether `'prod'` was assumed: nothing in the app says what production is called.
    pub guessed: bool,
    /// The object through which it is read, if it is a property of one whose type the app declares.
    pub holder: Option<Holder<'a>>,
}

/// `config` of `config.environmentSuffix`.
#[derive(Debug, Clone, PartialEq)]
pub struct Holder<'a> {
    /// As it is written: `config`, `this.config`.
    pub text: String,
    /// Whether it may be undefined.
    pub optional: bool,
    /// Its declared type.
    pub declaration: Syn<'a>,
}

/// How a discriminator was found, in the order in which it is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A boolean in scope.
    Boolean,
    /// A comparison that the file already makes.
    Comparison,
    /// A string in scope.
    Name,
    /// A property of an object in scope.
    Property,
    /// A field of the class.
    Field,
    /// A context key that the app reads.
    Context,
    /// A variable of the process that the app reads.
    Process,
    /// The configuration of wa-fix names it.
    Configured,
}

/// What the app itself says about its environments, worked out once.
#[derive(Debug, Default)]
pub(crate) struct Facts<'a> {
    comparisons: Vec<Comparison<'a>>,
    /// Context keys and process variables that name an environment: the best first.
    context: Vec<&'a str>,
    process: Vec<&'a str>,
    /// Names that somewhere are given a token.
    tokens: Vec<String>,
    /// Production-like keys of maps.
    map_keys: Vec<&'a str>,
}

/// `receiver === 'prod'`.
#[derive(Debug, Clone, Copy)]
struct Comparison<'a> {
    node: Syn<'a>,
    receiver: Syn<'a>,
    literal: Syn<'a>,
    equal: bool,
}

/// A string that may be compared.
struct Candidate<'a> {
    text: String,
    name: &'a str,
    typed: Typed<'a>,
    holder: Option<Holder<'a>>,
    step: Step,
}

/// An object whose members may tell.
struct Object<'a> {
    text: String,
    typed: Typed<'a>,
    own: bool,
}

/// Names of objects that are looked into at the second level.
const CONTAINERS: [&str; 5] = ["config", "props", "settings", "context", "options"];

/// How production is called, lower-case.
const PRODUCTION: [&str; 4] = ["prod", "production", "prd", "live"];

/// The same as words that stand in the text of a file.
const SPELLINGS: [&str; 10] =
    ["prod", "production", "prd", "live", "Prod", "Production", "PROD", "PRODUCTION", "PRD", "LIVE"];

/// Whether a literal names production.
pub fn is_production(value: &str) -> bool {
    PRODUCTION.contains(&value.to_lowercase().as_str())
}

fn plain(name: &str) -> String {
    name.chars().filter(|c| *c != '_' && *c != '-').map(|c| c.to_ascii_lowercase()).collect()
}

/// How surely a name holds an environment: the lowest is the surest; `None` for other names.
fn rank(name: &str) -> Option<u8> {
    let name = plain(name);
    Some(match name.as_str() {
        "environmentsuffix" => 0,
        _ if name.starts_with("env") && name.ends_with("suffix") => 1,
        "environment" | "environmentname" => 2,
        "env" | "envname" => 3,
        "deployenv"
        | "appenv"
        | "deployenvironment"
        | "deploymentenvironment"
        | "targetenv"
        | "targetenvironment"
        | "envtype"
        | "environmenttype" => 4,
        "stage" | "stagename" | "deploymentstage" | "deploystage" => 5,
        "tier" => 6,
        _ => return None,
    })
}

/// Whether a name says "this is production": `isProd`, `isProduction`, `forProd`, `isProdEnv`.
fn is_boolean_name(name: &str) -> bool {
    let name = plain(name);
    let rest = ["is", "in", "for"].iter().find_map(|start| name.strip_prefix(start)).unwrap_or(&name);
    let Some(rest) = rest.strip_prefix("production").or_else(|| rest.strip_prefix("prod")) else {
        return false;
    };
    matches!(
        rest,
        "" | "env" | "environment" | "stage" | "account" | "deployment" | "deploy" | "mode" | "like"
    )
}

/// Whether a name speaks of an environment at all: also `isDev`, `isNonProd`.
fn is_environment_word(name: &str) -> bool {
    let lower = plain(name);
    let rest = lower.strip_prefix("is").unwrap_or_default();
    rank(name).is_some()
        || is_boolean_name(name)
        || matches!(
            rest.trim_end_matches("env").trim_end_matches("stage"),
            "dev"
                | "development"
                | "nonprod"
                | "nonproduction"
                | "staging"
                | "test"
                | "local"
                | "qa"
                | "sandbox"
        )
}

impl<'a> Model<'a> {
    /// Which environment a place belongs to, as far as the code tells. `at` is the node whose text a fix changes.
    pub fn environment(&self, at: Syn<'a>) -> Environment<'a> {
        self.environments.get(at, || self.environment_at(at))
    }

    fn environment_at(&self, at: Syn<'a>) -> Environment<'a> {
        if is_guarded(at) {
            return Environment::Guarded;
        }
        let visible = self.visible(at);
        let objects = self.objects(at, &visible);
        if let Some(found) = self.boolean(at, &visible, &objects).or_else(|| self.comparison(at, &visible)) {
            return Environment::Known(found);
        }
        let mut names: Vec<&str> = visible.iter().copied().filter(|name| rank(name).is_some()).collect();
        names.sort_by_key(|name| rank(name));
        for name in names {
            if self.is_fixed(at, name) {
                return Environment::Guarded;
            }
            let candidate = Candidate {
                text: name.to_owned(),
                name,
                typed: self.type_of_name(at, name),
                holder: None,
                step: Step::Name,
            };
            match self.compared(at, &candidate) {
                Verdict::Good(found) => return Environment::Known(found),
                Verdict::NeverProduction => return Environment::None,
                Verdict::Unusable => {}
            }
        }
        let mut candidates = self.properties(&objects);
        candidates.sort_by_key(|candidate| (candidate.step, rank(candidate.name)));
        for candidate in &candidates {
            match self.compared(at, candidate) {
                Verdict::Good(found) => return Environment::Known(found),
                Verdict::NeverProduction => return Environment::None,
                Verdict::Unusable => {}
            }
        }
        self.read_by_app(at).map_or(Environment::None, Environment::Known)
    }

    /// Whether an expression already depends on the environment: it, or a variable it names, mentions one.
    pub fn mentions_environment(&self, expression: Syn<'a>) -> bool {
        mentions(expression)
            || match self.meaning(expression) {
                Some(Meaning::Value(value)) if value != expression => mentions(value),
                _ => false,
            }
    }

    /// Whether `this` may be used where a node stands: in a constructor after `super(…)`, or in a method.
    pub fn has_this(&self, at: Syn<'a>) -> bool {
        for around in at.ancestors() {
            match around.kind() {
                "function_declaration" | "function_expression" | "generator_function_declaration" => {
                    return false;
                }
                "call_expression"
                    if around.field("function").is_some_and(|function| function.is("super")) =>
                {
                    return false;
                }
                "public_field_definition" => return !around.tokens().any(|token| token.is("static")),
                "method_definition" => {
                    let called = words(around, "super").find_map(|span| {
                        let call = around.at(span)?.parent()?;
                        call.is("call_expression").then(|| call.end())
                    });
                    let fixed = around.tokens().any(|token| token.is("static"));
                    return !fixed && called.is_none_or(|end| end <= at.start());
                }
                _ => {}
            }
        }
        false
    }

    /// The names that can be used at a place, the nearest first: declared before it, not shadowed.
    fn visible(&self, at: Syn<'a>) -> Vec<&'a str> {
        let mut names: Vec<&'a str> = Vec::new();
        for scope in self.scopes_around(at).iter() {
            for (name, declaration) in self.declarations(*scope).iter().copied() {
                if names.contains(&name) {
                    continue;
                }
                let before = match declaration {
                    Declaration::Variable { declarator, .. } => declarator.end() <= at.start(),
                    Declaration::Destructured { name, parameter: None, .. } => {
                        statement_of(name).is_some_and(|statement| statement.end() <= at.start())
                    }
                    Declaration::Parameter { .. } | Declaration::Destructured { .. } => true,
                    _ => false,
                };
                if before {
                    names.push(name);
                }
            }
        }
        for import in &self.imports(at.file).imports {
            if import.module.starts_with('.') && !import.type_only && !names.contains(&import.local) {
                names.push(import.local);
            }
        }
        names
    }

    /// Whether a field has its value where `at` runs: a parameter property, an initialiser, or assigned before.
    fn field_is_set(at: Syn<'a>, member: Syn<'a>, name: &str) -> bool {
        let Some(constructor) = at.ancestors().find(|node| {
            node.is("method_definition")
                && node.field("name").is_some_and(|name| name.text() == "constructor")
        }) else {
            return true;
        };
        if member.field("value").is_some() || !member.is("public_field_definition") {
            return true;
        }
        words(constructor, name).any(|span| {
            let access = constructor.at(span).and_then(Syn::parent);
            access.is_some_and(|access| {
                access.field("object").is_some_and(|object| object.is("this"))
                    && access.parent().is_some_and(|parent| {
                        parent.is("assignment_expression")
                            && parent.field("left") == Some(access)
                            && parent.end() <= at.start()
                    })
            })
        })
    }

    /// The objects in scope whose members the app declares; `this` last.
    fn objects(&self, at: Syn<'a>, visible: &[&'a str]) -> Vec<Object<'a>> {
        let mut objects: Vec<Object<'a>> = visible
            .iter()
            .map(|name| Object { text: (*name).to_owned(), typed: self.type_of_name(at, name), own: false })
            .filter(|object| matches!(object.typed.ty, Type::Object(_)))
            .collect();
        if let Some(class) = at.ancestors().find(|node| is_class(*node)).filter(|_| self.has_this(at)) {
            let typed = Typed { ty: Type::Object(vec![class]), optional: false };
            objects.push(Object { text: "this".to_owned(), typed, own: true });
        }
        // One level down, where the name says that settings are kept there.
        let mut deeper = Vec::new();
        for object in &objects {
            for member in self.members(&object.typed.ty) {
                let reachable = || {
                    if object.own { Self::field_is_set(at, member.node, member.name) } else { !member.hidden }
                };
                if !CONTAINERS.contains(&member.name) || !reachable() {
                    continue;
                }
                let typed = self.type_of_member(member);
                if matches!(typed.ty, Type::Object(_)) {
                    let text = format!("{}{}{}", object.text, dot(object.typed.optional), member.name);
                    // `a?.b.c` is undefined as a whole where `a` is.
                    deeper.push(Object { text, typed, own: false });
                }
            }
        }
        objects.extend(deeper);
        objects
    }

    /// Step A.
    fn boolean(&self, at: Syn<'a>, visible: &[&'a str], objects: &[Object<'a>]) -> Option<Discriminator<'a>> {
        let usable = |ty: &Type<'_>| matches!(ty, Type::Boolean | Type::Any);
        let bare =
            visible.iter().find(|name| is_boolean_name(name) && usable(&self.type_of_name(at, name).ty));
        if let Some(name) = bare {
            return Some(truth((*name).to_owned(), None));
        }
        objects.iter().find_map(|object| {
            let member = self.members(&object.typed.ty).into_iter().find(|member| {
                let reachable = || {
                    if object.own { Self::field_is_set(at, member.node, member.name) } else { !member.hidden }
                };
                is_boolean_name(member.name) && reachable() && usable(&self.type_of_member(*member).ty)
            })?;
            let text = format!("{}{}{}", object.text, dot(object.typed.optional), member.name);
            Some(truth(text, holder_of(object)))
        })
    }

    /// Step B: the nearest comparison of the file whose receiver means the same here.
    fn comparison(&self, at: Syn<'a>, visible: &[&'a str]) -> Option<Discriminator<'a>> {
        let mut usable: Vec<Comparison<'a>> = self
            .environment_facts()
            .comparisons
            .iter()
            .filter(|one| one.equal && std::ptr::eq(one.node.file, at.file))
            .filter(|one| final_name(one.receiver).is_some_and(|name| rank(name).is_some()))
            .copied()
            .collect();
        usable.sort_by_key(|one| one.node.start().abs_diff(at.start()));
        usable.into_iter().find_map(|one| {
            let root = root_of(one.receiver)?;
            let reachable = if root.is("this") {
                self.this_path_is_set(at, one.receiver)
            } else {
                visible.contains(&root.text())
            };
            let here = self.type_in(one.receiver, at);
            if !reachable || here.ty == Type::Unknown || here.ty != self.type_of(one.receiver).ty {
                return None;
            }
            if root.is("identifier") && one.receiver == root && self.is_fixed(at, root.text()) {
                return None;
            }
            let holder = one.receiver.field("object").and_then(|object| {
                holder_of(&Object {
                    text: object.text().to_owned(),
                    typed: self.type_in(object, at),
                    own: object.is("this"),
                })
            });
            let literal = single_quoted(one.literal);
            Some(Discriminator {
                expression: format!("{} === {literal}", one.receiver.text()),
                production: Some(literal),
                step: Step::Comparison,
                tier: Tier::Review,
                guessed: false,
                holder,
            })
        })
    }

    fn this_path_is_set(&self, at: Syn<'a>, path: Syn<'a>) -> bool {
        let mut first = path;
        while let Some(object) = first.field("object").filter(|object| !object.is("this")) {
            first = object;
        }
        let Some(name) = first.field("property") else { return false };
        let member = match at.ancestors().find(|node| is_class(*node)) {
            Some(class) => self.member(&Type::Object(vec![class]), name.text()),
            None => None,
        };
        self.has_this(at) && member.is_some_and(|member| Self::field_is_set(at, member.node, member.name))
    }

    /// Whether a name is one environment's name written down: `const environmentSuffix = 'dev'`.
    fn is_fixed(&self, at: Syn<'a>, name: &str) -> bool {
        match self.lookup(at, name) {
            Some(Declaration::Variable { declarator, .. }) => {
                declarator.field("value").is_some_and(|value| value.is("string"))
            }
            _ => false,
        }
    }

    /// Steps D and E.
    fn properties(&self, objects: &[Object<'a>]) -> Vec<Candidate<'a>> {
        let mut candidates = Vec::new();
        for object in objects {
            for member in self.members(&object.typed.ty) {
                // A literal in an object of this app is one value for ever: `{ stageName: 'Source' }`.
                let fixed = member.node.is("pair")
                    && member.node.field("value").is_some_and(|value| value.is("string"));
                if rank(member.name).is_none() || (member.hidden && !object.own) || fixed {
                    continue;
                }
                candidates.push(Candidate {
                    text: format!("{}{}{}", object.text, dot(object.typed.optional), member.name),
                    name: member.name,
                    typed: self.type_of_member(member),
                    holder: holder_of(object),
                    step: if object.own { Step::Field } else { Step::Property },
                });
            }
        }
        candidates
    }

    /// The comparison of a candidate with production's name.
    fn compared(&self, at: Syn<'a>, candidate: &Candidate<'a>) -> Verdict<'a> {
        if self.environment_facts().tokens.contains(&plain(candidate.name)) {
            return Verdict::Unusable;
        }
        if candidate.step == Step::Field {
            let class = at.ancestors().find(|node| is_class(*node));
            let member = class.and_then(|class| self.member(&Type::Object(vec![class]), candidate.name));
            if !member.is_some_and(|member| Self::field_is_set(at, member.node, member.name)) {
                return Verdict::Unusable;
            }
        }
        let (production, guessed) = match &candidate.typed.ty {
            Type::String | Type::Any => self.production_name(candidate.name),
            Type::Literals(members) => match members.iter().find(|member| is_production(member)) {
                Some(member) => (format!("'{member}'"), false),
                None => return Verdict::NeverProduction,
            },
            Type::Enum(declaration) => match self.enum_member(at, *declaration) {
                Some(member) => (member, false),
                None => return Verdict::Unusable,
            },
            _ => return Verdict::Unusable,
        };
        Verdict::Good(Discriminator {
            expression: format!("{} === {production}", candidate.text),
            production: Some(production),
            step: candidate.step,
            tier: Tier::Review,
            guessed,
            holder: candidate.holder.clone(),
        })
    }

    /// What the app calls production where it compares a name, else anywhere, else in the keys of a map.
    fn production_name(&self, name: &str) -> (String, bool) {
        let facts = self.environment_facts();
        let strings = || facts.comparisons.iter().filter(|one| one.literal.is("string"));
        let own =
            strings().find(|one| final_name(one.receiver).is_some_and(|other| plain(other) == plain(name)));
        match (own.or_else(|| strings().next()), facts.map_keys.first()) {
            (Some(one), _) => (single_quoted(one.literal), false),
            (None, Some(key)) => (format!("'{key}'"), false),
            (None, None) => ("'prod'".to_owned(), true),
        }
    }

    /// The production-like member of an enum, in words that can be used here.
    fn enum_member(&self, at: Syn<'a>, declaration: Syn<'a>) -> Option<String> {
        let name = declaration.field("name")?.text();
        if self.name(at, name) != Some(Meaning::Enum(declaration)) {
            return None;
        }
        let member = declaration.field("body")?.children().find_map(|member| {
            let key = if member.is("enum_assignment") { member.field("name")? } else { member };
            let value = member.field("value").filter(|value| value.is("string")).map(string_text);
            (is_production(key.text()) || value.is_some_and(is_production)).then_some(key.text())
        })?;
        Some(format!("{name}.{member}"))
    }

    /// Steps F and G.
    fn read_by_app(&self, at: Syn<'a>) -> Option<Discriminator<'a>> {
        let facts = self.environment_facts();
        let (receiver, name, step) =
            if let (Some(key), true) = (facts.context.first(), self.has_construct_this(at)) {
                (format!("this.node.tryGetContext('{key}')"), *key, Step::Context)
            } else {
                let key = facts.process.first()?;
                (format!("process.env.{key}"), *key, Step::Process)
            };
        let (production, guessed) = self.production_name(name);
        Some(Discriminator {
            expression: format!("{receiver} === {production}"),
            production: Some(production),
            step,
            tier: Tier::Review,
            guessed,
            holder: None,
        })
    }

    /// Whether `this.node` exists where a node stands.
    pub fn has_construct_this(&self, at: Syn<'a>) -> bool {
        self.has_this(at)
            && at.ancestors().find(|node| is_class(*node)).and_then(|class| self.cdk_base(class)).is_some_and(
                |base| {
                    matches!(base.as_str(), "constructs.Construct" | "Construct")
                        || self.catalogue.class(&base).is_some_and(|class| class.is_construct())
                },
            )
    }

    fn environment_facts(&self) -> &Facts<'a> {
        self.environment.get_or_init(|| {
            let mut facts = Facts::default();
            for file in self.app.files.iter().filter(|file| file.candidate.language.is_script()) {
                let Ok(text) = file.text() else { continue };
                let speaks = file.speaks_cdk() || SPELLINGS.iter().any(|word| has_word(text, word));
                if let Some(parsed) = speaks.then(|| file.parsed()).flatten() {
                    facts.read(parsed);
                }
            }
            facts.context.sort_by_key(|key| rank(key));
            facts.process.sort_by_key(|key| rank(key));
            facts
        })
    }
}

/// What came of comparing a candidate.
enum Verdict<'a> {
    Good(Discriminator<'a>),
    /// Its type has no member for production.
    NeverProduction,
    Unusable,
}

impl<'a> Facts<'a> {
    fn read(&mut self, file: &'a Parsed) {
        let root = Syn::root(file);
        for spelling in SPELLINGS {
            for span in words(root, spelling) {
                let Some(node) = root.at(span) else { continue };
                self.comparison(node);
                self.map_key(node);
            }
        }
        self.comparisons
            .sort_by(|a, b| (&a.node.file.path, a.node.start()).cmp(&(&b.node.file.path, b.node.start())));
        for method in ["tryGetContext", "getContext"] {
            for span in words(root, method) {
                let call = root
                    .at(span)
                    .and_then(Syn::parent)
                    .and_then(Syn::parent)
                    .filter(|call| call.is("call_expression") && !counts_as_production(*call));
                let key = call
                    .and_then(|call| call.field("arguments"))
                    .and_then(Syn::first)
                    .filter(|key| key.is("string"));
                self.context.extend(key.map(string_text).filter(|key| rank(key).is_some()));
            }
        }
        for span in words(root, "env") {
            let Some(env) = root.at(span).and_then(Syn::parent).filter(|env| env.text() == "process.env")
            else {
                continue;
            };
            let access = env.parent().filter(|access| access.is("member_expression"));
            let key = access.and_then(|access| access.field("property")).map(Syn::text);
            self.process.extend(key.filter(|key| rank(key).is_some()));
        }
        for span in words(root, "valueAsString") {
            let Some(access) = root.at(span).and_then(Syn::parent) else { continue };
            let name =
                access.ancestors().take_while(|node| !node.kind().ends_with("statement")).find_map(|node| {
                    match node.kind() {
                        "pair" => node.field("key"),
                        "variable_declarator" => node.field("name"),
                        "assignment_expression" => node.field("left")?.field("property"),
                        _ => None,
                    }
                });
            self.tokens.extend(name.map(|name| plain(name.text())));
        }
    }

    /// Reads `x === 'prod'`, `x === Stage.PROD` and `case 'prod':`.
    fn comparison(&mut self, word: Syn<'a>) {
        let Some(literal) =
            word.parent().filter(|node| matches!(node.kind(), "string" | "member_expression"))
        else {
            return;
        };
        let exact = if literal.is("string") {
            is_production(string_text(literal))
        } else {
            literal.field("property") == Some(word)
                && literal
                    .field("object")
                    .is_some_and(|object| object.text().starts_with(|c: char| c.is_ascii_uppercase()))
        };
        let Some(around) = literal.parent().filter(|_| exact) else { return };
        if around.is("switch_case") && around.field("value") == Some(literal) {
            let value = around
                .ancestor("switch_statement")
                .and_then(|switch| switch.field("value"))
                .and_then(Syn::first);
            let named = value.filter(|value| final_name(*value).is_some());
            self.comparisons.extend(named.map(|receiver| Comparison {
                node: around,
                receiver,
                literal,
                equal: false,
            }));
            return;
        }
        let Some(operator) = around.is("binary_expression").then(|| around.field("operator")).flatten()
        else {
            return;
        };
        let equal = match operator.text() {
            "===" | "==" => true,
            "!==" | "!=" => false,
            _ => return,
        };
        let receiver =
            if around.field("left") == Some(literal) { around.field("right") } else { around.field("left") };
        let Some(receiver) = receiver.filter(|receiver| final_name(*receiver).is_some()) else { return };
        self.comparisons.push(Comparison { node: around, receiver, literal, equal });
    }

    /// Reads `{ dev: …, prod: … }`.
    fn map_key(&mut self, word: Syn<'a>) {
        let key = if word.is("string_fragment") { word.parent() } else { Some(word) };
        let Some(pair) = key.and_then(Syn::parent).filter(|pair| pair.is("pair") && pair.field("key") == key)
        else {
            return;
        };
        let siblings = pair.parent().into_iter().flat_map(Syn::children).filter_map(super::props::key_of);
        let of_environments = siblings
            .map(plain)
            .any(|name| matches!(name.as_str(), "dev" | "development" | "staging" | "stage" | "test" | "qa"));
        if of_environments {
            self.map_keys.push(word.text());
        }
    }
}

fn truth(expression: String, holder: Option<Holder<'_>>) -> Discriminator<'_> {
    Discriminator {
        expression,
        production: None,
        step: Step::Boolean,
        tier: Tier::Review,
        guessed: false,
        holder,
    }
}

fn holder_of<'a>(object: &Object<'a>) -> Option<Holder<'a>> {
    let Type::Object(parts) = &object.typed.ty else { return None };
    match parts.as_slice() {
        [declaration] if !object.own => {
            let optional = object.typed.optional || object.text.contains("?.");
            Some(Holder { text: object.text.clone(), optional, declaration: *declaration })
        }
        _ => None,
    }
}

/// Whether what is not given counts as production: `tryGetContext('k') ?? 'prod'`. Such a read, which wa-fix itself
/// writes where it is configured, must not be compared without its fallback.
fn counts_as_production(read: Syn<'_>) -> bool {
    read.parent().is_some_and(|around| {
        around.field("left") == Some(read)
            && around.field("operator").is_some_and(|operator| matches!(operator.text(), "??" | "||"))
            && around
                .field("right")
                .is_some_and(|value| value.is("string") && is_production(string_text(value)))
    })
}

const fn dot(optional: bool) -> &'static str {
    if optional { "?." } else { "." }
}

/// A string literal in single quotes; other literals as they are.
fn single_quoted(literal: Syn<'_>) -> String {
    if literal.is("string") { format!("'{}'", string_text(literal)) } else { literal.text().to_owned() }
}

/// The name of what is compared: the last of `a.b.c`, also of `a.b.toLowerCase()`; the key of `tryGetContext('key')`.
fn final_name(path: Syn<'_>) -> Option<&str> {
    match path.kind() {
        "member_expression" => root_of(path).and(path.field("property")).map(Syn::text),
        "identifier" => Some(path.text()),
        "call_expression" => {
            let function = path.field("function")?;
            match function.field("property")?.text() {
                "tryGetContext" | "getContext" => {
                    path.field("arguments")?.first().filter(|key| key.is("string")).map(string_text)
                }
                "toLowerCase" => final_name(function.field("object")?),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The first name of `a.b.c`, or `this`.
fn root_of(path: Syn<'_>) -> Option<Syn<'_>> {
    match path.kind() {
        "identifier" | "this" => Some(path),
        "member_expression" => root_of(path.field("object")?),
        _ => None,
    }
}

/// Whether a node stands in a branch that an environment decides.
fn is_guarded(at: Syn<'_>) -> bool {
    let mut inner = at;
    for around in at.ancestors() {
        let condition = match around.kind() {
            "if_statement" | "ternary_expression" => around.field("condition"),
            "switch_statement" => around.field("value"),
            "binary_expression"
                if around.field("operator").is_some_and(|operator| operator.text() == "&&") =>
            {
                around.field("left")
            }
            _ => None,
        };
        if condition.is_some_and(|condition| condition != inner && mentions(condition)) {
            return true;
        }
        inner = around;
    }
    false
}

/// Whether an expression names an environment.
fn mentions(expression: Syn<'_>) -> bool {
    let mut stack = vec![expression];
    while let Some(node) = stack.pop() {
        if matches!(node.kind(), "identifier" | "property_identifier" | "shorthand_property_identifier") {
            if is_environment_word(node.text()) {
                return true;
            }
        } else if !node.is("object") {
            stack.extend(node.children());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{App, Overlay};

    /// The environment at the name `HERE` of the last file.
    fn found(files: &[(&str, &str)]) -> String {
        let overlay: Overlay =
            files.iter().map(|(path, text)| (format!("/app/{path}").into(), (*text).into())).collect();
        let app = App::new("/app".into(), Vec::new()).with(&overlay);
        let model = Model::new(&app);
        let file = app
            .files
            .iter()
            .filter_map(|file| file.parsed())
            .find(|file| file.text.contains("HERE"))
            .unwrap();
        let at = Syn::root(file).at(words(Syn::root(file), "HERE").next().unwrap()).unwrap();
        match model.environment(at) {
            Environment::Guarded => "guarded".to_owned(),
            Environment::None => "none".to_owned(),
            Environment::Known(known) => {
                let guess = if known.guessed { " ?" } else { "" };
                format!("{}{guess} {:?}", known.expression, known.step)
            }
        }
    }

    fn in_stack(members: &str, body: &str) -> String {
        let text = format!(
            "import * as cdk from 'aws-cdk-lib';\ninterface P extends cdk.StackProps {{ {members} }}\n\
             export class S extends cdk.Stack {{\n constructor(scope: any, id: string, props: P) {{\n super(scope, id, props);\n {body}\n }}\n}}\n"
        );
        found(&[("a.ts", &text)])
    }

    #[test]
    fn steps_are_tried_in_order() {
        assert_eq!(
            in_stack("stage: string", "const isProd = props.stage === 'prd'; use(HERE);"),
            "isProd Boolean"
        );
        assert_eq!(in_stack("isProduction?: boolean", "use(HERE);"), "props.isProduction Boolean");
        assert_eq!(
            in_stack("stage: string", "const a = props.stage === 'prd' ? 1 : 2; use(HERE);"),
            "props.stage === 'prd' Comparison"
        );
        assert_eq!(
            in_stack("", "const environmentSuffix = this.node.tryGetContext('x') || 'dev'; use(HERE);"),
            "environmentSuffix === 'prod' ? Name"
        );
        assert_eq!(
            in_stack("config: { envName: string }", "use(HERE);"),
            "props.config.envName === 'prod' ? Property"
        );
        assert_eq!(
            in_stack("", "const a = this.node.tryGetContext('stage'); use(HERE);"),
            "this.node.tryGetContext('stage') === 'prod' ? Context"
        );
        assert_eq!(
            in_stack("", "const a = process.env.ENVIRONMENT; use(HERE);"),
            "process.env.ENVIRONMENT === 'prod' ? Process"
        );
        assert_eq!(in_stack("name: string", "use(HERE);"), "none");
        assert_eq!(
            in_stack("", "const a = (this.node.tryGetContext('stage') ?? 'prod') === 'prod'; use(HERE);"),
            "none"
        );
    }

    #[test]
    fn types_decide_what_may_be_used() {
        assert_eq!(in_stack("stage: 'dev' | 'live'", "use(HERE);"), "props.stage === 'live' Property");
        assert_eq!(in_stack("stage: 'dev' | 'test'", "use(HERE);"), "none");
        assert_eq!(in_stack("environment: cdk.Environment", "use(HERE);"), "none");
        assert_eq!(
            in_stack("stage: Stage", "use(HERE);} } enum Stage { DEV = 'd', PROD = 'p' } class X { m() {"),
            "props.stage === Stage.PROD Property"
        );
        assert_eq!(
            in_stack("", "const environment = new cdk.CfnParameter(this, 'E').valueAsString; use(HERE);"),
            "none"
        );
        assert_eq!(
            in_stack(
                "",
                "const environment: string = new cdk.CfnParameter(this, 'E').valueAsString; use(HERE);"
            ),
            "none"
        );
        assert_eq!(in_stack("", "use(HERE); const stage: string = f();"), "none", "declared later");
    }

    #[test]
    fn a_place_of_one_environment_is_guarded() {
        assert_eq!(in_stack("stage: string", "if (props.stage === 'dev') { use(HERE); }"), "guarded");
        assert_eq!(in_stack("stage: string", "const a = props.stage === 'x' ? 1 : use(HERE);"), "guarded");
        assert_eq!(in_stack("", "const environmentSuffix = 'dev'; use(HERE);"), "guarded");
    }

    #[test]
    fn objects_are_followed_through_files_and_fields() {
        let config = "export interface Config { environmentSuffix: string }\n";
        let user = "import * as cdk from 'aws-cdk-lib';\nimport { Config } from './config';\ninterface P { config: Config }\n\
            class M extends cdk.Stack {\n private readonly config: Config;\n constructor(s: any, id: string, p: P) {\n  super(s, id);\n \
            const { config } = p;\n this.config = config;\n }\n m() { use(HERE); }\n}\n";
        assert_eq!(
            found(&[("config.ts", config), ("m.ts", user)]),
            "this.config.environmentSuffix === 'prod' ? Property"
        );
        let early = user
            .replace("super(s, id);", "super(s, id); use(HERE); {")
            .replace("this.config = config;", "} this.config = p.config;");
        let early = early.replace("m() { use(HERE); }", "");
        assert_eq!(
            found(&[("config.ts", config), ("m.ts", &early)]),
            "p.config.environmentSuffix === 'prod' ? Property"
        );
        let optional = user
            .replace("p: P", "p?: P")
            .replace("const { config } = p;", "use(HERE);")
            .replace("m() { use(HERE); }", "");
        assert_eq!(
            found(&[("config.ts", config), ("m.ts", &optional)]),
            "p?.config.environmentSuffix === 'prod' ? Property"
        );
    }

    #[test]
    fn a_literal_in_an_object_tells_no_environment() {
        let text = "import * as cdk from 'aws-cdk-lib';\nfunction f() { const source = { stageName: 'Source' }; use(HERE); }\n";
        assert!(!found(&[("m.ts", text)]).contains("source.stageName"));
    }

    #[test]
    fn the_app_says_what_production_is_called() {
        let other = "import 'aws-cdk-lib'; const m = { dev: 1, production: 2 };\n";
        let text = "import * as cdk from 'aws-cdk-lib';\nfunction f(stage: string) { use(HERE); }\n";
        assert_eq!(found(&[("a.ts", text), ("b.ts", other)]), "stage === 'production' Name");
        let asked =
            "import 'aws-cdk-lib'; const c = (app: any) => app.node.tryGetContext('stage') === 'live';\n";
        assert_eq!(found(&[("a.ts", text), ("b.ts", asked)]), "stage === 'live' Name");
        let switched =
            "import 'aws-cdk-lib'; function g(stage: string) { switch (stage) { case 'prd': return 1; } }\n";
        assert_eq!(found(&[("a.ts", text), ("b.ts", switched)]), "stage === 'prd' Name");
    }
}
