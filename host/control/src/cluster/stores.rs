//! What the cluster declares, as far as it was heard: pure, from changes to a `Config`.
//!
//! A change costs what it changes; making the `Config` copies pointers. The order in which kinds are heard of does not
//! matter.

mod module;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cardea_model::compile;
use cardea_model::compile::class::{self, Classes};
use cardea_model::config::{Config, EndpointSlice, Ingress, IngressClass, Policy, Service};
use cardea_model::problem::{Origin, Problem, Severity};

use super::fault::missing_rule;
use super::kind::Kind;
use super::named::{self, Names, Wish};
use super::snapshot::State;
use super::table::{Patch, Table};
use super::watched::{Change, Delta, SecretContent, Watched};
use crate::fetch::Fetcher;
use crate::kube::config_map::Binary;
use crate::kube::policy::Declared;
use crate::kube::{Place, problem};
use crate::report::ObjectName;

/// What decides which objects count.
#[derive(Clone, Default)]
pub(super) struct Terms {
    pub namespace: Option<Arc<str>>,
    pub class: Option<Arc<str>>,
    pub compile: compile::Options,
    pub fetcher: Option<Fetcher>,
}

#[derive(Default)]
pub(super) struct Stores {
    terms: Terms,
    classes: Table<IngressClass>,
    ingresses: Table<Ingress>,
    services: Table<Service>,
    slices: Table<EndpointSlice>,
    policies: Table<Declared>,
    secrets: Table<SecretContent>,
    config_maps: Table<Binary>,
    rule: Classes,
    names: Names,
    /// What may not be read, with the authoriser's words.
    denied: BTreeMap<(Kind, Option<ObjectName>), String>,
    /// A denial is no more.
    lifted: bool,
    listed: BTreeSet<Kind>,
    /// The policies with their modules, as of the last time that anything of them changed.
    made: Vec<Arc<Policy>>,
    unmade: bool,
    module_problems: Vec<Problem>,
}

impl Stores {
    pub(super) fn new(terms: Terms) -> Self {
        let rule = Classes::new(&[], &terms.compile).0;
        let mut stores = Self { terms, rule, ..Self::default() };
        stores.classes_changed();
        stores
    }

    /// Takes a change in. True if it changes what is declared.
    pub(super) fn apply(&mut self, change: Change) -> bool {
        let changed = self.take_in(change);
        std::mem::take(&mut self.lifted) || changed
    }

    fn take_in(&mut self, change: Change) -> bool {
        match change {
            Change::Class(delta) => {
                self.heard(&delta);
                let patch = self.classes.apply(delta);
                self.classes_changed();
                !patch.is_empty()
            }
            Change::Ingress(delta) => {
                self.heard(&delta);
                let patch = self.ingresses.apply(delta);
                self.ingresses_changed(&patch);
                !patch.is_empty()
            }
            Change::Policy(delta) => {
                self.heard(&delta);
                let patch = self.policies.apply(delta);
                self.policies_changed(&patch);
                !patch.is_empty()
            }
            Change::Service(delta) => {
                self.heard(&delta);
                !self.services.apply(delta).is_empty()
            }
            Change::Slice(delta) => {
                self.heard(&delta);
                !self.slices.apply(delta).is_empty()
            }
            Change::Secret(delta) => match self.heard_by_name(delta) {
                Some(delta) => {
                    let patch = self.secrets.apply(delta);
                    self.unmade |= !patch.objects.is_empty();
                    !patch.is_empty()
                }
                None => false,
            },
            Change::ConfigMap(delta) => match self.heard_by_name(delta) {
                Some(delta) => {
                    let patch = self.config_maps.apply(delta);
                    self.unmade |= !patch.objects.is_empty();
                    !patch.is_empty()
                }
                None => false,
            },
            Change::Denied { kind, only, message } => self.deny(kind, only, message),
        }
    }

