//! From the guest's types to the host's: every bound and every rule on an outcome.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::bindings::{self, Field, Phases};
use crate::exchange::Exchange;
use crate::failure::Failure;
use crate::fields;
use crate::outcome::edits::{Side, invalid, name, value};
use crate::outcome::{BodyDemand, Decision, HeaderEdits, Reply, RequestEdits, RequestOutcome, ResponseOutcome, Target};

const BODY_BYTES_MAX: usize = 1 << 20;
const CARRY_BYTES_MAX: usize = 4 << 10;
const LABELS_MAX: usize = 16;
const LABEL_BYTES_MAX: usize = 256;
const WEIGHTED_MAX: usize = 16;
const FIELDS_MAX: usize = 64;
const FIELD_BYTES_MAX: usize = 64 << 10;
const LOCATION_BYTES_MAX: usize = 8 << 10;

/// What an outcome is checked against.
pub(crate) struct Context<'a> {
    pub exchange: &'a Exchange,
    /// Whether the route declares a backend of this name.
    pub allowed: &'a dyn Fn(&str) -> bool,
    /// Identity headers that the policy may write.
    pub granted: &'a [String],
    /// A number below its argument.
    pub draw: &'a mut dyn FnMut(u64) -> u64,
    /// Most body that the policy may ask for, or why it may not.
    pub body: Result<u32, &'static str>,
}

/// Checks the outcome of a request phase.
pub(crate) fn request(outcome: bindings::RequestOutcome, context: &mut Context<'_>) -> Result<RequestOutcome, Failure> {
    Ok(RequestOutcome {
        decision: decision(outcome.decision, context)?,
        edits: RequestEdits::new(outcome.edits, context.exchange, context.granted)?,
        response_edits: HeaderEdits::of_response(outcome.response_edits)?,
        follow_response: outcome.follow & Phases::RESPONSE == Phases::RESPONSE,
        follow_complete: outcome.follow & Phases::COMPLETE == Phases::COMPLETE,
        carry: carry(outcome.carry)?,
        labels: labels(outcome.labels)?,
    })
}

/// Checks the outcome of the response phase, whose head is `headers`.
pub(crate) fn response(outcome: bindings::ResponseOutcome, headers: &HeaderMap) -> Result<ResponseOutcome, Failure> {
    let edits = HeaderEdits::of_response(outcome.edits)?;
    edits.fit(headers)?;
    Ok(ResponseOutcome { replace: outcome.replace.map(respond).transpose()?, edits, carry: carry(outcome.carry)? })
}

fn decision(decision: bindings::Decision, context: &mut Context<'_>) -> Result<Decision, Failure> {
    Ok(match decision {
        bindings::Decision::Next => Decision::Next,
        bindings::Decision::Route(wanted) => Decision::Route(target(wanted, context)?),
        bindings::Decision::Redirect(wanted) => Decision::Redirect(Box::new(redirect(wanted)?)),
        bindings::Decision::Respond(wanted) => Decision::Respond(Box::new(respond(wanted)?)),
        bindings::Decision::Deny(denial) => {
            fields::token(&denial.reason).map_err(|error| invalid(format!("the reason is {error}")))?;
            Decision::Deny {
                reason: denial.reason,
                reply: Box::new(deny(denial.status, denial.headers, denial.retry_after_ms)?),
            }
        }
        bindings::Decision::WantBody(demand) => Decision::WantBody(want_body(demand, context)?),
    })
}

fn target(target: bindings::Target, context: &mut Context<'_>) -> Result<Target, Failure> {
    match target {
        bindings::Target::Backend(name) => backend(name, context),
        bindings::Target::Weighted(entries) => weighted(entries, context),
        bindings::Target::Subset(wanted) => {
            if wanted.is_empty() {
                return Err(invalid("a subset without labels"));
            }
            Ok(Target::Subset(labels(wanted)?))
        }
    }
}

fn backend(name: String, context: &Context<'_>) -> Result<Target, Failure> {
    if (context.allowed)(&name) {
        return Ok(Target::Backend(Arc::from(name)));
    }
    let mut name = name;
    name.truncate(name.floor_char_boundary(100));
    Err(Failure::UnknownBackend(name))
}

/// Every entry must be allowed, also one that is not drawn: a mistake shows at once.
fn weighted(entries: Vec<bindings::Weighted>, context: &mut Context<'_>) -> Result<Target, Failure> {
    if entries.len() > WEIGHTED_MAX {
        return Err(Failure::OutcomeTooLarge("more than 16 weighted backends"));
    }
    let sum: u64 = entries.iter().map(|entry| u64::from(entry.weight)).sum();
    if sum == 0 {
        return Err(invalid("the weights of a weighted target are all 0"));
    }
    let mut left = (context.draw)(sum);
    let mut drawn = None;
    for entry in entries {
        let target = backend(entry.backend, context)?;
        let weight = u64::from(entry.weight);
        if drawn.is_none() && left < weight {
            drawn = Some(target);
        }
        left = left.saturating_sub(weight);
    }
    drawn.ok_or_else(|| invalid("no backend was drawn"))
}

