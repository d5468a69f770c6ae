//! The one task that owns the session: what sockets bring waits for its turn, and what the world
//! has for sockets goes out by one channel each.
//!
//! It shares its thread with the sockets' tasks: they run while it waits, and all that they have
//! brought by then is taken in one go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::allowance::Allowance;
use super::capture::Capture;
use super::clock::Clock;
use super::command::{Command, Handle, Outlet, ToSocket, Watcher};
use super::control::{Control, Report};
use super::notice::{Notice, Told};
use super::recorder::Recorder;
use super::turns::Turns;
use crate::session::recording::MAX_LINES;
use crate::session::{CloseHow, Input, Session};
use crate::sim::outside::{OutsideId, Outward};
use crate::trace::EventId;

/// How far virtual time may run ahead of the wall's, so that a reply needs no timer of the real
/// machine.
const LEAD: Duration = Duration::from_millis(20);
/// Octets of one socket that may wait inside the world before it has to wait outside.
const MAX_BACKLOG: u64 = 4 * 1024;
/// Octets of answers that a client may leave unread before it is not listened to any more.
const MAX_UNREAD: u64 = 256 * 1024;
/// Datagrams of one sender that may wait for their turn.
const MAX_DATAGRAMS: usize = 256;
/// Longest sleep: after it recording and watchers are looked after.
const TICK: Duration = Duration::from_millis(200);
/// What is taken in before the world goes on and its answers leave.
const TURN: u64 = 64 * 1024;
/// How far a step goes where nothing happens.
const LONGEST_STEP: Duration = Duration::from_secs(3600);
/// How often the passing of time itself is recorded while something happens.
const PASS_EVERY: Duration = Duration::from_secs(1);
/// Inputs after which a recording can hardly be read: nobody is let in at nine tenths of it.
const MAX_INPUTS: u64 = MAX_LINES as u64 - 10_000;
/// The same in events, which all stay in memory.
const MAX_EVENTS: u64 = 2_000_000;
/// The same in octets of inputs.
const MAX_OCTETS: u64 = 256 << 20;

/// Octets that may come at once, and each second after it.
const OCTETS: (i64, i64) = (64 << 20, 1 << 20);
/// Likewise events: what the octets bring about.
const EVENTS: (i64, i64) = (1_400_000, 2_000);

/// What a driver begins with.
pub struct Setup {
    /// The session.
    pub session: Session,
    /// Thousandths of the wall's speed.
    pub permille: u64,
    /// Where the recording is written while it goes on.
    pub recorder: Option<Recorder>,
    /// Where packets are written.
    pub capture: Option<Capture>,
    /// Who looks on.
    pub watchers: Vec<Box<dyn Watcher>>,
}

/// A driver with the way to talk to it. It ends with [`Command::Stop`].
pub fn new(setup: Setup) -> (Handle, Driver) {
    let (commands, inbox) = unbounded_channel();
    let moved = Arc::<AtomicU64>::default();
    let driver = Driver::new(setup, inbox, moved.clone());
    (Handle { commands, moved }, driver)
}

/// Owns the session while sockets are open.
pub struct Driver {
    session: Session,
    clock: Clock,
    inbox: UnboundedReceiver<Command>,
    /// What waits for its turn; while time stands, all of it.
    turns: Turns<Command>,
    sockets: BTreeMap<OutsideId, Outlet>,
    /// Sockets that wait for room.
    held: BTreeSet<OutsideId>,
    /// Octets of all inputs.
    octets: u64,
    /// What a flood may still use of octets and of events.
    allowances: [Allowance; 2],
    counted: u64,
    recorder: Option<Recorder>,
    capture: Option<Capture>,
    watchers: Vec<Box<dyn Watcher>>,
    told: Told,
    seen: u64,
    passed: (Instant, u64),
    moved: Arc<AtomicU64>,
    stopped: bool,
}

impl Driver {
    fn new(setup: Setup, inbox: UnboundedReceiver<Command>, moved: Arc<AtomicU64>) -> Driver {
        let Setup { mut session, permille, recorder, capture, watchers } = setup;
        session.watch_outside();
        if capture.is_some() {
            session.tap();
        }
        let now = Instant::now();
        let clock = Clock::new(now, session.world().now(), permille);
        let seen = session.world().trace().len();
        let mut driver = Driver {
            session,
            clock,
            inbox,
            turns: Turns::default(),
            sockets: BTreeMap::new(),
            held: BTreeSet::new(),
            octets: 0,
            allowances: [OCTETS, EVENTS].map(|(burst, per_second)| Allowance::new(burst, per_second, now)),
            counted: seen,
            recorder,
            capture,
            watchers,
            told: Told::default(),
            seen,
            passed: (now, seen),
            moved,
            stopped: false,
        };
        if permille != 1000 {
            driver.apply(Input::Pace { permille: Some(permille) });
        }
        driver
    }

