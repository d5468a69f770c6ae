//! swaks(1), the Swiss army knife for SMTP: one SMTP session from the command line, with a transcript
//! in which arrows show who says what (`<-` the server, `->` swaks, `~` within TLS, `*` in place of
//! the arrow's head for an unexpected reply) and an exit status that names the step that failed.

mod auth;
mod message;
mod options;
mod transcript;

use std::collections::VecDeque;

use self::auth::{Auth, Said};
use self::message::Facts;
use self::options::{Attachment, Options, Point, Want};
use self::transcript::{Line, Transcript};
use crate::dns::Qtype;
use crate::host::dial::{DialError, Dialer, port_number};
use crate::host::process::Input;
use crate::host::tls::{self, Certificate, TrustStore};
use crate::host::{Env, Program, Progress, Resume};
use crate::mail::date;
use crate::sim::net::NetInput;
use crate::sim::{Duration, Payload, Socket, TlsMessage};

/// The token of the question for the recipient's mail exchangers.
const EXCHANGERS: u64 = 1;
/// Longest reply that is read.
const MAX_REPLY: usize = 1 << 16;

/// Exit statuses of swaks(1).
mod status {
    pub const CONNECT: u8 = 2;
    pub const LOST: u8 = 6;
    pub const OPTIONS: u8 = 1;
    pub const AUTH_LOCAL: u8 = 10;
    pub const BANNER: u8 = 21;
    pub const HELO: u8 = 22;
    pub const MAIL: u8 = 23;
    pub const RCPT: u8 = 24;
    pub const DATA: u8 = 25;
    pub const DOT: u8 = 26;
    pub const AUTH: u8 = 28;
    pub const TLS: u8 = 29;
    pub const HELO_AFTER_TLS: u8 = 32;
    pub const XCLIENT: u8 = 33;
    pub const HELO_AFTER_XCLIENT: u8 = 34;
}

/// A command whose reply is awaited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Banner,
    FirstHelo,
    StartTls,
    Helo,
    Xclient,
    XclientHelo,
    Auth,
    Mail,
    Rcpt,
    Data,
    Dot,
    Quit,
}

impl Step {
    /// The beginning of the reply that is hoped for.
    fn expected(self) -> &'static str {
        match self {
            Step::Banner | Step::StartTls | Step::Xclient => "220",
            Step::Auth => "235",
            Step::Data => "354",
            Step::Quit => "221",
            _ => "250",
        }
    }
}

/// What is asked for at the terminal because no option says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    To,
    User,
    Password,
}

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct Swaks {
    options: Options,
    out: Transcript,
    questions: VecDeque<Question>,
    dialer: Option<Dialer>,
    sock: Option<Socket>,
    in_handshake: bool,
    has_tls: bool,
    received: Vec<u8>,
    reply: String,
    /// Commands held back for one packet, with how they are shown.
    held: Vec<(Said, Step)>,
    awaited: VecDeque<Step>,
    /// Whether HELO was said after EHLO was refused.
    plain_helo: bool,
    /// Lines of the answer to EHLO, without code.
    offers: Vec<String>,
    auth: Option<Auth>,
    recipients: VecDeque<String>,
    total: usize,
    refused: usize,
    mail_refused: bool,
    xclients: usize,
    message: String,
    /// Whether everything is known, and the server is being looked for.
    prepared: bool,
    /// The exit status after QUIT.
    status: u8,
    quitting: bool,
    /// Rises with every reply, so that old timers are recognised.
    heard: u64,
}

impl Swaks {
    /// The command, about to be started.
    pub fn program() -> Box<dyn Program> {
        Box::new(Swaks::default())
    }

