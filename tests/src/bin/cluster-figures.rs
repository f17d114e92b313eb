//! Measures the ingress on a real API server, and prints the figures as one JSON object: `bench/bench.py --scenario
//! cluster` runs it.
//!
//! Environment: CARDEA_BIN, a release build; CARDEA_FIGURES_INGRESSES (5000), _STARTS (3), _SAMPLES (100), _SECONDS (60).

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use cardea_tests::figures::load::Responder;
use cardea_tests::figures::{change, churn, crowd, unready};
use cardea_tests::plane::room::POD_PORT;
use cardea_tests::plane::{Plane, sandbox};
use serde_json::{Value, json};
use tokio::task::LocalSet;
use tokio::time::sleep;

/// Other changes a second while one is measured.
const RATE: u32 = 50;
/// How long the ingress is left alone to see what it costs at rest.
const REST: Duration = Duration::from_secs(20);

fn main() -> Result<ExitCode> {
    if let Some(code) = sandbox::enter()? {
        return Ok(code);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let figures = LocalSet::new().block_on(&runtime, measure())?;
    println!("{figures}");
    Ok(ExitCode::SUCCESS)
}

async fn measure() -> Result<Value> {
    let (count, starts, samples) = (given("INGRESSES", 5000)?, given("STARTS", 3)?, given("SAMPLES", 100)?);
    let plane = Arc::new(Plane::start().await?);
    let room = plane.room().await?;
    room.apply(&room.class()).await?;
    let address = plane.address();
    let _pod = Responder::start((address, POD_PORT).into()).await?;
    room.pod("crowd", "crowd", address).await?;
    say(&format!("creates {count} Ingresses and Services"));
    crowd::gather(&room, count).await?;
    say(&format!("starts {starts} times"));
    let mut started = Vec::new();
    for _ in 1..starts {
        started.push(crowd::start(&plane, &room, count, &[]).await?.1);
    }
    let (ingress, last) = crowd::start(&plane, &room, count, &[]).await?;
    started.push(last);
    let before = ingress.cpu_ticks()?;
    say(&format!("leaves it alone for {REST:?}"));
    sleep(REST).await;
    // Ticks are hundredths of a second.
    let idle_percent = (ingress.cpu_ticks()? - before) as f64 / REST.as_secs_f64();
    say(&format!("measures {samples} changes among {RATE} others a second"));
    let changes = change::measure(&room, &ingress, count, RATE, samples).await.context("changes")?;
    say(&format!("measures {samples} pods that turn unready"));
    let unready_ms = unready::measure(&plane, &room, &ingress, samples).await.context("unready")?;
    let seconds = given("SECONDS", 60)?;
    say(&format!("changes everything for {seconds} s under load"));
    let churned = churn::churn(&plane, &room, &ingress, Duration::from_secs(seconds.try_into()?)).await?;
    Ok(json!({
        "ingresses": count, "starts": started, "idle_cpu_percent": idle_percent, "rest_seconds": REST.as_secs(),
        "change": changes, "unready_ms": unready_ms, "churn": churned,
    }))
}

fn given(name: &str, default: usize) -> Result<usize> {
    match std::env::var(format!("CARDEA_FIGURES_{name}")) {
        Ok(text) => text.parse().with_context(|| format!("CARDEA_FIGURES_{name}={text}")),
        Err(_) => Ok(default),
    }
}

/// Standard output is the figures' alone.
fn say(text: &str) {
    eprintln!("cluster: {text}");
}
