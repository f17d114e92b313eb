//! How long an answer of the admission webhook takes, by the number of Ingresses: over TLS on loopback, at rest and while
//! what serves changes 50 times a second.
//!
//! `cargo run -p cardea-tests --example webhook_latency -- [COUNT..]`; CARDEA_BIN names another binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cardea_tests::certificate::Certificate;
use cardea_tests::ingress::{Ingress, Launch, Manifests};
use cardea_tests::pulse::Pulse;
use cardea_tests::webhook::Caller;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Reviews of one connection, and connections at a time.
const REVIEWS: usize = 2000;
const CALLERS: usize = 4;
const BETWEEN_CHANGES: Duration = Duration::from_millis(20);

fn ingress(name: &str, namespace: &str, host: &str, path: &str) -> Value {
    let backend = json!({"service": {"name": "web", "port": {"number": 80}}});
    let paths = json!([{"path": path, "pathType": "Prefix", "backend": backend}]);
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": name, "namespace": namespace, "annotations": {"cardea.dev/request-timeout": "30s"}},
        "spec": {"ingressClassName": "cardea", "rules": [{"host": host, "http": {"paths": paths}}]},
    })
}

/// A thousand Ingresses a file, half of them with a path of one shared host.
fn declare(manifests: &Manifests, count: usize) -> Result<()> {
    let class = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "cardea"},
        "spec": {"controller": "cardea.dev/ingress"},
    });
    manifests.write("class.yaml", class.to_string().as_bytes())?;
    for (file, start) in (0..count).step_by(1000).enumerate() {
        let mut text = String::new();
        for at in start..count.min(start + 1000) {
            let (host, path) = if at % 2 == 0 {
                (format!("h{at}.test"), "/".to_owned())
            } else {
                ("shared.test".to_owned(), format!("/p{at}"))
            };
            writeln!(text, "---\n{}", ingress(&format!("i{at}"), "shop", &host, &path))?;
        }
        manifests.write(&format!("{file}.yaml"), text.as_bytes())?;
    }
    Ok(())
}

/// Some are new, some change what is there, some want what another namespace has.
fn asked(at: usize, count: usize) -> Value {
    let other = at * 7919 % count;
    match at % 4 {
        0 => ingress(&format!("new{at}"), "shop", &format!("new{at}.test"), "/"),
        1 => ingress(&format!("i{other}"), "shop", &format!("h{other}.test"), "/changed"),
        2 => ingress(&format!("new{at}"), "rival", &format!("h{}.test", other & !1), "/"),
        _ => ingress(&format!("new{at}"), "shop", "shared.test", &format!("/new{at}")),
    }
}

async fn call(webhook: std::net::SocketAddr, count: usize) -> Result<Vec<Duration>> {
    let mut caller = Caller::connect(webhook).await?;
    let mut took = Vec::with_capacity(REVIEWS);
    for at in 0..REVIEWS {
        let object = asked(at, count);
        let start = Instant::now();
        let answer = caller.review("CREATE", &object).await?;
        took.push(start.elapsed());
        let expected = at % 4 != 2;
        ensure!(answer["allowed"] == expected, "{object}\n{answer}");
    }
    Ok(took)
}

fn report(count: usize, when: &str, mut took: Vec<Duration>, elapsed: Duration) {
    took.sort_unstable();
    let at = |part: f64| took[((took.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "| {count} | {when} | {:.2} | {:.2} | {:.2} | {:.0} |",
        at(0.5),
        at(0.99),
        at(1.0),
        took.len() as f64 / elapsed.as_secs_f64()
    );
}

/// One Ingress more and one less, over and over, until told to stop.
async fn change(manifests: &Manifests, stop: &AtomicBool) -> Result<()> {
    let mut ticks = tokio::time::interval(BETWEEN_CHANGES);
    let mut at = 0_usize;
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        at += 1;
        let object = ingress("churn", "shop", &format!("churn{at}.test"), "/");
        manifests.write("churn.yaml", object.to_string().as_bytes())?;
    }
    Ok(())
}

async fn measure(count: usize) -> Result<()> {
    let files = TempDir::with_prefix("cardea-webhook-")?;
    let certificate = Certificate::new("webhook", &["webhook.test".to_owned()])?;
    let path = |name: &str| files.path().join(name);
    std::fs::write(path("tls.key"), &certificate.key_pem)?;
    std::fs::write(path("tls.crt"), &certificate.certificate_pem)?;
    let manifests = Manifests::new()?;
    declare(&manifests, count)?;
    let (crt, key) = (path("tls.crt").display().to_string(), path("tls.key").display().to_string());
    let flags = ["--webhook", "127.0.0.1:0", "--webhook-cert", &crt, "--webhook-key", &key];
    let launch = Launch { flags: flags.map(str::to_owned).to_vec(), ..Launch::default() };
    let ingress = Ingress::start(manifests, &launch, &Pulse::default()).await?;
    let webhook = ingress.listener("webhook").await?;

    let start = Instant::now();
    report(count, "one at a time", call(webhook, count).await?, start.elapsed());
    let start = Instant::now();
    let callers = futures_util::future::try_join_all((0..CALLERS).map(|_| call(webhook, count))).await?;
    report(count, "4 at a time", callers.concat(), start.elapsed());
    let stop = Arc::new(AtomicBool::new(false));
    let calls = async {
        let start = Instant::now();
        let took = call(webhook, count).await;
        stop.store(true, Ordering::Relaxed);
        Ok((took?, start.elapsed()))
    };
    let ((took, elapsed), ()) = tokio::try_join!(calls, change(&ingress.manifests, &stop))?;
    report(count, "while 50 changes a second arrive", took, elapsed);
    let metrics = ingress.metrics().await?;
    let value = |name: &str| -> Result<f64> {
        let found = metrics.lines().filter(|line| line.starts_with(name));
        found.map(|line| Ok(line.rsplit(' ').next().context("no value")?.parse::<f64>()?)).sum()
    };
    let mean = value("cardea_admission_check_seconds_total")? / value("cardea_admission_reviews_total")?;
    println!("| {count} | of which the check, mean | {:.3} | | | |", mean * 1e3);
    Ok(())
}

fn main() -> Result<()> {
    let counts: Vec<usize> = std::env::args().skip(1).map(|count| count.parse()).collect::<Result<_, _>>()?;
    let counts = if counts.is_empty() { vec![10, 1000, 10_000] } else { counts };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("| Ingresses | load | p50 ms | p99 ms | max ms | reviews/s |\n|---|---|---|---|---|---|");
    for count in counts {
        runtime.block_on(measure(count))?;
    }
    Ok(())
}
