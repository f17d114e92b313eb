//! Whatever the Host field, what is taken of it is lower case, without anything that another parser could read otherwise.
#![no_main]

use cardea_model::host::{HostPattern, authority};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(taken) = authority(text) {
        for part in [&*taken.host, &*taken.text] {
            assert!(!part.is_empty());
            assert!(part.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()), "{part:?}");
            assert!(!part.contains(['/', '\\', '@', '?', '#', ',', '%', '"']), "{part:?}");
        }
        assert!(!taken.host.ends_with('.'), "{:?}", taken.host);
        let again = authority(&taken.text).expect("what was taken is taken again");
        assert_eq!((&again.host, again.port), (&taken.host, taken.port));
        assert!(HostPattern::Any.matches(&taken.host));
    }
    if let Ok(pattern) = HostPattern::parse(text) {
        // A precise pattern matches its own name.
        if let HostPattern::Precise(name) = &pattern {
            assert!(pattern.matches(name), "{name:?}");
        }
    }
});
