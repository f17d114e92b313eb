//! The wire form of maps.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::{BYTES_MAX, PAIRS_MAX, PairsError, decode, encode, size};

fn encoded(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
    encode(&pairs, &mut out);
    out
}

#[test]
fn a_map_has_the_bytes_that_the_specification_says() {
    let bytes = encoded(&[(b"a".to_vec(), b"bc".to_vec()), (b":path".to_vec(), Vec::new())]);
    let expected = b"\x02\0\0\0\x01\0\0\0\x02\0\0\0\x05\0\0\0\0\0\0\0a\0bc\0:path\0\0";
    assert_eq!(bytes, expected);
    assert_eq!(decode(expected).unwrap(), [(&b"a"[..], &b"bc"[..]), (b":path", b"")]);
}

#[test]
fn no_bytes_and_a_count_of_zero_are_empty_maps() {
    assert_eq!(decode(b"").unwrap(), []);
    assert_eq!(decode(b"\0\0\0\0").unwrap(), []);
    assert_eq!(encoded(&[]), b"");
}

#[test]
fn a_map_that_lies_about_its_lengths_is_refused() {
    let good = encoded(&[(b"name".to_vec(), b"value".to_vec())]);
    for end in 1..good.len() {
        assert!(decode(&good[..end]).is_err(), "cut at {end}");
    }
    assert_eq!(decode(&[&good[..], b"x"].concat()), Err(PairsError::Length));
    assert_eq!(decode(b"\xff\xff\xff\xff"), Err(PairsError::TooMany));
    assert_eq!(decode(b"\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0"), Err(PairsError::Length));
    assert_eq!(decode(b"\x01\0\0\0\x01\0\0\0\0\0\0\0ab\0"), Err(PairsError::Terminator));
    assert_eq!(decode(&vec![0; BYTES_MAX + 1]), Err(PairsError::TooLarge));
    let many = vec![(Vec::new(), Vec::new()); PAIRS_MAX + 1];
    assert_eq!(decode(&encoded(&many)), Err(PairsError::TooMany));
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(pairs in proptest::collection::vec((any::<Vec<u8>>(), any::<Vec<u8>>()), 0..20)) {
        let bytes = encoded(&pairs);
        let decoded: Vec<_> = decode(&bytes).unwrap().into_iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
        prop_assert_eq!(&decoded, &pairs);
        if !pairs.is_empty() {
            prop_assert_eq!(bytes.len(), size(pairs.iter().map(|(n, v)| (n.as_slice(), v.as_slice()))));
        }
    }

    #[test]
    fn any_bytes_are_a_map_or_an_error(bytes in any::<Vec<u8>>()) {
        if let Ok(pairs) = decode(&bytes) {
            let owned: Vec<_> = pairs.iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
            if !owned.is_empty() {
                prop_assert_eq!(encoded(&owned), bytes);
            }
        }
    }
}
