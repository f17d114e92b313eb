//! Policies within their bounds, and the chains of them that Ingresses name.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::{Fault, Problems};
use crate::config::{Grants, Limits, Policy};
use crate::snapshot::{ChainId, PolicyId};

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
/// Longest chain of one Ingress.
const CHAIN_MAX: usize = 16;

pub struct Policies<'a> {
    declared: HashMap<(&'a str, &'a str), Arc<Policy>>,
    used: HashMap<(Arc<str>, Arc<str>), PolicyId>,
    list: Vec<Arc<Policy>>,
    ids: HashMap<Vec<PolicyId>, ChainId>,
    chains: Vec<Arc<[PolicyId]>>,
}

impl<'a> Policies<'a> {
    /// Takes every policy, with what is out of bounds brought within them.
    pub fn check(policies: &'a [Arc<Policy>], problems: &mut Problems) -> Self {
        let declared = policies.iter().map(|policy| {
            let origin = &policy.origin;
            ((&*origin.namespace, &*origin.name), within_bounds(policy, problems))
        });
        Self {
            declared: declared.collect(),
            used: HashMap::new(),
            list: Vec::new(),
            ids: HashMap::new(),
            chains: Vec::new(),
        }
    }

    /// The used policies, and the chains.
    pub fn finish(self) -> (Vec<Arc<Policy>>, Vec<Arc<[PolicyId]>>) {
        (self.list, self.chains)
    }

    /// Reads `cardea.dev/policies`. Any fault closes the routes: a policy that does not run must not open them.
    pub fn chain(&mut self, namespace: &str, annotation: &str) -> Result<ChainId, Fault> {
        let mut chain = Vec::new();
        for name in annotation.split(',').map(str::trim) {
            if name.is_empty() {
                return Err(Fault::new(
                    "a policy name is empty",
                    "Write names of Policies with commas between, or remove the annotation",
                ));
            }
            let policy = self.policy(namespace, name)?;
            if chain.contains(&policy) {
                return Err(Fault::new(format!("Policy {name} is named twice"), "Name it once"));
            }
            chain.push(policy);
        }
        if chain.len() > CHAIN_MAX {
            return Err(Fault::new(format!("{} policies are more than {CHAIN_MAX}", chain.len()), "Name fewer"));
        }
        let next = ChainId(self.chains.len() as u32);
        Ok(*self.ids.entry(chain).or_insert_with_key(|chain| {
            self.chains.push(chain.as_slice().into());
            next
        }))
    }

    fn policy(&mut self, namespace: &str, name: &str) -> Result<PolicyId, Fault> {
        let Some(policy) = self.declared.get(&(namespace, name)) else {
            let remedy = format!("Declare Policy {name} in namespace {namespace}, or name one that exists there");
            return Err(Fault::warning(format!("there is no Policy {namespace}/{name}"), remedy));
        };
        let key = (policy.origin.namespace.clone(), policy.origin.name.clone());
        Ok(*self.used.entry(key).or_insert_with(|| {
            self.list.push(policy.clone());
            PolicyId((self.list.len() - 1) as u32)
        }))
    }
}

fn within_bounds(policy: &Arc<Policy>, problems: &mut Problems) -> Arc<Policy> {
    let limits = limits(policy, problems);
    let grants = grants(policy, problems);
    if limits == policy.limits && grants == policy.grants {
        return policy.clone();
    }
    Arc::new(Policy { limits, grants, ..Policy::clone(policy) })
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
    let mut granted = Grants::default();
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
