//! A field of a typed config object: a member of its interface, a value in the one function that builds it, and
//! the text that reads it where it is used.

use std::fmt::Write as _;

use super::builder::Builder;
use crate::detect::Refusal;
use crate::model::environment::{Holder, Step};
use crate::model::meaning::words;
use crate::model::props::{key_of, own_entry, single_return};
use crate::model::types::Type;
use crate::model::{Discriminator, Environment, Meaning, statement_of};
use crate::syntax::Syn;

/// A value that differs between environments.
#[derive(Debug, Clone, Copy)]
pub struct Field<'f> {
    /// Names in order of preference.
    pub names: &'f [&'f str],
    /// Its type.
    pub ty: &'f str,
    /// Whether it may be left out.
    pub optional: bool,
    /// One sentence on what it is, written where the other members have one.
    pub doc: &'f str,
    /// Its value in production.
    pub production: &'f str,
    /// Its value elsewhere.
    pub other: &'f str,
}

impl Field<'_> {
    /// Whether its value depends on the environment.
    fn differs(&self) -> bool {
        self.production != self.other
    }

    fn member(&self, name: &str) -> String {
        format!("{name}{}: {}", if self.optional { "?" } else { "" }, self.ty)
    }
}

/// The function that builds every config object of a type.
struct Factory<'a> {
    /// The object it returns.
    object: Syn<'a>,
    /// True in production, inside the function.
    production: Discriminator<'a>,
}

