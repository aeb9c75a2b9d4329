//! Commands of a build that download dependencies, and where each keeps them.

use crate::model::{BuildSpec, Model};
use crate::syntax::shell::{Program, programs};
use crate::syntax::{Literal, Syn};

/// A part of a command to be added: the literal, where, and what.
pub(super) type Addition<'a> = (Syn<'a>, usize, String);

/// Where pnpm is told to keep its store: by itself it takes a folder that depends on the disk the sources are on.
const PNPM_STORE: &str = "/root/.pnpm-store";

/// A command that downloads dependencies.
pub(super) struct Download<'a> {
    /// The command.
    pub text: String,
    /// The folder that keeps what it downloads.
    pub folder: &'static str,
    /// What the command has to be told, so that it keeps it there.
    pub option: Option<Addition<'a>>,
}

/// The commands of a build that download dependencies; `None` where one keeps them in a folder that is not known.
pub(super) fn downloads<'a>(model: &Model<'a>, spec: &BuildSpec<'a>) -> Option<Vec<Download<'a>>> {
    let mut found = Vec::new();
    let moves = spec.commands.iter().any(|command| command.text.contains("cd "));
    for command in &spec.commands {
        for program in programs(&command.text).unwrap_or_default() {
            let Some(manager) = manager_of(&program) else { continue };
            let decides = |word: &String| word.contains("cache") || word.contains("store-dir");
            if program.words.iter().skip(1).any(decides) {
                return None;
            }
            let (folder, option) = match manager {
                Manager::Keeps(folder) => (folder, None),
                Manager::Yarn => (yarn_folder(model, moves)?, None),
                Manager::Pnpm => {
                    let end = program.span.end;
                    let span = Literal::of(command.literal)?.source(&(end..end))?;
                    (PNPM_STORE, Some((command.literal, span.start, format!(" --store-dir {PNPM_STORE}"))))
                }
            };
            found.push(Download { text: command.text.get(program.span.clone())?.to_owned(), folder, option });
        }
    }
    Some(found)
}

/// What a command downloads with.
enum Manager {
    /// One that keeps everything in one folder, wherever it runs.
    Keeps(&'static str),
    Yarn,
    Pnpm,
}

fn manager_of(program: &Program) -> Option<Manager> {
    let arguments = || program.words.iter().skip(1);
    let global = program.has(&["-g", "--global", "global"]);
    let installs = || program.has(&["install"]) || arguments().all(|word| word.starts_with('-'));
    let asks = || program.has(&["-v", "-V", "--version", "-h", "--help"]);
    match program.name() {
        "npm" | "pnpm" | "yarn" if global => None,
        "npm" => {
            program.has(&["ci", "install", "i", "clean-install"]).then_some(Manager::Keeps("/root/.npm"))
        }
        "yarn" => (installs() && !asks()).then_some(Manager::Yarn),
        "pnpm" => program.has(&["install", "i"]).then_some(Manager::Pnpm),
        "pip" | "pip3" => program.has(&["install"]).then_some(Manager::Keeps("/root/.cache/pip")),
        "mvn" | "mvnw" => Some(Manager::Keeps("/root/.m2")),
        "gradle" | "gradlew" => Some(Manager::Keeps("/root/.gradle/caches")),
        "go" => program
            .has(&["build", "test", "vet", "install"])
            .then_some(Manager::Keeps("/root/.cache/go-build")),
        _ => None,
    }
}

/// Where the app's Yarn keeps its downloads for root, as its release and its settings say.
fn yarn_folder(model: &Model<'_>, moves: bool) -> Option<&'static str> {
    let settings = model.app.text_above(".yarnrc.yml");
    let settings = settings.as_deref();
    let package = model.package_json(&model.app.root);
    let named = package.as_ref().and_then(|package| package.get("packageManager")?.as_str());
    let release = |text: &str, before: &str| -> Option<u32> {
        let (_, rest) = text.split_once(before)?;
        rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
    };
    let release = named
        .and_then(|named| release(named, "yarn@"))
        .or_else(|| settings.and_then(|text| release(text, "releases/yarn-")));
    let says = |text: &str| settings.is_some_and(|settings| settings.contains(text));
    let in_sources = (!moves).then_some(".yarn/cache");
    match release {
        _ if says("cacheFolder") => None,
        _ if says("enableGlobalCache: false") => in_sources,
        _ if says("enableGlobalCache: true") => Some("/root/.yarn/berry/cache"),
        Some(4..) => Some("/root/.yarn/berry/cache"),
        Some(2 | 3) => in_sources,
        None if settings.is_some() => None,
        Some(_) | None => Some("/usr/local/share/.cache/yarn"),
    }
}
