#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cardea_model::paged::Paged;
use cardea_model::snapshot::PolicyId;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::{Args, Verdict, run};
use crate::reload::policies::Policies;
use crate::scenario::stage::{Stage, all_interfaces, policy_of};
use crate::scenario::vectors::{self, ModuleTests};

/// A policy by hand: it refuses any config but null, draws, traps on a draw of a half or more and on its third request,
/// and else says `next` (an outcome of zeros).
const GUEST: &str = r#"(module
    (import "cardea:policy/random@0.1.0" "next-u64" (func $draw (result i64)))
    (memory (export "memory") 1)
    (global $requests (mut i32) (i32.const 0))
    (data (i32.const 2048) "\01\00\00\00\00\09\00\00\0a\00\00\00")
    (data (i32.const 2304) "config: no")
    (func (export "cardea:policy/lifecycle@0.1.0#init") (param i32 i32) (result i32)
        (if (result i32) (i32.eq (local.get 1) (i32.const 4)) (then (i32.const 1024)) (else (i32.const 2048))))
    (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
        (global.set $requests (i32.add (global.get $requests) (i32.const 1)))
        (if (i32.gt_s (global.get $requests) (i32.const 2)) (then unreachable))
        (if (i64.lt_s (call $draw) (i64.const 0)) (then unreachable))
        (i32.const 1024))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))"#;

