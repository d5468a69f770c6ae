//! A mail retrieval agent, as fetchmail(1): fetches by POP3 or IMAP and hands each message over by
//! SMTP, to this host's own MTA if nothing else is said.

pub mod rc;
pub mod tls;

use std::collections::VecDeque;
use std::net::IpAddr;

use bytes::Bytes;
use smol_str::{SmolStr, format_smolstr};

use self::rc::Account;
use super::retrieve::{Errand, Output, PATIENCE, RetrieveError, Retriever};
use super::{Credentials, Protocol, SendMail, Submission};
use crate::host::dial::Dialer;
use crate::host::tls::{self as host_tls, TrustStore};
use crate::host::{Env, Input, Program, Progress, Resume};
use crate::mail::{date, header};
use crate::sim::net::NetInput;
use crate::sim::{Duration, Payload, Socket, TlsMessage};
use crate::trace::Kind;

/// The version that it says it is.
const VERSION: &str = "6.4.37";
/// The token of the timer between polls.
const NEXT_POLL: u64 = u64::MAX;

/// Exit statuses of fetchmail(1).
mod status {
    pub const MAIL: u8 = 0;
    pub const NO_MAIL: u8 = 1;
    pub const SOCKET: u8 = 2;
    pub const AUTH: u8 = 3;
    pub const PROTOCOL: u8 = 4;
    pub const SYNTAX: u8 = 5;
    pub const PERMISSION: u8 = 6;
    pub const DNS: u8 = 11;
}

/// The command `fetchmail`.
#[derive(Clone, Debug, Default)]
pub struct Fetchmail {
    verbose: bool,
    daemon: Option<u64>,
    /// All mailboxes, for the next poll of the daemon.
    accounts: Vec<Account>,
    /// Those that are still to be polled.
    waiting: VecDeque<Account>,
    poll: Option<Poll>,
    /// Whether it leaves no trace in what it hands over (`set invisible`).
    invisible: bool,
    status: Option<u8>,
    /// Rises with every sign of life of the server, so that old timers are recognised.
    heard: u64,
}

/// A mailbox being polled.
#[derive(Clone, Debug)]
struct Poll {
    account: Account,
    dialer: Dialer,
    sock: Option<Socket>,
    client: Retriever,
    /// The server's address, once it has answered.
    peer: Option<IpAddr>,
    /// Messages found, those to be fetched, and those handed over so far.
    found: u64,
    new: u64,
    count: u64,
    /// The message that is being handed over: its number, and its size in words.
    current: (u64, String),
    in_handshake: bool,
}

impl Fetchmail {
    /// The command, about to be started.
    pub fn program() -> Box<dyn Program> {
        Box::new(Fetchmail::default())
    }

