//! Which images must be signed, and by whom: what the operator wrote for all namespaces.
//!
//! The first rule that fits decides. An image that no rule fits is refused, so that a forgotten one is not let in.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{KeyError, PublicKey};

/// What is wrong with a signature policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("{path} cannot be read: {error}")]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("{path}: {message}")]
    Text { path: PathBuf, message: String },
    #[error("{path}: rules[{rule}].keys[{key}]: {error}")]
    Key { path: PathBuf, rule: usize, key: usize, error: KeyError },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    rules: Vec<WrittenRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenRule {
    #[serde(default = "all")]
    namespaces: Vec<String>,
    #[serde(default = "all")]
    images: Vec<String>,
    #[serde(default)]
    keys: Vec<WrittenKey>,
    #[serde(default)]
    unsigned: bool,
    /// Keyless signing: read only to be refused with a reason.
    identities: Option<serde_json::Value>,
}

/// One of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKey {
    pem: Option<String>,
    /// Relative to the policy's own file.
    file: Option<PathBuf>,
}

fn all() -> Vec<String> {
    vec![String::from("*")]
}

#[derive(Debug, Clone, Default)]
pub struct SignaturePolicy {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    namespaces: Vec<String>,
    images: Vec<String>,
    /// None: unsigned is good.
    keys: Vec<PublicKey>,
}

/// What an image must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand<'a> {
    Nothing,
    /// A signature by one of these.
    SignedBy(&'a [PublicKey]),
    /// No rule lets it in.
    Refused,
}

impl SignaturePolicy {
    /// # Errors
    /// The file or a key that it names cannot be read, or a rule says nothing or too much.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |error| PolicyError::Unreadable { path, error }
        };
        let text = std::fs::read_to_string(path).map_err(unreadable(path))?;
        let mistake = |message: String| PolicyError::Text { path: path.to_owned(), message };
        let written: Written = serde_yaml::from_str(&text).map_err(|error| mistake(error.to_string()))?;
        let mut rules = Vec::new();
        for (at, rule) in written.rules.into_iter().enumerate() {
            if rule.identities.is_some() {
                return Err(mistake(format!(
                    "rules[{at}].identities: keyless identities cannot be verified; sign with a key, and list it in keys"
                )));
            }
            if rule.keys.is_empty() != rule.unsigned {
                return Err(mistake(format!("rules[{at}]: give either keys, or unsigned: true")));
            }
            let mut keys = Vec::new();
            for (key, written) in rule.keys.iter().enumerate() {
                let pem = match (&written.pem, &written.file) {
                    (Some(pem), None) => pem.clone().into_bytes(),
                    (None, Some(file)) => {
                        let file = path.parent().unwrap_or(Path::new("")).join(file);
                        std::fs::read(&file).map_err(unreadable(&file))?
                    }
                    _ => return Err(mistake(format!("rules[{at}].keys[{key}]: give either pem or file"))),
                };
                let wrong = |error| PolicyError::Key { path: path.to_owned(), rule: at, key, error };
                keys.push(PublicKey::from_pem(&pem).map_err(wrong)?);
            }
            rules.push(Rule { namespaces: rule.namespaces, images: rule.images, keys });
        }
        Ok(Self { rules })
    }

    /// What `name` (`registry/repository`, or a URL without its scheme) must show in a namespace.
    pub fn demand(&self, namespace: &str, name: &str) -> Demand<'_> {
        let fits = |patterns: &[String], text: &str| patterns.iter().any(|pattern| is_like(pattern, text));
        let rule = self.rules.iter().find(|rule| fits(&rule.namespaces, namespace) && fits(&rule.images, name));
        match rule {
            None => Demand::Refused,
            Some(rule) if rule.keys.is_empty() => Demand::Nothing,
            Some(rule) => Demand::SignedBy(&rule.keys),
        }
    }
}

/// `*` stands for any text, the empty one and slashes included.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = tail.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}
