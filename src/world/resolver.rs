//! The stub resolver of a host, as the world drives it.
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use crate::dns::{Lookup, Outcome, Qtype};
use crate::host::Host;
use crate::sim::{ProcId, Time};
use crate::trace::{EventId, Kind};

#[derive(Clone, Debug)]
pub(super) struct StubResolver;

pub(super) enum StubOutput {
    SendTo { from: SocketAddr, to: SocketAddr, bytes: Bytes, cause: Option<EventId>, event: Option<Kind> },
    WakeAt { time: Time, token: u64, reason: &'static str },
    Answer { client: ProcId, token: u64, lookup: Arc<Lookup>, cause: Option<EventId>, event: Option<Kind> },
}

impl StubResolver {
    pub(super) fn new(_host: &Host) -> StubResolver {
        StubResolver
    }
    #[allow(clippy::too_many_arguments)]
    pub(super) fn ask(
        &mut self,
        _now: Time,
        client: ProcId,
        token: u64,
        qname: SmolStr,
        qtype: Qtype,
        cause: Option<EventId>,
        _host: &Host,
        out: &mut Vec<StubOutput>,
    ) {
        let lookup = Arc::new(Lookup { qname, qtype, outcome: Outcome::ServFail, answers: Vec::new() });
        out.push(StubOutput::Answer { client, token, lookup, cause, event: None });
    }
    pub(super) fn handle_wake(&mut self, _now: Time, _token: u64, _host: &Host, _out: &mut Vec<StubOutput>) {}
    #[allow(clippy::too_many_arguments)]
    pub(super) fn handle_datagram(
        &mut self,
        _now: Time,
        _local: SocketAddr,
        _peer: SocketAddr,
        _bytes: &[u8],
        _cause: Option<EventId>,
        _host: &Host,
        _out: &mut Vec<StubOutput>,
    ) {
    }
}
