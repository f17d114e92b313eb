//! The annotations `cardea.dev/...` of an Ingress, read one by one; what cannot be read is a problem and has no effect.
//!
//! Except `policies` and `backends`: those are handed on as written, and `ingress` closes the routes if they are wrong.

use std::sync::Arc;
use std::time::Duration;

use super::{Fault, Problems};
use crate::config::Ingress;
use crate::snapshot::{BackendProtocol, Balance, RouteOptions};
use crate::units;

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
            BODY_SIZE_MAX => size(value).map(|bytes| route.body_bytes_max = Some(bytes)),
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
    let timeout = units::duration(value)
        .map_err(|_| unknown(value, "Write a number with a unit (ms, s, m, h), such as 30s or 1m30s"))?;
    if timeout.is_zero() || timeout > REQUEST_TIMEOUT_MAX {
        return Err(unknown(value, "Choose a time from 1ms to 24h"));
    }
    Ok(timeout)
}

fn size(value: &str) -> Result<u64, Fault> {
    units::bytes(value).map_err(|_| {
        unknown(value, "Write a number of bytes, with a unit if you like (Ki, Mi, Gi), such as 10Mi; 0 is no bound")
    })
}

fn unknown(value: &str, remedy: &str) -> Fault {
    Fault::new(format!("{value:?} is not understood, so the default holds"), remedy)
}