    /// Drives the session until it is told to stop, and gives it back.
    pub async fn run(mut self) -> Session {
        while !self.stopped {
            let flood = self.flood();
            if self.turns.is_empty() || self.clock.is_paused() || flood.is_some() {
                let sleep = flood.filter(|_| !self.turns.is_empty()).map_or(TICK, |wait| wait.min(TICK));
                match timeout(self.sleep().min(sleep), self.inbox.recv()).await {
                    Ok(Some(command)) => self.receive(command),
                    Ok(None) => break,
                    Err(_) => {}
                }
            } else {
                // The sockets pass on what they were told, and bring what has come meanwhile.
                tokio::task::yield_now().await;
            }
            while let Ok(command) = self.inbox.try_recv() {
                self.receive(command);
            }
            self.catch_up();
            self.take_turns();
            self.go_on();
            self.publish();
        }
        self.apply(Input::Pass);
        if let Some(recorder) = self.recorder.take() {
            recorder.finish(&self.session);
        }
        self.session
    }

    /// How long nothing needs to be done.
    fn sleep(&self) -> Duration {
        let now = Instant::now();
        let due = self.session.world().next_time().and_then(|time| self.clock.until(now, time - LEAD));
        let patience = self.recorder.as_ref().and_then(|recorder| recorder.patience(&self.session, now));
        [due, patience].into_iter().flatten().fold(TICK, Duration::min)
    }

    /// Brings the world to the present.
    fn catch_up(&mut self) {
        let time = self.clock.time(Instant::now());
        if time > self.session.world().now() && !self.clock.is_paused() {
            self.session.advance(time);
        }
    }

    /// Lets happen what is due by now, or within the lead.
    fn go_on(&mut self) {
        if self.clock.is_paused() {
            return;
        }
        self.catch_up();
        let horizon = self.clock.time(Instant::now()) + LEAD;
        while let Some(time) = self.session.world().next_time().filter(|time| *time <= horizon) {
            self.session.advance(time);
        }
    }

    /// Does what waits for nobody; the rest waits for its turn.
    fn receive(&mut self, command: Command) {
        if let Some((client, cost)) = command.turn() {
            if matches!(command, Command::Datagram { .. }) && self.turns.waiting(client) >= MAX_DATAGRAMS {
                return self.notify(Notice::Questions);
            }
            return self.turns.add(client, cost, command);
        }
        match command {
            Command::Stop => self.stopped = true,
            Command::Control(control, answer) => {
                let report = self.control(control);
                let _ = answer.send(report);
            }
            Command::Act(deed) => {
                self.catch_up();
                deed(&mut self.session);
                self.moved.fetch_add(1, Ordering::Release);
            }
            Command::Tell(notice) => self.notify(notice),
            _ => {}
        }
    }

    fn take_turns(&mut self) {
        let mut spent = 0;
        while spent < TURN && !self.clock.is_paused() && self.flood().is_none() {
            let Some((cost, command)) = self.turns.take() else { break };
            spent += cost;
            self.perform(command);
        }
    }

