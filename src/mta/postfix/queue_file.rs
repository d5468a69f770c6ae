//! A message in the queue: envelope, attributes and content (the records of `cleanup(8)`).

use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use crate::sim::Time;
use crate::trace::EventId;

/// Which of the queue directories a message lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as the directories under queue_directory")]
pub enum QueueName {
    Maildrop,
    Incoming,
    Active,
    Deferred,
    Hold,
    Corrupt,
}

impl QueueName {
    /// The name of the directory.
    pub fn as_str(self) -> &'static str {
        match self {
            QueueName::Maildrop => "maildrop",
            QueueName::Incoming => "incoming",
            QueueName::Active => "active",
            QueueName::Deferred => "deferred",
            QueueName::Hold => "hold",
            QueueName::Corrupt => "corrupt",
        }
    }
}

/// The `NOTIFY` values of RFC 3461; none set means that the sender did not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// `NEVER`.
    pub never: bool,
    /// `SUCCESS`.
    pub success: bool,
    /// `FAILURE`.
    pub failure: bool,
    /// `DELAY`.
    pub delay: bool,
}

/// The `RET` values of RFC 3461.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ret {
    /// Return the whole message.
    Full,
    /// Return the header only.
    Headers,
}

/// A recipient of a queued message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The address to deliver to, after all rewriting and alias expansion by cleanup(8).
    pub address: SmolStr,
    /// The address as it came in (`orig_to=`, `X-Original-To`); equal to `address` if unchanged.
    pub original: SmolStr,
    /// `ORCPT` in the form `rfc822;user@example.com`; empty if none.
    pub orcpt: SmolStr,
    /// `NOTIFY`.
    pub notify: Notify,
    /// Whether it is done: delivered or bounced (Postfix overwrites the record's type).
    pub done: bool,
}

/// What is known about how the message came in; empty where it does not apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `local` or `remote`: log_message_origin and address rewriting context.
    pub rewrite_context: SmolStr,
    /// Client name as verified, or `unknown`. If XFORWARD named another client, that one's; so for
    /// the following ones.
    pub client_name: SmolStr,
    /// Client address.
    pub client_address: SmolStr,
    /// Client port.
    pub client_port: SmolStr,
    /// HELO or EHLO argument.
    pub helo_name: SmolStr,
    /// `SMTP`, `ESMTP`, `ESMTPS` …
    pub protocol_name: SmolStr,
    /// The queue id at the host that forwarded the message with XFORWARD; empty if none did.
    pub log_ident: SmolStr,
    /// SASL mechanism.
    pub sasl_method: SmolStr,
    /// SASL login.
    pub sasl_username: SmolStr,
    /// `8bit` or `7bit` content as declared by `BODY=`; empty if not declared.
    pub encoding: SmolStr,
    /// Whether the envelope or header needs SMTPUTF8.
    pub smtputf8: bool,
    /// `ENVID`.
    pub dsn_envid: SmolStr,
    /// `RET`.
    pub dsn_ret: Option<Ret>,
    /// Next hop of a content filter (`content_filter`, `FILTER` action), `transport:nexthop`.
    pub filter: SmolStr,
    /// `REDIRECT` action: send everything there instead.
    pub redirect: SmolStr,
    /// Number of `Received:` header lines.
    pub hop_count: u32,
    /// An address verification probe: never delivered, only its outcome is kept.
    pub verify_probe: bool,
    /// `sendmail -v` or `-bv`: a delivery report is to be mailed.
    pub trace_report: bool,
    /// User id of a local submission.
    pub uid: Option<u32>,
    /// Full name of the sender of a local submission, for a missing `From:`.
    pub full_name: SmolStr,
    /// `sendmail -bv`: only a report is wanted, nothing is delivered.
    pub trace_only: bool,
    /// The two delimiters of variable envelope return paths; empty if those are not wanted.
    pub verp: SmolStr,
}

impl Attributes {
    /// Whether agents are only asked if they could deliver.
    pub fn is_probe(&self) -> bool {
        self.verify_probe || self.trace_only
    }
}

/// Header and body as stored: lines end with LF; the header has no empty line at its end, the body
/// begins after it. `separator` tells whether the empty line is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The header lines, each with its LF.
    pub header: Bytes,
    /// Whether an empty line stands between header and body.
    pub separator: bool,
    /// The body.
    pub body: Bytes,
}

impl Message {
    /// Octets of the content, line ends as LF.
    pub fn size(&self) -> u64 {
        (self.header.len() + usize::from(self.separator) + self.body.len()) as u64
    }

    /// Header, empty line and body.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.header.len() + 1 + self.body.len());
        all.extend_from_slice(&self.header);
        if self.separator {
            all.push(b'\n');
        }
        all.extend_from_slice(&self.body);
        all
    }
}

/// A queue file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFile {
    /// Queue id.
    pub id: SmolStr,
    /// When it arrived.
    pub arrival: Time,
    /// Envelope sender; empty for the null sender.
    pub sender: SmolStr,
    /// Recipients.
    pub recipients: Vec<Recipient>,
    /// How it came in.
    pub attributes: Arc<Attributes>,
    /// Content.
    pub message: Message,
    /// `size=` in the log: octets of the content as cleanup(8) counted them.
    pub size: u64,
    /// When it may be tried next (Postfix keeps this in the file's modification time).
    pub next_attempt: Time,
    /// When the sender is to be warned of a delay; `None` if never or done.
    pub warn_at: Option<Time>,
    /// Whether `postsuper -e` asked to expire it.
    pub forced_expire: bool,
    /// The `queue.enter` event.
    pub cause: Option<EventId>,
}
