//! Takes the certificate that is kept in the cluster, and tells the operator what becomes of it.

use std::sync::Arc;

use cardea_control::admission::certificate::Pair;
use cardea_control::admission::keep::{self, Notice, Place, Take};
use cardea_control::cluster::ClusterSource;
use serde_json::json;
use tokio::runtime::Handle;

use super::identity::Identity;
use crate::event::{Level, emit};

/// Keeps the certificate in the source's cluster, until the runtime ends.
pub fn keep(identity: Arc<Identity>, source: &ClusterSource, place: Place, runtime: &Handle) {
    runtime.spawn(keep::keep(source.client(), place, Kept(identity)));
}

struct Kept(Arc<Identity>);

impl Take for Kept {
    fn serve(&mut self, pair: &Pair) {
        if let Err(message) = self.0.set(pair.certificate_pem.as_bytes(), pair.key_pem.as_bytes()) {
            emit(
                Level::Error,
                "webhook_failed",
                json!({ "message": message, "remedy": "delete the webhook's Secret" }),
            );
        }
    }

    fn tell(&mut self, notice: Notice) {
        match notice {
            Notice::Certificate { expires } => {
                emit(Level::Info, "webhook_certificate", json!({ "expires": date(expires) }))
            }
            Notice::Authority => emit(Level::Info, "webhook_authority", json!({})),
            Notice::Failed { message, remedy } => {
                emit(Level::Warn, "webhook_failed", json!({ "message": message, "remedy": remedy }));
            }
        }
    }
}

fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|date| date.to_string()).unwrap_or_default()
}
