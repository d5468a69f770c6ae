//! The name server of a host, as BIND's `named`: answers from its zones by UDP and TCP.
//!
//! Zones come from `/etc/bind/named.conf.local` and the master files it names; without that file
//! every `/etc/bind/NAME.zone` is a zone. SIGHUP reads them again; a zone that has become faulty
//! keeps its old records, as with `named`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::{Buf, Bytes, BytesMut};
use smol_str::{SmolStr, format_smolstr};

use super::process::{Ctx, Exit, Input, Process, Signal};
use super::vfs::{Cred, Errno, Vfs};
use crate::dns::server::Transport;
use crate::dns::zone_check;
use crate::dns::{Behaviour, Catalog, Zone, ZoneErrors, wire_name};
use crate::sim::net::NetInput;
use crate::sim::{Listener, Payload, Socket};
use crate::trace::Kind;

const PORT: u16 = 53;
const CONFIG: &str = "/etc/bind/named.conf.local";
const DIRECTORY: &str = "/etc/bind";

/// A running name server.
#[derive(Clone, Debug, Default)]
pub struct NameServer {
    catalog: Catalog,
    /// Whether the zones come from the host's files.
    from_files: bool,
    /// What arrived on TCP connections and is no complete message yet.
    streams: BTreeMap<Socket, (Ends, BytesMut)>,
}

/// The two ends of a conversation.
#[derive(Clone, Copy, Debug)]
struct Ends {
    local: SocketAddr,
    peer: SocketAddr,
}

/// Why a zone could not be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// `named.conf.local` is not as expected there.
    #[error("{CONFIG}:{line}: expected zone \"NAME\" {{ type master; file \"PATH\"; }};")]
    Config {
        /// The line, counted from 1.
        line: u32,
    },
    /// The master file cannot be read.
    #[error("zone {zone}: {file}: {reason}")]
    File {
        /// The zone.
        zone: SmolStr,
        /// The master file.
        file: SmolStr,
        /// Why not.
        reason: Errno,
    },
    /// The master file has mistakes.
    #[error("zone {zone}: {errors}")]
    Zone {
        /// The zone.
        zone: SmolStr,
        /// The mistakes.
        errors: ZoneErrors,
    },
}

/// Which zones a host serves, from which files: `named.conf.local`, or all `/etc/bind/*.zone`.
///
/// # Errors
/// The configuration file is not understood.
pub fn configured_zones(vfs: &Vfs) -> Result<Vec<(SmolStr, SmolStr)>, LoadError> {
    if let Ok(text) = vfs.read_text(CONFIG, &Cred::ROOT) {
        let zones = parse_config(&text)?;
        if !zones.is_empty() {
            return Ok(zones);
        }
    }
    let names = vfs.list(DIRECTORY, &Cred::ROOT).unwrap_or_default();
    let zones = names.into_iter().filter_map(|(name, _)| {
        let zone = name.strip_suffix(".zone")?;
        let zone = if zone == "root" { "." } else { zone };
        Some((SmolStr::new(zone), format_smolstr!("{DIRECTORY}/{name}")))
    });
    Ok(zones.collect())
}

/// Reads `zone "NAME" [IN] { type master; file "PATH"; … };` statements; other settings within are
/// skipped.
fn parse_config(text: &str) -> Result<Vec<(SmolStr, SmolStr)>, LoadError> {
    let words = config_words(text);
    let mut zones = Vec::new();
    let mut at = 0;
    while let Some((line, word)) = words.get(at) {
        let error = LoadError::Config { line: *line };
        let Some((_, name)) = words.get(at + 1).filter(|_| *word == "zone") else { return Err(error) };
        let length = words[at..].iter().position(|(_, word)| *word == "}").ok_or(error.clone())?;
        let body = &words[at..at + length];
        let setting = |name| body.iter().position(|(_, word)| *word == name).and_then(|place| body.get(place + 1));
        let is_hint = setting("type").is_some_and(|(_, kind)| !matches!(*kind, "master" | "primary"));
        if !is_hint {
            let (_, file) = setting("file").ok_or(error)?;
            let file =
                if file.starts_with('/') { SmolStr::new(file) } else { format_smolstr!("/var/cache/bind/{file}") };
            zones.push((SmolStr::new(name), file));
        }
        at += length + 1;
        at += usize::from(words.get(at).is_some_and(|(_, word)| *word == ";"));
    }
    Ok(zones)
}

