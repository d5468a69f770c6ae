//! Worlds and a load generator for the benchmarks.
#![allow(dead_code, reason = "each benchmark uses its own part")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use mxlab::dns::zone::Zone;
use mxlab::host::layout::{self, HostSpec, Installer, UserSpec};
use mxlab::host::named::NameServer;
use mxlab::host::vfs::Cred;
use mxlab::host::{Ctx, Exit, Input, Process};
use mxlab::mta::postfix::master::Postfix;
use mxlab::sim::net::NetInput;
use mxlab::sim::{HostId, Payload, Socket, Time};
use mxlab::trace::{Actor, Level};
use mxlab::world::World;

/// Where everything begins.
pub fn start() -> Time {
    Time::parse("2026-03-02T08:00:00Z").expect("a date")
}

const DNS: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 53));

/// An internet of hosts with Postfix, each the MX of a domain of its own.
pub struct Net {
    pub world: World,
    installer: Installer,
    zones: String,
    reverse: String,
    hosts: Vec<HostId>,
}

/// The address of the n-th site.
pub fn address(n: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + 10 + n)
}

/// The domain of the n-th site.
pub fn domain(n: u32) -> String {
    format!("d{n}.test")
}

impl Net {
    /// A world without hosts.
    pub fn new(level: Level) -> Net {
        Net {
            world: World::new(1, start(), level),
            installer: Installer::default(),
            zones: String::new(),
            reverse: String::new(),
            hosts: Vec::new(),
        }
    }

    /// Adds a site; clients in 10.255.0.0/16 may relay over it.
    pub fn site(&mut self) -> HostId {
        let n = self.hosts.len() as u32;
        let (domain, addr) = (domain(n), address(n));
        let mut spec = HostSpec::new(HostId(0), format!("mx{n}"), format!("mx.{domain}"), start());
        spec.addrs = vec![addr.into()];
        spec.resolvers = vec![DNS];
        spec.users = vec![UserSpec { name: "alice".into(), ..UserSpec::default() }];
        let mut host = self.installer.build(&spec).expect("a host");
        let main = format!(
            "compatibility_level = 3.6\nmyhostname = mx.{domain}\nmyorigin = {domain}\n\
             mydestination = $myhostname, {domain}, localhost\nmynetworks = 127.0.0.0/8, 10.255.0.0/16\n\
             alias_maps = hash:/etc/aliases\nmailbox_size_limit = 0\ninet_protocols = ipv4\n"
        );
        host.vfs.write("/etc/postfix/main.cf", main, 0o644, &Cred::ROOT).expect("main.cf");
        let master = include_str!("../../tests/golden/template/master.cf");
        host.vfs.write("/etc/postfix/master.cf", master, 0o644, &Cred::ROOT).expect("master.cf");
        mxlab::world::install_programs(&mut host);
        let id = self.world.add_host(host);
        command(&mut self.world, id, "newaliases");
        self.hosts.push(id);
        self.zones.push_str(&format!("{domain}. 86400 IN MX 10 mx.{domain}.\nmx.{domain}. 86400 IN A {addr}\n"));
        let [a, b, c, d] = addr.octets();
        self.reverse.push_str(&format!("{d}.{c}.{b}.{a}.in-addr.arpa. 86400 IN PTR mx.{domain}.\n"));
        id
    }

    /// Adds so many sites.
    pub fn sites(&mut self, count: u32) {
        for _ in 0..count {
            self.site();
        }
    }

    /// Starts the name server and Postfix everywhere.
    pub fn boot(&mut self) {
        let mut spec = HostSpec::new(HostId(0), "dns", "ns.dns.test", start());
        spec.addrs = vec![DNS];
        let host = layout::build(&spec).expect("a host");
        let id = self.world.add_host(host);
        let zones = [("test.", &self.zones), ("10.in-addr.arpa.", &self.reverse)].map(|(origin, text)| {
            Zone::parse_fragment(origin, text, "zone").unwrap_or_else(|errors| panic!("{errors:?}"))
        });
        self.world.start(id, Box::new(NameServer::new(zones.into())), Actor::Daemon);
        for site in self.hosts.clone() {
            self.world.start(site, Box::new(Postfix::new("/etc/postfix")), Actor::Daemon);
        }
    }

