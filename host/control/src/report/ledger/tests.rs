//! When an object may be written, and when not.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{AGAIN_AFTER_MAX, Ledger};
use crate::report::ObjectName;

fn shop() -> ObjectName {
    ObjectName::new("default", "shop")
}

fn version(text: &str) -> Arc<str> {
    text.into()
}

#[test]
fn what_was_never_written_may_be() {
    let ledger = Ledger::default();
    assert_eq!(ledger.may_write(&shop(), "1", &"a", Instant::now()), Ok(()));
}

#[test]
fn a_write_is_not_repeated_until_it_is_seen() {
    let (mut ledger, now) = (Ledger::default(), Instant::now());
    ledger.wrote(shop(), version("1"), Some(version("2")), "a", now);
    let much_later = now + Duration::from_secs(3600);
    assert_eq!(ledger.may_write(&shop(), "1", &"a", much_later), Err(None));
}

#[test]
fn a_write_of_which_the_server_made_something_else_is_not_repeated() {
    let (mut ledger, now) = (Ledger::default(), Instant::now());
    ledger.wrote(shop(), version("1"), Some(version("2")), "a", now);
    assert_eq!(ledger.may_write(&shop(), "2", &"a", now + Duration::from_secs(3600)), Err(None));
}

#[test]
fn another_value_may_be_written_at_once() {
    let (mut ledger, now) = (Ledger::default(), Instant::now());
    ledger.wrote(shop(), version("1"), Some(version("2")), "a", now);
    assert_eq!(ledger.may_write(&shop(), "1", &"b", now), Ok(()));
}

#[test]
fn whoever_fights_us_meets_longer_and_longer_pauses() {
    let (mut ledger, mut now) = (Ledger::default(), Instant::now());
    let mut pauses = Vec::new();
    for round in 0..12_u32 {
        let base = version(&format!("{}", round * 2));
        ledger.wrote(shop(), base, Some(version(&format!("{}", round * 2 + 1))), "a", now);
        let theirs = format!("{}", round * 2 + 2);
        let next = ledger.may_write(&shop(), &theirs, &"a", now).unwrap_err().unwrap();
        pauses.push(next - now);
        assert_eq!(ledger.may_write(&shop(), &theirs, &"a", next), Ok(()));
        now = next;
    }
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert_eq!(pauses.first(), Some(&Duration::from_secs(1)));
    assert_eq!(pauses.last(), Some(&AGAIN_AFTER_MAX));
}

#[test]
fn a_lost_race_is_run_again_when_the_winner_is_seen() {
    let (mut ledger, now) = (Ledger::default(), Instant::now());
    ledger.lost(shop(), version("1"));
    assert_eq!(ledger.may_write(&shop(), "1", &"a", now), Err(None));
    assert_eq!(ledger.may_write(&shop(), "2", &"a", now), Ok(()));
}

#[test]
fn a_failed_write_is_tried_again_after_a_pause() {
    let (mut ledger, now) = (Ledger::default(), Instant::now());
    ledger.wrote(shop(), version("1"), None, "a", now);
    assert_eq!(ledger.may_write(&shop(), "1", &"a", now), Err(Some(now + Duration::from_secs(1))));
    assert_eq!(ledger.may_write(&shop(), "1", &"a", now + Duration::from_secs(1)), Ok(()));
}

#[test]
fn what_is_gone_is_forgotten() {
    let (mut ledger, now) = (Ledger::default(), Instant::now());
    ledger.wrote(shop(), version("1"), Some(version("2")), "a", now);
    ledger.retain(|_| false);
    assert_eq!(ledger.may_write(&shop(), "1", &"a", now), Ok(()));
}
