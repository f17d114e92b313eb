//! Policies within their bounds.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Fault, Problems};
use crate::config::{Grants, Limits, Policy};
use crate::problem::Problem;

/// Interfaces of `cardea:policy` that may be granted.
pub const INTERFACES: [&str; 6] = ["log", "metrics", "clock", "random", "kv-local", "counters"];
/// Bounds of `spec.limits.deadline`: below the clock's grain nothing can run; above a second a worker would be blocked.
pub const DEADLINE_MIN: Duration = Duration::from_millis(1);
pub const DEADLINE_MAX: Duration = Duration::from_secs(1);
/// Bounds of `spec.limits.memory`: one page of WebAssembly, and what a slot of the instance pool reserves at most.
const POLICY_MEMORY_BYTES_MIN: u32 = 64 << 10;
pub const POLICY_MEMORY_BYTES_MAX: u32 = 256 << 20;
/// Upper bound of `spec.limits.body`: a worker holds this much for each request that waits for its policy.
pub const POLICY_BODY_BYTES_MAX: u32 = 1 << 20;
/// The policy with what is out of bounds brought within them.
pub fn within_bounds(policy: &Arc<Policy>) -> (Arc<Policy>, Vec<Problem>) {
    let mut problems = Problems::default();
    let limits = limits(policy, &mut problems);
    let grants = grants(policy, &mut problems);
    let bounded = match limits == policy.limits && grants == policy.grants {
        true => policy.clone(),
        false => Arc::new(Policy { limits, grants, ..Policy::clone(policy) }),
    };
    (bounded, problems.list)
}

fn limits(policy: &Policy, problems: &mut Problems) -> Limits {
    let Limits { deadline, memory_bytes_max, body_bytes_max } = policy.limits;
    let within = Limits {
        deadline: deadline.clamp(DEADLINE_MIN, DEADLINE_MAX),
        memory_bytes_max: memory_bytes_max.clamp(POLICY_MEMORY_BYTES_MIN, POLICY_MEMORY_BYTES_MAX),
        body_bytes_max: body_bytes_max.min(POLICY_BODY_BYTES_MAX),
    };
    let mut out_of = |field: &str, given: String, taken: String, range: &str| {
        let fault = Fault::new(format!("{given} is out of bounds; {taken} is taken"), format!("Choose from {range}"));
        problems.add(&policy.origin, format!("spec.limits.{field}"), fault);
    };
    if within.deadline != deadline {
        out_of("deadline", format!("{deadline:?}"), format!("{:?}", within.deadline), "1ms to 1s");
    }
    if within.memory_bytes_max != memory_bytes_max {
        out_of("memory", bytes(memory_bytes_max), bytes(within.memory_bytes_max), "64Ki to 256Mi");
    }
    if within.body_bytes_max != body_bytes_max {
        out_of("body", bytes(body_bytes_max), bytes(within.body_bytes_max), "0 to 1Mi");
    }
    within
}

/// As a person would write it: `16Mi`.
fn bytes(number: u32) -> String {
    match number {
        _ if number != 0 && number.is_multiple_of(1 << 20) => format!("{}Mi", number >> 20),
        _ if number != 0 && number.is_multiple_of(1 << 10) => format!("{}Ki", number >> 10),
        _ => format!("{number} bytes"),
    }
}

/// What cannot be granted is not: the module then fails to link, or its edit is refused.
fn grants(policy: &Policy, problems: &mut Problems) -> Grants {
    let mut refuse = |field: &str, at: usize, message: String, remedy: String| {
        problems.add(&policy.origin, format!("spec.grants.{field}[{at}]"), Fault::new(message, remedy));
    };
    let mut granted = Grants { upstreams: policy.grants.upstreams.clone(), ..Grants::default() };
    for (at, name) in policy.grants.interfaces.iter().enumerate() {
        if INTERFACES.contains(&name.as_str()) {
            granted.interfaces.push(name.clone());
        } else {
            refuse(
                "interfaces",
                at,
                format!("there is no interface {name:?}"),
                format!("Use {}", INTERFACES.join(", ")),
            );
        }
    }
    for (at, name) in policy.grants.headers.iter().enumerate() {
        if is_field_name(name) {
            granted.headers.push(name.to_ascii_lowercase());
        } else {
            refuse(
                "headers",
                at,
                format!("{name:?} is no header name"),
                "Write a name such as x-forwarded-for".to_owned(),
            );
        }
    }
    distinct(&mut granted.interfaces);
    distinct(&mut granted.headers);
    granted
}

/// A token (RFC 9110, 5.6.2).
fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

fn distinct(names: &mut Vec<String>) {
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
}
