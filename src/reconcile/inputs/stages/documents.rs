//! Documents that stand in the lines after an instruction (`RUN cat <<EOF`).

use std::sync::LazyLock;

use regex::Regex;

/// The words that end the documents of an instruction, and whether tabs may be before them.
pub(super) fn documents(instruction: &str) -> Vec<(String, bool)> {
    static DOCUMENT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[0-9]*<<(-?)([^<]+)$").expect("the pattern is a constant"));
    let words = shell_words(instruction).unwrap_or_default();
    let takes_documents = |word: &String| ["run", "copy", "add"].iter().any(|known| word.eq_ignore_ascii_case(known));
    if !words.first().is_some_and(takes_documents) {
        return Vec::new();
    }
    let found = words.iter().filter_map(|word| DOCUMENT.captures(word));
    found.map(|found| (without_quotes(&found[2]), &found[1] == "-")).filter(|(end, _)| !end.is_empty()).collect()
}

/// Words as a shell tells them, quotes and all; none where a quote is not closed.
fn shell_words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            (_, '\\') if quote != Some('\'') => {
                word.push(c);
                word.extend(characters.next());
            }
            (None, '"' | '\'') => {
                quote = Some(c);
                word.push(c);
            }
            (open, c) => {
                quote = open.filter(|open| *open != c);
                word.push(c);
            }
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    quote.is_none().then_some(words)
}

/// A word as a shell passes it on.
fn without_quotes(word: &str) -> String {
    let (mut plain, mut quote) = (String::new(), None);
    let mut characters = word.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None | Some('"'), '\\') => plain.extend(characters.next()),
            _ => plain.push(c),
        }
    }
    plain
}
