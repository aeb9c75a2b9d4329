//! Which names and words speak of environments, and which of production.

/// How production is called, lower-case.
const PRODUCTION: [&str; 4] = ["prod", "production", "prd", "live"];

/// The same as words that stand in the text of a file.
pub(super) const SPELLINGS: [&str; 10] =
    ["prod", "production", "prd", "live", "Prod", "Production", "PROD", "PRODUCTION", "PRD", "LIVE"];

/// Whether a literal names production.
pub fn is_production(value: &str) -> bool {
    PRODUCTION.contains(&value.to_lowercase().as_str())
}

pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| *c != '_' && *c != '-').map(|c| c.to_ascii_lowercase()).collect()
}

/// How surely a name holds an environment: the lowest is the surest; `None` for other names.
pub(super) fn rank(name: &str) -> Option<u8> {
    let name = plain(name);
    Some(match name.as_str() {
        "environmentsuffix" => 0,
        _ if name.starts_with("env") && name.ends_with("suffix") => 1,
        "environment" | "environmentname" => 2,
        "env" | "envname" => 3,
        "deployenv"
        | "appenv"
        | "deployenvironment"
        | "deploymentenvironment"
        | "targetenv"
        | "targetenvironment"
        | "envtype"
        | "environmenttype" => 4,
        "stage" | "stagename" | "deploymentstage" | "deploystage" => 5,
        "tier" => 6,
        _ => return None,
    })
}

/// Whether a name says "this is production": `isProd`, `isProduction`, `forProd`, `isProdEnv`.
pub(super) fn is_boolean_name(name: &str) -> bool {
    let name = plain(name);
    let rest = ["is", "in", "for"].iter().find_map(|start| name.strip_prefix(start)).unwrap_or(&name);
    let Some(rest) = rest.strip_prefix("production").or_else(|| rest.strip_prefix("prod")) else {
        return false;
    };
    matches!(
        rest,
        "" | "env" | "environment" | "stage" | "account" | "deployment" | "deploy" | "mode" | "like"
    )
}

/// Whether a name speaks of an environment at all: also `isDev`, `isNonProd`.
pub(super) fn is_environment_word(name: &str) -> bool {
    let lower = plain(name);
    let rest = lower.strip_prefix("is").unwrap_or_default();
    rank(name).is_some()
        || is_boolean_name(name)
        || matches!(
            rest.trim_end_matches("env").trim_end_matches("stage"),
            "dev"
                | "development"
                | "nonprod"
                | "nonproduction"
                | "staging"
                | "test"
                | "local"
                | "qa"
                | "sandbox"
        )
}
