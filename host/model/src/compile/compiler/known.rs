//! The objects that Ingresses may name, and which Ingresses name them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ledger::Ledger;
use crate::compile::class::Classes;
use crate::compile::{Options, policies, unit};
use crate::config::{Ingress, IngressClass, Policy, Service, TlsSecret};
use crate::difference::Edits;
use crate::names::Names;
use crate::problem::{Origin, Problem};

#[derive(Debug)]
pub struct Known {
    options: Options,
    pub classes: Classes,
    pub services: Objects<Service>,
    /// With what is out of bounds brought within them.
    pub policies: Objects<Policy>,
    pub secrets: Objects<TlsSecret>,
}

/// Objects of one kind.
#[derive(Debug)]
pub struct Objects<T> {
    by_name: Names<Named<T>>,
}

/// A name that an object has, or that somebody uses.
#[derive(Debug)]
struct Named<T> {
    object: Option<Arc<T>>,
    /// Units, in order, each once.
    users: Vec<u32>,
}

impl Known {
    pub fn new(options: Options) -> Self {
        let classes = Classes::new(&[], &options).0;
        Self {
            options,
            classes,
            services: Objects::default(),
            policies: Objects::default(),
            secrets: Objects::default(),
        }
    }

    /// Says which classes there were before, and what is wrong with those that are.
    pub fn take_classes(&mut self, classes: &[Arc<IngressClass>]) -> (Classes, Vec<Problem>) {
        let (classes, problems) = Classes::new(classes, &self.options);
        (std::mem::replace(&mut self.classes, classes), problems)
    }

    /// Tells of each policy that changed; without it, and with those who name it, if it has come or gone.
    pub fn take_policies(
        &mut self,
        edits: &Edits<Policy>,
        ledger: &mut Ledger,
        mut tell: impl FnMut(Option<&Arc<Policy>>, &[u32]),
    ) {
        for policy in &edits.gone {
            ledger.set_policy(&policy.origin.namespace, &policy.origin.name, Vec::new());
        }
        let bounded = edits.come.iter().map(|policy| {
            let (policy, problems) = policies::within_bounds(policy);
            ledger.set_policy(&policy.origin.namespace, &policy.origin.name, problems);
            policy
        });
        let edits = Edits { gone: edits.gone.clone(), come: bounded.collect() };
        for (policy, stays, users) in self.policies.changes(&edits) {
            tell(policy.filter(|_| stays), users);
        }
    }

    pub fn follow(&mut self, ingress: &Ingress, unit: u32) {
        let namespace = &ingress.origin.namespace;
        unit::services(ingress).for_each(|name| self.services.follow(namespace, name, unit));
        unit::policies(ingress).for_each(|name| self.policies.follow(namespace, name, unit));
        unit::secrets(ingress).for_each(|name| self.secrets.follow(namespace, name, unit));
    }

    pub fn unfollow(&mut self, ingress: &Ingress, unit: u32) {
        let namespace = &ingress.origin.namespace;
        unit::services(ingress).for_each(|name| self.services.unfollow(namespace, name, unit));
        unit::policies(ingress).for_each(|name| self.policies.unfollow(namespace, name, unit));
        unit::secrets(ingress).for_each(|name| self.secrets.unfollow(namespace, name, unit));
    }
}

impl unit::Context for Known {
    fn classes(&self) -> &Classes {
        &self.classes
    }

    fn service(&self, namespace: &str, name: &str) -> Option<&Service> {
        self.services.get(namespace, name).map(|service| &**service)
    }

    fn has_policy(&self, namespace: &str, name: &str) -> bool {
        self.policies.get(namespace, name).is_some()
    }

    fn has_secret(&self, namespace: &str, name: &str) -> bool {
        self.secrets.get(namespace, name).is_some()
    }
}

impl<T: Identified + PartialEq> Objects<T> {
    pub fn get(&self, namespace: &str, name: &str) -> Option<&Arc<T>> {
        self.by_name.get(namespace, name)?.object.as_ref()
    }

    /// Tells who names each object that is not equal to what had its name before, and whether there was one and still is.
    pub fn take(&mut self, edits: &Edits<T>, mut tell: impl FnMut(bool, &[u32])) {
        for (_, stays, users) in self.changes(edits) {
            tell(stays, users);
        }
    }

    /// The object as it is now, whether there was one and still is, and its users.
    fn changes<'a>(&'a mut self, edits: &'a Edits<T>) -> impl Iterator<Item = (Option<&'a Arc<T>>, bool, &'a [u32])> {
        let mut before: BTreeMap<(&str, &str), Option<Arc<T>>> = BTreeMap::new();
        for origin in edits.gone.iter().map(|object| object.origin()) {
            let named = self.by_name.get_mut(&origin.namespace, &origin.name);
            let object = named.and_then(|named| named.object.take());
            before.entry((&origin.namespace, &origin.name)).or_insert(object);
        }
        for object in &edits.come {
            let origin = object.origin();
            let named = self.by_name.at(&origin.namespace, &origin.name);
            let old = named.object.replace(object.clone());
            before.entry((&origin.namespace, &origin.name)).or_insert(old);
        }
        for (namespace, name) in before.keys() {
            self.by_name.tidy(namespace, name);
        }
        let by_name = &self.by_name;
        before.into_iter().filter_map(move |((namespace, name), old)| {
            let named = by_name.get(namespace, name);
            let new = named.and_then(|named| named.object.as_ref());
            let users = named.map_or(&[][..], |named| &named.users);
            (old.as_ref() != new).then_some((new, old.is_some() && new.is_some(), users))
        })
    }

    fn follow(&mut self, namespace: &Arc<str>, name: &str, unit: u32) {
        let named = match self.by_name.get_mut(namespace, name) {
            Some(named) => named,
            None => self.by_name.at(namespace, &name.into()),
        };
        if let Err(at) = named.users.binary_search(&unit) {
            named.users.insert(at, unit);
        }
    }

    fn unfollow(&mut self, namespace: &str, name: &str, unit: u32) {
        let Some(named) = self.by_name.get_mut(namespace, name) else { return };
        if let Ok(at) = named.users.binary_search(&unit) {
            named.users.remove(at);
        }
        self.by_name.tidy(namespace, name);
    }
}

impl<T> Names<Named<T>> {
    /// Forgets a name that neither an object nor a user has.
    fn tidy(&mut self, namespace: &str, name: &str) {
        if self.get(namespace, name).is_some_and(|named| named.object.is_none() && named.users.is_empty()) {
            self.remove(namespace, name);
        }
    }
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self { by_name: Names::default() }
    }
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { object: None, users: Vec::new() }
    }
}

pub trait Identified {
    fn origin(&self) -> &Origin;
}

impl Identified for Service {
    fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl Identified for Policy {
    fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl Identified for TlsSecret {
    fn origin(&self) -> &Origin {
        &self.origin
    }
}
