//! The simple commands of a shell text, word by word.

use std::ops::Range;

use tree_sitter::Node;

use super::shell::parse;

/// A simple command: a program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShellCommand {
    /// The program and its arguments; assignments and redirections left out.
    pub words: Vec<ShellWord>,
    /// Where it stands in the text.
    pub span: Range<usize>,
    /// Whether it is a statement by itself: no part of a list, a pipeline, a substitution or a redirection.
    pub alone: bool,
}

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

impl ShellCommand {
    /// The program's name without its folder.
    pub fn program(&self) -> &str {
        let first = self.words.first().map(ShellWord::value).unwrap_or_default();
        first.rsplit('/').next().unwrap_or(first)
    }

    /// The service and the operation of a command of the AWS CLI: `("lambda", "update-alias")`.
    pub fn aws(&self) -> Option<(&str, &str)> {
        if self.program() != "aws" {
            return None;
        }
        let mut plain = self.plain_words();
        Some((plain.next()?.value(), plain.next()?.value()))
    }

    /// The words behind the program that are neither options nor their values.
    fn plain_words(&self) -> impl Iterator<Item = &ShellWord> {
        let mut takes = false;
        self.words.iter().skip(1).filter(move |word| {
            let value = std::mem::take(&mut takes);
            takes =
                !value && word.text.starts_with("--") && !word.text.contains('=') && !is_switch(&word.text);
            !value && !word.text.starts_with('-')
        })
    }

    /// The value of an option: `--name x`, `--name=x`.
    pub fn option(&self, name: &str) -> Option<ShellWord> {
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            if word.text == name {
                return words.next().cloned();
            }
            if let Some(value) = word.text.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
                let start = word.span.end - value.len();
                return Some(ShellWord { text: value.to_owned(), span: start..word.span.end });
            }
        }
        None
    }

    /// The names of its options, in their order.
    pub fn options(&self) -> impl Iterator<Item = &str> {
        let long = self.words.iter().filter(|word| word.text.starts_with("--"));
        long.map(|word| word.text.split('=').next().unwrap_or_default())
    }
}

/// Global options of the AWS CLI that take no value.
fn is_switch(option: &str) -> bool {
    matches!(option, "--debug" | "--no-verify-ssl" | "--no-paginate" | "--no-sign-request" | "--no-cli-pager")
}

/// Every simple command of a text, those in substitutions and in `bash -c '…'` included, in source order; `None`
/// where the text cannot be parsed.
pub fn commands(text: &str) -> Option<Vec<ShellCommand>> {
    let tree = parse(text)?;
    let mut found = Vec::new();
    collect(tree.root_node(), text, 0, &mut found);
    Some(found)
}

fn collect(node: Node<'_>, text: &str, base: usize, found: &mut Vec<ShellCommand>) {
    if node.kind() == "command" {
        let command = command(node, text, base);
        nested(&command, found);
        found.push(command);
    }
    let mut cursor = node.walk();
    for child in node.named_children(&mut cursor) {
        collect(child, text, base, found);
    }
}

fn command(node: Node<'_>, text: &str, base: usize) -> ShellCommand {
    let mut cursor = node.walk();
    let parts = node
        .named_children(&mut cursor)
        .filter(|part| !matches!(part.kind(), "variable_assignment" | "file_redirect" | "comment"));
    let words = parts
        .map(|part| ShellWord {
            text: text.get(part.byte_range()).unwrap_or_default().to_owned(),
            span: part.start_byte() + base..part.end_byte() + base,
        })
        .collect();
    let assigns = node.named_child(0).is_some_and(|first| first.kind() == "variable_assignment");
    let own = node.parent().is_some_and(|parent| parent.kind() == "program");
    let background = node.next_sibling().is_some_and(|token| token.kind() == "&");
    ShellCommand {
        words,
        span: node.start_byte() + base..node.end_byte() + base,
        alone: own && base == 0 && !assigns && !background,
    }
}

/// The commands of `bash -c '…'`.
fn nested(command: &ShellCommand, found: &mut Vec<ShellCommand>) {
    let [_, flag, script, ..] = command.words.as_slice() else { return };
    let is_shell = matches!(command.program(), "bash" | "sh" | "dash");
    if !is_shell || !flag.text.starts_with('-') || !flag.text.ends_with('c') {
        return;
    }
    let inner = script.value();
    if inner.len() + 2 != script.text.len() || inner.contains('\\') {
        return;
    }
    if let Some(tree) = parse(inner) {
        // A base above 0 also says that nothing in it stands alone.
        collect(tree.root_node(), inner, script.span.start + 1, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_options_and_variables_are_told() {
        let text = "cd app && aws --region eu-west-1 lambda update-alias --function-name \"$FN\" --name=live --function-version ${V}";
        let found = commands(text).unwrap();
        assert_eq!(found.len(), 2);
        let aws = &found[1];
        assert_eq!(aws.aws(), Some(("lambda", "update-alias")));
        assert!(!aws.alone);
        assert_eq!(aws.option("--function-name").unwrap().variable(), Some("FN"));
        assert_eq!(aws.option("--name").unwrap().value(), "live");
        assert_eq!(text.get(aws.option("--name").unwrap().span), Some("live"));
        assert_eq!(aws.option("--function-version").unwrap().variable(), Some("V"));
        assert_eq!(
            aws.options().collect::<Vec<_>>(),
            ["--region", "--function-name", "--name", "--function-version"]
        );
    }

    #[test]
    fn commands_in_substitutions_and_inner_shells_are_found() {
        let found = commands("V=$(aws lambda publish-version --function-name f)\nbash -c 'npm ci && make x'")
            .unwrap();
        let programs: Vec<_> = found.iter().map(ShellCommand::program).collect();
        assert_eq!(programs, ["aws", "npm", "make", "bash"]);
        assert_eq!(
            found.iter().map(|command| command.alone).collect::<Vec<_>>(),
            [false, false, false, true]
        );
        assert_eq!(commands("if true; then"), None);
    }
}
