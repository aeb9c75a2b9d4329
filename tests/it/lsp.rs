//! The language server, as an editor speaks with it: over the streams of the real program.
#![expect(clippy::disallowed_methods, reason = "tests lay out their own temporary files")]

use std::collections::BTreeMap;
use std::process::Command;

use lsp_server::Message;
use serde_json::{Value, json};
use wa_fix::model::App;
use wa_fix::plan::{Decisions, Options, RuleSet, find_apps, plan};
use wa_fix::rule::{Impact, Tier};
use wa_fix::source::{DiscoverOptions, discover};

use crate::lsp_client::{Client, edited, full};
use crate::npm::Files;
use crate::support::{TempApp, read_tree, top};

const PIPELINE: &str = "lib/constructs/pipeline-infrastructure.ts";

/// The code of a request about a text that is no more.
const CONTENT_MODIFIED: i64 = -32801;

pub fn example() -> Files {
    read_tree(&top().join("examples/tap"))
}

/// The files as `wa-fix apply` leaves them.
pub fn applied(files: &Files, arguments: &[&str]) -> Files {
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

/// A review of some files: what each fix makes there.
struct Reviewer {
    files: Files,
    apps: Vec<App>,
    rules: RuleSet,
    _folder: TempApp,
}

impl Reviewer {
    fn of(files: &Files) -> Self {
        let folder = TempApp::new(files);
        let root = folder.root();
        let options = DiscoverOptions::at(root.clone());
        let apps = find_apps(discover(std::slice::from_ref(&root), &options), &[root]);
        for file in apps.iter().flat_map(|app| &app.files) {
            file.parsed();
        }
        let rules = RuleSet::new(wa_fix::fixes::ALL.iter().copied()).unwrap();
        Self { files: files.clone(), apps, rules, _folder: folder }
    }

    /// The files after one fix.
    fn fixed(&self, fingerprint: &str, way: usize) -> Files {
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
            trial: wa_fix::plan::Trial::default(),
        };
        crate::support::after(&self.files, &plan(&self.apps, &self.rules, &options, &|_| {}))
    }
}

/// The files after the fix that an action names.
fn reviewed(files: &Files, action: &Value) -> Files {
    Reviewer::of(files).fixed(action["data"]["fingerprint"].as_str().unwrap(), 0)
}

/// Every place of a file.
fn everywhere() -> Value {
    json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9999, "character": 0 } })
}

/// Every action that is offered anywhere.
fn all_actions(client: &mut Client) -> Vec<Value> {
    client.settle();
    let paths: Vec<String> = client.diagnostics.keys().cloned().collect();
    paths.iter().flat_map(|path| client.actions(path, &everywhere())).collect()
}

#[test]
fn every_action_on_the_example_writes_what_the_command_line_writes() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &full(), false);
    let actions = all_actions(&mut client);
    let mut rules: BTreeMap<String, usize> = BTreeMap::new();
    for diagnostic in client.diagnostics.values().flatten() {
        *rules.entry(diagnostic["code"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let reviewer = Reviewer::of(&files);
    let (mut fixes, mut alone, mut creates) = (0, 0, 0);
    for action in actions.iter().filter(|action| action["data"]["do"] == "fix") {
        let data = &action["data"];
        let way = usize::try_from(data["way"].as_u64().unwrap()).unwrap();
        let expected = reviewer.fixed(data["fingerprint"].as_str().unwrap(), way);
        let is = client.taken(&files, action);
        match &is {
            Ok(is) => assert_eq!(*is, expected, "{}", action["title"]),
            Err(why) => assert_eq!(files, expected, "{}: {why}", action["title"]),
        }
        creates += usize::from(expected.len() > files.len());
        fixes += 1;
        // The only finding of its rule: the command line can name it, too.
        let rule = action["diagnostics"][0]["code"].as_str().unwrap();
        if way == 0 && rules[rule] == 1 {
            let on_disk = applied(&files, &["--select", rule, "--tier", "scaffold"]);
            assert_eq!(is.unwrap_or_else(|_| files.clone()), on_disk, "{}", action["title"]);
            alone += 1;
        }
    }
    assert!(fixes > 40 && alone > 5 && creates > 0, "{fixes} {alone} {creates}");
}

#[test]
fn all_fixes_of_a_rule_are_those_of_the_command_line() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &full(), false);
    let mut of_rules = BTreeMap::new();
    for action in all_actions(&mut client) {
        if action["data"]["do"] == "rule" {
            of_rules.insert(action["data"].to_string(), action);
        }
    }
    assert!(of_rules.len() > 5, "{}", of_rules.len());
    for action in of_rules.into_values() {
        let data = action["data"].clone();
        let mut arguments =
            vec!["--select", data["rule"].as_str().unwrap(), "--tier", data["tier"].as_str().unwrap()];
        let within = data["within"]
            .as_str()
            .map(|file| file.strip_prefix(&format!("{}/", client.root)).unwrap().to_owned());
        arguments.extend(within.as_deref());
        let is = client.taken(&files, &action).unwrap_or_else(|_| files.clone());
        assert_eq!(is, applied(&files, &arguments), "{}", action["title"]);
    }
    // What an editor runs on saving: all that is safe, of every rule.
    let params = json!({ "textDocument": { "uri": client.uri(PIPELINE) }, "range": everywhere(),
        "context": { "diagnostics": [], "only": ["source.fixAll"] } });
    let actions = client.ask("textDocument/codeAction", params).unwrap();
    let [action] = actions.as_array().unwrap().as_slice() else { panic!("{actions}") };
    let expected = applied(&files, &[PIPELINE]);
    assert_ne!(expected, files);
    assert_eq!(client.taken(&files, action).unwrap(), expected);
}

