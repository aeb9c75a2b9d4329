//! What an editor asks for, and what it gets.

use serde_json::{Value, json};

use super::edits::workspace_edit;
use super::server::Server;
use super::{action, place};
use crate::detect::TextRange;

/// A request that is not offered.
const METHOD_NOT_FOUND: i32 = -32601;
/// What was offered is about a text that is no more.
const CONTENT_MODIFIED: i32 = -32801;
/// A request that is right and cannot be done.
const FAILED: i32 = -32803;

/// Why a request is not done.
struct Refused {
    code: i32,
    why: String,
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self { code: FAILED, why }
    }
}

impl From<&str> for Refused {
    fn from(why: &str) -> Self {
        Self::from(why.to_owned())
    }
}

impl Refused {
    fn stale() -> Self {
        let why = "the code has changed since; ask for the actions again".to_owned();
        Self { code: CONTENT_MODIFIED, why }
    }
}

impl Server<'_> {
    pub(super) fn request(&mut self, id: &Value, method: &str, params: Value) {
        let result = match method {
            "textDocument/codeAction" => Ok(self.actions(&params)),
            "codeAction/resolve" => self.resolve(params),
            "textDocument/hover" => Ok(self.hover(&params).unwrap_or_default()),
            "workspace/executeCommand" => self.execute(&params),
            _ => Err(Refused { code: METHOD_NOT_FOUND, why: format!("{method} is not offered") }),
        };
        match result {
            Ok(value) => self.answer(id, &value),
            Err(refused) => self.refuse(id, refused.code, &refused.why),
        }
    }

    fn actions(&self, params: &Value) -> Value {
        let file = params.pointer("/textDocument/uri").and_then(Value::as_str).and_then(place::file);
        let range = params.get("range").and_then(place::text_range);
        let (Some(file), Some(range)) = (file, range) else { return json!([]) };
        let only = params.pointer("/context/only").and_then(Value::as_array);
        let kinds: Vec<&str> = only.into_iter().flatten().filter_map(Value::as_str).collect();
        let mut actions = action::actions(&self.workspace, &self.client, &file, &range, &kinds);
        if !self.client.resolves || !self.client.takes_actions {
            actions.iter_mut().for_each(by_command);
        }
        if !self.client.takes_actions {
            let commands = actions.iter_mut().filter_map(|action| action.get_mut("command"));
            actions = commands.map(Value::take).collect();
        }
        Value::from(actions)
    }

    /// An action with its edit. What is no action of ours, such as a command, stays as it is.
    fn resolve(&mut self, mut action: Value) -> Result<Value, Refused> {
        if let Some(data) = action.get("data").cloned() {
            let edit = self.edit(&data)?;
            if let Some(fields) = action.as_object_mut() {
                fields.insert("edit".to_owned(), edit);
            }
        }
        Ok(action)
    }

    /// The edit that an action stands for, if the texts are those that it was offered for.
    fn edit(&mut self, data: &Value) -> Result<Value, Refused> {
        let workspace = &self.workspace;
        if data.get("state").and_then(Value::as_u64) != Some(workspace.state()) {
            return Err(Refused::stale());
        }
        let changes = action::changes(workspace, data)?;
        if !workspace.is_as_read(&changes) {
            self.is_outdated = true;
            return Err(Refused::stale());
        }
        Ok(workspace_edit(&changes, &workspace.versions(), &self.names, &self.client)?)
    }

    fn hover(&self, params: &Value) -> Option<Value> {
        let file = place::file(params.pointer("/textDocument/uri")?.as_str()?)?;
        let at = place::position(params.get("position")?)?;
        let at = TextRange { start: at, end: at };
        action::hover(&self.workspace, &self.client, &file, &at)
    }

    fn execute(&mut self, params: &Value) -> Result<Value, Refused> {
        let argument = params.pointer("/arguments/0").cloned().unwrap_or_default();
        match params.get("command").and_then(Value::as_str).unwrap_or_default() {
            action::ADD_VALUE => self.add_value(&argument),
            action::APPLY => {
                let edit = self.edit(&argument)?;
                self.ask("workspace/applyEdit", &json!({ "label": "wa-fix", "edit": edit }));
                Ok(Value::Null)
            }
            other => Err(format!("`{other}` is no command of this server").into()),
        }
    }

    /// Keeps an answer in the configuration, where it counts for every run; without one, says how to give it.
    fn add_value(&mut self, argument: &Value) -> Result<Value, Refused> {
        let text = |key: &str| argument.get(key).and_then(Value::as_str);
        let key = text("key").ok_or("give the value as { key, value }")?;
        let Some(answer) = text("value") else {
            let (ask, example) = (text("ask").unwrap_or_default(), text("example").unwrap_or_default());
            self.say(
                3,
                &format!("{ask} Answer under [values] in wa-fix.toml, such as {key} = \"{example}\""),
            );
            return Ok(Value::Null);
        };
        let workspace = &self.workspace;
        let kind = workspace.try_answer(key, answer)?;
        let configuration = self.project.configuration(&self.folders)?;
        let on_disk = std::fs::read_to_string(&configuration).unwrap_or_default();
        if workspace.buffer(&configuration).is_some_and(|text| **text != *on_disk) {
            let name = configuration.display();
            return Err(format!("{name} has changes that are not saved; save it, then answer again").into());
        }
        self.project.keep(&self.folders, key, answer.trim(), kind)?;
        self.is_outdated = true;
        Ok(Value::Null)
    }
}

/// Gives an action the command that makes its changes, for editors that cannot ask for its edit later.
fn by_command(action: &mut Value) {
    let Some(fields) = action.as_object_mut() else { return };
    if let Some(data) = fields.remove("data") {
        let title = fields.get("title").cloned().unwrap_or_default();
        let command = json!({ "title": title, "command": action::APPLY, "arguments": [data] });
        fields.insert("command".to_owned(), command);
    }
}
