#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use proptest::prelude::*;

use super::{Addresses, Header, Invalid, Parsed, SIGNATURE, V1_BYTES_MAX, V2_BYTES_MAX, read};

/// Version 1 as a sender writes it.
fn v1(addresses: &Addresses) -> Vec<u8> {
    let Addresses { source, destination } = addresses;
    let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
    let (from, to) = (source.ip(), destination.ip());
    format!("PROXY {family} {from} {to} {} {}\r\n", source.port(), destination.port()).into_bytes()
}

/// Version 2 as a sender writes it, with `tlvs` at its end.
fn v2(command: u8, family: u8, block: &[u8], tlvs: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len() + tlvs.len()).unwrap();
    let fixed = [0x20 | command, family, length.to_be_bytes()[0], length.to_be_bytes()[1]];
    [&SIGNATURE[..], &fixed, block, tlvs].concat()
}

fn block(addresses: &Addresses) -> (u8, Vec<u8>) {
    let Addresses { source, destination } = addresses;
    let octets = |address: &SocketAddr| match address.ip() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let ports = [source.port().to_be_bytes(), destination.port().to_be_bytes()].concat();
    (if source.is_ipv4() { 0x11 } else { 0x21 }, [octets(source), octets(destination), ports].concat())
}

fn whole(length: usize, addresses: Option<Addresses>) -> Result<Parsed, Invalid> {
    Ok(Parsed::Whole(Header { length, addresses }))
}

