//! The language server, as an editor speaks with it: over the streams of the real program, and by Neovim.
#![expect(clippy::disallowed_methods, reason = "tests lay out their own temporary files")]

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use lsp_server::{Message, Notification, Request};
use serde_json::{Value, json};
use wa_fix::model::Overlay;
use wa_fix::plan::{Decisions, Options, RuleSet, find_apps, plan};
use wa_fix::rule::{Impact, Tier};
use wa_fix::source::position::LineIndex;
use wa_fix::source::{DiscoverOptions, discover};

use crate::npm::Files;
use crate::support::{TempApp, read_tree, top};

const PIPELINE: &str = "lib/constructs/pipeline-infrastructure.ts";

/// An editor without a screen.
struct Client {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    root: String,
    number: i32,
    /// The diagnostics of each file, by path.
    diagnostics: BTreeMap<String, Vec<Value>>,
    /// What the server asked for.
    asked: Vec<Request>,
}

impl Client {
    fn start(root: &Path, options: &Value) -> Self {
        let mut server = Command::new(env!("CARGO_BIN_EXE_wa-fix"))
            .arg("lsp")
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = server.stdin.take().unwrap();
        let output = BufReader::new(server.stdout.take().unwrap());
        let root = root.to_str().unwrap().to_owned();
        let mut client =
            Self { server, input, output, root, number: 0, diagnostics: BTreeMap::new(), asked: Vec::new() };
        let resolve =
            json!({ "textDocument": { "codeAction": { "resolveSupport": { "properties": ["edit"] } } } });
        let params = json!({ "rootUri": format!("file://{}", client.root), "capabilities": resolve,
            "initializationOptions": options });
        let answer = client.ask("initialize", params).unwrap();
        assert_eq!(answer["capabilities"]["positionEncoding"], "utf-16");
        client.tell("initialized", json!({}));
        client
    }

    fn uri(&self, path: &str) -> String {
        format!("file://{}/{path}", self.root)
    }

    fn tell(&mut self, method: &str, params: Value) {
        let message: Message = Notification::new(method.to_owned(), params).into();
        message.write(&mut self.input).unwrap();
    }

