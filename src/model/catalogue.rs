//! What each release of aws-cdk-lib offers: classes, their properties and their members.
//!
//! A fix may only write what the project's own release of the AWS CDK understands. This module
//! answers such questions from `catalogue/catalogue.txt`, which `catalogue/generate.mjs` reads out
//! of the jsii descriptions inside the published packages (see `catalogue/README.md` for the format
//! and for what is left out). Nothing here is hand-written knowledge about AWS.
//!
//! # Names
//! A canonical name is the jsii name without its package: `aws_lambda.Function`, `Stack` and
//! `Duration` for the core, `constructs.Construct`, `aws_lambda_python_alpha.PythonFunction` for an
//! alpha package. Names of v1 are the same ones.
//!
//! # Dates
//! Dates are minor numbers of aws-cdk-lib 2.x: `177` is 2.177.0. Not every release was read, so an
//! introduction is the first *listed* release that has the thing: never earlier than the truth, at
//! most a few minors later. A release newer than the newest listed one is taken to be like it.
//! Members of alpha packages carry no dates: they count as present in every 2.x release.
//!
//! # Cost
//! The text is embedded and stays text: there is nothing to load at start-up. The first lookup notes where
//! lines start; each is then a binary search over lines sorted by name, and each base that is followed
//! is one more. What a class extends is asked for all the time, so [`Catalogue::known`] works it out once
//! for each class and thread. [`Catalogue::subclasses`] builds an index, once, on its first call.
//!
//! ```
//! use wa_fix::model::catalogue::{Catalogue, Release};
//!
//! let catalogue = Catalogue::embedded();
//! let release: Release = "2.170.0".parse().unwrap();
//! assert!(catalogue.is_a("aws_lambda_nodejs.NodejsFunction", "aws_lambda.Function"));
//! assert!(!catalogue.has_prop("aws_s3.Bucket", "replicationRules", release)); // came with 2.177
//! ```

mod class_name;
mod line;
mod release;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::OnceLock;

pub use class_name::ClassName;
pub use line::{Kind, MemberKind};
use line::{Line, Name, member_name, primitive};
pub use release::{NotARelease, Release, Span};

/// The catalogue, one line a type, sorted bytewise by name; see `catalogue/README.md`.
const TEXT: &str = include_str!("../../catalogue/catalogue.txt");

/// The class every construct extends.
const CONSTRUCT: &str = "constructs.Construct";

/// Depth at which walking up bases stops; real chains are about seven long.
const MAX_DEPTH: u8 = 32;

/// A handle over the embedded catalogue; free to make and to copy.
#[derive(Clone, Copy, Debug)]
pub struct Catalogue {
    text: &'static str,
}

impl Catalogue {
    /// The catalogue inside the program.
    pub const fn embedded() -> Self {
        Self { text: TEXT }
    }

    /// The class, interface or enum of that canonical name.
    pub fn class(&self, name: &str) -> Option<Class> {
        let line = self.line(Name::full(name))?;
        (line.kind != Kind::Struct).then_some(Class { catalogue: *self, line })
    }

    /// The properties interface of that canonical name, also that of a generated class.
    pub fn struct_(&self, name: &str) -> Option<Struct> {
        self.struct_line(Name::full(name)).map(|line| Struct { catalogue: *self, line })
    }

    /// Whether `class` is `ancestor` or extends it, directly or not. Interfaces count: a
    /// `aws_s3.Bucket` is an `aws_s3.IBucket`, and a struct is what it extends.
    pub fn is_a(&self, class: &str, ancestor: &str) -> bool {
        class == ancestor || self.known(class).is_a(ancestor)
    }

    /// A class by its canonical name, with what is asked of it all the time.
    pub fn known(&self, class: &str) -> ClassName {
        thread_local! {
            static KNOWN: RefCell<HashMap<Box<str>, ClassName>> = RefCell::default();
        }
        KNOWN.with_borrow_mut(|known| {
            if let Some(name) = known.get(class) {
                return name.clone();
            }
            let name = ClassName::new(*self, class);
            known.insert(class.into(), name.clone());
            name
        })
    }

