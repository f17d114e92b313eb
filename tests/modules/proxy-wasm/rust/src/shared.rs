//! Plugins that keep something.

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, MetricType};

/// Counts requests in shared data and in a metric.
pub struct Hits;

impl Context for Hits {}

impl HttpContext for Hits {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let hits = loop {
            let (value, cas) = self.get_shared_data("hits");
            let hits = value.and_then(|value| value.try_into().ok()).map_or(0, u32::from_le_bytes) + 1;
            if self.set_shared_data("hits", Some(&hits.to_le_bytes()), cas).is_ok() {
                break hits;
            }
        };
        if let Ok(metric) = hostcalls::define_metric(MetricType::Counter, "plugin.hits") {
            let _ = hostcalls::increment_metric(metric, 1);
        }
        self.set_http_request_header("x-hits", Some(&hits.to_string()));
        Action::Continue
    }
}
