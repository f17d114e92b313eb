//! C++: `policy.cpp` and what lies beside it, with the SDK's header over that of C, linked as C is.

use std::path::{Path, PathBuf};

use super::clang::{self, Compiler};
use super::world::Remedies;
use super::{Component, c};
use crate::author::language::{Language, Template};
use crate::author::mistake::Mistake;
use crate::author::project::Project;

pub static LANGUAGE: Language =
    Language { name: "cpp", marks: &["policy.cpp"], sdk: &["cpp", "c"], build, templates: &[TEMPLATE] };

const TEMPLATE: Template = Template {
    name: "cpp",
    files: &[
        ("policy.cpp", include_str!("../new/cpp/policy.cpp.txt")),
        ("policy.yaml", include_str!("../new/common/policy.yaml.txt")),
        ("scenarios.yaml", include_str!("../new/common/scenarios.yaml.txt")),
        ("request.http", include_str!("../new/common/request.http.txt")),
        ("README.md", include_str!("../new/cpp/README.md.txt")),
        ("compile_flags.txt", include_str!("../new/cpp/compile_flags.txt")),
        (".gitignore", include_str!("../new/common/gitignore.txt")),
    ],
    taken: &[],
};

const REMEDIES: Remedies = Remedies {
    export: "end policy.cpp with CARDEA_POLICY(Name), Name being the class that has on_request",
    wasi: "use the functions of cardea.hpp in place of the C library's",
    ..c::REMEDIES
};
/// The SDK's folder, from the project's.
const SDK: &str = ".cardea/guest-sdk/cpp";
/// What needs a runtime that a policy does not have is off.
const FLAGS: [&str; 4] = ["-std=c++20", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics"];

fn build(project: &Project) -> Result<Vec<Component>, Mistake> {
    let compiler = Compiler::find()?;
    let mut flags = c::flags(&FLAGS);
    flags.push(format!("-I{SDK}/include"));
    let own = Path::new(SDK).join("src/new.cpp");
    let mut objects = c::compile_sdk(&compiler, project, &[own], &flags)?;
    objects.extend(c::compile_all(&compiler, project, &c_sources(project)?, &c::flags(&["-std=c17"]), "policy-c")?);
    flags.extend(["-Wall", "-Wextra"].map(String::from));
    let sources = clang::sources(project, &["cpp", "cc", "cxx"])?;
    objects.extend(c::compile_all(&compiler, project, &sources, &flags, "policy")?);
    c::link(&compiler, project, objects, REMEDIES)
}

/// A policy may have parts in C.
fn c_sources(project: &Project) -> Result<Vec<PathBuf>, Mistake> {
    clang::sources(project, &["c"])
}
