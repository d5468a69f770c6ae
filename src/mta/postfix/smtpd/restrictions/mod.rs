//! Access restrictions of smtpd(8): lists are compiled to rules when the configuration is read,
//! and evaluated as a pure function of the session and of the answers known so far
//! (SMTPD_ACCESS_README; postconf(5)).
//!
//! Evaluation that lacks a DNS answer or an address probe ends with [`Flow::Need`] and is run
//! again from the start when the answer is there. What it does beside its verdict (log lines,
//! `HOLD`, `PREPEND` …) is collected in a [`Run`] and done once.

mod access;
mod address;
mod client;
mod evaluate;
mod lookup;
mod parse;
mod recipient;

use std::sync::Arc;

use smol_str::SmolStr;

use super::policy::PolicyService;
use crate::dns::Qtype;
use crate::mta::postfix::maps::Maps;
use crate::smtp::Reply;
use crate::trace::Source;

pub use evaluate::{Checks, Codes, Facts, Note, Run};
pub use lookup::{Answers, Lookups};
pub use parse::{Classes, fault, guards_relaying, parse_list, tables};

/// What a restriction is about; decides the words of a rejection (`reply_class` in Postfix).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named by the texts below")]
pub enum Subject {
    Client,
    ReverseClient,
    Certificate,
    Login,
    Helo,
    Sender,
    Recipient,
    Etrn,
    Data,
    EndOfData,
}

impl Subject {
    /// The words in front of `rejected`.
    pub fn class(self) -> &'static str {
        match self {
            Subject::Client => "Client host",
            Subject::ReverseClient => "Unverified Client host",
            Subject::Certificate => "Client certificate",
            Subject::Login => "SASL login name",
            Subject::Helo => "Helo command",
            Subject::Sender => "Sender address",
            Subject::Recipient => "Recipient address",
            Subject::Etrn => "Etrn command",
            Subject::Data => "Data command",
            Subject::EndOfData => "End-of-data",
        }
    }
}

/// The restriction lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as the parameters")]
pub enum List {
    Client,
    Helo,
    Sender,
    Relay,
    Recipient,
    Data,
    EndOfData,
    Etrn,
}

impl List {
    /// All lists.
    pub const ALL: [List; 8] =
        [List::Client, List::Helo, List::Sender, List::Relay, List::Recipient, List::Data, List::EndOfData, List::Etrn];

    /// The parameter.
    pub fn parameter(self) -> &'static str {
        match self {
            List::Client => "smtpd_client_restrictions",
            List::Helo => "smtpd_helo_restrictions",
            List::Sender => "smtpd_sender_restrictions",
            List::Relay => "smtpd_relay_restrictions",
            List::Recipient => "smtpd_recipient_restrictions",
            List::Data => "smtpd_data_restrictions",
            List::EndOfData => "smtpd_end_of_data_restrictions",
            List::Etrn => "smtpd_etrn_restrictions",
        }
    }

    /// What an action in an access table of this list without own subject is about.
    pub fn subject(self) -> Subject {
        match self {
            List::Client => Subject::Client,
            List::Helo => Subject::Helo,
            List::Sender => Subject::Sender,
            List::Relay | List::Recipient => Subject::Recipient,
            List::Data => Subject::Data,
            List::EndOfData => Subject::EndOfData,
            List::Etrn => Subject::Etrn,
        }
    }
}

/// What an access table is asked about (`check_KEY_access`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the restrictions")]
pub enum AccessKey {
    Client,
    ReverseClient,
    Helo,
    Sender,
    Recipient,
    Etrn,
    Login,
    Certificate,
    ClientA,
    ClientMx,
    ClientNs,
    ReverseClientA,
    ReverseClientMx,
    ReverseClientNs,
    HeloA,
    HeloMx,
    HeloNs,
    SenderA,
    SenderMx,
    SenderNs,
    RecipientA,
    RecipientMx,
    RecipientNs,
}

