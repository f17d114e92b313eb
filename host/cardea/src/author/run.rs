//! `cardea policy run`: one request through a module on the production engine, and all that came of it.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cardea_model::config::Policy;
use cardea_policy::{LoadError, Target};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::engine::{self, declared};
use super::mistake::Mistake;
use super::module::Module;
use super::{Verdict, print};
use crate::scenario::exchange::{Answer, Send, text};
use crate::scenario::play::{Observed, Player, RequestHead};
use crate::scenario::stage::{all_interfaces, policy_of, source_of};

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
}

/// A request as YAML may also bring the answer of the backend.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    send: Send,
    #[serde(default)]
    response: Answer,
}

pub fn run(args: &Args) -> Result<Verdict, Mistake> {
    let module = Module::read(&args.path)?;
    let exchange = request(args.request.as_deref())?;
    let spec = spec(args, &module)?;
    let stage = engine::live()?;
    let mut player = match Player::start(&stage, &spec, args.backends.clone()) {
        Ok(player) => player,
        Err(error) => return Err(refused(&module.path, &error)),
    };
    let source = args.request.as_deref().unwrap_or(Path::new("the request"));
    let observed = player.play(&exchange.send, &exchange.response).map_err(|what| {
        Mistake::usage(format!("{}: {what}", source.display()), "docs/policy-testing.md has every key")
    })?;
    let before = exchange.send.exchange().map(|exchange| exchange.request.headers).unwrap_or_default();
    show(&observed, &before);
    stage.take_log().iter().for_each(|line| print::line(format!("log        {line}")));
    Ok(if observed.failure.is_some() { Verdict::Bad } else { Verdict::Good })
}

fn refused(path: &Path, error: &LoadError) -> Mistake {
    let remedy = match error.stage {
        "init" => "give the policy a config that it takes: --config JSON, --config @FILE or --policy FILE",
        _ => &error.remedy,
    };
    Mistake::policy(format!("{}: {}", path.display(), error.message), remedy)
}

fn spec(args: &Args, module: &Module) -> Result<Arc<Policy>, Mistake> {
    let bytes: Arc<[u8]> = Arc::from(module.bytes.as_slice());
    if let Some(policy) = &args.policy {
        return Ok(Arc::new(declared(policy)?.with(source_of(&module.path, &bytes))));
    }
    let config = args.config.as_deref().map_or(Ok(Value::Null), config)?;
    Ok(policy_of(&module.path, &bytes, &config, all_interfaces()))
}

fn config(text: &str) -> Result<Value, Mistake> {
    let Some(file) = text.strip_prefix('@') else {
        return serde_json::from_str(text).map_err(|error| {
            Mistake::usage(format!("--config is not JSON: {error}"), "quote it for the shell, or use @FILE")
        });
    };
    let content = std::fs::read_to_string(file).map_err(|error| Mistake::unreadable(Path::new(file), &error))?;
    // JSON is YAML too.
    serde_yaml::from_str(&content)
        .map_err(|error| Mistake::usage(format!("--config: {file}: {error}"), "write one JSON or YAML value"))
}

fn request(path: Option<&Path>) -> Result<Exchange, Mistake> {
    let Some(path) = path else { return Ok(Exchange::default()) };
    let mut content = String::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut content),
        _ => std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut content)),
    };
    read.map_err(|error| Mistake::unreadable(path, &error))?;
    parse(&content).map_err(|error| {
        Mistake::usage(
            format!("--request: {}: {error}", path.display()),
            "write HTTP/1.1 text (`GET / HTTP/1.1`), or YAML with the keys of `send`",
        )
    })
}

fn parse(content: &str) -> Result<Exchange, String> {
    if text::is_http(content) {
        return Ok(Exchange { send: text::parse(content)?, response: Answer::default() });
    }
    let has_send = serde_yaml::from_str::<Value>(content).is_ok_and(|value| value.get("send").is_some());
    let parsed = match has_send {
        true => serde_yaml::from_str(content),
        false => serde_yaml::from_str(content).map(|send| Exchange { send, response: Answer::default() }),
    };
    parsed.map_err(|error| error.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_http_text_or_either_form_of_yaml() {
        let path = |text: &str| parse(text).map(|exchange| exchange.send.path);
        assert_eq!(path("GET /a HTTP/1.1\nHost: shop.test\n\n"), Ok(Some(String::from("/a"))));
        assert_eq!(path("path: /b"), Ok(Some(String::from("/b"))));
        assert_eq!(path("send: { path: /c }\nresponse: { status: 404 }"), Ok(Some(String::from("/c"))));
        let error = path("send: { pth: /c }").expect_err("a mistake");
        assert!(error.contains("pth") && error.contains("path"), "{error}");
    }
}
