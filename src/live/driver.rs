//! The one thread that owns the session: inputs come in by a channel, what the world has for real
//! sockets goes out by one channel each.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::autosave::Autosave;
use super::capture::Capture;
use super::clock::Clock;
use super::control::{Control, Report};
use crate::session::{CloseHow, Input, Session, TlsStep};
use crate::sim::outside::{OutsideId, Outward};
use crate::trace::EventId;

/// How far virtual time may run ahead of the wall's, so that a reply needs no timer of the real
/// machine.
const LEAD: Duration = Duration::from_millis(20);
/// Octets of one socket that may wait inside the world before it has to wait outside.
const MAX_BACKLOG: u64 = 32 * 1024;
/// Longest sleep: after it recording and watchers are looked after.
const TICK: Duration = Duration::from_millis(200);
/// Inputs, and octets of them, that are taken before the world goes on: who sends much must not
/// let the others wait.
const BATCH: usize = 512;
const BATCH_OCTETS: usize = 64 * 1024;
/// How far a step goes where nothing happens.
const LONGEST_STEP: Duration = Duration::from_secs(3600);
/// How often the passing of time itself is recorded while something happens.
const PASS_EVERY: Duration = Duration::from_secs(1);

/// What a real socket is told.
#[derive(Debug)]
pub enum ToSocket {
    /// By the world.
    World(Outward),
    /// There is room for more.
    Ready,
}

/// Something to be done in the session at the present moment.
pub type Deed = Box<dyn FnOnce(&mut Session) + Send>;

/// What the driver is told.
pub enum Command {
    /// A socket connects.
    Open {
        /// Its number.
        conn: OutsideId,
        /// The host that it is taken to sit at.
        from: String,
        /// The server inside the world.
        to: SocketAddr,
        /// Where its answers go.
        answers: UnboundedSender<ToSocket>,
    },
    /// A socket begins to ask name servers.
    Ask {
        /// Its number.
        conn: OutsideId,
        /// The host that it is taken to sit at.
        from: String,
        /// Where its answers go.
        answers: UnboundedSender<ToSocket>,
    },
    /// Octets; [`ToSocket::Ready`] follows when more may come.
    Bytes(OutsideId, Bytes),
    /// A datagram.
    Datagram(OutsideId, SocketAddr, Bytes),
    /// A step of TLS.
    Tls(OutsideId, TlsStep),
    /// The end of a socket.
    Close(OutsideId, CloseHow),
    /// Something that a person does beside the sockets, even while time stands.
    Act(Deed),
    /// A person's wish about time.
    Control(Control, oneshot::Sender<Report>),
    /// The end.
    Stop,
}

impl Command {
    fn octets(&self) -> usize {
        match self {
            Command::Bytes(_, data) | Command::Datagram(_, _, data) => data.len(),
            _ => 0,
        }
    }
}

/// Looks at a session while it goes on.
pub trait Watcher: Send {
    /// Called after the world has moved; events from this one on are new.
    fn look(&mut self, session: &Session, since: u64);
}

/// Talks to the driver.
#[derive(Clone, Debug)]
pub struct Handle {
    commands: Sender<Command>,
    moved: Arc<AtomicU64>,
}

impl Handle {
    /// Gives a command. After the driver has ended nothing happens.
    pub fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    /// Does something in the session, and gives what came of it; `None` after the driver has ended.
    pub fn act<T: Send + 'static>(&self, act: impl FnOnce(&mut Session) -> T + Send + 'static) -> Option<T> {
        let (sender, done) = oneshot::channel();
        self.send(Command::Act(Box::new(move |session| _ = sender.send(act(session)))));
        done.blocking_recv().ok()
    }

    /// A number that grows whenever something has happened in the session.
    pub fn moved(&self) -> u64 {
        self.moved.load(Ordering::Acquire)
    }
}

/// What a driver begins with.
pub struct Setup {
    /// The session.
    pub session: Session,
    /// Thousandths of the wall's speed.
    pub permille: u64,
    /// Where the recording is written while it goes on.
    pub autosave: Option<Autosave>,
    /// Where packets are written.
    pub capture: Option<Capture>,
    /// Who looks on.
    pub watchers: Vec<Box<dyn Watcher>>,
}

/// Starts the driver; joining gives the session back.
pub fn start(setup: Setup) -> (Handle, JoinHandle<Session>) {
    let (commands, inbox) = channel();
    let moved = Arc::<AtomicU64>::default();
    let driver = Driver::new(setup, inbox, moved.clone());
    let thread = std::thread::spawn(move || driver.run());
    (Handle { commands, moved }, thread)
}

