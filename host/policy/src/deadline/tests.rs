use super::*;

fn spin(time: Duration) {
    let start = thread_cpu_time().unwrap_or_default();
    while thread_cpu_time().unwrap_or_default() - start < time {
        std::hint::black_box(0);
    }
}

#[test]
fn a_guest_that_ran_all_the_time_is_interrupted() {
    let deadline = Deadline::new();
    assert_eq!(deadline.begin(Duration::from_millis(10)), 6);
    assert!(matches!(deadline.reached(), UpdateDeadline::Continue(5)));
    spin(Duration::from_millis(5));
    assert!(matches!(deadline.reached(), UpdateDeadline::Interrupt));
}

#[test]
fn a_guest_whose_thread_waited_goes_on() {
    let deadline = Deadline::new();
    deadline.begin(Duration::from_millis(10));
    deadline.reached();
    // Asked again at once: as if all the time since had gone to other threads.
    assert!(matches!(deadline.reached(), UpdateDeadline::Continue(_)));
    deadline.begin(Duration::from_millis(10));
    spin(Duration::from_millis(6));
    assert!(matches!(deadline.reached(), UpdateDeadline::Continue(5)), "a new call has a new deadline");
}

#[test]
fn the_shortest_deadline_is_a_tick() {
    let deadline = Deadline::new();
    assert_eq!(deadline.begin(Duration::ZERO), 2);
    assert!(matches!(deadline.reached(), UpdateDeadline::Interrupt));
}
