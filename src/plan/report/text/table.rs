//! A row for each pool.

use comfy_table::{ColumnConstraint, Width};
use jiff::Timestamp;

use super::{NOTHING, age, lines, message, one_line, plain_table};
use crate::plan::report::PoolReport;

const HEADER: [&str; 7] = ["POOL", "STATE", "SINCE", "ATTEMPT", "CONFIG", "IMAGE", "MESSAGE"];
/// Which of the columns is shortened.
const MESSAGE: usize = HEADER.len() - 1;
/// Longest message where there is no terminal to fit it into, in characters.
const MESSAGE_MAX: usize = 100;
/// The shortest that a message is cut to, however narrow the terminal.
const MESSAGE_MIN: usize = 20;
/// Hexadecimal digits by which images are told apart.
const DIGITS: usize = 12;

/// Rows of one table, printed in as many parts as there are changes.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The widths of columns so far: a later row is no narrower.
    widths: [usize; HEADER.len()],
    terminal: Option<usize>,
    has_header: bool,
}

impl Rows {
    /// No rows yet, for a terminal of this width.
    pub const fn new(terminal: Option<usize>) -> Self {
        Self { widths: [0; HEADER.len()], terminal, has_header: false }
    }

    /// The next rows; the header comes with the first.
    pub fn print<'r>(&mut self, reports: impl IntoIterator<Item = &'r PoolReport>, now: Timestamp) -> String {
        let header = (!self.has_header).then(|| HEADER.map(str::to_owned));
        self.has_header = true;
        let rows: Vec<[String; HEADER.len()]> =
            header.into_iter().chain(reports.into_iter().map(|report| row(report, now))).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(&row[..MESSAGE]) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut table = plain_table();
        let room = self.room();
        for mut row in rows {
            row[MESSAGE] = one_line(&row[MESSAGE], room);
            table.add_row(row);
        }
        for (column, width) in table.column_iter_mut().zip(self.widths) {
            let width = u16::try_from(width + 3).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
        lines(table)
    }

    /// The room that there is for a message.
    fn room(&self) -> usize {
        let others: usize = self.widths[..MESSAGE].iter().map(|width| width + 3).sum();
        self.terminal.map_or(MESSAGE_MAX, |terminal| terminal.saturating_sub(others).max(MESSAGE_MIN))
    }
}

fn row(report: &PoolReport, now: Timestamp) -> [String; HEADER.len()] {
    let attempt = report.attempt.as_ref().map(|attempt| format!("{}/{}", attempt.number, attempt.of));
    let cell = |text: Option<String>| text.unwrap_or_else(|| NOTHING.to_owned());
    [
        report.name.clone(),
        report.state.to_string(),
        cell(report.since.map(|since| age(since, now))),
        cell(attempt),
        cell(report.config.clone()),
        cell(report.image.as_deref().map(short_digest)),
        cell(message(report).map(|message| one_line(&message, usize::MAX))),
    ]
}

/// The beginning of an image's digest.
fn short_digest(image: &str) -> String {
    let digest = image.rsplit_once('@').map_or(image, |(_, digest)| digest);
    let end = digest.find(':').map_or(0, |colon| colon + 1) + DIGITS;
    one_line(digest.get(..end).unwrap_or(digest), usize::MAX)
}
