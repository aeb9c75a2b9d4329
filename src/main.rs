//! The `wa-fix` command.
fn main() {}
