//! The cluster source: Kubernetes objects, watched at the API server.
//!
//! Each kind is listed and watched by a task of its own ([`watch`]); what they hear goes through an inbox, which says
//! when a burst of changes is over, into sorted tables ([`stores`], pure), which make the `Config`. Secrets and
//! ConfigMaps are never listed: each that is named by something accepted is watched by its name. A list is swapped in
//! whole, an object that cannot be read keeps its last good state, and an API server that is away changes nothing.

mod source;

mod connect;
mod options;

mod kind;
mod object;
mod watched;

mod backoff;
mod fault;
mod node;
mod probe;
mod watch;

mod inbox;

mod external;
mod named;
mod resolve;
mod stores;
mod table;
mod zone;

mod snapshot;

mod health;
mod known;

#[cfg(test)]
mod tests;

pub use connect::ConnectError;
pub use health::{Health, KindSeen, Seen};
pub use kind::Kind;
pub use known::Objects;
pub use options::{Notice, Options};
pub use source::{ClusterSource, Stopper};
