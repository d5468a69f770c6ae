//! Fetching mail from a mailbox server: what POP3 and IMAP clients have in common.

use bytes::Bytes;
use smol_str::SmolStr;

use super::Credentials;
use super::imap_client::ImapClient;
use super::pop3_client::Pop3Client;
use crate::sim::Duration;

/// How long a mailbox server may be silent (fetchmail's `timeout`).
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// How mail is fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Protocol {
    /// RFC 1939.
    #[default]
    Pop3,
    /// RFC 3501.
    Imap,
}

impl Protocol {
    /// Its name, as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Pop3 => "POP3",
            Protocol::Imap => "IMAP",
        }
    }

    /// Its port without TLS from the start.
    pub fn port(self) -> u16 {
        match self {
            Protocol::Pop3 => 110,
            Protocol::Imap => 143,
        }
    }

    /// Its port with TLS from the start.
    pub fn tls_port(self) -> u16 {
        match self {
            Protocol::Pop3 => 995,
            Protocol::Imap => 993,
        }
    }
}

/// How a connection gets its TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    #[default]
    Plain,
    /// By STLS or STARTTLS, if the server offers it.
    Opportunistic,
    /// By STLS or STARTTLS, otherwise nothing is fetched.
    StartTls,
    /// From the first octet (RFC 8314).
    Implicit,
}

impl Security {
    /// What TLS means on a port: on 465, 993 and 995 it comes first.
    pub fn on_port(wanted: bool, port: u16) -> Security {
        match (wanted, port) {
            (false, _) => Security::Plain,
            (true, 465 | 993 | 995) => Security::Implicit,
            (true, _) => Security::StartTls,
        }
    }

    /// Whether a client that has no TLS yet should ask for it, as far as the server offers it.
    ///
    /// # Errors
    /// TLS is a must, and the server does not offer it.
    pub(super) fn asks(self, offered: bool) -> Result<bool, RetrieveError> {
        match (self, offered) {
            (Security::StartTls, false) => Err(RetrieveError::NoTls),
            (Security::StartTls | Security::Opportunistic, true) => Ok(true),
            _ => Ok(false),
        }
    }
}

/// What a client is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// How to log in.
    pub login: Credentials,
    /// Whether fetched messages stay on the server.
    pub keep: bool,
    /// Whether messages that were seen before are fetched too (always, with POP3).
    pub all: bool,
    /// How the connection gets its TLS.
    pub security: Security,
}

/// Why fetching ended early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetrieveError {
    /// Name or password is wrong.
    #[error("Authorization failure on {user}: {reply}")]
    Login {
        /// The login name.
        user: SmolStr,
        /// The server's words.
        reply: String,
    },
    /// The server refused something.
    #[error("{0}")]
    Refused(String),
    /// The server has no TLS.
    #[error("the server does not offer TLS")]
    NoTls,
    /// What the server says makes no sense.
    #[error("malformed reply: {0}")]
    Malformed(String),
    /// The connection broke.
    #[error("connection lost")]
    Lost,
}

/// What a client wants done, and what it learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this line (without line end).
    Command(String),
    /// The server said this line.
    Reply(String),
    /// Begin a TLS handshake, then call [`Retriever::secured`].
    StartTls,
    /// How many messages there are, and their octets, if the protocol tells.
    Found {
        /// Messages in the mailbox.
        count: u64,
        /// Those that were read before, if the protocol tells.
        seen: Option<u64>,
        /// Octets of all.
        octets: Option<u64>,
    },
    /// A message, lines ending with LF. [`Retriever::stored`] lets the client go on.
    Mail {
        /// Its number, from 1.
        number: u64,
        /// Its content.
        content: Bytes,
    },
    /// Everything is done; close the connection.
    Done,
    /// Nothing more can be done; close the connection.
    Failed(RetrieveError),
}

/// A client of either protocol.
#[derive(Clone, Debug)]
pub enum Retriever {
    /// With POP3.
    Pop3(Pop3Client),
    /// With IMAP.
    Imap(ImapClient),
}

impl Retriever {
    /// A client on a connection that was just opened.
    pub fn new(protocol: Protocol, errand: Errand) -> Retriever {
        match protocol {
            Protocol::Pop3 => Retriever::Pop3(Pop3Client::new(errand)),
            Protocol::Imap => Retriever::Imap(ImapClient::new(errand)),
        }
    }

    /// Takes octets of the server.
    pub fn handle(&mut self, bytes: &[u8], out: &mut Vec<Output>) {
        match self {
            Retriever::Pop3(client) => client.handle(bytes, out),
            Retriever::Imap(client) => client.handle(bytes, out),
        }
    }

    /// The TLS handshake is done.
    pub fn secured(&mut self, out: &mut Vec<Output>) {
        match self {
            Retriever::Pop3(client) => client.secured(out),
            Retriever::Imap(client) => client.secured(out),
        }
    }

    /// The last message is safely stored, or is to be left on the server.
    pub fn stored(&mut self, safely: bool, out: &mut Vec<Output>) {
        match self {
            Retriever::Pop3(client) => client.stored(safely, out),
            Retriever::Imap(client) => client.stored(safely, out),
        }
    }
}

/// CR LF becomes LF.
pub(super) fn to_unix(octets: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(octets.len());
    for (at, octet) in octets.iter().enumerate() {
        if *octet != b'\r' || octets.get(at + 1) != Some(&b'\n') {
            text.push(*octet);
        }
    }
    text
}
