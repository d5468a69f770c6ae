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
    /// What it is.
    pub kind: EntryKind,
}

/// What can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// Something to watch.
    Demonstration,
    /// Something to do.
    Lab,
    /// What was done before.
    Recording,
}

/// What is remembered from one time to the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
    /// The view below the map, by name; none if it is closed.
    pub view: Option<String>,
    /// Widths of story and inspector and height of the view below the map, where a person has changed them.
    pub sides: Sides,
    /// Size of the window in points.
    pub size: Option<[f32; 2]>,
    /// How much larger everything is drawn.
    pub zoom: Option<f32>,
    /// What was opened last, newest first.
    pub recent: Vec<String>,
}

/// Sizes of panels in points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sides {
    /// Width of the story or the lab.
    pub story: Option<f32>,
    /// Width of the inspector.
    pub inspector: Option<f32>,
    /// Height of the view below the map.
    pub bench: Option<f32>,
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

    fn sitting(&self, session: &Session) -> String {
        session.scenario().name.clone()
    }

    fn keep(&self, _sitting: &str, _branch: Option<&str>, _session: &Session) -> Result<(), String> {
        Ok(())
    }

    fn now(&self) -> u64 {
        0
    }

    fn settings(&self) -> Settings {
        self.settings.clone()
    }

    fn remember(&self, _settings: &Settings) {}
}

/// The real machine, as far as the window may use it.
pub trait Shelf {
    /// What there is to open: demonstrations, labs, and recordings, newest first.
    fn demonstrations(&self) -> Vec<Entry>;
    /// Opens a scenario or a recording, played to its end.
    ///
    /// # Errors
    /// It cannot be opened; why, in words for people.
    fn open(&self, name: &str) -> Result<Session, String>;
    /// What is to be said about something that was opened: what is missing from a damaged recording.
    fn remark(&self, _name: &str) -> Option<String> {
        None
    }
    /// A name to keep by what is done from now on.
    fn sitting(&self, session: &Session) -> String;
    /// Keeps the recording of a sitting's present future, or of a named other one, so that a crash loses
    /// nothing.
    ///
    /// # Errors
    /// It cannot be written; why, in words for people.
    fn keep(&self, sitting: &str, branch: Option<&str>, session: &Session) -> Result<(), String>;
    /// Puts a session behind real sockets, which drive it from then on.
    ///
    /// # Errors
    /// They cannot be opened; why, in words for people.
    fn open_sockets(&self, _session: Session) -> Result<Box<dyn Shared>, String> {
        Err("there are no real sockets here".to_owned())
    }
    /// What the clock on the wall says, in seconds since 1970: exams go by it.
    fn now(&self) -> u64;
    /// What was remembered.
    fn settings(&self) -> Settings;
    /// Remembers. What cannot be written is lost silently: it is only comfort.
    fn remember(&self, settings: &Settings);
}
