//! A guest that means harm: a script, which comes as the body of its first request, says which host calls it makes in each callback,
//! with which arguments. Whatever that is, the host neither panics nor lets a bound be passed.

use std::fmt::Write;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cardea_model::config::{FailureMode, ServicePortRef, Upstream};
use cardea_policy::{
    BodyStep, CallFailure, CallReply, Exchange, HostCall, Instances, Policy, Reply, ResponseHead, ResponseStep, Run,
    Side, Step, proxy_wasm_host_calls,
};
use http::{HeaderMap, StatusCode};

use crate::support::{SUMMARY, Worker, chain, exchange, spec};

/// Of what a policy lets through, or answers: what it may hold or put at once, and what is given.
const BYTES_MAX: usize = (1 << 20) + (64 << 10);
/// Texts that a script can name, so that its calls come to something: names, paths, maps.
const TEXTS: [&[u8]; 16] = [
    b"auth",
    b":path",
    b":status",
    b"/other?a=b",
    b"x-a",
    b"content-length",
    b"request\0headers",
    b"response\0code",
    b"wasm\0note",
    b"cardea_route",
    b"canary",
    b"\x01\0\0\0\x03\0\0\0\x01\0\0\0x-b\0c\0",
    b"\x03\0\0\0\x07\0\0\0\x04\0\0\0\x05\0\0\0\x01\0\0\0\x0a\0\0\0\x01\0\0\0:method\0POST\0:path\0/\0:authority\0a\0",
    b"bad\r\nvalue",
    b"queue",
    b"",
];
const TABLE_AT: usize = 256;
const TEXTS_AT: usize = 1024;

/// Bytes of the script: `$byte` takes the next. Arguments are small, large, negative, anything, or an address and then the
/// length of a text.
const READING: &str = r#"
(memory (export "memory") 4)
(global $at (mut i32) (i32.const 0)) (global $end (mut i32) (i32.const 0))
(global $heap (mut i32) (i32.const 196608))
(global $known (mut i32) (i32.const 0)) (global $length (mut i32) (i32.const 0))
(func $byte (result i32)
  (if (i32.ge_u (global.get $at) (global.get $end)) (then (return (i32.const 0))))
  (global.set $at (i32.add (global.get $at) (i32.const 1)))
  (i32.load8_u (i32.add (i32.const 131071) (global.get $at))))
(func $arg (result i32) (local $tag i32)
  (if (global.get $known) (then (global.set $known (i32.const 0)) (return (global.get $length))))
  (local.set $tag (i32.and (call $byte) (i32.const 7)))
  (if (i32.lt_u (local.get $tag) (i32.const 2)) (then (return (call $byte))))
  (if (i32.eq (local.get $tag) (i32.const 2)) (then (return (i32.shl (call $byte) (i32.const 10)))))
  (if (i32.eq (local.get $tag) (i32.const 3)) (then (return (i32.sub (i32.const 0) (call $byte)))))
  (if (i32.eq (local.get $tag) (i32.const 4)) (then
    (return (i32.or (i32.shl (call $byte) (i32.const 24)) (i32.or (i32.shl (call $byte) (i32.const 12)) (call $byte))))))
  (local.set $tag (i32.add (i32.const 256) (i32.shl (i32.and (call $byte) (i32.const 15)) (i32.const 3))))
  (global.set $known (i32.const 1))
  (global.set $length (i32.load offset=4 (local.get $tag)))
  (i32.load (local.get $tag)))
(func $run (result i32) (local $count i32) (local $deed i32)
  (loop $more
    (if (i32.ge_u (global.get $at) (global.get $end)) (then (return (i32.const 0))))
    (local.set $deed (call $byte))
    (if (i32.eq (local.get $deed) (i32.const 255)) (then (return (i32.and (call $byte) (i32.const 3)))))
    (if (i32.eq (local.get $deed) (i32.const 254)) (then (unreachable)))
    (global.set $known (i32.const 0))
    (call $do (local.get $deed))
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $count) (i32.const 6))))
  (i32.const 0))
(func (export "proxy_on_memory_allocate") (param $n i32) (result i32)
  (if (i32.eq (i32.and (call $byte) (i32.const 31)) (i32.const 1)) (then (drop (call $run))))
  (global.set $heap (i32.add (global.get $heap) (local.get $n)))
  (if (i32.gt_u (global.get $heap) (i32.const 262144)) (then (global.set $heap (i32.const 196608)) (return (i32.const 196608))))
  (i32.sub (global.get $heap) (local.get $n)))
(func (export "proxy_abi_version_0_2_1"))
(func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
  (if (global.get $end) (then (return (call $run))))
  (drop (call $script (i32.const 0) (i32.const 0) (i32.const 4096) (i32.const 16) (i32.const 20)))
  (if (i32.load (i32.const 20)) (then
    (memory.copy (i32.const 131072) (i32.load (i32.const 16)) (i32.load (i32.const 20)))
    (global.set $end (i32.load (i32.const 20)))))
  (i32.const 0))
