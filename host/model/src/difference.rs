//! What changed from one [`Config`] to the next, told by pointers: sources keep the `Arc` of what did not change.

use std::collections::HashSet;
use std::sync::Arc;

use crate::config::{Config, EndpointSlice, Ingress, IngressClass, Policy, Service, TlsSecret};

/// An object that changed has gone and come.
#[derive(Debug, Clone)]
pub struct Edits<T> {
    pub gone: Vec<Arc<T>>,
    pub come: Vec<Arc<T>>,
}

#[derive(Debug, Clone, Default)]
pub struct Difference {
    /// All classes there are now, if any of them changed: there are few.
    pub classes: Option<Vec<Arc<IngressClass>>>,
    pub ingresses: Edits<Ingress>,
    pub services: Edits<Service>,
    pub slices: Edits<EndpointSlice>,
    pub secrets: Edits<TlsSecret>,
    pub policies: Edits<Policy>,
}

impl Difference {
    pub fn between(before: &Config, after: &Config) -> Self {
        let classes = Edits::between(&before.classes, &after.classes);
        Self {
            classes: (!classes.is_empty()).then(|| after.classes.clone()),
            ingresses: Edits::between(&before.ingresses, &after.ingresses),
            services: Edits::between(&before.services, &after.services),
            slices: Edits::between(&before.slices, &after.slices),
            secrets: Edits::between(&before.secrets, &after.secrets),
            policies: Edits::between(&before.policies, &after.policies),
        }
    }

    /// Nothing changed that routes are made of.
    pub fn is_of_endpoints_alone(&self) -> bool {
        self.classes.is_none()
            && self.ingresses.is_empty()
            && self.services.is_empty()
            && self.secrets.is_empty()
            && self.policies.is_empty()
    }
}

impl<T> Edits<T> {
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.come.is_empty()
    }

    /// The order does not count. An edit in place, the common case, costs a comparison of pointers.
    fn between(before: &[Arc<T>], after: &[Arc<T>]) -> Self {
        let same = |(before, after): &(&Arc<T>, &Arc<T>)| Arc::ptr_eq(before, after);
        let head = before.iter().zip(after).take_while(same).count();
        let (before, after) = (before.get(head..).unwrap_or_default(), after.get(head..).unwrap_or_default());
        let tail = before.iter().rev().zip(after.iter().rev()).take_while(same).count();
        let middle = |list: &'_ [Arc<T>]| list.len() - tail;
        let (before, after) =
            (before.get(..middle(before)).unwrap_or_default(), after.get(..middle(after)).unwrap_or_default());
        Self { gone: not_in(before, after), come: not_in(after, before) }
    }
}

fn not_in<T>(these: &[Arc<T>], those: &[Arc<T>]) -> Vec<Arc<T>> {
    if those.is_empty() {
        return these.to_vec();
    }
    let those: HashSet<*const T> = those.iter().map(Arc::as_ptr).collect();
    these.iter().filter(|this| !those.contains(&Arc::as_ptr(this))).cloned().collect()
}

impl<T> Default for Edits<T> {
    fn default() -> Self {
        Self { gone: Vec::new(), come: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
