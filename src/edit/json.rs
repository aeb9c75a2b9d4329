//! Keys of JSON files (`package.json`, `cdk.json`, `tsconfig.json`), everything else left as it stands.

use super::builder::{Builder, no_fix};
use crate::detect::Refusal;
use crate::model::props::key_of;
use crate::syntax::{Parsed, Syn};

impl<'a> Builder<'_, 'a> {
    /// Sets a key of a JSON file, given as the path of keys from the top. Objects on the way are made where they
    /// are missing. `value` is JSON text.
    ///
    /// A new key goes where the order of its neighbours wants it, else last.
    ///
    /// # Errors
    /// A [`Refusal`] where something on the way is no object.
    pub fn set_json(&mut self, file: &'a Parsed, keys: &[&str], value: &str) -> Result<(), Refusal> {
        let refuse =
            || no_fix(&format!("{} is not the JSON object it should be", file.path), "mend the file by hand");
        let mut object = Syn::root(file).first().filter(|top| top.is("object")).ok_or_else(refuse)?;
        let mut keys = keys.iter();
        while let Some(key) = keys.next() {
            let entry = object.children().find(|entry| key_of(*entry) == Some(key));
            match entry.and_then(|entry| entry.field("value")) {
                Some(inner) if keys.len() == 0 => {
                    if inner.text() != value {
                        self.replace(inner, value);
                    }
                    return Ok(());
                }
                Some(inner) if inner.is("object") => object = inner,
                Some(_) => return Err(refuse()),
                None => {
                    let rest: Vec<&str> = keys.copied().collect();
                    self.insert_json(object, key, &nested(&rest, value));
                    return Ok(());
                }
            }
        }
        Err(refuse())
    }

    /// Adds JSON text behind the last element of an array.
    pub fn append_json(&mut self, array: Syn<'a>, value: &str) {
        match array.children().last() {
            Some(last) => self.insert_argument_after(last, value),
            None => self.replace(array, &format!("[\n  {}\n]", value.replace('\n', "\n  "))),
        }
    }

    fn insert_json(&mut self, object: Syn<'a>, key: &str, value: &str) {
        let entries: Vec<Syn<'a>> = object.children().collect();
        let keys: Vec<&str> = entries.iter().filter_map(|entry| key_of(*entry)).collect();
        let sorted = keys.len() > 1 && keys.windows(2).all(|pair| matches!(pair, [a, b] if a <= b));
        let next =
            entries.iter().zip(&keys).find(|(_, other)| sorted && **other > key).map(|(entry, _)| *entry);
        let text = format!("\"{key}\": {value}");
        match next {
            Some(next) if object.text().contains('\n') => {
                let style = self.style(object.file);
                let base = super::style::line_indent(&object.file.text, next.start()).to_owned();
                let text = style.adapt(&text, &base);
                self.splice(next, next.start()..next.start(), &format!("{text},{}{base}", style.eol));
            }
            Some(next) => self.splice(next, next.start()..next.start(), &format!("{text}, ")),
            None => match entries.last() {
                Some(last) if !object.text().contains('\n') && !value.contains('\n') => {
                    self.splice(*last, last.end()..last.end(), &format!(", {text}"));
                }
                _ => self.insert_entry(object, &format!("\"{key}\""), value),
            },
        }
    }
}

/// `{ "a": { "b": value } }` over two-space lines.
fn nested(keys: &[&str], value: &str) -> String {
    match keys.split_first() {
        None => value.to_owned(),
        Some((key, rest)) => {
            let inner = nested(rest, value).replace('\n', "\n  ");
            format!("{{\n  \"{key}\": {inner}\n}}")
        }
    }
}
