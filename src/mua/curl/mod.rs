//! curl(1) for mail: `smtp://`, `smtps://`, `imap://`, `imaps://`, `pop3://`, `pop3s://`. Sends a file
//! as a message, lists and fetches mail, or carries out any one command; its words and exit statuses
//! are those of curl 7.88 with OpenSSL. Other protocols have nowhere to go in this world.

mod imap;
mod options;
mod pop3;
mod smtp;
mod talk;
mod url;

use std::collections::VecDeque;

use self::imap::Imap;
use self::options::Options;
use self::pop3::Pop3;
use self::smtp::Smtp;
use self::talk::{Action, Task};
use self::url::{Protocol, Url};
use crate::host::dial::{DialError, Dialer};
use crate::host::process::Input;
use crate::host::tls::{self, Certificate, ProblemKind, SYSTEM_AUTHORITIES, TrustStore};
use crate::host::{Env, Program, Progress, Resume};
use crate::sim::net::NetInput;
use crate::sim::{Duration, Payload, Socket, Time, TlsMessage};

/// Longest line that is read.
const MAX_LINE: usize = 1 << 20;
/// Largest content that is read.
const MAX_CONTENT: usize = 256 << 20;
/// How long a server may be silent (`--max-time` is counted from the start).
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a connection is waited for.
const CONNECT: Duration = Duration::from_secs(300);
/// The token of the limit for everything.
const MAX_TIME: u64 = u64::MAX;

#[derive(Clone, Debug)]
enum Machine {
    Smtp(Smtp),
    Imap(Imap),
    Pop3(Pop3),
}

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct Curl {
    options: Options,
    started: Time,
    dialer: Option<Dialer>,
    sock: Option<Socket>,
    task: Option<Task>,
    machine: Option<Machine>,
    in_handshake: bool,
    received: Vec<u8>,
    /// Content that is awaited, in octets.
    literal: Option<usize>,
    upload: Vec<u8>,
    output: Vec<u8>,
    uploaded: bool,
    /// Exit status once the last command was answered.
    ending: Option<u8>,
    heard: u64,
}

impl Curl {
    /// The command, about to be started.
    pub fn program() -> Box<dyn Program> {
        Box::new(Curl::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        const HINT: &str = "curl: try 'curl --help' or 'curl --manual' for more information";
        match options::parse(env.args.get(1..).unwrap_or_default()) {
            Ok(options) => self.options = options,
            Err(text) => {
                env.errln(format!("curl: {text}\n{HINT}"));
                return Progress::Exit(2);
            }
        }
        if self.options.help {
            env.outln(HELP);
            return Progress::Exit(0);
        }
        if self.options.version {
            env.outln("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1 OpenSSL/3.0.17\nProtocols: imap imaps pop3 pop3s smtp smtps");
            return Progress::Exit(0);
        }
        if self.options.url.is_empty() {
            env.errln(HINT);
            return Progress::Exit(2);
        }
        match self.options.upload.as_deref() {
            Some("-" | ".") => self.read_stdin(env),
            Some(file) => match env.ctx.host.vfs.read(&env.path(file), env.cred) {
                Ok(content) => {
                    self.upload = content.to_vec();
                    self.connect(env)
                }
                Err(_) => {
                    env.errln(format!("curl: Can't open '{file}'!\n{HINT}\ncurl: (26) Failed to open/read local data from file/application"));
                    Progress::Exit(26)
                }
            },
            None => self.connect(env),
        }
    }

    fn read_stdin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if !env.stdin.eof {
            return Progress::Wait;
        }
        self.upload = std::mem::take(&mut env.stdin.buffer);
        self.connect(env)
    }

