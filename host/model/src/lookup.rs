//! Host and path to route, without allocating, at a cost that does not grow with the number of routes.
//!
//! Order: precise host, then wildcard, then any host; within a host the longest matching path, Exact before Prefix at
//! the same length; then the host's default; then the process-wide default backend.

use crate::snapshot::RouteId;

#[derive(Debug, Default)]
pub struct Index {}

impl Index {
    /// `host`: lower case, without port and trailing dot (see [`crate::host`]). `path`: normalised, without query.
    pub fn find(&self, _host: &str, _path: &str) -> Option<RouteId> {
        None
    }
}
