//! What a configuration compiles to, row by row of Ingress v1.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod annotations;
mod backends;
mod class;
pub mod kit;
mod policies;
mod rules;
mod tls;
