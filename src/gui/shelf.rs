//! What the window needs of the real machine: names to open, and a place for what must not be lost.

use serde::{Deserialize, Serialize};

use super::shared::Shared;
use crate::scenario::written::Text;
use crate::session::Session;

/// Something that can be opened by name.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name to open it by.
    pub name: String,
    /// Its title.
    pub title: Text,
    /// What is to be seen.
    pub summary: Text,
}

/// What is remembered from one time to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether the language is German.
    pub german: bool,
    /// Whether the dark theme is wanted.
    pub dark: bool,
    /// Whether the story is hidden.
    pub hide_story: bool,
    /// Whether the inspector is hidden.
    pub hide_inspector: bool,
    /// Whether the panel below the timeline is shown.
    pub bench: bool,
    /// What was opened last, newest first.
    pub recent: Vec<String>,
}

/// A shelf with one session on it, which remembers nothing: for pictures of the window.
pub struct Single {
    /// The session.
    pub session: Session,
    /// What the window looks like.
    pub settings: Settings,
}

impl Shelf for Single {
    fn demonstrations(&self) -> Vec<Entry> {
        Vec::new()
    }

    fn open(&self, _name: &str) -> Result<Session, String> {
        Ok(self.session.clone())
    }

    fn keep(&self, _session: &Session) -> Result<(), String> {
        Ok(())
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn remember(&self, _settings: &Settings) {}
}

/// The real machine, as far as the window may use it.
pub trait Shelf {
    /// The built-in demonstrations.
    fn demonstrations(&self) -> Vec<Entry>;
    /// Opens a scenario or a recording, played to its end.
    ///
    /// # Errors
    /// It cannot be opened; why, in words for people.
    fn open(&self, name: &str) -> Result<Session, String>;
    /// Keeps a session's recording, so that a crash loses nothing.
    ///
    /// # Errors
    /// It cannot be written; why, in words for people.
    fn keep(&self, session: &Session) -> Result<(), String>;
    /// Puts a session behind real sockets, which drive it from then on.
    ///
    /// # Errors
    /// They cannot be opened; why, in words for people.
    fn open_sockets(&self, _session: Session) -> Result<Box<dyn Shared>, String> {
        Err("there are no real sockets here".to_owned())
    }
    /// What was remembered.
    fn settings(&self) -> Settings;
    /// Remembers. What cannot be written is lost silently: it is only comfort.
    fn remember(&self, settings: &Settings);
}
