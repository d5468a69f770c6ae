//! A connection to a server, in use, kept for the next message, or being closed.

use std::net::IpAddr;
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::conf::SmtpConf;
use super::notice::Transcript;
use super::sasl::Login;
use crate::mta::postfix::tls::Policy;
use crate::sim::Time;
use crate::smtp::auth::Mechanism;
use crate::smtp::client::Client;

/// The other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// Name as it was found.
    pub host: SmolStr,
    /// `host[address]`.
    pub name: SmolStr,
    /// `host[address]:port`; the same as `name` for a UNIX-domain socket.
    pub name_port: SmolStr,
    /// The best exchanger of its domain?
    pub best_mx: bool,
    /// Whether greeting and EHLO reply are searched for this host's own name.
    pub loop_detect: bool,
}

impl Peer {
    /// A server by address.
    pub fn inet(host: &SmolStr, addr: IpAddr, port: u16) -> Peer {
        let name = format_smolstr!("{host}[{addr}]");
        Peer {
            host: host.clone(),
            name_port: format_smolstr!("{name}:{port}"),
            name,
            best_mx: true,
            loop_detect: port == 25,
        }
    }

    /// A server by path.
    pub fn unix(myhostname: &SmolStr, path: &str) -> Peer {
        let name = format_smolstr!("{myhostname}[{path}]");
        Peer { host: myhostname.clone(), name_port: name.clone(), name, best_mx: false, loop_detect: false }
    }
}

/// How TLS stands on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsState {
    /// None so far.
    Plain,
    /// ClientHello was sent.
    Handshake,
    /// All is encrypted.
    Encrypted,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// TCP handshake.
    Connecting,
    /// Greeting, EHLO, STARTTLS, AUTH.
    Opening,
    /// RSET before it is used again.
    Probing,
    /// A transaction.
    Sending,
    /// RSET, QUIT.
    Leaving,
    /// Kept for the next message.
    Idle,
}

/// One connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub conf: Arc<SmtpConf>,
    pub job: Option<u64>,
    pub peer: Peer,
    pub client: Option<Client>,
    pub phase: Phase,
    pub tls: TlsState,
    pub policy: Policy,
    /// The greeting says ESMTP.
    pub esmtp: bool,
    /// EHLO was answered, since the connection was opened or encrypted.
    pub greeted: bool,
    /// STARTTLS was refused and is not needed.
    pub starttls_refused: bool,
    pub authenticated: bool,
    /// The mechanism and the user of an exchange under way.
    pub login: Option<(Mechanism, Login)>,
    /// Positions in the job's request of the recipients of the running transaction.
    pub offered: Vec<usize>,
    pub accepted: u64,
    pub mail_refused: bool,
    /// Something went wrong: do not use it again.
    pub bad: bool,
    pub opened: Time,
    /// Deliveries so far.
    pub uses: u64,
    /// Where it is kept: service, next hop.
    pub key: (SmolStr, SmolStr),
    pub idle_until: Time,
    /// A timer for the end of that time is running.
    pub idle_armed: bool,
    /// The beginning of a reply line, if there is a filter for them.
    pub partial: Vec<u8>,
    /// What was said, if the postmaster wants to know of servers that break the protocol.
    pub transcript: Option<Transcript>,
}

impl Connection {
    pub fn new(conf: Arc<SmtpConf>, job: u64, peer: Peer, policy: Policy, nexthop: &SmolStr, now: Time) -> Connection {
        Connection {
            key: (conf.service.clone(), nexthop.clone()),
            transcript: conf.notices.wants("protocol").then(Transcript::default),
            conf,
            job: Some(job),
            peer,
            client: None,
            phase: Phase::Connecting,
            tls: TlsState::Plain,
            policy,
            esmtp: false,
            greeted: false,
            starttls_refused: false,
            authenticated: false,
            login: None,
            offered: Vec::new(),
            accepted: 0,
            mail_refused: false,
            bad: false,
            opened: now,
            uses: 0,
            idle_until: now,
            idle_armed: false,
            partial: Vec::new(),
        }
    }
}
