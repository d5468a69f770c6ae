//! telnet(1) and nc(1): a person talks to a server by hand.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::dns::{Hosts, Qtype};
use crate::host::process::Input;
use crate::host::program::{Env, Program, Progress, Resume};
use crate::host::vfs::Cred;
use crate::sim::net::NetInput;
use crate::sim::{ConnectError, Payload, Socket};

/// What `^]` sends.
const ESCAPE: u8 = 0x1d;

/// The running command.
#[derive(Clone, Debug, Default)]
pub struct Telnet {
    is_nc: bool,
    verbose: bool,
    only_probe: bool,
    crlf: bool,
    host: String,
    port: u16,
    service: String,
    addresses: VecDeque<IpAddr>,
    sock: Option<Socket>,
    connected: bool,
    at_prompt: bool,
    sent_end: bool,
}

impl Telnet {
    pub fn make() -> Box<dyn Program> {
        Box::new(Telnet::default())
    }

    fn begin(&mut self, env: &mut Env<'_, '_>) -> Progress {
        self.is_nc = env
            .args
            .first()
            .is_some_and(|name| name.rsplit('/').next().is_some_and(|name| name.starts_with("nc") || name == "netcat"));
        let mut operands = Vec::new();
        let mut args = env.args.iter().skip(1);
        while let Some(arg) = args.next() {
            match arg.strip_prefix('-') {
                Some(letters) if !letters.is_empty() => {
                    self.verbose |= letters.contains('v');
                    self.only_probe |= letters.contains('z');
                    self.crlf |= letters.contains('C');
                    if letters.ends_with(['w', 'q', 'p', 's']) {
                        args.next();
                    }
                }
                _ => operands.push(arg.clone()),
            }
        }
        self.crlf |= !self.is_nc;
        let Some(host) = operands.first() else {
            env.errln(if self.is_nc {
                "usage: nc [-Cvz] [-w timeout] [destination] [port]"
            } else {
                "usage: telnet [host-name [port]]"
            });
            return Progress::Exit(1);
        };
        self.host.clone_from(host);
        self.service =
            operands.get(1).cloned().unwrap_or_else(|| if self.is_nc { String::new() } else { "telnet".into() });
        let Some(port) = port(&self.service, env) else {
            match self.is_nc {
                true => env.errln("nc: missing port number"),
                false => env.errln(format!("telnet: {}: bad port", self.service)),
            }
            return Progress::Exit(1);
        };
        self.port = port;
        if let Ok(addr) = host.parse() {
            self.addresses.push_back(addr);
        } else {
            let text = env.ctx.host.vfs.read_text("/etc/hosts", &Cred::ROOT).unwrap_or_default();
            self.addresses.extend(Hosts::parse(&text).by_name(host));
        }
        if self.addresses.is_empty() {
            env.ctx.resolve(1, host.trim_end_matches('.'), Qtype::Aaaa);
            return Progress::Wait;
        }
        self.next(env)
    }

    /// Tries the next address.
    fn next(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let Some(addr) = self.addresses.pop_front() else { return Progress::Exit(1) };
        if !self.is_nc {
            env.outln(format!("Trying {addr}..."));
        }
        self.sock = Some(env.ctx.connect(None, SocketAddr::new(addr, self.port)));
        Progress::Wait
    }

    fn failed(&mut self, error: ConnectError, peer: IpAddr, env: &mut Env<'_, '_>) -> Progress {
        self.sock = None;
        let (host, port, text) = (&self.host, self.port, error.text());
        if self.is_nc {
            if self.verbose {
                let place = if host.parse::<IpAddr>().is_ok() { host.clone() } else { format!("{host} ({peer})") };
                env.errln(format!("nc: connect to {place} port {port} (tcp) failed: {text}"));
            }
        } else if self.addresses.is_empty() {
            env.errln(format!("telnet: Unable to connect to remote host: {text}"));
        } else {
            env.errln(format!("telnet: connect to address {peer}: {text}"));
        }
        self.next(env)
    }

    fn opened(&mut self, peer: IpAddr, env: &mut Env<'_, '_>) -> Progress {
        self.connected = true;
        if !self.is_nc {
            env.outln(format!("Connected to {}.\nEscape character is '^]'.", self.host));
            return self.talk(env);
        }
        if self.verbose {
            let place =
                if self.host.parse::<IpAddr>().is_ok() { self.host.clone() } else { format!("{} ({peer})", self.host) };
            let name = service_name(self.port, env).unwrap_or_else(|| "*".into());
            env.errln(format!("Connection to {place} {} port [tcp/{name}] succeeded!", self.port));
        }
        if self.only_probe {
            self.close(env);
            return Progress::Exit(0);
        }
        self.talk(env)
    }

