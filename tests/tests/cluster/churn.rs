//! A short churn: pods, Ingresses and a policy change under load, and no request fails.

use std::sync::Arc;

use anyhow::{Result, ensure};
use cardea_tests::figures::{churn, crowd};
use cardea_tests::plane::Plane;
use cardea_tests::pulse::DEADLINE;

use super::{Case, case};

pub fn cases() -> Vec<Case> {
    vec![case("churn: no request fails while everything changes", everything).alone()]
}

async fn everything(plane: Arc<Plane>) -> Result<()> {
    let room = plane.room().await?;
    room.apply(&room.class()).await?;
    let (ingress, _) = crowd::start(&plane, &room, 0, &[]).await?;
    let churned = churn::churn(&plane, &room, &ingress, DEADLINE / 2).await?;
    ensure!(churned.failed == 0, "{churned:?}");
    let changed = churned.pods_replaced >= 3 && churned.ingress_changes >= 8 && churned.policy_swaps >= 3;
    ensure!(changed && churned.requests >= 200, "too little happened: {churned:?}");
    room.close().await
}
