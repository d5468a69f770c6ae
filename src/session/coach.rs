//! What a practice coach says when a server refuses what somebody typed: what was expected.

use crate::scenario::problem::nearest;

/// SMTP commands that a learner may mean.
const SMTP: [&str; 13] =
    ["HELO", "EHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY", "ETRN", "STARTTLS", "AUTH"];
const POP3: [&str; 13] =
    ["USER", "PASS", "STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "QUIT", "TOP", "UIDL", "CAPA", "STLS"];
const IMAP: [&str; 18] = [
    "LOGIN",
    "SELECT",
    "EXAMINE",
    "LIST",
    "FETCH",
    "STORE",
    "SEARCH",
    "UID",
    "EXPUNGE",
    "CLOSE",
    "LOGOUT",
    "NOOP",
    "CAPABILITY",
    "STARTTLS",
    "APPEND",
    "COPY",
    "CREATE",
    "IDLE",
];

/// A hint: a text of the locale, and a word that stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The text's name.
    pub id: &'static str,
    /// The command that was probably meant.
    pub meant: Option<&'static str>,
}

/// All texts that a hint may name.
pub const TEXTS: [&str; 22] = [
    "coach-help",
    "coach-unknown",
    "coach-helo",
    "coach-mail",
    "coach-rcpt",
    "coach-auth-syntax",
    "coach-arguments",
    "coach-helo-first",
    "coach-mail-first",
    "coach-rcpt-first",
    "coach-nested-mail",
    "coach-order",
    "coach-relay",
    "coach-no-user",
    "coach-later",
    "coach-tls-first",
    "coach-password",
    "coach-size",
    "coach-domain",
    "coach-pop3",
    "coach-imap",
    "coach-meant",
];

fn verb(line: &str) -> String {
    line.split([' ', ':', '\t']).next().unwrap_or_default().to_ascii_uppercase()
}

fn meant(found: &str, known: &'static [&'static str]) -> Option<&'static str> {
    nearest(found, known.iter().copied()).filter(|near| *near != found)
}

/// What to say when an SMTP server answered a line so; `None` if nothing was refused.
pub fn smtp(line: &str, code: u16, text: &str) -> Option<Hint> {
    let verb = verb(line);
    let plain = |id| Some(Hint { id, meant: None });
    match code {
        0..400 => None,
        500 | 502 if verb == "HELP" => plain("coach-help"),
        500 | 502 => Some(Hint { id: "coach-unknown", meant: meant(&verb, &SMTP) }),
        501 | 504 | 555 => plain(match verb.as_str() {
            "HELO" | "EHLO" => "coach-helo",
            "MAIL" => "coach-mail",
            "RCPT" => "coach-rcpt",
            "AUTH" => "coach-auth-syntax",
            _ => "coach-arguments",
        }),
        503 if text.contains("HELO") => plain("coach-helo-first"),
        503 if text.contains("nested") => plain("coach-nested-mail"),
        503 if text.contains("MAIL") => plain("coach-mail-first"),
        503 if text.contains("RCPT") => plain("coach-rcpt-first"),
        503 => plain("coach-order"),
        530 => plain("coach-tls-first"),
        535 => plain("coach-password"),
        552 => plain("coach-size"),
        _ if text.contains("elay") => plain("coach-relay"),
        550 if text.contains("nknown") => plain("coach-no-user"),
        _ if text.contains("omain") => plain("coach-domain"),
        554 if verb == "DATA" => plain("coach-rcpt-first"),
        400..500 => plain("coach-later"),
        _ => None,
    }
}

/// The same for a POP3 server.
pub fn pop3(line: &str, reply: &str) -> Option<Hint> {
    reply.starts_with("-ERR").then(|| Hint { id: "coach-pop3", meant: meant(&verb(line), &POP3) })
}

/// The same for an IMAP server.
pub fn imap(line: &str, reply: &str) -> Option<Hint> {
    let command = line.split_whitespace().nth(1).unwrap_or_default().to_ascii_uppercase();
    let refused = reply.contains(" BAD ") || reply.starts_with("* BAD");
    refused.then(|| Hint { id: "coach-imap", meant: meant(&command, &IMAP) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::words::{Lang, Words};

    #[test]
    fn refusals_lead_to_what_was_expected() {
        for (line, code, text, expect) in [
            ("MIAL FROM:<a@b>", 502, "5.5.2 Error: command not recognized", Some(("coach-unknown", Some("MAIL")))),
            ("help", 500, "5.5.2 Error: command not recognized", Some(("coach-help", None))),
            ("RCPT TO:<a@b>", 503, "5.5.1 Error: need MAIL command", Some(("coach-mail-first", None))),
            ("MAIL a@b", 501, "5.5.4 Syntax: MAIL FROM:<address>", Some(("coach-mail", None))),
            ("RCPT TO:<a@b>", 554, "5.7.1 <a@b>: Relay access denied", Some(("coach-relay", None))),
            ("RCPT TO:<a@b>", 450, "4.2.0 <a@b>: Greylisted", Some(("coach-later", None))),
            ("NOOP", 250, "2.0.0 Ok", None),
        ] {
            let found = smtp(line, code, text).map(|hint| (hint.id, hint.meant));
            assert_eq!(found, expect, "{line}");
        }
        assert_eq!(pop3("USR bob", "-ERR Unknown command.").and_then(|hint| hint.meant), Some("USER"));
        assert_eq!(imap("a SELCT INBOX", "a BAD Unknown").and_then(|hint| hint.meant), Some("SELECT"));
    }

    #[test]
    fn every_hint_has_words_in_both_languages() {
        for lang in [Lang::En, Lang::De] {
            let words = Words::new(lang);
            for id in TEXTS {
                assert_ne!(words.word(id), id, "{lang:?}");
            }
        }
    }
}
