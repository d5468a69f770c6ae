//! Decisions that take time: the DNS, policy servers, probes, and pauses.

use smol_str::SmolStr;

use super::{Pending, Session};
use crate::host::Ctx;
use crate::mta::postfix::services::Services;
use crate::mta::postfix::smtpd::restrictions::Need;
use crate::smtp::server::Answer;

impl Session {
    /// Decides a command; if that takes time, the session waits.
    pub(super) fn decide(&mut self, pending: Pending, services: &mut Services, ctx: &mut Ctx<'_>) {
        if let Some(answer) = self.run(pending, services, ctx) {
            let input = self.said(answer, ctx);
            self.drive(input, services, ctx);
        }
    }

    pub(super) fn resume(&mut self, services: &mut Services, ctx: &mut Ctx<'_>) {
        if let Some(pending) = self.pending.take() {
            self.decide(pending, services, ctx);
        }
    }

    pub(in crate::mta::postfix::smtpd) fn run(
        &mut self,
        pending: Pending,
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Option<Answer> {
        match self.complete(&pending, services, ctx) {
            Ok(answer) => {
                self.answers.clear();
                Some(answer)
            }
            Err(need) => {
                self.pending = Some(pending);
                self.need(need, services, ctx);
                None
            }
        }
    }

    pub(super) fn need(&mut self, need: Need, services: &mut Services, ctx: &mut Ctx<'_>) {
        match need {
            Need::Dns(name, qtype) => ctx.resolve(self.token(), name, qtype),
            // The session waits for a daemon that never comes up.
            Need::Daemon => self.stalled = true,
            Need::Sleep(secs) => {
                self.wait(std::time::Duration::from_secs(secs), need, ctx);
            }
            Need::Policy(service) => self.ask_policy(service, services, ctx),
            Need::Again => self.wait(std::time::Duration::ZERO, need, ctx),
            Need::Verify(address) => {
                self.polls = 0;
                self.poll(address, services, ctx);
            }
        }
    }

    pub(in crate::mta::postfix::smtpd) fn wait(&mut self, span: std::time::Duration, need: Need, ctx: &mut Ctx<'_>) {
        let time = ctx.now + span;
        self.wake = Some((time, need));
        ctx.wake_at(time, self.token(), "smtpd waits");
    }

    pub(super) fn poll(&mut self, address: SmolStr, services: &mut Services, ctx: &mut Ctx<'_>) {
        let answer = crate::mta::postfix::verify::query(&address, services, ctx);
        self.polls += 1;
        let done = answer.status != crate::mta::postfix::verify::Status::Unknown;
        let (delay, last) = (services.verify.poll_delay, self.polls >= services.verify.poll_count);
        if done || last {
            self.answers.add_verified(address.clone(), answer.status, answer.text);
            // Not within this call: the machine is busy with the question.
            return self.wait(std::time::Duration::ZERO, Need::Again, ctx);
        }
        self.wait(delay, Need::Verify(address), ctx);
    }

    pub(super) fn waited(&mut self, need: Need, services: &mut Services, ctx: &mut Ctx<'_>) {
        match need {
            Need::Verify(address) => self.poll(address, services, ctx),
            Need::Daemon => {}
            Need::Sleep(_) => {
                self.answers.slept();
                self.resume(services, ctx);
            }
            Need::Policy(_) => self.policy_waited(services, ctx),
            Need::Dns(..) | Need::Again => self.resume(services, ctx),
        }
    }
}
