//! The trace as a sequence diagram: hosts as columns, events as arrows from top to bottom.

use serde::Serialize;

use super::index::Index;
use super::told::told;
use crate::session::Session;
use crate::session::story::{Narrator, Tone, Who};
use crate::session::words::Words;
use crate::sim::{HostId, Time};
use crate::trace::{EventId, Kind};

/// A row of the diagram.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arrow {
    /// The event.
    pub event: EventId,
    /// When.
    pub time: Time,
    /// Where it begins; `None` for a remark over all columns.
    pub from: Option<HostId>,
    /// Where it ends; the same host for what happens inside it.
    pub to: Option<HostId>,
    /// Whether it answers something.
    pub answer: bool,
    /// What stands on it.
    pub text: String,
    /// What it means for the mail.
    #[serde(skip)]
    pub tone: Tone,
}

/// The events that the diagram has a row for.
pub fn rows(session: &Session, index: &Index) -> Vec<EventId> {
    let trace = session.world().trace();
    let wanted = |kind: &Kind| {
        matches!(
            kind,
            Kind::Narrate { .. }
                | Kind::DnsQuery { .. }
                | Kind::DnsAnswer { cached: false, .. }
                | Kind::TcpConnect { .. }
                | Kind::SmtpCmd { .. }
                | Kind::SmtpReply { .. }
                | Kind::SmtpTls { .. }
                | Kind::PopCmd { .. }
                | Kind::ImapCmd { .. }
                | Kind::QueueEnter { .. }
                | Kind::Deliver { .. }
                | Kind::Bounce { .. }
                | Kind::MuaCompose { .. }
                | Kind::Fault { .. }
        )
    };
    trace.since(index.set_up()).filter(|event| wanted(&event.kind)).map(|event| event.id).collect()
}

/// The row of an event.
pub fn arrow(session: &Session, narrator: &Narrator<'_>, words: &Words, event: EventId) -> Option<Arrow> {
    let world = session.world();
    let event = world.trace().get(event)?;
    let mut arrow = Arrow {
        event: event.id,
        time: event.time,
        from: event.host,
        to: event.host,
        answer: false,
        text: String::new(),
        tone: Tone::Plain,
    };
    if let Kind::Narrate { en, de } = &event.kind {
        (arrow.from, arrow.to, arrow.tone) = (None, None, Tone::Narration);
        arrow.text = words.lang().pick(en, de).to_owned();
        return Some(arrow);
    }
    let sentence = told(narrator, words, event)?;
    (arrow.text, arrow.tone) = (sentence.text.replace('\n', " "), sentence.tone);
    match &sentence.who {
        Who::Says { from, to } => (arrow.from, arrow.to) = (world.find(from), world.find(to)),
        Who::Answers { from, to } => (arrow.from, arrow.to, arrow.answer) = (world.find(from), world.find(to), true),
        Who::World => (arrow.from, arrow.to) = (None, None),
        Who::Host(_) => {}
    }
    Some(arrow)
}
