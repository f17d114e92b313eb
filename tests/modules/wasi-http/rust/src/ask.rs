//! A guest that asks Services of its own: one after the other, several at once, before and after it has answered.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingRequest, IncomingResponse, OutgoingRequest, RequestOptions,
    ResponseOutparam, Scheme,
};

use crate::{begin, body, forward, say};

/// The words of a query: `to=auth&times=3`.
pub struct Words(String);

impl Words {
    pub fn of(request: &IncomingRequest) -> Self {
        let target = request.path_with_query().unwrap_or_default();
        Self(target.split_once('?').map_or("", |(_, query)| query).to_owned())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.split('&').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    fn number(&self, name: &str) -> u64 {
        self.get(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }
}

/// Asks, with as many and as wide fields, and as little patience, as the words say.
fn ask(words: &Words, to: &str) -> Result<FutureIncomingResponse, ErrorCode> {
    let fields = Fields::from_list(&[(String::from("x-asked"), b"by a guest".to_vec())]).unwrap();
    for number in 0..words.number("fields") {
        fields.append(&format!("x-{number}"), b"").unwrap();
    }
    fields.append("x-wide", &vec![b'w'; words.number("wide") as usize]).unwrap();
    let scheme = if words.get("scheme") == Some("https") { Scheme::Https } else { Scheme::Http };
    let outgoing = OutgoingRequest::new(fields);
    outgoing.set_scheme(Some(&scheme)).unwrap();
    outgoing.set_authority(Some(to)).unwrap();
    outgoing.set_path_with_query(Some("/door?a=1")).unwrap();
    let options = RequestOptions::new();
    let patience = |name| words.get(name).map(|_| words.number(name) * 1_000_000);
    options.set_first_byte_timeout(patience("head")).unwrap();
    options.set_between_bytes_timeout(patience("pause")).unwrap();
    outgoing_handler::handle(outgoing, Some(options))
}

fn wait(asked: Result<FutureIncomingResponse, ErrorCode>) -> Result<IncomingResponse, ErrorCode> {
    let future = asked?;
    future.subscribe().block();
    future.get().unwrap().unwrap()
}

/// The status and the length of a whole answer, or why there is none.
fn told(answered: Result<IncomingResponse, ErrorCode>) -> String {
    let response = match answered {
        Ok(response) => response,
        Err(code) => return format!("{code:?}"),
    };
    let status = response.status();
    match body::length(response.consume().unwrap()) {
        Ok(length) => format!("{status} {length}"),
        Err(code) => format!("{status} {code:?}"),
    }
}

/// `/ask`: one after the other.
pub fn in_turn(words: &Words, out: ResponseOutparam) {
    let to = words.get("to").unwrap_or_default().split(',');
    let all: Vec<_> = to.map(|to| told(wait(ask(words, to)))).collect();
    say(out, 200, &all.join("\n"));
}

/// `/ask-at-once`: all of them, told as they come.
pub fn at_once(words: &Words, out: ResponseOutparam) {
    let names: Vec<_> = words.get("to").unwrap_or_default().split(',').collect();
    let times = names.len().max(words.number("times") as usize);
    let to: Vec<_> = names.iter().cycle().take(times).collect();
    let mut open: Vec<_> = to.iter().map(|to| (**to, ask(words, to).unwrap())).collect();
    let mut all = Vec::new();
    while !open.is_empty() {
        let pollables: Vec<_> = open.iter().map(|(_, future)| future.subscribe()).collect();
        let ready = wasip2::io::poll::poll(&pollables.iter().collect::<Vec<_>>());
        drop(pollables);
        let (to, future) = open.remove(ready[0] as usize);
        all.push(format!("{to} {}", told(future.get().unwrap().unwrap())));
    }
    say(out, 200, &all.join("\n"));
}

/// `/guarded`: goes on if the Service `auth` has nothing against it.
pub fn guarded(request: IncomingRequest, out: ResponseOutparam) {
    let words = Words::of(&request);
    match wait(ask(&words, "auth")) {
        Ok(response) if response.status() == 200 => forward::request(request, out),
        answered => say(out, 403, &told(answered)),
    }
}

/// `/relay`: the body goes to the Service `auth`, whose answer comes back.
pub fn relay(request: IncomingRequest, out: ResponseOutparam) {
    let outgoing = OutgoingRequest::new(Fields::new());
    outgoing.set_method(&request.method()).unwrap();
    outgoing.set_authority(Some("auth:80")).unwrap();
    outgoing.set_path_with_query(Some("/")).unwrap();
    let to = outgoing.body().unwrap();
    let pending = outgoing_handler::handle(outgoing, None);
    body::copy(request.consume().unwrap(), to);
    match wait(pending) {
        Ok(response) => drop(body::copy(response.consume().unwrap(), begin(out, response.status(), &[]))),
        Err(code) => say(out, 504, &format!("{code:?}")),
    }
}

/// `/late`: answers first, and then asks, and reads the request, and tells both.
pub fn late(request: IncomingRequest, out: ResponseOutparam) {
    let words = Words::of(&request);
    let to = begin(out, 200, &[]);
    let output = to.write().unwrap();
    body::write(&output, b"begun, ");
    let told = told(wait(ask(&words, words.get("to").unwrap_or_default())));
    let length = body::length(request.consume().unwrap());
    body::write(&output, format!("{told}, {length:?}").as_bytes());
    drop(output);
    let _ = wasip2::http::types::OutgoingBody::finish(to, None);
}

/// `/give-up`: asks, and does not wait.
pub fn give_up(words: &Words, out: ResponseOutparam) {
    drop(ask(words, words.get("to").unwrap_or_default()));
    say(out, 200, "gone on");
}
