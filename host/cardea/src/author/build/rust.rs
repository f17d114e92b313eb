//! Rust: cargo builds the project, or each policy of a workspace; bindings come of the SDK's macros, with their world.

use wit_component::ComponentEncoder;

use super::cargo::{self, Artifact};
use super::toolchain::Toolchain;
use super::{Component, checked};
use crate::author::language::{Language, Template};
use crate::author::mistake::Mistake;
use crate::author::project::Project;

pub static LANGUAGE: Language =
    Language { name: "rust", marks: &["Cargo.toml"], sdk: &["rust"], build, templates: &[TEMPLATE] };

const TEMPLATE: Template = Template {
    name: "rust",
    files: &[
        ("Cargo.toml", include_str!("../new/rust/Cargo.toml.txt")),
        ("src/lib.rs", include_str!("../new/rust/src/lib.rs.txt")),
        ("policy.yaml", include_str!("../new/rust/policy.yaml.txt")),
        ("scenarios.yaml", include_str!("../new/rust/scenarios.yaml.txt")),
        ("request.http", include_str!("../new/common/request.http.txt")),
        ("README.md", include_str!("../new/rust/README.md.txt")),
        (".gitignore", include_str!("../new/rust/gitignore.txt")),
    ],
    taken: &TAKEN,
};

/// Names that Rust has for itself: a crate cannot have them.
const TAKEN: [&str; 45] = [
    "alloc",
    "as",
    "async",
    "await",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "match",
    "mod",
    "move",
    "mut",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "unsafe",
    "use",
    "where",
    "while",
];

fn build(project: &Project) -> Result<Vec<Component>, Mistake> {
    let toolchain = Toolchain::find(&project.folder)?;
    cargo::build(project, &toolchain)?.into_iter().map(encoded).collect()
}

fn encoded(artifact: Artifact) -> Result<Component, Mistake> {
    let bytes = encode(&artifact)?;
    checked(
        Component { package: artifact.package, folder: artifact.folder, bytes },
        "add to src/lib.rs: cardea_policy_sdk::export!(YourPolicy);",
    )
}

/// The component, validated.
fn encode(artifact: &Artifact) -> Result<Vec<u8>, Mistake> {
    let core = std::fs::read(&artifact.wasm).map_err(|error| Mistake::unreadable(&artifact.wasm, &error))?;
    let mut encoder = ComponentEncoder::default().validate(true);
    encoder = encoder.module(&core).map_err(|error| refused(artifact, &error))?;
    encoder.encode().map_err(|error| refused(artifact, &error))
}

fn refused(artifact: &Artifact, error: &anyhow::Error) -> Mistake {
    let what = format!("{}: the built module does not make a component: {error:#}", artifact.package);
    let remedy = "export the policy with cardea_policy_sdk::export!, and import nothing but cardea:policy (no WASI, no JavaScript)";
    Mistake::policy(what, remedy)
}

#[cfg(test)]
mod tests;
