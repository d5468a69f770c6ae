//! curl's IMAP (lib/imap.c).

use super::talk::{Action, Exchange, Task, denied};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Capability,
    StartTls,
    Auth,
    Login,
    Select,
    List,
    Search,
    Fetch,
    /// Content of this many octets.
    Literal,
    Append,
    Appended,
}

/// An IMAP session of curl.
#[derive(Clone, Debug)]
pub struct Imap {
    task: Task,
    state: State,
    secure: bool,
    tag: u32,
    capabilities: Vec<String>,
    exchange: Option<Exchange>,
    found: bool,
}

impl Imap {
    /// A session whose greeting is awaited.
    pub fn new(task: Task, secure: bool) -> Imap {
        Imap { task, state: State::Greeting, secure, tag: 0, capabilities: Vec::new(), exchange: None, found: false }
    }

    fn tag(&self) -> String {
        format!("A{:03}", self.tag)
    }

    fn say(&mut self, command: String, state: State, out: &mut Vec<Action>) {
        self.tag += 1;
        self.state = state;
        out.push(Action::Say(format!("{} {command}", self.tag())));
    }

    /// The command that ends the session.
    fn logout(&self) -> String {
        format!("A{:03} LOGOUT", self.tag + 1)
    }

    fn fail(&self, status: u8, text: &str, out: &mut Vec<Action>) {
        out.push(Action::Fail(status, text.into(), Some(self.logout())));
    }

    /// The TLS handshake is done.
    pub fn secured(&mut self, out: &mut Vec<Action>) {
        self.secure = true;
        self.capabilities.clear();
        self.say("CAPABILITY".into(), State::Capability, out);
    }

    /// The content that was announced has come.
    pub fn literal(&mut self, content: Vec<u8>, out: &mut Vec<Action>) {
        out.push(Action::Note(format!("Written {} bytes, 0 bytes are left for transfer", content.len())));
        out.push(Action::Print(content));
        self.state = State::Fetch;
    }

    /// Takes a line of the server; returns the size of the content that follows.
    pub fn line(&mut self, line: &str, out: &mut Vec<Action>) -> Option<usize> {
        let tag = self.tag() + " ";
        if let Some(reply) = line.strip_prefix(&tag).filter(|_| self.state != State::Greeting) {
            self.completed(reply, out);
            return None;
        }
        match self.state {
            State::Greeting if line.starts_with("* OK") => self.say("CAPABILITY".into(), State::Capability, out),
            State::Greeting => self.fail(8, "Got unexpected imap-server response", out),
            State::Capability => {
                if let Some(list) = line.strip_prefix("* CAPABILITY ") {
                    self.capabilities = list.split(' ').map(str::to_owned).collect();
                }
            }
            State::Auth => {
                if let Some(challenge) = line.strip_prefix('+') {
                    let challenge = challenge.trim().to_owned();
                    match self.exchange.as_mut().and_then(|exchange| exchange.respond(&challenge)) {
                        Some(response) => out.push(Action::Say(response)),
                        None => out.push(Action::Say("*".into())),
                    }
                }
            }
            State::List | State::Search if line.starts_with("* ") => {
                out.push(Action::Print(format!("{line}\r\n").into_bytes()));
            }
            State::Fetch => {
                let size = line.strip_suffix('}').and_then(|head| head.rsplit_once('{')?.1.parse::<usize>().ok());
                if let Some(size) = size.filter(|_| line.contains("FETCH")) {
                    self.found = true;
                    out.push(Action::Note(format!("Found {size} bytes to download")));
                    self.state = State::Literal;
                    return Some(size);
                }
            }
            State::Append if line.starts_with('+') => {
                self.state = State::Appended;
                out.push(Action::Upload("\r\n"));
            }
            _ => {}
        }
        None
    }

    fn completed(&mut self, reply: &str, out: &mut Vec<Action>) {
        let good = reply.split(' ').next() == Some("OK");
        match self.state {
            State::Capability => self.capable(out),
            State::StartTls if good => out.push(Action::StartTls),
            State::StartTls if self.task.needs_tls() => self.fail(64, "STARTTLS denied", out),
            State::StartTls => self.authenticate(out),
            State::Auth | State::Login if good => self.perform(out),
            State::Auth | State::Login => out.push(denied(None)),
            State::Select if good => self.selected(out),
            State::Select => self.fail(67, "Select failed", out),
            State::List | State::Search if good => out.push(Action::Done(self.logout())),
            State::List | State::Search => self.fail(21, "Quote command returned error", out),
            State::Fetch if good && self.found => out.push(Action::Done(self.logout())),
            State::Fetch if good => self.fail(78, "Remote file not found", out),
            State::Fetch => self.fail(78, "Remote file not found", out),
            State::Appended if good => out.push(Action::Done(self.logout())),
            State::Append | State::Appended => self.fail(25, "Failed FTP upload: 0", out),
            State::Greeting | State::Literal => {}
        }
    }