    fn connect(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.meter_head(env);
        let url = match Url::parse(&self.options.url) {
            Ok(url) => url,
            Err((status, text)) => return self.failed(status, &text, env),
        };
        let authorities = self.options.authorities.clone();
        if let Some(file) = authorities.filter(|file| env.ctx.host.vfs.read(&env.path(file), env.cred).is_err()) {
            return self.failed(77, &format!("error setting certificate file: {file}"), env);
        }
        let login = match &self.options.user {
            Some(user) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                Some((user.to_owned(), password.to_owned()))
            }
            None => url.login.clone(),
        };
        // SMTP's size is that of the file; a size that is not known is left out.
        let is_stdin = matches!(self.options.upload.as_deref(), Some("-" | "."));
        let size = self
            .options
            .upload
            .as_ref()
            .map(|_| if is_stdin && url.protocol == Protocol::Smtp { 0 } else { self.upload.len() as u64 });
        let mut dialer = Dialer::to(&url.host, url.port);
        let name = env.ctx.host.fqdn.split('.').next().unwrap_or("localhost").to_owned();
        self.task = Some(Task { options: self.options.clone(), url, login, size, name });
        self.sock = dialer.start(env.ctx);
        self.trying(&dialer, env);
        self.dialer = Some(dialer);
        if self.options.max_time > 0 {
            env.ctx.wake_at(env.ctx.now + Duration::from_secs(self.options.max_time), MAX_TIME, "curl --max-time");
        }
        let patience = match self.options.connect_timeout {
            0 => CONNECT,
            seconds => Duration::from_secs(seconds),
        };
        env.ctx.wake_at(env.ctx.now + patience, self.heard, "curl's time-out");
        Progress::Wait
    }

    fn note(&self, text: &str, env: &mut Env<'_, '_>) {
        if self.options.verbose {
            env.errln(format!("* {text}"));
        }
    }

    fn trying(&self, dialer: &Dialer, env: &mut Env<'_, '_>) {
        if let (Some(address), Some(_)) = (dialer.trying(), self.sock) {
            self.note(&format!("  Trying {address}..."), env);
        }
    }

    fn meter_head(&self, env: &mut Env<'_, '_>) {
        if !self.options.silent && (self.options.upload.is_some() || !env.tty) {
            env.errln(
                "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n                                 \
                 Dload  Upload   Total   Spent    Left  Speed",
            );
        }
    }

    /// The last line of the progress meter.
    fn meter_tail(&self, env: &mut Env<'_, '_>) {
        if self.options.silent || (self.options.upload.is_none() && env.tty) {
            return;
        }
        let sent = if self.uploaded { self.upload.len() as u64 } else { 0 };
        let got = self.output.len() as u64;
        let micros = u64::try_from(env.ctx.now.since(self.started).as_micros()).unwrap_or(u64::MAX).max(1);
        let speed = |octets: u64| octets.saturating_mul(1_000_000) / micros;
        let percent = |octets: u64| if octets > 0 { 100 } else { 0 };
        env.errln(format!(
            "{:3} {:5}  {:3} {:5}  {:3} {:5}  {:5}  {:5} --:--:-- --:--:-- --:--:-- {:5}",
            percent(sent + got),
            sent + got,
            percent(got),
            got,
            percent(sent),
            sent,
            speed(got),
            speed(sent),
            speed(sent + got)
        ));
    }

    /// Ends with an error.
    fn failed(&mut self, status: u8, text: &str, env: &mut Env<'_, '_>) -> Progress {
        self.hang_up(env);
        if !self.options.silent || self.options.show_error {
            env.errln(format!("curl: ({status}) {text}"));
            if status == 60 {
                env.errln(
                    "More details here: https://curl.se/docs/sslcerts.html\n\ncurl failed to verify the legitimacy of the \
                     server and therefore could not\nestablish a secure connection to it. To learn more about this situation \
                     and\nhow to fix it, please visit the web page mentioned above.",
                );
            }
        }
        Progress::Exit(status)
    }

    fn hang_up(&mut self, env: &mut Env<'_, '_>) {
        if let Some(sock) = self.sock.take() {
            env.ctx.close(sock);
        }
    }

    fn unreachable(&mut self, error: &DialError, env: &mut Env<'_, '_>) -> Progress {
        match error {
            DialError::NoSuchHost { host } => self.failed(6, &format!("Could not resolve host: {host}"), env),
            DialError::Failed { host, port, .. } => {
                let millis = env.ctx.now.since(self.started).as_millis();
                let text =
                    format!("Failed to connect to {host} port {port} after {millis} ms: Couldn't connect to server");
                self.note(&text, env);
                self.note("Closing connection 0", env);
                self.failed(7, &text, env)
            }
        }
    }

    fn opened(&mut self, sock: Socket, env: &mut Env<'_, '_>) -> Progress {
        let Some(task) = self.task.clone() else { return Progress::Wait };
        let address = self.dialer.as_ref().and_then(Dialer::trying).map(|address| address.ip().to_string());
        let host = &task.url.host;
        let text = format!("Connected to {host} ({}) port {} (#0)", address.unwrap_or_default(), task.url.port);
        self.note(&text, env);
        let implicit = task.url.implicit_tls;
        self.machine = Some(match task.url.protocol {
            Protocol::Smtp => Machine::Smtp(Smtp::new(task, implicit)),
            Protocol::Imap => Machine::Imap(Imap::new(task, implicit)),
            Protocol::Pop3 => Machine::Pop3(Pop3::new(task, implicit)),
        });
        if implicit {
            self.hello(sock, env);
        }
        self.arm(env);
        Progress::Wait
    }

    fn arm(&mut self, env: &mut Env<'_, '_>) {
        self.heard += 1;
        env.ctx.wake_at(env.ctx.now + PATIENCE, self.heard, "curl's time-out");
    }

    fn hello(&mut self, sock: Socket, env: &mut Env<'_, '_>) {
        self.in_handshake = true;
        self.note("TLSv1.3 (OUT), TLS handshake, Client hello (1):", env);
        if !self.options.insecure {
            let file = self.options.authorities.clone().unwrap_or_else(|| SYSTEM_AUTHORITIES.0.into());
            self.note(&format!(" CAfile: {file}"), env);
            self.note(&format!(" CApath: {}", SYSTEM_AUTHORITIES.1), env);
        }
        let host = self.task.as_ref().map(|task| task.url.host.clone()).unwrap_or_default();
        tls::client_hello(sock, &host, env.ctx);
    }

    fn shake_hands(&mut self, sock: Socket, message: &TlsMessage, env: &mut Env<'_, '_>) -> Progress {
        let (version, cipher, chain) = match message {
            TlsMessage::ServerHello { version, cipher, chain, .. } => (version, cipher, chain),
            TlsMessage::Alert(text) => {
                let text = format!("OpenSSL/3.0.17: error:0A000410:SSL routines::{text}");
                return self.failed(35, &text, env);
            }
            _ => return Progress::Wait,
        };
        for step in ["Server hello (2):", "Encrypted Extensions (8):", "Certificate (11):"] {
            self.note(&format!("TLSv1.3 (IN), TLS handshake, {step}"), env);
        }
        let chain: Vec<Certificate> = chain.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
        let file = self.options.authorities.as_ref().map(|file| env.path(file));
        let store = TrustStore::with_system(file.as_deref(), env.ctx.host);
        let host = self.task.as_ref().map(|task| task.url.host.clone()).unwrap_or_default();
        let problem = store.verify(&chain, None, env.ctx.now).1.first().map(|problem| problem.kind);
        if let Some(kind) = problem.filter(|_| !self.options.insecure) {
            let alert = match kind {
                ProblemKind::Expired | ProblemKind::NotYetValid => "certificate expired (557)",
                _ => "unknown CA (560)",
            };
            self.note(&format!("TLSv1.3 (OUT), TLS alert, {alert}:"), env);
            env.ctx.send_tls(sock, TlsMessage::Alert("tlsv1 alert unknown ca".into()));
            let text = format!("SSL certificate problem: {}", kind.text());
            self.note(&text, env);
            self.note("Closing connection 0", env);
            return self.failed(60, &text, env);
        }
        self.note("TLSv1.3 (IN), TLS handshake, CERT verify (15):", env);
        self.note("TLSv1.3 (IN), TLS handshake, Finished (20):", env);
        self.note("TLSv1.3 (OUT), TLS change cipher, Change cipher spec (1):", env);
        self.note("TLSv1.3 (OUT), TLS handshake, Finished (20):", env);
        self.note(&format!("SSL connection using {version} / {cipher}"), env);
        if let Some(leaf) = chain.first() {
            self.note("Server certificate:", env);
            self.note(&format!(" subject: {}", leaf.subject_dn.joined("=", "; ")), env);
            self.note(&format!(" start date: {}", tls::date(leaf.not_before)), env);
            self.note(&format!(" expire date: {}", tls::date(leaf.not_after)), env);
            if !self.options.insecure {
                if !leaf.has_name(&host) {
                    let names = if leaf.dns_names.is_empty() {
                        "certificate subject name"
                    } else {
                        "alternative certificate subject name"
                    };
                    let text = match leaf.dns_names.is_empty() {
                        true => format!("SSL: {names} '{}' does not match target host name '{host}'", leaf.common_name),
                        false => format!("SSL: no {names} matches target host name '{host}'"),
                    };
                    self.note(&text, env);
                    self.note("Closing connection 0", env);
                    env.ctx.send_tls(sock, TlsMessage::Alert("close notify".into()));
                    return self.failed(60, &text, env);
                }
                match leaf.dns_names.iter().find(|name| Certificate::name_matches(name, &host)) {
                    Some(name) => {
                        self.note(&format!(" subjectAltName: host \"{host}\" matched cert's \"{name}\""), env)
                    }
                    None => self.note(&format!(" common name: {} (matched)", leaf.common_name), env),
                }
            }
            self.note(&format!(" issuer: {}", leaf.issuer_dn.joined("=", "; ")), env);
            match problem {
                None => self.note(" SSL certificate verify ok.", env),
                Some(kind) => self.note(
                    &format!(" SSL certificate verify result: {} ({}), continuing anyway.", kind.text(), kind.number()),
                    env,
                ),
            }
        }
        env.ctx.send_tls(sock, TlsMessage::Finished);
        self.in_handshake = false;
        let implicit = self.task.as_ref().is_some_and(|task| task.url.implicit_tls);
        let mut out = Vec::new();
        match &mut self.machine {
            _ if implicit => {}
            Some(Machine::Smtp(machine)) => machine.secured(&mut out),
            Some(Machine::Imap(machine)) => machine.secured(&mut out),
            Some(Machine::Pop3(machine)) => machine.secured(&mut out),
            None => {}
        }
        self.received.clear();
        self.carry_out(out, env)
    }

    fn carry_out(&mut self, actions: Vec<Action>, env: &mut Env<'_, '_>) -> Progress {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match (action, self.sock) {
                (Action::Say(line), Some(sock)) => {
                    if self.options.verbose {
                        env.errln(format!("> {line}"));
                    }
                    env.ctx.send(sock, format!("{line}\r\n"));
                }
                (Action::Upload(end), Some(sock)) => {
                    let octets = self.wire();
                    self.note("We are completely uploaded and fine", env);
                    let already = end.strip_prefix("\r\n").filter(|rest| !rest.is_empty() && octets.ends_with(b"\r\n"));
                    env.ctx.send(sock, octets);
                    env.ctx.send(sock, already.unwrap_or(end).as_bytes().to_vec());
                    self.uploaded = true;
                }
                (Action::StartTls, Some(sock)) => self.hello(sock, env),
                (Action::Note(text), _) => self.note(&text, env),
                (Action::Print(octets), _) => self.output.extend(octets),
                (Action::Done(last), Some(sock)) => {
                    self.meter_tail(env);
                    let host = self.task.as_ref().map(|task| task.url.host.clone()).unwrap_or_default();
                    self.note(&format!("Connection #0 to host {host} left intact"), env);
                    env.ctx.send(sock, format!("{last}\r\n"));
                    self.ending = Some(self.deliver(env));
                }
                (Action::Fail(status, text, last), sock) => {
                    return self.give_up(status, &text, last, sock, env);
                }
                _ => {}
            }
        }
        Progress::Wait
    }

    /// Says farewell, if there is something to say, and ends with an error.
    fn give_up(
        &mut self,
        status: u8,
        text: &str,
        last: Option<String>,
        sock: Option<Socket>,
        env: &mut Env<'_, '_>,
    ) -> Progress {
        if let (Some(last), Some(sock)) = (last, sock) {
            if self.options.verbose {
                env.errln(format!("> {last}"));
            }
            env.ctx.send(sock, format!("{last}\r\n"));
        }
        self.note("Closing connection 0", env);
        self.failed(status, text, env)
    }

    /// The file as it goes over the wire: for SMTP with dots doubled.
    fn wire(&self) -> Vec<u8> {
        if !matches!(self.machine, Some(Machine::Smtp(_))) {
            return self.upload.clone();
        }
        let mut octets = Vec::with_capacity(self.upload.len() + 16);
        for line in self.upload.split_inclusive(|octet| *octet == b'\n') {
            if line.starts_with(b".") {
                octets.push(b'.');
            }
            octets.extend_from_slice(line);
        }
        octets
    }

    /// Writes what was fetched; the exit status.
    fn deliver(&mut self, env: &mut Env<'_, '_>) -> u8 {
        let output = std::mem::take(&mut self.output);
        match &self.options.output {
            None => env.stdout.extend(output),
            Some(file) => {
                let path = env.path(file);
                if let Err(error) = env.ctx.host.vfs.write(&path, output, 0o644, env.cred) {
                    env.errln(format!("Warning: Failed to open the file {file}: {error}"));
                    env.errln("curl: (23) Failure writing output to destination");
                    return 23;
                }
            }
        }
        0
    }

    fn network(&mut self, input: NetInput, env: &mut Env<'_, '_>) -> Progress {
        match input {
            NetInput::Connected { sock, .. } => self.opened(sock, env),
            NetInput::ConnectFailed { error, peer, .. } => {
                let text = format!("connect to {} port {} failed: {}", peer.ip(), peer.port(), error.text());
                self.note(&text, env);
                match self.dialer.as_mut().map(|dialer| dialer.failed(error, env.ctx)) {
                    Some(Ok(sock)) => self.sock = Some(sock),
                    Some(Err(error)) => return self.unreachable(&error, env),
                    None => {}
                }
                if let Some(dialer) = self.dialer.clone() {
                    self.trying(&dialer, env);
                }
                Progress::Wait
            }
            NetInput::Data { sock, payload: Payload::Tls(message) } => self.shake_hands(sock, &message, env),
            NetInput::Data { payload: Payload::Bytes(_), .. } if self.in_handshake => {
                let text = "OpenSSL/3.0.17: error:0A00010B:SSL routines::wrong version number";
                self.note(&text[text.find("error").unwrap_or(0)..], env);
                self.note("Closing connection 0", env);
                self.failed(35, text, env)
            }
            NetInput::Data { .. } if self.ending.is_some() => self.finish(env),
            NetInput::Data { payload: Payload::Bytes(bytes), .. } => {
                self.arm(env);
                self.received.extend_from_slice(&bytes);
                self.lines(env)
            }
            NetInput::Eof { .. } | NetInput::Reset { .. } if self.ending.is_some() => self.finish(env),
            NetInput::Eof { .. } | NetInput::Reset { .. } if self.in_handshake => {
                self.failed(35, "OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection", env)
            }
            NetInput::Eof { .. } | NetInput::Reset { .. } => {
                self.note("response reading failed (errno: 115)", env);
                self.give_up(56, "response reading failed (errno: 115)", None, None, env)
            }
            _ => Progress::Wait,
        }
    }

    fn finish(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.hang_up(env);
        Progress::Exit(self.ending.unwrap_or(0))
    }

    /// Gives whole lines, and content, to the machine.
    fn lines(&mut self, env: &mut Env<'_, '_>) -> Progress {
        loop {
            let mut out = Vec::new();
            if let Some(size) = self.literal {
                if self.received.len() < size {
                    return Progress::Wait;
                }
                let content: Vec<u8> = self.received.drain(..size).collect();
                self.literal = None;
                if let Some(Machine::Imap(machine)) = &mut self.machine {
                    machine.literal(content, &mut out);
                }
            } else {
                let Some(end) = self.received.iter().position(|octet| *octet == b'\n') else {
                    if self.received.len() > MAX_LINE {
                        return self.failed(56, "response reading failed (errno: 0)", env);
                    }
                    return Progress::Wait;
                };
                let line: Vec<u8> = self.received.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
                let is_content = matches!(&self.machine, Some(Machine::Pop3(machine)) if machine.is_content());
                if self.options.verbose && !is_content {
                    env.errln(format!("< {line}"));
                }
                match &mut self.machine {
                    Some(Machine::Smtp(machine)) => machine.line(&line, &mut out),
                    Some(Machine::Pop3(machine)) => machine.line(&line, &mut out),
                    Some(Machine::Imap(machine)) => {
                        self.literal = machine.line(&line, &mut out).filter(|size| *size <= MAX_CONTENT);
                    }
                    None => {}
                }
            }
            match self.carry_out(out, env) {
                Progress::Wait if self.ending.is_none() => {}
                progress => return progress,
            }
        }
    }
}

