//! The case file: hosts with files, zones, and the steps to play.
//!
//! The recording (`expect`) is skipped here on purpose: a run must not know it.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub use crate::scenario::dialogue::{Item, SessionStep};

/// Names and values in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered<T>(Vec<(String, T)>);

impl<T> Default for Ordered<T> {
    fn default() -> Ordered<T> {
        Ordered(Vec::new())
    }
}

impl<T> Ordered<T> {
    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Ordered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Ordered<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// A case without its recording.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// `FAMILY-SLUG`.
    pub name: String,
    /// One line for people.
    #[serde(default)]
    pub title: String,
    /// Family and further marks.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What is to be seen.
    #[serde(default)]
    pub objective: String,
    /// Origin with its final dot, and master file text or `SERVFAIL`.
    #[serde(default)]
    pub zones: Ordered<String>,
    /// The hosts.
    pub hosts: Ordered<HostSpec>,
    /// Further files and directories to record as mailboxes, by host.
    #[serde(default)]
    pub collect: Ordered<Vec<String>>,
    /// What happens.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Sections that differ from run to run by nature.
    #[serde(default)]
    pub volatile: Vec<String>,
    /// The recording; never looked at here.
    #[serde(default, rename = "expect")]
    _expect: IgnoredAny,
}

impl Case {
    /// Parses a case file.
    ///
    /// # Errors
    /// The text is not JSON, or not of this format; with line and column.
    pub fn parse(text: &str) -> Result<Case, serde_json::Error> {
        serde_json::from_str(&super::text::unescape_surrogates(text))
    }
}

/// A host of any kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// `dead` for an address where nobody listens.
    #[serde(default)]
    pub kind: Option<String>,
    /// The address.
    pub addr: IpAddr,
    /// An IPv6 address with a /64.
    #[serde(default)]
    pub addr6: Option<IpAddr>,
    /// Prefix length of `addr`.
    #[serde(default)]
    pub prefix: Option<u8>,
    /// Further addresses.
    #[serde(default)]
    pub extra_addrs: Vec<IpAddr>,
    /// Fully qualified name; the host's name if missing.
    #[serde(default)]
    pub fqdn: Option<String>,
    /// Short name; the first label of `fqdn` if missing.
    #[serde(default)]
    pub hostname: Option<String>,
    /// Login names, with user ids from 1000.
    #[serde(default)]
    pub users: Vec<String>,
    /// Files by path.
    #[serde(default)]
    pub files: Ordered<FileSpec>,
    /// Commands before Postfix starts; each must succeed.
    #[serde(default)]
    pub setup: Vec<String>,
    /// Whether Postfix is started.
    #[serde(default)]
    pub start: Option<bool>,
    /// A scripted SMTP server instead of Postfix.
    #[serde(default)]
    pub sink: Option<SinkScript>,
    /// How a dead address is dead.
    #[serde(default)]
    pub mode: Option<DeadMode>,
}

/// How an address does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeadMode {
    /// Connection refused.
    Refuse,
    /// Nobody answers ARP.
    Unreachable,
    /// Packets vanish.
    Timeout,
}

/// What a host of a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKind {
    /// A Debian host with Postfix.
    Postfix,
    /// A scripted SMTP server.
    Sink,
    /// An address where nobody listens.
    Dead(DeadMode),
}

impl HostSpec {
    /// What it is.
    pub fn kind(&self) -> HostKind {
        match (self.kind.as_deref(), &self.sink) {
            (Some("dead"), _) => HostKind::Dead(self.mode.unwrap_or(DeadMode::Refuse)),
            (Some("sink"), _) | (None, Some(_)) => HostKind::Sink,
            _ => HostKind::Postfix,
        }
    }
}

/// A file: its text, or text with more.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum FileSpec {
    /// Text only.
    Text(String),
    /// Text with mode, owner or age.
    Full(FullFile),
}

/// A file with everything that can be said about it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullFile {
    /// Content.
    pub text: String,
    /// Permission bits in octal.
    #[serde(default)]
    pub mode: Option<String>,
    /// Login name of the owner.
    #[serde(default)]
    pub owner: Option<String>,
    /// Age in seconds.
    #[serde(default)]
    pub age: Option<f64>,
}

impl FileSpec {
    /// The long form.
    pub fn full(&self) -> FullFile {
        match self {
            FileSpec::Text(text) => FullFile { text: text.clone(), mode: None, owner: None, age: None },
            FileSpec::Full(full) => full.clone(),
        }
    }
}

/// What a scripted SMTP server says.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct SinkScript {
    /// The banner; `CLOSE` hangs up.
    #[serde(default)]
    pub greeting: Option<String>,
    /// Extensions announced.
    #[serde(default)]
    pub ehlo: Vec<String>,
    /// Ports it listens on.
    #[serde(default)]
    pub ports: Option<Vec<u16>>,
    /// Seconds before the greeting.
    #[serde(default)]
    pub delay: Option<f64>,
    /// Answers by command prefix.
    #[serde(default)]
    pub replies: Vec<SinkReply>,
    /// Certificate and key, if it offers STARTTLS.
    #[serde(default)]
    pub tls: Option<SinkTls>,
    /// Login, if it offers AUTH.
    #[serde(default)]
    pub auth: Option<SinkAuth>,
}

/// One scripted answer.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(untagged)]
pub enum SinkReply {
    /// Prefix, reply, and how often it is given.
    Times(String, String, u64),
    /// Prefix and reply.
    Always(String, String),
}

/// Certificate and key in PEM.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct SinkTls {
    /// The certificate.
    pub cert: String,
    /// The key.
    pub key: String,
}

/// The one login of a scripted server.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct SinkAuth {
    /// Mechanisms announced.
    #[serde(default)]
    pub mechs: Option<String>,
    /// Login name.
    pub user: String,
    /// Password.
    pub password: String,
}

/// One step of a case.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Step {
    /// An SMTP dialogue from outside.
    Session(SessionStep),
    /// A command on a host.
    Exec(ExecStep),
    /// Wait until nothing moves: `true`, or at most so many seconds.
    Settle(Settle),
    /// Let seconds pass.
    Sleep(f64),
    /// Replace the script of a sink.
    Sink(SinkStep),
}

/// How long to wait for rest.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub enum Settle {
    /// The usual 30 seconds.
    Usual(bool),
    /// So many seconds.
    Seconds(f64),
}

impl Settle {
    /// The cap in seconds.
    pub fn cap(self) -> f64 {
        match self {
            Settle::Usual(_) => 30.0,
            Settle::Seconds(seconds) => seconds,
        }
    }
}

/// A command on a host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecStep {
    /// Name of the result.
    pub id: String,
    /// Where.
    pub host: String,
    /// For `sh -c`.
    pub cmd: String,
    /// As whom; root if missing.
    #[serde(default)]
    pub user: Option<String>,
    /// Standard input.
    #[serde(default)]
    pub stdin: Option<String>,
    /// Whether on a terminal.
    #[serde(default)]
    pub tty: bool,
}

/// A new script for a sink.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SinkStep {
    /// Which sink.
    pub host: String,
    /// What it says from now on.
    pub script: SinkScript,
}
