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

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Report findings; write nothing
    Scan(RunArgs),
    /// Show the fixes as a unified diff that `git apply` accepts; write nothing
    Diff(RunArgs),
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
        /// A rule's number (2.6) or name
        rule: String,
    },
    /// List all rules
    Rules,
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
    /// How to print: text, concise, json, jsonl, sarif, github, gitlab, junit, rdjson, checkstyle, vscode
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Print to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Threads [default: one per core]
    #[arg(short, long, value_name = "N")]
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
    /// Read tests, too
    #[arg(long, action = ArgAction::SetTrue)]
    pub tests: bool,
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
    /// Also change files that have uncommitted changes
    #[arg(long)]
    pub allow_dirty: bool,
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
