//! What policies decide and keep, through the real engine: each test is one promise of the interface.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use cardea_model::config::{FailureMode, Isolation};
use cardea_policy::{
    Clock, Decided, DecisionKind, Exchange, Failure, Policy, Random, ResponseHead, ResponseStep, Run, Sources, Step,
    Summary, Target, UserValue,
};
use http::{HeaderMap, StatusCode};
use support::guest::words;
use support::{Guest, Worker, chain, exchange, spec};

/// An outcome at 1024 whose decision is `words`, without edits.
fn deciding(decision: &[u32]) -> Guest {
    Guest::next().with(&words(1024, decision)).data(4000, "canary").data(4016, "stable").data(4032, "no-token")
}

/// An outcome of `next` with the edits at 3000.
fn editing(edits: &[[u32; 5]]) -> Guest {
    Guest::next().with(&words(1024 + 32, &[3000, edits.len() as u32])).with(&words(3000, &edits.concat()))
}

fn reply(step: Step) -> cardea_policy::Reply {
    match step {
        Step::Reply(reply) => reply,
        other => panic!("no reply: {other:?}"),
    }
}

fn kinds(run: &Run) -> Vec<DecisionKind> {
    run.decided.iter().map(|decided: &Decided| decided.kind).collect()
}

#[test]
fn the_reference_policy_decides_and_its_reads_are_recorded() {
    let mut worker = Worker::default();
    let policy = worker.load("reference", &support::reference::guest());

    let mut plain = exchange();
    let run = worker.forward(&policy, &mut plain);
    assert_eq!(plain.request.headers["x-policy"], "reference");
    assert_eq!(run.target, None);
    assert_eq!(run.reads(&run.decided[0]), ["path", "header:x-canary"]);
    assert_eq!((&*run.decided[0].policy, run.decided[0].kind), ("test/reference", DecisionKind::Next));

    let mut canary = exchange();
    canary.request.headers.insert("x-canary", "1".parse().unwrap());
    let run = worker.forward(&policy, &mut canary);
    assert_eq!(run.target, Some(Target::Backend(Arc::from("canary"))));
    assert_eq!(canary.backend.as_deref(), Some("canary"));
    assert_eq!(run.reads(&run.decided[0]), ["header:x-canary"]);
    assert!(!canary.request.headers.contains_key("x-policy"));

    let mut admin = exchange();
    admin.request.uri = "/admin/users".parse().unwrap();
    let (run, step) = worker.request(&policy, &mut admin);
    let reply = reply(step);
    assert_eq!((reply.status, &reply.body[..]), (StatusCode::UNAUTHORIZED, &b"401 Unauthorized\n"[..]));
    assert_eq!(run.decided[0].detail, "no-authorization");

    admin.request.headers.insert("authorization", "Basic eDp5".parse().unwrap());
    worker.forward(&policy, &mut admin);
    let snapshot = worker.snapshot("test/reference");
    let count = |kind| snapshot.decisions.iter().find(|(known, _)| *known == kind).unwrap().1;
    assert_eq!(snapshot.calls, 4);
    assert_eq!((count(DecisionKind::Next), count(DecisionKind::Route), count(DecisionKind::Deny)), (2, 1, 1));
    assert_eq!((snapshot.instances_created, snapshot.durations.iter().sum::<u64>()), (1, 4));
}

#[test]
fn a_denial_is_rendered_with_retry_after_in_whole_seconds() {
    let mut worker = Worker::default();
    let policy = worker.load("deny", &deciding(&[4, 429, 4032, 8, 0, 0, 1, 1500]));
    let reply = reply(worker.request(&policy, &mut exchange()).1);
    assert_eq!((reply.status.as_u16(), &reply.headers["retry-after"]), (429, &"2".parse().unwrap()));
    assert_eq!(
        (&reply.body[..], &reply.headers["content-type"]),
        (&b"429 Too Many Requests\n"[..], &"text/plain; charset=utf-8".parse().unwrap())
    );
}

#[test]
fn a_denial_below_400_and_a_redirect_of_another_status_are_invalid() {
    let mut worker = Worker::default();
    let deny = worker.load("deny", &deciding(&[4, 399, 4032, 8]));
    assert!(matches!(worker.failure(&deny), Failure::OutcomeInvalid(_)));
    let redirect = worker.load("redirect", &deciding(&[2, 304, 4000, 6]));
    assert!(matches!(worker.failure(&redirect), Failure::OutcomeInvalid(_)));
    let respond = worker.load("respond", &deciding(&[3, 101]));
    assert!(matches!(worker.failure(&respond), Failure::OutcomeInvalid(_)));
}

