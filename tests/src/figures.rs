//! What a cluster of some size costs, and how soon its changes are served: measured on a real API server.
//!
//! The load, the pods and the client of the API share one thread of this process; the ingress is another process.

pub mod change;
pub mod churn;
pub mod crowd;
pub mod load;
pub mod unready;
