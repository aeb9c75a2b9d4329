//! Texts with `@{…}` in them: messages, titles and code of custom rules.

use crate::detect::Refusal;
use crate::edit::{Builder, no_fix};
use crate::model::{Model, Site};
use crate::rule::{AnswerType, Meta, Question};
use crate::syntax::Syn;

/// A text, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pub parts: Vec<Part>,
}

/// A piece of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Hole(Hole),
}

/// What stands in `@{…}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hole {
    /// `@{capture}`: its text.
    Text(String),
    /// `@{capture.label}`: what a construct is called in messages.
    Label(String),
    /// `@{capture.name}`: by what name the code beside it reaches a construct.
    Name(String),
    /// `@{capture.scope}`: the scope that a construct is built in.
    Scope(String),
    /// `@{capture.props.name}`: the value of a property, as written.
    Prop(String, String),
    /// `@{capture.id:Suffix}`: the id, as code, of a construct that goes with it.
    Id(String, String),
    /// `@{cdk:aws_lambda.Tracing.ACTIVE}`: something of the CDK in the file's own words, imported where it is not.
    Cdk(String),
    /// `@{value:key}`: an answer, as code.
    Value(String),
}

impl Hole {
    /// The capture that it is about.
    pub(super) fn capture(&self) -> Option<&str> {
        match self {
            Self::Text(name)
            | Self::Label(name)
            | Self::Name(name)
            | Self::Scope(name)
            | Self::Prop(name, _)
            | Self::Id(name, _) => Some(name),
            Self::Cdk(_) | Self::Value(_) => None,
        }
    }

    /// Whether it can stand in a message, where nothing is changed.
    pub(super) fn is_said(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Label(_) | Self::Prop(..))
    }
}

impl Template {
    /// Reads a text; what is wrong with it is a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("@{") {
            let (inside, after) =
                after.split_once('}').ok_or_else(|| "`@{` is not closed; end it with `}`".to_owned())?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Hole(hole(inside.trim())?));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    /// The holes in it.
    pub(super) fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(hole) => Some(hole),
            Part::Text(_) => None,
        })
    }
}

fn hole(inside: &str) -> Result<Hole, String> {
    let forms = "`@{node}`, `@{node.label}`, `@{node.name}`, `@{node.scope}`, `@{node.props.x}`, `@{node.id:Suffix}`, \
                 `@{cdk:aws_sqs.Queue}` or `@{value:key}`";
    let known = match inside.split_once(':') {
        Some(("cdk", name)) => Some(Hole::Cdk(name.to_owned())),
        Some(("value", key)) => Some(Hole::Value(key.to_owned())),
        Some((node, suffix)) => {
            node.strip_suffix(".id").map(|node| Hole::Id(node.to_owned(), suffix.to_owned()))
        }
        None => match inside.split_once('.') {
            None if !inside.is_empty() => Some(Hole::Text(inside.to_owned())),
            Some((node, "label")) => Some(Hole::Label(node.to_owned())),
            Some((node, "name")) => Some(Hole::Name(node.to_owned())),
            Some((node, "scope")) => Some(Hole::Scope(node.to_owned())),
            Some((node, path)) => {
                path.strip_prefix("props.").map(|name| Hole::Prop(node.to_owned(), name.to_owned()))
            }
            None => None,
        },
    };
    known.ok_or_else(|| format!("`@{{{inside}}}` means nothing; write {forms}"))
}

/// The nodes of a match, by name.
pub(super) struct Captured<'a> {
    pub nodes: Vec<(String, Syn<'a>)>,
    pub rule: &'static Meta,
}

/// Captures with the names that a fix has given to their constructs.
pub(super) type Names = Vec<(String, String)>;

/// How much of a piece of code stands in a message.
const SAID: usize = 60;

