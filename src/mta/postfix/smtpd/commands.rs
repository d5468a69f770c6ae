//! What each command does (`smtpd.c`).

use std::sync::Arc;

use smol_str::SmolStr;

use super::chunk::Chunks;
use super::lists;
use super::restrictions::{ErrorClass, List, Need};
use super::session::{Pending, Session, Subjects};
use super::tls::Level;
use crate::host::Ctx;
use crate::mta::postfix::commands::postdrop;
use crate::mta::postfix::flush;
use crate::mta::postfix::milter::Fallback;
use crate::mta::postfix::queue_file::Recipient;
use crate::mta::postfix::services::{Daemon, Services};
use crate::smtp::command::{Command, Verb, Word, words};
use crate::smtp::reply::Reply;
use crate::smtp::server::{Answer, Next};

pub(super) fn ok(code: u16, text: impl Into<SmolStr>) -> Answer {
    Answer::ok(Reply::new(code, text))
}

pub(super) fn error(code: u16, text: impl Into<SmolStr>) -> Answer {
    Answer::error(Reply::new(code, text))
}

/// Commands that count as junk when they are sent without end.
fn is_junk(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Helo | Verb::Ehlo | Verb::Rset | Verb::Noop | Verb::Vrfy | Verb::Etrn | Verb::XClient | Verb::XForward
    )
}

/// Verbs that Postfix does not know.
fn is_unknown(verb: Verb) -> bool {
    matches!(verb, Verb::Unknown | Verb::Expn | Verb::Help)
}

