//! C: `policy.c` and what lies beside it, with the SDK's own sources, to a core module; which phases it has is seen from the
//! functions that it defines.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::clang::{self, Compiler};
use super::world::{self, Core, Remedies};
use super::{Component, KEEP_LINES};
use crate::author::language::{Language, Template};
use crate::author::mistake::Mistake;
use crate::author::project::Project;

pub static LANGUAGE: Language =
    Language { name: "c", marks: &["policy.c"], sdk: &["c"], build, templates: &[TEMPLATE] };

const TEMPLATE: Template = Template {
    name: "c",
    files: &[
        ("policy.c", include_str!("../new/c/policy.c.txt")),
        ("policy.yaml", include_str!("../new/common/policy.yaml.txt")),
        ("scenarios.yaml", include_str!("../new/common/scenarios.yaml.txt")),
        ("request.http", include_str!("../new/common/request.http.txt")),
        ("README.md", include_str!("../new/c/README.md.txt")),
        ("compile_flags.txt", include_str!("../new/c/compile_flags.txt")),
        (".gitignore", include_str!("../new/common/gitignore.txt")),
    ],
    taken: &[],
};

/// The SDK's folder, from the project's.
const SDK: &str = ".cardea/guest-sdk/c";
/// No C library is behind a policy, and bulk memory is how it copies.
const FLAGS: [&str; 8] = [
    "-ffreestanding",
    "-nostdlibinc",
    "-mbulk-memory",
    "-Os",
    "-ffunction-sections",
    "-fdata-sections",
    "-fvisibility=hidden",
    "-fno-sanitize=all",
];
/// A later phase is exported when the policy defines this function; then this file of the SDK is linked.
const PHASES: [(&str, &str); 4] = [
    ("cardea_on_request", "request"),
    ("cardea_on_request_body", "request_body"),
    ("cardea_on_response", "response"),
    ("cardea_on_complete", "complete"),
];

pub const REMEDIES: Remedies = Remedies {
    export: "define void cardea_on_request(cardea_outcome *outcome) in policy.c, as cardea.h declares it",
    wasi: "use cardea.h's functions in place of the C library's (cardea_log, cardea_clock_now_ms, cardea_random_u64)",
    import: "define it, or link the source that does",
};

fn build(project: &Project) -> Result<Vec<Component>, Mistake> {
    let compiler = Compiler::find()?;
    let mut flags = flags(&["-std=c17"]);
    flags.extend(["-Wall", "-Wextra"].map(String::from));
    let objects = compile_all(&compiler, project, &clang::sources(project, &["c"])?, &flags, "policy")?;
    link(&compiler, project, objects, REMEDIES)
}

/// Of every C and C++ source: what holds for all, and where the SDK's headers are.
pub fn flags(of_language: &[&str]) -> Vec<String> {
    let includes = [format!("-I{SDK}/include"), format!("-isystem{SDK}/libc")];
    let lines = if KEEP_LINES.load(Ordering::Relaxed) { "-gline-tables-only" } else { "-g0" };
    of_language.iter().chain(&FLAGS).chain([&lines]).map(|flag| (*flag).to_owned()).chain(includes).collect()
}

/// The objects of the policy's own sources, in a folder of their own.
pub fn compile_all(
    compiler: &Compiler,
    project: &Project,
    sources: &[PathBuf],
    flags: &[String],
    kind: &str,
) -> Result<Vec<PathBuf>, Mistake> {
    let folder = objects(project, kind)?;
    for source in sources {
        compiler.compile(project, source, &object(&folder, source), flags)?;
    }
    Ok(sources.iter().map(|source| object(&folder, source)).collect())
}

/// The objects of sources of the SDK, which change only when it does: then everything that was built is thrown away.
pub fn compile_sdk(
    compiler: &Compiler,
    project: &Project,
    sources: &[PathBuf],
    flags: &[String],
) -> Result<Vec<PathBuf>, Mistake> {
    let digest = cardea_policy::digest(format!("{compiler:?} {flags:?}").as_bytes());
    let key: String = digest.chars().rev().take(12).collect();
    let folder = objects(project, &format!("sdk-{key}"))?;
    for source in sources.iter().filter(|source| !object(&folder, source).is_file()) {
        compiler.compile(project, source, &object(&folder, source), flags)?;
    }
    Ok(sources.iter().map(|source| object(&folder, source)).collect())
}

fn objects(project: &Project, kind: &str) -> Result<PathBuf, Mistake> {
    let folder = project.build_folder()?.join(kind);
    std::fs::create_dir_all(&folder).map_err(|error| Mistake::unwritable(&folder, error))?;
    folder.canonicalize().map_err(|error| Mistake::unwritable(&folder, error))
}

fn object(folder: &Path, source: &Path) -> PathBuf {
    folder.join(source.file_stem().unwrap_or_default()).with_extension("o")
}

/// The component of a policy's objects and the SDK's.
pub fn link(
    compiler: &Compiler,
    project: &Project,
    mut objects: Vec<PathBuf>,
    remedies: Remedies,
) -> Result<Vec<Component>, Mistake> {
    let mut defined = BTreeSet::new();
    for object in &objects {
        defined.extend(clang::defined(object)?);
    }
    let name = project.title();
    let phases: Vec<&str> =
        PHASES.iter().filter(|(function, _)| defined.contains(*function)).map(|(_, file)| *file).collect();
    if !phases.contains(&"request") {
        return Err(Mistake::policy(format!("{name} exports no on_request"), remedies.export));
    }
    objects.extend(sdk(compiler, project, &phases)?);
    let module = project.build_folder()?.join("policy.wasm");
    compiler.link(&objects, &module, &name)?;
    let bytes = std::fs::read(&module).map_err(|error| Mistake::unreadable(&module, &error))?;
    let bytes = world::component(&Core { name: &name, bytes: &bytes, wasi: None, remedies })?;
    Ok(vec![Component::of(project, bytes)])
}

/// The objects of the SDK, with those of these phases.
fn sdk(compiler: &Compiler, project: &Project, phases: &[&str]) -> Result<Vec<PathBuf>, Mistake> {
    let mut flags = flags(&["-std=c17", "-w"]);
    flags.push(format!("-I{SDK}/bindings"));
    let within = |name: &str| Path::new(SDK).join(name);
    let mut sources: Vec<PathBuf> = ["arena", "config", "host", "json", "outcome", "string", "text"]
        .map(|name| within(&format!("src/{name}.c")))
        .to_vec();
    sources.extend(phases.iter().map(|phase| within(&format!("src/phase/{phase}.c"))));
    let mut objects = compile_sdk(compiler, project, &sources, &flags)?;
    // The bindings have every phase; the files above name the exports of those that are wanted.
    flags.push(String::from("-D__export_name__(name)=__unused__"));
    objects.extend(compile_sdk(compiler, project, &[within("bindings/cardea_wit.c")], &flags)?);
    Ok(objects)
}

#[cfg(test)]
mod tests;
