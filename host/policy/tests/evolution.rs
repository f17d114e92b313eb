//! The interface grows only as docs/evolution.md says, and modules of older and newer versions meet this host accordingly.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

#[path = "evolution/gate.rs"]
mod gate;
mod support;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cardea_policy::{LoadError, Target};
use gate::{check, version};
use support::guest::component;
use support::{Guest, Worker, exchange, spec};

const CURRENT: &str = include_str!("../../../wit/policy.wit");
/// The conformance policy, built against 0.1.0 and kept.
const BUILT_AGAINST_0_1_0: &[u8] = include_bytes!("../../../tests/fixtures/conformance-0.1.0.wasm");

fn released() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/released");
    let folders = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |folder: PathBuf| {
        let wit = std::fs::read_to_string(folder.join("policy.wit")).unwrap();
        (folder.file_name().unwrap().to_str().unwrap().to_owned(), wit)
    };
    folders.map(read).collect()
}

fn number(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap()).collect()
}

// ---- the gate

#[test]
fn the_interface_keeps_what_was_released() {
    let released = released();
    assert!(released.iter().any(|(version, _)| version == "0.1.0"));
    for (folder, wit) in released {
        assert_eq!(folder, version(&wit), "a folder is called after the version in it");
        assert!(number(&folder) <= number(version(CURRENT)), "{folder} is newer than wit/policy.wit");
        check(&wit, CURRENT).unwrap_or_else(|error| panic!("against {folder}: {error}"));
        if folder == version(CURRENT) {
            let grown = check(CURRENT, &wit);
            assert_eq!(grown, Ok(()), "{folder} is released: what is new needs a new version");
        }
    }
}

