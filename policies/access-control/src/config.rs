//! What the operator writes.

use std::collections::BTreeMap;

use cardea_policy_sdk::net::IpRange;
use cardea_policy_sdk::path;
use serde::Deserialize;
use subtle::ConstantTimeEq;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Config {
    pub except: Vec<String>,
    pub allow: Vec<IpRange>,
    pub deny: Vec<IpRange>,
    pub methods: Vec<String>,
    pub paths: Paths,
    pub headers: Vec<Required>,
    pub basic: Option<BasicConfig>,
    pub satisfy: Satisfy,
}

/// Prefixes by whole elements.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    allow: Vec<String>,
    deny: Vec<String>,
}

/// A header that must be there: with any value, with this one, or with one that begins so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Required {
    pub name: String,
    value: Option<String>,
    prefix: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct BasicConfig {
    pub realm: String,
    /// Name to password hash.
    pub users: BTreeMap<String, String>,
    /// Tells the backend who it is; what a client sends under this name is always removed.
    pub user_header: Option<String>,
    /// Whether the backend gets the credentials too.
    #[serde(default)]
    pub forward_credentials: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Satisfy {
    #[default]
    All,
    Any,
}

impl Config {
    pub fn check(&self) -> Result<(), String> {
        let paths = self.except.iter().chain(&self.paths.allow).chain(&self.paths.deny);
        if let Some(relative) = paths.into_iter().find(|prefix| !prefix.starts_with('/')) {
            return Err(format!("config.paths: \"{relative}\" does not begin with a slash"));
        }
        if let Some(both) = self.headers.iter().find(|header| header.value.is_some() && header.prefix.is_some()) {
            return Err(format!("config.headers: {} has a value and a prefix; give one", both.name));
        }
        match self.methods.iter().find(|method| !method.bytes().all(|byte| byte.is_ascii_uppercase())) {
            Some(method) => Err(format!("config.methods: \"{method}\" is not in capitals, as methods are")),
            None => Ok(()),
        }
    }

    pub fn asks_path(&self) -> bool {
        !(self.except.is_empty() && self.paths.allow.is_empty() && self.paths.deny.is_empty())
    }
}

impl Paths {
    pub fn admit(&self, asked: &str) -> bool {
        let covers = |prefix: &String| path::under(asked, prefix);
        !self.deny.iter().any(covers) && (self.allow.is_empty() || self.allow.iter().any(covers))
    }
}

impl Required {
    /// In constant time for values of one length: the value is often a shared secret.
    pub fn accepts(&self, sent: &[u8]) -> bool {
        match (&self.value, &self.prefix) {
            (Some(value), _) => value.as_bytes().ct_eq(sent).into(),
            (None, Some(prefix)) => sent.get(..prefix.len()).is_some_and(|start| prefix.as_bytes().ct_eq(start).into()),
            (None, None) => true,
        }
    }
}