fn pair(source: &str, destination: &str) -> Addresses {
    Addresses { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
}

#[test]
fn version_1_is_read() {
    let four = pair("192.0.2.1:56324", "192.0.2.2:443");
    assert_eq!(read(b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\nGET /"), whole(42, Some(four)));
    let six = pair("[2001:db8::1]:1", "[::ffff:192.0.2.2]:0");
    assert_eq!(read(b"PROXY TCP6 2001:db8::1 ::ffff:192.0.2.2 1 0\r\n"), whole(45, Some(six)));
    assert_eq!(read(b"PROXY UNKNOWN\r\n"), whole(15, None));
    assert_eq!(read(b"PROXY UNKNOWN ff:ff whatever 1 2\r\n"), whole(34, None));
    // The longest that the text names is taken.
    let full = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let longest = format!("PROXY UNKNOWN {full} {full} 65535 65535\r\n");
    assert_eq!((longest.len(), read(longest.as_bytes())), (V1_BYTES_MAX, whole(V1_BYTES_MAX, None)));
}

#[test]
fn what_is_nearly_version_1_is_refused() {
    for text in [
        "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 \r\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 1\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 +56324 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 056324 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n",
        "PROXY TCP4 192.0.2.01 192.0.2.2 1 443\r\n",
        "PROXY TCP4 2001:db8::1 192.0.2.2 1 443\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 1 443\r\n",
        "PROXY TCP6 fe80::1%eth0 ::1 1 443\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.2 1 443\r\n",
        "PROXY tcp4 192.0.2.1 192.0.2.2 1 443\r\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY \r\n",
        "PROXY TCP4 192.0.2.1\t192.0.2.2 1 443\r\n",
    ] {
        assert_eq!(read(text.as_bytes()), Err(Invalid::Malformed), "{text:?}");
    }
    for text in
        ["GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "PROXYTCP4", "proxy TCP4", "\u{16}\u{3}\u{1}", "\r\n\r\n\r"]
    {
        assert_eq!(read(text.as_bytes()), Err(Invalid::Missing), "{text:?}");
    }
    let endless = format!("PROXY UNKNOWN {}", "a".repeat(200));
    assert_eq!(read(&endless.as_bytes()[..V1_BYTES_MAX - 1]), Ok(Parsed::Partial));
    assert_eq!(read(&endless.as_bytes()[..V1_BYTES_MAX]), Err(Invalid::TooLong));
    assert_eq!(read(format!("{endless}\r\n").as_bytes()), Err(Invalid::TooLong));
}

#[test]
fn what_names_no_tcp_over_ip_keeps_the_socket() {
    let anything = [7; 216];
    assert_eq!(read(&v2(0, 0x11, &anything[..12], b"")), whole(28, None), "LOCAL ignores what follows");
    assert_eq!(read(&v2(0, 0xee, b"", b"")), whole(16, None), "and its family");
    assert_eq!(read(&v2(1, 0x00, b"", b"abc")), whole(19, None));
    assert_eq!(read(&v2(1, 0x12, &anything[..12], b"")), whole(28, None));
    assert_eq!(read(&v2(1, 0x31, &anything, b"")), whole(232, None));
}

#[test]
fn what_is_nearly_version_2_is_refused() {
    for (command, family, length) in
        [(2, 0x11, 12), (1, 0x11, 11), (1, 0x21, 35), (1, 0x31, 215), (1, 0x13, 12), (1, 0x41, 12), (1, 0x01, 12)]
    {
        let bytes = v2(command, family, &vec![0; length], b"");
        assert_eq!(read(&bytes), Err(Invalid::Malformed), "{command} {family:#x} {length}");
    }
    let mut other_version = v2(1, 0x11, &[0; 12], b"");
    other_version[12] = 0x11;
    assert_eq!(read(&other_version), Err(Invalid::Malformed));
    assert_eq!(read(&v2(0, 0, b"", &vec![0; V2_BYTES_MAX - 16])), whole(V2_BYTES_MAX, None));
    // Refused by its length alone, before the rest has come.
    assert_eq!(read(&v2(0, 0, b"", &vec![0; V2_BYTES_MAX - 15])[..16]), Err(Invalid::TooLong));
}

fn any_addresses() -> impl Strategy<Value = Addresses> {
    let of = |source: IpAddr, destination: IpAddr, (from, to): (u16, u16)| Addresses {
        source: (source, from).into(),
        destination: (destination, to).into(),
    };
    let four = any::<(u32, u32, (u16, u16))>()
        .prop_map(move |(a, b, ports)| of(Ipv4Addr::from(a).into(), Ipv4Addr::from(b).into(), ports));
    let six = any::<(u128, u128, (u16, u16))>()
        .prop_map(move |(a, b, ports)| of(Ipv6Addr::from(a).into(), Ipv6Addr::from(b).into(), ports));
    prop_oneof![four, six]
}

proptest! {
    #[test]
    fn a_header_is_read_as_it_was_written_and_not_before_it_is_whole(
        addresses in any_addresses(),
        binary: bool,
        tlvs in proptest::collection::vec(any::<u8>(), 0..64),
        rest in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        let header = if binary {
            let (family, block) = block(&addresses);
            v2(1, family, &block, &tlvs)
        } else {
            v1(&addresses)
        };
        let bytes = [&header[..], &rest].concat();
        for length in 0..bytes.len() {
            let expected = if length < header.len() { Ok(Parsed::Partial) } else { whole(header.len(), Some(addresses)) };
            prop_assert_eq!(read(&bytes[..length]), expected, "{} of {} bytes", length, header.len());
        }
    }

    #[test]
    fn a_verdict_on_any_bytes_is_never_taken_back(
        begin in prop_oneof![Just(&b""[..]), Just(&b"PROXY "[..]), Just(&SIGNATURE[..]), Just(&b"PROXY TCP4 1.1.1.1 "[..])],
        rest in proptest::collection::vec(any::<u8>(), 0..160),
    ) {
        let bytes = [begin, &rest].concat();
        let mut verdict = Ok(Parsed::Partial);
        for length in 0..=bytes.len() {
            let now = read(&bytes[..length]);
            if verdict != Ok(Parsed::Partial) {
                prop_assert_eq!(now, verdict);
            }
            if let Ok(Parsed::Whole(header)) = now {
                prop_assert!(header.length <= length && header.length <= V2_BYTES_MAX);
            }
            verdict = now;
        }
    }
}
