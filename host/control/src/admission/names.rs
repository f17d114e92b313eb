//! Objects by namespace and name, found without making a key.

use std::collections::HashMap;
use std::sync::Arc;

use cardea_model::problem::Origin;

#[derive(Debug, Clone)]
pub(super) struct Names<T>(HashMap<Arc<str>, HashMap<Arc<str>, T>>);

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Names<T> {
    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&T> {
        self.0.get(namespace)?.get(name)
    }

    pub(super) fn has(&self, namespace: &str, name: &str) -> bool {
        self.get(namespace, name).is_some()
    }

    pub(super) fn insert(&mut self, origin: &Origin, object: T) {
        self.0.entry(Arc::clone(&origin.namespace)).or_default().insert(Arc::clone(&origin.name), object);
    }

    pub(super) fn remove(&mut self, origin: &Origin) -> Option<T> {
        let namespace = self.0.get_mut(&origin.namespace)?;
        let removed = namespace.remove(&origin.name);
        if namespace.is_empty() {
            self.0.remove(&origin.namespace);
        }
        removed
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values().flat_map(HashMap::values)
    }
}
