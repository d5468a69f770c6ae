//! Who talks to whom: the names and values of the simulated network.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A host of the world, by its place in the world's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostId(pub u32);

/// A process id on a host. Ids are never used twice within one run of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProcId(pub u32);

impl fmt::Display for ProcId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A process on a host: where events are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// The host.
    pub host: HostId,
    /// The process on it.
    pub proc: ProcId,
}

/// One end of a connection. The two ends have different numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Socket(pub u64);

/// What a process listens on, or connects to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listener {
    /// A TCP port; without an address on all of the host's addresses.
    Tcp {
        /// The one address, or all.
        addr: Option<IpAddr>,
        /// The port.
        port: u16,
    },
    /// A UNIX-domain socket of the host, by absolute path.
    Unix(SmolStr),
}

/// Why a connection did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectError {
    /// Nobody listens there, or a firewall rejects (RST).
    Refused,
    /// No answer within the time a kernel tries (about 127 s), or the path drops packets.
    Timeout,
    /// The address belongs to no host, or the host is down.
    Unreachable,
    /// The host has no address of this family.
    NetworkUnreachable,
    /// The UNIX-domain socket does not exist.
    NoSuchFile,
}

impl ConnectError {
    /// The text of `strerror(3)` for it.
    pub fn text(self) -> &'static str {
        match self {
            ConnectError::Refused => "Connection refused",
            ConnectError::Timeout => "Connection timed out",
            ConnectError::Unreachable => "No route to host",
            ConnectError::NetworkUnreachable => "Network is unreachable",
            ConnectError::NoSuchFile => "No such file or directory",
        }
    }
}

/// What travels over a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Plain octets, or octets inside the TLS layer once the handshake is done.
    Bytes(Bytes),
    /// A step of a TLS handshake (see [`TlsMessage`]).
    Tls(Arc<TlsMessage>),
}

/// TLS inside the world: facts instead of ciphertext, of fixed size on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsMessage {
    /// The client opens: the name it wants to reach (SNI) and the protocols it would speak.
    ClientHello {
        /// Server name indication, if sent.
        server_name: Option<SmolStr>,
        /// Offered protocol versions, best first, as in `TLSv1.3`.
        versions: Vec<SmolStr>,
    },
    /// The server answers with its choice and its certificate chain.
    ServerHello {
        /// The chosen version, as in `TLSv1.3`.
        version: SmolStr,
        /// The chosen cipher suite, by its OpenSSL name.
        cipher: SmolStr,
        /// Secret bits of that cipher.
        bits: u16,
        /// The chain in DER, leaf first.
        chain: Vec<Bytes>,
    },
    /// The client is content: octets follow in both directions.
    Finished,
    /// One side gives up, with OpenSSL's words for the alert.
    Alert(SmolStr),
}

impl Payload {
    /// Octets that this occupies on the link; handshake messages count a fixed size each.
    pub fn wire_len(&self) -> u64 {
        match self {
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::Tls(message) => match **message {
                TlsMessage::ClientHello { .. } => 512,
                TlsMessage::ServerHello { .. } => 2048,
                TlsMessage::Finished => 64,
                TlsMessage::Alert(_) => 7,
            },
        }
    }
}

/// What a machine on the network is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetInput {
    /// A connection that this process asked for is open.
    Connected {
        /// Our end.
        sock: Socket,
        /// Our address.
        local: SocketAddr,
        /// The other end's address.
        peer: SocketAddr,
    },
    /// A connection that this process asked for failed.
    ConnectFailed {
        /// The end that will not come to be.
        sock: Socket,
        /// Our address (unspecified, port 0, for UNIX-domain sockets).
        local: SocketAddr,
        /// The address that was tried (likewise).
        peer: SocketAddr,
        /// Why.
        error: ConnectError,
    },
    /// Somebody connected to a listener of this process.
    Accepted {
        /// Our end.
        sock: Socket,
        /// What they connected to.
        listener: Listener,
        /// Our address (unspecified, port 0, for UNIX-domain sockets).
        local: SocketAddr,
        /// Their address (likewise).
        peer: SocketAddr,
    },
    /// Something arrived.
    Data {
        /// Our end.
        sock: Socket,
        /// What arrived.
        payload: Payload,
    },
    /// The other side closed in an orderly way; nothing more will arrive.
    Eof {
        /// Our end.
        sock: Socket,
    },
    /// The connection is gone: reset, or the path was dead for too long.
    Reset {
        /// Our end.
        sock: Socket,
        /// Whether it died of silence rather than of an RST.
        timed_out: bool,
    },
    /// All that was sent so far has left: the window is open again.
    Writable {
        /// Our end.
        sock: Socket,
    },
    /// A datagram arrived.
    Datagram {
        /// The local address it was sent to.
        local: SocketAddr,
        /// The sender.
        peer: SocketAddr,
        /// Its content.
        bytes: Bytes,
    },
}
