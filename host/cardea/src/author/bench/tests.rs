#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use super::sample::{Bounds, Sample, repeat};

#[test]
fn a_sample_tells_its_middle_and_its_tail() {
    let times = (1..=200).rev().map(Duration::from_nanos).collect();
    let sample = Sample::of(times).unwrap();
    assert_eq!(sample, Sample { calls: 200, min_ns: 1, median_ns: 101, p99_ns: 199 });
    assert_eq!(Sample::of(vec![Duration::from_nanos(7)]).unwrap().p99_ns, 7);
    assert_eq!(Sample::of(Vec::new()), None);
}

#[test]
fn what_is_slow_is_done_once_and_what_fails_ends_it() {
    let never = Bounds { warm_up: Duration::ZERO, time: Duration::ZERO, count_max: 5 };
    let mut done = 0;
    let mut once = || -> Result<u32, &str> {
        done += 1;
        if done < 4 { Ok(done) } else { Err("no") }
    };
    assert_eq!(repeat(never, &mut once), Ok(vec![2]), "the first is the warm-up");
    let long = Bounds { time: Duration::from_secs(600), ..never };
    assert_eq!(repeat(long, &mut once), Err("no"));
    let many = Bounds { time: Duration::from_secs(600), ..never };
    assert_eq!(repeat(many, || Ok::<_, ()>(1)).map(|kept| kept.len()), Ok(5), "not more than asked for");
}
