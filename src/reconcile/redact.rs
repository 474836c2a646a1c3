//! Keeps credentials out of everything that users see.
//!
//! It finds known credentials in every form: it decodes a text in each way in which it may be encoded (`view`), and
//! also reads base64 (`needles`). It recognises unknown credentials by their context (`patterns`, `address`).

mod address;
mod harvest;
mod needles;
mod patterns;
#[cfg(test)]
mod tests;
mod view;

use std::ops::Range;

pub use self::harvest::credentials;
pub use self::needles::Credential;
use self::needles::Needles;
use self::view::{Join, View};

/// What stands in the place of a credential.
pub const REDACTED: &str = "[redacted]";

/// `text` without `credentials`, and without what looks like one.
pub fn scrub(text: &str, credentials: &[Credential]) -> String {
    // Not to be taken for a value itself, should the text have been here before.
    let mut found: Vec<_> = text.match_indices(REDACTED).map(|(at, word)| at..at + word.len()).collect();
    let (views, simple) = View::all(text);
    if let Some(needles) = Needles::of(credentials) {
        needles.find_cut(&views[0], &mut found);
        views.iter().for_each(|view| needles.find(view, &mut found));
        for view in &views[..simple] {
            needles.find_encoded(view, &mut found);
            needles.find_encoded(&view.joined(Join::AtIndentation), &mut found);
        }
    }
    for view in &views[..simple] {
        let mut parts = Vec::new();
        patterns::find(&view.bytes, &mut parts);
        address::find(&view.bytes, &mut parts);
        found.extend(parts.into_iter().map(|part| view.place(part)));
    }
    hide(text, found)
}

/// `text` with something else in these places.
fn hide(text: &str, mut places: Vec<Range<usize>>) -> String {
    places.retain(|place| !place.is_empty());
    places.sort_by_key(|place| (place.start, place.end));
    let mut shown = String::with_capacity(text.len());
    let (mut at, mut is_hidden) = (0, false);
    for place in places {
        let (start, end) = (text.floor_char_boundary(place.start), text.ceil_char_boundary(place.end));
        if start > at || !is_hidden {
            shown.push_str(&text[at..start.max(at)]);
            shown.push_str(REDACTED);
            is_hidden = true;
        }
        at = at.max(end);
    }
    shown.push_str(&text[at..]);
    shown
}
