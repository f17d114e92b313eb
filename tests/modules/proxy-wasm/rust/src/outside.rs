//! Plugins that wait for something else than the exchange.

use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::{Settings, Side};

/// Asks a Service who may pass.
pub struct Callout {
    pub settings: Rc<Settings>,
}

impl Context for Callout {
    fn on_http_call_response(&mut self, _: u32, headers: usize, size: usize, _: usize) {
        if headers == 0 {
            return self.send_http_response(504, vec![], Some(b"no answer"));
        }
        if self.get_http_call_response_header(":status").as_deref() != Some("200") {
            return self.send_http_response(403, vec![], Some(b"no"));
        }
        let body = self.get_http_call_response_body(0, size).unwrap_or_default();
        self.set_http_request_header("x-asked", Some(&body.len().to_string()));
        self.resume_http_request();
    }
}

impl HttpContext for Callout {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let path = format!("/check{}", self.get_http_request_header(":path").unwrap_or_default());
        let head = vec![(":method", "GET"), (":path", &*path), (":authority", "auth.test"), ("x-by", "plugin")];
        let asked = self.dispatch_http_call(self.settings.get("upstream"), head, None, vec![], Duration::from_secs(5));
        if asked.is_err() {
            self.send_http_response(500, vec![], Some(b"not granted"));
        }
        Action::Pause
    }
}

/// Waits for the next tick of the plugin.
pub struct Tick {
    pub settings: Rc<Settings>,
    pub id: u32,
}

impl Context for Tick {}

impl HttpContext for Tick {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        self.settings.waiting.borrow_mut().push_back((self.id, Side::Request));
        Action::Pause
    }
}
