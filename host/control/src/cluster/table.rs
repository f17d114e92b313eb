//! Which objects of one kind serve: sorted by namespace and name, patched in place.
//!
//! An object that does not differ from what it was stays the same `Arc`; one that cannot be read keeps its last good
//! state, with the mistake listed; one that is gone is gone.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use cardea_model::problem::Problem;

use super::watched::{Delta, Item, Watched};
use crate::report::ObjectName;

#[derive(Debug)]
pub(super) struct Table<T> {
    objects: Vec<Arc<T>>,
    problems: BTreeMap<ObjectName, Vec<Problem>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { objects: Vec::new(), problems: BTreeMap::new() }
    }
}

/// An object before and after.
pub(super) type Change<T> = (Option<Arc<T>>, Option<Arc<T>>);

/// What one delta came to.
#[derive(Debug)]
pub(super) struct Patch<T> {
    /// Each object that is not what it was.
    pub objects: Vec<Change<T>>,
    pub problems: bool,
}

impl<T> Patch<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && !self.problems
    }
}

impl<T: Watched> Table<T> {
    pub(super) fn objects(&self) -> &[Arc<T>] {
        &self.objects
    }

    pub(super) fn get(&self, name: &ObjectName) -> Option<&Arc<T>> {
        self.position(name).ok().and_then(|at| self.objects.get(at))
    }

    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.values().flatten()
    }

    pub(super) fn apply(&mut self, delta: Delta<T>) -> Patch<T> {
        match delta {
            Delta::Whole(items) => self.whole(items),
            Delta::Set(item) => {
                let at = self.position(&item.name);
                let before = at.ok().and_then(|at| self.objects.get(at)).cloned();
                let (after, problems) = settle(item.read, item.remarks, before.as_ref());
                self.put(item.name, at, before, after, problems)
            }
            Delta::Gone(name) => {
                let at = self.position(&name);
                let before = at.ok().and_then(|at| self.objects.get(at)).cloned();
                self.put(name, at, before, None, Vec::new())
            }
        }
    }

    fn position(&self, name: &ObjectName) -> Result<usize, usize> {
        self.objects.binary_search_by(|object| compare(&**object, name))
    }

    fn put(
        &mut self,
        name: ObjectName,
        at: Result<usize, usize>,
        before: Option<Arc<T>>,
        after: Option<Arc<T>>,
        problems: Vec<Problem>,
    ) -> Patch<T> {
        match (at, &after) {
            (Ok(at), Some(after)) => {
                if let Some(slot) = self.objects.get_mut(at) {
                    *slot = Arc::clone(after);
                }
            }
            (Ok(at), None) => _ = self.objects.remove(at),
            (Err(at), Some(after)) => self.objects.insert(at, Arc::clone(after)),
            (Err(_), None) => {}
        }
        let known = self.problems.get(&name).map(Vec::as_slice).unwrap_or_default();
        let changed = known != problems.as_slice();
        if problems.is_empty() {
            self.problems.remove(&name);
        } else {
            self.problems.insert(name, problems);
        }
        let objects = if same(before.as_ref(), after.as_ref()) { Vec::new() } else { vec![(before, after)] };
        Patch { objects, problems: changed }
    }

    /// Swaps a whole list in.
    fn whole(&mut self, items: Vec<Item<T>>) -> Patch<T> {
        // A list that is streamed may tell of one object twice; the last is what it is.
        let items: BTreeMap<ObjectName, _> =
            items.into_iter().map(|item| (item.name, (item.read, item.remarks))).collect();
        let (mut objects, mut problems) = (Vec::with_capacity(items.len()), BTreeMap::new());
        for (name, (read, remarks)) in items {
            let (object, found) = settle(read, remarks, self.get(&name));
            objects.extend(object);
            if !found.is_empty() {
                problems.insert(name, found);
            }
        }
        let before = std::mem::replace(&mut self.objects, objects);
        let patch = Patch { objects: differences(&before, &self.objects), problems: problems != self.problems };
        self.problems = problems;
        patch
    }
}

/// What serves of an object as it was just read, and what is wrong with it.
fn settle<T: PartialEq>(
    read: super::watched::Read<T>,
    remarks: Vec<Problem>,
    before: Option<&Arc<T>>,
) -> (Option<Arc<T>>, Vec<Problem>) {
    match (read, before) {
        (Ok(Some(after)), Some(before)) if after == *before => (Some(Arc::clone(before)), remarks),
        (Ok(after), _) => (after, remarks),
        (Err(mut problems), before) => {
            if before.is_some() {
                for problem in &mut problems {
                    problem.remedy.push_str("; until then its last good state serves");
                }
            }
            (before.cloned(), problems)
        }
    }
}

/// Two sorted lists, walked side by side.
fn differences<T: Watched>(before: &[Arc<T>], after: &[Arc<T>]) -> Vec<Change<T>> {
    let (mut before, mut after) = (before.iter().peekable(), after.iter().peekable());
    let mut found = Vec::new();
    loop {
        let order = match (before.peek(), after.peek()) {
            (None, None) => return found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => key(&***old).cmp(&key(&***new)),
        };
        let old = if order.is_le() { before.next() } else { None };
        let new = if order.is_ge() { after.next() } else { None };
        if !same(old, new) {
            found.push((old.cloned(), new.cloned()));
        }
    }
}

fn same<T>(before: Option<&Arc<T>>, after: Option<&Arc<T>>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => Arc::ptr_eq(before, after),
        (None, None) => true,
        _ => false,
    }
}

fn key<T: Watched>(object: &T) -> (&str, &str) {
    let origin = object.origin();
    (&origin.namespace, &origin.name)
}

fn compare<T: Watched>(object: &T, name: &ObjectName) -> Ordering {
    key(object).cmp(&(&*name.namespace, &*name.name))
}
