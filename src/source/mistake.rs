//! Where a TOML text is wrong, and what was probably meant.

/// What is wrong with a TOML text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong; for a misspelt key, what was probably meant.
    pub what: String,
}

impl Mistake {
    /// Reads an error of the parser.
    pub fn of(text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        let before = text.get(..at).unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
            what: format!("{}{}", error.message(), suggestion(error.message())),
        }
    }
}

/// "unknown field `selct`, expected one of `select`, …" becomes "; did you mean `select`?".
fn suggestion(message: &str) -> String {
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let [wrong, known @ ..] = words.as_slice() else { return String::new() };
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return String::new();
    }
    similar::get_close_matches(*wrong, known, 1, 0.5)
        .first()
        .map_or_else(String::new, |close| format!("; did you mean `{close}`?"))
}
