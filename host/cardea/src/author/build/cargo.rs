//! Runs cargo, and learns from its messages which core modules it made.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::Ordering;

use serde::Deserialize;

use super::KEEP_LINES;
use super::remap;
use super::toolchain::{TARGET, Toolchain};
use crate::author::mistake::Mistake;
use crate::author::project::Project;

/// A core module that cargo made of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    pub package: String,
    /// The folder of its Cargo.toml.
    pub folder: PathBuf,
    pub wasm: PathBuf,
}

/// What we read of cargo's messages (The Cargo Book, External Tools).
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    package_id: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
struct Target {
    #[serde(default)]
    crate_types: Vec<String>,
}

/// Builds what the project's manifest names; cargo's own words go to standard error as they come.
pub fn build(project: &Project, toolchain: &Toolchain) -> Result<Vec<Artifact>, Mistake> {
    let mut command = toolchain.cargo();
    command
        .args(["build", "--release", "--lib", "--target", TARGET, "--message-format=json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(project.mark())
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if let Some(config) = remap::config(project, toolchain) {
        command.args(["--config", &config]);
    }
    if KEEP_LINES.load(Ordering::Relaxed) {
        command.envs([("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only"), ("CARGO_PROFILE_RELEASE_STRIP", "none")]);
    }
    let missing = |error: std::io::Error| {
        let what = format!("cargo does not run: {error}");
        Mistake::usage(what, "install Rust with the target wasm32-unknown-unknown, or set CARDEA_GUEST_CARGO")
    };
    let mut child = command.spawn().map_err(missing)?;
    let mut artifacts = Vec::new();
    if let Some(output) = child.stdout.take() {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        artifacts = lines.filter_map(|line| artifact(&line, &project.folder)).collect();
    }
    let status = child.wait().map_err(missing)?;
    match (status.success(), artifacts.is_empty()) {
        (false, _) => Err(Mistake::policy(
            format!("{} does not build: see cargo's output above", project.folder.display()),
            "correct the source; if the target is missing, run `rustup target add wasm32-unknown-unknown`",
        )),
        (true, true) => Err(Mistake::policy(
            format!("{} builds no Wasm module", project.mark().display()),
            "add to it: [lib] crate-type = [\"cdylib\", \"rlib\"]",
        )),
        (true, false) => Ok(artifacts),
    }
}

/// The module that a message tells of, if it is of a package within the folder: others are dependencies.
fn artifact(line: &str, folder: &Path) -> Option<Artifact> {
    let message: Message = serde_json::from_str(line).ok()?;
    let is_module =
        message.reason == "compiler-artifact" && message.target.crate_types.iter().any(|kind| kind == "cdylib");
    let within = message.manifest_path.canonicalize().ok()?.starts_with(folder.canonicalize().ok()?);
    if !is_module || !within {
        return None;
    }
    let wasm = message.filenames.iter().find(|name| name.extension().is_some_and(|extension| extension == "wasm"))?;
    Some(Artifact {
        package: package_name(&message.package_id)?.to_owned(),
        folder: message.manifest_path.parent()?.to_owned(),
        wasm: wasm.clone(),
    })
}

/// From `path+file:///policies/canary#0.1.0` or `path+file:///policies/a#b@0.1.0` (The Cargo Book, Package ID).
fn package_name(id: &str) -> Option<&str> {
    let (url, fragment) = id.split_once('#')?;
    match fragment.split_once('@') {
        Some((name, _)) => Some(name),
        None => url.rsplit('/').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_id_names_its_package() {
        assert_eq!(package_name("path+file:///policies/canary#0.1.0"), Some("canary"));
        assert_eq!(package_name("path+file:///policies/folder#header-rewrite@0.1.0"), Some("header-rewrite"));
        assert_eq!(package_name("nonsense"), None);
    }

    #[test]
    fn a_module_of_another_folder_is_a_dependency() {
        let folder = tempfile::tempdir().expect("a folder");
        let manifest = folder.path().join("Cargo.toml");
        std::fs::write(&manifest, "").expect("written");
        let line = serde_json::json!({
            "reason": "compiler-artifact",
            "package_id": format!("path+file://{}#canary@0.1.0", folder.path().display()),
            "manifest_path": manifest,
            "target": { "crate_types": ["cdylib", "rlib"] },
            "filenames": ["/t/libcanary.rlib", "/t/canary.wasm"],
        })
        .to_string();
        let found = artifact(&line, folder.path()).expect("an artifact");
        assert_eq!((found.package.as_str(), found.wasm.as_path()), ("canary", Path::new("/t/canary.wasm")));
        let elsewhere = tempfile::tempdir().expect("a folder");
        assert_eq!(artifact(&line, elsewhere.path()), None);
    }
}