impl Session {
    /// Begins a command. `None`: its decision takes time.
    pub(super) fn command(&mut self, command: Command, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        let conf = Arc::clone(&self.conf);
        let protocol_error = |session: &mut Session, code, text: &'static str| {
            session.errors_seen.push(ErrorClass::Protocol);
            Some(error(code, text))
        };
        let replaced;
        let line = match std::str::from_utf8(&command.line) {
            Ok(line) => line,
            Err(_) if conf.smtputf8 => {
                self.uncount();
                return protocol_error(self, 500, "5.5.2 Error: bad UTF-8 syntax");
            }
            Err(_) => {
                replaced = command.text();
                replaced.as_str()
            }
        };
        let words = words(line);
        let Some(first) = words.first() else {
            self.uncount();
            return protocol_error(self, 500, "5.5.2 Error: bad syntax");
        };
        if lists::word_matches(&conf.noop_commands, first.text, ctx.host) {
            self.uncount();
            return Some(ok(250, "2.0.0 Ok"));
        }
        let verb = command.verb;
        if is_unknown(verb) {
            self.count_as(Verb::Unknown);
            let header = first.text.len() > 1 && first.text.ends_with(':')
                || crate::mail::header::name_len(&command.line).is_some();
            if header || lists::word_matches(&conf.forbidden_commands, first.text, ctx.host) {
                let line: String = command.text().chars().take(100).collect();
                let from = &self.peer.namaddr;
                services.log.warn(ctx, &conf.tag, format_args!("non-SMTP command from {from}: {line}"));
                let reply = Reply::new(221, "2.7.0 Error: I can break rules, too. Goodbye.");
                return Some(Answer { reply: Some(reply), error: true, next: Next::Close });
            }
        }
        if self.denied && verb != Verb::Quit {
            let text = format!("5.7.0 Error: access denied for {}", self.peer.namaddr);
            return Some(error(503, text));
        }
        if is_unknown(verb) {
            self.stage = "UNKNOWN";
            return protocol_error(self, 500, "5.5.2 Error: command not recognized");
        }
        let before_tls =
            matches!(verb, Verb::Helo | Verb::Ehlo | Verb::StartTls | Verb::Noop | Verb::Quit | Verb::XClient);
        if conf.tls.level == Level::Encrypt && self.tls.is_none() && !before_tls {
            return Some(error(530, "5.7.0 Must issue a STARTTLS command first"));
        }
        self.stage = verb.as_str();
        if (!self.esmtp || matches!(verb, Verb::Helo | Verb::Ehlo | Verb::Data | Verb::Noop | Verb::Vrfy))
            && let Some(answer) = self.check_pipelining(services, ctx)
        {
            return Some(answer);
        }
        if is_junk(verb) {
            self.junk += 1;
            if self.junk > conf.junk_limit + 1 {
                self.machine.add_error();
            }
        }
        let text = |index: usize| words.get(index).map(|word| word.text);
        Some(match verb {
            Verb::Helo | Verb::Ehlo => {
                let Some(name) = text(1) else {
                    return protocol_error(
                        self,
                        501,
                        if verb == Verb::Ehlo { "Syntax: EHLO hostname" } else { "Syntax: HELO hostname" },
                    );
                };
                self.reset(services, ctx);
                self.flush_history(services, ctx);
                return self.run(Pending::Hello { verb, name: name.into() }, services, ctx);
            }
            Verb::StartTls => self.starttls(&words, services, ctx),
            Verb::Auth => self.auth(&words, services, ctx),
            Verb::Mail => match self.parse_mail(&words, services, ctx) {
                Ok(transaction) => return self.run(Pending::Mail(Box::new(transaction)), services, ctx),
                Err(answer) => answer,
            },
            Verb::Rcpt => match self.parse_rcpt(&words, services, ctx) {
                Ok(recipient) => return self.run(Pending::Recipient(Box::new(recipient)), services, ctx),
                Err(answer) => answer,
            },
            Verb::Bdat => self.bdat(&command, &words, services, ctx),
            Verb::Data if self.chunks != Chunks::None => {
                return protocol_error(self, 503, "5.5.1 Error: DATA after BDAT");
            }
            Verb::Data => {
                let recipients = self.transaction.as_ref().map(|transaction| transaction.recipients.len());
                match recipients {
                    None => return protocol_error(self, 503, "5.5.1 Error: need RCPT command"),
                    Some(0) => error(554, "5.5.1 Error: no valid recipients"),
                    _ if words.len() != 1 => return protocol_error(self, 501, "5.5.4 Syntax: DATA"),
                    _ => return self.run(Pending::Data, services, ctx),
                }
            }
            Verb::Rset if words.len() != 1 => return protocol_error(self, 501, "5.5.4 Syntax: RSET"),
            Verb::Rset => {
                self.reset(services, ctx);
                self.flush_history(services, ctx);
                ok(250, "2.0.0 Ok")
            }
            Verb::Noop => ok(250, "2.0.0 Ok"),
            Verb::Vrfy => return self.vrfy(&words, services, ctx),
            Verb::Etrn => return self.etrn(&words, services, ctx),
            Verb::XClient => return self.xclient(&words, services, ctx),
            Verb::XForward => self.xforward(&words),
            _ => Answer::close(Reply::new(221, "2.0.0 Bye")),
        })
    }

    fn check_pipelining(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        let pending = self.machine.pending();
        if self.bad_pipelining || pending.is_empty() {
            return None;
        }
        let text: String =
            pending.iter().take(100).flat_map(|octet| std::ascii::escape_default(*octet)).map(char::from).collect();
        let text = text.replace("\\\"", "\"").replace("\\'", "'");
        let (stage, from) = (self.stage, &self.peer.namaddr);
        services.log.info(
            ctx,
            &self.conf.tag,
            format_args!("improper command pipelining after {stage} from {from}: {text}"),
        );
        self.bad_pipelining = true;
        self.conf.forbid_unauth_pipelining.then(|| {
            self.errors_seen.push(ErrorClass::Protocol);
            Answer::close(Reply::new(554, "5.5.0 Error: SMTP protocol synchronization"))
        })
    }

    /// Completes a command, or says what must be known first.
    pub(super) fn complete(
        &mut self,
        pending: &Pending,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Result<Answer, Need> {
        let conf = Arc::clone(&self.conf);
        let delayed = conf.checks.delay_reject;
        let helo = self.helo.clone();
        let sender = self.transaction.as_ref().map(|transaction| transaction.sender.clone());
        let subjects = Subjects { helo: helo.as_deref(), sender: sender.as_deref(), ..Subjects::default() };
        let refused = |rejection: super::restrictions::Rejection| Answer {
            next: if rejection.hangup { Next::Close } else { Next::Command },
            ..Answer::error(rejection.reply())
        };
        match pending {
            Pending::Connect => {
                if !self.machine.pending().is_empty() {
                    self.stage = "CONNECT";
                    if let Some(answer) = self.check_pipelining(services, ctx) {
                        return Ok(answer);
                    }
                }
                if !delayed && let Err(rejection) = self.check(&[List::Client], subjects, services, ctx)? {
                    self.denied = true;
                    return Ok(Answer { error: false, ..refused(rejection) });
                }
                if self.milter.as_ref().is_some_and(Fallback::is_permanent) {
                    return Ok(ok(554, format!("{} ESMTP not accepting connections", conf.myhostname)));
                }
                Ok(ok(220, conf.banner.clone()))
            }
            Pending::Hello { verb, name } => {
                if !delayed {
                    let subjects = Subjects { helo: Some(name), ..Subjects::default() };
                    if let Err(rejection) = self.check(&[List::Helo], subjects, services, ctx)? {
                        return Ok(refused(rejection));
                    }
                }
                let subjects = Subjects { helo: Some(name), ..Subjects::default() };
                self.milter_refusal(subjects, services, ctx);
                let clean: String =
                    name.chars().map(|c| if "<>()\\\",;@".contains(c) || c.is_control() { '?' } else { c }).collect();
                self.helo = Some(clean.into());
                // HELO after EHLO makes nobody forget what pipelining is.
                self.esmtp |= *verb == Verb::Ehlo;
                Ok(if *verb == Verb::Ehlo { Answer::ok(self.ehlo()) } else { ok(250, conf.myhostname.clone()) })
            }
            Pending::Mail(transaction) => {
                if !services.answers(Daemon::Rewrite) || !conf.delay_open && !services.answers(Daemon::Cleanup) {
                    return Err(Need::Daemon);
                }
                let subjects = Subjects { sender: Some(&transaction.sender), ..subjects };
                let mut actions = Default::default();
                if !delayed {
                    match self.check(&[List::Sender], subjects, services, ctx)? {
                        Err(rejection) => return Ok(refused(rejection)),
                        Ok(run) => actions = run.actions,
                    }
                }
                if conf.message_size_limit > 0 && transaction.size > conf.message_size_limit {
                    let text = "552 5.3.4 Message size exceeds fixed limit";
                    self.whatsup("reject", text, subjects, services, ctx);
                    self.errors_seen.push(ErrorClass::Bounce);
                    return Ok(error(552, "5.3.4 Message size exceeds fixed limit"));
                }
                if let Some(refusal) = self.milter_refusal(subjects, services, ctx) {
                    return Ok(error(refusal.code, refusal.text));
                }
                let free = ctx.host.vfs.free_space();
                if free <= conf.queue_minfree || free / 3 * 2 < conf.message_size_limit {
                    let subjects = Subjects { sender: None, ..subjects };
                    self.whatsup("reject", "452 4.3.1 Insufficient system storage", subjects, services, ctx);
                    self.errors_seen.push(ErrorClass::Resource);
                    let text = format!("not enough free space in mail queue: {free} bytes < 1.5*message size limit");
                    services.log.warn(ctx, &conf.tag, format_args!("{text}"));
                    return Ok(error(452, "4.3.1 Insufficient system storage"));
                }
                let mut transaction = transaction.clone();
                transaction.arrival = ctx.now;
                transaction.actions = actions;
                self.transaction = Some(transaction);
                if !conf.delay_open
                    && let Err(answer) = self.open_queue_file(services, ctx)
                {
                    return Ok(answer);
                }
                Ok(ok(250, "2.1.0 Ok"))
            }
            Pending::Recipient(recipient) => {
                let subjects = Subjects { recipient: Some(&recipient.address), ..subjects };
                if !recipient.address.eq_ignore_ascii_case("postmaster") {
                    match self.check_recipient(subjects, services, ctx)? {
                        Err(rejection) => return Ok(refused(rejection)),
                        Ok(run) => {
                            if let Some(transaction) = &mut self.transaction {
                                transaction.actions.merge(run.actions);
                            }
                        }
                    }
                }
                if let Some(refusal) = self.milter_refusal(subjects, services, ctx) {
                    return Ok(error(refusal.code, refusal.text));
                }
                if self.queue_id.is_none() && !services.answers(Daemon::Cleanup) {
                    return Err(Need::Daemon);
                }
                Ok(self.take_recipient(recipient, services, ctx))
            }
            Pending::Verify { word, address } => {
                let subjects = Subjects { recipient: Some(address), ..subjects };
                Ok(match self.check_recipient(subjects, services, ctx)? {
                    Err(rejection) => refused(rejection),
                    Ok(_) => ok(252, format!("2.0.0 {word}")),
                })
            }
            Pending::Data => {
                let only = self.only_recipient();
                let subjects = Subjects { recipient: only.as_deref(), ..subjects };
                match self.check(&[List::Data], subjects, services, ctx)? {
                    Err(rejection) => return Ok(refused(rejection)),
                    Ok(run) => {
                        if let Some(transaction) = &mut self.transaction {
                            transaction.actions.merge(run.actions);
                        }
                    }
                }
                if let Some(refusal) = self.milter_refusal(subjects, services, ctx) {
                    return Ok(error(refusal.code, refusal.text));
                }
                Ok(Answer {
                    reply: Some(Reply::new(354, "End data with <CR><LF>.<CR><LF>")),
                    error: false,
                    next: Next::Data { limit: conf.message_size_limit },
                })
            }
            Pending::EndOfData { content, over_limit } => {
                let only = self.only_recipient();
                let subjects = Subjects { recipient: only.as_deref(), ..subjects };
                if !conf.checks.end_of_data.is_empty() {
                    match self.check(&[List::EndOfData], subjects, services, ctx)? {
                        Err(rejection) => {
                            self.refuse_content(content, services, ctx);
                            return Ok(refused(rejection));
                        }
                        Ok(run) => {
                            if let Some(transaction) = &mut self.transaction {
                                transaction.discard_at_end = run.actions.discard;
                                let discard = transaction.actions.discard;
                                transaction.actions.merge(run.actions);
                                transaction.actions.discard = discard;
                            }
                        }
                    }
                }
                let answer = self.submit(content, *over_limit, services, ctx);
                self.flush_history(services, ctx);
                Ok(answer)
            }
            Pending::Etrn(domain) => {
                let lists = [List::Client, List::Helo, List::Etrn];
                let which = if delayed { &lists[..] } else { &lists[2..] };
                let subjects = Subjects { etrn: Some(domain), ..subjects };
                if let Err(rejection) = self.check(which, subjects, services, ctx)? {
                    return Ok(refused(rejection));
                }
                Ok(self.flush_site(domain, services, ctx))
            }
        }
    }

    /// The only recipient: what holds for all of them is not to be logged about one.
    fn only_recipient(&self) -> Option<SmolStr> {
        let transaction = self.transaction.as_ref()?;
        match &transaction.recipients[..] {
            [only] if self.stale_recipients == 0 => Some(only.address.clone()),
            _ => None,
        }
    }

    fn check_recipient(
        &mut self,
        subjects: Subjects<'_>,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Result<Result<super::restrictions::Run, super::restrictions::Rejection>, Need> {
        let checks = &self.conf.checks;
        let (first, second) =
            if checks.relay_before_recipient { (List::Relay, List::Recipient) } else { (List::Recipient, List::Relay) };
        let lists = [List::Client, List::Helo, List::Sender, first, second];
        let which = if checks.delay_reject { &lists[..] } else { &lists[3..] };
        self.check(which, subjects, services, ctx)
    }

    fn take_recipient(&mut self, recipient: &Recipient, services: &mut Services, ctx: &mut Ctx<'_>) -> Answer {
        if let Err(answer) = self.open_queue_file(services, ctx) {
            return answer;
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.recipients.push(recipient.clone());
        }
        ok(250, "2.1.5 Ok")
    }

    /// Begins a queue file if the transaction has none.
    fn open_queue_file(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) -> Result<(), Answer> {
        if self.queue_id.is_none() {
            let reserved = match &self.submitter {
                Some(user) => postdrop::reserve(user, &services.config.global(), ctx).map(|(id, _)| id),
                None => services.queue.allocate(ctx),
            };
            let Ok(id) = reserved else {
                return Err(error(451, "4.3.0 Error: queue file write error"));
            };
            let tag = &self.conf.tag;
            let from = &self.peer.namaddr;
            let sasl_sender = match &self.transaction {
                Some(transaction) if !transaction.sasl_sender.is_empty() => {
                    format!(", sasl_sender={}", transaction.sasl_sender)
                }
                _ => String::new(),
            };
            let mut origin = String::new();
            if let Some(forwarded) = &self.forwarded {
                if !forwarded.ident.is_empty() {
                    origin.push_str(&format!(", orig_queue_id={}", forwarded.ident));
                }
                if forwarded.about_client {
                    origin.push_str(&format!(", orig_client={}", forwarded.namaddr()));
                }
            }
            match &self.login {
                Some((method, login)) => services.log.info(
                    ctx,
                    tag,
                    format_args!(
                        "{id}: client={from}, sasl_method={method}, sasl_username={login}{sasl_sender}{origin}"
                    ),
                ),
                None => services.log.info(ctx, tag, format_args!("{id}: client={from}{origin}")),
            }
            self.queue_id = Some(id);
        }
        Ok(())
    }

    fn starttls(&mut self, words: &[Word<'_>], services: &mut Services, ctx: &mut Ctx<'_>) -> Answer {
        let conf = Arc::clone(&self.conf);
        if words.len() != 1 {
            return error(501, "5.5.4 Syntax: STARTTLS");
        }
        if self.tls.is_some() {
            return error(554, "5.5.1 Error: TLS already active");
        }
        if conf.tls.level == Level::None || self.discards("STARTTLS") {
            return error(502, "5.5.1 Error: command not implemented");
        }
        if !conf.tls.works() {
            self.errors_seen.push(ErrorClass::Software);
            return error(454, "4.7.0 TLS not available due to local problem");
        }
        if let Some(refusal) = self.refuse_tls(services, ctx) {
            return refusal;
        }
        self.transaction = None;
        Answer { reply: Some(Reply::new(220, "2.0.0 Ready to start TLS")), error: false, next: Next::Tls }
    }

    fn vrfy(&mut self, words: &[Word<'_>], services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        if self.conf.disable_vrfy {
            return Some(error(502, "5.5.1 VRFY command is disabled"));
        }
        // An address with spaces is one address; SMTPUTF8 behind it is a parameter.
        let words = match words {
            [front @ .., last]
                if self.conf.smtputf8 && front.len() > 1 && last.text.eq_ignore_ascii_case("SMTPUTF8") =>
            {
                front
            }
            words => words,
        };
        let joined = words.get(1).map(|word| {
            let rest = words.get(1..).unwrap_or_default();
            let texts: Vec<&str> = rest.iter().map(|word| word.text).collect();
            (word.kind, texts.join(" "))
        });
        let Some((kind, text)) = &joined else {
            self.errors_seen.push(ErrorClass::Protocol);
            let text =
                if self.conf.smtputf8 { "5.5.4 Syntax: VRFY address [SMTPUTF8]" } else { "5.5.4 Syntax: VRFY address" };
            return Some(error(501, text));
        };
        let Some(found) = self.extract(&Word { kind: *kind, text }, false, false, services, ctx) else {
            return Some(error(501, "5.1.3 Bad recipient address syntax"));
        };
        self.run(Pending::Verify { word: text.into(), address: found }, services, ctx)
    }

    fn etrn(&mut self, words: &[Word<'_>], services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        if self.conf.helo_required && self.helo.is_none() {
            return Some(error(503, "Error: send HELO/EHLO first"));
        }
        if self.transaction.is_some() {
            return Some(error(503, "Error: MAIL transaction in progress"));
        }
        let (Some(word), 2) = (words.get(1), words.len()) else {
            return Some(error(500, "Syntax: ETRN domain"));
        };
        let domain = word.text.trim_start_matches(['@', '#']);
        let literal = domain.starts_with('[') && domain.ends_with(']');
        if !literal && !crate::smtp::path::is_domain(domain) {
            return Some(error(501, "Error: invalid parameter syntax"));
        }
        self.run(Pending::Etrn(domain.into()), services, ctx)
    }

    fn flush_site(&mut self, domain: &str, services: &mut Services, ctx: &mut Ctx<'_>) -> Answer {
        if flush::is_served(&self.conf.fast_flush_domains, domain, ctx.host) {
            let config = Arc::clone(&services.config);
            flush::site(domain, &config.global(), ctx);
            return ok(250, "Queuing started");
        }
        let from = &self.peer.namaddr;
        services.log.warn(ctx, &self.conf.tag, format_args!("reject: ETRN {domain}... from {from}"));
        error(459, format!("<{domain}>: service unavailable"))
    }
}
