//! Where the bytes of a Policy's module come from when they are neither in a file nor in an object: a registry or a URL.
//!
//! [`Fetcher::find`] answers with what is known now and never waits for the network; what is not known is asked for in
//! the background, again and again until it is there, and the source is woken when an answer changed. What was good once
//! stays until something better is: in memory, and on disk for the next start.

mod fetcher;
mod wanted;

pub use fetcher::{FetchError, Fetcher, Options};
pub use wanted::{Credentials, Found, Good, Remote, Wanted};
