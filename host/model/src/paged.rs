//! Values by number, in pages that a changed copy shares with the original.
//!
//! A copy costs a pointer a page, and a change the copy of one page: what many readers hold stays as it was, and the next
//! version does not cost what the whole does.

use std::fmt;
use std::sync::Arc;

/// Values of a page: small enough that its copy is cheap, large enough that the list of pages is.
const PAGE: usize = 64;

type Page<T> = [Option<T>; PAGE];

/// Numbers without a value are free.
#[derive(Clone)]
pub struct Paged<T> {
    pages: Vec<Arc<Page<T>>>,
    taken: usize,
}

impl<T> Paged<T> {
    #[inline]
    pub fn get(&self, at: usize) -> Option<&T> {
        self.pages.get(at / PAGE)?.get(at % PAGE)?.as_ref()
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.taken
    }

    pub fn is_empty(&self) -> bool {
        self.taken == 0
    }

    /// Every number is below this.
    pub fn bound(&self) -> usize {
        self.pages.len() * PAGE
    }

    /// The values, by number.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flat_map(|page| page.iter()).flatten()
    }

    /// The numbers, with their values.
    pub fn entries(&self) -> impl Iterator<Item = (usize, &T)> {
        let all = self.pages.iter().flat_map(|page| page.iter()).enumerate();
        all.filter_map(|(at, value)| value.as_ref().map(|value| (at, value)))
    }
}

impl<T: Clone> Paged<T> {
    /// Puts a value there, or takes it away.
    pub fn set(&mut self, at: usize, value: Option<T>) {
        let pages = at / PAGE + 1;
        if value.is_some() && self.pages.len() < pages {
            self.pages.resize_with(pages, || Arc::new([const { None }; PAGE]));
        }
        let Some(page) = self.pages.get_mut(at / PAGE) else { return };
        let Some(place) = Arc::make_mut(page).get_mut(at % PAGE) else { return };
        self.taken = self.taken + usize::from(value.is_some()) - usize::from(place.is_some());
        *place = value;
    }
}

impl<T> Default for Paged<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), taken: 0 }
    }
}

impl<T: fmt::Debug> fmt::Debug for Paged<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.entries()).finish()
    }
}

impl<T: Clone> FromIterator<T> for Paged<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut all = Self::default();
        for (at, value) in values.into_iter().enumerate() {
            all.set(at, Some(value));
        }
        all
    }
}

/// Which numbers are free; the one that was given back last comes first.
#[derive(Debug, Default)]
pub struct Numbers {
    free: Vec<u32>,
    next: u32,
}

impl Numbers {
    pub fn take(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }

    pub fn give_back(&mut self, number: u32) {
        self.free.push(number);
    }
}

#[cfg(test)]
mod tests;