    /// The property `prop` of a properties interface, or of the properties a class takes, with
    /// inherited ones. Its span is the part of its life in which the given type exists too.
    pub fn prop(&self, struct_or_class: &str, prop: &str) -> Option<Prop> {
        let Some(line) = self.line(Name::full(struct_or_class)) else {
            return self.struct_(struct_or_class)?.prop(prop);
        };
        if line.kind == Kind::Struct {
            return Struct { catalogue: *self, line }.prop(prop);
        }
        let found = Class { catalogue: *self, line }.props()?.structure.prop(prop)?;
        Some(Prop { span: found.span.and(line.span), ..found })
    }

    /// Whether this release may write that property of `class` (or of a properties interface).
    pub fn has_prop(&self, class: &str, prop: &str, release: Release) -> bool {
        self.prop(class, prop).is_some_and(|prop| prop.span.holds(release))
    }

    /// A method, static field, property or enum member of that class, inherited ones included.
    pub fn member(&self, class: &str, member: &str) -> Option<Member> {
        let line = self.line(Name::full(class)).filter(|line| line.kind != Kind::Struct)?;
        let found = self.member_of(line, member, MAX_DEPTH)?;
        Some(Member { span: found.span.and(line.span), ..found })
    }

    /// Whether this release has that member.
    pub fn has_member(&self, class: &str, member: &str, release: Release) -> bool {
        self.member(class, member).is_some_and(|member| member.span.holds(release))
    }

    /// Whether this release has that class, interface, enum or properties interface.
    pub fn has_class(&self, class: &str, release: Release) -> bool {
        self.line(Name::full(class))
            .or_else(|| self.struct_line(Name::full(class)))
            .is_some_and(|line| line.span.holds(release))
    }

    /// Whether any release has a class, interface or struct of that canonical name.
    pub fn has_type(&self, name: &str) -> bool {
        self.line(Name::full(name)).or_else(|| self.struct_line(Name::full(name))).is_some()
    }

