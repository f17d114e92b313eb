//! What becomes of the chart in a cluster, by helm itself.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cardea_tests::guest;
use cardea_tests::plane::Plane;
use cardea_tests::plane::api::Api;
use serde_json::json;

/// `CARDEA_HELM`, or what tools/helm finds.
fn helm() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CARDEA_HELM") {
        return Ok(path.into());
    }
    let found = Command::new(guest::root().join("tools/helm")).output()?;
    ensure!(found.status.success(), "tools/helm: {}", String::from_utf8_lossy(&found.stderr));
    Ok(String::from_utf8(found.stdout)?.trim().into())
}

pub async fn the_chart_installs_upgrades_and_leaves(plane: &Plane, api: &Api) -> Result<()> {
    let run = |arguments: &[&str]| -> Result<()> {
        let home = tempfile::tempdir()?;
        let done = Command::new(helm()?)
            .args(arguments)
            .args(["--namespace", "edge", "--kubeconfig"])
            .arg(&plane.kubeconfig)
            .current_dir(guest::root())
            .env("HOME", home.path())
            .output()?;
        ensure!(done.status.success(), "helm {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    };
    // The resource is there already, from a manifest.
    run(&["install", "edge-cardea", "deploy/helm/cardea", "--create-namespace", "--take-ownership"])?;
    let made = api.get("Secret", "edge", "edge-cardea-webhook").await?.context("no Secret for the webhook")?;
    // What the replicas put there is not the chart's to take away.
    let filled = json!({"data": {"tls.crt": "eA=="}});
    api.patch("Secret", "edge", "edge-cardea-webhook", &filled).await?;
    let values = "deploy/tests/values/host-ports.yaml";
    run(&["upgrade", "edge-cardea", "deploy/helm/cardea", "--values", values])?;
    let kept = api.get("Secret", "edge", "edge-cardea-webhook").await?.context("the Secret is gone")?;
    ensure!(made["metadata"]["uid"] == kept["metadata"]["uid"] && kept["data"] == filled["data"], "{kept}");
    ensure!(api.get("Deployment", "edge", "edge-cardea").await?.is_none(), "two workloads");
    ensure!(api.get("DaemonSet", "edge", "edge-cardea").await?.is_some(), "no workload");
    run(&["uninstall", "edge-cardea"])?;
    ensure!(api.get("ClusterRole", "", "edge-edge-cardea").await?.is_none(), "a role is left");
    ensure!(api.get("IngressClass", "", "cardea").await?.is_none(), "the class is left");
    // With it would go every Policy.
    ensure!(api.get("CustomResourceDefinition", "", "policies.cardea.dev").await?.is_some(), "the resource is gone");
    Ok(())
}
