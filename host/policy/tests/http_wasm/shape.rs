//! What is told of a module that cannot be a handler.

use cardea_policy::LoadError;

use crate::guest::Handler;
use crate::support::{Worker, spec};

const MEMORY: &str = "(memory (export \"memory\") 1)";
const REQUEST: &str = "(func (export \"handle_request\") (result i64) (i64.const 1))";
const RESPONSE: &str = "(func (export \"handle_response\") (param i32 i32))";
const IMPORT: &str = "(import \"http_handler\" \"log_enabled\" (func (param i32) (result i32)))";

fn load(text: &str) -> Result<(), LoadError> {
    let bytes = wat::parse_str(format!("(module {text})")).unwrap();
    Worker::default().try_load(spec("handler", &bytes)).map(|policy| {
        assert_eq!(policy.phases(), ["handle_request", "handle_response"]);
    })
}

fn refused(text: &str) -> (&'static str, String) {
    let error = load(text).unwrap_err();
    assert!(!error.remedy.is_empty());
    (error.stage, error.message)
}

#[test]
fn memory_and_two_functions_are_enough() {
    load(&[MEMORY, REQUEST, RESPONSE].concat()).unwrap();
    load(&[IMPORT, MEMORY, REQUEST, RESPONSE].concat()).unwrap();
}

#[test]
fn what_is_missing_is_named() {
    for (parts, missing) in [
        ([IMPORT, REQUEST, RESPONSE], "does not export a memory named `memory`"),
        ([IMPORT, MEMORY, RESPONSE], "does not export a function `handle_request`"),
        ([IMPORT, MEMORY, REQUEST], "does not export a function `handle_response`"),
    ] {
        let (stage, message) = refused(&parts.concat());
        assert_eq!(stage, "exports");
        assert!(message.contains(missing), "{message}");
    }
}

#[test]
fn a_wrong_type_is_told_with_the_right_one() {
    let wrong = "(func (export \"handle_request\") (param f32) (result i32) (i32.const 1))";
    let (stage, message) = refused(&[IMPORT, MEMORY, wrong, RESPONSE].concat());
    assert_eq!((stage, &*message), ("exports", "`handle_request` has the type (f32) -> (i32), expected () -> (i64)"));
    let wrong = "(import \"http_handler\" \"get_method\" (func (param i32)))";
    let (stage, message) = refused(&[wrong, MEMORY, REQUEST, RESPONSE].concat());
    assert_eq!(stage, "imports");
    assert!(message.contains("get_method"), "{message}");
}

#[test]
fn an_import_that_no_handler_has_is_named() {
    for import in ["(import \"http_handler\" \"get_path\" (func))", "(import \"env\" \"open\" (func))"] {
        let (stage, message) = refused(&[IMPORT, import, MEMORY, REQUEST, RESPONSE].concat());
        assert_eq!(stage, "imports");
        assert!(message.contains("get_path") || message.contains("env.open"), "{message}");
    }
}

#[test]
fn a_core_module_of_no_abi_is_refused() {
    let (stage, message) = refused(MEMORY);
    assert_eq!(stage, "compile");
    assert!(message.contains("a module of http-wasm (it imports from `http_handler`)"), "{message}");
    let cut = Worker::default().try_load(spec("handler", b"\0asm\x01\0\0\0\x02\x80")).unwrap_err();
    assert!(cut.message.contains("broken"), "{}", cut.message);
}

#[test]
fn a_module_that_traps_when_it_starts_is_refused() {
    for (start, stage) in [("unreachable", "init"), ("(drop (call $get_method (i32.const 0) (i32.const 0)))", "init")] {
        let error =
            Worker::default().try_load(spec("handler", &Handler::request("").start(start).build())).unwrap_err();
        assert_eq!(error.stage, stage, "{error}");
    }
}

#[test]
fn a_command_starts_and_may_exit_with_zero() {
    let exit = |code: u32| {
        format!(
            "(import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32))) {MEMORY} {REQUEST} {RESPONSE}
             (func (export \"_start\") (call $exit (i32.const {code})))"
        )
    };
    load(&exit(0)).unwrap();
    let (stage, message) = refused(&exit(2));
    assert_eq!(stage, "init");
    assert!(message.contains("proc_exit(2)"), "{message}");
}

#[test]
fn a_module_that_needs_more_memory_than_its_limit_is_refused() {
    let (stage, message) = refused(&format!("(memory (export \"memory\") 1000) {REQUEST} {RESPONSE}"));
    assert_eq!(stage, "limits");
    assert!(message.contains("65536000 bytes"), "{message}");
}