    /// Takes in what the last run kept of a kind, as long as nothing was heard of the kind. It does not count as heard.
    pub(super) fn restore(&mut self, change: Change) {
        let listed = self.listed.clone();
        let is_known = match &change {
            Change::Class(_) => listed.contains(&Kind::IngressClass),
            Change::Ingress(_) => listed.contains(&Kind::Ingress),
            Change::Service(_) => listed.contains(&Kind::Service),
            Change::Slice(_) => listed.contains(&Kind::EndpointSlice),
            Change::Policy(_) => listed.contains(&Kind::Policy),
            Change::Secret(_) => !self.secrets.objects().is_empty(),
            Change::ConfigMap(_) => !self.config_maps.objects().is_empty(),
            Change::Denied { .. } => true,
        };
        if !is_known {
            self.apply(change);
            self.listed = listed;
        }
    }

    /// What is known of a module may have changed.
    pub(super) fn modules_changed(&mut self) {
        self.unmade = true;
    }

    /// Every kind was heard of: what is known is all there is.
    pub(super) fn is_complete(&self) -> bool {
        Kind::ALL.iter().filter(|kind| !kind.is_named()).all(|kind| self.listed.contains(kind))
    }

    /// Something that is named has not been heard of, so that a problem with it may be none.
    pub(super) fn is_waiting(&self) -> bool {
        self.names.is_waiting()
    }

    pub(super) fn take_wishes(&mut self) -> Vec<Wish> {
        let wishes = self.names.take_wishes();
        for wish in &wishes {
            if let Wish::Forget((kind, name)) = wish {
                self.forget(*kind, name);
            }
        }
        wishes
    }

    /// Everything that is declared now, and every mistake.
    pub(super) fn load(&mut self) -> (Config, Vec<Problem>) {
        if std::mem::take(&mut self.unmade) {
            self.make_policies();
        }
        let secrets = self.secrets.objects().iter().filter_map(|secret| match &**secret {
            SecretContent::Tls(secret) => Some(Arc::clone(secret)),
            SecretContent::Pull(_) => None,
        });
        let config = Config {
            classes: self.served_classes(),
            ingresses: self.served_ingresses(),
            services: self.services.objects().to_vec(),
            slices: self.slices.objects().to_vec(),
            secrets: secrets.collect(),
            policies: self.made.clone(),
        };
        (config, self.problems())
    }

    /// What is kept on disk: everything that was declared, by the last load.
    pub(super) fn state(&self) -> State {
        let module = |policy: &Arc<Policy>| {
            let declared = self.policies.get(&name_of(&policy.origin))?;
            Some((Arc::clone(policy), declared.module.clone()))
        };
        State {
            classes: self.classes.objects().to_vec(),
            ingresses: self.ingresses.objects().to_vec(),
            services: self.services.objects().to_vec(),
            slices: self.slices.objects().to_vec(),
            policies: self.made.iter().filter_map(module).collect(),
            secrets: self.secrets.objects().to_vec(),
            config_maps: self.config_maps.objects().to_vec(),
        }
    }

    fn heard<T: Watched>(&mut self, delta: &Delta<T>) {
        if matches!(delta, Delta::Whole(_)) {
            self.listed.insert(T::KIND);
            self.lifted |= self.denied.remove(&(T::KIND, None)).is_some();
        }
    }

    /// `None` where nothing names the object any more.
    fn heard_by_name<T: Watched>(&mut self, delta: Delta<T>) -> Option<Delta<T>> {
        let name = match &delta {
            Delta::Set(item) => &item.name,
            Delta::Gone(name) => name,
            // From the state of the last run, before anything names them.
            Delta::Whole(_) => return Some(delta),
        };
        self.names.answered(T::KIND, name);
        self.lifted |= self.denied.remove(&(T::KIND, Some(name.clone()))).is_some();
        self.names.is_named(T::KIND, name).then_some(delta)
    }

    fn deny(&mut self, kind: Kind, only: Option<ObjectName>, message: String) -> bool {
        match &only {
            Some(name) => self.names.answered(kind, name),
            // Of what a narrower install may do without.
            None if kind == Kind::IngressClass => _ = self.listed.insert(kind),
            None => {}
        }
        if kind == Kind::IngressClass {
            self.denied.insert((kind, only), message);
            self.classes_changed();
            return true;
        }
        self.denied.insert((kind, only), message.clone()) != Some(message)
    }

