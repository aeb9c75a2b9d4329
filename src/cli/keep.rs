//! Answers of a review, kept in `wa-fix.toml` with everything else in it as it is.

use std::path::Path;
use std::sync::Arc;

use toml_edit::{Array, DocumentMut, Item, Table, Value};

use crate::edit::FileChange;
use crate::rule::AnswerType;

/// Keys of values that stand in `[environment]`.
const ENVIRONMENT: &str = "environment.";
/// The one of them that is a list.
const PRODUCTION: &str = "prod-values";

/// An answer to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// The key, as `--set` takes it.
    pub key: String,
    /// The answer, as it was typed.
    pub answer: String,
    /// What kind of answer.
    pub kind: AnswerType,
}

/// The change of the configuration that keeps some answers.
///
/// # Errors
/// A sentence that names the file: it cannot be read, or its `[values]` are no table.
pub(super) fn keep(file: &Path, path: String, answers: &[Kept]) -> Result<FileChange, String> {
    let before = match std::fs::read(file) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(format!("{path}: cannot be read: {error}")),
    };
    let text = before.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let after = with_answers(&text, answers).map_err(|why| format!("{path}: {why}"))?;
    Ok(FileChange {
        file: file.to_owned(),
        path,
        before: before.map(Arc::from),
        after: Arc::from(after.into_bytes()),
    })
}

/// The text of the configuration with some answers.
fn with_answers(text: &str, answers: &[Kept]) -> Result<String, String> {
    let mut document: DocumentMut =
        text.parse().map_err(|error| format!("is no TOML: {error}; mend it, then answer again"))?;
    let crlf = text.contains("\r\n");
    for kept in answers {
        let (table, key) = match kept.key.strip_prefix(ENVIRONMENT) {
            Some(key) => ("environment", key.replace('_', "-")),
            None => ("values", kept.key.clone()),
        };
        let item = document.entry(table).or_insert_with(|| Item::Table(Table::new()));
        let Some(table) = item.as_table_like_mut() else {
            return Err(format!("`{table}` is no table; make it one, then answer again"));
        };
        let mut value = value_of(kept, &key);
        // A comment behind the old answer stays.
        match table.get_mut(&key).and_then(Item::as_value_mut) {
            Some(old) => {
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            None => {
                table.insert(&key, Item::Value(value));
            }
        }
    }
    let text = document.to_string();
    Ok(if crlf { text.replace("\r\n", "\n").replace('\n', "\r\n") } else { text })
}

fn value_of(kept: &Kept, key: &str) -> Value {
    let parts = || kept.answer.split(',').map(str::trim).filter(|part| !part.is_empty());
    match kept.kind {
        AnswerType::Number { .. } => {
            kept.answer.trim().parse::<i64>().map_or_else(|_| Value::from(kept.answer.as_str()), Value::from)
        }
        kind if kind.is_list() || key == PRODUCTION => Value::Array(parts().collect::<Array>()),
        _ => Value::from(kept.answer.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::Config;

    fn kept(key: &str, answer: &str, kind: AnswerType) -> Kept {
        Kept { key: key.to_owned(), answer: answer.to_owned(), kind }
    }

    #[test]
    fn the_rest_of_the_file_stays_as_it_is() {
        let text =
            "# ours\n[rules]\nignore = [ \"2.8\" ] # slow\n\n[values]\ncost_center = \"1\"   # ask Ada\n";
        let after = with_answers(
            text,
            &[
                kept("cost_center", "4711", AnswerType::Text),
                kept("build_timeout_minutes", "20", AnswerType::NUMBER),
            ],
        );
        assert_eq!(
            after.unwrap(),
            "# ours\n[rules]\nignore = [ \"2.8\" ] # slow\n\n[values]\ncost_center = \"4711\"   # ask Ada\n\
             build_timeout_minutes = 20\n"
        );
    }

    #[test]
    fn what_is_kept_is_read_back() {
        let answers = [
            kept("allowed_origins", "https://a.example, https://b.example", AnswerType::Urls),
            kept("environment.context_key", "stage", AnswerType::Text),
            kept("environment.prod_values", "live,prod", AnswerType::Text),
        ];
        let text = with_answers("", &answers).unwrap();
        let values = Config::parse(&text).unwrap().values();
        assert_eq!(values["allowed_origins"], "https://a.example,https://b.example");
        assert_eq!(values["environment.context_key"], "stage");
        assert_eq!(values["environment.prod_values"], "live,prod");
    }

    #[test]
    fn values_that_are_no_table_are_refused() {
        assert!(with_answers("values = 1\n", &[kept("a", "b", AnswerType::Text)]).is_err());
    }
}
