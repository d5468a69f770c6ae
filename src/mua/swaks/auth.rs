//! The AUTH step of swaks(1): one mechanism after the other until one succeeds.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::options::Options;
use crate::smtp::auth::{ClientExchange, Mechanism};

/// Mechanisms in the order in which swaks tries them.
const ORDER: [Mechanism; 3] = [Mechanism::CramMd5, Mechanism::Login, Mechanism::Plain];

/// Authentication under way.
#[derive(Clone, Debug, Default)]
pub struct Auth {
    waiting: VecDeque<Mechanism>,
    current: Option<(Mechanism, ClientExchange)>,
    /// The same exchange with what is shown in place of the password.
    shown: Option<ClientExchange>,
    decoded: bool,
}

/// A command or response, and how it is shown.
#[derive(Clone, Debug)]
pub struct Said {
    /// What is sent.
    pub wire: String,
    /// What is printed.
    pub shown: String,
}

impl Auth {
    /// The mechanisms that are wanted and offered; `None` if none is.
    pub fn new(options: &Options, offered: &[String]) -> Option<Auth> {
        let is_offered =
            |mechanism: &Mechanism| offered.iter().any(|name| name.eq_ignore_ascii_case(mechanism.as_str()));
        let any = options.mechanisms.is_empty() || options.mechanisms.eq_ignore_ascii_case("ANY");
        let wanted: Vec<Mechanism> = match any {
            true => ORDER.to_vec(),
            false => options.mechanisms.split(',').filter_map(|name| Mechanism::from_name(name.trim())).collect(),
        };
        let waiting: VecDeque<Mechanism> = wanted.into_iter().filter(is_offered).collect();
        let decoded = options.auth_plaintext;
        (!waiting.is_empty()).then_some(Auth { waiting, current: None, shown: None, decoded })
    }

    /// The command of the next mechanism; `None` if none is left.
    pub fn next(&mut self, options: &Options) -> Option<Said> {
        let mechanism = self.waiting.pop_front()?;
        let user = options.user.clone().unwrap_or_default();
        let password = options.password.clone().unwrap_or_default();
        let hidden = options.auth_hide.clone().unwrap_or_else(|| password.clone());
        let exchange = ClientExchange::new(mechanism, user.as_str(), password);
        let shown = ClientExchange::new(mechanism, user.as_str(), hidden);
        let said = Said { wire: exchange.command(), shown: self.show(shown.command()) };
        (self.current, self.shown) = (Some((mechanism, exchange)), Some(shown));
        Some(said)
    }

    /// The response to a challenge.
    pub fn respond(&mut self, challenge: &str) -> Option<Said> {
        let (_, exchange) = self.current.as_mut()?;
        let wire = exchange.respond(challenge).ok()?;
        let shown = self.shown.as_mut()?.respond(challenge).ok()?;
        Some(Said { wire, shown: self.show(shown) })
    }

    /// With `--auth-plaintext`, what is encoded is shown decoded.
    pub fn show(&self, line: String) -> String {
        if !self.decoded {
            return line;
        }
        let (head, encoded) = line.rsplit_once(' ').map_or(("", line.as_str()), |(head, last)| (head, last));
        if head == "AUTH" {
            return line;
        }
        let Ok(decoded) = STANDARD.decode(encoded) else { return line };
        let decoded = String::from_utf8_lossy(&decoded).replace('\0', "\\0");
        if head.is_empty() { decoded } else { format!("{head} {decoded}") }
    }
}
