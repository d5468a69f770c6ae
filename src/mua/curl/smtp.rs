//! curl's SMTP (lib/smtp.c).

use super::talk::{Action, Exchange, Task, denied};
use super::url::decoded;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Banner,
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Command,
    Mail,
    Rcpt(usize),
    Data,
    PostData,
}

/// An SMTP session of curl.
#[derive(Clone, Debug)]
pub struct Smtp {
    task: Task,
    state: State,
    secure: bool,
    has_starttls: bool,
    mechanisms: Option<Vec<String>>,
    has_size: bool,
    exchange: Option<Exchange>,
}

impl Smtp {
    /// A session whose greeting is awaited.
    pub fn new(task: Task, secure: bool) -> Smtp {
        let state = State::Banner;
        Smtp { task, state, secure, has_starttls: false, mechanisms: None, has_size: false, exchange: None }
    }

    fn say(&mut self, line: String, state: State, out: &mut Vec<Action>) {
        self.state = state;
        out.push(Action::Say(line));
    }

    fn fail(&self, status: u8, text: String, out: &mut Vec<Action>) {
        let quits = !matches!(self.state, State::Banner | State::Ehlo | State::Helo | State::StartTls | State::Auth);
        out.push(Action::Note(text.clone()));
        out.push(Action::Fail(status, text, quits.then(|| "QUIT".to_owned())));
    }

    fn ehlo(&mut self, out: &mut Vec<Action>) {
        (self.has_starttls, self.mechanisms, self.has_size) = (false, None, false);
        let name = self.name();
        self.say(format!("EHLO {name}"), State::Ehlo, out);
    }

    fn name(&self) -> String {
        let path = decoded(self.task.url.path.trim_end_matches('/'));
        if path.is_empty() { self.task.name.clone() } else { path }
    }

    /// The TLS handshake is done.
    pub fn secured(&mut self, out: &mut Vec<Action>) {
        self.secure = true;
        self.ehlo(out);
    }

    /// Takes a line of the server.
    pub fn line(&mut self, line: &str, out: &mut Vec<Action>) {
        let code: u16 = line.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
        let is_last = line.as_bytes().get(3) != Some(&b'-');
        let good = code / 100 == 2;
        if self.state == State::Ehlo && good {
            self.capability(line.get(4..).unwrap_or_default());
        }
        if self.state == State::Command && (good || code == 553) {
            out.push(Action::Print(format!("{line}\r\n").into_bytes()));
        }
        if !is_last {
            return;
        }
        match self.state {
            State::Banner if good => self.ehlo(out),
            State::Banner => self.fail(8, format!("Got unexpected smtp-server response: {code}"), out),
            State::Ehlo if good => self.extended(out),
            State::Ehlo if !self.task.needs_tls() || self.secure => {
                let name = self.name();
                self.say(format!("HELO {name}"), State::Helo, out);
            }
            State::Helo if good => self.perform(out),
            State::Ehlo | State::Helo => self.fail(9, format!("Remote access denied: {code}"), out),
            State::StartTls if code == 220 => out.push(Action::StartTls),
            State::StartTls if self.task.needs_tls() => self.fail(64, format!("STARTTLS denied, code {code}"), out),
            State::StartTls => self.authenticate(out),
            State::Auth if code == 334 => {
                let challenge = line.get(4..).unwrap_or_default().to_owned();
                match self.exchange.as_mut().and_then(|exchange| exchange.respond(&challenge)) {
                    Some(response) => out.push(Action::Say(response)),
                    None => self.say("*".into(), State::Auth, out),
                }
            }
            State::Auth if good => self.perform(out),
            State::Auth => out.push(denied(None)),
            State::Command if good || code == 553 => out.push(Action::Done("QUIT".into())),
            State::Command => self.fail(8, format!("Command failed: {code}"), out),
            State::Mail if good => self.recipient(0, out),
            State::Mail => self.fail(55, format!("MAIL failed: {code}"), out),
            State::Rcpt(at) if good => self.recipient(at + 1, out),
            State::Rcpt(_) => self.fail(55, format!("RCPT failed: {code}"), out),
            State::Data if code == 354 => {
                self.state = State::PostData;
                out.push(Action::Upload("\r\n.\r\n"));
            }
            State::Data => self.fail(55, format!("DATA failed: {code}"), out),
            State::PostData if code == 250 => out.push(Action::Done("QUIT".into())),
            State::PostData => self.fail(8, "Weird server reply".into(), out),
        }
    }

    fn capability(&mut self, offer: &str) {
        self.has_starttls |= offer == "STARTTLS";
        self.has_size |= offer.starts_with("SIZE");
        if let Some(list) = offer.strip_prefix("AUTH ") {
            self.mechanisms = Some(list.split(' ').map(str::to_owned).collect());
        }
    }

    fn extended(&mut self, out: &mut Vec<Action>) {
        if !self.task.wants_tls(self.secure) {
            return self.authenticate(out);
        }
        match (self.has_starttls, self.task.needs_tls()) {
            (true, _) => self.say("STARTTLS".into(), State::StartTls, out),
            (false, true) => self.fail(64, "STARTTLS not available.".into(), out),
            (false, false) => self.authenticate(out),
        }
    }

    fn authenticate(&mut self, out: &mut Vec<Action>) {
        let (Some(offered), true) = (&self.mechanisms, self.task.login.is_some()) else { return self.perform(out) };
        let Some((mechanism, exchange)) = self.task.exchange(offered) else {
            out.push(Action::Note("No known authentication mechanisms supported".into()));
            return out.push(denied(None));
        };
        self.exchange = Some(Exchange(mechanism, exchange));
        self.say(format!("AUTH {}", mechanism.as_str()), State::Auth, out);
    }

    fn perform(&mut self, out: &mut Vec<Action>) {
        let options = &self.task.options;
        match (&options.request, self.task.size, options.recipients.first()) {
            (None, Some(size), Some(_)) => {
                let from = bracketed(options.mail_from.as_deref().unwrap_or_default());
                let size = if self.has_size && size > 0 { format!(" SIZE={size}") } else { String::new() };
                self.say(format!("MAIL FROM:{from}{size}"), State::Mail, out);
            }
            (request, _, Some(recipient)) => {
                let verb = request.clone().unwrap_or_else(|| "VRFY".into());
                self.say(format!("{verb} {recipient}"), State::Command, out);
            }
            (request, _, None) => {
                let verb = request.clone().unwrap_or_else(|| "HELP".into());
                self.say(verb, State::Command, out);
            }
        }
    }

    fn recipient(&mut self, at: usize, out: &mut Vec<Action>) {
        match self.task.options.recipients.get(at) {
            Some(recipient) => {
                let line = format!("RCPT TO:{}", bracketed(recipient));
                self.say(line, State::Rcpt(at), out);
            }
            None => self.say("DATA".into(), State::Data, out),
        }
    }
}

fn bracketed(address: &str) -> String {
    if address.starts_with('<') { address.to_owned() } else { format!("<{address}>") }
}
