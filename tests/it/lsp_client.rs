//! An editor without a screen, that speaks with the real program over its streams.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use lsp_server::{Message, Notification, Request};
use serde_json::{Value, json};
use wa_fix::source::position::LineIndex;

use crate::npm::Files;

/// An editor without a screen.
pub struct Client {
    pub server: Child,
    pub input: ChildStdin,
    pub output: BufReader<ChildStdout>,
    pub root: String,
    pub number: i32,
    /// The diagnostics of each file, by path.
    pub diagnostics: BTreeMap<String, Vec<Value>>,
    /// How often diagnostics have come.
    pub published: usize,
    /// What the server asked for.
    pub asked: Vec<Request>,
    /// What the server wants a person to read.
    pub shown: Vec<String>,
}

impl Client {
    /// Before the greeting.
    pub fn silent(root: &Path) -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_wa-fix"))
            .arg("lsp")
            .current_dir(root)
            .env("XDG_STATE_HOME", root.join(".state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = server.stdin.take().unwrap();
        let output = BufReader::new(server.stdout.take().unwrap());
        Self {
            server,
            input,
            output,
            root: root.to_str().unwrap().to_owned(),
            number: 0,
            diagnostics: BTreeMap::new(),
            published: 0,
            asked: Vec::new(),
            shown: Vec::new(),
        }
    }

    pub fn start(root: &Path, capabilities: &Value, asks: bool) -> Self {
        let mut client = Self::silent(root);
        client.greet(capabilities, asks);
        client
    }

    /// The greeting.
    pub fn greet(&mut self, capabilities: &Value, asks: bool) {
        let params = json!({ "rootUri": format!("file://{}", self.root), "capabilities": capabilities,
            "initializationOptions": { "asks": asks } });
        let answer = self.ask("initialize", params).unwrap();
        assert_eq!(answer["capabilities"]["positionEncoding"], "utf-16");
        self.tell("initialized", json!({}));
    }

    /// The next message that is no diagnostics, as it is.
    pub fn raw(&mut self) -> Value {
        loop {
            let said = self.next();
            if said["method"] != "textDocument/publishDiagnostics" {
                return said;
            }
            self.note(&said);
        }
    }

    fn next(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "the server has gone");
            match line.trim().split_once(": ") {
                Some((_, value)) => length = value.parse().unwrap(),
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Keeps the diagnostics that a message tells.
    pub fn note(&mut self, said: &Value) {
        assert_eq!(said["method"], "textDocument/publishDiagnostics", "{said}");
        let uri = said["params"]["uri"].as_str().unwrap();
        let path = uri.strip_prefix(&format!("file://{}/", self.root)).unwrap().to_owned();
        self.published += 1;
        self.diagnostics.insert(path, said["params"]["diagnostics"].as_array().unwrap().clone());
    }

    pub fn uri(&self, path: &str) -> String {
        format!("file://{}/{path}", self.root)
    }

    pub fn tell(&mut self, method: &str, params: Value) {
        let message: Message = Notification::new(method.to_owned(), params).into();
        message.write(&mut self.input).unwrap();
    }

    /// Bytes as they are, such as no message.
    pub fn write(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).unwrap();
        self.input.flush().unwrap();
    }

    /// The error code of a request that is refused.
    pub fn refused(&mut self, method: &str, params: Value) -> i64 {
        self.answer(method, params).unwrap_err()["code"].as_i64().unwrap()
    }

    /// A request and its answer; whatever the server says meanwhile is kept.
    pub fn ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.answer(method, params).map_err(|error| error["message"].as_str().unwrap().to_owned())
    }

    fn answer(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.number += 1;
        let id = self.number.into();
        let message: Message = Request::new(id, method.to_owned(), params).into();
        message.write(&mut self.input).unwrap();
        loop {
            match Message::read(&mut self.output).unwrap().expect("the server has gone") {
                Message::Response(response) => {
                    let value = serde_json::to_value(response).unwrap();
                    assert_eq!(value["id"], self.number);
                    return value
                        .get("error")
                        .map_or_else(|| Ok(value["result"].clone()), |error| Err(error.clone()));
                }
                Message::Notification(said) if said.method == "window/showMessage" => {
                    self.shown.push(said.params["message"].as_str().unwrap().to_owned());
                }
                Message::Notification(said) => {
                    self.note(&json!({ "method": said.method, "params": said.params }));
                }
                Message::Request(request) => self.asked.push(request),
            }
        }
    }

    /// Waits until all that was told is seen to.
    pub fn settle(&mut self) {
        // Diagnostics of what was told before go out ahead of an answer.
        let params = json!({ "textDocument": { "uri": self.uri("none.ts") }, "position": { "line": 0, "character": 0 } });
        self.ask("textDocument/hover", params).unwrap();
    }

    pub fn open(&mut self, path: &str, text: &str) {
        let document =
            json!({ "uri": self.uri(path), "languageId": "typescript", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
        self.settle();
    }

    pub fn change(&mut self, path: &str, changes: &Value) {
        let document = json!({ "uri": self.uri(path), "version": 2 });
        self.tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
        self.settle();
    }

    pub fn actions(&mut self, path: &str, range: &Value) -> Vec<Value> {
        let params = json!({ "textDocument": { "uri": self.uri(path) }, "range": range,
            "context": { "diagnostics": [] } });
        self.ask("textDocument/codeAction", params).unwrap().as_array().unwrap().clone()
    }

    /// The files as they stand after an action, if it can be taken.
    pub fn taken(&mut self, files: &Files, action: &Value) -> Result<Files, String> {
        let resolved = self.ask("codeAction/resolve", action.clone())?;
        Ok(edited(files, &resolved["edit"], &self.root))
    }
}

/// What a modern editor can do.
pub fn full() -> Value {
    json!({
        "textDocument": {
            "codeAction": {
                "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["quickfix"] } },
                "resolveSupport": { "properties": ["edit"] },
            },
            "hover": { "contentFormat": ["markdown", "plaintext"] },
            "publishDiagnostics": { "versionSupport": true },
        },
        "workspace": {
            "applyEdit": true,
            "workspaceEdit": { "documentChanges": true, "resourceOperations": ["create"] },
        },
    })
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Files after a workspace edit, made as the protocol says.
pub fn edited(files: &Files, edit: &Value, root: &str) -> Files {
    let mut files = files.clone();
    let path =
        |uri: &Value| uri.as_str().unwrap().strip_prefix(&format!("file://{root}/")).unwrap().to_owned();
    if let Some(changes) = edit["changes"].as_object() {
        for (uri, edits) in changes {
            edit_text(files.get_mut(&path(&Value::from(uri.as_str()))).unwrap(), edits);
        }
        return files;
    }
    for change in edit["documentChanges"].as_array().unwrap() {
        if change["kind"] == "create" {
            assert!(files.insert(path(&change["uri"]), String::new()).is_none());
            continue;
        }
        let name = path(&change["textDocument"]["uri"]);
        edit_text(files.get_mut(&name).unwrap(), &change["edits"]);
    }
    files
}

/// Makes the edits of one text, from the last to the first.
fn edit_text(text: &mut String, edits: &Value) {
    let index = LineIndex::new(text);
    for edit in edits.as_array().unwrap().iter().rev() {
        let offset = |end: &str| {
            let number = |key: &str| usize::try_from(edit["range"][end][key].as_u64().unwrap()).unwrap() + 1;
            let place = wa_fix::detect::Position { line: number("line"), column: number("character") };
            index.offset(place).unwrap()
        };
        text.replace_range(offset("start")..offset("end"), edit["newText"].as_str().unwrap());
    }
}