fn guest() -> Vec<u8> {
    let mut module = wat::parse_str(GUEST).unwrap();
    let mut resolve = Resolve::default();
    let package = resolve.push_str("policy.wit", include_str!("../../../../../wit/policy.wit")).unwrap();
    let world = resolve.select_world(&[package], Some("router")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

/// The verdict on scenarios of [`GUEST`] (or an exit code), and the JUnit report.
fn test(scenarios: &str) -> (Result<Verdict, u8>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::write(path("a.wasm"), guest()).unwrap();
    fs::write(path("scenarios.yaml"), scenarios).unwrap();
    let args =
        Args { paths: vec![folder.path().to_owned()], no_build: true, module: None, junit: Some(path("junit.xml")) };
    let verdict = run(&args).map_err(|mistake| mistake.exit_code);
    (verdict, fs::read_to_string(path("junit.xml")).unwrap_or_default())
}

#[test]
fn draws_and_kept_state_are_those_of_the_case() {
    let (verdict, report) = test(
        "cases:
  - promise: draws are the listed ones, and memory lasts over the requests
    random: [0.0, 0.49]
    requests:
      - { send: {}, expect: { decision: next, reads: [random] } }
      - { send: {}, expect: { decision: next } }
      - { send: {}, expect: { failure: policy_trap } }
  - promise: another case starts anew
    random: [0.5]
    send: {}
    expect: { failure: policy_trap }
  - promise: a config is refused
    config: { a: 1 }
    refused: 'config: no'
",
    );
    assert_eq!(verdict, Ok(Verdict::Good), "{report}");
    assert!(report.contains("tests=\"3\" failures=\"0\""), "{report}");
}

#[test]
fn a_broken_promise_is_named_and_the_others_still_count() {
    let (verdict, report) = test(
        "cases:
  - { promise: wrong, random: [0.0], send: {}, expect: { decision: deny } }
  - { promise: trapped, random: [0.9], send: {}, expect: { decision: next } }
  - { promise: not refused, refused: config }
  - { promise: refused for another reason, config: 1, refused: percent }
  - { promise: does not start, config: 1, send: {}, expect: {} }
  - { promise: right, random: [0.0], send: {}, expect: { decision: next } }
",
    );
    assert_eq!(verdict, Ok(Verdict::Bad));
    for part in [
        "tests=\"6\" failures=\"5\"",
        "expect.decision: expected deny, got next",
        "expect.failure: expected none, got policy_trap",
        "got a policy that starts",
        "expected an error with &quot;percent&quot;, got &quot;init refuses the config: config: no&quot;",
        "config: init refuses the config: config: no",
    ] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

/// The conformance policy as the interface was first released.
const CONFORMANCE: &[u8] = include_bytes!("../../../../../tests/fixtures/conformance-0.1.0.wasm");

#[test]
fn kept_values_are_those_of_the_case_and_what_is_kept_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::write(path("a.wasm"), CONFORMANCE).unwrap();
    let cases = "config: { backend: canary }
cases:
  - promise: a value that was given is read, replaced and gone
    kv: { a: given, b: 2 }
    requests:
      - { send: { path: '/kv/get?key=a' }, expect: { body: 1 given, kv: { b: '2' } } }
      - { send: { path: '/kv/set?key=a&value=new&ttl=1000' }, expect: { kv: { a: new } } }
      - { send: { path: '/kv/get?key=a', after: 1s }, expect: { status: 404, kv: { a: null } } }
  - { promise: another case keeps nothing, send: { path: '/kv/get?key=b' }, expect: { status: 404, kv: { b: '2' } } }
";
    fs::write(path("scenarios.yaml"), cases).unwrap();
    let junit = Some(path("junit.xml"));
    let args = Args { paths: vec![folder.path().to_owned()], no_build: true, module: None, junit };
    assert_eq!(run(&args), Ok(Verdict::Bad));
    let report = fs::read_to_string(path("junit.xml")).unwrap();
    assert!(report.contains("tests=\"2\" failures=\"1\""), "{report}");
    assert!(report.contains("expect.kv.b: expected &quot;2&quot;, got none"), "{report}");
}

/// A proxy-wasm module by hand: it holds each request, asks the upstream `auth`, and passes its answer on as `x-auth`.
const CALLER: &str = r#"(module
    (import "env" "proxy_http_call" (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_replace_header_map_value" (func $replace (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))
    (import "env" "proxy_set_effective_context" (func $in_the_name_of (param i32) (result i32)))
    (memory (export "memory") 4)
    (global $stream (mut i32) (i32.const 0))
    ;; Starts with a VM's config of four bytes.
    (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.eq (local.get 1) (i32.const 4)))
    (data (i32.const 1024) "auth")
    (data (i32.const 1100) "\03\00\00\00\07\00\00\00\03\00\00\00\05\00\00\00\06\00\00\00\0a\00\00\00\04\00\00\00:method\00GET\00:path\00/check\00:authority\00auth\00")
    (data (i32.const 1300) "x-auth")
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 131072))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (global.set $stream (local.get 0))
        (drop (call $call (i32.const 1024) (i32.const 4) (i32.const 1100) (i32.const 69) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.const 500) (i32.const 32)))
        (i32.const 1))
    (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
        (drop (call $in_the_name_of (global.get $stream)))
        (drop (call $buffer (i32.const 4) (i32.const 0) (i32.const 99) (i32.const 16) (i32.const 20)))
        (drop (call $replace (i32.const 0) (i32.const 1300) (i32.const 6) (i32.load (i32.const 16)) (i32.load (i32.const 20))))
        (drop (call $continue (i32.const 0)))))"#;

#[test]
fn a_policy_that_asks_a_service_hears_what_the_case_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    fs::write(path("a.wasm"), wat::parse_str(CALLER).unwrap()).unwrap();
    let cases = "proxy-wasm: { vm-config: four }
cases:
  - promise: answers come in their order, and the last one stays
    replies: { auth: [{ status: 200, body: ann }, { body: bob }] }
    requests:
      - { send: {}, expect: { decision: next, request-headers: { x-auth: ann } } }
      - { send: {}, expect: { decision: next, request-headers: { x-auth: bob } } }
      - { send: {}, expect: { decision: next, request-headers: { x-auth: bob } } }
  - { promise: a service may be gone, replies: { auth: [timeout] }, send: {}, expect: { request-headers: { x-auth: '' } } }
