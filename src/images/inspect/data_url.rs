//! The contents of Ignition sources: `data:` URLs (RFC 2397), compressed or not.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use percent_encoding::percent_decode_str;

use super::ignition::Resource;
use crate::encoding::{Padding, decode_base64};

/// The contents that a resource stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// These, which it holds itself.
    Inline(Vec<u8>),
    /// Those at a remote address. Only its scheme and host are kept, because addresses may hold keys.
    Remote(String),
}

/// The source of `resource`; none if it has none. An error describes an invalid source.
pub(super) fn fetch(resource: &Resource) -> Result<Option<Source>, String> {
    let Some(source) = &resource.source else { return Ok(None) };
    let Some(url) = source.strip_prefix("data:").or_else(|| source.is_empty().then_some(",")) else {
        return Ok(Some(Source::Remote(place(source))));
    };
    let bytes = decode(url)?;
    match resource.compression.as_deref() {
        None | Some("") => Ok(Some(Source::Inline(bytes))),
        Some("gzip") => {
            let mut plain = Vec::new();
            let read = MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain);
            read.map_err(|error| format!("it is not gzip ({error})"))?;
            Ok(Some(Source::Inline(plain)))
        }
        Some(other) => Err(format!("its compression is {other:?}, and only gzip is known")),
    }
}

/// A `data:` URL, without that.
fn decode(url: &str) -> Result<Vec<u8>, String> {
    let (media_type, data) = url.split_once(',').ok_or("there is no comma in its data URL")?;
    let data: Vec<u8> = percent_decode_str(data).collect();
    if media_type.rsplit(';').next() != Some("base64") {
        return Ok(data);
    }
    let digits = String::from_utf8(data).map_err(|_| "it is not base64")?;
    decode_base64(&digits, Padding::Required).map_err(|error| format!("it is not base64 ({error})"))
}

/// The scheme and host of an address.
fn place(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or((address, ""));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    if rest.is_empty() { "another place".into() } else { format!("{scheme}://{host}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(source: &str, compression: Option<&str>) -> Result<Option<Source>, String> {
        let (source, compression) = (Some(source.to_owned()), compression.map(str::to_owned));
        fetch(&Resource { source, compression, ..Resource::default() })
    }

    #[test]
    fn what_a_url_holds() {
        for (url, expected) in [
            ("data:,", ""),
            ("", ""),
            ("data:,a%20b%0A", "a b\n"),
            ("data:,a+b;c,d", "a+b;c,d"),
            ("data:text/plain;charset=utf-8,x", "x"),
            ("data:;base64,aGk=", "hi"),
            ("data:text/plain;charset=utf-8;base64,aGk%3D", "hi"),
            ("data:;base64,aGVs\nbG8=\n", "hello"),
            ("data:;base64,aGVs%0D%0AbG8=", "hello"),
        ] {
            assert_eq!(of(url, None), Ok(Some(Source::Inline(expected.into()))), "{url}");
        }
        assert_eq!(fetch(&Resource::default()), Ok(None));
    }

    #[test]
    fn compressed_contents_are_those_that_go_in() {
        let gzip = "data:;base64,H4sIAAAAAAACA8vIBACsKpPYAgAAAA==";
        assert_eq!(of(gzip, Some("gzip")), Ok(Some(Source::Inline(b"hi".to_vec()))));
        assert!(of("data:,hi", Some("gzip")).is_err());
        assert!(of("data:,hi", Some("xz")).is_err());
    }

    #[test]
    fn other_places_are_told_without_keys() {
        for (url, expected) in [
            ("https://user:key@host.test/x?token=1", "https://host.test"),
            ("s3://bucket/x", "s3://bucket"),
            ("arn:aws:s3:::bucket", "another place"),
        ] {
            assert_eq!(of(url, None), Ok(Some(Source::Remote(expected.into()))), "{url}");
        }
    }

    #[test]
    fn damage_is_told() {
        assert!(of("data:text/plain", None).is_err());
        assert!(of("data:;base64,%%%", None).is_err());
        assert!(of("data:;base64,aGVsbG8", None).is_err());
    }
}
