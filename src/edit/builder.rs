//! Makes the edits of one fix. Rules speak nodes; this is where nodes become bytes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::style::{line_indent, line_start};
use super::text::{Edit, EditSet};
use crate::detect::Refusal;
use crate::model::meaning::words;
use crate::model::{Model, statement_of};
use crate::rule::Question;
use crate::source::Language;
use crate::syntax::{Parsed, Style, Syn};

/// Answers to questions that only a person can answer, by key.
pub type Values = BTreeMap<String, String>;

/// What one fix does to the app: all of it or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Edits of files that exist, by absolute path.
    pub edits: BTreeMap<PathBuf, EditSet>,
    /// Files to create, by absolute path.
    pub creates: BTreeMap<PathBuf, Arc<str>>,
    /// New texts of documents that exist, by absolute path.
    pub rewrites: BTreeMap<PathBuf, Arc<str>>,
    /// Whether it took names that another fix of the same file might take as well.
    pub takes_names: bool,
}

impl Proposal {
    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.creates.is_empty() && self.rewrites.is_empty() && self.edits.values().all(EditSet::is_empty)
    }
}

/// Marks an id among the names that a fix has taken: an id is no obstacle to a name.
const ID: &str = "#";

/// Makes the edits of one fix.
pub struct Builder<'m, 'a> {
    /// The app's meaning, as it was before the fix.
    pub model: &'m Model<'a>,
    values: &'m Values,
    pub(super) proposal: Proposal,
    /// Names and ids this fix has taken, so that it does not take them twice.
    taken: Vec<String>,
    /// What this fix imports.
    pub(super) pending: super::imports::Pending<'a>,
    /// Constructs that this fix has given a name.
    pub(super) names_given: Vec<(Syn<'a>, String)>,
    failure: Option<Refusal>,
}

impl<'m, 'a> Builder<'m, 'a> {
    /// A builder without edits.
    pub fn new(model: &'m Model<'a>, values: &'m Values) -> Self {
        Self {
            model,
            values,
            proposal: Proposal::default(),
            taken: Vec::new(),
            pending: super::imports::Pending::default(),
            names_given: Vec::new(),
            failure: None,
        }
    }

    /// The finished fix.
    ///
    /// # Errors
    /// A [`Refusal`] if two of its edits collide or it does nothing.
    pub fn finish(mut self) -> Result<Proposal, Refusal> {
        self.write_imports();
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if self.proposal.is_empty() {
            return Err(no_fix("the fix would change nothing", "report this as a fault of wa-fix"));
        }
        Ok(self.proposal)
    }

    /// The answer to a question.
    ///
    /// # Errors
    /// [`Refusal::NeedsValue`] if it has not been answered.
    pub fn value(&self, question: &Question) -> Result<&'m str, Refusal> {
        self.values.get(question.key).map(String::as_str).ok_or_else(|| Refusal::NeedsValue {
            key: question.key.to_owned(),
            ask: question.ask.to_owned(),
            example: question.example.to_owned(),
        })
    }

