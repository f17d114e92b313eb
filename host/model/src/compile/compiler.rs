//! A compiler that keeps what did not change: a change costs what depends on it, and no more.
//!
//! Each Ingress is read by itself and claims what it declares. What several may claim (a place, the default for every
//! host, the settings of a backend, the certificate of a host) goes to the oldest of those that claim it now; so when one
//! goes, the next has it. An Ingress is read again when it, its class, or the presence of something that it names has
//! changed. What comes out is what a new compiler makes of the whole.

mod backends;
mod certificates;
mod chains;
mod defaults;
mod known;
mod ledger;
mod places;
mod routes;
mod units;
mod upstreams;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Options;
use super::unit;
use crate::config::Ingress;
use crate::difference::Difference;
use crate::host::HostPattern;
use crate::problem::Problem;
use crate::snapshot::{BackendId, ChainId, PolicyId, RouteId, Snapshot};

use backends::Backends;
use certificates::Certificates;
use chains::Chains;
use defaults::Defaults;
use known::Known;
use ledger::Ledger;
use places::{Claim, Places};
use units::Units;
use upstreams::Upstreams;

#[derive(Debug)]
pub struct Compiler {
    known: Known,
    units: Units,
    /// By the address of the Ingress, which the unit holds.
    by_address: HashMap<usize, u32>,
    places: Places,
    defaults: Defaults,
    backends: Backends,
    chains: Chains,
    certificates: Certificates,
    upstreams: Upstreams,
    ledger: Ledger,
    /// Names of Ingresses that stopped and began to be served in this round.
    left: Vec<(Arc<str>, Arc<str>)>,
    joined: Vec<(Arc<str>, Arc<str>)>,
}

/// What is served now.
#[derive(Debug)]
pub struct Compiled {
    pub snapshot: Snapshot,
    /// Sorted.
    pub problems: Arc<[Problem]>,
    pub changes: Changes,
}

/// Which numbers and hosts of the snapshot have another value than in the one before, or none. Each once.
#[derive(Debug, Default)]
pub struct Changes {
    pub routes: Vec<RouteId>,
    pub backends: Vec<BackendId>,
    pub policies: Vec<PolicyId>,
    pub chains: Vec<ChainId>,
    pub certificates: Vec<HostPattern>,
    /// Whether other Ingresses are served than before, by name.
    pub served: bool,
}

impl Compiler {
    pub fn new(options: Options) -> Self {
        Self {
            known: Known::new(options),
            units: Units::default(),
            by_address: HashMap::new(),
            places: Places::new(),
            defaults: Defaults::default(),
            backends: Backends::default(),
            chains: Chains::default(),
            certificates: Certificates::default(),
            upstreams: Upstreams::default(),
            ledger: Ledger::default(),
            left: Vec::new(),
            joined: Vec::new(),
        }
    }

    /// Goes from the configuration that it knows to the next.
    pub fn apply(&mut self, difference: &Difference) -> Compiled {
        let mut stale = self.take_objects(difference);
        for ingress in &difference.ingresses.gone {
            if let Some(unit) = self.by_address.remove(&address(ingress)) {
                self.withdraw(unit);
                self.units.remove(unit);
                stale.remove(&unit);
            }
        }
        for &unit in &stale {
            self.withdraw(unit);
        }
        for ingress in &difference.ingresses.come {
            if !self.by_address.contains_key(&address(ingress)) {
                let unit = self.units.add(ingress);
                self.by_address.insert(address(ingress), unit);
                stale.insert(unit);
            }
        }
        for unit in stale {
            self.declare(unit);
        }
        self.settle()
    }

    /// The Ingresses of our classes, also those of which no path can be served.
    pub fn served(&self) -> impl Iterator<Item = &Arc<Ingress>> {
        self.units.iter().filter(|unit| unit.is_served).map(|unit| &unit.ingress)
    }

    /// Takes everything but Ingresses, and says which of those are to be read again.
    fn take_objects(&mut self, difference: &Difference) -> BTreeSet<u32> {
        let mut stale = BTreeSet::new();
        if let Some(classes) = &difference.classes {
            let (before, problems) = self.known.take_classes(classes);
            self.ledger.set_classes(problems);
            let differs = |unit: &&units::Unit| self.known.classes.differ_for(&unit.ingress, &before);
            stale.extend(self.units.iter().filter(differs).map(|unit| unit.age.unit));
        }
        self.known.services.take(&difference.services, |_, users| stale.extend(users));
        self.upstreams.touch(&difference.services, &mut self.backends);
        let (chains, ledger) = (&mut self.chains, &mut self.ledger);
        self.known.take_policies(&difference.policies, ledger, |policy, users| match policy {
            Some(policy) => chains.replace(policy),
            None => stale.extend(users),
        });
        let (certificates, units) = (&mut self.certificates, &self.units);
        self.known.secrets.take(&difference.secrets, |stays, users| match stays {
            true => certificates.touch(users.iter().filter_map(|unit| units.get(*unit))),
            false => stale.extend(users),
        });
        stale
    }

