//! Which fault happens where: a table of rules, and addresses that name one.

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

/// Rules that may be in force.
pub const MAX_RULES: usize = 1000;
/// The longest delay.
const MAX_DELAY: u64 = 3600;

/// Where in a dialogue a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "named after the commands of RFC 5321")]
pub enum Stage {
    Helo,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The dot that ends a message.
    Message,
    Rset,
    Noop,
    Vrfy,
    Quit,
}

impl Stage {
    /// The stage of this name, in lower case.
    pub fn parse(name: &str) -> Option<Stage> {
        Some(match name {
            "helo" | "ehlo" => Stage::Helo,
            "starttls" => Stage::StartTls,
            "auth" => Stage::Auth,
            "mail" => Stage::Mail,
            "rcpt" => Stage::Rcpt,
            "data" => Stage::Data,
            "message" | "eod" => Stage::Message,
            "rset" => Stage::Rset,
            "noop" => Stage::Noop,
            "vrfy" => Stage::Vrfy,
            "quit" => Stage::Quit,
            _ => return None,
        })
    }

    /// The stage that a command belongs to.
    pub(super) fn of(line: &[u8]) -> Option<Stage> {
        let end = line.iter().position(|octet| !octet.is_ascii_alphabetic()).unwrap_or(line.len());
        let verb = std::str::from_utf8(&line[..end]).ok()?.to_ascii_lowercase();
        Stage::parse(&verb).filter(|stage| *stage != Stage::Message)
    }
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The server answers this instead of looking at the command.
    Reply {
        /// The code.
        code: u16,
        /// The text after it.
        text: SmolStr,
    },
    /// The connection is reset.
    Drop,
    /// The command reaches the server so many milliseconds later.
    Delay(u64),
}

impl Failure {
    /// A failure by its short name: `451`, `drop`, `delay10` (seconds).
    pub fn parse(name: &str) -> Option<Failure> {
        if name == "drop" {
            return Some(Failure::Drop);
        }
        if let Some(seconds) = name.strip_prefix("delay") {
            let seconds: u64 = seconds.parse().ok().filter(|seconds| *seconds <= MAX_DELAY)?;
            return Some(Failure::Delay(seconds * 1000));
        }
        let code: u16 = name.parse().ok().filter(|code| (400..600).contains(code))?;
        Some(Failure::Reply { code, text: format_smolstr!("{}.3.0 A fault for practice", code / 100) })
    }

    pub(super) fn text(&self) -> SmolStr {
        match self {
            Failure::Reply { code, text } => format_smolstr!("{code} {text}"),
            Failure::Drop => SmolStr::new_static("the connection is reset"),
            Failure::Delay(millis) => format_smolstr!("{millis} ms later"),
        }
    }
}

/// A fault that waits for its moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// A name to take it away by.
    pub name: String,
    /// Only clients at this host; all if `None`.
    pub who: Option<String>,
    /// Where.
    pub stage: Stage,
    /// Only the nth time, counted from 1 over all such clients; every time if `None`.
    pub nth: Option<u32>,
    /// What.
    pub failure: Failure,
    /// How often the stage was reached so far.
    pub seen: u32,
}

/// The rules in force.
#[derive(Clone, Debug, Default)]
pub struct FaultTable {
    rules: Vec<FaultRule>,
}

impl FaultTable {
    /// Adds a rule after the others; false if there are too many.
    pub fn add(&mut self, rule: FaultRule) -> bool {
        let fits = self.rules.len() < MAX_RULES;
        if fits {
            self.rules.push(rule);
        }
        fits
    }

    /// Takes all rules of a name away; tells whether there were any.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.name != name);
        self.rules.len() != before
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Counts a stage, and says what goes wrong there; the first rule that fits decides.
    pub(super) fn reached(&mut self, who: &str, stage: Stage) -> Option<(SmolStr, Failure)> {
        let mut found = None;
        let concerned = self
            .rules
            .iter_mut()
            .filter(|rule| rule.stage == stage && rule.who.as_deref().is_none_or(|host| host == who));
        for rule in concerned {
            rule.seen = rule.seen.saturating_add(1);
            if found.is_none() && rule.nth.is_none_or(|nth| nth == rule.seen) {
                found = Some((SmolStr::new(&rule.name), rule.failure.clone()));
            }
        }
        found
    }
}

/// The fault that an address in a command asks for: `CODE.STAGE@fault.test`.
pub(super) fn magic(line: &[u8]) -> Option<(Stage, Failure)> {
    let text = std::str::from_utf8(line).ok()?.to_ascii_lowercase();
    let (before, _) = text.split_once("@fault.test")?;
    let local = before.rsplit(['<', ':', ' ']).next()?;
    let (failure, stage) = local.split_once('.')?;
    Some((Stage::parse(stage)?, Failure::parse(failure)?))
}