    /// How long everybody waits because more has come than may at once.
    fn flood(&mut self) -> Option<Duration> {
        let events = self.session.world().trace().len();
        let [octets, happened] = &mut self.allowances;
        happened.spend(events.saturating_sub(self.counted));
        self.counted = events;
        let now = Instant::now();
        octets.wait(now).max(happened.wait(now))
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Open { answers, .. } if self.fill() >= 90 => {
                self.notify(Notice::LongRecording);
                answers.send(ToSocket::Full);
            }
            Command::Open { conn, from, to, answers } => {
                self.sockets.insert(conn, answers);
                self.apply(Input::Connect { conn, from, to });
            }
            Command::Ask { conn, from, answers } => {
                self.sockets.insert(conn, answers);
                self.apply(Input::Ask { conn, from });
            }
            // What comes for a connection that has ended inside the world is nobody's.
            Command::Bytes(conn, _)
            | Command::Datagram { conn, .. }
            | Command::Tls(conn, _)
            | Command::Close(conn, _)
                if !self.sockets.contains_key(&conn) => {}
            Command::Bytes(conn, _) if self.fill() >= 100 => {
                self.notify(Notice::EndOfRecording);
                self.apply(Input::Close { conn, how: CloseHow::Reset });
            }
            Command::Datagram { .. } if self.fill() >= 100 => self.notify(Notice::EndOfRecording),
            Command::Bytes(conn, data) => {
                self.apply(Input::Bytes { conn, data });
                if self.has_room(conn) {
                    self.tell(conn, ToSocket::Ready);
                } else {
                    self.held.insert(conn);
                }
            }
            Command::Datagram { conn, to, data, .. } => self.apply(Input::Datagram { conn, to, data }),
            Command::Tls(conn, step) => self.apply(Input::Tls { conn, step }),
            Command::Close(conn, how) => {
                self.apply(Input::Close { conn, how });
                if how == CloseHow::Reset {
                    self.forget(conn);
                }
            }
            Command::Act(_) | Command::Control(..) | Command::Tell(_) | Command::Stop => {}
        }
    }

    /// Whether a client may send more: what it sent has left, and it reads what it is told.
    fn has_room(&self, conn: OutsideId) -> bool {
        self.session.world().outside_backlog(conn) <= MAX_BACKLOG
            && self.sockets.get(&conn).is_none_or(|answers| answers.waiting() <= MAX_UNREAD)
    }

    /// How many hundredths of what a recording may hold are used.
    fn fill(&self) -> u64 {
        let inputs = self.session.recording().entries.len() as u64;
        let events = self.session.world().trace().len();
        (inputs * 100 / MAX_INPUTS).max(events * 100 / MAX_EVENTS).max(self.octets * 100 / MAX_OCTETS)
    }

    /// Applies an input now. What does not fit (a host that is gone) closes its socket.
    fn apply(&mut self, input: Input) {
        let conn = match &input {
            Input::Connect { conn, .. } | Input::Ask { conn, .. } => Some(*conn),
            Input::Bytes { data, .. } | Input::Datagram { data, .. } => {
                self.octets += data.len() as u64;
                self.allowances[0].spend(data.len() as u64);
                None
            }
            _ => None,
        };
        if self.session.apply(input).is_err()
            && let Some(conn) = conn
        {
            self.tell(conn, ToSocket::World(Outward::Reset));
        }
    }

    fn tell(&mut self, conn: OutsideId, what: ToSocket) {
        let is_end = matches!(&what, ToSocket::World(Outward::Eof | Outward::Reset | Outward::Refused(_)));
        // Who no longer listens has closed: that comes when it is its turn.
        if let Some(answers) = self.sockets.get(&conn) {
            answers.send(what);
        }
        if is_end {
            self.forget(conn);
        }
    }

    fn forget(&mut self, conn: OutsideId) {
        self.sockets.remove(&conn);
        self.held.remove(&conn);
    }

    fn notify(&mut self, notice: Notice) {
        if self.told.is_news(notice, Instant::now()) {
            self.watchers.iter_mut().for_each(|watcher| watcher.tell(notice));
        }
    }

    /// Hands out what the world has for sockets, and saves and shows what is new.
    fn publish(&mut self) {
        for (conn, what) in self.session.take_outside() {
            self.tell(conn, ToSocket::World(what));
        }
        let ready: Vec<OutsideId> = self.held.iter().filter(|conn| self.has_room(**conn)).copied().collect();
        for conn in ready {
            self.held.remove(&conn);
            self.tell(conn, ToSocket::Ready);
        }
        if let Some(capture) = &mut self.capture {
            capture.save(&self.session.take_packets());
        }
        let events = self.session.world().trace().len();
        let now = Instant::now();
        if events != self.passed.1 && now.duration_since(self.passed.0) >= PASS_EVERY && self.fill() < 100 {
            self.apply(Input::Pass);
            self.passed = (now, events);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.save(&self.session, now);
        }
        if events != self.seen {
            for watcher in &mut self.watchers {
                watcher.look(&self.session, self.seen);
            }
            self.seen = events;
            self.moved.fetch_add(1, Ordering::Release);
        }
    }

    fn control(&mut self, control: Control) -> Report {
        let now = Instant::now();
        self.catch_up();
        match control {
            Control::Pause => self.clock.pause(now, true),
            Control::Resume => {
                self.clock.set(now, self.session.world().now());
                self.clock.pause(now, false);
            }
            Control::Step => {
                self.clock.pause(now, true);
                self.release();
                self.step();
                self.clock.set(now, self.session.world().now());
            }
            Control::Speed(permille) => {
                self.clock.set_speed(now, permille);
                self.apply(Input::Pace { permille: Some(permille) });
            }
            Control::Jump(span) => {
                self.apply(Input::Pace { permille: None });
                let time = self.session.world().now() + span;
                self.session.advance(time);
                self.apply(Input::Pace { permille: Some(self.clock.permille()) });
                self.clock.set(now, self.session.world().now());
            }
            Control::Fault(input) => self.apply(*input),
            Control::Status => {}
        }
        Report {
            time: self.session.world().now(),
            paused: self.clock.is_paused(),
            permille: self.clock.permille(),
            events: self.session.world().trace().len(),
            sockets: self.sockets.len(),
        }
    }

    /// Takes what came while time stood.
    fn release(&mut self) {
        while let Some((_, command)) = self.turns.take() {
            self.perform(command);
        }
    }

    /// Goes on until the trace shows something new, at most for a while: daemons look around
    /// without anything to tell.
    fn step(&mut self) {
        let before = self.session.world().trace().len();
        let limit = self.session.world().now() + LONGEST_STEP;
        while let Some(time) = self.session.world().next_time().filter(|time| *time <= limit) {
            self.session.advance(time);
            if self.session.world().trace().get(EventId(before + 1)).is_some() {
                break;
            }
        }
    }
}