    fn say(&mut self, line: Line, text: &str, env: &mut Env<'_, '_>) {
        self.out.print(line, text, env);
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        match options::parse(env.args.get(1..).unwrap_or_default()) {
            Ok(options) => self.options = options,
            Err(text) => {
                env.errln(text);
                return Progress::Exit(status::OPTIONS);
            }
        }
        self.out.show = self.options.show.clone();
        if self.options.version {
            env.outln(format!("swaks version {}", message::VERSION));
            return Progress::Exit(0);
        }
        if self.options.help {
            env.outln(
                "usage: swaks --to user@example.com --server test-server.example.net [options]\n\
                 Options may have one dash or two and may be abbreviated. The most used ones:\n\
                 --to, --from, --server, --port, --ehlo, --header, --body, --data, --attach,\n\
                 --auth, --auth-user, --auth-password, --tls, --tls-on-connect, --tls-verify,\n\
                 --quit-after, --pipeline, --timeout, --silent, --hide-send, --hide-receive, --dump-mail",
            );
            return Progress::Exit(0);
        }
        let named = &self.options.mechanisms;
        if self.options.auth != Want::No && !named.is_empty() && !named.eq_ignore_ascii_case("ANY") {
            let unknown: Vec<&str> = named
                .split(',')
                .filter(|name| crate::smtp::auth::Mechanism::from_name(name.trim()).is_none())
                .collect();
            if unknown.len() == named.split(',').count() {
                for name in unknown.iter().map(|name| name.to_ascii_uppercase()).collect::<Vec<_>>() {
                    self.say(Line::Error, &format!("AUTH {name} not available: requires Authen::SASL"), env);
                }
                self.say(Line::Error, "No auth types supported", env);
                return Progress::Exit(status::AUTH_LOCAL);
            }
        }
        if self.options.to.is_none() {
            self.questions.push_back(Question::To);
        }
        if self.options.auth != Want::No {
            if self.options.user.is_none() {
                self.questions.push_back(Question::User);
            }
            if self.options.password.is_none() {
                self.questions.push_back(Question::Password);
            }
        }
        self.ask(env);
        self.answered(env)
    }

    fn ask(&self, env: &mut Env<'_, '_>) {
        if let Some(question) = self.questions.front() {
            env.stdout.extend_from_slice(match question {
                Question::To => b"To: ",
                Question::User => b"Username: ",
                Question::Password => b"Password: ",
            });
        }
    }

    /// Takes answers from standard input; then goes on.
    fn answered(&mut self, env: &mut Env<'_, '_>) -> Progress {
        while let Some(question) = self.questions.front().copied() {
            let Some(line) = env.stdin.take_line() else {
                return if env.stdin.eof { Progress::Exit(status::OPTIONS) } else { Progress::Wait };
            };
            let answer = Some(String::from_utf8_lossy(&line).trim().to_owned());
            match question {
                Question::To if answer.as_deref() == Some("") => {
                    self.ask(env);
                    continue;
                }
                Question::To => self.options.to = answer,
                Question::User => self.options.user = answer,
                Question::Password => self.options.password = answer,
            }
            self.questions.pop_front();
            self.ask(env);
        }
        if self.options.data.as_deref() == Some("-") || self.options.body.as_deref() == Some("-") {
            if !env.stdin.eof {
                return Progress::Wait;
            }
            let text = String::from_utf8_lossy(&std::mem::take(&mut env.stdin.buffer)).into_owned();
            let place = if self.options.data.is_some() { &mut self.options.data } else { &mut self.options.body };
            *place = Some(text);
        }
        self.prepare(env)
    }

    /// Composes the message and finds the server.
    fn prepare(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.prepared = true;
        let fqdn = env.ctx.host.fqdn.to_string();
        let to = self.options.to.clone().unwrap_or_default();
        let login = env.ctx.host.accounts.by_uid(env.cred.uid).map(|user| user.name.to_string());
        let from = self.options.from.clone().unwrap_or_else(|| format!("{}@{fqdn}", login.unwrap_or_default()));
        self.options.from = Some(from.clone());
        self.options.helo.get_or_insert_with(|| fqdn.clone());
        let data = self.options.data.clone().map(|data| self.inferred(data, "data", env));
        let body = self.options.body.clone().unwrap_or_else(|| "This is a test mailing".into());
        let body = self.inferred(body, "body", env);
        let mut attachments = Vec::new();
        for attachment in self.options.attachments.clone() {
            let name = attachment.file.trim_start_matches('@');
            match env.ctx.host.vfs.read(&env.path(name), env.cred) {
                Ok(content) => {
                    let content = content.to_vec();
                    let file = name.rsplit('/').next().unwrap_or(name).to_owned();
                    attachments.push((Attachment { file, ..attachment }, content));
                }
                Err(_) => attachments.push((attachment.clone(), attachment.file.replace("\\n", "\n").into_bytes())),
            }
        }
        let pid = env.ctx.proc.0;
        let zoned = env.ctx.now.zoned(&env.ctx.host.zone);
        let long = date::rfc5322(env.ctx.now, &env.ctx.host.zone);
        let facts = Facts {
            date: long.split(" (").next().unwrap_or_default(),
            to: &to,
            from: &from,
            message_id: &format!("{}.{pid:06}@{fqdn}", zoned.strftime("%Y%m%d%H%M%S")),
            pid,
            body: &body,
            attachments: &attachments,
        };
        let text = message::compose(&self.options, data.as_deref(), &facts);
        self.message = if self.options.no_fixup { text } else { message::on_the_wire(&text, true) };
        if self.options.dump_mail {
            let shown = self.message.replace("\r\n", "\n");
            env.outln(shown.strip_suffix("\n.").unwrap_or(&shown));
            return Progress::Exit(0);
        }
        self.recipients = to.split(',').map(|to| to.trim().to_owned()).collect();
        self.total = self.recipients.len();
        match self.options.server.clone() {
            Some(server) => self.connect(&server, env),
            None => {
                let domain =
                    to.split(',').next().and_then(|to| to.rsplit_once('@')).map_or("localhost", |(_, domain)| domain);
                env.ctx.resolve(EXCHANGERS, domain.to_ascii_lowercase(), Qtype::Mx);
                Progress::Wait
            }
        }
    }

