use proptest::prelude::*;

use super::*;

proptest! {
    /// Whatever a guest answers, checking it neither panics nor lets a control character through; the fuzz target runs
    /// the same function.
    #[test]
    fn any_outcome_is_accepted_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Err(failure) = fuzz_request_outcome(&bytes) {
            prop_assert!(crate::Failure::LABELS.contains(&failure.label()));
            prop_assert!(!failure.to_string().contains(['\r', '\n']));
            prop_assert!(failure.to_string().len() < 500);
        }
    }
}
