//! The recursive resolver of a host, as `unbound`: answers its clients by asking from the root down.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::process::{Ctx, Exit, Input, Process, Signal};
use super::vfs::Cred;
use crate::dns::recursive::QUERY_PORT;
use crate::dns::{Recursor, RecursorOutput};
use crate::sim::net::NetInput;
use crate::trace::Kind;

const PORT: u16 = 53;
/// Where Debian keeps the addresses of the root's servers.
const HINTS: &str = "/usr/share/dns/root.hints";

/// A running recursive resolver.
#[derive(Clone, Debug)]
pub struct RecursiveResolver {
    recursor: Recursor,
    from_files: bool,
}

impl RecursiveResolver {
    /// A resolver that knows these addresses of the root's servers.
    pub fn new(hints: Vec<IpAddr>) -> RecursiveResolver {
        RecursiveResolver { recursor: Recursor::new(hints), from_files: false }
    }

    /// A resolver that reads `/usr/share/dns/root.hints` when it starts, and at each SIGHUP, which
    /// also empties its cache.
    pub fn from_files() -> RecursiveResolver {
        RecursiveResolver { recursor: Recursor::new(Vec::new()), from_files: true }
    }

    fn load(&mut self, ctx: &Ctx<'_>) {
        let text = ctx.host.vfs.read_text(HINTS, &Cred::ROOT).unwrap_or_default();
        self.recursor = Recursor::new(Recursor::parse_hints(&text));
    }

    fn carry_out(&self, outputs: Vec<RecursorOutput>, ctx: &mut Ctx<'_>) {
        // Each answer and question follows from what came in, not from the output before it.
        let cause = ctx.cause;
        for output in outputs {
            ctx.cause = cause;
            match output {
                RecursorOutput::Query { to, bytes, qname, qtype } => {
                    let from = SocketAddr::new(own_address(ctx, to.ip()), QUERY_PORT);
                    ctx.emit_full(|| Kind::DnsQuery { from: from.ip(), resolver: to.ip(), qname, qtype });
                    ctx.send_to(from, to, bytes);
                }
                RecursorOutput::Reply { from, to, bytes, event } => {
                    ctx.emit_full(|| event);
                    ctx.send_to(from, to, bytes);
                }
                RecursorOutput::WakeAt { time, token } => ctx.wake_at(time, token, "name server time-out"),
            }
        }
    }
}

/// An address of the host in the family of another.
fn own_address(ctx: &Ctx<'_>, other: IpAddr) -> IpAddr {
    let unspecified = match other {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    ctx.host.addrs.iter().copied().find(|addr| addr.is_ipv4() == other.is_ipv4()).unwrap_or(unspecified)
}

impl Process for RecursiveResolver {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        let mut out = Vec::new();
        match input {
            Input::Start => {
                if self.from_files {
                    self.load(ctx);
                }
                ctx.bind_udp(PORT);
                ctx.bind_udp(QUERY_PORT);
            }
            Input::Signal(Signal::Hup) if self.from_files => self.load(ctx),
            Input::Signal(Signal::Hup) => self.recursor.flush(),
            Input::Signal(Signal::Term | Signal::Int) => ctx.exit(Exit::default()),
            Input::Wake(token) => self.recursor.handle_wake(ctx.now, token, &mut out),
            Input::Net(NetInput::Datagram { local, peer, bytes }) if local.port() == QUERY_PORT => {
                self.recursor.handle_datagram(ctx.now, peer, &bytes, &mut out);
            }
            Input::Net(NetInput::Datagram { local, peer, bytes }) => {
                self.recursor.ask(ctx.now, local, peer, &bytes, &mut out);
            }
            _ => {}
        }
        self.carry_out(out, ctx);
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "/usr/sbin/unbound -d -p".to_owned()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
