#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

#[test]
fn a_change_leaves_the_original_and_shares_the_other_parts() {
    let mut original: Shards<String, usize> = Shards::default();
    for number in 0..1_000 {
        original.set(number.to_string(), Some(number));
    }
    let mut changed = original.clone();
    changed.set("7".into(), Some(70));
    assert_eq!((original.get("7"), changed.get("7"), changed.get("8")), (Some(&7), Some(&70), Some(&8)));
    let shared = original.shards.iter().zip(&changed.shards).filter(|(one, other)| Arc::ptr_eq(one, other));
    assert_eq!(shared.count(), SHARDS - 1);
    changed.set("7".into(), None);
    assert_eq!((changed.get("7"), changed.len(), original.iter().count()), (None, 999, 1_000));
}
