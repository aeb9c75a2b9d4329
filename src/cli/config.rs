//! `wa-fix.toml`: found upwards from the path; an unknown key is an error with a place and a suggestion. The definitions
//! are the JSON schema, too (`wa-fix schema`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::edit::Values;
use crate::plan::scope::Place;
use crate::rule::{Impact, Tier};
use crate::source::Mistake;

/// The name of the file.
pub(crate) const NAME: &str = "wa-fix.toml";

/// What a project says of itself.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// Another file, relative to this one, that says what this one does not. Lists here replace lists there; overrides
    /// here come after those there.
    pub extends: Option<String>,
    /// Which rules run, and how.
    #[serde(default)]
    pub rules: Rules,
    /// Answers to questions of fixes.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Answer>")]
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
    /// What holds for some files only; later ones win.
    #[serde(default)]
    pub overrides: Vec<Override>,
}

/// `[proof]`. Nothing of it is run unless `--prove` asks for it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Proof {
    /// What `--prove` without a value runs: a command, `tsc` or `synth`.
    pub command: Option<String>,
    /// How many seconds a check may take.
    pub timeout: Option<u64>,
}

/// An answer as it may stand in `[values]`.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "states the form for the schema; the file is read as TOML has it")]
enum Answer {
    /// A word or words.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// Several words.
    List(Vec<String>),
}

/// One of `[[overrides]]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Override {
    /// Globs as in a `.gitignore`, from the folder of the file.
    pub paths: Vec<String>,
    /// Rules that are off there, as with `--ignore`.
    #[serde(default)]
    pub ignore: Vec<String>,
    /// Findings below this impact are not reported there.
    pub min_impact: Option<Impact>,
    /// Other tiers for the fixes of rules there.
    #[serde(default)]
    pub tiers: BTreeMap<String, Tier>,
}

/// `[rules]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
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
    /// Other tiers for the fixes of rules, named as for `--select`.
    #[serde(default)]
    pub tiers: BTreeMap<String, Tier>,
    /// Folders of custom rules, relative to this file and inside its folder.
    #[serde(default)]
    pub custom: Vec<String>,
}

/// `[environment]`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
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
        let mut table = toml::Table::new();
        let mut next = Some(file.to_owned());
        let mut seen: Vec<PathBuf> = Vec::new();
        while let Some(file) = next.take() {
            let shown = file.display();
            let place = std::fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
            if seen.contains(&place) {
                return Err(format!(
                    "{shown}: extends itself through {} files; break the circle",
                    seen.len()
                ));
            }
            seen.push(place);
            let text = text_of(&file)?;
            let one = Self::parse(&text).map_err(|what| format!("{shown}: {what}"))?;
            one.places(Path::new("/"))
                .and_then(|_| one.check_globs())
                .map_err(|what| format!("{shown}: {what}"))?;
            next = one.extends.as_ref().map(|other| file.parent().unwrap_or(Path::new("")).join(other));
            let mut below = text.parse().map_err(|error| format!("{shown}: {error}"))?;
            place_folders(&mut below, &one.rules.custom, &file).map_err(|what| format!("{shown}: {what}"))?;
            table = over(below, table);
        }
        table.try_into().map_err(|error: toml::de::Error| format!("{}: {}", file.display(), error.message()))
    }

    /// `[[overrides]]` with their globs read, from a folder on.
    ///
    /// # Errors
    /// A glob that is none.
    pub(crate) fn places(&self, folder: &Path) -> Result<Vec<Place>, String> {
        self.overrides
            .iter()
            .map(|one| {
                let mut globs = ignore::overrides::OverrideBuilder::new(folder);
                for glob in &one.paths {
                    globs.add(glob).map_err(|error| {
                        format!("`{glob}` in [[overrides]] paths is no glob: {error}; mend it")
                    })?;
                }
                Ok(Place {
                    globs: globs
                        .build()
                        .map_err(|error| format!("[[overrides]] paths: {error}; mend them"))?,
                    ignore: one.ignore.clone(),
                    min_impact: one.min_impact,
                    tiers: one.tiers.clone().into_iter().collect(),
                })
            })
            .collect()
    }

    /// Every selector that stands in `tiers` and `[[overrides]]`.
    pub(crate) fn selectors(&self) -> impl Iterator<Item = &String> {
        let own = self.rules.tiers.keys();
        own.chain(self.overrides.iter().flat_map(|one| one.ignore.iter().chain(one.tiers.keys())))
    }

    /// Refuses a glob that no file could match.
    fn check_globs(&self) -> Result<(), String> {
        let mut globs = ignore::gitignore::GitignoreBuilder::new("/");
        globs.allow_unclosed_class(false);
        for glob in &self.paths.exclude {
            globs
                .add_line(None, glob)
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
            let Mistake { line, column, what } = Mistake::of(text, &error);
            format!("line {line}, column {column}: {what}")
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

/// Makes the folders of custom rules absolute: a file that extends this one may lie elsewhere.
///
/// # Errors
/// A folder that is not there, or that does not lie in the folder of the configuration.
fn place_folders(table: &mut toml::Table, folders: &[String], file: &Path) -> Result<(), String> {
    let home = file.parent().filter(|home| !home.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let home = std::fs::canonicalize(home).map_err(|error| error.to_string())?;
    let mut placed = Vec::new();
    for folder in folders {
        let named = format!("`{folder}` under `custom` in [rules]");
        let place = std::fs::canonicalize(home.join(folder))
            .ok()
            .filter(|place| place.is_dir())
            .ok_or_else(|| format!("{named} is no folder; make it, or name another"))?;
        if !place.starts_with(&home) {
            return Err(format!(
                "{named} lies outside the folder of the configuration; move the rules into it"
            ));
        }
        let Some(place) = place.to_str() else {
            return Err(format!("{named} has a path that is not UTF-8; rename it"));
        };
        placed.push(toml::Value::from(place));
    }
    if let Some(rules) = table.get_mut("rules").and_then(toml::Value::as_table_mut)
        && !placed.is_empty()
    {
        rules.insert("custom".to_owned(), toml::Value::Array(placed));
    }
    Ok(())
}

/// The text of a file.
fn text_of(file: &Path) -> Result<String, String> {
    let shown = file.display();
    let bytes = std::fs::read(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("{shown}: does not exist; name a file that exists with --config or `extends`")
        }
        _ => format!("{shown}: cannot be read: {error}; name a readable file with --config or `extends`"),
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("{shown}: is not UTF-8 (first bad byte at offset {at}); convert it, then run again")
    })
}

/// One table over another: what it says wins, tables are joined, overrides of both stay in order.
fn over(mut below: toml::Table, above: toml::Table) -> toml::Table {
    for (key, value) in above {
        let joined = match (below.remove(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => toml::Value::Table(over(old, new)),
            (Some(toml::Value::Array(mut old)), toml::Value::Array(new)) if key == "overrides" => {
                old.extend(new);
                toml::Value::Array(old)
            }
            (_, value) => value,
        };
        below.insert(key, joined);
    }
    below
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
