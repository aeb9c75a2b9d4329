//! Build specifications of CodeBuild projects: written in place, or in a file of the app.

use std::path::Path;

use super::command::yaml_key;
use super::meaning::words;
use super::props::own_entry;
use super::{Meaning, Model, Prop, Site};
use crate::source::Language;
use crate::syntax::shell::{Program, Script, programs};
use crate::syntax::{Literal, Syn};

/// A build specification, as far as it can be read.
#[derive(Debug, Clone)]
pub struct BuildSpec<'a> {
    /// The object literal, or the mapping of a YAML file.
    pub root: Syn<'a>,
    /// Its commands, in the order in which they run.
    pub commands: Vec<BuildCommand<'a>>,
    /// Whether all of its commands are in sight.
    pub complete: bool,
}

/// One item of a phase's `commands`.
#[derive(Debug, Clone)]
pub struct BuildCommand<'a> {
    /// The list's item.
    pub item: Syn<'a>,
    /// The literal in it.
    pub literal: Syn<'a>,
    /// What the shell gets.
    pub text: String,
    /// `install`, `pre_build`, `build` or `post_build`.
    pub phase: &'static str,
}

/// The phases, in the order in which they run.
const PHASES: [&str; 4] = ["install", "pre_build", "build", "post_build"];

/// Scripts that call scripts are followed so far.
const DEPTH: u8 = 4;

/// The value of a key in an object literal or in a YAML mapping.
pub fn spec_entry<'a>(mapping: Syn<'a>, key: &str) -> Option<Syn<'a>> {
    if mapping.file.language.is_script() {
        return own_entry(mapping, key);
    }
    let pair = mapping.children().find(|pair| yaml_key(*pair) == key)?;
    Some(unwrapped(pair.field("value")?))
}

/// The pair of a key in an object literal or in a YAML mapping.
pub fn spec_pair<'a>(mapping: Syn<'a>, key: &str) -> Option<Syn<'a>> {
    mapping.children().find(|pair| {
        if pair.file.language.is_script() {
            super::props::key_of(*pair) == Some(key)
        } else {
            yaml_key(*pair) == key
        }
    })
}

