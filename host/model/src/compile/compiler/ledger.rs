//! Every problem there is, by what brought it up, so that it goes with that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::problem::Problem;

/// What several Ingresses claim and this one has not got.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matter {
    /// The place of its claim by number.
    Place(u32),
    Default,
    /// A setting of a backend by number.
    Balance(u32),
    Protocol(u32),
    /// Its certificate by number.
    Certificate(u32),
}

#[derive(Debug, Default)]
pub struct Ledger {
    classes: Vec<Problem>,
    policies: BTreeMap<(Arc<str>, Arc<str>), Vec<Problem>>,
    /// Of Services, by the backend that they are.
    backends: BTreeMap<u32, Problem>,
    units: BTreeMap<u32, Vec<Problem>>,
    contested: BTreeMap<(u32, Matter), Problem>,
    list: Arc<[Problem]>,
    is_stale: bool,
}

impl Ledger {
    pub fn set_classes(&mut self, problems: Vec<Problem>) {
        self.classes = problems;
        self.is_stale = true;
    }

    pub fn set_policy(&mut self, namespace: &Arc<str>, name: &Arc<str>, problems: Vec<Problem>) {
        let key = (namespace.clone(), name.clone());
        let before = match problems.is_empty() {
            true => self.policies.remove(&key),
            false => self.policies.insert(key, problems),
        };
        self.is_stale |= before.is_some() || !self.policies.is_empty();
    }

    pub fn set_backend(&mut self, backend: u32, problem: Option<Problem>) {
        self.is_stale |= self.backends.get(&backend) != problem.as_ref();
        put(&mut self.backends, backend, problem);
    }

    pub fn set_unit(&mut self, unit: u32, problems: Vec<Problem>) {
        if !problems.is_empty() {
            self.units.insert(unit, problems);
            self.is_stale = true;
        }
    }

    pub fn contest(&mut self, unit: u32, matter: Matter, problem: Option<Problem>) {
        let key = (unit, matter);
        self.is_stale |= self.contested.get(&key) != problem.as_ref();
        put(&mut self.contested, key, problem);
    }

    pub fn forget_unit(&mut self, unit: u32) {
        self.is_stale |= self.units.remove(&unit).is_some();
        let contested: Vec<_> = self
            .contested
            .range((unit, Matter::Place(0))..)
            .map(|(key, _)| key)
            .take_while(|key| key.0 == unit)
            .cloned()
            .collect();
        for key in contested {
            self.contested.remove(&key);
            self.is_stale = true;
        }
    }

    /// Sorted, each once.
    pub fn list(&mut self) -> Arc<[Problem]> {
        if std::mem::take(&mut self.is_stale) {
            let policies = self.policies.values().flatten();
            let all = self.classes.iter().chain(policies).chain(self.backends.values());
            let all: BTreeSet<&Problem> =
                all.chain(self.units.values().flatten()).chain(self.contested.values()).collect();
            if !all.iter().copied().eq(self.list.iter()) {
                self.list = all.into_iter().cloned().collect();
            }
        }
        self.list.clone()
    }
}

fn put<K: Ord>(map: &mut BTreeMap<K, Problem>, key: K, problem: Option<Problem>) {
    match problem {
        Some(problem) => _ = map.insert(key, problem),
        None => _ = map.remove(&key),
    }
}
