use wasmtime::{Engine, Instance, Module, Store};

use super::{renamed, with_room};

#[test]
fn exports_get_the_names_that_their_language_has_no_letters_for() {
    let bytes =
        wat::parse_str(r#"(module (func (export "on_request")) (memory (export "memory") 1))"#).expect("a module");
    let bytes = renamed(&bytes, |name| (name == "on_request").then_some("cardea:policy/on-request@0.1.0#handle"));
    let module = Module::new(&Engine::default(), bytes.expect("a module")).expect("valid");
    let names: Vec<&str> = module.exports().map(|export| export.name()).collect();
    assert_eq!(names, ["cardea:policy/on-request@0.1.0#handle", "memory"]);
}

/// Room from 61 to 96, and a slow realloc that answers 4096.
const SLOW: &str = r#"(module
    (memory (export "memory") 1)
    (global $asked (mut i32) (i32.const 0))
    (data (i32.const 8) "\3d\00\00\00\60\00\00\00")
    (func (export "room") (result i32)
        (if (global.get $asked) (then unreachable))
        (global.set $asked (i32.const 1))
        (i32.const 8))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))"#;

#[test]
fn memory_comes_of_the_room_and_what_does_not_fit_of_the_modules_own() {
    let bytes = with_room(&wat::parse_str(SLOW).expect("a module"), "room").expect("a module");
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &Module::new(&engine, bytes).expect("valid"), &[]).expect("an instance");
    let realloc = instance.get_typed_func::<(i32, i32, i32, i32), i32>(&mut store, "cabi_realloc").expect("exported");
    let mut take = |old, align, size| realloc.call(&mut store, (old, 0, align, size)).expect("no trap");
    assert_eq!(take(0, 1, 2), 61);
    assert_eq!(take(0, 8, 8), 64, "aligned");
    assert_eq!(take(0, 4, 25), 4096, "one byte too many");
    assert_eq!(take(0, 1, -1), 4096, "beyond all memory");
    assert_eq!(take(64, 4, 4), 4096, "grows what was given");
    assert_eq!(take(0, 4, 24), 72, "the very end");
    assert_eq!(take(0, 8, 0), 96, "nothing is always there");
}

#[test]
fn a_module_without_room_is_left_as_it_is() {
    let bytes = wat::parse_str(SLOW).expect("a module");
    assert_eq!(with_room(&bytes, "no-such-export").expect("a module"), bytes);
    assert!(with_room(b"\0asm\x01\0\0\0\x01", "room").is_err());
}
