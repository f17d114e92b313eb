//! Components of the contract from a few lines of core WAT.
//!
//! The text is the inside of a module: its functions `$init` and `$request` (each optional), and whatever they need. The
//! builder adds memory, allocator, the exports of the world, and an outcome of `next` at address 1024 for `$request` to
//! change and return.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Layout of `request-outcome` (canonical ABI, alignment 4): where a guest writes its parts, from the outcome's start.
pub const OUTCOME: u32 = 1024;

/// The parts of a hand-written guest.
#[derive(Clone)]
pub struct Guest {
    world: &'static str,
    imports: String,
    body: String,
    memory: String,
}

impl Guest {
    /// A guest whose `on-request.handle` runs `request`, which leaves the outcome's address.
    pub fn request(request: &str) -> Self {
        let body = format!("(func $request (result i32) {request})");
        Self { world: "router", imports: String::new(), body, memory: String::from("(memory (export \"memory\") 2)") }
    }

    /// A guest that answers `next` without a question.
    pub fn next() -> Self {
        Self::request("i32.const 1024")
    }

    pub fn world(mut self, world: &'static str) -> Self {
        self.world = world;
        self
    }

    /// Adds `(import "cardea:policy/INTERFACE@0.1.0" "FUNCTION" (func $NAME SIGNATURE))`.
    pub fn import(mut self, interface: &str, function: &str, name: &str, signature: &str) -> Self {
        self.imports.push_str(&format!(
            "(import \"cardea:policy/{interface}@0.1.0\" \"{function}\" (func ${name} {signature}))\n"
        ));
        self
    }

    /// Adds an import of WASI, such as `cli/stdout@0.2.0`, which also makes the world one that has it.
    pub fn wasi(mut self, interface: &str, function: &str, name: &str, signature: &str) -> Self {
        self.world = "test:wasi/guest@0.1.0";
        let import = format!("(import \"wasi:{interface}\" \"{function}\" (func ${name} {signature}))\n");
        self.imports.push_str(&import);
        self
    }

    /// Adds functions, globals, tables, or data.
    pub fn with(mut self, text: &str) -> Self {
        self.body.push_str(text);
        self
    }

    /// Puts text at an address.
    pub fn data(self, address: u32, text: &str) -> Self {
        let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        self.with(&format!("(data (i32.const {address}) \"{escaped}\")"))
    }

    /// Changes the text of the functions so far.
    pub fn replace(mut self, from: &str, to: &str) -> Self {
        self.body = self.body.replacen(from, to, 1);
        self
    }

    /// In place of two pages.
    pub fn memory(mut self, text: &str) -> Self {
        self.memory = text.to_owned();
        self
    }

    pub fn core(&self) -> String {
        let optional = |name: &str, text: &str| if self.body.contains(name) { String::new() } else { text.to_owned() };
        let init = optional("(func $init", "(func $init (param i32 i32) (result i32) i32.const 2048)");
        let realloc = optional("(func $realloc", REALLOC);
        let later = match self.world {
            "gateway" => [("on-request-body", "$body"), ("on-response", "$response"), ("on-complete", "$complete")]
                .map(|(interface, name)| format!("(export \"cardea:policy/{interface}@0.1.0#handle\" (func {name}))"))
                .concat(),
            _ => String::new(),
        };
        format!(
            "(module {imports} {memory} {init} {realloc} {body} {later}
               (export \"cabi_realloc\" (func $realloc))
               (export \"cardea:policy/lifecycle@0.1.0#init\" (func $init))
               (export \"cardea:policy/on-request@0.1.0#handle\" (func $request)))",
            imports = self.imports,
            memory = self.memory,
            body = self.body,
        )
    }

    pub fn build(&self) -> Vec<u8> {
        let wit = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/policy.wit")).unwrap();
        let wasi = if self.world.contains(':') { include_str!("wasi.wit") } else { "" };
        component(&self.core(), &format!("{wit}\n{wasi}"), self.world)
    }
}

/// Bump allocation from 64 KiB up, started again by each call of the guest through `$reset`.
const REALLOC: &str = "(global $top (mut i32) (i32.const 65536))
    (func $reset (global.set $top (i32.const 65536)))
    (func $realloc (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get 3)))
      (local.get $at))";

pub fn component(core: &str, wit: &str, world: &str) -> Vec<u8> {
    let mut module = wat::parse_str(core).unwrap();
    let mut resolve = Resolve::default();
    let package = resolve.push_str("policy.wit", wit).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().validate(true).encode().unwrap()
}

/// 32-bit values in memory.
pub fn words(address: u32, values: &[u32]) -> String {
    let bytes: String = values.iter().flat_map(|value| value.to_le_bytes()).map(|b| format!("\\{b:02x}")).collect();
    format!("(data (i32.const {address}) \"{bytes}\")")
}
