#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::borrow::Cow;

use proptest::prelude::*;

use super::{PathError, has_element_prefix, normalize, normalize_declared};

#[test]
fn every_path_has_one_form() {
    for (given, want) in [
        ("/", "/"),
        ("/a", "/a"),
        ("/a/", "/a/"),
        ("//", "/"),
        ("/a//b", "/a/b"),
        ("///a", "/a"),
        ("/a/.", "/a/"),
        ("/a/./b", "/a/b"),
        ("/a/..", "/"),
        ("/a/../b", "/b"),
        ("/a/b/..", "/a/"),
        ("/a/b/../", "/a/"),
        ("/a//../b", "/b"), // Slashes merge first, as nginx does.
        ("/a/b/../../c", "/c"),
        ("/%61", "/a"),
        ("/%7euser", "/~user"),
        ("/a/%2e/b", "/a/b"),
        ("/a/%2E%2e/b", "/b"),
        ("/a/.%2e/b", "/b"),
        ("/%c3%a9", "/%C3%A9"),
        ("/%20", "/%20"),
        ("/%252e%252e/a", "/%252e%252e/a"), // Decoded once, never twice.
        ("/%25%32%65", "/%252e"),
        ("/.well-known/x", "/.well-known/x"),
        ("/..a", "/..a"),
        ("/...", "/..."),
        ("/a..", "/a.."),
        ("/.%20", "/.%20"),
        ("/a;v=1/b;w", "/a;v=1/b;w"),
        ("/a%3Bb", "/a%3Bb"),
        ("/a%3bb", "/a%3Bb"),
        ("/{a}|\"[b]^", "/{a}|\"[b]^"),
        ("/%0d%0a", "/%0D%0A"),
    ] {
        assert_eq!(normalize(given).as_deref(), Ok(want), "{given}");
    }
}

#[test]
fn what_parsers_may_read_differently_is_refused() {
    for (given, want) in [
        ("", PathError::NotAbsolute),
        ("a", PathError::NotAbsolute),
        ("*", PathError::NotAbsolute),
        ("http://a/b", PathError::NotAbsolute),
        ("/%", PathError::BadEscape),
        ("/%2", PathError::BadEscape),
        ("/%g0", PathError::BadEscape),
        ("/%u002e", PathError::BadEscape),
        ("/%+1", PathError::BadEscape),
        ("/a%2fb", PathError::EncodedSlash),
        ("/a%2Fb", PathError::EncodedSlash),
        ("/a%5cb", PathError::EncodedSlash),
        ("/a%00", PathError::EncodedNul),
        ("/a\\b", PathError::ForbiddenByte),
        ("/a b", PathError::ForbiddenByte),
        ("/a\tb", PathError::ForbiddenByte),
        ("/a\0", PathError::ForbiddenByte),
        ("/a\x7f", PathError::ForbiddenByte),
        ("/caf\u{e9}", PathError::ForbiddenByte),
        ("/a?b", PathError::ForbiddenByte),
        ("/a#b", PathError::ForbiddenByte),
        ("/..", PathError::AboveRoot),
        ("/a/../..", PathError::AboveRoot),
        ("/%2e%2e/a", PathError::AboveRoot),
        ("//..", PathError::AboveRoot),
        ("/a/..;/b", PathError::DotParameters),
        ("/a/.;x=1/b", PathError::DotParameters),
        ("/a/%2e%2e;/b", PathError::DotParameters),
        ("/a/..%3b/b", PathError::DotParameters),
        ("/a/..;", PathError::DotParameters),
    ] {
        assert_eq!(normalize(given), Err(want), "{given:?}");
    }
}

#[test]
fn a_prefix_ends_at_an_element() {
    for (path, prefix, want) in [
        ("/aaa/bbb", "/", true),
        ("/", "/", true),
        ("/aaa/bbb", "/aaa/bbb", true),
        ("/aaa/bbb/", "/aaa/bbb", true),
        ("/aaa/bbb", "/aaa/bbb/", true),
        ("/aaa/bbb/ccc", "/aaa/bbb", true),
        ("/aaa/bbbxyz", "/aaa/bbb", false),
        ("/aaa/bbb", "/aaa/bb", false),
        ("/aaa", "/aaa/bbb", false),
        ("/FOO", "/foo", false),
    ] {
        assert_eq!(has_element_prefix(path, prefix), want, "{path} under {prefix}");
    }
}