#[test]
fn the_host_speaks_the_version_of_the_interface() {
    let newer = wat::parse_str(r#"(component (import "cardea:policy/log@0.2.0" (instance (export "x" (func)))))"#);
    let message = Worker::default().try_load(spec("newer", &newer.unwrap())).unwrap_err().message;
    assert!(message.contains(&format!("expected `cardea:policy/log@{}`", version(CURRENT))), "{message}");
}

/// The current text with a change, which must have taken hold.
fn changed(from: &str, to: &str) -> String {
    let text = CURRENT.replacen(from, to, 1);
    assert_ne!(text, CURRENT, "nothing like {from:?}");
    text
}

#[track_caller]
fn refused(changed: &str, why: &str) {
    let error = check(CURRENT, changed).expect_err(why);
    assert!(error.contains(why), "{error}");
}

#[test]
fn what_breaks_a_policy_that_exists_is_found() {
    refused(&changed("location: string }", "location: string, permanent: bool }"), "not semver-compatible");
    refused(
        &changed(
            "record weighted { backend: string, weight: u32 }",
            "record weighted { backend: string, weight: u64 }",
        ),
        "not semver-compatible",
    );
    refused(&changed("too-large, invalid, conflict", "too-large, invalid, conflict, busy"), "not semver-compatible");
    refused(&changed("    /// No opinion: the", "    hold,\n    /// No opinion: the"), "not semver-compatible");
    refused(
        &changed("flags phases { response, complete }", "flags phases { response, complete, trailers }"),
        "not semver-compatible",
    );
    refused(&changed("  path: func() -> string;", "  path: func() -> option<string>;"), "not semver-compatible");
    refused(
        &changed("enabled: func(level: level)", "enabled: func(level: level, target: string)"),
        "not semver-compatible",
    );
}

#[test]
fn what_is_gone_is_named() {
    refused(&changed("  scheme: func() -> string;", ""), "the function `exchange.scheme` is gone");
    refused(
        &changed("  init: func(config: string) -> result<_, string>;", ""),
        "the function `lifecycle.init` is gone",
    );
    refused(&changed("world with-complete { export on-complete; }", ""), "the world `with-complete` is gone");
    refused(&changed("  export on-response;\n", ""), "the world `gateway` exports others than before");
    refused(&changed("  import counters;\n", ""), "not semver-compatible");
}

#[test]
fn what_a_policy_would_have_to_export_anew_is_refused() {
    let function =
        changed("  handle: func() -> request-outcome;", "  handle: func() -> request-outcome;\n  warm: func();");
    refused(&function, "the function `on-request.warm` is new");
    let export = changed("world pure {", "interface on-body { handle: func(); }\nworld pure {");
    let export = export.replacen("  export on-complete;\n}", "  export on-complete;\n  export on-body;\n}", 1);
    refused(&export, "the world `gateway` exports others than before: [\"on-body\"]");
}

#[test]
fn growth_is_allowed_where_nobody_has_to_follow() {
    let function = changed(
        "  note: func(key: string)",
        "  trailer: func(name: string) -> option<list<u8>>;\n  note: func(key: string)",
    );
    assert_eq!(check(CURRENT, &function), Ok(()));
    let kind = changed(
        "interface log {",
        "interface log {\n  record place { file: string, line: u32 }\n  at: func(place: place);",
    );
    assert_eq!(check(CURRENT, &kind), Ok(()));
    let import = changed("world pure {", "interface sql { query: func(text: string) -> string; }\nworld pure {");
    let import = import.replacen("  import counters;\n", "  import counters;\n  import sql;\n", 1);
    assert_eq!(check(CURRENT, &import), Ok(()));
    let phase = changed(
        "world pure {",
        "interface on-body { handle: func(); }\nworld with-body { export on-body; }\nworld pure {",
    );
    assert_eq!(check(CURRENT, &phase), Ok(()));
    // And none of it may hide under a version that is released.
    for grown in [function, import, phase] {
        check(&grown, CURRENT).expect_err("growth");
    }
}

// ---- modules of other versions

/// A guest of the interface as it will be: `version`, with `exchange.trailer`, `log.flush` and an interface `sql`.
fn newer(guest: &Guest, version: &str) -> Vec<u8> {
    let wit = changed(
        "  note: func(key: string)",
        "  trailer: func(name: string) -> option<list<u8>>;\n  note: func(key: string)",
    );
    let wit = wit.replacen("interface log {", "interface sql { query: func(); }\ninterface log {\n  flush: func();", 1);
    let wit = wit.replacen("  import counters;\n", "  import counters;\n  import sql;\n", 1);
    let core = guest.core().replace("@0.1.0", &format!("@{version}"));
    component(&core, &wit.replace(&format!("@{}", gate::version(CURRENT)), &format!("@{version}")), "router")
}

fn load(module: &[u8]) -> Result<(), LoadError> {
    Worker::default().try_load(spec("newer", module)).map(|_| ())
}

#[track_caller]
fn not_loaded(module: &[u8], stage: &str, found: &str, expected: &str) {
    let error = load(module).unwrap_err();
    assert_eq!((error.stage, error.field), (stage, "spec.module"), "{error:?}");
    assert!(error.message.contains(found), "what was found: {error:?}");
    assert!(error.message.contains(expected), "what was expected: {error:?}");
    assert!(!error.remedy.is_empty());
}

#[test]
fn a_module_of_the_first_release_keeps_working() {
    let mut worker = Worker::default();
    let mut declared = spec("old", BUILT_AGAINST_0_1_0);
    declared.config = Arc::from(r#"{"backend": "canary", "mark": "kept"}"#);
    declared.limits.deadline = std::time::Duration::from_millis(500);
    let policy = worker.try_load(declared).unwrap();
    let mut plain = exchange();
    worker.forward(&policy, &mut plain);
    assert_eq!(plain.request.headers["x-policy"], "kept");
    let mut canary = exchange();
    canary.request.headers.insert("x-canary", http::HeaderValue::from_static("1"));
    assert_eq!(worker.forward(&policy, &mut canary).target, Some(Target::Backend(Arc::from("canary"))));
}

#[test]
fn a_newer_module_that_uses_nothing_new_works() {
    let guest = Guest::request("(call $path (i32.const 3000)) i32.const 1024")
        .import("exchange", "path", "path", "(param i32)")
        .import("log", "enabled", "enabled", "(param i32) (result i32)");
    let mut worker = Worker::default();
    let policy = worker.try_load(spec("newer", &newer(&guest, "0.1.7"))).unwrap();
    let run = worker.forward(&policy, &mut exchange());
    assert_eq!(run.reads(&run.decided[0]), ["path"]);
}

#[test]
fn a_function_that_this_host_lacks_is_named() {
    let trailer = Guest::next().import("exchange", "trailer", "trailer", "(param i32 i32 i32)");
    let expected = format!("cardea:policy@{}", version(CURRENT));
    not_loaded(&newer(&trailer, "0.1.7"), "imports", "`trailer` of `cardea:policy/exchange@0.1.7`", &expected);
    let flush =
        Guest::next().import("log", "flush", "flush", "").import("log", "enabled", "on", "(param i32) (result i32)");
    not_loaded(&newer(&flush, "0.1.7"), "imports", "`flush` of `cardea:policy/log@0.1.7`", &expected);
}

#[test]
fn an_interface_that_this_host_lacks_is_named() {
    let sql = Guest::next().import("sql", "query", "query", "");
    not_loaded(
        &newer(&sql, "0.1.7"),
        "imports",
        "`cardea:policy/sql@0.1.7`",
        "exchange, log, metrics, clock, random, kv-local, counters",
    );
}

#[test]
fn a_phase_that_this_host_lacks_is_named() {
    let module = newer(&Guest::next(), "0.1.7");
    assert_eq!(load(&module), Ok(()));
    let wit = changed("world router {", "interface on-tick { handle: func(); }\nworld router {\n  export on-tick;");
    let core = Guest::next().with("(func (export \"cardea:policy/on-tick@0.1.0#handle\"))").core();
    not_loaded(
        &component(&core, &wit, "router"),
        "exports",
        "`cardea:policy/on-tick@0.1.0`",
        "on-request, on-request-body, on-response",
    );
}

#[test]
fn another_minor_version_is_refused_whichever_side_names_it() {
    let imports = newer(
        &Guest::request("(call $path (i32.const 3000)) i32.const 1024").import(
            "exchange",
            "path",
            "path",
            "(param i32)",
        ),
        "0.2.0",
    );
    not_loaded(&imports, "imports", "found `cardea:policy/", &format!("@{}` (any 0.1.x)", version(CURRENT)));
    let exports = wat::parse_str(
        r#"(component (instance $i) (export "cardea:policy/on-request@0.2.0" (instance $i)) (export "cardea:policy/lifecycle@0.2.0" (instance $i)))"#,
    );
    not_loaded(
        &exports.unwrap(),
        "exports",
        "found `cardea:policy/lifecycle@0.2.0`",
        &format!("expected `cardea:policy/lifecycle@{}`", version(CURRENT)),
    );
    let older = newer(&Guest::next(), "0.0.9");
    not_loaded(&older, "imports", "@0.0.9`", "(any 0.1.x)");
}
