//! A text as it reads once one way of writing it is taken back, with where each byte stands in the text itself.

use std::ops::Range;

/// A text, read in one of several ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    pub bytes: Vec<u8>,
    /// Where each of the bytes is in the text itself.
    places: Vec<Range<usize>>,
}

/// What is left out where the lines of a text are made one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// Line breaks.
    AtBreaks,
    /// Line breaks, and the white space around them.
    AtIndentation,
    /// All white space.
    WithoutSpace,
}

/// One way of writing: what the beginning of a text stands for, and how much of it that takes. None if it stands for
/// itself.
type Step = fn(&[u8]) -> Option<(usize, Vec<u8>)>;

const STEPS: [Step; 5] = [backslash, percent, form, entity, shell];

impl View {
    /// The text as it is.
    pub(super) fn of(text: &[u8]) -> Self {
        Self { bytes: text.to_vec(), places: (0..text.len()).map(|at| at..at + 1).collect() }
    }

    /// The text in every way of writing, and in every two of them, one within the other; itself first, then those of
    /// one way. The number says how many these are.
    pub(super) fn all(text: &str) -> (Vec<Self>, usize) {
        let mut views = vec![Self::of(text.as_bytes())];
        views.extend(STEPS.iter().filter_map(|step| views[0].read(*step)).collect::<Vec<_>>());
        let simple = views.len();
        for once in 1..simple {
            let twice: Vec<Self> = STEPS.iter().filter_map(|step| views[once].read(*step)).collect();
            views.extend(twice);
        }
        // Last, as an empty value in quotes looks like this, too.
        let doubled: Vec<Self> = views[..simple].iter().filter_map(|view| view.read(doubled)).collect();
        views.extend(doubled);
        (views, simple)
    }

    /// Where a part of it is in the text itself.
    pub(super) fn place(&self, part: Range<usize>) -> Range<usize> {
        match (self.places.get(part.start), self.places.get(part.end.saturating_sub(1))) {
            (Some(first), Some(last)) if !part.is_empty() => first.start..last.end,
            _ => 0..0,
        }
    }

    /// With one way of writing taken back; none if there is nothing of it.
    fn read(&self, step: Step) -> Option<Self> {
        let mut view = Self::of(&[]);
        let (mut at, mut is_other) = (0, false);
        while at < self.bytes.len() {
            let (taken, bytes) = match step(&self.bytes[at..]) {
                Some(found) => {
                    is_other = true;
                    found
                }
                None => (1, vec![self.bytes[at]]),
            };
            let place = self.place(at..at + taken);
            view.places.extend(std::iter::repeat_n(place, bytes.len()));
            view.bytes.extend(bytes);
            at += taken;
        }
        is_other.then_some(view)
    }

    /// With its lines made one.
    pub(super) fn joined(&self, join: Join) -> Self {
        let is_break = |byte: u8| matches!(byte, b'\r' | b'\n');
        let is_dropped = |byte: u8| is_break(byte) || (join != Join::AtBreaks && matches!(byte, b' ' | b'\t'));
        let mut view = Self::of(&[]);
        let mut at = 0;
        while at < self.bytes.len() {
            let run = self.bytes[at..].iter().take_while(|byte| is_dropped(**byte)).count();
            let is_wrap = join == Join::WithoutSpace || self.bytes[at..at + run].iter().any(|byte| is_break(*byte));
            let kept = if run > 0 && is_wrap { at + run..at + run } else { at..at + run.max(1) };
            view.bytes.extend(&self.bytes[kept.clone()]);
            view.places.extend_from_slice(&self.places[kept.clone()]);
            at = kept.end;
        }
        view
    }
}

/// What `text` begins with if it is `from`, and stands for `to`.
fn word(text: &[u8], from: &str, to: &str) -> Option<(usize, Vec<u8>)> {
    text.starts_with(from.as_bytes()).then(|| (from.len(), to.as_bytes().to_vec()))
}

fn number(digits: Option<&[u8]>, radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits?).ok()?;
    digits.bytes().all(|digit| char::from(digit).is_digit(radix)).then(|| u32::from_str_radix(digits, radix).ok())?
}

fn character(code: u32) -> Option<Vec<u8>> {
    char::from_u32(code).map(|character| character.to_string().into_bytes())
}

