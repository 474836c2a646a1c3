//! The body of a pull secret, read. Nothing of it is in an error, but for hosts and the names of fields.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::registry::shown;
use crate::encoding::{Padding, decode_base64};

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The JSON object that a body is, or what it is instead.
pub(super) fn parse(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    if bytes.trim_ascii().is_empty() {
        return Err("it is empty".into());
    }
    if bytes.starts_with(BYTE_ORDER_MARK) {
        return Err("it begins with a byte order mark, which is no JSON; save it as UTF-8 without one".into());
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0) {
        return Err("it is no UTF-8 text, but looks like UTF-16; save it as UTF-8".into());
    }
    match serde_json::from_slice(bytes) {
        Ok(Distinct(Value::Object(body))) => Ok(body),
        Err(error) if error.to_string().starts_with(TWICE) => {
            // Without the place that serde_json adds.
            let text = error.to_string();
            Err(text.split(" at line ").next().unwrap_or(TWICE).to_owned())
        }
        _ if is_encoded_again(bytes) => Err("it is encoded in base64 twice; encode it once".into()),
        _ => Err("it is not a JSON object".into()),
    }
}

fn is_encoded_again(bytes: &[u8]) -> bool {
    let text = str::from_utf8(bytes).unwrap_or_default();
    let decoded = decode_base64(text.trim(), Padding::Optional).unwrap_or_default();
    matches!(serde_json::from_slice(&decoded), Ok(Value::Object(_)))
}

const TWICE: &str = "there are two fields";

/// A JSON value of whose fields no two have the same name: readers differ in which of the two they take.
struct Distinct(Value);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DistinctVisitor).map(Self)
    }
}

struct DistinctVisitor;

impl<'de> Visitor<'de> for DistinctVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Distinct(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Distinct(value))) = fields.next_entry::<String, Distinct>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom(format!("{TWICE} {} in one object", shown(&name))));
            }
            map.insert(name, value);
        }
        Ok(map.into())
    }
}
