//! `relaytest HOST[:PORT]`: asks a server from outside, in all the classic disguises, to take mail for
//! a third party. Nothing is ever sent: after each answer to RCPT the transaction is dropped. It
//! prints one line per form with the reply code and a verdict, and exits with 1 if the server relays.
//! `-d DOMAIN` names the server's own domain if it does not follow from its name, `-v` shows the
//! dialogue.

use std::collections::VecDeque;

use crate::host::dial::Dialer;
use crate::host::process::Input;
use crate::host::{Env, Program, Progress, Resume, tls};
use crate::sim::net::NetInput;
use crate::sim::{Duration, Payload, Socket, TlsMessage};

/// The third party.
const VICTIM: &str = "u@victim.test";
/// How long a reply is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Form {
    title: String,
    helo: Option<String>,
    port: Option<u16>,
    mail: String,
    rcpt: String,
}

/// The attempts on a server with this name, address and domain.
fn forms(server: &str, address: &str, domain: &str, own: &str) -> VecDeque<Form> {
    let form = |title: &str, mail: &str, rcpt: &str| Form {
        title: title.to_owned(),
        helo: None,
        port: None,
        mail: mail.to_owned(),
        rcpt: rcpt.to_owned(),
    };
    let outside = format!("relaytest@{own}");
    let literal = if address.contains(':') { format!("[IPv6:{address}]") } else { format!("[{address}]") };
    let sender = |title: &str, mail: &str| form(title, mail, VICTIM);
    let recipient = |rcpt: String| form(&format!("recipient {rcpt}"), &outside, &rcpt);
    [
        sender("plain outside sender", &outside),
        sender("null sender", ""),
        sender("sender in the server's domain", &format!("postmaster@{domain}")),
        sender("sender unknown in the domain", &format!("nosuchuser@{domain}")),
        sender("sender without domain", "postmaster"),
        sender("sender with address literal", &format!("user@{literal}")),
        sender("sender with the server's name", &format!("user@{server}")),
        recipient(format!("u%victim.test@{domain}")),
        recipient(format!("u%victim.test@{literal}")),
        recipient("\"u@victim.test\"".to_owned()),
        recipient("\"u%victim.test\"".to_owned()),
        recipient(format!("\"u@victim.test\"@{domain}")),
        recipient(format!("@{domain}:u@victim.test")),
        recipient(format!("@{literal}:u@victim.test")),
        recipient("victim.test!u".to_owned()),
        recipient(format!("victim.test!u@{domain}")),
        recipient(format!("victim.test!u@{literal}")),
        Form { helo: Some(server.to_owned()), ..sender("HELO with the server's own name", &outside) },
        Form { port: Some(587), ..sender("submission port without login", &outside) },
    ]
    .into()
}

/// What is awaited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Await {
    #[default]
    Nothing,
    Handshake,
    Banner,
    Helo,
    Mail,
    Rcpt,
    Rset,
}

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct RelayTest {
    target: String,
    domain: Option<String>,
    verbose: bool,
    dialer: Option<Dialer>,
    sock: Option<Socket>,
    forms: VecDeque<Form>,
    awaited: Await,
    received: Vec<u8>,
    number: usize,
    relayed: Vec<usize>,
    /// How often the present form was tried on a new connection.
    retries: u32,
    heard: u64,
}

