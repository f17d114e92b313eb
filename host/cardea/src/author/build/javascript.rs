//! TypeScript and JavaScript: esbuild bundles the sources, and componentize-qjs puts QuickJS and the bundle into a component.
//!
//! The bundle says what the world is: what is left in it of the host's interfaces is imported, and the phases that the
//! policy defines are exported. Both steps are scripts of the SDK, since esbuild and the toolchain live in node.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::stamp::Stamp;
use super::tools::{self, Package};
use super::{Component, checked, surface};
use crate::author::language::{Language, Template};
use crate::author::mistake::Mistake;
use crate::author::project::Project;

pub static LANGUAGE: Language = Language {
    name: "javascript",
    marks: &["package.json"],
    sdk: &["javascript"],
    build,
    templates: &[TYPESCRIPT, JAVASCRIPT],
};

const TYPESCRIPT: Template = Template {
    name: "typescript",
    files: &[
        ("policy.ts", include_str!("../new/typescript/policy.ts.txt")),
        ("policy.test.ts", include_str!("../new/typescript/policy.test.ts.txt")),
        ("package.json", include_str!("../new/typescript/package.json.txt")),
        ("tsconfig.json", include_str!("../new/typescript/tsconfig.json.txt")),
        ("policy.yaml", include_str!("../new/typescript/policy.yaml.txt")),
        ("scenarios.yaml", include_str!("../new/typescript/scenarios.yaml.txt")),
        ("request.http", include_str!("../new/common/request.http.txt")),
        ("README.md", include_str!("../new/typescript/README.md.txt")),
        (".vscode/settings.json", include_str!("../new/typescript/settings.json.txt")),
        (".gitignore", include_str!("../new/typescript/gitignore.txt")),
    ],
    taken: &[],
};

const JAVASCRIPT: Template = Template {
    name: "javascript",
    files: &[
        ("policy.js", include_str!("../new/javascript/policy.js.txt")),
        ("policy.test.js", include_str!("../new/javascript/policy.test.js.txt")),
        ("package.json", include_str!("../new/javascript/package.json.txt")),
        ("jsconfig.json", include_str!("../new/javascript/jsconfig.json.txt")),
        ("policy.yaml", include_str!("../new/typescript/policy.yaml.txt")),
        ("scenarios.yaml", include_str!("../new/typescript/scenarios.yaml.txt")),
        ("request.http", include_str!("../new/common/request.http.txt")),
        ("README.md", include_str!("../new/javascript/README.md.txt")),
        (".vscode/settings.json", include_str!("../new/typescript/settings.json.txt")),
        (".gitignore", include_str!("../new/typescript/gitignore.txt")),
    ],
    taken: &[],
};

const QUICKJS: Package = Package {
    name: "componentize-qjs",
    version: "0.4.5",
    megabytes: 11,
    purpose: "make components of JavaScript policies",
    file: "node_modules/componentize-qjs/package.json",
};
const QUICKJS_MANIFEST: &str = include_str!("../../../../../guest-sdk/javascript/tools/componentize-qjs/package.json");
const QUICKJS_LOCK: &str = include_str!("../../../../../guest-sdk/javascript/tools/componentize-qjs/package-lock.json");

const ESBUILD: Package = Package {
    name: "esbuild",
    version: "0.25.12",
    megabytes: 4,
    purpose: "bundle TypeScript and JavaScript policies",
    file: "node_modules/esbuild/package.json",
};
const ESBUILD_MANIFEST: &str = include_str!("../../../../../guest-sdk/javascript/tools/esbuild/package.json");
const ESBUILD_LOCK: &str = include_str!("../../../../../guest-sdk/javascript/tools/esbuild/package-lock.json");

/// Where a project's policy may be.
const MAINS: [&str; 5] = ["policy.ts", "policy.js", "policy.mjs", "src/policy.ts", "src/policy.js"];

fn build(project: &Project) -> Result<Vec<Component>, Mistake> {
    let main = main_of(&project.folder)?;
    let node = node()?;
    let folder = project.build_folder()?;
    let esbuild = tools::npm(&ESBUILD, ESBUILD_MANIFEST, ESBUILD_LOCK)?;
    let quickjs = tools::npm(&QUICKJS, QUICKJS_MANIFEST, QUICKJS_LOCK)?;
    let name = main.strip_prefix(&project.folder).unwrap_or(&main).display().to_string();
    let what = format!("{}: {name} does not build: see above", project.policy_name());

    let script = |script: &str| {
        let mut command = Command::new(&node);
        command.arg(project.folder.join(".cardea/guest-sdk/javascript/tools").join(script));
        command
    };
    let remedy = "correct what is named there";
    tools::run(script("bundle.mjs").arg(&main).arg(&folder).arg(&esbuild), &what, remedy)?;
    surface::write_world(&folder)?;
    let built = folder.join("policy.wasm");
    let stamp = Stamp::of(&folder, &["policy.js", "world.wit"], &[&QUICKJS])?;
    if !stamp.is_on(&built) {
        let remedy = "correct what is named there; what QuickJS lacks is listed in docs/languages/javascript.md";
        tools::run(script("componentize.mjs").arg(&folder).arg(&quickjs), &what, remedy)?;
        stamp.put_on(&built)?;
    }
    let bytes = std::fs::read(&built).map_err(|error| Mistake::unreadable(&built, &error))?;
    let component = Component::of(project, bytes);
    Ok(vec![checked(component, "end the module with: export default policy({ onRequest(request) { .. } })")?])
}

fn main_of(folder: &Path) -> Result<PathBuf, Mistake> {
    let found = MAINS.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let what = format!("{} has a package.json and no policy", folder.display());
        Mistake::usage(what, format!("write it in {}", MAINS.join(" or ")))
    })
}

fn node() -> Result<PathBuf, Mistake> {
    tools::find("CARDEA_NODE", &["node", "nodejs"]).ok_or_else(|| {
        let what = "node is not on PATH, and is needed to build TypeScript and JavaScript policies";
        Mistake::usage(what, "install Node.js 20 or later with npm (Debian: apt-get install nodejs npm)")
    })
}
