//! Lines out of a stream of octets, with a limit.

/// A line was longer than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line too long")]
pub struct TooLong;

/// Collects octets and gives out lines without their line ends (LF or CRLF).
#[derive(Clone, Debug)]
pub struct Lines {
    buffer: Vec<u8>,
    limit: usize,
}

impl Lines {
    /// An empty collector for lines of at most `limit` octets.
    pub fn new(limit: usize) -> Lines {
        Lines { buffer: Vec::new(), limit }
    }

    /// Adds octets from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Forgets what was not yet given out (after STARTTLS: it came before the encryption).
    pub fn clear(&mut self) {
        self.buffer.clear();
    }

    /// The next complete line.
    ///
    /// # Errors
    /// The line is longer than the limit; what was collected is dropped.
    pub fn take_line(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let Some(end) = memchr::memchr(b'\n', &self.buffer) else {
            if self.buffer.len() > self.limit {
                self.buffer.clear();
                return Err(TooLong);
            }
            return Ok(None);
        };
        let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
        if line.len() > self.limit {
            return Err(TooLong);
        }
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }

    /// Takes exactly `count` octets, once they are there.
    pub fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        (self.buffer.len() >= count).then(|| self.buffer.drain(..count).collect())
    }
}
