//! error(8), retry(8) and discard(8): transports that deliver nowhere.

use smol_str::SmolStr;

use super::delivery::{Done, Outcome, Request, Times};
use crate::sim::Time;
use crate::trace::{Agent, DeliveryStatus};

/// Which of the programs serves a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// error(8): everything bounces; as the service `retry` everything is deferred.
    Error,
    /// discard(8): everything is thrown away.
    Discard,
}

impl Program {
    /// The program of this name in master.cf.
    pub fn from_command(command: &str) -> Option<Program> {
        match command {
            "error" => Some(Program::Error),
            "discard" => Some(Program::Discard),
            _ => None,
        }
    }
}

/// Splits `5.7.1 text` into a status of the class wanted and the text.
fn split_status<'a>(text: &'a str, default: &'static str) -> (SmolStr, &'a str) {
    match crate::smtp::reply::enhanced_prefix(text) {
        Some(code) => {
            let rest = text.get(code.len()..).unwrap_or_default().trim_start();
            let class = default.get(..1).unwrap_or_default();
            let fits = code.starts_with(class);
            (if fits { code.into() } else { format!("{class}{}", code.get(1..).unwrap_or_default()).into() }, rest)
        }
        None => (SmolStr::new_static(default), text),
    }
}

/// Carries out a request: its next hop is the text.
pub fn deliver(program: Program, request: &Request, now: Time) -> Done {
    let (status, default, agent, empty) = match program {
        Program::Discard => (DeliveryStatus::Sent, "2.0.0", Agent::Discard, "discarded"),
        Program::Error if request.transport == "retry" => (DeliveryStatus::Deferred, "4.0.0", Agent::Error, "deferred"),
        Program::Error => (DeliveryStatus::Bounced, "5.0.0", Agent::Error, "undeliverable"),
    };
    let (dsn, text) = split_status(&request.nexthop, default);
    let text = if text.is_empty() { empty } else { text };
    let times = Times { started: now, connected: now, done: now };
    let outcome =
        |recipient: usize| Outcome { dsn: dsn.clone(), ..Outcome::new(recipient, agent, status, default, text, times) };
    let outcomes = request.recipients.iter().map(|(recipient, _)| outcome(*recipient)).collect();
    Done { outcomes, ..Done::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_may_begin_with_a_status() {
        for (text, default, dsn, rest) in [
            ("5.7.1 we do not send there", "5.0.0", "5.7.1", "we do not send there"),
            ("not today", "4.0.0", "4.0.0", "not today"),
            ("5.4.4 lost", "4.0.0", "4.4.4", "lost"),
            ("gone", "2.0.0", "2.0.0", "gone"),
        ] {
            let (found, left) = split_status(text, default);
            assert_eq!((found.as_str(), left), (dsn, rest), "{text}");
        }
    }
}