impl AccessKey {
    /// What a refusal is about.
    pub fn subject(self) -> Subject {
        use AccessKey as Key;
        match self {
            Key::Client | Key::ClientA | Key::ClientMx | Key::ClientNs => Subject::Client,
            Key::ReverseClient | Key::ReverseClientA | Key::ReverseClientMx | Key::ReverseClientNs => {
                Subject::ReverseClient
            }
            Key::Helo | Key::HeloA | Key::HeloMx | Key::HeloNs => Subject::Helo,
            Key::Sender | Key::SenderA | Key::SenderMx | Key::SenderNs => Subject::Sender,
            Key::Recipient | Key::RecipientA | Key::RecipientMx | Key::RecipientNs => Subject::Recipient,
            Key::Etrn => Subject::Etrn,
            Key::Login => Subject::Login,
            Key::Certificate => Subject::Certificate,
        }
    }

    /// Whether what is looked up comes from name servers that others run, so that the table must
    /// not permit anything.
    pub fn is_indirect(self) -> bool {
        use AccessKey as Key;
        !matches!(
            self,
            Key::Client | Key::Helo | Key::Sender | Key::Recipient | Key::Etrn | Key::Login | Key::Certificate
        )
    }
}

/// What a block list is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the others are named as in reject_rhsbl_NAME")]
pub enum RblKey {
    /// The client's address, reversed.
    Address,
    Client,
    ReverseClient,
    Helo,
    Sender,
    Recipient,
}

/// A block list: `zone` or `zone=d.d.d.d`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rbl {
    /// Its domain.
    pub zone: SmolStr,
    /// Answers that count; any if empty.
    pub filter: SmolStr,
    /// As written: `rbl_reply_maps` is asked for this.
    pub text: SmolStr,
}

/// A restriction.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named as in postconf(5), in camel case")]
pub enum Restriction {
    Permit,
    Reject,
    Defer,
    DeferIfPermit,
    DeferIfReject,
    PermitMynetworks,
    PermitInetInterfaces,
    PermitSaslAuthenticated,
    PermitTlsClientcerts,
    PermitAuthDestination,
    PermitMxBackup,
    PermitNakedIpAddress,
    PermitDnswl(RblKey, Rbl),
    RejectUnknownClientHostname,
    RejectUnknownReverseClientHostname,
    RejectPlaintextSession,
    RejectUnauthPipelining,
    RejectInvalidHelo,
    RejectNonFqdnHelo,
    RejectUnknownHelo,
    RejectNonFqdnSender,
    RejectUnknownSenderDomain,
    RejectUnlistedSender,
    RejectUnverifiedSender,
    RejectSenderLoginMismatch,
    RejectAuthenticatedSenderLoginMismatch,
    RejectUnauthenticatedSenderLoginMismatch,
    RejectKnownSenderLoginMismatch,
    RejectNonFqdnRecipient,
    RejectUnknownRecipientDomain,
    RejectUnlistedRecipient,
    RejectUnverifiedRecipient,
    RejectUnauthDestination,
    DeferUnauthDestination,
    RejectMultiRecipientBounce,
    RejectRbl(RblKey, Rbl),
    CheckAccess(AccessKey, Maps),
    /// A policy server, or with which words smtpd(8) refuses to start.
    CheckPolicyService(Result<Arc<PolicyService>, String>),
    Sleep(u64),
    /// A restriction class: its rules.
    Class(std::sync::Arc<[Rule]>),
    /// A mistake in the configuration, with the warning to be logged when it is reached.
    Mistake(String),
}

/// A restriction where it stands.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The restriction.
    pub restriction: Restriction,
    /// As written, with its argument.
    pub text: SmolStr,
    /// Where the list is set.
    pub source: Option<Source>,
    /// `warn_if_reject` stands before it.
    pub warn_if_reject: bool,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// SMTP code.
    pub code: u16,
    /// Enhanced status code.
    pub dsn: SmolStr,
    /// Text behind the codes.
    pub text: String,
    /// Whether it is of the class `policy`, `bounce` or `resource` of `notify_classes`.
    pub class: ErrorClass,
    /// Whether the session ends after it (the `HANGUP` action, code 421 or 521).
    pub hangup: bool,
}

