//! The conversation with an editor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};

use super::edits::{changed, workspace_edit};
use super::workspace::{Loaded, Workspace};
use super::{action, place};
use crate::detect::TextRange;

/// Reads the apps in some folders from the disk, as the command line does.
pub(super) type Load<'l> = &'l dyn Fn(&[PathBuf]) -> Result<Loaded, String>;

/// Serves one editor until it says goodbye.
///
/// # Errors
/// What broke the conversation.
pub fn serve(connection: &Connection, load: Load<'_>) -> Result<(), String> {
    let (id, params) = connection.initialize_start().map_err(|error| error.to_string())?;
    let result = json!({
        "capabilities": capabilities(),
        "serverInfo": { "name": "wa-fix", "version": env!("CARGO_PKG_VERSION") },
    });
    connection.initialize_finish(id, result).map_err(|error| error.to_string())?;
    let mut server = Server::start(connection, load, &params);
    server.run()
}

fn capabilities() -> Value {
    json!({
        "positionEncoding": "utf-16",
        "textDocumentSync": { "openClose": true, "change": 2, "save": true },
        "codeActionProvider": { "codeActionKinds": ["quickfix", "source.fixAll.wa-fix"], "resolveProvider": true },
        "hoverProvider": true,
        "executeCommandProvider": { "commands": ["wa-fix.setValue", "wa-fix.accept"] },
    })
}

struct Server<'s> {
    connection: &'s Connection,
    load: Load<'s>,
    folders: Vec<PathBuf>,
    workspace: Option<Workspace>,
    /// The diagnostics that the editor has.
    published: BTreeMap<PathBuf, Value>,
    /// The app whose buffers changed since it was looked at.
    stale: BTreeSet<usize>,
    /// Whether the editor fills in an action's edit when a person takes it.
    resolves: bool,
    /// Whether the editor asks a person for values and reasons: our extension does.
    asks: bool,
    requests: i32,
}

impl<'s> Server<'s> {
    fn start(connection: &'s Connection, load: Load<'s>, params: &Value) -> Self {
        let named = params.get("workspaceFolders").and_then(Value::as_array).into_iter().flatten();
        let mut folders: Vec<PathBuf> =
            named.filter_map(|folder| place::file(folder.get("uri")?.as_str()?)).collect();
        if folders.is_empty() {
            folders.extend(params.get("rootUri").and_then(Value::as_str).and_then(place::file));
        }
        let properties = "/capabilities/textDocument/codeAction/resolveSupport/properties";
        let resolves = params
            .pointer(properties)
            .and_then(Value::as_array)
            .is_some_and(|properties| properties.iter().any(|property| property == "edit"));
        let asks = params.pointer("/initializationOptions/asks") == Some(&Value::Bool(true));
        let mut server = Self {
            connection,
            load,
            folders,
            workspace: None,
            published: BTreeMap::new(),
            stale: BTreeSet::new(),
            resolves,
            asks,
            requests: 0,
        };
        server.reload();
        server
    }

    fn run(&mut self) -> Result<(), String> {
        self.publish();
        while let Ok(message) = self.connection.receiver.recv() {
            match message {
                Message::Request(request) => {
                    if self.connection.handle_shutdown(&request).map_err(|error| error.to_string())? {
                        return Ok(());
                    }
                    self.refresh();
                    self.request(request);
                }
                Message::Notification(notification) => self.notification(&notification),
                Message::Response(_) => {}
            }
            // Keystrokes that have come meanwhile are taken first: only the last state is looked at.
            if self.connection.receiver.is_empty() {
                self.refresh();
                self.publish();
            }
        }
        Ok(())
    }

    /// Reads the disk again.
    fn reload(&mut self) {
        match ((self.load)(&self.folders), &mut self.workspace) {
            (Ok(loaded), Some(workspace)) => workspace.reload(loaded),
            (Ok(loaded), none) => *none = Some(Workspace::new(loaded)),
            (Err(why), _) => self.say(&why),
        }
    }

    fn say(&self, text: &str) {
        self.notify("window/showMessage", json!({ "type": 1, "message": format!("wa-fix: {text}") }));
    }

    fn notify(&self, method: &str, params: Value) {
        // A closed channel is an editor that has gone; the loop ends at its next message.
        let _ = self.connection.sender.send(Notification::new(method.to_owned(), params).into());
    }

    fn refresh(&mut self) {
        let Some(workspace) = &mut self.workspace else { return };
        for app in std::mem::take(&mut self.stale) {
            workspace.analyse(app);
        }
    }

    /// Sends the diagnostics of every file that has others than before.
    fn publish(&mut self) {
        let Some(workspace) = &self.workspace else { return };
        let mut now: BTreeMap<PathBuf, Vec<Value>> = BTreeMap::new();
        for (_, file, finding) in workspace.findings() {
            now.entry(file.to_owned()).or_default().push(action::diagnostic(finding));
        }
        for file in self.published.keys() {
            now.entry(file.clone()).or_default();
        }
        for (file, diagnostics) in now {
            let diagnostics = Value::from(diagnostics);
            if self.published.get(&file) != Some(&diagnostics) {
                self.notify(
                    "textDocument/publishDiagnostics",
                    json!({ "uri": place::uri(&file), "diagnostics": diagnostics }),
                );
                self.published.insert(file, diagnostics);
            }
        }
    }

