//! Which credentials of a `.dockerconfigjson` are for which registry.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// How to say who is asking. Its content is in no message.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    Password {
        user: String,
        password: String,
    },
    /// Exchanged for a token at the registry's own authority (OAuth 2 refresh token).
    Identity(String),
    /// Sent as it is.
    Registry(String),
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

/// What `docker login` writes.
#[derive(Deserialize)]
struct DockerConfig {
    #[serde(default)]
    auths: BTreeMap<String, Auth>,
}

#[derive(Deserialize, Default)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// The login for `repository` of `registry`; `None` if there is none.
///
/// As in a kubelet, an entry may name a path and have `*` for labels of the host; the longest path wins.
///
/// # Errors
/// The text is not the JSON of docker's config, or the entry cannot be read.
pub fn login(config: &[u8], registry: &str, repository: &str) -> Result<Option<Login>, String> {
    // The error of serde could show a part of the text.
    let config: DockerConfig =
        serde_json::from_slice(config).map_err(|_| String::from("it is not the JSON of a docker config"))?;
    let entry = config
        .auths
        .iter()
        .filter_map(|(key, auth)| Some((matched(key, registry, repository)?, auth)))
        .max_by_key(|(length, _)| *length);
    entry.map_or(Ok(None), |(_, auth)| auth.login().map_err(|message| format!("its entry for {registry} {message}")))
}

/// How many bytes of path an entry shares with the repository; `None` if it is for another place.
fn matched(key: &str, registry: &str, repository: &str) -> Option<usize> {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let (host, path) = key.split_once('/').unwrap_or((key, ""));
    let path = path.trim_end_matches('/');
    let is_host = match host {
        "index.docker.io" | "registry-1.docker.io" | "docker.io" => registry == "docker.io",
        host => is_like(host, registry),
    };
    // What docker itself writes after the host is no repository.
    let path = if matches!(path, "v1" | "v2") { "" } else { path };
    let is_path =
        path.is_empty() || repository.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    (is_host && is_path).then_some(path.len())
}

/// Label by label, with the same port.
fn is_like(pattern: &str, host: &str) -> bool {
    let (mut patterns, mut labels) = (pattern.split('.'), host.split('.'));
    loop {
        match (patterns.next(), labels.next()) {
            (None, None) => return true,
            (Some("*"), Some(label)) if !label.contains(':') => {}
            (Some(pattern), Some(label)) if pattern.eq_ignore_ascii_case(label) => {}
            _ => return false,
        }
    }
}

impl Auth {
    fn login(&self) -> Result<Option<Login>, &'static str> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&self.registrytoken) {
            return Ok(Some(Login::Registry(token)));
        }
        if let Some(token) = given(&self.identitytoken) {
            return Ok(Some(Login::Identity(token)));
        }
        if let (Some(user), Some(password)) = (given(&self.username), given(&self.password)) {
            return Ok(Some(Login::Password { user, password }));
        }
        let Some(auth) = given(&self.auth) else { return Ok(None) };
        let text = STANDARD.decode(auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.ok_or("has an auth that is not base64")?;
        let (user, password) = text.split_once(':').ok_or("has an auth without a colon")?;
        Ok(Some(Login::Password { user: user.to_owned(), password: password.trim_end_matches('\0').to_owned() }))
    }
}
