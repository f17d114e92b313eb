//! What a case may expect of an exchange. Only the keys given are checked.

use std::fmt;

use cardea_policy::DecisionKind;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use super::exchange::fields::{Entries, ExpectedFields, Text};

/// Of the request phases.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Expect {
    #[serde(deserialize_with = "ending")]
    pub decision: Option<DecisionKind>,
    pub backend: Option<String>,
    pub subset: Option<Entries<Text>>,
    pub status: Option<u16>,
    pub reason: Option<String>,
    pub headers: ExpectedFields,
    pub body: Option<Body>,
    pub request_headers: ExpectedFields,
    pub path: Option<String>,
    /// `Some(None)`: no query.
    #[serde(deserialize_with = "given")]
    pub query: Option<Option<String>>,
    pub host: Option<String>,
    pub labels: Entries<Text>,
    pub reads: Option<Vec<String>>,
    pub failure: Option<String>,
    /// After the exchange: values that are kept; null for none.
    pub kv: Kept,
}

/// Of the answer that the client gets.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectAnswer {
    pub status: Option<u16>,
    pub headers: ExpectedFields,
    pub body: Option<Body>,
}

/// Kept values by key.
pub type Kept = Entries<Option<Text>>;

/// How request phases may end, but for their failure.
const ENDS: [DecisionKind; 5] =
    [DecisionKind::Next, DecisionKind::Route, DecisionKind::Redirect, DecisionKind::Respond, DecisionKind::Deny];
const LABELS: &[&str] = &{
    let [a, b, c, d, e] = ENDS;
    [a.label(), b.label(), c.label(), d.label(), e.label()]
};

fn ending<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DecisionKind>, D::Error> {
    deserializer.deserialize_str(EndVisitor).map(Some)
}

/// By its label: one of [`ENDS`].
struct EndVisitor;

impl Visitor<'_> for EndVisitor {
    type Value = DecisionKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", LABELS.join(", "))
    }

    fn visit_str<E: Error>(self, label: &str) -> Result<DecisionKind, E> {
        let kind = ENDS.into_iter().find(|kind| kind.label() == label);
        kind.ok_or_else(|| E::unknown_variant(label, LABELS))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    Is(String),
    Contains(String),
}

/// Tells a key with null from a key that is absent.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = Body;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or `contains: text`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Body, E> {
        Ok(Body::Is(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
        match (map.next_entry::<String, String>()?, map.next_key::<String>()?) {
            (Some((key, text)), None) if key == "contains" => Ok(Body::Contains(text)),
            (Some((key, _)), None) => Err(A::Error::unknown_field(&key, &["contains"])),
            _ => Err(A::Error::custom("expected one key: contains")),
        }
    }
}
