//! What the server asks its owner, and what it is answered.

use std::time::Duration;

use bytes::Bytes;

use crate::sim::Time;
use crate::smtp::command::Command;
use crate::smtp::framing::Limits;
use crate::smtp::reply::Reply;

/// Limits and times of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Line length and line ends.
    pub limits: Limits,
    /// How long the server waits for a command line, or for more content.
    pub timeout: Duration,
    /// How long it waits for a TLS handshake.
    pub tls_timeout: Duration,
    /// From this many errors on, each reply is delayed by `error_delay`.
    pub soft_errors: u64,
    /// At this many errors the owner is asked to end the session.
    pub hard_errors: u64,
    /// The delay (tarpitting).
    pub error_delay: Duration,
}

/// What the machine is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// Octets of the client.
    Bytes(Bytes),
    /// The client closed, or the connection broke.
    Lost,
    /// The time asked for has come.
    Wake,
    /// The owner's decision: the greeting, or the answer to the last [`Question`].
    Answer(Answer),
    /// The TLS handshake has ended well.
    TlsEstablished,
}

/// What the owner is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// A command.
    Command(Command),
    /// A line after a 334 reply.
    Response(Bytes),
    /// The content after DATA, complete, or after the last chunk of BDAT.
    Message {
        /// Lines end with LF, dots are not stuffed. Cut at the limit.
        content: Bytes,
        /// Whether it was longer than the limit.
        over_limit: bool,
    },
    /// A chunk of BDAT that is not the last was received, or one was thrown away.
    Chunk,
    /// A line ended with LF alone and [`BareNewline::Reject`](crate::smtp::framing::BareNewline::Reject) is set.
    BareNewline,
    /// The client was silent for too long.
    TimedOut,
    /// There were `hard_errors` errors.
    TooManyErrors,
}

/// The owner's decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What to say; `None` to say nothing.
    pub reply: Option<Reply>,
    /// Whether the client made an error.
    pub error: bool,
    /// How to go on.
    pub next: Next,
}

/// How a session goes on after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// With a command.
    Command,
    /// With the content, up to a dot. Octets beyond `limit` (0: none) are not kept.
    Data {
        /// The limit.
        limit: u64,
    },
    /// With a chunk of `size` octets.
    Chunk {
        /// Octets of the chunk.
        size: u64,
        /// Whether it is the last one.
        last: bool,
        /// Octets of the whole content that are kept (0: all).
        limit: u64,
    },
    /// With a chunk that is thrown away; then the owner is asked what to say.
    Discard {
        /// Octets of the chunk.
        size: u64,
    },
    /// With a response to a 334 reply.
    Response,
    /// With a TLS handshake. What the client sent already is forgotten.
    Tls,
    /// Not at all.
    Close,
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask the owner.
    Ask(Question),
    /// Send these octets.
    Send(Bytes),
    /// Begin the handshake as soon as the client does.
    StartTls,
    /// Close the connection.
    Close,
    /// Call with [`Input::Wake`] at this time.
    WakeAt(Time),
    /// The client is gone. The last command's verb is in [`Server::last_verb`](super::Server::last_verb).
    Lost,
}

impl Answer {
    /// A reply after which the next command is read.
    pub fn ok(reply: Reply) -> Answer {
        Answer { reply: Some(reply), error: false, next: Next::Command }
    }

    /// A reply to a client's error after which the next command is read.
    pub fn error(reply: Reply) -> Answer {
        Answer { reply: Some(reply), error: true, next: Next::Command }
    }

    /// A last reply.
    pub fn close(reply: Reply) -> Answer {
        Answer { reply: Some(reply), error: false, next: Next::Close }
    }
}