struct Driver {
    session: Session,
    clock: Clock,
    inbox: Receiver<Command>,
    sockets: BTreeMap<OutsideId, UnboundedSender<ToSocket>>,
    /// Sockets that wait for room.
    held: BTreeSet<OutsideId>,
    /// What came while time stood.
    waiting: VecDeque<Command>,
    autosave: Option<Autosave>,
    capture: Option<Capture>,
    watchers: Vec<Box<dyn Watcher>>,
    seen: u64,
    recorded: (Instant, u64),
    moved: Arc<AtomicU64>,
    stopped: bool,
}

impl Driver {
    fn new(setup: Setup, inbox: Receiver<Command>, moved: Arc<AtomicU64>) -> Driver {
        let Setup { mut session, permille, autosave, capture, watchers } = setup;
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
            sockets: BTreeMap::new(),
            held: BTreeSet::new(),
            waiting: VecDeque::new(),
            autosave,
            capture,
            watchers,
            seen,
            recorded: (now, seen),
            moved,
            stopped: false,
        };
        if permille != 1000 {
            driver.apply(Input::Pace { permille: Some(permille) });
        }
        driver
    }

    fn run(mut self) -> Session {
        while !self.stopped {
            match self.inbox.recv_timeout(self.sleep()) {
                Ok(command) => {
                    self.catch_up();
                    let mut octets = command.octets();
                    self.take(command);
                    for _ in 1..BATCH {
                        let Some(command) = (octets < BATCH_OCTETS).then(|| self.inbox.try_recv().ok()).flatten()
                        else {
                            break;
                        };
                        octets += command.octets();
                        self.take(command);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.go_on();
            self.publish();
        }
        self.apply(Input::Pass);
        if let Some(autosave) = &mut self.autosave {
            autosave.finish(&self.session);
        }
        self.session
    }

    /// How long nothing needs to be done.
    fn sleep(&self) -> Duration {
        let due = self.session.world().next_time().and_then(|time| self.clock.until(Instant::now(), time - LEAD));
        due.map_or(TICK, |span| span.min(TICK))
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

    fn take(&mut self, command: Command) {
        match command {
            Command::Stop => self.stopped = true,
            Command::Control(control, answer) => {
                let report = self.control(control);
                let _ = answer.send(report);
            }
            Command::Act(deed) => {
                deed(&mut self.session);
                self.moved.fetch_add(1, Ordering::Release);
            }
            command if self.clock.is_paused() => self.waiting.push_back(command),
            command => self.perform(command),
        }
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Open { conn, from, to, answers } => {
                self.sockets.insert(conn, answers);
                self.apply(Input::Connect { conn, from, to });
            }
            Command::Ask { conn, from, answers } => {
                self.sockets.insert(conn, answers);
                self.apply(Input::Ask { conn, from });
            }
            Command::Bytes(conn, data) => {
                self.apply(Input::Bytes { conn, data });
                if self.session.world().outside_backlog(conn) > MAX_BACKLOG {
                    self.held.insert(conn);
                } else {
                    self.tell(conn, ToSocket::Ready);
                }
            }
            Command::Datagram(conn, to, data) => self.apply(Input::Datagram { conn, to, data }),
            Command::Tls(conn, step) => self.apply(Input::Tls { conn, step }),
            Command::Close(conn, how) => {
                self.apply(Input::Close { conn, how });
                if how == CloseHow::Reset {
                    self.sockets.remove(&conn);
                }
            }
            Command::Act(_) | Command::Control(..) | Command::Stop => {}
        }
    }

    /// Applies an input now. What does not fit (a host that is gone) closes its socket.
    fn apply(&mut self, input: Input) {
        let conn = match &input {
            Input::Connect { conn, .. } | Input::Ask { conn, .. } => Some(*conn),
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
        if let Some(answers) = self.sockets.get(&conn)
            && (answers.send(what).is_err() || is_end)
        {
            self.sockets.remove(&conn);
            self.held.remove(&conn);
        }
    }

    /// Hands out what the world has for sockets, and saves and shows what is new.
    fn publish(&mut self) {
        for (conn, what) in self.session.take_outside() {
            if matches!(what, Outward::Writable) {
                if self.held.remove(&conn) {
                    self.tell(conn, ToSocket::Ready);
                }
            } else {
                self.tell(conn, ToSocket::World(what));
            }
        }
        if let Some(capture) = &mut self.capture {
            capture.save(&self.session.take_packets());
        }
        let events = self.session.world().trace().len();
        let now = Instant::now();
        if events != self.recorded.1 && now.duration_since(self.recorded.0) >= PASS_EVERY {
            self.apply(Input::Pass);
            self.recorded = (now, events);
        }
        if let Some(autosave) = &mut self.autosave {
            autosave.save(&self.session, now);
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
                self.release();
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
        for command in std::mem::take(&mut self.waiting) {
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
