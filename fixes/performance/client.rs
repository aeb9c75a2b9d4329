//! Clients that a handler opens anew in each invocation.

use crate::model::imports::{Imported, string_text};
use crate::model::meaning::{has_word, words};
use crate::model::{Meaning, Model, Site};
use crate::syntax::{Parsed, Syn};

/// A client that is opened inside a handler.
pub(super) struct Opened<'a> {
    /// The statement that opens it.
    pub statement: Syn<'a>,
    /// What it is called.
    pub name: &'a str,
    /// The top-level statement around the handler.
    pub handler: Syn<'a>,
    /// What opens it, for people: `new Pool`.
    pub what: String,
    /// Whether the statement can be moved out as it stands.
    pub movable: bool,
    /// Whether its name is free at the top of the module.
    pub free: bool,
    /// Whether it holds a connection to a database.
    pub database: bool,
}

/// What opens a client: package, name, whether the client looks after its connections by itself.
const OPENERS: [(&str, &str, bool); 12] = [
    ("pg", "Pool", true),
    ("pg", "Client", false),
    ("mysql", "createPool", true),
    ("mysql", "createConnection", false),
    ("mysql2", "createPool", true),
    ("mysql2", "createConnection", false),
    ("mysql2/promise", "createPool", true),
    ("mysql2/promise", "createConnection", false),
    ("mongodb", "MongoClient", false),
    ("redis", "createClient", false),
    ("ioredis", "Redis", true),
    ("@prisma/client", "PrismaClient", true),
];

/// What ends a client.
const ENDS: [&str; 6] = ["end", "destroy", "close", "quit", "disconnect", "$disconnect"];

/// The clients that the handler of a function opens, in the file that Lambda calls.
pub(super) fn opened<'a>(model: &Model<'a>, function: &Site<'a>) -> Vec<Opened<'a>> {
    if !any_package(model) {
        return Vec::new();
    }
    let found = || {
        let entry = model.handler(function)?.entry?;
        let body = handler_body(model, entry, &handler_name(model, function))?;
        let handler = body.ancestors().take_while(|around| !around.is("program")).last()?;
        Some((body, handler))
    };
    let Some((body, handler)) = found() else { return Vec::new() };
    let mut open = Vec::new();
    gather(model, body, (body, handler), &mut open);
    open
}

/// Whether a script of the app names a package that has clients: where none does, no handler need be parsed.
fn any_package(model: &Model<'_>) -> bool {
    let packages = || OPENERS.iter().map(|(package, ..)| *package).chain(["aws-sdk"]);
    let quoted = |text: &str, package: &str| {
        memchr::memmem::find_iter(text.as_bytes(), package)
            .any(|at| text.get(..at).is_some_and(|before| before.ends_with(['\'', '"', '`'])))
    };
    let mut scripts = model.app.files.iter().filter(|file| file.candidate.language.is_script());
    scripts.any(|file| file.text().is_ok_and(|text| packages().any(|package| quoted(text, package))))
}

fn handler_name<'a>(model: &Model<'a>, function: &Site<'a>) -> String {
    let given = function.props(model).get(model, "handler").value().filter(|value| value.is("string"));
    let name = given.map_or("handler", string_text);
    name.rsplit('.').next().unwrap_or(name).to_owned()
}

/// The block of the function that a file exports under a name: `export const`, `export function`, `exports.x =`.
fn handler_body<'a>(model: &Model<'a>, file: &'a Parsed, name: &str) -> Option<Syn<'a>> {
    let function = match model.export(file, name) {
        Some(Meaning::Function(function) | Meaning::Value(function)) => function,
        _ => {
            let root = Syn::root(file);
            let assigned = words(root, name).filter_map(|at| {
                let member = root.at(at)?.parent()?;
                let assignment = member.parent().filter(|node| node.is("assignment_expression"))?;
                let left = assignment.field("left").filter(|left| *left == member)?;
                matches!(left.field("object")?.text(), "exports" | "module.exports").then_some(())?;
                assignment.field("right")
            });
            assigned.into_iter().next()?
        }
    };
    let is_function =
        matches!(function.kind(), "arrow_function" | "function_expression" | "function_declaration");
    let same = std::ptr::eq(function.file, file);
    function.field("body").filter(|body| is_function && same && body.is("statement_block"))
}

