//! Plugins for the tests of the ingress, written as authors write theirs. The configuration is lines of `key=value`; `plugin`
//! names one of them.

mod bodies;
mod deeds;
mod heads;
mod outside;
mod shared;

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

/// Of an exchange.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Request,
    Response,
}

/// What all contexts of a VM share.
#[derive(Default)]
pub struct Settings {
    values: HashMap<String, String>,
    /// Streams that wait for the next tick, with the side that goes on then.
    waiting: RefCell<VecDeque<(u32, Side)>>,
}

impl Settings {
    fn get(&self, key: &str) -> &str {
        self.values.get(key).map_or("", String::as_str)
    }
}

/// What it says of itself shows in the log: that it fetched its keys, and how it ended. `end=late` ends with a later tick,
/// `end=never` not at all, `end=trap` badly.
#[derive(Default)]
struct Root {
    settings: Rc<Settings>,
    fetched: bool,
    ending: bool,
}

impl Context for Root {
    fn on_http_call_response(&mut self, _: u32, headers: usize, size: usize, _: usize) {
        let keys = self.get_http_call_response_body(0, size).unwrap_or_default();
        log::info!("{headers} fields and {} bytes of keys", keys.len());
        let _ = self.set_shared_data("keys", Some(b"here"), None);
    }

    fn on_done(&mut self) -> bool {
        log::info!("the plugin is to end");
        self.ending = true;
        match self.settings.get("end") {
            "late" | "never" => false,
            "trap" => panic!("asked to at the end"),
            _ => true,
        }
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        log::info!("the plugin is deleted");
    }
}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let values = text.lines().filter_map(|line| line.split_once('='));
        let values: HashMap<_, _> = values.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        if !values.contains_key("plugin") {
            log::error!("the configuration names no plugin");
            return false;
        }
        self.settings = Rc::new(Settings { values, waiting: RefCell::default() });
        if matches!(self.settings.get("plugin"), "tick" | "deeds") {
            self.set_tick_period(Duration::from_millis(20));
        }
        true
    }

    fn on_tick(&mut self) {
        if self.ending && self.settings.get("end") == "late" {
            return self.done();
        }
        let keys = self.settings.get("keys");
        if !keys.is_empty() && !std::mem::replace(&mut self.fetched, true) {
            let head = vec![(":method", "GET"), (":path", "/keys"), (":authority", "keys.test")];
            if let Err(status) = self.dispatch_http_call(keys, head, None, vec![], Duration::from_secs(5)) {
                log::warn!("no keys: {status:?}");
            }
        }
        for (context, side) in self.settings.waiting.borrow_mut().drain(..) {
            if hostcalls::set_effective_context(context).is_ok() {
                let _ = match side {
                    Side::Request => hostcalls::resume_http_request(),
                    Side::Response => hostcalls::resume_http_response(),
                };
            }
        }
    }

    fn on_log(&mut self) {
        log::info!("the plugin has ended");
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        let settings = Rc::clone(&self.settings);
        Some(match self.settings.get("plugin") {
            "auth" => Box::new(heads::Auth { settings }),
            "edit" => Box::new(heads::Edit),
            "rewrite" => Box::new(bodies::Rewrite),
            "mark" => Box::new(bodies::Mark { settings }),
            "guard" => Box::new(bodies::Guard { settings }),
            "callout" => Box::new(outside::Callout { settings }),
            "tick" => Box::new(outside::Tick { settings, id }),
            "hits" => Box::new(shared::Hits),
            "trap" => Box::new(heads::Trap),
            "deeds" => Box::new(deeds::Deeds::new(settings, id)),
            _ => return None,
        })
    }
}
