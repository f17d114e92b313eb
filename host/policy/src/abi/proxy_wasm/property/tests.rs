//! Paths of properties.

use proptest::prelude::*;

use super::{PATH_BYTES_MAX, segments};

#[test]
fn a_path_is_divided_by_nuls_and_may_end_with_one() {
    assert_eq!(segments(b"request\0headers\0x-a"), Some(vec!["request", "headers", "x-a"]));
    assert_eq!(segments(b"request\0path\0"), Some(vec!["request", "path"]));
    assert_eq!(segments(b"plugin_name"), Some(vec!["plugin_name"]));
}

#[test]
fn a_path_of_nothing_of_too_much_or_of_no_text_is_none() {
    assert_eq!(segments(b""), None);
    assert_eq!(segments(b"\0"), None);
    assert_eq!(segments(&vec![b'a'; PATH_BYTES_MAX + 1]), None);
    assert_eq!(segments(b"\xff"), None);
}

proptest! {
    #[test]
    fn segments_join_to_the_path(path in "[^\0]{1,20}(\0[^\0]{1,20}){0,4}") {
        let joined = segments(path.as_bytes()).map(|segments| segments.join("\0"));
        prop_assert_eq!(joined, Some(path));
    }
}
