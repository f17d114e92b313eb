//! Whether the API server stores the shipped manifests, and admits their pods at the security levels that they say.

use anyhow::{Context, Result, ensure};
use cardea_tests::plane::api::Api;
use cardea_tests::plane::shipped;
use serde_json::{Value, json};

use crate::apply;

/// A pod like those of the workload, in a namespace of this level; never stored.
async fn admitted(api: &Api, objects: &[Value], level: &str) -> Result<Value> {
    let name = format!("level-{level}");
    let labels = json!({"pod-security.kubernetes.io/enforce": level});
    apply(api, &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})).await?;
    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "cardea", "namespace": name}});
    apply(api, &account).await?;
    let workload =
        objects.iter().find(|object| object.pointer("/spec/template/spec").is_some()).context("no workload")?;
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "cardea", "namespace": name},
        "spec": workload["spec"]["template"]["spec"],
    });
    apply(api, &pod).await
}

pub async fn manifests_are_accepted(api: &Api) -> Result<()> {
    for name in ["install", "namespaced", "host-network"] {
        let objects = shipped(name)?;
        ensure!(objects.len() > 7, "{name}: {} objects", objects.len());
        for object in &objects {
            apply(api, object)
                .await
                .with_context(|| format!("{name}: {} {}", object["kind"], object["metadata"]["name"]))?;
        }
    }
    Ok(())
}

pub async fn pods_keep_the_security_levels(api: &Api) -> Result<()> {
    for name in ["install", "namespaced"] {
        admitted(api, &shipped(name)?, "restricted").await.context(name)?;
    }
    let host = shipped("host-network")?;
    admitted(api, &host, "privileged").await.context("host-network")?;
    // Else the level decides nothing here, and the others are no proof.
    let refused =
        admitted(api, &host, "restricted").await.expect_err("the host's network is not for restricted namespaces");
    ensure!(format!("{refused:#}").contains("PodSecurity"), "{refused:#}");
    Ok(())
}
