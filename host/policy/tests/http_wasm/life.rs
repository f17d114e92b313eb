//! Instances: one with an exchange from its request to its response, then back, and never more than a policy's share of the places.

use cardea_model::config::Isolation;

use crate::guest::Handler;
use crate::play::{Outcome, Play, given};

/// Counts its requests, and shows in `x-shown` how many it has seen.
fn counting() -> Handler {
    Handler::request(
        "(global.set $seen (i32.add (global.get $seen) (i32.const 1)))
         (i32.store8 (i32.const 1024) (i32.add (i32.const 48) (global.get $seen))) (call $show (i32.const 1))",
    )
    .with("(global $seen (mut i32) (i32.const 0))")
}

fn seen(played: &crate::play::Played) -> String {
    played.exchange.request.headers["x-shown"].to_str().unwrap().to_owned()
}

#[test]
fn an_instance_serves_one_exchange_after_the_other() {
    let mut play = Play::new(&counting());
    let counts: Vec<_> = (0..3).map(|_| seen(&play.exchange(&[], &[]))).collect();
    assert_eq!(counts, ["1", "2", "3"]);
    assert_eq!(play.worker.engine.instances(), 1);
}

#[test]
fn an_exchange_has_its_instance_to_itself_until_its_response() {
    let mut play = Play::new(&counting().response("(call $same32 (global.get $seen) (i32.const 1))"));
    let (mut first, mut second) = (play.get(), play.get());
    assert_eq!((seen(&first), seen(&second), play.worker.engine.instances()), ("1".into(), "1".into(), 2));
    for played in [&mut second, &mut first] {
        play.answer(played, given(&[]));
        play.complete(played, 200);
    }
    let third = play.get();
    assert_eq!((seen(&third), play.worker.engine.instances()), ("2".into(), 2));
}

#[test]
fn one_that_is_left_between_its_calls_is_thrown_away() {
    let mut play = Play::new(&counting());
    drop(play.get());
    assert_eq!(play.worker.engine.instances(), 0);
}

#[test]
fn with_isolation_each_exchange_has_one_of_its_own() {
    let mut play = Play::with(&counting(), |spec| spec.isolation = Isolation::Request);
    assert_eq!([seen(&play.exchange(&[], &[])), seen(&play.exchange(&[], &[]))], ["1", "1"]);
    assert_eq!(play.worker.engine.instances(), 0);
}

#[test]
fn slow_exchanges_of_one_policy_leave_places_to_another() {
    let mut play = Play::new(&counting());
    // Each waits for its backend's answer, until the test's engine of 16 places refuses.
    let waiting: Vec<_> = (0..8).map(|_| play.get()).collect();
    assert!(waiting.iter().all(|played| matches!(played.outcome, Outcome::Forward(_))));
    assert!(matches!(play.get().outcome, Outcome::Fail(failure) if failure.label() == "policy_overloaded"));
    let slow = play.turn_to("other", &counting());
    assert_eq!([seen(&play.exchange(&[], &[])), seen(&play.exchange(&[], &[]))], ["1", "2"], "it has its own instance");
    drop(waiting);
    play.policy = slow;
    assert_eq!(seen(&play.exchange(&[], &[])), "1");
}

#[test]
fn idle_instances_give_up_their_places_after_a_while() {
    let mut play = Play::new(&counting());
    let mut waiting: Vec<_> = (0..5).map(|_| play.get()).collect();
    for played in &mut waiting {
        play.answer(played, given(&[]));
    }
    assert_eq!(play.worker.engine.instances(), 5);
    play.worker.instances.tick(std::time::Instant::now());
    assert_eq!(play.worker.engine.instances(), 5, "they rest for half a minute first");
}

#[test]
fn an_instance_whose_memory_grew_is_not_kept() {
    let mut play = Play::new(&Handler::request("(drop (memory.grow (i32.const 20)))"));
    play.exchange(&[], &[]).outcome.forwarded();
    assert_eq!(play.worker.engine.instances(), 0);
    assert_eq!(play.worker.snapshot("test/handler").instances_recycled, 1);
}
