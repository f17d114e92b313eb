//! The Services that policies may call themselves: backends that are used as long as the policy is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::backends::Backends;
use crate::config::{Policy, Service};
use crate::difference::Edits;
use crate::paged::Paged;
use crate::shards::Shards;
use crate::snapshot::{BackendKey, PolicyId, Upstreams as List};

#[derive(Debug, Default)]
pub struct Upstreams {
    list: Shards<Arc<str>, List>,
    /// Of policies that may call some: their name, and what they use.
    used: HashMap<PolicyId, (Arc<str>, List)>,
}

impl Upstreams {
    /// Takes what the policies of these numbers may call now, and lets go what they might before.
    pub fn settle(&mut self, changed: &[PolicyId], policies: &Paged<Arc<Policy>>, backends: &mut Backends) {
        for id in changed {
            let granted = policies.get(id.0 as usize).filter(|policy| !policy.grants.upstreams.is_empty());
            let taken = granted.map(|policy| (name(policy), take(policy, backends)));
            if let Some((name, before)) = self.used.remove(id) {
                before.iter().for_each(|(_, backend)| backends.release(*backend));
                self.list.set(name, None);
            }
            if let Some((name, list)) = taken {
                self.list.set(name.clone(), Some(list.clone()));
                self.used.insert(*id, (name, list));
            }
        }
    }

    /// Services have come, gone or changed: whoever may call them sees them as they are now. Ingresses follow theirs.
    pub fn touch(&self, services: &Edits<Service>, backends: &mut Backends) {
        if self.used.is_empty() {
            return;
        }
        let names = services.come.iter().chain(&services.gone).map(|service| &service.origin);
        let changed: HashSet<_> = names.map(|origin| (&*origin.namespace, &*origin.name)).collect();
        for (_, backend) in self.used.values().flat_map(|(_, list)| list.iter()) {
            backends.touch_if(*backend, |key| changed.contains(&(&*key.namespace, &*key.service)));
        }
    }

    pub fn list(&self) -> &Shards<Arc<str>, List> {
        &self.list
    }
}

fn name(policy: &Policy) -> Arc<str> {
    format!("{}/{}", policy.origin.namespace, policy.origin.name).into()
}

fn take(policy: &Policy, backends: &mut Backends) -> List {
    let key = |service: &Arc<str>, port: &_| BackendKey {
        namespace: policy.origin.namespace.clone(),
        service: service.clone(),
        port: Clone::clone(port),
    };
    let upstreams = policy.grants.upstreams.iter();
    upstreams.map(|granted| (granted.name.clone(), backends.take(&key(&granted.service, &granted.port)))).collect()
}