#[test]
fn a_redirect_has_its_location() {
    let mut worker = Worker::default();
    let policy = worker.load("redirect", &deciding(&[2, 308, 4100, 12]).data(4100, "https://b/c?"));
    let reply = reply(worker.request(&policy, &mut exchange()).1);
    assert_eq!((reply.status.as_u16(), &reply.headers["location"]), (308, &"https://b/c?".parse().unwrap()));
}

#[test]
fn weighted_backends_are_drawn_by_weight_and_all_must_be_declared() {
    let mut worker = Worker::default();
    let entries = words(3000, &[4000, 6, 1, 4016, 6, 3]);
    let policy = worker.load("weighted", &deciding(&[1, 1, 3000, 2]).with(&entries));
    let canary = Some(Target::Backend(Arc::from("canary")));
    let drawn = (0..4000).filter(|_| worker.forward(&policy, &mut exchange()).target == canary).count();
    assert!((850..1150).contains(&drawn), "{drawn} of 4000 by a weight of 1 in 4");
    worker.backends = vec!["canary"];
    assert_eq!(worker.failure(&policy), Failure::UnknownBackend(String::from("stable")));
    let none = worker.load("none", &deciding(&[1, 1, 3000, 0]));
    assert!(matches!(worker.failure(&none), Failure::OutcomeInvalid(_)));
}

#[test]
fn a_subset_names_endpoint_labels() {
    let mut worker = Worker::default();
    let pairs = words(3000, &[4100, 4, 4104, 1]);
    let policy = worker.load("subset", &deciding(&[1, 2, 3000, 1]).with(&pairs).data(4100, "zonea"));
    let run = worker.forward(&policy, &mut exchange());
    assert_eq!(run.target, Some(Target::Subset(vec![(String::from("zone"), String::from("a"))])));
}

#[test]
fn fields_beside_the_map_are_fields_like_others() {
    let mut worker = Worker::default();
    let edits = editing(&[[0, 4000, 12, 4020, 1]]); // set x-request-id
    let policy = worker.load("renaming", &edits.data(4000, "X-Request-Id").data(4020, "8"));
    let mut exchange = exchange();
    exchange.beside.request_id = Some([b'7'; 32]);
    exchange.beside.forwarded_proto = Some("https");
    let (id, proto) = ("x-request-id".parse().unwrap(), "x-forwarded-proto".parse().unwrap());
    assert_eq!((exchange.value(&id), exchange.value(&proto)), (Some(&[b'7'; 32][..]), Some(&b"https"[..])));
    assert_eq!(exchange.fields().filter(|(name, _)| *name == id).count(), 1);
    worker.forward(&policy, &mut exchange);
    assert_eq!(exchange.values(&id).collect::<Vec<_>>(), [b"8"], "an edit replaces it");
    assert_eq!(exchange.values(&proto).collect::<Vec<_>>(), [b"https"], "and moves the others with it");
    assert_eq!(exchange.beside.iter().count(), 0);
}

#[test]
fn the_host_field_is_not_among_what_policies_see() {
    let mut exchange = exchange();
    exchange.request.headers.insert("host", "shop.test".parse().unwrap());
    let host = http::header::HOST;
    assert!(exchange.value(&host).is_none() && exchange.values(&host).next().is_none());
    assert!(exchange.fields().all(|(name, _)| *name != host));
}

#[test]
fn edits_apply_in_order_and_replace_path_query_and_authority() {
    let mut worker = Worker::default();
    let guest = editing(&[
        [0, 4000, 6, 4010, 3], // set accept
        [1, 4000, 6, 4010, 2], // append accept
        [2, 4020, 10, 0, 0],   // remove user-agent
        [3, 4040, 8, 0, 0],    // set-path /a/./b%7e: normalised
        [4, 1, 4060, 3, 0],    // set-query
        [5, 4070, 10, 0, 0],   // set-authority
    ]);
    let guest = guest.data(4000, "Accept").data(4010, " x ").data(4020, "user-agent").data(4040, "/./a%7eb");
    let policy = worker.load("editing", &guest.data(4060, "q=1").data(4070, "New.test:8"));
    let mut exchange = exchange();
    worker.forward(&policy, &mut exchange);
    let accept: Vec<_> = exchange.request.headers.get_all("accept").iter().collect();
    assert_eq!(accept, ["x", "x"]);
    assert!(!exchange.request.headers.contains_key("user-agent"));
    assert_eq!(exchange.request.uri, "/a~b?q=1");
    assert_eq!(exchange.authority(), "new.test:8");
}

