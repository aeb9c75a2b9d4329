//! Setting, inserting and removing properties.

use std::fmt::Write as _;

use super::builder::{Builder, no_fix};
use super::style::line_indent;
use crate::detect::Refusal;
use crate::model::meaning::words;
use crate::model::{Prop, Props, Site};
use crate::source::Language;
use crate::syntax::Syn;

/// A line longer than this is broken by the formatters that CDK projects use.
const WIDTH: usize = 100;

impl<'a> Builder<'_, 'a> {
    /// Gives a construct a property, replacing the value where it has one.
    ///
    /// # Errors
    /// A [`Refusal`] where the props cannot be followed to one place.
    pub fn set_prop(&mut self, site: &Site<'a>, name: &str, value: &str) -> Result<(), Refusal> {
        let Some(argument) = site.props_argument() else {
            return self.add_props_argument(site, name, value);
        };
        let props = site.props(self.model);
        if let Prop::Present(entry) = props.get(self.model, name) {
            let object = entry.entry.parent();
            return if object.is_some_and(|object| self.respread(object, &[(name, value.to_owned())])) {
                Ok(())
            } else if entry.entry.is("pair") && !value.starts_with('\n') {
                self.replace(entry.value, value);
                Ok(())
            } else {
                self.replace(entry.entry, &long_entry(name, value));
                Ok(())
            };
        }
        let object = self.editable_object(argument, &props)?;
        match object {
            Some(object) => self.insert_entry(object, name, value),
            None => {
                // The object serves others too: this construct gets its own on top of it.
                let entry = entry_text(name, value);
                self.replace(argument, &format!("{{ ...{}, {entry} }}", argument.text()));
            }
        }
        Ok(())
    }

    /// Gives a construct a property that depends on a condition, broken over lines as formatters do.
    ///
    /// # Errors
    /// As [`Builder::set_prop`].
    pub fn set_conditional(
        &mut self,
        site: &Site<'a>,
        name: &str,
        (condition, yes, no): (&str, &str, &str),
    ) -> Result<(), Refusal> {
        let props = site.props(self.model);
        let place = match props.get(self.model, name) {
            Prop::Present(entry) => Some(entry.entry),
            _ => props.object().and_then(|object| object.children().last()),
        };
        let value = self.conditional(place.unwrap_or(site.node), name, (condition, yes, no));
        self.set_prop(site, name, &value)
    }

    /// The text of `condition ? yes : no` as the value of an entry that stands where `place` does (the entry
    /// itself, or one of its neighbours).
    pub fn conditional(
        &mut self,
        place: Syn<'a>,
        name: &str,
        (condition, yes, no): (&str, &str, &str),
    ) -> String {
        let whole = format!("{condition} ? {yes} : {no}");
        let text = &place.file.text;
        let indent = line_indent(text, place.start());
        let apart = super::style::line_start(text, place.start()) + indent.len() == place.start();
        let column = indent.chars().map(|c| if c == '\t' { 4 } else { 1 }).sum::<usize>();
        let width = width_of(text);
        let line =
            text.get(super::style::line_start(text, place.start())..).and_then(|rest| rest.lines().next());
        if !apart && line.map_or(0, str::len) + name.len() + whole.len() + 3 <= width {
            return whole;
        }
        // In an object on one line that is broken, the entry goes one level deeper.
        let column = if apart { column } else { column + self.style(place.file).indent.text(1).len() };
        if column + name.len() + whole.len() + 3 <= width {
            return whole;
        }
        let (lead, deeper) = if condition.contains(" === ") { ("\n  ", "    ") } else { ("", "  ") };
        if !lead.is_empty() && column + whole.len() + 3 <= width {
            return format!("{lead}{whole}");
        }
        format!("{lead}{condition}\n{deeper}? {yes}\n{deeper}: {no}")
    }

    /// Whether a line of a length, `deep` levels below the line that a node starts on, is as short as those of
    /// its file.
    pub fn fits(&mut self, node: Syn<'a>, deep: usize, length: usize) -> bool {
        let text = &node.file.text;
        let indent =
            line_indent(text, node.start()).chars().map(|c| if c == '\t' { 4 } else { 1 }).sum::<usize>();
        let level = self.style(node.file).indent.text(1).replace('\t', "    ").len();
        indent + deep * level + length <= width_of(text)
    }

    /// Gives an object literal a property, replacing its own value where it has one.
    pub fn set_entry(&mut self, object: Syn<'a>, name: &str, value: &str) {
        let own = object.children().find(|entry| crate::model::props::key_of(*entry) == Some(name));
        match own {
            Some(_) => self.set_entries(object, &[(name, value.to_owned())]),
            None => self.insert_entry(object, name, value),
        }
    }

    /// Gives an object literal new values for entries that it has.
    pub fn set_entries(&mut self, object: Syn<'a>, values: &[(&str, String)]) {
        if self.respread(object, values) {
            return;
        }
        for entry in object.children() {
            let value = crate::model::props::key_of(entry)
                .and_then(|key| values.iter().find(|(name, _)| *name == key));
            match (value, entry.field("value")) {
                (Some((_, value)), Some(old)) if !value.starts_with('\n') => self.replace(old, value),
                (Some((name, value)), _) => self.replace(entry, &long_entry(name, value)),
                (None, _) => {}
            }
        }
    }

    /// Rewrites an object on one line, one entry a line, where new values for entries make the line too long.
    fn respread(&mut self, object: Syn<'a>, values: &[(&str, String)]) -> bool {
        if !is_on_one_line(object) {
            return false;
        }
        let text = &object.file.text;
        let start = super::style::line_start(text, object.start());
        let mut length = text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
        let mut entries = String::new();
        for entry in object.children() {
            let key = crate::model::props::key_of(entry);
            let code = match values.iter().find(|(name, _)| Some(*name) == key) {
                Some((name, value)) => long_entry(name, value),
                None => entry.text().to_owned(),
            };
            length = (length + code.len()).saturating_sub(entry.text().len());
            let _ = write!(entries, "\n  {},", code.replace('\n', "\n  "));
        }
        if !values.iter().any(|(_, value)| value.contains('\n')) && length <= width_of(text) {
            return false;
        }
        let broken = format!("{{{entries}\n}}");
        // An object on the same line around it is broken as well.
        let around = object.parent().filter(|pair| pair.is("pair"));
        let outer = around.and_then(Syn::parent).filter(|outer| is_on_one_line(*outer));
        match (outer, around.and_then(crate::model::props::key_of)) {
            (Some(outer), Some(key)) => self.respread(outer, &[(key, broken)]),
            _ => {
                self.replace(object, &broken);
                true
            }
        }
    }

    /// Gives an object literal a property it does not have.
    pub fn insert_entry(&mut self, object: Syn<'a>, name: &str, value: &str) {
        let text = &object.file.text;
        let style = self.style(object.file);
        let entry = entry_text(name, value);
        let Some(last) = object.children().last() else {
            self.insert_only_entry(object, &entry);
            return;
        };
        let after_last = next_token(last);
        let trailing_comma = after_last.filter(|token| token.is(","));
        if !object.text().contains('\n') {
            let base = line_indent(text, object.start());
            let column = object.start() - super::style::line_start(text, object.start());
            if value.contains('\n') || column + object.text().len() + entry.len() + 4 > width_of(text) {
                self.spread_over_lines(object, &entry);
                return;
            }
            let entry = style.adapt(&entry, base);
            match trailing_comma {
                Some(comma) => self.edit(object.file, comma.end()..comma.end(), format!(" {entry},")),
                None => self.edit(object.file, last.end()..last.end(), format!(", {entry}")),
            }
            return;
        }
        let indent = line_indent(text, last.start()).to_owned();
        let entry = style.adapt(&entry, &indent);
        let comma_end = if trailing_comma.is_some() { "," } else { "" };
        let line_of = |at: usize| {
            text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| at + length)
        };
        let end = trailing_comma.map_or(last.end(), Syn::end);
        // A comment on the last entry's line stays with it.
        let comments: Vec<_> =
            comments_after(object, end).filter(|comment| comment.end() <= line_of(end)).collect();
        match comments.last() {
            Some(comment) => {
                if trailing_comma.is_none() {
                    self.edit(object.file, last.end()..last.end(), ",".to_owned());
                }
                self.edit(
                    object.file,
                    comment.end()..comment.end(),
                    format!("{}{indent}{entry}{comma_end}", style.eol),
                );
            }
            None => {
                let comma = if trailing_comma.is_some() { "" } else { "," };
                self.edit(object.file, end..end, format!("{comma}{}{indent}{entry}{comma_end}", style.eol));
            }
        }
    }

    /// Gives an object literal a property that it does not have, right behind another that it goes with; at the end where
    /// something else follows on that one's line, or where all stand on one line that would grow too long.
    pub fn insert_entry_after(&mut self, entry: Syn<'a>, name: &str, value: &str) {
        let Some(object) = entry.parent() else { return };
        let text = &object.file.text;
        let rest = text.get(entry.end()..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let rest = rest.trim_start_matches([',', ' ', '\t']).trim_end();
        // Another entry on the line, or a comment about this one.
        let commented = !rest.is_empty() && (object.text().contains('\n') || rest.starts_with('/'));
        let long = !object.text().contains('\n')
            && !self.fits(object, 0, object.text().len() + name.len() + value.len() + 4);
        let alone = next_token(entry).is_some();
        if commented || long || !alone {
            self.insert_entry(object, name, value);
        } else {
            self.insert_argument_after(entry, &entry_text(name, value));
        }
    }

    /// Removes an entry from an object literal, with its comma and its line.
    pub fn remove_entry(&mut self, entry: Syn<'a>) {
        let text = &entry.file.text;
        let mut end = entry.end();
        if let Some(comma) = next_token(entry).filter(|token| token.is(",")) {
            end = comma.end();
        }
        let line = super::style::line_start(text, entry.start());
        let rest = text.get(end..).unwrap_or_default();
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
        let alone = text.get(line..entry.start()).is_some_and(|before| before.trim().is_empty());
        if alone && rest.get(blank..).is_some_and(|rest| rest.starts_with('\n')) {
            self.edit(entry.file, line..end + blank + 1, String::new());
        } else if end > entry.end() {
            // Behind the last of a line, the white space before it goes instead.
            let ends_line = rest.get(blank..).is_some_and(|rest| rest.starts_with('\n'));
            let before = text.get(line..entry.start()).unwrap_or_default();
            let start = if ends_line { line + before.trim_end().len() } else { entry.start() };
            let end = if ends_line { end } else { end + blank };
            self.edit(entry.file, start..end, String::new());
        } else {
            // The last of a line: the comma before it goes.
            let start = entry
                .node
                .prev_sibling()
                .filter(|before| before.kind() == ",")
                .map_or(entry.start(), |comma| comma.start_byte());
            self.edit(entry.file, start..end, String::new());
        }
    }

    fn insert_only_entry(&mut self, object: Syn<'a>, entry: &str) {
        let style = self.style(object.file);
        let base = line_indent(&object.file.text, object.start()).to_owned();
        let inner = format!("{base}{}", style.indent.text(1));
        let has_comment = object.node.named_child_count() > 0;
        if has_comment {
            let at = object.end() - 1;
            let entry = style.adapt(entry, &inner);
            let unit = style.indent.text(1);
            let comma = comma_at_end(object);
            self.edit(object.file, at..at, format!("{unit}{entry}{comma}{}{base}", style.eol));
        } else if entry.contains('\n') {
            let entry = style.adapt(entry, &inner);
            let comma = comma_at_end(object);
            let text = format!("{{{}{inner}{entry}{comma}{}{base}}}", style.eol, style.eol);
            self.edit(object.file, object.start()..object.end(), text);
        } else {
            let entry = style.adapt(entry, &base);
            self.edit(object.file, object.start()..object.end(), format!("{{ {entry} }}"));
        }
    }

    /// Breaks a one-line object so that each entry has a line, and adds one. Only white space
    /// between entries changes.
    fn spread_over_lines(&mut self, object: Syn<'a>, entry: &str) {
        let text = &object.file.text;
        let style = self.style(object.file);
        let base = line_indent(text, object.start()).to_owned();
        let inner = format!("{base}{}", style.indent.text(1));
        let break_in = format!("{}{inner}", style.eol);
        let mut gaps = vec![object.start() + 1];
        let entries: Vec<_> = object.children().collect();
        gaps.extend(
            entries.iter().filter_map(|entry| next_token(*entry)).filter(|token| token.is(",")).map(Syn::end),
        );
        for gap in gaps {
            let rest = text.get(gap..object.end()).unwrap_or_default();
            let white = rest.len() - rest.trim_start().len();
            let closes = rest.trim_start().starts_with('}');
            if !closes {
                self.edit(object.file, gap..gap + white, break_in.clone());
            }
        }
        let Some(last) = entries.last() else { return };
        let comma = next_token(*last).filter(|token| token.is(","));
        if comma.is_none() {
            self.edit(object.file, last.end()..last.end(), ",".to_owned());
        }
        // Comments behind the last entry stay with it.
        let end = comma.map_or(last.end(), Syn::end);
        let end = comments_after(object, end).last().map_or(end, Syn::end);
        let entry = style.adapt(entry, &inner);
        let comma = comma_at_end(object);
        self.edit(object.file, end..object.end() - 1, format!("{break_in}{entry}{comma}{}{base}", style.eol));
    }

    fn add_props_argument(&mut self, site: &Site<'a>, name: &str, value: &str) -> Result<(), Refusal> {
        let Some(list) = site.argument_list().filter(|_| site.arguments.len() == site.props_index) else {
            return Err(no_fix(
                "the construct is built with fewer arguments than its class takes",
                "give it a scope and an id",
            ));
        };
        let style = self.style(list.file);
        let base = line_indent(&list.file.text, site.node.start());
        let entry = entry_text(name, value);
        let text = &list.file.text;
        let line =
            text.get(super::style::line_start(text, list.end())..).and_then(|rest| rest.lines().next());
        let multiline = entry.contains('\n') || line.map_or(0, str::len) + entry.len() + 6 > WIDTH;
        let object = if multiline {
            format!("{{\n  {},\n}}", entry.replace('\n', "\n  "))
        } else {
            format!("{{ {entry} }}")
        };
        let object = style.adapt(&object, base);
        match site.arguments.last() {
            Some(last) => self.edit(list.file, last.end()..last.end(), format!(", {object}")),
            None => self.edit(list.file, list.start() + 1..list.start() + 1, object),
        }
        Ok(())
    }

    /// The object literal to edit; `None` where the argument is a variable that serves others too.
    fn editable_object(&self, argument: Syn<'a>, props: &Props<'a>) -> Result<Option<Syn<'a>>, Refusal> {
        let Some(object) = props.object() else {
            return Err(no_fix(
                "its props are put together where wa-fix cannot follow",
                "write the props as an object literal, then run again",
            ));
        };
        if !argument.is("identifier") {
            return Ok(Some(object));
        }
        let elsewhere = words(Syn::root(argument.file), argument.text())
            .filter_map(|at| argument.at(at))
            .filter(|node| node.is("identifier") && *node != argument)
            .filter(|node| node.parent().is_none_or(|parent| !parent.is("variable_declarator")))
            .count();
        let same_file = std::ptr::eq(object.file, argument.file);
        Ok((elsewhere == 0 && same_file).then_some(object))
    }
}

