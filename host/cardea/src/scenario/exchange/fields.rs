//! Header fields in YAML: a value is a text, a list of texts, or, where a file expects something, null.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Names with their values, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, Vec<String>)>);

/// What fields must be: all values of a name, or `None` where there must be no such field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedFields(pub Vec<(String, Option<Vec<String>>)>);

/// One value or several.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Values(Vec<String>);

/// A text; a number or a boolean stands for its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(pub String);

impl Fields {
    /// As a header map, or what is wrong with which name.
    pub fn to_map(&self) -> Result<HeaderMap, String> {
        let mut map = HeaderMap::new();
        for (name, values) in &self.0 {
            let parsed = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| format!("{name:?} is not a header name; use letters, digits and hyphens"))?;
            for value in values {
                let value = HeaderValue::from_bytes(value.as_bytes())
                    .map_err(|_| format!("{name}: {value:?} is not a header value; it has a control character"))?;
                map.append(&parsed, value);
            }
        }
        Ok(map)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries: Entries<Values> = Entries::deserialize(deserializer)?;
        Ok(Self(entries.0.into_iter().map(|(name, Values(values))| (name, values)).collect()))
    }
}

impl<'de> Deserialize<'de> for ExpectedFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries: Entries<Option<Values>> = Entries::deserialize(deserializer)?;
        Ok(Self(entries.0.into_iter().map(|(name, values)| (name, values.map(|Values(values)| values))).collect()))
    }
}

/// The entries of a mapping, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries<V>(pub Vec<(String, V)>);

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor(std::marker::PhantomData))
    }
}

struct EntriesVisitor<V>(std::marker::PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for EntriesVisitor<V> {
    type Value = Entries<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping of names to values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<V>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValuesVisitor)
    }
}

struct ValuesVisitor;

impl<'de> Visitor<'de> for ValuesVisitor {
    type Value = Values;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a list of texts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Values, E> {
        Ok(Values(vec![text.to_owned()]))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Values, E> {
        Ok(Values(vec![number.to_string()]))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Values, E> {
        Ok(Values(vec![number.to_string()]))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Values, E> {
        Ok(Values(vec![value.to_string()]))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Values, E> {
        Err(E::custom("a number with a fraction may be read otherwise than it is written: quote it"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values, A::Error> {
        let mut values = Vec::new();
        while let Some(Text(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Values(values))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Values(mut values) = Values::deserialize(deserializer)?;
        match (values.pop(), values.is_empty()) {
            (Some(text), true) => Ok(Self(text)),
            _ => Err(D::Error::custom("expected a text")),
        }
    }
}
