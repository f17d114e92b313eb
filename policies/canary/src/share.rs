//! Whether a request falls into the share: by chance, or for ever by a hash of who sends it.

use std::time::Duration;

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
    seed: u64,
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
        Ok(Share { fraction: percent / 100.0, seed: hash(0, seed.as_bytes()), sticky })
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
            None => self.draw_new(sticky),
        }
    }

    /// A visitor that is not known yet: known from now on if a cookie may be set, else by chance.
    fn draw_new(&self, sticky: &Sticky) -> Draw {
        let visitor = hex(random::next_u64());
        let cookie = sticky.set_cookie.as_ref().zip(sticky.name.as_ref()).map(|(set, name)| {
            let seconds = set.max_age.as_secs().to_string();
            [name, "=", &visitor, "; Max-Age=", &seconds, "; Path=/; HttpOnly; SameSite=Lax"].concat()
        });
        Draw { chosen: self.covers(visitor.as_bytes()), cookie }
    }

    /// The same on every replica, and a larger share covers all that a smaller one did.
    fn covers(&self, visitor: &[u8]) -> bool {
        ((hash(self.seed, visitor) >> 11) as f64) < self.fraction * (1_u64 << 53) as f64
    }
}

impl Sticky {
    fn check(&self) -> Result<(), String> {
        match (self.by, &self.name) {
            (By::Client, Some(_)) => Err("config.sticky.name: `by: client` takes no name".to_string()),
            (By::Cookie | By::Header, None) => Err("config.sticky.name: name the cookie or header".to_string()),
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

/// FNV-1a, then the mixer of SplitMix64, so that near visitors land far apart.
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let mut z = bytes.iter().fold(seed ^ 0xcbf2_9ce4_8422_2325, step);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn hex(number: u64) -> String {
    (0..16).rev().filter_map(|digit| char::from_digit((number >> (digit * 4)) as u32 & 15, 16)).collect()
}
