//! The loop: show, take a key, do what it means, until all is decided or the person leaves.

use std::io;

use super::action::Action;
use super::editing;
use super::item::{Decision, Standing};
use super::line::Line;
use super::page::{page, prose};
use super::questions::{self, Question};
use super::session::Session;
use super::state::Effect;
use super::terminal::{Answer, Ask, Input, Terminal};
use crate::report::look::count;

/// How the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All is decided, or the person finished: the closing question is next.
    Close,
    /// The person left.
    Left,
    /// Ctrl-C, or the terminal went away.
    Interrupted,
}

/// A review at a terminal.
pub struct Dialogue<'d, 'r> {
    /// The decisions.
    pub session: &'d mut Session<'r>,
    /// The terminal.
    pub terminal: &'d mut dyn Terminal,
    /// The command that edits a file.
    pub editor: &'d str,
}

impl Dialogue<'_, '_> {
    /// Shows finding after finding.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn run(&mut self) -> io::Result<End> {
        loop {
            if self.session.review.current().is_none() {
                return Ok(End::Close);
            }
            self.show()?;
            let action = match self.terminal.key()? {
                Input::Interrupted => return Ok(End::Interrupted),
                Input::Resized => continue,
                Input::Key(key) => Action::of(&key),
            };
            self.session.review.message = None;
            let view = &self.session.review.view;
            let action = match action {
                // What covers the fix goes first.
                Some(Action::Quit) if view.helps => Action::Help,
                Some(Action::Quit) if view.explains => Action::Explain,
                Some(action) => action,
                None => {
                    self.session.review.message =
                        Some("That key does nothing; ? lists those that do.".to_owned());
                    continue;
                }
            };
            let effect = self.session.review.act(action);
            if let Some(end) = self.follow(effect)? {
                return Ok(end);
            }
        }
    }

    /// Draws the current finding, and tells the view how much of it is seen.
    fn show(&mut self) -> io::Result<()> {
        let preview = self.session.preview();
        let review = &mut self.session.review;
        let width = self.terminal.width();
        review.view.width = width;
        let mut shown = page(review, &preview, width);
        let room = self.terminal.room(&shown);
        let was = review.view.rest;
        review.view.fit(shown.body.len(), room);
        if was != review.view.rest {
            // The prompt says how much is below, and which keys move.
            shown = page(review, &preview, width);
            review.view.fit(shown.body.len(), self.terminal.room(&shown));
        }
        let top = review.view.top;
        self.terminal.show(&shown, top)
    }

    fn follow(&mut self, effect: Effect) -> io::Result<Option<End>> {
        match effect {
            Effect::Show => {}
            Effect::Accept => {
                self.terminal.busy()?;
                self.session.accept();
            }
            Effect::Plan(cause) => {
                self.terminal.busy()?;
                self.session.replan(&cause);
            }
            Effect::Scroll(action) => {
                let preview = self.session.preview();
                let shown = page(&self.session.review, &preview, self.terminal.width());
                let room = self.terminal.room(&shown);
                self.session.review.view.scroll(action, room);
            }
            Effect::Close => return Ok(Some(End::Close)),
            Effect::Leave => return self.leave(),
            Effect::Ask => return self.questions(),
            Effect::Edit => self.edit(),
            Effect::AskReason => return self.reason(),
            Effect::AskSearch => {
                let initial = self.session.review.searched.clone();
                return self.with_line("Search for", &initial, |session, words| session.review.search(words));
            }
            Effect::AskNumber => {
                return self.with_line("Go to number", "", |session, number| session.review.go_to(number));
            }
        }
        Ok(None)
    }

    /// Leaves at once where nothing was accepted, otherwise asks.
    fn leave(&mut self) -> io::Result<Option<End>> {
        if !self.session.review.writes() {
            return Ok(Some(End::Left));
        }
        let accepted = self
            .session
            .review
            .count(|decision| matches!(decision, Decision::Accepted | Decision::Suppressed(_)));
        let above = prose(
            None,
            &format!(
                "Leaving writes nothing and loses {}. f goes to the closing question instead.",
                count(accepted, "decision")
            ),
            self.terminal.width(),
        );
        Ok(match self.yes("Leave? (y/n)", above)? {
            Some(true) => Some(End::Left),
            Some(false) => None,
            None => Some(End::Interrupted),
        })
    }

    /// Asks a question of yes and no, by a single key; `None` if it was interrupted.
    fn yes(&mut self, prompt: &str, above: Vec<Line>) -> io::Result<Option<bool>> {
        let footer = vec![Line::plain(prompt)];
        let shown = super::page::Page { header: above, body: Vec::new(), footer };
        loop {
            self.terminal.show(&shown, 0)?;
            match self.terminal.key()? {
                Input::Interrupted => return Ok(None),
                Input::Resized => {}
                Input::Key(console::Key::Char('y' | 'Y')) => return Ok(Some(true)),
                Input::Key(_) => return Ok(Some(false)),
            }
        }
    }

    /// Asks for a line and does something with it.
    fn with_line(
        &mut self,
        prompt: &str,
        initial: &str,
        then: impl Fn(&mut Session<'_>, &str),
    ) -> io::Result<Option<End>> {
        let ask = Ask { above: Vec::new(), prompt, initial, check: &|_| Ok(()) };
        match self.terminal.ask(&ask)? {
            Answer::Line(line) => then(self.session, &line),
            Answer::None => {}
            Answer::Interrupted => return Ok(Some(End::Interrupted)),
        }
        Ok(None)
    }

    fn reason(&mut self) -> io::Result<Option<End>> {
        let Some((_, item)) = self.session.review.current() else { return Ok(None) };
        let text = format!(
            "{} stays as it is. A comment will say so: // wa-fix-ignore {} -- your reason. An empty line goes back.",
            item.place(),
            item.finding.rule.id
        );
        let initial = match &item.decision {
            Some(Decision::Suppressed(reason)) => reason.clone(),
            _ => String::new(),
        };
        let above = prose(None, &text, self.terminal.width());
        let ask = Ask { above, prompt: "Reason", initial: &initial, check: &|_| Ok(()) };
        match self.terminal.ask(&ask)? {
            Answer::Line(line) => {
                let reason = line.split_whitespace().collect::<Vec<_>>().join(" ");
                let effect = self.session.review.decide(Decision::Suppressed(reason));
                self.follow(effect)
            }
            Answer::None => Ok(None),
            Answer::Interrupted => Ok(Some(End::Interrupted)),
        }
    }

    /// Asks what the current fix asks: what is open, else what can be answered otherwise.
    fn questions(&mut self) -> io::Result<Option<End>> {
        let mut asked: Vec<String> = Vec::new();
        while let Some(question) = questions::next(self.session, &asked) {
            asked.push(question.key.clone());
            match self.question(&question)? {
                Answer::Line(_) => {}
                Answer::None => break,
                Answer::Interrupted => return Ok(Some(End::Interrupted)),
            }
            // What follows an answer that was needed is the fix, not more questions.
            let ready =
                self.session.review.current().is_some_and(|(_, item)| item.standing == Standing::Ready);
            if question.needed && ready {
                break;
            }
        }
        Ok(None)
    }

    /// Asks until the rule takes the answer.
    fn question(&mut self, question: &Question) -> io::Result<Answer> {
        let mut objection: Option<String> = None;
        let mut initial = question.proposal.clone();
        loop {
            let width = self.terminal.width();
            let mut above = prose(None, &question.text(), width);
            if let Some(why) = &objection {
                above.extend(prose(Some(crate::report::look::Role::Bad), why, width));
            }
            let ask =
                Ask { above, prompt: &question.key, initial: &initial, check: &|line| question.check(line) };
            let line = match self.terminal.ask(&ask)? {
                Answer::Line(line) => line.trim().to_owned(),
                other => return Ok(other),
            };
            if line.is_empty() {
                return Ok(Answer::None);
            }
            match self.session.answer(&question.key, &line) {
                Err(why) => {
                    objection = Some(format!("Not {line}: {why}."));
                    initial = line;
                }
                Ok(()) => {
                    let above = prose(None, &format!("{} = {line}", question.key), width);
                    return Ok(
                        match self.yes("Keep the answer in wa-fix.toml, for later runs? (y/n)", above)? {
                            None => Answer::Interrupted,
                            Some(keep) => {
                                if keep {
                                    self.session.review.kept.insert(question.key.clone());
                                } else {
                                    self.session.review.kept.remove(&question.key);
                                }
                                Answer::Line(line)
                            }
                        },
                    );
                }
            }
        }
    }

    /// Opens the result of the fix in the editor, and takes what was written there instead of the fix.
    fn edit(&mut self) {
        let preview = self.session.preview();
        let edited =
            editing::edit(&preview.changes, |files, line| self.terminal.edit(self.editor, files, line));
        let message = match edited {
            Ok(Some(replacement)) if replacement.is_empty() => {
                "Without any change there is nothing to write; the fix is as it was.".to_owned()
            }
            Ok(Some(replacement)) => {
                if let Effect::Plan(cause) = self.session.review.replace(replacement) {
                    self.session.replan(&cause);
                }
                match self.session.preview().refused {
                    None => {
                        "Your edit passes: the file parses, the finding is gone, no other came.".to_owned()
                    }
                    Some(why) => format!("Your edit does not pass: {why}. e edits it again, r drops it."),
                }
            }
            Ok(None) => format!("`{}` did not end well; the fix is as it was.", self.editor),
            Err(error) => {
                format!(
                    "`{}` cannot be started: {error}. Set EDITOR to an editor; the fix is as it was.",
                    self.editor
                )
            }
        };
        self.session.review.message = Some(message);
    }
}
