//! The stub resolver of a host, as the world drives it: it reads `/etc/resolv.conf` and turns
//! what the resolver wants into datagrams, timers, answers and events.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use smol_str::{SmolStr, format_smolstr};

use crate::dns::{Outcome, ResolvConf};
use crate::host::Host;
use crate::host::vfs::Cred;
use crate::trace::Kind;

pub(super) use crate::dns::stub::{Question, STUB_PORT, StubOutput, StubResolver};

const FILE: &str = "/etc/resolv.conf";

/// A host's `/etc/resolv.conf`, read again when the file has changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Configuration {
    version: Option<u64>,
    conf: ResolvConf,
}

impl Configuration {
    /// What the file says now.
    pub(super) fn refresh(&mut self, host: &Host) -> &ResolvConf {
        let version = host.vfs.stat(FILE, &Cred::ROOT).ok().map(|inode| inode.version);
        if version != self.version {
            self.version = version;
            self.conf = ResolvConf::parse(&host.vfs.read_text(FILE, &Cred::ROOT).unwrap_or_default());
        }
        &self.conf
    }
}

/// The address that a host sends from when it asks this server.
pub(super) fn source(host: &Host, server: SocketAddr) -> SocketAddr {
    let unspecified = match server.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let own = host.addrs.iter().copied().find(|addr| addr.is_ipv4() == server.is_ipv4());
    let addr = if server.ip().is_loopback() { server.ip() } else { own.unwrap_or(unspecified) };
    SocketAddr::new(addr, STUB_PORT)
}

/// The event for something that the resolver wants done; `None` if others record it.
pub(super) fn event(host: &Host, output: &StubOutput) -> Option<Kind> {
    match output {
        StubOutput::Send { to, qname, qtype, .. } => Some(Kind::DnsQuery {
            from: source(host, *to).ip(),
            resolver: to.ip(),
            qname: qname.clone(),
            qtype: format_smolstr!("{qtype}"),
        }),
        StubOutput::Answer { lookup, records, cached: true, .. } => {
            let own = host.addrs.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
            Some(Kind::DnsAnswer {
                from: own,
                to: own,
                qname: lookup.qname.clone(),
                qtype: format_smolstr!("{}", lookup.qtype),
                rcode: rcode(lookup.outcome),
                records: records.clone(),
                cached: true,
            })
        }
        StubOutput::Answer { .. } | StubOutput::WakeAt { .. } => None,
    }
}

fn rcode(outcome: Outcome) -> SmolStr {
    SmolStr::new_static(match outcome {
        Outcome::Found | Outcome::NoData => "NOERROR",
        Outcome::NxDomain => "NXDOMAIN",
        Outcome::ServFail | Outcome::Timeout => "SERVFAIL",
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::World;
    use super::*;
    use crate::dns::{Lookup, Qtype, Zone};
    use crate::host::layout::{HostSpec, build};
    use crate::host::named::NameServer;
    use crate::host::{Ctx, Exit, Input, Process};
    use crate::sim::{Duration, HostId, Time};
    use crate::trace::{Actor, Level};

    /// Asks one question and exits with the answer.
    #[derive(Clone, Debug)]
    struct Asker(&'static str);

    impl Process for Asker {
        fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
            match input {
                Input::Start => ctx.resolve(1, self.0, Qtype::Mx),
                Input::Resolved { lookup, .. } => ctx.exit(Exit { stdout: said(&lookup), ..Exit::default() }),
                _ => {}
            }
        }
        fn clone_box(&self) -> Box<dyn Process> {
            Box::new(self.clone())
        }
        fn command_line(&self) -> String {
            "asker".into()
        }
        fn as_any(&self) -> &dyn std::any::Any {
            self
        }
    }

    fn said(lookup: &Arc<Lookup>) -> Vec<u8> {
        let names: Vec<_> = lookup.exchangers().map(|(_, name)| name.as_str()).collect();
        format!("{:?} {}", lookup.outcome, names.join(" ")).into_bytes()
    }

    #[test]
    fn a_question_flies_to_the_name_server_and_the_next_one_is_answered_from_memory() {
        let mut world = World::new(1, Time::from_secs(1_800_000_000), Level::Full);
        let now = world.now();
        let mut host = |name: &str, addr: &str| {
            let mut spec = HostSpec::new(HostId(0), name, format!("{name}.test"), now);
            spec.addrs = vec![addr.parse().unwrap()];
            world.add_host(build(&spec).unwrap())
        };
        let (server, client) = (host("ns", "192.0.2.53"), host("pc", "192.0.2.1"));
        let vfs = &mut world.host_mut(client).vfs;
        vfs.write(FILE, "nameserver 192.0.2.53\n", 0o644, &Cred::ROOT).unwrap();
        let zone = Zone::parse_fragment("example.org", "@ IN MX 10 mx1\n", "z").unwrap();
        world.start(server, Box::new(NameServer::new(vec![zone])), Actor::Daemon);
        for (name, expect) in [("example.org", "Found mx1.example.org"), ("example.org", "Found mx1.example.org")] {
            let proc = world.start(client, Box::new(Asker(name)), Actor::Student);
            let soon = world.now() + Duration::from_secs(1);
            world.advance(soon);
            let exit = world.exited(client, proc).expect("an answer came");
            assert_eq!(String::from_utf8_lossy(&exit.stdout), expect);
        }
        let texts: Vec<String> = world
            .trace()
            .iter()
            .filter_map(|event| match &event.kind {
                Kind::DnsQuery { from, resolver, qname, .. } => Some(format!("{from} asks {resolver}: {qname}")),
                Kind::DnsAnswer { from, cached, .. } => Some(format!("{from} answers, cached {cached}")),
                _ => None,
            })
            .collect();
        let expect = [
            "192.0.2.1 asks 192.0.2.53: example.org",
            "192.0.2.53 answers, cached false",
            "192.0.2.1 answers, cached true",
        ];
        assert_eq!(texts, expect);
    }
}