"#;

/// Callbacks that do what the script says next, with how many parameters, and whether they answer.
const CALLBACKS: [(&str, usize, bool); 14] = [
    ("proxy_on_request_headers", 3, true),
    ("proxy_on_request_trailers", 2, true),
    ("proxy_on_response_headers", 3, true),
    ("proxy_on_response_body", 3, true),
    ("proxy_on_response_trailers", 2, true),
    ("proxy_on_http_call_response", 5, false),
    ("proxy_on_grpc_receive", 3, false),
    ("proxy_on_grpc_close", 3, false),
    ("proxy_on_tick", 1, false),
    ("proxy_on_queue_ready", 2, false),
    ("proxy_on_context_create", 2, false),
    ("proxy_on_done", 1, true),
    ("proxy_on_log", 1, false),
    ("proxy_on_delete", 1, false),
];

/// The guest, with all host calls that there are.
fn guest(calls: &[HostCall]) -> Vec<u8> {
    let mut text = String::from("(module ");
    for (index, call) in calls.iter().enumerate() {
        let (params, results) = (call.params.join(" "), call.results.join(" "));
        let (module, name) = (&call.module, &call.name);
        write!(text, "(import \"{module}\" \"{name}\" (func $c{index} (param {params}) (result {results})))").unwrap();
    }
    let body = calls.iter().position(|call| call.name == "proxy_get_buffer_bytes").unwrap();
    text.push_str(&READING.replace("$script", &format!("$c{body}")));
    text.push_str("(func $do (param $deed i32)");
    for (index, call) in calls.iter().enumerate() {
        let args: String = call.params.iter().map(|param| argument(param)).collect();
        let drops = "(drop)".repeat(call.results.len());
        write!(
            text,
            "(if (i32.eq (local.get $deed) (i32.const {index})) (then {args} (call $c{index}) {drops} (return)))"
        )
        .unwrap();
    }
    text.push(')');
    for (name, params, answers) in CALLBACKS {
        let (result, end) = if answers { ("(result i32)", "") } else { ("", "(drop)") };
        let params = "i32 ".repeat(params);
        write!(text, "(func (export \"{name}\") (param {params}) {result} (call $run) {end})").unwrap();
    }
    let mut at = TEXTS_AT;
    for (index, bytes) in TEXTS.iter().enumerate() {
        let escaped = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\{byte:02x}")).collect::<String>();
        let place = [(at as u32).to_le_bytes(), (bytes.len() as u32).to_le_bytes()].concat();
        write!(text, "(data (i32.const {}) \"{}\")", TABLE_AT + index * 8, escaped(&place)).unwrap();
        write!(text, "(data (i32.const {at}) \"{}\")", escaped(bytes)).unwrap();
        at += bytes.len();
    }
    text.push(')');
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn argument(param: &str) -> &'static str {
    if param == "i64" { "(i64.extend_i32_s (call $arg)) " } else { "(call $arg) " }
}

/// A host with the guest, for many scripts.
pub struct Host {
    worker: Worker,
    module: Vec<u8>,
}

impl Default for Host {
    fn default() -> Self {
        let worker = Worker::default();
        let empty = wat::parse_str(
            r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
                (func (export "malloc") (param i32) (result i32) (i32.const 8)))"#,
        );
        let any = worker.try_load(spec("any", &empty.unwrap())).unwrap();
        let mut calls = proxy_wasm_host_calls(&any).unwrap();
        // Those that a guest would make in passing, and their doubles under WASI's older name.
        calls.retain(|call| call.module != "wasi_unstable");
        calls.sort_by(|a, b| (&a.module, &a.name).cmp(&(&b.module, &b.name)));
        assert!(calls.len() < 254, "a byte names a call");
        Self { module: guest(&calls), worker }
    }
}

impl Host {
    /// Plays a script in a VM of its own, with no state from before.
    pub fn play(&mut self, script: &[u8]) {
        self.worker.state = Arc::default();
        self.worker.instances = Instances::new(&self.worker.engine);
        self.worker.lines.lock().unwrap().clear();
        let mut spec = spec("script", &self.module);
        spec.limits.deadline = Duration::from_secs(5);
        spec.failure_mode =
            if script.first().is_some_and(|byte| byte & 1 == 1) { FailureMode::Skip } else { FailureMode::Deny };
        let port = ServicePortRef::Number(80);
        spec.grants.upstreams = vec![Upstream { name: Arc::from("auth"), service: Arc::from("auth"), port }];
        let policy = self.worker.try_load(spec).unwrap();
        self.worker.instances.warm(&policy, 1);
        self.worker.instances.advance(1);
        self.exchange(&policy, script);
        self.exchange(&policy, b"abc");
        self.exchange(&policy, b"");
        drop(policy);
        self.worker.instances.sweep();
        self.answer_calls();
        assert!(self.worker.lines.lock().unwrap().len() < 4096, "log lines are bounded");
    }

