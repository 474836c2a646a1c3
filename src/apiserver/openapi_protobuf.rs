//! The OpenAPI document of version 2 in protobuf, for older clients.
//!
//! These clients validate only kinds with a definition in the document, so it has none. They use it to find out whether
//! a kind supports dry runs, that is, whether its patch has the parameter `dryRun`.

use super::kinds::ResourceKind;
use super::openapi::{VERSION_2_SWAGGER, identity, object_path};

/// The document.
pub(super) fn document(kinds: &[&'static ResourceKind]) -> Vec<u8> {
    let paths: Vec<u8> = kinds.iter().flat_map(|kind| field(2, &path(kind))).collect();
    [field(1, VERSION_2_SWAGGER.as_bytes()), field(8, &paths)].concat()
}

/// The path of a kind's objects, with what patches them.
fn path(kind: &ResourceKind) -> Vec<u8> {
    // A parameter of the query, by its name: an item, which is a parameter, which is in no body, but in the query.
    let query = [field(2, b"query"), field(4, b"dryRun")].concat();
    let parameter = field(1, &field(2, &field(3, &query)));
    let value = field(2, identity(kind).to_string().as_bytes());
    let extension = [field(1, b"x-kubernetes-group-version-kind"), field(2, &value)].concat();
    let patch = [field(8, &parameter), field(13, &extension)].concat();
    [field(1, object_path(kind).as_bytes()), field(2, &field(8, &patch))].concat()
}

/// A field that holds text, or another message.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    const LENGTH_DELIMITED: u8 = 2;
    let mut written = vec![number << 3 | LENGTH_DELIMITED];
    let mut length = bytes.len();
    while length >= 0x80 {
        written.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    written.push(length as u8);
    written.extend_from_slice(bytes);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_its_number_its_length_and_its_bytes() {
        assert_eq!(field(1, b"2.0"), b"\x0a\x032.0");
        assert_eq!(field(13, &[7; 300])[..3], [0x6a, 0xac, 0x02]);
    }
}
