//! Which objects of each file serve: those of its last good state.
//!
//! A file changes as a whole or not at all: while any of its documents is broken, the objects of its last good state
//! serve and the mistakes are listed. A file that was never good has nothing to keep, so its good documents serve.
//! A file that is gone takes its objects with it; one that cannot be read keeps them.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cardea_model::problem::{Origin, Problem};

use super::census::Census;
use super::document::Parsed;
use super::object::Object;
use super::tree::{Found, Stamp, Tree};
use super::{parallel, parse, read};
use crate::kube::Place;

/// Every file of the directory, by relative path.
#[derive(Debug, Default)]
pub(super) struct Store {
    files: BTreeMap<Arc<str>, File>,
    census: Census,
    unreadable: Vec<Problem>,
}

#[derive(Debug)]
pub(super) struct File {
    /// As walked, symbolic links and all: what a Policy's module is relative to.
    pub path: PathBuf,
    stamp: Stamp,
    /// Must be read again, whatever the stamp says.
    racy: bool,
    /// Whether `objects` are those of a state without a mistake.
    good: bool,
    pub objects: Vec<Object>,
    problems: Vec<Problem>,
}

impl Store {
    /// Brings the store up to what is on disk. True if objects or problems are not what they were.
    ///
    /// A file that `is_writing` says is half-written stays as it was, which may be absent.
    pub(super) fn refresh(&mut self, tree: &Tree, is_writing: &dyn Fn(&Path) -> bool) -> bool {
        let before = self.files.len();
        self.files.retain(|relative, file| {
            let stays = tree.files.contains_key(relative) || tree.is_unknown(relative);
            if !stays {
                self.census.remove(&file.objects);
            }
            stays
        });
        let mut changed = self.files.len() != before;

        let stale: Vec<(&Arc<str>, &Found)> = tree
            .files
            .iter()
            .filter(|(relative, found)| self.is_stale(relative, found))
            .filter(|(_, found)| !is_writing(&found.path) && !found.target.as_deref().is_some_and(is_writing))
            .collect();
        for ((relative, found), fresh) in stale.iter().zip(fresh(&stale)) {
            changed |= self.settle(relative, found, fresh);
        }

        let unreadable = tree.unreadable.iter().map(|(relative, error)| unreadable(relative, error)).collect();
        changed |= self.unreadable != unreadable;
        self.unreadable = unreadable;
        changed
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&Arc<str>, &File)> {
        self.files.iter()
    }

    /// No two objects have one name.
    pub(super) fn is_each_once(&self) -> bool {
        self.census.is_each_once()
    }

    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.unreadable.iter().chain(self.files.values().flat_map(|file| &file.problems))
    }

    fn is_stale(&self, relative: &str, found: &Found) -> bool {
        self.files.get(relative).is_none_or(|file| file.racy || file.stamp != found.stamp)
    }

    /// Takes the new state of one file, by the rule of this module. True if anything of it is new.
    fn settle(&mut self, relative: &Arc<str>, found: &Found, fresh: Fresh) -> bool {
        let old = self.files.remove(relative);
        let serving = old.as_ref().filter(|old| old.good || fresh.unread);
        let (good, objects, problems) = match (fresh.parsed, serving) {
            (parsed, _) if parsed.problems.is_empty() => (true, keep_same(parsed.objects, old.as_ref()), Vec::new()),
            (parsed, Some(old)) if fresh.unread => (old.good, old.objects.clone(), parsed.problems),
            (parsed, Some(old)) => (true, old.objects.clone(), kept(parsed.problems)),
            (parsed, None) => (false, keep_same(parsed.objects, old.as_ref()), parsed.problems),
        };
        self.census.remove(old.as_ref().map(|old| old.objects.as_slice()).unwrap_or_default());
        self.census.add(&objects);
        let same = old.is_some_and(|old| old.objects == objects && old.problems == problems);
        let (path, stamp, racy) = (found.path.clone(), fresh.stamp, fresh.racy);
        self.files.insert(Arc::clone(relative), File { path, stamp, racy, good, objects, problems });
        !same
    }
}

/// One file as it was just found.
struct Fresh {
    stamp: Stamp,
    racy: bool,
    /// Its bytes could not be had, so `parsed` only says why.
    unread: bool,
    parsed: Parsed,
}

/// Reads and parses files, on several threads.
fn fresh(stale: &[(&Arc<str>, &Found)]) -> Vec<Fresh> {
    let mut texts = Vec::with_capacity(stale.len());
    let mut read = Vec::with_capacity(stale.len());
    for ((relative, found), whole) in stale.iter().zip(parallel::map(stale, |(_, found)| read::whole(&found.path))) {
        let (stamp, racy, bytes, error) = match whole {
            Some(Ok(whole)) => (whole.stamp, whole.racy, whole.bytes, None),
            Some(Err(error)) => (found.stamp, false, Vec::new(), Some(unreadable(relative, &error.to_string()))),
            None => (found.stamp, false, Vec::new(), Some(unreadable(relative, "the reader failed"))),
        };
        texts.push((Arc::clone(relative), bytes));
        read.push((stamp, racy, error));
    }
    let parsed = parse::parse_all(&texts).into_iter().zip(read);
    parsed
        .map(|(parsed, (stamp, racy, error))| Fresh {
            stamp,
            racy,
            unread: error.is_some(),
            parsed: match error {
                Some(problem) => Parsed { objects: Vec::new(), problems: vec![problem] },
                None => parsed,
            },
        })
        .collect()
}

/// Puts the old value in place of each equal new one, so that whoever holds it sees that nothing changed.
fn keep_same(mut objects: Vec<Object>, old: Option<&File>) -> Vec<Object> {
    let Some(old) = old else { return objects };
    let old: HashMap<&Origin, &Object> = old.objects.iter().map(|object| (object.origin(), object)).collect();
    for object in &mut objects {
        if let Some(same) = old.get(object.origin()).filter(|same| **same == object) {
            *object = (*same).clone();
        }
    }
    objects
}

/// Adds to each mistake what serves in spite of it.
fn kept(mut problems: Vec<Problem>) -> Vec<Problem> {
    for problem in &mut problems {
        problem.remedy.push_str("; until then the last good objects of this file serve");
    }
    problems
}

fn unreadable(relative: &str, error: &str) -> Problem {
    let source = if relative.is_empty() { "." } else { relative };
    let place = Place { source: source.into(), document: 1 };
    let remedy = "make it readable, of at most 64 MiB; until then what it held before serves";
    let message = format!("cannot be read: {error}");
    crate::kube::problem(&place.unidentified(), "", message, remedy)
}
