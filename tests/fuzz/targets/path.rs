//! Whatever the path, its normal form is normal, and nothing in it can be read two ways.
#![no_main]

use cardea_model::path::{has_element_prefix, normalize, normalize_declared};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|path: &str| {
    if let Ok(normal) = normalize(path) {
        assert_eq!(normalize(&normal).as_deref(), Ok(&*normal), "normalising twice changes {normal:?}");
        assert!(normal.starts_with('/') && normal.is_ascii());
        assert!(!normal.contains("//") && !normal.contains('\\'), "{normal:?}");
        let upper = normal.to_ascii_uppercase();
        assert!(!["%2F", "%5C", "%00", "%2E"].iter().any(|escape| upper.contains(escape)), "{normal:?}");
        assert!(normal.split('/').all(|segment| segment != "." && segment != ".."), "{normal:?}");
        assert!(has_element_prefix(&normal, "/") && has_element_prefix(&normal, &normal));
    }
    if let Ok(declared) = normalize_declared(path) {
        assert_eq!(normalize(&declared).as_deref(), Ok(&*declared));
    }
});
