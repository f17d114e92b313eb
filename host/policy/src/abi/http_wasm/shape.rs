//! Whether a core module has the shape of a handler: its memory, its two functions, and only imports that exist.

use wasmtime::{Error, ExternType, FuncType, Module, ValType};

use super::{HANDLE_REQUEST, HANDLE_RESPONSE, imports};
use crate::instance::one_line;
use crate::load::LoadError;

const WASI: [&str; 2] = ["wasi_snapshot_preview1", "wasi_unstable"];

pub(super) fn check(module: &Module) -> Result<(), LoadError> {
    check_imports(module)?;
    match module.get_export("memory") {
        Some(ExternType::Memory(_)) => {}
        _ => return Err(missing("a memory named `memory`", "the host reads and writes values in it")),
    }
    function(module, HANDLE_REQUEST, &[], &["i64"])?;
    function(module, HANDLE_RESPONSE, &["i32", "i32"], &[])
}

fn check_imports(module: &Module) -> Result<(), LoadError> {
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        if WASI.contains(&from) || from == imports::MODULE && imports::NAMES.contains(&name) {
            continue;
        }
        let message = format!(
            "the module imports `{from}.{name}`, and a handler may import only the functions of `{}` and WASI preview 1",
            imports::MODULE
        );
        let remedy = "build it against the http-wasm handler ABI: https://http-wasm.io/http-handler-abi/";
        return Err(LoadError::new("imports", "spec.module", message, remedy));
    }
    Ok(())
}

fn function(module: &Module, name: &str, parameters: &[&str], results: &[&str]) -> Result<(), LoadError> {
    let wanted = signature(parameters.iter().copied(), results.iter().copied());
    match module.get_export(name) {
        Some(ExternType::Func(found)) if signature_of(&found) == wanted => Ok(()),
        Some(ExternType::Func(found)) => {
            let message = format!("`{name}` has the type {}, expected {wanted}", signature_of(&found));
            Err(LoadError::new("exports", "spec.module", message, "build it against the http-wasm handler ABI"))
        }
        _ => Err(missing(&format!("a function `{name}`"), "the host calls it for each exchange")),
    }
}

fn missing(what: &str, why: &str) -> LoadError {
    let message = format!("the module is of the http-wasm ABI, but does not export {what}");
    LoadError::new("exports", "spec.module", message, format!("export it: {why}"))
}

fn signature_of(kind: &FuncType) -> String {
    signature(kind.params().map(name), kind.results().map(name))
}

fn signature<'a>(parameters: impl Iterator<Item = &'a str>, results: impl Iterator<Item = &'a str>) -> String {
    let list = |types: Vec<&str>| types.join(", ");
    format!("({}) -> ({})", list(parameters.collect()), list(results.collect()))
}

fn name(kind: ValType) -> &'static str {
    match kind {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 => "v128",
        ValType::Ref(_) => "ref",
    }
}

/// Names are known: so an import has another type than the function of that name.
pub(super) fn mistyped(error: &Error) -> LoadError {
    let message = format!("an import does not have the type that its ABI says: {}", one_line(error));
    LoadError::new("imports", "spec.module", message, "build the module against the http-wasm handler ABI")
}
