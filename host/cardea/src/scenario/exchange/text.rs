//! A request as HTTP/1.1 text, as `curl -v` shows it, turned into the `send` form.

use super::fields::Fields;
use super::send::Send;

/// Fields that belong to the client's connection; the ingress drops them before policies run.
const DROPPED: [&str; 5] = ["connection", "content-length", "transfer-encoding", "keep-alive", "expect"];

/// Whether the text starts like `GET /path HTTP/1.1`.
pub fn is_http(text: &str) -> bool {
    let mut words = text.lines().next().unwrap_or_default().split_whitespace();
    words.nth(2).is_some_and(|version| version.starts_with("HTTP/")) && words.next().is_none()
}

/// Reads a head, and what follows the empty line as the body.
pub fn parse(text: &str) -> Result<Send, String> {
    let text = text.replace("\r\n", "\n");
    let (head, body) = match text.split_once("\n\n") {
        Some((head, body)) => (head, Some(body)),
        None => (text.trim_end_matches('\n'), None),
    };
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(String::from("line 1: expected a request line such as `GET / HTTP/1.1`"));
    };
    let mut send = Send { method: Some(method.to_owned()), path: Some(target.to_owned()), ..Send::default() };
    for (number, line) in (2..).zip(lines) {
        let field = line.split_once(':').filter(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace));
        let (name, value) = field.ok_or_else(|| format!("line {number}: {line:?} is not a field `name: value`"))?;
        add(&mut send, &name.to_ascii_lowercase(), value.trim());
    }
    send.body = body.filter(|body| !body.is_empty()).map(str::to_owned);
    Ok(send)
}

fn add(send: &mut Send, name: &str, value: &str) {
    if name == "host" {
        send.host = Some(value.to_owned());
    } else if !DROPPED.contains(&name) {
        let Fields(fields) = &mut send.headers;
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value.to_owned()),
            None => fields.push((name.to_owned(), vec![value.to_owned()])),
        }
    }
}
