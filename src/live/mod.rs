//! The gateway: loopback sockets of the real machine as connections inside the world.
//!
//! [`Gateway::start`] opens the sockets of a [`plan`] and gives the session to one thread, the
//! [`driver`]. A `socket` passes octets both ways: what a real client sends is a recorded input,
//! and virtual time follows the wall's. Nothing here ever connects to anywhere.

#![allow(clippy::disallowed_methods, reason = "this is the room of real clocks, threads and sockets")]

pub mod allowance;
pub mod capture;
pub mod class;
pub mod clock;
pub mod command;
pub mod control;
pub mod dns;
mod doors;
pub mod driver;
pub mod notice;
pub mod plan;
pub mod recorder;
mod sniff;
mod socket;
pub mod table;
mod telnet;
pub mod tls;
mod turns;
pub mod watch;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
#[cfg(unix)]
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;

use capture::Capture;
use class::Class;
use command::{Command, Handle, Watcher};
use control::{Control, Report};
use doors::{Doors, bind, explain};
use plan::{Choice, Place, PlanError, Service};
use recorder::Recorder;
use socket::Shared;
use tls::{Authority, TlsError};

use crate::session::{Input, InputError, Session};

/// The host of those who stand outside every network, where the scenario has none.
pub const VISITOR: &str = "visitor";
/// Its address, unless the scenario uses it (TEST-NET-3, RFC 5737).
const VISITOR_ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(203, 0, 113, 200), Ipv4Addr::new(198, 51, 100, 200)];
/// How long the sockets have to pass on what is left for them.
const FAREWELL: Duration = Duration::from_millis(200);

/// How a gateway is set up.
pub struct Options {
    /// Which sockets.
    pub choice: Choice,
    /// Virtual time in thousandths of the wall's speed.
    pub permille: u64,
    /// Connections at the same time; further ones wait for their turn.
    pub max_connections: usize,
    /// Connections at the same time from one other machine; further ones are refused.
    pub max_per_client: usize,
    /// Where the recording grows.
    pub record: Option<PathBuf>,
    /// Where the certification authority lies; none for one that is forgotten at the end.
    pub authority: Option<PathBuf>,
    /// Where packets are written while they fly.
    pub pcap: Option<PathBuf>,
    /// Who looks on.
    pub watchers: Vec<Box<dyn Watcher>>,
    /// Lets a class join.
    pub class: Option<class::Plan>,
    /// What is wrong with all certificates that real clients see.
    pub flaw: Option<tls::Flaw>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            choice: Choice::default(),
            permille: 1000,
            max_connections: 4096,
            max_per_client: 100,
            record: None,
            authority: None,
            pcap: None,
            watchers: Vec::new(),
            class: None,
            flaw: None,
        }
    }
}

/// A socket that is open.
#[derive(Clone, Debug)]
pub struct Bound {
    /// What it leads to.
    pub place: Place,
    /// Its address; another one than wanted if that was taken.
    pub address: SocketAddr,
}

impl Bound {
    /// Whether it had to move.
    pub fn is_moved(&self) -> bool {
        self.place.wanted.port() != 0 && self.address != self.place.wanted
    }
}

/// Why there is no gateway.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There is nothing to serve.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A host cannot be added.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A socket cannot be opened, with the way out.
    #[error("{address}: {error}; {hint}")]
    Bind {
        /// Which.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
        /// What can be done.
        hint: &'static str,
    },
    /// The certification authority.
    #[error("certificates: {0}")]
    Tls(#[from] TlsError),
    /// The recording, or the file of packets, cannot be written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// The real machine has no threads or timers to give.
    #[error("{0}")]
    Runtime(io::Error),
}

/// A running gateway.
pub struct Gateway {
    bounds: Vec<Bound>,
    notes: Vec<String>,
    authority: Arc<Authority>,
    driver: Handle,
    thread: JoinHandle<Session>,
    runtime: tokio::runtime::Handle,
    end: Receiver<()>,
    stopper: Stopper,
    class: Option<Arc<Class>>,
}

/// Ends a gateway from another thread.
#[derive(Clone)]
pub struct Stopper {
    word: SyncSender<()>,
    said: Arc<AtomicBool>,
}

impl Stopper {
    /// Lets [`Gateway::wait_for_end`] return.
    pub fn stop(&self) {
        self.said.store(true, Ordering::Release);
        // Whoever has been told already needs no second word.
        let _ = self.word.try_send(());
    }

    /// Whether somebody has asked for the end.
    pub fn is_over(&self) -> bool {
        self.said.load(Ordering::Acquire)
    }
}

