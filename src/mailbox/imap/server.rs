//! The session: states and commands (RFC 3501 sections 3 and 6).

use self::mailboxes::folder_result;
use super::syntax::{self, Arg};
use crate::mailbox::lines::Lines;
pub use crate::mailbox::output::Output;
use crate::mailbox::pop3::Tls;
use crate::mailbox::sasl;
use crate::mailbox::store::{Folder, Store};

mod mailboxes;
mod selected;

/// Longest command line, without literals.
const MAX_LINE: usize = 65_536;
/// Wrong commands before the server hangs up: until the login, and in a row after it
/// (`CLIENT_MAX_BAD_COMMANDS` of `imap-login` and `imap`).
const MAX_BAD: [u32; 2] = [3, 20];
const TOO_MANY: &str = "BYE Too many invalid IMAP commands.";
/// Longest literal: the largest message that APPEND takes.
const MAX_LITERAL: usize = 64 << 20;

/// Where the session is (RFC 3501 section 3).
#[derive(Clone, Debug)]
enum State {
    NotAuthenticated,
    Authenticated { user: String },
    Selected { user: String, name: String, folder: Folder, read_only: bool },
    Logout,
}

/// A command that is not complete yet.
#[derive(Clone, Debug)]
enum Pending {
    /// Octets so far, and how many more of a literal.
    Literal(Vec<u8>, usize),
    /// `AUTHENTICATE PLAIN` waits for the response; with the tag.
    Plain(String),
    /// IDLE waits for DONE; with the tag.
    Idle(String),
}

/// An IMAP session, seen from the server.
#[derive(Clone, Debug)]
pub struct Server {
    state: State,
    lines: Lines,
    pending: Option<Pending>,
    tls: Tls,
    plaintext_allowed: bool,
    /// Wrong commands so far; after the login, in a row.
    bad: u32,
}

impl Server {
    /// A new session. Without `plaintext_allowed` logins need TLS (`disable_plaintext_auth`).
    pub fn new(tls: Tls, plaintext_allowed: bool, out: &mut Vec<Output>) -> Server {
        let server = Server {
            state: State::NotAuthenticated,
            lines: Lines::new(MAX_LINE),
            pending: None,
            tls,
            plaintext_allowed,
            bad: 0,
        };
        send(out, &format!("* OK [CAPABILITY {}] Dovecot (Debian) ready.", server.capabilities()));
        server
    }

    /// The TLS handshake is done; the client starts over.
    pub fn secured(&mut self) {
        self.tls = Tls::Active;
        self.lines.clear();
        self.pending = None;
    }

    /// Whether the client waits for news (IDLE), so that [`Server::refresh`] may speak.
    pub fn is_idle(&self) -> bool {
        matches!(self.pending, Some(Pending::Idle(_)))
    }

    fn capabilities(&self) -> String {
        let base = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+";
        match self.state {
            State::NotAuthenticated => {
                let tls = if self.tls == Tls::Offered { " STARTTLS" } else { "" };
                let login =
                    if self.tls == Tls::Active || self.plaintext_allowed { " AUTH=PLAIN" } else { " LOGINDISABLED" };
                format!("{base}{tls}{login}")
            }
            _ => format!("{base} UIDPLUS UNSELECT NAMESPACE CHILDREN"),
        }
    }

    fn user(&self) -> String {
        match &self.state {
            State::Authenticated { user } | State::Selected { user, .. } => user.clone(),
            State::NotAuthenticated | State::Logout => String::new(),
        }
    }

    /// Takes octets from the client.
    pub fn handle(&mut self, bytes: &[u8], store: &mut dyn Store, out: &mut Vec<Output>) {
        self.lines.push(bytes);
        while !matches!(self.state, State::Logout) {
            match self.pending.take() {
                Some(Pending::Literal(mut text, size)) => {
                    let Some(literal) = self.lines.take(size) else {
                        self.pending = Some(Pending::Literal(text, size));
                        return;
                    };
                    text.extend(literal);
                    if !self.line(text, store, out) {
                        return;
                    }
                }
                pending => {
                    let waiting = pending.clone();
                    self.pending = pending;
                    if !self.line_of(waiting, store, out) {
                        return;
                    }
                }
            }
        }
    }

