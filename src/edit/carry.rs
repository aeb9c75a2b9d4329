//! Values that are carried between constructs: out of the class that builds them, into the class that needs them.

use super::builder::{Builder, no_fix};
use super::names::{camel_name, is_visible};
use super::style::line_indent;
use crate::detect::Refusal;
use crate::model::meaning::is_class;
use crate::model::types::Type;
use crate::model::{Binding, Model, Site, statement_of};
use crate::syntax::{Parsed, Syn};

/// What a class takes through its props.
#[derive(Debug, Clone, Copy)]
pub struct Carried<'c> {
    /// The member of the props.
    pub name: &'c str,
    /// Its type, as it is written in the file of the props.
    pub ty: &'c str,
    /// One sentence on what it is, written where the other members have one.
    pub doc: &'c str,
    /// Whether every `new` of the class has to pass it.
    pub required: bool,
}

/// What a class was given to read what it takes.
#[derive(Debug, Clone)]
pub struct Taken<'a> {
    /// The texts that read the members in the constructor.
    pub texts: Vec<String>,
    /// The file in which their types are written.
    pub file: &'a Parsed,
}

/// The class around a node.
pub fn class_around(node: Syn<'_>) -> Option<Syn<'_>> {
    node.ancestors().find(|node| is_class(*node))
}

/// The constructor of a class.
pub fn constructor_of(class: Syn<'_>) -> Option<Syn<'_>> {
    class.field("body")?.children().find(|member| {
        member.is("method_definition")
            && member.field("name").is_some_and(|name| name.text() == "constructor")
    })
}

/// The only `new` of a class of the app.
pub fn only_instance<'a>(model: &Model<'a>, class: Syn<'a>) -> Option<Site<'a>> {
    let mut all = model.instances(class);
    all.next().filter(|_| all.next().is_none())
}

/// The last statement of a class's constructor that is no output: what is built behind it sees all the others.
pub fn last_statement(class: Syn<'_>) -> Option<Syn<'_>> {
    let statements: Vec<_> = constructor_of(class)?.field("body")?.children().collect();
    statements.into_iter().rev().find(|statement| !statement.text().contains("CfnOutput"))
}

/// What a construct is called at a statement of its own class or of one that builds its class, where all names on
/// the way are there.
pub fn known_name<'a>(model: &Model<'a>, site: &Site<'a>, at: Syn<'a>) -> Option<String> {
    known_name_at(model, site, at, 4)
}

fn known_name_at<'a>(model: &Model<'a>, site: &Site<'a>, at: Syn<'a>, depth: u8) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    let class = class_around(site.node);
    if class == class_around(at) && std::ptr::eq(site.node.file, at.file) {
        return known_own_name(site, at);
    }
    let Binding::Field(field) = site.binding() else { return None };
    let class = class?;
    model.member(&Type::Object(vec![class]), field.text()).filter(|member| !member.hidden)?;
    let outer = known_name_at(model, &only_instance(model, class)?, at, depth)?;
    Some(format!("{outer}.{}", field.text()))
}

/// What a construct is called later in the class that builds it.
fn known_own_name<'a>(site: &Site<'a>, at: Syn<'a>) -> Option<String> {
    match site.binding() {
        Binding::Field(name) => Some(format!("this.{}", name.text())),
        Binding::Variable(name) => {
            let later = statement_of(site.node)?.end() <= at.end() && is_visible_behind(at, name);
            later.then(|| name.text().to_owned())
        }
        Binding::None => None,
    }
}

