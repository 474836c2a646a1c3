//! Base64 as Go reads it, and so the API server, the kubelet and buildah: people write what those accept.

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};

/// Bits left over in the last digit are ignored, as in Go unless it is told to be strict.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
const PADDED: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const ANY_PADDING: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, LENIENT.with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// Whether the digits that a text ends with have to be filled up with `=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// They have to be, as for the API server and buildah.
    Required,
    /// They may be, as for the kubelet.
    Optional,
}

/// What `text` stands for in the standard alphabet. Line breaks are ignored wherever they stand, as `base64` without
/// `-w0` writes them; any other white space is an error.
///
/// Of its own, as the crate base64 refuses line breaks, and has no option for them.
pub fn decode_base64(text: &str, padding: Padding) -> Result<Vec<u8>, base64::DecodeError> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    match padding {
        Padding::Required => PADDED.decode(digits),
        Padding::Optional => ANY_PADDING.decode(digits),
    }
}

/// `bytes` without those at its ends that `is_dropped` picks.
pub fn trim_bytes(bytes: &[u8], is_dropped: impl Fn(u8) -> bool) -> &[u8] {
    let start = bytes.iter().position(|byte| !is_dropped(*byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_dropped(*byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_are_ignored_wherever_they_stand() {
        for text in ["aGVsbG8=", "aGVs\nbG8=", "aGVs\r\nbG8=\r\n", "\naG\nVs\nbG8\n=\n", "aGVsbG8\n="] {
            for padding in [Padding::Required, Padding::Optional] {
                assert_eq!(decode_base64(text, padding).as_deref(), Ok(b"hello".as_slice()), "{text:?}");
            }
        }
    }

    #[test]
    fn padding_is_left_out_only_where_it_may_be() {
        for text in ["aGVsbG8", "aGVs\nbG8\n"] {
            assert_eq!(decode_base64(text, Padding::Optional).as_deref(), Ok(b"hello".as_slice()), "{text:?}");
            assert!(decode_base64(text, Padding::Required).is_err(), "{text:?}");
        }
    }

    #[test]
    fn bits_that_are_left_over_are_ignored() {
        assert_eq!(decode_base64("aGVsbG9=", Padding::Required).as_deref(), Ok(b"hello".as_slice()));
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in ["aGVs bG8=", "aGVs\tbG8=", " aGVsbG8=", "aGVsbG8=x", "aGVsbG8==", "aGVs-_8=", "a", "=", "ü"] {
            assert!(decode_base64(text, Padding::Required).is_err(), "{text:?}");
            assert!(decode_base64(text, Padding::Optional).is_err(), "{text:?}");
        }
    }
}
