//! From a JSON tree to the policy's own type, with errors that know where they are.
//!
//! Numbers with a fraction are parsed only for types that ask for them: a policy without such a field is spared the code.

use std::fmt;

use serde::de::value::StringDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::json::Json;

/// `path: message`, with a path such as `.rules[2].weight`.
#[derive(Debug)]
pub struct Error {
    pub path: String,
    pub message: String,
}

impl Error {
    fn at_key(mut self, key: &str) -> Error {
        self.path = [".", key, &self.path].concat();
        self
    }

    fn at_index(mut self, index: usize) -> Error {
        self.path = ["[", &index.to_string(), "]", &self.path].concat();
        self
    }

    fn mismatch(what: &str, unexpected: Unexpected, expected: &dyn Expected) -> Error {
        let found = match unexpected {
            Unexpected::Bool(value) => ["boolean `", if value { "true" } else { "false" }, "`"].concat(),
            Unexpected::Unsigned(value) => ["integer `", &value.to_string(), "`"].concat(),
            Unexpected::Signed(value) => ["integer `", &value.to_string(), "`"].concat(),
            Unexpected::Float(_) => "a number with a fraction".to_string(),
            Unexpected::Str(text) => ["string \"", text, "\""].concat(),
            Unexpected::Unit => "null".to_string(),
            Unexpected::Seq => "a list".to_string(),
            Unexpected::Map => "a map".to_string(),
            _ => "something else".to_string(),
        };
        de::Error::custom([what, ": ", &found, ", expected ", &expected.to_string()].concat())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        f.write_str(": ")?;
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The two that are overridden would print floating-point numbers, which is most of what they cost.
impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Error {
        Error { path: String::new(), message: message.to_string() }
    }

    fn invalid_type(unexpected: Unexpected, expected: &dyn Expected) -> Error {
        Error::mismatch("invalid type", unexpected, expected)
    }

    fn invalid_value(unexpected: Unexpected, expected: &dyn Expected) -> Error {
        Error::mismatch("invalid value", unexpected, expected)
    }
}

pub struct Reader(pub Json);

impl Reader {
    fn plain<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Json::Null => visitor.visit_unit(),
            Json::Bool(value) => visitor.visit_bool(value),
            Json::Text(text) => visitor.visit_string(text),
            Json::List(list) => visitor.visit_seq(Elements { next: 0, list: list.into_iter() }),
            Json::Map(map) => visitor.visit_map(Fields { map: map.into_iter(), value: None }),
            Json::Number(text) => match (text.parse(), text.parse()) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                _ => Err(de::Error::invalid_type(Unexpected::Float(0.0), &visitor)),
            },
        }
    }
}

/// Kinds of value that are told apart by the text alone.
macro_rules! plain {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.plain(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader {
    type Error = Error;

    plain! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_char deserialize_str deserialize_string deserialize_unit
        deserialize_seq deserialize_map deserialize_identifier
    }

    forward_to_deserialize_any! { f32 bytes byte_buf unit_struct tuple_struct }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0 {
            Json::Number(text) if text.contains(['.', 'e', 'E']) => self.deserialize_f64(visitor),
            _ => self.plain(visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Json::Number(text) => visitor.visit_f64(text.parse().unwrap_or(f64::NAN)),
            other => Reader(other).plain(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Json::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// A map alone: derived code would take a list too, with the fields in their order.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Json::List(_) => Err(de::Error::invalid_type(Unexpected::Seq, &visitor)),
            other => Reader(other).plain(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.plain(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    /// A name, or a map with one entry: the name, and what it holds.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Json::Text(name) => visitor.visit_enum(Variant { name, content: None }),
            Json::Map(map) if map.len() == 1 => match map.into_iter().next() {
                Some((name, content)) => visitor.visit_enum(Variant { name, content: Some(content) }),
                None => Err(de::Error::invalid_type(Unexpected::Map, &visitor)),
            },
            other => Reader(other).plain(visitor),
        }
    }
}

struct Elements {
    next: usize,
    list: std::vec::IntoIter<Json>,
}

impl<'de> de::SeqAccess<'de> for Elements {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(element) = self.list.next() else { return Ok(None) };
        self.next += 1;
        seed.deserialize(Reader(element)).map(Some).map_err(|error| error.at_index(self.next - 1))
    }
}

struct Fields {
    map: std::vec::IntoIter<(String, Json)>,
    value: Option<(String, Json)>,
}

impl<'de> de::MapAccess<'de> for Fields {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.map.next() else { return Ok(None) };
        let read = seed.deserialize(text(key.clone())).map_err(|error| error.at_key(&key))?;
        self.value = Some((key, value));
        Ok(Some(read))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match self.value.take() {
            Some((key, value)) => seed.deserialize(Reader(value)).map_err(|error| error.at_key(&key)),
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }
}

fn text(text: String) -> StringDeserializer<Error> {
    text.into_deserializer()
}

struct Variant {
    name: String,
    content: Option<Json>,
}

struct Content(Option<Json>);

impl<'de> de::EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = Content;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content), Error> {
        Ok((seed.deserialize(text(self.name))?, Content(self.content)))
    }
}

impl<'de> de::VariantAccess<'de> for Content {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            None | Some(Json::Null) => Ok(()),
            Some(_) => Err(de::Error::custom("this choice holds nothing")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(Reader(self.0.unwrap_or(Json::Null)))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        Reader(self.0.unwrap_or(Json::Null)).plain(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        Reader(self.0.unwrap_or(Json::Null)).plain(visitor)
    }
}
