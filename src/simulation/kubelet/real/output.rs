//! The output of a container: both streams, in order, as its log has them.

use std::collections::VecDeque;
use std::io::{self, PipeWriter};
use std::os::fd::OwnedFd;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::unix::pipe::Receiver;

use crate::apiserver::PodLogs;

/// Longest line that is kept in one piece, in bytes, as with container runtimes.
const LINE_BYTES_MAX: u64 = 16 * 1024;
/// Most of a log that becomes a termination message, as with the kubelet.
const MESSAGE_BYTES_MAX: usize = 2048;
const MESSAGE_LINES_MAX: usize = 80;

/// The reading end of what a container writes to.
pub(super) struct Output {
    reader: BufReader<Receiver>,
}

impl Output {
    /// The two ends; the other is for the container.
    pub(super) fn new() -> io::Result<(Self, PipeWriter)> {
        let (reader, writer) = io::pipe()?;
        let reader = BufReader::new(Receiver::from_owned_fd(OwnedFd::from(reader))?);
        Ok((Self { reader }, writer))
    }

    /// Copies all output to the container's log, and returns its last lines once every writer has closed the pipe.
    pub(super) async fn keep(mut self, logs: &PodLogs, uid: &str, container: &str) -> io::Result<String> {
        let mut tail: VecDeque<String> = VecDeque::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            if (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await? == 0 {
                return Ok(last_lines(tail));
            }
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line)).into_owned();
            logs.append(uid, container, &text);
            tail.push_back(text);
            if tail.len() > MESSAGE_LINES_MAX {
                tail.pop_front();
            }
        }
    }
}

fn last_lines(tail: VecDeque<String>) -> String {
    let text = Vec::from(tail).join("\n");
    let mut start = text.len().saturating_sub(MESSAGE_BYTES_MAX);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].to_owned()
}
