#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

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

#[test]
fn a_copy_that_changes_leaves_the_original() {
    let key = |number: u64| Hash { place: number << 53, tag: number };
    let mut original = Table::with_room_for(1_000);
    for number in 0..200 {
        original.insert(key(number), entry(number as u32)).unwrap();
    }
    let mut changed = original.clone();
    changed.replace(key(3), entry(1_003));
    changed.remove(key(4));
    assert_eq!((original.find(key(3)), original.find(key(4))), (Some(entry(3)), Some(entry(4))));
    assert_eq!((changed.find(key(3)), changed.find(key(4))), (Some(entry(1_003)), None));
}

proptest! {
    /// Few places, so that buckets overflow, and keys go past others that leave again.
    #[test]
    fn a_table_is_a_map(edits in prop::collection::vec((0u64..40, any::<bool>(), any::<u32>()), 0..200)) {
        let mut table = Table::with_room_for(20);
        let mut map = std::collections::HashMap::new();
        for (number, is_kept, value) in edits {
            let hash = Hash { place: (number % 3) << 60, tag: number };
            match (map.contains_key(&number), is_kept) {
                (true, true) => table.replace(hash, entry(value)),
                (true, false) => table.remove(hash),
                // One less than there are slots.
                (false, true) if map.len() < 34 => table.insert(hash, entry(value)).unwrap(),
                (false, _) => continue,
            }
            if is_kept { map.insert(number, entry(value)) } else { map.remove(&number) };
            for number in 0..40 {
                let hash = Hash { place: (number % 3) << 60, tag: number };
                prop_assert_eq!(table.find(hash), map.get(&number).copied());
            }
        }
        for number in map.keys() {
            table.remove(Hash { place: (number % 3) << 60, tag: *number });
        }
        prop_assert!(table.pages.iter().all(|page| page.iter().all(|bucket| bucket.state == 0)));
    }
}
