//! What each command does (`smtpd.c`).

use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::data::Transaction;
use super::restrictions::{ErrorClass, List, Need};
use super::sasl::Progress;
use super::session::{Pending, Session, Subjects};
use super::tls::Level;
use super::{address, lists};
use crate::host::Ctx;
use crate::mta::postfix::queue_file::{Notify, Recipient};
use crate::mta::postfix::services::Services;
use crate::mta::postfix::trivial_rewrite;
use crate::smtp::command::{Command, Verb, Word, WordKind};
use crate::smtp::reply::Reply;
use crate::smtp::server::{Answer, Next};
use crate::trace::Kind;

fn ok(code: u16, text: impl Into<SmolStr>) -> Answer {
    Answer::ok(Reply::new(code, text))
}

fn error(code: u16, text: impl Into<SmolStr>) -> Answer {
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
    matches!(verb, Verb::Unknown | Verb::Expn | Verb::Help | Verb::XClient | Verb::XForward)
}

impl Session {
    /// Begins a command. `None`: its decision takes time.
    pub(super) fn command(&mut self, command: Command, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        let conf = Arc::clone(&self.conf);
        let protocol_error = |session: &mut Session, code, text: &'static str| {
            session.errors_seen.push(ErrorClass::Protocol);
            Some(error(code, text))
        };
        if conf.smtputf8 && std::str::from_utf8(&command.line).is_err() {
            self.uncount();
            return protocol_error(self, 500, "5.5.2 Error: bad UTF-8 syntax");
        }
        let words = command.words();
        let Some(first) = words.first() else {
            self.uncount();
            return protocol_error(self, 500, "5.5.2 Error: bad syntax");
        };
        if lists::word_matches(&conf.noop_commands, &first.text, ctx.host) {
            self.uncount();
            return Some(ok(250, "2.0.0 Ok"));
        }
        let verb = command.verb;
        if is_unknown(verb) {
            self.count_as(Verb::Unknown);
            let header = first.text.len() > 1 && first.text.ends_with(':')
                || crate::mail::header::name_len(&command.line).is_some();
            if header || lists::word_matches(&conf.forbidden_commands, &first.text, ctx.host) {
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
        let before_tls = matches!(verb, Verb::Helo | Verb::Ehlo | Verb::StartTls | Verb::Noop | Verb::Quit);
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
        let text = |index: usize| words.get(index).map(|word: &Word| word.text.as_str());
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
                return self.run(Pending::Hello { verb, name: name.into() }, services, ctx);
            }
            Verb::StartTls => self.starttls(&words),
            Verb::Auth => self.auth(&words, services, ctx),
            Verb::Mail => match self.parse_mail(&words, services, ctx) {
                Ok(transaction) => return self.run(Pending::Mail(Box::new(transaction)), services, ctx),
                Err(answer) => answer,
            },
            Verb::Rcpt => match self.parse_rcpt(&words, services, ctx) {
                Ok(recipient) => return self.run(Pending::Recipient(Box::new(recipient)), services, ctx),
                Err(answer) => answer,
            },
            Verb::Data | Verb::Bdat => {
                let recipients = self.transaction.as_ref().map(|transaction| transaction.recipients.len());
                match recipients {
                    None => {
                        self.errors_seen.push(ErrorClass::Protocol);
                        return Some(self.discard_chunk(&words, error(503, "5.5.1 Error: need RCPT command")));
                    }
                    Some(0) => {
                        return Some(self.discard_chunk(&words, error(554, "5.5.1 Error: no valid recipients")));
                    }
                    _ if verb == Verb::Bdat => return Some(self.bdat(&words)),
                    _ if words.len() != 1 => return protocol_error(self, 501, "5.5.4 Syntax: DATA"),
                    _ => return self.run(Pending::Data, services, ctx),
                }
            }
            Verb::Rset if words.len() != 1 => return protocol_error(self, 501, "5.5.4 Syntax: RSET"),
            Verb::Rset => {
                self.reset(services, ctx);
                ok(250, "2.0.0 Ok")
            }
            Verb::Noop => ok(250, "2.0.0 Ok"),
            Verb::Vrfy => return self.vrfy(&words, services, ctx),
            Verb::Etrn => return self.etrn(&words, services, ctx),
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
                Ok(ok(220, conf.banner.clone()))
            }
            Pending::Hello { verb, name } => {
                if !delayed {
                    let subjects = Subjects { helo: Some(name), ..Subjects::default() };
                    if let Err(rejection) = self.check(&[List::Helo], subjects, services, ctx)? {
                        return Ok(refused(rejection));
                    }
                }
                let clean: String =
                    name.chars().map(|c| if "<>()\\\",;@".contains(c) || c.is_control() { '?' } else { c }).collect();
                self.helo = Some(clean.into());
                // HELO after EHLO makes nobody forget what pipelining is.
                self.esmtp |= *verb == Verb::Ehlo;
                Ok(if *verb == Verb::Ehlo { Answer::ok(self.ehlo()) } else { ok(250, conf.myhostname.clone()) })
            }
            Pending::Mail(transaction) => {
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
                            self.reset(services, ctx);
                            return Ok(refused(rejection));
                        }
                        Ok(run) => {
                            if let Some(transaction) = &mut self.transaction {
                                transaction.actions.merge(run.actions);
                            }
                        }
                    }
                }
                Ok(self.submit(content, *over_limit, services, ctx))
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
        match &self.transaction.as_ref()?.recipients[..] {
            [only] => Some(only.address.clone()),
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
        if self.queue_id.is_none() {
            let Ok(id) = services.queue.allocate(ctx) else {
                return error(451, "4.3.0 Error: queue file write error");
            };
            let tag = &self.conf.tag;
            let from = &self.peer.namaddr;
            match &self.login {
                Some((method, login)) => services.log.info(
                    ctx,
                    tag,
                    format_args!("{id}: client={from}, sasl_method={method}, sasl_username={login}"),
                ),
                None => services.log.info(ctx, tag, format_args!("{id}: client={from}")),
            }
            self.queue_id = Some(id);
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.recipients.push(recipient.clone());
        }
        ok(250, "2.1.5 Ok")
    }

    fn ehlo(&self) -> Reply {
        let conf = &self.conf;
        let mut lines = Vec::with_capacity(12);
        lines.push(conf.myhostname.clone());
        let mut offer = |keyword: &'static str, line: Option<SmolStr>| {
            if !conf.discards(keyword) {
                lines.push(line.unwrap_or(SmolStr::new_static(keyword)));
            }
        };
        offer("PIPELINING", None);
        offer("SIZE", (conf.message_size_limit > 0).then(|| format_smolstr!("SIZE {}", conf.message_size_limit)));
        if !conf.disable_vrfy {
            offer("VRFY", None);
        }
        offer("ETRN", None);
        if conf.tls.level > Level::None && self.tls.is_none() {
            offer("STARTTLS", None);
        }
        if self.sasl_active() {
            let mechanisms = conf.sasl.mechanisms(self.tls.is_some()).join(" ");
            offer("AUTH", Some(format_smolstr!("AUTH {mechanisms}")));
            if conf.sasl.broken_clients {
                offer("AUTH", Some(format_smolstr!("AUTH={mechanisms}")));
            }
        }
        offer("ENHANCEDSTATUSCODES", None);
        offer("8BITMIME", None);
        offer("DSN", None);
        if conf.smtputf8 {
            offer("SMTPUTF8", None);
        }
        offer("CHUNKING", None);
        Reply::multi(250, lines)
    }

    fn sasl_active(&self) -> bool {
        let conf = &self.conf;
        let encrypted = self.tls.is_some();
        conf.sasl.enabled && (encrypted || !conf.tls.auth_only) && !conf.sasl.mechanisms(encrypted).is_empty()
    }

    fn starttls(&mut self, words: &[Word]) -> Answer {
        let conf = &self.conf;
        if words.len() != 1 {
            return error(501, "5.5.4 Syntax: STARTTLS");
        }
        if self.tls.is_some() {
            return error(554, "5.5.1 Error: TLS already active");
        }
        if conf.tls.level == Level::None || conf.discards("STARTTLS") {
            return error(502, "5.5.1 Error: command not implemented");
        }
        if !conf.tls.works() {
            return error(454, "4.7.0 TLS not available due to local problem");
        }
        self.transaction = None;
        Answer { reply: Some(Reply::new(220, "2.0.0 Ready to start TLS")), error: false, next: Next::Tls }
    }

    fn auth(&mut self, words: &[Word], services: &mut Services, ctx: &mut Ctx<'_>) -> Answer {
        let conf = Arc::clone(&self.conf);
        if conf.helo_required && self.helo.is_none() {
            return error(503, "5.5.1 Error: send HELO/EHLO first");
        }
        if !self.sasl_active() || conf.discards("AUTH") {
            return error(503, "5.5.1 Error: authentication not enabled");
        }
        if self.transaction.is_some() {
            return error(503, "5.5.1 Error: MAIL transaction in progress");
        }
        if self.login.is_some() {
            return error(503, "5.5.1 Error: already authenticated");
        }
        let (Some(mechanism), true) = (words.get(1), words.len() <= 3) else {
            return error(501, "5.5.4 Syntax: AUTH mechanism");
        };
        let initial = words.get(2).map(|word| word.text.as_str());
        let random = u64::from(ctx.now.subsec_micros()) << 20 | self.sock.0;
        let challenge = || format_smolstr!("<{random}.{}@{}>", ctx.now.secs(), conf.myhostname);
        let (exchange, progress) = conf.sasl.start(&mechanism.text, initial, self.tls.is_some(), ctx.host, challenge);
        self.exchange = exchange;
        self.auth_progress(mechanism.text.clone(), progress, services, ctx)
    }

    /// Takes a response to a challenge.
    pub(super) fn auth_response(&mut self, line: &[u8], services: &mut Services, ctx: &mut Ctx<'_>) -> Answer {
        let conf = Arc::clone(&self.conf);
        let Some(mut exchange) = self.exchange.take() else {
            return error(503, "5.5.1 Error: authentication not enabled");
        };
        let name = exchange.name.clone();
        let response = String::from_utf8_lossy(line);
        if response == "*" {
            let from = &self.peer.namaddr;
            services.log.warn(ctx, &conf.tag, format_args!("{from}: SASL {name} authentication aborted"));
            return error(501, "5.7.0 Authentication aborted");
        }
        let progress = conf.sasl.respond(&mut exchange, &response, ctx.host);
        self.exchange = Some(exchange);
        self.auth_progress(name, progress, services, ctx)
    }

    fn auth_progress(
        &mut self,
        mechanism: SmolStr,
        progress: Progress,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Answer {
        let tag = self.conf.tag.clone();
        let (session, encrypted) = (self.sock, self.tls.is_some());
        match progress {
            Progress::Challenge(text) => {
                Answer { reply: Some(Reply::new(334, text)), error: false, next: Next::Response }
            }
            Progress::Success(login) => {
                self.exchange = None;
                let name = SmolStr::from(mechanism.to_ascii_uppercase());
                ctx.emit(Kind::SmtpAuth { session, mechanism: name.clone(), user: login.clone(), ok: true, encrypted });
                self.login = Some((name, login));
                ok(235, "2.7.0 Authentication successful")
            }
            Progress::Failed { logged, reason, login, temporary } => {
                self.exchange = None;
                if let Some(logged) = logged {
                    services.log.warn(ctx, &tag, format_args!("SASL authentication failure: {logged}"));
                }
                let from = &self.peer.namaddr;
                let user = login.unwrap_or(SmolStr::new_static("(unavailable)"));
                services.log.warn(
                    ctx,
                    &tag,
                    format_args!("{from}: SASL {mechanism} authentication failed: {reason}, sasl_username={user}"),
                );
                ctx.emit(Kind::SmtpAuth { session, mechanism, user, ok: false, encrypted });
                if temporary {
                    return error(454, format!("4.7.0 Temporary authentication failure: {reason}"));
                }
                error(535, format!("5.7.8 Error: authentication failed: {reason}"))
            }
        }
    }

    /// An address of a command in internal form, or its refusal.
    fn extract(
        &mut self,
        word: &Word,
        may_be_empty: bool,
        strict: bool,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Option<SmolStr> {
        // A bracket that is never closed is no word at all, and not worth a warning.
        if word.kind == WordKind::Angle && !word.text.contains('>') {
            return None;
        }
        if may_be_empty && word.text == "<>" {
            return Some(SmolStr::default());
        }
        let sender = self.transaction.as_ref().map(|transaction| transaction.sender.clone()).unwrap_or_default();
        let found = address::extract(&word.text, strict).filter(|found| {
            if found.is_empty() {
                return may_be_empty;
            }
            if strict && found.starts_with('@') || address::is_list(&word.text) || !address::is_well_formed(&word.text)
            {
                return false;
            }
            let resolved = trivial_rewrite::resolve_once(services, &sender, found, ctx);
            !resolved.bad_address && (found.is_ascii() || !self.conf.strict_smtputf8)
        });
        if found.is_none() {
            let (from, stage, text) = (&self.peer.namaddr, self.stage, &word.text);
            services.log.warn(
                ctx,
                &self.conf.tag,
                format_args!("Illegal address syntax from {from} in {stage} command: {text}"),
            );
            self.errors_seen.push(ErrorClass::Protocol);
        }
        found
    }

    fn parse_mail(
        &mut self,
        words: &[Word],
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Result<Transaction, Answer> {
        let conf = Arc::clone(&self.conf);
        if conf.helo_required && self.helo.is_none() {
            self.errors_seen.push(ErrorClass::Policy);
            return Err(error(503, "5.5.1 Error: send HELO/EHLO first"));
        }
        if self.transaction.is_some() {
            self.errors_seen.push(ErrorClass::Protocol);
            return Err(error(503, "5.5.1 Error: nested MAIL command"));
        }
        let (Some(word), true) = (words.get(2), keyword(words, "from:")) else {
            self.errors_seen.push(ErrorClass::Protocol);
            return Err(error(501, "5.5.4 Syntax: MAIL FROM:<address>"));
        };
        let Some(sender) = self.extract(word, true, conf.strict_rfc821, services, ctx) else {
            return Err(error(501, "5.1.7 Bad sender address syntax"));
        };
        let mut transaction = Transaction { sender, ..Transaction::default() };
        for word in words.iter().skip(3) {
            let (name, value) = match word.text.split_once('=') {
                Some((name, value)) => (name.to_ascii_uppercase(), Some(value)),
                None => (word.text.to_ascii_uppercase(), None),
            };
            match (name.as_str(), value) {
                ("BODY", Some(value)) if value.eq_ignore_ascii_case("8BITMIME") => transaction.encoding = "8bit".into(),
                ("BODY", Some(value)) if value.eq_ignore_ascii_case("7BIT") => transaction.encoding = "7bit".into(),
                ("SIZE", Some(value)) => {
                    if value.is_empty() || !value.bytes().all(|octet| octet.is_ascii_digit()) {
                        return Err(error(501, "5.5.4 Bad message size syntax"));
                    }
                    transaction.size = match value.parse() {
                        Ok(size) if size <= i64::MAX as u64 => size,
                        _ => return Err(error(552, "5.3.4 Message size exceeds file system imposed limit")),
                    };
                }
                ("SMTPUTF8", None) if conf.smtputf8 => transaction.smtputf8 = true,
                ("AUTH", Some(_)) if self.sasl_active() => {}
                ("RET" | "ENVID", Some(_)) if conf.discards("DSN") => {
                    return Err(error(501, "5.7.1 DSN support is disabled"));
                }
                ("RET", Some(value)) => match address::ret(value) {
                    Some(ret) => transaction.ret = Some(ret),
                    None => return Err(error(501, "5.5.4 Bad RET parameter syntax")),
                },
                ("ENVID", Some(value)) => match address::xtext_decode(value) {
                    Some(text)
                        if !text.is_empty() && transaction.envid.is_empty() && !text.contains(char::is_control) =>
                    {
                        transaction.envid = text.into();
                    }
                    _ => return Err(error(501, "5.5.4 Bad ENVID parameter syntax")),
                },
                _ => return Err(error(555, format!("5.5.4 Unsupported option: {}", word.text))),
            }
        }
        Ok(transaction)
    }

    fn parse_rcpt(&mut self, words: &[Word], services: &mut Services, ctx: &mut Ctx<'_>) -> Result<Recipient, Answer> {
        let conf = Arc::clone(&self.conf);
        if self.transaction.is_none() {
            self.errors_seen.push(ErrorClass::Protocol);
            return Err(error(503, "5.5.1 Error: need MAIL command"));
        }
        let (Some(word), true) = (words.get(2), keyword(words, "to:")) else {
            self.errors_seen.push(ErrorClass::Protocol);
            return Err(error(501, "5.5.4 Syntax: RCPT TO:<address>"));
        };
        let Some(found) = self.extract(word, false, conf.strict_rfc821, services, ctx) else {
            return Err(error(501, "5.1.3 Bad recipient address syntax"));
        };
        let (mut notify, mut orcpt) = (None::<Notify>, SmolStr::default());
        for word in words.iter().skip(3) {
            let (name, value) = word.text.split_once('=').unwrap_or((&word.text, ""));
            match name.to_ascii_uppercase().as_str() {
                "NOTIFY" | "ORCPT" if conf.discards("DSN") => {
                    return Err(error(501, "5.7.1 DSN support is disabled"));
                }
                "NOTIFY" => match address::notify(value) {
                    Ok(value) if notify.is_none() => notify = Some(value),
                    result => {
                        if let Err(Some(bad)) = result {
                            services.log.warn(
                                ctx,
                                &conf.tag,
                                format_args!("unknown DSN NOTIFY command value \"{bad}\" in \"{value}\""),
                            );
                        }
                        return Err(error(501, "5.5.4 Error: Bad NOTIFY parameter syntax"));
                    }
                },
                "ORCPT" => match address::orcpt(value) {
                    Some(value) if orcpt.is_empty() => orcpt = value,
                    _ => return Err(error(501, "5.5.4 Error: Bad ORCPT parameter syntax")),
                },
                _ => return Err(error(555, format!("5.5.4 Unsupported option: {}", word.text))),
            }
        }
        if let Some(transaction) = &mut self.transaction
            && conf.recipient_limit > 0
            && transaction.recipients.len() as u64 >= conf.recipient_limit
        {
            transaction.overshoot += 1;
            let reply = Reply::new(452, "4.5.3 Error: too many recipients");
            let over = transaction.overshoot > conf.recipient_overshoot_limit;
            return Err(if over { Answer::error(reply) } else { Answer::ok(reply) });
        }
        Ok(Recipient {
            address: found.clone(),
            original: found,
            orcpt,
            notify: notify.unwrap_or_default(),
            done: false,
        })
    }

    fn bdat(&mut self, words: &[Word]) -> Answer {
        let size = words.get(1).and_then(|word| word.text.parse::<u64>().ok());
        let last = words.get(2).map(|word| word.text.eq_ignore_ascii_case("LAST"));
        let (Some(size), true) = (size, last != Some(false) && words.len() <= 3) else {
            return Answer::close(Reply::new(521, "5.5.4 Syntax: BDAT count [LAST]"));
        };
        let limit = self.conf.message_size_limit;
        Answer { reply: None, error: false, next: Next::Chunk { size, last: last.is_some(), limit } }
    }

    /// A refused chunk is on its way already and must be skipped.
    fn discard_chunk(&self, words: &[Word], answer: Answer) -> Answer {
        let chunk = words.first().is_some_and(|word| word.text.eq_ignore_ascii_case("BDAT"));
        match words.get(1).and_then(|word| word.text.parse().ok()) {
            Some(size) if chunk => Answer { next: Next::Discard { size }, ..answer },
            _ => answer,
        }
    }

    fn vrfy(&mut self, words: &[Word], services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        if self.conf.disable_vrfy {
            return Some(error(502, "5.5.1 VRFY command is disabled"));
        }
        let Some(word) = words.get(1) else {
            self.errors_seen.push(ErrorClass::Protocol);
            let text =
                if self.conf.smtputf8 { "5.5.4 Syntax: VRFY address [SMTPUTF8]" } else { "5.5.4 Syntax: VRFY address" };
            return Some(error(501, text));
        };
        let Some(found) = self.extract(word, false, false, services, ctx) else {
            return Some(error(501, "5.1.3 Bad recipient address syntax"));
        };
        self.run(Pending::Verify { word: word.text.clone(), address: found }, services, ctx)
    }

    fn etrn(&mut self, words: &[Word], services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
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
        use crate::mta::postfix::maps::Subject;
        let eligible = self.conf.fast_flush_domains.matches(Subject::Domain(domain), ctx.host);
        if matches!(eligible, Ok(Some(_))) {
            return ok(250, "Queuing started");
        }
        let from = &self.peer.namaddr;
        services.log.warn(ctx, &self.conf.tag, format_args!("reject: ETRN {domain}... from {from}"));
        error(459, format!("<{domain}>: service unavailable"))
    }
}

fn keyword(words: &[Word], keyword: &str) -> bool {
    words.get(1).is_some_and(|word| word.text.eq_ignore_ascii_case(keyword))
}
