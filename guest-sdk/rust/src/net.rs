//! Address ranges, as a config names them: `10.0.0.0/8`, `2001:db8::/32`, or one address.

use std::net::IpAddr;

use serde::{Deserialize, Deserializer, de};

/// A range of addresses. IPv4-mapped IPv6 addresses count as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpRange {
    network: u128,
    mask: u128,
    v4: bool,
}

impl IpRange {
    /// `address/bits`, or one address. Refuses bits below the mask, which are a typing mistake more often than not.
    pub fn parse(text: &str) -> Result<IpRange, String> {
        let wrong = || format!("\"{text}\" is no address range such as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (network, width, v4) = match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32, true),
            IpAddr::V6(v6) => (v6.to_bits(), 128, false),
        };
        let bits = bits.unwrap_or(width);
        if bits > width {
            return Err(wrong());
        }
        let mask = if bits == 0 { 0 } else { u128::MAX << (width - bits) };
        let range = IpRange { network, mask, v4 };
        if network & mask & range.all() != network {
            return Err(format!("\"{text}\" has bits set below its mask; write the first address of the range"));
        }
        Ok(range)
    }

    fn all(&self) -> u128 {
        if self.v4 { u128::from(u32::MAX) } else { u128::MAX }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(v4) => self.v4 && u128::from(v4.to_bits()) & self.mask == self.network,
            IpAddr::V6(v6) => !self.v4 && v6.to_bits() & self.mask == self.network,
        }
    }
}

impl<'de> Deserialize<'de> for IpRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<IpRange, D::Error> {
        let text = String::deserialize(deserializer)?;
        IpRange::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::IpRange;

    #[test]
    fn a_range_contains_its_addresses_and_no_other() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "1.2.3.4"),
            ("2001:db8::/32", "2001:db8:ffff::", "2001:db9::"),
            ("10.0.0.0/8", "::ffff:10.1.1.1", "::10.1.1.1"),
            ("192.0.2.128/25", "192.0.2.255", "192.0.2.127"),
        ] {
            let parsed = IpRange::parse(range).unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{inside} in {range}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{outside} not in {range}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "example.test", "::/129", "10.0.0.1/8", "10.0.0.0/-1"]
        {
            assert!(IpRange::parse(text).is_err(), "{text}");
        }
    }
}
