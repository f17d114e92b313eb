//! Zig: `policy.zig`, as a module of the SDK's root, to a core module. The same program compiles C where there is no clang.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::Ordering;

use super::tools::{self, Package};
use super::world::{self, Core, Remedies};
use super::{Component, KEEP_LINES, core};
use crate::author::language::{Language, Template};
use crate::author::mistake::Mistake;
use crate::author::project::Project;

pub static LANGUAGE: Language =
    Language { name: "zig", marks: &["policy.zig"], sdk: &["zig"], build, templates: &[TEMPLATE] };

const TEMPLATE: Template = Template {
    name: "zig",
    files: &[
        ("policy.zig", include_str!("../new/zig/policy.zig.txt")),
        ("policy.yaml", include_str!("../new/common/policy.yaml.txt")),
        ("scenarios.yaml", include_str!("../new/common/scenarios.yaml.txt")),
        ("request.http", include_str!("../new/common/request.http.txt")),
        ("README.md", include_str!("../new/zig/README.md.txt")),
        ("build.zig", include_str!("../new/zig/build.zig.txt")),
        (".gitignore", include_str!("../new/zig/gitignore.txt")),
    ],
    taken: &[],
};

/// Zig changes its language between versions, so another one on PATH is not taken.
pub const PACKAGE: Package =
    Package { name: "ziglang", version: "0.17.1", megabytes: 101, purpose: "build Zig policies", file: "ziglang/zig" };

/// What one call may put on its stack.
const STACK_BYTES: &str = "131072";

const REMEDIES: Remedies = Remedies {
    export: "make `Policy` of policy.zig a public struct with init and onRequest",
    wasi: "use cardea.zig's functions in place of std.Io and std.posix",
    import: "define it: a policy has no C library",
};

/// The `zig` that is named by CARDEA_ZIG, or PyPI's of the version that the SDK is written for.
pub fn program(package: &Package) -> Result<PathBuf, Mistake> {
    match tools::find("CARDEA_ZIG", &[]) {
        Some(named) => Ok(named),
        None => Ok(tools::pip(package)?.join("ziglang/zig")),
    }
}

fn build(project: &Project) -> Result<Vec<Component>, Mistake> {
    let zig = program(&PACKAGE)?;
    project.build_folder()?;
    let name = project.title();
    let what = format!("{name} does not compile: see Zig's output above");
    tools::run(&mut compile(zig, project), &what, "correct the source")?;
    let module = project.folder.join(MODULE);
    let bytes = std::fs::read(&module).map_err(|error| Mistake::unreadable(&module, &error))?;
    let bytes = match KEEP_LINES.load(Ordering::Relaxed) {
        true => bytes,
        false => core::without_debug(&bytes).map_err(|error| {
            let what = format!("{name}: the built module cannot be read: {error}");
            Mistake::policy(what, "build it with the SDK's own Zig")
        })?,
    };
    let bytes = world::component(&Core { name: &name, bytes: &bytes, wasi: None, remedies: REMEDIES })?;
    Ok(vec![Component::of(project, bytes)])
}

/// From the project's folder, so that messages name files as their author does.
const MODULE: &str = ".cardea/build/policy.core.wasm";

/// Checks of bounds and overflow stay: a policy that goes wrong fails its call, and nothing else.
fn compile(zig: PathBuf, project: &Project) -> Command {
    let sdk = |file: &str| format!(".cardea/guest-sdk/zig/{file}.zig");
    let mut command = Command::new(zig);
    command.current_dir(&project.folder);
    command.args(["build-exe", "-target", "wasm32-freestanding", "-O", "ReleaseSafe", "-fno-entry", "-rdynamic"]);
    command.args(["--stack", STACK_BYTES, "--cache-dir", ".cardea/build/zig-cache"]);
    command.args(["--dep", "cardea", "--dep", "policy"]).arg(format!("-Mroot={}", sdk("root")));
    command.args(["--dep", "cardea", "-Mpolicy=policy.zig"]).arg(format!("-Mcardea={}", sdk("cardea")));
    command.arg(format!("-femit-bin={MODULE}"));
    command
}
