//! Whether the binary serves with the arguments and the permissions of a shipped manifest, and is refused nothing.

use anyhow::{Context, Result, ensure};
use cardea_tests::certificate::Certificate;
use cardea_tests::ingress::{Cluster, Ingress, Launch, Manifests, Mark};
use cardea_tests::plane::api::{self, Api};
use cardea_tests::plane::{NODE, Plane, shipped};
use cardea_tests::pulse::Pulse;
use cardea_tests::series::{self, Families};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{STORED, apply, granted};

/// Beside what grants: what the arguments name.
const NAMED: [&str; 4] = ["Service", "Secret", "ValidatingWebhookConfiguration", "IngressClass"];
const POD: &str = "cardea-0";
const ADDRESS: &str = "192.0.2.7";

pub async fn with_its_own_permissions(plane: &Plane, api: &Api, manifest: &str) -> Result<()> {
    let objects = shipped(manifest)?;
    for object in &objects {
        let kind = object["kind"].as_str().unwrap_or_default();
        if STORED.contains(&kind) {
            apply(api, object).await?;
        } else if NAMED.contains(&kind) {
            api.apply(object).await?;
        }
    }
    let workload =
        objects.iter().find(|object| object.pointer("/spec/template/spec").is_some()).context("no workload")?;
    let namespace = workload["metadata"]["namespace"].as_str().context("no namespace")?;
    let account = workload["spec"]["template"]["spec"]["serviceAccountName"].as_str().context("no account")?;
    surround(api, workload).await?;
    let class = if manifest == "namespaced" { "shop" } else { "cardea" };
    declare(api, class).await?;

    let folder = TempDir::with_prefix("cardea-install-")?;
    let kubeconfig = plane.kubeconfig_of(namespace, account, None).await?;
    let launch = Launch {
        flags: flags(workload, &folder)?,
        cluster: Some(Cluster { kubeconfig, namespace: namespace.to_owned() }),
        ..Launch::default()
    };
    let ingress = Ingress::start(Manifests::new()?, &launch, &Pulse::default()).await.context(manifest.to_owned())?;
    check(&ingress, api, manifest)
        .await
        .with_context(|| format!("{manifest}: {:?}", ingress.events(Mark::default())))?;
    drop(ingress);
    tidy(api, manifest, &objects).await
}

/// The arguments of the container, but for its addresses and folders.
fn flags(workload: &Value, folder: &TempDir) -> Result<Vec<String>> {
    let arguments = workload["spec"]["template"]["spec"]["containers"][0]["args"].as_array().context("no arguments")?;
    let elsewhere =
        ["serve", "--kubernetes", "--http", "--https", "--admin", "--module-cache", "--snapshot", "--webhook"];
    let kept = arguments.iter().filter_map(Value::as_str);
    let kept = kept.filter(|argument| !elsewhere.contains(&argument.split('=').next().unwrap_or_default()));
    let has_webhook = arguments.iter().filter_map(Value::as_str).any(|argument| argument.starts_with("--webhook="));
    let mut flags: Vec<String> = kept.map(str::to_owned).collect();
    flags.push(format!("--module-cache={}", folder.path().join("modules").display()));
    flags.push(format!("--snapshot={}", folder.path().join("snapshot").display()));
    flags.push(format!("--pod-name={POD}"));
    flags.extend(has_webhook.then(|| "--webhook=127.0.0.1:0".to_owned()));
    Ok(flags)
}

/// What a kubelet and a cloud would add: our pod on its node, and an address of each.
async fn surround(api: &Api, workload: &Value) -> Result<()> {
    let mut pod = workload["spec"]["template"].clone();
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!(POD);
    pod["metadata"]["namespace"] = workload["metadata"]["namespace"].clone();
    pod["spec"]["nodeName"] = json!(NODE);
    pod["spec"]["terminationGracePeriodSeconds"] = json!(0);
    let namespace = workload["metadata"]["namespace"].as_str().context("no namespace")?;
    api.create(&pod).await?;
    api.patch_status("Pod", namespace, POD, json!({"phase": "Running"})).await?;
    api.patch_status("Node", "", NODE, json!({"addresses": [{"type": "ExternalIP", "address": ADDRESS}]})).await?;
    if api.get("Service", namespace, "cardea").await?.is_some_and(|service| service["spec"]["type"] == "LoadBalancer") {
        let balanced = json!({"loadBalancer": {"ingress": [{"ip": ADDRESS}]}});
        api.patch_status("Service", namespace, "cardea", balanced).await?;
    }
    Ok(())
}

