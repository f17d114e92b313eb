//! Whether a request falls into the share: by chance, or for ever by a hash of who sends it.

use std::time::Duration;

use cardea_policy_sdk::stable::Spread;
use cardea_policy_sdk::{Request, random};
use serde::Deserialize;

/// By what a visitor is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sticky {
    by: By,
    /// Of the cookie or header.
    name: Option<String>,
    /// For `by: cookie`: gives a visitor without the cookie one, for this long.
    set_cookie: Option<SetCookie>,
    /// Another seed chooses other visitors. The backend's name, if not given.
    seed: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum By {
    Cookie,
    Header,
    Client,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SetCookie {
    #[serde(with = "cardea_policy_sdk::duration")]
    max_age: Duration,
}

#[derive(Debug)]
pub struct Share {
    /// 0 to 1.
    fraction: f64,
    sticky: Option<Sticky>,
    spread: Spread,
}

/// Whether the request is chosen, and the Set-Cookie that makes the choice last.
#[derive(Debug, Default)]
pub struct Draw {
    pub chosen: bool,
    pub cookie: Option<String>,
}

impl Share {
    pub fn new(percent: f64, sticky: Option<Sticky>, backend: &str) -> Result<Share, String> {
        if !(0.0..=100.0).contains(&percent) {
            return Err("config.percent: not between 0 and 100".to_string());
        }
        if let Some(sticky) = &sticky {
            sticky.check()?;
        }
        let seed = sticky.as_ref().and_then(|sticky| sticky.seed.as_deref()).unwrap_or(backend);
        Ok(Share { fraction: percent / 100.0, spread: Spread::new(seed), sticky })
    }

    /// Asks nothing where the share is nothing and nobody needs a cookie.
    pub fn draw(&self, request: &Request) -> Draw {
        if self.fraction == 0.0 {
            return Draw::default();
        }
        let Some(sticky) = &self.sticky else {
            return Draw { chosen: random::fraction() < self.fraction, cookie: None };
        };
        match sticky.visitor(request) {
            Some(visitor) => Draw { chosen: self.covers(&visitor), cookie: None },
            None => self.draw_new(sticky, request),
        }
    }

    /// A visitor that is not known yet: known from now on if a cookie may be set, else by chance.
    fn draw_new(&self, sticky: &Sticky, request: &Request) -> Draw {
        let visitor = hex(random::next_u64());
        let cookie = sticky.set_cookie.as_ref().zip(sticky.name.as_ref()).map(|(set, name)| {
            let seconds = set.max_age.as_secs().to_string();
            let secure = if request.scheme() == "https" { "; Secure" } else { "" };
            [name, "=", &visitor, "; Max-Age=", &seconds, "; Path=/; HttpOnly; SameSite=Lax", secure].concat()
        });
        Draw { chosen: self.covers(visitor.as_bytes()), cookie }
    }

    /// The same on every replica, and a larger share covers all that a smaller one did.
    fn covers(&self, visitor: &[u8]) -> bool {
        self.spread.position(visitor) < self.fraction
    }
}

impl Sticky {
    fn check(&self) -> Result<(), String> {
        match (self.by, &self.name) {
            (By::Client, Some(_)) => Err("config.sticky.name: `by: client` takes no name".to_string()),
            (By::Cookie | By::Header, None) => Err("config.sticky.name: name the cookie or header".to_string()),
            (_, Some(name)) if !is_token(name) => {
                Err("config.sticky.name: not a name of cookies or headers".to_string())
            }
            _ if self.set_cookie.is_some() && self.by != By::Cookie => {
                Err("config.sticky.set-cookie: only with `by: cookie`".to_string())
            }
            _ => Ok(()),
        }
    }

    fn visitor(&self, request: &Request) -> Option<Vec<u8>> {
        let name = self.name.as_deref().unwrap_or_default();
        match self.by {
            By::Cookie => request.cookie(name).map(Vec::from),
            By::Header => request.header(name).map(Vec::from),
            By::Client => Some(request.client().to_canonical().to_string().into_bytes()),
        }
    }
}

/// RFC 9110, 5.6.2: what may stand before the `=` of a cookie, so that a name cannot bring attributes along.
fn is_token(name: &str) -> bool {
    let special = |byte: u8| b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || special(byte))
}

fn hex(number: u64) -> String {
    (0..16).rev().filter_map(|digit| char::from_digit((number >> (digit * 4)) as u32 & 15, 16)).collect()
}
