//! The choice of a mail server: the candidates of an MX lookup and what became of each.

use smol_str::SmolStr;

use crate::trace::{ConnectResult, EventId};

/// What became of one mail server in a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It has not been asked.
    Waiting,
    /// It is being asked.
    Trying,
    /// It could not be reached.
    Failed(ConnectResult),
    /// It was reached, but did not take the mail yet.
    Passed,
    /// It refused the mail for good.
    Refused,
    /// The mail was given up before it was asked.
    Unreached,
    /// It took the mail.
    Won,
}

/// One server of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Preference and name as chosen: `10 fks1.example.org`.
    pub text: SmolStr,
    /// What became of it.
    pub attempt: Attempt,
}

/// A choice between mail servers that a host is working through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MxList {
    /// The event of the choice.
    pub event: EventId,
    /// For which mail.
    pub queue_id: SmolStr,
    /// The domain asked for.
    pub domain: SmolStr,
    /// The servers, best first.
    pub candidates: Vec<Candidate>,
    /// Whether nothing is tried any more.
    pub over: bool,
    /// Whether a server has answered.
    reached: bool,
}

impl MxList {
    /// A choice of which the first candidate is being asked.
    pub fn new(event: EventId, queue_id: &SmolStr, domain: &SmolStr, candidates: &[SmolStr]) -> MxList {
        let candidate = |(number, text): (usize, &SmolStr)| Candidate {
            text: text.clone(),
            attempt: if number == 0 { Attempt::Trying } else { Attempt::Waiting },
        };
        MxList {
            event,
            queue_id: queue_id.clone(),
            domain: domain.clone(),
            candidates: candidates.iter().enumerate().map(candidate).collect(),
            over: false,
            reached: false,
        }
    }

    /// Whether the servers were looked up as those of a domain. A next hop in brackets is a host (transport(5)).
    pub fn is_looked_up(&self) -> bool {
        !self.domain.contains('[')
    }

    /// A server with its preference, if that comes from an MX record: a host that is its own server has none.
    pub fn label<'a>(&self, candidate: &'a Candidate) -> &'a str {
        match candidate.text.split_once(' ') {
            Some(("0", server)) if !self.is_looked_up() || server == self.domain => server,
            _ => &candidate.text,
        }
    }

    fn find(&self, name: &str, addr: &str) -> Option<usize> {
        self.candidates.iter().position(|candidate| {
            let server = candidate.text.rsplit(' ').next().unwrap_or_default();
            server == name || (!addr.is_empty() && server.contains(addr))
        })
    }

    /// The host has tried to reach a server, by name or address.
    pub fn tried(&mut self, name: &str, addr: &str, result: ConnectResult) {
        let Some(at) = self.find(name, addr) else { return };
        self.reached |= result == ConnectResult::Open;
        if self.over {
            // Who waits for an answer may give up before the connection is given up.
            let candidate = &mut self.candidates[at];
            if candidate.attempt == Attempt::Passed && result != ConnectResult::Open {
                candidate.attempt = Attempt::Failed(result);
            }
            return;
        }
        for (number, candidate) in self.candidates.iter_mut().enumerate() {
            match candidate.attempt {
                _ if number == at => {
                    candidate.attempt = match result {
                        ConnectResult::Open => Attempt::Trying,
                        failed => Attempt::Failed(failed),
                    };
                }
                // It answered, or was passed over, and now another one is asked.
                Attempt::Trying if number < at => candidate.attempt = Attempt::Passed,
                _ => {}
            }
        }
        if result != ConnectResult::Open
            && let Some(next) = self.candidates.iter_mut().find(|candidate| candidate.attempt == Attempt::Waiting)
        {
            next.attempt = Attempt::Trying;
        }
    }

    /// A server took the mail.
    pub fn won(&mut self, name: &str) {
        if let Some(candidate) = self.find(name, "").and_then(|at| self.candidates.get_mut(at)) {
            candidate.attempt = Attempt::Won;
        }
    }

    /// The server that was asked last refused the mail for good, or could not even be asked.
    pub fn refused(&mut self) {
        let attempt = if self.reached { Attempt::Refused } else { Attempt::Unreached };
        for candidate in self.candidates.iter_mut().filter(|candidate| candidate.attempt == Attempt::Trying) {
            candidate.attempt = attempt;
        }
    }

    /// Nothing is tried any more: nobody waits to be asked.
    pub fn end(&mut self) {
        self.over = true;
        for candidate in self.candidates.iter_mut().filter(|candidate| candidate.attempt == Attempt::Trying) {
            candidate.attempt = Attempt::Passed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(list: &MxList) -> Vec<Attempt> {
        list.candidates.iter().map(|candidate| candidate.attempt).collect()
    }

    #[test]
    fn the_next_one_is_asked_until_one_takes_the_mail() {
        let names = ["10 a.example".into(), "20 b.example".into(), "30 c.example".into()];
        let mut list = MxList::new(EventId(1), &"Q".into(), &"example".into(), &names);
        assert_eq!(attempts(&list), [Attempt::Trying, Attempt::Waiting, Attempt::Waiting]);
        list.tried("a.example", "192.0.2.1", ConnectResult::Timeout);
        list.tried("b.example", "192.0.2.2", ConnectResult::Open);
        let failed = Attempt::Failed(ConnectResult::Timeout);
        assert_eq!(attempts(&list), [failed, Attempt::Trying, Attempt::Waiting]);
        list.won("b.example");
        list.end();
        assert_eq!(attempts(&list), [failed, Attempt::Won, Attempt::Waiting]);
    }

    #[test]
    fn a_preference_is_shown_where_an_mx_record_has_one() {
        let label = |domain: &str, server: &str| {
            let list = MxList::new(EventId(1), &"Q".into(), &domain.into(), &[server.into()]);
            list.label(&list.candidates[0]).to_owned()
        };
        assert_eq!(label("example", "0 a.example"), "0 a.example");
        assert_eq!(label("example", "0 example"), "example");
        assert_eq!(label("[a.example]:587", "0 a.example"), "a.example");
    }

    #[test]
    fn a_server_that_never_answered_has_refused_nothing() {
        let mut list = MxList::new(EventId(1), &"Q".into(), &"example".into(), &["10 a.example".into()]);
        list.refused();
        assert_eq!(attempts(&list), [Attempt::Unreached]);
    }

    #[test]
    fn a_late_reason_still_counts() {
        let mut list = MxList::new(EventId(1), &"Q".into(), &"example".into(), &["10 a.example".into()]);
        list.end();
        list.tried("a.example", "192.0.2.1", ConnectResult::Timeout);
        assert_eq!(attempts(&list), [Attempt::Failed(ConnectResult::Timeout)]);
    }

    #[test]
    fn one_that_answers_without_taking_the_mail_is_passed_over() {
        let names = ["10 a.example".into(), "20 b.example".into()];
        let mut list = MxList::new(EventId(1), &"Q".into(), &"example".into(), &names);
        list.tried("a.example", "192.0.2.1", ConnectResult::Open);
        list.tried("b.example", "192.0.2.2", ConnectResult::Open);
        assert_eq!(attempts(&list), [Attempt::Passed, Attempt::Trying]);
    }
}