/// The words of a configuration file with their lines; quotes and comments taken away.
fn config_words(text: &str) -> Vec<(u32, &str)> {
    let mut words = Vec::new();
    let mut in_comment = false;
    for (index, line) in text.lines().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let mut rest = line;
        loop {
            rest = rest.trim_start();
            if in_comment {
                let Some((_, after)) = rest.split_once("*/") else { break };
                (rest, in_comment) = (after, false);
            } else if rest.is_empty() || rest.starts_with("//") || rest.starts_with('#') {
                break;
            } else if let Some(after) = rest.strip_prefix("/*") {
                (rest, in_comment) = (after, true);
            } else if let Some(quoted) = rest.strip_prefix('"') {
                let (word, after) = quoted.split_once('"').unwrap_or((quoted, ""));
                words.push((number, word));
                rest = after;
            } else {
                let end = rest.find(|c: char| c.is_whitespace() || "{};\"".contains(c)).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end.max(1));
                words.push((number, word));
                rest = after;
            }
        }
    }
    words
}

/// Reads one zone's master file.
fn load_zone(vfs: &Vfs, zone: &SmolStr, file: &SmolStr) -> Result<Zone, LoadError> {
    let text = vfs.read_text(file, &Cred::ROOT).map_err(|reason| LoadError::File {
        zone: zone.clone(),
        file: file.clone(),
        reason,
    })?;
    Zone::parse(zone, &text, file).map_err(|errors| LoadError::Zone { zone: zone.clone(), errors })
}

impl NameServer {
    /// A server of these zones.
    pub fn new(zones: Vec<Zone>) -> NameServer {
        NameServer { catalog: Catalog::new(zones), ..NameServer::default() }
    }

    /// A server of what the host's files say when it starts, and at each SIGHUP.
    pub fn from_files() -> NameServer {
        NameServer { from_files: true, ..NameServer::default() }
    }

    /// Its zones.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Its zones, to be changed from outside: a fault, a new record.
    pub fn catalog_mut(&mut self) -> &mut Catalog {
        &mut self.catalog
    }

    /// Reads all zones again. A faulty one keeps its old records; one that never was good answers
    /// SERVFAIL.
    fn load(&mut self, ctx: &mut Ctx<'_>) {
        let zones = match configured_zones(&ctx.host.vfs) {
            Ok(zones) => zones,
            Err(error) => return report(ctx, &error),
        };
        let mut catalog = Catalog::default();
        catalog.behaviour = self.catalog.behaviour;
        for (origin, file) in &zones {
            let old = wire_name(origin).and_then(|name| self.catalog.zone(&name).cloned());
            match load_zone(&ctx.host.vfs, origin, file) {
                Ok(mut zone) => {
                    let title = zone_check::title(origin);
                    for finding in zone_check::check(&zone) {
                        ctx.daemon_log("named", format_args!("zone {title}: {}", finding.text));
                    }
                    let (new, before) = (zone_check::serial(&zone), old.as_deref().map(zone_check::serial));
                    if before == Some(new) && old.as_deref().is_some_and(|old| old.iter().ne(zone.iter())) {
                        ctx.daemon_log(
                            "named",
                            format_args!(
                                "zone {title}: zone serial ({new}) unchanged. zone may fail to transfer to secondaries."
                            ),
                        );
                    } else if before.is_some_and(|before| before > new) {
                        let before = before.unwrap_or_default();
                        ctx.daemon_log(
                            "named",
                            format_args!("zone {title}: zone serial ({new}/{before}) has gone backwards"),
                        );
                    }
                    ctx.daemon_log("named", format_args!("zone {title}: loaded serial {new}"));
                    zone.behaviour = match old.map(|old| old.behaviour) {
                        Some(fault @ (Behaviour::Silent | Behaviour::Lame)) => fault,
                        _ => Behaviour::Normal,
                    };
                    catalog.insert(zone);
                }
                Err(error) => {
                    if let LoadError::Zone { zone, errors } = &error {
                        for line in zone_check::failure(zone, file, &errors.0) {
                            ctx.daemon_log("named", format_args!("{line}"));
                        }
                    }
                    report(ctx, &error);
                    let broken = || {
                        let mut zone = Zone::empty(wire_name(origin)?);
                        zone.behaviour = Behaviour::ServFail;
                        Some(zone)
                    };
                    if let Some(zone) = old.map(|old| (*old).clone()).or_else(broken) {
                        catalog.insert(zone);
                    }
                }
            }
        }
        self.catalog = catalog;
        ctx.daemon_log("named", format_args!("all zones loaded"));
    }

    /// Answers one message and records `dns.answer`.
    fn answer(&self, ctx: &mut Ctx<'_>, octets: &[u8], ends: Ends, transport: Transport) -> Option<Bytes> {
        let reply = self.catalog.reply(octets, transport)?;
        if ctx.trace.is_full() {
            ctx.emit_why(reply.event(ends.local.ip(), ends.peer.ip()), || reply.decision());
        }
        Some(reply.octets)
    }