#[test]
fn unsaved_text_counts_and_edits_fit_it() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &full(), false);
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
fn columns_line_ends_and_marks_are_the_editors() {
    let source = "import * as cdk from 'aws-cdk-lib';\nimport * as s3 from 'aws-cdk-lib/aws-s3';\n\
        export class S extends cdk.Stack {\n  constructor(scope: cdk.App) {\n    super(scope, 'S');\n    \
        /* 😀😀 */ new s3.Bucket(this, '😀');\n  }\n}\n"
        .replace('\n', "\r\n");
    let mut files = Files::from([("cdk.json".to_owned(), "{}".to_owned())]);
    files.insert("lib/s.ts".to_owned(), format!("\u{feff}{source}"));
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &full(), false);
    client.settle();
    let found = client.diagnostics["lib/s.ts"].clone();
    let bucket = &found[0]["range"];
    assert_eq!(bucket["start"], json!({ "line": 5, "character": "    /* 😀😀 */ ".encode_utf16().count() }));
    // On disk the file has its mark, in a buffer it has none: the same edits fit both.
    let closed = client.actions("lib/s.ts", bucket);
    let fix = closed.iter().find(|action| action["data"]["do"] == "fix").unwrap();
    let expected = reviewed(&files, fix);
    assert_ne!(expected, files);
    assert_eq!(client.taken(&files, fix).unwrap(), expected);
    client.open("lib/s.ts", &source);
    assert_eq!(client.diagnostics["lib/s.ts"], found);
    let buffers: Files =
        files.iter().map(|(path, text)| (path.clone(), text.replace('\u{feff}', ""))).collect();
    let open = client.actions("lib/s.ts", bucket);
    let fix = open.iter().find(|action| action["data"]["do"] == "fix").unwrap();
    let is = client.taken(&buffers, fix).unwrap();
    assert_eq!(format!("\u{feff}{}", is["lib/s.ts"]), expected["lib/s.ts"]);
    assert!(!is["lib/s.ts"].replace("\r\n", "").contains('\n'));
}

#[test]
fn what_was_offered_for_another_text_is_refused() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &full(), false);
    client.open(PIPELINE, &files[PIPELINE]);
    let offered = client.actions(PIPELINE, &everywhere());
    let fix = offered.iter().find(|action| action["data"]["do"] == "fix").unwrap().clone();
    let resolved = client.ask("codeAction/resolve", fix.clone()).unwrap();
    assert_eq!(resolved["edit"]["documentChanges"][0]["textDocument"]["version"], 1);
    client.change(PIPELINE, &json!([{ "text": format!("// {}", files[PIPELINE]) }]));
    assert_eq!(client.refused("codeAction/resolve", fix), CONTENT_MODIFIED);
    // A file that is not open and that another program has written: the next question is about the new text.
    let path = "lib/constructs/application-infrastructure.ts";
    let about = |client: &mut Client| {
        let is_about = |action: &Value| action["title"].as_str().unwrap().contains("(2.5)");
        client.actions(path, &everywhere()).into_iter().find(is_about).unwrap()
    };
    let fix = about(&mut client);
    let text = format!("\n{}", files[path]);
    std::fs::write(app.root().join(path), &text).unwrap();
    assert_eq!(client.refused("codeAction/resolve", fix), CONTENT_MODIFIED);
    let mut now = files.clone();
    now.insert(path.to_owned(), text);
    let fix = about(&mut client);
    let expected = reviewed(&files, &fix);
    assert_eq!(client.taken(&now, &fix).unwrap()[path], format!("\n{}", expected[path]));
}