impl<'a> Captured<'a> {
    pub(super) fn node(&self, name: &str) -> Option<Syn<'a>> {
        self.nodes.iter().find(|(own, _)| own == name).map(|(_, node)| *node)
    }

    fn site(&self, model: &Model<'a>, name: &str) -> Option<Site<'a>> {
        model.site_of(self.node(name)?)
    }

    /// A message: one paragraph, whatever the lines of the query.
    pub(super) fn say(&self, model: &Model<'a>, template: &Template) -> String {
        let mut text = String::new();
        for part in &template.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Hole(hole) => text.push_str(&self.said(model, hole).unwrap_or_else(|| "…".to_owned())),
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn said(&self, model: &Model<'a>, hole: &Hole) -> Option<String> {
        let node = self.node(hole.capture()?)?;
        let said = match hole {
            Hole::Label(name) => {
                self.site(model, name).map_or_else(|| node.text().to_owned(), |site| site.label())
            }
            Hole::Prop(name, prop) => {
                self.site(model, name)?.props(model).get(model, prop).value()?.text().to_owned()
            }
            _ => node.text().to_owned(),
        };
        let first = said.lines().next().unwrap_or_default();
        let short: String = first.chars().take(SAID).collect();
        Some(if short.len() < said.len() { format!("{short}…") } else { short })
    }

    /// Code: what the holes stand for is looked up, imported, named and asked for. `names` are those that the fix has given.
    pub(super) fn code(
        &self,
        b: &mut Builder<'_, 'a>,
        at: Syn<'a>,
        template: &Template,
        names: &mut Names,
    ) -> Result<String, Refusal> {
        let mut text = String::new();
        for part in &template.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Hole(hole) => text.push_str(&self.written(b, at, hole, names)?),
            }
        }
        Ok(dedented(&text))
    }

    fn written(
        &self,
        b: &mut Builder<'_, 'a>,
        at: Syn<'a>,
        hole: &Hole,
        names: &mut Names,
    ) -> Result<String, Refusal> {
        let site = |name: &str| {
            self.site(b.model, name)
                .ok_or_else(|| no_fix("the code there builds nothing", "change it by hand"))
        };
        match hole {
            Hole::Text(name) => {
                let node = self.node(name).ok_or_else(nothing_captured)?;
                Ok(node.text().to_owned())
            }
            Hole::Label(name) => Ok(site(name)?.label()),
            Hole::Scope(name) => Ok(b.scope_text(&site(name)?).to_owned()),
            Hole::Name(name) => match names.iter().find(|(own, _)| own == name) {
                Some((_, given)) => Ok(given.clone()),
                None => {
                    let given = name_of(b, &site(name)?)?;
                    names.push((name.clone(), given.clone()));
                    Ok(given)
                }
            },
            Hole::Id(name, suffix) => {
                let site = site(name)?;
                Ok(b.sibling_id(&site, suffix))
            }
            Hole::Prop(name, prop) => {
                let props = site(name)?.props(b.model);
                let value = props.get(b.model, prop).value();
                value.map(|value| value.text().to_owned()).ok_or_else(|| {
                    no_fix(
                        &format!("the value of {prop} cannot be followed"),
                        "write it in place, then run again",
                    )
                })
            }
            Hole::Cdk(name) => cdk(b, at, name),
            Hole::Value(key) => {
                let question = self.rule.asks.iter().find(|question| question.key == key.as_str());
                let question = question.ok_or_else(nothing_captured)?;
                answer(b, at, question)
            }
        }
    }
}

/// By what name the code beside a construct reaches it; one that has none gets one.
fn name_of<'a>(b: &mut Builder<'_, 'a>, site: &Site<'a>) -> Result<String, Refusal> {
    let statement = b.statement(site.node)?;
    let noun = site.class.rsplit('.').next().unwrap_or_default().to_lowercase();
    crate::fixes::security::named(b, site, statement, &noun).ok_or_else(|| {
        no_fix(
            "the construct is built inside another expression and has no name",
            "give it a variable of its own, then run again",
        )
    })
}

/// What the check of a rule file excludes.
fn nothing_captured() -> Refusal {
    no_fix("the rule names what its query does not capture", "mend the rule")
}

fn cdk<'a>(b: &mut Builder<'_, 'a>, at: Syn<'a>, name: &str) -> Result<String, Refusal> {
    let known = super::check::class_of(b.model.catalogue, name).is_some_and(|(class, member)| {
        b.model.has_class(&class) && member.is_none_or(|member| b.model.has_member(&class, &member))
    });
    if !known {
        return Err(no_fix(
            &format!("this release of CDK has no {name}, or it is not known which release this is"),
            "name a release in package.json that has it, then run again",
        ));
    }
    b.cdk(at, name)
}

/// An answer as code: a number, an array of strings, or a string, as the question wants it.
fn answer<'a>(b: &Builder<'_, 'a>, at: Syn<'a>, question: &Question) -> Result<String, Refusal> {
    let answer = b.value(question)?.trim();
    question.kind.check(answer).map_err(|why| {
        no_fix(&why, &format!("answer {} with one such as {}", question.key, question.example))
    })?;
    let style = b.style(at.file);
    Ok(match question.kind {
        AnswerType::Number { .. } => answer.parse::<u64>().unwrap_or_default().to_string(),
        kind if kind.is_list() => {
            let parts: Vec<String> = answer.split(',').map(|part| style.string(part.trim())).collect();
            format!("[{}]", parts.join(", "))
        }
        AnswerType::Choice(words) => {
            let word = words.iter().find(|word| word.eq_ignore_ascii_case(answer));
            style.string(word.copied().unwrap_or(answer))
        }
        _ => style.string(answer),
    })
}

/// Lines of a template in a query are indented as the query is: what they share goes.
fn dedented(text: &str) -> String {
    let text = text.trim();
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let shared = text.lines().skip(1).filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let lines: Vec<&str> = text
        .lines()
        .enumerate()
        .map(|(number, line)| if number == 0 { line } else { line.get(shared..).unwrap_or_default() })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_read() {
        let template = Template::parse("a @{fn.label} @{cdk:aws_sqs.Queue} @{fn.id:Queue} ${x}").unwrap();
        let holes: Vec<_> = template.holes().cloned().collect();
        assert_eq!(
            holes,
            [
                Hole::Label("fn".into()),
                Hole::Cdk("aws_sqs.Queue".into()),
                Hole::Id("fn".into(), "Queue".into())
            ]
        );
        for wrong in ["@{", "@{}", "@{a.b}", "@{a:b}"] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_indent_of_the_query_goes() {
        assert_eq!(dedented("new X({\n      a: 1,\n    })"), "new X({\n  a: 1,\n})");
    }
}