impl<'a> Builder<'_, 'a> {
    /// What a construct is called at a statement of its own class or of one that builds its class: `table`,
    /// `this.table`, `storage.table`. What has no name gets one; what its class keeps to itself becomes a public field.
    /// `None` where a class between is built more than once, or hides the construct.
    pub fn reach(&mut self, site: &Site<'a>, at: Syn<'a>) -> Option<String> {
        known_name(self.model, site, at).or_else(|| self.reach_at(site, at, 4))
    }

    /// As [`Builder::reach`], for whom an interface of the construct is enough: `ILogGroup`.
    pub fn reach_interface(&mut self, site: &Site<'a>, at: Syn<'a>) -> Option<String> {
        self.by_interface = true;
        let found = self.reach(site, at);
        self.by_interface = false;
        found
    }

    /// As [`Builder::reach_interface`], once for each time that the construct's class is built in the class around a
    /// statement: `orders.logs`, `refunds.logs`. `None` where it is also built elsewhere, or again and again.
    pub fn reach_each(&mut self, site: &Site<'a>, at: Syn<'a>) -> Option<Vec<String>> {
        let class = class_around(site.node)?;
        let instances: Vec<Site<'a>> = self.model.instances(class).collect();
        if Some(class) == class_around(at) || instances.len() < 2 {
            return Some(vec![self.reach_interface(site, at)?]);
        }
        self.by_interface = true;
        let field = self.public_field(site, class);
        self.by_interface = false;
        let field = field?;
        let name = |instance: &Site<'a>| {
            let near = class_around(instance.node) == class_around(at);
            let once = near && !self.model.may_run_again(instance.node);
            once.then(|| self.reach(instance, at)).flatten().map(|outer| format!("{outer}.{field}"))
        };
        instances.iter().map(name).collect()
    }

    /// Whether [`Builder::reach_each`] finds a way: asked first where something else can be done instead.
    pub fn is_in_reach(&self, site: &Site<'a>, at: Syn<'a>) -> bool {
        Builder::new(self.model, self.values).reach_each(site, at).is_some()
    }

    /// Says what a construct is called, and what its class is, once this fix is through: for [`Builder::reach`].
    pub fn becomes(&mut self, site: &Site<'a>, name: &str, ty: &str) {
        self.becoming.push((site.node, name.to_owned(), ty.to_owned()));
    }

    fn reach_at(&mut self, site: &Site<'a>, at: Syn<'a>, depth: u8) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let class = class_around(site.node);
        if class == class_around(at) && std::ptr::eq(site.node.file, at.file) {
            return self.own_name(site, at);
        }
        let class = class?;
        let field = self.public_field(site, class)?;
        let outer = self.reach_at(&only_instance(self.model, class)?, at, depth)?;
        Some(format!("{outer}.{field}"))
    }

    /// What a construct is called later in the class that builds it.
    fn own_name(&mut self, site: &Site<'a>, at: Syn<'a>) -> Option<String> {
        if site.binding() != Binding::None {
            return known_own_name(site, at);
        }
        let statement = statement_of(site.node)?;
        let beside = statement.parent() == at.parent() && statement.end() <= at.end();
        beside.then_some(())?;
        self.declare(site, "const ")
    }

    /// The public field of a class that holds a construct which its constructor builds.
    fn public_field(&mut self, site: &Site<'a>, class: Syn<'a>) -> Option<String> {
        let whole = Type::Object(vec![class]);
        if let Binding::Field(name) = site.binding() {
            let member = self.model.member(&whole, name.text())?;
            return (!member.hidden).then(|| name.text().to_owned());
        }
        if let Some(field) = self.by_interface.then(|| shown_as(self.model, site, class)).flatten() {
            return Some(field.to_owned());
        }
        let statement = statement_of(site.node)?;
        let direct = constructor_of(class)?.field("body") == statement.parent();
        let local = match site.binding() {
            Binding::Variable(name) => Some(name.text().to_owned()),
            _ => None,
        };
        let known = self.names_given.iter().any(|(node, _)| *node == site.node);
        let wanted = local.clone().or_else(|| self.wanted_name(site))?;
        if !direct || !known && self.model.member(&whole, &wanted).is_some() {
            return None;
        }
        if known {
            return self.name_given(site);
        }
        let field = match local {
            Some(local) => {
                self.insert_below(statement, &format!("this.{local} = {local};"));
                self.remember_name(site, &local);
                local
            }
            None => self.declare(site, "this.")?,
        };
        let changed = self.becoming.iter().find(|(node, ..)| *node == site.node).map(|(.., ty)| ty.clone());
        let ty = changed.or_else(|| Some(site.node.field("constructor")?.text().to_owned()))?;
        self.insert_field(class, &field, &ty);
        Some(field)
    }

    /// Binds a construct that is built as a statement of its own: `const name = new …`, `this.name = new …`.
    fn declare(&mut self, site: &Site<'a>, start: &str) -> Option<String> {
        if let Some(name) = self.name_given(site) {
            return Some(name);
        }
        site.node.parent().filter(|parent| parent.is("expression_statement"))?;
        let wanted = self.wanted_name(site)?;
        let class = site.node.field("constructor").map_or("", Syn::text);
        let class = class.rsplit('.').next().and_then(camel_name).unwrap_or_else(|| wanted.clone());
        let name = self.fresh_name(site.node.file, &[&wanted, &class]);
        let at = site.node.start();
        self.splice(site.node, at..at, &format!("{start}{name} = "));
        self.remember_name(site, &name);
        Some(name)
    }

    fn wanted_name(&self, site: &Site<'a>) -> Option<String> {
        let changed = self.becoming.iter().find(|(node, ..)| *node == site.node);
        changed.map(|(_, name, _)| name.clone()).or_else(|| camel_name(&site.label()))
    }

    fn name_given(&self, site: &Site<'a>) -> Option<String> {
        self.names_given.iter().find(|(node, _)| *node == site.node).map(|(_, name)| name.clone())
    }

    fn remember_name(&mut self, site: &Site<'a>, name: &str) {
        self.names_given.push((site.node, name.to_owned()));
    }

    /// Adds a public field behind the last one of a class, else in front of its constructor.
    fn insert_field(&mut self, class: Syn<'a>, name: &str, ty: &str) {
        self.insert_field_line(class, &format!("public readonly {name}: {ty}"));
    }

    /// Adds a field, as it is written without a semicolon, behind the last one of a class, else in front of its constructor.
    pub fn insert_field_line(&mut self, class: Syn<'a>, line: &str) {
        let Some(body) = class.field("body") else { return };
        let style = self.style(class.file);
        let end = if style.semicolons { ";" } else { "" };
        let line = format!("{line}{end}");
        let last = body.children().filter(|member| member.is("public_field_definition")).last();
        if let Some(last) = last {
            let mark = last.node.next_sibling().filter(|token| token.kind() == ";");
            let at = super::builder::trailing_end(
                &class.file.text,
                mark.map_or(last.end(), |token| token.end_byte()),
            );
            let indent = line_indent(&class.file.text, last.start());
            self.splice(last, at..at, &format!("{}{indent}{line}", style.eol));
            return;
        }
        // Behind the line of the brace, with one empty line behind all of them.
        let text = &class.file.text;
        let rest = text.get(body.start()..).unwrap_or_default();
        let first = body.children().find(|member| !member.is("comment"));
        let (Some(length), Some(first)) = (rest.find('\n'), first) else { return };
        let next = body.start() + length + 1;
        let at = next - if style.eol.len() > 1 { 2 } else { 1 };
        let indent = line_indent(text, first.start());
        self.splice(body, at..at, &format!("{}{indent}{line}", style.eol));
        self.splice(body, next..next, style.eol);
    }

    /// Where the props of a class are declared, or will be: the file in which the types of their members are written.
    pub fn props_home(&self, class: Syn<'a>, props_index: usize) -> Syn<'a> {
        let parameter = constructor_of(class)
            .and_then(|constructor| constructor.field("parameters")?.children().nth(props_index));
        let written = parameter.and_then(|parameter| parameter.field("type")?.first());
        match written.map(|written| self.model.written_type(written).ty) {
            Some(Type::Object(parts)) => match parts.as_slice() {
                [one] => *one,
                _ => class,
            },
            _ => class,
        }
    }

    /// Lets a class take a value through its props: a member of their interface, written for it where the class
    /// takes CDK's own props, and gives the text that reads it in the constructor. Callers pass the value themselves.
    ///
    /// # Errors
    /// A [`Refusal`] where the class takes no props of that kind.
    pub fn take_in_props(
        &mut self,
        class: Syn<'a>,
        props_index: usize,
        members: &[Carried<'_>],
    ) -> Result<Taken<'a>, Refusal> {
        let other = || {
            let name = class.field("name").map_or("the class", Syn::text);
            no_fix(
                &format!("{name} takes no props that could carry what it needs"),
                "let its constructor take one object of props with an interface of its own, then run again",
            )
        };
        let parameter = constructor_of(class)
            .and_then(|constructor| constructor.field("parameters")?.children().nth(props_index))
            .ok_or_else(other)?;
        let name = parameter.field("pattern").filter(|pattern| pattern.is("identifier")).ok_or_else(other)?;
        let written = parameter.field("type").and_then(Syn::first).ok_or_else(other)?;
        let optional = parameter.is("optional_parameter") && parameter.field("value").is_none();
        let dot = if optional { "?." } else { "." };
        let texts = members.iter().map(|member| format!("{}{dot}{}", name.text(), member.name)).collect();
        if self.model.cdk_name(written).is_some_and(|name| name == "StackProps") {
            self.own_props(class, written, members).ok_or_else(other)?;
            return Ok(Taken { texts, file: class.file });
        }
        let Type::Object(parts) = self.model.written_type(written).ty else { return Err(other()) };
        let [interface] = parts.as_slice() else { return Err(other()) };
        let taken =
            |member: &Carried<'_>| self.model.member(&Type::Object(vec![*interface]), member.name).is_some();
        if is_class(*interface) || interface.is("object") || members.iter().any(taken) {
            return Err(other());
        }
        let body = interface.field("body").unwrap_or(*interface);
        let readonly = body.children().last().is_some_and(|last| last.text().starts_with("readonly "));
        let lines: Vec<(String, &str)> =
            members.iter().map(|member| (line_of(member, readonly), member.doc)).collect();
        if body.first().is_none() {
            let style = self.style(body.file);
            let text: Vec<String> = lines.iter().map(|(line, _)| format!("  {line};\n")).collect();
            let text = style
                .adapt(&format!("{{\n{}}}", text.concat()), line_indent(&body.file.text, interface.start()));
            self.splice(body, body.span(), &text);
        } else {
            self.insert_members(*interface, &lines);
        }
        Ok(Taken { texts, file: interface.file })
    }

    /// Writes an interface for a class that takes CDK's own props.
    fn own_props(&mut self, class: Syn<'a>, written: Syn<'a>, members: &[Carried<'_>]) -> Option<()> {
        let name = class.field("name")?.text();
        let exported = class.parent().filter(|parent| parent.is("export_statement"));
        let statement = exported.unwrap_or(class);
        let props = self.fresh_name(class.file, &[&format!("{name}Props")]);
        let mut code = format!(
            "{}interface {props} extends {} {{",
            if exported.is_some() { "export " } else { "" },
            written.text()
        );
        for member in members {
            code.push_str(&format!("\n  /** {} */\n  {};", member.doc, line_of(member, true)));
        }
        code.push_str("\n}");
        self.insert_before(statement, &code);
        self.replace(written, &props);
        Some(())
    }
}

/// The public field of a class to which its constructor assigns what a variable holds.
fn shown_as<'a>(model: &Model<'a>, site: &Site<'a>, class: Syn<'a>) -> Option<&'a str> {
    let Binding::Variable(local) = site.binding() else { return None };
    let statements = constructor_of(class)?.field("body")?.children();
    let assigned = statements
        .filter(|statement| statement.is("expression_statement"))
        .filter_map(Syn::first)
        .filter(|assignment| {
            assignment.is("assignment_expression")
                && assignment
                    .field("right")
                    .is_some_and(|right| right.is("identifier") && right.text() == local.text())
        })
        .filter_map(|assignment| assignment.field("left"))
        .filter(|left| left.field("object").is_some_and(|object| object.is("this")));
    let fields = assigned.filter_map(|left| left.field("property").map(Syn::text));
    let shown =
        |field: &&str| model.member(&Type::Object(vec![class]), field).is_some_and(|member| !member.hidden);
    fields.into_iter().find(shown)
}

