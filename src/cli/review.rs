//! `--interactive`: the review at a terminal, and the closing question.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use console::Key;

use super::apply;
use super::args::RunArgs;
use super::keep::{Kept, keep};
use super::review_proof::{Prover, Tried};
use super::run::{Environment, Run};
use crate::edit::{Commit, FileChange};
use crate::plan::Plan;
use crate::report::look::count;
use crate::report::{Look, diff};
use crate::review::dialogue::{Dialogue, End};
use crate::review::line::Line;
use crate::review::page::{Page, prose};
use crate::review::plain::Plain;
use crate::review::screen::Screen;
use crate::review::terminal::{Answer, Ask, Input, Terminal};
use crate::review::{Decision, Item, Review, Session, Standing};
use crate::rule::AnswerType;
use crate::source::discover::printed;
use crate::write::{WriteError, free_branch};

/// What a person chose at the end.
enum Chosen {
    /// Written: what to say on the screen that comes back.
    Written(String),
    /// Nothing is written.
    Nothing,
    /// Back to the findings.
    Back,
    /// Ctrl-C.
    Interrupted,
}

/// Reviews the fixes of a run, then writes those accepted where the person chooses.
///
/// # Errors
/// Without a terminal, a list of the commands that do the job; otherwise those of writing.
pub(super) fn start(args: &RunArgs, plain: bool, environment: &Environment) -> Result<u8> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        bail!(
            "--interactive needs a terminal; without one use\n  wa-fix diff          to see the fixes\n  \
             wa-fix apply         to write those of the tier `safe`\n  wa-fix apply --all   to write all\n  \
             wa-fix apply --branch NAME   to write them to a new branch\n  \
             wa-fix values        to see what fixes need from you, and --set KEY=VALUE to give it"
        );
    }
    let run = Run::prepare(args)?;
    // A check that cannot be run is said before an hour of decisions.
    let mut prover = Prover::new(&run, args, environment)?;
    let mut session = Session::open(&run.apps, &run.rules, &run.options);
    if session.review.items().is_empty() {
        writeln!(io::stdout(), "There is no fix to review.")?;
        return Ok(0);
    }
    let (said, code) = if plain || environment.is_dumb {
        conduct(&run, &mut session, &mut Plain::default(), environment, &mut prover)?
    } else {
        let colour = environment.colour(args.color, true);
        let mut screen = Screen::open(colour).context("the terminal cannot be used; try --plain")?;
        conduct(&run, &mut session, &mut screen, environment, &mut prover)?
    };
    let mut out = io::stdout().lock();
    writeln!(out, "{said}")?;
    let left = left(&session.review);
    if code == 1 && left > 0 && !said.starts_with("Nothing") {
        let stay = if left == 1 { "stays as it is" } else { "stay as they are" };
        writeln!(out, "{} {stay}.", count(left, "finding"))?;
    }
    Ok(code)
}

/// The review and the closing question, again and again until something is written or the person leaves: what to
/// say then, and the exit code.
fn conduct(
    run: &Run,
    session: &mut Session<'_>,
    terminal: &mut dyn Terminal,
    environment: &Environment,
    prover: &mut Prover<'_>,
) -> Result<(String, u8)> {
    const NOTHING: &str = "Nothing was written.";
    loop {
        let end = Dialogue { session, terminal, editor: &environment.editor }
            .run()
            .context("the terminal went away; nothing was written")?;
        if end != End::Close {
            return Ok((NOTHING.to_owned(), 1));
        }
        let closing = Closing { run, session, terminal, environment, prover, dirty_is_fine: false };
        match closing.ask()? {
            Chosen::Written(said) if prover.backed_out => return Ok((said + &prover.said(), 3)),
            Chosen::Written(said) => {
                return Ok((said + &prover.said(), u8::from(left(&session.review) > 0)));
            }
            Chosen::Nothing if left(&session.review) == 0 && !session.review.writes() => {
                return Ok((format!("{NOTHING} There was nothing left to do."), 0));
            }
            Chosen::Nothing | Chosen::Interrupted => return Ok((NOTHING.to_owned(), 1)),
            Chosen::Back => {}
        }
    }
}

/// Findings that stay as they are.
fn left(review: &Review) -> usize {
    let stays = |item: &&Item| {
        let written = matches!(item.decision, Some(Decision::Accepted | Decision::Suppressed(_)));
        !written && !matches!(item.standing, Standing::Cleared | Standing::Gone)
    };
    review.items().iter().filter(stays).count()
}

/// The closing question.
struct Closing<'c, 'r, 'p> {
    run: &'c Run,
    session: &'c mut Session<'r>,
    terminal: &'c mut dyn Terminal,
    environment: &'c Environment,
    prover: &'c mut Prover<'p>,
    /// Whether files with uncommitted changes are written, too: the person was told of them.
    dirty_is_fine: bool,
}