    /// Reads options and `~/.fetchmailrc`; a status ends the program at once.
    fn start(&mut self, env: &mut Env<'_, '_>) -> Result<Option<u8>, String> {
        let home = env.vars.get("HOME").cloned().unwrap_or_else(|| "/root".to_owned());
        let mut file = format!("{home}/.fetchmailrc");
        let mut servers = Vec::new();
        let (mut keep, mut all, mut protocol, mut user) = (None, false, None, None);
        let (mut ssl, mut certck) = (false, None);
        let mut args = env.args.iter().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().cloned().ok_or(format!("fetchmail: option requires an argument -- '{arg}'"));
            match arg.as_str() {
                "-v" | "--verbose" => self.verbose = true,
                "-s" | "--silent" | "-N" | "--nodetach" => {}
                "-k" | "--keep" => keep = Some(true),
                "-K" | "--nokeep" => keep = Some(false),
                "-a" | "--all" | "--fetchall" => all = true,
                "-f" | "--fetchmailrc" => file = env.path(&value()?),
                "-u" | "--user" | "--username" => user = Some(value()?),
                "-p" | "--proto" | "--protocol" => {
                    let name = value()?;
                    let known = rc::protocol(&name);
                    protocol = Some(known.ok_or(format!("fetchmail: invalid protocol `{name}' specified."))?);
                }
                "-d" | "--daemon" => self.daemon = value()?.parse().ok(),
                "--ssl" => ssl = true,
                "--sslcertck" => certck = Some(true),
                "--nosslcertck" => certck = Some(false),
                option if option.starts_with('-') => return Err(format!("fetchmail: invalid option -- '{option}'")),
                server => servers.push(server),
            }
        }
        let mode = env.ctx.host.vfs.stat(&file, env.cred).map_or(0, |inode| inode.mode & 0o7777);
        if mode & 0o077 != 0 {
            env.errln(format!("File {file} must have no more than -rwx------ (0700) permissions."));
            return Ok(Some(status::PERMISSION));
        }
        let text = env.ctx.host.vfs.read_text(&file, env.cred).unwrap_or_default();
        let control = rc::parse(&text, &file).map_err(|error| error.to_string())?;
        self.daemon = self.daemon.or(control.daemon).filter(|seconds| *seconds > 0);
        self.invisible = control.invisible;
        let mut accounts = control.accounts;
        for server in &servers {
            if !accounts.iter().any(|account| account.server == *server) {
                accounts.push(Account::new(*server));
            }
        }
        accounts.retain(|account| match servers.is_empty() {
            true => !account.skip,
            false => servers.contains(&account.server.as_str()),
        });
        let caller = env.ctx.host.accounts.by_uid(env.cred.uid).map(|user| user.name.clone()).unwrap_or_default();
        for account in &mut accounts {
            account.keep = keep.unwrap_or(account.keep);
            account.all |= all;
            account.tls.ssl |= ssl;
            account.tls.certck = certck.unwrap_or(account.tls.certck);
            account.protocol = protocol.unwrap_or(account.protocol);
            if let Some(user) = &user {
                account.user = user.into();
            }
            if account.user.is_empty() {
                account.user = caller.clone();
            }
            account.local.get_or_insert_with(|| caller.clone());
        }
        if accounts.is_empty() {
            return Err("fetchmail: no mailservers have been specified.".to_owned());
        }
        self.waiting = accounts.iter().cloned().collect();
        self.accounts = accounts;
        Ok(None)
    }

    /// Begins with the next mailbox, or ends.
    fn next(&mut self, env: &mut Env<'_, '_>) -> Progress {
        while let Some(account) = self.waiting.pop_front() {
            let Some(password) = account.password.clone() else {
                env.errln(format!("fetchmail: can't find a password for {}@{}.", account.user, account.server));
                self.worst(status::AUTH);
                continue;
            };
            let login = Credentials { user: account.user.clone(), password };
            let errand = Errand { login, keep: account.keep, all: account.all, security: account.tls.security() };
            let client = Retriever::new(account.protocol, errand);
            let default = if account.tls.ssl { account.protocol.tls_port() } else { account.protocol.port() };
            let mut dialer = Dialer::new(&account.server, account.port.unwrap_or(default));
            if self.verbose {
                let (server, protocol) = (&account.server, account.protocol.name());
                env.outln(format!(
                    "fetchmail: {VERSION} querying {server} (protocol {protocol}) at {}: poll started",
                    ctime(env)
                ));
            }
            let sock = dialer.start(env.ctx);
            self.poll = Some(Poll {
                account,
                dialer,
                sock,
                client,
                peer: None,
                found: 0,
                new: 0,
                count: 0,
                current: Default::default(),
                in_handshake: false,
            });
            return Progress::Wait;
        }
        match self.daemon {
            Some(seconds) => {
                env.ctx.wake_at(env.ctx.now + Duration::from_secs(seconds), NEXT_POLL, "fetchmail's next poll");
                Progress::Wait
            }
            None => {
                let status = self.status.unwrap_or(status::NO_MAIL);
                if self.verbose {
                    env.outln(format!("fetchmail: normal termination, status {status}"));
                }
                Progress::Exit(status)
            }
        }
    }

    /// Mail anywhere counts as success; otherwise the first failure, otherwise "no mail".
    fn worst(&mut self, status: u8) {
        self.status = Some(match (self.status, status) {
            (Some(status::MAIL), _) | (_, status::MAIL) => status::MAIL,
            (Some(earlier), status::NO_MAIL) => earlier,
            (None | Some(status::NO_MAIL), status) => status,
            (Some(earlier), _) => earlier,
        });
    }

    /// Ends the poll of a mailbox.
    fn finish(&mut self, status: u8, env: &mut Env<'_, '_>) -> Progress {
        let Some(poll) = self.poll.take() else { return Progress::Wait };
        self.heard += 1;
        if let Some(sock) = poll.sock {
            env.ctx.close(sock);
        }
        if self.verbose {
            let (server, protocol) = (&poll.account.server, poll.account.protocol.name());
            env.outln(format!(
                "fetchmail: {VERSION} querying {server} (protocol {protocol}) at {}: poll completed",
                ctime(env)
            ));
        }
        let name = match status {
            status::SOCKET => Some("SOCKET"),
            status::AUTH => Some("AUTHFAIL"),
            status::PROTOCOL => Some("PROTOCOL"),
            status::DNS => Some("DNS"),
            _ => None,
        };
        if let Some(name) = name {
            env.errln(format!("fetchmail: Query status={status} ({name})"));
        }
        self.worst(status);
        let Account { user, server, .. } = poll.account;
        env.ctx.emit(Kind::MraPoll { user, server, count: poll.count });
        self.next(env)
    }

    fn carry_out(&mut self, outputs: Vec<Output>, env: &mut Env<'_, '_>) -> Progress {
        let verbose = self.verbose;
        for output in outputs {
            let Some(poll) = &mut self.poll else { return Progress::Wait };
            let protocol = poll.account.protocol.name();
            match (output, poll.sock) {
                (Output::Command(line), Some(sock)) => {
                    if verbose {
                        env.outln(format!("fetchmail: {protocol}> {}", without_password(&line)));
                    }
                    env.ctx.send(sock, format!("{line}\r\n"));
                }
                (Output::Reply(line), _) if verbose => env.outln(format!("fetchmail: {protocol}< {line}")),
                (Output::StartTls, Some(sock)) => {
                    poll.in_handshake = true;
                    host_tls::client_hello(sock, &poll.account.server, env.ctx);
                }
                (Output::Found { count, seen, octets }, _) => {
                    (poll.found, poll.new) = (count, count - seen.unwrap_or_default().min(count));
                    let Account { user, server, .. } = &poll.account;
                    let noun = if count == 1 { "message" } else { "messages" };
                    let seen = seen.filter(|seen| *seen > 0).map_or(String::new(), |seen| format!(" ({seen} seen)"));
                    let octets = octets.map_or(String::new(), |octets| format!(" ({octets} octets)"));
                    env.outln(match count {
                        0 => format!("fetchmail: No mail for {user} at {server}"),
                        _ => format!("{count} {noun}{seen} for {user} at {server}{octets}."),
                    });
                }
                (Output::Mail { number, content }, _) => {
                    poll.current = (number, sizes(&content, poll.account.protocol));
                    poll.hand_over(content, self.invisible, env);
                }
                (Output::Done, _) => {
                    let status = if poll.new > 0 { status::MAIL } else { status::NO_MAIL };
                    return self.finish(status, env);
                }
                (Output::Failed(error), _) => return self.fail(&error, env),
                _ => {}
            }
        }
        Progress::Wait
    }

    fn fail(&mut self, error: &RetrieveError, env: &mut Env<'_, '_>) -> Progress {
        let Some(poll) = &self.poll else { return Progress::Wait };
        let Account { user, server, .. } = &poll.account;
        match error {
            RetrieveError::Login { .. } => {
                env.errln(format!(
                    "fetchmail: Authorization failure on {user}@{server}\nfetchmail: For help, see \
                     http://www.fetchmail.info/fetchmail-FAQ.html#R15"
                ));
                self.finish(status::AUTH, env)
            }
            RetrieveError::Lost => {
                env.errln(format!("fetchmail: socket error while fetching from {user}@{server}"));
                self.finish(status::SOCKET, env)
            }
            other => {
                env.errln(format!("fetchmail: {other}"));
                self.finish(status::PROTOCOL, env)
            }
        }
    }

    fn network(&mut self, input: NetInput, env: &mut Env<'_, '_>) -> Progress {
        let Some(poll) = &mut self.poll else { return Progress::Wait };
        let mut out = Vec::new();
        match input {
            NetInput::ConnectFailed { error, peer, .. } => match poll.dialer.failed(error, env.ctx) {
                Ok(sock) => poll.sock = Some(sock),
                Err(_) => {
                    let (protocol, server) = (poll.account.protocol.name(), &poll.account.server);
                    let (text, port) = (error.text(), peer.port());
                    let service = poll.account.port.map_or(protocol.to_ascii_lowercase(), |port| port.to_string());
                    env.errln(format!(
                        "fetchmail: Connection errors for this poll:\nname 0: connection to {server}:{service} \
                         [{}/{port}] failed: {text}.\n{protocol} connection to {server} failed: {text}",
                        peer.ip()
                    ));
                    return self.finish(status::SOCKET, env);
                }
            },
            NetInput::Connected { sock, peer, .. } => {
                poll.peer = Some(peer.ip());
                if self.verbose {
                    env.outln(format!("Trying to connect to {}/{}...connected.", peer.ip(), peer.port()));
                }
                if poll.account.tls.ssl {
                    poll.in_handshake = true;
                    host_tls::client_hello(sock, &poll.account.server, env.ctx);
                }
            }
            NetInput::Data { payload: Payload::Bytes(_), .. } if poll.in_handshake => {
                return self.tls_failed("error:0A00010B:SSL routines::wrong version number", env);
            }
            NetInput::Data { payload: Payload::Bytes(bytes), .. } => poll.client.handle(&bytes, &mut out),
            NetInput::Data { sock, payload: Payload::Tls(message) } => return self.shake_hands(sock, &message, env),
            NetInput::Eof { .. } | NetInput::Reset { .. } if poll.in_handshake => {
                return self.tls_failed("error:0A000126:SSL routines::unexpected eof while reading", env);
            }
            NetInput::Eof { .. } | NetInput::Reset { .. } => out.push(Output::Failed(RetrieveError::Lost)),
            _ => {}
        }
        self.heard += 1;
        env.ctx.wake_at(env.ctx.now + PATIENCE, self.heard, "mailbox server time-out");
        self.carry_out(out, env)
    }

    fn shake_hands(&mut self, sock: Socket, message: &TlsMessage, env: &mut Env<'_, '_>) -> Progress {
        let Some(poll) = &mut self.poll else { return Progress::Wait };
        let TlsMessage::ServerHello { version, cipher, bits, chain } = message else {
            return match message {
                TlsMessage::Alert(text) => self.tls_failed(&format!("error:0A000410:SSL routines::{text}"), env),
                _ => Progress::Wait,
            };
        };
        let Account { server, tls: policy, .. } = &poll.account;
        let store = TrustStore::with_system(policy.authorities.as_deref(), env.ctx.host);
        let verdict = tls::judge(policy, server, chain, &store, env.ctx.now, self.verbose);
        for line in &verdict.lines {
            env.errln(format!("fetchmail: {line}"));
        }
        if !verdict.accepted {
            env.ctx.send_tls(sock, TlsMessage::Alert("tlsv1 alert unknown ca".into()));
            return self.tls_failed("error:0A000086:SSL routines::certificate verify failed", env);
        }
        poll.in_handshake = false;
        env.ctx.send_tls(sock, TlsMessage::Finished);
        let mut out = Vec::new();
        if !poll.account.tls.ssl {
            poll.client.secured(&mut out);
        }
        if self.verbose {
            env.outln(format!(
                "fetchmail: SSL/TLS: using protocol {version}, cipher {cipher}, {bits}/{bits} secret/processed bits"
            ));
            if !poll.account.tls.ssl {
                env.outln(format!("fetchmail: {}: upgrade to TLS succeeded.", poll.account.server));
            }
        }
        self.carry_out(out, env)
    }

    fn tls_failed(&mut self, reason: &str, env: &mut Env<'_, '_>) -> Progress {
        let Some(poll) = &self.poll else { return Progress::Wait };
        let Account { user, server, .. } = &poll.account;
        env.errln(format!("fetchmail: OpenSSL reported: {reason}"));
        if poll.account.tls.ssl {
            env.errln(format!("fetchmail: {server}: SSL connection failed."));
        } else {
            env.errln(format!(
                "fetchmail: {server}: upgrade to TLS failed.\nfetchmail: Socket or TLS error on {user}@{server}"
            ));
        }
        env.errln(format!("fetchmail: socket error while fetching from {user}@{server}"));
        self.finish(status::SOCKET, env)
    }

    /// The MTA took the message, or did not.
    fn handed_over(&mut self, accepted: bool, stderr: &[u8], env: &mut Env<'_, '_>) -> Progress {
        let Some(poll) = &mut self.poll else { return Progress::Wait };
        if !accepted {
            let reason = String::from_utf8_lossy(stderr);
            env.errln(format!("fetchmail: SMTP error: {}", reason.trim_end()));
        }
        let Account { user, server, keep, .. } = &poll.account;
        let (number, octets) = &poll.current;
        let fate = if accepted && !keep { "flushed" } else { "not flushed" };
        env.outln(format!("reading message {user}@{server}:{number} of {} {octets} {fate}", poll.found));
        poll.count += u64::from(accepted);
        let mut out = Vec::new();
        poll.client.stored(accepted, &mut out);
        self.carry_out(out, env)
    }
}

