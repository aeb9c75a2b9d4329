//! Which shell runs a string: the command lists of build projects and pipeline steps, build specifications,
//! workflows, and the scripts of package.json.

use std::path::{Path, PathBuf};

use super::meaning::words;
use super::props::key_of;
use super::{Model, Site};
use crate::source::Language;
use crate::syntax::Syn;
use crate::syntax::shell::Defaults;

/// What runs a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// `CodeBuild`, from a build specification: one shell for all commands, the first that fails ends the phase.
    CodeBuild,
    /// A step of CDK Pipelines, or an action that lists commands.
    Step,
    /// A container that bundles an asset.
    Bundling,
    /// A GitHub workflow: `bash -e`.
    Workflow,
    /// A GitLab job: stops at errors, pipelines included.
    GitLab,
    /// A script of package.json.
    PackageScript,
}

/// Where a command stands.
#[derive(Debug, Clone)]
pub struct Command<'a> {
    /// What runs it.
    pub runner: Runner,
    /// The shell's behaviour at failures.
    pub shell: Defaults,
    /// What it belongs to, for messages: the construct's label, the job, the script's name.
    pub owner: String,
    /// The list it is an item of.
    pub list: Option<Syn<'a>>,
    /// The object or mapping of the whole build specification, where it is known.
    pub spec: Option<Syn<'a>>,
}

/// Properties that hold commands.
const COMMAND_KEYS: [&str; 8] = [
    "commands",
    "finally",
    "installCommands",
    "installCommand",
    "buildCommand",
    "buildCommands",
    "testCommands",
    "synthCommand",
];

/// Constructs and steps whose properties hold commands.
const STEPS: [&str; 7] = [
    "pipelines.ShellStep",
    "pipelines.CodeBuildStep",
    "pipelines.SimpleSynthAction",
    "pipelines.ShellScriptAction",
    "aws_codepipeline_actions.CommandsAction",
    "aws_codepipeline_actions.EcrBuildAndPublishAction",
    "aws_codepipeline.Rule",
];

/// How far variables and functions are followed from a command to what runs it.
const DEPTH: u8 = 4;

impl<'a> Model<'a> {
    /// What runs the command that a literal holds; `None` where nothing does, or nothing that is known.
    pub fn command(&self, literal: Syn<'a>) -> Option<Command<'a>> {
        match literal.file.language {
            Language::Yaml => yaml_command(literal),
            Language::Json => package_script(literal),
            Language::TypeScript | Language::Tsx => self.command_at(literal, None, None, None, DEPTH),
        }
    }

    /// Climbs from an expression to the construct that gets it. `key` is the innermost property name so far.
    fn command_at(
        &self,
        from: Syn<'a>,
        key: Option<&'a str>,
        list: Option<Syn<'a>>,
        spec: Option<Syn<'a>>,
        depth: u8,
    ) -> Option<Command<'a>> {
        let depth = depth.checked_sub(1)?;
        let (mut key, mut list, mut spec) = (key, list, spec);
        let mut inner = from;
        for outer in from.ancestors() {
            match outer.kind() {
                "array" => list = list.or(Some(outer)),
                "object" => spec = Some(outer),
                "pair" => {
                    if outer.field("key") == Some(inner) {
                        return None;
                    }
                    key = key.or(key_of(outer));
                }
                "call_expression" => {
                    let function = outer.field("function")?;
                    if function == inner {
                        // `[…].join(' && ')`: the member below was passed already.
                        inner = outer;
                        continue;
                    }
                    let name = self.cdk_name(function).unwrap_or_default();
                    if name.ends_with("codebuild.BuildSpec.fromObject")
                        || name.ends_with("codebuild.BuildSpec.fromObjectToYaml")
                    {
                        return command_key(key).then(|| self.found(Runner::CodeBuild, outer, list, spec));
                    }
                    match function.field("property").map(Syn::text) {
                        Some("push" | "unshift" | "concat") => {
                            let object = function.field("object")?;
                            return self.followed(object, key, list, spec, depth);
                        }
                        _ if STEPS.iter().any(|step| name.starts_with(&format!("{step}."))) => {
                            return command_key(key).then(|| self.found(Runner::Step, outer, list, None));
                        }
                        _ => return None,
                    }
                }
                "member_expression" => {
                    if !matches!(
                        outer.field("property").map(Syn::text),
                        Some("join" | "concat" | "filter" | "flat")
                    ) {
                        return None;
                    }
                }
                "new_expression" => {
                    let site = self.site_of(outer)?;
                    return self
                        .runner_of(&site, key, list)
                        .map(|runner| self.found(runner, outer, list, None));
                }
                "variable_declarator"
                | "public_field_definition"
                | "function_declaration"
                | "method_definition" => {
                    return self.followed(outer.field("name")?, key, list, spec, depth);
                }
                "arguments"
                | "parenthesized_expression"
                | "as_expression"
                | "satisfies_expression"
                | "spread_element"
                | "ternary_expression"
                | "return_statement"
                | "statement_block"
                | "arrow_function"
                | "binary_expression"
                | "if_statement"
                | "else_clause" => {}
                _ => return None,
            }
            inner = outer;
        }
        None
    }