    /// Adds a client that sends `messages` over `sessions` connections at once to the first site,
    /// to the domains given by `to` in turn.
    pub fn load(&mut self, messages: u64, sessions: u64, to: Vec<u32>) {
        let n = self.world.host_count();
        let mut spec = HostSpec::new(HostId(0), format!("client{n}"), format!("client{n}.test"), start());
        spec.addrs = vec![Ipv4Addr::new(10, 255, 0, n as u8).into()];
        spec.resolvers = vec![DNS];
        let id = self.world.add_host(layout::build(&spec).expect("a host"));
        let source = Source::new(SocketAddr::new(address(0).into(), 25), messages, sessions, to);
        self.world.start(id, Box::new(source), Actor::Scenario);
    }

    /// Octets in the mailbox of alice at a site.
    pub fn mailbox(&self, site: u32) -> u64 {
        let host = self.world.host(self.hosts[site as usize]);
        host.vfs.stat("/var/mail/alice", &Cred::ROOT).map_or(0, |inode| inode.size())
    }
}

/// Runs a command on a host to its end.
pub fn command(world: &mut World, host: HostId, line: &str) -> Exit {
    use mxlab::host::{Command, Spawn};
    let spawn = Spawn {
        command: Command::Shell(line.into()),
        cred: Cred::ROOT,
        cwd: "/root".into(),
        env: Vec::new(),
        umask: 0o022,
        stdin: Bytes::new(),
        tty: false,
    };
    let proc = world.spawn(host, spawn, Actor::Scenario);
    loop {
        if let Some(exit) = world.exited(host, proc) {
            return exit;
        }
        let next = world.next_time().expect("the command ends");
        world.advance(next);
    }
}

/// One connection of the load generator.
#[derive(Clone, Debug)]
struct Session {
    /// Final reply lines still awaited before the next step.
    awaited: u32,
    step: u8,
    line: Vec<u8>,
}

/// smtp-source(1): sends messages as fast as it is answered, with PIPELINING.
#[derive(Clone, Debug)]
pub struct Source {
    target: SocketAddr,
    left: u64,
    sessions: u64,
    to: Vec<u32>,
    open: BTreeMap<Socket, Session>,
    body: Bytes,
}

impl Source {
    fn new(target: SocketAddr, messages: u64, sessions: u64, to: Vec<u32>) -> Source {
        let text = "From: Load <load@client.test>\r\nTo: Alice <alice@d1.test>\r\nSubject: benchmark\r\n\
                    Date: Mon, 02 Mar 2026 08:00:00 +0000\r\nMessage-ID: <x@client.test>\r\n\r\n";
        let line = "The quick brown fox jumps over the lazy dog, again and again and again.\r\n";
        let body = Bytes::from(format!("{text}{}.\r\n", line.repeat(12)));
        Source { target, left: messages, sessions, to, open: BTreeMap::new(), body }
    }

    fn reply(&mut self, sock: Socket, ctx: &mut Ctx<'_>) {
        let Some(session) = self.open.get_mut(&sock) else { return };
        session.awaited -= 1;
        if session.awaited > 0 {
            return;
        }
        match session.step {
            0 => {
                ctx.send(sock, Bytes::from_static(b"EHLO client.test\r\n"));
                (session.step, session.awaited) = (1, 1);
            }
            1 if self.left == 0 => {
                ctx.send(sock, Bytes::from_static(b"QUIT\r\n"));
                (session.step, session.awaited) = (3, 1);
            }
            1 => {
                self.left -= 1;
                let to = self.to[(self.left % self.to.len() as u64) as usize];
                let group = format!("MAIL FROM:<load@client.test>\r\nRCPT TO:<alice@d{to}.test>\r\nDATA\r\n");
                ctx.send(sock, group);
                (session.step, session.awaited) = (2, 3);
            }
            2 => {
                ctx.send(sock, self.body.clone());
                (session.step, session.awaited) = (1, 1);
            }
            _ => {
                ctx.close(sock);
                self.open.remove(&sock);
            }
        }
    }
}

impl Process for Source {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => {
                for _ in 0..self.sessions {
                    let sock = ctx.connect(None, self.target);
                    self.open.insert(sock, Session { awaited: 1, step: 0, line: Vec::new() });
                }
            }
            Input::Net(NetInput::Data { sock, payload: Payload::Bytes(bytes) }) => {
                let mut finals = 0;
                if let Some(session) = self.open.get_mut(&sock) {
                    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                        session.line.extend_from_slice(line);
                        if line.ends_with(b"\n") {
                            assert!(
                                matches!(session.line[0], b'2' | b'3'),
                                "{}",
                                String::from_utf8_lossy(&session.line)
                            );
                            finals += u32::from(session.line.get(3) == Some(&b' '));
                            session.line.clear();
                        }
                    }
                }
                (0..finals).for_each(|_| self.reply(sock, ctx));
            }
            _ => {}
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "smtp-source".into()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
