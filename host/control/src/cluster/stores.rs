//! What the cluster declares, as far as it was heard: pure, from changes to a `Config`.
//!
//! A change costs what it changes; making the `Config` copies pointers. The order in which kinds are heard of does not
//! matter.

mod accept;
mod module;
mod problems;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cardea_model::compile;
use cardea_model::compile::class::Classes;
use cardea_model::config::{Config, Ingress, IngressClass, Policy, Service};
use cardea_model::problem::{Origin, Problem};

use super::external::Externals;
use super::kind::Kind;
use super::named::{Names, Wish};
use super::snapshot::State;
use super::table::Table;
use super::watched::{Change, Delta, SecretContent, Watched};
use super::zone::{Hinted, Zones};
use crate::fetch::Fetcher;
use crate::kube::config_map::Binary;
use crate::kube::policy::Declared;
use crate::report::ObjectName;

/// What decides which objects count.
#[derive(Clone, Default)]
pub(super) struct Terms {
    pub namespace: Option<Arc<str>>,
    pub class: Option<Arc<str>>,
    pub compile: compile::Options,
    pub zone: Option<Arc<str>>,
    pub allow_external_name: bool,
    pub fetcher: Option<Fetcher>,
}

#[derive(Default)]
pub(super) struct Stores {
    terms: Terms,
    classes: Table<IngressClass>,
    ingresses: Table<Ingress>,
    services: Table<Service>,
    slices: Table<Hinted>,
    zones: Zones,
    externals: Externals,
    policies: Table<Declared>,
    secrets: Table<SecretContent>,
    config_maps: Table<Binary>,
    rule: Classes,
    names: Names,
    /// What may not be read, with the authoriser's words.
    denied: BTreeMap<(Kind, Option<ObjectName>), String>,
    /// A denial is no more.
    lifted: bool,
    listed: BTreeSet<Kind>,
    /// The policies with their modules, as of the last time that anything of them changed.
    made: Vec<Arc<Policy>>,
    unmade: bool,
    module_problems: Vec<Problem>,
}

impl Stores {
    pub(super) fn new(terms: Terms) -> Self {
        let rule = Classes::new(&[], &terms.compile).0;
        let zones = Zones::of(terms.zone.clone());
        let externals = Externals::new(terms.allow_external_name);
        let mut stores = Self { terms, rule, zones, externals, ..Self::default() };
        stores.classes_changed();
        stores
    }

    /// Takes a change in. True if it changes what is declared.
    pub(super) fn apply(&mut self, change: Change) -> bool {
        let changed = self.take_in(change);
        std::mem::take(&mut self.lifted) || changed
    }

    fn take_in(&mut self, change: Change) -> bool {
        match change {
            Change::Class(delta) => {
                self.heard(&delta);
                let patch = self.classes.apply(delta);
                self.classes_changed();
                !patch.is_empty()
            }
            Change::Ingress(delta) => {
                self.heard(&delta);
                let patch = self.ingresses.apply(delta);
                self.ingresses_changed(&patch);
                !patch.is_empty()
            }
            Change::Policy(delta) => {
                self.heard(&delta);
                let patch = self.policies.apply(delta);
                self.policies_changed(&patch);
                !patch.is_empty()
            }
            Change::Service(delta) => {
                self.heard(&delta);
                let patch = self.services.apply(delta);
                self.externals.services_changed(&patch);
                !patch.is_empty()
            }
            Change::Slice(delta) => {
                self.heard(&delta);
                let patch = self.slices.apply(delta);
                self.zones.slices_changed(&patch, &self.slices);
                !patch.is_empty()
            }
            Change::Zone(zone) => self.zones.move_to(zone, &self.slices),
            Change::Resolved { host, found } => self.externals.resolved(host, found),
            Change::Secret(delta) => match self.heard_by_name(delta) {
                Some(delta) => {
                    let patch = self.secrets.apply(delta);
                    self.unmade |= !patch.objects.is_empty();
                    !patch.is_empty()
                }
                None => false,
            },
            Change::ConfigMap(delta) => match self.heard_by_name(delta) {
                Some(delta) => {
                    let patch = self.config_maps.apply(delta);
                    self.unmade |= !patch.objects.is_empty();
                    !patch.is_empty()
                }
                None => false,
            },
            Change::Denied { kind, only, message } => self.deny(kind, only, message),
        }
    }

    /// Takes in what the last run kept of a kind, as long as nothing was heard of the kind. It does not count as heard.
    pub(super) fn restore(&mut self, change: Change) {
        let listed = self.listed.clone();
        let is_known = match &change {
            Change::Class(_) => listed.contains(&Kind::IngressClass),
            Change::Ingress(_) => listed.contains(&Kind::Ingress),
            Change::Service(_) => listed.contains(&Kind::Service),
            Change::Slice(_) => listed.contains(&Kind::EndpointSlice),
            Change::Policy(_) => listed.contains(&Kind::Policy),
            Change::Secret(_) => !self.secrets.objects().is_empty(),
            Change::ConfigMap(_) => !self.config_maps.objects().is_empty(),
            Change::Denied { .. } | Change::Zone(_) | Change::Resolved { .. } => true,
        };
        if !is_known {
            self.apply(change);
            self.listed = listed;
        }
    }

