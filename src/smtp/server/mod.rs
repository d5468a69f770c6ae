//! The server's side of a session: octets and times in; replies, questions and timers out.
//!
//! The machine frames lines and content and keeps the order of things. It decides nothing: each
//! command becomes a [`Question`] for its owner, and until the owner's [`Answer`] comes (at once or
//! after DNS lookups) nothing more is read. So pipelined commands wait in the buffer, and every
//! reply leaves in the order of its command.

mod exchange;

pub use self::exchange::{Answer, Input, Next, Output, Question, Settings};
use crate::sim::Time;
use crate::smtp::command::{Command, Verb};
use crate::smtp::diagram::{ServerState, Trigger};
use crate::smtp::framing::{BareNewline, Buffer, ChunkReader, DataError, DataReader};
use crate::smtp::reply::Reply;

#[derive(Clone, Debug)]
enum State {
    /// Waiting for the owner; the greeting is the first answer.
    Deciding,
    Command,
    Response,
    Data(DataReader),
    Chunk {
        left: u64,
        last: bool,
    },
    Discard {
        left: u64,
    },
    Tls,
    /// A reply is held back until then.
    Delayed {
        until: Time,
        next: Next,
    },
    Closed,
}

/// The server's side of one session.
#[derive(Clone, Debug)]
pub struct Server {
    settings: Settings,
    state: State,
    buffer: Buffer,
    chunks: Option<ChunkReader>,
    replies: Vec<u8>,
    errors: u64,
    last_verb: Option<Verb>,
    /// Octets of content when the session broke off.
    data_octets: u64,
    /// When the present wait ends.
    deadline: Time,
    /// The wake-up call that is under way; one is enough, it is renewed when it comes early.
    armed: Option<Time>,
    diagram: ServerState,
}

impl Server {
    /// A session that waits for its greeting: an [`Input::Answer`].
    pub fn new(settings: Settings) -> Server {
        Server {
            settings,
            state: State::Deciding,
            buffer: Buffer::default(),
            chunks: None,
            replies: Vec::new(),
            errors: 0,
            last_verb: None,
            data_octets: 0,
            deadline: Time::MAX,
            armed: None,
            diagram: ServerState::Connected,
        }
    }

    /// What the client has sent and was not looked at yet: talk before the greeting, or commands
    /// that were pipelined.
    pub fn pending(&self) -> &[u8] {
        self.buffer.peek()
    }

    /// The verb of the last command, `None` before the first.
    pub fn last_verb(&self) -> Option<Verb> {
        self.last_verb
    }

    /// Errors since the session began or since [`Server::forgive`].
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// Octets of the content that DATA announced, as far as they have come.
    pub fn data_octets(&self) -> u64 {
        match &self.state {
            State::Data(reader) => reader.octets(),
            _ => self.data_octets,
        }
    }

    /// Sets the count of errors to zero, as after a delivered message.
    pub fn forgive(&mut self) {
        self.errors = 0;
    }

    /// Counts an error that belongs to no single reply.
    pub fn add_error(&mut self) {
        self.errors += 1;
    }

    /// Changes how bare line feeds are treated.
    pub fn set_bare_newline(&mut self, policy: BareNewline) {
        self.settings.limits.bare_newline = policy;
    }

    /// Where the session is in the diagram.
    pub fn diagram(&self) -> ServerState {
        self.diagram
    }

    /// Whether a TLS handshake is due.
    pub fn awaits_tls(&self) -> bool {
        matches!(self.state, State::Tls)
    }

