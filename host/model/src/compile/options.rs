//! The annotations `cardea.dev/...` of an Ingress, read one by one; what cannot be read is a problem and has no effect.
//!
//! Except `policies` and `backends`: those are handed on as written, and `ingress` closes the routes if they are wrong.

use std::sync::Arc;
use std::time::Duration;

use super::{Fault, Problems};
use crate::config::Ingress;
use crate::snapshot::{BackendProtocol, Balance, RouteOptions};

pub const POLICIES: &str = "cardea.dev/policies";
pub const BACKENDS: &str = "cardea.dev/backends";
pub const LOAD_BALANCE: &str = "cardea.dev/load-balance";
pub const BACKEND_PROTOCOL: &str = "cardea.dev/backend-protocol";
const REQUEST_TIMEOUT: &str = "cardea.dev/request-timeout";
const BODY_SIZE_MAX: &str = "cardea.dev/body-size-max";
const KNOWN: [&str; 6] = [POLICIES, BACKENDS, LOAD_BALANCE, BACKEND_PROTOCOL, REQUEST_TIMEOUT, BODY_SIZE_MAX];

/// The longest `cardea.dev/request-timeout`.
const REQUEST_TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub route: Arc<RouteOptions>,
    pub balance: Option<Balance>,
    pub protocol: Option<BackendProtocol>,
}

/// `metadata.annotations[cardea.dev/policies]`
pub fn field(annotation: &str) -> String {
    format!("metadata.annotations[{annotation}]")
}

pub fn read(ingress: &Ingress, problems: &mut Problems) -> Settings {
    let mut settings = Settings::default();
    let mut route = RouteOptions::default();
    for (name, value) in &ingress.annotations {
        if !name.starts_with("cardea.dev/") {
            continue;
        }
        let value = value.trim();
        let read = match name.as_str() {
            POLICIES | BACKENDS => Ok(()),
            LOAD_BALANCE => balance(value).map(|balance| settings.balance = Some(balance)),
            BACKEND_PROTOCOL => protocol(value).map(|protocol| settings.protocol = Some(protocol)),
            REQUEST_TIMEOUT => timeout(value).map(|timeout| route.request_timeout = Some(timeout)),
            BODY_SIZE_MAX => quantity(value).map(|bytes| route.body_bytes_max = Some(bytes)),
            _ => Err(Fault::new(
                "there is no such setting, so it has no effect",
                format!("Use one of {}", KNOWN.join(", ")),
            )),
        };
        if let Err(fault) = read {
            problems.add(&ingress.origin, field(name), fault);
        }
    }
    if route != RouteOptions::default() {
        settings.route = Arc::new(route);
    }
    settings
}

fn balance(value: &str) -> Result<Balance, Fault> {
    match value {
        "round-robin" => Ok(Balance::RoundRobin),
        "least-request" => Ok(Balance::LeastRequest),
        _ => Err(unknown(value, "Write round-robin or least-request")),
    }
}

fn protocol(value: &str) -> Result<BackendProtocol, Fault> {
    match value {
        "http" => Ok(BackendProtocol::Http1),
        "h2c" => Ok(BackendProtocol::H2c),
        _ => Err(unknown(value, "Write http or h2c")),
    }
}

fn timeout(value: &str) -> Result<Duration, Fault> {
    let timeout = duration(value)
        .ok_or_else(|| unknown(value, "Write a number with a unit (ms, s, m, h), such as 30s or 1m30s"))?;
    if timeout.is_zero() || timeout > REQUEST_TIMEOUT_MAX {
        return Err(unknown(value, "Choose a time from 1ms to 24h"));
    }
    Ok(timeout)
}

fn unknown(value: &str, remedy: &str) -> Fault {
    Fault::new(format!("{value:?} is not understood, so the default holds"), remedy)
}

/// Whole numbers, each with its unit: `500ms`, `30s`, `1m30s`.
fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let (number, tail) = leading_number(rest)?;
        let unit_end = tail.find(|character: char| character.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit_end)?;
        let one = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        total = total.checked_add(Duration::from_millis(number.checked_mul(one)?))?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

/// A Kubernetes quantity of bytes, without fractions: `1048576`, `64Ki`, `10Mi`, `1G`.
fn quantity(text: &str) -> Result<u64, Fault> {
    let read = || {
        let (number, unit) = leading_number(text)?;
        let one: u64 = match unit {
            "" => 1,
            "Ki" => 1 << 10,
            "Mi" => 1 << 20,
            "Gi" => 1 << 30,
            "Ti" => 1 << 40,
            "k" => 1_000,
            "M" => 1_000_000,
            "G" => 1_000_000_000,
            "T" => 1_000_000_000_000,
            _ => return None,
        };
        number.checked_mul(one)
    };
    read().ok_or_else(|| {
        unknown(text, "Write a number of bytes, with a unit if you like (Ki, Mi, Gi), such as 10Mi; 0 is no bound")
    })
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}
