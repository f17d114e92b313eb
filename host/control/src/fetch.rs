//! Where the bytes of a Policy's module come from when they are neither in a file nor in an object: a registry or a URL.
//!
//! [`Fetcher::find`] answers with what is known now and never waits for the network; what is not known is asked for in
//! the background, again and again until it is there, and the source is woken when an answer changed. What was good once
//! stays until something better is: in memory, and on disk for the next start.

mod fetcher;
mod source;
mod wanted;

mod author;
mod cache;
mod modules;
mod pull;

mod layer;
mod manifest;
mod signature;

mod client;
mod credentials;
mod session;
mod token;

mod fault;
mod image;
mod url;

#[cfg(test)]
mod tests;

pub use author::{Artifact, Interfaces, Repository};
pub(crate) use cache::prepare;
pub use client::{Client, Network, NetworkError, digest};
pub use credentials::{Login, login};
pub use fault::Fault;
pub use fetcher::{FetchError, Fetcher, Options};
pub use image::{Image, is_digest};
pub use signature::{KeyError, PolicyError, PublicKey, SignaturePolicy, SigningKey};
pub use source::module;
pub use url::is_url;
pub use wanted::{Credentials, Found, Good, Remote, Wanted};
