//! Why a delivery attempt failed (`dsb`, `smtp_trouble.c`).

use smol_str::{SmolStr, format_smolstr};

use crate::smtp::reply::{Reply, enhanced_prefix};

/// Status code, reason and what the other side said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// `4.4.1`.
    pub dsn: SmolStr,
    /// The text of the log line.
    pub reason: String,
    /// The server that answered; empty if none did.
    pub remote_mta: SmolStr,
    /// Its reply in one line.
    pub remote_reply: String,
}

impl Trouble {
    /// A trouble that this side found.
    pub fn new(dsn: &str, reason: impl Into<String>) -> Trouble {
        Trouble { dsn: dsn.into(), reason: reason.into(), ..Trouble::default() }
    }

    /// The excuse when nothing else is known.
    pub fn unavailable() -> Trouble {
        Trouble::new("4.3.0", "server unavailable or unable to receive mail")
    }

    /// A server's refusal: `reason` quotes the reply.
    pub fn said(host: &str, reply: &Reply, reason: String) -> Trouble {
        if !matches!(reply.code / 100, 4 | 5) {
            let remote_reply = reply.joined();
            return Trouble { dsn: "5.5.0".into(), reason, remote_mta: host.into(), remote_reply };
        }
        Trouble { dsn: status(reply), reason, remote_mta: host.into(), remote_reply: reply.joined() }
    }

    /// Whether trying again may help.
    pub fn is_soft(&self) -> bool {
        self.dsn.starts_with('4')
    }

    /// Makes a permanent trouble a transient one.
    pub fn soften(&mut self) {
        if self.dsn.starts_with('5') {
            self.dsn = format_smolstr!("4{}", &self.dsn[1..]);
        }
    }
}

/// The enhanced status code of a reply's last line; without one of the same class, `X.0.0`.
pub fn status(reply: &Reply) -> SmolStr {
    let class = reply.code / 100;
    let stated = reply.lines.last().and_then(|line| enhanced_prefix(line));
    match stated.filter(|code| code.as_bytes().first().is_some_and(|digit| u16::from(digit - b'0') == class)) {
        Some(code) => code.into(),
        None => format_smolstr!("{class}.0.0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_gives_the_status_if_its_class_fits() {
        for (code, lines, want) in [
            (550, vec!["5.1.1 no such user"], "5.1.1"),
            (550, vec!["no such user"], "5.0.0"),
            (450, vec!["5.1.1 odd"], "4.0.0"),
            (550, vec!["5.1.1 first", "5.7.1 last"], "5.7.1"),
        ] {
            let reply = Reply::multi(code, lines.into_iter().map(Into::into).collect());
            assert_eq!(status(&reply), want, "{reply}");
        }
    }

    #[test]
    fn replies_that_are_neither_refusal_nor_consent_are_protocol_errors() {
        let trouble = Trouble::said("mx", &Reply::new(354, "go on"), "host mx said: 354".into());
        assert_eq!((trouble.dsn.as_str(), trouble.reason.as_str()), ("5.5.0", "host mx said: 354"));
    }
}