const HELP: &str = "Usage: curl [options...] <url>\n     --cacert <file>        CA certificate to verify peer against\n -h, --help                 This text\n -k, --insecure             Allow insecure server connections\n     --mail-from <address>  Mail from this address\n     --mail-rcpt <address>  Mail to this address\n -o, --output <file>        Write to file instead of stdout\n -X, --request <command>    Specify request command to use\n -s, --silent               Silent mode\n     --ssl                  Try SSL/TLS\n     --ssl-reqd             Require SSL/TLS\n -T, --upload-file <file>   Transfer local FILE to destination\n -u, --user <user:password> Server user and password\n -v, --verbose              Make the operation more talkative\n -V, --version              Show version number and quit";

impl Program for Curl {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => {
                self.started = env.ctx.now;
                self.begin(env)
            }
            Resume::Stdin if self.dialer.is_none() => self.read_stdin(env),
            Resume::Input(Input::Resolved { token, lookup }) => {
                match self.dialer.as_mut().map(|dialer| dialer.resolved(token, &lookup, env.ctx)) {
                    Some(Ok(sock)) => self.sock = sock,
                    Some(Err(error)) => return self.unreachable(&error, env),
                    None => {}
                }
                if let Some(dialer) = self.dialer.clone() {
                    self.trying(&dialer, env);
                }
                Progress::Wait
            }
            Resume::Input(Input::Net(input)) => self.network(input, env),
            Resume::Input(Input::Wake(token))
                if self.ending.is_none() && (token == self.heard || token == MAX_TIME) =>
            {
                let millis = env.ctx.now.since(self.started).as_millis();
                let text = match self.machine {
                    Some(_) => format!("Operation timed out after {millis} milliseconds with 0 bytes received"),
                    None => format!("Connection timed out after {millis} milliseconds"),
                };
                self.note(&text, env);
                self.failed(28, &text, env)
            }
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