#[test]
fn bad_messages_are_answered_and_survived() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::silent(&app.root());
    assert_eq!(client.refused("textDocument/hover", json!({})), -32002);
    client.greet(&full(), false);
    for body in ["{", "[]", "1", "\u{feff}{}"] {
        client.write(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
        assert_eq!(client.raw()["error"]["code"], -32700, "{body}");
    }
    client.write(b"noise\r\n\r\nContent-Length: 2\r\n\r\n{}");
    assert_eq!(client.raw()["error"]["code"], -32600);
    for params in [
        json!(null),
        json!([1]),
        json!({ "textDocument": 1 }),
        json!({ "textDocument": { "uri": "untitled:x" } }),
    ] {
        client.tell("textDocument/didOpen", params.clone());
        client.tell("textDocument/didChange", params.clone());
        client.tell("workspace/didChangeWatchedFiles", params.clone());
        client.tell("$/unknown", params.clone());
        assert_eq!(client.ask("textDocument/codeAction", params.clone()).unwrap(), json!([]));
        assert_eq!(client.ask("textDocument/hover", params.clone()).unwrap(), Value::Null);
        assert_eq!(client.refused("workspace/executeCommand", params.clone()), -32803);
        assert_eq!(client.refused("textDocument/rename", params), -32601);
    }
    let nonsense = json!({ "title": "x", "data": { "do": "fix", "app": -1, "state": "x" } });
    assert_eq!(client.refused("codeAction/resolve", nonsense), CONTENT_MODIFIED);
    assert_eq!(client.refused("initialize", json!({})), -32600);
    // It is still there, and knows the app.
    client.settle();
    assert!(!client.diagnostics[PIPELINE].is_empty());
    assert_eq!(client.ask("shutdown", Value::Null).unwrap(), Value::Null);
    assert_eq!(client.refused("textDocument/hover", json!({})), -32600);
    client.tell("exit", Value::Null);
    assert_eq!(client.server.wait().unwrap().code(), Some(0));
    // Without a goodbye.
    let mut client = Client::start(&app.root(), &full(), false);
    client.tell("exit", Value::Null);
    assert_eq!(client.server.wait().unwrap().code(), Some(1));
}

#[test]
fn a_burst_of_keystrokes_is_looked_at_once_and_a_request_can_be_taken_back() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &full(), false);
    client.open(PIPELINE, &files[PIPELINE]);
    let (before, found) = (client.published, client.diagnostics[PIPELINE].clone());
    let mut burst = Vec::new();
    let message = |message: Message, burst: &mut Vec<u8>| message.write(burst).unwrap();
    let start = json!({ "line": 0, "character": 0 });
    for version in 2..52 {
        let document = json!({ "uri": client.uri(PIPELINE), "version": version });
        let changes = json!([{ "range": { "start": start, "end": start }, "text": "\n" }]);
        let params = json!({ "textDocument": document, "contentChanges": changes });
        message(
            lsp_server::Notification::new("textDocument/didChange".to_owned(), params).into(),
            &mut burst,
        );
    }
    for id in [1000, 1001] {
        let params = json!({ "textDocument": { "uri": client.uri(PIPELINE) }, "position": start });
        message(
            lsp_server::Request::new(id.into(), "textDocument/hover".to_owned(), params).into(),
            &mut burst,
        );
    }
    let params = json!({ "id": 1001 });
    message(lsp_server::Notification::new("$/cancelRequest".to_owned(), params).into(), &mut burst);
    client.write(&burst);
    let mut answers = BTreeMap::new();
    while answers.len() < 2 {
        let said = client.raw();
        answers.insert(said["id"].as_i64().unwrap(), said);
    }
    assert_eq!(answers[&1001]["error"]["code"], -32800);
    assert!(answers[&1000].get("error").is_none());
    assert!(client.published - before < 10, "{}", client.published - before);
    let line = |diagnostic: &Value| diagnostic["range"]["start"]["line"].as_u64().unwrap();
    for (new, old) in client.diagnostics[PIPELINE].iter().zip(&found) {
        assert_eq!(line(new), line(old) + 50);
    }
}

