//! Where a `Config` comes from: Kubernetes objects, read from a directory (and later from a cluster).
//!
//! Kubernetes wire types end here. [`kube`] turns one object into what routing needs of it, purely, whatever carried
//! it; [`file`] finds the objects on disk and says when they changed. This crate never names wasmtime or hyper, and
//! judges no reference between objects: that is `cardea_model::compile`.

pub mod admission;
pub mod cluster;
pub mod fetch;
pub mod file;
pub mod kube;
pub mod report;
