//! A row for each pool.

use comfy_table::{ColumnConstraint, Width};
use jiff::Timestamp;

use super::format::{DIGITS, NOTHING, age, lines, message, one_line, plain_table, shorten_middle};
use crate::report::PoolReport;

const HEADER: [&str; 7] = ["POOL", "STATE", "SINCE", "ATTEMPT", "CONFIG", "IMAGE", "MESSAGE"];
const POOL: usize = 0;
const CONFIG: usize = 4;
const IMAGE: usize = 5;
const MESSAGE: usize = HEADER.len() - 1;
/// Longest message where there is no terminal to fit it into, in characters.
const MESSAGE_MAX: usize = 100;
/// The room that a message needs to say something: for this much of it, names are shortened in a narrow terminal.
const MESSAGE_WANTED: usize = 30;
/// The shortest that names are cut to for that.
const CONFIG_MIN: usize = 16;
const POOL_MIN: usize = 12;
/// Blanks between two columns.
const GAP: usize = 3;

/// Rows of one table, printed in as many parts as there are changes.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The widths of columns so far: a later row is no narrower.
    widths: [usize; HEADER.len()],
    terminal: Option<usize>,
    has_header: bool,
    /// Whether the terminal has room for images, which are decided on with the header.
    has_images: bool,
}

impl Rows {
    /// No rows yet, for a terminal of this width.
    pub const fn new(terminal: Option<usize>) -> Self {
        Self { widths: [0; HEADER.len()], terminal, has_header: false, has_images: true }
    }

    /// The next rows; the header comes with the first. No line is wider than the terminal: names are shortened in their
    /// middle, and where that is not enough for a message, images are left out.
    pub fn print<'r>(&mut self, reports: impl IntoIterator<Item = &'r PoolReport>, now: Timestamp) -> String {
        let header = (!self.has_header).then(|| HEADER.map(str::to_owned));
        let rows: Vec<[String; HEADER.len()]> =
            header.into_iter().chain(reports.into_iter().map(|report| row(report, now))).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(&row[..MESSAGE]) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let widths = self.fit();
        self.has_header = true;
        let room = self.terminal.map_or(MESSAGE_MAX, |terminal| terminal.saturating_sub(self.taken(&widths)));
        let mut table = plain_table();
        for mut row in rows {
            for name in [POOL, CONFIG] {
                row[name] = shorten_middle(&row[name], widths[name]);
            }
            row[MESSAGE] = one_line(&row[MESSAGE], room);
            table.add_row(self.columns().map(|column| row[column].clone()).collect::<Vec<_>>());
        }
        for (column, index) in table.column_iter_mut().zip(self.columns()) {
            let width = u16::try_from(widths[index] + GAP).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
        }
        let table = lines(table);
        let Some(terminal) = self.terminal else { return table };
        table.lines().map(|line| format!("{}\n", cut(line, terminal))).collect()
    }

    /// The widths of all columns but the message, as far as the terminal has room for them.
    fn fit(&mut self) -> [usize; HEADER.len()] {
        let mut widths = self.widths;
        let Some(terminal) = self.terminal else { return widths };
        self.shorten(&mut widths, CONFIG, CONFIG_MIN, terminal);
        if !self.has_header {
            self.has_images = self.taken(&widths) + MESSAGE_WANTED <= terminal;
        }
        self.shorten(&mut widths, POOL, POOL_MIN, terminal);
        widths
    }

    fn shorten(&self, widths: &mut [usize; HEADER.len()], column: usize, min: usize, terminal: usize) {
        let lacking = (self.taken(widths) + MESSAGE_WANTED).saturating_sub(terminal);
        widths[column] = widths[column].min(widths[column].saturating_sub(lacking).max(min));
    }

    /// What the columns before the message take.
    fn taken(&self, widths: &[usize; HEADER.len()]) -> usize {
        self.columns().filter(|column| *column != MESSAGE).map(|column| widths[column] + GAP).sum()
    }

    fn columns(&self) -> impl Iterator<Item = usize> + use<> {
        let has_images = self.has_images;
        (0..HEADER.len()).filter(move |column| has_images || *column != IMAGE)
    }
}

/// A line up to the edge of the terminal.
fn cut(line: &str, terminal: usize) -> &str {
    line.char_indices().nth(terminal).map_or(line, |(end, _)| &line[..end])
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
