//! Policies for tests: core WAT made a component of the contract, one of the shipped policies as built, or a module of another
//! ABI as built.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The component in `guests/NAME.wat`. Its text is a core module; `;;! world NAME` picks the world (`pure` if none is
/// named), and `;;! prelude` is replaced by `guests/prelude.wat`. With `;;! as it is`, the text is the whole module.
///
/// # Errors
/// When the text is not a module of its world.
pub fn component(name: &str) -> Result<Vec<u8>> {
    let folder = root().join("tests/guests");
    let read = |file: String| std::fs::read_to_string(folder.join(&file)).with_context(|| format!("guest {file}"));
    let text = read(format!("{name}.wat"))?.replace(";;! prelude", &read("prelude.wat".to_owned())?);
    if text.lines().any(|line| line.trim() == ";;! as it is") {
        return wat::parse_str(&text).with_context(|| format!("guest {name}"));
    }
    let world = text.lines().find_map(|line| line.strip_prefix(";;! world ")).unwrap_or("pure").trim().to_owned();
    build(&text, &world).with_context(|| format!("guest {name}"))
}

fn build(text: &str, world: &str) -> Result<Vec<u8>> {
    let mut module = wat::parse_str(text)?;
    let mut resolve = Resolve::default();
    let wit = std::fs::read_to_string(root().join("wit/policy.wit"))?;
    let package = resolve.push_str("policy.wit", &wit)?;
    let world = resolve.select_world(&[package], Some(world))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default().module(&module)?.validate(true).encode()
}

/// A policy of `policies/`, which the build put in the folder that `CARDEA_POLICIES_DIR` names.
///
/// # Errors
/// When it was not built: a test that needs it fails, since skipping would hide that nothing was checked.
pub fn shipped(name: &str) -> Result<Vec<u8>> {
    compiled(name).with_context(|| format!("the shipped policy {name}"))
}

/// A module of another ABI, of `modules/ABI/NAME`, which `tools/modules` put in the same folder.
///
/// # Errors
/// When it was not built.
pub fn built(name: &str) -> Result<Vec<u8>> {
    compiled(name).with_context(|| format!("the module {name}, which tools/modules builds"))
}

fn compiled(name: &str) -> Result<Vec<u8>> {
    let folder = std::env::var_os("CARDEA_POLICIES_DIR").map_or_else(|| root().join("target/policies"), PathBuf::from);
    let path = folder.join(format!("{name}.wasm"));
    std::fs::read(&path).with_context(|| format!("{} (CARDEA_POLICIES_DIR names its folder)", path.display()))
}

/// One of them that must be made a component, from the types that it carries.
///
/// # Errors
/// When it was not built, or is no component's core.
pub fn made(name: &str) -> Result<Vec<u8>> {
    ComponentEncoder::default().module(&built(name)?)?.validate(true).encode()
}

/// The root of the repository.
pub fn root() -> &'static Path {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests)
}
