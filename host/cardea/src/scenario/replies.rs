//! What other services answer to a policy that calls them, as a case records it.

use bytes::Bytes;
use cardea_policy::{CallFailure, CallReply};
use http::HeaderMap;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

use super::exchange::Answer;
use super::exchange::fields::Entries;

/// By name of the upstream; in the order of the calls, and the last one for all that come after it.
pub type Replies = Entries<Vec<Recorded>>;

#[derive(Debug, Clone)]
pub enum Recorded {
    Answer(Answer),
    Failure(CallFailure),
}

impl<'de> Deserialize<'de> for Recorded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(word) if word == "timeout" => Ok(Self::Failure(CallFailure::Timeout)),
            Value::String(word) if word == "unreachable" => Ok(Self::Failure(CallFailure::Unreachable)),
            value @ Value::Object(_) => serde_json::from_value(value).map(Self::Answer).map_err(D::Error::custom),
            _ => Err(D::Error::custom("expected status, headers and body; or timeout, or unreachable")),
        }
    }
}

impl Recorded {
    /// What is wrong with which key of an answer.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Answer(answer) => answer.head().map(|_| ()),
            Self::Failure(_) => Ok(()),
        }
    }

    /// One that was not checked is no answer.
    pub fn give(&self) -> Result<CallReply, CallFailure> {
        match self {
            Self::Failure(failure) => Err(*failure),
            Self::Answer(answer) => {
                let head = answer.head().map_err(|_| CallFailure::Unreachable)?;
                let body = Bytes::from(answer.body.clone().unwrap_or_default());
                Ok(CallReply { status: head.status, headers: head.headers, body, trailers: HeaderMap::new() })
            }
        }
    }
}
