//! What the code of a function calls, as far as its imports tell.

use crate::model::meaning::words;
use crate::model::{Handler, Model};
use crate::syntax::{Parsed, Syn};

/// Packages that call something outside the function, or start with this and a `/`.
const OUTSIDE: [&str; 20] = [
    "axios",
    "got",
    "node-fetch",
    "undici",
    "superagent",
    "ky",
    "http",
    "https",
    "node:http",
    "node:https",
    "pg",
    "mysql",
    "mysql2",
    "mongodb",
    "redis",
    "ioredis",
    "@prisma/client",
    "typeorm",
    "@elastic/elasticsearch",
    "@opensearch-project/opensearch",
];
/// Packages of circuit breakers.
const BREAKERS: [&str; 3] = ["opossum", "cockatiel", "mollitia"];
/// The file of the one that this rule adds.
pub(super) const FILE: &str = "circuit-breaker.ts";

/// What a function calls.
#[derive(Default)]
pub(super) struct Dependencies<'a> {
    /// Names of what it calls besides AWS: packages, and `fetch`.
    pub outside: Vec<&'a str>,
    /// Whether it calls services of AWS.
    pub aws: bool,
    /// Whether it has a circuit breaker.
    pub breaker: bool,
}

/// What the code of a function calls.
pub(super) fn dependencies<'a>(model: &Model<'a>, handler: &Handler<'a>) -> Dependencies<'a> {
    let mut found = Dependencies::default();
    let beside = handler.entry.and_then(|entry| model.location(entry)).map(|file| file.with_file_name(FILE));
    found.breaker = beside.is_some_and(|file| model.app.file(&file).is_some());
    for file in &handler.files {
        found.breaker |= ["circuit", "Circuit"].iter().any(|word| file.text.contains(word));
        for import in model.imports(file).imports.iter().filter(|import| !import.type_only) {
            let module = import.module;
            let is = |name: &&str| {
                module == *name || module.strip_prefix(*name).is_some_and(|rest| rest.starts_with('/'))
            };
            found.breaker |= BREAKERS.iter().any(is);
            found.aws |= ["aws-sdk", "@aws-sdk"].iter().any(is);
            if OUTSIDE.iter().any(is) && !found.outside.contains(&module) {
                found.outside.push(module);
            }
        }
        if fetches(file) && !found.outside.contains(&"fetch") {
            found.outside.push("fetch");
        }
    }
    found
}

/// Whether a file calls the `fetch` of its runtime.
fn fetches(file: &Parsed) -> bool {
    let root = Syn::root(file);
    words(root, "fetch").any(|at| {
        root.at(at).filter(|name| name.is("identifier")).is_some_and(|name| {
            name.parent()
                .is_some_and(|call| call.is("call_expression") && call.field("function") == Some(name))
        })
    })
}
