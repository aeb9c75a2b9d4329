//! How a finding is shown: which text, how much around a change, and how far down.

use super::action::Action;

/// Lines around a change, from few to all.
const CONTEXT: [usize; 7] = [0, 1, 3, 8, 20, 60, 100_000];
/// The one to start with, as git's.
const USUAL: usize = 2;
/// From this width on, two columns are the first choice.
const WIDE: usize = 160;
/// Below this width there is no room for two columns.
const NARROW: usize = 80;

/// How a finding is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The documentation of the rule instead of the fix.
    pub explains: bool,
    /// The keys instead of the fix.
    pub helps: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// The first line of the text that is shown, from 0.
    pub top: usize,
    /// How many lines there are below the first one that can be at the top.
    pub rest: usize,
    context: usize,
    /// What was chosen; otherwise the width decides.
    two_columns: Option<bool>,
}

impl Default for View {
    fn default() -> Self {
        Self { explains: false, helps: false, width: 80, top: 0, rest: 0, context: USUAL, two_columns: None }
    }
}

impl View {
    /// Lines around a change.
    pub fn context(&self) -> usize {
        CONTEXT.get(self.context).copied().unwrap_or(3)
    }

    /// Whether old and new stand side by side.
    pub fn is_side_by_side(&self) -> bool {
        self.width >= NARROW && self.two_columns.unwrap_or(self.width >= WIDE)
    }

    /// Whether the fix is shown, and no other text.
    pub fn shows_diff(&self) -> bool {
        !self.explains && !self.helps
    }

    /// To the start of another finding.
    pub fn turn(&mut self) {
        self.explains = false;
        self.helps = false;
        self.top = 0;
    }

    /// Whether an action of the view does something.
    pub fn allows(&self, action: Action) -> bool {
        match action {
            Action::MoreContext => self.context + 1 < CONTEXT.len(),
            Action::LessContext => self.context > 0,
            Action::Layout => self.width >= NARROW,
            Action::PageDown | Action::LineDown | Action::Bottom => self.top < self.rest,
            Action::PageUp | Action::LineUp | Action::Top => self.top > 0,
            _ => true,
        }
    }

    /// Does what a key of the view means.
    pub fn act(&mut self, action: Action) {
        match action {
            Action::Explain => (self.explains, self.helps) = (!self.explains, false),
            Action::Help => self.helps = !self.helps,
            Action::MoreContext => self.context = (self.context + 1).min(CONTEXT.len() - 1),
            Action::LessContext => self.context = self.context.saturating_sub(1),
            Action::Layout => self.two_columns = Some(!self.is_side_by_side()),
            _ => return,
        }
        self.top = 0;
    }

    /// Moves the text, of which `page` lines are seen at once.
    pub fn scroll(&mut self, action: Action, page: usize) {
        // One line stays, so that the eye finds its place.
        let step = page.saturating_sub(1).max(1);
        let to = match action {
            Action::PageDown => self.top + step,
            Action::PageUp => self.top.saturating_sub(step),
            Action::LineDown => self.top + 1,
            Action::LineUp => self.top.saturating_sub(1),
            Action::Bottom => self.rest,
            _ => 0,
        };
        self.top = to.min(self.rest);
    }

    /// Tells how long the text is and how much of it is seen.
    pub fn fit(&mut self, lines: usize, page: usize) {
        self.rest = lines.saturating_sub(page);
        self.top = self.top.min(self.rest);
    }
}
