//! The life of a VM: it is made before there is a request, ticks, fails and starts again, and ends with its version.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cardea_model::config::{ServicePortRef, Upstream};
use cardea_policy::{Failure, Step};

use crate::Bench;
use crate::guest::{Guest, pairs};
use crate::support::exchange;

/// Later than any tick.
fn later() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn say(text: &str) -> String {
    format!("(drop (call $log (i32.const 2) «{text}»))")
}

/// Says what it hears of itself; `done` is what its root context answers.
fn telling(done: &str) -> Guest {
    Guest::default()
        .on("proxy_on_done", "(param $context i32) (result i32)", &(say("done") + done))
        .on("proxy_on_log", "(param $context i32)", &say("log"))
        .on("proxy_on_delete", "(param $context i32)", &say("delete"))
}

/// The lines since the last question, without those of the start.
fn news(bench: &Bench) -> Vec<String> {
    let lines = bench.lines();
    bench.worker.lines.lock().unwrap().clear();
    lines
}

/// Waits until ticks of 10 ms are due.
fn until_due() {
    let due = Instant::now() + Duration::from_millis(11);
    while Instant::now() < due {
        std::hint::spin_loop();
    }
}

#[test]
fn a_vm_starts_and_ticks_without_a_request_once_its_version_is_live() {
    let guest = Guest::default().start(&(say("configure") + "(drop (call $tick (i32.const 10))) (i32.const 1)")).on(
        "proxy_on_tick",
        "(param i32)",
        &say("tick"),
    );
    let mut bench = Bench::new(&guest);
    assert!(bench.policy.is_eager());
    news(&bench);
    bench.worker.instances.warm(&bench.policy, 2);
    assert_eq!(news(&bench), ["info configure"]);
    until_due();
    bench.worker.instances.tick(later());
    bench.worker.instances.advance(1);
    bench.worker.instances.tick(later());
    assert_eq!(news(&bench), Vec::<String>::new(), "another version is still live");
    bench.worker.instances.advance(2);
    bench.worker.instances.tick(later());
    assert_eq!(news(&bench), ["info tick"]);
    bench.worker.instances.warm(&bench.policy, 3);
    assert_eq!(news(&bench), Vec::<String>::new(), "it is there already");
}

#[test]
fn what_a_plugin_asks_for_when_it_starts_is_asked_when_it_is_live() {
    let head = pairs(&[(":method", "GET"), (":path", "/keys"), (":authority", "keys.test")]);
    let call = format!("(call $is (i32.const 0) (call $call_out «keys» «{head}» «» «» (i32.const 5) (i32.const 32)))");
    let guest = Guest::default().start(&(call + "(i32.const 1)")).request_headers("(i32.const 0)");
    let granted = || {
        Bench::with(&guest, |spec| {
            let port = ServicePortRef::Number(80);
            spec.grants.upstreams = vec![Upstream { name: Arc::from("keys"), service: Arc::from("keys"), port }];
        })
    };
    let mut bench = granted();
    bench.worker.instances.warm(&bench.policy, 2);
    assert!(bench.worker.instances.take_calls().is_empty());
    bench.worker.instances.advance(2);
    assert_eq!(bench.worker.instances.take_calls().len(), 1);

    let mut bench = granted();
    bench.worker.instances.warm(&bench.policy, 2);
    bench.forward(&mut exchange());
    assert_eq!(bench.worker.instances.take_calls().len(), 1, "a request shows that it is live");
}

#[test]
fn a_plugin_ends_with_its_version_after_its_streams() {
    let mut bench = Bench::new(&telling("(i32.const 1)").request_headers("(i32.const 0)"));
    let mut first = exchange();
    let mut run = bench.forward(&mut first);
    news(&bench);
    bench.worker.instances.sweep();
    assert_eq!(news(&bench), Vec::<String>::new(), "it is live");
    bench.complete(&mut run, &mut first);
    assert_eq!(news(&bench), ["info done", "info log", "info delete"], "of the stream");
    drop(run);
    let Bench { mut worker, policy } = bench;
    drop(policy);
    worker.instances.sweep();
    let lines: Vec<String> = worker.lines.lock().unwrap().clone();
    assert_eq!(lines, ["test/plugin info done", "test/plugin info log", "test/plugin info delete"]);
    assert!(worker.instances.has_left());
}

