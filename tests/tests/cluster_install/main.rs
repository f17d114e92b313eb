//! The shipped manifests on a real API server: what it stores of them, and what its authoriser grants by them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cardea_tests::guest;
use cardea_tests::plane::api::{self, Api};
use cardea_tests::plane::{Plane, shipped};
use http::Method;
use serde::Deserialize;
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

async fn manifests_are_accepted(api: &Api) -> Result<()> {
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

async fn pods_keep_the_security_levels(api: &Api) -> Result<()> {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    manifest: String,
    account: String,
    allowed: Vec<String>,
    refused: Vec<String>,
}

/// "list ingresses.networking.k8s.io/status in shop named one", as the authoriser is asked.
fn attributes(question: &str) -> Result<Value> {
    let words: Vec<&str> = question.split(' ').collect();
    let [verb, what, places @ ..] = words.as_slice() else { anyhow::bail!("{question}") };
    let (kind, subresource) = what.split_once('/').unwrap_or((what, ""));
    let (resource, group) = kind.split_once('.').unwrap_or((kind, ""));
    let mut asked: BTreeMap<&str, &str> =
        [("verb", *verb), ("resource", resource), ("group", group), ("subresource", subresource)].into();
    for pair in places.chunks(2) {
        match pair {
            ["in", namespace] => asked.insert("namespace", namespace),
            ["named", name] => asked.insert("name", name),
            _ => anyhow::bail!("{question}"),
        };
    }
    Ok(json!(asked))
}

async fn is_allowed(api: &Api, account: &str, question: &str) -> Result<bool> {
    let (namespace, name) = account.split_once('/').context("an account without a namespace")?;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {
            "user": format!("system:serviceaccount:{namespace}:{name}"),
            "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
            "resourceAttributes": attributes(question)?,
        },
    });
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let answer = api.send(Method::POST, path, "application/json", &review).await?;
    answer["status"]["allowed"].as_bool().context("no answer")
}

/// Removes what a manifest grants, so that the next one is judged by itself.
async fn withdraw(api: &Api, name: &str) -> Result<()> {
    for object in
        shipped(name)?.iter().filter(|object| object["kind"].as_str().is_some_and(|kind| kind.contains("Role")))
    {
        api.send(Method::DELETE, &api::path(object)?, "application/json", &Value::Null).await?;
    }
    Ok(())
}

async fn the_authoriser_grants_this_and_no_more(api: &Api) -> Result<()> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/rbac.yaml"))?;
    let cases: Vec<Case> = serde_yaml::from_str(&text)?;
    let mut wrong = Vec::new();
    for case in &cases {
        for object in
            shipped(&case.manifest)?.iter().filter(|object| STORED.contains(&object["kind"].as_str().unwrap()))
        {
            apply(api, object).await?;
        }
        for (questions, expected) in [(&case.allowed, true), (&case.refused, false)] {
            for question in questions {
                if is_allowed(api, &case.account, question).await? != expected {
                    wrong.push(format!("{}: {question}: should be {expected}", case.manifest));
                }
            }
        }
        withdraw(api, &case.manifest).await?;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// `CARDEA_HELM`, or what tools/helm finds.
fn helm() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("CARDEA_HELM") {
        return Ok(path.into());
    }
    let found = Command::new(guest::root().join("tools/helm")).output()?;
    ensure!(found.status.success(), "tools/helm: {}", String::from_utf8_lossy(&found.stderr));
    Ok(String::from_utf8(found.stdout)?.trim().into())
}

async fn the_chart_installs_upgrades_and_leaves(plane: &Plane, api: &Api) -> Result<()> {
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

/// One control plane and one order: what one manifest grants must be gone before the next is judged.
#[tokio::test]
async fn the_shipped_manifests_are_stored_admitted_and_grant_what_is_needed() {
    let plane = Plane::start().await.unwrap();
    let api = plane.api().await.unwrap();
    apply(&api, &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})).await.unwrap();
    manifests_are_accepted(&api).await.unwrap();
    pods_keep_the_security_levels(&api).await.unwrap();
    for name in ["install", "namespaced"] {
        withdraw(&api, name).await.unwrap();
    }
    the_authoriser_grants_this_and_no_more(&api).await.unwrap();
    the_chart_installs_upgrades_and_leaves(&plane, &api).await.unwrap();
}
