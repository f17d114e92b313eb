//! Which world a core module was made for, and the component that follows.
//!
//! Authors never choose a world: what a module imports of `cardea:policy` it may ask, and what it exports it answers.
//! Nothing else goes into the component, since each import is a capability that must be granted.

use std::collections::{BTreeMap, BTreeSet};

use wasmparser::{ExternalKind, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::author::mistake::Mistake;
use crate::author::module::PACKAGE;
use crate::author::sdk;

/// The WASI of core modules (preview 1).
const WASI: &str = "wasi_snapshot_preview1";
const VERSION: &str = "0.1.0";
/// What a policy must answer.
const MANDATORY: [&str; 2] = ["lifecycle", "on-request"];
const EXPORTS: [&str; 5] = ["lifecycle", "on-request", "on-request-body", "on-response", "on-complete"];

/// A core module of one language, and what to say where it is no policy.
#[derive(Debug)]
pub struct Core<'a> {
    /// What was built, for messages: `canary (policy.c)`.
    pub name: &'a str,
    pub bytes: &'a [u8],
    /// A core module that gives WASI's functions, for a language that cannot do without.
    pub wasi: Option<&'a [u8]>,
    pub remedies: Remedies,
}

/// What an author does about a module that is no policy, in the language's own words.
#[derive(Debug, Clone, Copy)]
pub struct Remedies {
    /// Where an export is missing: `define cardea_init and cardea_on_request`.
    pub export: &'static str,
    /// Where it imports of WASI.
    pub wasi: &'static str,
    /// Where it imports anything else: a function that nobody defines.
    pub import: &'static str,
}

/// The component of a core module, validated.
pub fn component(core: &Core<'_>) -> Result<Vec<u8>, Mistake> {
    let (imports, exports) = surface(core)?;
    encode(core, &source(&imports, &exports)).map_err(|error| {
        let what = format!("{}: the built module does not make a component: {error:#}", core.name);
        Mistake::policy(what, "use the SDK's own exports and imports, of the version that this cardea has")
    })
}

fn encode(core: &Core<'_>, world: &str) -> anyhow::Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("policy.wit", world)?;
    let world = resolve.select_world(&[package], Some("built"))?;
    let mut bytes = core.bytes.to_vec();
    embed_component_metadata(&mut bytes, &resolve, world, StringEncoding::UTF8)?;
    let mut encoder = ComponentEncoder::default().validate(true).module(&bytes)?;
    if let Some(wasi) = core.wasi {
        encoder = encoder.adapter(WASI, wasi)?;
    }
    encoder.encode()
}

/// The policy interface with a world `built` of these interfaces: for toolchains that want the world before they build.
pub fn source<'a>(imports: &BTreeSet<&'a str>, exports: &BTreeSet<&'a str>) -> String {
    let lines = |kind: &str, names: &BTreeSet<&str>| -> String {
        names.iter().map(|name| format!("  {kind} {name};\n")).collect()
    };
    format!("{}\nworld built {{\n{}{}}}\n", sdk::interface(), lines("import", imports), lines("export", exports))
}

/// The interfaces of `cardea:policy` that the module imports and exports.
fn surface<'a>(core: &Core<'a>) -> Result<(BTreeSet<&'a str>, BTreeSet<&'a str>), Mistake> {
    let (imports, exports) = names(core.bytes).map_err(|error| {
        let what = format!("{}: the built module cannot be read: {error}", core.name);
        Mistake::policy(what, "build it anew; if it stays so, the compiler makes Wasm that is too new")
    })?;
    let imports = imports
        .into_iter()
        .filter(|(module, _)| *module != WASI || core.wasi.is_none())
        .map(|(module, functions)| imported(core, module, &functions))
        .collect::<Result<_, _>>()?;
    let exports = exports.into_iter().filter_map(exported).collect::<BTreeSet<_>>();
    let missing: Vec<&str> = MANDATORY.into_iter().filter(|name| !exports.contains(name)).collect();
    if !missing.is_empty() {
        let what = format!("{}: the built module exports no {}", core.name, missing.join(" and no "));
        return Err(Mistake::policy(what, core.remedies.export));
    }
    Ok((imports, exports))
}

/// Functions by the module that they are imported from; and the names of exports.
type Names<'a> = (BTreeMap<&'a str, Vec<&'a str>>, Vec<&'a str>);

fn names(bytes: &[u8]) -> wasmparser::Result<Names<'_>> {
    let (mut imports, mut exports) = (BTreeMap::<_, Vec<_>>::new(), Vec::new());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    imports.entry(import.module).or_default().push(import.name);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.kind == ExternalKind::Func {
                        exports.push(export.name);
                    }
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

