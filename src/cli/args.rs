//! The options. Doc comments are the help text, the man page and the completions.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::report::Format;
use crate::rule::{Impact, Tier};

/// Repairs AWS CDK code against the AWS Well-Architected Framework.
///
/// Without a command: shows the fixes as a diff and writes nothing, like `wa-fix diff`.
#[derive(Debug, Parser)]
#[command(name = "wa-fix", version, args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Review the fixes one by one, then write those accepted.
    #[arg(short, long)]
    pub interactive: bool,
    /// Review line by line, without drawing: for screen readers and simple terminals.
    #[arg(long, requires = "interactive")]
    pub plain: bool,
    /// Options of the preview.
    #[command(flatten)]
    pub run: RunArgs,
}

const EXIT_CODES: &str = "Exit codes: 0 nothing left to report, 1 findings remain or files could not be checked, \
                          2 the run failed, 3 some fix was backed out.";

/// What `--prove` without a value stands for: the command of the configuration.
pub const CONFIGURED: &str = "configured";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Report findings; write nothing
    Scan(RunArgs),
    /// Show the fixes as a unified diff that `git apply` accepts; write nothing
    Diff(RunArgs),
    /// Write the fixes to a file that a person reads, and `wa-fix apply FILE` applies later
    Plan(PlanArgs),
    /// Write the fixes to the working tree, or to a new git branch
    Apply(ApplyArgs),
    /// List what the fixes need from you and do not know yet; text or json
    Values(RunArgs),
    /// Put the last apply back
    Undo(UndoArgs),
    /// Serve an editor over standard input and output (Language Server Protocol)
    Lsp(RunArgs),
    /// Print the documentation of a rule
    Explain {
        /// A rule's number (2.6) or name; `custom-rules` is the guide to your own
        rule: String,
        /// The configuration that names custom rules [default: the nearest wa-fix.toml upwards]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// List all rules, custom ones too
    Rules {
        /// The configuration that names custom rules [default: the nearest wa-fix.toml upwards]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Try custom rules on their own cases
    Test(TestArgs),
    /// Write a commented wa-fix.toml from what stands in the app, or with --editor what an editor needs
    Init(InitArgs),
    /// Print the JSON schema of wa-fix.toml
    Schema,
    /// Accept the findings of today in a file for --baseline; a file that exists only shrinks
    Baseline(BaselineArgs),
    /// Print shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Options of everything that looks at code.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// Files and folders to look at [default: .]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Only these rules: numbers (2.6), names, pillars, practices (REL08-BP02), ids of other checkers
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Not these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// List findings of this impact and above: info, low, medium, high [default: low]
    #[arg(long, value_name = "IMPACT")]
    pub min_impact: Option<Impact>,
    /// Fixes up to this tier: safe, review, scaffold [default: safe]
    #[arg(long, value_name = "TIER", conflicts_with = "all")]
    pub tier: Option<Tier>,
    /// Fixes of every tier
    #[arg(long)]
    pub all: bool,
    /// A value that fixes ask for; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
    /// The configuration file [default: the nearest wa-fix.toml upwards]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Findings in this file are accepted; `wa-fix baseline FILE` writes it
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Only findings in lines and constructs that changed since HEAD and REV parted
    #[arg(long, value_name = "REV", conflicts_with = "staged")]
    pub since: Option<String>,
    /// Only findings in lines and constructs that are staged
    #[arg(long)]
    pub staged: bool,
    /// How to print: text, concise, json, jsonl, sarif, github, gitlab, junit, rdjson, checkstyle, vscode
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Print to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Threads; 0 is one per core [default: 0]
    #[arg(short, long, value_name = "N", value_parser = threads)]
    pub jobs: Option<usize>,
    /// No summary
    #[arg(short, long)]
    pub quiet: bool,
    /// Say what was skipped, suppressed and fixed, too
    #[arg(short, long)]
    pub verbose: bool,
    /// Colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Exit with 0 even if findings remain
    #[arg(long)]
    pub exit_zero: bool,
    /// Run a check in a scratch copy, and drop the fixes that break it: a command, `tsc`, `synth`, or nothing for that of
    /// wa-fix.toml; may be repeated
    #[arg(long, value_name = "COMMAND", num_args = 0..=1, default_missing_value = CONFIGURED)]
    pub prove: Vec<String>,
    /// Read tests, too
    #[arg(long, action = ArgAction::SetTrue)]
    pub tests: bool,
}

/// Options of `plan`.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// Options of every run; `--output` is the file of the plan, `-` or nothing standard output.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Options of `apply`.
#[derive(Debug, Clone, Args)]
pub struct ApplyArgs {
    /// Options of every run.
    #[command(flatten)]
    pub run: RunArgs,
    /// Write commits to a new branch of this name instead; working tree, index and HEAD stay as they are
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// One commit for each rule, for each finding, or for all
    #[arg(long, value_name = "WHAT", default_value = "rule", requires = "branch")]
    pub commit_per: CommitPer,
    /// Write the body of a pull request to a file, in Markdown
    #[arg(long, value_name = "FILE", requires = "branch")]
    pub pr_body: Option<PathBuf>,
    /// Push the branch to this remote
    #[arg(long, value_name = "REMOTE", requires = "branch")]
    pub push: Option<String>,
    /// Open a pull request with `gh` or `glab`, or say where to
    #[arg(long, requires = "push")]
    pub open: bool,
    /// Also change files that have uncommitted changes
    #[arg(long)]
    pub allow_dirty: bool,
}

/// Options of `init`.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// The folder of the app [default: .]
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// Set up an editor for the folder instead: a task, an external tool, or the language server
    #[arg(long, value_name = "EDITOR")]
    pub editor: Option<Editor>,
}

/// Editors that `init` sets up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Editor {
    /// A task with its problem matcher in .vscode/tasks.json
    Vscode,
    /// External tools in .idea/tools/wa-fix.xml
    Jetbrains,
    /// The language server in .nvim.lua
    Neovim,
}

/// Options of `test`.
#[derive(Debug, Clone, Args)]
pub struct TestArgs {
    /// Only these rules: ids or names [default: all custom rules]
    #[arg(value_name = "RULE")]
    pub rules: Vec<String>,
    /// Write what the fixes make into the cases
    #[arg(long)]
    pub update: bool,
    /// The configuration that names custom rules [default: the nearest wa-fix.toml upwards]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Options of `baseline`.
#[derive(Debug, Clone, Args)]
pub struct BaselineArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Also accept findings that are new
    #[arg(long)]
    pub add: bool,
    /// Options of every run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Options of `undo`.
#[derive(Debug, Clone, Args)]
pub struct UndoArgs {
    /// A path of the project whose last apply is put back [default: .]
    #[arg(value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// Say nothing when it works
    #[arg(short, long)]
    pub quiet: bool,
}

/// What goes into a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CommitPer {
    /// All fixes of a rule
    Rule,
    /// Each fix
    Finding,
    /// Everything
    All,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

fn threads(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|number| *number <= 1024)
        .ok_or_else(|| "give a number from 0 (one per core) to 1024".to_owned())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE, such as --set allowed_origins=https://app.example.org".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_is_a_preview_of_paths() {
        let cli = Cli::try_parse_from(["wa-fix", "--all", "lib"]).unwrap();
        assert!(cli.command.is_none() && cli.run.all && cli.run.paths == [PathBuf::from("lib")]);
    }

    #[test]
    fn a_set_without_a_value_is_refused() {
        assert!(Cli::try_parse_from(["wa-fix", "scan", "--set", "origins"]).is_err());
    }
}
