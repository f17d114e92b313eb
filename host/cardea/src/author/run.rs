//! `cardea policy run`: one request through a module on the production engine, and all that came of it.

use std::path::{Path, PathBuf};

use cardea_policy::Target;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::mistake::Mistake;
use super::module::Module;
use super::{Verdict, engine, exchange, print};
use crate::scenario::play::{Observed, Player, RequestHead};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A module, or the folder with the one that is meant.
    #[arg(value_name = "FILE.wasm")]
    path: PathBuf,
    /// The policy's config: JSON, or a file of JSON or YAML as @FILE. Null if absent.
    #[arg(long, value_name = "JSON|@FILE", conflicts_with = "policy")]
    config: Option<String>,
    /// A Policy manifest: its config, grants and limits. Without it everything is granted.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The request: HTTP/1.1 text, or YAML with the keys of `send` (docs/policy-testing.md); - reads standard input.
    /// A GET of / if absent.
    #[arg(long, value_name = "FILE|-")]
    request: Option<PathBuf>,
    /// Names of backends that the route declares; any name if absent.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    backends: Option<Vec<String>>,
    /// Print one JSON object, with the names that the access log has.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let module = Module::read(&args.path)?;
    let exchange = exchange::request(args.request.as_deref())?;
    let spec = exchange::spec(&module, args.config.as_deref(), args.policy.as_deref())?;
    let stage = engine::live()?;
    let mut player = match Player::start(&stage, &spec, args.backends.clone()) {
        Ok(player) => player,
        Err(error) => return Err(exchange::refused(&module.path, &error)),
    };
    let source = args.request.as_deref().unwrap_or(Path::new("the request"));
    let observed = player.play(&exchange.send, &exchange.response).map_err(|what| {
        Mistake::usage(format!("{}: {what}", source.display()), "docs/policy-testing.md has every key")
    })?;
    let before = exchange.send.exchange().map(|exchange| exchange.request.headers).unwrap_or_default();
    if args.json {
        print::line(json(&observed, &stage.take_log()));
        return Ok(verdict(&observed));
    }
    show(&observed, &before);
    stage.take_log().iter().for_each(|line| print::line(format!("log        {line}")));
    Ok(verdict(&observed))
}

fn verdict(observed: &Observed) -> Verdict {
    if observed.failure.is_some() { Verdict::Bad } else { Verdict::Good }
}

/// What became of the exchange, for a program.
fn json(observed: &Observed, log: &[String]) -> Value {
    let fields = |headers: &HeaderMap| {
        let field = |(name, value): (&HeaderName, &HeaderValue)| {
            json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())])
        };
        headers.iter().map(field).collect::<Vec<_>>()
    };
    let (target, subset) = match &observed.target {
        Some(Target::Backend(name)) => (Some(&**name), None),
        Some(Target::Subset(labels)) => (None, Some(labels)),
        None => (None, None),
    };
    let (request, response) = observed.nanoseconds;
    json!({
        "decision": observed.decision.map(|kind| kind.label()),
        "backend": target,
        "subset": subset,
        "reason": observed.reason,
        "status": observed.response.as_ref().map(|answer| answer.status.as_u16()),
        "request": { "host": observed.request.host, "path": observed.request.path, "query": observed.request.query,
            "headers": fields(&observed.request.headers) },
        "response_headers": observed.response.as_ref().map(|answer| fields(&answer.headers)),
        "labels": observed.labels,
        "reads": observed.reads,
        "response_reads": observed.response_reads,
        "us": (request + response) / 1000,
        "failure": observed.failure.as_ref().map(|failed| failed.label),
        "detail": observed.failure.as_ref().map(|failed| &failed.message),
        "log": log,
    })
}

fn show(observed: &Observed, before: &HeaderMap) {
    let decision = observed.decision.map_or("none", |kind| kind.label());
    match &observed.failure {
        Some(failed) => print::line(format!("failed     {}: {}", failed.label, failed.message)),
        None => print::line(format!("decision   {decision}{}", detail(observed))),
    }
    if let Some(demand) = observed.body_demand {
        print::line(format!("body       asked for {} bytes", demand.bytes_max));
    }
    edits(&observed.request, before);
    if let Some(answer) = &observed.response {
        print::line(format!("client     {}", answer.status));
        for (name, value) in &answer.headers {
            print::line(format!("           {name}: {}", String::from_utf8_lossy(value.as_bytes())));
        }
        if observed.reply.is_some() && !answer.body.is_empty() {
            print::line(format!("           {:?}", String::from_utf8_lossy(&answer.body)));
        }
    }
    for (name, value) in &observed.labels {
        print::line(format!("label      {name}={value}"));
    }
    print::line(format!("read       {}", or_nothing(&observed.reads)));
    if !observed.response_reads.is_empty() {
        print::line(format!("read later {}", or_nothing(&observed.response_reads)));
    }
    let (request, response) = observed.nanoseconds;
    let took = std::time::Duration::from_nanos(request + response);
    print::line(format!("time       {} in the policy, its first call included", print::duration(took)));
}

fn detail(observed: &Observed) -> String {
    match (&observed.target, &observed.reason) {
        (Some(Target::Backend(name)), _) => format!(" to {name}"),
        (Some(Target::Subset(labels)), _) => format!(" to endpoints with {labels:?}"),
        (None, Some(reason)) => format!(" ({reason})"),
        (None, None) => String::new(),
    }
}

/// What the policy changed of the request, as a diff.
fn edits(request: &RequestHead, before: &HeaderMap) {
    let query = request.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    print::line(format!("backend    {}{query} at {}", request.path, request.host));
    for name in before.keys().chain(request.headers.keys().filter(|name| !before.contains_key(*name))) {
        let (old, new) = (before.get_all(name), request.headers.get_all(name));
        if !old.iter().eq(new.iter()) {
            old.iter().for_each(|value| {
                print::line(format!("         - {name}: {}", String::from_utf8_lossy(value.as_bytes())))
            });
            new.iter().for_each(|value| {
                print::line(format!("         + {name}: {}", String::from_utf8_lossy(value.as_bytes())))
            });
        }
    }
}

fn or_nothing(reads: &[String]) -> String {
    if reads.is_empty() { String::from("nothing") } else { reads.join(", ") }
}
