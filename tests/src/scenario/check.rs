//! Compares what a step saw with what it expects.

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

use super::cluster::Site;
use super::play::{World, probe};
use super::{Expect, ExpectTls, Step};
use crate::backend::Call;
use crate::client::{Opened, Reply, tls::Handshake};
use crate::ingress::Mark;
use crate::pattern;
use crate::pulse::within;

/// What a step saw, and where it began.
pub struct Seen {
    mark: Mark,
    calls: usize,
    cpu_ticks: u64,
    /// Requests to the API server that came before.
    asked: usize,
    pub replies: Vec<Reply>,
    pub tls: Option<Handshake>,
    /// The connection, where it has no name.
    pub last: Option<Opened>,
}

impl Seen {
    pub fn begin(world: &World) -> Result<Self> {
        Ok(Self {
            mark: world.ingress.mark(),
            calls: world.stage.calls().len(),
            cpu_ticks: world.ingress.cpu_ticks().unwrap_or_default(),
            asked: world.site.as_ref().map_or(0, Site::passed),
            replies: Vec::new(),
            tls: None,
            last: None,
        })
    }

    /// What a process said that was started within the step counts from its first line.
    pub fn count_from_the_start(&mut self) {
        self.mark = Mark::default();
    }

    /// Forgets the attempt before.
    pub fn again(&mut self, world: &World) {
        self.calls = world.stage.calls().len();
        self.replies.clear();
        self.tls = None;
        self.last = None;
    }
}

/// What can be seen without waiting, for a step that is tried again.
pub async fn now(world: &World, step: &Step, seen: &Seen) -> Result<()> {
    replies(&step.expect, seen)?;
    if let Some(wanted) = &step.expect.tls {
        tls(world, wanted, seen)?;
    }
    let calls = world.stage.calls().split_off(seen.calls);
    if let Some(wanted) = &step.expect.upstream {
        let last = calls.last().map(Call::to_json).context("no backend was called")?;
        compare("upstream", wanted, &last)?;
    }
    if let Some(wanted) = &step.expect.upstream_calls {
        compare("upstream_calls", wanted, &count(wanted, &calls))?;
    }
    admin(world, &step.expect).await
}

/// Every expectation, those about the answer first.
pub async fn step(world: &mut World, step: &Step, seen: &mut Seen) -> Result<()> {
    let expect = &step.expect;
    replies(expect, seen)?;
    if let Some(wanted) = &expect.tls {
        tls(world, wanted, seen)?;
    }
    upstream(world, expect, seen).await?;
    if let Some(wanted) = &expect.record {
        world.ingress.record(seen.mark, wanted).await?;
    }
    if let Some(wanted) = &expect.event {
        world.ingress.event(seen.mark, wanted).await?;
    }
    admin(world, expect).await?;
    if let Some(site) = &world.site {
        site.check(step, &world.given, seen.asked).await?;
    }
    if let Some(closed) = expect.closed {
        let opened = world.connection(step).or(seen.last.as_mut()).context("no connection to look at")?;
        connection(opened, closed).await?;
    }
    if let Some(code) = expect.exit {
        let found = world.ingress.exit().await?;
        ensure!(found == code, "exit code {found}, not {code}");
    }
    if let Some(bound) = expect.cpu_ticks_max {
        let used = world.ingress.cpu_ticks()? - seen.cpu_ticks;
        ensure!(used <= bound, "used {used} ticks of CPU, more than {bound}");
    }
    Ok(())
}

const REPLY_KEYS: [&str; 8] = ["version", "status", "interim", "headers", "body", "body_bytes", "json", "trailers"];

fn replies(expect: &Expect, seen: &Seen) -> Result<()> {
    let alike = expect.reply.iter().cycle();
    let patterns: Vec<_> = match &expect.replies {
        Some(patterns) => patterns.iter().collect(),
        None => alike.take(seen.replies.len()).collect(),
    };
    if expect.rejected == Some(true) {
        let passed = seen.replies.iter().find(|reply| !matches!(reply.status, 400..=499 | 501));
        ensure!(passed.is_none(), "not rejected: {passed:?}");
    }
    for (pattern, reply) in patterns.into_iter().zip(&seen.replies) {
        known_keys(pattern, &REPLY_KEYS)?;
        compare("reply", pattern, &reply.to_json())?;
    }
    Ok(())
}

