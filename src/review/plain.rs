//! The review line by line: no redraw, no colours, no keys without Enter. For screen readers, and for terminals that can do
//! no more.

use std::io::{self, BufRead, Write};
use std::path::Path;

use console::{Key, Term};

use super::line::Line;
use super::page::Page;
use super::terminal::{Answer, Ask, Input, Terminal};
use crate::report::Look;

/// A terminal that is spoken to.
#[derive(Debug, Default)]
pub struct Plain {
    /// What was said last, so that it is not said again after a key that changed nothing.
    said: Vec<String>,
}

impl Plain {
    fn say(text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// A line; `None` at the end of the input.
    fn line() -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned()))
    }
}

/// The text of lines, rules that only please the eye left out.
fn texts(lines: &[Line]) -> Vec<String> {
    lines
        .iter()
        .map(|line| line.paint(Look::PLAIN).trim_end().to_owned())
        .filter(|text| text.is_empty() || !text.chars().all(|c| c == '─'))
        .collect()
}

/// What is typed to a key: itself, or its name.
fn key_of(typed: &str) -> Key {
    let mut characters = typed.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) => Key::Char(only),
        _ => match typed.to_lowercase().as_str() {
            "tab" => Key::Tab,
            "enter" => Key::Enter,
            "esc" | "escape" => Key::Escape,
            "left" => Key::ArrowLeft,
            "right" => Key::ArrowRight,
            _ => Key::Unknown,
        },
    }
}

impl Terminal for Plain {
    fn width(&self) -> usize {
        Term::stdout().size_checked().map_or(79, |(_, columns)| usize::from(columns).max(20) - 1)
    }

    fn room(&self, page: &Page) -> usize {
        page.body.len()
    }

    fn show(&mut self, page: &Page, _top: usize) -> io::Result<()> {
        let mut text = texts(&page.header);
        text.extend(texts(&page.body));
        if text != self.said {
            Self::say("")?;
            Self::say(&text.join("\n"))?;
            self.said = text;
        }
        Self::say(&texts(&page.footer).join("\n"))
    }

    fn key(&mut self) -> io::Result<Input> {
        Ok(match Self::line()? {
            None => Input::Interrupted,
            // An empty line says it all once more: here, Enter accepts nothing.
            Some(line) if line.trim().is_empty() => {
                self.said.clear();
                Input::Resized
            }
            Some(line) => Input::Key(key_of(line.trim())),
        })
    }

    fn work(&mut self, words: &str, job: &mut dyn FnMut()) -> io::Result<()> {
        Self::say(words)?;
        job();
        Ok(())
    }

    fn ask(&mut self, ask: &Ask<'_>) -> io::Result<Answer> {
        Self::say(&texts(&ask.above).join("\n"))?;
        loop {
            let prompt = if ask.initial.is_empty() {
                format!("{}:", ask.prompt)
            } else {
                format!("{} (. for {}):", ask.prompt, ask.initial)
            };
            Self::say(&prompt)?;
            let Some(line) = Self::line()? else { return Ok(Answer::Interrupted) };
            let line = if line.trim() == "." { ask.initial.to_owned() } else { line };
            if line.trim().is_empty() {
                return Ok(Answer::None);
            }
            match (ask.check)(&line) {
                Ok(()) => return Ok(Answer::Line(line)),
                Err(why) => Self::say(&why)?,
            }
        }
    }

    fn edit(&mut self, editor: &str, files: &[&Path], line: usize) -> io::Result<bool> {
        super::editing::run(editor, files, line)
    }
}
