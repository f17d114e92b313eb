//! Queues of one policy that its VMs on all workers share: bounded, and kept when the policy is swapped or its VMs end.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::state::kv::{KEY_BYTES_MAX, VALUE_BYTES_MAX};

/// Of a policy.
const QUEUES_MAX: usize = 64;
/// Of a queue.
const ENTRIES_MAX: usize = 1024;
const QUEUE_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Default)]
pub(crate) struct Queues {
    /// Few; a queue's id is its place, from 1.
    queues: Mutex<Vec<Queue>>,
}

#[derive(Debug)]
struct Queue {
    name: Box<str>,
    entries: VecDeque<Box<[u8]>>,
    bytes: usize,
    /// Entries that were ever added.
    added: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueError {
    Unknown,
    Full,
}

impl Queues {
    /// The id of a queue, made if there is none. `None` beyond the bounds.
    pub fn register(&self, name: &str) -> Option<u32> {
        if name.len() > KEY_BYTES_MAX {
            return None;
        }
        let mut queues = self.lock();
        if let Some(at) = queues.iter().position(|queue| *queue.name == *name) {
            return Some(at as u32 + 1);
        }
        if queues.len() >= QUEUES_MAX {
            return None;
        }
        queues.push(Queue { name: name.into(), entries: VecDeque::new(), bytes: 0, added: 0 });
        Some(queues.len() as u32)
    }

    pub fn resolve(&self, name: &str) -> Option<u32> {
        self.lock().iter().position(|queue| *queue.name == *name).map(|at| at as u32 + 1)
    }

    pub fn add(&self, id: u32, entry: &[u8]) -> Result<(), QueueError> {
        let mut queues = self.lock();
        let queue = find(&mut queues, id).ok_or(QueueError::Unknown)?;
        let is_full = queue.entries.len() >= ENTRIES_MAX || queue.bytes + entry.len() > QUEUE_BYTES_MAX;
        if is_full || entry.len() > VALUE_BYTES_MAX {
            return Err(QueueError::Full);
        }
        queue.bytes += entry.len();
        queue.added += 1;
        queue.entries.push_back(entry.into());
        Ok(())
    }

    /// The oldest entry, if there is one.
    pub fn take(&self, id: u32) -> Result<Option<Box<[u8]>>, QueueError> {
        let mut queues = self.lock();
        let queue = find(&mut queues, id).ok_or(QueueError::Unknown)?;
        let entry = queue.entries.pop_front();
        queue.bytes -= entry.as_ref().map_or(0, |entry| entry.len());
        Ok(entry)
    }

    /// How many entries were ever added, if some of them are still there.
    pub fn waiting(&self, id: u32) -> Option<u64> {
        find(&mut self.lock(), id).filter(|queue| !queue.entries.is_empty()).map(|queue| queue.added)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Queue>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find(queues: &mut [Queue], id: u32) -> Option<&mut Queue> {
    queues.get_mut((id as usize).checked_sub(1)?)
}
