//! What is written back to the API server, by which replica, and what is left alone.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use cardea_tests::ingress::{Cluster, Ingress, Launch, Manifests, Mark};
use cardea_tests::pattern;
use cardea_tests::plane::api::code;
use cardea_tests::plane::{NODE, Plane, Room};
use cardea_tests::pulse::{DEADLINE, Pulse};
use http::Method;
use serde_json::{Value, json};

use super::{Case, case};

/// Of those that tests publish.
const ADDRESS: &str = "192.0.2.7";
/// A replica that vanished is replaced within this.
const LEADER_CHANGE_MAX_S: u64 = 15;

pub fn cases() -> Vec<Case> {
    vec![
        case("report: a leader that is killed is replaced in time", a_killed_leader_is_replaced),
        case("report: a leader that leaves hands over at once, and nothing is written twice", a_leader_hands_over),
        case("report: a changed class takes our addresses away, and nobody else's", a_changed_class_loses_addresses),
        case("report: the addresses of a Service follow it", a_service_is_published),
        case("report: the addresses of our nodes are published", nodes_are_published),
        case("report: a Policy's conditions follow it", conditions_follow),
        case("report: two installations share a Policy without a fight", installations_share),
        case("report: kubectl shows what a person wants to see", columns),
        case("report: the API server refuses bad Policies by field", bad_policies_are_refused),
    ]
}

/// The processes of one test, and its namespace.
struct Site {
    room: Room,
    cluster: Cluster,
    flags: Vec<String>,
}

impl Site {
    async fn new(plane: &Plane, flags: &[&str]) -> Result<Self> {
        let room = plane.room().await?;
        room.apply(&room.class()).await?;
        let kubeconfig = room.install(plane, None).await?;
        let cluster = Cluster { kubeconfig, namespace: room.name.clone() };
        let mut flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        flags.extend(["--controller-name".to_owned(), room.controller()]);
        Ok(Self { room, cluster, flags })
    }

    async fn start(&self) -> Result<Ingress> {
        let launch = Launch { flags: self.flags.clone(), cluster: Some(self.cluster.clone()), ..Launch::default() };
        Ingress::start(Manifests::new()?, &launch, &Pulse::default()).await
    }

    async fn ingress(&self, name: &str) -> Result<Value> {
        self.room.apply(&ingress(name, &self.room.name)).await
    }

    /// Waits until an object is as `wanted`; the object.
    async fn until(&self, kind: &str, name: &str, wanted: Value) -> Result<Value> {
        let check = |found: Option<&Value>| {
            pattern::matches(&wanted, found).map_err(|refusal| anyhow!("{refusal}"))?;
            found.cloned().context("it is gone")
        };
        self.room.api.until(kind, &self.room.name, name, check).await
    }

    async fn published(&self, name: &str, addresses: Value) -> Result<Value> {
        self.until("Ingress", name, json!({"status": {"loadBalancer": {"ingress": addresses}}})).await
    }

    async fn version(&self, name: &str) -> Result<Value> {
        let object = self.room.api.get("Ingress", &self.room.name, name).await?.context("no Ingress")?;
        Ok(object["metadata"]["resourceVersion"].clone())
    }
}

