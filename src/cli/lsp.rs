//! `lsp`: a server for one editor, with the options of every run.

use anyhow::{Result, anyhow};
use lsp_server::Connection;

use super::args::RunArgs;
use super::run::Run;
use crate::lsp::{Loaded, serve};

/// Serves until the editor says goodbye.
pub(super) fn lsp(args: &RunArgs) -> Result<u8> {
    let (connection, threads) = Connection::stdio();
    let load = |folders: &[std::path::PathBuf]| {
        let mut args = args.clone();
        if args.paths.is_empty() {
            args.paths = folders.to_vec();
        }
        let run = Run::prepare(&args).map_err(|error| format!("{error:#}"))?;
        Ok(Loaded { apps: run.apps, rules: run.rules, options: run.options })
    };
    let served = serve(&connection, &load);
    drop(connection);
    served.map_err(|why| anyhow!("the conversation with the editor broke: {why}; start the server again"))?;
    threads.join()?;
    Ok(0)
}
