//! The debug view: what serves now, and what is wrong with what was declared.

use cardea_model::snapshot::Action;
use serde_json::{Value, json};

use super::Admin;
use crate::reload::figures;

/// Routes listed at most; a view is for people.
const LISTED_MAX: usize = 1000;

pub fn config(admin: &Admin) -> String {
    let live = admin.shared.live.load();
    let seen = admin.view.get();
    let snapshot = &live.snapshot;
    let routes: Vec<Value> = snapshot.routes.iter().take(LISTED_MAX).map(|route| {
        let (backend, unavailable) = match &route.action {
            Action::Forward(id) => (snapshot.backends.get(id.0 as usize).map(|backend| &*backend.name), None),
            Action::Answer => (None, None),
            Action::Unavailable(why) => (None, Some(&**why)),
        };
        let policies: Vec<&str> =
            live.chain(route).map(|chain| chain.members.iter().map(|member| &*member.name).collect()).unwrap_or_default();
        json!({
            "name": &*route.name, "host": route.host.to_string(), "path": &*route.path, "type": format!("{:?}", route.kind),
            "backend": backend, "unavailable": unavailable, "policies": policies,
        })
    }).collect();
    let backends: Vec<Value> = live
        .backends
        .iter()
        .take(LISTED_MAX)
        .map(|state| {
            let endpoints: Vec<String> =
                state.endpoints.load().endpoints.iter().map(|endpoint| endpoint.address.to_string()).collect();
            json!({ "name": &*state.name, "endpoints": endpoints })
        })
        .collect();
    let policies: Vec<Value> = seen.policies.iter().map(|policy| {
        json!({
            "name": &*policy.name, "digest": policy.digest.as_deref(), "live": policy.digest.is_some(), "current": policy.current,
            "cost": policy.cost.as_ref().map(figures),
        })
    }).collect();
    let problems: Vec<Value> = seen.problems.iter().map(|problem| {
        let origin = &problem.origin;
        json!({
            "source": &*origin.source, "document": origin.document, "kind": origin.kind, "namespace": &*origin.namespace,
            "name": &*origin.name, "field": problem.field, "message": problem.message, "remedy": problem.remedy,
        })
    }).collect();
    let view = json!({
        "generation": live.number, "routes": routes, "route_count": snapshot.routes.len(), "backends": backends,
        "policies": policies, "problems": problems,
    });
    format!("{view:#}\n")
}
