//! What changed from one `Config` to the next: a source keeps the `Arc` of what did not, so that pointers tell.
//!
//! Endpoints are left out: no check looks at them.

use std::collections::HashSet;
use std::sync::Arc;

use cardea_model::config::{Config, Ingress, IngressClass, Policy, Service, TlsSecret};

/// The objects of one kind that went, and those that came; a changed object is in both.
#[derive(Debug, Clone)]
pub(super) struct Change<T> {
    pub gone: Vec<Arc<T>>,
    pub come: Vec<Arc<T>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Delta {
    /// All of them, where any changed: they are few, and decide about every Ingress.
    pub classes: Option<Vec<Arc<IngressClass>>>,
    pub ingresses: Change<Ingress>,
    pub services: Change<Service>,
    pub policies: Change<Policy>,
    pub secrets: Change<TlsSecret>,
}

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self { gone: Vec::new(), come: Vec::new() }
    }
}

impl<T> Change<T> {
    fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.come.is_empty()
    }
}

impl Delta {
    pub(super) fn is_empty(&self) -> bool {
        self.classes.is_none()
            && self.ingresses.is_empty()
            && self.services.is_empty()
            && self.policies.is_empty()
            && self.secrets.is_empty()
    }
}

/// The lists of the last `Config`, to compare the next one with.
#[derive(Debug, Default)]
pub(super) struct Last {
    classes: Vec<Arc<IngressClass>>,
    ingresses: Vec<Arc<Ingress>>,
    services: Vec<Arc<Service>>,
    policies: Vec<Arc<Policy>>,
    secrets: Vec<Arc<TlsSecret>>,
}

impl Last {
    /// What changed since the last call. A kind that did not change costs one comparison of pointers an object.
    pub(super) fn advance(&mut self, config: &Config) -> Delta {
        let classes = replace(&mut self.classes, &config.classes).map(|_| config.classes.clone());
        let mut delta = Delta { classes, ..Delta::default() };
        change(&mut delta.ingresses, &mut self.ingresses, &config.ingresses);
        change(&mut delta.services, &mut self.services, &config.services);
        change(&mut delta.policies, &mut self.policies, &config.policies);
        change(&mut delta.secrets, &mut self.secrets, &config.secrets);
        delta
    }
}

fn change<T>(change: &mut Change<T>, last: &mut Vec<Arc<T>>, next: &[Arc<T>]) {
    if let Some(before) = replace(last, next) {
        *change = compare(&before, next);
    }
}

/// The list as it was, if it is another now.
fn replace<T>(last: &mut Vec<Arc<T>>, next: &[Arc<T>]) -> Option<Vec<Arc<T>>> {
    let same = last.len() == next.len() && last.iter().zip(next).all(|(last, next)| Arc::ptr_eq(last, next));
    (!same).then(|| std::mem::replace(last, next.to_vec()))
}

/// Both lists are alive, so that a pointer in one of them is not another object in the other.
fn compare<T>(before: &[Arc<T>], after: &[Arc<T>]) -> Change<T> {
    let front = before.iter().zip(after).take_while(|(before, after)| Arc::ptr_eq(before, after)).count();
    let (before, after) = (before.get(front..).unwrap_or_default(), after.get(front..).unwrap_or_default());
    let same = |(before, after): &(&Arc<T>, &Arc<T>)| Arc::ptr_eq(before, after);
    let back = before.iter().rev().zip(after.iter().rev()).take_while(same).count();
    let before = before.get(..before.len() - back).unwrap_or_default();
    let after = after.get(..after.len() - back).unwrap_or_default();
    Change { gone: without(before, after), come: without(after, before) }
}

fn without<T>(all: &[Arc<T>], others: &[Arc<T>]) -> Vec<Arc<T>> {
    let others: HashSet<*const T> = others.iter().map(Arc::as_ptr).collect();
    all.iter().filter(|object| !others.contains(&Arc::as_ptr(object))).cloned().collect()
}
