//! The http-wasm handler ABI through the real engine and chain: what its text promises a guest, and what a guest may not.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod admin;
mod bodies;
mod failures;
mod fields;
mod guest;
mod life;
mod play;
mod request;
mod response;
mod shape;
#[path = "../support/mod.rs"]
mod support;
