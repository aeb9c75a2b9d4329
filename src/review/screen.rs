//! The review drawn on a screen of its own: the one before comes back when it ends, however it ends.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use console::{Key, Term};

use super::keys::{END, INTERRUPT, REDRAW, SUSPEND};
use super::line::Line;
use super::page::Page;
use super::raw::Raw;
use super::terminal::{Answer, Ask, Input, Terminal};
use crate::interrupt::Interrupt;
use crate::report::Look;

/// How often it is looked whether the terminal has another size now.
const LOOK: Duration = Duration::from_millis(150);
/// Another screen, and back. The cursor is seen in both.
const ENTER: &str = "\x1b[?1049h\x1b[H\x1b[2J";
const LEAVE: &str = "\x1b[?1049l\x1b[?25h";

/// A terminal that is drawn on.
pub struct Screen {
    term: Term,
    colour: bool,
    /// `None` while the terminal is somebody else's.
    raw: Option<Raw>,
    interrupt: Interrupt,
    /// Rows and columns when it was drawn last.
    size: (usize, usize),
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn open(colour: bool) -> io::Result<Self> {
        let interrupt = Interrupt::listen()?;
        let mut screen = Self { term: Term::stdout(), colour, raw: None, interrupt, size: (0, 0) };
        screen.take()?;
        Ok(screen)
    }

    fn take(&mut self) -> io::Result<()> {
        self.raw = Some(Raw::enter()?);
        write!(self.term, "{ENTER}")?;
        self.term.flush()
    }

    /// Gives the terminal back as it was.
    fn give(&mut self) {
        // What cannot be written to a terminal that is gone need not be.
        let _ = write!(self.term, "{LEAVE}").and_then(|()| self.term.flush());
        self.raw = None;
    }

    fn now(&self) -> (usize, usize) {
        let (rows, columns) = self.term.size_checked().unwrap_or((24, 80));
        (usize::from(rows).max(4), usize::from(columns).max(20))
    }

    fn look(&self) -> Look {
        Look { colour: self.colour, width: self.size.1 }
    }

    /// Writes lines from the top, and clears what is below and beside.
    fn write(&mut self, lines: &[Line]) -> io::Result<()> {
        let look = self.look();
        let mut out = String::from("\x1b[H");
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                out.push_str("\r\n");
            }
            out.push_str(&line.paint(look));
            // A full line has no place to clear from: its last column would go.
            if line.width() < self.size.1 {
                out.push_str("\x1b[K");
            }
        }
        out.push_str("\x1b[J");
        self.term.write_all(out.as_bytes())?;
        self.term.flush()
    }

    /// Stops, as Ctrl-Z asks for; goes on when the shell says so.
    fn suspend(&mut self) -> io::Result<()> {
        #[cfg(unix)]
        {
            self.give();
            signal_hook::low_level::raise(signal_hook::consts::SIGTSTP)?;
            self.take()?;
        }
        Ok(())
    }
}

/// As many lines of a page as a screen has room for: first the prompt, then the header, and the text in between.
fn fit(page: &Page, rows: usize, top: usize) -> Vec<Line> {
    let footer = page.footer.len().min(rows);
    // At least three lines of text, or all of a shorter one.
    let header = page.header.len().min(rows.saturating_sub(footer + page.body.len().min(3)));
    let body = rows - footer - header;
    let skip = page.footer.len() - footer;
    let body = page.body.iter().skip(top).take(body);
    page.header.iter().take(header).chain(body).chain(page.footer.iter().skip(skip)).cloned().collect()
}

impl Terminal for Screen {
    fn width(&self) -> usize {
        self.now().1
    }

    fn room(&self, page: &Page) -> usize {
        let rows = self.now().0;
        let footer = page.footer.len().min(rows);
        let header = page.header.len().min(rows.saturating_sub(footer + page.body.len().min(3)));
        rows - footer - header
    }

    fn show(&mut self, page: &Page, top: usize) -> io::Result<()> {
        self.size = self.now();
        let lines = fit(page, self.size.0, top);
        self.write(&lines)?;
        write!(self.term, " ")?;
        self.term.flush()
    }

    fn busy(&mut self) -> io::Result<()> {
        // Over the prompt, which the next page brings back.
        write!(self.term, "\r\x1b[KPlanning …")?;
        self.term.flush()
    }

    fn key(&mut self) -> io::Result<Input> {
        loop {
            if self.interrupt.came() {
                return Ok(Input::Interrupted);
            }
            if self.now() != self.size {
                return Ok(Input::Resized);
            }
            let Some(raw) = &mut self.raw else { return Ok(Input::Interrupted) };
            match raw.key(LOOK) {
                Ok(None) => {}
                // An error says that the terminal went away.
                Ok(Some(Key::Char(INTERRUPT | END) | Key::CtrlC)) | Err(_) => return Ok(Input::Interrupted),
                Ok(Some(Key::Char(SUSPEND))) => {
                    self.suspend()?;
                    return Ok(Input::Resized);
                }
                Ok(Some(Key::Char(REDRAW))) => return Ok(Input::Resized),
                Ok(Some(key)) => return Ok(Input::Key(key)),
            }
        }
    }

    fn work(&mut self, words: &str, job: &mut dyn FnMut()) -> io::Result<()> {
        let words: String = words.chars().take(self.now().1.saturating_sub(1)).collect();
        write!(self.term, "\r\x1b[K{words}")?;
        self.term.flush()?;
        self.raw = None;
        job();
        let mut raw = Raw::enter()?;
        // Typed at a page that is no longer there.
        raw.forget()?;
        self.raw = Some(raw);
        Ok(())
    }

    fn ask(&mut self, ask: &Ask<'_>) -> io::Result<Answer> {
        self.size = self.now();
        self.write(&ask.above)?;
        if !ask.above.is_empty() {
            writeln!(self.term)?;
        }
        let line = dialoguer::Input::<String>::new()
            .with_prompt(ask.prompt)
            .with_initial_text(ask.initial)
            .allow_empty(true)
            .validate_with(|line: &String| (ask.check)(line))
            .interact_text_on(&self.term);
        match line {
            _ if self.interrupt.came() => Ok(Answer::Interrupted),
            Ok(line) if line.trim().is_empty() => Ok(Answer::None),
            Ok(line) => Ok(Answer::Line(line)),
            Err(_) => Ok(Answer::Interrupted),
        }
    }

    fn edit(&mut self, editor: &str, files: &[&Path], line: usize) -> io::Result<bool> {
        self.give();
        let ended = super::editing::run(editor, files, line);
        self.take()?;
        // A Ctrl-C in the editor was the editor's.
        self.interrupt.forget();
        ended
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.give();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<Line> {
        texts.iter().map(|text| Line::plain(*text)).collect()
    }

    #[test]
    fn header_and_prompt_stay_whatever_is_scrolled() {
        let page = Page {
            header: lines(&["head"]),
            body: lines(&["1", "2", "3", "4", "5"]),
            footer: lines(&["prompt"]),
        };
        let shown = |rows, top| fit(&page, rows, top).iter().map(Line::text).collect::<Vec<_>>();
        assert_eq!(shown(5, 0), ["head", "1", "2", "3", "prompt"]);
        assert_eq!(shown(5, 2), ["head", "3", "4", "5", "prompt"]);
        assert_eq!(shown(9, 0), ["head", "1", "2", "3", "4", "5", "prompt"]);
        // The text comes before the header where there is no room for both.
        assert_eq!(shown(4, 0), ["1", "2", "3", "prompt"]);
        assert_eq!(shown(1, 0), ["prompt"]);
    }
}
