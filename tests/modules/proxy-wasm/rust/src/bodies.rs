//! Plugins that look at bodies.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::Settings;

/// Puts the request's body in capitals as it comes, and the answer's in brackets when it is whole.
pub struct Rewrite;

impl Context for Rewrite {}

impl HttpContext for Rewrite {
    fn on_http_request_body(&mut self, size: usize, _: bool) -> Action {
        if let Some(body) = self.get_http_request_body(0, size) {
            self.set_http_request_body(0, size, &body.to_ascii_uppercase());
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_response_header("content-length", None);
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        if !end {
            return Action::Pause;
        }
        let body = self.get_http_response_body(0, size).unwrap_or_default();
        self.set_http_response_body(0, size, &[b"[", body.as_slice(), b"]"].concat());
        Action::Continue
    }
}

/// Says on both heads which version it is, and at the end of the answer's body, which goes on as it comes.
pub struct Mark {
    pub settings: Rc<Settings>,
}

impl Context for Mark {}

impl HttpContext for Mark {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_request_header("x-policy", Some(self.settings.get("mark")));
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_response_header("x-policy", Some(self.settings.get("mark")));
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        if end && self.get_http_request_header(":path").as_deref() == Some("/stream") {
            let body = self.get_http_response_body(0, size).unwrap_or_default();
            self.set_http_response_body(0, size, &[body.as_slice(), self.settings.get("mark").as_bytes()].concat());
        }
        Action::Continue
    }
}

/// Refuses bodies over a size.
pub struct Guard {
    pub settings: Rc<Settings>,
}

impl Context for Guard {}

impl HttpContext for Guard {
    fn on_http_request_headers(&mut self, _: usize, end: bool) -> Action {
        if end { Action::Continue } else { Action::Pause }
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        let most: usize = self.settings.get("most").parse().unwrap_or(0);
        if size > most {
            self.send_http_response(413, vec![], Some(format!("{size} bytes").as_bytes()));
            return Action::Pause;
        }
        if !end {
            return Action::Pause;
        }
        let body = self.get_http_request_body(0, size).unwrap_or_default();
        self.set_http_request_header("x-size", Some(&body.len().to_string()));
        Action::Continue
    }
}