    /// A request and its answer; whatever the server says meanwhile is kept.
    fn ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.number += 1;
        let id = self.number.into();
        let message: Message = Request::new(id, method.to_owned(), params).into();
        message.write(&mut self.input).unwrap();
        loop {
            match Message::read(&mut self.output).unwrap().expect("the server has gone") {
                Message::Response(response) => {
                    let value = serde_json::to_value(response).unwrap();
                    assert_eq!(value["id"], self.number);
                    return match value.get("error") {
                        Some(error) => Err(error["message"].as_str().unwrap().to_owned()),
                        None => Ok(value["result"].clone()),
                    };
                }
                Message::Notification(said) => {
                    assert_eq!(said.method, "textDocument/publishDiagnostics", "{:?}", said.params);
                    let uri = said.params["uri"].as_str().unwrap();
                    let path = uri.strip_prefix(&format!("file://{}/", self.root)).unwrap().to_owned();
                    self.diagnostics.insert(path, said.params["diagnostics"].as_array().unwrap().clone());
                }
                Message::Request(request) => self.asked.push(request),
            }
        }
    }

    /// Waits until all that was told is seen to.
    fn settle(&mut self) {
        // Diagnostics go out when nothing waits, so the second answer is behind those of everything before the first.
        for _ in 0..2 {
            let params = json!({ "textDocument": { "uri": self.uri("none.ts") }, "position": { "line": 0, "character": 0 } });
            self.ask("textDocument/hover", params).unwrap();
        }
    }

    fn open(&mut self, path: &str, text: &str) {
        let document =
            json!({ "uri": self.uri(path), "languageId": "typescript", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
        self.settle();
    }

    fn change(&mut self, path: &str, changes: &Value) {
        let document = json!({ "uri": self.uri(path), "version": 2 });
        self.tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
        self.settle();
    }

    fn actions(&mut self, path: &str, range: &Value) -> Vec<Value> {
        let params = json!({ "textDocument": { "uri": self.uri(path) }, "range": range,
            "context": { "diagnostics": [] } });
        self.ask("textDocument/codeAction", params).unwrap().as_array().unwrap().clone()
    }

    /// The files as they stand after an action, if it can be taken.
    fn taken(&mut self, files: &Files, action: &Value) -> Result<Files, String> {
        let resolved = self.ask("codeAction/resolve", action.clone())?;
        Ok(edited(files, &resolved["edit"], &self.root))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Files after a workspace edit, made as the protocol says.
fn edited(files: &Files, edit: &Value, root: &str) -> Files {
    let mut files = files.clone();
    let path =
        |uri: &Value| uri.as_str().unwrap().strip_prefix(&format!("file://{root}/")).unwrap().to_owned();
    for change in edit["documentChanges"].as_array().unwrap() {
        if change["kind"] == "create" {
            assert!(files.insert(path(&change["uri"]), String::new()).is_none());
            continue;
        }
        let name = path(&change["textDocument"]["uri"]);
        let mut text = files[&name].clone();
        let index = LineIndex::new(&text);
        for edit in change["edits"].as_array().unwrap().iter().rev() {
            let offset = |end: &str| {
                let number =
                    |key: &str| usize::try_from(edit["range"][end][key].as_u64().unwrap()).unwrap() + 1;
                index
                    .offset(wa_fix::detect::Position { line: number("line"), column: number("character") })
                    .unwrap()
            };
            text.replace_range(offset("start")..offset("end"), edit["newText"].as_str().unwrap());
        }
        files.insert(name, text);
    }
    files
}

fn example() -> Files {
    read_tree(&top().join("examples/tap"))
}

/// The files as `wa-fix apply` leaves them.
fn applied(files: &Files, arguments: &[&str]) -> Files {
    let app = TempApp::new(files);
    let output = Command::new(env!("CARGO_BIN_EXE_wa-fix"))
        .args(["apply", "--allow-dirty", "--quiet"])
        .args(arguments)
        .current_dir(app.root())
        .env("XDG_STATE_HOME", tempfile::tempdir().unwrap().path())
        .output()
        .unwrap();
    assert_ne!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    read_tree(&app.root())
}

/// The files after one fix, as the review makes it.
fn reviewed(files: &Files, fingerprint: &str, way: usize) -> Files {
    let app = TempApp::new(files);
    let root = app.root();
    let discover_options = DiscoverOptions { cwd: root.clone(), tests: false, exclude: Vec::new() };
    let apps = find_apps(discover(std::slice::from_ref(&root), &discover_options).files, &[root]);
    let decisions = Decisions {
        accepted: [fingerprint.to_owned()].into(),
        alternatives: [(fingerprint.to_owned(), way)].into(),
        ..Decisions::default()
    };
    let options = Options {
        tier: Tier::Safe,
        min_impact: Impact::Low,
        only: Some(decisions),
        values: BTreeMap::new(),
        within: Vec::new(),
        jobs: 1,
    };
    let rules = RuleSet::new(wa_fix::fixes::ALL.iter().copied()).unwrap();
    let apps: Vec<_> = apps.iter().map(|app| app.with(&Overlay::new())).collect();
    crate::support::after(files, &plan(&apps, &rules, &options, &|_| {}))
}

#[test]
fn every_action_on_the_example_writes_what_the_command_line_writes() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &json!({}));
    client.settle();
    let (mut fixes, mut of_rules) = (0, BTreeMap::new());
    for (path, diagnostics) in client.diagnostics.clone() {
        for diagnostic in diagnostics {
            for action in client.actions(&path, &diagnostic["range"]) {
                let data = &action["data"];
                match data["do"].as_str() {
                    Some("fix") => {
                        let fingerprint = data["fingerprint"].as_str().unwrap();
                        let way = usize::try_from(data["way"].as_u64().unwrap()).unwrap();
                        let expected = reviewed(&files, fingerprint, way);
                        match client.taken(&files, &action) {
                            Ok(is) => assert_eq!(is, expected, "{path}: {}", action["title"]),
                            Err(why) => assert_eq!(files, expected, "{path}: {}: {why}", action["title"]),
                        }
                        fixes += 1;
                    }
                    Some("rule") => {
                        of_rules.insert(data.to_string(), action.clone());
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(fixes > 40, "{fixes}");
    assert!(of_rules.len() > 5, "{}", of_rules.len());
    for action in of_rules.into_values() {
        let data = action["data"].clone();
        let mut arguments =
            vec!["--select", data["rule"].as_str().unwrap(), "--tier", data["tier"].as_str().unwrap()];
        let within =
            data["within"].as_str().map(|file| file.strip_prefix(&client.root).unwrap()[1..].to_owned());
        arguments.extend(within.as_deref());
        let is = client.taken(&files, &action).unwrap_or_else(|_| files.clone());
        assert_eq!(is, applied(&files, &arguments), "{}", action["title"]);
    }
}

#[test]
fn unsaved_text_counts_and_edits_fit_it() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &json!({}));
    let text = &files[PIPELINE];
    client.open(PIPELINE, text);
    let found = client.diagnostics[PIPELINE].clone();
    assert!(found.iter().any(|diagnostic| diagnostic["code"] == "2.6"));
    // Two astral characters above, in one change without and one with a range.
    let start = json!({ "line": 0, "character": 0 });
    let comment = "/* 😀 */ const smile = '😀';\n";
    client.change(
        PIPELINE,
        &json!([{ "text": text }, { "range": { "start": start, "end": start }, "text": comment }]),
    );
    let moved = client.diagnostics[PIPELINE].clone();
    assert_eq!(moved.len(), found.len());
    for (new, old) in moved.iter().zip(&found) {
        let line = |diagnostic: &Value| diagnostic["range"]["start"]["line"].as_u64().unwrap();
        assert_eq!(line(new), line(old) + 1);
    }
    let mut unsaved = files.clone();
    unsaved.insert(PIPELINE.to_owned(), format!("{comment}{text}"));
    let swallowed = moved.iter().find(|diagnostic| diagnostic["code"] == "2.6").unwrap();
    let actions = client.actions(PIPELINE, &swallowed["range"]);
    let all = actions
        .iter()
        .find(|action| action["data"]["rule"] == "2.6" && action["data"]["within"].is_null())
        .unwrap();
    let tier = all["data"]["tier"].as_str().unwrap();
    let expected = applied(&unsaved, &["--select", "2.6", "--tier", tier]);
    assert_ne!(expected, unsaved);
    assert_eq!(client.taken(&unsaved, all).unwrap(), expected);
    // A comment that accepts one finding: that one goes, and no other.
    let accept = actions.iter().find(|action| action["data"]["do"] == "accept").unwrap();
    let accepted = client.taken(&unsaved, accept).unwrap();
    client.change(PIPELINE, &json!([{ "text": accepted[PIPELINE] }]));
    assert_eq!(client.diagnostics[PIPELINE].len(), found.len() - 1);
    // The disk counts again when the buffer is closed.
    client.tell("textDocument/didClose", json!({ "textDocument": { "uri": client.uri(PIPELINE) } }));
    client.settle();
    assert_eq!(client.diagnostics[PIPELINE], found);
    assert_eq!(read_tree(&app.root()), files, "a server writes nothing");
}

#[test]
fn hover_explains_and_an_editor_that_asks_gets_questions() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &json!({ "asks": true }));
    client.open(PIPELINE, &files[PIPELINE]);
    let found = client.diagnostics[PIPELINE].clone();
    let swallowed = found.iter().find(|diagnostic| diagnostic["code"] == "2.6").unwrap();
    let params =
        json!({ "textDocument": { "uri": client.uri(PIPELINE) }, "position": swallowed["range"]["start"] });
    let hover = client.ask("textDocument/hover", params).unwrap();
    let shown = hover["contents"]["value"].as_str().unwrap();
    assert!(shown.contains(swallowed["message"].as_str().unwrap()) && shown.contains("## Before"), "{shown}");
    let actions = client.actions(PIPELINE, &swallowed["range"]);
    let ask = actions.iter().find(|action| action["command"]["command"] == "wa-fix.askReason").unwrap();
    let mut argument = ask["command"]["arguments"][0].clone();
    let params = |argument: &Value| json!({ "command": "wa-fix.accept", "arguments": [argument] });
    assert!(client.ask("workspace/executeCommand", params(&argument)).unwrap_err().contains("reason"));
    argument["reason"] = "only a rehearsal".into();
    client.ask("workspace/executeCommand", params(&argument)).unwrap();
    client.settle();
    let asked = client.asked.pop().unwrap();
    assert_eq!(asked.method, "workspace/applyEdit");
    let text = &edited(&files, &asked.params["edit"], &client.root)[PIPELINE];
    assert!(text.contains("-- only a rehearsal"));
    assert!(client.ask("workspace/executeCommand", json!({ "command": "rm" })).is_err());
    assert!(client.ask("textDocument/rename", json!({})).unwrap_err().contains("not offered"));
    assert_eq!(client.ask("shutdown", Value::Null).unwrap(), Value::Null);
    client.tell("exit", Value::Null);
    assert!(client.server.wait().unwrap().success());
}

#[test]
fn a_value_given_in_the_editor_releases_its_fix() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &json!({ "asks": true }));
    client.settle();
    let everywhere =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9999, "character": 0 } });
    let mut asked = None;
    for path in client.diagnostics.clone().into_keys() {
        let actions = client.actions(&path, &everywhere);
        let question = actions.into_iter().find(|action| action["command"]["command"] == "wa-fix.askValue");
        asked = asked.or(question.map(|action| (path, action["command"]["arguments"][0].clone())));
    }
    let (path, question) = asked.expect("the example has a fix that needs a value");
    let argument = json!({ "key": question["key"], "value": question["example"] });
    let params = json!({ "command": "wa-fix.setValue", "arguments": [argument] });
    client.ask("workspace/executeCommand", params).unwrap();
    let left = client.actions(&path, &everywhere);
    assert!(!left.iter().any(|action| action["command"]["arguments"][0]["key"] == question["key"]));
}

