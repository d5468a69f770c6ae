//! Exact faults in an SMTP dialogue, for clients at real sockets: a table of rules, and magic
//! addresses such as `451.rcpt@fault.test` that name the fault themselves.
//!
//! It stands between a client and its server. While nothing is to go wrong octets pass as they
//! are; otherwise commands are handed on one by one, so that a fault hits the one it is meant for.

mod fault;

use std::borrow::Cow;
use std::collections::VecDeque;

use bytes::Bytes;
use smol_str::{SmolStr, format_smolstr};

use crate::sim::Duration;

use self::fault::magic;
pub use self::fault::{Failure, FaultRule, FaultTable, MAX_RULES, Stage};

/// The domain of magic addresses.
pub const DOMAIN: &str = "fault.test";
/// Octets that may wait for their turn.
const MAX_WAITING: usize = 1 << 20;
/// Octets of an unfinished line of a reply.
const MAX_REPLY: usize = 4096;
/// Octets of a line that are looked at; longer ones are no commands.
const MAX_LINE: usize = 600;

/// What is to be done with a client's octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// They go to the server.
    Forward(Bytes),
    /// They go there later.
    ForwardLater(Duration, Bytes),
    /// The client is answered.
    Answer(Bytes),
    /// The connection is reset on both sides.
    Drop,
    /// The server learns that the client sends nothing more.
    Eof,
    /// A fault has happened: its name and what it is.
    Note(SmolStr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The next line is a command.
    Command,
    /// The server has been asked and has not answered.
    Waiting,
    /// The server has been asked whether it takes a message.
    WaitingForData,
    /// Within AUTH: the next line is no command.
    Challenge,
    /// A message goes to the server.
    Message,
    /// A message goes nowhere.
    Swallowed,
    /// The server forgets the transaction; the client gets another answer than it gives.
    Forgetting,
}

/// A dialogue under rehearsal.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    who: SmolStr,
    /// Whether commands are handed on one by one.
    careful: bool,
    /// Whether it can no longer be followed (counted octets).
    lost: bool,
    phase: Phase,
    /// What the client sent and nobody has looked at.
    pending: Vec<u8>,
    queue: VecDeque<Bytes>,
    waiting: usize,
    /// Faults that magic recipients asked for, later in this transaction.
    armed: Vec<(Stage, Failure)>,
    /// What goes wrong at the end of the message that is being sent.
    ending: Option<(SmolStr, Failure)>,
    /// What the client reads once the server has forgotten the transaction.
    instead: Bytes,
    answer: Vec<u8>,
    /// Commands that went to the server untouched and are not answered.
    outstanding: u32,
    greeted: bool,
    /// The client sends nothing more.
    closing: bool,
    ended: bool,
}

impl Rehearsal {
    /// A new connection of a client at this host; the server greets first.
    pub fn new(who: SmolStr) -> Rehearsal {
        Rehearsal {
            who,
            careful: false,
            lost: false,
            phase: Phase::Command,
            pending: Vec::new(),
            queue: VecDeque::new(),
            waiting: 0,
            armed: Vec::new(),
            ending: None,
            instead: Bytes::new(),
            answer: Vec::new(),
            outstanding: 0,
            greeted: false,
            closing: false,
            ended: false,
        }
    }

    /// Takes what the client sends.
    pub fn client(&mut self, octets: Bytes, table: &mut FaultTable) -> Vec<Act> {
        if self.lost {
            return vec![Act::Forward(octets)];
        }
        if !self.careful {
            let at_line = self.pending.is_empty();
            let in_commands = self.phase == Phase::Command && at_line;
            if !in_commands || (table.is_empty() && !names_domain(&octets)) {
                self.follow(&octets);
                return vec![Act::Forward(octets)];
            }
            self.careful = true;
            if self.outstanding > 0 {
                self.phase = Phase::Waiting;
            }
        }
        self.waiting += octets.len();
        if self.waiting > MAX_WAITING {
            self.ended = true;
            return vec![Act::Drop];
        }
        self.pending.extend_from_slice(&octets);
        while let Some(end) = memchr::memchr(b'\n', &self.pending) {
            let rest = self.pending.split_off(end + 1);
            let line = std::mem::replace(&mut self.pending, rest);
            self.queue.push_back(Bytes::from(line));
        }
        let mut acts = Vec::new();
        self.go_on(table, &mut acts);
        acts
    }

    /// The client sends nothing more.
    pub fn client_eof(&mut self) -> Vec<Act> {
        self.closing = true;
        let mut acts = Vec::new();
        self.close(&mut acts);
        acts
    }

