//! What an outsider tried a server with: recipients asked for without sending a message.

use crate::trace::EventId;
use crate::view::verdict::Verdict;

/// Probes from which on they are a battery, and get a verdict of their own.
const BATTERY: usize = 3;

/// One recipient that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The command that named the sender.
    pub mail: EventId,
    /// The command that named the recipient.
    pub rcpt: EventId,
    /// Its reply.
    pub reply: EventId,
    /// The reply's code.
    pub code: u16,
    /// Whether a rule let it through that trusts the client: its mail would be relayed anywhere.
    pub relays: bool,
}

/// The probes of a server since its configuration was last read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    all: Vec<Probe>,
    /// Those at the end that a message may still be sent to.
    open: usize,
}

impl Probes {
    /// The probes in order.
    pub fn all(&self) -> &[Probe] {
        &self.all
    }

    /// Adds one.
    pub fn add(&mut self, probe: Probe) {
        self.all.push(probe);
        self.open += 1;
    }

    /// The recipients asked for last got their message: they were no probes.
    pub fn sent(&mut self) {
        self.all.truncate(self.all.len().saturating_sub(self.open));
        self.open = 0;
    }

    /// No message is sent to the recipients asked for last.
    pub fn given_up(&mut self) {
        self.open = 0;
    }

    /// Whether there are enough to be looked at together.
    pub fn is_battery(&self) -> bool {
        self.all.len() >= BATTERY
    }

    /// What they say about the server, and the last one of them.
    pub fn verdict(&self) -> Option<(EventId, Verdict)> {
        let last = self.all.last().filter(|_| self.is_battery())?;
        let verdict = match self.all.iter().any(|probe| probe.relays) {
            true => Verdict::OpenRelay,
            false if self.all.iter().all(|probe| probe.code >= 400) => Verdict::RelayRefused,
            false => return None,
        };
        Some((last.reply, verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(code: u16, relays: bool) -> Probe {
        Probe { mail: EventId(1), rcpt: EventId(2), reply: EventId(3), code, relays }
    }

    #[test]
    fn one_probe_that_gets_through_is_enough() {
        let mut probes = Probes::default();
        (0..4).for_each(|_| probes.add(probe(554, false)));
        assert_eq!(probes.verdict(), Some((EventId(3), Verdict::RelayRefused)));
        probes.add(probe(250, true));
        assert_eq!(probes.verdict(), Some((EventId(3), Verdict::OpenRelay)));
    }

    #[test]
    fn recipients_of_a_message_are_no_probes() {
        let mut probes = Probes::default();
        probes.add(probe(250, true));
        probes.given_up();
        probes.add(probe(250, true));
        probes.sent();
        assert_eq!(probes.all().len(), 1);
        assert_eq!(probes.verdict(), None);
    }
}
