//! Runs restriction lists against a session.

use std::sync::Arc;

use smol_str::SmolStr;

use super::lookup::Lookups;
use super::parse::Classes;
use super::{AccessKey, Actions, ErrorClass, Flow, List, Rejection, Restriction, Rule, Subject};
use crate::dns::Qtype;
use crate::mta::postfix::maps::{AddressFinder, LookupError, Maps, MatchList};
use crate::mta::postfix::smtpd::footer::Named;
use crate::mta::postfix::smtpd::lists::word_matches;
use crate::mta::postfix::smtpd::peer::{NameStatus, Peer};
use crate::trace::{Kind, Source};

/// What a session is known by when its restrictions are evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The client.
    pub peer: &'a Peer,
    /// HELO or EHLO argument.
    pub helo: Option<&'a str>,
    /// Envelope sender, without brackets; `Some("")` is the null sender.
    pub sender: Option<&'a str>,
    /// The recipient that is checked, or the first one at DATA.
    pub recipient: Option<&'a str>,
    /// Recipients accepted so far.
    pub recipients: u64,
    /// SASL login.
    pub login: Option<&'a str>,
    /// SASL mechanism.
    pub mechanism: Option<&'a str>,
    /// Whether the message is put on hold already.
    pub held: bool,
    /// Whether the session is encrypted.
    pub encrypted: bool,
    /// Whether the client has sent commands too early.
    pub bad_pipelining: bool,
    /// Argument of ETRN.
    pub etrn: Option<&'a str>,
    /// Whether a later command is still to be checked, at which problems found now count
    /// (`smtpd_delay_reject = no`).
    pub early: bool,
    /// A problem found at an earlier command that may have hidden a reason to refuse.
    pub carried: Option<&'a Rejection>,
    /// The command: `RCPT`, `END-OF-MESSAGE` …
    pub stage: &'a str,
}

impl<'a> Facts<'a> {
    /// What templates of replies may refer to.
    pub(super) fn named(&self) -> Named<'a> {
        Named { peer: self.peer, helo: self.helo, sender: self.sender, recipient: self.recipient }
    }
}

/// Codes of `*_reject_code` and the like.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named as the parameters")]
pub struct Codes {
    pub access_map_reject: u16,
    pub access_map_defer: u16,
    pub defer: u16,
    pub reject: u16,
    pub invalid_hostname: u16,
    pub maps_rbl: u16,
    pub multi_recipient_bounce: u16,
    pub non_fqdn: u16,
    pub plaintext: u16,
    pub relay_domains: u16,
    pub unknown_address: u16,
    pub unknown_client: u16,
    pub unknown_hostname: u16,
    pub unknown_local_recipient: u16,
    pub unknown_relay_recipient: u16,
    pub unknown_virtual_alias: u16,
    pub unknown_virtual_mailbox: u16,
    pub unverified_recipient_reject: u16,
    pub unverified_recipient_defer: u16,
    pub unverified_sender_reject: u16,
    pub unverified_sender_defer: u16,
}

