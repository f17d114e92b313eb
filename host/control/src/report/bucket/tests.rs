//! How many tokens there are to be had, and when.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::Bucket;

#[test]
fn a_full_bucket_gives_its_burst_and_then_its_rate() {
    let now = Instant::now();
    let mut bucket = Bucket::new(10.0, 3, now);
    for _ in 0..3 {
        assert_eq!(bucket.take(now), Ok(()));
    }
    assert_eq!(bucket.take(now), Err(Duration::from_millis(100)));
    assert_eq!(bucket.take(now + Duration::from_millis(101)), Ok(()));
}

proptest! {
    #[test]
    fn no_more_is_taken_than_burst_and_rate_allow(steps in prop::collection::vec(0..400_u64, 1..200)) {
        let start = Instant::now();
        let (mut bucket, mut now, mut taken) = (Bucket::new(5.0, 4, start), start, 0_u32);
        for step in steps {
            now += Duration::from_millis(step);
            taken += u32::from(bucket.take(now).is_ok());
        }
        prop_assert!(f64::from(taken) <= 4.0 + 5.0 * (now - start).as_secs_f64() + 0.001);
    }
}
