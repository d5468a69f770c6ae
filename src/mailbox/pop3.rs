//! A POP3 server as a sans-IO machine (RFC 1939, CAPA of RFC 2449, STLS of RFC 2595, AUTH PLAIN of
//! RFC 5034). Its words are those of Dovecot 2.3.

use super::lines::Lines;
pub use super::output::Output;
use super::sasl;
use super::store::{Flags, Mail, Store};

/// Longest command line; longer ones end the session (RFC 2449 says 255, Dovecot takes more).
const MAX_LINE: usize = 8192;
/// Unknown commands in a row before the server hangs up: until the login, and after it
/// (`CLIENT_MAX_BAD_COMMANDS` of `pop3-login` and `pop3`).
const MAX_BAD: [u32; 2] = [3, 21];
const UNKNOWN: &str = "-ERR Unknown command.";
/// Logins that may fail before the server hangs up.
const MAX_FAILURES: u32 = 10;

/// Where the session is (RFC 1939 section 3).
#[derive(Clone, Debug)]
enum State {
    /// AUTHORIZATION; with the name that USER gave.
    Authorization { user: Option<String>, plain: bool },
    /// TRANSACTION on the messages that were there at login.
    Transaction {
        user: String,
        mails: Vec<Mail>,
        deleted: Vec<bool>,
        /// Those that were fetched whole: they count as read (`pop3_no_flag_updates = no`).
        read: Vec<bool>,
    },
    /// The session is over.
    Closed,
}

/// A POP3 session, seen from the server.
#[derive(Clone, Debug)]
pub struct Server {
    state: State,
    lines: Lines,
    tls: Tls,
    plaintext_allowed: bool,
    failures: u32,
    /// Unknown commands in a row.
    bad: u32,
}

/// Whether the connection is or could be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// No certificate: STLS is not offered.
    Unavailable,
    /// STLS is offered.
    Offered,
    /// The handshake is done.
    Active,
}

impl Server {
    /// A new session. Without `plaintext_allowed` logins need TLS (`disable_plaintext_auth`).
    pub fn new(tls: Tls, plaintext_allowed: bool, out: &mut Vec<Output>) -> Server {
        out.push(Output::Send(b"+OK Dovecot (Debian) ready.\r\n".to_vec()));
        let state = State::Authorization { user: None, plain: false };
        Server { state, lines: Lines::new(MAX_LINE), tls, plaintext_allowed, failures: 0, bad: 0 }
    }

    /// The TLS handshake is done; the client starts over.
    pub fn secured(&mut self) {
        self.tls = Tls::Active;
        self.lines.clear();
        self.state = State::Authorization { user: None, plain: false };
    }

    /// Takes octets from the client.
    pub fn handle(&mut self, bytes: &[u8], store: &mut dyn Store, out: &mut Vec<Output>) {
        self.lines.push(bytes);
        while !matches!(self.state, State::Closed) {
            match self.lines.take_line() {
                Ok(Some(line)) => self.line(&String::from_utf8_lossy(&line), store, out),
                Ok(None) => break,
                Err(_) => {
                    out.push(Output::Send(b"-ERR Input line too long\r\n".to_vec()));
                    return self.close(out);
                }
            }
        }
    }

    /// The connection has ended: what was fetched stays marked as read.
    pub fn lost(&mut self, store: &mut dyn Store) {
        if let State::Transaction { user, mails, deleted, read } = &self.state {
            mark_read(user, mails, deleted, read, store);
        }
        self.state = State::Closed;
    }

    fn close(&mut self, out: &mut Vec<Output>) {
        self.state = State::Closed;
        out.push(Output::Close);
    }

    fn user(&self) -> String {
        match &self.state {
            State::Transaction { user, .. } => user.clone(),
            State::Authorization { user, .. } => user.clone().unwrap_or_default(),
            State::Closed => String::new(),
        }
    }

