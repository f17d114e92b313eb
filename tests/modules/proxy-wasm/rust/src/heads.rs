//! Plugins that look at heads alone.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::Settings;

/// Lets in who has the token.
pub struct Auth {
    pub settings: Rc<Settings>,
}

impl Context for Auth {}

impl HttpContext for Auth {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        if self.get_http_request_header("x-token").as_deref() == Some(self.settings.get("token")) {
            return Action::Continue;
        }
        log::warn!("no token for {}", self.get_http_request_header(":path").unwrap_or_default());
        self.send_http_response(401, vec![("www-authenticate", "Token")], Some(b"who are you?"));
        Action::Pause
    }
}

/// Edits what it can, on both sides.
pub struct Edit;

impl Context for Edit {}

impl HttpContext for Edit {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let id = self.get_property(vec!["request", "url_path"]).and_then(|path| String::from_utf8(path).ok());
        self.set_http_request_header("x-path", id.as_deref());
        self.set_http_request_header("x-secret", None);
        self.add_http_request_header("x-list", "b");
        self.set_http_request_header(":path", Some("/edited?by=plugin"));
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        let status = self.get_http_response_header(":status").unwrap_or_default();
        self.set_http_response_header("x-status", Some(&status));
        self.set_http_response_header("content-length", None);
        Action::Continue
    }
}

/// Panics when it is asked to.
pub struct Trap;

impl Context for Trap {}

impl HttpContext for Trap {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        assert!(self.get_http_request_header("x-trap").is_none(), "asked to");
        Action::Continue
    }
}
