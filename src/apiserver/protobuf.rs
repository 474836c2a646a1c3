//! Kubernetes' protobuf format. Only the parts that `kubectl create …` sends are read.

mod messages;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use messages::{Message, Type};

/// The prefix of every body.
const MAGIC: &[u8] = b"k8s\0";
/// Messages within messages that are followed; no message that is understood here has more.
const DEPTH_MAX: usize = 8;

/// The object in `body`, as JSON; else why there is none.
pub(super) fn decode(body: &[u8]) -> Result<Value, String> {
    let envelope = body.strip_prefix(MAGIC).ok_or("it does not begin with the magic bytes k8s\\0")?;
    let (types, raw) = pair(envelope)?;
    let types = message(messages::TYPE_META, types, DEPTH_MAX)?;
    let text = |field: &str| types[field].as_str().unwrap_or_default().to_owned();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let known = messages::of(&kind).ok_or_else(|| format!("{kind:?} is not understood; send it as JSON or YAML"))?;
    let mut object = message(known, raw, DEPTH_MAX)?;
    if !api_version.is_empty() {
        object["apiVersion"] = api_version.into();
        object["kind"] = kind.into();
    }
    Ok(object)
}

/// A value as it stands in a message.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The numbers and values of a message's fields, up to the first that is malformed.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = Result<(u64, Wire<'_>), String>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = field(&mut rest);
        if field.is_none() {
            rest = &[];
        }
        Some(field.ok_or_else(|| "a field is malformed".to_owned()))
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Wire<'a>)> {
    let tag = varint(rest)?;
    let value = match tag & 7 {
        0 => Wire::Number(varint(rest)?),
        1 => Wire::Bytes(split(rest, 8)?),
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Wire::Bytes(split(rest, length)?)
        }
        5 => Wire::Bytes(split(rest, 4)?),
        _ => return None,
    };
    Some((tag >> 3, value))
}

fn split<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *split(rest, 1)?.first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A message as a JSON object. Fields that are empty are left out, as they are in JSON.
fn message(known: Message, bytes: &[u8], depth: usize) -> Result<Value, String> {
    let depth = depth.checked_sub(1).ok_or("it is nested too deeply")?;
    let mut object = Map::new();
    for field in fields(bytes) {
        let (number, value) = field?;
        let Some((_, name, kind)) = known.iter().find(|(known, ..)| *known == number) else { continue };
        match (kind, value) {
            (Type::Text | Type::Time, Wire::Bytes([])) => {}
            (Type::Text, Wire::Bytes(bytes)) => drop(object.insert((*name).into(), text(bytes)?)),
            (Type::Texts, Wire::Bytes(bytes)) => push(&mut object, name, text(bytes)?),
            (Type::Number, Wire::Number(number)) => drop(object.insert((*name).into(), number.cast_signed().into())),
            (Type::Flag, Wire::Number(number)) => drop(object.insert((*name).into(), (number != 0).into())),
            (Type::Time, Wire::Bytes(bytes)) => drop(object.insert((*name).into(), time(bytes)?)),
            (Type::TextMap, Wire::Bytes(bytes)) => entry(&mut object, name, bytes, text)?,
            (Type::BytesMap, Wire::Bytes(bytes)) => {
                entry(&mut object, name, bytes, |bytes| Ok(STANDARD.encode(bytes).into()))?;
            }
            (Type::One(inner), Wire::Bytes(bytes)) => {
                let inner = message(inner, bytes, depth)?;
                if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
                    object.insert((*name).into(), inner);
                }
            }
            (Type::Many(inner), Wire::Bytes(bytes)) => push(&mut object, name, message(inner, bytes, depth)?),
            _ => return Err(format!("field {name} has the wrong type")),
        }
    }
    Ok(object.into())
}

fn text(bytes: &[u8]) -> Result<Value, String> {
    std::str::from_utf8(bytes).map(Value::from).map_err(|error| error.to_string())
}

fn time(bytes: &[u8]) -> Result<Value, String> {
    let seconds = match fields(bytes).next() {
        Some(Ok((1, Wire::Number(seconds)))) => seconds.cast_signed(),
        _ => 0,
    };
    Ok(Timestamp::from_second(seconds).map_err(|error| error.to_string())?.to_string().into())
}

fn push(object: &mut Map<String, Value>, name: &str, item: Value) {
    if let Value::Array(items) = object.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
        items.push(item);
    }
}

/// The first two fields of a message; empty where they are not there.
fn pair(message: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let (mut first, mut second) = (&[][..], &[][..]);
    for field in fields(message) {
        match field? {
            (1, Wire::Bytes(bytes)) => first = bytes,
            (2, Wire::Bytes(bytes)) => second = bytes,
            _ => {}
        }
    }
    Ok((first, second))
}

/// Adds an entry of a map, which is a message with a key and a value.
fn entry(
    object: &mut Map<String, Value>,
    name: &str,
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Result<Value, String>,
) -> Result<(), String> {
    let (key, value) = pair(bytes)?;
    let key = text(key)?;
    if let Value::Object(map) = object.entry(name).or_insert_with(|| Value::Object(Map::new())) {
        map.insert(key.as_str().unwrap_or_default().to_owned(), read(value)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// A field with a length before its bytes.
    fn put(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    fn body(kind: &str, raw: &[u8]) -> Vec<u8> {
        let types = [put(1, b"v1"), put(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), put(1, &types), put(2, raw)].concat()
    }

    #[test]
    fn a_config_map_is_read() {
        let metadata =
            [put(1, b"a"), put(2, b""), put(8, b""), put(11, &[put(1, b"k"), put(2, b"v")].concat())].concat();
        let data = [put(1, b"x"), put(2, b"y")].concat();
        let raw = [put(1, &metadata), put(2, &data), vec![4 << 3, 1]].concat();
        assert_eq!(
            decode(&body("ConfigMap", &raw)).unwrap(),
            json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"k": "v"}},
                "data": {"x": "y"}, "immutable": true,
            })
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(decode(b"{}").unwrap_err().contains("magic"));
        assert!(decode(&body("Deployment", b"")).unwrap_err().contains("Deployment"));
        assert!(decode(&body("ConfigMap", &[0x0a, 0x7f])).unwrap_err().contains("malformed"));
        assert!(decode(&body("ConfigMap", &[1 << 3, 1])).unwrap_err().contains("metadata"));
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_crash(raw in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = decode(&body("Secret", &raw));
            let _ = decode(&[MAGIC, &raw].concat());
        }
    }
}
