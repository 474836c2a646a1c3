//! Text that looks like a credential but is none.

use std::ops::Range;

use crate::reconcile::redact::needles::decode;

/// The value at the end of a match, and what stands before it.
fn split<'t>(text: &'t [u8], part: &Range<usize>, is_between: fn(&u8) -> bool) -> (&'t [u8], &'t [u8]) {
    let matched = &text[part.clone()];
    let at = matched.iter().position(is_between).unwrap_or(0);
    let (name, rest) = matched.split_at(at);
    let value = rest.iter().position(|byte| !b"\\\"':= \t[".contains(byte)).map_or(&rest[..0], |at| &rest[at..]);
    (name, value)
}

fn ends_with(name: &[u8], words: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.trim_ascii_end();
    let name = name.strip_suffix(b"\"").or_else(|| name.strip_suffix(b"'")).unwrap_or(name);
    words.iter().any(|word| name.ends_with(word.as_bytes()))
}

/// The name of a Secret, or of a file.
pub(super) fn is_name(text: &[u8], part: &Range<usize>) -> bool {
    let (name, value) = split(text, part, |byte| *byte == b':');
    ends_with(name, &["name"]) || is_file(name, value)
}

pub(super) fn is_path(text: &[u8], part: &Range<usize>) -> bool {
    let (name, value) = split(text, part, |byte| *byte == b'=');
    ends_with(name, &["name"]) || is_file(name, value) || is_count(name, value) || is_switch(value) || is_version(value)
}

/// The last word of a name, such as there is before an equals sign.
fn last_word(name: &[u8]) -> &[u8] {
    let name = name.trim_ascii_end();
    name.rsplit(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').next().unwrap_or_default()
}

/// A number of things, not one of them: quotas, limits.
fn is_count(name: &[u8], value: &[u8]) -> bool {
    const BYTES_MAX: usize = 7;
    let value = value.strip_suffix(b",").unwrap_or(value);
    let is_number = value.len() <= BYTES_MAX && value.iter().all(u8::is_ascii_digit);
    let is_plural = ends_with(name, &["secrets", "tokens", "credentials", "passwords", "signatures", "count"]);
    is_number && (is_plural || last_word(name).to_ascii_lowercase().starts_with(b"max"))
}

fn is_switch(value: &[u8]) -> bool {
    let end = value.iter().rposition(|byte| !b",;.)".contains(byte)).map_or(0, |at| at + 1);
    let value = &value[..end];
    ["true", "false", "yes", "no", "none", "null"].iter().any(|known| value.eq_ignore_ascii_case(known.as_bytes()))
}

/// The version and release of a package: `0.20.4-1`, `0.80-1.el9`.
fn is_version(value: &[u8]) -> bool {
    let value = value.strip_suffix(b",").unwrap_or(value);
    let Some(dash) = value.iter().position(|byte| *byte == b'-') else { return false };
    let (version, release) = (&value[..dash], &value[dash + 1..]);
    version.contains(&b'.')
        && version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && release.first().is_some_and(u8::is_ascii_digit)
        && release.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'))
}

fn is_file(name: &[u8], value: &[u8]) -> bool {
    // Shells have the directory that they are in under one of these.
    let is_directory = ["pwd", "oldpwd"].iter().any(|known| last_word(name).eq_ignore_ascii_case(known.as_bytes()));
    (ends_with(name, &["file", "path", "dir", "policy"]) || is_directory) && value.starts_with(b"/")
}

/// A build secret is named by an option, and a file by another; neither says what is in it.
pub(super) fn is_option(text: &[u8], part: &Range<usize>) -> bool {
    let (name, value) = split(text, &(part.start + 1..part.end), |byte| b"= \t".contains(byte));
    value.starts_with(b"id=") || ends_with(name, &["name", "-stdin"]) || is_file(name, value)
}

/// A word of a language, as far as that can be told: letters alone, of which only the first may be large.
pub(super) fn is_word(text: &[u8], part: &Range<usize>) -> bool {
    const BYTES_MAX: usize = 20;
    let (_, value) = split(text, part, |byte| byte.is_ascii_whitespace());
    let value = value.trim_ascii();
    // In errors, more follows after a colon.
    let value = value.strip_suffix(b":").unwrap_or(value);
    value.len() < BYTES_MAX
        && value.first().is_some_and(u8::is_ascii_alphabetic)
        && value[1..].iter().all(u8::is_ascii_lowercase)
}

/// A part of a challenge, or a word: `Bearer realm="…"`, `Basic authentication`.
pub(super) fn is_of_challenge(text: &[u8], part: &Range<usize>) -> bool {
    let is_parameter = text[part.clone()].ends_with(b"=") && matches!(text.get(part.end), Some(b'"' | b'\\'));
    is_parameter || is_word(text, part)
}

/// A number, or a word, where others have what signs an address.
pub(super) fn is_digits(text: &[u8], part: &Range<usize>) -> bool {
    const BYTES_MAX: usize = 6;
    let value = text[part.clone()].rsplit(|byte| *byte == b'=').next().unwrap_or_default();
    value.len() <= BYTES_MAX && (value.iter().all(u8::is_ascii_digit) || value.iter().all(u8::is_ascii_lowercase))
}

/// The name of a file, in an instruction of a Containerfile.
pub(super) fn is_instruction(text: &[u8], part: &Range<usize>) -> bool {
    let mut words = text[part.clone()].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let is_keyword = |word: &&[u8]| {
        let start = word.iter().position(|byte| !b":\"'".contains(byte)).unwrap_or(word.len());
        let word = &word[start..];
        ["env", "label", "arg"].iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
    };
    words.by_ref().find(is_keyword);
    let (name, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    ends_with(name, &["name"]) || is_file(name, value)
}

/// A public part of a pair of keys, in base64.
pub(super) fn is_certificate(text: &[u8], part: &Range<usize>) -> bool {
    const DIGITS_MAX: usize = 60;
    let digits = &text[part.start..part.end.min(part.start + DIGITS_MAX)];
    let label = decode(digits);
    !label.windows(b"PRIVATE".len()).any(|word| word == b"PRIVATE")
}

/// The tag of an image that is named by digest too, or an address of mail after a word.
pub(super) fn is_of_image(text: &[u8], part: &Range<usize>) -> bool {
    let after = text.get(part.end + 1..).unwrap_or_default();
    let is_digest = after.starts_with(b"sha256:") || after.starts_with(b"sha512:");
    is_digest || is_package(&text[part.clone()], after) || text[part.clone()].ends_with(b"mailto")
}

/// A package of npm's, with its version: `react:17@latest`, `foo:bar@1.2.3`.
fn is_package(before: &[u8], after: &[u8]) -> bool {
    let is_version = |text: &[u8]| text.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let value = before.rsplit(|byte| *byte == b':').next().unwrap_or_default();
    let end = after.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'.').unwrap_or(after.len());
    let (host, rest) = after.split_at(end);
    // An address of a host has four numbers.
    let numbers = host.split(|byte| *byte == b'.').count();
    let is_address = rest.starts_with(b":") || rest.starts_with(b"/") || numbers > 3;
    !is_address && (is_version(host) || (is_version(value) && host == b"latest"))
}

/// Numbers of a user and a group.
pub(super) fn is_of_ids(text: &[u8], part: &Range<usize>) -> bool {
    let value = text[part.clone()].rsplit(|byte| b" \t=\"',".contains(byte)).next().unwrap_or_default();
    value.iter().all(|byte| byte.is_ascii_digit() || *byte == b':')
}
