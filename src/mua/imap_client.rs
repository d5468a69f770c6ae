//! The client's side of IMAP (RFC 3501), as far as fetching mail from INBOX needs it; sans-IO.

use super::retrieve::{Errand, Output, RetrieveError, Security, to_unix};
use crate::mailbox::lines::Lines;

/// Which tagged reply is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Greeting,
    Capability,
    StartTls,
    Handshake,
    Login,
    Select,
    Search,
    Fetch,
    /// The owner stores the message.
    Store,
    Flags,
    Expunge,
    Logout,
    Nothing,
}

/// An IMAP session, seen from the client.
#[derive(Clone, Debug)]
pub struct ImapClient {
    errand: Errand,
    lines: Lines,
    awaited: Awaited,
    secure: bool,
    offers_starttls: bool,
    tag: u32,
    /// Numbers of the messages that are still to be fetched, the next one last.
    waiting: Vec<u64>,
    number: u64,
    /// Messages in the mailbox.
    exists: u64,
    deleted: bool,
    /// The literal that is awaited, in octets.
    literal: Option<usize>,
    mail: Option<Vec<u8>>,
}

/// Longest line that is read.
const MAX_LINE: usize = 1 << 16;
/// Longest literal that is read.
const MAX_LITERAL: usize = 256 << 20;
/// Messages that are fetched in one session at most.
const MAX_MAILS: usize = 100_000;

impl ImapClient {
    /// A session whose greeting is awaited.
    pub fn new(errand: Errand) -> ImapClient {
        ImapClient {
            secure: errand.security == Security::Implicit,
            errand,
            lines: Lines::new(MAX_LINE),
            awaited: Awaited::Greeting,
            offers_starttls: false,
            tag: 0,
            waiting: Vec::new(),
            number: 0,
            exists: 0,
            deleted: false,
            literal: None,
            mail: None,
        }
    }

    /// Takes octets of the server.
    pub fn handle(&mut self, bytes: &[u8], out: &mut Vec<Output>) {
        self.lines.push(bytes);
        while !matches!(self.awaited, Awaited::Nothing | Awaited::Handshake | Awaited::Store) {
            if let Some(size) = self.literal {
                let Some(octets) = self.lines.take(size) else { return };
                self.literal = None;
                self.mail = Some(octets);
                continue;
            }
            match self.lines.take_line() {
                Ok(Some(line)) => self.line(&String::from_utf8_lossy(&line), out),
                Ok(None) => return,
                Err(error) => return self.fail(RetrieveError::Malformed(error.to_string()), out),
            }
        }
    }

    /// The TLS handshake is done.
    pub fn secured(&mut self, out: &mut Vec<Output>) {
        self.lines.clear();
        self.secure = true;
        self.say("CAPABILITY".into(), Awaited::Capability, out);
    }

    /// The last message is safely stored, or is to be left on the server.
    pub fn stored(&mut self, safely: bool, out: &mut Vec<Output>) {
        if self.awaited != Awaited::Store {
            return;
        }
        match (safely, self.errand.keep) {
            (false, _) => self.next_mail(out),
            (true, keep) => {
                self.deleted |= !keep;
                let flags = if keep { "\\Seen" } else { "\\Seen \\Deleted" };
                self.say(format!("STORE {} +FLAGS ({flags})", self.number), Awaited::Flags, out);
            }
        }
        self.handle(b"", out);
    }

    fn say(&mut self, command: String, awaited: Awaited, out: &mut Vec<Output>) {
        self.tag += 1;
        self.awaited = awaited;
        out.push(Output::Command(format!("A{:04} {command}", self.tag)));
    }

    fn fail(&mut self, error: RetrieveError, out: &mut Vec<Output>) {
        self.awaited = Awaited::Nothing;
        out.push(Output::Failed(error));
    }

    fn line(&mut self, text: &str, out: &mut Vec<Output>) {
        out.push(Output::Reply(text.to_owned()));
        if self.awaited == Awaited::Greeting {
            return match text.starts_with("* OK") {
                true => self.say("CAPABILITY".into(), Awaited::Capability, out),
                false => self.fail(RetrieveError::Malformed(text.to_owned()), out),
            };
        }
        let tag = format!("A{:04} ", self.tag);
        if let Some(reply) = text.strip_prefix(tag.as_str()) {
            return match reply.split_once(' ').map_or(reply, |(word, _)| word) {
                "OK" => self.completed(out),
                _ => self.refused(reply.to_owned(), out),
            };
        }
        self.untagged(text, out);
    }

    fn untagged(&mut self, text: &str, out: &mut Vec<Output>) {
        if let Some(size) = text.strip_suffix('}').and_then(|text| text.rsplit_once('{')?.1.parse::<usize>().ok()) {
            if size > MAX_LITERAL {
                return self.fail(RetrieveError::Malformed("message too long".into()), out);
            }
            self.literal = Some(size);
        } else if let Some(list) = text.strip_prefix("* CAPABILITY ") {
            self.offers_starttls = list.split(' ').any(|word| word.eq_ignore_ascii_case("STARTTLS"));
        } else if let Some(count) = text.strip_prefix("* ").and_then(|text| text.strip_suffix(" EXISTS")) {
            self.exists = count.parse().unwrap_or(self.exists);
        } else if let Some(list) = text.strip_prefix("* SEARCH") {
            let numbers = list.split_ascii_whitespace().filter_map(|word| word.parse().ok());
            self.waiting = numbers.take(MAX_MAILS).collect();
            self.waiting.reverse();
        }
    }

