//! A trace as a sequence diagram: Mermaid or PlantUML source.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::words::Lang;
use crate::sim::Socket;
use crate::trace::{ConnectResult, Kind};
use crate::world::World;

/// The language of the diagram's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Mermaid.
    Mermaid,
    /// PlantUML.
    PlantUml,
}

/// The diagram of a world's trace.
pub fn diagram(world: &World, dialect: Dialect, lang: Lang) -> String {
    let mut text = match dialect {
        Dialect::Mermaid => "sequenceDiagram\n".to_owned(),
        Dialect::PlantUml => "@startuml\n".to_owned(),
    };
    for (index, host) in world.hosts().enumerate() {
        let _ = match dialect {
            Dialect::Mermaid => writeln!(text, "    participant h{index} as {}", clean(&host.name)),
            Dialect::PlantUml => writeln!(text, "participant \"{}\" as h{index}", clean(&host.name)),
        };
    }
    // Both ends of a connection: the client's socket is even, the server's the odd one after it.
    let mut ends: BTreeMap<Socket, (u32, u32)> = BTreeMap::new();
    let mut arrow = |from: u32, to: u32, dashed: bool, label: &str| {
        let label = clean(label);
        let _ = match (dialect, dashed) {
            (Dialect::Mermaid, false) => writeln!(text, "    h{from}->>h{to}: {label}"),
            (Dialect::Mermaid, true) => writeln!(text, "    h{from}-->>h{to}: {label}"),
            (Dialect::PlantUml, false) => writeln!(text, "h{from} -> h{to}: {label}"),
            (Dialect::PlantUml, true) => writeln!(text, "h{from} --> h{to}: {label}"),
        };
    };
    for event in world.trace().iter() {
        let here = event.host.map(|host| host.0);
        let of = |addr: std::net::IpAddr| world.host_of(addr).map(|host| host.0);
        match &event.kind {
            Kind::Narrate { en, de } => {
                let note = if lang == Lang::De { de } else { en };
                arrow(0, 0, true, note);
            }
            Kind::DnsQuery { resolver, qname, qtype, .. } => {
                if let (Some(from), Some(to)) = (here, of(*resolver)) {
                    arrow(from, to, false, &format!("{qtype} {qname}?"));
                }
            }
            Kind::DnsAnswer { to, qname, rcode, records, cached: false, .. } => {
                if let (Some(from), Some(to)) = (here, of(*to)) {
                    let answer = if records.is_empty() { rcode.to_string() } else { records.join(", ") };
                    arrow(from, to, true, &format!("{qname}: {answer}"));
                }
            }
            Kind::TcpConnect { to, result, sock, port, .. } => {
                if let (Some(from), Some(to)) = (here, of(to.ip())) {
                    ends.insert(Socket(sock.0 & !1), (from, to));
                    let how = if *result == ConnectResult::Open { String::new() } else { format!(" {result:?}") };
                    arrow(from, to, false, &format!("connect {port}{how}"));
                }
            }
            Kind::SmtpCmd { session, line } => {
                if let Some((client, server)) = ends.get(&Socket(session.0 & !1)) {
                    arrow(*client, *server, false, line);
                }
            }
            Kind::SmtpReply { session, code, text, .. } => {
                if let Some((client, server)) = ends.get(&Socket(session.0 & !1)) {
                    arrow(*server, *client, true, &format!("{code} {text}"));
                }
            }
            Kind::Deliver { rcpt, status, target, .. } => {
                if let Some(host) = here {
                    arrow(host, host, false, &format!("{rcpt} {status:?} {target}"));
                }
            }
            _ => {}
        }
    }
    if dialect == Dialect::PlantUml {
        text.push_str("@enduml\n");
    }
    text
}

/// A label on one line without characters that mean something in either language.
fn clean(label: &str) -> String {
    let replaced = label.chars().map(|letter| match letter {
        ';' | '#' | '"' | '\n' | '\r' => ' ',
        '<' => '‹',
        '>' => '›',
        letter => letter,
    });
    replaced.take(120).collect()
}