    /// Whether the session is over.
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Takes one input and appends what it leads to.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Vec<Output>) {
        if self.is_closed() {
            return;
        }
        match input {
            Input::Bytes(bytes) => {
                if matches!(self.state, State::Tls) {
                    return;
                }
                self.buffer.receive(bytes);
                if matches!(self.state, State::Deciding | State::Delayed { .. }) {
                    return;
                }
                self.deadline = now + self.settings.timeout;
            }
            Input::Lost => {
                self.data_octets = self.data_octets();
                self.state = State::Closed;
                self.diagram = ServerState::Closed;
                out.push(Output::Lost);
                return;
            }
            Input::Wake => {
                self.armed = None;
                match self.state {
                    State::Delayed { until, next } if now >= until => self.go_on(now, next, out),
                    State::Delayed { until, .. } => self.arm(until, out),
                    State::Deciding | State::Closed => {}
                    _ if now >= self.deadline => {
                        self.data_octets = self.data_octets();
                        self.state = State::Deciding;
                        out.push(Output::Ask(Question::TimedOut));
                        return;
                    }
                    _ => {}
                }
            }
            Input::Answer(answer) => self.answer(now, answer, out),
            Input::TlsEstablished => {
                if matches!(self.state, State::Tls) {
                    self.diagram = self.diagram.after(Trigger::TlsEstablished);
                    self.wait(now, State::Command);
                }
            }
        }
        self.advance(out);
    }

    fn answer(&mut self, now: Time, answer: Answer, out: &mut Vec<Output>) {
        let Answer { reply, error, next } = answer;
        self.follow_diagram(reply.as_ref(), next);
        let delay = !self.settings.error_delay.is_zero() && self.errors >= self.settings.soft_errors;
        if error {
            self.errors += 1;
        }
        match reply {
            Some(reply) if delay => {
                // What was said before leaves at once, this reply later.
                self.flush(out);
                reply.write(&mut self.replies);
                let until = now + self.settings.error_delay;
                self.state = State::Delayed { until, next };
                self.armed = None;
                self.arm(until, out);
            }
            reply => {
                if let Some(reply) = reply {
                    reply.write(&mut self.replies);
                }
                self.go_on(now, next, out);
            }
        }
    }

    fn follow_diagram(&mut self, reply: Option<&Reply>, next: Next) {
        let positive = reply.is_none_or(Reply::is_positive);
        let trigger = match (self.diagram, next) {
            (_, Next::Close) => Trigger::Lost,
            (ServerState::Connected, _) => Trigger::Greeting,
            (ServerState::Data, Next::Command) if self.last_verb != Some(Verb::Bdat) || self.chunks.is_none() => {
                Trigger::EndOfData
            }
            (_, Next::Response) => Trigger::Command(Verb::Auth),
            (ServerState::Authenticating, _) => Trigger::AuthDone,
            _ => match self.last_verb {
                Some(verb) if positive => Trigger::Command(verb),
                _ => return,
            },
        };
        self.diagram = self.diagram.after(trigger);
        if self.last_verb == Some(Verb::Auth) && next == Next::Command {
            self.diagram = self.diagram.after(Trigger::AuthDone);
        }
    }

    fn go_on(&mut self, now: Time, next: Next, out: &mut Vec<Output>) {
        let bare_newline = self.settings.limits.bare_newline;
        let state = match next {
            Next::Command if self.errors >= self.settings.hard_errors => {
                self.state = State::Deciding;
                // Answered once; the count must not ask again.
                self.settings.hard_errors = u64::MAX;
                out.push(Output::Ask(Question::TooManyErrors));
                return;
            }
            Next::Command => State::Command,
            Next::Response => State::Response,
            Next::Data { limit } => State::Data(DataReader::new(limit, bare_newline)),
            Next::Chunk { size, last, limit } => {
                self.chunks.get_or_insert_with(|| ChunkReader::new(limit));
                State::Chunk { left: size, last }
            }
            Next::Discard { size } => State::Discard { left: size },
            Next::Tls => {
                self.buffer.clear();
                self.flush(out);
                out.push(Output::StartTls);
                self.state = State::Tls;
                self.deadline = now + self.settings.tls_timeout;
                return;
            }
            Next::Close => {
                self.flush(out);
                out.push(Output::Close);
                self.state = State::Closed;
                self.diagram = ServerState::Closed;
                return;
            }
        };
        self.wait(now, state);
    }

    fn wait(&mut self, now: Time, state: State) {
        self.state = state;
        self.deadline = now + self.settings.timeout;
    }

    /// Uses what is in the buffer, until a question comes up or more octets are needed.
    fn advance(&mut self, out: &mut Vec<Output>) {
        'wait: {
            match &mut self.state {
                State::Deciding | State::Delayed { .. } | State::Closed => return,
                State::Tls => break 'wait,
                State::Command | State::Response => {
                    let limits = &self.settings.limits;
                    let limit = if matches!(self.state, State::Response) { limits.response } else { limits.line };
                    let Some(mut line) = self.buffer.line(limit) else { break 'wait };
                    // Postfix reads a line as a C string: whatever follows a NUL (telnet sends CR NUL
                    // for a carriage return, RFC 854) does not count.
                    line.octets.truncate(memchr::memchr(0, &line.octets).unwrap_or(line.octets.len()));
                    if line.bare && self.settings.limits.bare_newline == BareNewline::Reject {
                        return self.ask(Question::BareNewline, out);
                    }
                    if matches!(self.state, State::Response) {
                        return self.ask(Question::Response(line.octets), out);
                    }
                    let command = Command::parse(line.octets);
                    self.last_verb = Some(command.verb);
                    if matches!(command.verb, Verb::Rset | Verb::Helo | Verb::Ehlo) {
                        self.chunks = None;
                    }
                    return self.ask(Question::Command(command), out);
                }
                State::Data(reader) => match reader.read(&mut self.buffer) {
                    Ok(false) => break 'wait,
                    Err(DataError::BareNewline) => return self.ask(Question::BareNewline, out),
                    Ok(true) => {
                        let State::Data(reader) = std::mem::replace(&mut self.state, State::Deciding) else { return };
                        let (content, over_limit) = reader.finish();
                        return self.ask(Question::Message { content, over_limit }, out);
                    }
                },
                State::Chunk { left, last } => {
                    let piece = self.buffer.take(*left);
                    *left -= piece.len() as u64;
                    let (left, last) = (*left, *last);
                    let chunks = self.chunks.get_or_insert_with(ChunkReader::default);
                    chunks.push(&piece);
                    if left > 0 {
                        break 'wait;
                    }
                    if !last {
                        return self.ask(Question::Chunk, out);
                    }
                    let (content, over_limit) = self.chunks.take().unwrap_or_default().finish();
                    return self.ask(Question::Message { content, over_limit }, out);
                }
                State::Discard { left } => {
                    *left -= self.buffer.take(*left).len() as u64;
                    if *left > 0 {
                        break 'wait;
                    }
                    self.chunks = None;
                    return self.ask(Question::Chunk, out);
                }
            }
        }
        self.flush(out);
        let deadline = self.deadline;
        self.arm(deadline, out);
    }

    fn ask(&mut self, question: Question, out: &mut Vec<Output>) {
        self.state = State::Deciding;
        out.push(Output::Ask(question));
    }

    fn flush(&mut self, out: &mut Vec<Output>) {
        if !self.replies.is_empty() {
            out.push(Output::Send(std::mem::take(&mut self.replies).into()));
        }
    }

    fn arm(&mut self, time: Time, out: &mut Vec<Output>) {
        if self.armed.is_none_or(|armed| armed > time) {
            self.armed = Some(time);
            out.push(Output::WakeAt(time));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::smtp::framing::Limits;

    fn settings() -> Settings {
        Settings {
            limits: Limits::default(),
            timeout: Duration::from_secs(300),
            tls_timeout: Duration::from_secs(300),
            soft_errors: 10,
            hard_errors: 20,
            error_delay: Duration::from_secs(1),
        }
    }

    /// An owner that accepts everything, and what the session looks like to it.
    #[derive(Default)]
    struct Owner {
        sent: Vec<u8>,
        heard: Vec<String>,
        closed: bool,
    }

    impl Owner {
        fn answer(&mut self, question: Question) -> Answer {
            let reply = |code| Some(Reply::new(code, "ok"));
            match question {
                Question::Command(command) => {
                    self.heard.push(command.text().to_string());
                    match command.verb {
                        Verb::Data => Answer { reply: reply(354), error: false, next: Next::Data { limit: 100 } },
                        Verb::Quit => Answer::close(Reply::new(221, "bye")),
                        Verb::Unknown => Answer::error(Reply::new(500, "what")),
                        Verb::Bdat => Answer {
                            reply: None,
                            error: false,
                            next: Next::Chunk { size: 4, last: command.text().ends_with("LAST"), limit: 0 },
                        },
                        _ => Answer::ok(Reply::new(250, "ok")),
                    }
                }
                Question::Message { content, over_limit } => {
                    self.heard.push(format!("{} {over_limit}", String::from_utf8_lossy(&content)));
                    Answer::ok(Reply::new(250, "queued"))
                }
                Question::TimedOut | Question::TooManyErrors | Question::BareNewline => {
                    self.heard.push(format!("{question:?}"));
                    Answer::close(Reply::new(421, "enough"))
                }
                Question::Response(_) | Question::Chunk => Answer::ok(Reply::new(250, "ok")),
            }
        }

        fn run(&mut self, server: &mut Server, now: Time, input: Input) -> Vec<Time> {
            let mut wakes = Vec::new();
            let mut out = Vec::new();
            server.handle(now, input, &mut out);
            while !out.is_empty() {
                for output in std::mem::take(&mut out) {
                    match output {
                        Output::Ask(question) => {
                            let answer = self.answer(question);
                            server.handle(now, Input::Answer(answer), &mut out);
                        }
                        Output::Send(bytes) => self.sent.extend_from_slice(&bytes),
                        Output::Close | Output::Lost => self.closed = true,
                        Output::WakeAt(time) => wakes.push(time),
                        Output::StartTls => {}
                    }
                }
            }
            wakes
        }
    }

    fn session(pieces: &[&[u8]]) -> (Owner, Server) {
        let (mut owner, mut server) = (Owner::default(), Server::new(settings()));
        owner.run(&mut server, Time::default(), Input::Answer(Answer::ok(Reply::new(220, "hi"))));
        for piece in pieces {
            owner.run(&mut server, Time::default(), Input::Bytes(Bytes::copy_from_slice(piece)));
        }
        (owner, server)
    }

    #[test]
    fn pipelined_commands_are_answered_in_order() {
        let (owner, server) =
            session(&[b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n"]);
        assert_eq!(
            owner.heard,
            ["EHLO x", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "Subject: x\n\n.\n false", "QUIT"]
        );
        let replies = "220 hi\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 ok\r\n250 queued\r\n221 bye\r\n";
        assert_eq!(String::from_utf8(owner.sent).unwrap(), replies);
        assert!(owner.closed && server.is_closed());
        assert_eq!(server.diagram(), ServerState::Closed);
    }

    #[test]
    fn nothing_is_read_before_the_greeting() {
        let mut server = Server::new(settings());
        let mut out = Vec::new();
        server.handle(Time::default(), Input::Bytes(Bytes::from_static(b"EHLO x\r\n")), &mut out);
        assert_eq!((out.len(), server.pending()), (0, &b"EHLO x\r\n"[..]));
    }

    #[test]
    fn chunks_are_put_together() {
        let (owner, _) = session(&[b"BDAT 4\r\nabc\nBDAT 4 LAST\r\n.\r\nxQUIT\r\n"]);
        assert_eq!(owner.heard, ["BDAT 4", "BDAT 4 LAST", "abc\n.\nx\n false", "QUIT"]);
    }

    #[test]
    fn errors_slow_a_session_down_and_end_it() {
        let (mut owner, mut server) = session(&[b"X\r\n".repeat(12).as_slice()]);
        assert_eq!(server.errors(), 11);
        let replies = |owner: &Owner| owner.sent.split(|octet| *octet == b'\n').count() - 2;
        assert_eq!(replies(&owner), 10);
        owner.run(&mut server, Time::from_secs(1), Input::Wake);
        assert_eq!((server.errors(), replies(&owner)), (12, 11));
        let (mut owner, mut server) = session(&[b"X\r\n".repeat(30).as_slice()]);
        for second in 1..20 {
            owner.run(&mut server, Time::from_secs(second), Input::Wake);
        }
        assert_eq!(owner.heard.last().map(String::as_str), Some("TooManyErrors"));
        assert!(owner.closed);
    }

    #[test]
    fn silence_times_out_only_after_the_last_command() {
        let mut owner = Owner::default();
        let mut server = Server::new(settings());
        let hello = Input::Answer(Answer::ok(Reply::new(220, "hi")));
        assert_eq!(owner.run(&mut server, Time::default(), hello), [Time::from_secs(300)]);
        owner.run(&mut server, Time::from_secs(100), Input::Bytes(Bytes::from_static(b"NOOP\r\n")));
        assert_eq!(owner.run(&mut server, Time::from_secs(300), Input::Wake), [Time::from_secs(400)]);
        owner.run(&mut server, Time::from_secs(400), Input::Wake);
        assert_eq!(owner.heard, ["NOOP", "TimedOut"]);
    }

    proptest! {
        #[test]
        fn any_octets_are_survived(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..6)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            session(&pieces);
        }

        #[test]
        fn splitting_the_stream_changes_nothing(at in 0usize..80) {
            let input = b"EHLO x\r\nMAIL FROM:<a>\nDATA\r\n.a\r\n\r.\r\n..\r\n.\r\nBDAT 4 LAST\r\na\r\nbQUIT\r\n";
            let (front, back) = input.split_at(at.min(input.len()));
            let (whole, _) = session(&[input]);
            let (split, _) = session(&[front, back]);
            prop_assert_eq!((split.heard, split.sent), (whole.heard, whole.sent));
        }
    }
}
