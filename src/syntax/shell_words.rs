//! The words of a command as they are written, and what the AWS CLI takes them for.

use std::ops::Range;

use super::shell_command::Program;

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellWord {
    /// As written, with its quotes.
    pub text: String,
    /// Where it stands in the text.
    pub span: Range<usize>,
}

impl ShellWord {
    /// The word without the quotes around it.
    pub fn value(&self) -> &str {
        let inside = |quote: char| self.text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        inside('"').or_else(|| inside('\'')).unwrap_or(&self.text)
    }

    /// The variable that the word is, and nothing else: `NAME` of `$NAME`, `${NAME}` and `"$NAME"`.
    pub fn variable(&self) -> Option<&str> {
        let name = Some(self).filter(|word| !word.text.starts_with('\''))?.value().strip_prefix('$')?;
        let name = name.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(name);
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        plain.then_some(name)
    }
}

impl Program {
    /// The service and the operation of a command of the AWS CLI: `("lambda", "update-alias")`.
    pub fn aws(&self) -> Option<(&str, &str)> {
        if self.name() != "aws" {
            return None;
        }
        let mut takes = false;
        let mut plain = self.words.iter().skip(1).filter(|word| {
            let value = std::mem::take(&mut takes);
            takes = !value && word.starts_with("--") && !word.contains('=') && !is_switch(word);
            !value && !word.starts_with('-')
        });
        Some((plain.next()?, plain.next()?))
    }

    /// The value of an option, `--name x` or `--name=x`, in the text that the command is of.
    pub fn option(&self, text: &str, name: &str) -> Option<ShellWord> {
        let written = |span: &Range<usize>| {
            Some(ShellWord { text: text.get(span.clone())?.to_owned(), span: span.clone() })
        };
        let mut places = self.places.iter();
        while let Some(place) = places.next() {
            let word = written(place)?;
            if word.text == name {
                return written(places.next()?);
            }
            if let Some(value) = word.text.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                return written(&(place.end - value.len()..place.end));
            }
        }
        None
    }

    /// The names of its options, in their order.
    pub fn options(&self) -> impl Iterator<Item = &str> {
        let long = self.words.iter().filter(|word| word.starts_with("--"));
        long.map(|word| word.split('=').next().unwrap_or_default())
    }
}

/// Global options of the AWS CLI that take no value.
fn is_switch(option: &str) -> bool {
    matches!(option, "--debug" | "--no-verify-ssl" | "--no-paginate" | "--no-sign-request" | "--no-cli-pager")
}

#[cfg(test)]
mod tests {
    use crate::syntax::shell::programs;

    #[test]
    fn words_options_and_variables_are_told() {
        let text = "cd app && aws --region eu-west-1 lambda update-alias --function-name \"$FN\" --name=live --function-version ${V}";
        let found = programs(text).unwrap();
        assert_eq!(found.len(), 2);
        let aws = &found[1];
        assert_eq!(aws.aws(), Some(("lambda", "update-alias")));
        assert!(!aws.alone);
        assert_eq!(aws.option(text, "--function-name").unwrap().variable(), Some("FN"));
        assert_eq!(aws.option(text, "--name").unwrap().value(), "live");
        assert_eq!(text.get(aws.option(text, "--name").unwrap().span), Some("live"));
        assert_eq!(aws.option(text, "--function-version").unwrap().variable(), Some("V"));
        assert_eq!(
            aws.options().collect::<Vec<_>>(),
            ["--region", "--function-name", "--name", "--function-version"]
        );
    }

    #[test]
    fn a_statement_of_its_own_is_told_from_a_part_of_one() {
        let text = "npm ci\nV=$(aws lambda publish-version --function-name f)\nmake x && make y\nA=1 make z\nmake w &";
        let found = programs(text).unwrap();
        assert_eq!(
            found.iter().map(|program| program.alone).collect::<Vec<_>>(),
            [true, false, false, false, false, false]
        );
    }
}