#[test]
fn a_plugin_that_is_not_done_ticks_on_until_it_says_so() {
    let guest = telling("(global.set $ending (i32.const 1)) (i32.const 0)")
        .plain("(global $ending (mut i32) (i32.const 0))")
        .start("(drop (call $tick (i32.const 10))) (i32.const 1)")
        .on("proxy_on_tick", "(param i32)", "(if (global.get $ending) (then (call $is (i32.const 0) (call $done))))");
    let mut bench = Bench::new(&guest);
    bench.worker.instances.warm(&bench.policy, 1);
    bench.worker.instances.advance(1);
    news(&bench);
    bench.worker.instances.leave();
    assert_eq!(news(&bench), ["info done"]);
    assert!(!bench.worker.instances.has_left());
    until_due();
    bench.worker.instances.tick(Instant::now());
    assert_eq!(news(&bench), ["info log", "info delete"]);
    assert!(bench.worker.instances.has_left());
}

#[test]
fn a_plugin_that_traps_at_its_end_has_ended() {
    let mut bench = Bench::new(&telling("(unreachable)"));
    bench.worker.instances.warm(&bench.policy, 1);
    bench.worker.instances.leave();
    assert!(bench.worker.instances.has_left());
    assert_eq!(failures(&bench, "policy_trap"), 1);
    bench.worker.instances.tick(later());
    assert_eq!(bench.worker.snapshot("test/plugin").instances_created, 1, "it does not start again");
}

#[test]
fn a_vm_that_failed_starts_again_without_a_request() {
    let guest = Guest::default().start(&(say("configure") + "(drop (call $tick (i32.const 10))) (i32.const 1)")).on(
        "proxy_on_tick",
        "(param i32)",
        "(unreachable)",
    );
    let mut bench = Bench::new(&guest);
    bench.worker.instances.warm(&bench.policy, 1);
    bench.worker.instances.advance(1);
    until_due();
    bench.worker.instances.tick(later());
    assert_eq!(failures(&bench, "policy_trap"), 1);
    news(&bench);
    bench.worker.instances.tick(later());
    assert_eq!(news(&bench), ["info configure"], "at once the first time");
    until_due();
    bench.worker.instances.tick(later());
    bench.worker.instances.tick(Instant::now());
    assert_eq!(news(&bench), Vec::<String>::new(), "then it waits");
}

#[test]
fn what_fails_at_the_end_of_a_stream_is_counted() {
    let guest = Guest::default().request_headers("(i32.const 0)").on("proxy_on_log", "(param i32)", "(unreachable)");
    let mut bench = Bench::new(&guest);
    let (mut first, mut second) = (exchange(), exchange());
    let (mut run, mut other) = (bench.forward(&mut first), bench.forward(&mut second));
    bench.complete(&mut run, &mut first);
    assert_eq!(failures(&bench, "policy_trap"), 1);
    bench.complete(&mut other, &mut second);
    assert_eq!(failures(&bench, "policy_trap"), 1, "its VM is gone already, which is no failure of its own");
}

fn failures(bench: &Bench, label: &str) -> u64 {
    let snapshot = bench.worker.snapshot("test/plugin");
    snapshot.failures.iter().find(|(known, _)| *known == label).unwrap().1
}

/// Each callback that traps ends the VM, and with it the other streams of it: by their own failure mode, with their next event.
#[test]
fn a_trap_in_any_callback_ends_the_streams_of_its_vm() {
    let headers = "(param $context i32) (param $count i32) (param $end i32) (result i32)";
    let callbacks = ["proxy_on_response_headers", "proxy_on_request_headers"];
    for callback in callbacks {
        for skips in [false, true] {
            // The first stream has number 2, the one that traps 3.
            let trap = "(if (i32.eq (local.get $context) (i32.const 3)) (then unreachable)) (i32.const 0)";
            let guest = Guest::default().on(callback, headers, trap);
            let guest = if callback == callbacks[0] { guest } else { guest.response_headers("(i32.const 0)") };
            let mut bench = if skips { Bench::skipping(&guest) } else { Bench::new(&guest) };
            let (mut first, mut second) = (exchange(), exchange());
            let mut other = bench.forward(&mut first);
            let (mut bad, step) = bench.head(&mut second);
            assert_eq!(matches!(step, Step::Fail(_, Failure::Trap(_))), callback == callbacks[1] && !skips);
            crate::answered(&mut second);
            bad.on_response(&mut bench.worker.instances, &mut second);
            crate::answered(&mut first);
            let step = other.on_response(&mut bench.worker.instances, &mut first);
            match step {
                cardea_policy::ResponseStep::Fail(_, Failure::Trap(why)) => {
                    assert!(!skips && why.contains("its VM ended"), "{callback}: {why}");
                }
                cardea_policy::ResponseStep::Forward => assert!(skips, "{callback}"),
                other => panic!("{callback}: {other:?}"),
            }
            bench.forward(&mut exchange());
        }
    }
}
