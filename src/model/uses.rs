//! Where the app speaks of a construct after it is built.

use super::meaning::words;
use super::site::{Binding, Site};
use super::{Model, own_file};
use crate::syntax::Syn;

impl<'a> Model<'a> {
    /// Every expression of the app that stands for a construct: `bucket`, `this.bucket`, `storage.bucket`,
    /// `props.bucket`. The place where it is bound is left out; a name that cannot be followed is not among them.
    pub fn uses(&self, site: &Site<'a>) -> Vec<Syn<'a>> {
        self.uses.get(site.node, || self.find_uses(site))
    }

    fn find_uses(&self, site: &Site<'a>) -> Vec<Syn<'a>> {
        let (first, local) = match site.binding() {
            Binding::Variable(name) => (name.text(), true),
            Binding::Field(name) => (name.text(), false),
            Binding::None => return Vec::new(),
        };
        let mut names = vec![(first, local)];
        let mut found: Vec<Syn<'a>> = Vec::new();
        let mut next = 0;
        while let Some((name, local)) = names.get(next).copied() {
            next += 1;
            for file in self.cdk_files().filter(|file| !local || own_file(file, site.node)) {
                for at in words(Syn::root(file), name) {
                    let Some(expression) = Syn::root(file).at(at).and_then(whole_name) else { continue };
                    if found.contains(&expression)
                        || self.origin(expression).is_none_or(|origin| origin.node != site.node)
                    {
                        continue;
                    }
                    found.push(expression);
                    if let Some(other) =
                        passed_as(expression).filter(|other| !names.contains(&(*other, false)))
                    {
                        names.push((other, false));
                    }
                }
            }
        }
        found
    }
}

/// The expression that a name's token belongs to; `None` where it declares or assigns.
fn whole_name(token: Syn<'_>) -> Option<Syn<'_>> {
    let parent = token.parent()?;
    let expression = match token.kind() {
        "property_identifier"
            if parent.is("member_expression") && parent.field("property") == Some(token) =>
        {
            parent
        }
        "identifier" | "shorthand_property_identifier" => token,
        _ => return None,
    };
    let around = expression.parent()?;
    let target = match around.kind() {
        "variable_declarator" | "class_declaration" | "required_parameter" => {
            around.field("value") != Some(expression)
        }
        "assignment_expression" => around.field("left") == Some(expression),
        "import_specifier" | "namespace_import" | "export_specifier" => true,
        _ => false,
    };
    (!target).then_some(expression)
}

/// The other name under which an expression is passed on: `{ other: bucket }`, `const other = bucket`.
fn passed_as(expression: Syn<'_>) -> Option<&str> {
    let around = expression.parent()?;
    match around.kind() {
        "object" => Some(expression.text()),
        "pair" => Some(around.field("key")?.text()),
        "variable_declarator" => around.field("name").filter(|name| name.is("identifier")).map(Syn::text),
        "assignment_expression" => {
            let left = around.field("left")?;
            Some(left.field("property").unwrap_or(left).text())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::model::{App, Model};
    use crate::source::{DiscoverOptions, discover};

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test lays out its own temporary app")]
    fn uses_are_followed_through_fields_and_props() {
        let folder = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(folder.path()).unwrap();
        let head = "import { Construct } from 'constructs';\nimport * as s3 from 'aws-cdk-lib/aws-s3';\n";
        let files = [
            (
                "storage.ts",
                "export class Storage extends Construct {\n  public readonly store: s3.Bucket;\n  constructor(s: Construct, id: string) {\n    super(s, id);\n    this.store = new s3.Bucket(this, 'Store');\n    const other = new s3.Bucket(this, 'Other');\n    other.grantRead(s as any);\n  }\n}\n",
            ),
            (
                "reader.ts",
                "export class Reader extends Construct {\n  constructor(s: Construct, id: string, props: { bucket: s3.IBucket }) {\n    super(s, id);\n    props.bucket.grantRead(s as any);\n  }\n}\n",
            ),
            (
                "stack.ts",
                "import { Storage } from './storage';\nimport { Reader } from './reader';\nexport class Top extends Construct {\n  constructor(s: Construct, id: string) {\n    super(s, id);\n    const storage = new Storage(this, 'Storage');\n    new Reader(this, 'Reader', { bucket: storage.store });\n  }\n}\n",
            ),
        ];
        for (name, text) in files {
            fs::write(root.join(name), format!("{head}{text}")).unwrap();
        }
        let found = discover(std::slice::from_ref(&root), &DiscoverOptions::at(root.clone()));
        let app = App::new(root, found.files);
        let model = Model::new(&app);
        let store = model.all_sites().find(|site| site.id_text() == Some("Store")).unwrap();
        let mut uses: Vec<_> = model.uses(&store).iter().map(|node| node.text().to_owned()).collect();
        uses.sort();
        assert_eq!(uses, ["props.bucket", "storage.store"]);
    }
}