impl Poll {
    fn hand_over(&self, content: Bytes, invisible: bool, env: &mut Env<'_, '_>) {
        let local = self.account.local.clone().unwrap_or_default();
        let to = if local.contains('@') { local } else { format_smolstr!("{local}@localhost") };
        let server = if self.account.smtp_host.contains(':') {
            self.account.smtp_host.clone()
        } else {
            format_smolstr!("{}:25", self.account.smtp_host)
        };
        let received = if invisible { String::new() } else { self.received(&to, env) };
        let envelope = SendMail { from: sender_of(&content), to: vec![to], server, ..SendMail::default() };
        let content = [received.as_bytes(), &content].concat().into();
        env.ctx.start(Box::new(Submission::handing_over(envelope, content)));
    }

    /// The trace field that fetchmail puts on top, since it takes the place of a transport (fetchmail(1), "invisible").
    fn received(&self, to: &str, env: &Env<'_, '_>) -> String {
        let (server, protocol) = (&self.account.server, self.account.protocol.name());
        let address = self.peer.map_or(String::new(), |ip| format!(" [{ip}]"));
        let date = date::rfc5322(env.ctx.now, &env.ctx.host.zone);
        format!(
            "Received: from {server}{address}\n\tby {} with {protocol} (fetchmail-{VERSION})\n\tfor <{to}> (single-drop); {date}\n",
            env.ctx.host.fqdn
        )
    }
}