    /// Reads an Ingress and claims what it declares.
    fn declare(&mut self, number: u32) {
        let Some(unit) = self.units.get_mut(number) else { return };
        let ingress = unit.ingress.clone();
        let mut read = unit::read(&ingress, &self.known);
        self.ledger.set_unit(number, std::mem::take(&mut read.problems));
        if !read.is_served {
            return;
        }
        unit.is_served = true;
        self.joined.push((ingress.origin.namespace.clone(), ingress.origin.name.clone()));
        self.known.follow(&ingress, number);
        unit.used = read.backends.iter().map(|key| self.backends.take(key)).collect();
        self.backends.say(&unit.used, &unit.age, &read.settings);
        for host in &read.hosts {
            self.places.know(host);
        }
        unit.hosts = std::mem::take(&mut read.hosts);
        unit.certificates = std::mem::take(&mut read.certificates);
        self.certificates.claim(unit);
        let is_without_rules = read.is_without_rules;
        routes::make(unit, read, &self.known, &self.backends, &mut self.chains, &mut self.places);
        if unit.default.is_some() {
            self.defaults.claim(&unit.age, is_without_rules);
        }
        self.claim_places(number);
    }

    fn claim_places(&mut self, number: u32) {
        let Some(unit) = self.units.get(number) else { return };
        for (at, claimed) in unit.claims.iter().enumerate() {
            self.places.claim(claimed.spot, Claim { unit: number, at: at as u32 }, &self.units);
        }
    }

    /// Takes back everything that an Ingress claimed.
    fn withdraw(&mut self, number: u32) {
        self.ledger.forget_unit(number);
        let Some(unit) = self.units.get(number).filter(|unit| unit.is_served) else { return };
        let origin = &unit.ingress.origin;
        self.left.push((origin.namespace.clone(), origin.name.clone()));
        self.known.unfollow(&unit.ingress, number);
        for (at, claimed) in unit.claims.iter().enumerate() {
            self.places.give_up(claimed.spot, Claim { unit: number, at: at as u32 }, &self.units);
        }
        for host in &unit.hosts {
            self.places.forget(host);
        }
        self.backends.unsay(&unit.used, &unit.age);
        for &backend in &unit.used {
            self.backends.release(backend);
        }
        for &chain in unit.chain.iter().chain(&unit.answering) {
            self.chains.release(chain);
        }
        self.certificates.give_up(unit);
        self.defaults.give_up(&unit.age);
        self.units.clear(number);
    }

    /// Decides what changed hands, and hands out the result.
    fn settle(&mut self) -> Compiled {
        self.defaults.settle(&self.units, &mut self.places, &mut self.ledger);
        self.places.settle(&self.units, &mut self.ledger);
        self.chains.settle();
        let policies = self.chains.changed_policies();
        self.upstreams.settle(&policies, self.chains.policies(), &mut self.backends);
        self.backends.settle(&self.known, &self.units, &mut self.ledger);
        self.certificates.settle(&self.known, &self.units, &mut self.ledger);
        let index = self.places.index(&mut self.units, &self.defaults);
        let changes = Changes {
            routes: self.places.changed(),
            backends: self.backends.changed(),
            policies,
            chains: self.chains.changed(),
            certificates: self.certificates.changed(),
            served: self.served_differ(),
        };
        let snapshot = Snapshot {
            index,
            routes: self.places.routes().clone(),
            backends: self.backends.list().clone(),
            policies: self.chains.policies().clone(),
            chains: self.chains.list().clone(),
            certificates: self.certificates.list().clone(),
            upstreams: self.upstreams.list().clone(),
        };
        Compiled { snapshot, problems: self.ledger.list(), changes }
    }

    fn served_differ(&mut self) -> bool {
        let (mut left, mut joined) = (std::mem::take(&mut self.left), std::mem::take(&mut self.joined));
        left.sort_unstable();
        joined.sort_unstable();
        left != joined
    }
}

/// What is in the list, sorted and each once; it is empty then.
fn distinct<T: Ord>(list: &mut Vec<T>) -> Vec<T> {
    let mut distinct = std::mem::take(list);
    distinct.sort_unstable();
    distinct.dedup();
    distinct
}

fn address(ingress: &Arc<Ingress>) -> usize {
    Arc::as_ptr(ingress).addr()
}

#[cfg(test)]
mod tests;
