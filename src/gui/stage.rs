//! One session in the window: the moment that is shown, what is selected, and the other futures.

use std::sync::mpsc::channel;

use super::map::Camera;
use super::shared::Shared;
use crate::lab::judge::Report;
use crate::session::terminal::{Device, TerminalId};
use crate::session::{InputError, Session};
use crate::sim::{Duration, HostId, Socket};
use crate::trace::EventId;
use crate::view::branches::{self, Parting};
use crate::view::{Index, Playhead, Screen};
use crate::world::World;

/// Virtual time that passes after something was done, so that its consequences are seen.
const CONSEQUENCES: Duration = Duration::from_secs(30);

/// Milliseconds of the picture that it may be behind a session that is driven elsewhere.
const MOST_BEHIND: u64 = 6000;
/// How long whoever drives the session may take for something.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// Probes of a person's own judging take their names from this; a grader's differ.
const OWN_KEY: u64 = 1;

/// What is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// A host.
    Host(HostId),
    /// An event.
    Event(EventId),
    /// A connection, at one of its events.
    Session(Socket, EventId),
}

/// How deep the picture looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// The internet.
    #[default]
    Internet,
    /// Inside a host.
    Host(HostId),
    /// Inside a connection.
    Session(Socket),
}

/// Another future, left by doing something in the past.
pub struct Future {
    /// What it is called.
    pub name: String,
    /// The session as it was.
    pub session: Session,
    /// Where it parts from the present one.
    pub parting: Option<Parting>,
}

/// A session on the stage.
pub struct Stage {
    /// The name that it was opened by.
    pub name: String,
    /// What happens.
    pub session: Session,
    /// Its trace, made ready.
    pub index: Index,
    /// The moment that is shown.
    pub playhead: Playhead,
    /// What is selected.
    pub selection: Option<Selection>,
    /// How deep the picture looks.
    pub depth: Depth,
    /// Which part of the map is seen; all of it if `None`.
    pub camera: Option<Camera>,
    /// The present future's name.
    pub branch: String,
    /// The other futures.
    pub futures: Vec<Future>,
    /// What could not be done, to be shown.
    pub error: Option<String>,
    /// Who drives the session, if it is not the window.
    pub shared: Option<Box<dyn Shared>>,
    /// The world at a moment, for panels that read files.
    past: Option<(Screen, World)>,
    named: u32,
}

impl Stage {
    /// Puts a session on the stage, at its beginning.
    pub fn new(name: &str, session: Session) -> Stage {
        let index = Index::new(&session);
        Stage {
            name: name.to_owned(),
            session,
            index,
            playhead: Playhead::default(),
            selection: None,
            depth: Depth::Internet,
            camera: None,
            branch: "A".to_owned(),
            futures: Vec::new(),
            error: None,
            shared: None,
            past: None,
            named: 1,
        }
    }

    /// Takes what has happened in a session that is driven elsewhere. Who looks at its end goes
    /// on with it, and catches up if too much has happened to be watched.
    pub fn follow(&mut self) {
        let Some(session) = self.shared.as_mut().and_then(|shared| shared.look()) else { return };
        let follows = self.is_at_end() || self.playhead.playing;
        self.session = session;
        self.past = None;
        self.index.read(&self.session);
        if follows && !self.is_at_end() {
            let end = self.index.director.length();
            if self.playhead.at.0 + MOST_BEHIND < end.0 {
                self.playhead.seek(Screen(end.0 - MOST_BEHIND), &self.index);
            }
            self.playhead.play(&self.index);
        }
    }

    /// The window drives the session again, from where it is now; who drove it may go on for himself.
    pub fn close_sockets(&mut self) {
        self.follow();
        if let Some(session) = self.shared.take().and_then(|shared| shared.close()) {
            self.session = session;
            self.index.read(&self.session);
        }
    }