    /// Every known class, interface or struct that [is a](Self::is_a) `class`, itself included,
    /// sorted; empty for an unknown name.
    ///
    /// The first call reads the whole text (a few milliseconds); later ones only walk the answer.
    pub fn subclasses(&self, class: &str) -> Vec<&'static str> {
        static CHILDREN: OnceLock<HashMap<&'static str, Vec<&'static str>>> = OnceLock::new();
        let children = CHILDREN.get_or_init(|| self.children());
        let Some(line) = self.line(Name::full(class)) else {
            return Vec::new();
        };
        let mut found = vec![line.key];
        let mut at = 0;
        while let Some(name) = found.get(at).copied() {
            at += 1;
            for child in children.get(name).into_iter().flatten() {
                if !found.contains(child) {
                    found.push(child);
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// Every line in order: all types of the catalogue by name and kind.
    pub fn types(&self) -> impl Iterator<Item = (&'static str, Kind)> {
        self.text.lines().filter_map(Line::read).map(|line| (line.key, line.kind))
    }

    fn children(&self) -> HashMap<&'static str, Vec<&'static str>> {
        let mut children: HashMap<&'static str, Vec<&'static str>> = HashMap::new();
        let mut names = HashMap::new();
        for line in self.text.lines().filter_map(Line::read) {
            for base in line.bases() {
                let base = match base.text() {
                    Some(full) => Some(full),
                    None => *names.entry(base).or_insert_with(|| self.line(base).map(|line| line.key)),
                };
                if let Some(base) = base {
                    children.entry(base).or_default().push(line.key);
                }
            }
        }
        children
    }

    /// Binary search over the starts of lines.
    fn line(&self, name: Name<'_>) -> Option<Line> {
        static STARTS: OnceLock<Vec<usize>> = OnceLock::new();
        let starts = STARTS.get_or_init(|| {
            let ends = memchr::memchr_iter(b'\n', self.text.as_bytes()).map(|at| at + 1);
            std::iter::once(0).chain(ends).filter(|at| *at < self.text.len()).collect()
        });
        let rest = |start: &usize| self.text.get(*start..).unwrap_or_default();
        let at = starts.binary_search_by(|start| name.order_of(rest(start))).ok()?;
        Line::read(rest(starts.get(at)?)).filter(|line| name.is_as_long_as(line.key))
    }

    /// A struct's line; `aws_s3.CfnBucketProps` is told on the line of `aws_s3.CfnBucket`.
    fn struct_line(&self, name: Name<'_>) -> Option<Line> {
        if let Some(line) = self.line(name) {
            return (line.kind == Kind::Struct).then_some(line);
        }
        let class = Name { rest: name.rest.strip_suffix("Props")?, ..name };
        self.line(class).filter(|line| line.kind == Kind::Generated)
    }

    /// Adds the names of everything a line extends.
    fn ancestors(&self, line: Line, depth: u8, all: &mut Vec<Box<str>>) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for base in line.bases() {
            if all.iter().any(|known| base == **known) {
                continue;
            }
            // One that the catalogue does not describe is still a name to be asked for.
            all.push(base.to_string().into());
            if let Some(line) = self.line(base) {
                self.ancestors(line, depth, all);
            }
        }
    }

    fn prop_of(&self, line: Line, prop: &str, depth: u8) -> Option<Prop> {
        let depth = depth.checked_sub(1)?;
        if let Some((token, span)) = line.member(prop) {
            return Some(Prop { catalogue: *self, line, token, span });
        }
        line.bases().find_map(|base| self.prop_of(self.line(base)?, prop, depth))
    }

    fn member_of(&self, line: Line, member: &str, depth: u8) -> Option<Member> {
        let depth = depth.checked_sub(1)?;
        if let Some((token, span)) = line.member(member) {
            return Some(Member { token, span, declared_in: line.key, kind: MemberKind::of(line, token) });
        }
        line.bases().find_map(|base| self.member_of(self.line(base)?, member, depth))
    }
}

/// A class, an interface or an enum.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    catalogue: Catalogue,
    line: Line,
}

impl Class {
    /// Canonical name.
    pub fn name(&self) -> &'static str {
        self.line.key
    }

    /// Class, abstract class, generated class, interface or enum.
    pub fn kind(&self) -> Kind {
        self.line.kind
    }

    /// Whether the newest release that has it marks it as deprecated.
    pub fn is_deprecated(&self) -> bool {
        self.line.deprecated
    }

    /// Whether it comes from an alpha package or from `extra.txt`, so that its dates mean nothing.
    pub fn is_extra(&self) -> bool {
        self.line.extra
    }

    /// Whether it extends `constructs.Construct`.
    pub fn is_construct(&self) -> bool {
        self.catalogue.is_a(self.line.key, CONSTRUCT)
    }

    /// The releases that have it.
    pub fn span(&self) -> Span {
        self.line.span
    }

    /// The class it extends, if that is in the catalogue.
    pub fn base(&self) -> Option<&'static str> {
        let is_class = matches!(self.line.kind, Kind::Class | Kind::AbstractClass | Kind::Generated);
        let base = self.line.bases().next().filter(|_| is_class && !self.line.has_no_base)?;
        self.catalogue.line(base).map(|line| line.key)
    }

    /// The interfaces it states itself, in canonical names; inherited ones are not listed.
    pub fn interfaces(&self) -> Vec<&'static str> {
        let skipped = usize::from(self.base().is_some());
        self.line
            .bases()
            .skip(skipped)
            .filter_map(|base| self.catalogue.line(base))
            .map(|line| line.key)
            .collect()
    }

    /// The properties its constructor takes, as the newest release that has it says.
    pub fn props(&self) -> Option<PropsParameter> {
        let (name, index) = match self.line.kind {
            Kind::Generated => {
                return Some(PropsParameter { structure: self.struct_at(self.line), index: 2 });
            }
            _ => self.line.props?,
        };
        let own;
        let name = if let Some(name) = name {
            name
        } else {
            own = format!("{}Props", self.line.key);
            Name::full(&own)
        };
        let line = self.catalogue.struct_line(name)?;
        Some(PropsParameter { structure: self.struct_at(line), index })
    }

    fn struct_at(&self, line: Line) -> Struct {
        Struct { catalogue: self.catalogue, line }
    }

    /// Members the line states itself; inherited ones are on the lines of the bases.
    pub fn own_members(&self) -> impl Iterator<Item = Member> {
        let line = self.line;
        line.members().map(move |(token, span)| Member {
            token,
            span,
            declared_in: line.key,
            kind: MemberKind::of(line, token),
        })
    }
}