    /// Answers the complete messages of a TCP connection (RFC 7766).
    fn stream(&mut self, ctx: &mut Ctx<'_>, sock: Socket, octets: &[u8]) {
        let Some((ends, mut buffer)) = self.streams.remove(&sock) else { return };
        buffer.extend_from_slice(octets);
        while let Some(length) = buffer.get(..2).map(|length| usize::from(length[0]) << 8 | usize::from(length[1])) {
            if buffer.len() < 2 + length {
                break;
            }
            buffer.advance(2);
            let message = buffer.split_to(length);
            if let Some(answer) = self.answer(ctx, &message, ends, Transport::Tcp) {
                let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
                ctx.send(sock, [length.to_be_bytes().as_slice(), &answer].concat());
            }
        }
        self.streams.insert(sock, (ends, buffer));
    }
}

/// Records why a zone was not loaded.
fn report(ctx: &mut Ctx<'_>, error: &LoadError) {
    ctx.emit(Kind::Service { name: "named".into(), state: format_smolstr!("{error}") });
}

impl Process for NameServer {
    fn handle(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Start => {
                if self.from_files {
                    self.load(ctx);
                }
                ctx.bind_udp(PORT);
                ctx.listen(Listener::Tcp { addr: None, port: PORT });
            }
            Input::Signal(Signal::Hup) if self.from_files => self.load(ctx),
            Input::Signal(Signal::Term | Signal::Int) => ctx.exit(Exit::default()),
            Input::Net(NetInput::Datagram { local, peer, bytes }) => {
                if let Some(answer) = self.answer(ctx, &bytes, Ends { local, peer }, Transport::Udp) {
                    ctx.send_to(local, peer, answer);
                }
            }
            Input::Net(NetInput::Accepted { sock, local, peer, .. }) => {
                self.streams.insert(sock, (Ends { local, peer }, BytesMut::new()));
            }
            Input::Net(NetInput::Data { sock, payload: Payload::Bytes(bytes) }) => self.stream(ctx, sock, &bytes),
            Input::Net(NetInput::Eof { sock }) => {
                self.streams.remove(&sock);
                ctx.close(sock);
            }
            Input::Net(NetInput::Reset { sock, .. }) => {
                self.streams.remove(&sock);
            }
            _ => {}
        }
    }

    fn clone_box(&self) -> Box<dyn Process> {
        Box::new(self.clone())
    }

    fn command_line(&self) -> String {
        "/usr/sbin/named -f -u bind".to_owned()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::Time;

    #[test]
    fn reads_zone_statements_and_skips_hints() {
        let text = "// comment\nzone \"example.org\" { type master; file \"/etc/bind/org.zone\"; };\n\
                    zone \".\" { type hint; file \"/usr/share/dns/root.hints\"; }; /* more\n */\n\
                    zone \"2.0.192.in-addr.arpa\" IN {\n  type primary; # why\n  file \"rev\";\n};\n";
        let zones = parse_config(text).unwrap();
        let texts: Vec<_> = zones.iter().map(|(zone, file)| format!("{zone} {file}")).collect();
        assert_eq!(texts, ["example.org /etc/bind/org.zone", "2.0.192.in-addr.arpa /var/cache/bind/rev"]);
    }

    #[test]
    fn mistakes_in_the_configuration_are_located() {
        for (text, line) in [("\nzone \"a\" { type master; };\n", 2), ("options {};\n", 1), ("zone \"a\" {\n", 1)] {
            assert_eq!(parse_config(text), Err(LoadError::Config { line }), "{text}");
        }
    }

    #[test]
    fn without_a_configuration_every_zone_file_is_a_zone() {
        let mut vfs = Vfs::new(100, Time::default());
        vfs.mkdir_all("/etc/bind").unwrap();
        let text = "$TTL 1h\n@ SOA ns host 1 2 3 4 5\n@ NS ns\n";
        vfs.write("/etc/bind/example.org.zone", text, 0o644, &Cred::ROOT).unwrap();
        let zones = configured_zones(&vfs).unwrap();
        assert_eq!(zones.len(), 1);
        assert_eq!(load_zone(&vfs, &zones[0].0, &zones[0].1).unwrap().iter().count(), 1);
        vfs.write("/etc/bind/root.zone", "@ A x\n", 0o644, &Cred::ROOT).unwrap();
        let zones = configured_zones(&vfs).unwrap();
        assert_eq!(zones[1].0, ".");
        let error = load_zone(&vfs, &zones[1].0, &zones[1].1).unwrap_err().to_string();
        assert!(error.starts_with("zone .: /etc/bind/root.zone:1: A with `x`"), "{error}");
    }

    proptest! {
        #[test]
        fn any_configuration_is_read_or_refused(text in "[a-z\"{};/*# \n]{0,80}") {
            if let Err(error) = parse_config(&text) {
                prop_assert!(matches!(error, LoadError::Config { line } if line > 0), "{:?}", error);
            }
        }
    }
}
