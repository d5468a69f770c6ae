//! The listening sockets: opened where there is room, and guarded against crowds.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::command::Command;
use super::notice::Notice;
use super::plan::{Place, Protocol, Service};
use super::socket::{self, Shared};
use super::{ServeError, class, dns};

/// How far a port moves that is taken.
const MOVE: u16 = 10_000;
/// Pause after the real machine had no room for a connection.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Connections that may be about to open at the same time: a crowd at the door waits outside, and
/// the listening sockets take turns.
const MAX_OPENING: usize = 64;

/// A socket that listens, before it is served.
pub(super) enum Listening {
    Tcp(TcpListener),
    Dns(UdpSocket, TcpListener),
}

/// What all listening sockets have in common.
#[derive(Clone)]
pub(super) struct Doors {
    pub shared: Shared,
    ids: Arc<AtomicU64>,
    max_connections: usize,
    /// Connections that may still be opened.
    room: Arc<Semaphore>,
    opening: Arc<Semaphore>,
    clients: Clients,
}

impl Doors {
    /// Doors that nobody has come through.
    pub fn new(shared: Shared, max_connections: usize, max_per_client: usize) -> Doors {
        Doors {
            shared,
            ids: Arc::new(AtomicU64::new(1)),
            max_connections,
            room: Arc::new(Semaphore::new(max_connections)),
            opening: Arc::new(Semaphore::new(MAX_OPENING)),
            clients: Clients { max: max_per_client, open: Arc::default() },
        }
    }

    /// Serves a socket. Must be called within the runtime.
    pub fn open(&self, sockets: Listening, place: Place) {
        match sockets {
            Listening::Tcp(listener) => _ = tokio::spawn(self.clone().accept(listener, place)),
            Listening::Dns(udp, tcp) => {
                let handler = dns::Handler::new(self.shared.driver.clone(), place.clone(), &self.ids);
                tokio::spawn(answer(udp, handler));
                tokio::spawn(self.clone().accept(tcp, place));
            }
        }
    }

    /// Waits until nobody is connected any more, at most so long.
    pub async fn wait_until_empty(&self, at_most: Duration) {
        let all = u32::try_from(self.max_connections).unwrap_or(u32::MAX);
        let _ = timeout(at_most, self.room.acquire_many(all)).await;
    }

    async fn accept(self, listener: TcpListener, place: Place) {
        let Doors { shared, ids, room, opening, clients, .. } = self;
        let place = Arc::new(place);
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                // No room for a descriptor, or a client that is gone already: the others go on.
                Err(_) => {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(guest) = clients.enter(peer.ip()) else {
                shared.driver.send(Command::Tell(Notice::Crowd(peer.ip())));
                tokio::spawn(refuse(stream, place.clone(), peer.ip()));
                continue;
            };
            if room.available_permits() == 0 {
                shared.driver.send(Command::Tell(Notice::Full));
            }
            let Ok(permit) = room.clone().acquire_owned().await else { return };
            let Ok(turn) = opening.clone().acquire_owned().await else { return };
            let (place, shared) = (place.clone(), shared.clone());
            let id = ids.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                socket::serve(stream, &place, id, shared, turn).await;
                drop((permit, guest));
            });
        }
    }
}

/// How many connections each other machine has.
#[derive(Clone)]
struct Clients {
    max: usize,
    open: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
}

/// A connection that counts as its machine's until it is dropped.
struct Guest {
    clients: Clients,
    address: IpAddr,
}

impl Clients {
    /// Lets a connection in; nothing if its machine has enough. This machine is its owner's.
    fn enter(&self, address: IpAddr) -> Option<Guest> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        let may = address.to_canonical().is_loopback() || *count < self.max;
        may.then(|| {
            *count += 1;
            Guest { clients: self.clone(), address }
        })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut open = self.clients.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// Tells a client why it is not let in, in the words of Postfix (`smtpd_client_connection_count_limit`)
/// where it speaks SMTP.
async fn refuse(mut stream: TcpStream, place: Arc<Place>, from: IpAddr) {
    let text = match place.service.protocol() {
        _ if place.service.is_implicit_tls() => return,
        Protocol::Smtp => format!("421 4.7.0 {} Error: too many connections from {from}\r\n", place.fqdn),
        Protocol::Pop3 => format!("-ERR [SYS/TEMP] Too many connections from {from}\r\n"),
        Protocol::Imap => format!("* BYE Too many connections from {from}\r\n"),
        Protocol::Dns => return,
    };
    // Who does not listen need not know.
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Opens the sockets of a place; a port that is taken moves.
pub(super) async fn bind(place: &Place) -> io::Result<(Listening, SocketAddr)> {
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

/// Why a socket cannot be opened, with the way out. `is_inside` tells that the address is the
/// world's own.
pub(super) fn explain(address: SocketAddr, error: io::Error, is_inside: bool) -> ServeError {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied if address.port() < 1024 => {
            "ports below 1024 need rights: leave out --real-ports, run as root, or \
             `sudo setcap cap_net_bind_service=+ep mxlab`"
        }
        _ if address.port() == class::JOIN_PORT => {
            "a class joins at this port: end the program that has it (`ss -ltnp`)"
        }
        io::ErrorKind::AddrNotAvailable if is_inside => {
            "this machine does not have the address: in a network namespace of its own, \
             `ip route add local NETWORK/24 dev lo` gives it all of a network"
        }
        io::ErrorKind::AddrNotAvailable if !address.ip().is_loopback() => {
            "this machine does not have the address: --listen takes one of those that `ip address` shows"
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine has only 127.0.0.1: use --single-address (or `sudo ifconfig lo0 alias ADDRESS`)"
        }
        io::ErrorKind::AddrInUse => "another program has it, and every port that could stand in for it",
        _ => "the table of another run may help: mxlab serve --single-address",
    };
    ServeError::Bind { address, error, hint }
}

async fn answer(socket: UdpSocket, handler: dns::Handler) {
    let mut server = hickory_server::Server::new(handler);
    server.register_socket(socket);
    let _ = server.block_until_done().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_cannot_be_opened_is_named_with_a_way_out() {
        let cases = [
            ("127.0.2.10:25", io::ErrorKind::PermissionDenied, "leave out --real-ports"),
            ("127.0.2.10:2525", io::ErrorKind::AddrNotAvailable, "--single-address"),
            ("192.0.2.10:25", io::ErrorKind::AddrNotAvailable, "ip route add local"),
            ("192.168.1.10:25", io::ErrorKind::AddrNotAvailable, "--listen"),
            ("127.0.0.1:2500", io::ErrorKind::AddrInUse, "ss -ltnp"),
            ("127.0.0.1:2525", io::ErrorKind::AddrInUse, "another program has it"),
        ];
        for (address, kind, hint) in cases {
            let is_inside = address.starts_with("192.0.2.");
            let text = explain(address.parse().expect("an address"), kind.into(), is_inside).to_string();
            assert!(text.starts_with(address) && text.contains(hint), "{text}");
        }
    }

    #[test]
    fn other_machines_may_have_so_many_connections_and_this_one_all() {
        let clients = Clients { max: 2, open: Arc::default() };
        let other = IpAddr::from([192, 0, 2, 1]);
        let guests = [clients.enter(other), clients.enter(other)];
        assert!(guests.iter().all(Option::is_some) && clients.enter(other).is_none());
        assert!(clients.enter(IpAddr::from([192, 0, 2, 2])).is_some());
        drop(guests);
        assert!(clients.enter(other).is_some());
        let own = [127, 0, 0, 1];
        assert!([(); 5].map(|()| clients.enter(own.into())).iter().all(Option::is_some));
    }
}
