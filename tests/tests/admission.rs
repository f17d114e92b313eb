//! The webhook as a process, on manifests and with a certificate from files; and the same checks as a command.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use cardea_tests::certificate::Certificate;
use cardea_tests::ingress::{Ingress, Launch, Manifests, binary};
use cardea_tests::pulse::{Pulse, within};
use cardea_tests::webhook::Caller;
use serde_json::{Value, json};
use tempfile::TempDir;

const CLASS: &str = "
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: cardea}
spec: {controller: cardea.dev/ingress}
";

fn ingress(name: &str, host: &str) -> Value {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let paths = json!([{"path": "/", "pathType": "Prefix", "backend": backend}]);
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"ingressClassName": "cardea", "rules": [{"host": host, "http": {"paths": paths}}]},
    })
}

struct Setting {
    ingress: Ingress,
    files: TempDir,
    certificate: Certificate,
}

impl Setting {
    async fn new() -> Self {
        Self::for_clients(None).await
    }

    /// Answers only clients with this certificate, if one is given.
    async fn for_clients(client: Option<&Certificate>) -> Self {
        let files = TempDir::with_prefix("cardea-webhook-").unwrap();
        let certificate = Certificate::new("first", &["webhook.test".to_owned()]).unwrap();
        write_certificate(files.path(), &certificate);
        let manifests = Manifests::new().unwrap();
        manifests.write("class.yaml", CLASS.as_bytes()).unwrap();
        let path = |name: &str| files.path().join(name).display().to_string();
        let flags = ["--webhook", "127.0.0.1:0", "--webhook-cert", &path("tls.crt"), "--webhook-key", &path("tls.key")];
        let mut flags = flags.map(str::to_owned).to_vec();
        if let Some(client) = client {
            std::fs::write(path("ca.crt"), &client.certificate_pem).unwrap();
            flags.extend(["--webhook-client-ca".to_owned(), path("ca.crt")]);
        }
        let launch = Launch { flags, ..Launch::default() };
        Self { ingress: Ingress::start(manifests, &launch, &Pulse::default()).await.unwrap(), files, certificate }
    }

    async fn caller(&self) -> Caller {
        Caller::connect(self.ingress.listener("webhook").await.unwrap()).await.unwrap()
    }
}

fn write_certificate(folder: &Path, certificate: &Certificate) {
    std::fs::write(folder.join("tls.key"), &certificate.key_pem).unwrap();
    std::fs::write(folder.join("tls.crt"), &certificate.certificate_pem).unwrap();
}

