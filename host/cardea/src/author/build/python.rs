//! Python: componentize-py puts CPython and the policy's modules into a component, as they are after they were imported.
//!
//! A script of the SDK imports the policy first, with doubles in place of the host: a mistake of the source is told there,
//! with file and line, and which modules of the SDK it imports and which phases it defines is its world.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::stamp::Stamp;
use super::tools::{self, Package};
use super::{Component, checked, surface};
use crate::author::language::{Language, Template};
use crate::author::mistake::Mistake;
use crate::author::project::Project;

pub static LANGUAGE: Language =
    Language { name: "python", marks: &["pyproject.toml"], sdk: &["python"], build, templates: &[TEMPLATE] };

const TEMPLATE: Template = Template {
    name: "python",
    files: &[
        ("policy.py", include_str!("../new/python/policy.py.txt")),
        ("test_policy.py", include_str!("../new/python/test_policy.py.txt")),
        ("pyproject.toml", include_str!("../new/python/pyproject.toml.txt")),
        ("pyrightconfig.json", include_str!("../new/python/pyrightconfig.json.txt")),
        ("policy.yaml", include_str!("../new/python/policy.yaml.txt")),
        ("scenarios.yaml", include_str!("../new/python/scenarios.yaml.txt")),
        ("request.http", include_str!("../new/common/request.http.txt")),
        ("README.md", include_str!("../new/python/README.md.txt")),
        (".vscode/settings.json", include_str!("../new/python/settings.json.txt")),
        (".gitignore", include_str!("../new/python/gitignore.txt")),
    ],
    taken: &[],
};

const COMPONENTIZE: Package = Package {
    name: "componentize-py",
    version: "0.25.1",
    megabytes: 16,
    purpose: "make components of Python policies",
    file: "componentize_py/__init__.py",
};

fn build(project: &Project) -> Result<Vec<Component>, Mistake> {
    if !project.folder.join("policy.py").is_file() {
        let what = format!("{} has a pyproject.toml and no policy", project.folder.display());
        return Err(Mistake::usage(what, "write it in policy.py"));
    }
    let python = python()?;
    let folder = project.build_folder()?;
    let what = format!("{}: policy.py does not build: see above", project.policy_name());
    let script = project.folder.join(".cardea/guest-sdk/python/tools/surface.py");
    tools::run(
        // -S: what happens to be installed on this machine is no part of the policy.
        Command::new(&python).args(["-B", "-I", "-S"]).arg(script).arg(&project.folder).arg(&folder),
        &what,
        "correct what is named there",
    )?;
    surface::write_world(&folder)?;

    let built = folder.join("policy.wasm");
    let stamp = Stamp::of(&folder, &["sources.json", "world.wit"], &[&COMPONENTIZE])?;
    if !stamp.is_on(&built) {
        let remedy = "correct what is named there; what Python lacks in a policy is listed in docs/languages/python.md";
        tools::run(&mut componentize(&python, &folder)?, &what, remedy)?;
        stamp.put_on(&built)?;
    }
    let bytes = std::fs::read(&built).map_err(|error| Mistake::unreadable(&built, &error))?;
    Ok(vec![checked(Component::of(project, bytes), "define on_request in a subclass of cardea.Policy")?])
}

fn python() -> Result<PathBuf, Mistake> {
    tools::find("CARDEA_PYTHON", &["python3", "python"]).ok_or_else(|| {
        let what = "python3 is not on PATH, and is needed to build Python policies";
        Mistake::usage(what, "install Python 3.10 or later with pip (Debian: apt-get install python3-pip)")
    })
}

/// The program that is on PATH in this very version would do, but nothing says so without running it.
fn componentize(python: &Path, folder: &Path) -> Result<Command, Mistake> {
    let package = tools::pip(&COMPONENTIZE)?;
    let mut command = Command::new(python);
    let run = "import sys; from componentize_py import script; sys.exit(script())";
    command.env("PYTHONPATH", package).args(["-B", "-c", run]);
    command.arg("--quiet").arg("--wit-path").arg(folder.join("world.wit")).args(["--world", "built"]);
    command.args(["componentize", "--stub-wasi", "--python-path"]).arg(folder.join("app"));
    command.arg("--output").arg(folder.join("policy.wasm")).arg("cardea_entry");
    // An environment without packages: else those of this machine would be taken in.
    let none = folder.join("environment");
    let packages = none.join("lib/site-packages");
    std::fs::create_dir_all(&packages).map_err(|error| Mistake::unwritable(&packages, error))?;
    command.env("VIRTUAL_ENV", none).env("RUST_BACKTRACE", "0");
    Ok(command)
}