    /// Reads one line in the present situation; false if there is none yet.
    fn line_of(&mut self, waiting: Option<Pending>, store: &mut dyn Store, out: &mut Vec<Output>) -> bool {
        match waiting {
            None | Some(Pending::Literal(..)) => self.line(Vec::new(), store, out),
            Some(Pending::Plain(tag)) => match self.next_line(out) {
                Some(line) => {
                    self.pending = None;
                    self.auth_plain(&tag, &String::from_utf8_lossy(&line), store, out);
                    true
                }
                None => false,
            },
            Some(Pending::Idle(tag)) => match self.next_line(out) {
                Some(line) => {
                    self.pending = None;
                    let done = line.eq_ignore_ascii_case(b"DONE");
                    send(out, &format!("{tag} {}", if done { "OK Idle completed." } else { "BAD Expected DONE." }));
                    true
                }
                None => false,
            },
        }
    }

    fn next_line(&mut self, out: &mut Vec<Output>) -> Option<Vec<u8>> {
        match self.lines.take_line() {
            Ok(line) => line,
            Err(_) => {
                send(out, "* BYE Too long command line.");
                self.state = State::Logout;
                out.push(Output::Close);
                None
            }
        }
    }

    /// Continues a command of which `text` is known; false if more is needed.
    fn line(&mut self, mut text: Vec<u8>, store: &mut dyn Store, out: &mut Vec<Output>) -> bool {
        let Some(line) = self.next_line(out) else {
            if !text.is_empty() {
                self.pending = Some(Pending::Literal(text, 0));
            }
            return false;
        };
        text.extend_from_slice(&line);
        if let Some((size, waits)) = syntax::announced_literal(&line) {
            if size > MAX_LITERAL || text.len() > MAX_LITERAL {
                let tag = String::from_utf8_lossy(&text).split(' ').next().unwrap_or("*").to_owned();
                send(out, &format!("{tag} NO [TOOBIG] Literal is too large."));
                return true;
            }
            text.extend_from_slice(b"\r\n");
            if waits {
                send(out, "+ OK");
            }
            self.pending = Some(Pending::Literal(text, size));
            return true;
        }
        self.command(&text, store, out);
        true
    }

