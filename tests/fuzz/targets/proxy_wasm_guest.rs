//! Whatever host calls a proxy-wasm guest makes, with whatever arguments, in whichever callbacks: the host keeps its bounds.
#![no_main]

#[path = "../../../host/policy/tests/proxy_wasm/script.rs"]
mod script;
#[path = "../../../host/policy/tests/support/mod.rs"]
mod support;

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use script::Host;

thread_local!(static HOST: RefCell<Host> = RefCell::default());

fuzz_target!(|script: &[u8]| HOST.with_borrow_mut(|host| host.play(script)));
