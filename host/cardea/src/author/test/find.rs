//! Which scenario files the paths of a command mean, and which module each of them is about.

use std::path::{Path, PathBuf};

use crate::author::build;
use crate::author::language::Language;
use crate::author::mistake::Mistake;
use crate::author::module::Module;
use crate::author::print;
use crate::author::project::{Project, folder_name};

const FILE: &str = "scenarios.yaml";

/// A scenario file, and the folder of its policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub folder: PathBuf,
    pub scenarios: PathBuf,
}

impl Found {
    pub fn name(&self) -> String {
        folder_name(&self.folder)
    }
}

/// In the order of the paths. Of several paths, as `policies/*` gives them, and of what lies in a folder, those that are no
/// policy are passed over: neither a project nor beside a module, nor the name of one in the folder `modules`.
pub fn suites(paths: &[PathBuf], modules: Option<&Path>) -> Result<Vec<Found>, Mistake> {
    let mut found = Vec::new();
    for path in paths {
        let mut here = at(path)?;
        if paths.len() > 1 || here.iter().any(|each| each.folder.parent() == Some(path)) {
            here.retain(|each| has_module(each, modules));
        }
        if here.is_empty() && Language::of(path).is_some() {
            print::progress(format!("{}: no {FILE}, so nothing to test", path.display()));
        }
        if here.is_empty() && paths.len() == 1 {
            let what = format!("{} has no {FILE}, nor has a folder in it", path.display());
            return Err(Mistake::usage(what, "write one, as docs/policy-testing.md says"));
        }
        found.extend(here);
    }
    match found.is_empty() {
        true => Err(Mistake::usage(format!("none of these paths has a {FILE}"), "name a policy's folder")),
        false => Ok(found),
    }
}

fn at(path: &Path) -> Result<Vec<Found>, Mistake> {
    if path.is_file() {
        let is_ours = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return Ok(is_ours
            .then(|| Found { folder: folder.to_owned(), scenarios: path.to_owned() })
            .into_iter()
            .collect());
    }
    if !path.is_dir() {
        return Err(Mistake::usage(format!("{} does not exist", path.display()), "name a policy's folder"));
    }
    if let Some(own) = in_folder(path) {
        return Ok(vec![own]);
    }
    let entries = std::fs::read_dir(path).map_err(|error| Mistake::unreadable(path, &error))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    folders.sort();
    Ok(folders.iter().filter_map(|folder| in_folder(folder)).collect())
}

/// Said where it has none.
fn has_module(found: &Found, modules: Option<&Path>) -> bool {
    let is_module = |path: &Path| path.extension().is_some_and(|extension| extension == "wasm");
    let beside = || {
        std::fs::read_dir(&found.folder)
            .is_ok_and(|mut all| all.any(|each| each.is_ok_and(|each| is_module(&each.path()))))
    };
    let named =
        modules.is_some_and(|modules| modules.is_file() || modules.join(format!("{}.wasm", found.name())).is_file());
    let has = named || Language::of(&found.folder).is_some() || beside();
    if !has {
        print::progress(format!("{}: neither a project nor a module for it: passed over", found.scenarios.display()));
    }
    has
}

fn in_folder(folder: &Path) -> Option<Found> {
    let scenarios = folder.join(FILE);
    scenarios.is_file().then(|| Found { folder: folder.to_owned(), scenarios })
}

/// The module to test: as named, as it lies in the folder, or built now. What is built is not written, so that a test
/// changes no running ingress.
pub fn module(found: &Found, named: Option<&Path>, no_build: bool) -> Result<Module, Mistake> {
    match named {
        Some(folder) if folder.is_dir() => return Module::read(&folder.join(format!("{}.wasm", found.name()))),
        Some(file) => return Module::read(file),
        None => {}
    }
    if no_build || Language::of(&found.folder).is_none() {
        return Module::read(&found.folder);
    }
    let mut components = build::components(&Project::at(&found.folder)?)?;
    match (components.pop(), components.len()) {
        (Some(component), 0) => {
            Ok(Module { path: component.folder.join(format!("{}.wasm", component.package)), bytes: component.bytes })
        }
        _ => {
            let what = format!("{} builds several policies", found.folder.display());
            Err(Mistake::usage(what, "name the module that its scenarios are about: --module FILE.wasm"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: PathBuf) {
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, "").expect("written");
    }

    #[test]
    fn a_glob_of_a_workspace_finds_its_policies_and_passes_over_the_rest() {
        let root = tempfile::tempdir().expect("a folder");
        for name in ["canary/scenarios.yaml", "canary/Cargo.toml", "plain/Cargo.toml", "target/x", "Cargo.toml"] {
            touch(root.path().join(name));
        }
        touch(root.path().join("conformance/scenarios.yaml"));
        let glob = ["canary", "conformance", "plain", "target", "Cargo.toml"].map(|name| root.path().join(name));
        let names = |found: Vec<Found>| found.iter().map(Found::name).collect::<Vec<_>>();
        let canary = || Ok(vec![String::from("canary")]);
        assert_eq!(suites(&glob, None).map(names), canary());
        assert_eq!(suites(&[root.path().to_owned()], None).map(names), canary());
        let file = root.path().join("canary/scenarios.yaml");
        assert_eq!(suites(&[file], None).map(names), canary());
        let alone = root.path().join("conformance");
        assert_eq!(suites(&[alone], None).map(names), Ok(vec![String::from("conformance")]), "what is named is meant");
        touch(root.path().join("target/conformance.wasm"));
        let both = suites(&[root.path().to_owned()], Some(&root.path().join("target"))).map(names);
        assert_eq!(both, Ok(vec![String::from("canary"), String::from("conformance")]));
    }

    #[test]
    fn a_path_without_scenarios_is_named() {
        let root = tempfile::tempdir().expect("a folder");
        for path in [root.path().to_owned(), root.path().join("missing")] {
            let mistake = suites(std::slice::from_ref(&path), None).expect_err("a mistake");
            assert!(mistake.what.starts_with(&path.display().to_string()), "{mistake}");
            assert_eq!(mistake.exit_code, 2);
        }
    }
}