fn line_of(member: &Carried<'_>, readonly: bool) -> String {
    let mark = if member.required { "" } else { "?" };
    format!("{}{}{mark}: {}", if readonly { "readonly " } else { "" }, member.name, member.ty)
}

/// Whether a name of a constructor means the same at its last statement, or behind it.
fn is_visible_behind<'a>(at: Syn<'a>, name: Syn<'a>) -> bool {
    if is_visible(at, name) {
        return true;
    }
    // The statement itself declares it.
    let own = statement_of(name).is_some_and(|statement| statement == at);
    own && at.parent().is_some_and(|block| block.is("statement_block") || block.is("program"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Values;
    use crate::model::meaning::words;
    use crate::model::{App, Overlay};

    const HEAD: &str = "import * as cdk from 'aws-cdk-lib';\nimport * as s3 from 'aws-cdk-lib/aws-s3';\nimport { Construct } from 'constructs';\n";

    fn edited(text: &str, edit: impl for<'a> Fn(&mut Builder<'_, 'a>, Syn<'a>)) -> String {
        let text = format!("{HEAD}{text}");
        let overlay = Overlay::from([("/app/a.ts".into(), text.as_str().into())]);
        let app = App::new("/app".into(), Vec::new()).with(&overlay);
        let model = Model::new(&app);
        let file = app.file("/app/a.ts".as_ref()).unwrap().parsed().unwrap();
        let at = words(Syn::root(file), "HERE").next().and_then(|at| Syn::root(file).at(at)).unwrap();
        let values = Values::new();
        let mut builder = Builder::new(&model, &values);
        edit(&mut builder, at);
        let proposal = builder.finish().unwrap();
        let after = proposal.edits[std::path::Path::new("/app/a.ts")].apply(&text).unwrap();
        after.strip_prefix(HEAD).unwrap().to_owned()
    }

    #[test]
    fn a_local_construct_becomes_a_public_field() {
        let text = "class Store extends Construct {\n  constructor(s: Construct, id: string) {\n    super(s, id);\n    new s3.Bucket(this, 'Files');\n    const logs = new s3.Bucket(this, 'Logs');\n  }\n}\nclass Top extends cdk.Stack {\n  constructor(s: Construct, id: string) {\n    super(s, id);\n    new Store(this, 'Store');\n    HERE();\n  }\n}\n";
        let after = edited(text, |b, at| {
            let statement = statement_of(at).unwrap();
            let buckets: Vec<_> = b.model.all_sites().filter(|site| site.class == "aws_s3.Bucket").collect();
            let names: Vec<_> = buckets.iter().map(|site| b.reach(site, statement).unwrap()).collect();
            assert_eq!(names, ["store.files", "store.logs"]);
        });
        assert!(after.starts_with("class Store extends Construct {\n  public readonly files: s3.Bucket;\n  public readonly logs: s3.Bucket;\n\n  constructor"), "{after}");
        assert!(after.contains("    this.files = new s3.Bucket(this, 'Files');\n    const logs = new s3.Bucket(this, 'Logs');\n    this.logs = logs;\n"), "{after}");
        assert!(after.contains("    const store = new Store(this, 'Store');\n"), "{after}");
    }

    #[test]
    fn props_of_the_cdk_get_an_interface() {
        let text = "export class Top extends cdk.Stack {\n  constructor(s: Construct, id: string, props?: cdk.StackProps) {\n    super(s, id, props);\n    HERE();\n  }\n}\n";
        let after = edited(text, |b, at| {
            let class = class_around(at).unwrap();
            let carried = Carried { name: "x", ty: "string", doc: "What it is.", required: false };
            assert_eq!(b.take_in_props(class, 2, &[carried]).unwrap().texts, ["props?.x"]);
        });
        assert!(after.trim_start().starts_with("export interface TopProps extends cdk.StackProps {\n  /** What it is. */\n  readonly x?: string;\n}\n\nexport class Top"), "{after}");
        assert!(after.contains("props?: TopProps)"), "{after}");
    }
}
