//! How an image is named, and whether a name can be one.
//!
//! The registry is always written, and a tag or a digest too: what a bare name means differs from tool to tool.

use std::fmt;

/// `registry/repository:tag@sha256:...`; a digest decides, and a tag beside it is for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Image {
    /// Host, with a port if it was written.
    pub registry: String,
    pub repository: String,
    pub tag: Option<String>,
    /// Of the manifest: `sha256:<64 hex>`.
    pub digest: Option<String>,
}

/// Longest names, as the distribution specification and its registries have them.
const REPOSITORY_BYTES_MAX: usize = 255;
const TAG_BYTES_MAX: usize = 128;

impl Image {
    /// # Errors
    /// What is wrong, as a sentence about the name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix("oci://").unwrap_or(text);
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let Some((registry, path)) = name.split_once('/') else {
            return Err(format!("{text:?} names no registry"));
        };
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (path, None),
        };
        if !is_registry(registry) {
            return Err(format!("{registry:?} is not the host of a registry"));
        }
        if !is_repository(repository) {
            return Err(format!("{repository:?} is not a repository; it is lower case, with . _ - and / between"));
        }
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(format!("{tag:?} is not a tag"));
        }
        if let Some(digest) = digest.filter(|digest| !is_digest(digest)) {
            return Err(format!("{digest:?} is not a digest"));
        }
        if tag.is_none() && digest.is_none() {
            return Err(format!("{text:?} has neither a tag nor a digest"));
        }
        Ok(Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// What to ask a registry for: the digest, or else the tag.
    pub fn version(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or_default()
    }

    /// Registry and repository: what patterns and signatures are about.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Another version of the same repository.
    pub fn at(&self, version: &str) -> Self {
        let digest = is_digest(version).then(|| version.to_owned());
        let tag = digest.is_none().then(|| version.to_owned());
        Self { registry: self.registry.clone(), repository: self.repository.clone(), tag, digest }
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// A host is told from the first part of a path by a dot, a port, or by being `localhost`, as in every other tool.
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address, rest.strip_prefix(':')),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let is_host = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b));
    let is_told = host.contains(['.', ':']) || port.is_some() || host == "localhost";
    is_host && is_told && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
}

fn is_repository(text: &str) -> bool {
    let is_part = |part: &str| {
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        edge(part.bytes().next())
            && edge(part.bytes().next_back())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
            && !part.contains("..")
    };
    text.len() <= REPOSITORY_BYTES_MAX && text.split('/').all(is_part)
}

fn is_tag(text: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= TAG_BYTES_MAX
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|b| is_word(b) || b".-".contains(&b))
}

/// `sha256:` and 64 lower case hexadecimal digits: the only algorithm that is taken.
pub fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}