    fn close(&mut self, acts: &mut Vec<Act>) {
        let is_idle = self.queue.is_empty() && self.phase == Phase::Command;
        if self.closing && !self.ended && (!self.careful || self.lost || is_idle) {
            self.ended = true;
            acts.push(Act::Eof);
        }
    }

    /// Takes what the server sends: what the client sees instead, and what follows.
    pub fn server(&mut self, octets: Bytes, table: &mut FaultTable) -> (Bytes, Vec<Act>) {
        if self.lost {
            return (octets, Vec::new());
        }
        let is_hidden = self.phase == Phase::Forgetting;
        self.answer.extend_from_slice(&octets);
        while let Some(end) = memchr::memchr(b'\n', &self.answer) {
            let line: Vec<u8> = self.answer.drain(..=end).collect();
            if line.get(3) != Some(&b'-') {
                self.answered(&line);
            }
        }
        self.answer.truncate(MAX_REPLY);
        let is_over = is_hidden && self.phase != Phase::Forgetting;
        let seen = match (is_hidden, is_over) {
            (false, _) => octets,
            (true, false) => Bytes::new(),
            (true, true) => std::mem::take(&mut self.instead),
        };
        let mut acts = Vec::new();
        if self.careful {
            self.go_on(table, &mut acts);
            self.close(&mut acts);
        }
        (seen, acts)
    }

    /// A whole reply has come.
    fn answered(&mut self, line: &[u8]) {
        if !std::mem::replace(&mut self.greeted, true) {
            return;
        }
        self.outstanding = self.outstanding.saturating_sub(1);
        self.phase = match self.phase {
            Phase::Message | Phase::Swallowed => self.phase,
            Phase::WaitingForData | Phase::Command if line.starts_with(b"354") => Phase::Message,
            Phase::Waiting if line.starts_with(b"334") => Phase::Challenge,
            Phase::Waiting if self.outstanding > 0 => Phase::Waiting,
            _ => Phase::Command,
        };
    }

    /// Notes, while octets pass untouched, where a message begins and ends.
    fn follow(&mut self, octets: &[u8]) {
        for part in octets.split_inclusive(|octet| *octet == b'\n') {
            let begun = std::mem::take(&mut self.pending);
            let known = &part[..part.len().min(MAX_LINE.saturating_sub(begun.len()))];
            let line: Cow<'_, [u8]> =
                if begun.is_empty() { known.into() } else { [begun.as_slice(), known].concat().into() };
            if !part.ends_with(b"\n") {
                self.pending = line.into_owned();
                continue;
            }
            match self.phase {
                Phase::Message if !is_dot(&line) => continue,
                Phase::Message => self.phase = Phase::Command,
                _ => self.lost |= starts_with(&line, b"BDAT"),
            }
            self.outstanding = self.outstanding.saturating_add(1);
        }
    }

    fn go_on(&mut self, table: &mut FaultTable, acts: &mut Vec<Act>) {
        while !self.ended && !self.lost {
            let may = matches!(self.phase, Phase::Command | Phase::Challenge | Phase::Message | Phase::Swallowed);
            if !may {
                return;
            }
            let Some(line) = self.queue.pop_front() else { break };
            self.waiting = self.waiting.saturating_sub(line.len());
            match self.phase {
                Phase::Message => self.message_line(line, acts),
                Phase::Swallowed => self.swallow(&line, acts),
                Phase::Challenge => self.forward(None, line, acts),
                _ => self.command(line, table, acts),
            }
        }
        if self.lost {
            acts.extend(self.queue.drain(..).map(Act::Forward));
            if !self.pending.is_empty() {
                acts.push(Act::Forward(Bytes::from(std::mem::take(&mut self.pending))));
            }
        }
    }

