//! Whatever bytes a proxy-wasm guest gives for a header map or the path of a property, the host reads them or refuses them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| cardea_policy::fuzz_proxy_wasm(bytes));
