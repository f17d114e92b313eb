//! A call that fails leaves no trace.

#![allow(clippy::unwrap_used, reason = "tests")]

use http::header::{ACCEPT, COOKIE, SERVER};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use super::Undo;
use crate::abi::Side;
use crate::exchange::{Exchange, ResponseHead};

#[test]
fn everything_is_as_it_was() {
    let mut exchange = Exchange::blank();
    exchange.request.headers.append(COOKIE, HeaderValue::from_static("a=1"));
    exchange.request.headers.append(COOKIE, HeaderValue::from_static("b=2"));
    let headers = HeaderMap::from_iter([(SERVER, HeaderValue::from_static("x"))]);
    exchange.response = Some(ResponseHead { status: StatusCode::OK, headers, ended: true });
    let before = format!("{exchange:?}");

    let mut undo = Undo::default();
    undo.field(Side::Request, &exchange.request.headers, &COOKIE);
    exchange.request.headers.insert(COOKIE, HeaderValue::from_static("c=3"));
    undo.field(Side::Request, &exchange.request.headers, &COOKIE);
    exchange.request.headers.remove(COOKIE);
    undo.field(Side::Request, &exchange.request.headers, &ACCEPT);
    exchange.request.headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    let response = exchange.response.as_mut().unwrap();
    undo.field(Side::Response, &response.headers, &SERVER);
    response.headers.remove(SERVER);
    undo.status = Some(std::mem::replace(&mut response.status, StatusCode::NOT_FOUND));
    undo.method = Some(std::mem::replace(&mut exchange.request.method, Method::POST));
    undo.uri = Some(std::mem::replace(&mut exchange.request.uri, Uri::from_static("/there")));
    undo.authority = Some(std::mem::replace(&mut exchange.authority, HeaderValue::from_static("there")));
    assert_ne!(format!("{exchange:?}"), before);

    undo.apply(&mut exchange);
    assert_eq!(format!("{exchange:?}"), before);
}