fn known_keys(pattern: &Value, known: &[&str]) -> Result<()> {
    let mut keys = pattern.as_object().into_iter().flat_map(|map| map.keys());
    match keys.find(|key| !known.contains(&key.as_str()) && *key != "any_of") {
        Some(key) => Err(anyhow!("{key} is not one of {known:?}")),
        None => Ok(()),
    }
}

fn compare(what: &str, pattern: &Value, actual: &Value) -> Result<()> {
    pattern::matches(pattern, Some(actual)).map_err(|refusal| anyhow!("{what}: {refusal}\n  in {actual}"))
}

fn tls(world: &World, wanted: &ExpectTls, seen: &Seen) -> Result<()> {
    let found = seen.tls.as_ref().context("no TLS here")?;
    if let Some(name) = &wanted.certificate {
        let certificates = &world.given.certificates;
        let shown = certificates.values().find(|one| one.der == found.certificate).map(|one| one.name.as_str());
        ensure!(shown == Some(name.as_str()), "certificate {shown:?}, not {name}");
    }
    if let Some(alpn) = &wanted.alpn {
        ensure!(found.alpn.as_ref() == Some(alpn), "protocol {:?}, not {alpn}", found.alpn);
    }
    Ok(())
}

const CALL_KEYS: [&str; 10] =
    ["name", "connection", "version", "method", "path", "headers", "body", "body_bytes", "trailers", "complete"];

async fn upstream(world: &World, expect: &Expect, seen: &Seen) -> Result<()> {
    let stage = &world.stage;
    let calls = || stage.calls().split_off(seen.calls);
    if let Some(wanted) = &expect.upstream_calls {
        stage.pulse.until(|| compare("upstream_calls", wanted, &count(wanted, &calls()))).await?;
    }
    if let Some(wanted) = expect.upstream_completed {
        let found = calls().iter().filter(|call| call.complete).count();
        ensure!(found == wanted, "{found} calls came to their end, not {wanted}: {:?}", calls());
    }
    if let Some(wanted) = &expect.upstream {
        known_keys(wanted, &CALL_KEYS)?;
        let last = || calls().last().map(Call::to_json).context("no backend was called");
        stage.pulse.until(|| compare("upstream", wanted, &last()?)).await?;
    }
    Ok(())
}

/// All calls as a number, or by backend, as the pattern asks.
fn count(wanted: &Value, calls: &[Call]) -> Value {
    if wanted.is_number() {
        return json!(calls.len());
    }
    let mut counts = serde_json::Map::new();
    for call in calls {
        let count = counts.get(&call.backend).and_then(Value::as_u64).unwrap_or_default();
        counts.insert(call.backend.clone(), json!(count + 1));
    }
    Value::Object(counts)
}

async fn admin(world: &World, expect: &Expect) -> Result<()> {
    if expect.problems.is_some() || expect.config.is_some() {
        let config = world.ingress.config().await?;
        if let Some(wanted) = &expect.config {
            compare("config", wanted, &config)?;
        }
        let found = config.get("problems").cloned().unwrap_or_default();
        match expect.problems.as_deref() {
            None => {}
            Some([]) => ensure!(found.as_array().is_some_and(Vec::is_empty), "there are problems: {found}"),
            Some(wanted) => compare("problems", &json!({ "has": wanted }), &found)?,
        }
    }
    if let Some(wanted) = &expect.metrics {
        let metrics = world.ingress.metrics().await?;
        for line in wanted {
            ensure!(metrics.contains(line.as_str()), "no {line:?} in the metrics:\n{metrics}");
        }
    }
    Ok(())
}

async fn connection(opened: &mut Opened, closed: bool) -> Result<()> {
    if !closed {
        return within("a second request", probe(opened)).await;
    }
    let wire = opened.connection.wire()?;
    let rest = within("the end of the connection", wire.closed()).await?;
    ensure!(rest.is_empty(), "more after the reply: {:?}", crate::wire::text(&rest));
    Ok(())
}
