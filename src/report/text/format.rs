//! The parts of texts: lines, ages, tables, and the message of a pool.

use std::borrow::Cow;

use comfy_table::{Column, Table, presets};
use jiff::{SignedDuration, Timestamp};

use crate::report::{PoolPhase, PoolReport};

/// What stands where something is left out.
const ELLIPSIS: char = '…';
/// What stands where there is nothing to say.
pub(super) const NOTHING: &str = "-";
/// Hexadecimal digits by which images, and other texts, are told apart.
pub(super) const DIGITS: usize = 12;

/// What there is to say of a pool in a line or a few: what it shows, unless there is something more urgent.
pub(super) fn message(report: &PoolReport) -> Option<Cow<'_, str>> {
    match (report.state, &report.blocked_by, &report.input_fault, &report.next) {
        (PoolPhase::Blocked, Some(blocker), ..) => {
            let words = [&blocker.condition, &blocker.reason, &blocker.message].map(String::as_str);
            Some(words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(": ").into())
        }
        (PoolPhase::Built, _, Some(fault), _) => Some(fault.message.as_str().into()),
        // What the pool shows is what was, then. While objects are being made, it may be what is in the way of that.
        (state, _, _, Some(next)) if next.is_due && state != PoolPhase::Starting => {
            Some(format!("due now: {}", next.what).into())
        }
        _ => report.message.as_deref().map(Cow::Borrowed),
    }
}

/// `text` without control characters, line breaks aside.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// `text` on one line of at most `max` characters.
pub(super) fn one_line(text: &str, max: usize) -> String {
    let line = printable(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= max {
        return line;
    }
    line.chars().take(max.saturating_sub(1)).chain([ELLIPSIS]).collect()
}

/// `text` without as much of its middle as it is longer than `max` characters: names differ at both ends.
pub(super) fn shorten_middle(text: &str, max: usize) -> String {
    let length = text.chars().count();
    if length <= max {
        return text.to_owned();
    }
    let kept = max.saturating_sub(1);
    let (start, end) = (kept.div_ceil(2), kept / 2);
    text.chars().take(start).chain([ELLIPSIS]).chain(text.chars().skip(length - end)).collect()
}

/// The time between two moments in its largest unit, and never in one of which there is but one.
pub(super) fn age(since: Timestamp, now: Timestamp) -> String {
    const UNITS: [(i64, char); 3] = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let seconds = now.duration_since(since).max(SignedDuration::ZERO).as_secs();
    let unit = UNITS.into_iter().find(|(unit, _)| seconds >= 2 * unit);
    unit.map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}

/// A table without borders, its columns as far apart as those of kubectl.
pub(super) fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

/// The table's lines, none with blanks at its end.
pub(super) fn lines(mut table: Table) -> String {
    const GAP: u16 = 3;
    table.column_iter_mut().for_each(|column: &mut Column| {
        column.set_padding((0, GAP));
    });
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_in_the_largest_unit_of_which_there_are_two() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let ages = [-5, 0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(|second| age(at(0), at(second)));
        assert_eq!(ages, ["0s", "0s", "119s", "2m", "119m", "2h", "47h", "2d"]);
    }

    #[test]
    fn what_a_build_printed_does_nothing_to_a_terminal() {
        assert_eq!(one_line("a\u{1b}[31m\n\n b\tc", 20), "a [31m b c");
        assert_eq!(printable("a\u{1b}[31m\nb\r"), "a [31m\nb ");
    }

    #[test]
    fn a_name_keeps_both_ends() {
        assert_eq!(shorten_middle("rendered-wörker-1", 17), "rendered-wörker-1");
        assert_eq!(shorten_middle("rendered-wörker-1", 8), "rend…r-1");
        assert_eq!(shorten_middle("rendered", 1), "…");
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        assert_eq!(one_line("üüüü", 4), "üüüü");
        assert_eq!(one_line("üüüüü", 4), "üüü…");
    }
}
