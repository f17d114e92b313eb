#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;

use super::*;

#[test]
fn the_first_parameter_of_a_name_counts() {
    let query = "a=1&b=x%20y&a=2&flag&%63=4&d=%ff&e=%zz&f=a+b&g==";
    for (name, expected) in [
        ("a", Some("1")),
        ("b", Some("x y")),
        ("flag", Some("")),
        ("c", Some("4")),
        ("d", None),
        ("e", None),
        ("f", Some("a b")),
        ("g", Some("=")),
        ("x", None),
    ] {
        assert_eq!(query_param(query, name).as_deref(), expected, "{name}");
    }
}

#[test]
fn cookies_are_found_over_several_fields() {
    let mut headers = HeaderMap::new();
    headers.append("cookie", "a=1;b = 2 ; c".parse().unwrap());
    headers.append("cookie", "d=x=y; a=3".parse().unwrap());
    let find = |name: &str| cookie(&headers, name).map(|value| String::from_utf8(value).unwrap());
    assert_eq!(find("a").as_deref(), Some("1"));
    assert_eq!(find("b").as_deref(), Some("2"));
    assert_eq!(find("c"), None);
    assert_eq!(find("d").as_deref(), Some("x=y"));
}

proptest! {
    #[test]
    fn decoding_never_panics_and_undoes_encoding(text in any::<String>(), query in "[ -~]{0,60}") {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        prop_assert_eq!(query_param(&format!("k={encoded}"), "k"), Some(text));
        let _ = query_param(&query, "k");
    }
}
