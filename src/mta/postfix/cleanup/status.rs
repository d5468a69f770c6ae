//! What can go wrong with a message in cleanup(8) (`cleanup_strerror.c`).

use std::ops::BitOrAssign;

/// A set of problems.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status(u8);

impl Status {
    /// None.
    pub const OK: Status = Status(0);
    /// Malformed input.
    pub const BAD: Status = Status(1);
    /// The queue file cannot be written, or a table cannot be read.
    pub const WRITE: Status = Status(2);
    /// The message is too large.
    pub const SIZE: Status = Status(4);
    /// The content is rejected.
    pub const CONT: Status = Status(8);
    /// Too many hops.
    pub const HOPS: Status = Status(16);
    /// No recipients.
    pub const RCPT: Status = Status(32);
    /// Try again later.
    pub const DEFER: Status = Status(64);

    /// Problems that even a submitter who wants bounces is told of at once.
    const LETHAL: Status = Status(Status::BAD.0 | Status::WRITE.0 | Status::DEFER.0);

    /// Whether there is none.
    pub fn is_ok(self) -> bool {
        self == Status::OK
    }

    /// Whether one of these is there.
    pub fn has(self, other: Status) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether the message cannot be bounced.
    pub fn is_lethal(self) -> bool {
        self.has(Status::LETHAL)
    }

    /// The gravest problem: SMTP reply code, enhanced status code and text.
    pub fn detail(self) -> (u16, &'static str, &'static str) {
        const DETAILS: [(Status, u16, &str, &str); 7] = [
            (Status::DEFER, 451, "4.7.1", "service unavailable"),
            (Status::BAD, 451, "4.3.0", "internal protocol error"),
            (Status::RCPT, 550, "5.1.0", "no recipients specified"),
            (Status::HOPS, 554, "5.4.0", "too many hops"),
            (Status::SIZE, 552, "5.3.4", "message file too big"),
            (Status::CONT, 550, "5.7.1", "message content rejected"),
            (Status::WRITE, 451, "4.3.0", "queue file write error"),
        ];
        DETAILS
            .iter()
            .find(|(status, ..)| self.has(*status))
            .map_or((250, "2.0.0", "Success"), |&(_, code, dsn, text)| (code, dsn, text))
    }
}

impl BitOrAssign for Status {
    fn bitor_assign(&mut self, other: Status) {
        self.0 |= other.0;
    }
}

/// Why cleanup(8) did not take a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason.as_deref().unwrap_or(self.status.detail().2))]
pub struct CleanupError {
    /// The problems.
    pub status: Status,
    /// Enhanced status code and text of a rule that gave one: `5.7.1 no pills please`.
    pub reason: Option<String>,
}

impl CleanupError {
    /// The reply of smtpd(8) to the end of the data.
    pub fn smtp_reply(&self) -> String {
        let status = self.status;
        match &self.reason {
            Some(reason) if status.has(Status::DEFER) => format!("451 {reason}"),
            None if status.has(Status::DEFER) => "451 4.7.1 service unavailable".to_owned(),
            _ if status.has(Status::BAD) => "451 4.3.0 Error: internal error 1".to_owned(),
            _ if status.has(Status::SIZE) => "552 5.3.4 Error: message too large".to_owned(),
            _ if status.has(Status::HOPS) => "554 5.4.0 Error: too many hops".to_owned(),
            Some(reason) if status.has(Status::CONT) => format!("550 {reason}"),
            None if status.has(Status::CONT) => "550 5.7.1 Error: content rejected".to_owned(),
            _ if status.has(Status::WRITE) => "451 4.3.0 Error: queue file write error".to_owned(),
            _ if status.has(Status::RCPT) => "550 5.1.0 Error: no recipients specified".to_owned(),
            _ => "451 4.3.0 Error: internal error 0".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_problem_decides_the_reply() {
        let mut status = Status::CONT;
        let rejected = CleanupError { status, reason: Some("5.7.1 no pills please".to_owned()) };
        assert_eq!(rejected.smtp_reply(), "550 5.7.1 no pills please");
        status |= Status::DEFER;
        let deferred = CleanupError { status, reason: Some("4.6.0 Alias expansion error".to_owned()) };
        assert_eq!(deferred.smtp_reply(), "451 4.6.0 Alias expansion error");
        assert!(status.is_lethal() && !Status::CONT.is_lethal());
        assert_eq!(Status::SIZE.detail().2, "message file too big");
    }
}
