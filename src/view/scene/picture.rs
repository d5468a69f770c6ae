//! The parts of a picture, as plain data.

use serde::Serialize;
use smol_str::SmolStr;

use crate::session::story::Tone;
use crate::sim::{HostId, Socket, Time};
use crate::trace::{ConnectResult, EventId};
use crate::view::Screen;
use crate::view::barrier::Hindrance;
use crate::view::notes::Note;
use crate::view::verdict::Verdict;

/// A host's card.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Card {
    /// Whether the host is switched off.
    pub down: bool,
    /// Mails in its queues.
    pub queued: u64,
    /// Mails that wait for another attempt.
    pub deferred: u64,
    /// When the first of them is tried again, if the trace knows it.
    pub next_attempt: Option<Time>,
    /// Mails delivered into mailboxes here.
    pub delivered: u64,
    /// Its services, and whether they run.
    pub services: Vec<(&'static str, bool)>,
    /// Its last log line, without date and host.
    pub log: SmolStr,
    /// Whether it takes part in the present step.
    pub active: bool,
}

/// What a line between two hosts stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Traffic will go there.
    #[default]
    Route,
    /// Traffic went there.
    Used,
    /// A connection is open.
    Open,
}

/// Something in the way of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// How it hinders.
    pub how: Hindrance,
    /// What stands on it: the port, or how much.
    pub label: String,
}

/// A line between two hosts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Link {
    /// Who opens connections, or the one with the lower number.
    pub from: HostId,
    /// Who accepts them.
    pub to: HostId,
    /// What it stands for.
    pub state: LinkState,
    /// Whether only questions about names go there.
    pub names_only: bool,
    /// Whether it is encrypted, and the certificate was good.
    pub tls: Option<bool>,
    /// Who has logged in over it.
    pub user: Option<SmolStr>,
    /// From 1, right now, to 0, long ago.
    pub warmth: f32,
    /// What is in the way.
    pub obstacle: Option<Obstacle>,
}

impl Link {
    /// A line that nothing has gone along yet.
    pub fn between(from: HostId, to: HostId) -> Link {
        Link {
            from,
            to,
            state: LinkState::Route,
            names_only: false,
            tls: None,
            user: None,
            warmth: 0.0,
            obstacle: None,
        }
    }
}

/// What moves between two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MoverKind {
    /// A question to a name server.
    Question,
    /// Its answer.
    Answer,
    /// A connection that opens.
    Connect,
    /// A connection that does not open.
    ConnectFailed(ConnectResult),
    /// A TLS handshake, and whether the certificate was good.
    Tls(bool),
    /// A login, and whether it was accepted.
    Auth(bool),
    /// A message in its envelope.
    Letter,
    /// A message that goes into a mailbox of its host.
    Deposit,
}

/// The letter in an envelope, as far as it is shown beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Envelope sender; empty for reports.
    pub sender: String,
    /// Envelope recipients.
    pub rcpts: String,
    /// The header's From.
    pub from: String,
    /// The header's To.
    pub to: String,
    /// The header's Subject.
    pub subject: String,
    /// The hosts that have put a Received line on it, the first one first.
    pub hops: Vec<String>,
}

/// Something on its way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mover {
    /// What it is.
    pub kind: MoverKind,
    /// Where it comes from.
    pub from: HostId,
    /// Where it goes.
    pub to: HostId,
    /// How far it is, from 0 to 1.
    pub part: f32,
    /// What stands on it.
    pub label: String,
    /// A second line: records, a verdict.
    pub detail: String,
    /// What is in the envelope.
    pub letter: Option<Letter>,
    /// The event.
    pub event: EventId,
    /// Its place among those that move between the same hosts at the same time.
    pub lane: u32,
}

/// One side's words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Speech {
    /// The reply code; `None` for a client's line.
    pub code: Option<u16>,
    /// The words.
    pub text: String,
    /// The event.
    pub event: EventId,
    /// How far it is on its way, if it is being said now.
    pub fresh: Option<f32>,
}

/// What is said on a connection: the last line of each side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bubble {
    /// The connection.
    pub session: Socket,
    /// Who asks.
    pub client: HostId,
    /// Who answers.
    pub server: HostId,
    /// The client's last line.
    pub line: Option<Speech>,
    /// The server's last reply.
    pub reply: Option<Speech>,
}

/// A verdict on a host's card.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stamp {
    /// The host.
    pub host: HostId,
    /// The verdict.
    pub verdict: Verdict,
    /// The event.
    pub event: EventId,
    /// From 0, just now, to 1, about to vanish.
    pub age: f32,
}

/// The one line that says what happens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Caption {
    /// The words.
    pub text: String,
    /// What it means for the mail.
    #[serde(skip)]
    pub tone: Tone,
    /// The event.
    pub event: EventId,
}

/// A picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Scene {
    /// The moment of the screen.
    pub at: Screen,
    /// The virtual time.
    pub time: Time,
    /// The present beat, by number.
    pub beat: Option<u64>,
    /// How far it is, from 0 to 1.
    pub part: f32,
    /// The event that the step is about, or the next one.
    pub event: Option<EventId>,
    /// The hosts, by number.
    pub cards: Vec<Card>,
    /// Lines between hosts.
    pub links: Vec<Link>,
    /// What is on its way.
    pub movers: Vec<Mover>,
    /// What is said.
    pub bubbles: Vec<Bubble>,
    /// What hosts think: choices, aliases, rewriting.
    pub notes: Vec<Note>,
    /// Verdicts.
    pub stamps: Vec<Stamp>,
    /// What the scenario tells here.
    pub narration: Option<String>,
    /// What happens, in words.
    pub caption: Option<Caption>,
    /// The length of the idle time that is being folded, in words.
    pub gap: Option<String>,
}