/// Neovim (Debian's `neovim`; `.ci/run` installs it) is the client: the same conversation without it is above.
#[test]
fn neovim_gets_diagnostics_and_applies_an_action() {
    if Command::new("nvim").arg("--version").output().is_err() {
        println!("nvim is not installed: the conversation was driven by the tests above only");
        return;
    }
    let files = example();
    let app = TempApp::new(&files);
    let home = tempfile::tempdir().unwrap();
    let script = home.path().join("drive.lua");
    std::fs::write(&script, NEOVIM).unwrap();
    let output = Command::new("nvim")
        .args(["--headless", "--clean", "-n", "-u", "NONE", "-l"])
        .arg(&script)
        .args([env!("CARGO_BIN_EXE_wa-fix"), PIPELINE])
        .current_dir(app.root())
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let written = std::fs::read_to_string(app.root().join("buffer.out")).unwrap();
    let found = std::fs::read_to_string(app.root().join("found.out")).unwrap();
    let expected = applied(&files, &["--select", "2.6", "--tier", "safe"]);
    assert_ne!(expected[PIPELINE], files[PIPELINE]);
    assert_eq!(written, expected[PIPELINE]);
    assert_eq!(read_tree(&app.root())[PIPELINE], files[PIPELINE], "the buffer was not saved");
    assert!(found.lines().any(|line| line == "2.6"), "{found}");
}

