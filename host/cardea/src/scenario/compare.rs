//! Where an exchange is not what its case expects.

use std::fmt;

use cardea_policy::{DecisionKind, Target};
use http::HeaderMap;

use super::exchange::fields::{ExpectedFields, Text};
use super::expect::{Body, Expect, ExpectAnswer};
use super::play::Observed;

/// One key that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `expect.headers.location`
    pub field: String,
    pub expected: String,
    pub got: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.field, self.expected, self.got)
    }
}

/// In the order of the keys; none where all is as expected.
pub fn differences(
    expect: Option<&Expect>,
    expect_response: Option<&ExpectAnswer>,
    observed: &Observed,
) -> Vec<Difference> {
    let mut found = Found(Vec::new());
    found.failure(expect.and_then(|expect| expect.failure.as_deref()), observed);
    if let Some(expect) = expect {
        found.decision(expect, observed);
        found.reply(expect, observed);
        found.request(expect, observed);
        found.record(expect, observed);
    }
    if let Some(expect) = expect_response {
        found.response(expect, observed);
    }
    found.0
}

struct Found(Vec<Difference>);

impl Found {
    fn add(&mut self, field: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) {
        self.0.push(Difference { field: field.into(), expected: expected.into(), got: got.into() });
    }

    /// Adds a difference unless nothing or the very text was expected.
    fn text(&mut self, field: &str, expected: Option<&str>, got: Option<&str>) {
        if let Some(expected) = expected.filter(|expected| got != Some(expected)) {
            self.add(field, quoted(expected), or_none(got));
        }
    }

    fn status(&mut self, field: &str, expected: Option<u16>, got: Option<u16>) {
        if let Some(expected) = expected.filter(|expected| got != Some(*expected)) {
            self.add(field, expected.to_string(), got.map_or_else(|| String::from("none"), |got| got.to_string()));
        }
    }

    /// A policy that fails breaks every promise but that it fails.
    fn failure(&mut self, expected: Option<&str>, observed: &Observed) {
        let got = observed.failure.as_ref();
        if expected != got.map(|failed| failed.label) {
            let got =
                got.map_or_else(|| String::from("none"), |failed| format!("{} ({})", failed.label, failed.message));
            self.add("expect.failure", expected.unwrap_or("none"), got);
        }
    }

    fn decision(&mut self, expect: &Expect, observed: &Observed) {
        let got = observed.decision.map(|kind| kind.label());
        self.decided(expect.decision, got, observed);
        let (backend, subset) = match &observed.target {
            Some(Target::Backend(name)) => (Some(&**name), None),
            Some(Target::Subset(labels)) => (None, Some(labels)),
            None => (None, None),
        };
        self.text("expect.backend", expect.backend.as_deref(), backend);
        if let Some(expected) = &expect.subset {
            let expected = sorted(expected.0.iter().map(|(name, Text(value))| pair(name, value)));
            let got = subset.map(|labels| sorted(labels.iter().map(|(name, value)| pair(name, value))));
            if got.as_ref() != Some(&expected) {
                self.add("expect.subset", list(&expected), got.map_or_else(|| String::from("none"), |got| list(&got)));
            }
        }
        self.text("expect.reason", expect.reason.as_deref(), observed.reason.as_deref());
    }

    fn decided(&mut self, expected: Option<DecisionKind>, got: Option<&str>, observed: &Observed) {
        let Some(expected) = expected.map(DecisionKind::label).filter(|expected| Some(*expected) != got) else {
            return;
        };
        let status = observed.reply.as_ref().map(|reply| format!(" {}", reply.status.as_u16()));
        let detail = observed.reason.as_ref().map(|reason| format!(" ({reason})"));
        let got = format!("{}{}{}", got.unwrap_or("none"), status.unwrap_or_default(), detail.unwrap_or_default());
        self.add("expect.decision", expected, got);
    }

    fn reply(&mut self, expect: &Expect, observed: &Observed) {
        let reply = observed.reply.as_ref();
        self.status("expect.status", expect.status, reply.map(|reply| reply.status.as_u16()));
        self.headers("expect.headers", &expect.headers, reply.map(|reply| &reply.headers));
        self.body("expect.body", expect.body.as_ref(), reply.map(|reply| &*reply.body));
    }

    fn request(&mut self, expect: &Expect, observed: &Observed) {
        let request = &observed.request;
        self.headers("expect.request-headers", &expect.request_headers, Some(&request.headers));
        self.text("expect.path", expect.path.as_deref(), Some(&request.path));
        if let Some(expected) = expect.query.as_ref().filter(|expected| **expected != request.query) {
            self.add("expect.query", or_none(expected.as_deref()), or_none(request.query.as_deref()));
        }
        self.text("expect.host", expect.host.as_deref(), Some(&request.host));
    }

    fn record(&mut self, expect: &Expect, observed: &Observed) {
        for (name, Text(value)) in &expect.labels.0 {
            let got: Vec<&str> =
                observed.labels.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
            if !got.contains(&value.as_str()) {
                self.text(&format!("expect.labels.{name}"), Some(value), got.first().copied());
            }
        }
        if let Some(expected) = &expect.reads {
            let expected = sorted(expected.iter().cloned());
            if expected != observed.reads {
                self.add("expect.reads", list(&expected), list(&observed.reads));
            }
        }
    }

    fn response(&mut self, expect: &ExpectAnswer, observed: &Observed) {
        let answer = observed.response.as_ref();
        self.status("expect-response.status", expect.status, answer.map(|answer| answer.status.as_u16()));
        self.headers("expect-response.headers", &expect.headers, answer.map(|answer| &answer.headers));
        self.body("expect-response.body", expect.body.as_ref(), answer.map(|answer| answer.body.as_slice()));
    }

    fn headers(&mut self, field: &str, expected: &ExpectedFields, got: Option<&HeaderMap>) {
        for (name, expected) in &expected.0 {
            let values = got.map(|headers| headers.get_all(name.to_ascii_lowercase()));
            let got: Vec<String> =
                values.iter().flatten().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
            if *expected.as_deref().unwrap_or_default() != *got {
                let expected =
                    expected.as_ref().map_or_else(|| String::from("no such field"), |values| several(values));
                self.add(format!("{field}.{name}"), expected, several(&got));
            }
        }
    }

    fn body(&mut self, field: &str, expected: Option<&Body>, got: Option<&[u8]>) {
        let got = got.map(String::from_utf8_lossy);
        let (holds, expected) = match expected {
            None => return,
            Some(Body::Is(text)) => (got.as_deref() == Some(text), quoted(text)),
            Some(Body::Contains(text)) => (
                got.as_ref().is_some_and(|got| got.contains(text.as_str())),
                format!("a text that contains {}", quoted(text)),
            ),
        };
        if !holds {
            self.add(field, expected, or_none(got.as_deref()));
        }
    }
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

pub fn or_none(text: Option<&str>) -> String {
    text.map_or_else(|| String::from("none"), quoted)
}

fn pair(name: &str, value: &str) -> String {
    format!("{name}={value}")
}

fn sorted(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut values: Vec<String> = values.collect();
    values.sort();
    values
}

fn list(values: &[String]) -> String {
    format!("[{}]", values.join(", "))
}

/// The values of one field.
fn several(values: &[String]) -> String {
    match values {
        [] => String::from("no such field"),
        [one] => quoted(one),
        more => format!("{more:?}"),
    }
}
