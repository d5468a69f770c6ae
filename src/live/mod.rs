//! The gateway: loopback sockets of the real machine as connections inside the world.
//!
//! [`Gateway::start`] opens the sockets of a [`plan`] and gives the session to one thread, the
//! [`driver`]. A `socket` passes octets both ways: what a real client sends is a recorded input,
//! and virtual time follows the wall's. Nothing here ever connects to anywhere.

#![allow(clippy::disallowed_methods, reason = "this is the room of real clocks, threads and sockets")]

pub mod autosave;
pub mod capture;
pub mod class;
pub mod clock;
pub mod control;
pub mod dns;
pub mod driver;
pub mod plan;
mod sniff;
mod socket;
pub mod table;
mod telnet;
pub mod tls;
pub mod watch;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, UdpSocket};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, Semaphore, oneshot};

use autosave::Autosave;
use capture::Capture;
use class::Class;
use control::{Control, Report};
use driver::{Command, Handle, Watcher};
use plan::{Choice, Place, PlanError, Service};
use socket::Shared;
use tls::{Authority, TlsError};

use crate::session::{Input, InputError, Session};

/// The host of those who stand outside every network, where the scenario has none.
pub const VISITOR: &str = "visitor";
/// Its address, unless the scenario uses it (TEST-NET-3, RFC 5737).
const VISITOR_ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(203, 0, 113, 200), Ipv4Addr::new(198, 51, 100, 200)];
/// How far a port moves that is taken.
const MOVE: u16 = 10_000;
/// How long a DNS client may keep a connection open.
const DNS_TIMEOUT: Duration = Duration::from_secs(10);
/// Answers of a DNS connection that wait to be read.
const DNS_BUFFER: usize = 32;
/// Pause after the real machine had no room for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a gateway is set up.
pub struct Options {
    /// Which sockets.
    pub choice: Choice,
    /// Virtual time in thousandths of the wall's speed.
    pub permille: u64,
    /// Connections at the same time; further ones wait for their turn.
    pub max_connections: usize,
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
    runtime: Runtime,
    end: Arc<Notify>,
    class: Option<Arc<Class>>,
}

/// Ends a gateway from another thread.
#[derive(Clone)]
pub struct Stopper(Arc<Notify>);

impl Stopper {
    /// Lets [`Gateway::wait_for_end`] return.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

/// A socket that listens, before it is served.
enum Listening {
    Tcp(TcpListener),
    Dns(UdpSocket, TcpListener),
}

/// What all listening sockets have in common.
#[derive(Clone)]
struct Doors {
    shared: Shared,
    ids: Arc<AtomicU64>,
    room: Arc<Semaphore>,
}

impl Doors {
    /// Serves a socket. Must be called within the runtime.
    fn open(&self, sockets: Listening, place: Place) {
        let Doors { shared, ids, room } = self.clone();
        match sockets {
            Listening::Tcp(listener) => _ = tokio::spawn(accept(listener, place, ids, room, shared)),
            Listening::Dns(udp, tcp) => _ = tokio::spawn(answer(udp, tcp, place, ids, shared.driver)),
        }
    }
}

impl Gateway {
    /// Opens the sockets and lets time run.
    ///
    /// # Errors
    /// There is nothing to serve, or a socket or file cannot be opened.
    pub fn start(mut session: Session, options: Options) -> Result<Gateway, ServeError> {
        let Options { choice, permille, max_connections, record, authority, pcap, watchers, class, flaw } = options;
        let places = places(&mut session, &choice)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(ServeError::Runtime)?;
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
                Err(error) => return Err(explain(place.wanted, error)),
            }
        }
        let join = match &class {
            Some(plan) => {
                let address = SocketAddr::new(plan.address, plan.port);
                Some(runtime.block_on(TcpListener::bind(address)).map_err(|error| explain(address, error))?)
            }
            None => None,
        };
        let autosave = match record {
            Some(path) => {
                Some(Autosave::create(&path, &session).map_err(|error| ServeError::File(path.clone(), error))?)
            }
            None => None,
        };
        let capture = match pcap {
            Some(path) => Some(Capture::create(&path).map_err(|error| ServeError::File(path.clone(), error))?),
            None => None,
        };
        let start = session.world().now();
        let (driver, thread) = driver::start(driver::Setup { session, permille, autosave, capture, watchers });
        let shared = Shared { driver: driver.clone(), authority: authority.clone(), start };
        let ids = Arc::new(AtomicU64::new(1));
        let doors = Doors { shared, ids, room: Arc::new(Semaphore::new(max_connections)) };
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
        drop(within);
        Ok(Gateway { bounds, notes, authority, driver, thread, runtime, end: Arc::default(), class })
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
        Stopper(self.end.clone())
    }

    /// Waits for Ctrl-C, a request of the system to end, or a [`Stopper`].
    pub fn wait_for_end(&self) {
        self.runtime.block_on(async {
            #[cfg(unix)]
            {
                let kind = tokio::signal::unix::SignalKind::terminate();
                let Ok(mut terminate) = tokio::signal::unix::signal(kind) else { return };
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    _ = terminate.recv() => {}
                    () = self.end.notified() => {}
                }
            }
            #[cfg(not(unix))]
            {
                tokio::select! {
                    _ = tokio::signal::ctrl_c() => {}
                    () = self.end.notified() => {}
                }
            }
        });
    }

    /// Closes all sockets and gives the session back.
    pub fn stop(self) -> Option<Session> {
        self.driver.send(Command::Stop);
        let session = self.thread.join().ok();
        self.runtime.shutdown_timeout(Duration::from_millis(200));
        session
    }
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

