//! Which of the objects of all files make the `Config`: the first of each name, with the modules that policies ask for.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem::{Discriminant, discriminant};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cardea_model::config::{Config, ModuleSource, Policy};
use cardea_model::problem::{Origin, Problem, Severity};

use super::module::Modules;
use super::object::Object;
use super::parse::parse;
use super::store::Store;
use crate::fetch::{self, Fetcher};
use crate::kube::config_map::Binary;
use crate::kube::policy::{Declared, ModuleRef};
use crate::kube::problem;
use crate::kube::secret::PullSecret;

/// Kind, namespace, name.
type Identity = (&'static str, Arc<str>, Arc<str>);

/// The policies of the last assembly, kept so that an unchanged one stays the same value.
pub(super) type Known = HashMap<Identity, Arc<Policy>>;

/// The objects of every file, in order of path and document.
pub(super) fn assemble(
    store: &Store,
    modules: &mut Modules,
    fetcher: Option<&Fetcher>,
    known: &mut Known,
) -> (Config, Vec<Problem>) {
    let (problems, is_each_once) = (store.problems().cloned().collect(), store.is_each_once());
    let mut assembly = Assembly { problems, is_each_once, fetcher, ..Assembly::default() };
    for (_, file) in store.files() {
        for object in &file.objects {
            assembly.add(&file.path, object);
        }
    }
    assembly.finish(modules, known)
}

/// What one text declares, by itself: modules are looked for beside `file`, and none is fetched.
pub fn read_text(source: &str, file: &Path, text: &[u8]) -> (Config, Vec<Problem>) {
    let parsed = parse(source, text);
    let mut assembly = Assembly { problems: parsed.problems, ..Assembly::default() };
    parsed.objects.iter().for_each(|object| assembly.add(file, object));
    assembly.finish(&mut Modules::default(), &mut Known::default())
}

#[derive(Default)]
struct Assembly<'a> {
    config: Config,
    problems: Vec<Problem>,
    /// It is known that no two objects have one name, so that `first` is not needed.
    is_each_once: bool,
    first: HashMap<(Discriminant<Object>, &'a str, &'a str), &'a Origin>,
    binaries: HashMap<(&'a str, &'a str), &'a Binary>,
    pull_secrets: HashMap<(&'a str, &'a str), &'a PullSecret>,
    fetcher: Option<&'a Fetcher>,
    policies: Vec<(&'a Path, &'a Declared)>,
}

impl<'a> Assembly<'a> {
    fn add(&mut self, file: &'a Path, object: &'a Object) {
        let origin = object.origin();
        if !self.is_each_once {
            match self.first.entry((discriminant(object), &origin.namespace, &origin.name)) {
                Entry::Vacant(free) => _ = free.insert(origin),
                Entry::Occupied(first) => return self.problems.push(duplicate(origin, first.get())),
            }
        }
        match object {
            Object::Class(class) => self.config.classes.push(Arc::clone(class)),
            Object::Ingress(ingress) => self.config.ingresses.push(Arc::clone(ingress)),
            Object::Service(service) => self.config.services.push(Arc::clone(service)),
            Object::Slice(slice) => self.config.slices.push(Arc::clone(slice)),
            Object::Secret(secret) => self.config.secrets.push(Arc::clone(secret)),
            Object::PullSecret(secret) => _ = self.pull_secrets.insert((&origin.namespace, &origin.name), secret),
            Object::ConfigMap(map) => _ = self.binaries.insert((&origin.namespace, &origin.name), map),
            Object::Policy(policy) => self.policies.push((file, policy)),
        }
    }

    fn finish(mut self, modules: &mut Modules, known: &mut Known) -> (Config, Vec<Problem>) {
        modules.start_naming();
        let mut now = Known::with_capacity(self.policies.len());
        for (file, declared) in std::mem::take(&mut self.policies) {
            let (module, mistake) = self.module(file, declared, modules);
            self.problems.extend(mistake);
            let policy = declared.with(module);
            let origin = &policy.origin;
            let identity = (origin.kind, Arc::clone(&origin.namespace), Arc::clone(&origin.name));
            let policy = match known.remove(&identity) {
                Some(same) if *same == policy => same,
                _ => Arc::new(policy),
            };
            now.insert(identity, Arc::clone(&policy));
            self.config.policies.push(policy);
        }
        modules.forget_unnamed();
        *known = now;
        (self.config, self.problems)
    }

    fn module(&self, file: &Path, declared: &Declared, modules: &mut Modules) -> (ModuleSource, Option<Problem>) {
        let origin = &declared.origin;
        let module = match &declared.module {
            ModuleRef::File(name) => modules.find(beside(file, name), &shown(&origin.source, name)),
            ModuleRef::ConfigMap { name, key } => self.binary(&origin.namespace, name, key),
            ModuleRef::Remote { remote, pull_secret } => {
                let secret = |name: &str| {
                    let secret = self.pull_secrets.get(&(&*origin.namespace, name))?;
                    Some(secret.credentials.clone())
                };
                return fetch::module(self.fetcher, declared, remote, pull_secret.as_deref(), secret);
            }
        };
        let mistake = match &module {
            ModuleSource::Missing { path, message } => Some(missing(origin, &declared.module, path, message)),
            ModuleSource::Bytes { .. } => None,
        };
        (module, mistake)
    }

    fn binary(&self, namespace: &str, name: &str, key: &str) -> ModuleSource {
        let path = Arc::from(format!("ConfigMap {name}, key {key}"));
        match self.binaries.get(&(namespace, name)) {
            None => missing_source(path, "there is no such ConfigMap with binaryData in the namespace"),
            Some(map) => match map.entries.get(key) {
                None => missing_source(path, "its binaryData has no such key"),
                Some(bytes) => ModuleSource::Bytes { path, bytes: Arc::clone(bytes) },
            },
        }
    }
}

/// A path in a manifest is relative to the manifest's own file.
fn beside(file: &Path, name: &str) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).join(name)
}

/// The same path for people: relative to the manifest directory, as far as it was written so.
fn shown(source: &str, name: &str) -> String {
    let shown = beside(Path::new(source), name);
    shown.components().collect::<PathBuf>().to_string_lossy().into_owned()
}

fn missing_source(path: Arc<str>, message: &str) -> ModuleSource {
    ModuleSource::Missing { path, message: message.to_owned() }
}

fn missing(origin: &Origin, reference: &ModuleRef, path: &str, message: &str) -> Problem {
    let (field, remedy) = match reference {
        ModuleRef::File(_) => (
            "spec.module.file",
            "put the module there, or correct the path; the last good version, if there was one, serves until then",
        ),
        ModuleRef::ConfigMap { .. } => ("spec.module.configMap", "declare it, or correct the reference"),
        ModuleRef::Remote { .. } => ("spec.module", "see that it can be fetched"),
    };
    let told = problem(origin, field, format!("{path} cannot be read: {message}"), remedy);
    // A file belongs to the manifest; an object may come later.
    let severity = if matches!(reference, ModuleRef::File(_)) { Severity::Error } else { Severity::Warning };
    Problem { severity, ..told }
}

fn duplicate(origin: &Origin, first: &Origin) -> Problem {
    let message = format!("is taken by the same kind in {}, document {}, which serves", first.source, first.document);
    problem(origin, "metadata.name", message, "remove one of the two, or rename it")
}
