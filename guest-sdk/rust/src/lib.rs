//! Write a Cardea routing policy in Rust.
//!
//! A policy is a type that implements [`Policy`], made into a WebAssembly component by [`export!`]. It asks what it needs
//! about the exchange in hand through [`Request`], and returns one [`Outcome`]. What it imports is what it may do: a
//! policy that never calls [`kv`] does not import it, and needs no grant for it.
//!
//! # A complete policy
//!
//! ```
//! use cardea_policy_sdk::{Outcome, Policy, Request};
//! use serde::Deserialize;
//!
//! /// Sends testers to a backend of their own.
//! pub struct Testers {
//!     config: Config,
//! }
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! pub struct Config {
//!     /// A backend that the route declares.
//!     backend: String,
//!     #[serde(default = "default_header")]
//!     header: String,
//! }
//!
//! fn default_header() -> String {
//!     "x-tester".to_string()
//! }
//!
//! impl Policy for Testers {
//!     type Config = Config;
//!
//!     fn new(config: Config) -> Result<Self, String> {
//!         if config.backend.is_empty() {
//!             return Err("config.backend: name a backend of the route".to_string());
//!         }
//!         Ok(Testers { config })
//!     }
//!
//!     fn on_request(&mut self, request: &Request) -> Outcome {
//!         match request.header(&self.config.header) {
//!             Some(value) if value == "yes" => Outcome::next().route(&self.config.backend).label("group", "testers"),
//!             _ => Outcome::next(),
//!         }
//!     }
//! }
//!
//! cardea_policy_sdk::export!(Testers);
//!
//! // Its native test: the same code, with a double in place of the ingress.
//! # fn main() {
//! use cardea_policy_sdk::testing::{Exchange, json};
//!
//! let outcome = Exchange::get("/cart").header("x-tester", "yes").run::<Testers>(json!({ "backend": "beta" }));
//! assert_eq!(outcome, Outcome::to("beta").label("group", "testers"));
//! # }
//! ```
//!
//! `Cargo.toml` of a policy:
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib", "rlib"] # A component, and native tests.
//!
//! [dependencies]
//! cardea-policy-sdk = { path = "../../guest-sdk/rust" }
//! serde = { version = "1", features = ["derive"] }
//!
//! [profile.release]
//! panic = "abort"
//! lto = true
//! strip = true
//! ```
//!
//! `cardea policy build` then makes the component.

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod bindings;
pub mod clock;
mod config;
pub mod counters;
pub mod duration;
mod exchange;
mod export;
mod host;
pub mod kv;
pub mod log;
#[cfg(target_arch = "wasm32")]
mod lower;
pub mod metrics;
pub mod net;
mod outcome;
pub mod path;
mod policy;
pub mod random;
pub mod stable;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use exchange::{Header, Request, Response, Value};
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use export::private as __private;
pub use outcome::{Decision, Denial, Edit, Outcome, Reply, ResponseOutcome, Summary, Target};
pub use policy::{Body, Policy};