    /// Does something in a session that is driven elsewhere: always at its present moment.
    fn act_shared<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Session) -> Result<T, InputError> + Send + 'static,
    ) -> Option<T> {
        let (sender, done) = channel();
        self.shared.as_ref()?.act(Box::new(move |session| _ = sender.send(act(session))));
        let done = done.recv_timeout(PATIENCE).ok()?;
        self.follow();
        let end = self.index.director.length();
        self.playhead.seek(end, &self.index);
        self.error = done.as_ref().err().map(InputError::to_string);
        done.ok()
    }

    /// The event that the present step is about.
    pub fn present(&self) -> EventId {
        let director = &self.index.director;
        let beat = director.beat_at(self.playhead.at).and_then(|number| director.beats().get(number));
        beat.map_or(EventId(self.index.set_up()), |beat| EventId(beat.end.0.saturating_sub(1)))
    }

    /// Whether the moment shown is the latest there is.
    pub fn is_at_end(&self) -> bool {
        self.playhead.at.0 + 1 >= self.index.director.length().0
    }

    /// The world at the moment shown.
    pub fn world(&mut self) -> &World {
        if self.is_at_end() {
            return self.session.world();
        }
        let number = self.index.director.beat_at(self.playhead.at).unwrap_or(0);
        let key = self.index.director.beats().get(number).map_or(Screen(0), |beat| beat.at);
        if self.past.as_ref().is_none_or(|(moment, _)| *moment != key) {
            let time = self.index.director.time_at(self.playhead.at);
            self.past = Some((key, self.session.at(time)));
        }
        match &self.past {
            Some((_, world)) => world,
            None => self.session.world(),
        }
    }

    /// Does something at the moment shown. In the past this leaves the future that was there: it stays as
    /// another branch.
    pub fn act<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Session) -> Result<T, InputError> + Send + 'static,
    ) -> Option<T> {
        if self.shared.is_some() {
            return self.act_shared(act);
        }
        let at = self.playhead.at;
        let now = self.session.world().now();
        let moment = if self.is_at_end() { now } else { self.index.director.time_at(at) };
        let before = (moment < now).then(|| self.session.clone());
        if before.is_some() {
            self.session.rewind(moment);
        }
        let done = act(&mut self.session);
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                self.error = Some(error.to_string());
                if let Some(before) = before {
                    self.session = before;
                }
                return None;
            }
        };
        self.session.run_script(None);
        let until = self.session.world().now() + CONSEQUENCES;
        self.session.advance(until);
        self.error = None;
        self.past = None;
        let shown = self.index.layout.clone();
        match before {
            None => self.index.read(&self.session),
            Some(before) => {
                let parting = branches::parting(&self.session, &before);
                let next = self.next_name();
                let name = std::mem::replace(&mut self.branch, next);
                self.futures.push(Future { name, session: before, parting });
                self.index = Index::new(&self.session);
                self.index.layout = shown;
            }
        }
        self.playhead.seek(at, &self.index);
        self.playhead.play(&self.index);
        Some(done)
    }

    fn next_name(&mut self) -> String {
        self.named += 1;
        let letter = char::from_u32(u32::from('A') + (self.named - 1) % 26).unwrap_or('A');
        if self.named <= 26 { letter.to_string() } else { format!("{letter}{}", self.named / 26) }
    }

    /// Shows another future; the present one stays as a branch.
    pub fn switch(&mut self, number: usize) {
        let Some(future) = self.futures.get_mut(number) else { return };
        std::mem::swap(&mut future.session, &mut self.session);
        std::mem::swap(&mut future.name, &mut self.branch);
        let at = self.playhead.at;
        let layout = self.index.layout.clone();
        self.index = Index::new(&self.session);
        self.index.layout = layout;
        for future in &mut self.futures {
            future.parting = branches::parting(&self.session, &future.session);
        }
        self.past = None;
        self.playhead.seek(at, &self.index);
    }

    /// Opens a terminal on a host as root.
    pub fn open_terminal(&mut self, host: &str) -> Option<TerminalId> {
        let host = host.to_owned();
        self.act(move |session| session.open_terminal(&host, "root", Device::Terminal))
    }

    /// Selects, and stops so that it can be read.
    pub fn select(&mut self, selection: Selection) {
        self.selection = Some(selection);
        if !matches!(selection, Selection::Host(_)) {
            self.playhead.pause();
        }
    }

    /// How the lab's tasks stand; nothing if it is no lab.
    pub fn report(&self) -> Option<Report> {
        self.session.judge(OWN_KEY)
    }

    /// The event that is asked about.
    pub fn selected_event(&self) -> Option<EventId> {
        match self.selection? {
            Selection::Event(event) | Selection::Session(_, event) => Some(event),
            Selection::Host(_) => None,
        }
    }
}