    fn completed(&mut self, out: &mut Vec<Output>) {
        match self.awaited {
            Awaited::Capability => match self.errand.security.asks(self.offers_starttls) {
                Ok(true) if !self.secure => self.say("STARTTLS".into(), Awaited::StartTls, out),
                Err(error) if !self.secure => self.fail(error, out),
                _ => {
                    let [user, password] =
                        [&self.errand.login.user, &self.errand.login.password].map(|text| quoted(text));
                    self.say(format!("LOGIN {user} {password}"), Awaited::Login, out);
                }
            },
            Awaited::StartTls => {
                self.awaited = Awaited::Handshake;
                out.push(Output::StartTls);
            }
            Awaited::Login => self.say("SELECT \"INBOX\"".into(), Awaited::Select, out),
            Awaited::Select => {
                let which = if self.errand.all { "ALL" } else { "UNSEEN" };
                self.say(format!("SEARCH {which}"), Awaited::Search, out);
            }
            Awaited::Search => {
                let new = self.waiting.len() as u64;
                let seen = (!self.errand.all).then(|| self.exists.saturating_sub(new));
                out.push(Output::Found { count: self.exists.max(new), seen, octets: None });
                self.next_mail(out);
            }
            Awaited::Fetch => match self.mail.take() {
                Some(octets) => {
                    self.awaited = Awaited::Store;
                    out.push(Output::Mail { number: self.number, content: to_unix(&octets).into() });
                }
                None => self.next_mail(out),
            },
            Awaited::Flags => self.next_mail(out),
            Awaited::Expunge => self.say("LOGOUT".into(), Awaited::Logout, out),
            Awaited::Logout => {
                self.awaited = Awaited::Nothing;
                out.push(Output::Done);
            }
            Awaited::Greeting | Awaited::Handshake | Awaited::Store | Awaited::Nothing => {}
        }
    }

    fn refused(&mut self, reply: String, out: &mut Vec<Output>) {
        let user = self.errand.login.user.clone();
        match self.awaited {
            Awaited::Login => self.fail(RetrieveError::Login { user, reply }, out),
            _ => self.fail(RetrieveError::Refused(reply), out),
        }
    }

    fn next_mail(&mut self, out: &mut Vec<Output>) {
        match self.waiting.pop() {
            Some(number) => {
                self.number = number;
                self.say(format!("FETCH {number} (BODY.PEEK[])"), Awaited::Fetch, out);
            }
            None if self.deleted => self.say("EXPUNGE".into(), Awaited::Expunge, out),
            None => self.say("LOGOUT".into(), Awaited::Logout, out),
        }
    }
}

/// A quoted string (RFC 3501, section 4.3).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Credentials;
    use super::*;

    fn client(starttls: bool) -> ImapClient {
        let login = Credentials { user: "bob".into(), password: "sec\"ret".into() };
        let security = Security::on_port(starttls, 143);
        ImapClient::new(Errand { login, keep: false, all: false, security })
    }

    fn commands(out: &[Output]) -> Vec<&str> {
        out.iter()
            .filter_map(|output| match output {
                Output::Command(line) => Some(line.as_str()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn fetches_flags_and_expunges() {
        let mut client = client(false);
        let mut out = Vec::new();
        client.handle(b"* OK ready\r\n* CAPABILITY IMAP4rev1 STARTTLS\r\nA0001 OK done\r\nA0002 OK in\r\n", &mut out);
        client.handle(b"* 2 EXISTS\r\nA0003 OK [READ-WRITE] selected\r\n* SEARCH 2\r\nA0004 OK found\r\n", &mut out);
        client.handle(b"* 2 FETCH (BODY[] {10}\r\nA: 1\r\n\r\nx\n)\r\nA0005 OK fetched\r\n", &mut out);
        assert_eq!(out.last(), Some(&Output::Mail { number: 2, content: b"A: 1\n\nx\n".as_slice().into() }));
        client.stored(true, &mut out);
        client.handle(b"A0006 OK\r\n* 2 EXPUNGE\r\nA0007 OK\r\n* BYE\r\nA0008 OK\r\n", &mut out);
        assert_eq!(out.last(), Some(&Output::Done));
        let expect = [
            "A0001 CAPABILITY",
            "A0002 LOGIN \"bob\" \"sec\\\"ret\"",
            "A0003 SELECT \"INBOX\"",
            "A0004 SEARCH UNSEEN",
            "A0005 FETCH 2 (BODY.PEEK[])",
            "A0006 STORE 2 +FLAGS (\\Seen \\Deleted)",
            "A0007 EXPUNGE",
            "A0008 LOGOUT",
        ];
        assert_eq!(commands(&out), expect);
    }

    #[test]
    fn a_wrong_password_ends_the_session() {
        let mut out = Vec::new();
        client(false).handle(b"* OK\r\nA0001 OK\r\nA0002 NO [AUTHENTICATIONFAILED] no\r\n", &mut out);
        let reply = "NO [AUTHENTICATIONFAILED] no".to_owned();
        assert_eq!(out.last(), Some(&Output::Failed(RetrieveError::Login { user: "bob".into(), reply })));
    }

    proptest! {
        #[test]
        fn any_server_is_survived(said in "(A000[0-9] |OK|NO|[*]| |[{}0-9]|SEARCH|\r\n){0,80}") {
            let mut client = client(true);
            let mut out = Vec::new();
            client.handle(said.as_bytes(), &mut out);
            client.stored(true, &mut out);
            prop_assert!(out.len() <= 2 * said.len() + 8);
        }
    }
}