#[test]
fn removing_the_query_keeps_the_path() {
    let mut worker = Worker::default();
    let policy = worker.load("no-query", &editing(&[[4, 0, 0, 0, 0]]));
    let mut exchange = exchange();
    worker.forward(&policy, &mut exchange);
    assert_eq!(exchange.request.uri, "/cart");
}

/// A guest whose answer to `function` of the exchange, called with the string at 4000, is copied into the header `x-a`.
fn echo_named(function: &str, name: &str) -> Guest {
    let request = format!(
        "(call $ask (i32.const 4000) (i32.const {}) (i32.const 3100))
         (if (i32.eqz (i32.load8_u (i32.const 3100))) (then (return (i32.const 1152))))
         (i32.store (i32.const 3012) (i32.load (i32.const 3104)))
         (i32.store (i32.const 3016) (i32.load (i32.const 3108)))
         i32.const 1024",
        name.len()
    );
    Guest::request(&request)
        .import("exchange", function, "ask", "(param i32 i32 i32)")
        .with(&words(1024 + 32, &[3000, 1]))
        .with(&words(3000, &[0, 4200, 3]))
        .data(4000, name)
        .data(4200, "x-a")
}

#[track_caller]
fn check_named(function: &str, name: &str, expected: Option<&str>) {
    let mut worker = Worker::default();
    let policy = worker.load("echo", &echo_named(function, name));
    let mut exchange = exchange();
    exchange.response = None;
    worker.forward(&policy, &mut exchange);
    let found = exchange.request.headers.get("x-a").map(|value| value.to_str().unwrap());
    assert_eq!(found, expected, "{function}({name})");
}

#[test]
fn questions_by_name_have_the_first_value_or_none() {
    check_named("header", "Accept", Some("*/*"));
    check_named("header", "x-none", None);
    check_named("header", "not a name", None);
    check_named("cookie", "session", Some("abc"));
    check_named("cookie", "a", Some("1"));
    check_named("cookie", "b", None);
    check_named("query-param", "user", Some("a b"));
    check_named("query-param", "use", None);
    check_named("attribute", "route.namespace", Some("test"));
    check_named("attribute", "route.name", Some("shop"));
    check_named("attribute", "http.version", Some("1.1"));
    check_named("attribute", "source.address", Some("0.0.0.0"));
    check_named("attribute", "no.such", None);
    check_named("response-header", "accept", None);
    check_named("note", "none", None);
}

#[test]
fn a_chain_runs_in_order_until_a_reply() {
    let mut worker = Worker::default();
    let route = worker.load("route", &deciding(&[1, 0, 4000, 6]));
    let other = worker.load("other", &deciding(&[1, 0, 4016, 6]));
    let deny = worker.load("deny", &deciding(&[4, 403, 4032, 8]));
    let (run, step) = worker.chain(&chain(&[route, deny, other]), &mut exchange());
    assert_eq!(reply(step).status, StatusCode::FORBIDDEN);
    assert_eq!(kinds(&run), [DecisionKind::Route, DecisionKind::Deny]);
}

#[test]
fn a_later_policy_may_choose_again() {
    let mut worker = Worker::default();
    let route = worker.load("route", &deciding(&[1, 0, 4000, 6]));
    let other = worker.load("other", &deciding(&[1, 0, 4016, 6]));
    let (run, _) = worker.chain(&chain(&[route, other]), &mut exchange());
    assert_eq!(run.target, Some(Target::Backend(Arc::from("stable"))));
}

fn skipping(worker: &Worker, guest: &Guest) -> Arc<Policy> {
    let mut spec = spec("skipping", &guest.build());
    spec.failure_mode = FailureMode::Skip;
    worker.try_load(spec).unwrap()
}

