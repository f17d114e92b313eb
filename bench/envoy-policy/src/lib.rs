//! What `policies/reference` decides, for Envoy: `x-canary: 1` goes to the canary cluster; `/admin` without authorization
//! is answered 401; all else is marked `x-policy: envoy`. A route of Envoy's configuration matches `x-backend: canary`.

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

proxy_wasm::main! {{
    proxy_wasm::set_http_context(|_, _| Box::new(Reference));
}}

struct Reference;

impl Context for Reference {}

impl HttpContext for Reference {
    fn on_http_request_headers(&mut self, _header_count: usize, _end_of_stream: bool) -> Action {
        if self.get_http_request_header("x-canary").is_some_and(|value| value == "1") {
            self.set_http_request_header("x-backend", Some("canary"));
            return Action::Continue;
        }
        if self.is_guarded() && self.get_http_request_header("authorization").is_none() {
            self.send_http_response(401, Vec::new(), None);
            return Action::Pause;
        }
        self.set_http_request_header("x-policy", Some("envoy"));
        Action::Continue
    }
}

impl Reference {
    fn is_guarded(&self) -> bool {
        let path = self.get_http_request_header(":path").unwrap_or_default();
        let rest = path.strip_prefix("/admin");
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    }
}
