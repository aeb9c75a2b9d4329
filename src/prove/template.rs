//! What a synthesis made: the CloudFormation templates of all stacks.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// Templates by the name of the stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Templates {
    /// The templates.
    pub stacks: BTreeMap<String, Value>,
}

impl Templates {
    /// All stacks of a cloud assembly and of those in it.
    ///
    /// # Errors
    /// What is missing or cannot be read.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let mut templates = Self::default();
        templates.add(folder)?;
        Ok(templates)
    }

    /// Adds those of another app.
    pub fn join(&mut self, other: Self) {
        for (name, template) in other.stacks {
            self.insert(&name, template);
        }
    }

    /// The resources of all stacks: stack, logical id, resource.
    pub fn resources(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.stacks.iter().flat_map(|(stack, template)| {
            let resources = template.get("Resources").and_then(Value::as_object);
            resources.into_iter().flatten().map(move |(id, resource)| (stack.as_str(), id.as_str(), resource))
        })
    }

    fn add(&mut self, folder: &Path) -> Result<(), String> {
        let manifest = json(&folder.join("manifest.json"))?;
        let artifacts = manifest.get("artifacts").and_then(Value::as_object);
        for (id, artifact) in artifacts.into_iter().flatten() {
            let property = |name: &str| artifact.get("properties")?.get(name)?.as_str();
            match artifact.get("type").and_then(Value::as_str) {
                Some("aws:cloudformation:stack") => {
                    let Some(file) = property("templateFile") else { continue };
                    let name = property("stackName").unwrap_or(id);
                    self.insert(name, json(&folder.join(file))?);
                }
                Some("cdk:cloud-assembly") => {
                    let Some(inner) = property("directoryName") else { continue };
                    self.add(&folder.join(inner))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The same stack in two regions has a number behind its name.
    fn insert(&mut self, name: &str, template: Value) {
        let mut free = name.to_owned();
        let mut number = 2;
        while self.stacks.contains_key(&free) {
            free = format!("{name} ({number})");
            number += 1;
        }
        self.stacks.insert(free, template);
    }
}

fn json(file: &Path) -> Result<Value, String> {
    let shown = file.file_name().unwrap_or_default().to_string_lossy();
    let bytes = std::fs::read(file)
        .map_err(|error| format!("the app synthesised no {shown} ({error}); run it by hand to see why"))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| format!("{shown} of the cloud assembly is no JSON: {error}"))
}
