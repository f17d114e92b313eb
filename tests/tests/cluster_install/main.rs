//! The shipped manifests on a real API server: what it stores of them, what its authoriser grants by them, and
//! whether the binary serves with no more than that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accepted;
mod granted;
mod helm;
mod served;

use anyhow::Result;
use cardea_tests::plane::Plane;
use cardea_tests::plane::api::{self, Api};
use http::Method;
use serde_json::{Value, json};

const APPLY: &str = "application/apply-patch+yaml";
/// What the authoriser and the checks of other objects need to be there; nothing that would run.
const STORED: [&str; 6] = ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];

/// Server-side apply with strict validation: unknown fields are refused.
async fn apply(api: &Api, object: &Value) -> Result<Value> {
    let stored = STORED.contains(&object["kind"].as_str().unwrap());
    let dry_run = if stored { "" } else { "&dryRun=All" };
    let path = api::path(object)?;
    let path = format!("{path}?fieldManager=install&force=true&fieldValidation=Strict{dry_run}");
    api.send(Method::PATCH, &path, APPLY, object).await
}

/// One control plane and one order: what one manifest grants must be gone before the next is judged.
#[tokio::test]
async fn the_shipped_manifests_are_stored_and_grant_what_serving_needs() {
    let plane = Plane::start().await.unwrap();
    let api = plane.api().await.unwrap();
    apply(&api, &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})).await.unwrap();
    accepted::manifests_are_accepted(&api).await.unwrap();
    accepted::pods_keep_the_security_levels(&api).await.unwrap();
    for name in ["install", "namespaced"] {
        granted::withdraw(&api, name).await.unwrap();
    }
    granted::the_authoriser_grants_this_and_no_more(&api).await.unwrap();
    for name in ["install", "namespaced", "host-network"] {
        served::with_its_own_permissions(&plane, &api, name).await.unwrap();
    }
    helm::the_chart_installs_upgrades_and_leaves(&plane, &api).await.unwrap();
}
