//! Which Secret proves which host, oldest Ingress first.
//!
//! The same host with several Secrets keeps all of them, in order: the first that loads is served.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Fault, Problems};
use crate::config::{Ingress, IngressTls, TlsSecret};
use crate::host::HostPattern;
use crate::problem::Origin;
use crate::snapshot::HostCertificate;

pub fn certificates(
    ingresses: &[&Ingress],
    secrets: &[Arc<TlsSecret>],
    problems: &mut Problems,
) -> Vec<HostCertificate> {
    let by_name = secrets.iter().map(|secret| ((&*secret.origin.namespace, &*secret.origin.name), secret));
    let mut certificates = Certificates {
        secrets: by_name.collect(),
        first: HashMap::new(),
        seen: HashSet::new(),
        list: Vec::new(),
        problems,
    };
    for ingress in ingresses {
        for (at, tls) in ingress.tls.iter().enumerate() {
            certificates.add(ingress, at, tls);
        }
    }
    certificates.list
}

struct Certificates<'a> {
    secrets: HashMap<(&'a str, &'a str), &'a Arc<TlsSecret>>,
    /// Who named the host first, and with which Secret.
    first: HashMap<HostPattern, (&'a Origin, &'a str)>,
    /// Host, and the Secret's namespace and name.
    seen: HashSet<(HostPattern, &'a str, &'a str)>,
    list: Vec<HostCertificate>,
    problems: &'a mut Problems,
}

impl<'a> Certificates<'a> {
    fn add(&mut self, ingress: &'a Ingress, at: usize, tls: &'a IngressTls) {
        let hosts = self.hosts(ingress, at, tls);
        // Without a Secret, the host is served with the fallback certificate.
        let Some(name) = tls.secret_name.as_deref().filter(|name| !name.is_empty()) else { return };
        let namespace = &*ingress.origin.namespace;
        let Some(&secret) = self.secrets.get(&(namespace, name)) else {
            let message = format!("there is no usable TLS Secret {namespace}/{name}; plain HTTP goes on");
            let remedy = format!("Declare a Secret {name} of type kubernetes.io/tls in namespace {namespace}");
            return self.problems.add(
                &ingress.origin,
                format!("spec.tls[{at}].secretName"),
                Fault::warning(message, remedy),
            );
        };
        for (field, host) in hosts {
            if !self.seen.insert((host.clone(), namespace, name)) {
                continue;
            }
            if let Some((older, other)) = self.first.get(&host) {
                let message = format!(
                    "{host} has a certificate from Secret {}/{other} already, named by {}",
                    older.namespace, older.name
                );
                self.problems.add(
                    &ingress.origin,
                    field,
                    Fault::warning(message, "Name one Secret for one host; the oldest Ingress decides"),
                );
            } else {
                self.first.insert(host.clone(), (&ingress.origin, name));
            }
            self.list.push(HostCertificate { host, secret: secret.clone() });
        }
    }

    /// The valid hosts with their fields; without hosts, every host.
    fn hosts(&mut self, ingress: &Ingress, at: usize, tls: &IngressTls) -> Vec<(String, HostPattern)> {
        if tls.hosts.is_empty() {
            return vec![(format!("spec.tls[{at}].secretName"), HostPattern::Any)];
        }
        let mut valid = Vec::new();
        for (number, host) in tls.hosts.iter().enumerate() {
            let field = format!("spec.tls[{at}].hosts[{number}]");
            match HostPattern::parse(host) {
                Ok(HostPattern::Any) => {
                    self.problems.add(
                        &ingress.origin,
                        field,
                        Fault::new("the host is empty", "Remove it, or omit hosts to mean every host"),
                    );
                }
                Ok(host) => valid.push((field, host)),
                Err(error) => {
                    self.problems.add(&ingress.origin, field, Fault::new(error.to_string(), super::HOST_REMEDY))
                }
            }
        }
        valid
    }
}
