#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::IpAddr;

use ipnet::IpNet;
use proptest::prelude::*;

use super::{ForwardedFor, address, read};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn trusted() -> Vec<IpNet> {
    ["10.0.0.0/8", "2001:db8:ffff::/48"].map(|net| net.parse().unwrap()).into()
}

fn check(fields: &[&str], peer: &str, client: &str, field: &str) {
    let fields = fields.iter().map(|field| field.as_bytes());
    let expected = ForwardedFor { client: ip(client), field: field.as_bytes().to_vec() };
    assert_eq!(read(fields, ip(peer), &trusted()), expected);
}

#[test]
fn the_client_is_the_last_that_is_no_trusted_proxy() {
    check(&["203.0.113.7"], "10.0.0.1", "203.0.113.7", "203.0.113.7, 10.0.0.1");
    check(&["6.6.6.6, 203.0.113.7", "10.1.2.3"], "10.0.0.1", "203.0.113.7", "6.6.6.6, 203.0.113.7, 10.1.2.3, 10.0.0.1");
    check(&["2001:db8::7,2001:db8:ffff::2"], "10.0.0.1", "2001:db8::7", "2001:db8::7, 2001:db8:ffff::2, 10.0.0.1");
}

#[test]
fn a_list_of_proxies_alone_begins_with_the_client() {
    check(&["10.9.9.9, 10.1.2.3"], "10.0.0.1", "10.9.9.9", "10.9.9.9, 10.1.2.3, 10.0.0.1");
}

#[test]
fn no_list_leaves_the_peer() {
    check(&[], "10.0.0.1", "10.0.0.1", "10.0.0.1");
    check(&["", " , ,"], "2001:db8:ffff::1", "2001:db8:ffff::1", "2001:db8:ffff::1");
}

#[test]
fn what_is_no_address_ends_what_is_believed() {
    check(&["203.0.113.7, unknown, 10.1.2.3"], "10.0.0.1", "10.1.2.3", "203.0.113.7, unknown, 10.1.2.3, 10.0.0.1");
    check(&["unknown"], "10.0.0.1", "10.0.0.1", "unknown, 10.0.0.1");
}

#[test]
fn bytes_that_are_no_text_do_not_hide_the_client() {
    let fields = [&b"\xff\xfe, 203.0.113.7"[..]];
    let found = read(fields.into_iter(), ip("10.0.0.1"), &trusted());
    assert_eq!(found.client, ip("203.0.113.7"));
    assert_eq!(found.field, b"\xff\xfe, 203.0.113.7, 10.0.0.1");
}

#[test]
fn an_address_may_be_written_in_several_ways() {
    for (text, expected) in [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:4711", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:80", "192.0.2.1"),
    ] {
        assert_eq!(address(text.as_bytes()), Some(ip(expected)), "{text}");
    }
    for text in [
        "",
        "unknown",
        "_hidden",
        "192.0.2",
        "192.0.2.1:",
        "192.0.2.1:x",
        "[192.0.2.1]",
        "\"192.0.2.1\"",
        "fe80::1%eth0",
    ] {
        assert_eq!(address(text.as_bytes()), None, "{text}");
    }
}

proptest! {
    #[test]
    fn a_client_cannot_choose_who_it_is(
        claimed in proptest::collection::vec(any::<u8>().prop_filter("a field's bytes", |byte| *byte >= 0x20 && *byte != 0x7f), 0..40),
        client in any::<u32>().prop_filter("not a proxy", |address| address >> 24 != 10),
    ) {
        // A trusted proxy adds the client to whatever the client sent, in the same field or in one of its own.
        let client = IpAddr::from(client.to_be_bytes());
        let same = [&claimed[..], b", ", client.to_string().as_bytes()].concat();
        let own = client.to_string();
        prop_assert_eq!(read([&same[..]].into_iter(), ip("10.0.0.1"), &trusted()).client, client);
        prop_assert_eq!(read([&claimed[..], own.as_bytes()].into_iter(), ip("10.0.0.1"), &trusted()).client, client);
    }
}