#[test]
fn a_declared_path_may_be_written_as_people_read_it() {
    assert_eq!(normalize_declared("/caf\u{e9} au lait").as_deref(), Ok("/caf%C3%A9%20au%20lait"));
    assert_eq!(normalize_declared("/a%2fb"), Err(PathError::EncodedSlash));
}

/// The definition, step by step on whole lists, with no eye to speed.
fn reference(path: &str) -> Result<String, PathError> {
    if !path.starts_with('/') {
        return Err(PathError::NotAbsolute);
    }
    let mut segments: Vec<String> = Vec::new();
    let mut directory = true;
    for raw in path.split('/').skip(1) {
        let segment = reference_segment(raw)?;
        directory = matches!(segment.as_str(), "" | "." | "..");
        match segment.as_str() {
            "" | "." => {}
            ".." => drop(segments.pop().ok_or(PathError::AboveRoot)?),
            other => {
                let bare = other.replace("%3B", ";");
                if matches!(bare.split(';').next(), Some("." | "..")) {
                    return Err(PathError::DotParameters);
                }
                segments.push(segment);
            }
        }
    }
    let joined: String = segments.iter().flat_map(|segment| ["/", segment]).collect();
    Ok(if directory { joined + "/" } else { joined })
}

fn reference_segment(raw: &str) -> Result<String, PathError> {
    let mut segment = String::new();
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        if first != '%' {
            if !first.is_ascii_graphic() || "\\<>`?#".contains(first) {
                return Err(PathError::ForbiddenByte);
            }
            segment.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let digits: String = rest.chars().skip(1).take(2).filter(char::is_ascii_hexdigit).collect();
        if digits.len() != 2 {
            return Err(PathError::BadEscape);
        }
        let octet = u8::from_str_radix(&digits, 16).unwrap();
        match octet {
            0 => return Err(PathError::EncodedNul),
            b'/' | b'\\' => return Err(PathError::EncodedSlash),
            _ if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) => segment.push(char::from(octet)),
            _ => segment.push_str(&format!("%{octet:02X}")),
        }
        rest = &rest[3..];
    }
    Ok(segment)
}

/// Paths made of the pieces that matter, so that interesting neighbours meet often.
fn paths() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-c]{1,3}",
        4 => Just("/".to_owned()),
        3 => Just(".".to_owned()),
        2 => Just("%2e".to_owned()),
        1 => Just("%25".to_owned()),
        1 => Just("%c3%A9".to_owned()),
        1 => Just(";".to_owned()),
        1 => Just("%3b".to_owned()),
        1 => "%[0-9a-fA-F]{2}",
        1 => "[ -~]",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn normalising_agrees_with_the_definition(path in paths()) {
        match (normalize(&path), reference(&path)) {
            (Ok(normal), Ok(want)) => prop_assert_eq!(normal.as_ref(), want),
            // Both refuse; which of several faults is named first is not promised.
            (Err(_), Err(_)) => {}
            (got, want) => prop_assert!(false, "{:?}: {:?} but {:?}", path, got, want),
        }
    }

    #[test]
    fn normalising_twice_changes_nothing(path in paths()) {
        if let Ok(once) = normalize(&path) {
            prop_assert_eq!(normalize(&once), Ok(Cow::Borrowed(once.as_ref())));
        }
    }

    #[test]
    fn a_path_is_borrowed_exactly_when_it_is_unchanged(path in paths()) {
        if let Ok(normal) = normalize(&path) {
            prop_assert_eq!(matches!(normal, Cow::Borrowed(_)), normal == path);
        }
    }

    #[test]
    fn a_normal_path_has_nothing_left_to_disagree_about(path in paths()) {
        if let Ok(normal) = normalize(&path) {
            prop_assert!(normal.starts_with('/'));
            prop_assert!(normal.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'));
            let lower = normal.to_ascii_lowercase();
            for never in ["//", "/./", "/../", "/.;", "/..;", "%2f", "%5c", "%00", "%2e"] {
                // `%252e` holds `%2` of an escaped percent sign, which is text.
                prop_assert!(!lower.replace("%25", "#").contains(never), "{} holds {}", normal, never);
            }
            prop_assert!(!normal.ends_with("/.") && !normal.ends_with("/.."));
        }
    }

    #[test]
    fn any_text_is_answered(path in "\\PC*") {
        let _ = normalize(&path);
        let _ = normalize_declared(&path);
    }
}
