//! `schema`: the JSON schema of `wa-fix.toml`, generated from the definitions that read it.

use anyhow::Result;

use super::config::Config;

/// The schema as text.
pub(super) fn schema() -> Result<String> {
    let mut schema = schemars::schema_for!(Config);
    schema.insert("title".to_owned(), "wa-fix.toml".into());
    Ok(format!("{}\n", serde_json::to_string_pretty(&schema)?))
}
