//! The backups of an app: which stack builds them, and what each is given.

use super::backup_file::Needs;
use super::parameter_path::parameter_path;
use super::state::{KINDS, Store, stack_of};
use crate::detect::Refusal;
use crate::edit::carry::{known_name, last_statement};
use crate::edit::{Builder, no_fix};
use crate::model::meaning::words;
use crate::model::{Model, Site};
use crate::syntax::Syn;

/// How long copies are kept, if nothing else is said.
const DAYS: u32 = 35;

/// What one stack gives to its backups.
struct Part<'a> {
    class: Syn<'a>,
    at: Syn<'a>,
    stores: Vec<Store<'a>>,
}

/// Builds backups in each stack that holds state, and the construct that they are built of.
pub(super) fn add_backups<'a>(b: &mut Builder<'_, 'a>, held: &[Store<'a>]) -> Result<(), Refusal> {
    let parts = parts(b.model, held)?;
    let keys: Vec<Option<String>> = parts.iter().map(|part| key_at(b.model, part)).collect();
    let needs = Needs {
        kinds: KINDS.into_iter().filter(|kind| held.iter().any(|store| store.kind == Some(*kind))).collect(),
        parameters: held.iter().any(|store| store.kind.is_none()),
        key: keys.iter().all(Option::is_some),
        shared: parts.len() > 1,
    };
    if let Some(kind) =
        needs.kinds.iter().find(|kind| !b.model.has_member("aws_backup.BackupResource", kind.from))
    {
        return Err(no_fix(
            &format!("the app's aws-cdk-lib cannot select {} for a backup", kind.member),
            "update aws-cdk-lib, then run again",
        ));
    }
    let days = match b.value_if_given("backup_retention_days") {
        Some(text) => text
            .parse()
            .ok()
            .filter(|days| *days > 0)
            .ok_or_else(|| no_fix("backup_retention_days is no number above 0", "give one such as 35"))?,
        None => DAYS,
    };
    let mut home = None;
    for (part, key) in parts.iter().zip(&keys) {
        let key = key.as_deref().filter(|_| needs.key);
        build_in(b, part, key, days)?;
        let file = part.class.file;
        let new = match &home {
            None => b.construct_file(part.class, "backup-infrastructure")?,
            Some(path) => crate::edit::files::NewFile {
                path: std::path::PathBuf::clone(path),
                specifier: b.specifier_of(file, path),
            },
        };
        let again = parts
            .iter()
            .take_while(|other| other.class != part.class)
            .any(|other| std::ptr::eq(other.class.file, file));
        if !again {
            if words(Syn::root(file), "BackupInfrastructure").next().is_some() {
                return Err(no_fix(
                    &format!("the name BackupInfrastructure is taken in {}", file.path),
                    "rename that, then run again",
                ));
            }
            b.import_local(file, &new.specifier, "BackupInfrastructure");
        }
        home = Some(new.path);
    }
    let (Some(path), Some(first)) = (home, parts.first()) else {
        return Err(no_fix("no stack of the app holds its state", "build backups by hand"));
    };
    let text = b.style(first.class.file).adapt(&needs.text(b.model), "").replace("\r\n", "\n");
    b.create(path, &text);
    Ok(())
}

/// The stacks that hold state, each with its stores.
fn parts<'a>(model: &Model<'a>, held: &[Store<'a>]) -> Result<Vec<Part<'a>>, Refusal> {
    let mut parts: Vec<Part<'a>> = Vec::new();
    for store in held {
        let class = stack_of(model, store.site.node).ok_or_else(|| out_of_reach(store))?;
        if let Some(part) = parts.iter_mut().find(|part| part.class == class) {
            part.stores.push(store.clone());
            continue;
        }
        let at = last_statement(class).ok_or_else(|| {
            no_fix(
                "a stack has no constructor to build backups in",
                "write one that calls super(…), then run again",
            )
        })?;
        parts.push(Part { class, at, stores: vec![store.clone()] });
    }
    Ok(parts)
}

fn out_of_reach(store: &Store<'_>) -> Refusal {
    no_fix(
        &format!("{} is built where its stack cannot name it", store.site.label()),
        "keep it in a public field of a construct that is built once, then run again",
    )
}

/// The one key that a stack builds, if it has a name there.
fn key_at<'a>(model: &Model<'a>, part: &Part<'a>) -> Option<String> {
    let mut keys = model.all_sites().filter(|site| {
        site.node.is("new_expression")
            && model.builds(site, "aws_kms.Key")
            && stack_of(model, site.node) == Some(part.class)
    });
    let key = keys.next()?;
    keys.next().is_none().then_some(())?;
    known_name(model, &key, part.at)
}

/// Builds the construct behind the last statement of a stack.
fn build_in<'a>(
    b: &mut Builder<'_, 'a>,
    part: &Part<'a>,
    key: Option<&str>,
    days: u32,
) -> Result<(), Refusal> {
    let mut lines = Vec::new();
    match key {
        Some("kmsKey") => lines.push("kmsKey,".to_owned()),
        Some(key) => lines.push(format!("kmsKey: {key},")),
        None => {}
    }
    lines.push(format!("retentionDays: {days},"));
    let parameters: Vec<Site<'a>> =
        part.stores.iter().filter(|store| store.kind.is_none()).map(|store| store.site.clone()).collect();
    if !parameters.is_empty() {
        let path = parameter_path(b.model, &parameters, part.at).ok_or_else(|| {
            no_fix(
                "the path that the parameters share cannot be told where the stack is built",
                "give them names with a common path, kept in a public field of their construct, then run again",
            )
        })?;
        lines.push(format!("parameterPath: {path},"));
    }
    for kind in KINDS {
        let mut names = Vec::new();
        for store in part.stores.iter().filter(|store| store.kind == Some(kind)) {
            names.push(b.reach(&store.site, part.at).ok_or_else(|| out_of_reach(store))?);
        }
        let line = format!("{}: [{}],", kind.member, names.join(", "));
        if !names.is_empty() && line.len() <= 72 {
            lines.push(line);
        } else if !names.is_empty() {
            lines.push(format!("{}: [\n    {},\n  ],", kind.member, names.join(",\n    ")));
        }
    }
    let id = b.fresh_id(part.at, &["Backup", "Backups"]);
    b.insert_after(
        part.at,
        &format!("new BackupInfrastructure(this, '{id}', {{\n  {}\n}});", lines.join("\n  ")),
    );
    Ok(())
}
