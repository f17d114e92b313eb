//! Reads a scenario file, spells out its short forms, and refuses what expects nothing.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Scenario, Send, Step};

/// Reads and checks a file.
///
/// # Errors
/// When it is not YAML, has an unknown key, or a step that expects nothing.
pub fn read(path: &Path) -> Result<Scenario> {
    parse(&std::fs::read_to_string(path)?)
}

/// Reads the text of a file.
///
/// # Errors
/// As for [`read`].
pub fn parse(text: &str) -> Result<Scenario> {
    // By way of JSON: there an enum with a value is a map with one key, not a YAML tag.
    let value: Value = serde_yaml::from_str(text)?;
    let mut scenario: Scenario = serde_json::from_value(value)?;
    if let Some(expect) = scenario.expect.take() {
        let send = scenario.send.take();
        scenario.steps.push(Step { promise: Some(scenario.promise.clone()), send, expect, ..Step::default() });
    }
    ensure!(!scenario.steps.is_empty(), "no steps");
    for step in &mut scenario.steps {
        step.spell_out().with_context(|| step.name())?;
    }
    Ok(scenario)
}

impl Step {
    pub fn name(&self) -> String {
        self.promise.clone().unwrap_or_else(|| "a step without a promise".to_owned())
    }

    /// Turns the short forms into `send` and `expect`.
    fn spell_out(&mut self) -> Result<()> {
        self.spell_out_rejection();
        if let Some(get) = self.get.take() {
            ensure!(self.send.is_none(), "get and send");
            let (host, path) = get.split_at(get.find('/').unwrap_or(get.len()));
            let host = (!host.is_empty()).then(|| host.to_owned());
            self.send = Some(Send { host, path: path.to_owned(), ..Send::default() });
            let outcome = self.from.clone().or(self.status.map(|status| status.to_string())).unwrap_or_default();
            self.promise.get_or_insert(format!("{get} -> {outcome}"));
        }
        if let Some(backend) = self.from.take() {
            self.expect.reply.get_or_insert(json!({"status": 200}));
            self.expect.upstream.get_or_insert(json!({"name": backend}));
            self.expect.upstream_calls.get_or_insert(1.into());
        }
        if let Some(status) = self.status.take() {
            self.expect.reply.get_or_insert(json!({"status": status}));
            self.expect.upstream_calls.get_or_insert(0.into());
        }
        ensure!(self.promise.is_some(), "a step needs a promise");
        ensure!(self.expects() || self.acts(), "a step that expects nothing");
        Ok(())
    }

    fn spell_out_rejection(&mut self) {
        let whole = self.reject.is_some();
        let Some(raw) = self.reject.take().or(self.reject_body.take()) else { return };
        self.send = Some(Send { raw: Some(raw), ..Send::default() });
        let status = self.status.take().unwrap_or(400);
        self.expect.reply.get_or_insert(json!({"status": status}));
        self.expect.closed.get_or_insert(true);
        self.expect.upstream_completed.get_or_insert(0);
        if whole {
            self.expect.upstream_calls.get_or_insert(0.into());
        }
    }

    fn expects(&self) -> bool {
        let e = &self.expect;
        let patterns = [&e.reply, &e.upstream, &e.upstream_calls, &e.record, &e.event, &e.config];
        patterns.iter().any(|pattern| pattern.is_some())
            || e.replies.is_some()
            || e.receive.is_some()
            || e.refused.is_some()
            || e.rejected.is_some()
            || e.any_outcome.is_some()
            || e.ends.is_some()
            || e.closed.is_some()
            || e.problems.is_some()
            || e.metrics.is_some()
            || e.tls.is_some()
            || e.exit.is_some()
            || !e.objects.is_empty()
            || !e.asked.is_empty()
            || !e.events.is_empty()
    }

    fn acts(&self) -> bool {
        self.apply.is_some()
            || self.delete.is_some()
            || self.stop.is_some()
            || self.open.is_some()
            || self.close.is_some()
            || self.acts_on_cluster()
    }

    fn acts_on_cluster(&self) -> bool {
        !self.pods.is_empty() || self.faults.is_some() || self.break_watches.is_some() || self.plane.is_some()
    }
}
