#![allow(clippy::unwrap_used)]

use super::{Entry, Table};
use crate::lookup::hash::Hash;

fn entry(value: u32) -> Entry {
    Entry { kind: 1 + (value % 7) as u8, value }
}

#[test]
fn keys_that_do_not_fit_their_bucket_are_found_in_the_next() {
    // All want the last bucket, so that they spill over the end of the table.
    let place = (1 << 61) - 1;
    let keys: Vec<Hash> = (0..40).map(|tag| Hash { place, tag }).collect();
    let mut table = Table::with_room_for(keys.len());
    for (key, value) in keys.iter().zip(0..) {
        table.insert(*key, entry(value)).unwrap();
    }
    for (key, value) in keys.iter().zip(0..) {
        assert_eq!(table.find(*key), Some(entry(value)));
    }
    assert_eq!(table.find(Hash { place, tag: 40 }), None);
    assert_eq!(table.find(Hash { place: 0, tag: 99 }), None);
}

#[test]
fn the_whole_tag_counts() {
    let key = Hash { place: 5, tag: (1 << 60) | 7 };
    let mut table = Table::with_room_for(1);
    table.insert(key, entry(3)).unwrap();
    assert_eq!(table.find(key), Some(entry(3)));
    for bit in 0..61 {
        assert_eq!(table.find(Hash { tag: key.tag ^ (1 << bit), ..key }), None, "{bit}");
    }
}

#[test]
fn two_keys_with_one_hash_are_told() {
    let key = Hash { place: 5, tag: 7 };
    let mut table = Table::with_room_for(2);
    table.insert(key, entry(1)).unwrap();
    assert!(table.insert(key, entry(2)).is_err());
}
