//! What is set up for editors: the files of `init --editor`, Neovim with it, and the extension for VS Code.
#![expect(clippy::disallowed_methods, reason = "tests lay out their own temporary files")]

use std::path::Path;
use std::process::{Command, Output};

use crate::lsp::{applied, example};
use crate::npm::{Files, installed};
use crate::support::{TempApp, read_tree, top};

fn init(root: &Path, editor: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wa-fix"))
        .args(["init", "--editor", editor])
        .current_dir(root)
        .env("XDG_STATE_HOME", tempfile::tempdir().unwrap().path())
        .output()
        .unwrap()
}

/// The file that `init` leaves where one stood.
fn merged(before: &str) -> Result<String, String> {
    let app = TempApp::new(&Files::from([(".vscode/tasks.json".to_owned(), before.to_owned())]));
    let output = init(&app.root(), "vscode");
    let after = read_tree(&app.root())[".vscode/tasks.json"].clone();
    if output.status.success() {
        return Ok(after);
    }
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(after, before, "what is refused stays");
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_task_joins_those_that_are_there() {
    let ours = merged("{}\n").unwrap();
    assert!(ours.contains("\"tasks\": [\n    {\n      \"label\": \"wa-fix\","), "{ours}");
    assert_eq!(merged(&ours).unwrap(), ours, "the second time changes nothing");
    let theirs = "{\n    // of the team\n    \"version\": \"2.0.0\",\n    \"tasks\": [\n        {\n            \
                  \"label\": \"build\", \"command\": \"npm run build\" // all\n        }\n    ],\n    \
                  \"inputs\": []\n}\n";
    let both = merged(theirs).unwrap();
    let (head, tail) = theirs.split_once("\n    ],").unwrap();
    assert!(both.starts_with(&format!("{head},\n        {{\n            \"label\": \"wa-fix\",")), "{both}");
    assert!(both.ends_with(&format!("\n        }}\n    ],{tail}")), "{both}");
    assert_eq!(merged(&both).unwrap(), both);
    let crlf = merged(&theirs.replace('\n', "\r\n")).unwrap();
    assert_eq!(crlf, both.replace('\n', "\r\n"));
    assert!(merged("{ \"tasks\": [] }").unwrap().contains("wa-fix"));
    for (text, why) in
        [("{ \"tasks\": {} }", "no list"), ("{ \"tasks\": [,,] }\n", "no JSON"), ("[]", "object")]
    {
        let said = merged(text).unwrap_err();
        assert!(said.contains(why) && said.contains("docs/editor.md"), "{said}");
    }
}

#[test]
fn the_problem_matcher_reads_every_line() {
    let app = TempApp::new(&example());
    assert!(init(&app.root(), "vscode").status.success());
    let script = "
        const fs = require('fs');
        const task = JSON.parse(fs.readFileSync('.vscode/tasks.json', 'utf8')).tasks[0];
        const run = require('child_process').spawnSync(process.env.WA_FIX, task.args, { encoding: 'utf8' });
        if (run.status !== 0) throw new Error(run.stderr);
        const { regexp, file, line, column, severity, code, message } = task.problemMatcher.pattern;
        const lines = run.stdout.trimEnd().split('\\n');
        for (const text of lines) {
          const match = new RegExp(regexp).exec(text);
          if (!match) throw new Error('not read: ' + text);
          if (!fs.existsSync(match[file])) throw new Error('no file: ' + text);
          if (!(Number(match[line]) && Number(match[column]))) throw new Error('no place: ' + text);
          if (!['error', 'warning', 'info'].includes(match[severity])) throw new Error('severity: ' + text);
          if (!/^\\d+\\.\\d+$/.test(match[code]) || !match[message]) throw new Error('no code: ' + text);
        }
        console.log(lines.length);";
    let output = Command::new("node")
        .args(["-e", script])
        .current_dir(app.root())
        .env("WA_FIX", env!("CARGO_BIN_EXE_wa-fix"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: usize = String::from_utf8_lossy(&output.stdout).trim().parse().unwrap();
    assert!(lines > 20, "{lines}");
}

#[test]
fn files_of_other_editors_are_never_overwritten() {
    for (editor, path) in [("jetbrains", ".idea/tools/wa-fix.xml"), ("neovim", ".nvim.lua")] {
        let app = TempApp::new(&Files::new());
        assert!(init(&app.root(), editor).status.success());
        let written = read_tree(&app.root())[path].clone();
        assert!(written.contains("wa-fix"), "{written}");
        assert!(init(&app.root(), editor).status.success(), "the same again is no harm");
        app.write(path, "mine");
        let output = init(&app.root(), editor);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("exists"));
        assert_eq!(read_tree(&app.root())[path], "mine");
    }
}

/// Neovim, with what `init` writes for it, is the client: nothing of ours speaks the protocol on that side.
#[test]
fn neovim_gets_diagnostics_and_applies_actions() {
    assert!(
        Command::new("nvim").arg("--version").output().is_ok(),
        "Neovim is not installed: apt-get install neovim"
    );
    let files = example();
    let app = TempApp::new(&files);
    assert!(init(&app.root(), "neovim").status.success());
    let home = tempfile::tempdir().unwrap();
    let script = home.path().join("drive.lua");
    std::fs::write(&script, DRIVE).unwrap();
    let pipeline = "lib/constructs/pipeline-infrastructure.ts";
    // The last command ends Neovim whatever becomes of the script.
    let output = Command::new("nvim")
        .args(["--headless", "--clean", "-n", "-u", ".nvim.lua"])
        .args(["-c", &format!("luafile {}", script.display()), "-c", "cquit 9"])
        .arg(pipeline)
        .current_dir(app.root())
        .env("WA_FIX", env!("CARGO_BIN_EXE_wa-fix"))
        .env("OUT", home.path())
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
    assert!(read("codes").lines().any(|line| line == "2.6"), "{}", read("codes"));
    let expected = applied(&files, &["--select", "2.6", "--tier", "review"]);
    assert_ne!(expected[pipeline], files[pipeline]);
    assert_eq!(read("fixed"), expected[pipeline]);
    assert!(read("accepted").contains("-- asked the team"), "{}", read("accepted"));
    assert_eq!(read_tree(&app.root())[pipeline], files[pipeline], "the buffer was not saved");
}

/// Waits for the diagnostics of the file, applies all fixes of 2.6, undoes them, and accepts one finding with a reason.
const DRIVE: &str = r"
local out = vim.env.OUT
local function keep(name, lines) vim.fn.writefile(lines, out .. '/' .. name) end
local function all() return vim.api.nvim_buf_get_lines(0, 0, -1, true) end
local function take(wanted)
  local before = vim.api.nvim_buf_get_changedtick(0)
  local offered = {}
  vim.ui.select = function(items, options, choose)
    for _, item in ipairs(items) do
      local title = options.format_item(item)
      table.insert(offered, title)
      if title:find(wanted) then return choose(item) end
    end
  end
  vim.lsp.buf.code_action()
  local changed = vim.wait(60000, function() return vim.api.nvim_buf_get_changedtick(0) ~= before end, 20)
  assert(changed, 'no edit by ' .. wanted .. ' of ' .. table.concat(offered, ' | '))
end
local ok, why = pcall(function()
  local at
  local function found()
    for _, diagnostic in ipairs(vim.diagnostic.get(0)) do
      if tostring(diagnostic.code) == '2.6' then at = diagnostic end
    end
    return at
  end
  assert(vim.wait(60000, found, 20), 'no diagnostics, ' .. vim.bo.filetype)
  keep('codes', vim.tbl_map(function(diagnostic) return tostring(diagnostic.code) end, vim.diagnostic.get(0)))
  vim.api.nvim_win_set_cursor(0, { at.lnum + 1, at.col })
  take('Fix all of 2%.6 .* in the project')
  keep('fixed', all())
  vim.cmd('undo')
  vim.api.nvim_win_set_cursor(0, { at.lnum + 1, at.col })
  vim.ui.input = function(_, answer) answer('asked the team') end
  take('Accept 2%.6 here with a reason')
  keep('accepted', all())
end)
if not ok then
  io.stderr:write(tostring(why) .. '\n')
  vim.cmd('cquit 1')
end
vim.cmd('qall!')
";

#[test]
fn the_extension_is_packaged_and_whole() {
    let home = installed("editors/vscode");
    let output = Command::new("npm").args(["run", "package"]).current_dir(&home).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = Command::new("node")
        .arg(top().join("tests/npm/check-extension.cjs"))
        .arg(home.join("wa-fix.vsix"))
        .current_dir(&home)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
