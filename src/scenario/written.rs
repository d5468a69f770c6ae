//! The file format: what people write, before it is checked.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::dialogue::Item;
use crate::host::layout::Layout;
pub use crate::mua::Protocol;
use crate::sim::faults::Block;
use crate::trace::Level;

/// A text in both languages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// English.
    pub en: String,
    /// German.
    pub de: String,
}

/// A scenario file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its title.
    pub title: Text,
    /// What is to be seen, in a few sentences.
    pub summary: Text,
    /// Where all chance comes from.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// When it begins, as in `2026-03-02T08:00:00Z`.
    #[serde(default = "default_start")]
    pub start: String,
    /// How much is recorded.
    #[serde(default)]
    pub trace: Level,
    /// Zones of the DNS.
    #[serde(default)]
    pub zones: Vec<Zone>,
    /// Hosts.
    pub hosts: Vec<Host>,
    /// Properties of paths between hosts.
    #[serde(default)]
    pub links: Vec<Link>,
    /// What happens, in order.
    #[serde(default)]
    pub script: Vec<Step>,
}

fn default_seed() -> u64 {
    1
}

fn default_start() -> String {
    "2026-03-02T08:00:00Z".into()
}

/// A zone, served by a host of the scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Its name: `example.org`, `2.0.192.in-addr.arpa`, or `.` for the root.
    pub origin: String,
    /// The host that serves it; the only name server if missing.
    #[serde(default)]
    pub server: Option<String>,
    /// Master file text; SOA and NS are added if it has none.
    #[serde(default)]
    pub text: Option<String>,
    /// A master file beside the scenario.
    #[serde(default)]
    pub file: Option<String>,
}

/// A host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Its name in this scenario.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// Its fully qualified name; the name in this scenario if missing.
    #[serde(default)]
    pub fqdn: Option<String>,
    /// What it is set up for.
    #[serde(default)]
    pub preset: Preset,
    /// Answers to the questions of the preset.
    #[serde(default)]
    pub mail: Mail,
    /// Its time zone: `Europe/Berlin`; UTC if missing.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Name servers by host name or address; the first name server of the scenario if missing.
    #[serde(default)]
    pub resolvers: Vec<String>,
    /// Users.
    #[serde(default)]
    pub users: Vec<User>,
    /// Files by absolute path; they win over those of the preset.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Commands run as root before the services start; each must succeed.
    #[serde(default)]
    pub setup: Vec<String>,
    /// Services besides those of the preset.
    #[serde(default)]
    pub services: Vec<Service>,
    /// Packages that are installed besides those of the preset.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Packages that are not installed, though hosts have them otherwise.
    #[serde(default)]
    pub without: Vec<String>,
    /// Whose conventions it follows.
    #[serde(default)]
    pub layout: Layout,
    /// Size of its disk, in MiB; a terabyte if missing.
    #[serde(default)]
    pub disk: Option<u64>,
    /// Whether it is switched off at first.
    #[serde(default)]
    pub off: bool,
    /// Where the middle of its card is on the map, to the right and downwards from the middle of the map: a card
    /// is 236 wide and 116 high. The map finds places for hosts that name none.
    #[serde(default)]
    pub place: Option<(f32, f32)>,
}

/// What a host is set up for. Presets write real files and do nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "named as in Debian's configuration dialogue")]
pub enum Preset {
    /// No mail server and no preset files.
    #[default]
    Workstation,
    /// Postfix is installed, but has no main.cf.
    NoConfiguration,
    InternetSite,
    InternetWithSmarthost,
    SatelliteSystem,
    LocalOnly,
    /// Sends everything to a mail hub and receives nothing.
    NullClient,
    /// Accepts mail for domains of others and passes it on.
    BackupMx,
    /// Takes mail of authenticated users on port 587.
    SubmissionServer,
    /// Serves the zones of the scenario, and resolves for everybody.
    DnsServer,
}

/// Answers to the questions that a preset asks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// System mail name (`/etc/mailname`); the fully qualified name if missing.
    #[serde(default)]
    pub name: Option<String>,
    /// Further domains whose mail is delivered here.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Domains whose mail is passed on.
    #[serde(default)]
    pub relay_domains: Vec<String>,
    /// The relay host, as `relayhost` takes it.
    #[serde(default)]
    pub smarthost: Option<String>,
    /// Networks whose mail is relayed, besides the loopback ones.
    #[serde(default)]
    pub networks: Vec<String>,
    /// Further parameters of main.cf; they win over those of the preset.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

/// A user with a login.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Password; without one nobody can log in.
    #[serde(default)]
    pub password: Option<String>,
    /// Full name.
    #[serde(default)]
    pub full_name: Option<String>,
}

/// A service of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Service {
    /// `postfix start`.
    Postfix,
    /// Name server with those zones of the scenario that name its host.
    Named,
    /// POP3 and IMAP server.
    Dovecot,
    /// Dovecot's LMTP server, on `/var/spool/postfix/private/dovecot-lmtp`.
    Lmtp,
    /// Dovecot's LMTP server, at port 24, for the Postfix of other hosts.
    LmtpNetwork,
    /// Recursive resolver that asks from the root down, beginning at `/usr/share/dns/root.hints`.
    Resolver,
}