/// The size of a message, whose lines end with LF here and with CR LF on the wire, as fetchmail words it.
fn sizes(content: &[u8], protocol: Protocol) -> String {
    let wire = |octets: &[u8]| octets.len() + octets.iter().filter(|octet| **octet == b'\n').count();
    match protocol {
        Protocol::Pop3 => format!("({} octets)", wire(content)),
        Protocol::Imap => {
            let head = content.windows(2).position(|pair| pair == b"\n\n").map_or(content.len(), |at| at + 2);
            let (head, body) = content.split_at(head);
            format!("({} header octets) ({} body octets)", wire(head), wire(body))
        }
    }
}

/// The envelope sender that a message had: its Return-Path, or else its From address.
fn sender_of(content: &[u8]) -> SmolStr {
    let field = |name: &str| {
        let mut fields = header::Fields::new(content);
        let found = fields.find(|field| field.name.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|field| field.unfolded())
    };
    let value = field("Return-Path").or_else(|| field("From")).unwrap_or_default();
    let address = match (value.rfind('<'), value.rfind('>')) {
        (Some(open), Some(close)) if open < close => &value[open + 1..close],
        _ => value.split_whitespace().next().unwrap_or_default(),
    };
    SmolStr::new(address)
}

/// The moment as ctime(3) writes it.
fn ctime(env: &Env<'_, '_>) -> String {
    env.ctx.now.zoned(&env.ctx.host.zone).strftime("%a %b %e %H:%M:%S %Y").to_string()
}

