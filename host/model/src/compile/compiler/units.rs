//! Every Ingress that is declared, by number, with what it claims now.

use std::sync::Arc;

use crate::compile::unit::{Certificate, Field, Precedence};
use crate::config::Ingress;
use crate::host::HostPattern;
use crate::lookup::Spot;
use crate::paged::Numbers;
use crate::snapshot::{BackendId, ChainId, Route};

/// The least is the oldest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    precedence: Precedence,
    pub unit: u32,
}

#[derive(Debug)]
pub struct Unit {
    pub ingress: Arc<Ingress>,
    pub age: Age,
    pub is_served: bool,
    pub claims: Vec<Claimed>,
    pub hosts: Vec<HostPattern>,
    /// The route for every host, if it should be the one that decides it.
    pub default: Option<Arc<Route>>,
    pub used: Vec<BackendId>,
    pub chain: Option<ChainId>,
    /// Of its routes that a policy answers: the chain with that policy at the end.
    pub answering: Vec<ChainId>,
    pub certificates: Vec<Certificate>,
}

/// A place that it claims, and what it would serve there.
#[derive(Debug)]
pub struct Claimed {
    pub spot: Spot,
    pub field: Field,
    pub route: Arc<Route>,
}

#[derive(Debug, Default)]
pub struct Units {
    list: Vec<Option<Unit>>,
    numbers: Numbers,
}

impl Units {
    pub fn add(&mut self, ingress: &Arc<Ingress>) -> u32 {
        let number = self.numbers.take();
        if self.list.len() <= number as usize {
            self.list.resize_with(number as usize + 1, || None);
        }
        if let Some(place) = self.list.get_mut(number as usize) {
            *place = Some(Unit::new(ingress.clone(), number));
        }
        number
    }

    pub fn remove(&mut self, number: u32) {
        if self.list.get_mut(number as usize).and_then(Option::take).is_some() {
            self.numbers.give_back(number);
        }
    }

    /// It claims nothing any more.
    pub fn clear(&mut self, number: u32) {
        if let Some(unit) = self.get_mut(number) {
            *unit = Unit::new(unit.ingress.clone(), number);
        }
    }

    pub fn get(&self, number: u32) -> Option<&Unit> {
        self.list.get(number as usize)?.as_ref()
    }

    pub fn get_mut(&mut self, number: u32) -> Option<&mut Unit> {
        self.list.get_mut(number as usize)?.as_mut()
    }

    pub fn age(&self, number: u32) -> Option<&Age> {
        self.get(number).map(|unit| &unit.age)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Unit> {
        self.list.iter().flatten()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Unit> {
        self.list.iter_mut().flatten()
    }
}

impl Unit {
    fn new(ingress: Arc<Ingress>, unit: u32) -> Self {
        let age = Age { precedence: Precedence::of(&ingress), unit };
        Self {
            ingress,
            age,
            is_served: false,
            claims: Vec::new(),
            hosts: Vec::new(),
            default: None,
            used: Vec::new(),
            chain: None,
            answering: Vec::new(),
            certificates: Vec::new(),
        }
    }
}
