//! Scripts by chance: see `script`. The fuzz target `proxy_wasm_guest` plays longer.

use proptest::prelude::*;

use crate::script::Host;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_guest_calls_the_host_keeps_its_bounds(scripts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..600), 1..4)) {
        thread_local!(static HOST: std::cell::RefCell<Host> = std::cell::RefCell::default());
        HOST.with_borrow_mut(|host| scripts.iter().for_each(|script| host.play(script)));
    }
}