#[tokio::test]
async fn an_ingress_is_judged_by_what_serves() {
    let setting = Setting::new().await;
    let mut caller = setting.caller().await;
    let refused = caller.review("CREATE", &ingress("new", "10.0.0.1")).await.unwrap();
    assert_eq!(refused["allowed"], false);
    assert!(refused["status"]["message"].as_str().unwrap().starts_with("spec.rules[0].host: "), "{refused}");
    let warned = caller.review("CREATE", &ingress("new", "a.test")).await.unwrap();
    assert_eq!(warned["allowed"], true);
    assert!(warned["warnings"][0].as_str().unwrap().contains("there is no Service shop/web"), "{warned}");

    let mut older = ingress("older", "a.test");
    older["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
    older["metadata"]["namespace"] = json!("infra");
    setting.ingress.apply("older.yaml", older.to_string().as_bytes()).await.unwrap();
    let taken = caller.review("CREATE", &ingress("new", "a.test")).await.unwrap();
    assert!(taken["status"]["message"].as_str().unwrap().contains("Ingress infra/older, which is older"), "{taken}");
    assert_eq!(caller.review("DELETE", &ingress("new", "a.test")).await.unwrap()["allowed"], true);

    let metrics = setting.ingress.metrics().await.unwrap();
    for line in ["{outcome=\"allowed\"} 2", "{outcome=\"refused\"} 2", "{outcome=\"malformed\"} 0"] {
        assert!(metrics.contains(&format!("cardea_admission_reviews_total{line}\n")), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn what_is_no_review_is_refused_and_costs_little() {
    let setting = Setting::new().await;
    let rows: [(&str, &str, usize, &[u8], u16); 6] = [
        ("POST", "/validate", 2, b"{}", 400),
        ("POST", "/validate", 3, b"nil", 400),
        ("GET", "/validate", 0, b"", 405),
        ("POST", "/mutate", 2, b"{}", 404),
        // It is refused by what it says, before any of it came.
        ("POST", "/validate", 9 << 20, b"", 413),
        ("POST", "/validate", usize::MAX / 2, b"", 413),
    ];
    for (method, path, length, body, status) in rows {
        let reply =
            within(path, async { setting.caller().await.send(method, path, length, body).await }).await.unwrap();
        assert_eq!(reply.status, status, "{method} {path} {length}");
    }
}

#[tokio::test]
async fn a_certificate_changes_between_handshakes_and_drops_nobody() {
    let setting = Setting::new().await;
    let mut before = setting.caller().await;
    let mark = setting.ingress.mark();
    // Half of a change is not taken.
    let next = Certificate::new("second", &["webhook.test".to_owned()]).unwrap();
    std::fs::write(setting.files.path().join("tls.crt"), &next.certificate_pem).unwrap();
    setting.ingress.event(mark, &json!({"event": "webhook_failed"})).await.unwrap();
    assert_eq!(setting.caller().await.certificate, before.certificate);
    write_certificate(setting.files.path(), &next);
    setting.ingress.event(mark, &json!({"event": "webhook_certificate"})).await.unwrap();
    assert_eq!(setting.caller().await.certificate, next.der);
    assert_eq!(before.review("CREATE", &ingress("new", "a.test")).await.unwrap()["allowed"], true);
}

#[tokio::test]
async fn only_clients_with_a_certificate_are_answered_where_asked() {
    let [api, other] = ["api.test", "other.test"].map(|name| Certificate::new(name, &[name.to_owned()]).unwrap());
    let setting = Setting::for_clients(Some(&api)).await;
    let webhook = setting.ingress.listener("webhook").await.unwrap();
    let ask = async |client: Option<&Certificate>| {
        let mut caller = match client {
            Some(client) => Caller::connect_as(webhook, "webhook.test", &setting.certificate, client).await?,
            None => Caller::connect(webhook).await?,
        };
        caller.review("CREATE", &ingress("new", "a.test")).await
    };
    assert_eq!(ask(Some(&api)).await.unwrap()["allowed"], true);
    assert!(ask(Some(&other)).await.is_err());
    assert!(ask(None).await.is_err());
}

fn check(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(binary().unwrap())
        .arg("check")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_pipeline_learns_it_from_the_exit_code_and_the_words() {
    let (good, bad) = (ingress("new", "a.test").to_string(), ingress("new", "10.0.0.1").to_string());
    let passed = check(&["-"], &good);
    let text = String::from_utf8(passed.stdout).unwrap();
    assert_eq!(passed.status.code(), Some(0), "{text}");
    assert!(text.starts_with("warning: Ingress shop/new (stdin, document 1): spec.rules[0].http"), "{text}");
    assert!(text.ends_with("1 Ingress, 0 Services, 0 Policies: 0 errors, 1 warning\n"), "{text}");
    assert_eq!(check(&["-", "--strict"], &good).status.code(), Some(1));

    let failed = check(&["-", "--output", "json"], &bad);
    assert_eq!(failed.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!(told["errors"], 1, "{told}");
    assert_eq!(told["problems"][0]["field"], "spec.rules[0].host");

    let nowhere = check(&["/nowhere/at/all"], "");
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(String::from_utf8(nowhere.stderr).unwrap().starts_with("error: /nowhere/at/all cannot be read"));
    assert_eq!(check(&["-", "--output", "xml"], &good).status.code(), Some(2));
}