/// Where a constructor takes its properties.
#[derive(Clone, Copy, Debug)]
pub struct PropsParameter {
    /// The properties interface.
    pub structure: Struct,
    /// Position among the constructor's parameters, counted from 0; 2 after `scope` and `id`.
    pub index: u8,
}

/// A properties interface. That of a generated class is told on the line of the class.
#[derive(Clone, Copy, Debug)]
pub struct Struct {
    catalogue: Catalogue,
    line: Line,
}

impl Struct {
    /// Canonical name, such as `aws_s3.BucketProps`.
    pub fn name(&self) -> String {
        let suffix = if self.line.kind == Kind::Generated { "Props" } else { "" };
        format!("{}{suffix}", self.line.key)
    }

    /// Whether the newest release that has it marks it as deprecated.
    pub fn is_deprecated(&self) -> bool {
        self.line.deprecated
    }

    /// The releases that have it.
    pub fn span(&self) -> Span {
        self.line.span
    }

    /// The structs it extends, canonical names.
    pub fn bases(&self) -> Vec<&'static str> {
        let own = self.line.kind == Kind::Struct;
        let bases = self.line.bases().filter(|_| own);
        bases.filter_map(|base| self.catalogue.line(base)).map(|line| line.key).collect()
    }

    /// One property, inherited ones included.
    pub fn prop(&self, name: &str) -> Option<Prop> {
        let found = match self.line.kind {
            Kind::Struct => self.catalogue.prop_of(self.line, name, MAX_DEPTH)?,
            _ => self.own_props().find(|prop| prop.name() == name)?,
        };
        Some(Prop { span: found.span.and(self.line.span), ..found })
    }

    /// The properties its line states; inherited ones are on the lines of the bases.
    pub fn own_props(&self) -> impl Iterator<Item = Prop> {
        let Self { catalogue, line } = *self;
        line.members().map(move |(token, span)| Prop { catalogue, line, token, span })
    }
}

/// A property of a properties interface.
#[derive(Clone, Copy, Debug)]
pub struct Prop {
    catalogue: Catalogue,
    line: Line,
    token: &'static str,
    span: Span,
}

