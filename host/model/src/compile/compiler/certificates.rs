//! Which Secrets prove a host: that of the oldest Ingress first; the next ones are for when it cannot be read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::known::Known;
use super::ledger::{Ledger, Matter};
use super::units::{Age, Unit, Units};
use crate::compile::Fault;
use crate::config::TlsSecret;
use crate::host::HostPattern;
use crate::problem::Problem;
use crate::shards::Shards;

#[derive(Debug, Default)]
pub struct Certificates {
    /// By Ingress and the number of its certificate.
    claims: HashMap<HostPattern, BTreeMap<(Age, u32), Arc<str>>>,
    list: Shards<HostPattern, Arc<[Arc<TlsSecret>]>>,
    touched: Vec<HostPattern>,
    changed: Vec<HostPattern>,
}

impl Certificates {
    pub fn claim(&mut self, unit: &Unit) {
        for (at, certificate) in unit.certificates.iter().enumerate() {
            let claims = self.claims.entry(certificate.host.clone()).or_default();
            claims.insert((unit.age.clone(), at as u32), certificate.secret.clone());
            self.touched.push(certificate.host.clone());
        }
    }

    pub fn give_up(&mut self, unit: &Unit) {
        for (at, certificate) in unit.certificates.iter().enumerate() {
            if let Some(claims) = self.claims.get_mut(&certificate.host) {
                claims.remove(&(unit.age.clone(), at as u32));
                self.touched.push(certificate.host.clone());
            }
        }
    }

    /// A Secret that one of these names is another.
    pub fn touch<'a>(&mut self, units: impl Iterator<Item = &'a Unit>) {
        for unit in units {
            self.touched.extend(unit.certificates.iter().map(|certificate| certificate.host.clone()));
        }
    }

    pub fn settle(&mut self, known: &Known, units: &Units, ledger: &mut Ledger) {
        for host in super::distinct(&mut self.touched) {
            let secrets = self.secrets(&host, known, units, ledger);
            if secrets.is_empty() {
                self.claims.remove(&host);
            }
            let is_same = match self.list.get(&host) {
                Some(before) => before.iter().map(Arc::as_ptr).eq(secrets.iter().map(Arc::as_ptr)),
                None => secrets.is_empty(),
            };
            if !is_same {
                self.list.set(host.clone(), (!secrets.is_empty()).then(|| secrets.into()));
                self.changed.push(host);
            }
        }
    }

    pub fn list(&self) -> &Shards<HostPattern, Arc<[Arc<TlsSecret>]>> {
        &self.list
    }

    /// Since this was asked last.
    pub fn changed(&mut self) -> Vec<HostPattern> {
        super::distinct(&mut self.changed)
    }

    /// Those of a host, each once, and who is told that it has one already.
    fn secrets(&self, host: &HostPattern, known: &Known, units: &Units, ledger: &mut Ledger) -> Vec<Arc<TlsSecret>> {
        let mut secrets: Vec<Arc<TlsSecret>> = Vec::new();
        let mut first: Option<&Age> = None;
        for ((age, at), name) in self.claims.get(host).into_iter().flatten() {
            let Some(unit) = units.get(age.unit) else { continue };
            let Some(secret) = known.secrets.get(&unit.ingress.origin.namespace, name) else { continue };
            let is_new = !secrets.iter().any(|other| Arc::ptr_eq(other, secret));
            let other = first.filter(|_| is_new).and_then(|first| units.get(first.unit)).zip(secrets.first());
            let problem = other.and_then(|(owner, other)| contested(unit, *at, owner, other));
            ledger.contest(age.unit, Matter::Certificate(*at), problem);
            if is_new {
                secrets.push(secret.clone());
            }
            first = first.or(Some(age));
        }
        secrets
    }
}

fn contested(unit: &Unit, at: u32, owner: &Unit, other: &TlsSecret) -> Option<Problem> {
    let certificate = unit.certificates.get(at as usize)?;
    let (host, older, secret) = (&certificate.host, &owner.ingress.origin, &other.origin.name);
    let message =
        format!("{host} has a certificate from Secret {}/{secret} already, named by {}", older.namespace, older.name);
    let fault = Fault::warning(message, "Name one Secret for one host; the oldest Ingress decides");
    Some(fault.at(&unit.ingress.origin, certificate.field()))
}
