//! What a call changed of its exchange, so that a call which fails changes nothing.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

use crate::abi::Side;
use crate::exchange::Exchange;

#[derive(Debug, Default)]
pub(super) struct Undo {
    /// The values that a field had before its edits, in the order of these.
    fields: Vec<(Side, HeaderName, Vec<HeaderValue>)>,
    pub method: Option<Method>,
    pub uri: Option<Uri>,
    pub authority: Option<HeaderValue>,
    pub status: Option<StatusCode>,
}

impl Undo {
    /// Remembers a field of a head that is about to change.
    pub fn field(&mut self, side: Side, head: &HeaderMap, name: &HeaderName) {
        let values = head.get_all(name).iter().cloned().collect();
        self.fields.push((side, name.clone(), values));
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Makes everything as it was.
    pub fn apply(&mut self, exchange: &mut Exchange) {
        let done = std::mem::take(self);
        for (side, name, values) in done.fields.into_iter().rev() {
            let head = match (side, exchange.response.as_mut()) {
                (Side::Request, _) => &mut exchange.request.headers,
                (Side::Response, Some(response)) => &mut response.headers,
                (Side::Response, None) => continue,
            };
            restore(head, &name, values);
        }
        if let Some(method) = done.method {
            exchange.request.method = method;
        }
        if let Some(uri) = done.uri {
            exchange.request.uri = uri;
        }
        if let Some(authority) = done.authority {
            exchange.authority = authority;
        }
        if let (Some(status), Some(response)) = (done.status, exchange.response.as_mut()) {
            response.status = status;
        }
    }
}

fn restore(head: &mut HeaderMap, name: &HeaderName, values: Vec<HeaderValue>) {
    head.remove(name);
    for value in values {
        // Cannot fail: the map held as many before.
        let _ = head.try_append(name.clone(), value);
    }
}

#[cfg(test)]
mod tests;
