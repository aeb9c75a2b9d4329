//! What the code means: imports, scopes, construct sites, property views, the app.

pub mod app;
pub mod build;
pub mod catalogue;
pub mod command;
pub mod environment;
pub mod handler;
pub mod imports;
pub mod invocation;
pub mod meaning;
mod paths;
pub mod pipeline;
pub mod props;
pub(crate) mod release;
mod repeat;
pub mod scope;
mod shelf;
pub mod site;
mod source;
pub mod types;
mod uses;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::syntax::{Parsed, Syn};
pub use app::{App, Generation, Overlay};
pub use build::{BuildCommand, BuildSpec};
pub use catalogue::{Catalogue, ClassName, Release};
pub use command::{Command, Runner};
pub use environment::{Discriminator, Environment};
pub use handler::Handler;
pub use invocation::Invocation;
pub use meaning::Meaning;
pub use pipeline::PipelineStage;
pub use props::{Entry, Prop, Props};
pub(crate) use shelf::Shelves;
pub use site::{Binding, Site, statement_of};

use imports::Imports;

/// The meaning of one app, worked out on demand and kept.
#[derive(Debug)]
pub struct Model<'a> {
    /// The app.
    pub app: &'a App,
    /// Facts about aws-cdk-lib.
    pub catalogue: Catalogue,
    files: Vec<FileFacts<'a>>,
    classes: OnceLock<Vec<ClassName>>,
    calls: Known<Vec<Syn<'a>>>,
    called_functions: Known<Vec<Syn<'a>>>,
    environments: ByNode<Environment<'a>>,
    members: ByNode<Arc<[types::Member<'a>]>>,
    types: ByNode<types::Typed<'a>>,
    import_types: ByNode<types::Typed<'a>>,
    uses: ByNode<Vec<Syn<'a>>>,
    handlers: ByNode<Option<handler::Handler<'a>>>,
    scopes: ByNode<Arc<Vec<Syn<'a>>>>,
    declarations: ByNode<Arc<scope::Declarations<'a>>>,
    environment: OnceLock<environment::Facts<'a>>,
    invocations: OnceLock<Vec<(Syn<'a>, Invocation, Syn<'a>)>>,
    custom_handlers: OnceLock<invocation::CustomHandlers<'a>>,
    edge_functions: OnceLock<Vec<Syn<'a>>>,
}

/// Answers about the app by name, worked out once each.
type Known<T> = Mutex<BTreeMap<String, Arc<T>>>;

#[derive(Debug, Default)]
struct FileFacts<'a> {
    imports: OnceLock<Imports<'a>>,
    sites: OnceLock<Vec<Site<'a>>>,
}

impl<'a> Model<'a> {
    /// A model in which nothing is worked out yet.
    pub fn new(app: &'a App) -> Self {
        let files = app.files.iter().map(|_| FileFacts::default()).collect();
        Self {
            app,
            catalogue: Catalogue::embedded(),
            files,
            classes: OnceLock::new(),
            calls: Known::default(),
            called_functions: Known::default(),
            environments: ByNode::default(),
            members: ByNode::default(),
            types: ByNode::default(),
            import_types: ByNode::default(),
            uses: ByNode::default(),
            handlers: ByNode::default(),
            scopes: ByNode::default(),
            declarations: ByNode::default(),
            environment: OnceLock::new(),
            invocations: OnceLock::new(),
            custom_handlers: OnceLock::new(),
            edge_functions: OnceLock::new(),
        }
    }

    fn index(&self, file: &Parsed) -> Option<usize> {
        let guess = file.place.load(Ordering::Relaxed);
        if self.app.files.get(guess).is_some_and(|known| known.is_of(file)) {
            return Some(guess);
        }
        let found = self.search(file)?;
        file.place.store(found, Ordering::Relaxed);
        Some(found)
    }

    fn search(&self, file: &Parsed) -> Option<usize> {
        self.app.files.binary_search_by(|other| other.candidate.path.as_str().cmp(&file.path)).ok()
    }

