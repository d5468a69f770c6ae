//! The client's side of POP3 (RFC 1939; STLS: RFC 2595), sans-IO.

use super::retrieve::{Errand, Output, RetrieveError, Security};
use crate::mailbox::lines::Lines;

/// Which reply is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Awaited {
    Greeting,
    Capabilities {
        first: bool,
    },
    Stls,
    Handshake,
    User,
    Pass,
    Stat,
    /// The first line of the answer to RETR.
    Retr,
    /// The message itself so far.
    Mail(Vec<u8>),
    /// The owner stores the message.
    Store,
    Dele,
    Quit,
    Nothing,
}

/// A POP3 session, seen from the client.
#[derive(Clone, Debug)]
pub struct Pop3Client {
    errand: Errand,
    lines: Lines,
    awaited: Awaited,
    secure: bool,
    offers_stls: bool,
    /// The message that is fetched now, from 1.
    number: u64,
    count: u64,
}

/// Longest line of a message that is read.
const MAX_LINE: usize = 1 << 20;
/// Octets of a message that are read at most.
const MAX_MAIL: usize = 256 << 20;

impl Pop3Client {
    /// A session whose greeting is awaited.
    pub fn new(errand: Errand) -> Pop3Client {
        let lines = Lines::new(MAX_LINE);
        let secure = errand.security == Security::Implicit;
        Pop3Client { errand, lines, awaited: Awaited::Greeting, secure, offers_stls: false, number: 0, count: 0 }
    }

    /// Takes octets of the server.
    pub fn handle(&mut self, bytes: &[u8], out: &mut Vec<Output>) {
        self.lines.push(bytes);
        while !matches!(self.awaited, Awaited::Nothing | Awaited::Handshake | Awaited::Store) {
            match self.lines.take_line() {
                Ok(Some(line)) => self.line(line, out),
                Ok(None) => return,
                Err(error) => return self.fail(RetrieveError::Malformed(error.to_string()), out),
            }
        }
    }

    /// The TLS handshake is done.
    pub fn secured(&mut self, out: &mut Vec<Output>) {
        self.lines.clear();
        self.secure = true;
        self.say("CAPA".into(), Awaited::Capabilities { first: true }, out);
    }

    /// The last message is safely stored, or is to be left on the server.
    pub fn stored(&mut self, safely: bool, out: &mut Vec<Output>) {
        if self.awaited != Awaited::Store {
            return;
        }
        if safely && !self.errand.keep {
            self.say(format!("DELE {}", self.number), Awaited::Dele, out);
        } else {
            self.next_mail(out);
        }
        self.handle(b"", out);
    }

    fn say(&mut self, line: String, awaited: Awaited, out: &mut Vec<Output>) {
        self.awaited = awaited;
        out.push(Output::Command(line));
    }

    fn fail(&mut self, error: RetrieveError, out: &mut Vec<Output>) {
        self.awaited = Awaited::Nothing;
        out.push(Output::Failed(error));
    }