/// Whether an object stands on one line and holds no comment.
fn is_on_one_line(object: Syn<'_>) -> bool {
    let mut open = vec![object];
    while let Some(node) = open.pop() {
        if node.is("comment") {
            return false;
        }
        open.extend(node.tokens());
    }
    object.is("object") && !object.text().contains('\n')
}

/// The line width that a file keeps to: 80, unless several of its lines are longer.
fn width_of(text: &str) -> usize {
    let long = text
        .lines()
        .filter(|line| {
            line.len() > 80 && line.chars().count() > 80 && !line.trim_start().starts_with("import")
        })
        .count();
    if long > 3 { WIDTH } else { 80 }
}

/// The comma behind the last entry of an object over several lines: JSON has none.
fn comma_at_end(object: Syn<'_>) -> &'static str {
    if object.file.language == Language::Json { "" } else { "," }
}

/// `name: value`, or the shorthand where both are one name.
pub(super) fn entry_text(name: &str, value: &str) -> String {
    if name == value { name.to_owned() } else { long_entry(name, value) }
}

/// `name: value`; a value that starts a line of its own follows the colon.
fn long_entry(name: &str, value: &str) -> String {
    if value.starts_with('\n') { format!("{name}:{value}") } else { format!("{name}: {value}") }
}

/// The token behind a node, comments passed over.
fn next_token(node: Syn<'_>) -> Option<Syn<'_>> {
    let mut next = node.node.next_sibling();
    while let Some(token) = next {
        if token.kind() != "comment" {
            return Some(node.with(token));
        }
        next = token.next_sibling();
    }
    None
}

fn comments_after(object: Syn<'_>, at: usize) -> impl Iterator<Item = Syn<'_>> {
    object.tokens().filter(move |token| token.is("comment") && token.start() >= at)
}
