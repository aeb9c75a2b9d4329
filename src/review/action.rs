//! What keys mean.

use console::Key;

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Accept this fix.
    Accept,
    /// Leave this fix.
    Skip,
    /// Take back the last decision, and decide again.
    Back,
    /// Accept this fix and all of its rule that are open.
    AcceptRule,
    /// Accept all open fixes in this file.
    AcceptFile,
    /// Accept all open fixes of the tier `safe`.
    AcceptSafe,
    /// Leave this rule alone.
    RuleOff,
    /// Another way to mend it.
    NextWay,
    /// Answer the fix's questions.
    Answer,
    /// Edit the replacement.
    Edit,
    /// Back to the fix as it was proposed.
    Revert,
    /// Accept the finding as it is, with a reason.
    Suppress,
    /// Show or hide the rule's documentation.
    Explain,
    /// Unified or side by side.
    Layout,
    /// More lines around the change.
    MoreContext,
    /// Fewer lines around the change.
    LessContext,
    /// To the next finding, nothing decided.
    Next,
    /// To the finding before, nothing decided.
    Previous,
    /// To the next finding with some words.
    Search,
    /// To a finding by number.
    GoTo,
    /// A screen down.
    PageDown,
    /// A screen up.
    PageUp,
    /// A line down.
    LineDown,
    /// A line up.
    LineUp,
    /// To the end of the text.
    Bottom,
    /// To the start of the text.
    Top,
    /// Show or hide the keys.
    Help,
    /// To the closing question.
    Finish,
    /// Leave; nothing is written.
    Quit,
}

/// The keys of an action and what help says of it.
#[derive(Debug)]
pub struct Binding {
    /// The action.
    pub action: Action,
    /// The keys; the first stands in the prompt if it is a character.
    pub keys: &'static [Key],
    /// The keys as they are named.
    pub name: &'static str,
    /// What it does.
    pub help: &'static str,
}

const fn binding(action: Action, keys: &'static [Key], name: &'static str, help: &'static str) -> Binding {
    Binding { action, keys, name, help }
}

/// Every key of the review, in the order of help.
pub const BINDINGS: [Binding; 29] = [
    binding(Action::Accept, &[Key::Char('y'), Key::Enter], "y, Enter", "accept this fix"),
    binding(Action::Skip, &[Key::Char('n')], "n", "leave it"),
    binding(Action::Back, &[Key::Char('u'), Key::Backspace], "u", "take back the last decision"),
    binding(Action::AcceptRule, &[Key::Char('a')], "a", "accept the rest of this rule"),
    binding(Action::AcceptFile, &[Key::Char('d')], "d", "accept the rest of this file"),
    binding(Action::AcceptSafe, &[Key::Char('A')], "A", "accept all that remain of the tier `safe`"),
    binding(Action::RuleOff, &[Key::Char('x')], "x", "rule off: leave the rest of this rule"),
    binding(Action::NextWay, &[Key::Tab], "Tab", "another way to mend it"),
    binding(Action::Answer, &[Key::Char('p')], "p", "answer the questions of this fix"),
    binding(Action::Edit, &[Key::Char('e')], "e", "edit the result in your editor"),
    binding(Action::Revert, &[Key::Char('r')], "r", "back to the fix as it was before you edited it"),
    binding(
        Action::Suppress,
        &[Key::Char('s')],
        "s",
        "accept the finding as it is: a comment with your reason",
    ),
    binding(Action::Explain, &[Key::Char('i')], "i", "explain the rule, or show the fix again"),
    binding(Action::Layout, &[Key::Char('v')], "v", "side by side, or one below the other"),
    binding(Action::MoreContext, &[Key::Char('+'), Key::Char('=')], "+", "more lines around the change"),
    binding(Action::LessContext, &[Key::Char('-')], "-", "fewer lines around the change"),
    binding(
        Action::Next,
        &[Key::Char('j'), Key::ArrowRight],
        "j, Right",
        "to the next finding, nothing decided",
    ),
    binding(Action::Previous, &[Key::Char('k'), Key::ArrowLeft], "k, Left", "to the finding before"),
    binding(Action::Search, &[Key::Char('/')], "/", "search rules, files and messages"),
    binding(Action::GoTo, &[Key::Char('g')], "g", "go to a finding by its number"),
    binding(Action::PageDown, &[Key::Char(' '), Key::PageDown], "Space", "a screen down"),
    binding(Action::PageUp, &[Key::Char('b'), Key::PageUp], "b", "a screen up"),
    binding(Action::LineDown, &[Key::ArrowDown], "Down", "a line down"),
    binding(Action::LineUp, &[Key::ArrowUp], "Up", "a line up"),
    binding(Action::Bottom, &[Key::Char('>'), Key::End], ">, End", "to the end"),
    binding(Action::Top, &[Key::Char('<'), Key::Home], "<, Home", "to the start"),
    binding(Action::Help, &[Key::Char('?'), Key::Char('h')], "?", "these keys"),
    binding(Action::Finish, &[Key::Char('f')], "f", "finish: choose where to write"),
    binding(Action::Quit, &[Key::Char('q'), Key::Escape], "q, Esc", "quit: nothing is written"),
];

impl Action {
    /// What a key means.
    pub fn of(key: &Key) -> Option<Self> {
        BINDINGS.iter().find(|binding| binding.keys.contains(key)).map(|binding| binding.action)
    }

    /// Whether it moves the text and nothing else.
    pub fn scrolls(self) -> bool {
        matches!(
            self,
            Self::PageDown | Self::PageUp | Self::LineDown | Self::LineUp | Self::Bottom | Self::Top
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_key_means_two_things_and_every_action_has_one() {
        let keys: Vec<String> =
            BINDINGS.iter().flat_map(|binding| binding.keys).map(|key| format!("{key:?}")).collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        let actions: BTreeSet<Action> = BINDINGS.iter().map(|binding| binding.action).collect();
        assert_eq!(actions.len(), BINDINGS.len());
        assert!(BINDINGS.iter().all(|binding| Action::of(&binding.keys[0]) == Some(binding.action)));
    }
}
