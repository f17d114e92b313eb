//! Every question about the exchange.

use cardea_policy_sdk::{Outcome, Request, Response};

use crate::text::{maybe, parameter, text};

pub fn outcome(path: &str, request: &Request) -> Option<Outcome> {
    let outcome = match path.strip_prefix("/ask/")? {
        "method" => text(request.method()),
        "scheme" => text(request.scheme()),
        "authority" => text(request.authority()),
        "path" => text(path),
        "raw-path" => text(request.raw_path()),
        "client" => text(request.client().to_string()),
        "query" => maybe(request.query()),
        "query-param" => maybe(request.query_param(&parameter(request, "name"))),
        "header" => maybe(request.header(&parameter(request, "name"))),
        "header-values" => text(values(request)),
        "header-names" => text(request.header_names().join(",")),
        "headers" => text(fields(request)),
        "cookie" => maybe(request.cookie(&parameter(request, "name"))),
        "attribute" => maybe(request.attribute(&parameter(request, "name"))),
        "response" => text(seen(&Response::in_hand())),
        _ => return None,
    };
    Some(outcome)
}

fn values(request: &Request) -> Vec<u8> {
    let mut body = Vec::new();
    for value in request.header_values(&parameter(request, "name")) {
        body.push(b'[');
        body.extend(value.0);
        body.push(b']');
    }
    body
}

fn fields(request: &Request) -> Vec<u8> {
    let mut body = Vec::new();
    for field in request.headers() {
        body.extend(field.name.bytes());
        body.push(b'=');
        body.extend(field.value.0);
        body.push(b'\n');
    }
    body
}

/// The head of the response, as far as there is one.
pub fn seen(response: &Response) -> String {
    let kind = response.header("content-type");
    let kind = kind.as_ref().and_then(|value| value.to_str()).unwrap_or("absent");
    format!("{} {kind} {}", response.status(), response.headers().len())
}
