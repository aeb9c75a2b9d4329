//! Imports that a fix has taken the last use of.

use super::text::{Edit, EditSet};
use crate::model::imports::{Import, Imports};
use crate::model::meaning::words;
use crate::syntax::{Parsed, Syn, parse};

/// The text after a fix without the imports that were used before it and are not any more; `None` where there is none.
pub fn without_idle_imports(before: &Parsed, after: &str) -> Option<String> {
    let used_before: Vec<String> = used(before).into_iter().map(|import| import.local.to_owned()).collect();
    let parsed = parse(&before.path, after.into(), before.language)?;
    let table = Imports::of(&parsed);
    let mut edits = EditSet::default();
    let mut open: Vec<Vec<&Import<'_>>> = Vec::new();
    for import in &table.imports {
        match open
            .iter_mut()
            .find(|group| group.first().is_some_and(|first| first.statement == import.statement))
        {
            Some(group) => group.push(import),
            None => open.push(vec![import]),
        }
    }
    for group in open {
        let idle: Vec<_> = group
            .iter()
            .filter(|import| used_before.iter().any(|name| name == import.local) && !is_used(import))
            .collect();
        if idle.len() == group.len() {
            edits.insert(whole_line(group.first()?.statement)).ok()?;
        } else {
            for import in idle {
                edits.insert(specifier(import)?).ok()?;
            }
        }
    }
    (!edits.is_empty()).then(|| edits.apply(after).ok()).flatten()
}

fn used(file: &Parsed) -> Vec<Import<'_>> {
    Imports::of(file).imports.into_iter().filter(is_used).collect()
}

/// Whether the name of an import stands anywhere outside its statement.
fn is_used(import: &Import<'_>) -> bool {
    let root = Syn::root(import.statement.file);
    words(root, import.local).filter(|at| !import.statement.span().contains(&at.start)).any(|at| {
        root.at(at).is_some_and(|node| {
            matches!(
                node.kind(),
                "identifier" | "type_identifier" | "shorthand_property_identifier" | "jsx_identifier"
            )
        })
    })
}

/// Removes a statement with its line.
fn whole_line(statement: Syn<'_>) -> Edit {
    let rest = statement.file.text.get(statement.end()..).unwrap_or_default();
    let white = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
    let line_end = rest.get(white..).is_some_and(|rest| rest.starts_with('\n'));
    let end = if line_end { statement.end() + white + 1 } else { statement.end() };
    Edit { span: statement.start()..end, text: String::new() }
}

/// Removes one name of `{ a, b }` with its comma.
fn specifier(import: &Import<'_>) -> Option<Edit> {
    let root = import.statement;
    let token = words(root, import.local)
        .filter_map(|at| root.at(at))
        .find_map(|node| node.ancestors().find(|around| around.is("import_specifier")))?;
    let comma = |sibling: Option<tree_sitter::Node<'_>>| {
        sibling.filter(|node| node.kind() == ",").map(|node| node.byte_range())
    };
    let text = &root.file.text;
    let span = match (comma(token.node.next_sibling()), comma(token.node.prev_sibling())) {
        (Some(after), _) => {
            let rest = text.get(after.end..).unwrap_or_default();
            let white = rest.len() - rest.trim_start().len();
            token.start()..after.end + white
        }
        (None, Some(before)) => before.start..token.end(),
        (None, None) => return None,
    };
    Some(Edit { span, text: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Language;

    fn clean(before: &str, after: &str) -> Option<String> {
        without_idle_imports(&parse("a.ts", before.into(), Language::TypeScript).unwrap(), after)
    }

    #[test]
    fn only_what_the_fix_made_idle_goes() {
        let head = "import * as iam from 'aws-cdk-lib/aws-iam';\nimport { A, B, C } from './x';\nimport { Idle } from './y';\n";
        let before = format!("{head}iam.x(A, B, C);\n");
        assert_eq!(
            clean(&before, &format!("{head}A(B);\n")).unwrap(),
            "import { A, B } from './x';\nimport { Idle } from './y';\nA(B);\n"
        );
        assert_eq!(
            clean(&before, &format!("{head}iam(C);\n")).unwrap(),
            "import * as iam from 'aws-cdk-lib/aws-iam';\nimport { C } from './x';\nimport { Idle } from './y';\niam(C);\n"
        );
        assert_eq!(clean(&before, &before), None);
    }
}
