//! `dnsbld`: counts the mails that traps report, lists hosts, and takes them off again when they
//! pass a test for open relays. It is asked by HTTP: `/report?address=A` by the traps of its own
//! host, `/delist?address=A` by everybody.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use smol_str::SmolStr;

use super::{Config, PORT, is_listed, listed, unlisted};
use crate::dns::{Lookup, Qtype, Rdata, reverse_name};
use crate::host::process::{Command, Ctx, Exit, Input, Process, Signal, Spawn};
use crate::host::vfs::Cred;
use crate::sim::net::NetInput;
use crate::sim::{Listener, Payload, ProcId, Socket, Time};

/// Octets of a request at most.
const MAX_REQUEST: usize = 4096;
/// Requests that are open at once.
const MAX_OPEN: usize = 256;

/// The running daemon.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    /// What was received on connections, and who is at the other end.
    requests: BTreeMap<Socket, (IpAddr, Vec<u8>)>,
    /// Whose name is being looked up before a test.
    named: BTreeMap<u64, (Socket, Ipv4Addr)>,
    tests: BTreeMap<ProcId, (Socket, Ipv4Addr)>,
    /// Mails to traps since the host was taken off the list, or ever.
    reports: BTreeMap<Ipv4Addr, u64>,
    /// Who failed a test, and may ask again when.
    refused: BTreeMap<Ipv4Addr, Time>,
    last_question: u64,
}

impl Desk {
    /// A daemon that is about to be started.
    pub fn new() -> Desk {
        Desk::default()
    }

    fn config(ctx: &mut Ctx<'_>) -> Option<Config> {
        match Config::read(&ctx.host.vfs) {
            Ok(config) => Some(config),
            Err(error) => {
                ctx.daemon_log("dnsbld", format_args!("{error}"));
                None
            }
        }
    }

    fn answer(&mut self, sock: Socket, status: &str, text: &str, ctx: &mut Ctx<'_>) {
        self.requests.remove(&sock);
        ctx.send(sock, format!("HTTP/1.0 {status}\r\nContent-Type: text/plain\r\n\r\n{text}\n"));
        ctx.close(sock);
    }

    /// Takes octets of a request; answers once its header is complete.
    fn received(&mut self, sock: Socket, octets: &[u8], ctx: &mut Ctx<'_>) {
        let Some((peer, buffer)) = self.requests.get_mut(&sock) else { return };
        buffer.extend_from_slice(octets);
        let peer = *peer;
        let text = String::from_utf8_lossy(buffer).replace("\r\n", "\n");
        if text.len() > MAX_REQUEST {
            return self.answer(sock, "400 Bad Request", "The request is too long.", ctx);
        }
        if !text.contains("\n\n") {
            return;
        }
        let target = text.lines().next().and_then(|line| line.strip_prefix("GET ")?.split(' ').next());
        let (path, query) = target.and_then(|target| target.split_once('?')).unwrap_or((target.unwrap_or(""), ""));
        let address = query.split('&').find_map(|pair| pair.strip_prefix("address="));
        let address = address.and_then(|text| text.parse::<Ipv4Addr>().ok());
        match (path, address) {
            ("/report", Some(_)) if !peer.is_loopback() => {
                self.answer(sock, "403 Forbidden", "Only the traps of this host report.", ctx);
            }
            ("/report", Some(address)) => self.report(sock, address, ctx),
            ("/delist", Some(address)) => self.delist(sock, address, ctx),
            ("/report" | "/delist", None) => {
                self.answer(sock, "400 Bad Request", "The form needs address=A.B.C.D.", ctx);
            }
            _ => self.answer(sock, "404 Not Found", "The form is at /delist?address=A.B.C.D.", ctx),
        }
    }

    fn report(&mut self, sock: Socket, address: Ipv4Addr, ctx: &mut Ctx<'_>) {
        let Some(config) = Desk::config(ctx) else {
            return self.answer(sock, "500 Internal Server Error", "The list is not set up.", ctx);
        };
        let count = self.reports.entry(address).or_default();
        *count += 1;
        let count = *count;
        let mut said = format!("{address}: {count} of {}", config.threshold);
        let text = ctx.host.vfs.read_text(&config.file, &Cred::ROOT).unwrap_or_default();
        if count >= config.threshold && !is_listed(&text, address) {
            let reason = format!("{address} sent {count} mails to spam traps; see http://{}/delist", config.zone);
            if self.write(&config, listed(&text, address, &reason), ctx) {
                ctx.daemon_log("dnsbld", format_args!("listed {address} after {count} mails"));
                said = format!("{address} is listed");
            }
        }
        self.answer(sock, "200 OK", &said, ctx);
    }

    /// Writes the zone and has the name server read it; whether that worked.
    fn write(&mut self, config: &Config, text: String, ctx: &mut Ctx<'_>) -> bool {
        if let Err(error) = ctx.host.vfs.write(&config.file, text, 0o644, &Cred::ROOT) {
            ctx.daemon_log("dnsbld", format_args!("{}: {error}", config.file));
            return false;
        }
        let is_named = |command: &str| command.split(' ').next() == Some("/usr/sbin/named");
        let server = ctx.host.processes.iter().find(|(_, info)| is_named(&info.command)).map(|(id, _)| *id);
        if let Some(server) = server {
            ctx.signal(server, Signal::Hup);
        }
        true
    }

