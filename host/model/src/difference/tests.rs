#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn what_is_left_and_what_came_is_what_there_is(
        before in prop::collection::btree_set(0usize..20, 0..20),
        after in prop::collection::btree_set(0usize..20, 0..20),
        is_reversed: bool,
    ) {
        let pool: Vec<Arc<usize>> = (0..20).map(Arc::new).collect();
        let list = |set: &std::collections::BTreeSet<usize>| set.iter().map(|at| pool[*at].clone()).collect::<Vec<_>>();
        let (old, mut new) = (list(&before), list(&after));
        if is_reversed {
            new.reverse();
        }
        let edits = Edits::between(&old, &new);
        let values = |list: &[Arc<usize>]| list.iter().map(|value| **value).collect::<std::collections::BTreeSet<_>>();
        prop_assert_eq!(values(&edits.gone), before.difference(&after).copied().collect());
        prop_assert_eq!(values(&edits.come), after.difference(&before).copied().collect());
    }
}

#[test]
fn an_equal_object_at_another_address_has_changed() {
    let (one, other) = (Arc::new(1), Arc::new(1));
    let (one, other) = ([one], [other]);
    let edits = Edits::between(&one, &other);
    assert!(Arc::ptr_eq(&edits.gone[0], &one[0]) && Arc::ptr_eq(&edits.come[0], &other[0]));
    assert!(Edits::between(&one, &one.clone()).is_empty());
}
