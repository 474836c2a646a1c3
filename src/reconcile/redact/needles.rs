//! Known credentials, looked for as they are and in base64, at whatever alignment and wrapped at whatever column.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::engine::general_purpose::{NO_PAD, STANDARD_NO_PAD};
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};

use super::view::{Join, View};
use crate::api::Sensitive;
use crate::encoding::trim_bytes;

/// The shortest text that is taken for a credential: shorter ones would be found in ordinary words.
const CREDENTIAL_BYTES_MIN: usize = 4;
/// The fewest digits of base64 that such a text takes.
const DIGITS_MIN: usize = 6;
/// The shortest part of a credential that is known again where a text was cut in the middle of it.
const PART_BYTES_MIN: usize = 8;
/// Sets of credentials for which is kept what finds them: most texts are scrubbed of the same ones.
const KEPT_MAX: usize = 4;

/// Sets of credentials, and what finds them, the latest first.
static KEPT: Mutex<VecDeque<(Vec<Credential>, Arc<Needles>)>> = Mutex::new(VecDeque::new());

/// Something that must not be shown. Passwords need not be UTF-8.
pub type Credential = Sensitive<Vec<u8>>;

/// Credentials to look for.
pub(super) struct Needles {
    automaton: AhoCorasick,
    /// For those with white space in them, which may be wrapped there.
    spaced: Option<AhoCorasick>,
    /// As they are, and in base64.
    words: Vec<Vec<u8>>,
}

impl Needles {
    /// What finds `credentials`, made once for a set of them; none if there is nothing to look for.
    pub(super) fn of(credentials: &[Credential]) -> Option<Arc<Self>> {
        let mut credentials = credentials.to_vec();
        credentials.sort();
        credentials.dedup();
        let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, needles)) = kept().iter().find(|(known, _)| *known == credentials) {
            return Some(needles.clone());
        }
        let needles = Arc::new(Self::new(&credentials)?);
        let mut kept = kept();
        kept.push_front((credentials, needles.clone()));
        kept.truncate(KEPT_MAX);
        Some(needles)
    }

    fn new(credentials: &[Credential]) -> Option<Self> {
        let mut words: Vec<Vec<u8>> = credentials.iter().flat_map(|word| forms(word.expose())).collect();
        words.retain(|word| word.len() >= CREDENTIAL_BYTES_MIN);
        words.sort();
        words.dedup();
        let spaced: Vec<Vec<u8>> = words.iter().filter_map(|word| without_space(word)).collect();
        let automaton = build(&words)?;
        let encoded: Vec<Vec<u8>> = words.iter().map(|word| STANDARD_NO_PAD.encode(word).into_bytes()).collect();
        words.extend(encoded);
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

    /// Adds the beginning and the end of `view`, and of each of its pieces, if it was cut there in the middle of one.
    pub(super) fn find_cut(&self, view: &View, found: &mut Vec<Range<usize>>) {
        let whole = view.joined(Join::AtIndentation);
        self.find_cut_in(&whole, 0..whole.bytes.len(), found);
        for piece in pieces(&view.bytes) {
            self.find_cut_in(view, piece, found);
        }
    }

    fn find_cut_in(&self, view: &View, piece: Range<usize>, found: &mut Vec<Range<usize>>) {
        let text = &view.bytes[piece.clone()];
        if text.len() < PART_BYTES_MIN {
            return;
        }
        for word in &self.words {
            let lengths = || (PART_BYTES_MIN..word.len().min(text.len() + 1)).rev();
            if let Some(part) = lengths().find(|part| text.starts_with(&word[word.len() - part..])) {
                found.push(view.place(piece.start..piece.start + part));
            }
            if let Some(part) = lengths().find(|part| text.ends_with(&word[..*part])) {
                found.push(view.place(piece.end - part..piece.end));
            }
        }
    }

    fn matches<'h>(&'h self, haystack: &'h [u8]) -> impl Iterator<Item = Range<usize>> + 'h {
        self.automaton.find_overlapping_iter(haystack).map(|found| found.range())
    }
}

/// None if there is nothing to look for, or so much that it does not fit into memory.
fn build(words: &[Vec<u8>]) -> Option<AhoCorasick> {
    // A table would be faster to search with, and takes minutes to make of a credential of 100 KB.
    let build = || AhoCorasick::builder().kind(Some(AhoCorasickKind::ContiguousNFA)).build(words);
    if words.is_empty() { None } else { build().ok() }
}

/// A credential with white space in it without that, if enough is left of it.
fn without_space(word: &[u8]) -> Option<Vec<u8>> {
    let left: Vec<u8> = word.iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).collect();
    (left.len() < word.len() && left.len() >= PART_BYTES_MIN).then_some(left)
}

/// A credential as it is looked for in a text without line breaks, and in what base64 stands for, with them.
fn forms(word: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let trimmed = trim_bytes(word, |byte| byte.is_ascii_whitespace() || byte == 0);
    let joins = [Join::AtBreaks, Join::AtIndentation].map(|join| View::of(word).joined(join).bytes);
    let joined = View::of(trimmed).joined(Join::AtBreaks).bytes;
    joins.into_iter().chain([joined, trimmed.to_vec(), word.to_vec()])
}

/// The parts of a text between line breaks and what stands for text that was left out, without white space around them.
fn pieces(text: &[u8]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at <= text.len() {
        let rest = &text[at..];
        let mark = ["\n", "\r", "…", "..."].into_iter().find(|mark| rest.starts_with(mark.as_bytes()));
        if mark.is_some() || rest.is_empty() {
            let piece = &text[start..at];
            let before = piece.len() - piece.trim_ascii_start().len();
            pieces.push(start + before..start + before + piece.trim_ascii().len());
            start = at + mark.map_or(0, str::len);
            at = start.max(at + 1);
        } else {
            at += 1;
        }
    }
    pieces
}

/// The digit of base64 that a byte is, in either alphabet, as that for URLs has it.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'+' | b'-' => Some(b'-'),
        b'/' | b'_' => Some(b'_'),
        _ => Some(byte).filter(u8::is_ascii_alphanumeric),
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
    const LENIENT: GeneralPurposeConfig = NO_PAD.with_decode_allow_trailing_bits(true);
    const DIGITS: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let mut digits: Vec<u8> = digits.iter().filter_map(|byte| digit(*byte)).collect();
    // A single digit is less than a byte.
    digits.truncate(if digits.len() % 4 == 1 { digits.len() - 1 } else { digits.len() });
    DIGITS.decode(digits).unwrap_or_default()
}