    fn line(&mut self, line: Vec<u8>, out: &mut Vec<Output>) {
        if let Awaited::Mail(content) = &mut self.awaited {
            match line.as_slice() {
                b"." => {
                    let content = std::mem::take(content).into();
                    self.awaited = Awaited::Store;
                    out.push(Output::Mail { number: self.number, content });
                }
                _ if content.len() + line.len() > MAX_MAIL => {
                    self.fail(RetrieveError::Malformed("message too long".into()), out);
                }
                text => {
                    content.extend_from_slice(text.strip_prefix(b".").unwrap_or(text));
                    content.push(b'\n');
                }
            }
            return;
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        out.push(Output::Reply(text.clone()));
        if let Awaited::Capabilities { first } = self.awaited {
            return self.capability(first, &text, out);
        }
        match (text.starts_with("+OK"), text.starts_with("-ERR")) {
            (true, _) => self.accepted(&text, out),
            (_, true) => self.refused(text.trim_start_matches("-ERR").trim().to_owned(), out),
            _ => self.fail(RetrieveError::Malformed(text), out),
        }
    }

    /// A line of the answer to CAPA; servers that do not know CAPA answer with one line.
    fn capability(&mut self, first: bool, text: &str, out: &mut Vec<Output>) {
        self.offers_stls |= !first && text.eq_ignore_ascii_case("STLS");
        if first && text.starts_with("+OK") {
            self.awaited = Awaited::Capabilities { first: false };
        } else if first || text == "." {
            match self.errand.security.asks(self.offers_stls) {
                Ok(true) if !self.secure => self.say("STLS".into(), Awaited::Stls, out),
                Err(error) if !self.secure => self.fail(error, out),
                _ => self.say(format!("USER {}", self.errand.login.user), Awaited::User, out),
            }
        }
    }

    fn accepted(&mut self, text: &str, out: &mut Vec<Output>) {
        match self.awaited {
            Awaited::Greeting => self.say("CAPA".into(), Awaited::Capabilities { first: true }, out),
            Awaited::Stls => {
                self.awaited = Awaited::Handshake;
                out.push(Output::StartTls);
            }
            Awaited::User => self.say(format!("PASS {}", self.errand.login.password), Awaited::Pass, out),
            Awaited::Pass => self.say("STAT".into(), Awaited::Stat, out),
            Awaited::Stat => {
                let mut numbers = text.split_ascii_whitespace().skip(1).map(|word| word.parse().ok());
                let (Some(Some(count)), octets) = (numbers.next(), numbers.next().flatten()) else {
                    return self.fail(RetrieveError::Malformed(text.to_owned()), out);
                };
                self.count = count;
                out.push(Output::Found { count, seen: None, octets });
                self.next_mail(out);
            }
            Awaited::Retr => self.awaited = Awaited::Mail(Vec::new()),
            Awaited::Dele => self.next_mail(out),
            Awaited::Quit => {
                self.awaited = Awaited::Nothing;
                out.push(Output::Done);
            }
            _ => {}
        }
    }

    fn refused(&mut self, reply: String, out: &mut Vec<Output>) {
        let user = self.errand.login.user.clone();
        match self.awaited {
            Awaited::User | Awaited::Pass => self.fail(RetrieveError::Login { user, reply }, out),
            _ => self.fail(RetrieveError::Refused(reply), out),
        }
    }

    fn next_mail(&mut self, out: &mut Vec<Output>) {
        if self.number == self.count {
            return self.say("QUIT".into(), Awaited::Quit, out);
        }
        self.number += 1;
        self.say(format!("RETR {}", self.number), Awaited::Retr, out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Credentials;
    use super::*;

    fn client(starttls: bool, keep: bool) -> Pop3Client {
        let login = Credentials { user: "bob".into(), password: "secret".into() };
        let security = Security::on_port(starttls, 110);
        Pop3Client::new(Errand { login, keep, all: true, security })
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
    fn fetches_and_deletes_each_message_after_it_is_stored() {
        let mut client = client(false, false);
        let mut out = Vec::new();
        client.handle(b"+OK ready\r\n+OK\r\nUIDL\r\nSTLS\r\n.\r\n+OK\r\n+OK in\r\n+OK 2 40\r\n", &mut out);
        assert_eq!(commands(&out), ["CAPA", "USER bob", "PASS secret", "STAT", "RETR 1"]);
        client.handle(b"+OK\r\nA: 1\r\n\r\n..dot\r\n.\r\n", &mut out);
        let content = b"A: 1\n\n.dot\n".as_slice().into();
        assert_eq!(out.last(), Some(&Output::Mail { number: 1, content }));
        out.clear();
        client.stored(true, &mut out);
        client.handle(b"+OK\r\n+OK\r\nB: 2\r\n.\r\n", &mut out);
        client.stored(false, &mut out);
        client.handle(b"+OK bye\r\n", &mut out);
        assert_eq!(commands(&out), ["DELE 1", "RETR 2", "QUIT"]);
        assert_eq!(out.last(), Some(&Output::Done));
    }

    #[test]
    fn a_wrong_password_and_missing_tls_end_the_session() {
        let mut out = Vec::new();
        client(false, true).handle(b"+OK\r\n-ERR what\r\n+OK\r\n-ERR [AUTH] no\r\n", &mut out);
        let error = RetrieveError::Login { user: "bob".into(), reply: "[AUTH] no".into() };
        assert_eq!(out.last(), Some(&Output::Failed(error)));
        client(true, true).handle(b"+OK\r\n+OK\r\nUIDL\r\n.\r\n", &mut out);
        assert_eq!(out.last(), Some(&Output::Failed(RetrieveError::NoTls)));
    }

    proptest! {
        #[test]
        fn any_server_ends_in_a_bounded_number_of_steps(said in "([+]OK|-ERR|[.]| |[0-9]|\r\n){0,80}") {
            let mut client = client(false, false);
            let mut out = Vec::new();
            client.handle(said.as_bytes(), &mut out);
            client.stored(true, &mut out);
            prop_assert!(out.len() <= 2 * said.len() + 8);
        }
    }
}
