//! The environment discriminator as a fix may use it: found in the code, else configured.

use super::builder::{Builder, no_fix};
use crate::detect::Refusal;
use crate::model::environment::Step;
use crate::model::{Discriminator, Environment};
use crate::rule::{AnswerType, Question, Tier};
use crate::syntax::Syn;

/// `[environment]` of `wa-fix.toml`: an expression that is true in production wherever it is written.
pub const EXPRESSION: &str = "environment.expression";

/// `[environment]` of `wa-fix.toml`: what production is called, where the app does not say; comma-separated.
pub const PRODUCTION: &str = "environment.prod_values";

/// `[environment]` of `wa-fix.toml`: the CDK context key that says which environment is deployed.
pub const CONTEXT_KEY: Question = Question {
    key: "environment.context_key",
    ask: "Which CDK context key says which environment is deployed? Where it is not given, the stack counts as production.",
    kind: AnswerType::Text,
    example: "environment",
};

impl<'a> Builder<'_, 'a> {
    /// Which environment a place belongs to: as the code tells, else as it is configured.
    pub fn environment(&self, at: Syn<'a>) -> Environment<'a> {
        match self.model.environment(at) {
            Environment::None => self.configured(at).map_or(Environment::None, Environment::Known),
            Environment::Known(mut known) => {
                let named = self
                    .value_if_given(PRODUCTION)
                    .and_then(|values| values.split(',').next())
                    .map(str::trim);
                if let (true, Some(name), Some(old)) = (known.guessed, named, &known.production) {
                    let new = format!("'{name}'");
                    if let Some(start) = known.expression.strip_suffix(old.as_str()) {
                        known.expression = format!("{start}{new}");
                        known.production = Some(new);
                        known.guessed = false;
                    }
                }
                Environment::Known(known)
            }
            Environment::Guarded => Environment::Guarded,
        }
    }

    /// An expression that is true in production.
    ///
    /// # Errors
    /// [`Refusal::NeedsValue`] where nothing in scope tells and nothing is configured; [`Refusal::NoFix`] where
    /// the place belongs to one environment, or where a configured context key cannot be read.
    pub fn production(&self, at: Syn<'a>) -> Result<Discriminator<'a>, Refusal> {
        match self.environment(at) {
            Environment::Known(known) => Ok(known),
            Environment::Guarded => Err(no_fix(
                "the place belongs to one environment already",
                "set the value for that environment by hand",
            )),
            Environment::None => {
                self.value(&CONTEXT_KEY)?;
                Err(no_fix(
                    "the context cannot be read here: there is no construct's `this`",
                    "pass the environment to this place as a parameter, then run again",
                ))
            }
        }
    }

    fn configured(&self, at: Syn<'a>) -> Option<Discriminator<'a>> {
        let known = |expression: String, production: Option<String>| Discriminator {
            expression,
            production,
            step: Step::Configured,
            tier: Tier::Review,
            guessed: false,
            holder: None,
        };
        if let Some(expression) = self.value_if_given(EXPRESSION) {
            return Some(known(expression.to_owned(), None));
        }
        let key = self.value_if_given(CONTEXT_KEY.key).filter(|_| self.model.has_construct_this(at))?;
        let production = self
            .value_if_given(PRODUCTION)
            .and_then(|values| values.split(',').next())
            .map_or("prod", str::trim);
        // Not given means unchanged.
        let expression = format!("(this.node.tryGetContext('{key}') ?? '{production}') === '{production}'");
        Some(known(expression, Some(format!("'{production}'"))))
    }
}