    fn close(&mut self, env: &mut Env<'_, '_>) {
        if let Some(sock) = self.sock.take() {
            env.ctx.close(sock);
        }
    }

    /// Sends what was typed.
    fn talk(&mut self, env: &mut Env<'_, '_>) -> Progress {
        let Some(sock) = self.sock.filter(|_| self.connected) else { return Progress::Wait };
        while let Some(mut line) = env.stdin.take_line() {
            if self.at_prompt {
                self.at_prompt = false;
                if matches!(line.trim_ascii(), b"quit" | b"q" | b"close" | b"c") {
                    env.outln("Connection closed.");
                    self.close(env);
                    return Progress::Exit(0);
                }
                continue;
            }
            if !self.is_nc && line.contains(&ESCAPE) {
                self.at_prompt = true;
                env.stdout.extend_from_slice(b"\ntelnet> ");
                continue;
            }
            if self.crlf && line.ends_with(b"\n") && !line.ends_with(b"\r\n") {
                line.pop();
                line.extend_from_slice(b"\r\n");
            }
            env.ctx.send(sock, line);
        }
        if env.stdin.eof && !self.is_nc && !self.sent_end {
            self.sent_end = true;
            self.close(env);
            env.errln("Connection closed by foreign host.");
            return Progress::Exit(1);
        }
        Progress::Wait
    }

    fn network(&mut self, input: NetInput, env: &mut Env<'_, '_>) -> Progress {
        match input {
            NetInput::Connected { peer, .. } => self.opened(peer.ip(), env),
            NetInput::ConnectFailed { error, peer, .. } => self.failed(error, peer.ip(), env),
            NetInput::Data { payload: Payload::Bytes(bytes), .. } => {
                env.stdout.extend(bytes.iter().filter(|octet| self.is_nc || **octet != b'\r'));
                Progress::Wait
            }
            NetInput::Eof { .. } | NetInput::Reset { .. } => {
                self.close(env);
                if self.is_nc {
                    return Progress::Exit(0);
                }
                env.errln("Connection closed by foreign host.");
                Progress::Exit(1)
            }
            _ => Progress::Wait,
        }
    }
}

/// A port by number or by its name in `/etc/services`.
fn port(text: &str, env: &Env<'_, '_>) -> Option<u16> {
    if let Ok(port) = text.parse() {
        return Some(port);
    }
    let services = env.ctx.host.vfs.read_text("/etc/services", &Cred::ROOT).unwrap_or_default();
    let mut rows = services.lines().map(str::split_whitespace);
    let number = rows.find_map(|mut row| (row.next() == Some(text)).then(|| row.next()).flatten())?;
    number.split('/').next()?.parse().ok()
}

fn service_name(port: u16, env: &Env<'_, '_>) -> Option<String> {
    let services = env.ctx.host.vfs.read_text("/etc/services", &Cred::ROOT).ok()?;
    let wanted = format!("{port}/tcp");
    let line = services.lines().find(|line| line.split_whitespace().nth(1) == Some(&wanted))?;
    line.split_whitespace().next().map(str::to_owned)
}

impl Program for Telnet {
    fn resume(&mut self, resume: Resume, env: &mut Env<'_, '_>) -> Progress {
        match resume {
            Resume::Start => self.begin(env),
            Resume::Stdin => self.talk(env),
            Resume::Input(Input::Net(input)) => self.network(input, env),
            Resume::Input(Input::Resolved { token, lookup }) => {
                self.addresses.extend(lookup.addresses());
                if token == 1 {
                    env.ctx.resolve(2, self.host.trim_end_matches('.'), Qtype::A);
                    return Progress::Wait;
                }
                if self.addresses.is_empty() {
                    let (host, service) = (&self.host, &self.service);
                    env.errln(match self.is_nc {
                        true => {
                            format!("nc: getaddrinfo for host \"{host}\" port {service}: Name or service not known")
                        }
                        false => format!("telnet: could not resolve {host}/{service}: Name or service not known"),
                    });
                    return Progress::Exit(1);
                }
                self.next(env)
            }
            _ => Progress::Wait,
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
