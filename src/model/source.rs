//! Where a value comes from.

use super::meaning::{Meaning, is_class};
use super::scope::Declaration;
use super::{Model, Syn};

/// How far a value is followed before giving up.
const DEPTH: usize = 16;

impl<'a> Model<'a> {
    /// The expression that gives another its value, followed through constants, fields, and the props that the app
    /// passes between its own constructs. The expression itself where it leads no further.
    pub fn source(&self, expression: Syn<'a>) -> Syn<'a> {
        let mut known = expression;
        for _ in 0..DEPTH {
            match self.source_step(known) {
                Some(next) if next != known => known = next,
                _ => break,
            }
        }
        known
    }

    fn source_step(&self, expression: Syn<'a>) -> Option<Syn<'a>> {
        match expression.kind() {
            "parenthesized_expression" | "as_expression" | "satisfies_expression" | "non_null_expression" => {
                expression.first()
            }
            "identifier" | "shorthand_property_identifier" => {
                match self.lookup(expression, expression.text())? {
                    Declaration::Variable { declarator, constant: true } => declarator.field("value"),
                    Declaration::Destructured { from: Some(from), key, .. } => {
                        self.property_source(from, key)
                    }
                    Declaration::Destructured { parameter: Some(_), name, .. } => self.argument(name, None),
                    Declaration::Parameter { parameter } => self.argument(parameter, None),
                    _ => None,
                }
            }
            "member_expression" => {
                let object = expression.field("object")?;
                let property = expression.field("property")?.text();
                if object.is("this") {
                    let class = expression.ancestors().find(|node| is_class(*node))?;
                    return self.field_value(class, property);
                }
                self.property_source(object, property)
            }
            _ => None,
        }
    }

    /// What a property of the props, of a construct of the app or of a plain object is given.
    fn property_source(&self, object: Syn<'a>, property: &str) -> Option<Syn<'a>> {
        match self.meaning(object)? {
            Meaning::Parameter(parameter) => self.argument(parameter, Some(property)),
            Meaning::Value(value) if value.is("object") => self.props_of(object).get(self, property).value(),
            _ => self.field_value(self.origin(object)?.local?, property),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::meaning::words;
    use crate::model::{App, Model, Overlay};
    use crate::syntax::Syn;

    #[test]
    fn values_are_followed_through_fields_and_props() {
        let text = "import { Construct } from 'constructs';
class Keys extends Construct {
  readonly prefix: string;
  constructor(s: Construct, id: string) { super(s, id); this.prefix = `/${id}`; }
}
class User extends Construct {
  constructor(s: Construct, id: string, props: { prefix: string; config: { name: string } }) {
    super(s, id);
    const { prefix } = props;
    HERE(prefix, props.config.name, other);
  }
}
class Top extends Construct {
  constructor(s: Construct, id: string) {
    super(s, id);
    const keys = new Keys(this, 'Keys');
    const config = { name: 'n' };
    new User(this, 'User', { prefix: keys.prefix, config });
  }
}
";
        let overlay = Overlay::from([("/app/a.ts".into(), text.into())]);
        let app = App::new("/app".into(), Vec::new()).with(&overlay);
        let model = Model::new(&app);
        let root = Syn::root(model.cdk_files().next().unwrap());
        let here = root.at(words(root, "HERE").next().unwrap()).unwrap();
        let call = here.parent().unwrap();
        let sources: Vec<_> = call
            .field("arguments")
            .unwrap()
            .children()
            .map(|argument| model.source(argument).text())
            .collect();
        assert_eq!(sources, ["`/${id}`", "props.config.name", "other"]);
    }
}
