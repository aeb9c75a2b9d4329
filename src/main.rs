//! The `wa-fix` command.

use std::process::ExitCode;

/// Trees and findings are many small blocks; the system's allocator costs a tenth of a scan.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    wa_fix::cli::main()
}
