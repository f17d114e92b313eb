//! What the black-box suites are made of: a real ingress process, scripted backends, and clients that send exact bytes.
//!
//! Nothing in here sleeps or uses a fixed port: whatever takes time is awaited as an event, under a deadline. A scenario
//! file (`scenarios/`) is data; `scenario` reads and plays it.

pub mod backend;
pub mod balancer;
pub mod certificate;
pub mod client;
pub mod exposition;
pub mod figures;
pub mod guest;
pub mod ingress;
pub mod pattern;
pub mod plane;
pub mod pulse;
pub mod registry;
pub mod scenario;
pub mod series;
pub mod swaps;
pub mod webhook;
pub mod wire;
