#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::PathBuf;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::{Args, Verdict, run};

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

#[test]
fn a_missing_grant_is_the_policys_fault_and_a_broken_file_is_bad_usage() {
    let case = "cases:\n  - { promise: p, send: {}, expect: {} }\n";
    assert_eq!(test(&format!("grants: [clock]\n{case}")).0, Err(1));
    assert_eq!(test(&case.replace("expect", "expct")).0, Err(2));
    assert_eq!(test("cases: []").0, Err(2));
}
