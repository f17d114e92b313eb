//! The cluster source without a cluster: changes in, `Config` out.

mod kit;

mod names;
mod order;
mod problems;
mod snapshot;
