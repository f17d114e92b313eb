//! What is known of the other objects: names, and which Ingress has which host and path.
//!
//! Of several Ingresses that declare a place all are kept, oldest first, so that the next in line is known when the first
//! one goes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use cardea_model::compile::Options;
use cardea_model::compile::class::Classes;
use cardea_model::compile::unit::{self, Context, Place, Precedence};
use cardea_model::config::{Ingress, IngressClass, Service};
use cardea_model::problem::Origin;

use super::delta::Delta;
use super::names::Names;

/// Which objects the source of the index can know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Everything that is declared, as in a directory.
    #[default]
    Everything,
    /// As in a cluster, where a Secret is read only once an Ingress names it: one that is not known may be there.
    NamedSecrets,
}

#[derive(Debug, Clone, Default)]
pub struct Index {
    options: Options,
    scope: Scope,
    /// A configuration was heard of, so that what is not here is not there.
    pub(super) is_filled: bool,
    pub(super) class_list: Vec<Arc<IngressClass>>,
    classes: Classes,
    services: Names<Arc<Service>>,
    policies: Names<()>,
    secrets: Names<()>,
    ingresses: Names<Known>,
    places: HashMap<Place, BTreeSet<Precedence>>,
    /// Ingresses without rules that have a default backend.
    defaults: BTreeSet<Precedence>,
}

#[derive(Debug, Clone)]
struct Known {
    ingress: Arc<Ingress>,
    places: Box<[Place]>,
    is_default: bool,
}

impl Index {
    pub(super) fn new(options: Options, scope: Scope) -> Self {
        let (classes, _) = Classes::new(&[], &options);
        Self { options, scope, classes, ..Self::default() }
    }

    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The Ingress of that name, as it is now.
    pub fn ingress(&self, namespace: &str, name: &str) -> Option<&Ingress> {
        self.ingresses.get(namespace, name).map(|known| &*known.ingress)
    }

    /// Who has a place, or would if this Ingress did not declare it.
    pub(super) fn owner(&self, place: &Place, but: &Origin) -> Option<(&Precedence, &Origin)> {
        self.first(self.places.get(place)?, but)
    }

    /// Whose default backend answers for every host, or would but for this Ingress.
    pub(super) fn default_owner(&self, but: &Origin) -> Option<(&Precedence, &Origin)> {
        self.first(&self.defaults, but)
    }

    fn first<'i>(&'i self, ranks: &'i BTreeSet<Precedence>, but: &Origin) -> Option<(&'i Precedence, &'i Origin)> {
        let rank = ranks.iter().find(|rank| rank.name != but.name || rank.namespace != but.namespace)?;
        Some((rank, &self.ingress(&rank.namespace, &rank.name)?.origin))
    }

    /// Takes out what went, then in what came: a changed object is in both.
    pub(super) fn apply(&mut self, delta: &Delta) {
        self.is_filled = true;
        for service in &delta.services.gone {
            self.services.remove(&service.origin);
        }
        for service in &delta.services.come {
            self.services.insert(&service.origin, Arc::clone(service));
        }
        delta.policies.gone.iter().for_each(|policy| _ = self.policies.remove(&policy.origin));
        delta.policies.come.iter().for_each(|policy| self.policies.insert(&policy.origin, ()));
        delta.secrets.gone.iter().for_each(|secret| _ = self.secrets.remove(&secret.origin));
        delta.secrets.come.iter().for_each(|secret| self.secrets.insert(&secret.origin, ()));
        delta.ingresses.gone.iter().for_each(|ingress| self.forget(ingress));
        if let Some(classes) = &delta.classes {
            self.reclass(classes);
        }
        delta.ingresses.come.iter().for_each(|ingress| self.learn(Arc::clone(ingress)));
    }

    /// Which Ingresses are ours may be another matter now, so all are read again.
    fn reclass(&mut self, classes: &[Arc<IngressClass>]) {
        self.class_list = classes.to_vec();
        (self.classes, _) = Classes::new(classes, &self.options);
        (self.places, self.defaults) = (HashMap::new(), BTreeSet::new());
        let known = std::mem::take(&mut self.ingresses);
        known.values().for_each(|known| self.learn(Arc::clone(&known.ingress)));
    }

    fn learn(&mut self, ingress: Arc<Ingress>) {
        let unit = unit::read(&ingress, self);
        let places: Box<[Place]> = unit.rules.into_iter().map(|rule| rule.place).collect();
        let is_default = unit.is_without_rules && unit.default.is_some();
        let rank = Precedence::of(&ingress);
        for place in &places {
            self.places.entry(place.clone()).or_default().insert(rank.clone());
        }
        if is_default {
            self.defaults.insert(rank);
        }
        let origin = ingress.origin.clone();
        self.ingresses.insert(&origin, Known { ingress, places, is_default });
    }

    fn forget(&mut self, ingress: &Ingress) {
        let Some(known) = self.ingresses.remove(&ingress.origin) else { return };
        let rank = Precedence::of(&known.ingress);
        for place in &known.places {
            if let Some(ranks) = self.places.get_mut(place) {
                ranks.remove(&rank);
                if ranks.is_empty() {
                    self.places.remove(place);
                }
            }
        }
        if known.is_default {
            self.defaults.remove(&rank);
        }
    }
}

impl Context for Index {
    fn classes(&self) -> &Classes {
        &self.classes
    }

    fn service(&self, namespace: &str, name: &str) -> Option<&Service> {
        self.services.get(namespace, name).map(|service| &**service)
    }

    fn has_policy(&self, namespace: &str, name: &str) -> bool {
        self.policies.has(namespace, name)
    }

    fn has_secret(&self, namespace: &str, name: &str) -> bool {
        self.scope == Scope::NamedSecrets || self.secrets.has(namespace, name)
    }
}
