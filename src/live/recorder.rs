//! The recording, written while it comes into being: whatever ends the program, all but the last
//! moment is on the disk. A thread of its own writes, so that a slow disk keeps nobody waiting.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::session::Session;
use crate::session::recording::{Entry, Lines};

/// Longest time that an input waits for its way to the disk.
const WRITE_EVERY: Duration = Duration::from_millis(50);

/// A recording file that grows.
#[derive(Debug)]
pub struct Recorder {
    entries: Sender<Vec<Entry>>,
    writer: JoinHandle<()>,
    handed_over: usize,
    last: Instant,
}

impl Recorder {
    /// Begins a file with what was recorded so far.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(path: &Path, session: &Session) -> io::Result<Recorder> {
        let (lines, header) = Lines::begin(&session.recording().header);
        let mut file = File::create(path)?;
        file.write_all(header.as_bytes())?;
        let (entries, inbox) = channel();
        let writer = std::thread::Builder::new().name("recorder".into()).spawn(move || write(file, lines, &inbox))?;
        let mut recorder = Recorder { entries, writer, handed_over: 0, last: Instant::now() };
        recorder.hand_over(session);
        Ok(recorder)
    }

    /// How long the newest input may still wait; nothing if there is none.
    pub fn patience(&self, session: &Session, now: Instant) -> Option<Duration> {
        let is_behind = session.recording().entries.len() > self.handed_over;
        is_behind.then(|| (self.last + WRITE_EVERY).saturating_duration_since(now))
    }

    /// Gives what is new to the writer, once it has waited long enough.
    pub fn save(&mut self, session: &Session, now: Instant) {
        if self.patience(session, now) == Some(Duration::ZERO) {
            self.last = now;
            self.hand_over(session);
        }
    }

    /// Writes the end, and waits until all is on its way to the disk.
    pub fn finish(mut self, session: &Session) {
        self.hand_over(session);
        let end = Entry::End { end: session.recording().inputs().count() as u64 };
        let _ = self.entries.send(vec![end]);
        drop(self.entries);
        let _ = self.writer.join();
    }

    fn hand_over(&mut self, session: &Session) {
        let entries = &session.recording().entries;
        // A writer that has failed has said so.
        let _ = self.entries.send(entries.get(self.handed_over..).unwrap_or_default().to_vec());
        self.handed_over = entries.len();
    }
}

/// Writes what comes. The first error is told once on standard error, and ends the writing.
fn write(mut file: File, mut lines: Lines, inbox: &Receiver<Vec<Entry>>) {
    let mut text = Vec::new();
    for entries in inbox {
        text.clear();
        entries.iter().for_each(|entry| lines.entry(entry, &mut text));
        if let Err(error) = file.write_all(&text) {
            return eprintln!("mxlab: the recording is no longer written: {error}");
        }
    }
}