#[test]
fn a_failed_policy_is_skipped_only_where_its_failure_mode_says_so() {
    let mut worker = Worker::default();
    let broken = skipping(&worker, &Guest::request("unreachable"));
    let set = worker.load("set", &editing(&[[0, 4000, 6, 4000, 6]]).data(4000, "x-later"));
    let mut exchange = exchange();
    let (run, step) = worker.chain(&chain(&[broken, set]), &mut exchange);
    assert!(matches!(step, Step::Forward));
    assert_eq!(kinds(&run), [DecisionKind::Skipped, DecisionKind::Next]);
    assert_eq!(run.decided[0].detail, "policy_trap");
    assert_eq!(exchange.request.headers["x-late"], "x-late");
}

#[test]
fn a_policy_that_never_loaded_fails_by_its_mode() {
    let mut worker = Worker::default();
    let policy = worker.load("gone", &Guest::next());
    let mut chain = Arc::try_unwrap(chain(&[policy])).unwrap();
    chain.members[0].loaded = None;
    match worker.chain(&Arc::new(chain), &mut exchange()).1 {
        Step::Fail(name, failure) => assert_eq!((&*name, failure), ("test/gone", Failure::NotLoaded)),
        other => panic!("{other:?}"),
    }
}

/// Wants 10 bytes of body, then the response and the end; each later phase appends what it was given to `x-a`.
fn every_phase() -> Guest {
    Guest::request("i32.const 1024")
        .world("gateway")
        .import("log", "log", "log", "(param i32 i32 i32)")
        .with(&words(1024, &[5, 10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4000, 5]))
        .data(4000, "first")
        .with(
            "(func $body (param i32 i32 i32 i32 i32) (result i32)
               (call $log (i32.const 2) (local.get 0) (local.get 1))
               (call $log (i32.const 2) (local.get 3) (local.get 4))
               i32.const 1152)",
        )
        .with(&words(1152, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3000, 1, 3, 4008, 6]))
        .data(4008, "second")
        .with(&words(3000, &[0, 4016, 3, 4024, 1]))
        .data(4016, "x-a")
        .data(4024, "1")
        .with(
            "(func $response (param i32 i32) (result i32)
               (call $log (i32.const 2) (local.get 0) (local.get 1))
               i32.const 1280)",
        )
        .with(&words(1280, &[0, 0, 0, 0, 0, 0, 0, 0, 4032, 5]))
        .data(4032, "third")
        .with(
            "(func $complete (param i32 i64 i64 i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32)
               (call $log (i32.const 2) (local.get 12) (local.get 13))
               (call $log (i32.const 2) (local.get 6) (local.get 7)))",
        )
}

fn head() -> ResponseHead {
    ResponseHead { status: StatusCode::OK, headers: HeaderMap::new(), ended: true }
}

fn summary() -> Summary {
    Summary {
        status: 200,
        duration_us: 10,
        upstream_us: 5,
        bytes_in: 1,
        bytes_out: 2,
        backend: Some(Arc::from("stable")),
        retries: 0,
        error: None,
    }
}

#[test]
fn carry_goes_from_phase_to_phase() {
    let mut worker = Worker::default();
    let policy = worker.load("phases", &every_phase());
    assert_eq!(policy.phases(), ["on-request-body", "on-response", "on-complete"]);
    let mut exchange = exchange();
    let (mut run, step) = worker.request(&policy, &mut exchange);
    assert!(matches!(step, Step::WantBody(demand) if demand.bytes_max == 10 && demand.deny_on_overflow), "{step:?}");
    let step = run.on_request_body(&mut worker.instances, &mut exchange, &|_| false, b"hello", true);
    assert!(matches!(step, Step::Forward), "{step:?}");
    assert!(run.wants_response() && run.wants_complete());
    exchange.response = Some(head());
    assert!(matches!(run.on_response(&mut worker.instances, &mut exchange), ResponseStep::Forward));
    assert_eq!(exchange.response.as_ref().unwrap().headers["x-a"], "1");
    run.on_complete(&mut worker.instances, &mut exchange, &summary());
    let lines = worker.lines.lock().unwrap().clone();
    let said = ["hello", "first", "second", "third", "stable"].map(|text| format!("test/phases info {text}"));
    assert_eq!(lines, said);
    assert_eq!(kinds(&run), [DecisionKind::WantBody, DecisionKind::Next, DecisionKind::Next]);
    assert_eq!(run.reads(&run.decided[1]), ["body"]);
}

