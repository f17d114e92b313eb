//! Which Ingress has a place: the oldest of those that claim it. Each place that is had has a route by number.

use std::collections::HashMap;
use std::sync::Arc;

use super::defaults::Defaults;
use super::ledger::{Ledger, Matter};
use super::units::{Claimed, Units};
use crate::compile::path;
use crate::compile::unit::{self, Place};
use crate::host::HostPattern;
use crate::lookup::{Draft, Index, Spot};
use crate::paged::{Numbers, Paged};
use crate::snapshot::{Route, RouteId};

/// A claim of an Ingress, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub unit: u32,
    pub at: u32,
}

#[derive(Debug)]
pub struct Places {
    draft: Draft,
    routes: Paged<Arc<Route>>,
    numbers: Numbers,
    /// By route: who has the place; nobody where it was given up in this round, or belongs to no place.
    owners: Vec<Option<Claim>>,
    /// By route: who else claims its place.
    waiting: HashMap<u32, Vec<Claim>>,
    /// Routes to look at when all claims are in.
    touched: Vec<u32>,
    given_up: Vec<(Spot, RouteId)>,
    changed: Vec<RouteId>,
}

impl Places {
    pub fn new() -> Self {
        Self {
            draft: Draft::new(),
            routes: Paged::default(),
            numbers: Numbers::default(),
            owners: Vec::new(),
            waiting: HashMap::new(),
            touched: Vec::new(),
            given_up: Vec::new(),
            changed: Vec::new(),
        }
    }

    pub fn spot(&self, place: &Place) -> Spot {
        self.draft.spot(&place.host, &place.path, place.kind)
    }

    pub fn know(&mut self, host: &HostPattern) {
        self.draft.know(host);
    }

    pub fn forget(&mut self, host: &HostPattern) {
        self.draft.forget(host);
    }

    pub fn claim(&mut self, spot: Spot, claim: Claim, units: &Units) {
        let Some(RouteId(route)) = self.draft.get(spot) else {
            let RouteId(route) = self.take_number();
            self.draft.set(spot, Some(RouteId(route)));
            self.own(route, Some(claim));
            return;
        };
        match self.owner(route) {
            Some(owner) if units.age(owner.unit) <= units.age(claim.unit) => self.wait(route, claim),
            Some(owner) => {
                self.wait(route, owner);
                self.own(route, Some(claim));
            }
            None => self.own(route, Some(claim)),
        }
    }

    pub fn give_up(&mut self, spot: Spot, claim: Claim, units: &Units) {
        let Some(RouteId(route)) = self.draft.get(spot) else { return };
        let mut waiting = self.waiting.remove(&route).unwrap_or_default();
        if self.owner(route) == Some(claim) {
            let next = (0..waiting.len()).min_by_key(|&at| waiting.get(at).and_then(|claim| units.age(claim.unit)));
            let next = next.map(|at| waiting.swap_remove(at));
            if next.is_none() {
                self.given_up.push((spot, RouteId(route)));
            }
            self.own(route, next);
        } else {
            waiting.retain(|other| *other != claim);
        }
        if !waiting.is_empty() {
            self.waiting.insert(route, waiting);
        }
    }

    /// Frees what nobody took over, and says who has what.
    pub fn settle(&mut self, units: &Units, ledger: &mut Ledger) {
        for (spot, route) in std::mem::take(&mut self.given_up) {
            if self.owner(route.0).is_none() && self.draft.get(spot) == Some(route) {
                self.draft.set(spot, None);
                self.give_number_back(route);
            }
        }
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        for route in touched {
            self.settle_route(route, units, ledger);
        }
    }

    fn settle_route(&mut self, route: u32, units: &Units, ledger: &mut Ledger) {
        let Some(owner) = self.owner(route) else { return };
        let Some(owned) = claimed(units, owner) else { return };
        ledger.contest(owner.unit, Matter::Place(owner.at), None);
        for waiting in self.waiting.get(&route).into_iter().flatten() {
            if let Some(wanted) = claimed(units, *waiting) {
                let Claimed { field, route, .. } = wanted;
                let problem = unit::taken_at(*field, &route.host, &route.path, &route.origin, &owned.route.origin);
                ledger.contest(waiting.unit, Matter::Place(waiting.at), Some(problem));
            }
        }
        self.set_route(RouteId(route), Some(owned.route.clone()));
    }

    /// A number for a route that belongs to no place.
    pub fn take_number(&mut self) -> RouteId {
        RouteId(self.numbers.take())
    }

    pub fn give_number_back(&mut self, route: RouteId) {
        self.set_route(route, None);
        self.numbers.give_back(route.0);
    }

    pub fn set_route(&mut self, RouteId(number): RouteId, route: Option<Arc<Route>>) {
        self.routes.set(number as usize, route);
        self.changed.push(RouteId(number));
    }

    pub fn set_default(&mut self, route: Option<RouteId>) {
        self.draft.set_default(route);
    }

    pub fn routes(&self) -> &Paged<Arc<Route>> {
        &self.routes
    }

    /// Since this was asked last.
    pub fn changed(&mut self) -> Vec<RouteId> {
        super::distinct(&mut self.changed)
    }

    pub fn index(&mut self, units: &mut Units, defaults: &Defaults) -> Index {
        loop {
            if let Ok(index) = self.draft.index() {
                return index;
            }
            self.draw_again(units, defaults);
        }
    }

    /// Makes the draft anew, under other secrets.
    pub fn draw_again(&mut self, units: &mut Units, defaults: &Defaults) {
        self.draft = Draft::new();
        self.draft.set_default(defaults.route());
        for unit in units.iter_mut() {
            unit.hosts.iter().for_each(|host| self.draft.know(host));
            for Claimed { spot, route, .. } in &mut unit.claims {
                *spot = self.draft.spot(&route.host, &path::normal(&route.path), route.kind);
            }
        }
        for (route, owner) in self.owners.iter().enumerate() {
            if let Some(Claimed { spot, .. }) = owner.and_then(|owner| claimed(units, owner)) {
                self.draft.set(*spot, Some(RouteId(route as u32)));
            }
        }
    }

    fn owner(&self, route: u32) -> Option<Claim> {
        self.owners.get(route as usize).copied().flatten()
    }

    fn own(&mut self, route: u32, claim: Option<Claim>) {
        if self.owners.len() <= route as usize {
            self.owners.resize(route as usize + 1, None);
        }
        if let Some(owner) = self.owners.get_mut(route as usize) {
            *owner = claim;
        }
        self.touched.push(route);
    }

    fn wait(&mut self, route: u32, claim: Claim) {
        self.waiting.entry(route).or_default().push(claim);
        self.touched.push(route);
    }
}

fn claimed(units: &Units, claim: Claim) -> Option<&Claimed> {
    units.get(claim.unit)?.claims.get(claim.at as usize)
}