    /// A value that may be the name of a file.
    fn inferred(&mut self, value: String, option: &str, env: &mut Env<'_, '_>) -> String {
        let named = value.strip_prefix('@').filter(|rest| !rest.starts_with('@'));
        let path = env.path(named.unwrap_or(&value));
        let Ok(content) = env.ctx.host.vfs.read(&path, env.cred).map(|content| content.to_vec()) else { return value };
        if named.is_none() {
            let text = format!(
                "DEPRECATION WARNING: Inferring a filename from the argument to --{option} will be removed in the future.  \
                 Prefix filenames with '@' instead."
            );
            self.say(Line::Error, &text, env);
        }
        String::from_utf8_lossy(&content).into_owned()
    }

    fn connect(&mut self, server: &str, env: &mut Env<'_, '_>) -> Progress {
        let default = if self.options.tls_on_connect { 465 } else { 25 };
        let default =
            if self.options.protocol.as_deref().is_some_and(|name| name.starts_with("LMTP")) { 24 } else { default };
        let mut dialer = Dialer::new(server, default);
        if let Some(port) = &self.options.port {
            let Some(port) = port_number(port, env.ctx.host) else {
                self.say(Line::Error, &format!("unable to resolve port name '{port}'"), env);
                return Progress::Exit(status::CONNECT);
            };
            dialer.port = port;
        }
        let trying = format!("Trying {}:{}...", dialer.host, dialer.port);
        self.say(Line::Info, &trying, env);
        self.sock = dialer.start(env.ctx);
        self.dialer = Some(dialer);
        Progress::Wait
    }

    fn unreachable(&mut self, error: &DialError, env: &mut Env<'_, '_>) -> Progress {
        let Some(dialer) = &self.dialer else { return Progress::Exit(status::CONNECT) };
        let head = format!("Error connecting to {}:{}:", dialer.host, dialer.port);
        let reason = match error {
            DialError::NoSuchHost { .. } => "getaddrinfo: Name or service not known".to_owned(),
            DialError::Failed { error, .. } => format!("connect: {}", error.text()),
        };
        self.say(Line::Error, &format!("{head}\n\tIO::Socket::INET6: {reason}"), env);
        Progress::Exit(status::CONNECT)
    }

    fn opened(&mut self, sock: Socket, env: &mut Env<'_, '_>) -> Progress {
        let host = self.dialer.as_ref().map(|dialer| dialer.host.clone()).unwrap_or_default();
        self.say(Line::Info, &format!("Connected to {host}."), env);
        if self.options.tls_on_connect {
            return self.hello(sock, env);
        }
        self.await_reply(Step::Banner, env);
        Progress::Wait
    }

    fn hello(&mut self, sock: Socket, env: &mut Env<'_, '_>) -> Progress {
        self.in_handshake = true;
        let name = self.options.tls_sni.clone().unwrap_or_default();
        let name = if name.is_empty() {
            self.dialer.as_ref().map(|own| own.host.to_string()).unwrap_or_default()
        } else {
            name
        };
        tls::client_hello(sock, &name, env.ctx);
        Progress::Wait
    }

