//! Whether a module has the shape of a policy: a component, whose imports are granted and whose exports are there.

use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, Linker};

use crate::host::Host;
use crate::imports::{self, VERSION, wasi};
use crate::instance::one_line;
use crate::load::LoadError;
use crate::policy::Exports;

const PACKAGE: &str = "cardea:policy/";
/// What a policy may export, by interface.
const PHASES: [&str; 5] = ["lifecycle", "on-request", "on-request-body", "on-response", "on-complete"];
/// Of a module's exports, how many a message tells.
const NAMED_MAX: usize = 8;
const NAME_CHARS_MAX: usize = 100;
const REBUILD: &str = "build the module against the interface that this ingress ships";

/// Every import is an interface of ours that is granted.
pub(super) fn imports(component: &Component, engine: &Engine, granted: &[String]) -> Result<(), LoadError> {
    let kind = component.component_type();
    for (name, _) in kind.imports(engine) {
        if wasi::is_wasi(name) {
            known_wasi(name)?;
            continue;
        }
        let Some((interface, version)) = name.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@')) else {
            let message =
                format!("the module imports `{name}`, and a policy may import only interfaces of cardea:policy");
            let remedy = "build it without that import: see the toolchain's page in docs";
            return Err(LoadError::new("imports", "spec.module", message, remedy));
        };
        if !is_compatible(version) {
            return Err(wrong_version("imports", name, interface));
        }
        if !imports::is_known(interface) {
            let message = format!(
                "the module imports `{name}`, which this ingress does not have; cardea:policy@{VERSION} has {}",
                imports::names().collect::<Vec<_>>().join(", ")
            );
            return Err(LoadError::new("imports", "spec.module", message, REBUILD));
        }
        if !imports::ALWAYS.contains(&interface) && !granted.iter().any(|known| known == interface) {
            let message = format!("the module imports `{interface}`, which is not granted");
            let remedy = format!("add `{interface}` to spec.grants.interfaces, if the policy may have it");
            return Err(LoadError::new("imports", "spec.grants.interfaces", message, remedy));
        }
    }
    Ok(())
}

/// A component of wasi:http that is a policy of ours too says not which it is to be.
pub(super) fn only_wasi_http(component: &Component, engine: &Engine) -> Result<(), LoadError> {
    let kind = component.component_type();
    let Some((ours, _)) = kind.exports(engine).find(|(name, _)| name.starts_with(PACKAGE)) else { return Ok(()) };
    let message = format!("the module exports both `{ours}` and the handler of wasi:http; expected one of them");
    let remedy = "build a module for each, and name both in cardea.dev/policies";
    Err(LoadError::new("exports", "spec.module", message, remedy))
}

/// The first imported function that this host lacks: the module was built against a newer interface, and uses it.
pub(super) fn lacking(component: &Component, linker: &Linker<Host>) -> Option<LoadError> {
    let engine = linker.engine();
    for (name, item) in component.component_type().imports(engine) {
        let (ComponentItem::ComponentInstance(instance), Some((interface, _))) =
            (item.ty, name.strip_prefix(PACKAGE).and_then(|rest| rest.split_once('@')))
        else {
            continue;
        };
        // A name can be defined once: where a copy takes it, the host has no such function.
        let mut copy = linker.clone();
        let Ok(mut ours) = copy.instance(&format!("{PACKAGE}{interface}@{VERSION}")) else { continue };
        let mut functions =
            instance.exports(engine).filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)));
        let missing = functions.find(|(function, _)| ours.func_new(function, |_, _, _, _| Ok(())).is_ok());
        if let Some((function, _)) = missing {
            let message = format!(
                "the module imports the function `{function}` of `{name}`, which is not in cardea:policy@{VERSION}, \
                 the interface of this ingress"
            );
            let remedy = "upgrade the ingress, or build the module without that function";
            return Some(LoadError::new("imports", "spec.module", message, remedy));
        }
    }
    None
}

pub(super) fn mistyped(error: &wasmtime::Error) -> LoadError {
    let message = format!("an import does not have the type of cardea:policy@{VERSION}: {}", one_line(error));
    LoadError::new("imports", "spec.module", message, REBUILD)
}

