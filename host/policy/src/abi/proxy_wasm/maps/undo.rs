//! Heads as they were before a visit's first edit: what a failed visit leaves behind.

use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use crate::exchange::{Beside, Exchange, ResponseHead};

/// Heads as they were before the first edit of a visit, for when it fails.
#[derive(Debug, Default)]
pub(in crate::abi::proxy_wasm) struct Undo {
    request: Option<Box<Request>>,
    response: Option<Box<(StatusCode, HeaderMap)>>,
}

#[derive(Debug)]
struct Request {
    headers: HeaderMap,
    method: Method,
    uri: Uri,
    beside: Beside,
    authority: HeaderValue,
}

impl Undo {
    pub fn keep_request(&mut self, exchange: &Exchange) {
        self.request.get_or_insert_with(|| {
            Box::new(Request {
                headers: exchange.request.headers.clone(),
                method: exchange.request.method.clone(),
                uri: exchange.request.uri.clone(),
                beside: exchange.beside.clone(),
                authority: exchange.authority.clone(),
            })
        });
    }

    pub fn keep_response(&mut self, head: &ResponseHead) {
        self.response.get_or_insert_with(|| Box::new((head.status, head.headers.clone())));
    }

    /// Adds what a later edit kept: the older copy counts.
    pub fn or(self, later: Self) -> Self {
        Self { request: self.request.or(later.request), response: self.response.or(later.response) }
    }

    /// Puts the heads back.
    pub fn apply(self, exchange: &mut Exchange) {
        if let Some(old) = self.request {
            exchange.request.headers = old.headers;
            exchange.request.method = old.method;
            exchange.request.uri = old.uri;
            exchange.beside = old.beside;
            exchange.authority = old.authority;
        }
        if let (Some(old), Some(head)) = (self.response, exchange.response.as_mut()) {
            (head.status, head.headers) = *old;
        }
    }
}
