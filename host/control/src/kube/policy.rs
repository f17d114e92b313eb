//! What a Policy asks for, and whether its text can be read so.
//!
//! A misspelt field is an error that names it: a limit or a grant that is silently dropped would change who may do
//! what. The module's bytes are not here; whoever reads the object brings them (see [`Declared`]).

mod module;
mod resource;
mod status;

use std::collections::BTreeSet;
use std::sync::Arc;

use cardea_model::config::{self, ServicePortRef};
use cardea_model::problem::{Origin, Problem};
use cardea_model::units;

pub use resource::{
    Amount, ConfigMapKey, FailureMode, Grants, HttpFile, Interface, Isolation, Limits, Module, OciImage, Policy,
    PolicySpec, crd_yaml,
};

pub use status::{Condition, ConditionStatus, PolicyStatus};

use super::{Place, problem};
use crate::fetch::{Remote, is_digest};

/// Most JSON text that `spec.config` may have; the API server bounds a whole object to 1.5 MiB.
const CONFIG_BYTES_MAX: usize = 1 << 20;
/// Most Services that one policy may call; the custom resource's schema says the same.
const UPSTREAMS_MAX: usize = 16;

/// Where a module's bytes are to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleRef {
    /// As written: relative to the manifest's file.
    File(String),
    ConfigMap {
        name: String,
        key: String,
    },
    Remote {
        remote: Remote,
        /// The Secret with the credentials.
        pull_secret: Option<String>,
    },
}

impl ModuleRef {
    /// The place, for people.
    pub fn path(&self) -> Arc<str> {
        match self {
            Self::File(name) => Arc::from(name.as_str()),
            Self::ConfigMap { name, key } => format!("ConfigMap {name}, key {key}").into(),
            Self::Remote { remote, .. } => Arc::clone(remote.path()),
        }
    }
}

/// A policy whose module has not been fetched: everything else of [`config::Policy`].
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    pub origin: Origin,
    pub module: ModuleRef,
    generation: i64,
    digest: Option<String>,
    config: Arc<str>,
    grants: config::Grants,
    limits: config::Limits,
    failure_mode: config::FailureMode,
    isolation: config::Isolation,
    proxy_wasm: Option<config::ProxyWasm>,
}

impl Declared {
    /// `sha256:<64 hex>` that the module's bytes must have.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The interfaces that the module may import.
    pub fn interfaces(&self) -> &[String] {
        &self.grants.interfaces
    }

    /// What is told where the object is in a cluster, and so has no file beside it.
    pub(crate) fn file_in_cluster(&self) -> Option<Problem> {
        let remedy = "use an OCI image, a URL or a ConfigMap; files are for manifests in a directory";
        let told = || problem(&self.origin, "spec.module.file", "cannot be read from a cluster", remedy);
        matches!(self.module, ModuleRef::File(_)).then(told)
    }

    /// The policy with the module that was found, or the reason why none was.
    pub fn with(&self, module: config::ModuleSource) -> config::Policy {
        config::Policy {
            origin: self.origin.clone(),
            generation: self.generation,
            module,
            digest: self.digest.clone(),
            config: Arc::clone(&self.config),
            grants: self.grants.clone(),
            limits: self.limits,
            failure_mode: self.failure_mode,
            isolation: self.isolation,
            proxy_wasm: self.proxy_wasm.clone(),
        }
    }
}

/// # Errors
/// A name is missing, the module is not exactly one thing, or a digest, header name or limit cannot be read.
pub fn read(place: &Place, policy: Policy) -> Result<Declared, Vec<Problem>> {
    let origin = place.namespaced("Policy", &policy.metadata)?;
    let generation = policy.metadata.generation.unwrap_or_default();
    let spec = policy.spec;
    let mut found = Mistakes { origin: &origin, problems: Vec::new() };
    let digest = spec.module.digest.clone();
    if let Some(digest) = digest.as_deref().filter(|digest| !is_digest(digest)) {
        found.add(
            "spec.module.digest",
            format!("{digest:?} is not a digest"),
            "write sha256: and 64 lower case hexadecimal digits",
        );
    }
    let module = found.module(spec.module);
    let limits = found.limits(&spec.limits);
    let grants = found.grants(spec.grants);
    let config = found.json("spec.config", spec.config);
    let proxy_wasm = spec.proxy_wasm.map(|declared| config::ProxyWasm {
        root_id: declared.root_id.into(),
        vm_config: found.json("spec.proxyWasm.vmConfig", declared.vm_config),
    });
    let problems = found.problems;
    match module {
        Some(module) if problems.is_empty() => Ok(Declared {
            origin,
            module,
            generation,
            digest,
            config,
            grants,
            limits,
            failure_mode: match spec.failure_mode {
                FailureMode::Deny => config::FailureMode::Deny,
                FailureMode::Skip => config::FailureMode::Skip,
            },
            isolation: match spec.isolation {
                Isolation::Pooled => config::Isolation::Pooled,
                Isolation::Request => config::Isolation::Request,
            },
            proxy_wasm,
        }),
        _ => Err(problems),
    }
}

