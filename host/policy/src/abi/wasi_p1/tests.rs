//! What a module finds of WASI: all names, a clock, chance, a log, and nothing else.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;

use wasmtime::{Engine, Instance, Linker, Module, Store};

use super::{Exit, Lines, Surroundings, link};
use crate::source::Time;

#[derive(Default)]
struct Host {
    lines: Lines,
    printed: RefCell<Vec<(u32, String)>>,
}

impl Surroundings for Host {
    fn enter(&self) -> wasmtime::Result<()> {
        Ok(())
    }

    fn time(&self) -> Time {
        Time { unix_ms: 1_700_000_000_123, monotonic_us: 4_500 }
    }

    fn random(&self) -> Option<u64> {
        Some(0x0102_0304_0506_0708)
    }

    fn print(&self, descriptor: u32, bytes: &[u8]) {
        self.lines.push(bytes, 16, |line| self.printed.borrow_mut().push((descriptor, line.to_owned())));
    }
}

fn start(text: &str) -> wasmtime::Result<(Store<Host>, Instance)> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    link(&mut linker)?;
    let module = Module::new(&engine, wat::parse_str(text)?)?;
    let mut store = Store::new(&engine, Host::default());
    let instance = linker.instantiate(&mut store, &module)?;
    Ok((store, instance))
}

/// Runs `body`, a sequence that leaves an i32, in a module that has `imports`, and gives the answer and the memory.
fn run(imports: &str, body: &str) -> wasmtime::Result<(i32, Vec<u8>, Host)> {
    let text = format!("(module {imports} (memory (export \"memory\") 1) (func (export \"run\") (result i32) {body}))");
    let (mut store, instance) = start(&text)?;
    let answer = instance.get_typed_func::<(), i32>(&mut store, "run")?.call(&mut store, ())?;
    let memory = instance.get_memory(&mut store, "memory").unwrap();
    let bytes = memory.data(&store).get(..256).unwrap().to_vec();
    Ok((answer, bytes, store.into_data()))
}

fn import(name: &str, parameters: &str) -> String {
    format!("(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param {parameters}) (result i32)))")
}

#[test]
fn all_functions_are_there_under_both_names() {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    link(&mut linker).unwrap();
    let mut store = Store::new(&engine, Host::default());
    for module in super::MODULES {
        let names = linker.iter(&mut store).filter(|(of, _, _)| *of == module).count();
        assert_eq!(names, 46);
    }
}

#[test]
fn clocks_are_coarse_and_other_clocks_are_not_there() {
    let imports = import("clock_time_get", "i32 i64 i32") + &import("clock_res_get", "i32 i32");
    let body = "(drop (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 0)))
        (drop (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 8)))
        (drop (call $clock_res_get (i32.const 0) (i32.const 16)))
        (call $clock_time_get (i32.const 4) (i64.const 1) (i32.const 24))";
    let (answer, memory, _) = run(&imports, body).unwrap();
    assert_eq!(answer, super::errno::INVAL);
    assert_eq!(memory[..8], 1_700_000_000_123_000_000_u64.to_le_bytes());
    assert_eq!(memory[8..16], 4_500_000_u64.to_le_bytes());
    assert_eq!(memory[16..24], 1_000_000_u64.to_le_bytes());
    assert_eq!(memory[24..32], [0; 8]);
}

#[test]
fn random_bytes_fill_what_was_asked_and_no_more() {
    let imports = import("random_get", "i32 i32");
    let (answer, memory, _) = run(&imports, "(call $random_get (i32.const 4) (i32.const 11))").unwrap();
    assert_eq!(answer, 0);
    assert_eq!(memory[..20], [0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 8, 7, 6, 0, 0, 0, 0, 0]);
}

#[test]
fn output_becomes_lines() {
    let imports =
        import("fd_write", "i32 i32 i32 i32") + "(data (i32.const 100) \"one\\ntwo\\n+++++++++++++++++++++\")";
    let body = "(i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 2))
        (i32.store (i32.const 8) (i32.const 102)) (i32.store (i32.const 12) (i32.const 26))
        (call $fd_write (i32.const 2) (i32.const 0) (i32.const 2) (i32.const 40))";
    let (answer, memory, host) = run(&imports, body).unwrap();
    assert_eq!((answer, &memory[40..44]), (0, &28_u32.to_le_bytes()[..]));
    let printed = host.printed.borrow().clone();
    assert_eq!(printed, [(2, "one".into()), (2, "two".into()), (2, "+".repeat(16))]);
    let mut rest = Vec::new();
    host.lines.flush(|line| rest.push(line.to_owned()));
    assert_eq!(rest, ["+".repeat(4)]);
}

#[test]
fn a_sleep_is_over_at_once() {
    let imports = import("poll_oneoff", "i32 i32 i32 i32");
    let body = "(i64.store (i32.const 0) (i64.const 77)) (i64.store (i32.const 24) (i64.const 1000000000))
        (call $poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))";
    let (answer, memory, _) = run(&imports, body).unwrap();
    assert_eq!((answer, memory[64], memory[128]), (0, 77, 1));
}

#[test]
fn there_are_no_files() {
    let imports = import("fd_prestat_get", "i32 i32") + &import("fd_close", "i32");
    let body = "(i32.add (i32.mul (i32.const 100) (call $fd_close (i32.const 3)))
        (call $fd_prestat_get (i32.const 3) (i32.const 0)))";
    assert_eq!(run(&imports, body).unwrap().0, 808);
}

#[test]
fn bytes_outside_of_memory_end_the_call() {
    let imports = import("random_get", "i32 i32");
    let error = run(&imports, "(call $random_get (i32.const 65530) (i32.const 7))").err().unwrap();
    assert!(error.is::<super::memory::Outside>());
}

#[test]
fn an_exit_is_told_from_a_trap() {
    let text = "(module (import \"wasi_unstable\" \"proc_exit\" (func $exit (param i32)))
        (func $start (call $exit (i32.const 3))) (start $start))";
    assert_eq!(start(text).err().unwrap().downcast_ref(), Some(&Exit(3)));
}
