//! The recording, written while it comes into being: whatever ends the program, all but the last
//! moment is on the disk.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::session::Session;
use crate::session::recording::{Entry, Lines};

/// Longest time that an input waits in memory.
const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// A recording file that grows.
#[derive(Debug)]
pub struct Autosave {
    file: BufWriter<File>,
    lines: Lines,
    written: usize,
    flushed: Instant,
    error: Option<io::Error>,
}

impl Autosave {
    /// Begins a file with what was recorded so far.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(path: &Path, session: &Session) -> io::Result<Autosave> {
        let (lines, header) = Lines::begin(&session.recording().header);
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(header.as_bytes())?;
        file.flush()?;
        let now = Instant::now();
        let mut autosave = Autosave { file, lines, written: 0, flushed: now, error: None };
        autosave.save(session, now + FLUSH_EVERY);
        Ok(autosave)
    }

    /// Appends what is new. The first error is told once on standard error, and ends the writing.
    pub fn save(&mut self, session: &Session, now: Instant) {
        if self.error.is_some() {
            return;
        }
        let entries = &session.recording().entries;
        let result = self.append(entries.get(self.written..).unwrap_or_default(), now);
        self.written = entries.len();
        self.note(result);
    }

    /// Writes the end.
    pub fn finish(&mut self, session: &Session) {
        self.save(session, Instant::now());
        let end = self.lines.entry(&Entry::End { end: session.recording().inputs().count() as u64 });
        let result = self.file.write_all(end.as_bytes()).and_then(|()| self.file.flush());
        self.note(result);
    }

    fn append(&mut self, entries: &[Entry], now: Instant) -> io::Result<()> {
        for entry in entries {
            let line = self.lines.entry(entry);
            self.file.write_all(line.as_bytes())?;
        }
        if now.saturating_duration_since(self.flushed) >= FLUSH_EVERY && !self.file.buffer().is_empty() {
            self.file.flush()?;
            self.flushed = now;
        }
        Ok(())
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result
            && self.error.is_none()
        {
            eprintln!("mxlab: the recording is no longer written: {error}");
            self.error = Some(error);
        }
    }
}
