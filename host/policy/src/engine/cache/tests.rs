//! Compiled code is found again, and never as what it is not.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;

use wasmtime::Engine;

use super::{Cache, Code};
use crate::load::digest;

const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

#[test]
fn a_core_module_is_read_from_disk_by_the_next_start() {
    let (engine, folder) = (Engine::default(), tempfile::tempdir().unwrap());
    let path = folder.path().join("cache");
    Cache::open(Some(&path), &engine).unwrap().module(&engine, MODULE, &digest(MODULE)).unwrap();
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);

    let again = Cache::open(Some(&path), &engine).unwrap();
    assert!(again.read::<wasmtime::Module>(&engine, &digest(MODULE)).is_some());
    // These bytes do not compile: the module can only come from the file.
    assert!(again.module(&engine, b"nothing", &digest(MODULE)).is_ok());
}

#[test]
fn code_of_a_component_is_no_module() {
    let engine = Engine::default();
    let component = wasmtime::component::Component::from_binary(&engine, COMPONENT).unwrap();
    let code = Code::serialize(&component).unwrap();
    assert!(<wasmtime::Module as Code>::deserialize(&engine, &code).is_none());
    assert!(<wasmtime::component::Component as Code>::deserialize(&engine, &code).is_some());
}