impl<'a> Builder<'_, 'a> {
    /// Adds fields to the config object through which the environment is known, and gives the texts that read them
    /// at the place the discriminator was found for. `None` where there is no such object, where the app builds it
    /// in more than one place, or where wa-fix cannot tell; nothing is edited then.
    ///
    /// # Errors
    /// Those of inserting a statement.
    pub fn config_fields(
        &mut self,
        known: &Discriminator<'a>,
        fields: &[Field<'_>],
    ) -> Result<Option<Vec<String>>, Refusal> {
        let Some(holder) = &known.holder else { return Ok(None) };
        let Some(declaration) = named_declaration(holder.declaration) else { return Ok(None) };
        let Some(factory) = self.factory(holder, declaration) else { return Ok(None) };
        let ty = Type::Object(vec![holder.declaration]);
        let mut taken: Vec<String> =
            self.model.members(&ty).iter().map(|member| member.name.to_owned()).collect();
        let mut names = Vec::new();
        for field in fields {
            let Some(name) = field.names.iter().find(|name| !taken.iter().any(|other| other == *name)) else {
                return Ok(None);
            };
            taken.push((*name).to_owned());
            names.push(*name);
        }
        self.proposal.takes_names = true;
        let production =
            if fields.iter().any(Field::differs) { self.factory_flag(&factory)? } else { String::new() };
        let mut values = Vec::new();
        for (field, name) in fields.iter().zip(&names) {
            let value = if field.differs() {
                format!("{production} ? {} : {}", field.production, field.other)
            } else {
                field.production.to_owned()
            };
            values.push((*name, value));
        }
        self.insert_entries(factory.object, &values);
        let members: Vec<(String, &str)> =
            fields.iter().zip(&names).map(|(field, name)| (field.member(name), field.doc)).collect();
        self.insert_members(holder.declaration, &members);
        let dot = if holder.optional { "?." } else { "." };
        let dot = if holder.text.contains("?.") { "." } else { dot };
        Ok(Some(names.iter().map(|name| format!("{}{dot}{name}", holder.text)).collect()))
    }

    /// Whether the discriminator means in the function that builds its config object what it means where it was
    /// found: `config.stage === 'prod'` here, `stage === 'prod'` there, and `stage` is what the object is given.
    pub fn means_the_same_in_factory(&self, known: &Discriminator<'a>) -> bool {
        let moved = || {
            let holder = known.holder.as_ref()?;
            let factory = self.factory(holder, named_declaration(holder.declaration)?)?;
            let rest = known.expression.strip_prefix(holder.text.as_str())?;
            let rest = rest.trim_start_matches('?').strip_prefix('.')?;
            let name = rest.split(' ').next()?;
            let tail = rest.strip_prefix(name)?;
            let value = own_entry(factory.object, name)?.text();
            Some(format!("{value}{tail}") == factory.production.expression)
        };
        moved().unwrap_or(false)
    }

    /// The value that a field of a config object (`config.limit`) has in the one function that builds it.
    pub fn config_value(&self, expression: Syn<'a>) -> Option<Syn<'a>> {
        let object = expression.field("object")?;
        let Type::Object(parts) = self.model.type_of(object).ty else { return None };
        let [declaration] = parts.as_slice() else { return None };
        let holder = Holder { text: object.text().to_owned(), optional: false, declaration: *declaration };
        let factory = self.factory(&holder, named_declaration(*declaration)?)?;
        own_entry(factory.object, expression.field("property")?.text())
    }

    /// Gives an object literal several properties that it does not have.
    pub fn insert_entries(&mut self, object: Syn<'a>, entries: &[(&str, String)]) {
        let Some(((name, value), rest)) = entries.split_first() else { return };
        let mut text = value.clone();
        for (name, value) in rest {
            let _ = write!(text, ",\n{}", super::props::entry_text(name, value));
        }
        self.insert_entry(object, name, &text);
    }

    /// Adds members to an interface, an object type or a class body, behind the last, each with a comment where
    /// its neighbours have one. `members` are written as `name: type`, without an end.
    pub fn insert_members(&mut self, declaration: Syn<'a>, members: &[(String, &str)]) {
        let body = declaration.field("body").unwrap_or(declaration);
        let Some(last) = body.children().last() else { return };
        let style = self.style(body.file);
        let text = &body.file.text;
        let end_token = last.node.next_sibling().filter(|token| matches!(token.kind(), ";" | ","));
        let end = end_token.map_or(last.end(), |token| token.end_byte());
        let mark = end_token.map_or("", |token| if token.kind() == "," { "," } else { ";" });
        let commented = body.tokens().any(|token| token.is("comment"));
        let spaced = body.text().lines().any(|line| line.trim().is_empty());
        if !body.text().contains('\n') {
            let mark = if mark.is_empty() { ";" } else { mark };
            let lead = if end_token.is_some() { "" } else { mark };
            let added: Vec<String> = members.iter().map(|(member, _)| member.clone()).collect();
            self.edit(body.file, end..end, format!("{lead} {}", added.join(&format!("{mark} "))));
            return;
        }
        let mut code = String::new();
        for (member, doc) in members {
            code.push_str(if spaced { "\n\n" } else { "\n" });
            if commented && !doc.is_empty() {
                let _ = writeln!(code, "/** {doc} */");
            }
            let _ = write!(code, "{member}{mark}");
        }
        let indent = super::style::line_indent(text, last.start()).to_owned();
        let code: String = code
            .split('\n')
            .enumerate()
            .map(|(number, line)| match (number, line) {
                (0, line) => line.to_owned(),
                (_, "") => style.eol.to_owned(),
                (_, line) => format!("{}{indent}{line}", style.eol),
            })
            .collect();
        let end = super::builder::trailing_end(text, end);
        self.edit(body.file, end..end, code);
    }

    /// The name of a constant in the factory that is true in production; added where there is none.
    fn factory_flag(&mut self, factory: &Factory<'a>) -> Result<String, Refusal> {
        let known = &factory.production;
        if known.step == Step::Boolean {
            return Ok(known.expression.clone());
        }
        let statement = self.statement(factory.object)?;
        let name = self.fresh_name(factory.object.file, &["isProduction", "isProd"]);
        self.insert_before(statement, &format!("const {name} = {};", known.expression));
        Ok(name)
    }

    /// The one function whose result has the holder's type, if nothing else in the app makes such an object.
    fn factory(&self, holder: &Holder<'a>, declaration: Syn<'a>) -> Option<Factory<'a>> {
        let name = declaration.field("name")?.text();
        let mut functions: Vec<Syn<'a>> = Vec::new();
        for file in self.model.app.files.iter().filter(|file| file.candidate.language.is_script()) {
            if !file.text().is_ok_and(|text| memchr::memmem::find(text.as_bytes(), name.as_bytes()).is_some())
            {
                continue;
            }
            let root = Syn::root(file.parsed()?);
            for span in words(root, name) {
                let Some(node) = root.at(span).filter(|node| node.is("type_identifier")) else { continue };
                if node.parent() == Some(declaration)
                    || self.model.meaning(node) != Some(Meaning::Value(declaration))
                {
                    continue;
                }
                match use_of(node) {
                    Use::Result(function) => functions.push(function),
                    Use::Reader => {}
                    Use::Other => return None,
                }
            }
        }
        let [function] = functions.as_slice() else { return None };
        let returned = single_return(*function)?;
        let object = match self.model.meaning(returned) {
            Some(Meaning::Value(value)) if value.is("object") && std::ptr::eq(value.file, function.file) => {
                value
            }
            _ => return None,
        };
        let inside = object.ancestors().any(|around| around == *function);
        if !inside
            || object.children().any(|entry| entry.is("spread_element"))
            || self.is_built_elsewhere(holder, object)
        {
            return None;
        }
        let Environment::Known(production) = self.environment(object) else { return None };
        statement_of(object).map(|_| Factory { object, production })
    }

    /// Whether another object literal of the app has all members that the type demands.
    fn is_built_elsewhere(&self, holder: &Holder<'a>, factory: Syn<'a>) -> bool {
        let members = self.model.members(&Type::Object(vec![holder.declaration]));
        let needed: Vec<&str> = members
            .iter()
            .filter(|member| !member.node.tokens().any(|token| token.is("?")))
            .map(|member| member.name)
            .collect();
        let Some(first) = needed.iter().max_by_key(|name| name.len()) else { return true };
        self.model.app.files.iter().filter(|file| file.candidate.language.is_script()).any(|file| {
            if !file
                .text()
                .is_ok_and(|text| memchr::memmem::find(text.as_bytes(), first.as_bytes()).is_some())
            {
                return false;
            }
            let Some(parsed) = file.parsed() else { return false };
            let root = Syn::root(parsed);
            words(root, first).any(|span| {
                let object = root.at(span).and_then(|key| {
                    let entry = if key.is("shorthand_property_identifier") { key } else { key.parent()? };
                    entry.parent().filter(|object| object.is("object"))
                });
                object.is_some_and(|object| {
                    let keys: Vec<&str> = object.children().filter_map(key_of).collect();
                    object != factory && needed.iter().all(|name| keys.contains(name))
                })
            })
        })
    }
}

