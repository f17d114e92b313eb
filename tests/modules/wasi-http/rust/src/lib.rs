//! What a component of wasi:http may do well, and what it may do badly; the path says which.

mod ask;
mod body;
mod forward;

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

struct Handler;

wasip2::http::proxy::export!(Handler);

impl Guest for Handler {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        match path {
            "/hello" => hello(&request, out),
            "/echo" => echo(request, out),
            "/environment" => say(out, 200, &environment()),
            "/print" => print(out),
            "/random" => say(out, 200, &wasip2::random::random::get_random_u64().to_string()),
            "/sleep" => sleep(out),
            "/silent" => drop(out),
            "/error" => ResponseOutparam::set(out, Err(ErrorCode::ConfigurationError)),
            "/trap" => trap(),
            "/trap-later" => trap_later(out),
            "/spin" => spin(),
            "/spin-later" => spin_later(out),
            "/grow" => grow(),
            "/trap-after-body" => trap_after_body(request),
            "/look" => look(&request, out),
            "/ask" => ask::in_turn(&ask::Words::of(&request), out),
            "/ask-at-once" => ask::at_once(&ask::Words::of(&request), out),
            "/guarded" => ask::guarded(request, out),
            "/relay" => ask::relay(request, out),
            "/late" => ask::late(request, out),
            "/give-up" => ask::give_up(&ask::Words::of(&request), out),
            _ => forward::request(request, out),
        }
    }
}

/// An answer's head, and the body that is to be written.
pub fn begin(out: ResponseOutparam, status: u16, fields: &[(&str, &[u8])]) -> OutgoingBody {
    let list: Vec<_> = fields.iter().map(|(name, value)| (String::from(*name), value.to_vec())).collect();
    let response = OutgoingResponse::new(Fields::from_list(&list).unwrap());
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    body
}

pub fn say(out: ResponseOutparam, status: u16, text: &str) {
    body::whole(begin(out, status, &[("content-type", b"text/plain")]), text);
}

fn hello(request: &IncomingRequest, out: ResponseOutparam) {
    let text = format!("hello {} from a guest\n", request.authority().unwrap_or_default());
    body::whole(begin(out, 201, &[("x-guest", b"hello"), ("x-guest", b"twice")]), &text);
}

/// Asks for two fields, and nothing else of them.
fn look(request: &IncomingRequest, out: ResponseOutparam) {
    let fields = request.headers();
    let first = fields.get("x-first").len();
    let has = fields.clone().has("X-Second");
    say(out, 200, &format!("{first} {has} {:?}", request.method()));
}

fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let fields = request.headers();
    let length = fields.get("content-length").into_iter().next().unwrap_or_default();
    drop(fields);
    let from = request.consume().unwrap();
    body::copy(from, begin(out, 200, &[("x-length", &length)]));
}

fn environment() -> String {
    let mut all = wasip2::cli::environment::get_environment();
    all.sort();
    let files = wasip2::filesystem::preopens::get_directories().len();
    let lines: Vec<_> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{};{files} folders", lines.join(","))
}

fn print(out: ResponseOutparam) {
    let stdout = wasip2::cli::stdout::get_stdout();
    body::write(&stdout, b"printed by a guest\n");
    say(out, 200, "printed");
}

fn sleep(out: ResponseOutparam) {
    wasip2::clocks::monotonic_clock::subscribe_duration(60_000_000_000).block();
    say(out, 200, "awake");
}

fn trap() {
    let stderr = wasip2::cli::stderr::get_stderr();
    body::write(&stderr, b"the guest gives up\n");
    drop(stderr);
    core::arch::wasm32::unreachable()
}

fn trap_later(out: ResponseOutparam) {
    let body = first_part(out);
    core::hint::black_box(&body);
    core::arch::wasm32::unreachable()
}

fn trap_after_body(request: IncomingRequest) {
    let body = request.consume().unwrap();
    let _ = body.stream().unwrap().blocking_read(1);
    core::arch::wasm32::unreachable()
}

fn spin() {
    let mut number = 0u64;
    loop {
        number = core::hint::black_box(number.wrapping_add(1));
    }
}

fn spin_later(out: ResponseOutparam) {
    let body = first_part(out);
    core::hint::black_box(&body);
    spin();
}

/// Begins an answer, and waits until its first part is with the client.
fn first_part(out: ResponseOutparam) -> OutgoingBody {
    let body = begin(out, 200, &[]);
    body::write(&body.write().unwrap(), b"the first part\n");
    wasip2::clocks::monotonic_clock::subscribe_duration(50_000_000).block();
    body
}

fn grow() {
    let mut all = Vec::new();
    loop {
        all.push(vec![1u8; 1 << 20]);
        core::hint::black_box(&all);
    }
}
