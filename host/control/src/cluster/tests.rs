//! The cluster source without a cluster: changes in, `Config` out.

mod kit;
mod server;

mod api;
mod connect;
mod endpoints;
mod names;
mod order;
mod problems;
mod snapshot;
