//! What runs on Arm as it does on x86, and what is known to need the machine it was made for.

use crate::syntax::shell::Program;

/// Packages with native code, or that bring a browser.
const NATIVE: [&str; 32] = [
    "@grpc/grpc-js-native",
    "@prisma/client",
    "@sparticuz/chromium",
    "@tensorflow/tfjs-node",
    "argon2",
    "bcrypt",
    "better-sqlite3",
    "canvas",
    "chrome-aws-lambda",
    "cypress",
    "electron",
    "ffmpeg-static",
    "grpc",
    "ibm_db",
    "isolated-vm",
    "leveldown",
    "libxmljs",
    "libxmljs2",
    "node-rdkafka",
    "node-sass",
    "odbc",
    "onnxruntime-node",
    "oracledb",
    "pg-native",
    "playwright",
    "prisma",
    "puppeteer",
    "re2",
    "sharp",
    "sodium-native",
    "sqlite3",
    "zeromq",
];

/// The first of some packages that has native code.
pub(super) fn native<'d>(dependencies: impl IntoIterator<Item = &'d String>) -> Option<&'d str> {
    dependencies.into_iter().map(String::as_str).find(|name| NATIVE.contains(name))
}

/// Commands that run alike on every machine, start no container and hide no other command.
const PLAIN: [&str; 48] = [
    "[", "awk", "aws", "cat", "cd", "chmod", "cp", "cut", "date", "echo", "eslint", "exit", "export",
    "false", "git", "grep", "gunzip", "gzip", "head", "jest", "jq", "ls", "mkdir", "mocha", "mv", "nyc",
    "popd", "prettier", "printenv", "printf", "pushd", "pwd", "rimraf", "rm", "sed", "set", "sleep", "sort",
    "tail", "tar", "test", "touch", "true", "tsc", "unzip", "vitest", "wc", "zip",
];

/// What package managers do by themselves, scripts aside.
const INSTALLS: [&str; 9] =
    ["ci", "clean-install", "install", "i", "audit", "prune", "--version", "-v", "config"];

/// Whether a command runs alike on every machine, starts no container and hides no other command.
pub(super) fn is_plain(program: &Program) -> bool {
    match program.name() {
        "npm" | "yarn" | "pnpm" => match program.words.get(1) {
            Some(first) => INSTALLS.contains(&first.as_str()),
            // A bare `yarn` installs.
            None => program.name() == "yarn",
        },
        name => PLAIN.contains(&name),
    }
}

/// Whether a command installs the dependencies of the folder it runs in.
pub(super) fn installs_all(program: &Program) -> bool {
    let manager = matches!(program.name(), "npm" | "yarn" | "pnpm");
    manager
        && !program.has(&["-g", "--global"])
        && (program.has(&["ci", "clean-install", "install", "i"]) || program.words.len() == 1)
}
