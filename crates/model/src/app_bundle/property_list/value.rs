//! Property lists as plain values, within limits.
//!
//! A binary list may refer to the same object many times, so a few hundred bytes can stand for a tree of any size, and an
//! XML one may nest as deep as it is long. Both are stopped here, while the list is read: by a budget of values and of text
//! for the whole list, and by a limit of depth.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::app_bundle::DESCRIPTION_BYTES_MAX;
use crate::app_bundle::node::{Entry, Node, Value};

const DEPTH_MAX: usize = 32;
const VALUES_MAX: usize = 100_000;

/// A whole property list.
pub(super) struct Plain(pub(super) Value);

impl<'de> serde::Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let budget =
            Budget { values: Cell::new(VALUES_MAX), bytes: Cell::new(DESCRIPTION_BYTES_MAX) };
        Seed { budget: &budget, depth: 1 }.deserialize(deserializer).map(Self)
    }
}

struct Budget {
    values: Cell<usize>,
    bytes: Cell<usize>,
}

#[derive(Clone, Copy)]
struct Seed<'b> {
    budget: &'b Budget,
    depth: usize,
}

impl Seed<'_> {
    fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    fn take(self, bytes: usize) -> Option<()> {
        self.budget.values.set(self.budget.values.get().checked_sub(1)?);
        self.budget.bytes.set(self.budget.bytes.get().checked_sub(bytes)?);
        Some(())
    }

    fn take_or<E: serde::de::Error>(self, bytes: usize) -> Result<(), E> {
        self.take(bytes).ok_or_else(|| E::custom("the property list stands for too many values"))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.depth > DEPTH_MAX {
            return Err(D::Error::custom("the property list nests too deep"));
        }
        self.take_or(0)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a property list")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(Some(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(i64::try_from(value).ok()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other("a number with a fraction"))
    }

    fn visit_bytes<E: serde::de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        self.take_or(bytes.len())?;
        Ok(Value::Other("binary data"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.take_or(text.len())?;
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(value) = list.next_element_seed(self.deeper())? {
            nodes.push(Node { place: None, value });
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            self.take_or(key.len())?;
            let value = map.next_value_seed(self.deeper())?;
            entries.push(Entry { key, place: None, node: Node { place: None, value } });
        }
        Ok(Value::Table(entries))
    }
}