impl Gateway {
    /// Opens the sockets and lets time run.
    ///
    /// # Errors
    /// There is nothing to serve, or a socket or file cannot be opened.
    pub fn start(mut session: Session, options: Options) -> Result<Gateway, ServeError> {
        let Options { choice, permille, record, authority, pcap, watchers, class, flaw, .. } = options;
        let places = places(&mut session, &choice)?;
        // One thread for sockets and world: what is ready is taken in one go, and nobody is woken
        // across threads for an octet.
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServeError::Runtime)?;
        let authority = match authority {
            Some(folder) => Authority::of_folder(&folder)?,
            None => Authority::ephemeral()?,
        };
        let authority = Arc::new(authority.with_flaw(flaw));
        let mut bounds = Vec::new();
        let mut listening = Vec::new();
        let mut notes = Vec::new();
        for place in places {
            match runtime.block_on(bind(&place)) {
                Ok((sockets, address)) => {
                    bounds.push(Bound { place, address });
                    listening.push(sockets);
                }
                Err(error) if place.wanted.is_ipv6() => {
                    let note = format!("IPv6 loopback is not there ({error}); 127.0.0.1 serves");
                    if !notes.contains(&note) {
                        notes.push(note);
                    }
                }
                Err(error) => return Err(explain(place.wanted, error, place.wanted.ip() == place.inside.ip())),
            }
        }
        let join = match &class {
            Some(plan) => {
                let address = SocketAddr::new(plan.address, plan.port);
                Some(runtime.block_on(TcpListener::bind(address)).map_err(|error| explain(address, error, false))?)
            }
            None => None,
        };
        let recorder = match record {
            Some(path) => {
                Some(Recorder::create(&path, &session).map_err(|error| ServeError::File(path.clone(), error))?)
            }
            None => None,
        };
        let capture = match pcap {
            Some(path) => Some(Capture::create(&path).map_err(|error| ServeError::File(path.clone(), error))?),
            None => None,
        };
        let start = session.world().now();
        let (driver, task) = driver::new(driver::Setup { session, permille, recorder, capture, watchers });
        let shared = Shared { driver: driver.clone(), authority: authority.clone(), start };
        let doors = Doors::new(shared, options.max_connections, options.max_per_client);
        let empty = doors.clone();
        let within = runtime.enter();
        for (bound, sockets) in bounds.iter().zip(listening) {
            doors.open(sockets, bound.place.clone());
        }
        let class = match class.zip(join) {
            Some((plan, listener)) => {
                let address = listener.local_addr().map_err(ServeError::Runtime)?;
                let class = Arc::new(Class::new(plan, address, &bounds, doors));
                tokio::spawn(class.clone().open(listener));
                Some(class)
            }
            None => None,
        };
        let (word, end) = sync_channel(1);
        let stopper = Stopper { word, said: Arc::default() };
        let handle = runtime.handle().clone();
        drop(within);
        let thread = std::thread::Builder::new().name("gateway".into());
        let thread = thread
            .spawn(move || {
                let session = runtime.block_on(async {
                    let session = tokio::spawn(task.run()).await;
                    // The sockets' tasks pass on the last answers.
                    empty.wait_until_empty(FAREWELL).await;
                    session
                });
                session.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()))
            })
            .map_err(ServeError::Runtime)?;
        Ok(Gateway { bounds, notes, authority, driver, thread, runtime: handle, end, stopper, class })
    }

    /// The sockets that are open, in the order of the table.
    pub fn bounds(&self) -> &[Bound] {
        &self.bounds
    }

    /// What a person should know of the way it was started.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The address of a host's service.
    pub fn address(&self, host: &str, service: Service) -> Option<SocketAddr> {
        let found = self.bounds.iter().find(|bound| bound.place.host == host && bound.place.service == service);
        found.map(|bound| bound.address)
    }

    /// The certification authority of the certificates that clients see.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The class that joins here, if it is one.
    pub fn class(&self) -> Option<&Arc<Class>> {
        self.class.as_ref()
    }

    /// For whoever gives inputs beside the sockets.
    pub fn driver(&self) -> Handle {
        self.driver.clone()
    }

    /// Does what a person wants, and tells how it is then; `None` if the driver has ended.
    pub fn control(&self, wish: Control) -> Option<Report> {
        control(&self.driver, wish)
    }

    /// For whoever may end it.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Takes Ctrl-C, and the system's request to end, for a word to the [`Stopper`] from now on.
    pub fn heed_signals(&self) {
        let _within = self.runtime.enter();
        self.runtime.spawn(stop_at(signals(), self.stopper.clone()));
    }

    /// Waits until somebody asks for the end.
    pub fn wait_for_end(&self) {
        let _ = self.end.recv();
    }

    /// Closes all sockets and gives the session back.
    pub fn stop(self) -> Option<Session> {
        self.driver.send(Command::Stop);
        self.thread.join().ok()
    }
}

/// The signals with which a person or the system wants the end. They are taken as soon as this
/// returns, and not only when somebody waits for them.
#[cfg(unix)]
fn signals() -> Vec<tokio::signal::unix::Signal> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect()
}

/// Asks for the end at the first of these signals.
#[cfg(unix)]
async fn stop_at(mut signals: Vec<tokio::signal::unix::Signal>, stopper: Stopper) {
    std::future::poll_fn(|context| {
        let comes = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if comes { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    stopper.stop();
}

/// Ctrl-C, which is taken as soon as this returns.
#[cfg(windows)]
fn signals() -> Option<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c().ok()
}

/// Asks for the end at Ctrl-C.
#[cfg(windows)]
async fn stop_at(ctrl_c: Option<tokio::signal::windows::CtrlC>, stopper: Stopper) {
    match ctrl_c {
        Some(mut ctrl_c) => ctrl_c.recv().await,
        None => std::future::pending().await,
    };
    stopper.stop();
}

/// Gives a wish to a driver and waits for the report.
pub fn control(driver: &Handle, wish: Control) -> Option<Report> {
    let (sender, report) = oneshot::channel();
    driver.send(Command::Control(wish, sender));
    report.blocking_recv().ok()
}

/// The plan for a session as it is, with a visitor added where one is needed.
///
/// # Errors
/// There is nothing to serve, or a named host does not exist.
pub fn places(session: &mut Session, choice: &Choice) -> Result<Vec<Place>, ServeError> {
    if plan::needs_visitor(session.world(), session.scenario(), choice) {
        let free = |address: &&Ipv4Addr| session.world().host_of(IpAddr::V4(**address)).is_none();
        if let Some(address) = VISITOR_ADDRESSES.iter().find(free) {
            let fqdn = format!("{VISITOR}.example.invalid");
            session.apply(Input::Join { host: VISITOR.into(), fqdn, address: IpAddr::V4(*address) })?;
        }
    }
    Ok(plan::plan(session.world(), session.scenario(), choice, VISITOR)?)
}
