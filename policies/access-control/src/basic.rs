//! Basic authentication (RFC 7617), with verified credentials remembered so that a password is hashed slowly once.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cardea_policy_sdk::{Outcome, Request};
use sha2::{Digest, Sha256};

use crate::config::BasicConfig;
use crate::password::Password;

/// Credentials remembered by an instance, 32 bytes each.
const REMEMBERED_MAX: usize = 256;

#[derive(Debug)]
pub struct Basic {
    challenge: String,
    users: BTreeMap<String, Password>,
    /// Checked in place of an unknown user's, so that the time taken does not tell which names exist.
    stand_in: Option<Password>,
    user_header: Option<String>,
    forward_credentials: bool,
    /// SHA-256 of credentials that were right: the plain ones do not stay in memory.
    remembered: BTreeSet<[u8; 32]>,
}

impl Basic {
    pub fn new(config: BasicConfig) -> Result<Basic, String> {
        if config.realm.bytes().any(|byte| byte.is_ascii_control() || byte == b'"' || byte == b'\\') {
            return Err("config.basic.realm: without quotes, backslashes and control characters".to_string());
        }
        let mut users = BTreeMap::new();
        for (name, hash) in config.users {
            if name.chars().any(|character| character == ':' || character.is_control()) {
                return Err(format!("config.basic.users: the name \"{name}\" holds a colon or a control character"));
            }
            let password = Password::parse(&hash).map_err(|error| format!("config.basic.users.{name}: {error}"))?;
            users.insert(name, password);
        }
        Ok(Basic {
            challenge: format!("Basic realm=\"{}\", charset=\"UTF-8\"", config.realm),
            stand_in: users.values().max_by_key(|password| password.iterations()).cloned(),
            users,
            user_header: config.user_header,
            forward_credentials: config.forward_credentials,
            remembered: BTreeSet::new(),
        })
    }

    /// Lets a client in without a name; it may not claim one.
    pub fn anonymous(&self) -> Outcome {
        self.user_header.iter().fold(Outcome::next(), Outcome::remove_header)
    }

    pub fn authenticate(&mut self, request: &Request) -> Outcome {
        let credentials = request.header("authorization").and_then(|value| decode(value.to_str()?));
        let Some((user, password)) = credentials.as_deref().and_then(|text| text.split_once(':')) else {
            return self.refuse("no-credentials");
        };
        if !self.verify(user, password) {
            return self.refuse("wrong-credentials");
        }
        let outcome = match &self.user_header {
            Some(name) => Outcome::next().set_header(name, user),
            None => Outcome::next(),
        };
        let outcome = outcome.label("user", user);
        if self.forward_credentials { outcome } else { outcome.remove_header("authorization") }
    }

    fn refuse(&self, reason: &str) -> Outcome {
        Outcome::deny(401, reason).with_header("www-authenticate", self.challenge.as_str())
    }

    fn verify(&mut self, user: &str, password: &str) -> bool {
        let digest: [u8; 32] =
            Sha256::new().chain_update(user).chain_update(":").chain_update(password).finalize().into();
        if self.remembered.contains(&digest) {
            return true;
        }
        let right = match self.users.get(user) {
            Some(expected) => expected.matches(password),
            None => {
                self.stand_in.as_ref().map(|expected| expected.matches(password));
                false
            }
        };
        if right {
            if self.remembered.len() >= REMEMBERED_MAX {
                self.remembered.clear();
            }
            self.remembered.insert(digest);
        }
        right
    }
}

/// `user:password` of an Authorization value.
fn decode(value: &str) -> Option<String> {
    let (scheme, token) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    String::from_utf8(STANDARD.decode(token.trim()).ok()?).ok()
}