/// The items of an array literal or of a YAML sequence.
pub fn spec_items(list: Syn<'_>) -> Vec<Syn<'_>> {
    list.children().collect()
}

/// The literal that an item of a list is.
pub fn spec_literal(item: Syn<'_>) -> Option<Syn<'_>> {
    let mut node = item;
    while Literal::of(node).is_none() {
        if !matches!(node.kind(), "block_sequence_item" | "block_node" | "flow_node" | "plain_scalar") {
            return None;
        }
        node = node.first()?;
    }
    Some(node)
}

/// The mapping, sequence or scalar in a `block_node` or `flow_node`.
fn unwrapped(value: Syn<'_>) -> Syn<'_> {
    let mut node = value;
    while matches!(node.kind(), "block_node" | "flow_node") {
        let mut inner = node.children();
        match (inner.next(), inner.next()) {
            (Some(only), None) => node = only,
            _ => return node,
        }
    }
    node
}

impl<'a> Model<'a> {
    /// The build specification of a `codebuild.Project`; `None` where it has none of its own or it is out of sight.
    pub fn build_spec(&self, project: &Site<'a>) -> Option<BuildSpec<'a>> {
        let value = self.value_of(project.props(self).get(self, "buildSpec").value()?);
        let name = self.cdk_name(value.field("function")?)?;
        let argument = value.field("arguments")?.first()?;
        let root = match name.strip_prefix("aws_codebuild.BuildSpec.")? {
            "fromObject" | "fromObjectToYaml" => self.props_of(argument).object()?,
            "fromSourceFilename" | "fromAsset" => self.spec_file(argument)?,
            _ => return None,
        };
        let mut spec = BuildSpec { root, commands: Vec::new(), complete: true };
        spec.complete = !root.children().any(|entry| entry.is("spread_element"));
        self.read_phases(&mut spec);
        Some(spec)
    }

    /// The mapping of a build specification's file.
    fn spec_file(&self, name: Syn<'a>) -> Option<Syn<'a>> {
        if !name.is("string") {
            return None;
        }
        let path = self.app.root.join(super::imports::string_text(name));
        let parsed = self.app.file(&super::app::normal(&path))?.parsed()?;
        if parsed.language != Language::Yaml {
            return None;
        }
        let document = Syn::root(parsed).children().find(|node| node.is("document"))?;
        Some(unwrapped(document.first()?)).filter(|mapping| mapping.is("block_mapping"))
    }

    fn read_phases(&self, spec: &mut BuildSpec<'a>) {
        let Some(phases) = spec_entry(spec.root, "phases") else { return };
        let Some(phases) = self.spec_mapping(phases) else {
            spec.complete = false;
            return;
        };
        spec.complete &= !phases.children().any(|entry| entry.is("spread_element"));
        for phase in PHASES {
            let Some(value) = spec_entry(phases, phase) else { continue };
            let Some(mapping) = self.spec_mapping(value) else {
                spec.complete = false;
                continue;
            };
            spec.complete &= !mapping.children().any(|entry| entry.is("spread_element"));
            for key in ["commands", "finally"] {
                let Some(list) = spec_entry(mapping, key) else { continue };
                let Some(list) = self.spec_list(list) else {
                    spec.complete = false;
                    continue;
                };
                for item in spec_items(list) {
                    let literal = spec_literal(item);
                    match literal.and_then(Literal::of).zip(literal) {
                        Some((read, literal)) => {
                            spec.commands.push(BuildCommand { item, literal, text: read.text, phase });
                        }
                        None => spec.complete = false,
                    }
                }
            }
        }
    }

    /// The object or mapping that an expression stands for.
    pub fn spec_mapping(&self, value: Syn<'a>) -> Option<Syn<'a>> {
        if value.file.language.is_script() {
            return self.props_of(value).object();
        }
        matches!(value.kind(), "block_mapping" | "flow_mapping").then_some(value)
    }

    /// The list that an expression stands for.
    pub fn spec_list(&self, value: Syn<'a>) -> Option<Syn<'a>> {
        if value.file.language.is_script() {
            return self.array(value);
        }
        matches!(value.kind(), "block_sequence" | "flow_sequence").then_some(value)
    }

    /// The programs that a build runs, with those of the package.json scripts it calls; `None` where one of them
    /// is out of sight.
    pub fn build_programs(&self, spec: &BuildSpec<'a>) -> Option<Vec<Program>> {
        if !spec.complete {
            return None;
        }
        let mut found = Vec::new();
        for command in &spec.commands {
            self.gather(&command.text, &mut found, DEPTH)?;
        }
        Some(found)
    }

    fn gather(&self, text: &str, found: &mut Vec<Program>, depth: u8) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        for program in programs(text)? {
            match &program.script {
                Some(script) => {
                    let text = self.script_text(script)?;
                    self.gather(&text, found, depth)?;
                }
                None => found.push(program),
            }
        }
        Some(())
    }

    /// The text of a script of package.json, with those that npm runs before and after it.
    pub fn script_text(&self, script: &Script) -> Option<String> {
        if script.elsewhere {
            return None;
        }
        let folder = match &script.folder {
            Some(folder) => super::app::normal(&self.app.root.join(folder)),
            None => self.app.root.clone(),
        };
        self.app.file(&folder.join("package.json"))?;
        let package = self.package_json(&folder)?;
        let scripts = package.get("scripts")?;
        let text = |name: &str| scripts.get(name)?.as_str().map(str::to_owned);
        let own = text(&script.name)?;
        let around = [text(&format!("pre{}", script.name)), Some(own), text(&format!("post{}", script.name))];
        Some(around.into_iter().flatten().collect::<Vec<_>>().join("\n"))
    }

    /// The dependencies that the package.json files of a folder of the app and below it name.
    pub fn dependencies_below(&self, folder: &Path) -> Vec<String> {
        let mut names = Vec::new();
        for file in &self.app.files {
            let path = &file.candidate.file;
            if path.file_name().is_none_or(|name| name != "package.json") || !path.starts_with(folder) {
                continue;
            }
            let Some(package) = file.text().ok().and_then(|text| serde_json::from_str(text).ok()) else {
                continue;
            };
            let package: serde_json::Value = package;
            for kind in ["dependencies", "devDependencies", "optionalDependencies"] {
                let list = package.get(kind).and_then(serde_json::Value::as_object);
                names.extend(list.into_iter().flat_map(|list| list.keys().cloned()));
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// Whether a build specification written as an object serves more than one project.
    pub fn is_shared_spec(&self, spec: &BuildSpec<'a>) -> bool {
        let Some(declarator) = spec.root.ancestor("variable_declarator") else { return false };
        let Some(name) = declarator.field("name").filter(|name| name.is("identifier")) else { return false };
        words(Syn::root(declarator.file), name.text()).count() > 2
    }

    /// What an expression stands for, if that is an expression.
    pub fn value_of(&self, expression: Syn<'a>) -> Syn<'a> {
        match self.meaning(expression) {
            Some(Meaning::Value(value)) => value,
            _ => expression,
        }
    }

    /// The static's or class's name of a prop's value: `LinuxBuildImage.STANDARD_7_0`. Empty where the prop is absent.
    pub fn named_prop(&self, object: &super::Props<'a>, prop: &str) -> Option<String> {
        match object.get(self, prop) {
            Prop::Absent => Some(String::new()),
            Prop::Present(entry) => self.cdk_name(entry.value),
            Prop::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{App, Model};
    use crate::source::{DiscoverOptions, discover};

    /// The programs of each project of an app, by label.
    fn programs_of(files: &[(&str, &str)]) -> Vec<(String, Option<Vec<String>>)> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let file = folder.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            #[expect(clippy::disallowed_methods, reason = "a test lays out its own files")]
            std::fs::write(file, text).unwrap();
        }
        let root = std::fs::canonicalize(folder.path()).unwrap();
        let options = DiscoverOptions::at(root.clone());
        let found = discover(std::slice::from_ref(&root), &options);
        let app = App::new(root, found.files);
        let model = Model::new(&app);
        let projects = model.all_sites().filter(|site| model.builds(site, "aws_codebuild.Project"));
        projects
            .map(|project| {
                let spec = model.build_spec(&project).unwrap();
                let programs = model.build_programs(&spec);
                let words = |programs: Vec<crate::syntax::shell::Program>| {
                    programs.into_iter().map(|program| program.words.join(" ")).collect()
                };
                (project.label(), programs.map(words))
            })
            .collect()
    }

    #[test]
    fn programs_are_those_of_all_phases_and_scripts() {
        let stack = "import * as codebuild from 'aws-cdk-lib/aws-codebuild';
            const spec = { phases: { build: { commands: ['npx jest', `aws s3 cp ${x} y`] }, install: { commands: ['npm ci'] } } };
            new codebuild.Project(s, 'Object', { buildSpec: codebuild.BuildSpec.fromObject(spec) });
            new codebuild.Project(s, 'File', { buildSpec: codebuild.BuildSpec.fromSourceFilename('buildspec.yml') });
            new codebuild.Project(s, 'Missing', { buildSpec: codebuild.BuildSpec.fromObject(
                { phases: { build: { commands: ['npm run other'] } } }) });";
        let yaml = "version: 0.2\nphases:\n  build:\n    commands:\n      - npm test && 'echo' \"done\"\n      - |\n        ls\n        cd x\n";
        let package =
            "{\"scripts\": {\"test\": \"jest --ci\", \"pretest\": \"npm run build\", \"build\": \"tsc\"}}";
        let found = programs_of(&[("lib/s.ts", stack), ("buildspec.yml", yaml), ("package.json", package)]);
        let some = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(found[0].1, some(&["npm ci", "jest", "aws s3 cp X y"]));
        assert_eq!(found[1].1, some(&["tsc", "jest --ci", "echo done", "ls", "cd x"]));
        assert_eq!(found[2].1, None);
    }
}