    /// What is known of a module may have changed.
    pub(super) fn modules_changed(&mut self) {
        self.unmade = true;
    }

    /// The first time, waits a while for modules that are being fetched. True if there may be more of them now.
    pub(super) fn settle_modules(&mut self) -> bool {
        let waited = self.terms.fetcher.as_ref().is_some_and(Fetcher::settle);
        self.unmade |= waited;
        waited
    }

    /// Every kind was heard of: what is known is all there is.
    pub(super) fn is_complete(&self) -> bool {
        Kind::ALL.iter().filter(|kind| !kind.is_named()).all(|kind| self.listed.contains(kind))
    }

    /// Something that is named has not been heard of, so that a problem with it may be none.
    pub(super) fn is_waiting(&self) -> bool {
        self.names.is_waiting() || self.externals.is_waiting()
    }

    /// The names outside that are to be resolved, if they are not what they were.
    pub(super) fn take_hosts(&mut self) -> Option<BTreeSet<Arc<str>>> {
        self.externals.take_hosts()
    }

    pub(super) fn take_wishes(&mut self) -> Vec<Wish> {
        let wishes = self.names.take_wishes();
        for wish in &wishes {
            if let Wish::Forget((kind, name)) = wish {
                self.forget(*kind, name);
            }
        }
        wishes
    }

    /// Everything that is declared now, and every mistake.
    pub(super) fn load(&mut self) -> (Config, Vec<Problem>) {
        if std::mem::take(&mut self.unmade) {
            self.make_policies();
        }
        let secrets = self.secrets.objects().iter().filter_map(|secret| match &**secret {
            SecretContent::Tls(secret) => Some(Arc::clone(secret)),
            SecretContent::Pull(_) => None,
        });
        let (mut services, mut slices) = (self.services.objects().to_vec(), self.zones.serve(&self.slices));
        self.externals.serve(&mut services, &mut slices);
        let config = Config {
            classes: self.served_classes(),
            ingresses: self.served_ingresses(),
            services,
            slices,
            secrets: secrets.collect(),
            policies: self.made.clone(),
        };
        (config, self.problems())
    }

    /// What is kept on disk: everything that was declared, by the last load.
    pub(super) fn state(&self) -> State {
        let module = |policy: &Arc<Policy>| {
            let declared = self.policies.get(&name_of(&policy.origin))?;
            Some((Arc::clone(policy), declared.module.clone()))
        };
        State {
            classes: self.classes.objects().to_vec(),
            ingresses: self.ingresses.objects().to_vec(),
            services: self.services.objects().to_vec(),
            slices: self.slices.objects().iter().map(|hinted| Arc::clone(&hinted.slice)).collect(),
            policies: self.made.iter().filter_map(module).collect(),
            secrets: self.secrets.objects().to_vec(),
            config_maps: self.config_maps.objects().to_vec(),
        }
    }

    fn heard<T: Watched>(&mut self, delta: &Delta<T>) {
        if matches!(delta, Delta::Whole(_)) {
            self.listed.insert(T::KIND);
            self.lifted |= self.denied.remove(&(T::KIND, None)).is_some();
        }
    }

    /// `None` where nothing names the object any more.
    fn heard_by_name<T: Watched>(&mut self, delta: Delta<T>) -> Option<Delta<T>> {
        let name = match &delta {
            Delta::Set(item) => &item.name,
            Delta::Gone(name) => name,
            // From the state of the last run, before anything names them.
            Delta::Whole(_) => return Some(delta),
        };
        self.names.answered(T::KIND, name);
        self.lifted |= self.denied.remove(&(T::KIND, Some(name.clone()))).is_some();
        self.names.is_named(T::KIND, name).then_some(delta)
    }

    fn deny(&mut self, kind: Kind, only: Option<ObjectName>, message: String) -> bool {
        match &only {
            Some(name) => self.names.answered(kind, name),
            // Of what a narrower install may do without.
            None if kind == Kind::IngressClass => _ = self.listed.insert(kind),
            None => {}
        }
        // It is told again at each try.
        let is_news = self.denied.insert((kind, only), message.clone()) != Some(message);
        if is_news && kind == Kind::IngressClass {
            self.classes_changed();
        }
        is_news
    }

    fn forget(&mut self, kind: Kind, name: &ObjectName) {
        self.denied.remove(&(kind, Some(name.clone())));
        let changed = match kind {
            Kind::Secret => !self.secrets.apply(Delta::Gone(name.clone())).is_empty(),
            _ => !self.config_maps.apply(Delta::Gone(name.clone())).is_empty(),
        };
        self.unmade |= changed;
    }
}

fn name_of(origin: &Origin) -> ObjectName {
    ObjectName { namespace: Arc::clone(&origin.namespace), name: Arc::clone(&origin.name) }
}
