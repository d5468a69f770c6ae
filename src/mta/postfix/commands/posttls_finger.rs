//! posttls-finger(1): connects to a mail server as smtp(8) would, and says what it finds out about
//! its TLS.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;
use smol_str::{SmolStr, format_smolstr};

use super::getopt::getopt;
use crate::host::process::Input;
use crate::host::tls::{Certificate, TrustStore};
use crate::host::{Env, Program, Progress, Resume};
use crate::mta::postfix::config::{self, Config, MasterCf};
use crate::mta::postfix::smtp::address::{Advance, Search, Target};
use crate::mta::postfix::smtp::conf::SmtpConf;
use crate::mta::postfix::smtp::nexthop::{self, Nexthop};
use crate::mta::postfix::tls::{self, Level, Policy};
use crate::sim::net::NetInput;
use crate::sim::{Payload, Socket, TlsMessage};

const NAME: &str = "posttls-finger";
const OPTIONS: &str = "aA:cCd:fF:g:h:H:k:K:l:L:m:M:o:p:P:r:s:St:T:vwX";
const USAGE: &str = "usage: posttls-finger [-acCfSvw] [-t conn_tmout] [-T cmd_tmout] [-L logopts] \\
\t[-h host_lookup] [-l level] [-d mdalg] [-g grade] [-p protocols] \\
\t[-A tafile] [-F CAfile.pem] [-P CApath/] [-s servername] \\
\t[ [-H chainfiles] | [-k certfile [-K keyfile]] ] \\
\t[-m count] [-r delay] [-o name=value] destination [match ...]";
/// Octets of a line that are kept.
const LINE_LIMIT: usize = 4096;

/// Where the dialogue is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Searching,
    Connecting,
    Greeting,
    Hello,
    StartTls,
    Handshake,
    SecureHello,
    Quit,
}

/// What is known before the connection.
#[derive(Clone, Debug)]
struct Plan {
    destination: String,
    name: SmolStr,
    port: u16,
    level: Level,
    /// `dane` and its kin fall back to the names of `secure`.
    policy: Policy,
    /// What the certificate may be named, from the command line.
    matches: Vec<SmolStr>,
    /// `-c`: only what concerns TLS.
    terse: bool,
    authorities: Option<String>,
    conf: Box<SmtpConf>,
    search: Search,
}

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct PosttlsFinger {
    plan: Option<Plan>,
    stage: Stage,
    targets: VecDeque<Target>,
    host: SmolStr,
    /// The server as the lines name it: `mail.example.net[203.0.113.20]:25`.
    peer: String,
    received: Vec<u8>,
    offers_starttls: bool,
}

impl Program for PosttlsFinger {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => match plan(env) {
                Ok(plan) => {
                    self.plan = Some(plan);
                    say(env, "warning: DNSSEC validation may be unavailable");
                    say(env, "warning: reason: dnssec_probe 'ns:.' received a response that is not DNSSEC validated");
                    self.search(env)
                }
                Err(status) => Progress::Exit(status),
            },
            Resume::Input(Input::Resolved { lookup, .. }) => {
                if let Some(plan) = &mut self.plan {
                    plan.search.answer(lookup);
                }
                self.search(env)
            }
            Resume::Input(Input::Net(input)) => self.net(input, env),
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// Reads the command line and the configuration; complaints are written and give the exit status.
fn plan(env: &mut Env<'_, '_>) -> Result<Plan, u8> {
    let usage = |env: &mut Env<'_, '_>| {
        env.errln(USAGE);
        1
    };
    let (options, operands) = match getopt(env.args, OPTIONS) {
        Ok(split) => split,
        Err(error) => {
            env.errln(format!("{NAME}: {error}"));
            return Err(usage(env));
        }
    };
    let Some((destination, matches)) = operands.split_first() else { return Err(usage(env)) };
    let fatal = |env: &mut Env<'_, '_>, text: &str| {
        say(env, &format!("fatal: {text}"));
        1
    };
    let config = Config::load_main(env.ctx.host, config::DIRECTORY, &mut Vec::new());
    let config = config.map_err(|error| fatal(env, &error.0))?;
    let mut level = "dane".to_owned();
    let (mut terse, mut authorities) = (false, None);
    for option in options {
        match option.letter {
            'c' => terse = true,
            'l' => level = option.value,
            'F' => authorities = Some(option.value),
            _ => {}
        }
    }
    let dane = level.starts_with("dane") || level == "half-dane";
    let level = match Level::parse(&level) {
        // Without DNSSEC there is no DANE.
        Some(Level::Dane) => Level::May,
        Some(Level::DaneOnly) => Level::Encrypt,
        Some(level) => level,
        // Without DNSSEC there are no TLSA records.
        None if dane => Level::Secure,
        None => return Err(fatal(env, &format!("Invalid TLS level \"{level}\""))),
    };
    let (name, port, mx) = match nexthop::parse(destination, false, 25) {
        Ok(Nexthop::Inet { name, port, mx }) => (name, port, mx),
        Ok(Nexthop::Unix(_)) => return Err(usage(env)),
        Err(text) => return Err(fatal(env, &text)),
    };
    let service = MasterCf::parse("smtp", "smtp unix - - - - - smtp", &mut Vec::new());
    let service = service.map_err(|error| fatal(env, &error.0))?;
    let conf = service.entries.first().map(|entry| SmtpConf::load(entry, &config.service(entry)));
    let conf = match conf {
        Some(Ok(conf)) => conf,
        Some(Err(error)) => return Err(fatal(env, &error.0)),
        None => return Err(1),
    };
    Ok(Plan {
        destination: destination.clone(),
        search: Search::new(&name, mx, false),
        name,
        port,
        level,
        policy: Policy { level, ..Policy::none() },
        matches: matches.iter().map(SmolStr::from).collect(),
        terse,
        authorities,
        conf: Box::new(conf),
    })
}

impl PosttlsFinger {
    /// Looks for the server's addresses.
    fn search(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let Some(plan) = &self.plan else { return Progress::Exit(1) };
        if self.stage != Stage::Searching {
            return Progress::Wait;
        }
        match plan.search.advance(&plan.conf, env.ctx.host, None) {
            Advance::Need(questions) => {
                for (name, qtype) in questions {
                    env.ctx.resolve(0, name, qtype);
                }
                Progress::Wait
            }
            Advance::Done(found) => {
                if let Some(trouble) = &found.trouble {
                    say(env, &format!("Destination address lookup failed: {}", trouble.reason));
                    return Progress::Exit(0);
                }
                self.targets = found.targets.clone().into();
                self.connect(env)
            }
        }
    }

