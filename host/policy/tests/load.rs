//! Modules that must not go live: each says what was found and what to do.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use cardea_model::config::{self, ModuleSource};
use cardea_policy::{Engine, EngineError, EngineOptions, State, digest};
use support::{Guest, Worker, exchange, spec};

/// Loads, and compares stage, field and a part of the message.
#[track_caller]
fn refused(spec: config::Policy, stage: &str, field: &str, message: &str) {
    let error = Worker::default().try_load(spec).unwrap_err();
    assert_eq!((error.stage, error.field), (stage, field), "{error:?}");
    assert!(error.message.contains(message), "{error:?}");
    assert!(!error.remedy.is_empty());
}

fn changed(guest: &Guest, change: impl FnOnce(&mut config::Policy)) -> config::Policy {
    let mut spec = spec("refused", &guest.build());
    change(&mut spec);
    spec
}

#[test]
fn what_is_not_a_component_is_named() {
    let core = wat::parse_str("(module)").unwrap();
    refused(spec("core", &core), "compile", "spec.module", "a core Wasm module of no known ABI");
    refused(spec("text", b"#!/bin/sh\nexit 0\n"), "compile", "spec.module", "not Wasm: it is a script");
    refused(spec("empty", b""), "compile", "spec.module", "not Wasm: it is empty");
    let both = r#"(module (import "http_handler" "get_config" (func)) (func (export "proxy_abi_version_0_2_1")))"#;
    refused(spec("both", &wat::parse_str(both).unwrap()), "compile", "spec.module", "speaks two ABIs");
    let newer = wat::parse_str(r#"(module (func (export "proxy_abi_version_0_3_0")))"#).unwrap();
    refused(spec("newer", &newer), "exports", "spec.module", "found `proxy_abi_version_0_3_0`, expected");
    let mut broken = Guest::next().build();
    let half = broken.len() / 2;
    broken.truncate(half);
    refused(spec("half", &broken), "compile", "spec.module", "does not compile");
}

#[test]
fn a_module_that_could_not_be_read_is_missing() {
    let missing = changed(&Guest::next(), |spec| {
        spec.module = ModuleSource::Missing { path: Arc::from("a.wasm"), message: String::from("no such file") };
    });
    refused(missing, "module", "spec.module.file", "a.wasm");
}

#[test]
fn the_digest_must_be_that_of_the_bytes() {
    let wrong = changed(&Guest::next(), |spec| spec.digest = Some(format!("sha256:{}", "0".repeat(64))));
    refused(wrong, "digest", "spec.module.digest", "the module's digest is sha256:");
    let guest = Guest::next();
    let right = changed(&guest, |spec| spec.digest = Some(digest(&guest.build()).to_uppercase()));
    let policy = Worker::default().try_load(right).unwrap();
    assert_eq!(*policy.digest, *digest(&guest.build()));
}

fn asking_the_time() -> Guest {
    Guest::request("(drop (call $now)) i32.const 1024").import("clock", "now-ms", "now", "(result i64)")
}

#[test]
fn an_import_without_a_grant_is_refused_by_name() {
    let ungranted = changed(&asking_the_time(), |spec| spec.grants.interfaces = vec![String::from("log")]);
    refused(ungranted, "imports", "spec.grants.interfaces", "imports `clock`, which is not granted");
}

#[test]
fn a_grant_of_an_unknown_interface_is_refused() {
    let unknown = changed(&Guest::next(), |spec| spec.grants.interfaces = vec![String::from("clocks")]);
    refused(unknown, "imports", "spec.grants.interfaces", "`clocks` is not an interface");
}

#[test]
fn an_import_of_another_package_is_refused() {
    let foreign = wat::parse_str(r#"(component (import "acme:cli/environment@0.2.0" (instance)))"#);
    refused(spec("foreign", &foreign.unwrap()), "imports", "spec.module", "acme:cli/environment@0.2.0");
    let newer = wat::parse_str(r#"(component (import "cardea:policy/log@0.2.0" (instance (export "x" (func)))))"#);
    refused(spec("newer", &newer.unwrap()), "imports", "spec.module", "expected `cardea:policy/log@0.1.0`");
    let other = wat::parse_str(r#"(component (import "cardea:policy/sql@0.1.0" (instance (export "x" (func)))))"#);
    refused(spec("other", &other.unwrap()), "imports", "spec.module", "does not have");
    let typed = wat::parse_str(
        r#"(component (import "cardea:policy/exchange@0.1.0" (instance $e (export "path" (func (result u32)))))
             (core func $p (canon lower (func $e "path"))))"#,
    );
    refused(spec("typed", &typed.unwrap()), "imports", "spec.module", "does not have the type");
}

#[test]
fn exports_must_be_there_in_our_version_and_type() {
    let empty = wat::parse_str("(component)").unwrap();
    refused(spec("empty", &empty), "exports", "spec.module", "does not export `cardea:policy/lifecycle@0.1.0`");
    let wit = include_str!("../../../wit/policy.wit");
    let text = Guest::next().core();
    let newer =
        support::guest::component(&text.replace("@0.1.0", "@0.2.0"), &wit.replace("@0.1.0", "@0.2.0"), "router");
    let message = "found `cardea:policy/types@0.2.0`, expected `cardea:policy/types@0.1.0`";
    refused(spec("newer", &newer), "imports", "spec.module", message);
    let newer = wat::parse_str(r#"(component (instance $i) (export "cardea:policy/lifecycle@0.2.0" (instance $i)))"#);
    let message = "found `cardea:policy/lifecycle@0.2.0`, expected `cardea:policy/lifecycle@0.1.0`";
    refused(spec("newer", &newer.unwrap()), "exports", "spec.module", message);
    let other = wit
        .replace("        labels: list<tuple<string, string>>,", "")
        .replace("    labels: list<tuple<string, string>>,\n", "");
    assert_ne!(other, wit);
    refused(
        spec("other", &support::guest::component(&text, &other, "router")),
        "exports",
        "spec.module",
        "on-request.handle",
    );
}

/// Interpreters come as several components with a memory each, joined by code that wasmtime makes.
#[test]
fn joined_components_with_a_memory_each_compile() {
    let text = r#"(component
        (component $callee
          (core module $m (memory (export "memory") 1)
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 8)
            (func (export "f") (param i32 i32)))
          (core instance $i (instantiate $m))
          (func (export "f") (param "text" string)
            (canon lift (core func $i "f") (memory (core memory $i "memory")) (realloc (core func $i "realloc")))))
        (instance $callee (instantiate $callee))
        (component $caller
          (import "f" (func $f (param "text" string)))
          (core module $memory (memory (export "memory") 1))
          (core instance $memory (instantiate $memory))
          (core func $lowered (canon lower (func $f) (memory (core memory $memory "memory"))))
          (core module $m (import "x" "f" (func (param i32 i32))))
          (core instance (instantiate $m (with "x" (instance (export "f" (func $lowered)))))))
        (instance (instantiate $caller (with "f" (func $callee "f")))))"#;
    let joined = wat::parse_str(text).unwrap();
    refused(spec("joined", &joined), "exports", "spec.module", "does not export `cardea:policy/lifecycle@0.1.0`");
}

#[test]
fn limits_are_checked_before_the_module_runs() {
    let small = changed(&Guest::next(), |spec| spec.limits.memory_bytes_max = 65_536);
    refused(small, "limits", "spec.limits.memory", "starts with 131072 bytes of memory");
    let large = changed(&Guest::next(), |spec| spec.limits.memory_bytes_max = u32::MAX);
    refused(large, "limits", "spec.limits.memory", "this process allows");
    let table = Guest::next().with("(table 50000 funcref)");
    refused(spec("table", &table.build()), "compile", "spec.module", "minimum element size of 50000");
}

#[test]
fn a_module_may_have_four_memories_and_the_limit_is_over_all_of_them() {
    let memories = |pages: [u32; 4]| {
        let more: String = pages[1..].iter().map(|pages| format!("(memory {pages})")).collect();
        Guest::next().memory(&format!("(memory (export \"memory\") {}) {more}", pages[0])).build()
    };
    let worker = Worker::default();
    worker.try_load(spec("four", &memories([64, 64, 64, 64]))).unwrap();
    refused(spec("larger", &memories([64, 64, 64, 65])), "limits", "spec.limits.memory", "needs more memory");
    let five = Guest::next().memory("(memory (export \"memory\") 2) (memory 1) (memory 1) (memory 1) (memory 1)");
    refused(spec("five", &five.build()), "compile", "spec.module", "memories count of 5 exceeds");
}

/// An `init` that runs `body`; with the result area at 2048.
fn init(body: &str) -> Guest {
    Guest::next().with(&format!("(func $init (param i32 i32) (result i32) {body})"))
}

#[test]
fn the_words_of_init_are_the_message() {
    let guest = init(
        "(i32.store8 (i32.const 2048) (i32.const 1)) (i32.store (i32.const 2052) (i32.const 4000))
         (i32.store (i32.const 2056) (i32.const 13)) i32.const 2048",
    );
    refused(spec("init", &guest.data(4000, "no such zone!").build()), "init", "spec.config", "no such zone!");
}

#[test]
fn an_init_that_loops_traps_or_asks_about_an_exchange_is_refused() {
    refused(spec("loop", &init("(loop $l (br $l)) unreachable").build()), "init", "spec.module", "deadline");
    refused(spec("trap", &init("unreachable").build()), "init", "spec.module", "trapped");
    let asks = init("(call $path (i32.const 3000)) i32.const 2048").import("exchange", "path", "path", "(param i32)");
    refused(spec("asks", &asks.build()), "init", "spec.module", "there is no exchange");
    let grows = init("(if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then unreachable)) i32.const 2048");
    refused(spec("grows", &grows.build()), "limits", "spec.limits.memory", "needs more memory");
    let start = Guest::next().with("(func $start (loop $l (br $l))) (start $start)");
    refused(spec("start", &start.build()), "init", "spec.module", "deadline");
}

#[test]
fn init_is_given_the_configuration() {
    // Refuses all but the five bytes `[1,2]`.
    let guest = init(
        "(if (i32.ne (local.get 1) (i32.const 5)) (then unreachable))
         (if (i32.ne (i32.load8_u (i32.add (local.get 0) (i32.const 3))) (i32.const 50)) (then unreachable))
         i32.const 2048",
    );
    let policy = changed(&guest, |spec| spec.config = Arc::from("[1,2]"));
    Worker::default().try_load(policy).unwrap();
    refused(spec("null", &guest.build()), "init", "spec.module", "trapped");
}

#[test]
fn a_policy_that_did_not_change_stays_the_same() {
    let worker = Worker::default();
    let one = Arc::new(spec("same", &Guest::next().build()));
    let first = worker.engine.load(&one, &worker.state, None).unwrap();
    let mut two = config::Policy::clone(&one);
    let again = worker.engine.load(&Arc::new(two.clone()), &worker.state, Some(&first)).unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    two.config = Arc::from("{}");
    let other = worker.engine.load(&Arc::new(two), &worker.state, Some(&first)).unwrap();
    assert!(!Arc::ptr_eq(&first, &other));
}

fn cached(directory: &std::path::Path) -> Result<Engine, EngineError> {
    Engine::new(EngineOptions { cache: Some(directory.to_owned()), instances_max: 4, ..EngineOptions::default() })
}

#[test]
fn compiled_code_is_kept_in_a_private_directory_and_used_again() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("cache");
    let load = || {
        let engine = cached(&directory).unwrap();
        let module = support::reference::guest().build();
        engine.load(&Arc::new(spec("cached", &module)), &Arc::new(State::default()), None).unwrap();
    };
    load();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!((mode(&directory), files.len(), mode(&files[0])), (0o700, 1, 0o400));
    let written = std::fs::metadata(&files[0]).unwrap().modified().unwrap();
    load();
    assert_eq!(std::fs::metadata(&files[0]).unwrap().modified().unwrap(), written, "it was read, not written again");
    // A file that is not as we leave it is not read, and replaced.
    std::fs::set_permissions(&files[0], std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(&files[0], b"not code").unwrap();
    load();
    assert_eq!(mode(&files[0]), 0o400);
    assert!(std::fs::metadata(&files[0]).unwrap().len() > 1000);
}

#[test]
fn a_cache_that_others_may_enter_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    std::fs::set_permissions(parent.path(), std::fs::Permissions::from_mode(0o770)).unwrap();
    let error = cached(parent.path()).unwrap_err().to_string();
    assert!(error.contains("chmod 0700"), "{error}");
    let file = parent.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(cached(&file), Err(EngineError::Cache { .. })));
}

#[test]
fn one_engine_serves_many_threads() {
    let worker = Worker::default();
    let policy = worker.load("shared", &support::reference::guest());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut instances = cardea_policy::Instances::new(&worker.engine);
                let chain = support::chain(std::slice::from_ref(&policy));
                for _ in 0..1000 {
                    let mut run = cardea_policy::Run::new(Arc::clone(&chain));
                    let step = run.on_request(&mut instances, &mut exchange(), &|_| false);
                    assert!(matches!(step, cardea_policy::Step::Forward), "{step:?}");
                }
            });
        }
    });
    let snapshot = worker.snapshot("test/shared");
    assert_eq!((snapshot.calls, snapshot.instances_created), (4000, 4));
}
