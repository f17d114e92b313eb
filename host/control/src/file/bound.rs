//! How much work one document may ask for before it is refused unread.
//!
//! YAML aliases let a small text stand for a huge value, and deep nesting costs the scanner quadratic time. The parser
//! bounds the number of aliases followed, but not what each of them repeats.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

/// Brackets that may be open at once.
const DEPTH_MAX: usize = 1_000;
/// What aliases may add to a document's own size, in nodes and bytes of text.
const EXPANSION_MAX: usize = 1 << 20;

/// Whether the document is safe to parse.
pub(super) fn check(text: &str) -> Result<(), String> {
    if depth(text) > DEPTH_MAX {
        return Err(format!("nests more than {DEPTH_MAX} levels deep"));
    }
    if !may_alias(text) {
        return Ok(());
    }
    let left = Cell::new(text.len().saturating_mul(2).saturating_add(EXPANSION_MAX));
    // The parser's own bound is on aliases followed. Any other error is found again, and described, by the real parse.
    match Weigh(&left).deserialize(serde_yaml::Deserializer::from_str(text)) {
        Err(error) if left.get() == 0 || error.to_string().starts_with("repetition limit") => {
            Err("its aliases expand to too large a value".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether there can be an alias at all: both of its characters occur.
pub(super) fn may_alias(text: &str) -> bool {
    text.contains('&') && text.contains('*')
}

/// How many brackets are open at once, at most. Brackets inside text count too, which only errs for odd text.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Walks a value with every alias followed, and fails once the budget is spent.
struct Weigh<'a>(&'a Cell<usize>);

impl Weigh<'_> {
    fn spend<E: Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.0.get().saturating_sub(bytes.saturating_add(1));
        self.0.set(left);
        match left {
            0 => Err(E::custom("too large")),
            _ => Ok(()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Weigh<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Weigh<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.spend(0)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.spend(0)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.spend(0)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.spend(0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.spend(text.len())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.spend(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.spend(0)?;
        while items.next_element_seed(Weigh(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.spend(0)?;
        while entries.next_key_seed(Weigh(self.0))?.is_some() {
            entries.next_value_seed(Weigh(self.0))?;
        }
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        let (_, content) = tagged.variant_seed(Weigh(self.0))?;
        content.newtype_variant_seed(self)
    }
}