/// The escapes of JSON, of Go and of shells.
fn backslash(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    let (b'\\', next) = (text.first()?, *text.get(1)?) else { return None };
    let control = |byte: u8| Some((2, vec![byte]));
    match next {
        b'\n' => Some((2, Vec::new())),
        b'n' => control(b'\n'),
        b'r' => control(b'\r'),
        b't' => control(b'\t'),
        b'x' => Some((4, vec![u8::try_from(number(text.get(2..4), 16)?).ok()?])),
        b'U' => Some((10, character(number(text.get(2..10), 16)?)?)),
        b'u' => {
            let unit = number(text.get(2..6), 16)?;
            if let Some(bytes) = character(unit) {
                return Some((6, bytes));
            }
            let low = number(text.get(8..12).filter(|_| text.get(6..8) == Some(b"\\u")), 16)?;
            let pair = char::decode_utf16([u16::try_from(unit).ok()?, u16::try_from(low).ok()?]).next()?.ok()?;
            Some((12, character(pair.into())?))
        }
        b'0'..=b'7' => Some((4, vec![u8::try_from(number(text.get(1..4), 8)?).ok()?])),
        byte if byte.is_ascii_alphanumeric() => None,
        byte => Some((2, vec![byte])),
    }
}

/// What URLs are written with.
fn percent(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    let code = number(text.get(1..3).filter(|_| text[0] == b'%'), 16)?;
    Some((3, vec![u8::try_from(code).ok()?]))
}

/// What the bodies of forms and queries are written with.
fn form(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    word(text, "+", " ").or_else(|| percent(text))
}

/// The entities of HTML and XML.
fn entity(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    const BYTES_MAX: usize = 10;
    if text.first() != Some(&b'&') {
        return None;
    }
    let named = [("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'")];
    if let Some(found) = named.into_iter().find_map(|(from, to)| word(text, from, to)) {
        return Some(found);
    }
    let end = text.iter().take(BYTES_MAX).position(|byte| *byte == b';')?;
    let code = match text.get(2..end).filter(|_| text[1] == b'#')? {
        [b'x' | b'X', digits @ ..] => number(Some(digits), 16),
        digits => number(Some(digits), 10),
    };
    Some((end + 1, character(code?)?))
}

/// A quote within a text that the quotes of YAML or CSV are around.
fn doubled(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    word(text, "''", "'").or_else(|| word(text, "\"\"", "\""))
}

/// A quote within a text that a shell's quotes are around.
fn shell(text: &[u8]) -> Option<(usize, Vec<u8>)> {
    word(text, r"'\''", "'").or_else(|| word(text, r#"'"'"'"#, "'")).or_else(|| word(text, r#""'""#, "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> Vec<String> {
        let (views, _) = View::all(text);
        views.into_iter().map(|view| String::from_utf8_lossy(&view.bytes).into_owned()).collect()
    }

    #[test]
    fn ways_of_writing_are_taken_back() {
        for (text, expected) in [
            (r#"a\"b\\c\/d"#, r#"a"b\c/d"#),
            (r"\u003ca\u00fc\ud83d\ude00\x41\101", "<aü😀AA"),
            (r"\U0001F600 x\$y", "😀 x$y"),
            ("a%2Fb%3a", "a/b:"),
            ("a+b%2Bc", "a b+c"),
            ("a&amp;b&#34;c&#x27;&lt;", "a&b\"c'<"),
            (r"it'\''s", "it's"),
            (r#"it'"'"'s"#, "it's"),
            ("%7B%22a%22%3A%22b%5C%22%22", "{\"a\":\"b\"\""),
            (r#"\\\"a"#, "\"a"),
            ("it''s", "it's"),
            ("a\"\"b", "a\"b"),
            (r#"a\"\"b"#, "a\"b"),
        ] {
            assert!(reads(text).iter().any(|read| read == expected), "{text}: {:?}", reads(text));
        }
    }

    #[test]
    fn what_is_no_way_of_writing_stands_for_itself() {
        for text in ["100%", "%zz", "a & b", "&#xyz;", r"C:\d", r"\u12", r"\ud83d", "\\", "&"] {
            assert!(reads(text).contains(&text.to_owned()), "{text}");
        }
    }

    #[test]
    fn every_byte_knows_its_place() {
        let text = "x%41\r\n  y";
        let (views, _) = View::all(text);
        let joined = views[1].joined(Join::AtIndentation);
        assert_eq!(joined.bytes, b"xAy");
        assert_eq!(joined.place(0..3), 0..text.len());
        assert_eq!(joined.place(1..2), 1..4);
        assert_eq!(views[1].joined(Join::AtBreaks).bytes, b"xA  y");
    }
}
