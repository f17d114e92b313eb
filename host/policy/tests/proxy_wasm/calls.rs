//! Calls to the outside, ticks, and what is shared between streams.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cardea_model::config::{ServicePortRef, Upstream};
use cardea_policy::{BodyStep, CallFailure, CallReply, Side, Step};
use http::{HeaderMap, StatusCode};

use crate::guest::{FIRST, Guest, pairs};
use crate::support::exchange;
use crate::{Bench, post, sent};

fn grant(spec: &mut cardea_model::config::Policy) {
    let name = Arc::from("auth");
    spec.grants.upstreams = vec![Upstream { name, service: Arc::from("auth"), port: ServicePortRef::Number(80) }];
}

/// Asks `auth`, and goes on or answers 403 by what that says.
fn asking() -> Guest {
    let request = pairs(&[(":method", "GET"), (":path", "/check"), (":authority", "auth.test"), ("x-user", "ann")]);
    let call = format!("(call $call_out «auth» «{request}» «» «» (i32.const 500) (i32.const 32))");
    Guest::default()
        .request_headers(&format!("(call $is (i32.const 0) {call}) (i32.const 1)"))
        .request_body("(i32.const 0)")
        .call_response(
            "(if (i32.eqz (local.get $headers)) (then
               (drop (call $reply (i32.const 504) «» «» «» (i32.const -1))) (return)))
             (call $is (i32.const 0) (call $get (i32.const 6) «:status» (i32.const 16) (i32.const 20)))
             (if (i32.ne (i32.load8_u (i32.load (i32.const 16))) (i32.const 50)) (then
               (drop (call $reply (i32.const 403) «» «» «» (i32.const -1))) (return)))
             (call $is (i32.const 0) (call $buffer (i32.const 4) (i32.const 0) (i32.const 99) (i32.const 16) (i32.const 20)))
             (call $is (i32.const 0)
               (call $replace (i32.const 0) «x-auth» (i32.load (i32.const 16)) (i32.load (i32.const 20))))
             (call $is (i32.const 0) (call $continue (i32.const 0)))",
        )
}

fn reply(status: StatusCode) -> CallReply {
    CallReply { status, headers: HeaderMap::new(), body: Bytes::from_static(b"token"), trailers: HeaderMap::new() }
}

#[test]
fn a_request_waits_for_the_answer_of_a_call() {
    let mut bench = Bench::with(&asking(), grant);
    let mut exchange = post();
    let (mut run, step) = bench.head(&mut exchange);
    assert!(matches!(step, Step::Pause));
    assert_eq!(run.paused(Side::Request), Some((0, true)));
    assert!(!run.takes_body(0, Side::Request), "its body is not read meanwhile");
    let [call] = <[_; 1]>::try_from(bench.worker.instances.take_calls()).unwrap();
    assert_eq!((&*call.upstream, call.timeout), ("auth", Duration::from_millis(500)));
    assert_eq!(call.request.uri(), "/check");
    assert_eq!(call.request.headers()["host"], "auth.test");
    assert_eq!(call.request.headers()["x-user"], "ann");
    assert!(!bench.is_resumed(&mut run));

    bench.worker.instances.called(&call.policy, call.id, Ok(reply(StatusCode::OK)));
    assert_eq!(sent(bench.resume(&mut run, &mut exchange)), "");
    assert_eq!(exchange.request.headers["x-auth"], "token");
    let instances = &mut bench.worker.instances;
    assert!(matches!(run.go_on(instances, &mut exchange, &|_| false), Step::Forward));
    assert!(run.takes_body(0, Side::Request));
    assert_eq!(sent(bench.body(&mut run, &mut exchange, "abc", true)), "abc");
}

#[test]
fn the_answer_of_a_call_may_end_the_request() {
    for (answer, status) in [(Ok(reply(StatusCode::FORBIDDEN)), 403), (Err(CallFailure::Timeout), 504)] {
        let mut bench = Bench::with(&asking(), grant);
        let mut exchange = exchange();
        let (mut run, _) = bench.head(&mut exchange);
        let call = bench.worker.instances.take_calls().remove(0);
        bench.worker.instances.called(&call.policy, call.id, answer);
        match bench.resume(&mut run, &mut exchange) {
            BodyStep::Reply(reply) => assert_eq!(reply.status.as_u16(), status),
            other => panic!("no reply: {other:?}"),
        }
    }
}

