//! From the text of a scenarios file to its cases. The first mistake is named by case and key.

use cardea_model::config::ProxyWasm;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::exchange::fields::{Entries, Text};
use super::exchange::{Answer, Send};
use super::expect::{Expect, ExpectAnswer};
use super::replies::Replies;
use super::stage::INTERFACES;
use super::{Case, Plan, Scenarios, Step};

/// 2026-01-01T00:00:00Z
const START_MS: u64 = 1_767_225_600_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    config: Value,
    grants: Option<Vec<String>>,
    #[serde(default)]
    backends: Vec<String>,
    #[serde(rename = "proxy-wasm")]
    proxy_wasm: Option<RawProxyWasm>,
    cases: Vec<RawCase>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawProxyWasm {
    #[serde(default)]
    root_id: String,
    #[serde(default)]
    vm_config: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawCase {
    promise: String,
    #[serde(default, deserialize_with = "given")]
    config: Option<Value>,
    at: Option<String>,
    #[serde(default)]
    random: Vec<f64>,
    #[serde(default)]
    kv: Entries<Text>,
    #[serde(default)]
    replies: Replies,
    refused: Option<String>,
    requests: Option<Vec<RawStep>>,
    send: Option<Send>,
    expect: Option<Expect>,
    response: Option<Answer>,
    expect_response: Option<ExpectAnswer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawStep {
    send: Option<Send>,
    expect: Option<Expect>,
    response: Option<Answer>,
    expect_response: Option<ExpectAnswer>,
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// # Errors
/// A sentence that names the key at fault, and what may stand there.
pub fn read(text: &str) -> Result<Scenarios, String> {
    let file: File = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
    if let Some(unknown) = file.grants.iter().flatten().find(|name| !INTERFACES.contains(&name.as_str())) {
        return Err(format!("grants: {unknown:?} is no interface; grant {}", INTERFACES.join(", ")));
    }
    if file.cases.is_empty() {
        return Err(String::from("cases: is empty; write one with a promise"));
    }
    let mut cases = Vec::with_capacity(file.cases.len());
    for (index, raw) in file.cases.into_iter().enumerate() {
        let case = case(raw, &file.config).map_err(|error| format!("cases[{index}].{error}"))?;
        if cases.iter().any(|other: &Case| other.promise == case.promise) {
            return Err(format!("cases[{index}].promise: another case has the same; say what is different"));
        }
        cases.push(case);
    }
    let proxy_wasm = file.proxy_wasm.map(|RawProxyWasm { root_id, vm_config }| ProxyWasm {
        root_id: root_id.into(),
        vm_config: vm_config.to_string().into(),
    });
    Ok(Scenarios { grants: file.grants, backends: file.backends, proxy_wasm, cases })
}

fn case(raw: RawCase, config: &Value) -> Result<Case, String> {
    if raw.promise.trim().is_empty() {
        return Err(String::from("promise: is empty; say what holds, in a sentence"));
    }
    Ok(Case {
        at_ms: raw.at.as_deref().map_or(Ok(START_MS), moment)?,
        draws: raw.random.iter().enumerate().map(|(index, draw)| drawn(index, *draw)).collect::<Result<_, _>>()?,
        config: raw.config.unwrap_or_else(|| config.clone()),
        promise: raw.promise,
        kept: raw.kv,
        replies: checked(raw.replies)?,
        plan: plan(
            raw.refused,
            raw.requests,
            RawStep {
                send: raw.send,
                expect: raw.expect,
                response: raw.response,
                expect_response: raw.expect_response,
            },
        )?,
    })
}

fn plan(refused: Option<String>, requests: Option<Vec<RawStep>>, own: RawStep) -> Result<Plan, String> {
    let has_own = own.send.is_some() || own.expect.is_some() || own.response.is_some() || own.expect_response.is_some();
    match (refused, requests, has_own) {
        (Some(text), None, false) if text.is_empty() => {
            Err(String::from("refused: is empty, which any error contains; write a part of the error"))
        }
        (Some(text), None, false) => Ok(Plan::Refused(text)),
        (None, Some(steps), false) if steps.is_empty() => Err(String::from("requests: is empty; write an exchange")),
        (None, Some(steps), false) => {
            let steps = steps.into_iter().enumerate();
            let checked = steps.map(|(index, raw)| step(raw).map_err(|error| format!("requests[{index}].{error}")));
            Ok(Plan::Requests(checked.collect::<Result<_, _>>()?))
        }
        (None, None, true) => Ok(Plan::Requests(vec![step(own)?])),
        (None, None, false) => Err(String::from("send: is missing; give send and expect, or requests, or refused")),
        _ => Err(String::from("requests: stands beside send, expect or refused; keep one of these ways")),
    }
}

/// Tries the request too, so that a mistake in it shows before anything is played.
fn step(raw: RawStep) -> Result<Step, String> {
    let send = raw.send.ok_or("send: is missing; `send: {}` is a GET of /")?;
    if raw.expect.is_none() && raw.expect_response.is_none() {
        return Err(String::from("expect: is missing, so that nothing could fail; expect something"));
    }
    let response = raw.response.unwrap_or_default();
    send.exchange().map_err(|error| format!("send.{error}"))?;
    send.after().map_err(|error| format!("send.{error}"))?;
    response.head().map_err(|error| format!("response.{error}"))?;
    Ok(Step { send, expect: raw.expect, response, expect_response: raw.expect_response })
}

fn checked(replies: Replies) -> Result<Replies, String> {
    for (upstream, list) in &replies.0 {
        for (index, reply) in list.iter().enumerate() {
            reply.check().map_err(|error| format!("replies.{upstream}[{index}].{error}"))?;
        }
    }
    Ok(replies)
}

fn moment(text: &str) -> Result<u64, String> {
    let wrong = || format!("at: {text:?} is no moment since 1970; write it as 2026-01-01T00:00:00Z");
    let moment: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
    u64::try_from(moment.as_millisecond()).map_err(|_| wrong())
}

/// A draw `f` is the number `f * 2^64`.
fn drawn(index: usize, fraction: f64) -> Result<u64, String> {
    if !(0.0..1.0).contains(&fraction) {
        return Err(format!("random[{index}]: {fraction} is out of range; a draw is at least 0 and below 1"));
    }
    Ok((fraction * 2_f64.powi(64)) as u64)
}
