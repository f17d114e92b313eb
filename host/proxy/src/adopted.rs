//! Values by name that outlive generations: each stays as long as some number of the live generation has its name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Values<T> = BTreeMap<Arc<str>, (Arc<T>, usize)>;

/// Changed by the control plane only.
#[derive(Debug)]
pub struct Adopted<T> {
    /// With how often each was adopted.
    values: Mutex<Values<T>>,
}

impl<T> Adopted<T> {
    /// The value of a name, made if it is new, and from now on used once more.
    pub fn adopt(&self, name: &Arc<str>, make: impl FnOnce() -> T) -> Arc<T> {
        let mut values = self.lock();
        let (value, uses) = values.entry(Arc::clone(name)).or_insert_with(|| (Arc::new(make()), 0));
        *uses += 1;
        Arc::clone(value)
    }

    /// Takes back one [`Adopted::adopt`]; after the last, the name is forgotten.
    pub fn forget(&self, name: &str) {
        let mut values = self.lock();
        let Some((_, uses)) = values.get_mut(name) else { return };
        *uses -= 1;
        if *uses == 0 {
            values.remove(name);
        }
    }

    /// By name, in order.
    pub fn all(&self) -> Vec<(Arc<str>, Arc<T>)> {
        self.lock().iter().map(|(name, (value, _))| (Arc::clone(name), Arc::clone(value))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Values<T>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Adopted<T> {
    fn default() -> Self {
        Self { values: Mutex::default() }
    }
}