impl Prop {
    /// Its name.
    pub fn name(&self) -> &'static str {
        member_name(self.token)
    }

    /// Canonical name of the type whose line states it (a generated class for its properties).
    pub fn declared_in(&self) -> &'static str {
        self.line.key
    }

    /// The releases that have it in the type that was asked for.
    pub fn span(&self) -> Span {
        self.span
    }

    /// First listed 2.x minor that has it, `None` when no 2.x release does.
    pub fn introduced(&self) -> Option<u16> {
        self.span.introduced
    }

    /// Whether it must be given.
    pub fn is_required(&self) -> bool {
        self.token.contains('!')
    }

    /// Whether the newest release that has it marks it as deprecated (not kept for generated classes).
    pub fn is_deprecated(&self) -> bool {
        self.token.starts_with('-')
    }

    /// Its type: `string`, `number`, `boolean`, `any`, `date`, a canonical name, `array<…>`,
    /// `map<…>`, alternatives joined by `|`. Empty where it is not kept: properties of generated
    /// classes that are not a plain value, a list of strings or a map of strings.
    pub fn ty(&self) -> String {
        let code = self.type_code();
        if self.line.kind == Kind::Generated {
            return match code {
                "a" => "array<string>".to_owned(),
                "m" => "map<string>".to_owned(),
                _ => primitive(code).unwrap_or_default().to_owned(),
            };
        }
        let mut text = String::with_capacity(code.len() + 24);
        let mut from = 0;
        for (at, c) in code.char_indices().chain([(code.len(), ' ')]) {
            if c.is_ascii_alphanumeric() || matches!(c, '_' | '.') {
                continue;
            }
            let word = code.get(from..at).unwrap_or_default();
            if let Some(name) = primitive(word) {
                text.push_str(name);
            } else {
                let name = Name::short(word, self.line.key);
                text.push_str(name.module);
                text.push_str(name.rest);
            }
            text.push_str(match c {
                '[' => "array<",
                '{' => "map<",
                ']' | '}' => ">",
                '|' => "|",
                _ => "",
            });
            from = at + c.len_utf8();
        }
        text
    }

    /// The properties interface its value is written with: its own type, or the element type of a
    /// list or map, or the first alternative that is one.
    pub fn structure(&self) -> Option<Struct> {
        if self.line.kind == Kind::Generated {
            return None;
        }
        let words = self.type_code().split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')));
        words
            .filter(|word| !word.is_empty() && primitive(word).is_none())
            .find_map(|word| self.catalogue.struct_line(Name::short(word, self.line.key)))
            .map(|line| Struct { catalogue: self.catalogue, line })
    }

    fn type_code(&self) -> &'static str {
        self.token.split_once([':', '!']).map_or("", |(_, code)| code)
    }
}

/// A member of a class, an interface or an enum.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    token: &'static str,
    span: Span,
    declared_in: &'static str,
    kind: MemberKind,
}

