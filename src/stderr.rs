//! A standard error that never ends the process and, once started, never blocks it. A line that cannot be written is
//! counted and lost.
//!
//! A full disk, a pipe that no process reads from any more, or one whose reader has stopped must not end a daemon that
//! builds, nor make it wait. Once [started](start), a thread of its own writes the lines, so that no other one waits for
//! whatever is at the other end; what does not fit into its queue is lost. The first line that can be written after
//! others were lost begins with how many they were.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much may wait to be written. A reader that is slow for a moment loses nothing; one that has stopped does not
/// make this process grow.
const QUEUED_BYTES_MAX: usize = 1 << 20;

/// The standard error of this process.
static STDERR: Lines = Lines::new();

/// Says in a line of its own how many lines were lost.
pub type Notice = fn(u64) -> String;

/// Writes a line, or several.
pub fn line(text: &str) {
    STDERR.push(format!("{text}\n").as_bytes());
}

/// From here on, a thread writes the lines, and `notice` says how many were lost.
///
/// # Errors
/// If there can be no such thread; lines are written without it then.
pub fn start(notice: Notice) -> io::Result<()> {
    let writer = || {
        loop {
            STDERR.write_next(&mut io::stderr());
        }
    };
    STDERR.state().notice = Some(notice);
    std::thread::Builder::new().name("stderr".to_owned()).spawn(writer)?;
    STDERR.state().has_thread = true;
    Ok(())
}

/// Waits until everything is written, but no longer than this.
pub fn flush(patience: Duration) {
    STDERR.flush(patience);
}

/// Lines that could not be written since this process was started.
pub fn lines_lost() -> u64 {
    STDERR.lost.load(Ordering::Relaxed)
}

/// A writer whose every write is a line: it does not fail.
#[derive(Debug, Clone, Copy, Default)]
pub struct LineWriter;

impl Write for LineWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        STDERR.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines on their way.
struct Lines {
    state: Mutex<WriterState>,
    /// There is something to be written, or nothing any more.
    changed: Condvar,
    lost: AtomicU64,
}

struct WriterState {
    queue: VecDeque<Vec<u8>>,
    queued_bytes: usize,
    has_thread: bool,
    /// Whether the thread has taken a line out of the queue, and not yet written it.
    is_writing: bool,
    notice: Option<Notice>,
    tail: Tail,
}

/// How what was written so far ends.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tail {
    /// Lines that were lost, and were not told of.
    untold: u64,
    /// Whether it ends in the middle of a line.
    is_torn: bool,
}

impl Lines {
    const fn new() -> Self {
        let state = WriterState {
            queue: VecDeque::new(),
            queued_bytes: 0,
            has_thread: false,
            is_writing: false,
            notice: None,
            tail: Tail { untold: 0, is_torn: false },
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), lost: AtomicU64::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, WriterState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: &[u8]) {
        let mut state = self.state();
        if !state.has_thread {
            let (tail, notice) = (state.tail, state.notice);
            state.tail = self.write(&mut io::stderr(), tail, notice, line);
        } else if state.queued_bytes + line.len() > QUEUED_BYTES_MAX {
            state.tail.untold += 1;
            self.lost.fetch_add(1, Ordering::Relaxed);
        } else {
            state.queued_bytes += line.len();
            state.queue.push_back(line.to_vec());
            self.changed.notify_all();
        }
    }