    /// One exchange with all its phases, whatever the plugin makes of them.
    fn exchange(&mut self, policy: &Arc<Policy>, body: &[u8]) {
        let mut exchange = exchange();
        exchange.ended = false;
        let (mut run, step) = self.worker.chain(&chain(std::slice::from_ref(policy)), &mut exchange);
        check_step(&step);
        self.answer_calls();
        self.side(&mut run, &mut exchange, Side::Request, body);
        check(&exchange);
        let Worker { instances, .. } = &mut self.worker;
        check_step(&run.go_on(instances, &mut exchange, &|name| name == "canary"));
        instances.tick(Instant::now() + Duration::from_secs(60));
        let headers = HeaderMap::from_iter([("x-a".parse().unwrap(), "b".parse().unwrap())]);
        exchange.response = Some(ResponseHead { status: StatusCode::OK, headers, ended: false });
        check_response(&run.on_response(instances, &mut exchange));
        self.answer_calls();
        self.side(&mut run, &mut exchange, Side::Response, b"answer");
        check_response(&run.respond_on(&mut self.worker.instances, &mut exchange));
        run.on_complete(&mut self.worker.instances, &mut exchange, &SUMMARY);
        check(&exchange);
    }

    /// A side's body and trailers.
    fn side(&mut self, run: &mut Run, exchange: &mut Box<Exchange>, side: Side, body: &[u8]) {
        let (first, last) = body.split_at(body.len() / 2);
        // The script comes whole.
        let pieces = if side == Side::Request { [body, &[]] } else { [first, last] };
        for piece in pieces {
            let instances = &mut self.worker.instances;
            check_body(&run.on_body(0, side, instances, exchange, Bytes::copy_from_slice(piece), false));
            self.answer_calls();
            self.resume(run, exchange, side);
        }
        let mut fields = HeaderMap::from_iter([("x-sum".parse().unwrap(), "1".parse().unwrap())]);
        check_body(&run.on_trailers(0, side, &mut self.worker.instances, exchange, &mut fields));
        assert!(fields.len() <= 1024);
        self.answer_calls();
        self.resume(run, exchange, side);
        check_body(&run.overdue(0, side, &mut self.worker.instances));
    }

    fn resume(&mut self, run: &mut Run, exchange: &mut Box<Exchange>, side: Side) {
        let mut cx = Context::from_waker(Waker::noop());
        if matches!(run.poll_resumed(0, side, &mut cx), Poll::Ready(())) {
            check_body(&run.resume(0, side, &mut self.worker.instances, exchange));
        }
    }

    /// Some calls are answered, by HTTP or gRPC, others fail.
    fn answer_calls(&mut self) {
        let calls = self.worker.instances.take_calls();
        assert!(calls.len() <= 16, "{} calls at once", calls.len());
        for call in calls {
            assert!(call.request.uri().path().starts_with('/') && &*call.upstream == "auth");
            let fields =
                |name: &str, value: &str| HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            let reply = CallReply {
                status: StatusCode::OK,
                headers: fields("content-type", "application/grpc"),
                body: Bytes::from_static(b"\0\0\0\0\x02hi"),
                trailers: fields("grpc-status", "0"),
            };
            let result = if call.id % 3 == 0 { Err(CallFailure::Timeout) } else { Ok(reply) };
            self.worker.instances.called(&call.policy, call.id, result);
        }
    }
}

fn check_step(step: &Step) {
    if let Step::Reply(reply) = step {
        check_reply(reply);
    }
}

fn check_response(step: &ResponseStep) {
    match step {
        ResponseStep::Replace(reply) => check_reply(reply),
        ResponseStep::Pause(Some(body)) => assert!(body.len() <= BYTES_MAX),
        _ => {}
    }
}

fn check_body(step: &BodyStep) {
    match step {
        BodyStep::Send(bytes) => assert!(bytes.len() <= BYTES_MAX, "{} bytes at once", bytes.len()),
        BodyStep::Reply(reply) => check_reply(reply),
        _ => {}
    }
}

fn check_reply(reply: &Reply) {
    assert!((200..600).contains(&reply.status.as_u16()) && reply.headers.len() <= 67 && reply.body.len() <= BYTES_MAX);
    assert!(!reply.headers.contains_key("content-length") && !reply.headers.contains_key("connection"));
}

/// Heads are bounded, and ones that can be sent.
fn check(exchange: &Exchange) {
    let path = exchange.request.uri.path_and_query().map_or("/", |target| target.as_str());
    assert!(path.starts_with('/') && !path.contains(['\r', '\n', ' ']), "{path:?}");
    assert!(exchange.request.headers.len() <= 1100 && exchange.notes.len() <= 16);
    assert!(!exchange.request.headers.contains_key("transfer-encoding"));
}