    /// Looks at a request to be taken off, and begins the test.
    fn delist(&mut self, sock: Socket, address: Ipv4Addr, ctx: &mut Ctx<'_>) {
        let Some(config) = Desk::config(ctx) else {
            return self.answer(sock, "500 Internal Server Error", "The list is not set up.", ctx);
        };
        let text = ctx.host.vfs.read_text(&config.file, &Cred::ROOT).unwrap_or_default();
        if !is_listed(&text, address) {
            return self.answer(sock, "200 OK", &format!("{address} is not listed in {}.", config.zone), ctx);
        }
        if let Some(until) = self.refused.get(&address).filter(|until| **until > ctx.now) {
            let when = until.zoned(&ctx.host.zone).strftime("%b %e %H:%M:%S %Z");
            let text = format!("{address} failed its last test. It will not be tested again before {when}.");
            return self.answer(sock, "403 Forbidden", &text, ctx);
        }
        self.last_question += 1;
        self.named.insert(self.last_question, (sock, address));
        ctx.resolve(self.last_question, reverse_name(IpAddr::V4(address)), Qtype::Ptr);
    }

    /// The name is known, or that there is none: tests the host.
    fn test(&mut self, token: u64, lookup: &Lookup, ctx: &mut Ctx<'_>) {
        let Some((sock, address)) = self.named.remove(&token) else { return };
        let name = lookup.answers.iter().find_map(|answer| match &answer.data {
            Rdata::Ptr(name) => Some(name.trim_end_matches('.').to_owned()),
            _ => None,
        });
        let mut argv = vec!["relaytest".to_owned()];
        if let Some((_, domain)) = name.as_deref().and_then(|name| name.split_once('.')) {
            argv.extend(["-d".to_owned(), domain.to_owned()]);
        }
        argv.push(address.to_string());
        let child = ctx.spawn(Spawn {
            command: Command::Exec(argv),
            cred: Cred { uid: 65_534, gid: 65_534, groups: Vec::new() },
            cwd: "/".into(),
            env: vec![("PATH".into(), "/usr/sbin:/usr/bin:/sbin:/bin".into())],
            umask: 0o022,
            stdin: bytes::Bytes::new(),
            tty: false,
        });
        self.tests.insert(child, (sock, address));
    }

    fn tested(&mut self, child: ProcId, exit: &Exit, ctx: &mut Ctx<'_>) {
        let Some((sock, address)) = self.tests.remove(&child) else { return };
        let Some(config) = Desk::config(ctx) else {
            return self.answer(sock, "500 Internal Server Error", "The list is not set up.", ctx);
        };
        let output = String::from_utf8_lossy(&exit.stdout);
        let result: SmolStr = output.lines().last().unwrap_or_default().into();
        match exit.status {
            0 => {
                let text = ctx.host.vfs.read_text(&config.file, &Cred::ROOT).unwrap_or_default();
                if !self.write(&config, unlisted(&text, address), ctx) {
                    return self.answer(sock, "500 Internal Server Error", "The list cannot be written.", ctx);
                }
                self.reports.remove(&address);
                self.refused.remove(&address);
                ctx.daemon_log("dnsbld", format_args!("removed {address}"));
                let text = format!("{result}\n{address} was removed from {}.", config.zone);
                self.answer(sock, "200 OK", &text, ctx);
            }
            1 => {
                let until = ctx.now + config.penalty;
                self.refused.insert(address, until);
                ctx.daemon_log("dnsbld", format_args!("refused to remove {address}: open relay"));
                let when = until.zoned(&ctx.host.zone).strftime("%b %e %H:%M:%S %Z");
                let text = format!("{result}\n{address} stays listed. It will not be tested again before {when}.");
                self.answer(sock, "403 Forbidden", &text, ctx);
            }
            _ => {
                let why = String::from_utf8_lossy(&exit.stderr);
                let text = format!("{address} could not be tested: {}", why.trim());
                self.answer(sock, "502 Bad Gateway", &text, ctx);
            }
        }
    }
}

impl Process for Desk {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => {
                if Desk::config(ctx).is_none() {
                    return ctx.exit(Exit { status: 1, ..Exit::default() });
                }
                ctx.listen(Listener::Tcp { addr: None, port: PORT });
            }
            Input::Signal(Signal::Term | Signal::Int) => ctx.exit(Exit::default()),
            Input::Net(NetInput::Accepted { sock, peer, .. }) if self.requests.len() < MAX_OPEN => {
                self.requests.insert(sock, (peer.ip(), Vec::new()));
            }
            Input::Net(NetInput::Accepted { sock, .. }) => ctx.close(sock),
            Input::Net(NetInput::Data { sock, payload: Payload::Bytes(bytes) }) => self.received(sock, &bytes, ctx),
            Input::Net(NetInput::Reset { sock, .. }) => drop(self.requests.remove(&sock)),
            Input::Resolved { token, lookup } => self.test(token, &lookup, ctx),
            Input::ChildExited { child, exit } => self.tested(child, &exit, ctx),
            _ => {}
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "/usr/sbin/dnsbld".into()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