/// The compiled restrictions of one service, and what they refer to.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named as the parameters")]
pub struct Checks {
    pub client: Arc<[Rule]>,
    pub helo: Arc<[Rule]>,
    pub sender: Arc<[Rule]>,
    pub relay: Arc<[Rule]>,
    pub recipient: Arc<[Rule]>,
    pub data: Arc<[Rule]>,
    pub end_of_data: Arc<[Rule]>,
    pub etrn: Arc<[Rule]>,
    pub classes: Classes,
    pub delay_reject: bool,
    /// `smtpd_sasl_auth_enable`.
    pub sasl: bool,
    /// `smtpd_tls_ask_ccert`.
    pub asks_certificate: bool,
    pub relay_before_recipient: bool,
    pub soft_bounce: bool,
    pub mynetworks: MatchList,
    pub codes: Codes,
    pub parents_match: bool,
    pub null_access_key: SmolStr,
    pub finder: AddressFinder,
    pub allow_untrusted_routing: bool,
    pub reject_unlisted_recipient: bool,
    pub reject_unlisted_sender: bool,
    /// What `smtpd_reject_unlisted_recipient` stands for at the end of the recipient checks.
    pub unlisted_recipient_rule: Rule,
    /// The same for `smtpd_reject_unlisted_sender` at the end of the sender's.
    pub unlisted_sender_rule: Rule,
    pub show_table: bool,
    pub canonical_maps: Maps,
    pub sender_canonical_maps: Maps,
    pub recipient_canonical_maps: Maps,
    pub virtual_alias_maps: Maps,
    pub local_recipient_maps: Maps,
    pub relay_recipient_maps: Maps,
    pub virtual_mailbox_maps: Maps,
    pub sender_login_maps: Maps,
    pub double_bounce_sender: SmolStr,
    pub myhostname: SmolStr,
    pub permit_mx_backup_networks: Option<MatchList>,
    pub unverified_recipient_reason: SmolStr,
    pub unverified_sender_reason: SmolStr,
    pub default_rbl_reply: SmolStr,
    pub rbl_reply_maps: Maps,
    pub log_permit: MatchList,
    /// `inet_protocols`: which addresses of servers are looked up.
    pub address_types: Vec<Qtype>,
}

impl Checks {
    /// The rules of a list.
    pub fn rules(&self, list: List) -> &Arc<[Rule]> {
        match list {
            List::Client => &self.client,
            List::Helo => &self.helo,
            List::Sender => &self.sender,
            List::Relay => &self.relay,
            List::Recipient => &self.recipient,
            List::Data => &self.data,
            List::EndOfData => &self.end_of_data,
            List::Etrn => &self.etrn,
        }
    }
}

/// A log line that waits until the evaluation is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// `QUEUEID: what: RCPT from client: text; from=<…> …`
    Happened(&'static str, String),
    /// A line of its own, with its `warning: `.
    Line(String),
    /// A line of its own that warns of nothing.
    Info(String),
}

/// A rule that was looked at, for the trace.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The list.
    pub list: List,
    /// The rule as written.
    pub rule: SmolStr,
    /// What it looked at.
    pub input: SmolStr,
    /// Whether it decided.
    pub matched: bool,
    /// What it said.
    pub result: SmolStr,
    /// Where it stands, or the entry that decided.
    pub source: Option<Source>,
}

/// What an evaluation leaves beside its verdict.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Log lines in order.
    pub notes: Vec<Note>,
    /// What tables asked for.
    pub actions: Actions,
    /// The rules looked at; only in a full trace.
    pub looked: Vec<Looked>,
    /// The questions to block lists, with their answers; only in a full trace.
    pub queries: Vec<Kind>,
    /// `defer_if_permit`, or a problem that may hide a reason to refuse.
    pub defer_if_permit: Option<Rejection>,
    /// `defer_if_reject`, or a problem that may hide a reason to permit.
    pub defer_if_reject: Option<Rejection>,
    /// Whether the recipient was looked up in the recipient tables.
    pub recipient_listed: bool,
    pub(super) warn_if_reject: bool,
    /// The table entry that the present rule found.
    pub(super) entry: Option<Source>,
}

impl Run {
    /// Notes what a broken table logs.
    pub fn warn(&mut self, error: LookupError) {
        self.notes.extend(error.warnings.into_iter().map(Note::Line));
    }

    /// Keeps the first reason to defer instead of permit.
    pub(super) fn defer_if_permit(&mut self, rejection: Rejection) -> Flow {
        if self.warn_if_reject {
            return rejection.into();
        }
        self.defer_if_permit.get_or_insert(rejection);
        Flow::Dunno
    }

    /// Keeps the first reason to defer instead of reject.
    pub(super) fn defer_if_reject(&mut self, rejection: Rejection) -> Flow {
        self.defer_if_reject.get_or_insert(rejection);
        Flow::Dunno
    }
}

/// One evaluation.
pub(super) struct Evaluation<'a, 'b, 'c> {
    pub checks: &'a Checks,
    pub facts: Facts<'a>,
    pub lookups: Lookups<'b, 'c>,
    pub run: &'a mut Run,
    /// What a table was asked for whose entry is a list of restrictions, and what that is.
    pub about: Option<(SmolStr, Subject)>,
}