    fn capable(&mut self, out: &mut Vec<Action>) {
        if !self.task.wants_tls(self.secure) {
            return self.authenticate(out);
        }
        let offered = self.capabilities.iter().any(|name| name == "STARTTLS");
        match (offered, self.task.needs_tls()) {
            (true, _) => self.say("STARTTLS".into(), State::StartTls, out),
            (false, true) => self.fail(64, "STARTTLS not available.", out),
            (false, false) => self.authenticate(out),
        }
    }

    fn authenticate(&mut self, out: &mut Vec<Action>) {
        let Some((user, password)) = self.task.login.clone() else { return self.perform(out) };
        let offered: Vec<String> =
            self.capabilities.iter().filter_map(|name| name.strip_prefix("AUTH=")).map(str::to_owned).collect();
        let may_login = !self.capabilities.iter().any(|name| name == "LOGINDISABLED");
        match self.task.exchange(&offered) {
            Some((mechanism, exchange)) => {
                let mut exchange = Exchange(mechanism, exchange);
                let initial = match self.capabilities.iter().any(|name| name == "SASL-IR") {
                    true => exchange.initial().map(|response| format!(" {response}")),
                    false => None,
                };
                self.exchange = Some(exchange);
                let initial = initial.unwrap_or_default();
                self.say(format!("AUTHENTICATE {}{initial}", mechanism.as_str()), State::Auth, out);
            }
            None if may_login && self.task.options.mechanism.is_none() => {
                self.say(format!("LOGIN {} {}", atom(&user), atom(&password)), State::Login, out);
            }
            None => {
                out.push(Action::Note("No known authentication mechanisms supported".into()));
                out.push(denied(None));
            }
        }
    }

    fn perform(&mut self, out: &mut Vec<Action>) {
        let (mailbox, _) = self.task.url.mailbox();
        if let (Some(size), None) = (self.task.size, &self.task.options.request) {
            if mailbox.is_empty() {
                return self.fail(3, "Cannot APPEND without a mailbox.", out);
            }
            return self.say(format!("APPEND {} (\\Seen) {{{size}}}", atom(&mailbox)), State::Append, out);
        }
        match mailbox.is_empty() {
            true => self.list(out),
            false => {
                let (_, parameters) = self.task.url.mailbox();
                let wants = parameters.iter().any(|(name, _)| matches!(name.as_str(), "UID" | "MAILINDEX"));
                if wants || self.task.options.request.is_some() || self.task.url.query.is_some() {
                    self.say(format!("SELECT {}", atom(&mailbox)), State::Select, out);
                } else {
                    self.list(out);
                }
            }
        }
    }

    fn list(&mut self, out: &mut Vec<Action>) {
        let (mailbox, _) = self.task.url.mailbox();
        let command = match &self.task.options.request {
            Some(request) => request.clone(),
            None => format!("LIST \"{}\" *", mailbox.replace('"', "\\\"")),
        };
        self.say(command, State::List, out);
    }

    fn selected(&mut self, out: &mut Vec<Action>) {
        if self.task.options.request.is_some() {
            return self.list(out);
        }
        if let Some(query) = self.task.url.query.clone() {
            return self.say(format!("SEARCH {query}"), State::Search, out);
        }
        let (_, parameters) = self.task.url.mailbox();
        let get = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let section = get("SECTION").unwrap_or_default();
        let command = match (get("UID"), get("MAILINDEX")) {
            (Some(uid), _) => format!("UID FETCH {uid} BODY[{section}]"),
            (None, Some(index)) => format!("FETCH {index} BODY[{section}]"),
            (None, None) => return self.fail(3, "Cannot FETCH without a UID.", out),
        };
        self.say(command, State::Fetch, out);
    }
}

/// An atom, or a quoted string if need be (RFC 3501 section 4).
fn atom(text: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !"(){%*\"\\]".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
