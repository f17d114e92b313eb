//! Whether one object may be stored: what an admission webhook answers, purely, from an index of what is known.
//!
//! The checks are those that the compiler makes, on this object alone and against what it names; no other object is
//! read, no module is fetched and none runs, so that an answer takes the same time with ten Ingresses and with ten
//! thousand. `index` is kept up by whoever holds the `Config`; `publish` hands it to readers without a lock. [`keep`] is
//! about the certificate that a webhook in a cluster needs, and the only part that talks to an API server.

mod review;

mod check;

mod delta;
mod index;
mod names;
mod publish;

pub mod certificate;
pub mod keep;

#[cfg(test)]
mod tests;

pub use check::check;
pub use index::{Index, Scope};
pub use publish::{Reader, Writer};
pub use review::{Malformed, Outcome, Reviewed, review};
