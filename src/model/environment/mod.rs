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

mod facts;
mod guard;
mod names;
mod reach;

pub(crate) use facts::Facts;
pub use names::is_production;

use super::Model;
use super::imports::string_text;
use super::meaning::{Meaning, is_class};
use super::types::{Type, Typed};
use crate::rule::Tier;
use crate::syntax::Syn;
use facts::{Comparison, final_name, root_of, single_quoted};
use guard::is_guarded;
use names::{is_boolean_name, plain, rank};
use reach::{Object, dot, holder_of};

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

/// A string that may be compared.
struct Candidate<'a> {
    text: String,
    name: &'a str,
    typed: Typed<'a>,
    holder: Option<Holder<'a>>,
    step: Step,
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
            match self.compared(at, &candidate, &visible) {
                Verdict::Good(found) => return Environment::Known(found),
                Verdict::NeverProduction => return Environment::None,
                Verdict::Unusable => {}
            }
        }
        let mut candidates = self.properties(&objects);
        candidates.sort_by_key(|candidate| (candidate.step, rank(candidate.name)));
        for candidate in &candidates {
            match self.compared(at, candidate, &visible) {
                Verdict::Good(found) => return Environment::Known(found),
                Verdict::NeverProduction => return Environment::None,
                Verdict::Unusable => {}
            }
        }
        self.read_by_app(at).map_or(Environment::None, Environment::Known)
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

    /// The comparison of a candidate with production's name, by the app's own function where it has one.
    fn compared(&self, at: Syn<'a>, candidate: &Candidate<'a>, visible: &[&'a str]) -> Verdict<'a> {
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
        let ty = &candidate.typed.ty;
        let test = visible.iter().find(|name| is_boolean_name(name) && self.tests(at, name, ty));
        if let Some(test) = test.filter(|_| !candidate.typed.optional) {
            let expression = format!("{test}({})", candidate.text);
            return Verdict::Good(Discriminator {
                step: candidate.step,
                ..truth(expression, candidate.holder.clone())
            });
        }
        let (production, guessed) = match ty {
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

    /// Whether a name is a function of the app that says of a value of a type whether it means production: `isProd(stage)`.
    fn tests(&self, at: Syn<'a>, name: &str, ty: &Type<'a>) -> bool {
        let Some(Meaning::Function(function) | Meaning::Value(function)) = self.name(at, name) else {
            return false;
        };
        let mut parameters = function.field("parameters").into_iter().flat_map(Syn::children);
        let (Some(only), None) = (parameters.next(), parameters.next()) else { return false };
        let taken = only.field("type").and_then(Syn::first).map(|written| self.written_type(written).ty);
        taken.as_ref() == Some(ty) && self.type_of_result(function).ty == Type::Boolean
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
}

/// What came of comparing a candidate.
enum Verdict<'a> {
    Good(Discriminator<'a>),
    /// Its type has no member for production.
    NeverProduction,
    Unusable,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::meaning::words;
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
    fn types_that_follow_from_values_are_read() {
        let typed = |types: &str, stage: &str| {
            let text = format!(
                "import * as cdk from 'aws-cdk-lib';\n{types}\ninterface C {{ readonly stage: {stage}; }}\n\
                 function f(scope: any, config: C) {{ use(HERE); }}\n"
            );
            found(&[("a.ts", &text)])
        };
        let list = "const STAGES = ['dev', 'live'] as const; type Stage = (typeof STAGES)[number];";
        assert_eq!(typed(list, "Stage"), "config.stage === 'live' Property");
        assert_eq!(typed("const STAGES = ['dev', 'test'] as const;", "(typeof STAGES)[number]"), "none");
        let any = "const STAGES = ['dev', 'test'];";
        assert_eq!(typed(any, "typeof STAGES[number]"), "config.stage === 'prod' ? Property");
        let other = "interface Other { stage: 'dev' | 'prd' }";
        assert_eq!(typed(other, "Other['stage']"), "config.stage === 'prd' Property");
        let keys = "const ALL = { dev: { n: 1 }, prod: { n: 2 } } satisfies Record<string, object>;";
        assert_eq!(typed(keys, "keyof typeof ALL"), "config.stage === 'prod' Property");
        let text = "import * as cdk from 'aws-cdk-lib';\nconst load = (stage: string) => ({ stage, size: 1 });\n\
                    function f(scope: any, config: ReturnType<typeof load>) { use(HERE); }\n";
        assert_eq!(found(&[("a.ts", text)]), "config.stage === 'prod' ? Property");
    }

    #[test]
    fn the_apps_own_test_is_asked() {
        let stage = "export type Stage = 'beta' | 'prod';\nexport const isProd = (stage: Stage): boolean => stage === 'prod';\n\
                     export function isProduction(stage: Stage, region: string) { return stage === 'prod' && region === 'x'; }\n";
        let user = |import: &str, ty: &str| {
            let text = format!(
                "import * as cdk from 'aws-cdk-lib';\nimport {{ {import}, Stage }} from './stage';\n\
                 function f(scope: any, props: {{ stage: {ty} }}) {{ use(HERE); }}\n"
            );
            found(&[("stage.ts", stage), ("a.ts", &text)])
        };
        assert_eq!(user("isProd", "Stage"), "isProd(props.stage) Property");
        assert_eq!(user("isProd", "string"), "props.stage === 'prod' Property", "it takes no string");
        assert_eq!(user("isProduction", "Stage"), "props.stage === 'prod' Property", "it asks for more");
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
