//! What becomes of each object is written back to the cluster that it came from, and to no other place.

use std::sync::Arc;
use std::time::Duration;

use cardea_control::report::{Applied, Notice, Options, Reporter};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::event::{Level, emit};
use crate::source::Source;

const FINISH_MAX: Duration = Duration::from_secs(3);

/// `None` for files, which nobody reports to.
pub fn start(
    source: &Source,
    applied: &watch::Sender<Arc<Applied>>,
    options: impl FnOnce(&str) -> Options,
    control: &Handle,
) -> Option<Reporter> {
    let Source::Cluster(source) = source else { return None };
    let client = source.client();
    let options = options(client.default_namespace());
    Some(Reporter::start(client, source.objects(), applied.subscribe(), options, Arc::new(tell), control))
}

/// Waits for what was begun to be written, if the API server answers.
pub fn finish(reported: Option<JoinHandle<()>>, control: &Handle) {
    if let Some(reported) = reported {
        // A Lease that was not given back runs out.
        let _ = control.block_on(async { tokio::time::timeout(FINISH_MAX, reported).await });
    }
}

fn tell(notice: Notice) {
    match notice {
        Notice::Leading => emit(Level::Info, "leading", json!({})),
        Notice::NotLeading => emit(Level::Info, "not_leading", json!({})),
        Notice::Failed { object, message, remedy } => {
            emit(Level::Warn, "report_failed", json!({ "object": &*object, "message": message, "remedy": remedy }));
        }
    }
}