#[test]
fn a_body_demand_beyond_the_limit_is_refused() {
    let mut worker = Worker::default();
    let mut spec = spec("phases", &every_phase().build());
    spec.limits.body_bytes_max = 9;
    let policy = worker.try_load(spec).unwrap();
    assert_eq!(worker.failure(&policy), Failure::BodyDemand("it is more than limits.body"));
}

/// Puts one response edit of `x-a` beside a decision of `next`.
fn response_edit(case: u32, value: &str) -> Guest {
    Guest::next()
        .with(&words(1024 + 40, &[3000, 1]))
        .with(&words(3000, &[case, 4000, 3, 4010, value.len() as u32]))
        .data(4000, "x-a")
        .data(4010, value)
}

#[test]
fn response_edits_apply_in_reverse_order_without_a_call() {
    let mut worker = Worker::default();
    let first = worker.load("first", &response_edit(1, "first"));
    let second = worker.load("second", &response_edit(1, "second"));
    let mut exchange = exchange();
    let (mut run, _) = worker.chain(&chain(&[first, second]), &mut exchange);
    assert!(run.wants_response() && !run.wants_complete());
    exchange.response = Some(head());
    run.on_response(&mut worker.instances, &mut exchange);
    let values: Vec<_> = exchange.response.as_ref().unwrap().headers.get_all("x-a").iter().collect();
    assert_eq!(values, ["second", "first"]);
    assert_eq!(worker.snapshot("test/first").calls, 1);
}

#[test]
fn a_path_is_no_edit_of_a_response() {
    let mut worker = Worker::default();
    let policy = worker.load("path", &response_edit(3, ""));
    assert!(matches!(worker.failure(&policy), Failure::OutcomeInvalid(_)));
}

/// Adds 1 to the counter `n`, sets the kept value `n`, and denies when the counter is over 2.
fn counting() -> Guest {
    Guest::request(
        "(local $n i64)
         (local.set $n (call $add (i32.const 4000) (i32.const 1) (i64.const 1) (i32.const 0)))
         (call $get (i32.const 4000) (i32.const 1) (i32.const 3000))
         (call $set (i32.const 4000) (i32.const 1) (i32.const 4000) (i32.const 1) (i32.const 0) (i32.const 3104))
         (if (i64.gt_s (local.get $n) (i64.const 2)) (then
            (if (i32.eqz (i32.load8_u (i32.const 3000))) (then unreachable))
            (return (i32.const 1152))))
         i32.const 1024",
    )
    .import("counters", "add", "add", "(param i32 i32 i64 i32) (result i64)")
    .import("kv-local", "get", "get", "(param i32 i32 i32)")
    .import("kv-local", "set", "set", "(param i32 i32 i32 i32 i32 i32)")
    .data(4000, "n")
    .data(4032, "no-token")
    .with(&words(1152, &[4, 403, 4032, 8]))
}

#[test]
fn kept_values_and_counters_survive_a_swap_of_the_module() {
    let mut worker = Worker::default();
    let old = worker.load("counting", &counting());
    worker.forward(&old, &mut exchange());
    worker.forward(&old, &mut exchange());
    // Another module of the same name: other bytes, another digest.
    let new = worker.load("counting", &counting().data(9000, "a new version"));
    assert_ne!(old.digest, new.digest);
    assert_eq!(reply(worker.request(&new, &mut exchange()).1).status, StatusCode::FORBIDDEN);
    // Another name has a state of its own.
    let other = worker.load("other", &counting());
    worker.forward(&other, &mut exchange());
    let snapshot = worker.snapshot("test/counting");
    assert_eq!((snapshot.calls, snapshot.counters, snapshot.kv_entries), (3, 1, 1));
}

#[test]
fn a_swap_drops_the_old_instances_and_keeps_the_counts() {
    let mut worker = Worker::default();
    let old = worker.load("swapped", &Guest::next());
    worker.forward(&old, &mut exchange());
    drop(old);
    let new = worker.load("swapped", &Guest::next().data(9000, "new"));
    worker.instances.sweep();
    assert_eq!((worker.instances.idle(), worker.engine.instances()), (0, 0));
    worker.forward(&new, &mut exchange());
    assert_eq!(worker.snapshot("test/swapped").calls, 2);
}

