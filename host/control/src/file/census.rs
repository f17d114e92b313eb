//! How often each name is declared, kept as files change: mostly once, and then nobody needs to look for the first.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use super::object::Object;

/// Kind, namespace, name.
type Key = (Discriminant<Object>, Arc<str>, Arc<str>);

#[derive(Debug, Default)]
pub(super) struct Census {
    counts: HashMap<Key, u32>,
    /// Names that are declared more than once.
    repeated: usize,
}

impl Census {
    pub(super) fn add(&mut self, objects: &[Object]) {
        for object in objects {
            let count = self.counts.entry(key(object)).or_default();
            *count += 1;
            self.repeated += usize::from(*count == 2);
        }
    }

    pub(super) fn remove(&mut self, objects: &[Object]) {
        for object in objects {
            let key = key(object);
            let Some(count) = self.counts.get_mut(&key) else { continue };
            *count -= 1;
            match *count {
                0 => _ = self.counts.remove(&key),
                1 => self.repeated -= 1,
                _ => {}
            }
        }
    }

    pub(super) fn is_each_once(&self) -> bool {
        self.repeated == 0
    }
}

fn key(object: &Object) -> Key {
    let origin = object.origin();
    (discriminant(object), Arc::clone(&origin.namespace), Arc::clone(&origin.name))
}
