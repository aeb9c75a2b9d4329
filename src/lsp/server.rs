//! The conversation with an editor: its course, and what it says of documents.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::Client;
use super::edits::changed;
use super::place::Names;
use super::wire::{Incoming, Wire};
use super::workspace::{Shown, Workspace};
use super::{Loaded, Project, action, home, place};

/// A message that is no JSON.
const PARSE_ERROR: i32 = -32700;
/// A message that is no request, or comes at a wrong time.
pub(super) const INVALID_REQUEST: i32 = -32600;
/// A request before the greeting.
const NOT_INITIALIZED: i32 = -32002;
/// A request that its sender takes back.
const CANCELLED: i32 = -32800;

/// An app that takes longer than this to look at is looked at when the typing pauses.
const QUICK: Duration = Duration::from_millis(50);
/// A pause in typing.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves one editor until it says goodbye; the exit code that the protocol asks for.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    project: &dyn Project,
) -> u8 {
    let Ok(nothing) = Loaded::nothing() else { return 1 };
    let wire = Wire::open(input, output);
    let mut server = Server {
        wire,
        project,
        queue: VecDeque::new(),
        phase: Phase::Silent,
        client: Client::default(),
        folders: Vec::new(),
        is_alone: false,
        workspace: Workspace::new(nothing),
        names: Names::default(),
        is_outdated: false,
        published: BTreeMap::new(),
        complaint: None,
        took: Duration::ZERO,
        requests: 0,
    };
    let code = server.run();
    server.wire.close();
    code
}

fn capabilities() -> Value {
    json!({
        "positionEncoding": "utf-16",
        "textDocumentSync": { "openClose": true, "change": 2, "save": true },
        "codeActionProvider": { "codeActionKinds": ["quickfix", action::FIX_ALL], "resolveProvider": true },
        "hoverProvider": true,
        "executeCommandProvider": { "commands": [action::ADD_VALUE, action::APPLY] },
        "workspace": { "workspaceFolders": { "supported": true, "changeNotifications": true } },
    })
}

/// How far the conversation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nobody has greeted.
    Silent,
    /// Everything may be asked.
    Open,
    /// The editor has said that it will go.
    Closing,
}

pub(super) struct Server<'s> {
    pub(super) wire: Wire,
    pub(super) project: &'s dyn Project,
    /// What has come and was not looked at.
    queue: VecDeque<Incoming>,
    phase: Phase,
    pub(super) client: Client,
    pub(super) folders: Vec<PathBuf>,
    /// No folder is open: the apps are those of the files that are.
    is_alone: bool,
    pub(super) workspace: Workspace,
    /// What the editor calls files.
    pub(super) names: Names,
    /// The disk is to be read again.
    pub(super) is_outdated: bool,
    /// The diagnostics that the editor has.
    published: BTreeMap<PathBuf, Value>,
    /// What was last said to be wrong with the project.
    complaint: Option<String>,
    /// How long the last look took.
    took: Duration,
    pub(super) requests: u64,
}