    /// Waits for a line, and writes it, while others may come to the queue.
    fn write_next(&self, target: &mut impl Write) {
        let mut state = self.state();
        let line = loop {
            match state.queue.pop_front() {
                Some(line) => break line,
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        };
        state.queued_bytes -= line.len();
        state.is_writing = true;
        let (tail, notice) = (std::mem::take(&mut state.tail), state.notice);
        drop(state);
        let tail = self.write(target, tail, notice, &line);
        let mut state = self.state();
        state.tail = Tail { untold: state.tail.untold + tail.untold, is_torn: tail.is_torn };
        state.is_writing = false;
        self.changed.notify_all();
    }

    /// Writes a line after what is to be said before it; how it ends then.
    fn write(&self, target: &mut impl Write, tail: Tail, notice: Option<Notice>, line: &[u8]) -> Tail {
        let mut text = Vec::with_capacity(line.len());
        if tail.is_torn {
            text.push(b'\n');
        }
        if let Some(notice) = notice.filter(|_| tail.untold > 0) {
            text.extend_from_slice(notice(tail.untold).as_bytes());
            text.push(b'\n');
        }
        text.extend_from_slice(line);
        match write_all(target, &text) {
            Ok(()) => Tail::default(),
            Err(written) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                let is_torn = if written == 0 { tail.is_torn } else { text[written - 1] != b'\n' };
                Tail { untold: tail.untold + 1, is_torn }
            }
        }
    }

    fn flush(&self, patience: Duration) {
        let state = self.state();
        let is_busy = |state: &mut WriterState| state.has_thread && (state.is_writing || !state.queue.is_empty());
        drop(self.changed.wait_timeout_while(state, patience, is_busy));
    }
}

/// Writes all of a text; an error is how much of it was written.
fn write_all(target: &mut impl Write, text: &[u8]) -> Result<(), usize> {
    let mut written = 0;
    while written < text.len() {
        match target.write(&text[written..]) {
            Ok(0) => return Err(written),
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(written),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with this much room on it.
    struct Disk {
        text: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let room = self.room.saturating_sub(self.text.len());
            if room == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let text = &text[..text.len().min(room)];
            self.text.extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn threaded() -> Lines {
        let lines = Lines::new();
        lines.state().has_thread = true;
        lines.state().notice = Some(|lost| format!("{lost} lost"));
        lines
    }

    fn write(lines: &Lines, disk: &mut Disk, text: &[&str]) {
        for line in text {
            lines.push(format!("{line}\n").as_bytes());
            lines.write_next(disk);
        }
    }

    #[test]
    fn the_first_line_that_can_be_written_says_how_many_could_not() {
        let (lines, mut disk) = (threaded(), Disk { text: Vec::new(), room: 6 });
        write(&lines, &mut disk, &["one", "two", "three"]);
        assert_eq!(lines.lost.load(Ordering::Relaxed), 2);
        disk.room = usize::MAX;
        write(&lines, &mut disk, &["four", "five"]);
        assert_eq!(String::from_utf8(disk.text).unwrap(), "one\ntw\n2 lost\nfour\nfive\n");
    }

    #[test]
    fn a_line_that_is_lost_whole_leaves_no_blank_line() {
        let (lines, mut disk) = (threaded(), Disk { text: Vec::new(), room: 0 });
        write(&lines, &mut disk, &["one"]);
        disk.room = usize::MAX;
        write(&lines, &mut disk, &["two"]);
        assert_eq!(String::from_utf8(disk.text).unwrap(), "1 lost\ntwo\n");
    }

    #[test]
    fn what_has_no_room_in_the_queue_is_lost() {
        let (lines, mut disk) = (threaded(), Disk { text: Vec::new(), room: usize::MAX });
        let long = vec![b'x'; QUEUED_BYTES_MAX];
        lines.push(&long);
        lines.push(b"too much\n");
        assert_eq!((lines.lost.load(Ordering::Relaxed), lines.state().queue.len()), (1, 1));
        lines.write_next(&mut disk);
        assert_eq!(lines.state().queued_bytes, 0);
        assert!(disk.text.starts_with(b"1 lost\nxxx"));
    }

    #[test]
    fn a_reader_that_has_stopped_holds_nothing_up_for_ever() {
        let lines = threaded();
        lines.push(b"no thread takes it\n");
        lines.flush(Duration::from_millis(1));
        assert_eq!(lines.state().queue.len(), 1);
    }
}