    /// The answer to a question, if there is one.
    pub fn value_if_given(&self, key: &str) -> Option<&'m str> {
        self.values.get(key).map(String::as_str)
    }

    /// The habits of a file.
    pub fn style(&self, file: &Parsed) -> Style {
        file.style()
    }

    /// `: T` behind a name, in a file whose language has types; nothing in JavaScript.
    pub fn annotation(&self, file: &Parsed, written: &str) -> String {
        if Language::has_types(&file.path) { format!(": {written}") } else { String::new() }
    }

    /// Replaces a node by code.
    pub fn replace(&mut self, node: Syn<'a>, code: &str) {
        let style = self.style(node.file);
        let base = line_indent(&node.file.text, node.start());
        let text = style.adapt(code, base);
        self.edit(node.file, node.start()..node.end(), text);
    }

    /// Removes a statement with its line, and the comments right above it.
    pub fn remove_statement(&mut self, statement: Syn<'a>) {
        let text = &statement.file.text;
        let start = leading_start(statement);
        let rest = text.get(statement.end()..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
        let alone = text.get(line_start(text, start)..start).is_some_and(|before| before.trim().is_empty());
        if alone && rest.get(blank..).is_some_and(|rest| rest.starts_with('\n')) {
            self.edit(statement.file, line_start(text, start)..statement.end() + blank + 1, String::new());
        } else {
            self.edit(statement.file, start..statement.end(), String::new());
        }
    }

    /// Moves a statement, with the comments right above it, before another of the same file that is indented less.
    pub fn move_before(&mut self, statement: Syn<'a>, target: Syn<'a>) {
        let style = self.style(statement.file);
        let text = &statement.file.text;
        let start = leading_start(statement);
        let (from, to) = (line_indent(text, start), line_indent(text, target.start()));
        let code = text.get(start..statement.end()).unwrap_or_default();
        let code = code.replace(&format!("\n{from}"), &format!("\n{to}"));
        let at = line_start(text, leading_start(target));
        self.edit(statement.file, at..at, format!("{to}{code}{}{}", style.eol, style.eol));
        let rest = text.get(statement.end()..).unwrap_or_default();
        let mut lines = rest.split_inclusive('\n');
        let ends_line = lines.next().is_some_and(|line| line.trim().is_empty());
        let above = text.get(..line_start(text, start)).unwrap_or_default();
        let apart = above.trim_end().ends_with('{') || ends_blank(above);
        if ends_line && apart && lines.next().is_some_and(|line| line.trim().is_empty()) {
            // It stood apart: one of the empty lines goes as well.
            let end = statement.end() + rest.split_inclusive('\n').take(2).map(str::len).sum::<usize>();
            self.edit(statement.file, line_start(text, start)..end, String::new());
        } else {
            self.remove_statement(statement);
        }
    }

    /// Removes a comment: with its line where it has one of its own, else with the spaces before it.
    pub fn remove_comment(&mut self, comment: Syn<'a>) {
        let text = &comment.file.text;
        let line = line_start(text, comment.start());
        let before = text.get(line..comment.start()).unwrap_or_default();
        let rest = text.get(comment.end()..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
        if before.trim().is_empty() && rest.get(blank..).is_some_and(|rest| rest.starts_with('\n')) {
            self.edit(comment.file, line..comment.end() + blank + 1, String::new());
        } else {
            self.edit(comment.file, line + before.trim_end().len()..comment.end(), String::new());
        }
    }

    /// Removes a node of a YAML file: with its line where it has one of its own, else up to the next of its list.
    pub fn remove_line(&mut self, node: Syn<'a>) {
        let text = &node.file.text;
        let line = line_start(text, node.start());
        let end = text
            .get(node.end()..)
            .and_then(|rest| rest.find('\n'))
            .map_or(text.len(), |length| node.end() + length + 1);
        let alone = text.get(line..node.start()).is_some_and(|before| before.trim().is_empty());
        let next = node.node.next_named_sibling().filter(|next| next.kind() == node.kind());
        let span = match next {
            Some(next) if !alone => node.start()..next.start_byte(),
            _ => line..end,
        };
        self.edit(node.file, span, String::new());
    }

    /// Inserts statements before another, above the comments that belong to it.
    pub fn insert_before(&mut self, statement: Syn<'a>, code: &str) {
        let style = self.style(statement.file);
        let text = &statement.file.text;
        let at = leading_start(statement);
        let base = line_indent(text, at).to_owned();
        let line = line_start(text, at);
        let above = text.get(..line).unwrap_or_default();
        let code = style.adapt(code, &base);
        if text.get(line..at).is_some_and(|before| !before.trim().is_empty()) {
            // Another statement stands on the same line.
            self.edit(statement.file, at..at, format!("{code}{}{base}", style.eol));
            return;
        }
        // Several lines stand apart from their neighbours, but not from the brace that opens the block.
        let several = code.contains('\n');
        let touches = !ends_blank(above) && !above.trim_end().ends_with('{') && !above.trim_end().is_empty();
        let lead = if several && touches { style.eol } else { "" };
        let gap = if several || ends_blank(above) { style.eol } else { "" };
        self.edit(statement.file, line..line, format!("{lead}{base}{code}{}{gap}", style.eol));
    }

    /// Inserts statements after another, behind a comment on the same line.
    pub fn insert_after(&mut self, statement: Syn<'a>, code: &str) {
        let style = self.style(statement.file);
        let text = &statement.file.text;
        let base = line_indent(text, statement.start()).to_owned();
        let at = trailing_end(text, statement.end());
        let below = text.get(at..).unwrap_or_default();
        let several = code.contains('\n');
        let mut next = below.split('\n').skip(1);
        let next = next.next().map(str::trim);
        let gap = if several || next == Some("") { style.eol } else { "" };
        let tail = if several && next.is_some_and(|next| !next.is_empty() && !next.starts_with('}')) {
            style.eol
        } else {
            ""
        };
        let code = format!("{}{gap}{base}{}{tail}", style.eol, style.adapt(code, &base));
        self.edit(statement.file, at..at, code);
    }

    /// Inserts statements right below another that they go on from, behind a comment on the same line.
    pub fn insert_below(&mut self, statement: Syn<'a>, code: &str) {
        let style = self.style(statement.file);
        let text = &statement.file.text;
        let base = line_indent(text, statement.start()).to_owned();
        let at = trailing_end(text, statement.end());
        let code = format!("{}{base}{}", style.eol, style.adapt(code, &base));
        self.edit(statement.file, at..at, code);
    }

    /// Inserts an element before another of an array, above the comments that belong to it.
    pub fn insert_element_before(&mut self, element: Syn<'a>, code: &str) {
        let style = self.style(element.file);
        let text = &element.file.text;
        let at = leading_start(element);
        let alone = text.get(line_start(text, at)..at).is_some_and(|before| before.trim().is_empty());
        let base = line_indent(text, at).to_owned();
        let code = style.adapt(code, &base);
        if alone {
            self.edit(element.file, at..at, format!("{code},{}{base}", style.eol));
        } else {
            self.insert_on_line(element, &code, true);
        }
    }

    /// Inserts an element behind another of an array: on a line of its own where they have, else on the same line,
    /// which is broken where it gets too long.
    pub fn insert_element_after(&mut self, element: Syn<'a>, code: &str) {
        let style = self.style(element.file);
        let text = &element.file.text;
        let base = line_indent(text, element.start()).to_owned();
        let code = style.adapt(code, &base);
        let line = line_start(text, element.start());
        if text.get(line..element.start()).is_some_and(|before| before.trim().is_empty()) {
            let comma = element.node.next_sibling().filter(|token| token.kind() == ",");
            if comma.is_none() {
                self.edit(element.file, element.end()..element.end(), ",".to_owned());
            }
            let end = comma.map_or(element.end(), |comma| comma.end_byte());
            let at = trailing_end(text, end);
            let tail = if comma.is_some() { "," } else { "" };
            self.edit(element.file, at..at, format!("{}{base}{code}{tail}", style.eol));
            return;
        }
        self.insert_on_line(element, &code, false);
    }

    /// Inserts an element beside another that shares its line with the rest of the array, which is broken where
    /// it gets too long.
    fn insert_on_line(&mut self, element: Syn<'a>, code: &str, before: bool) {
        let text = &element.file.text;
        let line = line_start(text, element.start());
        let length =
            text.get(line..).and_then(|rest| rest.lines().next()).map_or(0, |line| line.trim().len());
        let array = element.parent().filter(|array| {
            array.is("array")
                && !array.text().contains('\n')
                && !array.tokens().any(|token| token.is("comment"))
        });
        let wide = code.contains('\n') || self.fits(element, 0, length + code.len() + 2);
        let Some(array) = array.filter(|_| !wide) else {
            let (at, code) = if before {
                (element.start(), format!("{code}, "))
            } else {
                (element.end(), format!(", {code}"))
            };
            self.edit(element.file, at..at, code);
            return;
        };
        let mut elements: Vec<&str> = Vec::new();
        for other in array.children() {
            let here = other == element;
            elements.extend((here && before).then_some(code));
            elements.push(other.text());
            elements.extend((here && !before).then_some(code));
        }
        let flat = format!("[{}]", elements.join(", "));
        let tall = format!("[\n  {},\n]", elements.join(",\n  "));
        let pair = array.parent().filter(|pair| pair.is("pair"));
        let key = pair.and_then(crate::model::props::key_of);
        let object = pair.and_then(Syn::parent).filter(|object| !object.text().contains('\n'));
        match (object, key) {
            (Some(object), Some(key)) => {
                let fits = self.fits(object, 1, key.len() + flat.len() + 3);
                self.set_entries(object, &[(key, if fits { flat } else { tall })]);
            }
            _ => self.replace(array, &tall),
        }
    }

    /// Inserts lines of a YAML file behind the line on which `end` stands, in the indent of the line of `start`: an
    /// item of a list, a line of a script.
    pub fn insert_lines_after(&mut self, node: Syn<'a>, start: usize, end: usize, code: &str) {
        let style = self.style(node.file);
        let text = &node.file.text;
        let base = line_indent(text, start).to_owned();
        let line = text.get(end..).and_then(|rest| rest.split('\n').next()).unwrap_or_default();
        let at = end + line.trim_end_matches('\r').len();
        let code = code.replace('\n', &format!("{}{base}", style.eol));
        self.edit(node.file, at..at, format!("{}{base}{code}", style.eol));
    }

    /// Inserts lines of a YAML file before the one on which `at` stands, in its indent and above the comments there.
    pub fn insert_lines_before(&mut self, node: Syn<'a>, at: usize, code: &str) {
        let style = self.style(node.file);
        let text = &node.file.text;
        let base = line_indent(text, at).to_owned();
        let mut start = line_start(text, at);
        loop {
            let above = start.checked_sub(1).map(|end| line_start(text, end)..end);
            match above.and_then(|line| Some((line.start, text.get(line)?))) {
                Some((line, comment)) if comment.trim_start().starts_with('#') => start = line,
                _ => break,
            }
        }
        let code = code.replace('\n', &format!("{}{base}", style.eol));
        self.edit(node.file, start..start, format!("{base}{code}{}", style.eol));
    }

    /// Adds a string behind the last item of an array literal or of a YAML sequence, as the others are written.
    pub fn append_item(&mut self, list: Syn<'a>, value: &str) {
        let style = self.style(list.file);
        let Some(last) = list.children().last() else {
            let code = format!("[{}]", style.string(value));
            self.edit(list.file, list.start()..list.end(), code);
            return;
        };
        let text = &list.file.text;
        if list.is("block_sequence") {
            let indent = line_indent(text, last.start()).to_owned();
            let item = last.text().trim_end();
            let quote = item.chars().last().filter(|c| matches!(c, '\'' | '"')).map(String::from);
            let quote = quote.unwrap_or_default();
            let at = last.start() + item.len();
            self.edit(list.file, at..at, format!("{}{indent}- {quote}{value}{quote}", style.eol));
            return;
        }
        let item = if list.is("array") { style.string(value) } else { format!("'{value}'") };
        self.insert_argument_after(last, &item);
    }

    /// Adds lines at the end of a YAML mapping, at its own indentation.
    pub fn append_yaml(&mut self, mapping: Syn<'a>, lines: &str) {
        let style = self.style(mapping.file);
        let indent = line_indent(&mapping.file.text, mapping.start());
        let at = mapping.start() + mapping.text().trim_end().len();
        let code = lines.lines().fold(String::new(), |code, line| code + style.eol + indent + line);
        self.edit(mapping.file, at..at, code);
    }

    /// Inserts an argument behind the last one of a call: on its line, or on one of its own where they have.
    pub fn insert_argument_after(&mut self, argument: Syn<'a>, code: &str) {
        let style = self.style(argument.file);
        let text = &argument.file.text;
        let base = line_indent(text, argument.start()).to_owned();
        let alone = text
            .get(line_start(text, argument.start())..argument.start())
            .is_some_and(|before| before.trim().is_empty());
        let gap = if alone { format!("{}{base}", style.eol) } else { " ".to_owned() };
        let code = format!(",{gap}{}", style.adapt(code, &base));
        self.edit(argument.file, argument.end()..argument.end(), code);
    }

    /// Creates a file, with `\n` line ends.
    pub fn create(&mut self, file: PathBuf, text: &str) {
        self.proposal.creates.insert(file, text.into());
    }

    /// Gives a document that exists (Markdown and the like, which wa-fix does not parse) a new text.
    pub fn rewrite(&mut self, file: PathBuf, text: &str) {
        self.proposal.rewrites.insert(file, text.into());
    }

    /// Replaces bytes of a file of another kind (YAML, JSON), or inside a string literal.
    pub fn splice(&mut self, node: Syn<'a>, span: std::ops::Range<usize>, text: &str) {
        self.edit(node.file, span, text.to_owned());
    }

    /// A name that nothing in the file has, from candidates in order of preference.
    pub fn fresh_name(&mut self, file: &'a Parsed, candidates: &[&str]) -> String {
        let root = Syn::root(file);
        let free = |name: &str, taken: &[String]| {
            words(root, name).next().is_none() && !taken.iter().any(|other| other == name)
        };
        self.fresh("", candidates, free)
    }

    /// A construct id that nothing in the class around `at` uses, from candidates in order of preference.
    pub fn fresh_id(&mut self, at: Syn<'a>, candidates: &[&str]) -> String {
        let within =
            at.ancestors().find(|node| crate::model::meaning::is_class(*node)).unwrap_or(Syn::root(at.file));
        let free = |name: &str, taken: &[String]| {
            let used = words(within, name).any(|span| {
                let quote = |at: Option<usize>| {
                    at.and_then(|at| at_byte(within.file, at)).is_some_and(|b| b"'\"`".contains(&b))
                };
                quote(span.start.checked_sub(1)) && quote(Some(span.end))
            });
            !used && !taken.iter().any(|other| other.strip_prefix(ID) == Some(name))
        };
        self.fresh(ID, candidates, free)
    }

    /// The id, as code, of a construct that goes with another: its id and a suffix in `PascalCase`, or in
    /// `kebab-case` where the id is. An id that is computed, as in a loop, stays computed.
    pub fn sibling_id(&mut self, site: &crate::model::Site<'a>, suffix: &str) -> String {
        self.id_after(site.node, site.id(), suffix)
    }

    /// As [`Builder::sibling_id`], for a construct that a method builds at a node: from the argument that is its id.
    pub fn id_after(&mut self, at: Syn<'a>, id: Option<Syn<'a>>, suffix: &str) -> String {
        let Some(id) = id else {
            return format!("'{}'", self.fresh_id(at, &[suffix]));
        };
        let text = id.text();
        let suffix = if text.contains('-') { kebab(suffix) } else { suffix.to_owned() };
        match id.kind() {
            "string" => {
                let wanted = format!("{}{suffix}", crate::model::imports::string_text(id));
                format!("'{}'", self.fresh_id(at, &[&wanted]))
            }
            "template_string" => format!("{}{suffix}`", text.strip_suffix('`').unwrap_or(text)),
            _ => format!("`${{{text}}}{suffix}`"),
        }
    }

    fn fresh(&mut self, mark: &str, candidates: &[&str], free: impl Fn(&str, &[String]) -> bool) -> String {
        let first = candidates.first().copied().unwrap_or("waFix");
        let name = candidates
            .iter()
            .find(|name| free(name, &self.taken))
            .map(|name| (*name).to_owned())
            .or_else(|| {
                (2..1000).map(|number| format!("{first}{number}")).find(|name| free(name, &self.taken))
            })
            .unwrap_or_else(|| first.to_owned());
        self.taken.push(format!("{mark}{name}"));
        self.proposal.takes_names = true;
        name
    }

    /// What a construct built beside `at` passes as its scope: the scope of a sibling, else `this`.
    pub fn scope_text(&self, at: &crate::model::Site<'a>) -> &'a str {
        at.scope().map_or("this", Syn::text)
    }

    /// The statement that holds a node, in a block or at the top level.
    ///
    /// # Errors
    /// A [`Refusal`] where there is none, as in the initialiser of a field.
    pub fn statement(&self, node: Syn<'a>) -> Result<Syn<'a>, Refusal> {
        let statement = statement_of(node).filter(|statement| {
            !matches!(
                statement.kind(),
                "class_declaration" | "abstract_class_declaration" | "export_statement"
            )
        });
        statement.ok_or_else(|| {
            no_fix(
                "the construct is built where no statement can stand beside it",
                "build it in the constructor, then run again",
            )
        })
    }

    /// Adds an edit; a collision within one fix refuses the whole fix.
    pub(super) fn edit(&mut self, file: &Parsed, span: std::ops::Range<usize>, text: String) {
        let Some(location) = self.model.location(file) else {
            self.failure = Some(no_fix("the file is not part of the app", "run wa-fix on the app's folder"));
            return;
        };
        let edits = self.proposal.edits.entry(location.to_owned()).or_default();
        if edits.insert(Edit { span, text }).is_err() {
            self.failure =
                Some(no_fix("two edits of this fix want the same text", "report this as a fault of wa-fix"));
        }
    }
}

/// `DeadLetterQueue` as `-dead-letter-queue`.
fn kebab(suffix: &str) -> String {
    let mut out = String::with_capacity(suffix.len() + 4);
    for character in suffix.chars() {
        if character.is_ascii_uppercase() {
            out.push('-');
        }
        out.push(character.to_ascii_lowercase());
    }
    out
}

/// Refuses with a reason and a next step.
pub fn no_fix(why: &str, next: &str) -> Refusal {
    Refusal::NoFix { why: why.to_owned(), next: next.to_owned() }
}

fn at_byte(file: &Parsed, at: usize) -> Option<u8> {
    file.text.as_bytes().get(at).copied()
}

/// Where a statement starts with the comment lines right above it.
fn leading_start(statement: Syn<'_>) -> usize {
    let text = &statement.file.text;
    let mut start = statement.start();
    let mut node = statement.node;
    while let Some(comment) = node.prev_sibling().filter(|before| before.kind() == "comment") {
        let between = text.get(comment.end_byte()..start).unwrap_or_default();
        let alone = text
            .get(line_start(text, comment.start_byte())..comment.start_byte())
            .is_some_and(|before| before.trim().is_empty());
        if between.matches('\n').count() != 1 || !between.trim().is_empty() || !alone {
            break;
        }
        start = comment.start_byte();
        node = comment;
    }
    start
}

/// Whether a text (the lines above a place) ends in an empty line.
fn ends_blank(above: &str) -> bool {
    above
        .trim_end_matches(['\r', ' ', '\t'])
        .strip_suffix('\n')
        .is_some_and(|rest| rest.rsplit('\n').next().is_some_and(|line| line.trim().is_empty()))
}

/// Where a statement's line ends, a comment on it included.
pub(super) fn trailing_end(text: &str, end: usize) -> usize {
    let rest = text.get(end..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
    let tail = line.trim_start_matches([' ', '\t', ',', ';']);
    let block = tail.starts_with("/*") && tail.ends_with("*/");
    if tail.starts_with("//") || block { end + line.len() } else { end }
}