    fn command(&mut self, line: Bytes, table: &mut FaultTable, acts: &mut Vec<Act>) {
        if starts_with(&line, b"BDAT") {
            self.lost = true;
            return acts.push(Act::Forward(line));
        }
        let stage = Stage::of(&line);
        let magic = magic(&line);
        if matches!(stage, Some(Stage::Helo | Stage::Mail | Stage::Rset)) {
            self.armed.clear();
        }
        let mut fault = stage.and_then(|stage| table.reached(&self.who, stage));
        if let (Some(stage), Some((at, failure))) = (stage, magic) {
            let name = SmolStr::new_static(DOMAIN);
            if at == stage {
                fault = fault.or(Some((name, failure)));
            } else if stage == Stage::Rcpt && matches!(at, Stage::Data | Stage::Message) {
                // Such a recipient exists nowhere: it is accepted here, for what comes later.
                self.armed.push((at, failure));
                return acts.push(Act::Answer(Bytes::from_static(b"250 2.1.5 Ok\r\n")));
            }
        }
        if stage == Some(Stage::Data) {
            let armed = |at: Stage| {
                let found = self.armed.iter().find(|(stage, _)| *stage == at)?;
                Some((SmolStr::new_static(DOMAIN), found.1.clone()))
            };
            fault = fault.or_else(|| armed(Stage::Data));
            if fault.is_none() {
                let magic = armed(Stage::Message);
                let is_magic = magic.is_some();
                self.ending = magic.or_else(|| table.reached(&self.who, Stage::Message));
                if is_magic || matches!(self.ending, Some((_, Failure::Reply { .. }))) {
                    // The server must not keep what the client is told was refused.
                    self.phase = Phase::Swallowed;
                    return acts.push(Act::Answer(Bytes::from_static(b"354 End data with <CR><LF>.<CR><LF>\r\n")));
                }
            }
        }
        match fault {
            Some((name, failure)) => self.fail(&name, stage, &failure, line, acts),
            None => self.forward(stage, line, acts),
        }
    }

    fn forward(&mut self, stage: Option<Stage>, line: Bytes, acts: &mut Vec<Act>) {
        self.wait(stage);
        acts.push(Act::Forward(line));
    }

    fn wait(&mut self, stage: Option<Stage>) {
        self.outstanding = 1;
        self.phase = if stage == Some(Stage::Data) { Phase::WaitingForData } else { Phase::Waiting };
    }

    fn fail(&mut self, name: &str, stage: Option<Stage>, failure: &Failure, line: Bytes, acts: &mut Vec<Act>) {
        acts.push(Act::Note(format_smolstr!("{name}: {}", failure.text())));
        match failure {
            Failure::Reply { code, text } => acts.push(Act::Answer(Bytes::from(format!("{code} {text}\r\n")))),
            Failure::Drop => {
                self.ended = true;
                acts.push(Act::Drop);
            }
            Failure::Delay(millis) => {
                self.wait(stage);
                acts.push(Act::ForwardLater(Duration::from_millis(*millis), line));
            }
        }
    }

    fn message_line(&mut self, line: Bytes, acts: &mut Vec<Act>) {
        match self.ending.take_if(|_| is_dot(&line)) {
            Some((name, failure)) => self.fail(&name, Some(Stage::Message), &failure, line, acts),
            None if is_dot(&line) => self.forward(None, line, acts),
            None => acts.push(Act::Forward(line)),
        }
    }

    /// Takes a line of a message that goes nowhere; at its end the server forgets sender and
    /// recipients, and the client gets its answer.
    fn swallow(&mut self, line: &Bytes, acts: &mut Vec<Act>) {
        if !is_dot(line) {
            return;
        }
        self.armed.clear();
        let Some((name, failure)) = self.ending.take() else { return };
        acts.push(Act::Note(format_smolstr!("{name}: {}", failure.text())));
        let forget = Bytes::from_static(b"RSET\r\n");
        self.phase = Phase::Forgetting;
        self.outstanding = 1;
        match failure {
            Failure::Drop => {
                self.ended = true;
                acts.push(Act::Drop);
            }
            Failure::Reply { code, text } => {
                self.instead = Bytes::from(format!("{code} {text}\r\n"));
                acts.push(Act::Forward(forget));
            }
            Failure::Delay(millis) => {
                self.instead = Bytes::from_static(b"250 2.0.0 Ok: taken by fault.test\r\n");
                acts.push(Act::ForwardLater(Duration::from_millis(millis), forget));
            }
        }
    }
}

/// Whether a magic address may stand in these octets.
fn names_domain(octets: &[u8]) -> bool {
    memchr::memchr_iter(b'@', octets).any(|at| starts_with(&octets[at + 1..], DOMAIN.as_bytes()))
}

fn is_dot(line: &[u8]) -> bool {
    line == b".\r\n" || line == b".\n"
}

