#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::borrow::Cow;

use proptest::prelude::*;

use super::{HostError, HostPattern, authority, is_plain_name, lower, requested_name, split_port};

#[test]
fn a_rule_names_a_host_as_the_api_server_allows() {
    let precise = |name: &str| Ok(HostPattern::Precise(name.into()));
    let wildcard = |name: &str| Ok(HostPattern::Wildcard(name.into()));
    let long = "a".repeat(64);
    for (given, want) in [
        ("", Ok(HostPattern::Any)),
        ("foo.com", precise("foo.com")),
        ("Foo.COM", precise("foo.com")),
        ("localhost", precise("localhost")),
        ("1.2.3", precise("1.2.3")),
        ("a-b.c0", precise("a-b.c0")),
        ("*.foo.com", wildcard("foo.com")),
        ("*.com", wildcard("com")),
        ("*", Err(HostError::Wildcard)),
        ("*.", Err(HostError::Label)),
        ("*foo.com", Err(HostError::Wildcard)),
        ("foo.*.com", Err(HostError::Wildcard)),
        ("*.*.com", Err(HostError::Wildcard)),
        ("foo.com:80", Err(HostError::Port)),
        ("*.foo.com:80", Err(HostError::Port)),
        ("192.0.2.1", Err(HostError::Address)),
        ("2001:db8::1", Err(HostError::Address)),
        ("[2001:db8::1]", Err(HostError::Address)),
        ("foo.com.", Err(HostError::Label)),
        (".foo.com", Err(HostError::Label)),
        ("foo..com", Err(HostError::Label)),
        ("-foo.com", Err(HostError::Label)),
        ("foo-.com", Err(HostError::Label)),
        ("foo_bar.com", Err(HostError::Character)),
        ("foo bar", Err(HostError::Character)),
        ("f\u{f6}\u{f6}.com", Err(HostError::Character)),
        (&long, Err(HostError::Label)),
        (&"a.".repeat(130), Err(HostError::TooLong)),
    ] {
        assert_eq!(HostPattern::parse(given), want, "{given}");
    }
}

#[test]
fn a_wildcard_stands_for_one_label() {
    let wildcard = HostPattern::parse("*.foo.com").unwrap();
    for (host, want) in
        [("bar.foo.com", true), ("baz.bar.foo.com", false), ("foo.com", false), ("barfoo.com", false), ("com", false)]
    {
        assert_eq!(wildcard.matches(host), want, "{host}");
    }
}

#[test]
fn a_request_names_its_host() {
    let v6 = format!("[{}]", "2001:DB8::1");
    for (given, host, text, port) in [
        ("foo.com", "foo.com", "foo.com", None),
        ("foo.com:8080", "foo.com", "foo.com:8080", Some(8080)),
        ("Foo.Com:8080", "foo.com", "foo.com:8080", Some(8080)),
        ("foo.com.", "foo.com", "foo.com.", None),
        ("foo.com.:80", "foo.com", "foo.com.:80", Some(80)),
        ("foo.com:", "foo.com", "foo.com", None),
        ("foo.com:0", "foo.com", "foo.com:0", Some(0)),
        ("foo.com:65535", "foo.com", "foo.com:65535", Some(65535)),
        ("a_b.foo.com", "a_b.foo.com", "a_b.foo.com", None),
        ("192.0.2.1:80", "192.0.2.1", "192.0.2.1:80", Some(80)),
        ("[::1]", "[::1]", "[::1]", None),
        ("[::1]:80", "[::1]", "[::1]:80", Some(80)),
        (&v6, "[2001:db8::1]", "[2001:db8::1]", None),
    ] {
        let got = authority(given).unwrap_or_else(|error| panic!("{given}: {error}"));
        assert_eq!((got.host.as_ref(), got.text.as_ref(), got.port), (host, text, port), "{given}");
    }
}

#[test]
fn a_doubtful_host_is_refused() {
    let long = "a".repeat(256);
    for (given, want) in [
        ("", HostError::Empty),
        (".", HostError::Empty),
        (":80", HostError::Empty),
        ("user@foo.com", HostError::Character),
        ("foo.com/x", HostError::Character),
        ("foo.com?x", HostError::Character),
        ("foo.com#x", HostError::Character),
        ("foo.com\\x", HostError::Character),
        ("a b", HostError::Character),
        (" foo.com", HostError::Character),
        ("foo.com\t", HostError::Character),
        ("a,b", HostError::Character),
        ("foo%2ecom", HostError::Character),
        ("f\u{f6}\u{f6}.com", HostError::Character),
        ("a..b", HostError::Label),
        (".a", HostError::Label),
        ("a..", HostError::Label),
        ("foo.com:80:80", HostError::Character),
        ("2001:db8::1", HostError::Character),
        ("foo.com:65536", HostError::PortNumber),
        ("foo.com:000080", HostError::PortNumber),
        ("foo.com:+80", HostError::PortNumber),
        ("foo.com:8o", HostError::PortNumber),
        ("foo.com: 80", HostError::PortNumber),
        ("[::1", HostError::Bracket),
        ("[::1]x", HostError::Bracket),
        ("[::1]x:80", HostError::Bracket),
        ("[::1%25eth0]", HostError::Bracket),
        ("[v1.a]", HostError::Bracket),
        ("[]", HostError::Bracket),
        ("x[::1]", HostError::Character),
        (&long, HostError::TooLong),
    ] {
        assert_eq!(authority(given).unwrap_err(), want, "{given:?}");
    }
}

proptest! {
    #[test]
    fn a_name_is_found_whatever_its_case_port_and_dot(
        name in "[a-z0-9_]([a-z0-9_-]{0,8}\\.){0,3}[a-z0-9]{1,4}", port in prop::option::of(any::<u16>()), dot: bool, upper: bool
    ) {
        let mut text = if upper { name.to_uppercase() } else { name.clone() };
        if dot {
            text.push('.');
        }
        if let Some(port) = port {
            text.push_str(&format!(":{port}"));
        }
        if name.contains("..") {
            prop_assert_eq!(authority(&text).unwrap_err(), HostError::Label);
        } else {
            let got = authority(&text).unwrap();
            prop_assert_eq!(got.host.as_ref(), &name);
            prop_assert_eq!(got.port, port);
            prop_assert_eq!(matches!(got.host, Cow::Borrowed(_)), text == text.to_lowercase());
        }
    }

    #[test]
    fn any_text_is_a_host_or_an_error(text in "\\PC{0,40}") {
        let _ = HostPattern::parse(&text);
        if let Ok(got) = authority(&text) {
            prop_assert!(got.host.len() <= 257 && !got.host.contains([',', ' ', '/', '@', '%']));
        }
    }
}

proptest! {
    /// The quick look says yes only to what the whole check takes as it is.
    #[test]
    fn a_plain_name_is_what_the_whole_check_says(name in "[a-c.:_~A\\[]{0,6}|[a-z0-9.-]{250,260}") {
        let whole = requested_name(&name).is_ok_and(|found| found == name && lower(found) == name && !found.contains(':'));
        if is_plain_name(name.as_bytes()) {
            prop_assert!(whole);
            prop_assert_eq!(split_port(&name), Ok((name.as_str(), None)));
        } else {
            prop_assert!(!whole || name.contains(|letter: char| letter == '~' || letter.is_ascii_uppercase()));
        }
    }
}
