//! The directory source: Kubernetes manifests on disk, read as if they were in a cluster.
//!
//! Text becomes objects in [`parse`], pure; [`FileSource`] knows the disk. What of a broken file keeps serving is
//! decided in `store`.

mod source;

mod assemble;
mod census;
mod module;
mod store;

mod base64;
mod document;
mod header;
mod object;
mod parse;
mod split;

mod bound;
mod mistake;

mod parallel;
mod read;
mod tree;
mod watch;

#[cfg(test)]
mod tests;

pub use assemble::read_text;
pub use document::{Parsed, json as parse_value};
pub(crate) use mistake::Mistake;
pub use object::Object;
pub use parse::parse;
pub use source::{Change, FileSource, SourceError};
pub use watch::{Stopper, Waker};