/// Of WASI there is what a toolchain cannot do without, and it is void.
fn known_wasi(name: &str) -> Result<(), LoadError> {
    if wasi::is_known(name) {
        return Ok(());
    }
    let expected = "cli, io, clocks, random, filesystem or sockets of WASI 0.2.x, which are empty here";
    let message = format!("the module imports `{name}`, and a policy may import of WASI only {expected}");
    Err(LoadError::new("imports", "spec.module", message, "build it without that import, or for WASI 0.2"))
}

/// 0.1.x: what semver-aware linking joins.
fn is_compatible(version: &str) -> bool {
    version.strip_prefix("0.1.").is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
}

fn wrong_version(stage: &'static str, found: &str, interface: &str) -> LoadError {
    let message = format!("found `{found}`, expected `{PACKAGE}{interface}@{VERSION}` (any 0.1.x)");
    LoadError::new(stage, "spec.module", message, REBUILD)
}

/// The functions of the phases, mandatory and optional.
pub(super) fn exports(component: &Component, engine: &Engine) -> Result<Exports, LoadError> {
    if let Some(error) = unknown_phase(component, engine) {
        return Err(error);
    }
    let find = |interface, function| export(component, engine, interface, function);
    Ok(Exports {
        init: find("lifecycle", "init")?.ok_or_else(|| missing(component, engine, "lifecycle"))?,
        request: find("on-request", "handle")?.ok_or_else(|| missing(component, engine, "on-request"))?,
        request_body: find("on-request-body", "handle")?,
        response: find("on-response", "handle")?,
        complete: find("on-complete", "handle")?,
    })
}

/// An export of ours that this host would never call: what a policy of a newer interface does there would be left undone.
fn unknown_phase(component: &Component, engine: &Engine) -> Option<LoadError> {
    let kind = component.component_type();
    let mut names = kind.exports(engine).map(|(name, _)| name);
    let (name, _) = names.find_map(|name| {
        let (interface, _) = name.strip_prefix(PACKAGE)?.split_once('@')?;
        (!PHASES.contains(&interface) && !imports::is_known(interface)).then_some((name, interface))
    })?;
    let message = format!(
        "the module exports `{name}`, which this ingress would not call; cardea:policy@{VERSION} has {}",
        PHASES.join(", ")
    );
    let remedy = "upgrade the ingress, or build the module without that phase";
    Some(LoadError::new("exports", "spec.module", message, remedy))
}

fn missing(component: &Component, engine: &Engine, interface: &str) -> LoadError {
    let kind = component.component_type();
    let short = |name: &str| format!("`{}`", name.chars().take(NAME_CHARS_MAX).collect::<String>());
    let found: Vec<String> = kind.exports(engine).take(NAMED_MAX).map(|(name, _)| short(name)).collect();
    let found = if found.is_empty() { String::from("nothing") } else { found.join(", ") };
    let message = format!("the module does not export `{PACKAGE}{interface}@{VERSION}`; it exports {found}");
    LoadError::new("exports", "spec.module", message, "export it: a policy has at least lifecycle and on-request")
}

/// The index of an interface's function; `None` if the interface is not exported in any version.
fn export(
    component: &Component,
    engine: &Engine,
    interface: &str,
    function: &str,
) -> Result<Option<ComponentExportIndex>, LoadError> {
    let name = format!("{PACKAGE}{interface}@{VERSION}");
    let Some(instance) = component.get_export_index(None, &name) else {
        return other_version(component, engine, interface).map_or(Ok(None), Err);
    };
    match component.get_export(Some(&instance), function) {
        Some((ComponentItem::ComponentFunc(_), index)) => Ok(Some(index)),
        _ => {
            let message = format!("`{name}` has no function `{function}`");
            Err(LoadError::new("exports", "spec.module", message, REBUILD))
        }
    }
}

/// An error if the interface is exported in a version that this host does not speak.
fn other_version(component: &Component, engine: &Engine, interface: &str) -> Option<LoadError> {
    let prefix = format!("{PACKAGE}{interface}");
    let kind = component.component_type();
    let found = kind
        .exports(engine)
        .map(|(name, _)| name.to_owned())
        .find(|name| name.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('@')))?;
    Some(wrong_version("exports", &found, interface))
}