    /// Where a file is on disk.
    pub fn location(&self, file: &Parsed) -> Option<&'a Path> {
        Some(&self.app.files.get(self.index(file)?)?.candidate.file)
    }

    /// The import table of a file.
    pub fn imports(&self, file: &'a Parsed) -> &Imports<'a> {
        static NONE: Imports<'static> = Imports { imports: Vec::new(), reexports: Vec::new() };
        match self.index(file).and_then(|index| self.files.get(index)) {
            Some(facts) => facts.imports.get_or_init(|| Imports::of(file)),
            None => &NONE,
        }
    }

    /// The construct sites of a file, in source order.
    pub fn sites(&self, file: &'a Parsed) -> &[Site<'a>] {
        match self.index(file).and_then(|index| self.files.get(index)) {
            Some(facts) => facts.sites.get_or_init(|| self.find_sites(file)),
            None => &[],
        }
    }

    /// The files that speak to the CDK, parsed, sorted by path.
    pub fn cdk_files(&self) -> impl Iterator<Item = &'a Parsed> + use<'a> {
        self.app.files.iter().filter(|file| file.speaks_cdk()).filter_map(|file| file.parsed())
    }

    /// Every construct site of the app, by path and offset.
    pub fn all_sites(&self) -> impl Iterator<Item = Site<'a>> {
        self.cdk_files().flat_map(|file| self.sites(file)).cloned()
    }

    /// The site of a node found by a query.
    pub fn site_of(&self, node: Syn<'a>) -> Option<Site<'a>> {
        let sites = self.sites(node.file);
        let first = sites.partition_point(|site| site.node.start() < node.start());
        let here = sites.iter().skip(first).take_while(|site| site.node.start() == node.start());
        here.into_iter().find(|site| site.node == node).cloned()
    }

    /// Whether anything in the app builds a class or a subclass of it.
    pub fn app_builds(&self, class: &str) -> bool {
        let classes = self.classes.get_or_init(|| {
            let mut classes: Vec<ClassName> = Vec::new();
            for site in self.cdk_files().flat_map(|file| self.sites(file)) {
                if !classes.contains(&site.class) {
                    classes.push(site.class.clone());
                }
            }
            classes
        });
        classes.iter().any(|built| built.is_a(class))
    }

    /// Whether the app's aws-cdk-lib has a property of a class's props. An unknown release counts as the
    /// oldest: what every release has may be written.
    pub fn has_prop(&self, class: &str, prop: &str) -> bool {
        match self.app.release {
            Some(release) => self.catalogue.has_prop(class, prop, release),
            None => self.catalogue.prop(class, prop).is_some_and(|prop| prop.introduced() == Some(0)),
        }
    }

    /// Whether the app's aws-cdk-lib has a class; an unknown release counts as the oldest.
    pub fn has_class(&self, class: &str) -> bool {
        let oldest = Release { major: 2, minor: 0, patch: 0 };
        self.catalogue.has_class(class, self.app.release.unwrap_or(oldest))
    }

    /// Whether the app's aws-cdk-lib has a method, static or enum member: `aws_codebuild.Fleet`, `fromFleetArn`.
    pub fn has_member(&self, class: &str, member: &str) -> bool {
        match self.app.release {
            Some(release) => self.catalogue.has_member(class, member, release),
            None => self.catalogue.member(class, member).is_some_and(|member| member.introduced() == Some(0)),
        }
    }
}

/// Answers about nodes, worked out once each.
#[derive(Debug)]
struct ByNode<T>(Mutex<HashMap<(usize, usize), T>>);

impl<T> Default for ByNode<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> ByNode<T> {
    /// The answer from memory or worked out now; not held locked meanwhile: one answer may need another.
    fn get(&self, node: Syn<'_>, work: impl FnOnce() -> T) -> T {
        self.by_key(node.file, node.node.id(), work)
    }

    /// The same for a name that an import brings into a file.
    fn of_import(&self, file: &Parsed, import: &imports::Import<'_>, work: impl FnOnce() -> T) -> T {
        self.by_key(file, import.local.as_ptr().addr(), work)
    }

    fn by_key(&self, file: &Parsed, key: usize, work: impl FnOnce() -> T) -> T {
        let open = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (std::ptr::from_ref(file).addr(), key);
        let before = open().get(&key).cloned();
        before.unwrap_or_else(|| {
            let answer = work();
            open().insert(key, answer.clone());
            answer
        })
    }
}

/// The answer for a name, from memory or worked out now. Not held locked meanwhile: one answer may need another.
fn known<T>(answers: &Known<T>, name: &str, work: impl FnOnce() -> T) -> Arc<T> {
    let open = || answers.lock().unwrap_or_else(PoisonError::into_inner);
    let before = open().get(name).cloned();
    before.unwrap_or_else(|| {
        let answer = Arc::new(work());
        open().insert(name.to_owned(), Arc::clone(&answer));
        answer
    })
}

/// Whether a node stands in a file.
fn own_file(file: &Parsed, node: Syn<'_>) -> bool {
    std::ptr::eq(file, node.file)
}