/// A command as `-v` shows it.
fn without_password(line: &str) -> String {
    if line.starts_with("PASS ") {
        return "PASS *".to_owned();
    }
    match line.find(" LOGIN ") {
        Some(at) => format!("{} LOGIN \"*\" \"*\"", &line[..at]),
        None => line.to_owned(),
    }
}

impl Program for Fetchmail {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => match self.start(env) {
                Ok(None) => self.next(env),
                Ok(Some(status)) => Progress::Exit(status),
                Err(text) => {
                    env.errln(text);
                    Progress::Exit(status::SYNTAX)
                }
            },
            Resume::Input(Input::Resolved { token, lookup }) => {
                let Some(poll) = &mut self.poll else { return Progress::Wait };
                match poll.dialer.resolved(token, &lookup, env.ctx) {
                    Ok(sock) => {
                        poll.sock = sock;
                        Progress::Wait
                    }
                    Err(_) => {
                        let server = poll.account.server.clone();
                        env.errln(format!(
                            "fetchmail: couldn't find canonical DNS name of {server} ({server}): Name or service not known"
                        ));
                        self.finish(status::DNS, env)
                    }
                }
            }
            Resume::Input(Input::Net(input)) => self.network(input, env),
            Resume::Input(Input::ChildExited { exit, .. }) => self.handed_over(exit.status == 0, &exit.stderr, env),
            Resume::Input(Input::Wake(NEXT_POLL)) if self.poll.is_none() => {
                self.waiting = self.accounts.iter().cloned().collect();
                self.next(env)
            }
            Resume::Input(Input::Wake(token)) if token == self.heard => self.fail(&RetrieveError::Lost, env),
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
    fn the_sender_is_the_return_path_or_the_author() {
        for (content, sender) in [
            ("Return-Path: <alice@example.org>\nFrom: x@y\n\nbody\n", "alice@example.org"),
            ("Return-Path: <>\nFrom: x@y\n\n", ""),
            ("Subject: s\nFrom: Alice <a@example.org>\n\nReturn-Path: <z>\n", "a@example.org"),
            ("\n", ""),
        ] {
            assert_eq!(sender_of(content.as_bytes()), sender, "{content}");
        }
    }

    #[test]
    fn sizes_are_those_on_the_wire() {
        let content = b"From: a@b\nSubject: m4\nTo: bob\n\nhi\n";
        assert_eq!(sizes(content, Protocol::Imap), "(35 header octets) (4 body octets)");
        assert_eq!(sizes(content, Protocol::Pop3), "(39 octets)");
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("PASS secret"), "PASS *");
        assert_eq!(without_password("A0002 LOGIN \"bob\" \"secret\""), "A0002 LOGIN \"*\" \"*\"");
        assert_eq!(without_password("STAT"), "STAT");
    }

    #[test]
    fn mail_anywhere_is_success_and_a_failure_beats_no_mail() {
        let mut program = Fetchmail::default();
        program.worst(status::NO_MAIL);
        program.worst(status::AUTH);
        assert_eq!(program.status, Some(status::AUTH));
        program.worst(status::MAIL);
        program.worst(status::SOCKET);
        assert_eq!(program.status, Some(status::MAIL));
    }
}