#[test]
fn the_plugin_hears_of_an_answer_after_the_end_of_its_stream() {
    let request = pairs(&[(":method", "GET"), (":path", "/"), (":authority", "a")]);
    let call = format!("(call $call_out «auth» «{request}» «» «» (i32.const 500) (i32.const 32))");
    let guest = Guest::default().request_headers(&format!("(call $is (i32.const 0) {call}) (i32.const 1)")).on(
        "proxy_on_http_call_response",
        "(param $plugin i32) (param i32 i32 i32 i32)",
        "(call $is (i32.const 1) (local.get $plugin))
         (call $is (i32.const 2) (call $effective (i32.const 2)))
         (drop (call $log (i32.const 2) «nobody waits»))",
    );
    let mut bench = Bench::with(&guest, grant);
    let mut first = exchange();
    let (mut run, _) = bench.head(&mut first);
    let call = bench.worker.instances.take_calls().remove(0);
    bench.complete(&mut run, &mut first);
    bench.worker.instances.called(&call.policy, call.id, Ok(reply(StatusCode::OK)));
    assert_eq!(bench.lines(), ["info nobody waits"]);
    assert!(matches!(bench.head(&mut exchange()).1, Step::Pause), "the VM lives");
}

#[test]
fn a_call_without_a_grant_or_with_a_bad_head_is_refused() {
    let whole = pairs(&[(":method", "GET"), (":path", "/"), (":authority", "a")]);
    let bad = [
        ("other", whole.clone()),
        ("auth", pairs(&[(":method", "GET"), (":path", "/")])),
        ("auth", pairs(&[(":method", "GET"), (":path", "http://evil.test/"), (":authority", "a")])),
        ("auth", pairs(&[(":method", "GET"), (":path", "/"), (":authority", "a"), ("te", "x")])),
    ];
    let calls: String = bad
        .iter()
        .map(|(upstream, head)| {
            format!(
                "(call $is (i32.const 2) (call $call_out «{upstream}» «{head}» «» «» (i32.const 5) (i32.const 32)))"
            )
        })
        .collect();
    let good = format!("(call $call_out «auth» «{whole}» «» «» (i32.const 5) (i32.const 32))");
    let full = format!("(call $is (i32.const 0) {good})").repeat(16) + &format!("(call $is (i32.const 10) {good})");
    let guest = Guest::default().request_headers(&format!("{calls} {full} (i32.const 0)"));
    let mut bench = Bench::with(&guest, grant);
    bench.forward(&mut exchange());
    assert_eq!(bench.worker.instances.take_calls().len(), 16);
}

#[test]
fn a_call_and_its_answer_have_trailers() {
    let head = pairs(&[(":method", "POST"), (":path", "/"), (":authority", "a")]);
    let guest = Guest::default()
        .request_headers(&format!(
            "(call $is (i32.const 2) (call $call_out «auth» «{head}» «» «{}» (i32.const 5) (i32.const 32)))
             (call $is (i32.const 0) (call $call_out «auth» «{head}» «x» «{}» (i32.const 5) (i32.const 32)))
             (i32.const 1)",
            pairs(&[("content-length ", "3")]),
            pairs(&[("x-sum", "7")]),
        ))
        .call_response(
            "(call $is (i32.const 1) (local.get $trailers))
             (call $is (i32.const 0) (call $get (i32.const 7) «x-more» (i32.const 16) (i32.const 20))) (call $same «yes»)
             (call $is (i32.const 0) (call $continue (i32.const 0)))",
        );
    let mut bench = Bench::with(&guest, grant);
    let mut exchange = exchange();
    let (mut run, _) = bench.head(&mut exchange);
    let call = bench.worker.instances.take_calls().remove(0);
    let (body, trailers) = call.request.body();
    assert_eq!((&**body, &trailers["x-sum"]), (&b"x"[..], &"7".parse().unwrap()));
    let trailers = HeaderMap::from_iter([("x-more".parse().unwrap(), "yes".parse().unwrap())]);
    bench.worker.instances.called(&call.policy, call.id, Ok(CallReply { trailers, ..reply(StatusCode::OK) }));
    assert_eq!(sent(bench.resume(&mut run, &mut exchange)), "");
}

