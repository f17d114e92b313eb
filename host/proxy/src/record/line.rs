//! The access line: one JSON object, its fields in a fixed order, absent where there is nothing to say.

use std::io::Write;
use std::time::Duration;

use cardea_policy::Explained;
use http::Version;

use super::Record;

/// Appends the line of a finished record.
pub fn write(record: &Record, duration: Duration, out: &mut Vec<u8>) {
    let mut line = Line { out, first: true };
    line.out.push(b'{');
    line.text("time", &jiff::Timestamp::now().to_string());
    if let Some(id) = &record.request_id {
        line.text("request_id", id.to_str().unwrap_or("-"));
    }
    line.text("client", &record.asker.to_canonical().to_string());
    line.text("method", record.method.as_str());
    line.text("scheme", record.scheme);
    line.text("host", record.host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or(""));
    line.text("path", record.uri.path());
    line.text("protocol", protocol(record.version));
    if let Some(route) = record.route_name() {
        line.text("route", route);
    }
    if let Some(backend) = &record.backend {
        line.text("backend", &backend.state.name);
    }
    if let Some(endpoint) = &record.trace.endpoint {
        line.text("endpoint", &endpoint.name);
    }
    line.number("status", u64::from(record.status));
    line.number("duration_us", micros(duration));
    if let Some((_, took)) = record.upstream {
        line.number("upstream_us", micros(took));
    }
    line.number("bytes_in", record.bytes_in());
    line.number("bytes_out", record.bytes_out);
    if record.trace.retries > 0 {
        line.number("retries", u64::from(record.trace.retries));
    }
    policies(&mut line, record);
    if let Some(failure) = &record.failure {
        line.text("failure", failure.label());
        line.text("detail", &failure.to_string());
    }
    line.out.extend_from_slice(b"}\n");
}

fn policies(line: &mut Line<'_>, record: &Record) {
    let Some(policies) = &record.policies else { return };
    let policies = policies.borrow();
    line.key("policies");
    line.out.push(b'[');
    for (index, decided) in policies.run.decided.iter().enumerate() {
        line.out.extend_from_slice(if index == 0 { b"{" } else { b",{" });
        let mut item = Line { out: line.out, first: true };
        item.text("name", &decided.policy);
        item.text("decision", decided.kind.label());
        if !decided.detail.is_empty() {
            item.text("detail", &decided.detail);
        }
        item.number("us", u64::from(decided.nanoseconds / 1000));
        item.list("reads", &policies.run.reads(decided));
        if let Some(explained) = &decided.explained {
            explain(&mut item, explained);
        }
        line.out.push(b'}');
    }
    line.out.push(b']');
    if !policies.run.labels.is_empty() {
        line.key("labels");
        line.out.push(b'{');
        let mut labels = Line { out: line.out, first: true };
        for (key, value) in &policies.run.labels {
            labels.text(key, value);
        }
        line.out.push(b'}');
    }
}

/// For authors: values are what strangers sent, and may be secrets.
fn explain(item: &mut Line<'_>, explained: &Explained) {
    item.key("values");
    item.out.push(b'{');
    let mut values = Line { out: item.out, first: true };
    for (question, value) in &explained.values {
        match value {
            Some(value) => values.text(question, value),
            None => {
                values.key(question);
                values.out.extend_from_slice(b"null");
            }
        }
    }
    item.out.push(b'}');
    item.list("edits", &explained.edits);
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A JSON object being written.
struct Line<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl Line<'_> {
    fn key(&mut self, key: &str) {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(b',');
        }
        string(self.out, key);
        self.out.push(b':');
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        string(self.out, value);
    }

    fn list(&mut self, key: &str, values: &[String]) {
        self.key(key);
        self.out.push(b'[');
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            string(self.out, value);
        }
        self.out.push(b']');
    }

    fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

/// Writing to a Vec cannot fail, nor can a string be unfit for JSON.
fn string(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(&mut *out, text);
    let _ = out.flush();
}
