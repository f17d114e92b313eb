//! `cardea policy check`: whether the ingress would take a module, by the very loader that it uses.

mod compare;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use cardea_model::config::{Grants, ModuleSource, Policy};
use cardea_policy::{LoadError, State};

use super::engine::{self, declared};
use super::mistake::Mistake;
use super::module::{Module, Shape};
use super::{Verdict, print};
use crate::scenario::stage::{Stage, all_interfaces, policy_of, source_of};
use crate::scenario::vectors::{self, ModuleTests};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A module, or the folder with the one that is meant.
    #[arg(value_name = "FILE.wasm|DIR")]
    path: PathBuf,
    /// A Policy manifest: its grants, limits and config are checked too. Of a folder, its policy.yaml by itself.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Interfaces that will be granted, in place of those of a manifest.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    grants: Option<Vec<String>>,
    /// The version that serves now: what the new one changes for those who run it is told too.
    #[arg(long, value_name = "FILE.wasm")]
    previous: Option<PathBuf>,
}

/// What an operator or author has to see to, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub what: String,
    pub remedy: String,
}

impl Finding {
    fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into() }
    }
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let module = Module::read(&args.path)?;
    let policy = manifest(args)?;
    print::line(format!("{}: {} bytes", module.path.display(), print::number(module.bytes.len() as u64)));
    let shape = Shape::of_any(&module.bytes);
    if let Some(shape) = &shape {
        print::line(format!("  ABI           {}", shape.abi().unwrap_or("unknown")));
        print::line(format!("  exports       {}", ours(&shape.exports)));
        print::line(format!("  imports       {}", ours(&shape.imports)));
        print::line(format!("  needs grants  {}", grants(shape)));
    }
    let stage = engine::live()?;
    let start = Instant::now();
    let granted = granted(args);
    let granted = granted.as_deref();
    let mut findings = Vec::new();
    match load(&stage, &module, policy.as_deref(), granted) {
        Ok(note) => print::line(format!("  ok: loads in {}{note}", print::duration(start.elapsed()))),
        Err(error) => findings.push(Finding::new(
            format!("refused ({}): {}", error.stage, error.message),
            format!("{}{}", place(&error, policy.as_deref(), granted), error.remedy),
        )),
    }
    if let Some(shape) = &shape {
        findings.extend(ungranted(shape, policy.as_deref(), granted));
    }
    if let Some(previous) = &args.previous {
        let previous = Module::read(previous)?;
        findings.extend(compare::findings(&previous, &module)?);
    }
    for Finding { what, remedy } in &findings {
        print::line(format!("  {what}"));
        print::line(format!("  help: {remedy}"));
    }
    Ok(if findings.is_empty() { Verdict::Good } else { Verdict::Bad })
}

/// `--grants ''` grants nothing.
fn granted(args: &Args) -> Option<Vec<String>> {
    let named = args.grants.as_ref()?;
    Some(named.iter().filter(|name| !name.is_empty()).cloned().collect())
}

/// All imports without a grant but the first, which the loader tells.
fn ungranted(shape: &Shape, policy: Option<&Path>, granted: Option<&[String]>) -> Vec<Finding> {
    let declared = policy.and_then(|policy| declared(policy).ok());
    let declared =
        declared.map(|declared| declared.with(ModuleSource::Bytes { path: "".into(), bytes: Arc::default() }));
    let Some(granted) = granted.or(declared.as_ref().map(|policy| policy.grants.interfaces.as_slice())) else {
        return Vec::new();
    };
    let missing = shape.capabilities().into_iter().filter(|name| !granted.iter().any(|known| known == name)).skip(1);
    let finding = |name| {
        let remedy = format!("add `{name}` to spec.grants.interfaces, if the policy may have it");
        Finding::new(format!("the module imports `{name}`, which is not granted"), remedy)
    };
    missing.map(finding).collect()
}

