//! Where a session stands, and how long it waits there (RFC 5321 section 4.5.3.2).

use std::time::Duration;

/// What a reply answers, or what was being done when a connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The server's greeting.
    Greeting,
    /// EHLO.
    Ehlo,
    /// HELO.
    Helo,
    /// LHLO (RFC 2033).
    Lhlo,
    /// STARTTLS.
    StartTls,
    /// AUTH, or a response within it.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA.
    Data,
    /// The content and its final dot.
    EndOfData,
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
}

/// How long each reply is waited for; the names are those of Postfix's smtp(8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// `smtp_helo_timeout`: greeting, EHLO, HELO, AUTH.
    pub helo: Duration,
    /// `smtp_starttls_timeout`: STARTTLS and the handshake.
    pub starttls: Duration,
    /// `smtp_mail_timeout`.
    pub mail: Duration,
    /// `smtp_rcpt_timeout`.
    pub rcpt: Duration,
    /// `smtp_data_init_timeout`: the reply to DATA.
    pub data_init: Duration,
    /// `smtp_data_done_timeout`: the reply to the final dot.
    pub data_done: Duration,
    /// `smtp_rset_timeout`.
    pub rset: Duration,
    /// `smtp_quit_timeout`.
    pub quit: Duration,
}

impl Stage {
    /// The command as people name it: `RCPT TO`, `end of DATA`.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Greeting => "greeting",
            Stage::Ehlo => "EHLO",
            Stage::Helo => "HELO",
            Stage::Lhlo => "LHLO",
            Stage::StartTls => "STARTTLS",
            Stage::Auth => "AUTH",
            Stage::Mail => "MAIL FROM",
            Stage::Rcpt => "RCPT TO",
            Stage::Data => "DATA",
            Stage::EndOfData => "end of DATA",
            Stage::Rset => "RSET",
            Stage::Quit => "QUIT",
        }
    }
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let seconds = Duration::from_secs;
        Timeouts {
            helo: seconds(300),
            starttls: seconds(300),
            mail: seconds(300),
            rcpt: seconds(300),
            data_init: seconds(120),
            data_done: seconds(600),
            rset: seconds(20),
            quit: seconds(300),
        }
    }
}

impl Timeouts {
    pub(super) fn of(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Greeting | Stage::Ehlo | Stage::Helo | Stage::Lhlo | Stage::Auth => self.helo,
            Stage::StartTls => self.starttls,
            Stage::Mail => self.mail,
            Stage::Rcpt => self.rcpt,
            Stage::Data => self.data_init,
            Stage::EndOfData => self.data_done,
            Stage::Rset => self.rset,
            Stage::Quit => self.quit,
        }
    }
}