/// Climbs down through blocks, not into functions.
fn gather<'a>(
    model: &Model<'a>,
    node: Syn<'a>,
    (body, handler): (Syn<'a>, Syn<'a>),
    open: &mut Vec<Opened<'a>>,
) {
    for child in node.children() {
        match child.kind() {
            "lexical_declaration" => open.extend(opens(model, child, body, handler)),
            "try_statement" | "statement_block" | "if_statement" | "else_clause" => {
                gather(model, child, (body, handler), open);
            }
            _ => {}
        }
    }
}

fn opens<'a>(model: &Model<'a>, statement: Syn<'a>, body: Syn<'a>, handler: Syn<'a>) -> Option<Opened<'a>> {
    let declarators: Vec<_> = statement.children().collect();
    let [declarator] = declarators.as_slice() else { return None };
    let name = declarator.field("name").filter(|name| name.is("identifier"))?.text();
    let mut value = declarator.field("value")?;
    let waits = value.is("await_expression");
    if waits {
        value = value.first()?;
    }
    let callee = match value.kind() {
        "new_expression" => value.field("constructor")?,
        "call_expression" => value.field("function")?,
        _ => return None,
    };
    let (package, opener) = opener(model, callee)?;
    let sdk = package == "aws-sdk" || package.starts_with("aws-sdk/clients/");
    let known = OPENERS.iter().find(|(other, wanted, _)| *other == package && *wanted == opener);
    let pooled = match known {
        Some((_, _, pooled)) => *pooled,
        None if sdk && value.is("new_expression") => true,
        None => return None,
    };
    let arguments = value.field("arguments");
    let local = arguments.is_some_and(|list| speaks_of_locals(model, list, body));
    let ended = words(body, name).any(|at| {
        let member = body.at(at).and_then(Syn::parent).filter(|parent| parent.is("member_expression"));
        let method = member.and_then(|member| member.field("property"));
        method.is_some_and(|method| ENDS.contains(&method.text()))
    });
    let root = Syn::root(statement.file);
    let free =
        model.declared_in(root, name).is_none() && model.imports(statement.file).binding(name).is_none();
    let verb = if value.is("new_expression") { "new " } else { "" };
    Some(Opened {
        statement,
        name,
        handler,
        what: format!("{verb}{}", callee.text()),
        movable: pooled && !waits && !local && !ended,
        free: free && !is_shared_name(model, statement.file, name),
        database: !sdk,
    })
}

/// Whether a file is a script, whose names belong to all scripts of a program, and another script has the name.
fn is_shared_name<'a>(model: &Model<'a>, file: &'a Parsed, name: &str) -> bool {
    let is_module = |file: &'a Parsed| {
        Syn::root(file)
            .children()
            .any(|child| matches!(child.kind(), "import_statement" | "export_statement"))
    };
    let mut others = model.app.files.iter().filter(|other| {
        other.candidate.language.is_script() && other.text().is_ok_and(|text| has_word(text, name))
    });
    !is_module(file)
        && others
            .any(|other| other.parsed().is_some_and(|other| !std::ptr::eq(other, file) && !is_module(other)))
}

/// The package and the name that a callee comes from: `new AWS.DynamoDB.DocumentClient` is `aws-sdk`'s.
fn opener<'a>(model: &Model<'a>, callee: Syn<'a>) -> Option<(&'a str, &'a str)> {
    let mut head = callee;
    let mut last = None;
    while head.is("member_expression") {
        last = last.or(head.field("property"));
        head = head.field("object")?;
    }
    let import = model.imports(callee.file).binding(head.text()).filter(|_| head.is("identifier"))?;
    let name = match (&import.imported, last) {
        (_, Some(last)) => last.text(),
        (Imported::Named(name), None) => name,
        (Imported::Default | Imported::Namespace, None) => head.text(),
    };
    Some((import.module, name))
}

/// Whether an expression speaks of a name that the handler declares, or of `this`.
fn speaks_of_locals<'a>(model: &Model<'a>, within: Syn<'a>, body: Syn<'a>) -> bool {
    let function = body.parent();
    let mut open = vec![within];
    while let Some(node) = open.pop() {
        let name = matches!(node.kind(), "identifier" | "shorthand_property_identifier");
        if matches!(node.kind(), "this" | "await_expression") {
            return true;
        }
        if name
            && model.lookup(node, node.text()).is_some_and(|declaration| {
                let declared = declaration.node();
                std::iter::once(declared).chain(declared.ancestors()).any(|around| Some(around) == function)
            })
        {
            return true;
        }
        open.extend(node.children());
    }
    false
}