fn manifest(args: &Args) -> Result<Option<PathBuf>, Mistake> {
    let beside = args.path.join("policy.yaml");
    match &args.policy {
        Some(policy) if !policy.is_file() => Err(Mistake::usage(
            format!("--policy {} is not a file", policy.display()),
            "name a Policy manifest; `cardea policy new` writes one",
        )),
        Some(policy) => Ok(Some(policy.clone())),
        None => Ok(args.path.is_dir().then_some(beside).filter(|beside| beside.is_file())),
    }
}

/// Loads it as the manifest says, or with every grant and no config; what is left open is in the note.
fn load(
    stage: &Stage,
    module: &Module,
    policy: Option<&Path>,
    granted: Option<&[String]>,
) -> Result<String, LoadError> {
    let bytes: Arc<[u8]> = Arc::from(module.bytes.as_slice());
    let spec = match policy.map(declared) {
        Some(Ok(declared)) => Arc::new(declared.with(source_of(&module.path, &bytes))),
        Some(Err(mistake)) => return Err(unread(mistake)),
        None => policy_of(&module.path, &bytes, &serde_json::Value::Null, all_interfaces()),
    };
    let spec = match granted {
        Some(granted) => {
            let grants = Grants { interfaces: granted.to_vec(), ..spec.grants.clone() };
            Arc::new(Policy { grants, ..Policy::clone(&spec) })
        }
        None => spec,
    };
    // As the ingress does it: the scenarios that it brings come last.
    let loaded = stage.engine.load(&spec, &Arc::new(State::default()), None);
    match loaded.and_then(|_| vectors::hold(&stage.engine, &spec, ModuleTests::Run)) {
        Ok(_) => {
            Ok(policy.map_or_else(String::new, |policy| format!(", granted and configured by {}", policy.display())))
        }
        Err(error) if policy.is_none() && error.stage == "init" => {
            Ok(format!("; it wants a config, which --policy checks: {}", error.message))
        }
        Err(error) => Err(at_manifest(error, &spec)),
    }
}

/// The module is good; the manifest cannot be read.
fn unread(mistake: Mistake) -> LoadError {
    LoadError { stage: "manifest", field: "", message: mistake.what, remedy: mistake.remedy }
}

/// A deadline or memory limit that refuses a module is said with its number.
fn at_manifest(error: LoadError, spec: &Policy) -> LoadError {
    match error.field {
        "spec.limits.memory" => {
            LoadError { message: format!("{} (it is {} bytes)", error.message, spec.limits.memory_bytes_max), ..error }
        }
        _ => error,
    }
}

/// Where in the manifest to do it, if there is one.
fn place(error: &LoadError, policy: Option<&Path>, granted: Option<&[String]>) -> String {
    match (policy, error.field) {
        (_, "spec.grants.interfaces") if granted.is_some() => String::from("--grants: "),
        (None, _) => String::new(),
        (Some(policy), "") => format!("{}: ", policy.display()),
        (Some(policy), field) => format!("{}: {field}: ", policy.display()),
    }
}

/// Names without the package, which is ours mostly.
fn ours(names: &[String]) -> String {
    let short: Vec<&str> = names.iter().map(|name| name.strip_prefix(super::module::PACKAGE).unwrap_or(name)).collect();
    if short.is_empty() { String::from("nothing") } else { short.join(", ") }
}

fn grants(shape: &Shape) -> String {
    let capabilities = shape.capabilities();
    if capabilities.is_empty() { String::from("none") } else { capabilities.join(", ") }
}

#[cfg(test)]
pub fn load_error(module: &[u8]) -> Option<LoadError> {
    refusal(module, None)
}

#[cfg(test)]
pub fn error_under(module: &[u8], policy: &Path) -> Option<LoadError> {
    refusal(module, Some(policy))
}

#[cfg(test)]
fn refusal(module: &[u8], policy: Option<&Path>) -> Option<LoadError> {
    let module = Module { path: PathBuf::from("a.wasm"), bytes: module.to_owned() };
    load(&engine::live().ok()?, &module, policy, None).err()
}
