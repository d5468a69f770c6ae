//! What the driver is told, and what it tells.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::control::{Control, Report};
use super::notice::Notice;
use crate::session::{CloseHow, Session, TlsStep};
use crate::sim::outside::{OutsideId, Outward};

/// What a real socket is told.
#[derive(Debug)]
pub enum ToSocket {
    /// By the world.
    World(Outward),
    /// There is room for more.
    Ready,
    /// Nobody is let in any more: the recording is too long.
    Full,
}

/// A socket's end of the way to it.
#[derive(Debug)]
pub struct Outlet {
    sender: UnboundedSender<ToSocket>,
    waiting: Arc<AtomicU64>,
}

/// What the driver has for a socket, and the socket has not yet taken.
#[derive(Debug)]
pub struct Intake {
    receiver: UnboundedReceiver<ToSocket>,
    waiting: Arc<AtomicU64>,
}

/// A way from the driver to a socket.
pub fn outlet() -> (Outlet, Intake) {
    let (sender, receiver) = unbounded_channel();
    let waiting = Arc::<AtomicU64>::default();
    (Outlet { sender, waiting: waiting.clone() }, Intake { receiver, waiting })
}

impl Outlet {
    /// Hands something to the socket. A socket that is gone gets nothing.
    pub fn send(&self, what: ToSocket) {
        if let ToSocket::World(Outward::Bytes(bytes)) = &what {
            self.waiting.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        let _ = self.sender.send(what);
    }

    /// Octets that the real client has not yet taken.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Intake {
    /// The next one; nothing when the driver has ended.
    pub async fn next(&mut self) -> Option<ToSocket> {
        self.receiver.recv().await
    }

    /// Notes that the real client has taken so many octets.
    pub fn taken(&self, octets: usize) {
        self.waiting.fetch_sub(octets as u64, Ordering::Relaxed);
    }
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
        answers: Outlet,
    },
    /// A socket begins to ask name servers.
    Ask {
        /// Its number.
        conn: OutsideId,
        /// The host that it is taken to sit at.
        from: String,
        /// Where its answers go.
        answers: Outlet,
    },
    /// Octets; [`ToSocket::Ready`] follows when more may come.
    Bytes(OutsideId, Bytes),
    /// A datagram.
    Datagram {
        /// The number given with [`Command::Ask`].
        conn: OutsideId,
        /// Whose turn it is to take: a number that is the sender's alone.
        sender: u64,
        /// The server inside the world.
        to: SocketAddr,
        /// Its content.
        data: Bytes,
    },
    /// A step of TLS.
    Tls(OutsideId, TlsStep),
    /// The end of a socket.
    Close(OutsideId, CloseHow),
    /// Something that a person does beside the sockets, even while time stands.
    Act(Deed),
    /// A person's wish about time.
    Control(Control, oneshot::Sender<Report>),
    /// Something that whoever serves should know.
    Tell(Notice),
    /// The end.
    Stop,
}

impl Command {
    /// Whose turn it takes, and what it costs; none if it waits for nobody.
    pub(super) fn turn(&self) -> Option<(OutsideId, u64)> {
        match self {
            Command::Open { conn, .. } | Command::Ask { conn, .. } => Some((*conn, COST_OF_OPENING)),
            Command::Bytes(conn, data) => Some((*conn, COST + data.len() as u64)),
            Command::Datagram { sender, data, .. } => Some((*sender, COST + data.len() as u64)),
            Command::Tls(conn, _) | Command::Close(conn, _) => Some((*conn, COST)),
            Command::Act(_) | Command::Control(..) | Command::Tell(_) | Command::Stop => None,
        }
    }
}

/// What an input costs beside its octets.
const COST: u64 = 512;
/// What a connection costs that opens.
const COST_OF_OPENING: u64 = 4096;

/// Looks at a session while it goes on.
pub trait Watcher: Send {
    /// Called after the world has moved; events from this one on are new.
    fn look(&mut self, session: &Session, since: u64);
    /// Called when there is something that whoever serves should know.
    fn tell(&mut self, _notice: Notice) {}
}

/// Talks to the driver.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(super) commands: UnboundedSender<Command>,
    pub(super) moved: Arc<AtomicU64>,
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
