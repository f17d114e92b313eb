//! The data plane: from an accepted socket to the last byte of the answer, and the record of it.
//!
//! Read [`exchange`] first: one request's life, top to bottom. Each worker is one thread with its own runtime, listeners,
//! upstream connections, policy instances and counters; workers share a [`live::Live`] and nothing that locks.

mod adopted;
pub mod conn;
pub mod exchange;
pub mod failure;
pub mod forwarded_for;
pub mod io;
pub mod listen;
pub mod live;
pub mod metrics;
pub mod proxy_protocol;
pub mod record;
pub mod settings;
pub mod timer;
pub mod tls;
pub mod upstream;
pub mod warming;
pub mod worker;
