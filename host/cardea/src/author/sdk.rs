//! What a project finds in its `.cardea/` folder: its language's SDK and the policy interface.
//!
//! Both are embedded in this binary, so that a project builds outside of a checkout; within one, the checkout's own are
//! taken. Files that are as they should be are left alone, others are replaced, and what is no longer there goes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::mistake::Mistake;
use super::project::{Project, find_upwards};

/// Every file of `guest-sdk/` and `wit/`, by its path in the repository.
static EMBEDDED: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

const FOLDER: &str = ".cardea";
/// What tools make beside the SDK, and what editors leave.
const MADE: [&str; 4] = ["target", "node_modules", "__pycache__", "zig-out"];

/// The text of the policy interface.
pub fn interface() -> &'static str {
    let found = EMBEDDED.iter().find(|(name, _)| *name == "wit/policy.wit");
    found.and_then(|(_, bytes)| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

/// A Rust project says in its manifest where its SDK is: a checkout's, or this one.
pub fn is_wanted(project: &Project) -> bool {
    project.language.name != "rust"
        || std::fs::read_to_string(project.mark()).is_ok_and(|manifest| manifest.contains(".cardea/guest-sdk"))
}

/// Brings `.cardea/guest-sdk/<language>/` and `.cardea/wit/` up to date. True if anything changed.
pub fn provide(project: &Project) -> Result<bool, Mistake> {
    let folder = project.folder.join(FOLDER);
    let mut changed = write(&folder.join(".gitignore"), b"*\n")?;
    for part in project.language.sdk.iter().map(|language| format!("guest-sdk/{language}")).chain([String::from("wit")])
    {
        changed |= lay(&folder, &part, &files(&project.folder, &part)?)?;
    }
    Ok(changed)
}

/// The root of the checkout that a folder lies in.
pub fn checkout(folder: &Path) -> Option<PathBuf> {
    let interface = find_upwards(folder, "wit/policy.wit")?;
    let root = interface.parent()?.parent()?;
    root.join("guest-sdk").is_dir().then(|| root.to_owned())
}

/// The files of a part, by their path within it: those of the checkout that the project lies in, else the embedded ones.
fn files(project: &Path, part: &str) -> Result<BTreeMap<PathBuf, Vec<u8>>, Mistake> {
    if let Some(folder) = checkout(project).map(|root| root.join(part)).filter(|folder| folder.is_dir()) {
        return read(&folder);
    }
    let within = EMBEDDED.iter().filter_map(|(name, bytes)| {
        let rest = name.strip_prefix(part)?.strip_prefix('/')?;
        Some((PathBuf::from(rest), bytes.to_vec()))
    });
    Ok(within.collect())
}

fn read(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, Mistake> {
    let mut files = BTreeMap::new();
    for path in walk(folder)? {
        let bytes = std::fs::read(&path).map_err(|error| Mistake::unreadable(&path, &error))?;
        if let Ok(name) = path.strip_prefix(folder) {
            files.insert(name.to_owned(), bytes);
        }
    }
    Ok(files)
}

fn lay(root: &Path, part: &str, files: &BTreeMap<PathBuf, Vec<u8>>) -> Result<bool, Mistake> {
    let folder = root.join(part);
    let mut changed = false;
    for (name, bytes) in files {
        changed |= write(&folder.join(name), bytes)?;
    }
    let expected: BTreeSet<PathBuf> = files.keys().map(|name| folder.join(name)).collect();
    for path in walk(&folder)?.into_iter().filter(|path| !expected.contains(path)) {
        std::fs::remove_file(&path).map_err(|error| Mistake::unwritable(&path, error))?;
        changed = true;
    }
    Ok(changed)
}

fn write(path: &Path, bytes: &[u8]) -> Result<bool, Mistake> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, bytes))
        .map_err(|error| Mistake::unwritable(path, error))?;
    Ok(true)
}

/// The files of a folder and of those in it, without hidden ones and what tools make.
fn walk(folder: &Path) -> Result<Vec<PathBuf>, Mistake> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Mistake::unreadable(&folder, &error)),
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_source = !name.starts_with('.') && !name.ends_with(".wasm") && !name.ends_with('~');
            match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true if is_source && !MADE.contains(&name.as_str()) => folders.push(entry.path()),
                false if is_source => files.push(entry.path()),
                _ => {}
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::author::build::rust;

    fn project(folder: &Path) -> Project {
        Project { folder: folder.to_owned(), language: &rust::LANGUAGE }
    }

    #[test]
    fn the_sdk_is_laid_once_and_again_where_it_differs() {
        let folder = tempfile::tempdir().expect("a folder");
        let project = project(folder.path());
        assert_eq!(provide(&project), Ok(true));
        assert_eq!(provide(&project), Ok(false), "nothing to do");
        let root = folder.path().join(".cardea");
        let manifest = root.join("guest-sdk/rust/Cargo.toml");
        let text = std::fs::read_to_string(&manifest).expect("the SDK's manifest");
        assert!(text.contains("cardea-policy-sdk"), "{text}");
        assert_eq!(std::fs::read_to_string(root.join("wit/policy.wit")).expect("the interface"), interface());
        std::fs::write(&manifest, "of another version").expect("written");
        std::fs::write(root.join("guest-sdk/rust/src/gone.rs"), "of another version").expect("written");
        std::fs::create_dir_all(root.join("guest-sdk/rust/target")).expect("a folder");
        std::fs::write(root.join("guest-sdk/rust/target/made"), "").expect("written");
        assert_eq!(provide(&project), Ok(true));
        assert_eq!(std::fs::read_to_string(&manifest).expect("the SDK's manifest"), text);
        assert!(!root.join("guest-sdk/rust/src/gone.rs").exists());
        assert!(root.join("guest-sdk/rust/target/made").exists(), "what tools make there stays");
    }

    #[test]
    fn within_a_checkout_its_own_sdk_is_taken() {
        let root = tempfile::tempdir().expect("a folder");
        for (name, text) in [("wit/policy.wit", "package a:b;"), ("guest-sdk/rust/Cargo.toml", "mine")] {
            write(&root.path().join(name), text.as_bytes()).expect("written");
        }
        let folder = root.path().join("policies/p");
        std::fs::create_dir_all(&folder).expect("a folder");
        assert_eq!(provide(&project(&folder)), Ok(true));
        let laid = std::fs::read_to_string(folder.join(".cardea/guest-sdk/rust/Cargo.toml"));
        assert_eq!(laid.expect("laid"), "mine");
        assert!(!folder.join(".cardea/guest-sdk/rust/src").exists());
    }
}
