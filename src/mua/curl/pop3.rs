//! curl's POP3 (lib/pop3.c).

use super::talk::{Action, Exchange, Task, denied};
use super::url::decoded;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Capa { first: bool },
    Stls,
    Auth,
    User,
    Pass,
    Command,
    Body,
}

/// A POP3 session of curl.
#[derive(Clone, Debug)]
pub struct Pop3 {
    task: Task,
    state: State,
    secure: bool,
    has_stls: bool,
    mechanisms: Vec<String>,
    exchange: Option<Exchange>,
}

impl Pop3 {
    /// A session whose greeting is awaited.
    pub fn new(task: Task, secure: bool) -> Pop3 {
        Pop3 { task, state: State::Greeting, secure, has_stls: false, mechanisms: Vec::new(), exchange: None }
    }

    fn say(&mut self, line: String, state: State, out: &mut Vec<Action>) {
        self.state = state;
        out.push(Action::Say(line));
    }

    fn capa(&mut self, out: &mut Vec<Action>) {
        self.has_stls = false;
        self.mechanisms.clear();
        self.say("CAPA".into(), State::Capa { first: true }, out);
    }

    /// The TLS handshake is done.
    pub fn secured(&mut self, out: &mut Vec<Action>) {
        self.secure = true;
        self.capa(out);
    }

    /// Whether what comes is content, which `-v` does not show.
    pub fn is_content(&self) -> bool {
        self.state == State::Body
    }

    /// Takes a line of the server.
    pub fn line(&mut self, line: &str, out: &mut Vec<Action>) {
        let good = line.starts_with("+OK");
        match self.state {
            State::Greeting if good => self.capa(out),
            State::Greeting => out.push(Action::Fail(8, "Got unexpected pop3-server response".into(), None)),
            State::Capa { first: true } if good => self.state = State::Capa { first: false },
            State::Capa { first } if first || line == "." => self.capable(out),
            State::Capa { .. } => match line.split_once(' ') {
                Some(("SASL", list)) => self.mechanisms = list.split(' ').map(str::to_owned).collect(),
                _ => self.has_stls |= line == "STLS",
            },
            State::Stls if good => out.push(Action::StartTls),
            State::Stls if self.task.needs_tls() => {
                out.push(Action::Fail(64, "STARTTLS denied".into(), Some("QUIT".into())));
            }
            State::Stls => self.authenticate(out),
            State::Auth if line.starts_with("+ ") || line == "+" => {
                let challenge = line.get(2..).unwrap_or_default().to_owned();
                match self.exchange.as_mut().and_then(|exchange| exchange.respond(&challenge)) {
                    Some(response) => out.push(Action::Say(response)),
                    None => self.say("*".into(), State::Auth, out),
                }
            }
            State::User if good => {
                let password = self.task.login.clone().unwrap_or_default().1;
                self.say(format!("PASS {password}"), State::Pass, out);
            }
            State::Auth | State::Pass if good => self.perform(out),
            State::Auth | State::User | State::Pass => {
                out.push(Action::Note(format!("Access denied. {}", line.chars().next().unwrap_or('-'))));
                out.push(denied(None));
            }
            State::Command if good && self.task.options.no_body => out.push(Action::Done("QUIT".into())),
            State::Command if good => self.state = State::Body,
            State::Command => out.push(Action::Fail(8, "Weird server reply".into(), Some("QUIT".into()))),
            State::Body if line == "." => out.push(Action::Done("QUIT".into())),
            State::Body => {
                let text = line.strip_prefix('.').unwrap_or(line);
                out.push(Action::Print(format!("{text}\r\n").into_bytes()));
            }
        }
    }

    fn capable(&mut self, out: &mut Vec<Action>) {
        if !self.task.wants_tls(self.secure) {
            return self.authenticate(out);
        }
        match (self.has_stls, self.task.needs_tls()) {
            (true, _) => self.say("STLS".into(), State::Stls, out),
            (false, true) => out.push(Action::Fail(64, "STLS not supported.".into(), Some("QUIT".into()))),
            (false, false) => self.authenticate(out),
        }
    }

    fn authenticate(&mut self, out: &mut Vec<Action>) {
        let Some((user, _)) = self.task.login.clone() else { return self.perform(out) };
        match self.task.exchange(&self.mechanisms) {
            Some((mechanism, exchange)) => {
                self.exchange = Some(Exchange(mechanism, exchange));
                self.say(format!("AUTH {}", mechanism.as_str()), State::Auth, out);
            }
            None => self.say(format!("USER {user}"), State::User, out),
        }
    }

    fn perform(&mut self, out: &mut Vec<Action>) {
        let id = decoded(self.task.url.path.trim_end_matches('/'));
        let verb = self.task.options.request.clone();
        let verb = verb.unwrap_or_else(|| if id.is_empty() { "LIST" } else { "RETR" }.to_owned());
        let line = if id.is_empty() { verb } else { format!("{verb} {id}") };
        self.say(line, State::Command, out);
    }
}