    /// Goes on from the places where a name is used.
    fn followed(
        &self,
        name: Syn<'a>,
        key: Option<&'a str>,
        list: Option<Syn<'a>>,
        spec: Option<Syn<'a>>,
        depth: u8,
    ) -> Option<Command<'a>> {
        let text = name.text().rsplit('.').next()?;
        words(Syn::root(name.file), text).filter_map(|at| name.at(at)).filter(|node| *node != name).find_map(
            |node| {
                let mut used = node;
                match node.kind() {
                    "identifier" => {}
                    "shorthand_property_identifier" => {
                        return self.command_at(node, key.or(Some(node.text())), list, spec, depth);
                    }
                    // `this.commands`, `this.commands()`.
                    "property_identifier" => {
                        used = node.parent().filter(|parent| parent.is("member_expression"))?;
                    }
                    _ => return None,
                }
                if let Some(call) = used
                    .parent()
                    .filter(|parent| parent.is("call_expression") && parent.field("function") == Some(used))
                {
                    used = call;
                }
                let declares = used.parent().is_some_and(|parent| {
                    parent.is("variable_declarator") && parent.field("name") == Some(used)
                });
                if declares { None } else { self.command_at(used, key, list, spec, depth) }
            },
        )
    }

    fn runner_of(&self, site: &Site<'a>, key: Option<&str>, list: Option<Syn<'a>>) -> Option<Runner> {
        if STEPS.iter().any(|step| self.builds(site, step)) {
            return command_key(key).then_some(Runner::Step);
        }
        let shell = list.is_some_and(|list| {
            let head: Vec<&str> =
                list.children().take(2).map(|item| item.text().trim_matches(['\'', '"'])).collect();
            matches!(head.as_slice(), ["bash" | "sh" | "/bin/bash" | "/bin/sh", flag] if flag.ends_with('c'))
        });
        (key == Some("command") && shell).then_some(Runner::Bundling)
    }

    fn found(
        &self,
        runner: Runner,
        anchor: Syn<'a>,
        list: Option<Syn<'a>>,
        spec: Option<Syn<'a>>,
    ) -> Command<'a> {
        let around = std::iter::once(anchor).chain(anchor.ancestors());
        let owner = around
            .filter(|node| node.is("new_expression"))
            .filter_map(|node| self.site_of(node))
            .find(|site| {
                site.id().is_some() || site.arguments.first().is_some_and(|first| first.is("string"))
            })
            .map(|site| {
                site.arguments
                    .first()
                    .filter(|first| first.is("string"))
                    .map_or_else(|| site.label(), |first| super::imports::string_text(*first).to_owned())
            });
        Command {
            runner,
            shell: Defaults::PLAIN,
            owner: owner.unwrap_or_else(|| "The build".to_owned()),
            list,
            spec,
        }
    }

    /// The nearest package.json at or above a folder of the app, parsed.
    pub fn package_json(&self, folder: &Path) -> Option<serde_json::Value> {
        let mut at: PathBuf = folder.to_owned();
        loop {
            let file = at.join("package.json");
            if let Some(found) = self.app.file(&file) {
                return serde_json::from_str(found.text().ok()?).ok();
            }
            if at == self.app.root || !at.pop() {
                return None;
            }
        }
    }
}

