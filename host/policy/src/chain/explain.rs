//! What a decision was made of, for an author: the values behind its questions, and what it changed. Made only where the
//! engine is asked to explain, since values are secrets in a log.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};

use crate::exchange::Exchange;
use crate::fields;
use crate::imports::exchange as ask;

/// Of a value; the rest is left out.
const VALUE_BYTES_MAX: usize = 500;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explained {
    /// By question; `None` for what was absent. Questions about other things than the exchange have no value here.
    pub values: Vec<(String, Option<String>)>,
    /// `set x-a: 1`, `remove x-b`, `path /cart`.
    pub edits: Vec<String>,
}

/// The exchange as a policy found it. Few engines explain, so that every call but theirs moves a pointer that is not there.
pub(super) struct Before {
    pub exchange: Box<Exchange>,
}

impl Before {
    pub fn of(exchange: &Exchange) -> Self {
        let mut copy = Box::new(Exchange::blank());
        copy.request.method = exchange.request.method.clone();
        copy.request.uri = exchange.request.uri.clone();
        copy.request.version = exchange.request.version;
        copy.request.headers = exchange.request.headers.clone();
        copy.beside = exchange.beside.clone();
        copy.authority = exchange.authority.clone();
        copy.raw_path = exchange.raw_path.clone();
        (copy.client, copy.scheme) = (exchange.client, exchange.scheme);
        (copy.peer, copy.route) = (exchange.peer.clone(), exchange.route.clone());
        (copy.backend, copy.notes) = (exchange.backend.clone(), exchange.notes.clone());
        copy.response = exchange.response.as_ref().map(|head| crate::exchange::ResponseHead {
            status: head.status,
            headers: head.headers.clone(),
            ended: head.ended,
        });
        Self { exchange: copy }
    }

    pub fn explain(&self, questions: &[String], after: &Exchange) -> Explained {
        Explained { values: self.values(questions), edits: self.edits(after) }
    }

    /// By question.
    pub fn values(&self, questions: &[String]) -> Vec<(String, Option<String>)> {
        questions.iter().filter_map(|question| Some((question.clone(), value(&self.exchange, question)?))).collect()
    }

    pub fn edits(&self, after: &Exchange) -> Vec<String> {
        let before = &self.exchange;
        let mut edits = Vec::new();
        if before.request.uri != after.request.uri {
            edits.push(format!("target {}", after.request.uri));
        }
        if before.authority != after.authority {
            edits.push(format!("authority {}", after.authority()));
        }
        differences(&all(before), &all(after), "", &mut edits);
        let response = |exchange: &Exchange| exchange.response.as_ref().map(|head| (head.status, head.headers.clone()));
        if let (Some((old, old_fields)), Some((new, fields))) = (response(before), response(after)) {
            if old != new {
                edits.push(format!("response status {}", new.as_u16()));
            }
            differences(&old_fields, &fields, "response ", &mut edits);
        }
        edits
    }
}

/// The fields of a request, those beside the map too.
fn all(exchange: &Exchange) -> HeaderMap {
    let mut headers = exchange.request.headers.clone();
    headers.remove(http::header::HOST);
    exchange.beside.clone().settle(&mut headers);
    headers
}

fn differences(before: &HeaderMap, after: &HeaderMap, prefix: &str, edits: &mut Vec<String>) {
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        edits.push(format!("{prefix}remove {name}"));
    }
    for name in after.keys().filter(|name| !before.get_all(*name).iter().eq(after.get_all(*name).iter())) {
        let values: Vec<Cow<'_, str>> =
            after.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        edits.push(short(format!("{prefix}set {name}: {}", values.join(", "))));
    }
}

/// The answer to a question, by its text in the read set; `None` where it is not about the exchange.
fn value(exchange: &Exchange, question: &str) -> Option<Option<String>> {
    let text = |bytes: &[u8]| short(String::from_utf8_lossy(bytes).into_owned());
    let (kind, name) = question.split_once(':').unwrap_or((question, ""));
    let uri = &exchange.request.uri;
    Some(match kind {
        "method" => Some(exchange.request.method.to_string()),
        "scheme" => Some(exchange.scheme.to_owned()),
        "authority" => Some(exchange.authority().to_owned()),
        "path" => Some(short(uri.path().to_owned())),
        "query" => uri.query().map(|query| short(query.to_owned())),
        "raw-path" => Some(short(exchange.raw_path.as_deref().unwrap_or(uri.path()).to_owned())),
        "client" => Some(exchange.client.to_string()),
        "header" => exchange.value(&header(name)?).map(text),
        "cookie" => ask::cookie(&exchange.request.headers, name).as_deref().map(text),
        "query-param" => uri.query().and_then(|query| ask::query_param(query, name)).map(short),
        "attribute" => ask::attribute(exchange, name).map(short),
        "note" => exchange.notes.iter().find(|(known, _)| known == name).map(|(_, value)| text(value)),
        "response-status" => exchange.response.as_ref().map(|head| head.status.as_u16().to_string()),
        "response-header" => {
            let name = header(name)?;
            exchange.response.as_ref().and_then(|head| head.headers.get(&name)).map(|value| text(value.as_bytes()))
        }
        _ => return None,
    })
}

fn header(name: &str) -> Option<HeaderName> {
    fields::name(name).ok()
}

fn short(mut text: String) -> String {
    if text.len() > VALUE_BYTES_MAX {
        text.truncate(text.floor_char_boundary(VALUE_BYTES_MAX));
        text.push_str("...");
    }
    text
}