/// Collects every mistake of one policy.
struct Mistakes<'a> {
    origin: &'a Origin,
    problems: Vec<Problem>,
}

impl Mistakes<'_> {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>, remedy: &str) {
        self.problems.push(problem(self.origin, field, message, remedy));
    }

    fn json(&mut self, field: &str, value: Option<serde_json::Value>) -> Arc<str> {
        let text = value.unwrap_or_default().to_string();
        if text.len() > CONFIG_BYTES_MAX {
            self.add(field, format!("is {} bytes as JSON", text.len()), "keep it under 1 MiB");
        }
        text.into()
    }

    fn grants(&mut self, grants: Grants) -> config::Grants {
        let interfaces = grants.interfaces.into_iter().collect::<BTreeSet<_>>();
        let mut headers = BTreeSet::new();
        for (at, header) in grants.headers.into_iter().enumerate() {
            match is_header_name(&header) {
                true => _ = headers.insert(header.to_ascii_lowercase()),
                false => self.add(
                    format!("spec.grants.headers[{at}]"),
                    format!("{header:?} is not a header name"),
                    "use letters, digits and hyphens",
                ),
            }
        }
        let mut upstreams = Vec::new();
        for (name, target) in grants.upstreams {
            match upstream(&name, &target) {
                Some(upstream) => upstreams.push(upstream),
                None => self.add(
                    format!("spec.grants.upstreams.{name}"),
                    format!("{target:?} is not service:port"),
                    "write a Service of this namespace and its port, such as auth:8080",
                ),
            }
        }
        if upstreams.len() > UPSTREAMS_MAX {
            let message = format!("{} upstreams are more than {UPSTREAMS_MAX}", upstreams.len());
            self.add("spec.grants.upstreams", message, "name fewer");
        }
        config::Grants {
            interfaces: interfaces.into_iter().map(|interface| interface.name().to_owned()).collect(),
            headers: headers.into_iter().collect(),
            upstreams,
        }
    }

    fn limits(&mut self, limits: &Limits) -> config::Limits {
        let default = config::Limits::default();
        config::Limits {
            deadline: match limits.deadline.as_deref().map(units::duration) {
                None => default.deadline,
                Some(Ok(deadline)) if !deadline.is_zero() => deadline,
                Some(Ok(_)) => {
                    self.add("spec.limits.deadline", "is zero", "give the policy some time, such as 5ms");
                    default.deadline
                }
                Some(Err(message)) => {
                    self.add("spec.limits.deadline", message, "write a whole number and a unit, such as 5ms");
                    default.deadline
                }
            },
            memory_bytes_max: self.amount("memory", limits.memory.as_ref(), 1).unwrap_or(default.memory_bytes_max),
            body_bytes_max: self.amount("body", limits.body.as_ref(), 0).unwrap_or(default.body_bytes_max),
        }
    }

    fn amount(&mut self, name: &str, amount: Option<&Amount>, least: u32) -> Option<u32> {
        let Amount(text) = amount?;
        let mistake = match units::bytes(text).map(u32::try_from) {
            Ok(Ok(bytes)) if bytes >= least => return Some(bytes),
            Ok(Ok(_)) => "is zero".to_owned(),
            Ok(Err(_)) => format!("{text:?} is 4 GiB or more"),
            Err(message) => message,
        };
        self.add(format!("spec.limits.{name}"), mistake, "write a whole number and a unit, such as 16Mi");
        None
    }
}

/// A token of RFC 9110, section 5.6.2.
fn is_header_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
fn upstream(name: &str, target: &str) -> Option<config::Upstream> {
    let (service, port) = target.split_once(':')?;
    let is_name =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_name(service) || !is_name(port) {
        return None;
    }
    // A port's name has a letter (Kubernetes API, IANA_SVC_NAME), so digits are a number.
    let port = match port.bytes().all(|byte| byte.is_ascii_digit()) {
        true => ServicePortRef::Number(port.parse().ok().filter(|&number| number != 0)?),
        false => ServicePortRef::Name(port.into()),
    };
    Some(config::Upstream { name: name.into(), service: service.into(), port })
}