/// Makes a unary call, and writes what becomes of it to the log.
fn asking_by_grpc() -> Guest {
    let say = "(drop (call $log (i32.const 2) (i32.load (i32.const 16)) (i32.load (i32.const 20))))";
    Guest::default()
        .request_headers(&format!(
            "(call $is (i32.const 0) (call $grpc «auth» «my.Auth» «Check» «{}» «hi» (i32.const 500) (i32.const 32)))
             (i32.const 1)",
            pairs(&[("x-user", "ann")]),
        ))
        .on(
            "proxy_on_grpc_receive",
            "(param $context i32) (param $token i32) (param $size i32)",
            &format!(
                "{FIRST} (call $is (local.get $token) (i32.load (i32.const 32)))
                 (call $is (i32.const 0)
                   (call $buffer (i32.const 5) (i32.const 0) (local.get $size) (i32.const 16) (i32.const 20))) {say}
                 (call $is (i32.const 0) (call $get (i32.const 5) «grpc-status» (i32.const 16) (i32.const 20)))
                 (call $same «0»)
                 (call $is (i32.const 0) (call $continue (i32.const 0)))"
            ),
        )
        .on(
            "proxy_on_grpc_close",
            "(param $context i32) (param $token i32) (param $code i32)",
            &format!(
                "{FIRST} (call $is (i32.const 0) (call $status (i32.const 40) (i32.const 16) (i32.const 20))) {say}
                 (call $is (local.get $code) (i32.load (i32.const 40)))
                 (call $is (i32.const 0) (call $continue (i32.const 0)))"
            ),
        )
}

fn grpc_reply(status: &str, body: &'static [u8]) -> CallReply {
    let one = |name: &str, value: &str| HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
    let (headers, trailers) = (one("content-type", "application/grpc"), one("grpc-status", status));
    CallReply { status: StatusCode::OK, headers, body: Bytes::from_static(body), trailers }
}

#[test]
fn a_unary_grpc_call_ends_with_a_message_or_a_status() {
    let cases = [
        (Ok(grpc_reply("0", b"\0\0\0\0\x03yes")), "info yes"),
        (Ok(grpc_reply("7", b"")), "info "),
        (Err(CallFailure::Timeout), "info timeout"),
    ];
    for (answer, line) in cases {
        let mut bench = Bench::with(&asking_by_grpc(), grant);
        let mut exchange = exchange();
        let (mut run, step) = bench.head(&mut exchange);
        assert!(matches!(step, Step::Pause));
        let call = bench.worker.instances.take_calls().remove(0);
        assert_eq!((call.request.method().as_str(), call.request.uri().path()), ("POST", "/my.Auth/Check"));
        let headers = call.request.headers();
        assert_eq!(
            (&headers["content-type"], &headers["grpc-timeout"]),
            (&"application/grpc".parse().unwrap(), &"500m".parse().unwrap())
        );
        assert_eq!((&headers["host"], &headers["x-user"]), (&"auth".parse().unwrap(), &"ann".parse().unwrap()));
        assert_eq!(call.request.body().0, &b"\0\0\0\0\x02hi"[..]);
        bench.worker.instances.called(&call.policy, call.id, answer);
        assert_eq!(sent(bench.resume(&mut run, &mut exchange)), "");
        assert_eq!(bench.lines(), [line]);
    }
}

#[test]
fn grpc_has_the_statuses_that_sdks_know() {
    let call = |upstream: &str, service: &str, metadata: &str| {
        format!("(call $grpc «{upstream}» «{service}» «M» «{metadata}» «» (i32.const 5) (i32.const 32))")
    };
    let stream = |upstream: &str| format!("(call $grpc_stream «{upstream}» «s» «m» «» (i32.const 32))");
    let cases = [
        (4, call("other", "s", "")),
        (10, call("auth", "", "")),
        (10, call("auth", "a/b", "")),
        (10, call("auth", "..", "")),
        (10, call("auth", "s", &pairs(&[("te", "x")]))),
        (10, call("auth", "s", "no pairs")),
        (4, stream("other")),
        (10, stream("auth")),
        (1, String::from("(call $grpc_send (i32.const 9) «x» (i32.const 1))")),
        (1, String::from("(call $grpc_cancel (i32.const 9))")),
        (0, call("auth", "s", "")),
        (2, String::from("(call $grpc_send (i32.load (i32.const 32)) «x» (i32.const 1))")),
        (0, String::from("(call $grpc_cancel (i32.load (i32.const 32)))")),
        (1, String::from("(call $grpc_cancel (i32.load (i32.const 32)))")),
    ];
    let code: String = cases.iter().map(|(status, call)| format!("(call $is (i32.const {status}) {call})")).collect();
    let guest = Guest::default().request_headers(&format!("{code} (i32.const 0)")).on(
        "proxy_on_grpc_receive",
        "(param i32 i32 i32)",
        "(unreachable)",
    );
    let mut bench = Bench::with(&guest, grant);
    let mut first = exchange();
    let mut run = bench.forward(&mut first);
    let call = bench.worker.instances.take_calls().remove(0);
    bench.worker.instances.called(&call.policy, call.id, Ok(grpc_reply("0", b"\0\0\0\0\0")));
    crate::answered(&mut first);
    let step = run.on_response(&mut bench.worker.instances, &mut first);
    assert!(matches!(step, cardea_policy::ResponseStep::Forward), "nobody hears of a cancelled call: {step:?}");
}

