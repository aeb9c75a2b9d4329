//! What a review needs of a terminal.

use std::io;
use std::path::Path;

use console::Key;

use super::line::Line;
use super::page::Page;

/// What a person does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// The terminal has another size now.
    Resized,
    /// Ctrl-C, a signal to end, or a terminal that went away.
    Interrupted,
}

/// A line that a person is asked for.
pub struct Ask<'a> {
    /// What is asked, above the line.
    pub above: Vec<Line>,
    /// The word before the line.
    pub prompt: &'a str,
    /// What stands there already, to be taken or changed.
    pub initial: &'a str,
    /// Says what is wrong with an answer.
    pub check: &'a dyn Fn(&str) -> Result<(), String>,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The line.
    Line(String),
    /// The person went back.
    None,
    /// As [`Input::Interrupted`].
    Interrupted,
}

/// A terminal, drawn or spoken.
pub trait Terminal {
    /// Columns.
    fn width(&self) -> usize;

    /// How many lines of the body are seen at once, beside this header and footer.
    fn room(&self, page: &Page) -> usize;

    /// Shows a page, from a line of its body on.
    ///
    /// # Errors
    /// Those of the terminal.
    fn show(&mut self, page: &Page, top: usize) -> io::Result<()>;

    /// Waits for a key.
    ///
    /// # Errors
    /// Those of the terminal.
    fn key(&mut self) -> io::Result<Input>;

    /// Says that an answer takes a moment; nothing where that would only be read out.
    ///
    /// # Errors
    /// Those of the terminal.
    fn busy(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Says what is at work, and lets it work; meanwhile Ctrl-C is a signal again, and keys that are typed are forgotten.
    ///
    /// # Errors
    /// Those of the terminal.
    fn work(&mut self, words: &str, job: &mut dyn FnMut()) -> io::Result<()>;

    /// Asks for a line.
    ///
    /// # Errors
    /// Those of the terminal.
    fn ask(&mut self, ask: &Ask<'_>) -> io::Result<Answer>;

    /// Gives the terminal to an editor until it ends; whether it ended well.
    ///
    /// # Errors
    /// Those of starting it.
    fn edit(&mut self, editor: &str, files: &[&Path], line: usize) -> io::Result<bool>;
}