impl RelayTest {
    /// The command, about to be started.
    pub fn program() -> Box<dyn Program> {
        Box::new(RelayTest::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let mut args = env.args.iter().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "-v" => self.verbose = true,
                "-d" => self.domain = args.next().cloned(),
                option if option.starts_with('-') => self.target.clear(),
                target => target.clone_into(&mut self.target),
            }
        }
        if self.target.is_empty() {
            env.errln("usage: relaytest [-v] [-d domain] host[:port]");
            return Progress::Exit(2);
        }
        let mut dialer = Dialer::new(&self.target, 25);
        self.sock = dialer.start(env.ctx);
        self.dialer = Some(dialer);
        Progress::Wait
    }

    fn say(&mut self, line: &str, awaited: Await, env: &mut Env<'_, '_>) {
        if self.verbose {
            env.outln(format!("    C: {line}"));
        }
        if let Some(sock) = self.sock {
            env.ctx.send(sock, format!("{line}\r\n"));
        }
        self.expect(awaited, env);
    }

    fn expect(&mut self, awaited: Await, env: &mut Env<'_, '_>) {
        self.awaited = awaited;
        self.heard += 1;
        env.ctx.wake_at(env.ctx.now + PATIENCE, self.heard, "relaytest's time-out");
    }

    /// The first connection is open: now the server's names are known.
    fn introduce(&mut self, env: &mut Env<'_, '_>) {
        let Some(dialer) = &self.dialer else { return };
        let address = dialer.trying().map(|address| address.ip().to_string()).unwrap_or_default();
        let server = dialer.host.trim_end_matches('.').to_owned();
        let parent = server.split_once('.').filter(|(_, rest)| rest.contains('.')).map(|(_, rest)| rest.to_owned());
        let parent = parent.filter(|_| server.parse::<std::net::IpAddr>().is_err());
        let domain = self.domain.clone().or(parent).unwrap_or_else(|| server.clone());
        env.outln(format!("relaytest of {server} ({address}), domain {domain}, third party {VICTIM}"));
        self.forms = forms(&server, &address, &domain, &env.ctx.host.fqdn);
    }

    fn opened(&mut self, sock: Socket, env: &mut Env<'_, '_>) {
        if self.forms.is_empty() {
            self.introduce(env);
        }
        let port = self.dialer.as_ref().map_or(25, |dialer| dialer.port);
        if port == 465 {
            let host = self.dialer.as_ref().map(|dialer| dialer.host.clone()).unwrap_or_default();
            tls::client_hello(sock, &host, env.ctx);
            return self.expect(Await::Handshake, env);
        }
        self.expect(Await::Banner, env);
    }

    fn mail(&mut self, env: &mut Env<'_, '_>) {
        let Some(form) = self.forms.front() else { return };
        let line = format!("MAIL FROM:<{}>", form.mail);
        self.say(&line, Await::Mail, env);
    }

    fn helo(&mut self, env: &mut Env<'_, '_>) {
        let own = env.ctx.host.fqdn.to_string();
        let name = self.forms.front().and_then(|form| form.helo.clone()).unwrap_or(own);
        self.say(&format!("HELO {name}"), Await::Helo, env);
    }

    /// Prints the result of the present form and begins with the next.
    fn result(&mut self, code: Option<u16>, env: &mut Env<'_, '_>) -> Progress {
        let Some(form) = self.forms.pop_front() else { return Progress::Wait };
        self.number += 1;
        self.retries = 0;
        let verdict = match code {
            Some(code) if code / 100 == 2 => {
                self.relayed.push(self.number);
                "RELAYED"
            }
            Some(_) => "closed",
            None => "closed (no answer)",
        };
        let code = code.map_or("---".to_owned(), |code| format!("{code:03}"));
        env.outln(format!("{:2}  {:<50} {code}  {verdict}", self.number, form.title));
        match self.forms.front() {
            None => self.finish(env),
            Some(next) if next.port.is_some() => {
                let port = next.port.unwrap_or(587);
                self.reconnect(port, env)
            }
            Some(_) => {
                if self.sock.is_some() {
                    self.say("RSET", Await::Rset, env);
                    return Progress::Wait;
                }
                let port = self.dialer.as_ref().map_or(25, |dialer| dialer.port);
                self.reconnect(port, env)
            }
        }
    }

    fn reconnect(&mut self, port: u16, env: &mut Env<'_, '_>) -> Progress {
        if let Some(sock) = self.sock.take() {
            env.ctx.send(sock, "QUIT\r\n");
            env.ctx.close(sock);
        }
        self.received.clear();
        self.awaited = Await::Nothing;
        let address = self.dialer.as_ref().and_then(Dialer::trying);
        let (Some(dialer), Some(address)) = (&mut self.dialer, address) else { return Progress::Exit(2) };
        dialer.port = port;
        self.sock = Some(env.ctx.connect(None, std::net::SocketAddr::new(address.ip(), port)));
        Progress::Wait
    }

    fn finish(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if let Some(sock) = self.sock.take() {
            env.ctx.send(sock, "QUIT\r\n");
            env.ctx.close(sock);
        }
        let count = self.number;
        if self.relayed.is_empty() {
            env.outln(format!("{count} forms tested, none relayed: the server is closed."));
            return Progress::Exit(0);
        }
        let list: Vec<String> = self.relayed.iter().map(ToString::to_string).collect();
        env.outln(format!(
            "{count} forms tested, {} relayed ({}): this is an open relay.",
            list.len(),
            list.join(", ")
        ));
        Progress::Exit(1)
    }

    fn replied(&mut self, code: u16, env: &mut Env<'_, '_>) -> Progress {
        match self.awaited {
            Await::Banner if code == 220 => self.helo(env),
            Await::Helo | Await::Rset if code / 100 == 2 => {
                let needs_helo =
                    self.awaited == Await::Rset && self.forms.front().is_some_and(|form| form.helo.is_some());
                if needs_helo { self.helo(env) } else { self.mail(env) }
            }
            Await::Mail if code / 100 == 2 => {
                let Some(form) = self.forms.front() else { return Progress::Wait };
                let line = format!("RCPT TO:<{}>", form.rcpt);
                self.say(&line, Await::Rcpt, env);
            }
            Await::Nothing | Await::Handshake => {}
            // Refused where it was, or an answer to RCPT.
            _ => return self.result(Some(code), env),
        }
        Progress::Wait
    }

    /// The connection is gone, or never came about.
    fn lost(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.sock = None;
        let is_submission = self.forms.front().is_some_and(|form| form.port.is_some());
        let port = self.dialer.as_ref().map_or(25, |dialer| dialer.port);
        self.retries += 1;
        match (is_submission, port) {
            (true, 587) => self.reconnect(465, env),
            (true, _) => self.result(None, env),
            (false, port) if self.retries == 1 => self.reconnect(port, env),
            _ => self.result(None, env),
        }
    }

    fn network(&mut self, input: NetInput, env: &mut Env<'_, '_>) -> Progress {
        match input {
            NetInput::Connected { sock, .. } => {
                self.opened(sock, env);
                Progress::Wait
            }
            NetInput::ConnectFailed { error, .. } if self.forms.is_empty() => {
                match self.dialer.as_mut().map(|dialer| dialer.failed(error, env.ctx)) {
                    Some(Ok(sock)) => {
                        self.sock = Some(sock);
                        Progress::Wait
                    }
                    Some(Err(error)) => {
                        env.errln(format!("relaytest: {error}"));
                        Progress::Exit(2)
                    }
                    None => Progress::Wait,
                }
            }
            NetInput::ConnectFailed { .. } => self.lost(env),
            NetInput::Data { sock, payload: Payload::Tls(message) } => {
                if matches!(&*message, TlsMessage::ServerHello { .. }) {
                    env.ctx.send_tls(sock, TlsMessage::Finished);
                    self.expect(Await::Banner, env);
                    return Progress::Wait;
                }
                self.lost(env)
            }
            NetInput::Data { payload: Payload::Bytes(bytes), .. } => {
                self.received.extend_from_slice(&bytes);
                while let Some(end) = self.received.iter().position(|octet| *octet == b'\n') {
                    let line: Vec<u8> = self.received.drain(..=end).collect();
                    let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                    if self.verbose {
                        env.outln(format!("    S: {line}"));
                    }
                    if line.as_bytes().get(3) == Some(&b'-') {
                        continue;
                    }
                    let code = line.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
                    match self.replied(code, env) {
                        Progress::Wait => {}
                        progress => return progress,
                    }
                }
                self.received.truncate(1 << 16);
                Progress::Wait
            }
            NetInput::Eof { sock } | NetInput::Reset { sock, .. } if self.sock == Some(sock) => self.lost(env),
            _ => Progress::Wait,
        }
    }
}

impl Program for RelayTest {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.begin(env),
            Resume::Input(Input::Resolved { token, lookup }) => {
                match self.dialer.as_mut().map(|dialer| dialer.resolved(token, &lookup, env.ctx)) {
                    Some(Ok(sock)) => self.sock = sock,
                    Some(Err(error)) => {
                        env.errln(format!("relaytest: {error}"));
                        return Progress::Exit(2);
                    }
                    None => {}
                }
                Progress::Wait
            }
            Resume::Input(Input::Net(input)) => self.network(input, env),
            Resume::Input(Input::Wake(token)) if token == self.heard && self.awaited != Await::Nothing => {
                self.lost(env)
            }
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_nineteen_forms_about_one_third_party() {
        let forms = forms("mx1.example.com", "192.0.2.10", "example.com", "probe.example.net");
        assert_eq!(forms.len(), 19);
        assert!(forms.iter().all(|form| form.rcpt.contains("victim.test")));
        assert_eq!(forms[5].mail, "user@[192.0.2.10]");
        assert_eq!(forms[13].rcpt, "@[192.0.2.10]:u@victim.test");
    }
}
