use super::*;

const LIMIT: Duration = Duration::from_millis(10);

fn spin(time: Duration) {
    let start = thread_cpu_time().unwrap_or_default();
    while thread_cpu_time().unwrap_or_default() - start < time {
        std::hint::black_box(0);
    }
}

/// A call whose first half is over.
fn half_over() -> Deadline {
    let deadline = Deadline::new();
    let earlier = Instant::now().checked_sub(LIMIT / 2).unwrap_or_else(Instant::now);
    assert_eq!(deadline.begin(earlier, LIMIT), 5);
    deadline
}

#[test]
fn a_guest_that_ran_all_the_time_is_interrupted() {
    let deadline = half_over();
    assert!(matches!(deadline.reached(), UpdateDeadline::Continue(5)));
    spin(LIMIT / 2);
    assert!(matches!(deadline.reached(), UpdateDeadline::Interrupt));
}

#[test]
fn a_guest_whose_thread_waited_goes_on() {
    let deadline = half_over();
    deadline.reached();
    // Asked again at once: as if all the time since had gone to other threads.
    assert!(matches!(deadline.reached(), UpdateDeadline::Continue(_)));
}

#[test]
fn ticks_that_come_early_take_nothing_away() {
    let deadline = Deadline::new();
    deadline.begin(Instant::now(), Duration::from_secs(10));
    for _ in 0..10 {
        assert!(matches!(deadline.reached(), UpdateDeadline::Continue(4000..)));
    }
    spin(LIMIT);
    assert!(matches!(deadline.reached(), UpdateDeadline::Continue(4000..)), "the first half is wall time");
}

#[test]
fn the_shortest_deadline_is_a_tick() {
    let deadline = Deadline::new();
    assert_eq!(deadline.begin(Instant::now(), Duration::ZERO), 1);
    assert!(matches!(deadline.reached(), UpdateDeadline::Interrupt));
}