/// `take("k", 1, limit 2, window 1000)`: denies with the retry time when not allowed.
fn limiting() -> Guest {
    Guest::request(
        "(call $take (i32.const 4000) (i32.const 1) (i32.const 1) (i32.const 2) (i32.const 1000) (i32.const 3000))
         (if (i32.load8_u (i32.const 3000)) (then (return (i32.const 1024))))
         (i32.store (i32.const 1180) (i32.load (i32.const 3008)))
         i32.const 1152",
    )
    .import("counters", "take", "take", "(param i32 i32 i32 i32 i32 i32)")
    .data(4000, "k")
    .data(4032, "no-token")
    .with(&words(1152, &[4, 429, 4032, 8, 0, 0, 1]))
}

#[test]
fn a_rate_limit_follows_the_clock_that_it_is_given() {
    let (clock, time) = Clock::fixed(1_700_000_000_000);
    let mut worker = Worker::new(Sources { clock, random: Random::Seeded(1), ..Sources::default() });
    let policy = worker.load("limiting", &limiting());
    worker.forward(&policy, &mut exchange());
    worker.forward(&policy, &mut exchange());
    let denied = reply(worker.request(&policy, &mut exchange()).1);
    assert_eq!((denied.status.as_u16(), &denied.headers["retry-after"]), (429, &"1".parse().unwrap()));
    time.fetch_add(499_999, Ordering::Relaxed);
    reply(worker.request(&policy, &mut exchange()).1);
    time.fetch_add(1, Ordering::Relaxed);
    worker.forward(&policy, &mut exchange());
    reply(worker.request(&policy, &mut exchange()).1);
}

#[test]
fn a_seed_repeats_random_numbers() {
    let guest = Guest::request(
        "(i64.store (i32.const 4010) (call $next)) (i64.store (i32.const 4018) (call $next)) i32.const 1024",
    )
    .import("random", "next-u64", "next", "(result i64)")
    .import("log", "log", "log", "(param i32 i32 i32)");
    // Numbers are made printable by the policy: here each byte becomes a letter.
    let guest = guest.with(
        "(func $letter (param i32) (i32.store8 (local.get 0)
           (i32.add (i32.const 97) (i32.and (i32.load8_u (local.get 0)) (i32.const 15)))))",
    );
    let show: String = (4010..4026).map(|at| format!("(call $letter (i32.const {at}))")).collect();
    let guest = guest.replace(
        "i32.const 1024)",
        &format!("{show} (call $log (i32.const 2) (i32.const 4010) (i32.const 16)) i32.const 1024)"),
    );
    let numbers = |seed| {
        let mut worker = Worker::new(Sources { random: Random::Seeded(seed), ..Sources::default() });
        let policy = worker.load("random", &guest);
        worker.forward(&policy, &mut exchange());
        worker.forward(&policy, &mut exchange());
        worker.lines.lock().unwrap().clone()
    };
    let one = numbers(1);
    assert_eq!(one, numbers(1));
    assert_ne!(one, numbers(2));
    assert_ne!(one[0], one[1]);
}

#[test]
fn series_of_a_policy_are_exported_under_its_name() {
    let guest = Guest::request(
        "(call $add (call $counter (i32.const 4000) (i32.const 4)) (i64.const 3))
         (call $set (call $gauge (i32.const 4010) (i32.const 5)) (i64.const -2))
         (call $observe (call $histogram (i32.const 4020) (i32.const 4)) (i64.const 5))
         (call $add (call $counter (i32.const 4030) (i32.const 3)) (i64.const 1))
         i32.const 1024",
    )
    .import("metrics", "counter", "counter", "(param i32 i32) (result i32)")
    .import("metrics", "gauge", "gauge", "(param i32 i32) (result i32)")
    .import("metrics", "histogram", "histogram", "(param i32 i32) (result i32)")
    .import("metrics", "add", "add", "(param i32 i64)")
    .import("metrics", "set", "set", "(param i32 i64)")
    .import("metrics", "observe", "observe", "(param i32 i64)")
    .data(4000, "hits")
    .data(4010, "depth")
    .data(4020, "size")
    .data(4030, "A-b");
    let mut worker = Worker::default();
    let policy = worker.load("series", &guest);
    worker.forward(&policy, &mut exchange());
    worker.forward(&policy, &mut exchange());
    let snapshot = worker.snapshot("test/series");
    let value = |name: &str| snapshot.user_metrics.iter().find(|metric| metric.name == name).unwrap().value.clone();
    assert_eq!(value("hits"), UserValue::Counter(6));
    assert_eq!(value("depth"), UserValue::Gauge(-2));
    let UserValue::Histogram { buckets, above, sum } = value("size") else { panic!("no histogram") };
    assert_eq!((buckets[2], above, sum), ((16, 2), 0, 10));
    assert_eq!(snapshot.series_refused, 2, "a bad name is refused each time");
}