    fn line(&mut self, line: &str, store: &mut dyn Store, out: &mut Vec<Output>) {
        if let State::Authorization { plain: true, .. } = self.state {
            self.state = State::Authorization { user: None, plain: false };
            return self.auth_plain(line, store, out);
        }
        let (verb, args) = line.split_once(' ').unwrap_or((line, ""));
        let verb = verb.to_ascii_uppercase();
        let args = args.trim();
        let shown =
            if matches!(verb.as_str(), "PASS" | "AUTH" | "APOP") { format!("{verb} ****") } else { line.to_owned() };
        let user = self.user();
        let sent = out.len();
        match (&mut self.state, verb.as_str()) {
            (_, "QUIT") => self.quit(store, out),
            (_, "CAPA") => self.capa(out),
            (State::Authorization { .. }, "STLS") if self.tls == Tls::Offered => {
                reply(out, "+OK Begin TLS negotiation now.");
                self.lines.clear();
                out.push(Output::StartTls);
            }
            (State::Authorization { .. }, "USER" | "PASS" | "AUTH")
                if self.tls != Tls::Active && !self.plaintext_allowed =>
            {
                reply(out, "-ERR [AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.");
            }
            (State::Authorization { user, .. }, "USER") if !args.is_empty() => {
                *user = Some(args.to_owned());
                reply(out, "+OK");
            }
            (State::Authorization { user, .. }, "PASS") => match user.take() {
                Some(name) => self.login(&name, args, store, out),
                None => reply(out, "-ERR No username given."),
            },
            (State::Authorization { plain, .. }, "AUTH") => {
                let (mechanism, initial) = args.split_once(' ').unwrap_or((args, ""));
                match (mechanism.to_ascii_uppercase().as_str(), initial) {
                    ("", _) => reply(out, "+OK\r\nPLAIN\r\n."),
                    ("PLAIN", "") => {
                        *plain = true;
                        reply(out, "+ ");
                    }
                    ("PLAIN", initial) => self.auth_plain(initial, store, out),
                    _ => reply(out, "-ERR [AUTH] Unsupported authentication mechanism."),
                }
            }
            (State::Transaction { mails, deleted, read, .. }, command) => {
                if command == "RETR"
                    && let Ok((index, _)) = pick(args, mails, deleted)
                {
                    read[index] = true;
                }
                transaction(command, args, mails, deleted, out);
            }
            _ => reply(out, UNKNOWN),
        }
        let first = out[sent..].iter().find_map(|output| match output {
            Output::Send(bytes) => Some(String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned()),
            _ => None,
        });
        let first = first.unwrap_or_default();
        self.bad = if first == UNKNOWN { self.bad + 1 } else { 0 };
        out.push(Output::Command(user, shown, first));
        match &self.state {
            State::Authorization { .. } if self.bad >= MAX_BAD[0] => {
                reply(out, "-ERR Too many invalid bad commands.");
                self.close(out);
            }
            State::Transaction { .. } if self.bad >= MAX_BAD[1] => {
                reply(out, "-ERR Too many bad commands.");
                self.close(out);
            }
            _ => {}
        }
    }

    fn capa(&self, out: &mut Vec<Output>) {
        let mut text = "+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nPIPELINING\r\nAUTH-RESP-CODE\r\n".to_owned();
        if self.tls == Tls::Offered {
            text.push_str("STLS\r\n");
        }
        if self.tls == Tls::Active || self.plaintext_allowed {
            text.push_str("USER\r\nSASL PLAIN\r\n");
        } else {
            text.push_str("SASL\r\n");
        }
        text.push('.');
        reply(out, &text);
    }

    /// RFC 4616: authorization identity, name and password, separated by NUL.
    fn auth_plain(&mut self, encoded: &str, store: &mut dyn Store, out: &mut Vec<Output>) {
        match sasl::plain(encoded) {
            Some((user, password)) => self.login(&user, &password, store, out),
            None if encoded.trim() == "*" => reply(out, "-ERR [AUTH] Authentication aborted by client."),
            None => reply(out, "-ERR [AUTH] Invalid base64 data in continued response"),
        }
    }

    fn login(&mut self, user: &str, password: &str, store: &mut dyn Store, out: &mut Vec<Output>) {
        if !store.login(user, password) {
            self.failures += 1;
            reply(out, "-ERR [AUTH] Authentication failed.");
            if self.failures >= MAX_FAILURES {
                self.close(out);
            }
            return;
        }
        match store.open(user, "INBOX") {
            Ok(folder) => {
                let deleted = vec![false; folder.mails.len()];
                self.state = State::Transaction {
                    user: user.to_owned(),
                    mails: folder.mails,
                    read: vec![false; deleted.len()],
                    deleted,
                };
                reply(out, "+OK Logged in.");
            }
            Err(error) => {
                reply(out, &format!("-ERR [SYS/PERM] Failed to open mailbox: {error}"));
                self.close(out);
            }
        }
    }

