//! Whatever the first bytes of a connection, the verdict on them is the same however they come in pieces, and no address
//! is taken that the header does not name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use proxy_protocol::{Parsed, V1_BYTES_MAX, V2_BYTES_MAX, read};

// The one file, so that the data plane with its engine is not built for it.
#[path = "../../../host/proxy/src/proxy_protocol.rs"]
mod proxy_protocol;

fuzz_target!(|bytes: &[u8]| {
    let verdict = (0..=bytes.len()).map(|length| read(&bytes[..length])).find(|verdict| *verdict != Ok(Parsed::Partial));
    assert_eq!(read(bytes), verdict.unwrap_or(Ok(Parsed::Partial)), "a verdict is never taken back");
    let Ok(Parsed::Whole(header)) = read(bytes) else { return };
    assert!(header.length <= bytes.len());
    if bytes.starts_with(b"PROXY ") {
        assert!(header.length <= V1_BYTES_MAX);
        let line = std::str::from_utf8(&bytes[..header.length]);
        if let Some(addresses) = header.addresses {
            let (source, destination) = (addresses.source, addresses.destination);
            assert_eq!(source.is_ipv4(), destination.is_ipv4());
            let ports = format!(" {} {}\r\n", source.port(), destination.port());
            assert!(line.expect("text").ends_with(&ports), "{addresses:?}");
        }
    } else {
        assert!(header.length <= V2_BYTES_MAX);
        let size = if header.addresses.is_some_and(|addresses| addresses.source.is_ipv6()) { 16 } else { 4 };
        if let Some(addresses) = header.addresses {
            let octets = &bytes[16..16 + size];
            let source = match addresses.source.ip() {
                std::net::IpAddr::V4(address) => address.octets().to_vec(),
                std::net::IpAddr::V6(address) => address.octets().to_vec(),
            };
            assert_eq!(octets, source);
        }
    }
});