impl Closing<'_, '_, '_> {
    fn ask(mut self) -> Result<Chosen> {
        let mut message: Option<String> = None;
        let mut top = 0;
        loop {
            // From the files as they are now: nothing goes that was not agreed to.
            let Some(plan) = self.session.close() else { return Ok(Chosen::Back) };
            let page = self.page(&plan, message.as_deref());
            let room = self.terminal.room(&page);
            top = usize::min(top, page.body.len().saturating_sub(room));
            self.terminal.show(&page, top)?;
            let key = match self.terminal.key()? {
                Input::Interrupted => return Ok(Chosen::Interrupted),
                Input::Resized => continue,
                Input::Key(key) => key,
            };
            message = None;
            let writes = self.session.review.writes();
            if writes && matches!(key, Key::Char('w' | 'b' | 'p')) {
                match self.prover.try_out(self.session, self.terminal, &plan) {
                    Ok(Tried::Passed) => {}
                    Ok(Tried::Interrupted) => return Ok(Chosen::Interrupted),
                    Ok(Tried::Not(why)) => {
                        message = Some(why);
                        continue;
                    }
                    Err(error) => {
                        message = Some(format!("{error:#}"));
                        continue;
                    }
                }
            }
            let written = match key {
                Key::Char('w') if writes => self.tree(),
                Key::Char('b') if writes => self.branch(),
                Key::Char('p') if writes => self.patch(),
                Key::Char('n' | 'q') => return Ok(Chosen::Nothing),
                Key::Char('u') | Key::Backspace | Key::Escape => {
                    self.session.review.come_back();
                    self.session.replan("taking a decision back");
                    return Ok(Chosen::Back);
                }
                Key::Char(' ') | Key::PageDown => {
                    top += room;
                    continue;
                }
                Key::PageUp => {
                    top = top.saturating_sub(room);
                    continue;
                }
                _ => continue,
            };
            match written {
                Ok(Some(chosen)) => return Ok(chosen),
                Ok(None) => {}
                // No decision is lost for a file that is in the way.
                Err(error) => message = Some(self.explain(&error)),
            }
        }
    }

    /// The words for a failure, and what can be done here.
    fn explain(&mut self, error: &anyhow::Error) -> String {
        match error.downcast_ref::<WriteError>() {
            Some(WriteError::Dirty(files)) => {
                self.dirty_is_fine = true;
                let names: Vec<String> = files.iter().map(ToString::to_string).collect();
                format!(
                    "Uncommitted changes are in {}. w again writes all the same, and `wa-fix undo` puts it back.",
                    names.join(", ")
                )
            }
            _ => format!("{error:#}"),
        }
    }

    fn page(&self, plan: &Plan, message: Option<&str>) -> Page {
        let review = &self.session.review;
        let width = self.terminal.width();
        let accepted = review.count(|decision| *decision == Decision::Accepted);
        let comments = review.count(|decision| matches!(decision, Decision::Suppressed(_)));
        let mut head = format!(
            "{accepted} of {} accepted, {} change{}.",
            count(review.items().len(), "finding"),
            count(plan.changes.len(), "file"),
            if plan.changes.len() == 1 { "s" } else { "" }
        );
        if comments > 0 {
            head.push_str(&format!(
                " {} by a comment.",
                count(comments, "finding") + " accepted as they are"
            ));
        }
        if review.open() > 0 {
            head.push_str(&format!(" {} not decided.", review.open()));
        }
        // What is written comes first.
        let mut items: Vec<&Item> = review.items().iter().collect();
        items.sort_by_key(|item| match item.decision {
            Some(Decision::Accepted) => 0,
            Some(Decision::Suppressed(_)) => 1,
            Some(_) => 2,
            None => 3,
        });
        let mut body: Vec<Line> =
            items.into_iter().flat_map(|item| prose(None, &word(item), width)).collect();
        for kept in self.kept() {
            body.push(Line::plain(format!("wa-fix.toml keeps {} = {}", kept.key, kept.answer)));
        }
        let mut footer = Vec::new();
        if let Some(message) = message {
            footer.extend(prose(None, message, width));
        }
        let question = if review.writes() {
            "Write to the working tree (w), a new branch (b), a patch file (p), nowhere (n); back (u)?"
        } else {
            "Nothing was accepted: leave (n), or back (u)?"
        };
        footer.extend(prose(None, question, width));
        Page { header: prose(None, &head, width), body, footer }
    }

    /// The answers that go to `wa-fix.toml`.
    fn kept(&self) -> Vec<Kept> {
        let review = &self.session.review;
        let asks: Vec<_> = review.items().iter().flat_map(|item| item.finding.rule.asks).collect();
        review
            .kept
            .iter()
            .filter_map(|key| {
                let kind = asks.iter().find(|ask| ask.key == *key).map_or(AnswerType::Text, |ask| ask.kind);
                Some(Kept { key: key.clone(), answer: review.answers.get(key)?.clone(), kind })
            })
            .collect()
    }

    /// The change of `wa-fix.toml`, where answers are kept.
    fn configuration(&self) -> Result<Option<FileChange>> {
        let answers = self.kept();
        if answers.is_empty() {
            return Ok(None);
        }
        let file = self.run.configuration();
        let path = printed(&file, self.run.cwd());
        keep(&file, path, &answers).map(Some).map_err(anyhow::Error::msg)
    }

    /// The plan at the moment of writing; `None` where a file has changed since the question.
    fn plan(&mut self) -> Result<Option<(Plan, Option<FileChange>)>> {
        let configuration = self.configuration()?;
        Ok(self.session.close().map(|plan| (plan, configuration)))
    }

    fn tree(&mut self) -> Result<Option<Chosen>> {
        let Some((mut plan, configuration)) = self.plan()? else { return Ok(Some(Chosen::Back)) };
        // A configuration above the project is written by itself.
        let inside = |change: &FileChange| change.file.starts_with(&self.run.root);
        let (with, alone): (Vec<_>, Vec<_>) = configuration.into_iter().partition(inside);
        plan.changes.extend(with);
        let files = plan.changes.len() + alone.len();
        apply::write(&self.run.root, &plan, self.dirty_is_fine, self.environment)?;
        if let Some(change) = alone.into_iter().next() {
            let root = change.file.parent().map_or_else(|| self.run.root.clone(), Path::to_owned);
            let plan = Plan { changes: vec![change], ..Plan::default() };
            apply::write(&root, &plan, self.dirty_is_fine, self.environment)?;
        }
        Ok(Some(Chosen::Written(format!(
            "Written to the working tree: {}. `wa-fix undo` puts it back.",
            count(files, "file")
        ))))
    }

    fn branch(&mut self) -> Result<Option<Chosen>> {
        let name = match self.line("Branch", &free_branch(&self.run.root, "wa-fix"))? {
            Answer::Line(name) => name.trim().to_owned(),
            Answer::None => return Ok(None),
            Answer::Interrupted => return Ok(Some(Chosen::Interrupted)),
        };
        let Some((plan, configuration)) = self.plan()? else { return Ok(Some(Chosen::Back)) };
        let commits = self.prover.commits(apply::commits(&plan), self.terminal)?;
        let Some((mut commits, mut notes)) = commits else { return Ok(Some(Chosen::Interrupted)) };
        if let Some(change) = configuration {
            commits.push(Commit {
                title: "Keep the answers that fixes need in wa-fix.toml".to_owned(),
                body: "Given in a review; `wa-fix apply` takes them from there.\n".to_owned(),
                changes: vec![change],
            });
        }
        notes.extend(apply::branch_of(&self.run.root, &name, &commits)?);
        let mut said = format!(
            "Written to branch {name}: {}. Your working tree is as it was; `git diff HEAD...{name}` shows it.",
            count(commits.len(), "commit")
        );
        for note in notes {
            said.push_str(&format!("\nnote: {note}"));
        }
        Ok(Some(Chosen::Written(said)))
    }

    fn patch(&mut self) -> Result<Option<Chosen>> {
        let name = match self.line("File", "wa-fix.patch")? {
            Answer::Line(name) => name.trim().to_owned(),
            Answer::None => return Ok(None),
            Answer::Interrupted => return Ok(Some(Chosen::Interrupted)),
        };
        let Some((mut plan, configuration)) = self.plan()? else { return Ok(Some(Chosen::Back)) };
        plan.changes.extend(configuration);
        self.run.name_upwards(&mut plan.changes);
        let mut patch = Vec::new();
        diff::write(&plan.changes, diff::CONTEXT, Look::PLAIN, &mut patch)?;
        crate::write::check_output(Path::new(&name))?;
        crate::write::output(Path::new(&name), &patch)?;
        Ok(Some(Chosen::Written(format!("Written to {name}; `git apply {name}` applies it."))))
    }

    fn line(&mut self, prompt: &str, initial: &str) -> io::Result<Answer> {
        self.terminal.ask(&Ask { above: Vec::new(), prompt, initial, check: &|_| Ok(()) })
    }
}

/// What became of a finding, in a line.
fn word(item: &Item) -> String {
    let word = match (&item.decision, &item.standing) {
        (Some(Decision::Suppressed(reason)), _) => format!("suppressed ({reason})"),
        (None | Some(Decision::Skipped), Standing::Cleared) => "cleared by another fix".to_owned(),
        (None | Some(Decision::Skipped), Standing::Gone) => "no longer there".to_owned(),
        (Some(decision), _) => decision.word().to_owned(),
        (None, Standing::Needs(asked)) => format!("needs {}", asked.key),
        (None, _) => "not decided".to_owned(),
    };
    let title = item.finding.fix.as_ref().map_or("", |fix| fix.title.as_str());
    format!("{word}: {} {title}", item.place())
}