/// An Ingress that names a Secret and a Policy, whose module is in a ConfigMap that is not there.
async fn declare(api: &Api, class: &str) -> Result<()> {
    let certificate = Certificate::new("shop", &["shop.test".to_owned()])?;
    let policy = json!({
        "apiVersion": "cardea.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "guard", "namespace": "shop"},
        "spec": {"module": {"configMap": {"name": "modules", "key": "guard"}}},
    });
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let ingress = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": "web", "namespace": "shop", "annotations": {"cardea.dev/policies": "guard"}},
        "spec": {
            "ingressClassName": class,
            "tls": [{"hosts": ["shop.test"], "secretName": "shop-tls"}],
            "rules": [{"host": "shop.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        },
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"ports": [{"port": 80}]},
    });
    for object in [&certificate.secret("shop", "shop-tls"), &service, &policy, &ingress] {
        api.apply(object).await?;
    }
    Ok(())
}

/// Everything that needs a permission happens, and none is said to be missing.
async fn check(ingress: &Ingress, api: &Api, manifest: &str) -> Result<()> {
    let start = Mark::default();
    ingress.event(start, &json!({"event": "leading"})).await?;
    api.until("Policy", "shop", "guard", |policy| {
        let conditions = policy.and_then(|policy| policy.pointer("/status/conditions")).and_then(Value::as_array);
        ensure!(conditions.is_some_and(|conditions| !conditions.is_empty()), "no condition of the Policy");
        Ok(())
    })
    .await?;
    api.until_list("Event", "shop", &[], |events| {
        ensure!(events.iter().any(|event| event["regarding"]["kind"] == "Policy"), "no Event of the Policy");
        Ok(())
    })
    .await?;
    // A namespaced install publishes nothing unless it is told what.
    if manifest != "namespaced" {
        api.until("Ingress", "shop", "web", |found| {
            let address = found.and_then(|found| found.pointer("/status/loadBalancer/ingress/0/ip"));
            ensure!(address == Some(&json!(ADDRESS)), "the status says {address:?}");
            Ok(())
        })
        .await?;
        ingress.event(start, &json!({"event": "webhook_certificate"})).await?;
        ingress.event(start, &json!({"event": "webhook_authority"})).await?;
    }
    let page = ingress.metrics().await?;
    let families = Families::of(&page)?;
    // Without a webhook there are no reviews to count.
    let has_webhook = manifest != "namespaced";
    let shown = |expression: &&String| {
        series::needs_cluster(expression) && (has_webhook || !expression.contains("cardea_admission_"))
    };
    for expression in series::expressions()?.iter().filter(shown) {
        families.check(expression)?;
    }
    let problems = ingress.config().await?["problems"].to_string();
    ensure!(problems.contains("guard") && !problems.contains("shop-tls"), "{problems}");
    // The namespaced install does without classes, on purpose.
    let needless = |event: &Value| manifest == "namespaced" && event["kind"] == "IngressClass";
    let failed =
        |event: &Value| event["event"].as_str().is_some_and(|name| name.ends_with("_failed")) && !needless(event);
    let failures: Vec<Value> = ingress.events(start).into_iter().filter(failed).collect();
    ensure!(failures.is_empty(), "{failures:?}");
    Ok(())
}

/// The next manifest begins as this one did.
async fn tidy(api: &Api, manifest: &str, objects: &[Value]) -> Result<()> {
    granted::withdraw(api, manifest).await?;
    for kind in [("Ingress", "web"), ("Policy", "guard")] {
        api.delete(kind.0, "shop", kind.1).await?;
    }
    let named = |object: &&Value| object["kind"].as_str().is_some_and(|kind| NAMED.contains(&kind));
    for object in objects.iter().filter(named) {
        api.send(Method::DELETE, &api::path(object)?, "application/json", &Value::Null).await?;
    }
    // Killed, it gave its Lease back to nobody; and what it told is not to be taken for the next one's words.
    for event in api.list("Event", "shop").await? {
        api.delete("Event", "shop", event["metadata"]["name"].as_str().unwrap_or_default()).await?;
    }
    let namespace = objects[0]["metadata"]["namespace"].as_str().unwrap_or("cardea");
    api.delete("Lease", namespace, "cardea").await?;
    api.delete("Pod", namespace, POD).await
}