impl Member {
    /// Its name.
    pub fn name(&self) -> &'static str {
        member_name(self.token)
    }

    /// Canonical name of the type whose line states it.
    pub fn declared_in(&self) -> &'static str {
        self.declared_in
    }

    /// Method, static or not, field, property or enum member.
    pub fn kind(&self) -> MemberKind {
        self.kind
    }

    /// Whether the newest release that has it marks it as deprecated.
    pub fn is_deprecated(&self) -> bool {
        self.token.starts_with('-')
    }

    /// The releases that have it in the type that was asked for.
    pub fn span(&self) -> Span {
        self.span
    }

    /// First listed 2.x minor that has it, `None` when no 2.x release does.
    pub fn introduced(&self) -> Option<u16> {
        self.span.introduced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: Catalogue = Catalogue::embedded();

    fn release(text: &str) -> Release {
        text.parse().unwrap()
    }

    #[track_caller]
    fn introduced(class: &str, prop: &str) -> Option<u16> {
        CATALOGUE.prop(class, prop).unwrap_or_else(|| panic!("{class}.{prop} is unknown")).introduced()
    }

    #[track_caller]
    fn member_introduced(class: &str, member: &str) -> Option<u16> {
        CATALOGUE.member(class, member).unwrap_or_else(|| panic!("{class}.{member} is unknown")).introduced()
    }

    #[test]
    fn releases_are_read_ordered_and_shown() {
        assert_eq!(release("2.204.0"), Release { major: 2, minor: 204, patch: 0 });
        assert_eq!(release("2.204.0-rc.1"), release("2.204.0"));
        assert_eq!(release("2.1.0+build").to_string(), "2.1.0");
        assert!(release("1.203.0") < release("2.0.0"));
        assert!(release("2.99.1") < release("2.100.0"));
        for wrong in ["", "2", "2.1", "2.1.x", "^2.1.0", "2.1.0.0", "2.+1.0", "latest"] {
            let error = wrong.parse::<Release>().unwrap_err();
            assert!(error.to_string().contains(wrong));
        }
    }

    #[test]
    fn every_line_is_found_by_its_name() {
        let mut before = "";
        let mut count = 0;
        for line in TEXT.lines() {
            let key = line.split(' ').next().unwrap();
            assert!(before < key, "{before} is not before {key}");
            let found = CATALOGUE.line(Name::full(key)).unwrap_or_else(|| panic!("{key} is not found"));
            assert_eq!(found.key, key);
            assert!(
                CATALOGUE
                    .line(Name::full(key.get(..key.len() - 1).unwrap()))
                    .is_none_or(|line| line.key.len() < key.len())
            );
            before = key;
            count += 1;
        }
        assert_eq!(CATALOGUE.types().count(), count);
        for unknown in
            ["", " ", "\n", "A", "zzz", "aws_s3", "aws_s3.", "aws_s3.Buckett", "aws_s3.Bucket c", "é"]
        {
            assert!(CATALOGUE.class(unknown).is_none(), "{unknown}");
            assert!(CATALOGUE.subclasses(unknown).is_empty());
        }
    }

    #[test]
    fn every_base_properties_interface_and_member_can_be_read() {
        for line in TEXT.lines().filter_map(Line::read) {
            for base in line.bases() {
                assert!(CATALOGUE.line(base).is_some(), "{}: base {base:?} is unknown", line.key);
            }
            if let Some(class) = CATALOGUE.class(line.key) {
                assert!(class.line.props.is_none() || class.props().is_some(), "{}", line.key);
                for member in class.own_members() {
                    assert!(!member.name().is_empty(), "{}: {member:?}", line.key);
                }
            } else {
                for prop in (Struct { catalogue: CATALOGUE, line }).own_props() {
                    assert!(!prop.name().is_empty() && !prop.ty().is_empty(), "{}: {prop:?}", line.key);
                    assert!(prop.token.contains([':', '!']), "{}: {prop:?}", line.key);
                }
            }
        }
    }

    #[test]
    fn classes_tell_bases_kind_and_properties() {
        let function = CATALOGUE.class("aws_lambda.Function").unwrap();
        assert_eq!(function.base(), Some("aws_lambda.FunctionBase"));
        assert_eq!(function.kind(), Kind::Class);
        assert!(function.is_construct() && function.span().in_v1() && !function.is_extra());
        let props = function.props().unwrap();
        assert_eq!((props.structure.name().as_str(), props.index), ("aws_lambda.FunctionProps", 2));
        assert_eq!(props.structure.bases(), ["aws_lambda.FunctionOptions"]);
        let base = CATALOGUE.class("aws_lambda.FunctionBase").unwrap();
        assert_eq!(base.kind(), Kind::AbstractClass);
        assert!(base.interfaces().contains(&"aws_lambda.IFunction"));

        let statement = CATALOGUE.class("aws_iam.PolicyStatement").unwrap();
        assert_eq!((statement.base(), statement.is_construct()), (None, false));
        assert_eq!(statement.props().unwrap().index, 0);

        let generated = CATALOGUE.class("aws_s3.CfnBucket").unwrap();
        assert_eq!((generated.kind(), generated.base()), (Kind::Generated, Some("CfnResource")));
        assert_eq!(generated.props().unwrap().structure.name(), "aws_s3.CfnBucketProps");
        assert!(generated.is_construct());
        assert_eq!(CATALOGUE.class("aws_ec2.SubnetType").unwrap().kind(), Kind::Enum);
        assert_eq!(CATALOGUE.class("aws_s3.IBucket").unwrap().kind(), Kind::Interface);
        assert!(CATALOGUE.class("aws_s3.BucketProps").is_none());
    }

    #[test]
    fn is_a_follows_classes_and_interfaces() {
        for (class, ancestor) in [
            ("aws_lambda_nodejs.NodejsFunction", "aws_lambda.Function"),
            ("aws_lambda_python_alpha.PythonFunction", "aws_lambda.Function"),
            ("aws_lambda_go_alpha.GoFunction", "constructs.Construct"),
            ("aws_s3.Bucket", "aws_s3.IBucket"),
            ("aws_s3.Bucket", "IResource"),
            ("aws_s3.CfnBucket", "CfnResource"),
            ("aws_s3.CfnBucket", "constructs.Construct"),
            ("aws_s3.BucketProps", "aws_s3.BucketProps"),
            ("aws_lambda.FunctionProps", "aws_lambda.EventInvokeConfigOptions"),
            ("Stack", "constructs.Construct"),
            ("not.Known", "not.Known"),
        ] {
            assert!(CATALOGUE.is_a(class, ancestor), "{class} is a {ancestor}");
        }
        for (class, other) in [
            ("aws_lambda.Function", "aws_lambda_nodejs.NodejsFunction"),
            ("aws_lambda.Function", "aws_s3.IBucket"),
            ("Duration", "constructs.Construct"),
            ("aws_lambda.Runtime", "constructs.Construct"),
            ("not.Known", "constructs.Construct"),
        ] {
            assert!(!CATALOGUE.is_a(class, other), "{class} is no {other}");
        }
    }

    #[test]
    fn properties_are_dated() {
        for (class, prop, minor) in [
            ("aws_s3.Bucket", "versioned", 0),
            ("aws_s3.Bucket", "replicationRules", 177),
            ("aws_s3.BucketProps", "replicationRules", 177),
            ("aws_codepipeline.StageProps", "onFailure", 186),
            ("aws_codepipeline.StageOptions", "onFailure", 186),
            ("aws_lambda.Function", "logGroup", 110),
            ("aws_lambda_nodejs.NodejsFunction", "logGroup", 110),
            ("aws_lambda.Function", "deadLetterQueue", 0),
            ("aws_cloudtrail.Trail", "bucket", 0),
            ("pipelines.ManualApprovalStepProps", "notificationTopic", 202),
            ("aws_s3.Bucket", "minimumTLSVersion", 99),
            ("aws_codepipeline.Pipeline", "pipelineType", 128),
            ("aws_codebuild.BuildEnvironment", "fleet", 145),
            ("aws_s3.CfnBucket", "bucketEncryption", 0),
        ] {
            assert_eq!(introduced(class, prop), Some(minor), "{class}.{prop}");
        }
        assert!(!CATALOGUE.has_prop("aws_s3.Bucket", "replicationRules", release("2.176.0")));
        assert!(CATALOGUE.has_prop("aws_s3.Bucket", "replicationRules", release("2.177.0")));
        assert!(CATALOGUE.has_prop("aws_s3.Bucket", "replicationRules", release("2.999.0")));
        assert!(!CATALOGUE.has_prop("aws_s3.Bucket", "replicationRules", release("1.203.0")));
        assert!(CATALOGUE.has_prop("aws_s3.Bucket", "versioned", release("1.203.0")));
        assert!(!CATALOGUE.has_prop("aws_s3.Bucket", "noSuchThing", release("2.204.0")));
    }

    #[test]
    fn properties_have_types() {
        for (class, prop, ty, required) in [
            ("aws_lambda.Function", "code", "aws_lambda.Code", true),
            ("aws_lambda.Function", "timeout", "Duration", false),
            ("aws_lambda.Function", "deadLetterQueue", "aws_sqs.IQueue", false),
            ("aws_lambda.Function", "environment", "map<string>", false),
            ("aws_s3.Bucket", "lifecycleRules", "array<aws_s3.LifecycleRule>", false),
            ("aws_s3.CfnBucket", "bucketName", "string", false),
            ("aws_s3.CfnBucket", "bucketEncryption", "", false),
        ] {
            let prop = CATALOGUE.prop(class, prop).unwrap();
            assert_eq!((prop.ty().as_str(), prop.is_required()), (ty, required), "{class}.{}", prop.name());
        }
        let rules = CATALOGUE.prop("aws_s3.Bucket", "lifecycleRules").unwrap();
        assert_eq!(rules.structure().unwrap().name(), "aws_s3.LifecycleRule");
        assert!(CATALOGUE.prop("aws_lambda.Function", "code").unwrap().structure().is_none());
        assert!(CATALOGUE.prop("aws_lambda.Function", "logRetention").unwrap().is_deprecated());
        assert_eq!(
            CATALOGUE.prop("aws_lambda.Function", "timeout").unwrap().declared_in(),
            "aws_lambda.FunctionOptions"
        );
    }

    #[test]
    fn classes_are_dated() {
        for (class, minor) in
            [("aws_codebuild.Fleet", 145), ("aws_synthetics.Canary", 99), ("aws_s3.Bucket", 0)]
        {
            assert_eq!(CATALOGUE.class(class).unwrap().span().introduced(), Some(minor), "{class}");
        }
        assert!(!CATALOGUE.has_class("aws_codebuild.Fleet", release("2.144.0")));
        assert!(CATALOGUE.has_class("aws_codebuild.Fleet", release("2.145.0")));
        assert!(CATALOGUE.has_class("aws_s3.CfnBucketProps", release("2.0.0")));
        // In v1 the core had its own construct class.
        assert!(CATALOGUE.has_class("Construct", release("1.203.0")));
        assert!(!CATALOGUE.has_class("Construct", release("2.50.0")));
        assert_eq!(CATALOGUE.class("Construct").unwrap().span().introduced(), None);
    }

    #[test]
    fn members_are_dated_and_inherited() {
        for (class, member, minor, kind) in [
            ("aws_lambda.Runtime", "NODEJS_22_X", 168, MemberKind::StaticField),
            ("aws_apigateway.Cors", "ALL_ORIGINS", 0, MemberKind::StaticField),
            ("aws_iam.ManagedPolicy", "fromAwsManagedPolicyName", 0, MemberKind::StaticMethod),
            ("aws_s3.Bucket", "addToResourcePolicy", 0, MemberKind::Method),
            ("aws_lambda_nodejs.NodejsFunction", "addEnvironment", 0, MemberKind::Method),
            ("aws_lambda.Function", "node", 0, MemberKind::Property),
            ("aws_codebuild.Fleet", "node", 145, MemberKind::Property),
            ("aws_ec2.SubnetType", "PRIVATE_ISOLATED", 0, MemberKind::EnumMember),
            ("aws_lambda.Runtime", "NODEJS_24_X", 224, MemberKind::StaticField),
        ] {
            assert_eq!(member_introduced(class, member), Some(minor), "{class}.{member}");
            assert_eq!(CATALOGUE.member(class, member).unwrap().kind(), kind, "{class}.{member}");
        }
        assert!(!CATALOGUE.has_member("aws_lambda.Runtime", "NODEJS_22_X", release("2.167.0")));
        assert!(CATALOGUE.has_member("aws_lambda.Runtime", "NODEJS_22_X", release("2.168.0")));
        assert!(CATALOGUE.member("aws_lambda.Runtime", "NODEJS_18_X").unwrap().is_deprecated());
        assert!(CATALOGUE.member("aws_s3.BucketProps", "versioned").is_none());
    }

    #[test]
    fn subclasses_are_all_that_are_a() {
        let functions = CATALOGUE.subclasses("aws_lambda.Function");
        assert!(functions.is_sorted());
        for known in [
            "aws_lambda.Function",
            "aws_lambda.DockerImageFunction",
            "aws_lambda_nodejs.NodejsFunction",
            "aws_lambda_python_alpha.PythonFunction",
        ] {
            assert!(functions.contains(&known), "{known}");
        }
        assert!(!functions.contains(&"aws_lambda.CfnFunction"));
        for ancestor in ["aws_lambda.IFunction", "constructs.Construct", "CfnResource"] {
            let found = CATALOGUE.subclasses(ancestor);
            for (name, _) in CATALOGUE.types() {
                assert_eq!(
                    found.binary_search(&name).is_ok(),
                    CATALOGUE.is_a(name, ancestor),
                    "{name} {ancestor}"
                );
            }
        }
    }

    #[test]
    fn spans_meet() {
        let a = Span::read("110=");
        let b = Span::read("0-180");
        assert_eq!(a.and(b), Span::read("110-180"));
        assert_eq!(Span::read("200").and(b), Span::read(""));
        assert_eq!(Span::read("=").and(a), Span::read("="));
        assert!(!Span::read("").holds(release("2.0.0")) && !Span::read("").holds(release("1.203.0")));
        assert!(!b.holds(release("2.180.0")) && b.holds(release("2.179.9")));
    }
}
