//! A request as its author writes it, and the exchange that the ingress would hand to a policy for it.

pub mod fields;
pub mod send;
pub mod text;

pub use send::{Answer, Send};

#[cfg(test)]
mod tests;