#[test]
fn an_editor_that_can_do_little_gets_what_it_can_do() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &json!({}), false);
    let commands = all_actions(&mut client);
    assert!(commands.iter().all(|command| command["command"].is_string() && command.get("data").is_none()));
    let reviewer = Reviewer::of(&files);
    let mut refused = 0;
    for command in commands.iter().filter(|command| command["arguments"][0]["do"] == "fix") {
        let argument = &command["arguments"][0];
        let expected = reviewer.fixed(argument["fingerprint"].as_str().unwrap(), 0);
        if argument["way"] != 0 || refused > 0 && expected.len() > files.len() {
            continue;
        }
        let params = json!({ "command": command["command"], "arguments": command["arguments"] });
        match client.ask("workspace/executeCommand", params) {
            Ok(_) => {
                let asked = client.asked.pop().unwrap();
                assert_eq!(asked.method, "workspace/applyEdit");
                assert_eq!(edited(&files, &asked.params["edit"], &client.root), expected);
            }
            Err(why) if expected.len() > files.len() => {
                assert!(why.contains("creates no files"), "{why}");
                refused += 1;
            }
            Err(why) => assert_eq!(expected, files, "{why}"),
        }
        if refused > 0 {
            break;
        }
    }
    assert!(refused > 0, "the example has a fix that creates a file");
    let params = json!({ "textDocument": { "uri": client.uri(PIPELINE) },
        "position": client.diagnostics[PIPELINE][0]["range"]["start"] });
    assert_eq!(client.ask("textDocument/hover", params).unwrap()["contents"]["kind"], "plaintext");
}

#[test]
fn hover_explains_and_an_editor_that_asks_gets_questions() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &full(), true);
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
    let params = |argument: &Value| json!({ "command": "wa-fix.apply", "arguments": [argument] });
    assert!(client.ask("workspace/executeCommand", params(&argument)).unwrap_err().contains("reason"));
    argument["reason"] = "only a rehearsal".into();
    client.ask("workspace/executeCommand", params(&argument)).unwrap();
    let asked = client.asked.pop().unwrap();
    assert_eq!(asked.method, "workspace/applyEdit");
    let text = &edited(&files, &asked.params["edit"], &client.root)[PIPELINE];
    assert!(text.contains("-- only a rehearsal"));
}

#[test]
fn an_answer_is_kept_in_the_configuration_and_releases_its_fix() {
    let mut files = example();
    files.insert("wa-fix.toml".to_owned(), "# ours\n[values]\nother = \"1\" # stays\n".to_owned());
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &full(), true);
    let asks = |action: &Value| action["command"]["command"] == "wa-fix.askValue";
    let questions: Vec<Value> = all_actions(&mut client).into_iter().filter(asks).collect();
    let mut question = questions.iter().map(|action| action["command"]["arguments"][0].clone());
    let question = question.next_back().expect("the example has a fix that needs a value");
    let key = question["key"].as_str().unwrap();
    let waiting = |actions: Vec<Value>| {
        actions.iter().filter(|action| action["command"]["arguments"][0]["key"] == key).count()
    };
    let params = |value: &Value| json!({ "command": "wa-fix.addValue", "arguments": [{ "key": key, "value": value }] });
    // Nobody asks for it.
    let nobody = json!({ "command": "wa-fix.addValue", "arguments": [{ "key": "colour", "value": "red" }] });
    assert!(client.ask("workspace/executeCommand", nobody).unwrap_err().contains("colour"));
    // The configuration has changes that are not saved: they would be lost.
    client.open("wa-fix.toml", "# unsaved\n");
    let why = client.ask("workspace/executeCommand", params(&question["example"])).unwrap_err();
    assert!(why.contains("not saved"), "{why}");
    client.tell("textDocument/didClose", json!({ "textDocument": { "uri": client.uri("wa-fix.toml") } }));
    assert_eq!(read_tree(&app.root())["wa-fix.toml"], files["wa-fix.toml"]);
    client.ask("workspace/executeCommand", params(&question["example"])).unwrap();
    let kept = read_tree(&app.root())["wa-fix.toml"].clone();
    assert!(kept.starts_with("# ours\n[values]\nother = \"1\" # stays\n") && kept.contains(key), "{kept}");
    assert_eq!(waiting(all_actions(&mut client)), 0);
    // An editor that cannot ask is told where to answer.
    std::fs::write(app.root().join("wa-fix.toml"), "").unwrap();
    let mut client = Client::start(&app.root(), &full(), false);
    let actions = all_actions(&mut client);
    let how = actions.iter().find(|action| {
        action["command"]["arguments"][0]["key"] == key
            && action["command"]["arguments"][0].get("ask").is_some()
    });
    let params = json!({ "command": "wa-fix.addValue", "arguments": how.unwrap()["command"]["arguments"] });
    client.ask("workspace/executeCommand", params).unwrap();
    assert!(client.shown.pop().unwrap().contains(key));
}

