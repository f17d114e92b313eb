#![allow(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;

use super::*;

#[test]
fn names_are_lower_cased_tokens() {
    assert_eq!(name("X-Policy").unwrap(), "x-policy");
    for bad in ["", "a b", "a:b", ":path", "a\r", "ä", "a\0", "a(b)"] {
        assert_eq!(name(bad), Err(FieldError::Name), "{bad:?}");
    }
    assert_eq!(name(&"a".repeat(257)), Err(FieldError::NameTooLong));
    assert!(name(&"a".repeat(256)).is_ok());
}

#[test]
fn values_lose_white_space_around_them_and_nothing_else() {
    assert_eq!(value(b" \t a\tb \t".to_vec()).unwrap(), "a\tb");
    assert_eq!(value(b"  \t".to_vec()).unwrap(), "");
    assert_eq!(value(vec![0xff, 0x80]).unwrap().as_bytes(), [0xff, 0x80]);
    for bad in [b"a\rb".as_slice(), b"a\nb", b"a\0", b"a\x7f", b"\x01"] {
        assert_eq!(value(bad.to_vec()), Err(FieldError::Value), "{bad:?}");
    }
    assert!(value(vec![b'a'; VALUE_BYTES_MAX]).is_ok());
    assert_eq!(value(vec![b'a'; VALUE_BYTES_MAX + 1]), Err(FieldError::ValueTooLong));
}

#[test]
fn authorities_are_hosts_with_an_optional_port() {
    for (good, normal) in
        [("A.test", "a.test"), ("a:80", "a:80"), ("[::1]:8080", "[::1]:8080"), ("127.0.0.1", "127.0.0.1")]
    {
        assert_eq!(authority(good).as_deref(), Ok(normal));
    }
    for bad in [
        "", ":80", "a:", "a:0", "a:65536", "a:+1", "u@a", "a/b", "a?b", "a b", "a%62", "[::1", "[::1]x", "[a]", ",",
        "a;b", "a:1:2", "é",
    ] {
        assert_eq!(authority(bad), Err(FieldError::Authority), "{bad:?}");
    }
}

#[test]
fn queries_hold_what_rfc_3986_lets_them() {
    for good in ["", "a=b&c", "a=%20", "x[]=1", "a='b'", "q=a+b|c"] {
        assert_eq!(query(good), Ok(()), "{good:?}");
    }
    for bad in ["a b", "a#b", "a%", "a%2", "a%zz", "a\r\nb", "é", "a\"b", "a<b"] {
        assert_eq!(query(bad), Err(FieldError::Query), "{bad:?}");
    }
}

#[test]
fn tokens_are_short_and_plain() {
    assert_eq!(token("rate-limit:ip"), Ok(()));
    for bad in ["", "a b", "a\"", "é", &"a".repeat(65)] {
        assert_eq!(token(bad), Err(FieldError::Token), "{bad:?}");
    }
}

#[test]
fn what_frames_a_message_belongs_to_the_host() {
    for text in ["Content-Length", "TE", "host", "http2-settings", "Proxy-Authorization"] {
        assert!(is_host_owned(&name(text).unwrap()), "{text}");
    }
    for text in ["content-type", "authorization", "cookie", "date", "x-host"] {
        assert!(!is_host_owned(&name(text).unwrap()), "{text}");
    }
    for text in ["X-Forwarded-For", "x-forwarded-anything", "Forwarded", "x-real-ip", "traceparent"] {
        assert!(is_identity(&name(text).unwrap()), "{text}");
    }
    assert!(!is_identity(&name("x-forward").unwrap()));
}

fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

proptest! {
    #[test]
    fn a_name_is_accepted_exactly_if_it_is_a_token(text in any::<String>()) {
        let expected = !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.bytes().all(is_tchar);
        prop_assert_eq!(name(&text).is_ok(), expected);
    }

    #[test]
    fn an_ascii_name_is_accepted_exactly_if_it_is_a_token(text in "[ -~\t\r\n]{0,40}") {
        let expected = !text.is_empty() && text.bytes().all(is_tchar);
        prop_assert_eq!(name(&text).ok().map(|name| name.as_str().to_owned()), expected.then(|| text.to_ascii_lowercase()));
    }

    #[test]
    fn no_accepted_value_can_end_a_line(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let is_control = |byte: &u8| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f;
        match value(bytes.clone()) {
            Ok(value) => {
                prop_assert!(!value.as_bytes().iter().any(is_control));
                prop_assert_eq!(value.as_bytes().trim_ascii(), value.as_bytes());
            }
            Err(_) => prop_assert!(bytes.iter().any(is_control)),
        }
    }

    #[test]
    fn an_accepted_query_makes_a_target(text in "[ -~]{0,60}") {
        if query(&text).is_ok() {
            let uri: http::Uri = format!("/?{text}").parse().unwrap();
            prop_assert_eq!(uri.query(), Some(&*text));
        }
    }

    #[test]
    fn an_accepted_authority_is_one_to_others_too(text in "[ -~]{0,60}") {
        if let Ok(authority) = authority(&text) {
            let parsed: http::uri::Authority = authority.parse().unwrap();
            prop_assert_eq!(parsed.as_str(), &*authority);
            prop_assert!(!authority.contains(['/', '@', ' ', '?', '#', '\\', ',', ';']), "{}", authority);
            let again = super::authority(&authority);
            prop_assert_eq!(again.as_deref(), Ok(&*authority));
        }
    }
}