    fn await_reply(&mut self, step: Step, env: &mut Env<'_, '_>) {
        self.awaited.push_back(step);
        self.arm(env);
    }

    fn timeout(&self) -> u64 {
        self.options.timeout.unwrap_or(30)
    }

    fn arm(&mut self, env: &mut Env<'_, '_>) {
        self.heard += 1;
        if self.timeout() > 0 {
            env.ctx.wake_at(env.ctx.now + Duration::from_secs(self.timeout()), self.heard, "swaks's time-out");
        }
    }

    /// Sends a command, together with those held back, unless it may wait itself.
    fn transact(&mut self, said: Said, step: Step, may_wait: bool, env: &mut Env<'_, '_>) -> Progress {
        self.held.push((said, step));
        let pipelines = self.options.pipeline && self.offers.iter().any(|offer| offer == "PIPELINING");
        if may_wait && pipelines {
            return self.after(step, env);
        }
        let mut wire = String::new();
        for (said, step) in std::mem::take(&mut self.held) {
            let shown = match step {
                Step::Dot if self.options.show.brief_data => format!("{} lines sent", said.shown.split('\n').count()),
                _ => said.shown,
            };
            self.say(Line::Send, &shown, env);
            wire.push_str(&said.wire);
            wire.push_str("\r\n");
            self.awaited.push_back(step);
        }
        if let Some(sock) = self.sock {
            env.ctx.send(sock, wire);
        }
        self.arm(env);
        Progress::Wait
    }

    fn command(&mut self, line: String, step: Step, may_wait: bool, env: &mut Env<'_, '_>) -> Progress {
        self.transact(Said { shown: line.clone(), wire: line }, step, may_wait, env)
    }

    fn helo(&mut self, step: Step, env: &mut Env<'_, '_>) -> Progress {
        let protocol = self.options.protocol.clone().unwrap_or_else(|| "ESMTP".into());
        let verb = match protocol.as_str() {
            name if name.starts_with("LMTP") => "LHLO",
            "SMTP" | "SSMTP" => "HELO",
            _ if self.plain_helo => "HELO",
            _ => "EHLO",
        };
        self.plain_helo |= verb == "HELO";
        let name = self.options.helo.clone().unwrap_or_default();
        self.command(format!("{verb} {name}"), step, false, env)
    }

    /// Ends the session with QUIT; `status` is what the program exits with.
    fn quit(&mut self, status: u8, env: &mut Env<'_, '_>) -> Progress {
        if std::mem::replace(&mut self.quitting, true) {
            return Progress::Wait;
        }
        self.status = status;
        self.command("QUIT".into(), Step::Quit, false, env)
    }

    fn closed(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.out.tls = false;
        self.say(Line::Info, "Connection closed with remote host.", env);
        self.hang_up(env);
        Progress::Exit(self.status)
    }

    fn hang_up(&mut self, env: &mut Env<'_, '_>) {
        if let Some(sock) = self.sock.take() {
            env.ctx.close(sock);
        }
    }

    /// Whether the session ends at this point, as an option says.
    fn stops(&mut self, point: Point, env: &mut Env<'_, '_>) -> Option<Progress> {
        if self.options.drop_after == Some(point) {
            self.say(Line::Info, "Dropping connection", env);
            self.hang_up(env);
            return Some(Progress::Exit(0));
        }
        (self.options.quit_after == Some(point)).then(|| self.quit(0, env))
    }

