//! `init`: a commented `wa-fix.toml` from what stands in the app.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use clap::Parser;

use super::args::{Cli, InitArgs};
use super::config::NAME;
use super::run::{Environment, Run};
use crate::plan::needs::{Need, needs};
use crate::rule::{AnswerType, Tier};

/// Writes the file; one that exists is left alone.
pub(super) fn init(args: &InitArgs, environment: &Environment) -> Result<u8> {
    let folder = args.path.clone().unwrap_or_else(|| PathBuf::from("."));
    if !folder.is_dir() {
        bail!("{}: is no folder; name the folder of an app", folder.display());
    }
    if let Some(editor) = args.editor {
        return super::editor::set_up(editor, &folder, environment);
    }
    let file = folder.join(NAME);
    if file.symlink_metadata().is_ok() {
        bail!("{}: exists; change it, or remove it and run again", file.display());
    }
    let words = [std::ffi::OsStr::new("wa-fix"), std::ffi::OsStr::new("--quiet"), folder.as_os_str()];
    let options = Cli::try_parse_from(words).map_err(|error| anyhow!("{error}"))?.run;
    let run = Run::prepare(&options)?;
    let needs = needs(&run.apps, &run.rules, &run.options, Tier::Scaffold);
    crate::write::output(&file, text(&needs).as_bytes())?;
    writeln!(std::io::stderr(), "wrote {}; `wa-fix` shows the fixes", file.display())?;
    Ok(0)
}

const TOP: &str = "\
# What wa-fix shall do in this project. Every key is optional; `wa-fix schema` prints the schema, README.md explains.
# extends = \"../wa-fix.base.toml\"   # take what is not said here from another file

[rules]
# select = [\"security\", \"2.6\"]      # only these: numbers, names, pillars, practices
# ignore = [\"lambda-cold-starts\"]    # not these
# min-impact = \"medium\"             # list findings of this impact and above
# tier = \"review\"                   # write fixes up to this tier: safe, review, scaffold
# custom = [\"wa-fix-rules\"]         # folders of rules of your own; `wa-fix explain custom-rules` is the guide

# [rules.tiers]                     # another tier for the fixes of a rule
# \"2.5\" = \"review\"

[paths]
# exclude = [\"legacy/**\"]           # as in a .gitignore
# tests = true                      # read tests, too

# [[overrides]]                     # other rules for some files
# paths = [\"lib/sandbox/**\"]
# ignore = [\"reliability\"]
";

const ENVIRONMENT: &str = "
# How to tell production from the rest, where the app does not say.
# [environment]
# expression = \"props.stage === 'prod'\"
# context-key = \"stage\"
# prod-values = [\"prod\", \"live\"]
";

fn text(needs: &[Need]) -> String {
    let mut text = TOP.to_owned();
    let (environment, values): (Vec<&Need>, Vec<&Need>) =
        needs.iter().partition(|need| need.key.starts_with("environment."));
    if environment.is_empty() {
        text.push_str(ENVIRONMENT);
    } else {
        text.push_str("\n# How to tell production from the rest: fixes wait for it.\n[environment]\n");
        for need in environment {
            let key = need.key.trim_start_matches("environment.").replace('_', "-");
            text.push_str(&question(need, &key));
        }
    }
    text.push_str("\n# What only you know. A line without # is an answer.\n[values]\n");
    for need in values {
        text.push_str(&question(need, &need.key));
    }
    text
}

/// A question with an answer behind `#`: what is proposed is never an answer by itself.
fn question(need: &Need, key: &str) -> String {
    let (answer, source) = match &need.proposed {
        Some(proposed) => (&proposed.answer, format!(" (proposed by {})", proposed.from)),
        None => (&need.example, " (an example)".to_owned()),
    };
    let value = match need.kind {
        AnswerType::Number { .. } => answer.clone(),
        kind if kind.is_list() || key == "prod-values" => {
            let list: Vec<String> = answer.split(',').map(|part| quoted(part.trim())).collect();
            format!("[{}]", list.join(", "))
        }
        _ => quoted(answer),
    };
    let rules: std::collections::BTreeSet<&str> =
        need.findings.iter().map(|finding| finding.rule.id).collect();
    let rules = rules.into_iter().collect::<Vec<_>>().join(", ");
    format!("# {} For {rules}{source}.\n# {key} = {value}\n", need.ask)
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
