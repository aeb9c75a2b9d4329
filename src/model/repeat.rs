//! Whether code may run more than once for one scope: an id that stands in it as a literal would then be used twice.

use super::Model;
use super::meaning::{is_class, words};
use super::scope::is_function;
use crate::syntax::Syn;

impl<'a> Model<'a> {
    /// Whether the code at a node may run more than once while one construct is built: in a loop, in a callback, in a
    /// method or function that is called at several places.
    pub fn may_run_again(&self, at: Syn<'a>) -> bool {
        self.runs_again(at, 8)
    }

    fn runs_again(&self, at: Syn<'a>, depth: u8) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return true };
        for around in at.ancestors() {
            match around.kind() {
                "for_statement" | "for_in_statement" | "while_statement" | "do_statement" => return true,
                kind if is_function(kind) => match called_by(around) {
                    Called::Once => {}
                    Called::ByName(name) => return self.called_again(name, depth),
                    Called::Unknown => return true,
                },
                _ if is_class(around) => return false,
                _ => {}
            }
        }
        false
    }

    /// The calls of a function of the app that say its name, or `this` and its name.
    pub(crate) fn callers(&self, function: Syn<'a>) -> Vec<Syn<'a>> {
        let Called::ByName(name) = called_by(function) else { return Vec::new() };
        let own = |call: &Syn<'a>| {
            let object = call.field("function").and_then(|callee| callee.field("object"));
            object.is_none_or(|object| object.is("this"))
        };
        self.calls_named(name.text()).filter(own).collect()
    }

    fn calls_named(&self, name: &'a str) -> impl Iterator<Item = Syn<'a>> {
        self.cdk_files().flat_map(move |file| {
            let root = Syn::root(file);
            words(root, name).filter_map(move |at| call_of(root.at(at)?))
        })
    }

    /// Whether what has a name is called at several places, or at one that runs again.
    fn called_again(&self, name: Syn<'a>, depth: u8) -> bool {
        let mut calls = self.calls_named(name.text());
        match (calls.next(), calls.next()) {
            (None, _) => false,
            (Some(one), None) => self.runs_again(one, depth),
            (Some(_), Some(_)) => true,
        }
    }
}

/// Who calls a function.
enum Called<'a> {
    /// Whoever builds the class, or the code around it at once.
    Once,
    /// Whoever says its name.
    ByName(Syn<'a>),
    /// Something that was given it.
    Unknown,
}

fn called_by(function: Syn<'_>) -> Called<'_> {
    if let Some(name) = function.field("name") {
        return if name.text() == "constructor" { Called::Once } else { Called::ByName(name) };
    }
    let Some(mut outer) = function.parent() else { return Called::Unknown };
    if let Some(name) = outer.field("name").filter(|_| outer.field("value") == Some(function)) {
        return Called::ByName(name);
    }
    let mut inner = function;
    while outer.is("parenthesized_expression") {
        let Some(next) = outer.parent() else { return Called::Unknown };
        (inner, outer) = (outer, next);
    }
    let at_once = outer.is("call_expression") && outer.field("function") == Some(inner);
    if at_once { Called::Once } else { Called::Unknown }
}

/// The call that a name's token belongs to: `name(…)`, `this.name(…)`.
fn call_of(token: Syn<'_>) -> Option<Syn<'_>> {
    let parent = token.parent()?;
    let callee = if parent.is("member_expression") && parent.field("property") == Some(token) {
        parent
    } else {
        token
    };
    callee.parent().filter(|call| call.is("call_expression") && call.field("function") == Some(callee))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::model::{App, Model};
    use crate::source::{DiscoverOptions, discover};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test lays out its own temporary app")]
    fn loops_callbacks_and_helpers_run_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let text = "import * as sqs from 'aws-cdk-lib/aws-sqs';\n\
            function often(s: any) { new sqs.Queue(s, 'Often'); }\n\
            function seldom(s: any) { new sqs.Queue(s, 'Seldom'); }\n\
            (() => { new sqs.Queue(null as any, 'AtOnce'); })();\n\
            export class Shop {\n  constructor() {\n    new sqs.Queue(this as any, 'Once');\n    often(this); often(this); seldom(this);\n\
            for (const a of ['x']) { new sqs.Queue(this as any, 'Loop'); this.inLoop(); }\n\
            ['x'].forEach((a) => { new sqs.Queue(this as any, 'Callback'); });\n    this.one();\n  }\n\
            one() { new sqs.Queue(this as any, 'Method'); }\n  inLoop() { new sqs.Queue(this as any, 'MethodOfLoop'); }\n}\n";
        fs::write(root.join("shop.ts"), text).unwrap();
        let found = discover(std::slice::from_ref(&root), &DiscoverOptions::at(root.clone()));
        let app = App::new(root, found.files);
        let model = Model::new(&app);
        let again: Vec<_> = model
            .all_sites()
            .filter(|site| model.may_run_again(site.node))
            .map(|site| site.label())
            .collect();
        assert_eq!(again, ["Often", "Loop", "Callback", "MethodOfLoop"]);
    }
}