/// Classes of `notify_classes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as in notify_classes")]
pub enum ErrorClass {
    Bounce,
    Data,
    Policy,
    Protocol,
    Resource,
    Software,
}

impl Rejection {
    /// A refusal by policy. The class of the enhanced code follows the SMTP code.
    pub fn policy(code: u16, dsn: &str, text: String) -> Rejection {
        Rejection::new(ErrorClass::Policy, code, dsn, text)
    }

    /// A refusal of any class.
    pub fn new(class: ErrorClass, code: u16, dsn: &str, text: String) -> Rejection {
        let hangup = matches!(code, 421 | 521);
        Rejection { code, dsn: with_class(dsn, code), text, class, hangup }
    }

    /// `451 4.3.5 Server configuration error`.
    pub fn server_error() -> Rejection {
        Rejection::new(ErrorClass::Software, 451, "4.3.5", "Server configuration error".into())
    }

    /// A table could not be read (`reject_dict_retry`).
    pub fn lookup_failure(name: &str) -> Rejection {
        Rejection::new(ErrorClass::Data, 451, "4.3.0", format!("<{name}>: Temporary lookup failure"))
    }

    /// The reply with its codes, as it is logged.
    pub fn line(&self) -> String {
        format!("{} {} {}", self.code, self.dsn, self.text)
    }

    /// The reply.
    pub fn reply(&self) -> Reply {
        Reply::new(self.code, format!("{} {}", self.dsn, self.text))
    }
}

/// An enhanced status code whose class agrees with the SMTP code.
fn with_class(dsn: &str, code: u16) -> SmolStr {
    let class = code / 100;
    match dsn.get(1..) {
        Some(rest) if matches!(class, 4 | 5) => smol_str::format_smolstr!("{class}{rest}"),
        _ => dsn.into(),
    }
}

/// Something that must be known before evaluation can go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// A DNS answer.
    Dns(SmolStr, Qtype),
    /// The status of an address, by verify(8).
    Verify(SmolStr),
    /// A policy server's answer to the session's present attributes.
    Policy(Arc<PolicyService>),
    /// Nothing more: evaluation goes on as soon as it can.
    Again,
    /// Time to pass, in seconds.
    Sleep(u64),
    /// An answer of another daemon, which cannot start.
    Daemon,
}

/// How a rule, or a list, ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flow {
    /// No opinion: the next rule decides.
    Dunno,
    /// Permitted.
    Ok,
    /// Refused.
    Reject(Box<Rejection>),
    /// Something must be found out first.
    Need(Need),
}

impl From<Rejection> for Flow {
    fn from(rejection: Rejection) -> Flow {
        Flow::Reject(Box::new(rejection))
    }
}

/// What an access table or policy server asks for beside the verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actions {
    /// `HOLD`.
    pub hold: bool,
    /// `DISCARD`.
    pub discard: bool,
    /// `FILTER`.
    pub filter: Option<SmolStr>,
    /// `REDIRECT`.
    pub redirect: Option<SmolStr>,
    /// `BCC`.
    pub bcc: Vec<SmolStr>,
    /// `PREPEND`, in order.
    pub prepend: Vec<SmolStr>,
}

impl Actions {
    /// Adds what a later evaluation asks for.
    pub fn merge(&mut self, later: Actions) {
        self.hold |= later.hold;
        self.discard |= later.discard;
        self.filter = later.filter.or(self.filter.take());
        self.redirect = later.redirect.or(self.redirect.take());
        self.bcc.extend(later.bcc);
        self.prepend.extend(later.prepend);
    }
}