fn ingress(name: &str, class: &str) -> Value {
    let backend = json!({"service": {"name": "shop", "port": {"number": 80}}});
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
        "spec": {
            "ingressClassName": class,
            "rules": [{"host": format!("{name}.test"), "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        },
    })
}

fn leading() -> Value {
    json!({"event": "leading"})
}

/// Waits longer than other tests do, since a Lease runs out in its own time.
async fn leads(process: &Ingress) -> Result<()> {
    let begin = Instant::now();
    let start = Mark::default();
    loop {
        match process.event(start, &leading()).await {
            Ok(_) => return Ok(()),
            Err(error) if begin.elapsed().as_secs() >= LEADER_CHANGE_MAX_S => return Err(error),
            Err(_) => {}
        }
    }
}

async fn a_killed_leader_is_replaced(plane: Arc<Plane>) -> Result<()> {
    let site = Site::new(&plane, &["--publish-address", ADDRESS]).await?;
    let first = site.start().await?;
    leads(&first).await?;
    let second = site.start().await?;
    site.ingress("before").await?;
    site.published("before", json!([{"ip": ADDRESS}])).await?;
    let version = site.version("before").await?;
    ensure!(second.events(Mark::default()).iter().all(|event| event["event"] != "leading"), "two lead");
    drop(first);
    let killed = Instant::now();
    leads(&second).await?;
    let took = killed.elapsed();
    ensure!(took.as_secs() < LEADER_CHANGE_MAX_S, "it took {took:?}");
    site.ingress("after").await?;
    site.published("after", json!([{"ip": ADDRESS}])).await?;
    ensure!(version == site.version("before").await?, "what was right is written again");
    site.room.close().await
}

async fn a_leader_hands_over(plane: Arc<Plane>) -> Result<()> {
    let site = Site::new(&plane, &["--publish-address", ADDRESS]).await?;
    let mut first = site.start().await?;
    leads(&first).await?;
    let second = site.start().await?;
    // Its Service is not there, of which an Event tells.
    site.ingress("shop").await?;
    site.published("shop", json!([{"ip": ADDRESS}])).await?;
    let about = [("fieldSelector", "regarding.name=shop")];
    let one = |events: &[Value]| {
        ensure!(events.len() == 1, "{} Events: {events:?}", events.len());
        Ok(events[0].clone())
    };
    let event = site.room.api.until_list("Event", &site.room.name, &about, one).await?;
    ensure!(event["reason"] == "BackendNotReady" && event["type"] == "Warning", "{event}");
    ensure!(
        event["note"].as_str().is_some_and(|note| note.contains("spec.rules[0]") && note.contains("; ")),
        "{event}"
    );
    let version = site.version("shop").await?;
    first.signal("TERM")?;
    let told = Instant::now();
    leads(&second).await?;
    ensure!(told.elapsed() < DEADLINE / 2, "it took {:?}", told.elapsed());
    first.exit().await?;
    ensure!(site.version("shop").await? == version, "the status went with the replica, or was written again");
    // What the new leader does after a pass over everything shows that it left the rest alone.
    site.ingress("later").await?;
    let about_later = [("fieldSelector", "regarding.name=later")];
    site.room.api.until_list("Event", &site.room.name, &about_later, one).await?;
    let events = site.room.api.list("Event", &site.room.name).await?;
    let of_shop: Vec<&Value> = events.iter().filter(|event| event["regarding"]["name"] == "shop").collect();
    ensure!(of_shop.len() == 1 && of_shop[0]["metadata"] == event["metadata"], "told again: {of_shop:?}");
    site.room.close().await
}

async fn a_changed_class_loses_addresses(plane: Arc<Plane>) -> Result<()> {
    let site = Site::new(&plane, &["--publish-address", ADDRESS]).await?;
    let api = &site.room.api;
    let theirs = json!({"loadBalancer": {"ingress": [{"ip": ADDRESS}]}});
    // Of a class of nobody here, and with the address that we publish, too.
    site.room.apply(&ingress("foreign", "elsewhere")).await?;
    api.patch_status("Ingress", &site.room.name, "foreign", theirs.clone()).await?;
    site.ingress("moved").await?;
    site.ingress("stays").await?;
    let process = site.start().await?;
    leads(&process).await?;
    let written = site.published("moved", json!([{"ip": ADDRESS}])).await?;
    site.published("stays", json!([{"ip": ADDRESS}])).await?;
    let version = written["metadata"]["resourceVersion"].clone();
    let moved = json!({"spec": {"ingressClassName": "elsewhere"}, "metadata": {"resourceVersion": version}});
    api.patch("Ingress", &site.room.name, "moved", &moved).await?;
    site.published("moved", Value::Null).await?;
    let foreign = api.get("Ingress", &site.room.name, "foreign").await?.context("no Ingress")?;
    ensure!(foreign["status"] == theirs, "{foreign}");
    site.published("stays", json!([{"ip": ADDRESS}])).await?;
    site.room.close().await
}

async fn a_service_is_published(plane: Arc<Plane>) -> Result<()> {
    let mut site = Site::new(&plane, &[]).await?;
    let mut service = site.room.service("edge", None);
    service["spec"]["type"] = json!("LoadBalancer");
    site.flags.extend(["--publish-service".to_owned(), format!("{}/edge", site.room.name)]);
    site.ingress("shop").await?;
    let process = site.start().await?;
    leads(&process).await?;
    let absent = json!({"event": "report_failed", "object": {"contains": "Service"}, "remedy": {"present": true}});
    process.event(Mark::default(), &absent).await?;
    site.room.apply(&service).await?;
    for address in [json!([{"ip": "192.0.2.1"}]), json!([{"hostname": "lb.example.com"}]), Value::Null] {
        let status = json!({"loadBalancer": {"ingress": address.clone()}});
        site.room.api.patch_status("Service", &site.room.name, "edge", status).await?;
        site.published("shop", address).await?;
    }
    site.room.close().await
}

async fn nodes_are_published(plane: Arc<Plane>) -> Result<()> {
    let mut site = Site::new(&plane, &["--publish-node-addresses", "--pod-name", "cardea-0"]).await?;
    // Which roles this needs is the chart's to say.
    site.cluster.kubeconfig = plane.kubeconfig.clone();
    let addresses = json!({"addresses": [
        {"type": "InternalIP", "address": "10.1.0.1"}, {"type": "ExternalIP", "address": "192.0.2.10"},
    ]});
    site.room.api.patch_status("Node", "", NODE, addresses).await?;
    site.room.pod("cardea-0", "cardea", plane.address()).await?;
    site.ingress("shop").await?;
    let process = site.start().await?;
    leads(&process).await?;
    site.published("shop", json!([{"ip": "192.0.2.10"}])).await?;
    site.room.close().await
}

fn policy(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "cardea.dev/v1alpha1", "kind": "Policy", "metadata": {"name": name}, "spec": spec})
}

