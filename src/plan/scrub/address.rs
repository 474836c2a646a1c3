//! Who logs in, in addresses.

use std::ops::Range;

/// Adds what stands between `//` and `@` in addresses.
pub(super) fn find(text: &[u8], found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(start) = text[at..].windows(3).position(|window| window == b"://").map(|start| at + start + 3) {
        let end = text[start..].iter().position(|byte| is_end(*byte)).map_or(text.len(), |length| start + length);
        let address = &text[start..end];
        if let Some(length) = userinfo(address) {
            found.push(start..start + length);
        }
        at = start;
    }
}

fn is_end(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`')
}

/// How long user and password are.
fn userinfo(address: &[u8]) -> Option<usize> {
    let authority = address.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(address.len());
    // A password that is not encoded may have any of these in it: what looks like a port, and is none, is its beginning.
    let is_cut =
        authority < address.len() && !address[..authority].contains(&b'@') && has_no_port(&address[..authority]);
    let end = if is_cut { address.len() } else { authority };
    address[..end].iter().rposition(|byte| *byte == b'@')
}

fn has_no_port(authority: &[u8]) -> bool {
    let Some(colon) = authority.iter().position(|byte| *byte == b':') else { return false };
    !authority.starts_with(b"[") && !authority[colon + 1..].iter().all(u8::is_ascii_digit)
}