fn redirect(wanted: bindings::Redirect) -> Result<Reply, Failure> {
    if !matches!(wanted.status, 301 | 302 | 303 | 307 | 308) {
        return Err(invalid(format!("{} is not a redirect (301, 302, 303, 307, 308)", wanted.status)));
    }
    if wanted.location.is_empty() || wanted.location.len() > LOCATION_BYTES_MAX || !wanted.location.is_ascii() {
        return Err(invalid("a location is 1 to 8192 bytes of ASCII"));
    }
    let mut headers = HeaderMap::with_capacity(1);
    headers.insert(LOCATION, value("location", wanted.location.into_bytes())?);
    Ok(Reply { status: status(wanted.status)?, headers, body: Bytes::new() })
}

fn respond(wanted: bindings::Response) -> Result<Reply, Failure> {
    if !(200..=599).contains(&wanted.status) {
        return Err(invalid(format!("{} is not a status of 200 to 599", wanted.status)));
    }
    if wanted.body.len() > BODY_BYTES_MAX {
        return Err(Failure::OutcomeTooLarge("a body of more than 1 MiB"));
    }
    // These have no content (RFC 9110, 15.3.5, 15.3.6, 15.4.5), so there is none to send.
    let body = if matches!(wanted.status, 204 | 205 | 304) { Bytes::new() } else { Bytes::from(wanted.body) };
    Ok(Reply { status: status(wanted.status)?, headers: header_map(wanted.headers)?, body })
}

fn deny(code: u16, headers: Vec<Field>, retry_after_ms: Option<u32>) -> Result<Reply, Failure> {
    if !(400..=599).contains(&code) {
        return Err(invalid(format!("{code} is not a status of 400 to 599")));
    }
    let status = status(code)?;
    let mut headers = header_map(headers)?;
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Some(milliseconds) = retry_after_ms {
        headers.insert(RETRY_AFTER, HeaderValue::from(milliseconds.div_ceil(1000)));
    }
    let body = format!("{} {}\n", code, status.canonical_reason().unwrap_or("Denied"));
    Ok(Reply { status, headers, body: Bytes::from(body) })
}

fn want_body(demand: bindings::BodyDemand, context: &Context<'_>) -> Result<BodyDemand, Failure> {
    let most = context.body.map_err(Failure::BodyDemand)?;
    if demand.max_bytes > most {
        return Err(Failure::BodyDemand("it is more than limits.body"));
    }
    Ok(BodyDemand { bytes_max: demand.max_bytes, deny_on_overflow: demand.deny_on_overflow })
}

fn status(code: u16) -> Result<StatusCode, Failure> {
    StatusCode::from_u16(code).map_err(|_| invalid(format!("{code} is not a status")))
}

fn header_map(list: Vec<Field>) -> Result<HeaderMap, Failure> {
    if list.len() > FIELDS_MAX {
        return Err(Failure::OutcomeTooLarge("more than 64 headers"));
    }
    if list.iter().map(|field| field.name.len() + field.value.len()).sum::<usize>() > FIELD_BYTES_MAX {
        return Err(Failure::OutcomeTooLarge("more than 64 KiB of headers"));
    }
    let mut headers = HeaderMap::with_capacity(list.len() + 2);
    for field in list {
        let value = value(&field.name, field.value)?;
        headers.append(name(&field.name, Side::Response)?, value);
    }
    Ok(headers)
}

fn carry(bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
    if bytes.len() > CARRY_BYTES_MAX { Err(Failure::OutcomeTooLarge("more than 4 KiB of carry")) } else { Ok(bytes) }
}

fn labels(labels: Vec<(String, String)>) -> Result<Vec<(String, String)>, Failure> {
    if labels.len() > LABELS_MAX {
        return Err(Failure::OutcomeTooLarge("more than 16 labels"));
    }
    for (name, value) in &labels {
        if value.len() > LABEL_BYTES_MAX {
            return Err(Failure::OutcomeTooLarge("a label of more than 256 bytes"));
        }
        fields::token(name).map_err(|error| invalid(format!("the label {name:?} is {error}")))?;
    }
    Ok(labels)
}

/// For fuzzing: an outcome decoded from arbitrary bytes, checked, and applied if it is good. Never panics.
pub fn fuzz_request_outcome(bytes: &[u8]) -> Result<(), Failure> {
    let mut bytes = bytes.iter().copied();
    let outcome = bindings::arbitrary::request_outcome(&mut bytes);
    let mut exchange = Exchange::blank();
    let mut draw = |sum: u64| sum / 2;
    let mut context = Context {
        exchange: &exchange,
        allowed: &|name| name == "canary",
        granted: &[],
        draw: &mut draw,
        body: Ok(64 << 10),
    };
    let checked = request(outcome, &mut context)?;
    checked.edits.apply(&mut exchange);
    checked.response_edits.apply(&mut HeaderMap::new());
    Ok(())
}