fn module(bytes: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "modules"}, "binaryData": {"mark": bytes}})
}

/// The `mark` guest, as base64.
fn mark() -> Result<String> {
    use base64::Engine;
    Ok(base64::engine::general_purpose::STANDARD.encode(cardea_tests::guest::component("mark")?))
}

async fn a_used_policy(site: &Site) -> Result<()> {
    let mut user = ingress("shop", &site.room.name);
    user["metadata"]["annotations"] = json!({"cardea.dev/policies": "mark"});
    site.room.apply(&user).await?;
    site.room
        .apply(&policy("mark", json!({"module": {"configMap": {"name": "modules", "key": "mark"}}})))
        .await
        .map(drop)
}

fn condition<'a>(policy: &'a Value, kind: &str) -> Result<&'a Value> {
    let conditions = policy["status"]["conditions"].as_array().context("no conditions")?;
    conditions.iter().find(|condition| condition["type"] == kind).with_context(|| format!("no {kind}"))
}

async fn conditions_follow(plane: Arc<Plane>) -> Result<()> {
    let site = Site::new(&plane, &[]).await?;
    a_used_policy(&site).await?;
    let process = site.start().await?;
    leads(&process).await?;
    let has = |kind: &str, status: &str| json!({"status": {"conditions": {"has": [{"type": kind, "status": status}]}}});
    let missing = site.until("Policy", "mark", has("Resolved", "False")).await?;
    ensure!(condition(&missing, "Programmed")?["status"] == "False", "{missing}");
    ensure!(condition(&missing, "Compiled")?["status"] == "Unknown", "{missing}");
    ensure!(missing["status"]["lastError"].as_str().is_some_and(|error| error.contains("spec.module")), "{missing}");

    site.room.apply(&module(&mark()?)).await?;
    let good = site.until("Policy", "mark", has("Programmed", "True")).await?;
    let digest = good["status"]["digest"].as_str().context("no digest")?.to_owned();
    ensure!(digest.starts_with("sha256:") && good["status"]["lastError"].is_null(), "{good}");
    ensure!(condition(&good, "Programmed")?["observedGeneration"] == 1, "{good}");

    site.room.api.patch("Policy", &site.room.name, "mark", &json!({"spec": {"failureMode": "Skip"}})).await?;
    let newer = site.until("Policy", "mark", json!({"status": {"observedGeneration": 2}})).await?;
    for kind in ["Resolved", "Verified", "Compiled", "Programmed"] {
        let (before, after) = (condition(&good, kind)?, condition(&newer, kind)?);
        ensure!(after["observedGeneration"] == 2, "{after}");
        ensure!(before["lastTransitionTime"] == after["lastTransitionTime"], "{kind}: {before} {after}");
    }

    site.room.apply(&module("bm90aGluZw==")).await?;
    let broken = site.until("Policy", "mark", has("Compiled", "False")).await?;
    ensure!(condition(&broken, "Programmed")?["reason"] == "LastGoodServes", "{broken}");
    ensure!(broken["status"]["digest"] == digest.as_str(), "{broken}");
    site.room.close().await
}

/// Another installation sees the Policy and does not use it; then the first stops using it.
async fn installations_share(plane: Arc<Plane>) -> Result<()> {
    let (site, other) = (Site::new(&plane, &[]).await?, Site::new(&plane, &[]).await?);
    for site in [&site, &other] {
        a_used_policy(site).await?;
        site.room.apply(&module(&mark()?)).await?;
    }
    let programmed =
        |status: &str| json!({"status": {"conditions": {"has": [{"type": "Programmed", "status": status}]}}});
    let process = site.start().await?;
    leads(&process).await?;
    let written = site.until("Policy", "mark", programmed("True")).await?;
    let second = other.start().await?;
    leads(&second).await?;
    other.until("Policy", "mark", programmed("True")).await?;
    let after = site.room.api.get("Policy", &site.room.name, "mark").await?.context("no Policy")?;
    ensure!(after["metadata"]["resourceVersion"] == written["metadata"]["resourceVersion"], "written again: {after}");
    site.room.api.delete("Ingress", &site.room.name, "shop").await?;
    let unused = site.until("Policy", "mark", programmed("False")).await?;
    ensure!(condition(&unused, "Programmed")?["reason"] == "NotUsed", "{unused}");
    other.room.close().await?;
    site.room.close().await
}