    fn forget(&mut self, kind: Kind, name: &ObjectName) {
        self.denied.remove(&(kind, Some(name.clone())));
        let changed = match kind {
            Kind::Secret => !self.secrets.apply(Delta::Gone(name.clone())).is_empty(),
            _ => !self.config_maps.apply(Delta::Gone(name.clone())).is_empty(),
        };
        self.unmade |= changed;
    }

    /// The rule of classes may be another: every Ingress is looked at again.
    fn classes_changed(&mut self) {
        let rule = Classes::new(&self.served_classes(), &self.terms.compile).0;
        if rule == self.rule {
            return;
        }
        let before = std::mem::replace(&mut self.rule, rule);
        for ingress in self.ingresses.objects().to_vec() {
            let (was, is) = (before.accept(&ingress), self.rule.accept(&ingress));
            if was && !is {
                self.release(&ingress);
            } else if is && !was {
                self.accept(&ingress);
            }
        }
    }

    fn ingresses_changed(&mut self, patch: &Patch<Ingress>) {
        for (before, after) in &patch.objects {
            // In this order, so that what both name is not forgotten in between.
            let before = before.as_ref().filter(|ingress| self.is_accepted(ingress));
            let after = after.as_ref().filter(|ingress| self.is_accepted(ingress));
            match (before, after) {
                (Some(before), Some(after)) => self.exchange(before, after),
                (None, Some(after)) => self.accept(after),
                (Some(before), None) => self.release(before),
                (None, None) => {}
            }
        }
    }

    fn is_accepted(&self, ingress: &Ingress) -> bool {
        self.rule.accept(ingress)
    }

    fn exchange(&mut self, before: &Ingress, after: &Ingress) {
        let referrer = (Kind::Ingress, name_of(&after.origin));
        let (old, new) = (named::of_ingress(before), named::of_ingress(after));
        new.difference(&old).for_each(|named| self.names.add(named.clone(), referrer.clone()));
        old.difference(&new).for_each(|named| self.names.remove(named, &referrer));
        let (old, new) = (named::policies(before), named::policies(after));
        new.difference(&old).for_each(|policy| self.use_policy(policy));
        old.difference(&new).for_each(|policy| self.leave_policy(policy));
    }

    fn accept(&mut self, ingress: &Ingress) {
        let referrer = (Kind::Ingress, name_of(&ingress.origin));
        named::of_ingress(ingress).into_iter().for_each(|named| self.names.add(named, referrer.clone()));
        named::policies(ingress).iter().for_each(|policy| self.use_policy(policy));
    }

    fn release(&mut self, ingress: &Ingress) {
        let referrer = (Kind::Ingress, name_of(&ingress.origin));
        named::of_ingress(ingress).iter().for_each(|named| self.names.remove(named, &referrer));
        named::policies(ingress).iter().for_each(|policy| self.leave_policy(policy));
    }

    fn use_policy(&mut self, name: &ObjectName) {
        if self.names.use_policy(name.clone()) {
            self.unmade = true;
            if let Some(policy) = self.policies.get(name).cloned() {
                self.name_all(&policy);
            }
        }
    }

    fn leave_policy(&mut self, name: &ObjectName) {
        if self.names.leave_policy(name) {
            self.unmade = true;
            if let Some(policy) = self.policies.get(name).cloned() {
                self.unname_all(&policy);
            }
        }
    }

    fn policies_changed(&mut self, patch: &Patch<Declared>) {
        self.unmade |= !patch.objects.is_empty();
        for (before, after) in &patch.objects {
            // The new names first, so that what both name is not forgotten in between.
            if let Some(after) = after.as_ref().filter(|policy| self.names.is_used(&name_of(&policy.origin))) {
                self.name_all(after);
            }
            if let Some(before) = before.as_ref().filter(|policy| self.names.is_used(&name_of(&policy.origin))) {
                let kept = after.as_ref().map(|after| named::of_policy(after)).unwrap_or_default();
                let referrer = (Kind::Policy, name_of(&before.origin));
                named::of_policy(before).difference(&kept).for_each(|named| self.names.remove(named, &referrer));
            }
        }
    }