fn command_key(key: Option<&str>) -> bool {
    key.is_some_and(|key| COMMAND_KEYS.contains(&key))
}

/// The mappings around a node of a YAML file, innermost first, as their pairs.
pub(crate) fn yaml_pairs(node: Syn<'_>) -> Vec<Syn<'_>> {
    node.ancestors().filter(|outer| matches!(outer.kind(), "block_mapping_pair" | "flow_pair")).collect()
}

/// The key of a pair, quotes taken off.
pub(crate) fn yaml_key(pair: Syn<'_>) -> &str {
    pair.field("key").map(|key| key.text().trim_matches(['"', '\''])).unwrap_or_default()
}

/// Another pair of the mapping that a pair stands in.
pub(crate) fn yaml_sibling<'a>(pair: Syn<'a>, key: &str) -> Option<Syn<'a>> {
    pair.parent()?.children().find(|other| *other != pair && yaml_key(*other) == key)
}

fn yaml_command(literal: Syn<'_>) -> Option<Command<'_>> {
    let pairs = yaml_pairs(literal);
    let innermost = *pairs.first()?;
    if innermost.field("key").is_some_and(|key| key.span().contains(&literal.start())) {
        return None;
    }
    let key = yaml_key(innermost);
    let path = literal.file.path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    let around = |index: usize| pairs.get(index).map(|pair| yaml_key(*pair).to_owned());
    let (runner, shell, owner) = if path.contains(".github/workflows") {
        let shell = yaml_sibling(innermost, "shell").and_then(|pair| pair.field("value")).map(Syn::text);
        let odd = ["pwsh", "powershell", "windows"].iter().any(|word| literal.file.text.contains(word));
        if key != "run" || odd || !matches!(shell, None | Some("bash" | "sh")) {
            return None;
        }
        let step = yaml_sibling(innermost, "name")
            .and_then(|pair| pair.field("value"))
            .map(|name| name.text().to_owned());
        let pipefail = shell == Some("bash");
        (Runner::Workflow, Defaults { errexit: true, pipefail }, step.or_else(|| around(2)))
    } else if name == ".gitlab-ci.yml" {
        if !matches!(key, "script" | "before_script" | "after_script") {
            return None;
        }
        (Runner::GitLab, Defaults { errexit: true, pipefail: true }, around(1))
    } else {
        if !matches!(key, "commands" | "finally") {
            return None;
        }
        (Runner::CodeBuild, Defaults::PLAIN, around(1).map(|phase| format!("Phase {phase}")))
    };
    let list = literal
        .ancestors()
        .find(|outer| matches!(outer.kind(), "block_sequence" | "flow_sequence" | "block_mapping_pair"));
    Some(Command {
        runner,
        shell,
        owner: owner.unwrap_or_else(|| "The build".to_owned()),
        list: list.filter(|list| !list.is("block_mapping_pair")),
        spec: pairs.last().and_then(|pair| pair.parent()),
    })
}

fn package_script(literal: Syn<'_>) -> Option<Command<'_>> {
    let pair = literal.parent().filter(|pair| pair.is("pair") && pair.field("value") == Some(literal))?;
    let scripts = pair.ancestors().find(|outer| outer.is("pair"))?;
    let name = |pair: Syn<'_>| pair.field("key").map(|key| key.text().trim_matches('"').to_owned());
    let is_package = literal.file.path.rsplit('/').next() == Some("package.json");
    (is_package && name(scripts).as_deref() == Some("scripts")).then(|| Command {
        runner: Runner::PackageScript,
        shell: Defaults::PLAIN,
        owner: name(pair).unwrap_or_default(),
        list: None,
        spec: None,
    })
}