    /// QUIT in the TRANSACTION state removes what DELE marked (RFC 1939 section 6, UPDATE).
    fn quit(&mut self, store: &mut dyn Store, out: &mut Vec<Output>) {
        let text = match &self.state {
            State::Transaction { user, mails, deleted, read } => {
                mark_read(user, mails, deleted, read, store);
                let gone: Vec<u32> =
                    mails.iter().zip(deleted).filter(|(_, gone)| **gone).map(|(mail, _)| mail.uid).collect();
                let removed = if gone.is_empty() { Ok(()) } else { store.expunge(user, "INBOX", &gone) };
                match removed {
                    Ok(()) if gone.is_empty() => "+OK Logging out.".to_owned(),
                    Ok(()) => "+OK Logging out, messages deleted.".to_owned(),
                    Err(error) => format!("-ERR [SYS/PERM] Logging out, messages not deleted: {error}"),
                }
            }
            _ => "+OK Logging out".to_owned(),
        };
        reply(out, &text);
        self.close(out);
    }
}

/// Marks the messages as read that were fetched and stay. A mailbox that cannot be written stays as it is.
fn mark_read(user: &str, mails: &[Mail], deleted: &[bool], read: &[bool], store: &mut dyn Store) {
    let changes: Vec<(u32, Flags)> = mails
        .iter()
        .zip(deleted.iter().zip(read))
        .filter(|(mail, (deleted, read))| **read && !**deleted && !mail.flags.seen)
        .map(|(mail, _)| (mail.uid, Flags { seen: true, ..mail.flags }))
        .collect();
    if !changes.is_empty() {
        let _ = store.set_flags(user, "INBOX", &changes);
    }
}

fn reply(out: &mut Vec<Output>, text: &str) {
    out.push(Output::Send(format!("{text}\r\n").into_bytes()));
}

/// A message by the number that a client gave, unless it is marked as deleted.
fn pick<'a>(arg: &str, mails: &'a [Mail], deleted: &[bool]) -> Result<(usize, &'a Mail), &'static str> {
    let number: usize = arg.trim().parse().map_err(|_| "-ERR Noise after message number")?;
    let index = number.checked_sub(1).ok_or("-ERR There's no message 0.")?;
    match (mails.get(index), deleted.get(index)) {
        (Some(mail), Some(false)) => Ok((index, mail)),
        (Some(_), _) => Err("-ERR Message is deleted."),
        _ => Err("-ERR There's no such message."),
    }
}

fn transaction(command: &str, args: &str, mails: &[Mail], deleted: &mut [bool], out: &mut Vec<Output>) {
    let live = |deleted: &[bool]| -> Vec<(usize, u64)> {
        let sizes = mails.iter().map(|mail| mail.content.len() as u64).enumerate();
        sizes.zip(deleted).filter(|(_, gone)| !**gone).map(|(entry, _)| entry).collect()
    };
    let text = match command {
        "STAT" => {
            let live = live(deleted);
            format!("+OK {} {}", live.len(), live.iter().map(|(_, size)| size).sum::<u64>())
        }
        "LIST" if args.is_empty() => {
            let live = live(deleted);
            let mut text = format!("+OK {} messages:\r\n", live.len());
            live.iter().for_each(|(index, size)| text.push_str(&format!("{} {size}\r\n", index + 1)));
            text + "."
        }
        "UIDL" if args.is_empty() => {
            let mut text = "+OK\r\n".to_owned();
            live(deleted)
                .iter()
                .for_each(|(index, _)| text.push_str(&format!("{} {:08x}\r\n", index + 1, mails[*index].uid)));
            text + "."
        }
        "NOOP" => "+OK".to_owned(),
        "RSET" => {
            deleted.fill(false);
            "+OK".to_owned()
        }
        "LIST" | "UIDL" | "DELE" | "RETR" => match pick(args, mails, deleted) {
            Err(text) => text.to_owned(),
            Ok((index, mail)) if command == "LIST" => format!("+OK {} {}", index + 1, mail.content.len()),
            Ok((index, mail)) if command == "UIDL" => format!("+OK {} {:08x}", index + 1, mail.uid),
            Ok((index, _)) if command == "DELE" => {
                deleted[index] = true;
                "+OK Marked to be deleted.".to_owned()
            }
            Ok((_, mail)) => return send_message(&format!("+OK {} octets", mail.content.len()), &mail.content, out),
        },
        "TOP" => {
            let (number, count) = args.split_once(' ').unwrap_or((args, ""));
            match (pick(number, mails, deleted), count.trim().parse::<usize>()) {
                (Err(text), _) => text.to_owned(),
                (_, Err(_)) => "-ERR Invalid number of lines".to_owned(),
                (Ok((_, mail)), Ok(count)) => return send_message("+OK", &top(&mail.content, count), out),
            }
        }
        _ => UNKNOWN.to_owned(),
    };
    reply(out, &text);
}

/// The header and the first lines of the body (RFC 1939 section 7).
fn top(content: &[u8], count: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut in_header = true;
    let mut left = count;
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        if !in_header {
            if left == 0 {
                break;
            }
            left -= 1;
        }
        in_header = in_header && line != b"\r\n";
        text.extend_from_slice(line);
    }
    text
}

