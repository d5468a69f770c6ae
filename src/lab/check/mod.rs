//! Checks: what a lab observes to see whether a task is done.
//!
//! A check looks at the trace, at files, or at what the system does when it is tried: probes run
//! in a copy of the world and leave nothing behind. Commands that were typed are never looked at.

mod answer;
mod change;
mod compare;
mod fork;
mod mailbox;
mod pattern;
mod probe;
mod relay;
mod sessions;
mod state;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use answer::{Answer, Answers, Compare, Value};
pub use change::{Deed, Serial, Trial, Unchanged};
pub use fork::{Family, Fate};
pub use mailbox::Mailbox;
pub use pattern::{By, Event, matches_text, on_behalf};
pub use probe::{LocalMail, Mail, Tls};
pub use relay::OpenRelay;
pub use sessions::Dialogue;
pub use state::{Command, Dns, File, Listens, Lookup, Parameter, Queue};

use super::written::Text;
use crate::trace::EventId;
use crate::world::World;

/// Something that can be seen to hold or not.
#[derive(Clone, Debug, Deserialize)]
pub enum Check {
    /// All of these.
    All(Vec<Check>),
    /// At least one of these.
    Any(Vec<Check>),
    /// Not this.
    Not(Box<Check>),
    /// Something happened.
    Event(Event),
    /// Things happened in this order.
    InOrder(Vec<Event>),
    /// One SMTP, POP3 or IMAP session went like this.
    Dialogue(Dialogue),
    /// A message was delivered and lies there.
    Mailbox(Mailbox),
    /// What is in a queue.
    Queue(Queue),
    /// The value of a Postfix parameter.
    Parameter(Parameter),
    /// What a lookup table says, as the daemons see it.
    Lookup(Lookup),
    /// What a file contains.
    File(File),
    /// What a command writes in a copy of the world.
    Command(Command),
    /// What the DNS says.
    Dns(Dns),
    /// Whether something listens.
    Listens(Listens),
    /// What becomes of a mail sent by SMTP.
    Mail(Mail),
    /// What becomes of a mail sent with `sendmail` on a host.
    LocalMail(LocalMail),
    /// Whether a server relays for strangers.
    OpenRelay(OpenRelay),
    /// That files are as they were at the beginning.
    Unchanged(Unchanged),
    /// That a zone's serial number was raised.
    Serial(Serial),
    /// What would be after something more was done.
    Trial(Trial),
    /// What the student answered.
    Answer(Answer),
}

/// What checks look at.
#[derive(Clone, Copy, Debug)]
pub struct Bench<'a> {
    /// The world now.
    pub world: &'a World,
    /// The world when the student began.
    pub before: &'a World,
    /// Number of events before the student began.
    pub since: u64,
    /// What the student answered so far.
    pub answers: &'a Answers,
    /// From which names and words of probes are made, so that nobody foresees them.
    pub key: u64,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// Whether it holds.
    pub ok: bool,
    /// What should be.
    pub expected: Text,
    /// What is.
    pub actual: Text,
    /// The moment that shows it.
    pub event: Option<EventId>,
    /// The decision's steps behind it, one line each.
    pub why: Vec<String>,
}

impl Finding {
    fn new(ok: bool, expected: Text, actual: Text) -> Finding {
        Finding { ok, expected, actual, ..Finding::default() }
    }

    fn at(mut self, event: Option<EventId>) -> Finding {
        self.event = event;
        self
    }
}

/// A text in both languages.
pub(super) fn text(en: impl Into<String>, de: impl Into<String>) -> Text {
    Text { en: en.into(), de: de.into() }
}

/// A text that is the same in both languages: names, codes, lines.
fn same(both: impl Into<String>) -> Text {
    let both = both.into();
    Text { en: both.clone(), de: both }
}

impl Check {
    /// Looks whether it holds.
    pub fn look(&self, bench: &Bench<'_>) -> Finding {
        match self {
            Check::All(checks) => {
                let mut last = Finding::new(true, Text::default(), Text::default());
                for check in checks {
                    last = check.look(bench);
                    if !last.ok {
                        break;
                    }
                }
                last
            }
            Check::Any(checks) => any(checks, bench),
            Check::Not(check) => {
                let found = check.look(bench);
                let Text { en, de } = found.expected;
                let expected = text(format!("not: {en}"), format!("nicht: {de}"));
                Finding { ok: !found.ok, expected, ..found }
            }
            Check::Event(event) => event.look(bench),
            Check::InOrder(events) => pattern::in_order(events, bench),
            Check::Dialogue(dialogue) => dialogue.look(bench),
            Check::Mailbox(mailbox) => mailbox.look(bench),
            Check::Queue(queue) => queue.look(bench),
            Check::Parameter(parameter) => parameter.look(bench),
            Check::Lookup(lookup) => lookup.look(bench),
            Check::File(file) => file.look(bench),
            Check::Command(command) => command.look(bench),
            Check::Dns(dns) => dns.look(bench),
            Check::Listens(listens) => listens.look(bench),
            Check::Mail(mail) => mail.look(bench),
            Check::LocalMail(mail) => mail.look(bench),
            Check::OpenRelay(relay) => relay.look(bench),
            Check::Unchanged(unchanged) => unchanged.look(bench),
            Check::Serial(serial) => serial.look(bench),
            Check::Trial(trial) => trial.look(bench),
            Check::Answer(answer) => answer.look(bench),
        }
    }

    /// Percent of its points that it earns: of an answer it may be a part.
    pub fn percent(&self, bench: &Bench<'_>, finding: &Finding) -> u64 {
        match self {
            Check::Answer(answer) => answer.percent(bench),
            Check::All(checks) if checks.iter().any(|check| matches!(check, Check::Answer(_))) => {
                checks.iter().map(|check| check.percent(bench, &check.look(bench))).min().unwrap_or_default()
            }
            _ => u64::from(finding.ok) * 100,
        }
    }

    /// Ids of the answers that this check asks for.
    pub fn answers(&self) -> Vec<&Answer> {
        match self {
            Check::All(checks) | Check::Any(checks) => checks.iter().flat_map(Check::answers).collect(),
            Check::Not(check) => check.answers(),
            Check::Trial(trial) => trial.then.answers(),
            Check::Answer(answer) => vec![answer],
            _ => Vec::new(),
        }
    }
}

fn any(checks: &[Check], bench: &Bench<'_>) -> Finding {
    let mut missed = Vec::new();
    for check in checks {
        let found = check.look(bench);
        if found.ok {
            return found;
        }
        missed.push(found);
    }
    let join = |texts: Vec<&str>, word: &str| texts.join(word);
    let expected = text(
        join(missed.iter().map(|found| found.expected.en.as_str()).collect(), ", or "),
        join(missed.iter().map(|found| found.expected.de.as_str()).collect(), ", oder "),
    );
    let first = missed.into_iter().next().unwrap_or_default();
    Finding { ok: false, expected, ..first }
}

/// Fields of an event or a message by name, with the text that each must match.
pub type Fields = BTreeMap<String, String>;
