//! Values by namespace and name.

use std::collections::HashMap;
use std::sync::Arc;

/// Asked with borrowed names; it keeps shared ones.
#[derive(Debug)]
pub struct Names<V> {
    namespaces: HashMap<Arc<str>, HashMap<Arc<str>, V>>,
}

impl<V> Names<V> {
    pub fn get(&self, namespace: &str, name: &str) -> Option<&V> {
        self.namespaces.get(namespace)?.get(name)
    }

    pub fn get_mut(&mut self, namespace: &str, name: &str) -> Option<&mut V> {
        self.namespaces.get_mut(namespace)?.get_mut(name)
    }

    pub fn remove(&mut self, namespace: &str, name: &str) {
        let Some(names) = self.namespaces.get_mut(namespace) else { return };
        names.remove(name);
        if names.is_empty() {
            self.namespaces.remove(namespace);
        }
    }

    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.namespaces.values().flat_map(HashMap::values)
    }
}

impl<V: Default> Names<V> {
    /// The value there, which is a default one if there was none.
    pub fn at(&mut self, namespace: &Arc<str>, name: &Arc<str>) -> &mut V {
        self.namespaces.entry(namespace.clone()).or_default().entry(name.clone()).or_default()
    }
}

impl<V> Default for Names<V> {
    fn default() -> Self {
        Self { namespaces: HashMap::new() }
    }
}
