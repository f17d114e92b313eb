//! The interface of `wit/`, as wit-bindgen makes it: one world with what every policy has, and one for each later phase.
//!
//! Each world carries its own description into the component; only the phases that `export!` names add theirs. What the generator
//! makes is kept here, and held to `wit/` by a test (README.md), so that a policy need not compile the generator.

#![allow(unsafe_code, clippy::all, clippy::unwrap_used, clippy::expect_used, reason = "generated")]

/// Imports, `lifecycle` and `on-request`. Imports that a policy never calls do not reach its component.
#[rustfmt::skip]
pub mod base;
#[rustfmt::skip]
pub mod complete;
#[rustfmt::skip]
pub mod request_body;
#[rustfmt::skip]
pub mod response;
