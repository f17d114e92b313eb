//! What `policies/reference` decides, as middleware of wasi:http: `x-canary: 1` is marked `x-backend: canary`, since a
//! component cannot choose a backend by its name in the route; `/admin` without authorization is answered 401; all else is
//! marked `x-policy: wasi-http`.

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingRequest, IncomingResponse, OutgoingBody, OutgoingRequest,
    OutgoingResponse, ResponseOutparam,
};

struct Reference;

wasip2::http::proxy::export!(Reference);

impl Guest for Reference {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let fields = request.headers().clone();
        if is(&fields, "x-canary", b"1") {
            return forward(request, fields, ("x-backend", b"canary"), out);
        }
        if is_guarded(&request.path_with_query().unwrap_or_default()) && !fields.has("authorization") {
            return deny(out);
        }
        forward(request, fields, ("x-policy", b"wasi-http"), out);
    }
}

fn is(fields: &Fields, name: &str, value: &[u8]) -> bool {
    fields.get(name).first().is_some_and(|first| first == value)
}

fn is_guarded(target: &str) -> bool {
    let rest = target.strip_prefix("/admin");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

fn deny(out: ResponseOutparam) {
    let response = OutgoingResponse::new(Fields::new());
    if response.set_status_code(401).is_ok() {
        ResponseOutparam::set(out, Ok(response));
    }
}

/// The request goes on with one field more, and its answer comes back as it is.
fn forward(request: IncomingRequest, fields: Fields, (name, value): (&str, &[u8]), out: ResponseOutparam) {
    match exchange(request, fields, name, value) {
        Ok(answer) => pass_on(answer, out),
        Err(code) => ResponseOutparam::set(out, Err(code)),
    }
}

fn exchange(
    request: IncomingRequest,
    fields: Fields,
    name: &str,
    value: &[u8],
) -> Result<IncomingResponse, ErrorCode> {
    let refused = || ErrorCode::InternalError(None);
    fields.set(name, &[value.to_vec()]).map_err(|_| refused())?;
    let outgoing = OutgoingRequest::new(fields);
    let _ = outgoing.set_method(&request.method());
    let _ = outgoing.set_scheme(request.scheme().as_ref());
    let _ = outgoing.set_authority(request.authority().as_deref());
    let _ = outgoing.set_path_with_query(request.path_with_query().as_deref());
    let to = outgoing.body().map_err(|()| refused())?;
    let pending = outgoing_handler::handle(outgoing, None)?;
    copy(request.consume().map_err(|()| refused())?, to);
    pending.subscribe().block();
    pending.get().and_then(Result::ok).ok_or_else(refused)?
}

fn pass_on(answer: IncomingResponse, out: ResponseOutparam) {
    let response = OutgoingResponse::new(answer.headers().clone());
    let _ = response.set_status_code(answer.status());
    let (Ok(from), Ok(to)) = (answer.consume(), response.body()) else { return };
    ResponseOutparam::set(out, Ok(response));
    copy(from, to);
}

/// Bodies stay in the host: of them only lengths come by.
fn copy(from: IncomingBody, to: OutgoingBody) {
    if let (Ok(input), Ok(output)) = (from.stream(), to.write()) {
        while output.blocking_splice(&input, 64 << 10).is_ok() {}
        drop((input, output));
    }
    let _ = OutgoingBody::finish(to, None);
}
