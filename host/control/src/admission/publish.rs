//! The index that readers see now: replaced as a whole, so that no answer ever waits for a change.
//!
//! There are two copies. A change goes into the one that nobody reads, which then becomes the one that is read; the
//! other one catches up at the next change.

use std::sync::Arc;

use arc_swap::ArcSwap;
use cardea_model::compile::Options;
use cardea_model::config::Config;

use super::delta::{Delta, Last};
use super::index::{Index, Scope};

/// What a webhook asks; cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader(Arc<ArcSwap<Index>>);

impl Reader {
    /// As of the last change; holding on to it costs memory and nothing else.
    pub fn get(&self) -> Arc<Index> {
        self.0.load_full()
    }
}

/// Keeps the index up, on the thread that has the `Config`.
#[derive(Debug)]
pub struct Writer {
    live: Arc<ArcSwap<Index>>,
    /// The copy that is not read, by and by: a reader may still hold it.
    other: Arc<Index>,
    /// What `other` lacks.
    behind: Delta,
    last: Last,
}

impl Writer {
    /// An index that knows nothing, and so has nothing to say.
    pub fn new(options: Options, scope: Scope) -> Self {
        let index = Index::new(options, scope);
        Self {
            other: Arc::new(index.clone()),
            live: Arc::new(ArcSwap::from_pointee(index)),
            behind: Delta::default(),
            last: Last::default(),
        }
    }

    pub fn reader(&self) -> Reader {
        Reader(Arc::clone(&self.live))
    }

    /// Takes in what changed since the last call, at a cost in proportion to it.
    pub fn update(&mut self, config: &Config) {
        let delta = self.last.advance(config);
        if delta.is_empty() && self.live.load().is_filled {
            return;
        }
        let other = std::mem::take(&mut self.other);
        let mut index = Arc::try_unwrap(other).unwrap_or_else(|held| Index::clone(&held));
        index.apply(&std::mem::take(&mut self.behind));
        index.apply(&delta);
        self.behind = delta;
        self.other = self.live.swap(Arc::new(index));
    }
}
