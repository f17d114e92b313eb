//! AssemblyScript: asc compiles an entry file that exports the phases for which `policy.ts` has a function.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::core;
use super::stamp::Stamp;
use super::tools::{self, Package};
use super::world::{self, Core, Remedies};
use super::{Component, checked};
use crate::author::language::{Language, Template};
use crate::author::mistake::Mistake;
use crate::author::project::Project;

pub static LANGUAGE: Language = Language {
    name: "assemblyscript",
    marks: &["asconfig.json"],
    sdk: &["assemblyscript"],
    build,
    templates: &[TEMPLATE],
};

const TEMPLATE: Template = Template {
    name: "assemblyscript",
    files: &[
        ("policy.ts", include_str!("../new/assemblyscript/policy.ts.txt")),
        ("asconfig.json", include_str!("../new/assemblyscript/asconfig.json.txt")),
        ("policy.yaml", include_str!("../new/assemblyscript/policy.yaml.txt")),
        ("scenarios.yaml", include_str!("../new/assemblyscript/scenarios.yaml.txt")),
        ("request.http", include_str!("../new/common/request.http.txt")),
        ("README.md", include_str!("../new/assemblyscript/README.md.txt")),
        (".gitignore", include_str!("../new/assemblyscript/gitignore.txt")),
        ("package.json", include_str!("../new/assemblyscript/package.json.txt")),
        ("tsconfig.json", include_str!("../new/assemblyscript/tsconfig.json.txt")),
    ],
    taken: &[],
};

const ASC: Package = Package {
    name: "assemblyscript",
    version: "0.28.20",
    megabytes: 20,
    purpose: "build AssemblyScript policies",
    file: "node_modules/assemblyscript/package.json",
};
const MANIFEST: &str = include_str!("assemblyscript/package.json");
const LOCK: &str = include_str!("assemblyscript/package-lock.json");
const SOURCE: &str = "policy.ts";

/// What an entry file has in any case.
const ENTRY: &str = include_str!("assemblyscript/entry.ts.txt");
/// The later phases: the function of `policy.ts`, and what the entry file has for it.
const LATER: [(&str, &str); 3] = [
    ("onRequestBody", include_str!("assemblyscript/onRequestBody.ts.txt")),
    ("onResponse", include_str!("assemblyscript/onResponse.ts.txt")),
    ("onComplete", include_str!("assemblyscript/onComplete.ts.txt")),
];
const EXPORTS: [(&str, &str); 5] = [
    ("init", "cardea:policy/lifecycle@0.1.0#init"),
    ("onRequest", "cardea:policy/on-request@0.1.0#handle"),
    ("onRequestBody", "cardea:policy/on-request-body@0.1.0#handle"),
    ("onResponse", "cardea:policy/on-response@0.1.0#handle"),
    ("onComplete", "cardea:policy/on-complete@0.1.0#handle"),
];

const DEFINE: &str = "write in policy.ts: export function init(config: Config): void, and \
                      export function onRequest(request: Request): Outcome";
const REMEDIES: Remedies = Remedies {
    export: DEFINE,
    wasi: "use the files of the SDK in place of Date, Math.random and console",
    import: "use the files of the SDK in place of Date, Math.random, console and own declarations",
};

fn build(project: &Project) -> Result<Vec<Component>, Mistake> {
    let name = project.policy_name();
    let folder = project.build_folder()?;
    let path = project.folder.join(SOURCE);
    let source = std::fs::read_to_string(&path).map_err(|error| Mistake::unreadable(&path, &error))?;
    let (entry, wasm) = (folder.join("entry.ts"), folder.join("policy.core.wasm"));
    std::fs::write(&entry, entry_file(&name, &source)?).map_err(|error| Mistake::unwritable(&entry, error))?;
    let stamp = stamp(project)?;
    if !stamp.as_ref().is_some_and(|stamp| stamp.is_on(&wasm)) {
        compile(&name, project)?;
        stamp.map_or(Ok(()), |stamp| stamp.put_on(&wasm))?;
    }
    let bytes = std::fs::read(&wasm).map_err(|error| Mistake::unreadable(&wasm, &error))?;
    let bytes = core::renamed(&bytes, export).map_err(|error| {
        Mistake::policy(format!("{name}: the built module cannot be read: {error}"), "build with the pinned asc")
    })?;
    let bytes = world::component(&Core { name: &name, bytes: &bytes, wasi: None, remedies: REMEDIES })?;
    Ok(vec![checked(Component::of(project, bytes), DEFINE)?])
}

/// The collector is the incremental one: it works within a call too, and leaves nothing behind over many. With names, so
/// that a trap can be read.
fn compile(name: &str, project: &Project) -> Result<(), Mistake> {
    let node = tools::find("CARDEA_NODE", &["node"]).ok_or_else(|| {
        let what = format!("node is not on PATH, and is needed to {}", ASC.purpose);
        Mistake::usage(what, "install Node.js 20 or later with npm (Debian: apt-get install nodejs npm)")
    })?;
    let mut command = Command::new(node);
    command.arg(asc(project)?).arg(".cardea/build/entry.ts").args(["--outFile", ".cardea/build/policy.core.wasm"]);
    command.args(["--runtime", "incremental", "--debug"]);
    command.args(["--use", "abort=.cardea/guest-sdk/assemblyscript/failure/abort"]).current_dir(&project.folder);
    tools::run(&mut command, &format!("{name}: asc failed"), "correct what the compiler says above")
}

