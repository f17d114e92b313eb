//! Why a command ended early: what was found, what to do, and whose fault it is.

use std::fmt::Display;
use std::path::Path;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Mistake {
    /// Names the file and field, as a sentence without a full stop.
    pub what: String,
    /// What to do, likewise.
    pub remedy: String,
    pub exit_code: u8,
}

impl Mistake {
    /// The command as given cannot be carried out.
    pub fn usage(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into(), exit_code: 2 }
    }

    /// The policy is at fault.
    pub fn policy(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into(), exit_code: 1 }
    }

    /// A file cannot be read.
    pub fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self::usage(format!("{} cannot be read: {error}", path.display()), "name a file that exists and may be read")
    }

    pub fn unwritable(path: &Path, error: impl Display) -> Self {
        Self::usage(format!("{} cannot be written: {error}", path.display()), "name a place where you may write")
    }
}