#[test]
fn cancelled_calls_keep_their_places() {
    let one = "(call $is (i32.const 0) (call $grpc «auth» «s» «m» «» «» (i32.const 5) (i32.const 32)))
        (call $is (i32.const 0) (call $grpc_cancel (i32.load (i32.const 32))))";
    let more = "(call $is (i32.const 10) (call $grpc «auth» «s» «m» «» «» (i32.const 5) (i32.const 32)))";
    let guest = Guest::default().request_headers(&format!("{} {more} (i32.const 0)", one.repeat(16)));
    Bench::with(&guest, grant).forward(&mut exchange());
}

/// Streams pause, and the plugin's tick lets them go.
#[test]
fn a_tick_continues_a_stream_by_its_context() {
    let guest = Guest::default()
        .plain("(global $waiting (mut i32) (i32.const 0))")
        .start("(drop (call $tick (i32.const 10))) (i32.const 1)")
        .request_headers("(global.set $waiting (local.get $context)) (i32.const 1)")
        .on(
            "proxy_on_tick",
            "(param $context i32)",
            "(if (global.get $waiting) (then
               (call $is (i32.const 0) (call $effective (global.get $waiting)))
               (call $is (i32.const 2) (call $replace (i32.const 0) «x-a» «not at hand»))
               (call $is (i32.const 0) (call $continue (i32.const 0)))
               (call $is (i32.const 2) (call $effective (i32.const 4242)))))",
        );
    let mut bench = Bench::new(&guest);
    let mut exchange = exchange();
    let (mut run, step) = bench.head(&mut exchange);
    assert!(matches!(step, Step::Pause));
    bench.worker.instances.tick(Instant::now());
    assert!(!bench.is_resumed(&mut run), "it is not due");
    let due = Instant::now() + Duration::from_millis(10);
    while Instant::now() < due {
        std::hint::spin_loop();
    }
    bench.worker.instances.tick(Instant::now());
    assert_eq!(sent(bench.resume(&mut run, &mut exchange)), "");
    assert!(!exchange.request.headers.contains_key("x-a"));
}

#[test]
fn shared_data_are_compared_before_they_are_set() {
    let places = "(i32.const 16) (i32.const 20) (i32.const 24)";
    let guest = Guest::default().request_headers(&format!(
        "(call $is (i32.const 1) (call $shared «k» {places}))
         (call $is (i32.const 0) (call $set_shared «k» «one» (i32.const 0)))
         (call $is (i32.const 0) (call $shared «k» {places})) (call $same «one»)
         (call $is (i32.const 8) (call $set_shared «k» «two» (i32.add (i32.load (i32.const 24)) (i32.const 1))))
         (call $is (i32.const 0) (call $set_shared «k» «two» (i32.load (i32.const 24))))
         (call $is (i32.const 8) (call $set_shared «k» «three» (i32.load (i32.const 24))))
         (call $is (i32.const 0) (call $shared «k» {places})) (call $same «two»)
         (call $is (i32.const 2) (call $set_shared «» «x» (i32.const 0)))
         (i32.const 0)"
    ));
    let mut bench = Bench::new(&guest);
    bench.forward(&mut exchange());
    assert_eq!(bench.worker.snapshot("test/plugin").kv_entries, 1);
}

#[test]
fn a_queue_tells_the_plugin_of_its_entries() {
    let guest = Guest::default()
        .plain("(global $queue (mut i32) (i32.const 0))")
        .start(
            "(call $is (i32.const 0) (call $register «jobs» (i32.const 24)))
             (global.set $queue (i32.load (i32.const 24))) (i32.const 1)",
        )
        .request_headers(
            "(call $is (i32.const 1) (call $enqueue (i32.const 99) «job»))
             (call $is (i32.const 7) (call $dequeue (global.get $queue) (i32.const 16) (i32.const 20)))
             (call $is (i32.const 0) (call $enqueue (global.get $queue) «job»))
             (i32.const 0)",
        )
        .on(
            "proxy_on_queue_ready",
            "(param $context i32) (param $queue i32)",
            "(call $is (i32.const 0) (call $dequeue (local.get $queue) (i32.const 16) (i32.const 20)))
             (call $same «job»)
             (drop (call $log (i32.const 2) (i32.load (i32.const 16)) (i32.load (i32.const 20))))",
        );
    let mut bench = Bench::new(&guest);
    bench.forward(&mut exchange());
    assert_eq!(bench.lines(), ["info job"]);
}