    fn name_all(&mut self, policy: &Declared) {
        let referrer = (Kind::Policy, name_of(&policy.origin));
        named::of_policy(policy).into_iter().for_each(|named| self.names.add(named, referrer.clone()));
    }

    fn unname_all(&mut self, policy: &Declared) {
        let referrer = (Kind::Policy, name_of(&policy.origin));
        named::of_policy(policy).iter().for_each(|named| self.names.remove(named, &referrer));
    }

    /// Those of `--ingress-class` alone, if it is given. Where classes may not be read, its word is taken for it.
    fn served_classes(&self) -> Vec<Arc<IngressClass>> {
        let Some(only) = &self.terms.class else { return self.classes.objects().to_vec() };
        if self.denied.contains_key(&(Kind::IngressClass, None)) {
            let origin = Origin { name: Arc::clone(only), ..origin(Kind::IngressClass, None) };
            let controller = Arc::clone(&self.terms.compile.controller);
            return vec![Arc::new(IngressClass { origin, controller, is_default: false, created: None })];
        }
        let is_served = |class: &&Arc<IngressClass>| class.origin.name == *only;
        self.classes.objects().iter().filter(is_served).cloned().collect()
    }

    /// Without those of other classes than `--ingress-class`: they are somebody else's, and no mistake.
    fn served_ingresses(&self) -> Vec<Arc<Ingress>> {
        let Some(only) = &self.terms.class else { return self.ingresses.objects().to_vec() };
        let is_foreign = |ingress: &Ingress| class::name_of(ingress).is_some_and(|name| *name != **only);
        self.ingresses.objects().iter().filter(|ingress| !is_foreign(ingress)).cloned().collect()
    }

    fn problems(&self) -> Vec<Problem> {
        let mut all: Vec<Problem> = self.classes.problems().cloned().collect();
        all.extend(self.ingresses.problems().cloned());
        all.extend(self.services.problems().cloned());
        all.extend(self.slices.problems().cloned());
        all.extend(self.policies.problems().cloned());
        all.extend(self.secrets.problems().cloned());
        all.extend(self.config_maps.problems().cloned());
        all.extend(self.module_problems.iter().cloned());
        for ((kind, only), message) in &self.denied {
            self.denial(*kind, only.as_ref(), message, &mut all);
        }
        all
    }

    /// One problem for a kind; for an object, one on each object that names it.
    fn denial(&self, kind: Kind, only: Option<&ObjectName>, message: &str, all: &mut Vec<Problem>) {
        let remedy = missing_rule(kind, only, self.terms.namespace.as_deref());
        let Some(only) = only else {
            let remedy = match (kind, &self.terms.class) {
                (Kind::IngressClass, None) => format!("{remedy}; or name the class that is ours with --ingress-class"),
                _ => remedy,
            };
            let severity = if kind == Kind::IngressClass { Severity::Warning } else { Severity::Error };
            let message = format!("may not be read: {message}");
            return all.push(Problem { severity, ..problem(&origin(kind, None), "", message, remedy) });
        };
        for (referrer, name) in self.names.referrers(&(kind, only.clone())) {
            let message = format!("{} {only} may not be read: {message}", kind.name());
            let field = if *referrer == Kind::Ingress { "spec.tls" } else { "spec.module" };
            all.push(problem(&origin(*referrer, Some(name)), field, message, remedy.clone()));
        }
    }
}

fn origin(kind: Kind, name: Option<&ObjectName>) -> Origin {
    let unidentified = Place::cluster().unidentified();
    match name {
        None => Origin { kind: kind.name(), ..unidentified },
        Some(ObjectName { namespace, name }) => {
            Origin { kind: kind.name(), namespace: Arc::clone(namespace), name: Arc::clone(name), ..unidentified }
        }
    }
}

fn name_of(origin: &Origin) -> ObjectName {
    ObjectName { namespace: Arc::clone(&origin.namespace), name: Arc::clone(&origin.name) }
}