impl Checks {
    /// Evaluates some lists, in order, as one question. Notes and actions are left in `run`, which
    /// is to be used only if the verdict is not [`Flow::Need`].
    pub fn evaluate(&self, lists: &[List], facts: Facts<'_>, lookups: Lookups<'_, '_>, run: &mut Run) -> Flow {
        *run = Run { defer_if_permit: facts.carried.cloned(), ..Run::default() };
        let mut evaluation = Evaluation { checks: self, facts, lookups, run, about: None };
        let flow = match evaluation.lists(lists) {
            Ok(flow) | Err(flow) => flow,
        };
        match flow {
            Flow::Reject(rejection) => Flow::Reject(Box::new(evaluation.final_rejection(*rejection))),
            flow => flow,
        }
    }
}

impl Evaluation<'_, '_, '_> {
    fn lists(&mut self, lists: &[List]) -> Result<Flow, Flow> {
        for list in lists {
            // There is nothing to check at an earlier command that has not come.
            match list {
                List::Helo if self.facts.helo.is_none() => continue,
                List::Sender if self.facts.sender.is_none() => continue,
                _ => {}
            }
            self.run.defer_if_reject = None;
            let rules = Arc::clone(self.checks.rules(*list));
            if let Flow::Reject(rejection) = self.rules(&rules, *list)? {
                return Ok(Flow::Reject(rejection));
            }
            if *list == List::Sender
                && self.checks.reject_unlisted_sender
                && self.facts.sender.is_some_and(|s| !s.is_empty())
            {
                self.run.entry = None;
                let flow = self.unlisted_sender()?;
                if matches!(flow, Flow::Reject(_)) {
                    self.look_at(&self.checks.unlisted_sender_rule.clone(), List::Sender, &flow);
                    return Ok(flow);
                }
            }
        }
        // A problem before may have hidden a reason to refuse.
        if !self.facts.early
            && let Some(rejection) = self.run.defer_if_permit.take()
        {
            return Ok(rejection.into());
        }
        let recipient = lists.contains(&List::Recipient);
        if recipient && self.checks.reject_unlisted_recipient && !self.run.actions.discard {
            self.run.entry = None;
            let flow = self.unlisted_recipient()?;
            if matches!(flow, Flow::Reject(_)) {
                self.look_at(&self.checks.unlisted_recipient_rule.clone(), List::Recipient, &flow);
                return Ok(flow);
            }
        }
        Ok(Flow::Ok)
    }

    /// Runs the rules of a list until one decides.
    pub fn rules(&mut self, rules: &[Rule], list: List) -> Result<Flow, Flow> {
        let warn_before = self.run.warn_if_reject;
        for (at, rule) in rules.iter().enumerate() {
            self.run.warn_if_reject = warn_before || rule.warn_if_reject;
            self.run.entry = None;
            let flow = match self.rule(rule, list) {
                Ok(flow) | Err(flow) => flow,
            };
            self.look_at(rule, list, &flow);
            match flow {
                Flow::Dunno => {}
                Flow::Reject(rejection) if self.run.warn_if_reject => {
                    let rejection = self.final_rejection(*rejection);
                    self.run.notes.push(Note::Happened("reject_warning", rejection.line()));
                }
                Flow::Reject(_) | Flow::Need(_) => return Err(flow),
                Flow::Ok => {
                    if let (Restriction::Permit, Some(next)) = (&rule.restriction, rules.get(at + 1)) {
                        let word = next.text.split(' ').next().unwrap_or_default();
                        let text = format!("warning: restriction `{word}' after `permit' is ignored");
                        self.run.notes.push(Note::Line(text));
                    }
                    self.log_permit(rule, list);
                    self.run.warn_if_reject = warn_before;
                    return Ok(Flow::Ok);
                }
            }
        }
        self.run.warn_if_reject = warn_before;
        Ok(Flow::Dunno)
    }

    /// Logs a permission of a restriction (`smtpd_log_access_permit_actions`); those of access
    /// tables log themselves.
    fn log_permit(&mut self, rule: &Rule, list: List) {
        if self.checks.log_permit.is_empty() {
            return;
        }
        let facts = self.facts;
        let (class, about) = match &rule.restriction {
            Restriction::Permit => (self.subject(list).class(), self.input(list)),
            Restriction::PermitMynetworks
            | Restriction::PermitInetInterfaces
            | Restriction::PermitSaslAuthenticated
            | Restriction::PermitTlsClientcerts
            | Restriction::PermitDnswl(..) => (Subject::Client.class(), facts.peer.namaddr.clone()),
            Restriction::PermitAuthDestination | Restriction::PermitMxBackup => {
                (Subject::Recipient.class(), facts.recipient.unwrap_or_default().into())
            }
            Restriction::PermitNakedIpAddress => (Subject::Helo.class(), facts.helo.unwrap_or_default().into()),
            _ => return,
        };
        let action = rule.text.split(' ').next().unwrap_or_default();
        self.note_permit(action, class, &about, "");
    }

    /// Logs a permission if its action is listed.
    pub(super) fn note_permit(&mut self, action: &str, class: &str, about: &str, suffix: &str) {
        if word_matches(&self.checks.log_permit, action, self.lookups.ctx.host) {
            let text = format!("action={action} for {class}={about} {suffix}");
            self.run.notes.push(Note::Happened("permit", text));
        }
    }

    fn rule(&mut self, rule: &Rule, list: List) -> Result<Flow, Flow> {
        let codes = &self.checks.codes;
        let here = self.input(list);
        let subject = self.subject(list);
        let rejected = |code, dsn: &str, text: &str| {
            let class = subject.class();
            Flow::from(Rejection::policy(code, dsn, format!("<{here}>: {class} rejected: {text}")))
        };
        if self.is_ignored(&rule.restriction) {
            return Ok(Flow::Dunno);
        }
        Ok(match &rule.restriction {
            Restriction::Permit => Flow::Ok,
            Restriction::Reject => rejected(codes.reject, "5.7.1", "Access denied"),
            Restriction::Defer => rejected(codes.defer, "4.3.2", "Try again later"),
            Restriction::DeferIfPermit => {
                let Flow::Reject(rejection) = rejected(450, "4.7.0", "defer_if_permit requested") else {
                    return Ok(Flow::Dunno);
                };
                self.run.defer_if_permit(*rejection)
            }
            Restriction::DeferIfReject => {
                let Flow::Reject(rejection) = rejected(450, "4.7.0", "defer_if_reject requested") else {
                    return Ok(Flow::Dunno);
                };
                self.run.defer_if_reject(*rejection)
            }
            Restriction::Sleep(secs) => {
                self.lookups.sleep(*secs)?;
                Flow::Dunno
            }
            Restriction::Class(rules) => self.rules(&Arc::clone(rules), list)?,
            Restriction::Mistake(warning) => {
                self.run.notes.push(Note::Line(format!("warning: {warning}")));
                return Err(Rejection::server_error().into());
            }
            Restriction::CheckAccess(key, maps) => match self.check_access(*key, maps, list)? {
                Flow::Ok if key.is_indirect() => return Err(self.forbid_permit(*key, rule)),
                flow => flow,
            },
            Restriction::PermitNakedIpAddress => {
                let text = "restriction permit_naked_ip_address is deprecated. \
                            Use permit_mynetworks or permit_sasl_authenticated instead";
                self.run.notes.push(Note::Line(format!("warning: {text}")));
                self.envelope_rule(&rule.restriction, list)?
            }
            Restriction::CheckPolicyService(Err(_)) => return Err(Rejection::server_error().into()),
            Restriction::CheckPolicyService(Ok(server)) => {
                let action = self.lookups.policy(server)?;
                self.apply_action(&action, &here, subject, list, "policy service")?
            }
            other => match self.client_rule(other)? {
                Some(flow) => flow,
                None => self.envelope_rule(other, list)?,
            },
        })
    }

    /// Whoever runs a name server must not be able to get permission by what it says.
    fn forbid_permit(&mut self, key: AccessKey, rule: &Rule) -> Flow {
        let name = rule.text.split(' ').next().unwrap_or_default();
        let facts = &self.facts;
        let about = match key.subject() {
            Subject::ReverseClient => facts.peer.reverse_name.as_str(),
            Subject::Helo => facts.helo.unwrap_or_default(),
            Subject::Sender => facts.sender.unwrap_or_default(),
            Subject::Recipient => facts.recipient.unwrap_or_default(),
            _ => facts.peer.name.as_str(),
        };
        let lines = [
            format!("warning: restriction {name} returns OK for {about}"),
            "warning: this is not allowed for security reasons".to_owned(),
            "warning: use DUNNO instead of OK if you want to make an exception".to_owned(),
        ];
        self.run.notes.extend(lines.map(Note::Line));
        Rejection::server_error().into()
    }

    /// What the refusals of a list are about.
    pub fn subject(&self, list: List) -> Subject {
        self.about.as_ref().map_or(list.subject(), |(_, subject)| *subject)
    }

    /// The reply name of a list: what its refusals are about.
    pub fn input(&self, list: List) -> SmolStr {
        if let Some((name, _)) = &self.about {
            return name.clone();
        }
        let text = match list {
            List::Client => return self.facts.peer.namaddr.clone(),
            List::Helo => self.facts.helo,
            List::Sender => self.facts.sender,
            List::Relay | List::Recipient => self.facts.recipient,
            List::Etrn => self.facts.etrn,
            List::Data => Some("DATA"),
            List::EndOfData => Some("END-OF-MESSAGE"),
        };
        text.unwrap_or_default().into()
    }

    /// Applies what holds for every refusal: `defer_if_reject` and `soft_bounce`.
    fn final_rejection(&mut self, rejection: Rejection) -> Rejection {
        let rejection = match &self.run.defer_if_reject {
            Some(deferred) if rejection.code >= 500 && !self.run.warn_if_reject => deferred.clone(),
            _ => rejection,
        };
        if self.checks.soft_bounce && rejection.code >= 500 {
            return Rejection::new(rejection.class, rejection.code - 100, &rejection.dsn, rejection.text);
        }
        rejection
    }

    /// Keeps what a rule said, for a full trace.
    fn look_at(&mut self, rule: &Rule, list: List, flow: &Flow) {
        if !self.lookups.ctx.trace.is_full() {
            return;
        }
        let result = match flow {
            Flow::Dunno => SmolStr::new_static("dunno"),
            Flow::Ok => SmolStr::new_static("permit"),
            Flow::Reject(rejection) => rejection.line().into(),
            Flow::Need(_) => return,
        };
        let input = match rule.restriction {
            Restriction::PermitMynetworks => self.facts.peer.addr.clone(),
            Restriction::PermitSaslAuthenticated => self.facts.login.unwrap_or("not authenticated").into(),
            _ => self.input(list),
        };
        let source = self.run.entry.take().or_else(|| rule.source.clone());
        let matched = *flow != Flow::Dunno;
        self.run.looked.push(Looked { list, rule: rule.text.clone(), input, matched, result, source });
    }

    /// Whether the client's name was verified.
    pub fn client_named(&self) -> bool {
        self.facts.peer.status == NameStatus::Ok
    }

    /// A refusal of the class `policy` about a subject: `<name>: CLASS rejected: text`.
    pub fn refuse(&self, code: u16, dsn: &str, name: &str, subject: Subject, text: &str) -> Flow {
        Rejection::new(ErrorClass::Policy, code, dsn, format!("<{name}>: {} rejected: {text}", subject.class())).into()
    }
}

impl Looked {
    /// The event of the trace.
    pub fn event(self) -> Kind {
        Kind::PolicyStep {
            list: self.list.parameter().into(),
            restriction: self.rule,
            input: self.input,
            matched: self.matched,
            result: self.result,
            source: self.source,
        }
    }
}