/// What a type is written for.
enum Use<'a> {
    /// The result of a function.
    Result(Syn<'a>),
    /// A parameter, field, member or import: somebody who is given the object.
    Reader,
    /// Anything else: it may make objects of the type.
    Other,
}

fn use_of(node: Syn<'_>) -> Use<'_> {
    let Some(around) = node.parent() else { return Use::Other };
    if matches!(around.kind(), "import_specifier" | "export_specifier") {
        return Use::Reader;
    }
    let Some(owner) = around.is("type_annotation").then(|| around.parent()).flatten() else {
        return Use::Other;
    };
    match owner.kind() {
        "required_parameter" | "optional_parameter" | "property_signature" => Use::Reader,
        "public_field_definition" | "variable_declarator"
            if owner.field("value").is_none_or(|value| {
                matches!(value.kind(), "call_expression" | "identifier" | "member_expression")
            }) =>
        {
            Use::Reader
        }
        "function_declaration" | "arrow_function" | "method_definition" | "function_expression" => {
            Use::Result(owner)
        }
        _ => Use::Other,
    }
}

/// The interface or alias whose name stands for a type.
fn named_declaration(declaration: Syn<'_>) -> Option<Syn<'_>> {
    match declaration.kind() {
        "interface_declaration" => Some(declaration),
        "object_type" => declaration.parent().filter(|alias| alias.is("type_alias_declaration")),
        _ => None,
    }
}

/// A variable's name after a construct: `ordersLogGroup` for the function `Orders` and the suffix `LogGroup`.
pub fn name_after(label: &str, suffix: &str) -> String {
    match super::names::camel_name(label) {
        Some(name) => format!("{name}{suffix}"),
        None => format!("own{suffix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Values;
    use crate::model::{App, Model, Overlay};

    const LIMIT: Field<'_> = Field {
        names: &["limit", "apiLimit"],
        ty: "number",
        optional: false,
        doc: "A limit.",
        production: "10",
        other: "1",
    };

    /// What becomes of `config.ts` when a field is added through the object in scope at `HERE` in `user.ts`.
    fn with_field(config: &str, user: &str) -> Option<(String, String)> {
        with_fields(config, user, &[LIMIT], |_, _| {})
    }

    /// The same for any fields; `look` sees the builder before they are added.
    fn with_fields(
        config: &str,
        user: &str,
        fields: &[Field<'_>],
        look: impl for<'a> FnOnce(&Builder<'_, 'a>, &Discriminator<'a>),
    ) -> Option<(String, String)> {
        let user = format!("import 'aws-cdk-lib';\nimport {{ Config }} from './config';\n{user}\n");
        let overlay =
            Overlay::from([("/app/config.ts".into(), config.into()), ("/app/user.ts".into(), user.into())]);
        let app = App::new("/app".into(), Vec::new()).with(&overlay);
        let model = Model::new(&app);
        let file = app.file("/app/user.ts".as_ref()).unwrap().parsed().unwrap();
        let at = Syn::root(file).at(words(Syn::root(file), "HERE").next().unwrap()).unwrap();
        let values = Values::new();
        let mut builder = Builder::new(&model, &values);
        let known = builder.production(at).unwrap();
        look(&builder, &known);
        let text = builder.config_fields(&known, fields).unwrap()?.remove(0);
        let proposal = builder.finish().unwrap();
        let edits = &proposal.edits[std::path::Path::new("/app/config.ts")];
        Some((text, edits.apply(config).unwrap()))
    }

    const FACTORY: &str = "export interface Config { stage: string }\n\
        export const make = (stage: string): Config => {\n  return { stage };\n};\n";

    #[test]
    fn a_field_reaches_interface_factory_and_use() {
        let (text, config) = with_field(FACTORY, "function f(config: Config) { use(HERE); }").unwrap();
        assert_eq!(text, "config.limit");
        assert_eq!(
            config,
            "export interface Config { stage: string; limit: number }\n\
             export const make = (stage: string): Config => {\n  const isProduction = stage === 'prod';\n  \
             return { stage, limit: isProduction ? 10 : 1 };\n};\n"
        );
        let (text, _) = with_field(FACTORY, "function f(config?: Config) { use(HERE); }").unwrap();
        assert_eq!(text, "config?.limit");
        let taken = FACTORY.replace("stage: string }", "stage: string; limit?: string }");
        assert_eq!(
            with_field(&taken, "function f(config: Config) { use(HERE); }").unwrap().0,
            "config.apiLimit"
        );
    }

    #[test]
    fn a_value_that_holds_everywhere_needs_no_flag() {
        let same = Field { other: "10", ..LIMIT };
        let (_, config) =
            with_fields(FACTORY, "function f(config: Config) { use(HERE); }", &[same], |_, _| {}).unwrap();
        assert!(config.ends_with("=> {\n  return { stage, limit: 10 };\n};\n"), "{config}");
    }

    #[test]
    fn a_condition_moves_only_where_it_means_the_same() {
        let user = "function f(config: Config) { use(HERE); }";
        let moves = |config: &str| {
            let mut same = false;
            with_fields(config, user, &[LIMIT], |builder, known| {
                same = builder.means_the_same_in_factory(known);
            })
            .unwrap();
            same
        };
        assert!(moves(FACTORY));
        assert!(!moves(&FACTORY.replace("{ stage }", "{ stage: stage.toUpperCase() }")));
    }

    #[test]
    fn an_object_that_is_made_elsewhere_too_is_left_alone() {
        let user = "function f(config: Config) { use(HERE); }";
        assert!(with_field(&FACTORY.replace("{ stage };", "{ ...base, stage };"), user).is_none());
        assert!(
            with_field(&format!("{FACTORY}export const other: Config = {{ stage: 'x' }};\n"), user).is_none()
        );
        assert!(with_field(&format!("{FACTORY}f({{ stage: 'dev' }});\n"), user).is_none());
        assert!(with_field("export interface Config { stage: string }\n", user).is_none());
    }
}