";
    fs::write(path("scenarios.yaml"), cases).unwrap();
    let junit = Some(path("junit.xml"));
    let args = Args { paths: vec![folder.path().to_owned()], no_build: true, module: None, junit };
    let verdict = run(&args);
    assert_eq!(verdict, Ok(Verdict::Good), "{}", fs::read_to_string(path("junit.xml")).unwrap_or_default());
    fs::write(path("scenarios.yaml"), cases.replace("timeout", "tmeout")).unwrap();
    assert_eq!(run(&args).map_err(|mistake| mistake.exit_code), Err(2));
    fs::write(path("scenarios.yaml"), cases.replace("200", "2000")).unwrap();
    assert_eq!(run(&args).map_err(|mistake| mistake.exit_code), Err(2));
}

#[test]
fn a_module_that_breaks_the_scenarios_it_brings_is_not_taken() {
    let hold = |scenarios: &str| {
        let stage = Stage::live().unwrap();
        let bytes: Arc<[u8]> = vectors::embed(&guest(), scenarios).unwrap().into();
        let spec = policy_of(Path::new("a.wasm"), &bytes, &serde_json::Value::Null, all_interfaces());
        let mut policies = Policies::default();
        let list = {
            let mut list = Paged::default();
            list.set(0, Some(spec));
            list
        };
        let failures = policies.take(&list, &[PolicyId(0)], &stage.engine, &Arc::default());
        let loaded = Arc::clone(policies.get(PolicyId(0)).unwrap());
        (failures, loaded.live.is_some(), loaded.refused.clone().map(|error| (error.stage, error.message)))
    };
    let good = "cases: [{ promise: p, random: [0.1], send: {}, expect: { decision: next } }]";
    assert_eq!(hold(good), (0, true, None), "although the draws of the engine itself are others");
    let (failures, is_live, refused) = hold(&good.replace("next", "deny"));
    let (stage, message) = refused.unwrap();
    assert_eq!((failures, is_live, stage), (1, false, "vectors"));
    assert!(message.contains("its own promise \"p\"") && message.contains("expected deny, got next"), "{message}");
}

#[test]
fn an_operator_requires_scenarios_or_leaves_them_alone() {
    let take = |tests: ModuleTests, bytes: Vec<u8>| {
        let stage = Stage::live().unwrap();
        let spec = policy_of(Path::new("a.wasm"), &bytes.into(), &serde_json::Value::Null, all_interfaces());
        let (mut policies, mut list) = (Policies::new(tests), Paged::default());
        list.set(0, Some(spec));
        policies.take(&list, &[PolicyId(0)], &stage.engine, &Arc::default());
        let loaded = Arc::clone(policies.get(PolicyId(0)).unwrap());
        loaded.refused.clone().map(|error| error.message)
    };
    let with = |decision: &str| {
        let scenarios =
            format!("cases: [{{ promise: p, random: [0.1], send: {{}}, expect: {{ decision: {decision} }} }}]");
        vectors::embed(&guest(), &scenarios).unwrap()
    };
    assert!(take(ModuleTests::Require, guest()).is_some_and(|message| message.contains("brings no scenarios")));
    assert_eq!(take(ModuleTests::Require, with("next")), None);
    assert!(take(ModuleTests::Require, with("deny")).is_some_and(|message| message.contains("its own promise")));
    assert_eq!([take(ModuleTests::Off, with("deny")), take(ModuleTests::Run, guest())], [None, None]);
}

#[test]
fn a_missing_grant_is_the_policys_fault_and_a_broken_file_is_bad_usage() {
    let case = "cases:\n  - { promise: p, send: {}, expect: {} }\n";
    assert_eq!(test(&format!("grants: [clock]\n{case}")).0, Err(1));
    assert_eq!(test(&case.replace("expect", "expct")).0, Err(2));
    assert_eq!(test("cases: []").0, Err(2));
}