/// Sends a multi-line reply with dot-stuffing (RFC 1939 section 3).
fn send_message(first: &str, content: &[u8], out: &mut Vec<Output>) {
    let mut wire = format!("{first}\r\n").into_bytes();
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    if !wire.ends_with(b"\r\n") {
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    out.push(Output::Send(wire));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mailbox::memory::MemoryStore;

    fn talk(store: &mut MemoryStore, lines: &[&str]) -> Vec<String> {
        let mut out = Vec::new();
        let mut server = Server::new(Tls::Unavailable, true, &mut out);
        for line in lines {
            server.handle(format!("{line}\r\n").as_bytes(), store, &mut out);
        }
        let sent = out.iter().filter_map(|output| match output {
            Output::Send(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        });
        sent.collect::<String>().lines().map(str::to_owned).collect()
    }

    #[test]
    fn who_sends_only_garbage_is_cut_off() {
        let said = talk(&mut MemoryStore::default(), &["x", "y", "CAPA", "a", "b", "c", "CAPA"]);
        assert_eq!(said[said.len() - 2..], [UNKNOWN, "-ERR Too many invalid bad commands."]);
    }

    #[test]
    fn what_is_fetched_whole_counts_as_read_even_if_the_client_just_goes() {
        let mut store = MemoryStore::with("bob", "secret", &["A: 1\r\n\r\nx\r\n", "A: 2\r\n\r\nx\r\n", "A: 3\r\n\r\n"]);
        let mut server = Server::new(Tls::Unavailable, true, &mut Vec::new());
        let lines = b"USER bob\r\nPASS secret\r\nTOP 1 0\r\nRETR 2\r\nRETR 3\r\nDELE 3\r\n";
        server.handle(lines, &mut store, &mut Vec::new());
        server.lost(&mut store);
        let mails = store.open("bob", "INBOX").unwrap().mails;
        assert_eq!(mails.iter().map(|mail| mail.flags.seen).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn a_session_lists_reads_and_deletes() {
        let mut store =
            MemoryStore::with("bob", "secret", &["Subject: one\r\n\r\n.dot\r\n", "Subject: two\r\n\r\nx\r\ny\r\n"]);
        let lines =
            ["USER bob", "PASS secret", "STAT", "RETR 1", "TOP 2 1", "DELE 1", "LIST", "UIDL 2", "RETR 1", "QUIT"];
        let said = talk(&mut store, &lines);
        let expected = [
            "+OK Dovecot (Debian) ready.",
            "+OK",
            "+OK Logged in.",
            "+OK 2 44",
            "+OK 22 octets",
            "Subject: one",
            "",
            "..dot",
            ".",
            "+OK",
            "Subject: two",
            "",
            "x",
            ".",
            "+OK Marked to be deleted.",
            "+OK 1 messages:",
            "2 22",
            ".",
            "+OK 2 00000002",
            "-ERR Message is deleted.",
            "+OK Logging out, messages deleted.",
        ];
        assert_eq!(said, expected);
        assert_eq!(store.open("bob", "INBOX").unwrap().mails.len(), 1);
    }

    #[test]
    fn a_wrong_password_is_refused_and_messages_stay() {
        let mut store = MemoryStore::with("bob", "secret", &["Subject: one\r\n\r\n"]);
        let said = talk(&mut store, &["USER bob", "PASS wrong", "STAT", "QUIT"]);
        assert_eq!(said[2..], ["-ERR [AUTH] Authentication failed.", "-ERR Unknown command.", "+OK Logging out"]);
    }

    #[test]
    fn without_tls_plaintext_logins_can_be_forbidden() {
        let mut out = Vec::new();
        let mut store = MemoryStore::with("bob", "secret", &[]);
        let mut server = Server::new(Tls::Offered, false, &mut out);
        server.handle(b"USER bob\r\nSTLS\r\nSTAT\r\n", &mut store, &mut out);
        assert!(out.contains(&Output::StartTls));
        server.secured();
        server.handle(b"USER bob\r\nPASS secret\r\n", &mut store, &mut out);
        assert!(out.contains(&Output::Send(b"+OK Logged in.\r\n".to_vec())));
    }

    proptest! {
        #[test]
        fn any_octets_are_answered_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut store = MemoryStore::with("bob", "secret", &["Subject: one\r\n\r\n"]);
            let mut out = Vec::new();
            let mut server = Server::new(Tls::Offered, true, &mut out);
            server.handle(b"USER bob\r\nPASS secret\r\n", &mut store, &mut out);
            server.handle(&bytes, &mut store, &mut out);
        }
    }
}