    /// A whole reply came.
    fn replied(&mut self, text: &str, env: &mut Env<'_, '_>) -> Progress {
        let Some(step) = self.awaited.pop_front() else { return Progress::Wait };
        if self.options.show.time_lapse {
            self.say(Line::Info, "response in 0.000s", env);
        }
        let code = text.get(..3).unwrap_or_default().to_owned();
        let is_challenge = step == Step::Auth && code == "334";
        let good = code == step.expected() || is_challenge;
        let shown = match &self.auth {
            Some(auth) if is_challenge => auth.show(text.to_owned()),
            _ => text.to_owned(),
        };
        self.say(if good { Line::Receive } else { Line::Unexpected }, &shown, env);
        match step {
            Step::Mail => self.mail_refused |= !good,
            Step::Rcpt => self.refused += usize::from(!good),
            Step::FirstHelo | Step::Helo | Step::XclientHelo if good => {
                self.offers = text.lines().map(|line| line.get(4..).unwrap_or_default().to_owned()).collect();
            }
            _ => {}
        }
        if !self.awaited.is_empty() {
            self.arm(env);
            return Progress::Wait;
        }
        if step == Step::Quit {
            return self.closed(env);
        }
        if self.mail_refused {
            return self.quit(status::MAIL, env);
        }
        if self.total > 0 && self.refused == self.total {
            return self.quit(status::RCPT, env);
        }
        if is_challenge {
            let challenge = text.get(4..).unwrap_or_default().to_owned();
            return match self.auth.as_mut().and_then(|auth| auth.respond(&challenge)) {
                Some(said) => self.transact(said, Step::Auth, false, env),
                None => self.command("*".into(), Step::Auth, false, env),
            };
        }
        if good { self.after(step, env) } else { self.failed(step, env) }
    }

    /// An unexpected reply.
    fn failed(&mut self, step: Step, env: &mut Env<'_, '_>) -> Progress {
        match step {
            Step::Banner => self.quit(status::BANNER, env),
            Step::FirstHelo | Step::Helo | Step::XclientHelo if !self.plain_helo => {
                self.plain_helo = true;
                self.helo(step, env)
            }
            Step::FirstHelo => self.quit(status::HELO, env),
            Step::Helo => self.quit(status::HELO_AFTER_TLS, env),
            Step::XclientHelo => self.quit(status::HELO_AFTER_XCLIENT, env),
            Step::StartTls => self.tls_failed(None, env),
            Step::Xclient => {
                self.say(Line::Error, "XCLIENT attempted but failed.  Exiting", env);
                if self.options.xclient_optional { self.authenticate(env) } else { self.quit(status::XCLIENT, env) }
            }
            Step::Auth => self.next_mechanism(env),
            Step::Data => self.quit(status::DATA, env),
            Step::Dot => self.quit(status::DOT, env),
            Step::Mail | Step::Rcpt => self.after(step, env),
            Step::Quit => self.closed(env),
        }
    }

    /// Goes on after a step that went well, or was only held back.
    fn after(&mut self, step: Step, env: &mut Env<'_, '_>) -> Progress {
        match step {
            Step::Banner => match self.stops(Point::Connect, env) {
                Some(progress) => progress,
                None => self.helo(Step::FirstHelo, env),
            },
            Step::FirstHelo => match self.stops(Point::FirstHelo, env) {
                Some(progress) => progress,
                None => self.secure(env),
            },
            Step::StartTls => match self.sock {
                Some(sock) => self.hello(sock, env),
                None => Progress::Wait,
            },
            Step::Helo => match self.stops(Point::Helo, env) {
                Some(progress) => progress,
                None => self.claim(env),
            },
            Step::Xclient => match self.options.xclient.get(self.xclients).cloned() {
                Some(attributes) => {
                    self.xclients += 1;
                    self.command(format!("XCLIENT {attributes}"), Step::Xclient, false, env)
                }
                None => match self.stops(Point::Xclient, env) {
                    Some(progress) => progress,
                    None => self.helo(Step::XclientHelo, env),
                },
            },
            Step::XclientHelo => self.authenticate(env),
            Step::Auth => self.envelope(env),
            Step::Mail => match self.stops(Point::Mail, env) {
                Some(progress) => progress,
                None => self.recipient(env),
            },
            Step::Rcpt => self.recipient(env),
            Step::Data => {
                if self.options.drop_after == Some(Point::Data) {
                    return self.stops(Point::Data, env).unwrap_or(Progress::Wait);
                }
                let wire = self.message.clone();
                let shown = wire.replace("\r\n", "\n");
                self.transact(Said { wire, shown }, Step::Dot, false, env)
            }
            Step::Dot => self.quit(0, env),
            Step::Quit => self.closed(env),
        }
    }

    fn offers(&self, keyword: &str) -> bool {
        self.offers.iter().any(|offer| {
            offer == keyword || offer.strip_prefix(keyword).is_some_and(|rest| rest.starts_with([' ', '=']))
        })
    }

    fn secure(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if self.options.tls == Want::No || self.has_tls {
            return self.without_tls(env);
        }
        if self.offers("STARTTLS") {
            return self.command("STARTTLS".into(), Step::StartTls, false, env);
        }
        self.say(Line::Error, "Host did not advertise STARTTLS", env);
        match self.options.tls {
            Want::Required => self.quit(status::TLS, env),
            _ => self.without_tls(env),
        }
    }

