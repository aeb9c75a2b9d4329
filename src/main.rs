//! The `wa-fix` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    wa_fix::cli::main()
}