async fn columns(plane: Arc<Plane>) -> Result<()> {
    let site = Site::new(&plane, &[]).await?;
    a_used_policy(&site).await?;
    site.room.apply(&module(&mark()?)).await?;
    let process = site.start().await?;
    leads(&process).await?;
    let wanted = json!({"status": {"conditions": {"has": [{"type": "Programmed", "status": "True"}]}}});
    site.until("Policy", "mark", wanted).await?;
    let table = site.room.api.table("Policy", &site.room.name).await?;
    let all = table["columnDefinitions"].as_array().context("no columns")?;
    let named = |priority: u64| -> Vec<&str> {
        all.iter()
            .filter(|column| column["priority"] == priority)
            .filter_map(|column| column["name"].as_str())
            .collect()
    };
    ensure!(named(0) == ["Name", "Module", "Digest", "Programmed", "Age"], "{all:?}");
    ensure!(named(1) == ["Failure Mode", "Message"], "{all:?}");
    let cells = table["rows"][0]["cells"].as_array().context("no row")?;
    let text = |at: usize| cells[at].as_str().unwrap_or_default();
    ensure!((text(0), text(1), text(3)) == ("mark", "ConfigMap modules, key mark", "True"), "{cells:?}");
    ensure!(text(2).len() == 12 && text(2).bytes().all(|byte| byte.is_ascii_hexdigit()), "{cells:?}");
    ensure!(text(5) == "Deny" && text(6).contains("serves"), "{cells:?}");
    site.room.close().await
}

async fn bad_policies_are_refused(plane: Arc<Plane>) -> Result<()> {
    let room = plane.room().await?;
    let path = format!("/apis/cardea.dev/v1alpha1/namespaces/{}/policies?fieldValidation=Strict", room.name);
    let create = |spec: Value| {
        let (api, path) = (room.api.clone(), path.clone());
        async move { api.send(Method::POST, &path, "application/json", &policy("p", spec)).await }
    };
    let digest = format!("sha256:{}", "a".repeat(64));
    let file = json!({"file": "a.wasm"});
    let bad = [
        (json!({"module": {}}), "exactly one of file, configMap, oci and http"),
        (json!({"module": {"file": "a", "configMap": {"name": "a", "key": "b"}}}), "exactly one of"),
        (json!({"module": {"http": {"url": "https://a.test/b"}}}), "spec.module.digest"),
        (json!({"module": {"http": {"url": "ftp://a.test/b"}, "digest": digest}}), "spec.module.http.url"),
        (json!({"module": {"file": "a", "digest": "sha256:AB"}}), "spec.module.digest"),
        (json!({"module": {"oci": {"image": "nginx"}}}), "with its registry"),
        (json!({"module": {"oci": {"image": "r.test/a:b", "interval": "5ms"}}}), "spec.module.oci.interval"),
        (json!({"module": {"configMap": {"name": "", "key": "b"}}}), "spec.module.configMap.name"),
        (json!({"module": file, "limits": {"deadline": "2s"}}), "from 1ms to 1s"),
        (json!({"module": file, "limits": {"deadline": "5"}}), "from 1ms to 1s"),
        (json!({"module": file, "limits": {"memory": "16MB"}}), "spec.limits.memory"),
        (json!({"module": file, "limits": {"body": -1}}), "spec.limits.body"),
        (json!({"module": file, "grants": {"headers": ["a b"]}}), "spec.grants.headers[0]"),
        (json!({"module": file, "grants": {"interfaces": ["disk"]}}), "spec.grants.interfaces[0]"),
        (json!({"module": file, "grants": {"interfaces": ["log", "log"]}}), "spec.grants.interfaces[1]"),
        (json!({"module": file, "failureMode": "Allow"}), "spec.failureMode"),
        (json!({"module": file, "failuremode": "Skip"}), "spec.failuremode"),
    ];
    for (spec, wanted) in bad {
        let refused = create(spec.clone()).await.err().with_context(|| format!("{spec} is accepted"))?;
        ensure!(matches!(code(&refused), Some(400 | 422)), "{spec}: {refused:#}");
        ensure!(format!("{refused:#}").contains(wanted), "{spec}: {refused:#}");
    }
    let full = json!({
        "module": {"http": {"url": "https://a.test/b"}, "digest": digest},
        "config": {"any": [1, {"deep": null}], "more": "x"},
        "grants": {"interfaces": ["log", "clock"], "headers": ["x-forwarded-for"]},
        "limits": {"deadline": "5ms", "memory": "16Mi", "body": 65536},
        "failureMode": "Skip", "isolation": "request",
    });
    let made = create(full.clone()).await?;
    ensure!(made["spec"]["config"]["more"] == "x" && made["spec"]["limits"] == full["limits"], "{made}");
    room.close().await
}