    fn without_tls(&mut self, env: &mut Env<'_, '_>) -> Progress {
        match self.stops(Point::Tls, env) {
            Some(progress) => progress,
            None => self.after(Step::Helo, env),
        }
    }

    fn tls_failed(&mut self, reason: Option<&str>, env: &mut Env<'_, '_>) -> Progress {
        self.in_handshake = false;
        if let Some(reason) = reason {
            self.say(Line::Error, &format!("TLS startup failed (connect(): {reason})"), env);
        }
        if self.options.tls_on_connect {
            self.hang_up(env);
            return Progress::Exit(status::TLS);
        }
        self.say(Line::Error, "STARTTLS attempted but failed", env);
        if self.options.tls == Want::Optional && reason.is_none() {
            return self.without_tls(env);
        }
        self.hang_up(env);
        Progress::Exit(status::TLS)
    }

    fn shake_hands(&mut self, sock: Socket, message: &TlsMessage, env: &mut Env<'_, '_>) -> Progress {
        let (version, cipher, bits, chain) = match message {
            TlsMessage::ServerHello { version, cipher, bits, chain } => (version, cipher, bits, chain),
            TlsMessage::Alert(text) => {
                return self.tls_failed(Some(&format!("error:0A000410:SSL routines::{text}")), env);
            }
            _ => return Progress::Wait,
        };
        if self.options.tls_verify {
            let store = match &self.options.tls_ca_path {
                Some(path) => {
                    let path = env.path(path);
                    let mut store = TrustStore::default();
                    let is_directory = env.ctx.host.vfs.list(&path, env.cred).is_ok();
                    store.load(
                        if is_directory { "" } else { &path },
                        if is_directory { &path } else { "" },
                        env.ctx.host,
                    );
                    store
                }
                None => TrustStore::with_system(None, env.ctx.host),
            };
            if store.first_problem(chain, None, env.ctx.now).is_some() {
                env.ctx.send_tls(sock, TlsMessage::Alert("tlsv1 alert unknown ca".into()));
                return self.tls_failed(Some("error:0A000086:SSL routines::certificate verify failed"), env);
            }
        }
        env.ctx.send_tls(sock, TlsMessage::Finished);
        self.in_handshake = false;
        self.has_tls = true;
        let leaf = chain.first().and_then(|der| Certificate::parse(der).ok());
        let subject = leaf.map(|leaf| leaf.subject).unwrap_or_default();
        self.say(Line::Info, &format!("TLS started with cipher {version}:{cipher}:{bits}"), env);
        self.say(Line::Info, "TLS no local certificate set", env);
        self.say(Line::Info, &format!("TLS peer DN=\"{subject}\""), env);
        self.out.tls = true;
        if let Some(progress) = self.stops(Point::Tls, env) {
            return progress;
        }
        if self.options.tls_on_connect {
            self.await_reply(Step::Banner, env);
            return Progress::Wait;
        }
        self.helo(Step::Helo, env)
    }

    fn claim(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if self.options.xclient.is_empty() {
            return self.authenticate(env);
        }
        if self.offers("XCLIENT") {
            return self.after(Step::Xclient, env);
        }
        self.say(Line::Error, "Host did not advertise XCLIENT", env);
        if self.options.xclient_optional { self.authenticate(env) } else { self.quit(status::XCLIENT, env) }
    }

    fn authenticate(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if self.options.auth == Want::No {
            return self.envelope(env);
        }
        let offer = self.offers.iter().find_map(|offer| offer.strip_prefix("AUTH"));
        let Some(offer) = offer else {
            return self.not_authenticated("Host did not advertise authentication", env);
        };
        let offered: Vec<String> = offer.split([' ', '=']).map(str::to_owned).collect();
        self.auth = Auth::new(&self.options, &offered);
        if self.auth.is_none() {
            return self.not_authenticated("Auth not attempted, requested type not available", env);
        }
        self.next_mechanism(env)
    }

    fn next_mechanism(&mut self, env: &mut Env<'_, '_>) -> Progress {
        match self.auth.as_mut().and_then(|auth| auth.next(&self.options)) {
            Some(said) => self.transact(said, Step::Auth, false, env),
            None => self.not_authenticated("No authentication type succeeded", env),
        }
    }

