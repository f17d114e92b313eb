//! Plugins for the tests of the ingress, written as authors write theirs. The configuration is lines of `key=value`; `plugin`
//! names one of them.

mod bodies;
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

/// What all contexts of a VM share.
#[derive(Default)]
pub struct Settings {
    values: HashMap<String, String>,
    /// Streams that wait for the next tick.
    waiting: RefCell<VecDeque<u32>>,
}

impl Settings {
    fn get(&self, key: &str) -> &str {
        self.values.get(key).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Root {
    settings: Rc<Settings>,
}

impl Context for Root {}

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
        if self.settings.get("plugin") == "tick" {
            self.set_tick_period(Duration::from_millis(20));
        }
        true
    }

    fn on_tick(&mut self) {
        for context in self.settings.waiting.borrow_mut().drain(..) {
            if hostcalls::set_effective_context(context).is_ok() {
                let _ = hostcalls::resume_http_request();
            }
        }
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
            "guard" => Box::new(bodies::Guard { settings }),
            "callout" => Box::new(outside::Callout { settings }),
            "tick" => Box::new(outside::Tick { settings, id }),
            "hits" => Box::new(shared::Hits),
            "trap" => Box::new(heads::Trap),
            _ => return None,
        })
    }
}
