//! Which Secret an Ingress names for which host.

use std::sync::Arc;

use super::super::{Fault, HOST_REMEDY, Problems};
use super::Context;
use crate::config::{Ingress, IngressTls};
use crate::host::HostPattern;

/// A host of `spec.tls` with a Secret that exists.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// `Any` where hosts are left out: the fallback for names that no other certificate has.
    pub host: HostPattern,
    /// A Secret of the Ingress' namespace.
    pub secret: Arc<str>,
    /// `spec.tls[at].hosts[number]`, or `secretName` of it.
    pub at: u32,
    pub number: Option<u32>,
}

impl Certificate {
    pub fn field(&self) -> String {
        match self.number {
            Some(number) => format!("spec.tls[{}].hosts[{number}]", self.at),
            None => format!("spec.tls[{}].secretName", self.at),
        }
    }
}

pub(super) fn read(ingress: &Ingress, context: &impl Context, problems: &mut Problems) -> Vec<Certificate> {
    let mut all = Vec::new();
    for (at, tls) in ingress.tls.iter().enumerate() {
        let hosts = hosts(ingress, at, tls, problems);
        // Without a Secret, the host is served with the fallback certificate.
        let Some(secret) = secret(tls) else { continue };
        let namespace = &*ingress.origin.namespace;
        if !context.has_secret(namespace, secret) {
            let message = format!("there is no usable TLS Secret {namespace}/{secret}; plain HTTP goes on");
            let remedy = format!("Declare a Secret {secret} of type kubernetes.io/tls in namespace {namespace}");
            problems.add(&ingress.origin, format!("spec.tls[{at}].secretName"), Fault::warning(message, remedy));
            continue;
        }
        let certificate = |(number, host)| Certificate { host, secret: secret.clone(), at: at as u32, number };
        all.extend(hosts.into_iter().map(certificate));
    }
    all
}

/// An empty name is no name.
pub(super) fn secret(tls: &IngressTls) -> Option<&Arc<str>> {
    tls.secret_name.as_ref().filter(|name| !name.is_empty())
}

/// The valid hosts with their numbers; without hosts, every host.
fn hosts(ingress: &Ingress, at: usize, tls: &IngressTls, problems: &mut Problems) -> Vec<(Option<u32>, HostPattern)> {
    if tls.hosts.is_empty() {
        return vec![(None, HostPattern::Any)];
    }
    let mut valid = Vec::new();
    for (number, host) in tls.hosts.iter().enumerate() {
        let fault = match HostPattern::parse(host) {
            Ok(HostPattern::Any) => Fault::new("the host is empty", "Remove it, or omit hosts to mean every host"),
            Ok(host) => {
                valid.push((Some(number as u32), host));
                continue;
            }
            Err(error) => Fault::new(error.to_string(), HOST_REMEDY),
        };
        problems.add(&ingress.origin, format!("spec.tls[{at}].hosts[{number}]"), fault);
    }
    valid
}