/// Of all that the compiler may read; `None` where that is more than the project.
fn stamp(project: &Project) -> Result<Option<Stamp>, Mistake> {
    let mut files = Vec::new();
    for path in sources(&project.folder)? {
        let text = std::fs::read_to_string(&path).map_err(|error| Mistake::unreadable(&path, &error))?;
        let is_own = path.strip_prefix(&project.folder).is_ok_and(|path| !path.starts_with(".cardea"));
        if is_own && (text.contains("\"../") || text.contains("'../")) {
            return Ok(None);
        }
        files.extend(path.strip_prefix(&project.folder).ok().and_then(Path::to_str).map(str::to_owned));
    }
    let own = "node_modules/assemblyscript/package.json";
    files.extend(project.folder.join(own).is_file().then(|| own.to_owned()));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    Stamp::of(&project.folder, &files, &[&ASC]).map(Some)
}

/// Every `.ts` and `.json` file of the project and of its `.cardea/`, sorted.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Mistake> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| Mistake::unreadable(&folder, &error))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match path.is_dir() {
                true if name == ".cardea" || !(name.starts_with('.') || name == "node_modules") => folders.push(path),
                false if name.ends_with(".ts") || name.ends_with(".json") => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The compiler's script: the project's own, else the pinned one.
fn asc(project: &Project) -> Result<PathBuf, Mistake> {
    const SCRIPT: &str = "node_modules/assemblyscript/bin/asc.js";
    let own = project.folder.join(SCRIPT);
    match std::path::absolute(&own) {
        Ok(own) if own.is_file() => Ok(own),
        _ => Ok(tools::npm(&ASC, MANIFEST, LOCK)?.join(SCRIPT)),
    }
}

/// Exports what the policy has functions for: a phase that is exported is one that the host may call.
fn entry_file(name: &str, source: &str) -> Result<String, Mistake> {
    let missing: Vec<&str> = ["init", "onRequest"].into_iter().filter(|phase| !exports(source, phase)).collect();
    if !missing.is_empty() {
        let what = format!("{name}: {SOURCE} exports no function {}", missing.join(" and no function "));
        return Err(Mistake::policy(what, DEFINE));
    }
    let later = LATER.into_iter().filter(|(phase, _)| exports(source, phase)).map(|(_, text)| text);
    Ok(ENTRY.to_owned() + &later.collect::<String>())
}

/// Whether a line begins with `export function <name>`.
fn exports(source: &str, name: &str) -> bool {
    source.lines().any(|line| {
        let rest = line.strip_prefix("export function ").and_then(|rest| rest.trim_start().strip_prefix(name));
        rest.is_some_and(|rest| rest.trim_start().starts_with('('))
    })
}

/// Names of AssemblyScript have no `-`, `/` and `#`.
fn export(name: &str) -> Option<&'static str> {
    EXPORTS.into_iter().find(|(function, _)| *function == name).map(|(_, export)| export)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str =
        "export function init(config: Config): void {}\nexport function onRequest(r: Request): Outcome {}\n";

    #[test]
    fn an_entry_exports_the_phases_that_the_policy_has() {
        let entry = entry_file("p", LEAST).expect("a policy");
        assert!(entry.contains("export function onRequest(") && !entry.contains("onResponse"), "{entry}");
        let later =
            format!("{LEAST}// export function onComplete(\nexport function  onResponse (r: Request): X {{}}\n");
        let entry = entry_file("p", &later).expect("a policy");
        assert!(entry.contains("export function onResponse(") && !entry.contains("onComplete"), "{entry}");
    }

    #[test]
    fn a_file_without_the_mandatory_functions_is_told_which() {
        let mistake = entry_file("p", "export function initialise() {}\nfunction onRequest() {}").expect_err("refused");
        assert_eq!(mistake.what, "p: policy.ts exports no function init and no function onRequest");
    }

    #[test]
    fn what_the_compiler_reads_is_known_unless_it_leaves_the_project() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("written");
        };
        for name in
            ["policy.ts", "lib/a.ts", ".cardea/build/entry.ts", "asconfig.json", "node_modules/x/y.ts", ".git/z.ts"]
        {
            write(name, "import \"./a\"");
        }
        let names: Vec<PathBuf> = sources(folder.path()).expect("sources");
        let names: Vec<_> = names.iter().filter_map(|path| path.strip_prefix(folder.path()).ok()?.to_str()).collect();
        assert_eq!(names, [".cardea/build/entry.ts", "asconfig.json", "lib/a.ts", "policy.ts"]);
        let project = Project { folder: folder.path().to_owned(), language: &LANGUAGE };
        let first = stamp(&project).expect("read");
        assert!(first.is_some());
        write("lib/a.ts", "changed");
        assert_ne!(stamp(&project).expect("read"), first);
        write("lib/a.ts", "import { x } from \"../../elsewhere\";");
        assert_eq!(stamp(&project).expect("read"), None);
    }

    #[test]
    fn the_lock_file_pins_the_version_that_is_named() {
        assert!(LOCK.contains(&format!("\"node_modules/assemblyscript\": {{\n      \"version\": {:?}", ASC.version)));
        assert!(MANIFEST.contains(ASC.version));
    }
}
