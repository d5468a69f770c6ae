//! What curl's protocol machines have in common.

use super::options::{Options, Tls};
use super::url::Url;
use crate::smtp::auth::{ClientExchange, Mechanism};

/// What a machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this line.
    Say(String),
    /// Send the file; this follows it.
    Upload(&'static str),
    /// Begin TLS, then call `secured`.
    StartTls,
    /// Something for `-v`.
    Note(String),
    /// Output.
    Print(Vec<u8>),
    /// All is done; the last command of the session is this.
    Done(String),
    /// It failed: exit status, words, and the last command, if the session still has one.
    Fail(u8, String, Option<String>),
}

/// What a transfer is about.
#[derive(Clone, Debug)]
pub struct Task {
    /// The command line.
    pub options: Options,
    /// The URL.
    pub url: Url,
    /// Login name and password.
    pub login: Option<(String, String)>,
    /// Octets that are sent.
    pub size: Option<u64>,
    /// The client's name in EHLO.
    pub name: String,
}

impl Task {
    /// Whether STARTTLS is due.
    pub fn wants_tls(&self, secure: bool) -> bool {
        !secure && self.options.tls != Tls::No
    }

    /// Whether nothing goes on without TLS.
    pub fn needs_tls(&self) -> bool {
        self.options.tls == Tls::Required
    }

    /// The exchange that curl prefers among the mechanisms offered.
    pub fn exchange(&self, offered: &[String]) -> Option<(Mechanism, ClientExchange)> {
        let (user, password) = self.login.clone()?;
        let wanted = self.options.mechanism.as_deref();
        let preferred = [Mechanism::CramMd5, Mechanism::Plain, Mechanism::Login];
        let mut possible = preferred
            .into_iter()
            .filter(|mechanism| wanted.is_none_or(|name| name.eq_ignore_ascii_case(mechanism.as_str()) || name == "*"));
        let mechanism =
            possible.find(|mechanism| offered.iter().any(|name| name.eq_ignore_ascii_case(mechanism.as_str())))?;
        Some((mechanism, ClientExchange::new(mechanism, user, password)))
    }
}

/// An exchange under way.
#[derive(Clone, Debug)]
pub struct Exchange(pub Mechanism, pub ClientExchange);

impl Exchange {
    /// The response to a challenge; an empty one asks for what could have come with the command.
    pub fn respond(&mut self, challenge: &str) -> Option<String> {
        self.1.respond(challenge).ok()
    }

    /// The initial response of PLAIN (RFC 4616).
    pub fn initial(&mut self) -> Option<String> {
        (self.0 == Mechanism::Plain).then(|| self.1.respond("").ok()).flatten()
    }
}

/// The failure when the server takes no login.
pub fn denied(quit: Option<String>) -> Action {
    Action::Fail(67, "Login denied".into(), quit)
}
