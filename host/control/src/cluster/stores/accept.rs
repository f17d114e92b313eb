//! Which Ingresses are accepted, and what they and their Policies name.

use std::sync::Arc;

use cardea_model::compile::class::{self, Classes};
use cardea_model::config::{Ingress, IngressClass};
use cardea_model::problem::Origin;

use super::problems::origin;
use super::{Stores, name_of};
use crate::cluster::kind::Kind;
use crate::cluster::named;
use crate::cluster::table::Patch;
use crate::kube::policy::Declared;
use crate::report::ObjectName;

impl Stores {
    /// The rule of classes may be another: every Ingress is looked at again.
    pub(super) fn classes_changed(&mut self) {
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

    pub(super) fn ingresses_changed(&mut self, patch: &Patch<Ingress>) {
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
        self.externals.use_services(&named::services(after));
        self.externals.leave_services(&named::services(before));
    }

    fn accept(&mut self, ingress: &Ingress) {
        let referrer = (Kind::Ingress, name_of(&ingress.origin));
        named::of_ingress(ingress).into_iter().for_each(|named| self.names.add(named, referrer.clone()));
        named::policies(ingress).iter().for_each(|policy| self.use_policy(policy));
        self.externals.use_services(&named::services(ingress));
    }

    fn release(&mut self, ingress: &Ingress) {
        let referrer = (Kind::Ingress, name_of(&ingress.origin));
        named::of_ingress(ingress).iter().for_each(|named| self.names.remove(named, &referrer));
        named::policies(ingress).iter().for_each(|policy| self.leave_policy(policy));
        self.externals.leave_services(&named::services(ingress));
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

    pub(super) fn policies_changed(&mut self, patch: &Patch<Declared>) {
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
    pub(super) fn served_classes(&self) -> Vec<Arc<IngressClass>> {
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
    pub(super) fn served_ingresses(&self) -> Vec<Arc<Ingress>> {
        let Some(only) = &self.terms.class else { return self.ingresses.objects().to_vec() };
        let is_foreign = |ingress: &Ingress| class::name_of(ingress).is_some_and(|name| *name != **only);
        self.ingresses.objects().iter().filter(|ingress| !is_foreign(ingress)).cloned().collect()
    }
}