#[test]
fn notes_pass_from_policy_to_policy() {
    let writer =
        Guest::request("(call $set (i32.const 4000) (i32.const 1) (i32.const 4010) (i32.const 5)) i32.const 1024")
            .import("exchange", "set-note", "set", "(param i32 i32 i32 i32)")
            .data(4000, "k")
            .data(4010, "value");
    let mut worker = Worker::default();
    let (writer, reader) = (worker.load("writer", &writer), worker.load("reader", &echo_named("note", "k")));
    let mut exchange = exchange();
    worker.chain(&chain(&[writer, reader]), &mut exchange);
    assert_eq!(exchange.request.headers["x-a"], "value");
}

/// Copies the configuration to 70000 in `init`, which it logs; answers with the header `x-a` of those bytes, each time
/// with one byte more of them overwritten.
fn remembering() -> Guest {
    Guest::request(
        "(i32.store (i32.const 3016) (global.get $len))
         (i32.store8 (i32.add (i32.const 70000) (global.get $calls)) (i32.const 33))
         (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         i32.const 1024",
    )
    .import("log", "log", "log", "(param i32 i32 i32)")
    .with(
        "(global $len (mut i32) (i32.const 0)) (global $calls (mut i32) (i32.const 0))
         (global $other (mut f64) (f64.const 0.5))
         (func $init (param i32 i32) (result i32)
           (memory.copy (i32.const 70000) (local.get 0) (local.get 1))
           (global.set $len (local.get 1)) (global.set $other (f64.const 1.5))
           (call $log (i32.const 2) (i32.const 4010) (i32.const 4))
           i32.const 2048)",
    )
    .with(&words(1024 + 32, &[3000, 1]))
    .with(&words(3000, &[0, 4000, 3, 70_000]))
    .data(4000, "x-a")
    .data(4010, "init")
}

#[test]
fn isolation_by_request_begins_after_init_each_time() {
    let mut worker = Worker::default();
    let mut spec = spec("remembering", &remembering().build());
    spec.isolation = Isolation::Request;
    spec.config = Arc::from("[1,2,3]");
    let policy = worker.try_load(spec).unwrap();
    assert!(policy.is_snapshot());
    let inits = worker.lines.lock().unwrap().len();
    for _ in 0..20 {
        let mut exchange = exchange();
        worker.forward(&policy, &mut exchange);
        assert_eq!(exchange.request.headers["x-a"], "!1,2,3]");
    }
    assert_eq!(worker.lines.lock().unwrap().len(), inits, "no request runs init");
}

#[test]
fn a_component_that_allows_no_snapshot_runs_init_for_each_call() {
    let mut worker = Worker::default();
    let guest = remembering().with("(table $t 2 funcref) (func $unused (table.set $t (i32.const 0) (ref.null func)))");
    let mut spec = spec("remembering", &guest.build());
    spec.isolation = Isolation::Request;
    spec.config = Arc::from("[1,2,3]");
    let policy = worker.try_load(spec).unwrap();
    assert!(!policy.is_snapshot());
    for _ in 0..3 {
        let mut exchange = exchange();
        worker.forward(&policy, &mut exchange);
        assert_eq!(exchange.request.headers["x-a"], "!1,2,3]");
    }
}

#[test]
fn the_exchange_comes_back_after_a_trap() {
    let mut worker = Worker::default();
    let policy = worker.load("trap", &Guest::request("unreachable"));
    let mut exchange: Box<Exchange> = exchange();
    worker.request(&policy, &mut exchange);
    assert_eq!((exchange.authority(), exchange.request.uri.path()), ("shop.test", "/cart"));
}
