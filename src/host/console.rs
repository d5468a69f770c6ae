//! The person at a terminal: how keys reach a program, and what a program asks of whoever sits
//! there.
//!
//! An editor and another host lie outside the host that a program runs on. A program that needs
//! one returns [`Progress::Ask`](super::program::Progress::Ask) and is resumed with an [`Answer`].

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// How a program takes what is typed (termios(3)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Typing {
    /// Line by line, shown while it is typed: the terminal's canonical mode.
    #[default]
    Lines,
    /// Line by line and not shown, as passwords are.
    Hidden,
    /// Key by key and not shown, as pagers do.
    Keys,
}

/// The terminal that controls a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tty {
    /// Its size.
    pub window: Window,
    /// Whether standard input is this terminal, too.
    pub is_stdin: bool,
    /// How the program wants what is typed; it may change this.
    pub typing: Typing,
    /// What was typed for the program itself while it wanted passwords or keys. It comes from the
    /// terminal even if standard input is something else (`/dev/tty`).
    pub keys: Vec<u8>,
}

impl Tty {
    /// Takes a line without its line end from what was typed for the program itself.
    pub fn take_line(&mut self) -> Option<String> {
        let end = self.keys.iter().position(|octet| *octet == b'\n')?;
        let line: Vec<u8> = self.keys.drain(..=end).collect();
        Some(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned())
    }
}

/// The size of a terminal in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Columns.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
}

impl Default for Window {
    fn default() -> Window {
        Window { columns: 80, rows: 24 }
    }
}

/// What a program asks of whoever sits at its terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// To edit a text.
    Edit {
        /// The file that it is from, absolute.
        path: SmolStr,
        /// Its present text; empty if there is no such file.
        text: String,
        /// The line to begin on, from 1, if one was named.
        line: Option<u64>,
        /// Whether changes could be saved.
        writable: bool,
    },
    /// To log in to another host.
    LogIn {
        /// The user there.
        user: SmolStr,
        /// The host as it was named: by name or address.
        host: SmolStr,
        /// A command to run there instead of a shell.
        command: Option<String>,
    },
}

/// What the person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The edited text, or `None` if the editor was left without saving.
    Edited(Option<String>),
    /// The other host was left again.
    LoggedOut {
        /// The exit status there.
        status: u8,
        /// What the command wrote to standard output, if one was to be run.
        stdout: Bytes,
        /// Likewise to standard error.
        stderr: Bytes,
    },
    /// It is not possible; why, in words for the program's error message.
    Refused(String),
}
