//! What the API server was last heard to hold: identities, and the statuses that we may have to write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tokio::sync::watch;

use super::kind::Kind;
use crate::kube::policy::PolicyStatus;
use crate::report::{Address, Known, KnownIngress, KnownObject, KnownPolicy, ObjectName};

/// Of one object, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facts {
    pub kind: Kind,
    pub uid: Arc<str>,
    pub resource_version: Arc<str>,
    pub addresses: Arc<[Address]>,
    pub policy: Arc<PolicyStatus>,
}

impl Facts {
    pub(super) fn of(kind: Kind, metadata: &ObjectMeta) -> Self {
        let shared = |text: &Option<String>| Arc::from(text.as_deref().unwrap_or_default());
        Self {
            kind,
            uid: shared(&metadata.uid),
            resource_version: shared(&metadata.resource_version),
            addresses: Arc::default(),
            policy: Arc::default(),
        }
    }

    fn object(&self) -> KnownObject {
        KnownObject {
            api_version: self.kind.api_version().into(),
            uid: Arc::clone(&self.uid),
            resource_version: Arc::clone(&self.resource_version),
        }
    }
}

/// The objects of every kind, at most a little behind the API server.
#[derive(Debug)]
pub struct Objects {
    kinds: Mutex<HashMap<Kind, HashMap<ObjectName, Facts>>>,
    changes: watch::Sender<u64>,
}

impl Default for Objects {
    fn default() -> Self {
        Self { kinds: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl Objects {
    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, HashMap<ObjectName, Facts>>> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn whole(&self, kind: Kind, objects: HashMap<ObjectName, Facts>) {
        self.lock().insert(kind, objects);
        self.tell(kind);
    }

    pub(super) fn set(&self, name: ObjectName, facts: Facts) {
        let kind = facts.kind;
        self.lock().entry(kind).or_default().insert(name, facts);
        self.tell(kind);
    }

    pub(super) fn gone(&self, kind: Kind, name: &ObjectName) {
        self.lock().entry(kind).or_default().remove(name);
        self.tell(kind);
    }

    pub(super) fn count(&self, kind: Kind) -> usize {
        self.lock().get(&kind).map_or(0, HashMap::len)
    }

    /// Endpoints come and go all the time, and nobody writes to them.
    fn tell(&self, kind: Kind) {
        if matches!(kind, Kind::Ingress | Kind::Policy | Kind::IngressClass) {
            self.changes.send_modify(|number| *number += 1);
        }
    }
}

impl Known for Objects {
    fn ingresses(&self) -> Vec<KnownIngress> {
        let kinds = self.lock();
        let ingresses = kinds.get(&Kind::Ingress).into_iter().flatten();
        ingresses.map(|(name, facts)| ingress(name, facts)).collect()
    }

    fn ingress(&self, name: &ObjectName) -> Option<KnownIngress> {
        let kinds = self.lock();
        Some(ingress(name, kinds.get(&Kind::Ingress)?.get(name)?))
    }

    fn policy(&self, name: &ObjectName) -> Option<KnownPolicy> {
        let kinds = self.lock();
        let facts = kinds.get(&Kind::Policy)?.get(name)?;
        Some(KnownPolicy { name: name.clone(), object: facts.object(), status: Arc::clone(&facts.policy) })
    }

    fn object(&self, kind: &str, name: &ObjectName) -> Option<KnownObject> {
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        Some(self.lock().get(&kind)?.get(name)?.object())
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

fn ingress(name: &ObjectName, facts: &Facts) -> KnownIngress {
    KnownIngress { name: name.clone(), object: facts.object(), addresses: Arc::clone(&facts.addresses) }
}
