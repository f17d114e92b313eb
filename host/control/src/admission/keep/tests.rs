//! The keeper against a scripted API server: what it writes, and what it leaves alone.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use super::{Fault, Keeper, Notice, Place, Take};
use crate::admission::certificate::Pair;

fn place() -> Place {
    Place {
        namespace: "infra".into(),
        service: "cardea-webhook".into(),
        configuration: "cardea".into(),
        life: Duration::from_secs(90 * 24 * 60 * 60),
    }
}

/// Objects by path, as an API server has them: a replace on another version than the current one conflicts.
#[derive(Default)]
struct Server {
    objects: BTreeMap<String, Value>,
    writes: Vec<String>,
    forbid: Option<&'static str>,
}

impl Server {
    fn answer(&mut self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let refuse = |code: u16, reason: &str| {
            (
                code,
                json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason, "reason": reason, "code": code }),
            )
        };
        if self.forbid == Some(method) {
            return refuse(403, "Forbidden");
        }
        if method != "GET" {
            self.writes.push(format!("{method} {path}"));
        }
        let sent: Value = serde_json::from_slice(body).unwrap_or_default();
        match method {
            "GET" => self.objects.get(path).map_or_else(|| refuse(404, "NotFound"), |found| (200, found.clone())),
            "POST" => {
                let path = format!("{path}/{}", sent["metadata"]["name"].as_str().unwrap());
                match self.objects.contains_key(&path) {
                    true => refuse(409, "AlreadyExists"),
                    false => (201, self.keep(path, sent)),
                }
            }
            "PUT" => {
                let current = &self.objects[path]["metadata"]["resourceVersion"];
                match *current == sent["metadata"]["resourceVersion"] {
                    true => (200, self.keep(path.to_owned(), sent)),
                    false => refuse(409, "Conflict"),
                }
            }
            "PATCH" => {
                let mut object = self.objects[path].clone();
                for patch in sent["webhooks"].as_array().unwrap() {
                    let webhooks = object["webhooks"].as_array_mut().unwrap();
                    let named = webhooks.iter_mut().find(|webhook| webhook["name"] == patch["name"]).unwrap();
                    named["clientConfig"]["caBundle"] = patch["clientConfig"]["caBundle"].clone();
                }
                (200, self.keep(path.to_owned(), object))
            }
            other => panic!("{other}"),
        }
    }

    fn keep(&mut self, path: String, mut object: Value) -> Value {
        object["metadata"]["resourceVersion"] = json!(self.writes.len().to_string());
        self.objects.insert(path, object.clone());
        object
    }
}

const SECRET: &str = "/api/v1/namespaces/infra/secrets/cardea-webhook";
const CONFIGURATION: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/cardea";

fn server() -> Arc<Mutex<Server>> {
    let webhook = |name: &str, service: &str| {
        json!({
            "name": name, "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": { "service": { "name": service, "namespace": "infra", "path": "/validate" } },
        })
    };
    let configuration = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "cardea", "resourceVersion": "0" },
        "webhooks": [webhook("check.cardea.dev", "cardea-webhook"), webhook("other.test", "other")],
    });
    let objects = BTreeMap::from([(CONFIGURATION.to_owned(), configuration)]);
    Arc::new(Mutex::new(Server { objects, ..Server::default() }))
}

fn keeper(server: &Arc<Mutex<Server>>) -> Keeper {
    let server = Arc::clone(server);
    let service = tower::service_fn(move |request: Request<Body>| {
        let server = Arc::clone(&server);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await.unwrap();
            let (status, answer) = server.lock().unwrap().answer(parts.method.as_str(), parts.uri.path(), &body);
            let mut response = Response::new(Body::from(answer.to_string().into_bytes()));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    Keeper::new(Client::new(service, "infra"), place())
}

#[derive(Default)]
struct Taken {
    pairs: Vec<Pair>,
    notices: Vec<Notice>,
}

impl Take for Taken {
    fn serve(&mut self, pair: &Pair) {
        self.pairs.push(pair.clone());
    }

    fn tell(&mut self, notice: Notice) {
        self.notices.push(notice);
    }
}

#[tokio::test]
async fn the_first_turn_makes_everything_and_the_next_one_nothing() {
    let server = server();
    let keeper = keeper(&server);
    let (mut taken, mut served) = (Taken::default(), None);
    keeper.turn(&mut taken, &mut served).await.unwrap();
    keeper.turn(&mut taken, &mut served).await.unwrap();
    let server = server.lock().unwrap();
    assert_eq!(server.writes, ["POST /api/v1/namespaces/infra/secrets".to_owned(), format!("PATCH {CONFIGURATION}")]);
    assert_eq!(taken.pairs.len(), 1);
    assert_eq!(taken.notices.len(), 2);
    let webhooks = &server.objects[CONFIGURATION]["webhooks"];
    assert_eq!(webhooks[0]["clientConfig"]["caBundle"], server.objects[SECRET]["data"]["ca.crt"]);
    assert_eq!(webhooks[1]["clientConfig"]["caBundle"], Value::Null);
}

#[tokio::test]
async fn replicas_end_with_one_certificate() {
    let server = server();
    let (one, two) = (keeper(&server), keeper(&server));
    let (mut first, mut second) = (Taken::default(), Taken::default());
    one.turn(&mut first, &mut None).await.unwrap();
    two.turn(&mut second, &mut None).await.unwrap();
    assert_eq!(first.pairs, second.pairs);
    assert_eq!(server.lock().unwrap().writes.len(), 2);
}

#[tokio::test]
async fn a_write_that_came_second_is_given_up_for_what_is_there() {
    let server = server();
    let keeper = keeper(&server);
    let made = crate::admission::certificate::renew(None, &keeper.names, place().life, super::now()).unwrap().unwrap();
    keeper.write(None, &made).await.unwrap();
    assert!(matches!(keeper.write(None, &made).await, Err(Fault::Raced)));
    let stale = keeper.secrets.get(&place().service).await.unwrap();
    keeper.write(Some(stale.clone()), &made).await.unwrap();
    assert!(matches!(keeper.write(Some(stale), &made).await, Err(Fault::Raced)));
}

#[tokio::test]
async fn an_empty_secret_of_the_install_is_filled_and_keeps_its_labels() {
    let server = server();
    let empty = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "cardea-webhook", "namespace": "infra", "resourceVersion": "7", "labels": { "app": "cardea" } },
    });
    server.lock().unwrap().objects.insert(SECRET.to_owned(), empty);
    keeper(&server).turn(&mut Taken::default(), &mut None).await.unwrap();
    let server = server.lock().unwrap();
    assert_eq!(server.writes[0], format!("PUT {SECRET}"));
    assert_eq!(server.objects[SECRET]["metadata"]["labels"]["app"], "cardea");
    assert!(server.objects[SECRET]["data"]["tls.key"].is_string());
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let server = server();
    let keeper = keeper(&server);
    server.lock().unwrap().forbid = Some("POST");
    let fault = keeper.turn(&mut Taken::default(), &mut None).await.unwrap_err();
    let remedy = fault.remedy(&place());
    assert_eq!(remedy, "allow our service account to create secrets named cardea-webhook (namespace infra)");
    server.lock().unwrap().forbid = None;
    server.lock().unwrap().objects.remove(CONFIGURATION);
    let (mut taken, mut served) = (Taken::default(), None);
    let fault = keeper.turn(&mut taken, &mut served).await.unwrap_err();
    assert!(matches!(fault, Fault::NoConfiguration(_)));
    assert_eq!(taken.pairs.len(), 1, "a certificate serves although nobody is told to trust it yet");
}