    fn notification(&mut self, notification: &Notification) {
        let params = &notification.params;
        let file = params.pointer("/textDocument/uri").and_then(Value::as_str).and_then(place::file);
        let Some(file) = file else { return };
        if notification.method == "textDocument/didSave" {
            // Other programs may have written other files, too.
            self.reload();
            return;
        }
        let Some(workspace) = &mut self.workspace else { return };
        let version = params.pointer("/textDocument/version").and_then(Value::as_i64).unwrap_or_default();
        match notification.method.as_str() {
            "textDocument/didOpen" => {
                let text = params.pointer("/textDocument/text").and_then(Value::as_str).unwrap_or_default();
                workspace.put(file.clone(), text.into(), version);
            }
            "textDocument/didChange" => {
                let Some(old) = workspace.buffer(&file) else { return };
                let mut text = old.to_string();
                for change in params.get("contentChanges").and_then(Value::as_array).into_iter().flatten() {
                    text = changed(&text, change).unwrap_or(text);
                }
                workspace.put(file.clone(), text.into(), version);
            }
            "textDocument/didClose" => workspace.close(&file),
            _ => return,
        }
        self.stale.extend(workspace.app_of(&file));
    }

    fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        let result = match method.as_str() {
            "textDocument/codeAction" => Ok(self.actions(&params)),
            "codeAction/resolve" => self.resolve(params),
            "textDocument/hover" => Ok(self.hover(&params).unwrap_or(Value::Null)),
            "workspace/executeCommand" => self.execute(&params),
            _ => {
                let text = format!("{method} is not offered");
                self.answer(Response::new_err(id, ErrorCode::MethodNotFound as i32, text));
                return;
            }
        };
        self.answer(match result {
            Ok(value) => Response::new_ok(id, value),
            Err(why) => Response::new_err(id, ErrorCode::RequestFailed as i32, why),
        });
    }

    fn answer(&self, response: Response) {
        let _ = self.connection.sender.send(response.into());
    }

    fn actions(&self, params: &Value) -> Value {
        let file = params.pointer("/textDocument/uri").and_then(Value::as_str).and_then(place::file);
        let range = params.get("range").and_then(place::text_range);
        let (Some(workspace), Some(file), Some(range)) = (&self.workspace, file, range) else {
            return json!([]);
        };
        let only = params.pointer("/context/only").and_then(Value::as_array);
        let kinds: Vec<&str> = only.into_iter().flatten().filter_map(Value::as_str).collect();
        let mut actions = action::actions(workspace, &file, &range, &kinds, self.asks);
        if !self.resolves {
            actions = actions.into_iter().filter_map(|action| self.resolve(action).ok()).collect();
        }
        Value::from(actions)
    }

    /// An action with its edit.
    fn resolve(&self, mut action: Value) -> Result<Value, String> {
        if let (Some(data), Some(workspace)) = (action.get("data").cloned(), &self.workspace) {
            let changes = action::changes(workspace, &data)?;
            let edit = workspace_edit(&changes, &workspace.versions());
            if let Some(fields) = action.as_object_mut() {
                fields.insert("edit".to_owned(), edit);
            }
        }
        Ok(action)
    }

    fn hover(&self, params: &Value) -> Option<Value> {
        let file = place::file(params.pointer("/textDocument/uri")?.as_str()?)?;
        let at = place::position(params.get("position")?)?;
        action::hover(self.workspace.as_ref()?, &file, &TextRange { start: at, end: at })
    }

    fn execute(&mut self, params: &Value) -> Result<Value, String> {
        let command = params.get("command").and_then(Value::as_str).unwrap_or_default();
        let argument = params.pointer("/arguments/0").cloned().unwrap_or_default();
        let workspace = self.workspace.as_mut().ok_or("no app is open")?;
        match command {
            "wa-fix.setValue" => {
                let text = |key: &str| argument.get(key).and_then(Value::as_str);
                let (Some(key), Some(value)) = (text("key"), text("value")) else {
                    return Err("give the value as { key, value }".to_owned());
                };
                workspace.answer(key, value);
            }
            "wa-fix.accept" => {
                let mut data = argument;
                if let Some(fields) = data.as_object_mut() {
                    fields.insert("do".to_owned(), "accept".into());
                }
                let changes = action::changes(workspace, &data)?;
                let edit = workspace_edit(&changes, &workspace.versions());
                self.apply(edit);
            }
            _ => return Err(format!("`{command}` is no command of this server")),
        }
        Ok(Value::Null)
    }

    /// Asks the editor to make an edit.
    fn apply(&mut self, edit: Value) {
        self.requests += 1;
        let id = RequestId::from(self.requests);
        let request = Request::new(id, "workspace/applyEdit".to_owned(), json!({ "edit": edit }));
        let _ = self.connection.sender.send(request.into());
    }
}
