#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

#[test]
fn a_change_leaves_the_original_and_shares_the_other_pages() {
    let original: Paged<usize> = (0..300).collect();
    let mut changed = original.clone();
    changed.set(70, Some(7));
    changed.set(71, None);
    changed.set(1_000, Some(1));
    assert_eq!((original.get(70), original.get(71), original.get(1_000)), (Some(&70), Some(&71), None));
    assert_eq!((changed.get(70), changed.get(71), changed.get(1_000)), (Some(&7), None, Some(&1)));
    assert_eq!((original.len(), changed.len()), (300, 300));
    let shared = original.pages.iter().zip(&changed.pages).filter(|(one, other)| Arc::ptr_eq(one, other));
    assert_eq!(shared.count(), original.pages.len() - 1);
}

#[test]
fn values_come_with_their_numbers() {
    let mut paged = Paged::default();
    paged.set(66, Some('b'));
    paged.set(2, Some('a'));
    paged.set(5_000, None);
    assert_eq!(paged.entries().collect::<Vec<_>>(), [(2, &'a'), (66, &'b')]);
    assert_eq!(paged.iter().collect::<String>(), "ab");
    assert!(paged.bound() > 66 && paged.bound() < 5_000);
}

#[test]
fn a_number_is_taken_once_until_it_is_given_back() {
    let mut numbers = Numbers::default();
    assert_eq!([numbers.take(), numbers.take(), numbers.take()], [0, 1, 2]);
    numbers.give_back(1);
    assert_eq!([numbers.take(), numbers.take()], [1, 3]);
}
