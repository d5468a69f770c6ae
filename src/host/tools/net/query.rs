//! One question to name servers by datagrams, with repetitions.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use smol_str::{SmolStr, format_smolstr};

use crate::dns::message::encode_query;
use crate::dns::{Hosts, Qtype, Reply, ResolvConf};
use crate::host::Ctx;
use crate::host::process::Input;
use crate::host::vfs::Cred;
use crate::sim::Time;
use crate::sim::net::NetInput;
use crate::trace::Kind;

/// How long a server is waited for.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How often all servers are asked.
const ATTEMPTS: usize = 3;

/// The record type of a name like `mx`.
pub fn qtype(text: &str) -> Option<Qtype> {
    use Qtype::{A, Aaaa, Any, Cname, Mx, Ns, Ptr, Soa, Srv, Tlsa, Txt};
    [A, Aaaa, Mx, Cname, Ns, Ptr, Soa, Txt, Srv, Tlsa, Any]
        .into_iter()
        .find(|qtype| qtype.to_string().eq_ignore_ascii_case(text))
}

/// The servers of `/etc/resolv.conf`.
pub fn configured(ctx: &Ctx<'_>) -> Vec<SocketAddr> {
    let text = ctx.host.vfs.read_text("/etc/resolv.conf", &Cred::ROOT).unwrap_or_default();
    ResolvConf::parse(&text).servers.to_vec()
}

/// The address of a server given by address or by a name of `/etc/hosts`.
pub fn literal(name: &str, ctx: &Ctx<'_>) -> Option<IpAddr> {
    if let Ok(addr) = name.parse() {
        return Some(addr);
    }
    let hosts = ctx.host.vfs.read_text("/etc/hosts", &Cred::ROOT).unwrap_or_default();
    Hosts::parse(&hosts).by_name(name).next()
}

/// What became of a question.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is still open.
    Open,
    /// It was answered by this server after this time.
    Answered(Box<Reply>, SocketAddr, Duration),
    /// Nobody answered.
    Silence,
}

/// A question under way.
#[derive(Clone, Debug)]
pub struct Query {
    qname: SmolStr,
    qtype: Qtype,
    servers: Vec<SocketAddr>,
    id: u16,
    tries: usize,
    asked: Time,
}

impl Query {
    /// Asks the first server; `None` if the name cannot be asked for.
    pub fn ask(qname: &str, qtype: Qtype, servers: &[SocketAddr], ctx: &mut Ctx<'_>) -> Option<Query> {
        let id = u16::try_from(ctx.host.dice.below(0x1_0000)).unwrap_or_default();
        let (servers, asked) = (servers.to_vec(), ctx.now);
        let mut query = Query { qname: qname.into(), qtype, servers, id, tries: 0, asked };
        query.send(ctx)?;
        Some(query)
    }

    fn send(&mut self, ctx: &mut Ctx<'_>) -> Option<()> {
        let bytes = encode_query(self.id, &self.qname, self.qtype, true)?;
        let server = *self.servers.get(self.tries % self.servers.len().max(1))?;
        let own = ctx.host.addrs.iter().copied().find(|addr| addr.is_ipv4() == server.is_ipv4());
        let from = if server.ip().is_loopback() { Some(server.ip()) } else { own };
        let from = SocketAddr::new(from.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), 0xc000 | (self.id & 0x3fff));
        let (qname, qtype) = (self.qname.clone(), format_smolstr!("{}", self.qtype));
        ctx.emit_full(|| Kind::DnsQuery { from: from.ip(), resolver: server.ip(), qname, qtype });
        ctx.bind_udp(from.port());
        ctx.send_to(from, server, bytes);
        self.asked = ctx.now;
        ctx.wake_at(ctx.now + TIMEOUT, u64::from(self.id) << 8 | self.tries as u64, "name server time-out");
        Some(())
    }

    /// Takes an input.
    pub fn handle(&mut self, input: &Input, ctx: &mut Ctx<'_>) -> Outcome {
        match input {
            Input::Net(NetInput::Datagram { peer, bytes, .. }) => match Reply::read(bytes) {
                Some(reply) if reply.id == self.id => {
                    Outcome::Answered(Box::new(reply), *peer, ctx.now.since(self.asked))
                }
                _ => Outcome::Open,
            },
            Input::Wake(token) if *token == u64::from(self.id) << 8 | self.tries as u64 => {
                self.tries += 1;
                if self.tries >= ATTEMPTS * self.servers.len() || self.send(ctx).is_none() {
                    return Outcome::Silence;
                }
                Outcome::Open
            }
            _ => Outcome::Open,
        }
    }
}