fn starts_with(line: &[u8], verb: &[u8]) -> bool {
    line.len() >= verb.len() && line[..verb.len()].eq_ignore_ascii_case(verb)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Plays a client against a server that says yes to everything: what the client reads, what
    /// the server reads, and whether the connection lives.
    fn play(table: &mut FaultTable, sent: &str) -> (String, String, bool) {
        let mut rehearsal = Rehearsal::new("ws1".into());
        let (mut client, mut server) = (String::new(), String::new());
        let mut in_message = false;
        let mut alive = true;
        rehearsal.server(Bytes::from_static(b"220 hello\r\n"), table);
        let mut acts = VecDeque::from(rehearsal.client(Bytes::copy_from_slice(sent.as_bytes()), table));
        while let Some(act) = acts.pop_front() {
            match act {
                Act::Answer(bytes) => client.push_str(std::str::from_utf8(&bytes).unwrap()),
                Act::Drop => alive = false,
                Act::Note(_) | Act::Eof => {}
                Act::Forward(bytes) | Act::ForwardLater(_, bytes) => {
                    let text = String::from_utf8(bytes.to_vec()).unwrap();
                    for line in text.split_inclusive('\n') {
                        server.push_str(line);
                        let reply = match (in_message, line) {
                            (true, ".\r\n") => "250 kept\r\n",
                            (true, _) => continue,
                            (_, "DATA\r\n") => "354 go\r\n",
                            _ => "250 ok\r\n",
                        };
                        in_message = reply.starts_with("354");
                        let (seen, more) = rehearsal.server(Bytes::from_static(reply.as_bytes()), table);
                        client.push_str(std::str::from_utf8(&seen).unwrap());
                        acts.extend(more);
                    }
                }
            }
        }
        (client, server, alive)
    }

    fn rule(stage: Stage, nth: Option<u32>, failure: &str) -> FaultTable {
        let failure = Failure::parse(failure).unwrap();
        let rule = FaultRule { name: "r".into(), who: None, stage, nth, failure, seen: 0 };
        let mut table = FaultTable::default();
        assert!(table.add(rule));
        table
    }

    #[test]
    fn without_faults_octets_pass_as_they_are() {
        let text = "EHLO a\r\nMAIL FROM:<a@b>\r\nDATA\r\nfault\r\n.\r\nQUIT\r\n";
        let (client, server, alive) = play(&mut FaultTable::default(), text);
        assert_eq!(server, text);
        assert_eq!(client, "250 ok\r\n250 ok\r\n354 go\r\n250 kept\r\n250 ok\r\n");
        assert!(alive);
    }

    #[test]
    fn a_rule_hits_the_nth_command_and_the_server_never_sees_it() {
        let text = "RCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\n";
        let (client, server, _) = play(&mut rule(Stage::Rcpt, Some(2), "451"), text);
        assert_eq!(client, "250 ok\r\n451 4.3.0 A fault for practice\r\n250 ok\r\n");
        assert_eq!(server, "RCPT TO:<a@b>\r\nRCPT TO:<e@f>\r\n");
    }

    #[test]
    fn a_connection_is_dropped_where_the_rule_says_so() {
        let (client, server, alive) = play(&mut rule(Stage::Data, None, "drop"), "NOOP\r\nDATA\r\nx\r\n.\r\n");
        assert_eq!((client.as_str(), server.as_str(), alive), ("250 ok\r\n", "NOOP\r\n", false));
    }

    #[test]
    fn magic_addresses_name_their_fault() {
        for (text, client, server) in [
            ("RCPT TO:<451.rcpt@fault.test>\r\nNOOP\r\n", "451 4.3.0 A fault for practice\r\n250 ok\r\n", "NOOP\r\n"),
            ("MAIL FROM:<550.mail@fault.test>\r\n", "550 5.3.0 A fault for practice\r\n", ""),
            (
                "RCPT TO:<452.data@fault.test>\r\nDATA\r\nNOOP\r\n",
                "250 2.1.5 Ok\r\n452 4.3.0 A fault for practice\r\n250 ok\r\n",
                "NOOP\r\n",
            ),
            (
                "RCPT TO:<554.message@FAULT.test>\r\nDATA\r\nhi\r\n.\r\nNOOP\r\n",
                "250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n554 5.3.0 A fault for practice\r\n250 ok\r\n",
                "RSET\r\nNOOP\r\n",
            ),
        ] {
            let (said, reached, _) = play(&mut FaultTable::default(), text);
            assert!(said.starts_with(client), "{text}: {said}");
            assert!(reached.starts_with(server), "{text}: {reached}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_keep_it_bounded(chunks in proptest::collection::vec("[A-Z<>@.: \r\n]{0,30}(@fault.test)?(\r\n)?", 0..20)) {
            let mut table = rule(Stage::Rcpt, None, "450");
            let mut rehearsal = Rehearsal::new("ws1".into());
            for chunk in chunks {
                rehearsal.client(Bytes::from(chunk), &mut table);
                rehearsal.server(Bytes::from_static(b"250 ok\r\n"), &mut table);
                prop_assert!(rehearsal.waiting <= MAX_WAITING);
            }
        }
    }
}
