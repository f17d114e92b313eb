//! The policies that Ingresses use, and the distinct orders in which they use them.

use std::collections::HashMap;
use std::sync::Arc;

use super::known::Known;
use crate::config::Policy;
use crate::names::Names;
use crate::paged::{Numbers, Paged};
use crate::snapshot::{ChainId, PolicyId};

#[derive(Debug, Default)]
pub struct Chains {
    policies: Numbered<Arc<Policy>>,
    by_name: Names<Option<PolicyId>>,
    chains: Numbered<Arc<[PolicyId]>>,
    by_policies: HashMap<Arc<[PolicyId]>, ChainId>,
}

/// Values by number, with how often each is used.
#[derive(Debug)]
struct Numbered<T> {
    list: Paged<T>,
    uses: Vec<usize>,
    numbers: Numbers,
    /// May be unused when all are taken and released.
    released: Vec<u32>,
    changed: Vec<u32>,
}

impl Chains {
    /// Of policies that exist.
    pub fn take(&mut self, namespace: &Arc<str>, names: &[Arc<str>], known: &Known) -> ChainId {
        let ids = names.iter().filter_map(|name| self.policy(namespace, name, known));
        let ids: Arc<[PolicyId]> = ids.collect();
        let id = match self.by_policies.get(&ids) {
            Some(id) => *id,
            None => {
                let id = ChainId(self.chains.add(ids.clone()));
                ids.iter().for_each(|policy| self.policies.take(policy.0));
                self.by_policies.insert(ids, id);
                id
            }
        };
        self.chains.take(id.0);
        id
    }

    pub fn release(&mut self, id: ChainId) {
        self.chains.release(id.0);
    }

    /// A policy of the same name as one before.
    pub fn replace(&mut self, policy: &Arc<Policy>) {
        let origin = &policy.origin;
        if let Some(Some(id)) = self.by_name.get(&origin.namespace, &origin.name) {
            self.policies.set(id.0, Some(policy.clone()));
        }
    }

    /// Forgets what is not used.
    pub fn settle(&mut self) {
        for (_, chain) in self.chains.forget_unused() {
            self.by_policies.remove(&chain);
            chain.iter().for_each(|policy| self.policies.release(policy.0));
        }
        for (_, policy) in self.policies.forget_unused() {
            self.by_name.remove(&policy.origin.namespace, &policy.origin.name);
        }
    }

    pub fn policies(&self) -> &Paged<Arc<Policy>> {
        &self.policies.list
    }

    pub fn list(&self) -> &Paged<Arc<[PolicyId]>> {
        &self.chains.list
    }

    /// Since this was asked last.
    pub fn changed(&mut self) -> Vec<ChainId> {
        super::distinct(&mut self.chains.changed).into_iter().map(ChainId).collect()
    }

    /// Since this was asked last.
    pub fn changed_policies(&mut self) -> Vec<PolicyId> {
        super::distinct(&mut self.policies.changed).into_iter().map(PolicyId).collect()
    }

    fn policy(&mut self, namespace: &Arc<str>, name: &Arc<str>, known: &Known) -> Option<PolicyId> {
        if let Some(Some(id)) = self.by_name.get(namespace, name) {
            return Some(*id);
        }
        let policy = known.policies.get(namespace, name)?;
        let id = PolicyId(self.policies.add(policy.clone()));
        *self.by_name.at(namespace, name) = Some(id);
        Some(id)
    }
}

impl<T: Clone> Numbered<T> {
    fn add(&mut self, value: T) -> u32 {
        let number = self.numbers.take();
        if self.uses.len() <= number as usize {
            self.uses.resize(number as usize + 1, 0);
        }
        self.set(number, Some(value));
        number
    }

    fn set(&mut self, number: u32, value: Option<T>) {
        self.list.set(number as usize, value);
        self.changed.push(number);
    }

    fn take(&mut self, number: u32) {
        if let Some(uses) = self.uses.get_mut(number as usize) {
            *uses += 1;
        }
    }

    fn release(&mut self, number: u32) {
        if let Some(uses) = self.uses.get_mut(number as usize) {
            *uses -= 1;
        }
        self.released.push(number);
    }

    fn forget_unused(&mut self) -> Vec<(u32, T)> {
        let mut forgotten = Vec::new();
        for number in super::distinct(&mut self.released) {
            if self.uses.get(number as usize) != Some(&0) {
                continue;
            }
            if let Some(value) = self.list.get(number as usize).cloned() {
                self.set(number, None);
                self.numbers.give_back(number);
                forgotten.push((number, value));
            }
        }
        forgotten
    }
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            list: Paged::default(),
            uses: Vec::new(),
            numbers: Numbers::default(),
            released: Vec::new(),
            changed: Vec::new(),
        }
    }
}
