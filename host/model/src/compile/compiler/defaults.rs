//! Which Ingress decides the default backend for every host: the oldest without rules; else the oldest with rules.

use std::collections::BTreeSet;

use super::ledger::{Ledger, Matter};
use super::places::Places;
use super::units::{Age, Units};
use crate::compile::unit;
use crate::problem::Problem;
use crate::snapshot::RouteId;

#[derive(Debug, Default)]
pub struct Defaults {
    without_rules: BTreeSet<Age>,
    with_rules: BTreeSet<Age>,
    route: Option<RouteId>,
    /// Those without rules that were not told yet whether they decide.
    new: Vec<Age>,
    /// Who was told to be the oldest without rules.
    told: Option<Age>,
    is_stale: bool,
}

impl Defaults {
    pub fn claim(&mut self, age: &Age, is_without_rules: bool) {
        self.is_stale = true;
        if is_without_rules {
            self.without_rules.insert(age.clone());
            self.new.push(age.clone());
        } else {
            self.with_rules.insert(age.clone());
        }
    }

    pub fn give_up(&mut self, age: &Age) {
        self.is_stale |= self.without_rules.remove(age) | self.with_rules.remove(age);
    }

    pub fn route(&self) -> Option<RouteId> {
        self.route
    }

    pub fn settle(&mut self, units: &Units, places: &mut Places, ledger: &mut Ledger) {
        if !std::mem::take(&mut self.is_stale) {
            return;
        }
        self.tell(units, ledger);
        let first = self.without_rules.first().or(self.with_rules.first());
        let route = first.and_then(|age| units.get(age.unit)?.default.clone());
        match (route, self.route) {
            (Some(route), number) => {
                let number = number.unwrap_or_else(|| places.take_number());
                places.set_route(number, Some(route));
                self.route = Some(number);
            }
            (None, Some(number)) => {
                places.give_number_back(number);
                self.route = None;
            }
            (None, None) => {}
        }
        places.set_default(self.route);
    }

    /// All of those without rules if another one decides now, else the new ones.
    fn tell(&mut self, units: &Units, ledger: &mut Ledger) {
        let new = std::mem::take(&mut self.new);
        let first = self.without_rules.first();
        let all: Vec<&Age> = match first == self.told.as_ref() {
            true => new.iter().filter(|age| self.without_rules.contains(age)).collect(),
            false => self.without_rules.iter().collect(),
        };
        for age in all {
            let problem = first.filter(|first| *first != age).and_then(|first| contested(units, age, first));
            ledger.contest(age.unit, Matter::Default, problem);
        }
        self.told = first.cloned();
    }
}

fn contested(units: &Units, age: &Age, first: &Age) -> Option<Problem> {
    Some(unit::default_taken(&units.get(age.unit)?.ingress.origin, &units.get(first.unit)?.ingress.origin))
}
