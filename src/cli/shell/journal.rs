//! Keeps what is typed: each input is in the file before the next one is made.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::files::write_atomically;
use crate::session::Session;
use crate::session::recording::Lines;

/// A recording that grows in its file.
#[derive(Debug)]
pub struct Journal {
    /// Files that get everything: the one that was asked for, and the one of last time.
    files: Vec<Growing>,
    /// Whether losing something was told.
    told: bool,
}

#[derive(Debug)]
struct Growing {
    path: PathBuf,
    /// Whether it was asked for.
    wanted: bool,
    state: Option<(File, Lines)>,
    written: usize,
}

impl Journal {
    /// A journal for the file that was asked for and for the usual one.
    pub fn new(wanted: Option<PathBuf>, usual: Option<PathBuf>) -> Journal {
        let growing = |path, wanted| Growing { path, wanted, state: None, written: 0 };
        let files =
            wanted.map(|path| growing(path, true)).into_iter().chain(usual.map(|path| growing(path, false))).collect();
        Journal { files, told: false }
    }

    /// Writes what is new since the last call; after going back, everything.
    pub fn keep(&mut self, session: &Session) {
        for file in &mut self.files {
            if let Err(error) = file.keep(session)
                && !std::mem::replace(&mut self.told, true)
            {
                eprintln!("mxlab: {}: {error}; what is typed is not kept", file.path.display());
            }
        }
    }

    /// Writes the recordings to their ends.
    ///
    /// # Errors
    /// The file that was asked for cannot be written.
    pub fn close(self, session: &Session) -> Result<(), String> {
        let text = session.recording().to_text();
        for file in self.files {
            let written = write_atomically(&file.path, text.as_bytes());
            if let (Err(error), true) = (written, file.wanted) {
                return Err(format!("{}: {error}", file.path.display()));
            }
        }
        Ok(())
    }
}

impl Growing {
    fn keep(&mut self, session: &Session) -> io::Result<()> {
        let entries = &session.recording().entries;
        if self.written > entries.len() {
            self.state = None;
        }
        let (file, lines) = match &mut self.state {
            Some(state) => state,
            state => {
                if let Some(parent) = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                    fs::create_dir_all(parent)?;
                }
                let (lines, first) = Lines::begin(&session.recording().header);
                let mut file = File::create(&self.path)?;
                file.write_all(first.as_bytes())?;
                self.written = 0;
                state.insert((file, lines))
            }
        };
        let mut new = Vec::new();
        entries[self.written..].iter().for_each(|entry| lines.entry(entry, &mut new));
        file.write_all(&new)?;
        self.written = entries.len();
        Ok(())
    }
}

/// Where mxlab keeps what is not asked for: histories, and the recording of last time.
pub fn state_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("LOCALAPPDATA"))
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(base.join("mxlab"))
}

/// The file that a scenario's last session in the shell is kept in.
pub fn usual_file(scenario: &str) -> Option<PathBuf> {
    let name: String =
        scenario.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    Some(state_dir()?.join("shell").join(Path::new(&format!("{name}.mxrec"))))
}
