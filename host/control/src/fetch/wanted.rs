//! The question that a source asks of the fetcher, and the answers that it may get.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// A place outside of this process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Remote {
    Oci {
        /// `registry/repository:tag`, with or instead of the tag `@sha256:...`.
        image: Arc<str>,
        /// How often a tag is resolved again.
        interval: Duration,
    },
    Http {
        url: Arc<str>,
    },
}

impl Remote {
    /// The place as it was written, for people.
    pub fn path(&self) -> &Arc<str> {
        match self {
            Self::Oci { image, .. } => image,
            Self::Http { url } => url,
        }
    }
}

/// One module that a Policy asks for. Equal questions share one answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// Of the Policy: what one namespace may pull says nothing about another.
    pub namespace: Arc<str>,
    pub remote: Remote,
    /// `sha256:<64 hex>` that the module's bytes must have.
    pub digest: Option<Arc<str>>,
    pub credentials: Option<Credentials>,
    /// Interfaces that the Policy grants; an image that says that it imports more is not pulled.
    pub grants: Vec<String>,
}

/// The text of a `.dockerconfigjson`. Its content is in no message.
#[derive(Clone)]
pub struct Credentials(pub Arc<[u8]>);

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Credentials {}

impl Hash for Credentials {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// A module whose digest was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Good {
    pub bytes: Arc<[u8]>,
    /// `sha256:<64 hex>` of the bytes.
    pub digest: Arc<str>,
}

/// What is known of a module now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Ready {
        bytes: Arc<[u8]>,
        digest: Arc<str>,
        /// For messages.
        path: Arc<str>,
    },
    /// Asked for; the source is woken when there is an answer.
    Pending { path: Arc<str> },
    /// The last try failed; another follows by itself.
    Failed {
        path: Arc<str>,
        /// Of the Policy: `spec.module.oci.image` and the like.
        field: &'static str,
        message: String,
        remedy: String,
        /// What was good before, and goes on serving.
        last_good: Option<Good>,
    },
}
