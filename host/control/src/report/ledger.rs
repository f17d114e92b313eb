//! Whether an object may be written now: not what was just written, not again and again, not while another fights it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ObjectName;

/// Between two equal writes to one object at first; doubled each time.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const AGAIN_AFTER_MAX: Duration = Duration::from_secs(300);
/// Whoever was quiet for so long starts anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(1200);

/// What was written of each object, and as which version.
#[derive(Debug)]
pub struct Ledger<V> {
    entries: HashMap<ObjectName, Entry<V>>,
    /// The version that was known when somebody else turned out to have written first.
    lost: HashMap<ObjectName, Arc<str>>,
}

#[derive(Debug)]
struct Entry<V> {
    wrote: V,
    /// The version of the object that was known when it was written.
    base: Arc<str>,
    /// The version that the write made; `None` where it failed.
    made: Option<Arc<str>>,
    at: Instant,
    /// Equal writes before this one.
    repeats: u32,
}

impl<V> Default for Ledger<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), lost: HashMap::new() }
    }
}

impl<V: PartialEq> Ledger<V> {
    /// Whether `wanted`, which differs from what the object is known to have in `version`, may be written now; if not,
    /// when, unless the object has to change first.
    pub fn may_write(&self, name: &ObjectName, version: &str, wanted: &V, now: Instant) -> Result<(), Option<Instant>> {
        if self.lost.get(name).is_some_and(|lost| **lost == *version) {
            return Err(None);
        }
        let Some(entry) = self.entries.get(name).filter(|entry| entry.wrote == *wanted) else { return Ok(()) };
        match &entry.made {
            // Our write is not seen yet; or it is, and the server made something else of it.
            Some(made) if *entry.base == *version || **made == *version => return Err(None),
            _ => {}
        }
        let next = entry.at + pause(entry.repeats);
        if now < next { Err(Some(next)) } else { Ok(()) }
    }

    pub fn wrote(&mut self, name: ObjectName, base: Arc<str>, made: Option<Arc<str>>, wrote: V, now: Instant) {
        self.lost.remove(&name);
        let before = self.entries.get(&name).filter(|entry| entry.wrote == wrote && now < entry.at + FORGOTTEN_AFTER);
        let repeats = before.map_or(0, |entry| entry.repeats.saturating_add(1));
        self.entries.insert(name, Entry { wrote, base, made, at: now, repeats });
    }

    /// A write was refused since it was not of the version that is there: what to write is decided when that is seen.
    pub fn lost(&mut self, name: ObjectName, base: Arc<str>) {
        self.lost.insert(name, base);
    }

    pub fn retain(&mut self, mut keep: impl FnMut(&ObjectName) -> bool) {
        self.entries.retain(|name, _| keep(name));
        self.lost.retain(|name, _| keep(name));
    }
}

fn pause(repeats: u32) -> Duration {
    AGAIN_AFTER.saturating_mul(1 << repeats.min(16)).min(AGAIN_AFTER_MAX)
}

#[cfg(test)]
mod tests;
