//! What an editor says that it can do.

use serde_json::Value;

/// The capabilities that make a difference here.
#[derive(Debug, Clone, Default)]
pub(super) struct Client {
    /// Fills in an action's edit when a person takes it.
    pub(super) resolves: bool,
    /// Knows actions, and not only commands.
    pub(super) takes_actions: bool,
    /// Takes edits that name the version of their document.
    pub(super) versioned_edits: bool,
    /// Creates files.
    pub(super) creates: bool,
    /// Shows Markdown.
    pub(super) markdown: bool,
    /// Wants to know which version of a document its diagnostics are about.
    pub(super) versioned_diagnostics: bool,
    /// Tells of files that other programs write.
    pub(super) watches: bool,
    /// Asks a person for values and reasons, by commands of its own: what `wa-fix init --editor` sets up does.
    pub(super) asks: bool,
}

impl Client {
    /// Reads the parameters of `initialize`.
    pub(super) fn of(params: &Value) -> Self {
        let at = |path: &str| params.pointer(&format!("/capabilities/{path}"));
        let can = |path: &str| at(path) == Some(&Value::Bool(true));
        let lists = |path: &str, wanted: &str| {
            at(path).and_then(Value::as_array).is_some_and(|list| list.iter().any(|one| one == wanted))
        };
        let creates = lists("workspace/workspaceEdit/resourceOperations", "create");
        Self {
            resolves: lists("textDocument/codeAction/resolveSupport/properties", "edit"),
            takes_actions: at("textDocument/codeAction/codeActionLiteralSupport").is_some(),
            // Operations on files exist in this form of edits only: Neovim names them and not the form.
            versioned_edits: creates || can("workspace/workspaceEdit/documentChanges"),
            creates,
            markdown: lists("textDocument/hover/contentFormat", "markdown"),
            versioned_diagnostics: can("textDocument/publishDiagnostics/versionSupport"),
            watches: can("workspace/didChangeWatchedFiles/dynamicRegistration"),
            asks: params.pointer("/initializationOptions/asks") == Some(&Value::Bool(true)),
        }
    }
}