    fn command(&mut self, text: &[u8], store: &mut dyn Store, out: &mut Vec<Output>) {
        let shown = String::from_utf8_lossy(text).lines().next().unwrap_or_default().to_owned();
        let mut words = text.splitn(3, |byte| *byte == b' ');
        let tag = String::from_utf8_lossy(words.next().unwrap_or_default()).into_owned();
        let mut verb = String::from_utf8_lossy(words.next().unwrap_or_default()).to_ascii_uppercase();
        let mut rest = words.next().unwrap_or_default();
        if tag.is_empty() || verb.is_empty() {
            if !self.is_one_too_many(true, out) {
                send(out, "* BAD Error in IMAP command received by server.");
            }
            return;
        }
        let by_uid = verb == "UID";
        if by_uid {
            let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
            verb = String::from_utf8_lossy(&rest[..end]).to_ascii_uppercase();
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        let user = self.user();
        let reply = match syntax::parse(rest) {
            Ok(args) => self.run(&tag, &verb, by_uid, &args, store, out),
            Err(error) => Some(format!("BAD Error in IMAP command {verb}: {error}")),
        };
        let hidden = matches!(verb.as_str(), "LOGIN" | "AUTHENTICATE");
        let shown = if hidden { format!("{tag} {verb} ****") } else { shown };
        if let Some(reply) = reply {
            let is_bad = reply.starts_with("BAD");
            let is_at_the_door = matches!(self.state, State::NotAuthenticated);
            if is_at_the_door && self.is_one_too_many(is_bad, out) {
                return out.push(Output::Command(user, shown, TOO_MANY.into()));
            }
            send(out, &format!("{tag} {reply}"));
            out.push(Output::Command(user, shown, reply));
            if matches!(self.state, State::Logout) {
                out.push(Output::Close);
            } else if !is_at_the_door && self.is_one_too_many(is_bad, out) {
                // The connection is over.
            } else if verb == "STARTTLS" && self.tls == Tls::Offered && matches!(self.state, State::NotAuthenticated) {
                self.lines.clear();
                out.push(Output::StartTls);
            }
        }
    }

    /// Counts a command, and hangs up on who has sent too many wrong ones.
    fn is_one_too_many(&mut self, is_bad: bool, out: &mut Vec<Output>) -> bool {
        let max = match self.state {
            State::NotAuthenticated => MAX_BAD[0],
            _ if is_bad => MAX_BAD[1],
            _ => {
                self.bad = 0;
                return false;
            }
        };
        self.bad += u32::from(is_bad);
        if self.bad < max {
            return false;
        }
        send(out, &format!("* {TOO_MANY}"));
        self.state = State::Logout;
        out.push(Output::Close);
        true
    }

    /// Runs a command; the tagged reply without its tag, or nothing if it comes later.
    fn run(
        &mut self,
        tag: &str,
        verb: &str,
        by_uid: bool,
        args: &[Arg],
        store: &mut dyn Store,
        out: &mut Vec<Output>,
    ) -> Option<String> {
        let text = |at: usize| args.get(at).and_then(Arg::text);
        Some(match (verb, &self.state) {
            ("CAPABILITY", _) => {
                send(out, &format!("* CAPABILITY {}", self.capabilities()));
                "OK Pre-login capabilities listed, post-login capabilities have more.".into()
            }
            ("NOOP" | "CHECK", _) => {
                self.refresh(store, out);
                format!("OK {} completed.", if verb == "NOOP" { "NOOP" } else { "Check" })
            }
            ("ID", _) => {
                send(out, "* ID (\"name\" \"Dovecot\")");
                "OK ID completed.".into()
            }
            ("LOGOUT", _) => {
                send(out, "* BYE Logging out");
                self.state = State::Logout;
                "OK Logout completed.".into()
            }
            ("STARTTLS", State::NotAuthenticated) if self.tls == Tls::Offered => "OK Begin TLS negotiation now.".into(),
            ("LOGIN" | "AUTHENTICATE", State::NotAuthenticated)
                if self.tls != Tls::Active && !self.plaintext_allowed =>
            {
                send(
                    out,
                    "* BAD [ALERT] Plaintext authentication not allowed without SSL/TLS, but your client did it anyway. If anyone was listening, the password was exposed.",
                );
                "NO [PRIVACYREQUIRED] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.".into()
            }
            ("LOGIN", State::NotAuthenticated) => match (text(0), text(1)) {
                (Some(user), Some(password)) => self.login(&user, &password, store),
                _ => "BAD Error in IMAP command received by server.".into(),
            },
            ("AUTHENTICATE", State::NotAuthenticated) => match (args.first().map(Arg::keyword).as_deref(), text(1)) {
                (Some("PLAIN"), Some(initial)) => {
                    self.auth_plain(tag, &initial, store, out);
                    return None;
                }
                (Some("PLAIN"), None) => {
                    send(out, "+ ");
                    self.pending = Some(Pending::Plain(tag.to_owned()));
                    return None;
                }
                _ => "NO [CANNOT] Unsupported authentication mechanism.".into(),
            },
            (_, State::NotAuthenticated) => "BAD Error in IMAP command received by server.".into(),
            ("SELECT" | "EXAMINE", _) => match text(0) {
                Some(name) => self.select(&name, verb == "EXAMINE", store, out),
                None => missing(verb),
            },
            ("CREATE", _) => folder_result(text(0), verb, |name| store.create(&self.user(), name)),
            ("DELETE", _) => folder_result(text(0), verb, |name| store.delete(&self.user(), name)),
            ("RENAME", _) => self.rename(text(0), text(1), store),
            ("SUBSCRIBE" | "UNSUBSCRIBE", _) => format!("OK {} completed.", capitalised(verb)),
            ("LIST" | "LSUB" | "XLIST", _) => {
                self.list(verb, &text(0).unwrap_or_default(), &text(1).unwrap_or_default(), store, out)
            }
            ("NAMESPACE", _) => {
                send(out, "* NAMESPACE ((\"\" \"/\")) NIL NIL");
                "OK Namespace completed.".into()
            }
            ("ENABLE", _) => "OK Enabled.".into(),
            ("STATUS", _) => self.status(text(0), args.get(1), store, out),
            ("APPEND", _) => self.append(args, store),
            ("IDLE", _) => {
                send(out, "+ idling");
                self.pending = Some(Pending::Idle(tag.to_owned()));
                return None;
            }
            (
                "FETCH" | "STORE" | "SEARCH" | "COPY" | "MOVE" | "EXPUNGE" | "CLOSE" | "UNSELECT",
                State::Selected { .. },
            ) => self.selected(verb, by_uid, args, store, out),
            ("FETCH" | "STORE" | "SEARCH" | "COPY" | "MOVE" | "EXPUNGE" | "CLOSE" | "UNSELECT", _) => {
                "BAD No mailbox selected.".into()
            }
            _ => format!("BAD Error in IMAP command {verb}: Unknown command."),
        })
    }

    fn auth_plain(&mut self, tag: &str, encoded: &str, store: &mut dyn Store, out: &mut Vec<Output>) {
        let reply = match sasl::plain(encoded) {
            Some((user, password)) => self.login(&user, &password, store),
            None => "BAD Invalid base64 data in continued response".into(),
        };
        send(out, &format!("{tag} {reply}"));
        out.push(Output::Command(self.user(), format!("{tag} AUTHENTICATE ****"), reply));
    }

    fn login(&mut self, user: &str, password: &str, store: &mut dyn Store) -> String {
        if !store.login(user, password) {
            return "NO [AUTHENTICATIONFAILED] Authentication failed.".into();
        }
        self.state = State::Authenticated { user: user.to_owned() };
        format!("OK [CAPABILITY {}] Logged in", self.capabilities())
    }

    /// Reads the selected folder again and tells what changed (RFC 3501 section 7.3).
    pub fn refresh(&mut self, store: &mut dyn Store, out: &mut Vec<Output>) {
        let State::Selected { user, name, folder, .. } = &mut self.state else { return };
        let Ok(now) = store.open(user, name) else { return };
        for (index, mail) in folder.mails.iter().enumerate().rev() {
            if !now.mails.iter().any(|other| other.uid == mail.uid) {
                send(out, &format!("* {} EXPUNGE", index + 1));
            }
        }
        let fresh = now.mails.iter().filter(|mail| !folder.mails.iter().any(|old| old.uid == mail.uid)).count();
        if fresh > 0 {
            send(out, &format!("* {} EXISTS", now.mails.len()));
            send(out, &format!("* {} RECENT", now.mails.iter().filter(|mail| mail.flags.recent).count()));
        }
        *folder = now;
    }
}

fn send(out: &mut Vec<Output>, line: &str) {
    out.push(Output::Send(format!("{line}\r\n").into_bytes()));
}

fn missing(verb: &str) -> String {
    format!("BAD Error in IMAP command {verb}: Missing arguments.")
}

fn capitalised(verb: &str) -> String {
    let mut lower = verb.to_ascii_lowercase();
    if let Some(first) = lower.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    lower
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mailbox::memory::MemoryStore;

    const MAIL: &str = "From: Alice <alice@example.org>\r\nSubject: one\r\n\r\nhello\r\n";

    fn talk(store: &mut MemoryStore, lines: &[&str]) -> Vec<String> {
        let mut out = Vec::new();
        let mut server = Server::new(Tls::Unavailable, true, &mut out);
        out.clear();
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
    fn fetching_the_body_marks_the_message_as_seen() {
        let mut store = MemoryStore::with("bob", "secret", &[MAIL]);
        let said = talk(
            &mut store,
            &["a LOGIN bob secret", "b SELECT INBOX", "c FETCH 1 (UID BODY[TEXT])", "d UID SEARCH SEEN", "e LOGOUT"],
        );
        assert!(said[0].starts_with("a OK [CAPABILITY IMAP4rev1"));
        assert!(said.contains(&"* 1 EXISTS".into()));
        let tail: Vec<&str> = said[said.len() - 8..].iter().map(String::as_str).collect();
        assert_eq!(
            tail,
            [
                "* 1 FETCH (UID 1 BODY[TEXT] {7}",
                "hello",
                " FLAGS (\\Seen \\Recent))",
                "c OK Fetch completed.",
                "* SEARCH 1",
                "d OK Search completed.",
                "* BYE Logging out",
                "e OK Logout completed."
            ]
        );
        assert!(store.open("bob", "INBOX").unwrap().mails[0].flags.seen);
    }

    #[test]
    fn envelope_and_structure_follow_the_rfc() {
        let mut store = MemoryStore::with("bob", "secret", &[MAIL]);
        let said = talk(&mut store, &["a LOGIN bob secret", "b EXAMINE INBOX", "c FETCH 1 (ENVELOPE BODYSTRUCTURE)"]);
        let alice = "((\"Alice\" NIL \"alice\" \"example.org\"))";
        let envelope = format!("(NIL \"one\" {alice} {alice} {alice} NIL NIL NIL NIL NIL)");
        let structure = "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 7 1 NIL NIL NIL NIL)";
        assert_eq!(said[said.len() - 2], format!("* 1 FETCH (ENVELOPE {envelope} BODYSTRUCTURE {structure})"));
    }

    #[test]
    fn append_with_literal_store_and_expunge() {
        let mut store = MemoryStore::with("bob", "secret", &[MAIL]);
        let said = talk(
            &mut store,
            &[
                "a LOGIN bob secret",
                "b APPEND INBOX (\\Seen) {12}",
                "Subject: x\r\n",
                "c SELECT INBOX",
                "d STORE 1 +FLAGS (\\Deleted)",
                "e EXPUNGE",
                "f STATUS INBOX (MESSAGES UIDNEXT)",
            ],
        );
        assert!(said.contains(&"+ OK".into()));
        assert!(said.contains(&"b OK [APPENDUID 7 2] Append completed.".into()), "{said:?}");
        assert!(said.contains(&"* 1 FETCH (FLAGS (\\Deleted \\Recent))".into()));
        assert!(said.contains(&"* 1 EXPUNGE".into()));
        assert!(said.contains(&"* STATUS INBOX (MESSAGES 1 UIDNEXT 3)".into()));
    }

    #[test]
    fn who_sends_only_garbage_is_cut_off() {
        let mut store = MemoryStore::with("bob", "secret", &[]);
        let said = talk(&mut store, &["x", "a CAPABILITY", "y z", "no tag", "a CAPABILITY"]);
        assert_eq!(said.last().map(String::as_str), Some("* BYE Too many invalid IMAP commands."), "{said:?}");
        let wrong = ["b FETCH 1 FLAGS"; MAX_BAD[1] as usize - 1];
        let said = talk(&mut store, &[&["a LOGIN bob secret"], &wrong[..], &["c NOOP"], &wrong[..]].concat());
        assert_eq!(said.last().map(String::as_str), Some("b BAD No mailbox selected."));
        let said = talk(&mut store, &[&["a LOGIN bob secret"], &wrong[..], &wrong[..]].concat());
        assert_eq!(said.len(), 1 + MAX_BAD[1] as usize + 1, "{said:?}");
    }

    #[test]
    fn commands_in_the_wrong_state_are_bad() {
        let mut store = MemoryStore::with("bob", "secret", &[]);
        let said = talk(
            &mut store,
            &["a SELECT INBOX", "b LOGIN bob wrong", "c LOGIN bob secret", "d FETCH 1 FLAGS", "e LIST \"\" \"*\""],
        );
        assert_eq!(said[0], "a BAD Error in IMAP command received by server.");
        assert_eq!(said[1], "b NO [AUTHENTICATIONFAILED] Authentication failed.");
        assert_eq!(said[3], "d BAD No mailbox selected.");
        assert_eq!(said[4], "* LIST (\\HasNoChildren) \"/\" INBOX");
    }

    proptest! {
        #[test]
        fn any_octets_are_answered_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut store = MemoryStore::with("bob", "secret", &[MAIL]);
            let mut out = Vec::new();
            let mut server = Server::new(Tls::Offered, true, &mut out);
            server.handle(b"a LOGIN bob secret\r\nb SELECT INBOX\r\nc ", &mut store, &mut out);
            server.handle(&bytes, &mut store, &mut out);
            server.handle(b"\r\n", &mut store, &mut out);
        }
    }
}
