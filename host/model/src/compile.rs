//! From what was declared to what is served. Total: a bad item becomes a [`Problem`] and the rest lives.
//!
//! What access depends on fails closed: a path whose type or policies cannot be read answers 503; it does not vanish,
//! since its requests would then reach a broader rule.

pub mod class;
mod compiler;
mod options;
mod path;
mod policies;
pub mod unit;

use std::sync::Arc;

use crate::config::Config;
use crate::difference::Difference;
use crate::problem::{Origin, Problem, Severity};
use crate::snapshot::Snapshot;

pub use compiler::{Changes, Compiled, Compiler};
pub use policies::{DEADLINE_MAX, DEADLINE_MIN, INTERFACES, POLICY_BODY_BYTES_MAX, POLICY_MEMORY_BYTES_MAX};

/// What this process answers to.
#[derive(Debug, Clone)]
pub struct Options {
    /// `cardea.dev/ingress`: IngressClass.spec.controller values equal to this are ours.
    pub controller: Arc<str>,
    /// Serve Ingresses that name no class although no class of ours is the default.
    pub watch_ingress_without_class: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { controller: "cardea.dev/ingress".into(), watch_ingress_without_class: false }
    }
}

/// Compiles once. Takes time in proportion to the configuration; who compiles again keeps a [`Compiler`].
pub fn compile(config: &Config, options: &Options) -> (Snapshot, Vec<Problem>) {
    let whole = Difference::between(&Config::default(), config);
    let Compiled { snapshot, problems, .. } = Compiler::new(options.clone()).apply(&whole);
    (snapshot, problems.to_vec())
}

const HOST_REMEDY: &str = "Write a DNS name, or *. and a DNS name; leave it out to mean every host";

#[derive(Debug, Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
}

impl Problems {
    fn add(&mut self, origin: &Origin, field: impl Into<String>, fault: Fault) {
        self.list.push(fault.at(origin, field));
    }
}

/// What is the matter and what to do: a [`Problem`] that does not know its place yet.
#[derive(Debug, Clone)]
struct Fault {
    message: String,
    remedy: String,
    severity: Severity,
}

impl Fault {
    /// An error; most faults are.
    fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: remedy.into(), severity: Severity::Error }
    }

    fn at(self, origin: &Origin, field: impl Into<String>) -> Problem {
        let Self { message, remedy, severity } = self;
        Problem { origin: origin.clone(), field: field.into(), message, remedy, severity }
    }

    /// Something that may yet come right without a change to the object.
    fn warning(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::new(message, remedy) }
    }
}

#[cfg(test)]
mod tests;