/// A property of the paths between hosts. Without `from` or `to` it holds for all.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// A name, to take it away by with `Repair`.
    #[serde(default)]
    pub name: Option<String>,
    /// One end.
    #[serde(default)]
    pub from: Option<String>,
    /// The other end.
    #[serde(default)]
    pub to: Option<String>,
    /// Only connections to this port.
    #[serde(default)]
    pub port: Option<u16>,
    /// Delay in one direction.
    #[serde(default)]
    pub latency: Option<String>,
    /// Lost packets in percent.
    #[serde(default)]
    pub loss: Option<f64>,
    /// Octets per second.
    #[serde(default)]
    pub bandwidth: Option<u64>,
    /// How it is blocked.
    #[serde(default)]
    pub block: Option<BlockKind>,
}

/// How a path is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum BlockKind {
    /// Packets vanish.
    Drop,
    /// Refused at once.
    Reject,
    /// No route.
    Unreachable,
}

impl From<BlockKind> for Block {
    fn from(kind: BlockKind) -> Block {
        match kind {
            BlockKind::Drop => Block::Drop,
            BlockKind::Reject => Block::Reject,
            BlockKind::Unreachable => Block::Unreachable,
        }
    }
}

/// One step of the script.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Step {
    /// Lets time pass: `"10m"`.
    Wait(String),
    /// Lets time pass until so long after the beginning.
    At(String),
    /// Lets time pass until nothing moves, at most so long.
    Settle(String),
    /// Tells the audience something.
    Narrate {
        /// English.
        en: String,
        /// German.
        de: String,
    },
    /// Sends a mail with a mail program.
    Send(Send),
    /// Fetches mail with a mail program.
    Fetch(Fetch),
    /// Runs a command.
    Run(Run),
    /// Holds an SMTP dialogue.
    Dialogue(Dialogue),
    /// Switches a host off.
    Down(String),
    /// Switches a host on again.
    Up(String),
    /// Adds a property of paths.
    Fault(Link),
    /// Takes one away.
    Repair(String),
    /// Writes a file.
    Write(Write),
    /// Says what must be so now.
    Expect(Expect),
}

/// See [`Step::Send`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// The workstation.
    pub host: String,
    /// Its user.
    pub user: String,
    /// Sender address.
    pub from: String,
    /// Recipient addresses.
    pub to: Vec<String>,
    /// Subject.
    pub subject: String,
    /// Body.
    pub text: String,
    /// Submission server by its name in the DNS: `smtp.example.org:587`.
    pub server: String,
    /// Login at the server; none without.
    #[serde(default)]
    pub login: Option<Login>,
    /// Whether STARTTLS is used.
    #[serde(default)]
    pub tls: bool,
}

/// Name and password at a server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Name.
    pub user: String,
    /// Password.
    pub password: String,
}

/// See [`Step::Fetch`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// The workstation.
    pub host: String,
    /// Its user.
    pub user: String,
    /// How.
    pub protocol: Protocol,
    /// The server: `imap.example.org`.
    pub server: String,
    /// Login at the server.
    pub login: Login,
    /// Whether the mail stays on the server.
    #[serde(default)]
    pub keep: bool,
    /// Whether STARTTLS (STLS) is used.
    #[serde(default)]
    pub tls: bool,
}

/// See [`Step::Run`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// Where.
    pub host: String,
    /// As whom; root if missing.
    #[serde(default)]
    pub user: Option<String>,
    /// The command line.
    pub command: String,
    /// Standard input.
    #[serde(default)]
    pub stdin: String,
}

/// See [`Step::Dialogue`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialogue {
    /// The host that connects.
    pub from: String,
    /// `host:port` or `address:port`.
    pub to: String,
    /// What is sent.
    pub send: Vec<Item>,
}

/// See [`Step::Write`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// Where.
    pub host: String,
    /// Absolute path.
    pub path: String,
    /// Content.
    pub text: String,
}

/// See [`Step::Expect`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Expect {
    /// So many messages in `/var/mail/USER`.
    Mailbox {
        /// Where.
        host: String,
        /// Whose.
        user: String,
        /// How many.
        count: u64,
    },
    /// A file contains a text.
    File {
        /// Where.
        host: String,
        /// Absolute path.
        path: String,
        /// The text.
        contains: String,
    },
    /// So many messages in the queue.
    Queue {
        /// Where.
        host: String,
        /// How many.
        count: u64,
    },
    /// The mail log contains a text.
    Log {
        /// Where.
        host: String,
        /// The text.
        contains: String,
    },
    /// An event of this type happened whose JSON line contains the text.
    Event {
        /// Its type: `bounce`.
        kind: String,
        /// The text; any if missing.
        #[serde(default)]
        contains: String,
        /// How many there are so far; at least one if missing.
        #[serde(default)]
        count: Option<u64>,
    },
}
