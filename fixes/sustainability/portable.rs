//! What runs on Arm as it does on x86, and what is known to need the machine it was made for.

use std::path::Path;

use crate::model::{Model, Prop, Site};
use crate::syntax::Syn;
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

/// Ends of files that hold code for one kind of machine.
const BINARIES: [&str; 5] = [".node", ".so", ".exe", ".dylib", ".whl"];

fn is_binary(name: &str) -> bool {
    BINARIES.iter().any(|end| name.ends_with(end)) || name.contains(".so.")
}

/// Whether what a function runs is code for no machine in particular, as far as the app shows it.
pub(super) fn is_portable<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<bool> {
    let props = function.props(model);
    if model.builds(function, "aws_lambda_nodejs.NodejsFunction") {
        let bundles = match props.get(model, "bundling") {
            Prop::Absent => true,
            Prop::Present(entry) => bundles_scripts(model, entry.value)?,
            Prop::Unknown => return None,
        };
        return Some(bundles && native(&model.dependencies_below(&model.app.root)).is_none());
    }
    let code = model.value_of(props.get(model, "code").value()?);
    let made = code.field("function").or_else(|| code.field("constructor"))?;
    let mut arguments = code.field("arguments")?.children();
    match model.cdk_name(made)?.strip_prefix("aws_lambda.")? {
        "Code.fromInline" | "InlineCode" => Some(true),
        "Code.fromAsset" | "AssetCode" => {
            let folder = model.path_of(arguments.next()?)?;
            let bundled = arguments
                .next()
                .is_some_and(|options| model.props_of(options).get(model, "bundling") != Prop::Absent);
            Some(!bundled && folder_is_portable(model, &folder)?)
        }
        _ => None,
    }
}

/// Whether esbuild puts nothing into a function but scripts.
fn bundles_scripts<'a>(model: &Model<'a>, bundling: Syn<'a>) -> Option<bool> {
    let props = model.props_of(bundling);
    let absent = |name: &str| props.get(model, name) == Prop::Absent;
    if !["commandHooks", "loader", "dockerImage", "buildArgs"].iter().all(|name| absent(name)) {
        return None;
    }
    for name in ["nodeModules", "externalModules"] {
        let Prop::Present(entry) = props.get(model, name) else {
            if absent(name) {
                continue;
            }
            return None;
        };
        for module in model.array(entry.value)?.children() {
            let module = module.text().trim_matches(['\'', '"', '`']).to_owned();
            let of_runtime =
                module.starts_with("@aws-sdk/") || module.starts_with("aws-sdk") || module == "@smithy/*";
            let plain = name == "nodeModules" && native([&module]).is_none();
            let fits = plain || (name == "externalModules" && of_runtime);
            if !fits {
                return Some(false);
            }
        }
    }
    Some(true)
}

/// Whether a folder that goes to Lambda as it is holds no code for one kind of machine, installed or to be installed.
fn folder_is_portable(model: &Model<'_>, folder: &Path) -> Option<bool> {
    if model.app.folder_holds(folder, is_binary)? || native(&model.dependencies_below(folder)).is_some() {
        return Some(false);
    }
    let inside = folder.strip_prefix(&model.app.root).ok()?;
    let read = |name: &str| model.app.document(&inside.join(name).to_string_lossy());
    // What these name may come with native code, and only an installation would show it.
    let python =
        ["requirements.txt", "Pipfile", "pyproject.toml", "Gemfile"].iter().any(|name| read(name).is_some());
    let installs = read("package-lock.json").is_some_and(|lock| lock.contains("\"hasInstallScript\""));
    Some(!python && !installs)
}
