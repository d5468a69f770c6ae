//! swaks(1), the Swiss army knife for SMTP: one SMTP session from the command line, with a transcript
//! in which arrows show who says what (`<-` the server, `->` swaks, `~` within TLS, `*` in place of
//! the arrow's head for an unexpected reply) and an exit status that names the step that failed.

mod auth;
mod connection;
mod message;
mod options;
mod session;
mod tls;
mod transcript;

use std::collections::VecDeque;

use self::auth::{Auth, Said};
use self::message::Facts;
use self::options::{Attachment, Options, Want};
use self::transcript::{Line, Transcript};
use crate::dns::Qtype;
use crate::host::dial::Dialer;
use crate::host::process::Input;
use crate::host::{Env, Program, Progress, Resume};
use crate::mail::date;
use crate::sim::Socket;

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
