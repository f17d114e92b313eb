//! A guest as middleware: the request goes on to the backend, its answer comes back through the guest.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, IncomingResponse, OutgoingRequest, ResponseOutparam, Scheme,
};

use crate::{begin, body, say};

/// Sends the request on, and gives its answer back.
pub fn request(request: IncomingRequest, out: ResponseOutparam) {
    let path = request.path_with_query().unwrap_or_default();
    let outgoing = edited(&request, &path);
    let to = outgoing.body().unwrap();
    let from = request.consume().unwrap();
    let pending = match outgoing_handler::handle(outgoing, None) {
        Ok(pending) => pending,
        Err(code) => return failed(out, &code),
    };
    body::copy(from, to);
    pending.subscribe().block();
    match pending.get() {
        Some(Ok(Ok(response))) => answer(&path, response, out),
        Some(Ok(Err(code))) => failed(out, &code),
        _ => say(out, 500, "the answer was not there"),
    }
}

/// The same request with another field, and what the path asks for.
fn edited(request: &IncomingRequest, path: &str) -> OutgoingRequest {
    let fields: Fields = request.headers().clone();
    fields.set("x-guest", &[b"was here".to_vec()]).unwrap();
    fields.delete("x-secret").unwrap();
    if let Some(mark) = mark() {
        fields.set("x-policy", &[mark.into_bytes()]).unwrap();
    }
    if path.starts_with("/claim") {
        fields.set("x-forwarded-for", &[b"1.2.3.4".to_vec()]).unwrap();
    }
    let outgoing = OutgoingRequest::new(fields);
    outgoing.set_method(&request.method()).unwrap();
    outgoing.set_scheme(Some(&Scheme::Http)).unwrap();
    outgoing.set_authority(Some("elsewhere.invalid")).unwrap();
    let path = path.replace("/move", "/moved").replace("/climb", "/a/../../b");
    outgoing.set_path_with_query(Some(&path)).unwrap();
    outgoing
}

fn answer(path: &str, response: IncomingResponse, out: ResponseOutparam) {
    let twice = if path.starts_with("/twice") { second() } else { "" };
    let mut fields = response.headers().entries();
    fields.retain(|(name, _)| name != "content-length" && name != "x-backend");
    fields.push((String::from("x-answered"), b"by a guest".to_vec()));
    fields.push((String::from("x-second"), twice.as_bytes().to_vec()));
    if let Some(mark) = mark() {
        fields.push((String::from("x-policy"), mark.into_bytes()));
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    let to = begin(out, response.status(), &fields);
    let last = mark().filter(|_| path == "/stream").unwrap_or_default();
    body::copy_and(response.consume().unwrap(), to, last.as_bytes());
}

/// The version that it is, by its configuration.
fn mark() -> Option<String> {
    wasip2::cli::environment::get_environment().into_iter().find(|(name, _)| name == "MARK").map(|(_, mark)| mark)
}

/// A second request of the same exchange.
fn second() -> &'static str {
    let outgoing = OutgoingRequest::new(Fields::new());
    outgoing.set_authority(Some("elsewhere.invalid")).unwrap();
    let Ok(pending) = outgoing_handler::handle(outgoing, None) else { return "refused" };
    pending.subscribe().block();
    match pending.get() {
        Some(Ok(Err(ErrorCode::HttpRequestDenied))) => "refused",
        _ => "taken",
    }
}

fn failed(out: ResponseOutparam, code: &ErrorCode) {
    say(out, 504, &format!("no answer: {code:?}"));
}
