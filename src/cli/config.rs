//! `wa-fix.toml`: found upwards from the path; an unknown key is an error with a place and a suggestion.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::edit::Values;
use crate::rule::{Impact, Tier};

/// The name of the file.
pub(crate) const NAME: &str = "wa-fix.toml";

/// What a project says of itself.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// Which rules run, and how.
    #[serde(default)]
    pub rules: Rules,
    /// Answers to questions of fixes.
    #[serde(default)]
    pub values: BTreeMap<String, toml::Value>,
    /// How to tell production from the rest.
    #[serde(default)]
    pub environment: Environment,
    /// Which files are looked at.
    #[serde(default)]
    pub paths: Paths,
    /// What `--prove` runs.
    #[serde(default)]
    pub proof: Proof,
}

/// `[proof]`. Nothing of it is run unless `--prove` asks for it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Proof {
    /// What `--prove` without a value runs: a command, `tsc` or `synth`.
    pub command: Option<String>,
    /// How many seconds a check may take.
    pub timeout: Option<u64>,
}

/// `[rules]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Rules {
    /// Only these, as with `--select`.
    #[serde(default)]
    pub select: Vec<String>,
    /// Not these, as with `--ignore`.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// As `--min-impact`.
    pub min_impact: Option<Impact>,
    /// As `--tier`.
    pub tier: Option<Tier>,
}

/// `[environment]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Environment {
    /// An expression that is true in production, written where a construct is built.
    pub expression: Option<String>,
    /// A context key that names the environment.
    pub context_key: Option<String>,
    /// The names of production.
    #[serde(default)]
    pub prod_values: Vec<String>,
}

/// `[paths]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Paths {
    /// Globs to leave out, as in a `.gitignore`.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Whether tests are read.
    #[serde(default)]
    pub tests: bool,
}

impl Config {
    /// The file given, else the nearest upwards from `start`.
    pub(crate) fn locate(given: Option<&Path>, start: &Path) -> Option<PathBuf> {
        given.map(Path::to_owned).or_else(|| find(start))
    }

    /// Reads a file; without one, nothing is configured.
    ///
    /// # Errors
    /// A text of one or more lines: what, where, what to do.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, String> {
        let Some(file) = file else {
            return Ok(Self::default());
        };
        let shown = file.display();
        let bytes = std::fs::read(file).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("{shown}: does not exist; name a file that exists with --config")
            }
            _ => format!("{shown}: cannot be read: {error}; name a readable file with --config"),
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            format!("{shown}: is not UTF-8 (first bad byte at offset {at}); convert it, then run again")
        })?;
        let config = Self::parse(&text).map_err(|what| format!("{shown}: {what}"))?;
        config.check_globs().map_err(|what| format!("{shown}: {what}"))?;
        Ok(config)
    }

    /// Refuses a glob that no file could match.
    fn check_globs(&self) -> Result<(), String> {
        let mut globs = ignore::overrides::OverrideBuilder::new("/");
        for glob in &self.paths.exclude {
            globs
                .add(&format!("!{glob}"))
                .map_err(|error| format!("`{glob}` in [paths] exclude is no glob: {error}; mend it"))?;
        }
        Ok(())
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// What is wrong, with line and column and, for a misspelt key, what was probably meant.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            format!("line {line}, column {column}: {}{}", error.message(), suggestion(error.message()))
        })
    }

    /// The answers, with those of `[environment]` under `environment.*`.
    pub(crate) fn values(&self) -> Values {
        let mut values: Values = self.values.iter().map(|(key, value)| (key.clone(), plain(value))).collect();
        let environment = &self.environment;
        let more = [
            ("environment.expression", environment.expression.clone()),
            ("environment.context_key", environment.context_key.clone()),
            (
                "environment.prod_values",
                (!environment.prod_values.is_empty()).then(|| environment.prod_values.join(",")),
            ),
        ];
        values.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        values
    }
}

/// A value as `--set` would have it: lists joined by commas.
fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn find(start: &Path) -> Option<PathBuf> {
    start.ancestors().map(|folder| folder.join(NAME)).find(|file| file.is_file())
}

/// "unknown field `selct`, expected one of `select`, …" becomes "; did you mean `select`?".
fn suggestion(message: &str) -> String {
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let [wrong, known @ ..] = words.as_slice() else { return String::new() };
    if !message.starts_with("unknown field") {
        return String::new();
    }
    similar::get_close_matches(*wrong, known, 1, 0.5)
        .first()
        .map_or_else(String::new, |close| format!("; did you mean `{close}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_has_a_place_and_a_suggestion() {
        let error = Config::parse("[rules]\nselct = [\"2.6\"]\n").unwrap_err();
        assert!(error.contains("line 2, column 1") && error.contains("did you mean `select`?"), "{error}");
    }

    #[test]
    fn values_read_as_they_would_be_typed() {
        let config = Config::parse(
            "[values]\nallowed_origins = [\"https://a.example\", \"https://b.example\"]\nretention = 7\n\
             [environment]\ncontext-key = \"stage\"\n",
        )
        .unwrap();
        let values = config.values();
        assert_eq!(values["allowed_origins"], "https://a.example,https://b.example");
        assert_eq!(values["retention"], "7");
        assert_eq!(values["environment.context_key"], "stage");
    }
}
