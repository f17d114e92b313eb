use super::*;

const MIB: usize = 1 << 20;

fn slow(start_us: u64, memory_bytes: usize, isolation: Isolation, is_snapshot: bool) -> Option<String> {
    let cost = LoadCost { start: Duration::from_micros(start_us), memory_bytes, ..LoadCost::default() };
    let limits = Limits { memory_bytes_max: 16 << 20, ..Limits::default() };
    cost.slow(isolation, &limits, is_snapshot).map(|slow| slow.message)
}

#[test]
fn a_small_module_is_not_slow() {
    assert_eq!(slow(100, MIB, Isolation::Pooled, false), None);
    assert_eq!(slow(1000, 8 * MIB, Isolation::Pooled, false), None);
}

#[test]
fn what_would_be_felt_is_told_with_its_figure() {
    assert!(slow(1600, MIB, Isolation::Pooled, false).is_some_and(|text| text.contains("takes 1600 us")));
    assert!(slow(100, 9 * MIB, Isolation::Pooled, false).is_some_and(|text| text.contains("9437184 bytes")));
}

#[test]
fn an_instance_a_request_is_held_to_less_unless_it_is_a_snapshot() {
    assert!(slow(300, MIB, Isolation::Request, false).is_some_and(|text| text.contains("each call")));
    assert_eq!(slow(300, MIB, Isolation::Request, true), None);
}
