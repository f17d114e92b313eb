//! What to send when a registry asks who is there: the password itself, or a token that its authority gives for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_auth::{ChallengeRef, parse_challenges};
use reqwest::Url;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde::Deserialize;

use super::client::{Client, body, host_of};
use super::credentials::Login;
use super::fault::{Fault, IMAGE, PULL_SECRET};

const TOKEN_BYTES_MAX: u64 = 64 << 10;

pub(super) struct Ask<'a> {
    pub client: &'a Client,
    pub host: &'a str,
    pub login: Option<&'a Login>,
    /// If the registry names none: `repository:NAME:pull`.
    pub scope: &'a str,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Ask<'_> {
    /// The `Authorization` that answers the challenges of a 401.
    pub async fn answer(&self, headers: &HeaderMap) -> Result<HeaderValue, Fault> {
        if let Some(Login::Registry(token)) = self.login {
            return secret(format!("Bearer {token}"));
        }
        let asked = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenges: Vec<ChallengeRef> = asked.filter_map(|value| parse_challenges(value).ok()).flatten().collect();
        for challenge in challenges {
            if challenge.scheme.eq_ignore_ascii_case("Bearer") {
                return secret(format!("Bearer {}", self.token(&challenge).await?));
            }
            if challenge.scheme.eq_ignore_ascii_case("Basic") {
                return self.basic();
            }
        }
        Err(Fault::passing(IMAGE, format!("{} asks for no credentials that are known: Basic or Bearer", self.host)))
    }

    fn basic(&self) -> Result<HeaderValue, Fault> {
        match self.login {
            Some(Login::Password { user, password }) => {
                secret(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
            }
            Some(_) => {
                let message = format!("{} wants a user and a password, and the credentials are a token", self.host);
                Err(Fault::new(PULL_SECRET, message, "give the pull secret a user and password for this registry"))
            }
            None => {
                let message = format!("{} wants credentials, and there are none for it", self.host);
                Err(Fault::new(PULL_SECRET, message, "name a pull secret with credentials for this registry"))
            }
        }
    }

    async fn token(&self, challenge: &ChallengeRef<'_>) -> Result<String, Fault> {
        let given = |name: &str| {
            let found = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        let realm = given("realm").and_then(|realm| Url::parse(&realm).ok());
        let realm = realm.ok_or_else(|| Fault::passing(IMAGE, format!("{} names no realm for tokens", self.host)))?;
        if realm.scheme() != "https" && !self.client.is_insecure(self.host) {
            let message = format!("{} would have the credentials sent without TLS to {}", self.host, host_of(&realm));
            return Err(Fault::new(IMAGE, message, "correct the realm of the registry"));
        }
        let scope = given("scope").unwrap_or_else(|| self.scope.to_owned());
        let authority = host_of(&realm);
        let request = match self.login {
            Some(Login::Identity(identity)) => self.exchange(realm, given("service"), &scope, identity),
            login => {
                let mut realm = realm;
                realm.query_pairs_mut().append_pair("scope", &scope);
                if let Some(service) = given("service") {
                    realm.query_pairs_mut().append_pair("service", &service);
                }
                let request = self.client.http().get(realm);
                match login {
                    Some(Login::Password { user, password }) => request.basic_auth(user, Some(password)),
                    _ => request,
                }
            }
        };
        let response = request.send().await.map_err(|error| Fault::http(IMAGE, &authority, &error))?;
        if !response.status().is_success() {
            let message = format!("{authority} gives no token for {scope}: {}", response.status());
            return Err(Fault::new(PULL_SECRET, message, "see that the credentials are right and may do this"));
        }
        let bytes = body(response, IMAGE, "the token", TOKEN_BYTES_MAX).await?;
        let token = serde_json::from_slice::<Token>(&bytes).ok().and_then(|token| token.token.or(token.access_token));
        token.ok_or_else(|| Fault::passing(IMAGE, format!("{authority} answers with no token")))
    }

    fn exchange(&self, realm: Url, service: Option<String>, scope: &str, identity: &str) -> reqwest::RequestBuilder {
        let mut form = Url::parse("form:").unwrap_or_else(|_| realm.clone());
        form.query_pairs_mut()
            .append_pair("grant_type", "refresh_token")
            .append_pair("service", &service.unwrap_or_default())
            .append_pair("client_id", "cardea")
            .append_pair("scope", scope)
            .append_pair("refresh_token", identity);
        let request = self.client.http().post(realm).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.body(form.query().unwrap_or_default().to_owned())
    }
}

/// Marked, so that no debug output shows it.
fn secret(text: String) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        Fault::new(PULL_SECRET, "the credentials have characters that no header may have", "correct them")
    })?;
    value.set_sensitive(true);
    Ok(value)
}
