//! Which routes an Ingress makes of what it declares, and which chain of policies each of them has.

use std::sync::Arc;

use super::backends::Backends;
use super::chains::Chains;
use super::known::Known;
use super::places::Places;
use super::units::{Claimed, Unit};
use crate::compile::unit::{self, Place, Target};
use crate::config::Ingress;
use crate::host::HostPattern;
use crate::snapshot::{Action, BackendId, ChainId, PathKind, Route, RouteOptions};

/// What the routes of one Ingress share, and where they take the rest from.
struct Routes<'a> {
    ingress: &'a Ingress,
    /// `namespace/ingress`
    name: Arc<str>,
    /// Its policies by name.
    policies: Vec<Arc<str>>,
    chain: Option<ChainId>,
    /// Chains of routes that a policy answers.
    answering: Vec<ChainId>,
    named: Arc<[(Arc<str>, BackendId)]>,
    options: Arc<RouteOptions>,
    backends: &'a Backends,
    chains: &'a mut Chains,
    known: &'a Known,
}

/// Puts the routes into the unit, which has taken its backends.
pub fn make(
    unit: &mut Unit,
    read: unit::Unit,
    known: &Known,
    backends: &Backends,
    chains: &mut Chains,
    places: &mut Places,
) {
    let ingress = unit.ingress.clone();
    let (namespace, name) = (&ingress.origin.namespace, &ingress.origin.name);
    let named = read.named.iter().filter_map(|(name, key)| Some((name.clone(), backends.id(key)?)));
    let mut routes = Routes {
        ingress: &ingress,
        name: format!("{namespace}/{name}").into(),
        chain: read.chain.as_deref().map(|names| chains.take(namespace, names, known)),
        policies: read.chain.unwrap_or_default(),
        answering: Vec::new(),
        named: named.collect(),
        options: read.settings.route,
        backends,
        chains,
        known,
    };
    let everywhere = || Place { host: HostPattern::Any, path: unit::root(), kind: PathKind::Default };
    unit.default = read.default.map(|target| routes.route(everywhere(), unit::root(), &target));
    let claims = read.rules.into_iter().map(|rule| {
        let spot = places.spot(&rule.place);
        Claimed { spot, field: rule.field, route: routes.route(rule.place, rule.text, &rule.target) }
    });
    unit.claims = claims.collect();
    (unit.chain, unit.answering) = (routes.chain, routes.answering);
}

impl Routes<'_> {
    /// `path` is as declared.
    fn route(&mut self, place: Place, path: Arc<str>, target: &Target) -> Arc<Route> {
        let (action, chain) = self.answer(target);
        Arc::new(Route {
            name: self.name.clone(),
            origin: self.ingress.origin.clone(),
            host: place.host,
            path,
            kind: place.kind,
            action,
            chain,
            named: self.named.clone(),
            options: self.options.clone(),
        })
    }

    /// What answers, behind which policies. A policy that answers comes last, and is asked once.
    fn answer(&mut self, target: &Target) -> (Action, Option<ChainId>) {
        let action = self.backends.action(target);
        let Target::Policy(last) = target else { return (action, self.chain) };
        let before = self.policies.iter().filter(|name| *name != last);
        let names: Vec<_> = before.chain([last]).cloned().collect();
        let chain = self.chains.take(&self.ingress.origin.namespace, &names, self.known);
        self.answering.push(chain);
        (action, Some(chain))
    }
}