impl Server<'_> {
    fn run(&mut self) -> u8 {
        loop {
            while let Ok(incoming) = self.wire.incoming.try_recv() {
                self.receive(incoming);
            }
            if let Some(incoming) = self.queue.pop_front() {
                if let Some(code) = self.handle(incoming) {
                    return code;
                }
            } else if self.is_stale() {
                // Only the last of several keystrokes is looked at.
                let pause = if self.took > QUICK { PAUSE } else { Duration::ZERO };
                match self.wire.incoming.recv_timeout(pause) {
                    Ok(incoming) => self.receive(incoming),
                    Err(RecvTimeoutError::Timeout) => self.publish(),
                    Err(RecvTimeoutError::Disconnected) => return 1,
                }
            } else {
                match self.wire.incoming.recv() {
                    Ok(incoming) => self.receive(incoming),
                    Err(_) => return 1,
                }
            }
        }
    }

    /// Takes a message into the queue; a request that is taken back leaves it.
    fn receive(&mut self, incoming: Incoming) {
        if let Incoming::Message(message) = &incoming
            && message.get("method").is_some_and(|method| method == "$/cancelRequest")
        {
            let id = message.pointer("/params/id").filter(|id| !id.is_null()).cloned();
            let is_meant = |waiting: &Incoming| matches!(waiting, Incoming::Message(one) if one.get("id") == id.as_ref());
            if id.is_some() && self.queue.iter().any(is_meant) {
                self.queue.retain(|waiting| !is_meant(waiting));
                self.refuse(&id.unwrap_or_default(), CANCELLED, "the request was taken back");
            }
            return;
        }
        self.queue.push_back(incoming);
    }

    /// Sees to a message; an exit code where it was the last.
    fn handle(&mut self, incoming: Incoming) -> Option<u8> {
        let mut message = match incoming {
            Incoming::Message(message) => message,
            Incoming::Malformed(why) => {
                self.refuse(&Value::Null, PARSE_ERROR, &why);
                return None;
            }
        };
        let params = message.get_mut("params").map(Value::take).unwrap_or_default();
        let id = message.get("id").filter(|id| !id.is_null());
        match (message.get("method").and_then(Value::as_str), id) {
            (Some("exit"), _) => return Some(u8::from(self.phase != Phase::Closing)),
            (Some("initialize"), Some(id)) if self.phase == Phase::Silent => self.greet(id, &params),
            (Some(_), Some(id)) if self.phase == Phase::Silent => {
                self.refuse(id, NOT_INITIALIZED, "the first request is `initialize`");
            }
            (Some("shutdown"), Some(id)) if self.phase == Phase::Open => {
                self.phase = Phase::Closing;
                self.answer(id, &Value::Null);
            }
            (Some("initialize"), Some(id)) => {
                self.refuse(id, INVALID_REQUEST, "the greeting was said before");
            }
            (Some(_), Some(id)) if self.phase == Phase::Closing => {
                self.refuse(id, INVALID_REQUEST, "the server was told to shut down");
            }
            (Some(method), Some(id)) => {
                // Diagnostics are never older than an answer.
                self.publish();
                self.request(id, method, params);
            }
            (Some(method), None) if self.phase == Phase::Open => self.notification(method, &params),
            // An answer of the editor, or a notification at a time when none counts.
            (_, Some(_)) if message.get("method").is_none() => self.hear(&message),
            (Some(_), None) => {}
            (None, _) => self.refuse(&Value::Null, INVALID_REQUEST, "a message has a method or answers one"),
        }
        None
    }

    fn greet(&mut self, id: &Value, params: &Value) {
        self.client = Client::of(params);
        let named = params.get("workspaceFolders").and_then(Value::as_array).into_iter().flatten();
        let named: Vec<&str> = named.filter_map(uri_of).collect();
        let root = params.get("rootUri").and_then(Value::as_str);
        for uri in if named.is_empty() { root.into_iter().collect() } else { named } {
            self.add_folder(uri);
        }
        self.is_alone = self.folders.is_empty();
        self.phase = Phase::Open;
        self.is_outdated = !self.is_alone;
        let server = json!({ "name": "wa-fix", "version": env!("CARGO_PKG_VERSION") });
        self.answer(id, &json!({ "capabilities": capabilities(), "serverInfo": server }));
    }

    /// What the editor answers to what the server asked: an edit that it did not make is worth a word.
    fn hear(&self, message: &Value) {
        if message.pointer("/result/applied") == Some(&Value::Bool(false)) {
            let why =
                message.pointer("/result/failureReason").and_then(Value::as_str).unwrap_or("no reason given");
            self.say(2, &format!("the editor did not make the change: {why}"));
        }
    }

    fn notification(&mut self, method: &str, params: &Value) {
        match method {
            "initialized" if self.client.watches => self.watch(),
            "workspace/didChangeWatchedFiles" => self.is_outdated |= self.is_told_of_others(params),
            "workspace/didChangeWorkspaceFolders" => self.change_folders(params),
            _ => {}
        }
        let uri = params.pointer("/textDocument/uri").and_then(Value::as_str);
        let Some((uri, file)) = uri.and_then(|uri| Some((uri, place::file(uri)?))) else { return };
        match method {
            "textDocument/didOpen" => {
                self.names.open(&file, uri);
                let text = params.pointer("/textDocument/text").and_then(Value::as_str).unwrap_or_default();
                let version = version_of(params);
                if self.is_alone && !self.folders.iter().any(|folder| file.starts_with(folder)) {
                    self.folders.extend(home(&file));
                    self.reload();
                }
                self.workspace.put(file, text.into(), version);
            }
            "textDocument/didChange" => self.change(file, params),
            "textDocument/didClose" => {
                self.workspace.close(&file);
                self.names.forget(&file);
            }
            // Where nobody tells of other programs, this is the time to look.
            "textDocument/didSave" => self.is_outdated |= !self.client.watches,
            _ => {}
        }
    }

    fn change(&mut self, file: PathBuf, params: &Value) {
        let Some(old) = self.workspace.buffer(&file) else { return };
        let mut text = old.to_string();
        for change in params.get("contentChanges").and_then(Value::as_array).into_iter().flatten() {
            text = changed(&text, change).unwrap_or(text);
        }
        self.workspace.put(file, text.into(), version_of(params));
    }

    fn change_folders(&mut self, params: &Value) {
        let listed = |key: &str| {
            let folders = params.pointer(&format!("/event/{key}")).and_then(Value::as_array);
            folders.into_iter().flatten().filter_map(uri_of)
        };
        let gone: Vec<PathBuf> = listed("removed").filter_map(place::file).collect();
        self.folders.retain(|folder| !gone.contains(folder));
        for uri in listed("added") {
            self.add_folder(uri);
        }
        self.is_outdated = true;
    }

    fn add_folder(&mut self, uri: &str) {
        if let Some(folder) = place::file(uri) {
            self.names.add_folder(&folder, uri);
            self.folders.push(folder);
        }
    }

    /// Asks to be told of files that other programs write.
    fn watch(&mut self) {
        let globs = ["**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs,json,yml,yaml,sh,md}", "**/wa-fix.toml"];
        let watchers = globs.map(|glob| json!({ "globPattern": glob }));
        let registration = json!({
            "id": "wa-fix-files", "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": watchers },
        });
        self.ask("client/registerCapability", &json!({ "registrations": [registration] }));
    }

    /// Whether a change on disk is news: that of an open file is not, for its buffer counts.
    fn is_told_of_others(&self, params: &Value) -> bool {
        let is_news = |event: &Value| {
            let Some(file) = event.get("uri").and_then(Value::as_str).and_then(place::file) else {
                return false;
            };
            let is_built = ["node_modules", "cdk.out", ".git"]
                .iter()
                .any(|name| file.components().any(|part| part.as_os_str() == *name));
            let is_open = self.workspace.buffer(&file).is_some();
            let is_source = file.extension().is_some_and(|end| end != "toml" && end != "json");
            let only_changed = event.get("type").and_then(Value::as_u64) == Some(2);
            !(is_built || is_open && is_source && only_changed)
        };
        params.get("changes").and_then(Value::as_array).into_iter().flatten().any(is_news)
    }

    fn is_stale(&self) -> bool {
        self.is_outdated || self.workspace.is_stale()
    }

    /// Reads the disk again where that is due.
    fn ready(&mut self) {
        if self.is_outdated {
            self.reload();
        }
    }

    /// Reads the disk again. A project that cannot be read leaves the last state, and a complaint.
    fn reload(&mut self) {
        self.is_outdated = false;
        match self.project.load(&self.folders) {
            Ok(loaded) => {
                self.workspace.reload(loaded);
                self.complaint = None;
            }
            Err(why) if self.complaint.as_ref() != Some(&why) => {
                self.say(1, &why);
                self.complaint = Some(why);
            }
            Err(_) => {}
        }
    }

    /// Looks at what has changed, and sends the diagnostics of every file that has others than before.
    fn publish(&mut self) {
        self.ready();
        if !self.workspace.is_stale() {
            return;
        }
        let start = Instant::now();
        self.workspace.look();
        self.took = start.elapsed();
        let mut now: BTreeMap<PathBuf, Vec<&Shown>> =
            self.published.keys().map(|file| (file.clone(), Vec::new())).collect();
        for shown in self.workspace.findings() {
            now.entry(shown.file.clone()).or_default().push(shown);
        }
        for (file, shown) in now {
            let diagnostics: Value = shown.into_iter().map(action::diagnostic).collect();
            if self.published.get(&file) == Some(&diagnostics) {
                continue;
            }
            let mut params = json!({ "uri": self.names.uri(&file), "diagnostics": diagnostics });
            if self.client.versioned_diagnostics
                && let (Some(version), Some(fields)) = (self.workspace.version(&file), params.as_object_mut())
            {
                fields.insert("version".to_owned(), version.into());
            }
            self.notify("textDocument/publishDiagnostics", &params);
            self.published.insert(file, diagnostics);
        }
    }

    /// Shows a person a sentence: 1 is an error, 2 a warning, 3 for information.
    pub(super) fn say(&self, kind: u8, text: &str) {
        self.notify("window/showMessage", &json!({ "type": kind, "message": format!("wa-fix: {text}") }));
    }

    fn notify(&self, method: &str, params: &Value) {
        self.wire.send(json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Asks the editor for something.
    pub(super) fn ask(&mut self, method: &str, params: &Value) {
        self.requests += 1;
        let id = format!("wa-fix-{}", self.requests);
        self.wire.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
    }

    pub(super) fn answer(&self, id: &Value, result: &Value) {
        self.wire.send(json!({ "jsonrpc": "2.0", "id": id, "result": result }));
    }

    pub(super) fn refuse(&self, id: &Value, code: i32, why: &str) {
        self.wire.send(json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": why } }));
    }
}

/// The URI of a folder of the workspace.
fn uri_of(folder: &Value) -> Option<&str> {
    folder.get("uri")?.as_str()
}

fn version_of(params: &Value) -> i64 {
    params.pointer("/textDocument/version").and_then(Value::as_i64).unwrap_or_default()
}
