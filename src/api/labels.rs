//! The syntax of keys and values of labels and annotations in Kubernetes.

use super::limits::{LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX};
use super::names::is_dns1123_subdomain;

/// Whether `key` can be the key of a label: a name, with a domain and a slash before it or not.
pub fn is_label_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((domain, name)) => is_dns1123_subdomain(domain) && is_qualified_name(name),
        None => is_qualified_name(key),
    }
}

/// Whether `key` can be the key of an annotation: unlike a label's, its domain may have upper case letters in it.
pub fn is_annotation_key(key: &str) -> bool {
    is_label_key(&key.to_ascii_lowercase())
}

/// Whether `value` can be the value of a label.
pub fn is_label_value(value: &str) -> bool {
    value.is_empty() || (value.len() <= LABEL_VALUE_BYTES_MAX && is_qualified_name(value))
}

fn is_qualified_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    bytes.len() <= LABEL_NAME_BYTES_MAX
        && is_edge(bytes.first())
        && is_edge(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}