/// Opens the sockets of a place; a port that is taken moves.
async fn bind(place: &Place) -> io::Result<(Listening, SocketAddr)> {
    let wanted = place.wanted;
    let moved = wanted.port().checked_add(MOVE).unwrap_or(0);
    let mut result = open(place, wanted).await;
    for port in [moved, 0] {
        match &result {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                result = open(place, SocketAddr::new(wanted.ip(), port)).await;
            }
            _ => break,
        }
    }
    result
}

async fn open(place: &Place, address: SocketAddr) -> io::Result<(Listening, SocketAddr)> {
    if place.service == Service::Dns {
        let udp = UdpSocket::bind(address).await?;
        let address = udp.local_addr()?;
        return Ok((Listening::Dns(udp, TcpListener::bind(address).await?), address));
    }
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((Listening::Tcp(listener), address))
}

fn explain(address: SocketAddr, error: io::Error) -> ServeError {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied if address.port() < 1024 => {
            "ports below 1024 need rights: leave out --real-ports, run as root, or \
             `sudo setcap cap_net_bind_service=+ep mxlab`"
        }
        _ if address.port() == class::JOIN_PORT => {
            "a class joins at this port: end the program that has it (`ss -ltnp`)"
        }
        io::ErrorKind::AddrNotAvailable if !address.ip().is_loopback() => {
            "this machine does not have the address: in a network namespace of its own, \
             `ip route add local NETWORK/24 dev lo` gives it all of a network"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has only 127.0.0.1: use --single-address (or `sudo ifconfig lo0 alias ADDRESS`)"
        }
        io::ErrorKind::AddrInUse => "another program has it, and every port that could stand in for it",
        _ => "the table of another run may help: mxlab serve --single-address",
    };
    ServeError::Bind { address, error, hint }
}

async fn accept(listener: TcpListener, place: Place, ids: Arc<AtomicU64>, room: Arc<Semaphore>, shared: Shared) {
    let place = Arc::new(place);
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let (place, shared) = (place.clone(), shared.clone());
                let id = ids.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    socket::serve(stream, &place, id, shared).await;
                    drop(permit);
                });
            }
            // No room for a descriptor, or a client that is gone already: the others go on.
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn answer(udp: UdpSocket, tcp: TcpListener, place: Place, ids: Arc<AtomicU64>, driver: Handle) {
    let mut server = hickory_server::Server::new(dns::Handler::new(driver, place, ids));
    server.register_socket(udp);
    server.register_listener(tcp, DNS_TIMEOUT, DNS_BUFFER);
    let _ = server.block_until_done().await;
}
