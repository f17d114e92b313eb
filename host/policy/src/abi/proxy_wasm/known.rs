//! What a module may import, for tests: a documented table that must be true, and guests that call everything.

use std::rc::Rc;
use std::sync::Arc;

use wasmtime::{Extern, Module, ValType};

use super::functions::Version;
use super::{Loaded, calls, making, vm};
use crate::host::Worker;
use crate::policy::Policy;
use crate::source::Random;

/// The smallest module: it imports nothing.
const EMPTY: [u8; 8] = *b"\0asm\x01\0\0\0";

/// A function of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCall {
    /// Such as `env`.
    pub module: String,
    pub name: String,
    /// WebAssembly's names of types.
    pub params: Vec<String>,
    pub results: Vec<String>,
}

/// Every function that a proxy-wasm module may import. The policy may be any.
///
/// # Errors
/// Those of the engine.
pub fn proxy_wasm_host_calls(policy: &Policy) -> wasmtime::Result<Vec<HostCall>> {
    let linker = calls::linker(policy.engine.wasmtime())?;
    let loaded = Loaded {
        pre: linker.instantiate_pre(&Module::new(policy.engine.wasmtime(), EMPTY)?)?,
        version: Version::V0_2_1,
        config: Arc::default(),
        vm_config: Arc::default(),
        hears_body: [false; 2],
        phases: Vec::new(),
    };
    let mut store = vm::store(&loaded, &making(policy, &Rc::new(Worker::new(Random::System))), 1);
    let found: Vec<_> =
        linker.iter(&mut store).map(|(module, name, item)| (module.to_owned(), name.to_owned(), item)).collect();
    let call = |(module, name, item)| match item {
        Extern::Func(function) => {
            let shape = function.ty(&store);
            let names = |types: &mut dyn Iterator<Item = ValType>| types.map(|one| one.to_string()).collect();
            Some(HostCall { module, name, params: names(&mut shape.params()), results: names(&mut shape.results()) })
        }
        _ => None,
    };
    Ok(found.into_iter().filter_map(call).collect())
}
