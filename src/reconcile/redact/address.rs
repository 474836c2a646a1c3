//! User names and passwords in addresses.

use std::ops::Range;

/// Adds what stands between `//` and `@` in addresses.
pub(super) fn find(text: &[u8], found: &mut Vec<Range<usize>>) {
    without_scheme(text, found);
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

/// Adds user and password in addresses that begin with `//`. Without a scheme, it takes both to tell one.
fn without_scheme(text: &[u8], found: &mut Vec<Range<usize>>) {
    let starts = text.windows(2).enumerate().filter(|(at, pair)| *pair == b"//" && (*at == 0 || text[at - 1] != b':'));
    for start in starts.map(|(at, _)| at + 2) {
        let is_end = |byte: &u8| is_end(*byte) || matches!(byte, b'/' | b'?' | b'#');
        let end = text[start..].iter().position(is_end).map_or(text.len(), |length| start + length);
        let authority = &text[start..end];
        if let Some(length) = authority.iter().rposition(|byte| *byte == b'@')
            && authority[..length].iter().position(|byte| *byte == b':').is_some_and(|colon| colon > 0)
        {
            found.push(start..start + length);
        }
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