    fn connect(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let (Some(plan), Some(target)) = (&self.plan, self.targets.pop_front()) else { return Progress::Exit(0) };
        self.stage = Stage::Connecting;
        self.peer = format!("{}[{}]:{}", target.host, target.addr, plan.port);
        env.ctx.connect(None, SocketAddr::new(target.addr, plan.port));
        self.host = target.host;
        Progress::Wait
    }

    fn net(&mut self, input: NetInput, env: &mut Env<'_, '_>) -> Progress {
        match input {
            NetInput::ConnectFailed { error, .. } => {
                if !self.targets.is_empty() {
                    return self.connect(env);
                }
                let destination = self.plan.as_ref().map_or("", |plan| &plan.destination);
                let text = format!("connect to {}: {}", self.peer, error.text());
                let via = &self.host;
                say(env, &format!("Failed to establish session to {destination} via {via}: {text}"));
                return Progress::Exit(0);
            }
            NetInput::Connected { .. } => {
                self.stage = Stage::Greeting;
                let text = format!("Connected to {}", self.peer);
                self.chat(&text, env);
            }
            NetInput::Data { sock, payload: Payload::Bytes(bytes) } => return self.bytes(sock, &bytes, env),
            NetInput::Data { sock, payload: Payload::Tls(message) } => self.handshake(sock, &message, env),
            NetInput::Eof { sock } => {
                env.ctx.close(sock);
                return self.lost(env);
            }
            NetInput::Reset { .. } => return self.lost(env),
            _ => {}
        }
        Progress::Wait
    }

    fn lost(&self, env: &mut Env<'_, '_>) -> Progress {
        let doing = match self.stage {
            Stage::Greeting => "while reading server greeting",
            Stage::StartTls => "while sending STARTTLS",
            Stage::Quit => "while sending QUIT command",
            _ => "while sending EHLO",
        };
        say(env, &format!("lost connection {doing}"));
        Progress::Exit(0)
    }

    /// Lines of the server.
    fn bytes(&mut self, sock: Socket, bytes: &Bytes, env: &mut Env<'_, '_>) -> Progress {
        self.received.extend_from_slice(bytes);
        while let Some(end) = self.received.iter().position(|octet| *octet == b'\n') {
            let line: Vec<u8> = self.received.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            self.chat(&format!("< {line}"), env);
            let text = line.get(4..).unwrap_or_default();
            self.offers_starttls |= self.stage == Stage::Hello && text.eq_ignore_ascii_case("STARTTLS");
            if line.as_bytes().get(3) != Some(&b'-')
                && let Some(status) = self.reply(sock, &line, env)
            {
                return Progress::Exit(status);
            }
        }
        self.received.truncate(LINE_LIMIT);
        Progress::Wait
    }

    /// A reply is complete. Returns the exit status when all is said.
    fn reply(&mut self, sock: Socket, line: &str, env: &mut Env<'_, '_>) -> Option<u8> {
        let good = line.starts_with('2');
        match self.stage {
            Stage::Greeting if good => {
                self.stage = Stage::Hello;
                self.hello(sock, env);
            }
            Stage::Greeting => {
                say(env, &format!("SMTP service not available: {line}"));
                self.command(sock, "QUIT", Stage::Quit, env);
            }
            Stage::Hello if good && self.offers_starttls && self.level() != Level::None => {
                self.command(sock, "STARTTLS", Stage::StartTls, env);
            }
            Stage::Hello | Stage::SecureHello => {
                if !good {
                    say(env, &format!("EHLO rejected: {line}"));
                }
                self.command(sock, "QUIT", Stage::Quit, env);
            }
            Stage::StartTls if good => {
                self.stage = Stage::Handshake;
                crate::host::tls::client_hello(sock, &self.host, env.ctx);
            }
            Stage::StartTls => {
                say(env, &format!("STARTTLS rejected: {line}"));
                self.command(sock, "QUIT", Stage::Quit, env);
            }
            Stage::Quit => {
                env.ctx.close(sock);
                return Some(0);
            }
            Stage::Searching | Stage::Connecting | Stage::Handshake => {}
        }
        None
    }