/// The interface `exchange` of the module name `cardea:policy/exchange@0.1.0`.
fn imported<'a>(core: &Core<'_>, module: &'a str, functions: &[&str]) -> Result<&'a str, Mistake> {
    if let Some(interface) = module.strip_prefix(PACKAGE).and_then(|rest| rest.strip_suffix(&format!("@{VERSION}"))) {
        return Ok(interface);
    }
    let named = functions.join(", ");
    let (what, remedy) = match module {
        WASI => (format!("imports {named} of WASI, which no policy gets"), core.remedies.wasi),
        _ if module.starts_with(PACKAGE) => {
            (format!("imports {module}, and this cardea has {PACKAGE}*@{VERSION}"), "build with the SDK of this cardea")
        }
        _ => (format!("imports {named} of {module:?}, which nobody gives"), core.remedies.import),
    };
    Err(Mistake::policy(format!("{}: the built module {what}", core.name), remedy))
}

/// The interface `on-request` of the export `cardea:policy/on-request@0.1.0#handle`.
fn exported(name: &str) -> Option<&str> {
    let (interface, _) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    EXPORTS.contains(&interface).then_some(interface)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::author::module::Shape;

    const REMEDIES: Remedies = Remedies { export: "define them", wasi: "use the SDK", import: "define it" };
    const LIFECYCLE: &str =
        r#"(func (export "cardea:policy/lifecycle@0.1.0#init") (param i32 i32) (result i32) i32.const 64)"#;
    const ON_REQUEST: &str = r#"(func (export "cardea:policy/on-request@0.1.0#handle") (result i32) i32.const 64)"#;
    const REALLOC: &str = r#"(memory (export "memory") 1) (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) i32.const 128)"#;

    fn built(imports: &str, exports: &str, wasi: Option<&[u8]>) -> Result<Vec<u8>, Mistake> {
        let bytes = wat::parse_str(format!("(module {imports} {REALLOC} {exports})")).expect("a module");
        component(&Core { name: "canary", bytes: &bytes, wasi, remedies: REMEDIES })
    }

    #[test]
    fn a_component_imports_and_exports_what_its_core_module_does() {
        let imports = r#"(import "cardea:policy/exchange@0.1.0" "path" (func (param i32)))
            (import "cardea:policy/clock@0.1.0" "now-ms" (func (result i64)))"#;
        let later = ON_REQUEST.replace("on-request", "on-response").replace("(result", "(param i32 i32) (result");
        let bytes = built(imports, &format!("{LIFECYCLE} {ON_REQUEST} {later}"), None).expect("a component");
        let shape = Shape::read(&bytes).expect("a component");
        assert_eq!(shape.capabilities(), ["clock"]);
        assert_eq!(shape.phases(), ["on-request", "on-response"]);
        let least = built("", &format!("{LIFECYCLE} {ON_REQUEST}"), None).expect("a component");
        assert!(Shape::read(&least).expect("a component").capabilities().is_empty());
    }

    #[test]
    fn what_makes_no_policy_is_told_by_name_with_the_remedy() {
        let both = format!("{LIFECYCLE} {ON_REQUEST}");
        let cases = [
            ("", LIFECYCLE, "exports no on-request", "define them"),
            ("", "", "exports no lifecycle and no on-request", "define them"),
            (r#"(import "env" "strlen" (func))"#, &both, "strlen of \"env\"", "define it"),
            (r#"(import "wasi_snapshot_preview1" "fd_write" (func))"#, &both, "fd_write of WASI", "use the SDK"),
            (
                r#"(import "cardea:policy/clock@0.2.0" "now-ms" (func))"#,
                &both,
                "cardea:policy/clock@0.2.0",
                "of this cardea",
            ),
            (r#"(import "cardea:policy/clock@0.1.0" "now-s" (func))"#, &both, "now-s", "own exports and imports"),
        ];
        for (imports, exports, what, remedy) in cases {
            let mistake = built(imports, exports, None).expect_err(what);
            assert!(mistake.what.starts_with("canary: ") && mistake.what.contains(what), "{mistake}");
            assert!(mistake.remedy.contains(remedy), "{}", mistake.remedy);
        }
    }

    #[test]
    fn a_language_that_needs_wasi_gives_its_own() {
        let imports = r#"(import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))"#;
        let wasi =
            wat::parse_str(r#"(module (func (export "sched_yield") (result i32) i32.const 0))"#).expect("a module");
        let bytes = built(imports, &format!("{LIFECYCLE} {ON_REQUEST}"), Some(&wasi)).expect("a component");
        assert!(Shape::read(&bytes).expect("a component").imports.iter().all(|name| name.starts_with(PACKAGE)));
    }
}
