//! One session in the window: the moment that is shown, what is selected, and the other futures.

use std::sync::mpsc::channel;

use super::futures::{Compared, Future};
use super::map::Camera;
use super::question::Questions;
use super::shared::Shared;
use crate::host::shell::Doing;
use crate::lab::judge::Report;
use crate::session::terminal::{Device, TerminalId, TerminalView};
use crate::session::{Input, InputError, Session};
use crate::sim::{Duration, HostId, Socket, Time};
use crate::trace::{Event, EventId};
use crate::view::branches;
use crate::view::{Index, Playhead, Screen};
use crate::world::World;

/// Virtual time that passes at most after something was done, so that its consequences are seen.
const CONSEQUENCES: Duration = Duration::from_secs(30);
/// The same while a command that was typed still runs.
const PATIENCE: Duration = Duration::from_secs(150);
/// Time without an event after which all consequences have been seen.
const QUIET: Duration = Duration::from_secs(3);

/// Milliseconds of the picture that it may be behind a session that is driven elsewhere.
const MOST_BEHIND: u64 = 6000;
/// How long whoever drives the session may take for something.
const DRIVER_PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

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

/// A session on the stage.
pub struct Stage {
    /// The name that it was opened by.
    pub name: String,
    /// The name that what is done now is kept by.
    pub sitting: String,
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
    /// The lab's questions before decisive moments.
    pub questions: Questions,
    /// What could not be done, to be shown.
    pub error: Option<String>,
    /// Who drives the session, if it is not the window.
    pub shared: Option<Box<dyn Shared>>,
    /// Something to be told until the next thing is done: a text of the language.
    pub note: Option<&'static str>,
    /// Whether the picture is on its way to the latest moment after something was done there: what is done
    /// meanwhile is done there, too.
    live: bool,
    /// The world at a moment, for panels that read files.
    past: Option<(Screen, World)>,
    /// The size of the picture that the map was fitted to, and its hosts.
    fitted: (u32, u32, usize),
    pub(super) compared: Option<Compared>,
    named: u32,
}

