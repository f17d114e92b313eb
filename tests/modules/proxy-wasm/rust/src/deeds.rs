//! A plugin that does in each callback what the request's `x-do` says: `callback=deed`, apart by blanks.

use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, MapType};

use crate::{Settings, Side};

pub struct Deeds {
    pub settings: Rc<Settings>,
    pub id: u32,
    deeds: Vec<(String, String)>,
    /// Which side goes on with the answer of a call.
    asking: Side,
}

/// What a callback is about.
#[derive(Clone, Copy)]
enum About {
    Head(Side),
    /// Its size, and whether it is whole.
    Body(Side, usize, bool),
    Trailers(Side),
}

impl Deeds {
    pub fn new(settings: Rc<Settings>, id: u32) -> Self {
        Self { settings, id, deeds: Vec::new(), asking: Side::Request }
    }

    /// What the callback is to do.
    fn of(&self, callback: &str) -> Vec<String> {
        let here = self.deeds.iter().filter(|(known, _)| known == callback);
        here.map(|(_, deed)| deed.clone()).collect()
    }

    fn act(&mut self, callback: &str, about: About) -> Action {
        let mut action = Action::Continue;
        for deed in self.of(callback) {
            match deed.as_str() {
                "trap" => panic!("asked to in {callback}"),
                "say" => log::info!("{callback}"),
                "reply" => self.reply(callback),
                "pause" => action = Action::Pause,
                "tick" => {
                    self.settings.waiting.borrow_mut().push_back((self.id, about.side()));
                    action = Action::Pause;
                }
                "call" | "grpc" => {
                    self.ask(&deed, about.side());
                    action = Action::Pause;
                }
                "hold" if !about.is_whole() => action = Action::Pause,
                "replace" => self.replace(callback, about),
                "edit" => self.edit(callback, about),
                _ => {}
            }
        }
        action
    }

    fn reply(&self, callback: &str) {
        self.send_http_response(418, vec![("x-by", callback)], Some(b"a teapot"));
    }

    fn ask(&mut self, deed: &str, side: Side) {
        self.asking = side;
        let (upstream, time) = (self.settings.get("upstream"), Duration::from_secs(5));
        let asked = if deed == "grpc" {
            let metadata: Vec<(&str, &[u8])> = vec![("x-status", self.settings.get("status").as_bytes())];
            self.dispatch_grpc_call(upstream, "test.Auth", "Check", metadata, Some(b"who"), time)
        } else {
            let head = vec![(":method", "POST"), (":path", "/asked"), (":authority", "auth.test")];
            self.dispatch_http_call(upstream, head, Some(b"who"), vec![("x-sum", "3")], time)
        };
        if let Err(status) = asked {
            log::warn!("not asked: {status:?}");
        }
    }

    fn replace(&self, callback: &str, about: About) {
        match about {
            About::Body(Side::Request, size, true) => self.set_http_request_body(0, size, callback.as_bytes()),
            About::Body(Side::Response, size, true) => self.set_http_response_body(0, size, callback.as_bytes()),
            _ => {}
        }
    }

    fn edit(&self, callback: &str, about: About) {
        let map = match about {
            About::Head(Side::Request) => MapType::HttpRequestHeaders,
            About::Head(Side::Response) => MapType::HttpResponseHeaders,
            About::Trailers(Side::Request) => MapType::HttpRequestTrailers,
            About::Trailers(Side::Response) => MapType::HttpResponseTrailers,
            About::Body(..) => return,
        };
        let sum = proxy_wasm::hostcalls::get_map_value(map, "x-sum").ok().flatten();
        let _ = proxy_wasm::hostcalls::set_map_value(map, "x-by", Some(callback));
        let _ = proxy_wasm::hostcalls::set_map_value(map, "x-sum", sum.map(|sum| sum + "!").as_deref());
    }

    /// The answer of a call lets the side go on that asked, unless there is something else to do.
    fn answered(&mut self, field: &str, value: &str) {
        for deed in self.of("answer") {
            match deed.as_str() {
                "trap" => panic!("asked to in answer"),
                "reply" => return self.reply("answer"),
                "ignore" => return,
                _ => {}
            }
        }
        match self.asking {
            Side::Request => {
                self.set_http_request_header(field, Some(value));
                self.resume_http_request();
            }
            Side::Response => {
                self.set_http_response_header(field, Some(value));
                self.resume_http_response();
            }
        }
    }
}

impl About {
    fn side(self) -> Side {
        match self {
            Self::Head(side) | Self::Body(side, ..) | Self::Trailers(side) => side,
        }
    }

    fn is_whole(self) -> bool {
        !matches!(self, Self::Body(_, _, false))
    }
}

impl Context for Deeds {
    fn on_http_call_response(&mut self, _: u32, _: usize, _: usize, count: usize) {
        let sum = self.get_http_call_response_trailer("x-sum").unwrap_or_default();
        self.answered("x-answer", &format!("{count}:{sum}"));
    }

    fn on_grpc_call_response(&mut self, _: u32, status: u32, size: usize) {
        let value = match status {
            0 => String::from_utf8(self.get_grpc_call_response_body(0, size).unwrap_or_default()).unwrap_or_default(),
            _ => format!("{status} {}", self.get_grpc_status().1.unwrap_or_default()),
        };
        self.answered("x-answer", &value);
    }

    fn on_done(&mut self) -> bool {
        for deed in self.of("done") {
            match deed.as_str() {
                "trap" => panic!("asked to in done"),
                _ => log::info!("done"),
            }
        }
        true
    }
}

impl HttpContext for Deeds {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let text = self.get_http_request_header("x-do").unwrap_or_default();
        let deeds = text.split(' ').filter_map(|deed| deed.split_once('='));
        self.deeds = deeds.map(|(callback, deed)| (callback.to_owned(), deed.to_owned())).collect();
        self.act("request", About::Head(Side::Request))
    }

    fn on_http_request_body(&mut self, size: usize, whole: bool) -> Action {
        self.act("request-body", About::Body(Side::Request, size, whole))
    }

    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        self.act("request-trailers", About::Trailers(Side::Request))
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_response_header("content-length", None);
        self.act("response", About::Head(Side::Response))
    }

    fn on_http_response_body(&mut self, size: usize, whole: bool) -> Action {
        self.act("response-body", About::Body(Side::Response, size, whole))
    }

    fn on_http_response_trailers(&mut self, _: usize) -> Action {
        self.act("response-trailers", About::Trailers(Side::Response))
    }

    fn on_log(&mut self) {
        for deed in self.of("log") {
            match deed.as_str() {
                "trap" => panic!("asked to in log"),
                _ => log::info!("log"),
            }
        }
    }
}
