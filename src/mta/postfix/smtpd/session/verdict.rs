//! What the restriction lists say about a command, and how it is told.

use std::fmt::Write;
use std::sync::Arc;

use smol_str::SmolStr;

use super::{Session, Subjects};
use crate::host::{Ctx, Priority};
use crate::mta::postfix::services::Services;
use crate::mta::postfix::smtpd::restrictions::{Facts, Flow, List, Lookups, Need, Note, Rejection, Run};
use crate::trace::{Decision, Kind};

impl Session {
    /// Evaluates restriction lists for the present command. The refusal is logged.
    pub(in crate::mta::postfix::smtpd) fn check(
        &mut self,
        which: &[List],
        subjects: Subjects<'_>,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Result<Result<Run, Rejection>, Need> {
        if self.submitter.is_some() {
            return Ok(Ok(Run::default()));
        }
        let conf = Arc::clone(&self.conf);
        let facts = Facts {
            peer: &self.peer,
            helo: subjects.helo,
            sender: subjects.sender,
            recipient: subjects.recipient,
            recipients: self.transaction.as_ref().map_or(0, |transaction| transaction.recipients.len() as u64),
            login: self.login.as_ref().map(|(_, login)| login.as_str()),
            mechanism: self.login.as_ref().map(|(mechanism, _)| mechanism.as_str()),
            held: self.transaction.as_ref().is_some_and(|transaction| transaction.actions.hold),
            encrypted: self.tls.is_some(),
            bad_pipelining: self.bad_pipelining,
            etrn: subjects.etrn,
            early: !conf.checks.delay_reject && matches!(which, [List::Client | List::Helo | List::Sender]),
            carried: self.carried.before(which),
            stage: self.stage,
        };
        let mut run = Run::default();
        let lookups = Lookups { answers: &mut self.answers, services, ctx };
        let flow = conf.checks.evaluate(which, facts, lookups, &mut run);
        if let Flow::Need(need) = flow {
            return Err(need);
        }
        if facts.early {
            self.carried.keep(which, run.defer_if_permit.clone());
        }
        for query in std::mem::take(&mut run.queries) {
            ctx.note(|| query);
        }
        let steps = run.looked.clone();
        for looked in std::mem::take(&mut run.looked) {
            ctx.note(|| looked.event());
        }
        for note in std::mem::take(&mut run.notes) {
            match note {
                Note::Happened(what, text) => self.whatsup(what, &text, subjects, services, ctx),
                Note::Info(line) => services.log.info(ctx, &conf.tag, format_args!("{line}")),
                Note::Line(line) => services.log.log(ctx, Priority::Warning, &conf.tag, format_args!("{line}")),
            }
        }
        let deciding = steps.iter().rev().find(|looked| looked.matched);
        let (list, restriction) = match deciding {
            Some(looked) => (looked.list.parameter(), looked.rule.clone()),
            None => (which.last().map_or("", |list| list.parameter()), SmolStr::default()),
        };
        let (action, text) = match &flow {
            Flow::Reject(rejection) => ("reject", SmolStr::from(rejection.line())),
            _ => ("permit", SmolStr::default()),
        };
        if ctx.trace.is_full() || action == "reject" {
            let question = format!("is {} from {} permitted?", self.stage, self.peer.namaddr);
            ctx.emit_why(Kind::PolicyVerdict { list: list.into(), restriction, action: action.into(), text }, || {
                let mut decision = Decision::about(question);
                for looked in steps {
                    decision.step(looked.rule, looked.input, looked.matched, looked.result);
                    decision.at(looked.source);
                }
                decision.verdict(action)
            });
        }
        match flow {
            Flow::Reject(rejection) => {
                self.whatsup("reject", &rejection.line(), subjects, services, ctx);
                self.errors_seen.push(rejection.class);
                // What tables asked for before the refusal holds for the message nevertheless.
                if let Some(transaction) = &mut self.transaction {
                    transaction.actions.merge(run.actions);
                }
                Ok(Err(*rejection))
            }
            _ => Ok(Ok(run)),
        }
    }

    /// `QUEUEID: what: RCPT from client: text; from=<…> to=<…> proto=… helo=<…>`.
    pub(in crate::mta::postfix::smtpd) fn whatsup(
        &self,
        what: &str,
        text: &str,
        subjects: Subjects<'_>,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) {
        use crate::smtp::path::quote_address;
        if !ctx.trace.is_full() {
            return;
        }
        let id = self.queue_id.as_deref().unwrap_or("NOQUEUE");
        let mut line = format!("{id}: {what}: {} from {}: {text};", self.stage, self.peer.namaddr);
        // Writing to a string does not fail.
        if let Some(sender) = subjects.sender {
            let _ = write!(line, " from=<{}>", quote_address(sender));
        }
        if let Some(recipient) = subjects.recipient {
            let _ = write!(line, " to=<{}>", quote_address(recipient));
        }
        let _ = write!(line, " proto={}", if self.esmtp { "ESMTP" } else { "SMTP" });
        if let Some(helo) = subjects.helo {
            let _ = write!(line, " helo=<{helo}>");
        }
        services.log.info(ctx, &self.conf.tag, format_args!("{line}"));
    }
}
