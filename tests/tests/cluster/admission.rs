//! The shipped webhook, asked by a real API server: with the certificate that replicas make, renew and share.

use std::net::IpAddr;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cardea_tests::ingress::{Cluster, Ingress, Launch, Manifests, Mark};
use cardea_tests::plane::api::{Api, code};
use cardea_tests::plane::{Plane, Room, shipped};
use cardea_tests::pulse::{DEADLINE, Pulse};
use cardea_tests::webhook::Caller;
use http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Case, case};

/// The ValidatingWebhookConfiguration, the Service and its Secret, as shipped.
const CONFIGURATION: &str = "cardea";
const SERVICE: &str = "cardea-webhook";

pub fn cases() -> Vec<Case> {
    // A webhook is the whole cluster's, whatever its selector says.
    vec![case("admission: bad objects are refused by name, until nobody answers", refused_by_name).alone()]
}

struct Site {
    room: Room,
    cluster: Cluster,
    webhook: IpAddr,
}

impl Site {
    async fn new(plane: &Plane) -> Result<Self> {
        let room = plane.room().await?;
        room.apply(&room.class()).await?;
        let kubeconfig = room.install(plane, None).await?;
        let mut secret = shipped_object("Secret", SERVICE)?;
        secret["metadata"]["namespace"] = json!(room.name);
        room.apply(&secret).await?;
        let mut service = shipped_object("Service", SERVICE)?;
        service["metadata"]["namespace"] = json!(room.name);
        let service = room.apply(&service).await?;
        let webhook: IpAddr = service["spec"]["clusterIP"].as_str().context("no address")?.parse()?;
        // What kube-proxy would do: the Service's address leads to us.
        let added = Command::new("ip").args(["addr", "add", &format!("{webhook}/32"), "dev", "lo"]).status()?;
        ensure!(added.success(), "ip addr add: {added}");
        let mut configuration = shipped_object("ValidatingWebhookConfiguration", CONFIGURATION)?;
        let ours = &mut configuration["webhooks"][0];
        ours["clientConfig"]["service"]["namespace"] = json!(room.name);
        ours["namespaceSelector"] = json!({"matchLabels": {"kubernetes.io/metadata.name": room.name}});
        room.apply(&configuration).await?;
        let cluster = Cluster { kubeconfig, namespace: room.name.clone() };
        Ok(Self { room, cluster, webhook })
    }

    async fn start(&self, life: &str) -> Result<Ingress> {
        let (address, controller) = (format!("{}:443", self.webhook), self.room.controller());
        let flags = ["--webhook", &address, "--webhook-certificate-life", life, "--controller-name", &controller];
        let launch = Launch {
            flags: flags.map(str::to_owned).to_vec(),
            cluster: Some(self.cluster.clone()),
            ..Launch::default()
        };
        Ingress::start(Manifests::new()?, &launch, &Pulse::default()).await
    }

    fn ingress(&self, name: &str, host: &str) -> Value {
        let backend = json!({"service": {"name": "shop", "port": {"number": 80}}});
        let paths = json!([{"path": "/", "pathType": "Prefix", "backend": backend}]);
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": name, "namespace": self.room.name},
            "spec": {"ingressClassName": self.room.name, "rules": [{"host": host, "http": {"paths": paths}}]},
        })
    }

    /// The PEM certificates that the API server trusts.
    async fn authorities(&self) -> Result<Value> {
        let found = self.room.api.get("ValidatingWebhookConfiguration", "", CONFIGURATION).await?;
        Ok(found.context("no configuration")?["webhooks"][0]["clientConfig"]["caBundle"].clone())
    }
}

fn shipped_object(kind: &str, name: &str) -> Result<Value> {
    let is_it = |object: &Value| object["kind"] == kind && object["metadata"]["name"] == name;
    shipped("install")?.into_iter().find(is_it).with_context(|| format!("no {kind} {name} is shipped"))
}

/// Asks whether the object would be stored; nothing is.
async fn trial(api: &Api, object: &Value) -> Result<Value> {
    let namespace = object["metadata"]["namespace"].as_str().context("no namespace")?;
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses?dryRun=All");
    api.send(Method::POST, &path, "application/json", object).await
}

/// Repeats until the API server calls the webhook: it hears of a new configuration when it does.
async fn refusal(api: &Api, object: &Value) -> Result<anyhow::Error> {
    let (pulse, deadline) = (Pulse::default(), Instant::now() + DEADLINE);
    loop {
        match trial(api, object).await {
            Err(refused) => return Ok(refused),
            Ok(_) if Instant::now() > deadline => return Err(anyhow!("it is still allowed")),
            Ok(_) => pulse.soon().await,
        }
    }
}

async fn refused_by_name(plane: Arc<Plane>) -> Result<()> {
    let site = Site::new(&plane).await?;
    let api = &site.room.api;
    let first = site.start("10s").await?;
    first.event(Mark::default(), &json!({"event": "webhook_authority"})).await?;

    // An address is no host, but the API server lets a bad annotation of ours pass.
    let mut bad = site.ingress("bad", "a.test");
    bad["metadata"]["annotations"] = json!({"cardea.dev/request-timeout": "soon"});
    let refused = refusal(api, &bad).await?;
    let said = format!("{refused:#}");
    ensure!(code(&refused) == Some(422), "{said}");
    let field = "metadata.annotations[cardea.dev/request-timeout]: \"soon\" is not understood";
    ensure!(said.contains(field) && said.contains("Write a number with a unit"), "{said}");
    // Its Service may come later.
    api.create(&site.ingress("good", "a.test")).await?;

    // Two thirds of ten seconds later there is another certificate, and the API server needs no new authority for it.
    let (shown, trusted) = (Caller::connect((site.webhook, 443).into()).await?.certificate, site.authorities().await?);
    let mark = first.mark();
    first.event(mark, &json!({"event": "webhook_certificate"})).await?;
    ensure!(Caller::connect((site.webhook, 443).into()).await?.certificate != shown, "the same certificate");
    ensure!(site.authorities().await? == trusted, "another authority");
    ensure!(trusted.as_str().is_some_and(|pem| STANDARD.decode(pem).is_ok()), "{trusted}");
    let refused = trial(api, &bad).await.err().context("allowed after the certificate changed")?;
    ensure!(code(&refused) == Some(422), "{refused:#}");

    // The next replica takes what is there.
    let mut first = first;
    first.signal("TERM")?;
    first.exit().await?;
    // Nobody answers: objects are stored nevertheless.
    trial(api, &bad).await.context("refused while nobody answers")?;
    let second = site.start("2160h").await?;
    let refused = refusal(api, &bad).await?;
    ensure!(code(&refused) == Some(422), "{refused:#}");
    ensure!(site.authorities().await? == trusted, "the second replica made an authority of its own");
    drop(second);
    api.delete("ValidatingWebhookConfiguration", "", CONFIGURATION).await?;
    site.room.close().await
}
