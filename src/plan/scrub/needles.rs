//! Known credentials, looked for as they are and in base64, at whatever alignment and wrapped at whatever column.

use std::ops::Range;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::view::{Join, View};
use crate::api::Sensitive;

/// The shortest text that is taken for a credential: shorter ones would be found in ordinary words.
const CREDENTIAL_BYTES_MIN: usize = 4;
/// The fewest digits of base64 that such a text takes.
const DIGITS_MIN: usize = 6;
/// The shortest part of a credential that is known again where a text was cut in the middle of it.
const PART_BYTES_MIN: usize = 8;

/// Credentials to look for.
pub(super) struct Needles {
    automaton: AhoCorasick,
    /// For those with white space in them, which may be wrapped there.
    spaced: Option<AhoCorasick>,
    words: Vec<Vec<u8>>,
}

impl Needles {
    /// None if there is nothing to look for.
    pub(super) fn new(credentials: &[Sensitive<String>]) -> Option<Self> {
        let mut words: Vec<Vec<u8>> = credentials.iter().flat_map(|word| forms(word.expose())).collect();
        words.retain(|word| word.len() >= CREDENTIAL_BYTES_MIN);
        words.sort();
        words.dedup();
        let spaced: Vec<Vec<u8>> = words.iter().filter_map(|word| without_space(word)).collect();
        let automaton = build(&words)?;
        Some(Self { automaton, spaced: build(&spaced), words })
    }

    /// Adds where there are any in `view`.
    pub(super) fn find(&self, view: &View, found: &mut Vec<Range<usize>>) {
        for join in [Join::AtBreaks, Join::AtIndentation] {
            let view = view.joined(join);
            found.extend(self.matches(&view.bytes).map(|part| view.place(part)));
        }
        if let Some(automaton) = &self.spaced {
            let view = view.joined(Join::WithoutSpace);
            found.extend(automaton.find_overlapping_iter(&view.bytes).map(|part| view.place(part.range())));
        }
    }

    /// Adds where there are any in what base64 in `view` stands for.
    pub(super) fn find_encoded(&self, view: &View, found: &mut Vec<Range<usize>>) {
        for run in runs(&view.bytes) {
            let digits = &view.bytes[run.clone()];
            for skipped in 0..4.min(digits.len()) {
                for part in self.matches(&decode(&digits[skipped..])) {
                    let start = run.start + skipped + part.start / 3 * 4 + part.start % 3;
                    let end = run.start + skipped + (part.end * 4).div_ceil(3);
                    let padding = view.bytes[end..].iter().take_while(|byte| **byte == b'=').count();
                    found.push(view.place(start..end + padding));
                }
            }
        }
    }

    /// Adds the beginning and the end of `view` if it was cut in the middle of one.
    pub(super) fn find_cut(&self, view: &View, found: &mut Vec<Range<usize>>) {
        let text = view.bytes.as_slice();
        let encoded = self.words.iter().map(|word| STANDARD_NO_PAD.encode(word).into_bytes());
        for word in self.words.iter().cloned().chain(encoded) {
            let lengths = || (PART_BYTES_MIN..word.len().min(text.len() + 1)).rev();
            if let Some(part) = lengths().find(|part| text.starts_with(&word[word.len() - part..])) {
                found.push(view.place(0..part));
            }
            if let Some(part) = lengths().find(|part| text.ends_with(&word[..*part])) {
                found.push(view.place(text.len() - part..text.len()));
            }
        }
    }

    fn matches<'h>(&'h self, haystack: &'h [u8]) -> impl Iterator<Item = Range<usize>> + 'h {
        self.automaton.find_overlapping_iter(haystack).map(|found| found.range())
    }
}

/// None if there is nothing to look for, or so much that it does not fit into memory.
fn build(words: &[Vec<u8>]) -> Option<AhoCorasick> {
    if words.is_empty() { None } else { AhoCorasick::new(words).ok() }
}

/// A credential with white space in it without that, if enough is left of it.
fn without_space(word: &[u8]) -> Option<Vec<u8>> {
    let left: Vec<u8> = word.iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).collect();
    (left.len() < word.len() && left.len() >= PART_BYTES_MIN).then_some(left)
}

/// A credential as it is looked for in a text without line breaks.
fn forms(word: &str) -> impl Iterator<Item = Vec<u8>> {
    let view = View::of(word);
    let trimmed = View::of(word.trim_matches(|c: char| c.is_whitespace() || c == '\0')).joined(Join::AtBreaks).bytes;
    [Join::AtBreaks, Join::AtIndentation].map(|join| view.joined(join).bytes).into_iter().chain([trimmed])
}

/// The digit of base64 that a byte is, in either alphabet.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// All that may be base64.
pub(super) fn runs(text: &[u8]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let length = text[at..].iter().take_while(|byte| digit(**byte).is_some()).count();
        if length >= DIGITS_MIN {
            runs.push(at..at + length);
        }
        at += length + 1;
    }
    runs
}

/// What digits stand for, the whole bytes of it.
pub(super) fn decode(digits: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut held, mut bits) = (0u32, 0);
    for digit in digits.iter().filter_map(|byte| digit(*byte)) {
        held = (held << 6 | u32::from(digit)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    bytes
}
