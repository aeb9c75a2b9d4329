//! What runs on Arm as it does on x86, and what is known to need the machine it was made for.

use std::path::Path;

use crate::model::props::key_of;
use crate::model::{Model, Prop, Site};
use crate::syntax::shell::{Program, programs};
use crate::syntax::{Literal, Syn};

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

/// Options of an image that do not say what is in it.
const IMAGE_OPTIONS: [&str; 9] = [
    "assetName",
    "cmd",
    "entrypoint",
    "exclude",
    "file",
    "followSymlinks",
    "ignoreMode",
    "target",
    "workingDirectory",
];

/// Images that there are for both kinds of machine, whatever the tag.
const IMAGES: [&str; 4] =
    ["public.ecr.aws/lambda/nodejs", "public.ecr.aws/docker/library/node", "node", "docker.io/library/node"];

/// What is known of an image that is built for no machine in particular.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PortableImage {
    /// Whether it runs commands when it is built: on another kind of machine they have to be emulated.
    pub runs: bool,
}

/// Whether a function's image is built for no machine in particular, as far as its Dockerfile shows.
pub(super) fn portable_image<'a>(model: &Model<'a>, function: &Site<'a>) -> Option<PortableImage> {
    let code = model.value_of(function.props(model).get(model, "code").value()?);
    let made = model.cdk_name(code.field("function")?)?;
    let mut arguments =
        code.field("arguments").filter(|_| made == "aws_lambda.DockerImageCode.fromImageAsset")?.children();
    let folder = model.path_of(arguments.next()?)?;
    let mut file = "Dockerfile".to_owned();
    if let Some(options) = arguments.next() {
        let own = options.is("object").then(|| model.props_of(options))?;
        if !options.children().all(|entry| key_of(entry).is_some_and(|key| IMAGE_OPTIONS.contains(&key))) {
            return None;
        }
        if let Some(named) = own.get(model, "file").value() {
            file = Literal::of(named).filter(|_| named.is("string"))?.text;
        }
    }
    let inside = folder.strip_prefix(&model.app.root).ok()?;
    let text = model.app.document(&inside.join(file).to_string_lossy())?;
    let image = dockerfile(&text, &scripts_of(model, inside))?;
    (folder_is_portable(model, &folder) == Some(true)).then_some(image)
}

/// The scripts of the package.json of a folder.
fn scripts_of(model: &Model<'_>, folder: &Path) -> serde_json::Value {
    let package = model.app.document(&folder.join("package.json").to_string_lossy());
    let json = package.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
    json.and_then(|json| json.get("scripts").cloned()).unwrap_or_default()
}

/// What a Dockerfile builds, where each of its lines is known to do the same on both kinds of machine.
fn dockerfile(text: &str, scripts: &serde_json::Value) -> Option<PortableImage> {
    if ["amd64", "x86_64", "x64", "arm64", "aarch64"].iter().any(|machine| text.contains(machine)) {
        return None;
    }
    let whole = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let mut stages: Vec<String> = Vec::new();
    let mut image = PortableImage { runs: false };
    for line in whole.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (instruction, rest) = line.split_once(char::is_whitespace)?;
        match instruction.to_ascii_uppercase().as_str() {
            "FROM" => stages.push(stage(rest, &stages)?),
            "RUN" => {
                image.runs = true;
                all_plain(rest, scripts).then_some(())?;
            }
            "COPY" | "ADD" => {
                let from = rest.split_whitespace().find_map(|word| word.strip_prefix("--from="));
                let known = from.is_none_or(|from| {
                    stages.iter().any(|stage| stage == from) || from.parse::<usize>().is_ok()
                });
                (known && !rest.contains("://")).then_some(())?;
            }
            "ARG" | "CMD" | "ENTRYPOINT" | "ENV" | "EXPOSE" | "LABEL" | "USER" | "WORKDIR" => {}
            _ => return None,
        }
    }
    (!stages.is_empty()).then_some(image)
}

/// The name of the stage that a `FROM` begins; `None` where its image may be one for a certain machine.
fn stage(from: &str, stages: &[String]) -> Option<String> {
    let words: Vec<&str> = from.split_whitespace().collect();
    let (image, name) = match words.as_slice() {
        [image] => (*image, ""),
        [image, word, name] if word.eq_ignore_ascii_case("as") => (*image, *name),
        _ => return None,
    };
    let path = image.split(':').next().unwrap_or(image);
    let known =
        !image.contains(['$', '@']) && IMAGES.contains(&path) || stages.iter().any(|stage| stage == image);
    known.then(|| name.to_owned())
}

/// Whether the commands of a `RUN` run alike on every machine, scripts of the package among them.
fn all_plain(text: &str, scripts: &serde_json::Value) -> bool {
    let plain = |program: &Program| {
        let words: Vec<&str> = program.words.iter().map(String::as_str).collect();
        let script = match words.as_slice() {
            ["npm" | "yarn" | "pnpm", "run", script] => {
                scripts.get(script).and_then(serde_json::Value::as_str)
            }
            // Packages that are named here are in no package.json.
            ["npm" | "yarn" | "pnpm", _, rest @ ..] if !rest.iter().all(|word| word.starts_with('-')) => {
                return false;
            }
            _ => return is_plain(program),
        };
        script.and_then(programs).is_some_and(|found| found.iter().all(is_plain))
    };
    !text.starts_with(['[', '-', '<'])
        && programs(text).is_some_and(|found| !found.is_empty() && found.iter().all(plain))
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

#[cfg(test)]
mod tests {
    use super::dockerfile;

    #[test]
    fn images_for_every_machine_are_told_from_those_for_one() {
        let scripts = serde_json::json!({ "build": "tsc -p .", "native": "node-gyp rebuild" });
        let runs = |text: &str| dockerfile(text, &scripts).map(|image| image.runs);
        let lambda = "FROM public.ecr.aws/lambda/nodejs:20\nCOPY . .\nCMD [\"index.handler\"]\n";
        assert_eq!(runs(lambda), Some(false));
        let staged = "# build\nFROM node:20-slim AS build\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci && \\\n    npm run build\n\
                      FROM public.ecr.aws/lambda/nodejs:20\nCOPY --from=build /app/dist ./\nCMD [\"index.handler\"]\n";
        assert_eq!(runs(staged), Some(true));
        for text in [
            "FROM public.ecr.aws/lambda/nodejs:20-x86_64\nCOPY . .\n",
            "FROM --platform=linux/amd64 node:20\nCOPY . .\n",
            "FROM 123456789012.dkr.ecr.us-east-1.amazonaws.com/base:1\nCOPY . .\n",
            "ARG TAG=20\nFROM node:${TAG}\nCOPY . .\n",
            "FROM node:20\nRUN apt-get install -y chromium\n",
            "FROM node:20\nRUN npm run native\n",
            "FROM node:20\nRUN npm install sharp\n",
            "FROM node:20\nRUN curl -sL https://example.com/tool.tgz | tar -xz\n",
            "FROM node:20\nADD https://example.com/tool /usr/bin/tool\n",
            "FROM node:20\nCOPY --from=ghcr.io/acme/tool:1 /tool /usr/bin/tool\n",
            "COPY . .\n",
        ] {
            assert_eq!(runs(text), None, "{text}");
        }
    }
}
