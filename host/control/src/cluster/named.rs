//! Which Secrets and ConfigMaps are named by something accepted: those are watched, and no others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use cardea_model::config::{Ingress, IngressBackend};

use super::kind::Kind;
use crate::kube::policy::{Declared, ModuleRef};
use crate::report::ObjectName;

/// An object that is watched by name.
pub(super) type Named = (Kind, ObjectName);
/// The object that names it.
pub(super) type Referrer = (Kind, ObjectName);

/// Beginnings and ends of watches, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    Watch(Named),
    Forget(Named),
}

#[derive(Debug, Default)]
pub(super) struct Names {
    entries: BTreeMap<Named, Entry>,
    /// How many accepted Ingresses use each Policy.
    policies: HashMap<ObjectName, usize>,
    wishes: Vec<Wish>,
    unanswered: usize,
}

#[derive(Debug, Default)]
struct Entry {
    referrers: BTreeSet<Referrer>,
    answered: bool,
}

impl Names {
    pub(super) fn add(&mut self, named: Named, referrer: Referrer) {
        let entry = self.entries.entry(named.clone()).or_insert_with(|| {
            self.wishes.push(Wish::Watch(named));
            self.unanswered += 1;
            Entry::default()
        });
        entry.referrers.insert(referrer);
    }

    pub(super) fn remove(&mut self, named: &Named, referrer: &Referrer) {
        let Some(entry) = self.entries.get_mut(named) else { return };
        entry.referrers.remove(referrer);
        if entry.referrers.is_empty() {
            self.unanswered -= usize::from(!entry.answered);
            self.entries.remove(named);
            self.wishes.push(Wish::Forget(named.clone()));
        }
    }

    /// One more Ingress uses the policy. True if it is the first.
    pub(super) fn use_policy(&mut self, policy: ObjectName) -> bool {
        let uses = self.policies.entry(policy).or_default();
        *uses += 1;
        *uses == 1
    }

    /// One Ingress less uses the policy. True if it was the last.
    pub(super) fn leave_policy(&mut self, policy: &ObjectName) -> bool {
        let Some(uses) = self.policies.get_mut(policy) else { return false };
        *uses -= 1;
        let was_last = *uses == 0;
        if was_last {
            self.policies.remove(policy);
        }
        was_last
    }

    pub(super) fn is_used(&self, policy: &ObjectName) -> bool {
        self.policies.contains_key(policy)
    }

    /// The first answer about an object came, whatever it was.
    pub(super) fn answered(&mut self, kind: Kind, name: &ObjectName) {
        let Some(entry) = self.entries.get_mut(&(kind, name.clone())) else { return };
        self.unanswered -= usize::from(!entry.answered);
        entry.answered = true;
    }

    /// Something that is named may exist, and has not been heard of.
    pub(super) fn is_waiting(&self) -> bool {
        self.unanswered > 0
    }

    pub(super) fn is_named(&self, kind: Kind, name: &ObjectName) -> bool {
        self.entries.contains_key(&(kind, name.clone()))
    }

    pub(super) fn referrers(&self, named: &Named) -> impl Iterator<Item = &Referrer> {
        self.entries.get(named).into_iter().flat_map(|entry| &entry.referrers)
    }

    pub(super) fn take_wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }
}

/// The Secrets that an Ingress names.
pub(super) fn of_ingress(ingress: &Ingress) -> BTreeSet<Named> {
    let secrets = ingress.tls.iter().filter_map(|tls| tls.secret_name.as_ref());
    secrets.map(|name| (Kind::Secret, beside(&ingress.origin.namespace, name))).collect()
}

const POLICIES: &str = "cardea.dev/policies";

/// The Policies that an Ingress names.
pub(super) fn policies(ingress: &Ingress) -> BTreeSet<ObjectName> {
    let names = ingress.annotations.get(POLICIES).map(String::as_str).unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(|name| beside(&ingress.origin.namespace, name)).collect()
}

const BACKENDS: &str = "cardea.dev/backends";

/// The Services that an Ingress names.
pub(super) fn services(ingress: &Ingress) -> BTreeSet<ObjectName> {
    let paths = ingress.rules.iter().filter_map(|rule| rule.paths.as_ref()).flatten().map(|path| &path.backend);
    let of_rules = paths.chain(&ingress.default_backend).filter_map(|backend| match backend {
        IngressBackend::Service { name, .. } => Some(&**name),
        IngressBackend::Resource { .. } | IngressBackend::Invalid { .. } => None,
    });
    let annotation = ingress.annotations.get(BACKENDS).map(String::as_str).unwrap_or_default();
    let of_policies = annotation.split(',').filter_map(|item| Some(item.split_once('=')?.1.split_once(':')?.0.trim()));
    of_rules.chain(of_policies).map(|name| beside(&ingress.origin.namespace, name)).collect()
}

/// The ConfigMap or Secret that a Policy names.
pub(super) fn of_policy(policy: &Declared) -> BTreeSet<Named> {
    match &policy.module {
        ModuleRef::ConfigMap { name, .. } => [(Kind::ConfigMap, beside(&policy.origin.namespace, name))].into(),
        ModuleRef::Remote { pull_secret: Some(name), .. } => {
            [(Kind::Secret, beside(&policy.origin.namespace, name))].into()
        }
        ModuleRef::Remote { pull_secret: None, .. } | ModuleRef::File(_) => BTreeSet::new(),
    }
}

fn beside(namespace: &Arc<str>, name: &str) -> ObjectName {
    ObjectName::new(Arc::clone(namespace), name)
}