    fn not_authenticated(&mut self, text: &str, env: &mut Env<'_, '_>) -> Progress {
        self.say(Line::Error, text, env);
        if self.options.auth == Want::Optional { self.envelope(env) } else { self.quit(status::AUTH, env) }
    }

    fn envelope(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if let Some(progress) = self.stops(Point::Auth, env) {
            return progress;
        }
        let from = self.options.from.clone().unwrap_or_default();
        self.command(format!("MAIL FROM:<{from}>"), Step::Mail, true, env)
    }

    fn recipient(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if let Some(to) = self.recipients.pop_front() {
            return self.command(format!("RCPT TO:<{to}>"), Step::Rcpt, true, env);
        }
        match self.stops(Point::Rcpt, env) {
            Some(progress) => progress,
            None => self.command("DATA".into(), Step::Data, false, env),
        }
    }

    fn lost(&mut self, env: &mut Env<'_, '_>) -> Progress {
        if self.in_handshake {
            return self.tls_failed(Some("error:0A000126:SSL routines::unexpected eof while reading"), env);
        }
        self.say(Line::Error, "Remote host closed connection unexpectedly.", env);
        self.hang_up(env);
        let status = if self.quitting && self.status != 0 { self.status } else { status::LOST };
        Progress::Exit(status)
    }

    fn network(&mut self, input: NetInput, env: &mut Env<'_, '_>) -> Progress {
        match input {
            NetInput::Connected { sock, .. } => self.opened(sock, env),
            NetInput::ConnectFailed { error, .. } => {
                match self.dialer.as_mut().map(|dialer| dialer.failed(error, env.ctx)) {
                    Some(Ok(sock)) => self.sock = Some(sock),
                    Some(Err(error)) => return self.unreachable(&error, env),
                    None => {}
                }
                Progress::Wait
            }
            NetInput::Data { sock, payload: Payload::Tls(message) } => self.shake_hands(sock, &message, env),
            NetInput::Data { payload: Payload::Bytes(_), .. } if self.in_handshake => {
                self.tls_failed(Some("error:0A00010B:SSL routines::wrong version number"), env)
            }
            NetInput::Data { payload: Payload::Bytes(bytes), .. } => {
                self.received.extend_from_slice(&bytes);
                self.lines(env)
            }
            NetInput::Eof { .. } | NetInput::Reset { .. } => self.lost(env),
            _ => Progress::Wait,
        }
    }

    /// Takes whole replies from what was received.
    fn lines(&mut self, env: &mut Env<'_, '_>) -> Progress {
        while let Some(end) = self.received.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = self.received.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            let is_last = line.as_bytes().get(3) == Some(&b' ') && line.as_bytes()[..3].iter().all(u8::is_ascii_digit);
            if !self.reply.is_empty() {
                self.reply.push('\n');
            }
            self.reply.push_str(&line);
            if is_last || self.reply.len() > MAX_REPLY {
                let reply = std::mem::take(&mut self.reply);
                match self.replied(&reply, env) {
                    Progress::Wait => {}
                    progress => return progress,
                }
            }
        }
        self.received.truncate(MAX_REPLY);
        Progress::Wait
    }
}

impl Program for Swaks {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.begin(env),
            Resume::Stdin if !self.prepared => self.answered(env),
            Resume::Input(Input::Resolved { token: EXCHANGERS, lookup }) => {
                let best =
                    lookup.exchangers().min_by_key(|(preference, _)| *preference).map(|(_, name)| name.to_string());
                self.connect(&best.unwrap_or_else(|| lookup.qname.to_string()), env)
            }
            Resume::Input(Input::Resolved { token, lookup }) => {
                match self.dialer.as_mut().map(|dialer| dialer.resolved(token, &lookup, env.ctx)) {
                    Some(Ok(sock)) => self.sock = sock,
                    Some(Err(error)) => return self.unreachable(&error, env),
                    None => {}
                }
                Progress::Wait
            }
            Resume::Input(Input::Net(input)) => self.network(input, env),
            Resume::Input(Input::Wake(token)) if token == self.heard && !self.awaited.is_empty() => {
                let text = format!("Timeout ({} secs) waiting for server response", self.timeout());
                self.replied(&text, env)
            }
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