    fn level(&self) -> Level {
        self.plan.as_ref().map_or(Level::None, |plan| plan.level)
    }

    fn hello(&mut self, sock: Socket, env: &mut Env<'_, '_>) {
        let name = self.plan.as_ref().map_or_else(SmolStr::default, |plan| plan.conf.helo_name.clone());
        let stage = self.stage;
        self.command(sock, &format!("EHLO {name}"), stage, env);
    }

    fn command(&mut self, sock: Socket, line: &str, stage: Stage, env: &mut Env<'_, '_>) {
        self.chat(&format!("> {line}"), env);
        env.ctx.send(sock, format!("{line}\r\n"));
        self.stage = stage;
    }

    /// A line that `-c` leaves out.
    fn chat(&self, text: &str, env: &mut Env<'_, '_>) {
        if self.plan.as_ref().is_none_or(|plan| !plan.terse) {
            say(env, text);
        }
    }

    fn handshake(&mut self, sock: Socket, message: &TlsMessage, env: &mut Env<'_, '_>) {
        let Some(plan) = &self.plan else { return };
        let peer = &self.peer;
        let TlsMessage::ServerHello { version, cipher, bits, chain } = message else {
            if let TlsMessage::Alert(text) = message {
                say(env, &format!("SSL_connect error to {peer}: {text}"));
            }
            return;
        };
        let file = plan.authorities.as_ref().map(|file| env.path(file));
        let mut store = TrustStore::default();
        store.load(file.as_deref().unwrap_or_default(), "", env.ctx.host);
        let policy = Policy { names: self.names(plan), ..plan.policy.clone() };
        let verdict = tls::verify(chain, &policy, &store, env.ctx.now);
        if plan.level == Level::Fingerprint {
            unusable(peer, &plan.matches, env);
        }
        if let Some(complaint) = verdict.complaint.as_ref().filter(|_| plan.level.must_match()) {
            say(env, &complaint.replace("%s", peer));
        }
        if let Some(leaf) = chain.first().and_then(|der| Certificate::parse(der).ok()) {
            if verdict.matched
                && let Some(name) = policy.names.iter().find(|name| leaf.has_name(name))
            {
                say(env, &format!("{peer}: matched peername: {name}"));
            }
            let (subject, issuer) = (&leaf.common_name, &leaf.issuer_name);
            let (certificate, key) = (leaf.fingerprint(), leaf.key_fingerprint());
            say(
                env,
                &format!(
                    "{peer}: subject_CN={subject}, issuer_CN={issuer}, fingerprint={certificate}, pkey_fingerprint={key}"
                ),
            );
        }
        let summary = tls::summary(version, cipher, *bits, verdict.key.as_deref());
        say(env, &format!("{} TLS connection established to {peer}: {summary}", verdict.word()));
        env.ctx.send_tls(sock, TlsMessage::Finished);
        self.stage = Stage::SecureHello;
        self.hello(sock, env);
    }

    /// The names that the certificate may have.
    fn names(&self, plan: &Plan) -> Vec<SmolStr> {
        if !plan.matches.is_empty() {
            return plan.matches.clone();
        }
        match plan.level {
            Level::Secure => vec![plan.name.clone(), format_smolstr!(".{}", plan.name)],
            Level::Verify => vec![self.host.clone()],
            _ => Vec::new(),
        }
    }
}

/// Complains about fingerprints that are too short for a digest.
fn unusable(peer: &str, fingerprints: &[SmolStr], env: &mut Env<'_, '_>) {
    /// Hexadecimal digits of SHA-256.
    const DIGITS: usize = 64;
    let digits = |text: &SmolStr| text.chars().filter(char::is_ascii_hexdigit).collect::<String>();
    let short: Vec<String> = fingerprints.iter().map(digits).filter(|text| text.len() != DIGITS).collect();
    for text in &short {
        for selector in [1, 0] {
            say(env, &format!("warning: {peer}: unusable TLSA RR: 3 {selector} 255 {text}"));
        }
    }
    if short.len() == fingerprints.len() {
        say(env, &format!("warning: {peer}: all fingerprints unusable"));
        let why = "num=1:unspecified certificate verification error";
        say(env, &format!("server certificate verification failed for {peer}: {why}"));
    }
}

/// The command reports to standard error only.
fn say(env: &mut Env<'_, '_>, text: &str) {
    env.errln(format!("{NAME}: {text}"));
}