impl Stage {
    /// Puts a session on the stage, at its beginning.
    pub fn new(name: &str, session: Session) -> Stage {
        let index = Index::new(&session);
        Stage {
            name: name.to_owned(),
            sitting: String::new(),
            questions: Questions::new(&session, &index),
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
            note: None,
            live: false,
            past: None,
            fitted: (0, 0, 0),
            compared: None,
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
        let done = done.recv_timeout(DRIVER_PATIENCE).ok()?;
        self.follow();
        let end = self.index.director.length();
        self.playhead.seek(end, &self.index);
        self.error = done.as_ref().err().map(InputError::to_string);
        done.ok()
    }

    /// Gives the map the shape of the picture that it is drawn into, if that makes it clearly larger.
    pub fn fit(&mut self, width: f32, height: f32) {
        let shape = (width as u32, height as u32, self.index.layout.places.len());
        if self.camera.is_some() || std::mem::replace(&mut self.fitted, shape) == shape {
            return;
        }
        if let Some(layout) = self.index.layout.fitted(self.session.cast(), width, height) {
            self.index.layout = layout;
        }
    }

    /// The event that the present step is about.
    pub fn present(&self) -> EventId {
        let director = &self.index.director;
        let beat = director.beat_at(self.playhead.at).and_then(|number| director.beats().get(number));
        beat.map_or(EventId(self.index.set_up()), |beat| EventId(beat.end.0.saturating_sub(1)))
    }

    /// The virtual time of the moment shown; at the end it goes on beyond the last event.
    pub fn time(&self) -> Time {
        if self.is_at_end() && !self.playhead.playing {
            return self.session.world().now();
        }
        self.index.director.time_at(self.playhead.at)
    }

    /// Whether the moment shown is the latest there is.
    pub fn is_at_end(&self) -> bool {
        self.playhead.at.0 + 1 >= self.index.director.length().0
    }

    /// The moment shown, as far as the world changes: the beginning of its step.
    pub fn shown(&self) -> Screen {
        if self.is_at_end() {
            return Screen(u64::MAX);
        }
        let number = self.index.director.beat_at(self.playhead.at).unwrap_or(0);
        self.index.director.beats().get(number).map_or(Screen(0), |beat| beat.at)
    }

    /// The world at the moment shown.
    pub fn world(&mut self) -> &World {
        if self.is_at_end() {
            return self.session.world();
        }
        let key = self.shown();
        if self.past.as_ref().is_none_or(|(moment, _)| *moment != key) {
            let time = self.index.director.time_at(self.playhead.at);
            self.past = Some((key, self.session.at(time)));
        }
        match &self.past {
            Some((_, world)) => world,
            None => self.session.world(),
        }
    }

    /// Whether what is done now is done at the latest moment, and not in the past.
    pub fn is_now(&self) -> bool {
        self.live || self.is_at_end()
    }

    /// A person goes to another moment: from now on what is done is done there.
    pub fn leave_now(&mut self) {
        self.live = false;
    }

    /// Does something at the moment shown. In the past this leaves the future that was there: it stays as
    /// another branch.
    pub fn act<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Session) -> Result<T, InputError> + Send + 'static,
    ) -> Option<T> {
        self.act_while(act, |_| false)
    }

    /// The same, and time passes as long as something goes on.
    fn act_while<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Session) -> Result<T, InputError> + Send + 'static,
        busy: impl Fn(&Session) -> bool,
    ) -> Option<T> {
        if self.shared.is_some() {
            return self.act_shared(act);
        }
        let now = self.session.world().now();
        let (at, moment) = if self.is_now() {
            (self.index.director.length(), now)
        } else {
            (self.playhead.at, self.index.director.time_at(self.playhead.at).min(now))
        };
        let before = (moment < now).then(|| self.session.clone());
        if before.is_some() {
            self.session.rewind(moment);
        }
        let done = match act(&mut self.session) {
            Ok(done) => done,
            Err(error) => {
                self.error = Some(error.to_string());
                if let Some(before) = before {
                    self.session = before;
                }
                return None;
            }
        };
        self.error = None;
        self.session.run_script(None);
        consequences(&mut self.session, busy);
        self.show_from(before, at);
        Some(done)
    }

    /// Another future has been made of a session: it is played to its end, and shown from a moment on.
    pub(super) fn finish(&mut self, before: Session, at: Screen) {
        self.error = None;
        self.session.run_script(None);
        consequences(&mut self.session, |_| false);
        self.show_from(Some(before), at);
    }

    /// Shows what has happened, from a moment on.
    fn show_from(&mut self, before: Option<Session>, at: Screen) {
        self.changed(before);
        self.playhead.seek(at, &self.index);
        self.playhead.play(&self.index);
        self.live = true;
    }

    /// The session has gone on, or taken another way than the one before.
    pub(super) fn changed(&mut self, before: Option<Session>) {
        (self.past, self.compared) = (None, None);
        match before {
            None => self.index.read(&self.session),
            Some(before) => {
                let next = self.next_name();
                let name = std::mem::replace(&mut self.branch, next);
                self.futures.push(Future { name, session: before, parting: None });
                let layout = self.index.layout.clone();
                self.index = Index::new(&self.session);
                self.index.layout = layout;
            }
        }
        for future in &mut self.futures {
            future.parting = branches::parting(&self.session, &future.session);
        }
        self.questions.find(&self.session, &self.index);
    }

    /// Does something of an input's kind. Answers and hints belong to no moment: they are only written down.
    pub fn input(&mut self, input: Input) {
        if self.shared.is_some() || !matches!(input, Input::Reply { .. } | Input::Hint { .. }) {
            self.act(move |session| session.apply(input));
            return;
        }
        match self.session.apply(input) {
            Ok(_) => {
                let at_end = self.is_at_end();
                self.index.read(&self.session);
                if at_end {
                    self.playhead.seek(self.index.director.length(), &self.index);
                }
                self.questions.find(&self.session, &self.index);
            }
            Err(error) => self.error = Some(error.to_string()),
        }
    }

    /// Lets virtual time pass from the moment shown.
    pub fn wait(&mut self, time: Duration) {
        self.act(move |session| {
            let until = session.world().now() + time;
            session.advance(until);
            session.apply(Input::Pass)
        });
    }

    /// Types a line at a terminal, and lets time pass until its command has come back.
    pub fn type_line(&mut self, id: TerminalId, text: String) {
        let starts = self.session.terminal(id).is_some_and(|view| view.doing() == Doing::Prompt);
        let shown = std::cell::Cell::new(None);
        // A command that was started runs until it shows something or has come back. What is typed to a
        // running one is an answer at most once, so nobody waits for more.
        let runs = move |session: &Session| {
            let Some(view) = session.terminal(id).filter(|_| starts) else { return false };
            let end = view.transcript().end();
            let first = shown.get().unwrap_or(end);
            shown.set(Some(first));
            matches!(view.doing(), Doing::Running(_)) && !view.wants_input() && end == first
        };
        self.act_while(move |session| session.type_text(id, &text), runs);
    }

    /// A terminal as it was at the moment shown.
    pub fn terminal(&mut self, id: TerminalId) -> Option<TerminalView<'_>> {
        if self.is_now() {
            return self.session.terminal(id);
        }
        self.world();
        let world = self.past.as_ref().map_or(self.session.world(), |(_, world)| world);
        self.session.terminals().view(world, id)
    }

    /// Lets the picture play on for so many milliseconds, but no further than a question.
    pub fn tick(&mut self, millis: u64) {
        let from = self.playhead.at;
        self.playhead.tick(millis, &self.index);
        self.ask_between(from);
    }

    /// Stops at the first open question between a moment and the present one.
    pub fn ask_between(&mut self, from: Screen) {
        if let Some(at) = self.questions.ask(from, self.playhead.at) {
            self.playhead.pause();
            self.playhead.seek(at, &self.index);
        }
    }

    /// As whom a person may work on a host: whom the lab permits, or root and the users with a home.
    pub fn users(&self, host: &str) -> Vec<String> {
        if let Some(lab) = self.session.lab() {
            return lab.lab.permits.hosts.get(host).cloned().unwrap_or_default();
        }
        let world = self.session.world();
        let Some(id) = world.find(host) else { return Vec::new() };
        let people = world.host(id).accounts.users().iter().filter(|user| (1000..60_000).contains(&user.uid));
        std::iter::once("root".to_owned()).chain(people.map(|user| user.name.to_string())).collect()
    }

    /// The host that a lab's student sits at, and as whom.
    pub fn seat(&self) -> Option<(String, String)> {
        let lab = self.session.lab()?;
        let permits = &lab.lab.permits;
        let host = permits.at.clone().or_else(|| permits.hosts.keys().next().cloned())?;
        let user = permits.hosts.get(&host)?.first()?.clone();
        Some((host, user))
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
        (self.past, self.compared, self.live) = (None, None, false);
        self.questions.find(&self.session, &self.index);
        self.playhead.seek(at, &self.index);
    }

    /// Opens a terminal on a host.
    pub fn open_terminal(&mut self, host: &str, user: &str) -> Option<TerminalId> {
        let (host, user) = (host.to_owned(), user.to_owned());
        self.act(move |session| session.open_terminal(&host, &user, Device::Terminal))
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
        self.session.progress()
    }

    /// The event that is asked about: the selected one, or the one of the present step that tells most.
    pub fn asked_about(&self) -> EventId {
        if let Some(event) = self.selected_event() {
            return event;
        }
        let director = &self.index.director;
        let trace = self.session.world().trace();
        let beat = director.beat_at(self.playhead.at).and_then(|number| director.beats().get(number));
        let Some(beat) = beat else { return EventId(self.index.set_up()) };
        let events = (beat.first.0..beat.end.0).filter_map(|id| trace.get(EventId(id)));
        let millis = |event: &&Event| crate::view::director::millis_of(event, &self.index.facts);
        events.max_by_key(millis).map_or(beat.first, |event| event.id)
    }

    /// The event that is selected.
    pub fn selected_event(&self) -> Option<EventId> {
        match self.selection? {
            Selection::Event(event) | Selection::Session(_, event) => Some(event),
            Selection::Host(_) => None,
        }
    }
}

/// Lets time pass until everything that follows from what was done has happened: until nothing moves any more,
/// and as long as something goes on.
fn consequences(session: &mut Session, busy: impl Fn(&Session) -> bool) {
    let start = session.world().now();
    let end = start + CONSEQUENCES;
    loop {
        let now = session.world().now();
        let Some(next) = session.world().next_time() else { break };
        let goes_on = next <= start + PATIENCE && busy(session);
        if !goes_on && (next > now + QUIET || next > end) {
            break;
        }
        session.advance(next.max(now + Duration::from_micros(1)));
    }
    let now = session.world().now();
    session.advance((now + QUIET).min(end).max(now));
    // The moment is kept, so that a recording ends there, too.
    let _ = session.apply(Input::Pass);
}