/// Opens a file, waits for the diagnostics, applies an action and keeps the buffer.
const NEOVIM: &str = r#"
local server, file = arg[1], arg[2]
vim.cmd.edit(file)
vim.lsp.start({ name = 'wa-fix', cmd = { server, 'lsp' }, root_dir = vim.fn.getcwd() })
local found = {}
assert(vim.wait(30000, function()
  found = vim.diagnostic.get(0)
  return #found > 0
end, 20), 'no diagnostics')
local at
local codes = {}
for _, diagnostic in ipairs(found) do
  table.insert(codes, tostring(diagnostic.code))
  if tostring(diagnostic.code) == '2.6' then at = at or diagnostic end
end
assert(at, 'no 2.6: ' .. table.concat(codes, ' '))
vim.fn.writefile(codes, 'found.out')
vim.api.nvim_win_set_cursor(0, { at.lnum + 1, at.col })
local before = vim.api.nvim_buf_get_changedtick(0)
vim.lsp.buf.code_action({ apply = true, filter = function(action)
  return action.title:find('Fix all of 2.6', 1, true) and action.title:find('project', 1, true) ~= nil
end })
assert(vim.wait(30000, function()
  return vim.api.nvim_buf_get_changedtick(0) ~= before
end, 20), 'no edit')
local lines = vim.api.nvim_buf_get_lines(0, 0, -1, true)
vim.fn.writefile(lines, 'buffer.out')
vim.cmd('qa!')
"#;
