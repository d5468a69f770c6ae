//! The arguments of MAIL and RCPT (RFC 5321, section 4.1.1; RFC 3461; RFC 1870).

use std::sync::Arc;

use smol_str::SmolStr;

use super::address;
use super::chunk::Chunks;
use super::commands::error;
use super::data::Transaction;
use super::restrictions::ErrorClass;
use super::session::Session;
use crate::host::Ctx;
use crate::mta::postfix::anvil::Rate;
use crate::mta::postfix::queue_file::{Notify, Recipient};
use crate::mta::postfix::services::Services;
use crate::mta::postfix::trivial_rewrite;
use crate::mta::postfix::verp;
use crate::smtp::command::{Word, WordKind};
use crate::smtp::reply::Reply;
use crate::smtp::server::Answer;

impl Session {
    /// An address of a command in internal form, or its refusal.
    pub(super) fn extract(
        &mut self,
        word: &Word<'_>,
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
        if let Some(plain) = address::plain(word.text)
            && services.rewrite.knows(plain)
        {
            return Some(plain.into());
        }
        let sender = self.transaction.as_ref().map(|transaction| transaction.sender.clone()).unwrap_or_default();
        let smtputf8 = self.transaction.as_ref().is_none_or(|transaction| transaction.smtputf8);
        let found = address::extract(word.text, strict).filter(|found| {
            if found.is_empty() {
                return may_be_empty;
            }
            if strict && found.starts_with('@') || address::is_list(word.text) || !address::is_well_formed(word.text) {
                return false;
            }
            let resolved = trivial_rewrite::resolve_once(services, &sender, found, ctx);
            let ascii_domain = found.rsplit_once('@').is_none_or(|(_, domain)| domain.is_ascii());
            !resolved.bad_address && (ascii_domain || smtputf8)
        });
        if found.is_none() {
            let (from, stage, text) = (&self.peer.namaddr, self.stage, word.text);
            services.log.warn(
                ctx,
                &self.conf.tag,
                format_args!("Illegal address syntax from {from} in {stage} command: {text}"),
            );
            self.errors_seen.push(ErrorClass::Protocol);
        }
        found
    }

    /// The transaction that MAIL begins, or its refusal.
    pub(super) fn parse_mail(
        &mut self,
        words: &[Word<'_>],
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
        if self.chunks != Chunks::None {
            self.errors_seen.push(ErrorClass::Protocol);
            return Err(error(503, "5.5.1 Error: MAIL after BDAT"));
        }
        if let Some(refusal) = self.count_command(Rate::Message, services, ctx) {
            return Err(refusal);
        }
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
                ("SMTPUTF8", None) if conf.smtputf8 && !self.discards("SMTPUTF8") => transaction.smtputf8 = true,
                ("AUTH", Some(value)) if conf.sasl.enabled && value != "<>" => transaction.sasl_sender = value.into(),
                ("AUTH", Some(_)) => {}
                ("RET" | "ENVID", Some(_)) if self.discards("DSN") => {
                    return Err(error(501, "5.7.1 DSN support is disabled"));
                }
                ("RET", Some(value)) => match address::ret(value) {
                    Some(ret) if transaction.ret.is_none() => transaction.ret = Some(ret),
                    _ => return Err(error(501, "5.5.4 Bad RET parameter syntax")),
                },
                ("ENVID", Some(value)) => match address::xtext_decode(value) {
                    Some(text)
                        if !text.is_empty() && transaction.envid.is_empty() && !text.contains(char::is_control) =>
                    {
                        transaction.envid = text.into();
                    }
                    _ => return Err(error(501, "5.5.4 Bad ENVID parameter syntax")),
                },
                ("XVERP", _) if self.authorized.verp => match value.unwrap_or(&conf.verp_delimiters) {
                    _ if transaction.sender.is_empty() => {
                        self.errors_seen.push(ErrorClass::Protocol);
                        return Err(error(503, "5.5.4 Error: XVERP requires non-null sender"));
                    }
                    delimiters if verp::are_delimiters(delimiters, &conf.verp_filter) => {
                        transaction.verp = delimiters.into();
                    }
                    _ => {
                        self.errors_seen.push(ErrorClass::Protocol);
                        let filter = &conf.verp_filter;
                        return Err(error(501, format!("5.5.4 Error: XVERP needs two characters from {filter}")));
                    }
                },
                _ => return Err(error(555, format!("5.5.4 Unsupported option: {}", word.text))),
            }
        }
        if conf.strict_smtputf8 && !transaction.smtputf8 && !transaction.sender.is_ascii() {
            self.errors_seen.push(ErrorClass::Protocol);
            return Err(error(553, "5.6.7 Must declare SMTPUTF8 to send unicode address"));
        }
        Ok(transaction)
    }

    /// The recipient that RCPT names, or its refusal.
    pub(super) fn parse_rcpt(
        &mut self,
        words: &[Word<'_>],
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Result<Recipient, Answer> {
        let conf = Arc::clone(&self.conf);
        if self.transaction.is_none() {
            self.errors_seen.push(ErrorClass::Protocol);
            return Err(error(503, "5.5.1 Error: need MAIL command"));
        }
        let (Some(word), true) = (words.get(2), keyword(words, "to:")) else {
            self.errors_seen.push(ErrorClass::Protocol);
            return Err(error(501, "5.5.4 Syntax: RCPT TO:<address>"));
        };
        if self.chunks != Chunks::None {
            self.errors_seen.push(ErrorClass::Protocol);
            return Err(error(503, "5.5.1 Error: RCPT after BDAT"));
        }
        if let Some(refusal) = self.count_command(Rate::Recipient, services, ctx) {
            return Err(refusal);
        }
        let Some(found) = self.extract(word, false, conf.strict_rfc821, services, ctx) else {
            return Err(error(501, "5.1.3 Bad recipient address syntax"));
        };
        let (mut notify, mut orcpt) = (None::<Notify>, SmolStr::default());
        for word in words.iter().skip(3) {
            let Some((name, value)) = word.text.split_once('=') else {
                return Err(error(555, format!("5.5.4 Unsupported option: {}", word.text)));
            };
            match name.to_ascii_uppercase().as_str() {
                "NOTIFY" | "ORCPT" if self.discards("DSN") => {
                    return Err(error(501, "5.7.1 DSN support is disabled"));
                }
                "NOTIFY" => match address::notify(value) {
                    Ok(value) if notify.is_none() => notify = Some(value),
                    result => {
                        if let Err(Some(bad)) = result
                            && !bad.is_empty()
                        {
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
        if orcpt.is_empty() {
            // As the client wrote it (RFC 3461, section 5.2.1).
            let text = word.text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(word.text);
            orcpt = ["rfc822;", text].concat().into();
        }
        Ok(Recipient {
            address: found.clone(),
            original: found,
            orcpt,
            notify: notify.unwrap_or_default(),
            done: false,
        })
    }
}

fn keyword(words: &[Word<'_>], keyword: &str) -> bool {
    words.get(1).is_some_and(|word| word.text.eq_ignore_ascii_case(keyword))
}