#[test]
fn a_linked_folder_is_called_as_the_editor_calls_it() {
    let files = example();
    let app = TempApp::new(&files);
    let outside = tempfile::tempdir().unwrap();
    let link = outside.path().join("link");
    std::os::unix::fs::symlink(app.root(), &link).unwrap();
    let mut client = Client::start(&link, &full(), false);
    client.settle();
    // The client takes no file outside of its root.
    assert!(client.diagnostics.len() > 3);
    let fix = client.actions(PIPELINE, &everywhere());
    let fix = fix.iter().find(|action| action["data"]["do"] == "fix").unwrap();
    let expected = reviewed(&files, fix);
    assert_eq!(client.taken(&files, fix).unwrap(), expected);
}

#[test]
fn what_other_programs_write_counts_when_the_editor_tells() {
    let files = example();
    let app = TempApp::new(&files);
    let mut able = full();
    able["workspace"]["didChangeWatchedFiles"] = json!({ "dynamicRegistration": true });
    let mut client = Client::start(&app.root(), &able, false);
    client.settle();
    assert_eq!(client.asked.pop().unwrap().method, "client/registerCapability");
    let other = "lib/constructs/application-infrastructure.ts";
    let line = |client: &Client| client.diagnostics[other][0]["range"]["start"]["line"].as_u64().unwrap();
    let before = line(&client);
    std::fs::write(app.root().join(other), format!("\n{}", files[other])).unwrap();
    client.open(PIPELINE, &files[PIPELINE]);
    let document = json!({ "textDocument": { "uri": client.uri(PIPELINE) } });
    client.tell("textDocument/didSave", document);
    client.settle();
    assert_eq!(line(&client), before, "nobody has told");
    let params = json!({ "changes": [{ "uri": client.uri(other), "type": 2 }] });
    client.tell("workspace/didChangeWatchedFiles", params);
    client.settle();
    assert_eq!(line(&client), before + 1);
    // A configuration that is wrong is said once, and the last one stays.
    app.write("wa-fix.toml", "[rule]\n");
    let params = json!({ "changes": [{ "uri": client.uri("wa-fix.toml"), "type": 1 }] });
    client.tell("workspace/didChangeWatchedFiles", params.clone());
    client.tell("workspace/didChangeWatchedFiles", params.clone());
    client.settle();
    client.tell("workspace/didChangeWatchedFiles", params.clone());
    client.settle();
    assert_eq!(client.shown.len(), 1, "{:?}", client.shown);
    assert!(client.shown[0].contains("wa-fix.toml"), "{:?}", client.shown);
    assert_eq!(line(&client), before + 1);
    app.write("wa-fix.toml", "[rules]\nignore = [\"2.6\"]\n");
    client.tell("workspace/didChangeWatchedFiles", params);
    client.settle();
    assert!(client.diagnostics[PIPELINE].iter().all(|diagnostic| diagnostic["code"] != "2.6"));
}

#[test]
fn a_buffer_that_was_opened_before_the_project_could_be_read_is_known() {
    let mut files = example();
    files.insert("wa-fix.toml".to_owned(), "[rule]\n".to_owned());
    let app = TempApp::new(&files);
    let mut client = Client::start(&app.root(), &full(), false);
    client.open(PIPELINE, &format!("\n{}", files[PIPELINE]));
    assert!(client.diagnostics.is_empty() && client.shown.len() == 1, "{:?}", client.shown);
    app.write("wa-fix.toml", "");
    let saved = json!({ "textDocument": { "uri": client.uri("wa-fix.toml") } });
    client.tell("textDocument/didSave", saved);
    client.settle();
    let moved = client.diagnostics[PIPELINE].clone();
    client.tell("textDocument/didClose", json!({ "textDocument": { "uri": client.uri(PIPELINE) } }));
    client.settle();
    let line = |diagnostic: &Value| diagnostic["range"]["start"]["line"].as_u64().unwrap();
    assert_eq!(line(&moved[0]), line(&client.diagnostics[PIPELINE][0]) + 1);
}

#[test]
fn a_file_without_a_folder_brings_its_app() {
    let files = example();
    let app = TempApp::new(&files);
    let mut client = Client::silent(&app.root());
    client.ask("initialize", json!({ "rootUri": null, "capabilities": full() })).unwrap();
    client.tell("initialized", json!({}));
    client.settle();
    assert!(client.diagnostics.is_empty(), "the working directory is nobody's choice");
    client.open(PIPELINE, &files[PIPELINE]);
    assert!(client.diagnostics.len() > 3 && !client.diagnostics[PIPELINE].is_empty());
}
