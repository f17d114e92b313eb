//! When the webhook's own certificate is made anew, and by which authority it is signed.
//!
//! An authority of our own signs it, so that a new certificate needs no new `caBundle`. A new authority is added to the
//! bundle long before it signs anything, and the old one stays until it expires: whoever trusts an older or a newer
//! bundle trusts the certificate. Pure but for random keys: the time is a parameter.

mod make;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use make::MakeError;

const YEAR: i64 = 365 * 24 * 60 * 60;
const AUTHORITY_LIFE: i64 = 10 * YEAR;
/// An authority that lasts no longer than this is followed by a new one.
const AUTHORITY_LEFT_MIN: i64 = YEAR;
/// How long a new authority waits in the bundle before it signs: the API servers have the bundle by then.
const AUTHORITY_SETTLES: i64 = 60 * 60;
/// Clocks may differ by so much.
const SKEW: i64 = 5 * 60;

/// What the replicas share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The certificate and its key.
    pub pair: Pair,
    /// PEM, the newest first: what `caBundle` has to be.
    pub authorities: String,
    /// Of the newest authority.
    pub(super) authority_key_pem: String,
    pub dates: Dates,
}

/// A PEM certificate with its PEM key. No `Debug` of the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    pub certificate_pem: String,
    pub key_pem: String,
}

impl std::fmt::Debug for Pair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").field("certificate_pem", &self.certificate_pem).finish_non_exhaustive()
    }
}

/// What a bundle is made of; seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dates {
    /// The names that the certificate is for.
    pub names: Vec<String>,
    pub made: i64,
    pub expires: i64,
    /// When the authority that signed it was made.
    pub signed_by: i64,
    /// When each authority of the bundle was made, the newest first.
    pub authorities: Vec<i64>,
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    /// There is nothing to go on from.
    Everything,
    Authority,
    Certificate,
}

/// The bundle to use from `now` on, where it is not `held`.
///
/// # Errors
/// A name is no DNS name, or there is no randomness.
pub fn renew(held: Option<&Bundle>, names: &[String], life: Duration, now: i64) -> Result<Option<Bundle>, MakeError> {
    let life = i64::try_from(life.as_secs()).unwrap_or(YEAR).clamp(1, YEAR);
    let made = match (step(held.map(|held| &held.dates), names, now), held) {
        (Step::Nothing, _) => return Ok(None),
        (Step::Authority, Some(held)) => make::authority(held, now)?,
        (Step::Certificate, Some(held)) => make::certificate(held, names, life, now)?,
        (_, held) => make::everything(held, names, life, now)?,
    };
    Ok(Some(made))
}

fn step(dates: Option<&Dates>, names: &[String], now: i64) -> Step {
    let Some(dates) = dates else { return Step::Everything };
    let Some(&newest) = dates.authorities.first() else { return Step::Everything };
    if newest + AUTHORITY_LIFE <= now || dates.expires <= now {
        return Step::Everything;
    }
    if newest + AUTHORITY_LIFE - AUTHORITY_LEFT_MIN <= now {
        return Step::Authority;
    }
    let is_due = dates.made + (dates.expires - dates.made) * 2 / 3 <= now;
    let is_of_old_authority = dates.signed_by != newest;
    let has_settled = newest + AUTHORITY_SETTLES <= now || !is_of_old_authority;
    match is_due || is_of_old_authority || dates.names != names {
        true if has_settled => Step::Certificate,
        _ => Step::Nothing,
    }
}
