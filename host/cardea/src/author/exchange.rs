//! What a command is given: a request and its answer, a config, and so the Policy that a module is loaded as.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use cardea_model::config::Policy;
use cardea_policy::LoadError;
use serde::Deserialize;
use serde_json::Value;

use super::engine::declared;
use super::mistake::Mistake;
use super::module::Module;
use crate::scenario::exchange::{Answer, Send, text};
use crate::scenario::stage::{all_interfaces, policy_of, source_of};

/// A request as YAML may also bring the answer of the backend.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    pub send: Send,
    #[serde(default)]
    pub response: Answer,
}

/// The loader's own words.
pub fn refused(path: &Path, error: &LoadError) -> Mistake {
    let remedy = match error.stage {
        "init" => "give the policy a config that it takes: --config JSON, --config @FILE or --policy FILE",
        _ => &error.remedy,
    };
    Mistake::policy(format!("{}: {}", path.display(), error.message), remedy)
}

/// The Policy around a module: as a manifest says, or with this config and every grant.
pub fn spec(module: &Module, given: Option<&str>, policy: Option<&Path>) -> Result<Arc<Policy>, Mistake> {
    let bytes: Arc<[u8]> = Arc::from(module.bytes.as_slice());
    if let Some(policy) = policy {
        return Ok(Arc::new(declared(policy)?.with(source_of(&module.path, &bytes))));
    }
    let config = given.map_or(Ok(Value::Null), config)?;
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

/// A GET of / if there is no file.
pub fn request(path: Option<&Path>) -> Result<Exchange, Mistake> {
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
