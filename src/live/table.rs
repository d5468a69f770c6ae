//! The table of addresses for people and for scripts.

use std::fmt::Write as _;

use super::Bound;
use super::plan::{Protocol, Service, Side};

/// A command for a terminal that shows the service at work.
pub fn command(bound: &Bound, domain: &str) -> String {
    let (address, port) = (bound.address.ip(), bound.address.port());
    let place = if address.is_ipv6() { format!("[{address}]:{port}") } else { format!("{address}:{port}") };
    match bound.place.service {
        Service::Dns => format!("dig @{address} -p {port} MX {domain}"),
        service if service.is_implicit_tls() => format!("openssl s_client -quiet -crlf -connect {place}"),
        Service::Submission => format!("openssl s_client -quiet -crlf -starttls smtp -connect {place}"),
        _ => format!("telnet {address} {port}"),
    }
}

/// All addresses as a table. The IPv6 twins of the fixed ports are told in one line below it.
pub fn text(bounds: &[Bound], domain: &str) -> String {
    let shown: Vec<&Bound> = bounds.iter().filter(|bound| bound.address.is_ipv4()).collect();
    let head = ["HOST", "ROLE", "SERVICE", "ADDRESS", "YOU ARE", "TRY"].map(str::to_owned);
    let row = |bound: &&Bound| {
        let place = &bound.place;
        let side = match place.side {
            Side::Inside => "inside",
            Side::Outside => "outside",
        };
        let moved = if bound.is_moved() { "*" } else { "" };
        [
            place.host.clone(),
            place.role.to_owned(),
            place.service.name().to_owned(),
            format!("{}{moved}", bound.address),
            format!("{} ({side})", place.from),
            command(bound, domain),
        ]
    };
    let mut rows = vec![head];
    rows.extend(shown.iter().map(row));
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            let _ = write!(line, "{cell:width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if bounds.iter().any(|bound| bound.address.is_ipv6()) {
        text.push_str("The ports of 127.0.0.1 answer on ::1, too.\n");
    }
    for bound in shown.iter().filter(|bound| bound.is_moved()) {
        let _ = writeln!(text, "* {} was taken; {} stands in for it.", bound.place.wanted, bound.address);
    }
    text
}

/// All addresses as JSON: an array of objects.
pub fn json(bounds: &[Bound], domain: &str) -> String {
    let rows: Vec<serde_json::Value> = bounds
        .iter()
        .map(|bound| {
            let place = &bound.place;
            serde_json::json!({
                "host": place.host,
                "fqdn": place.fqdn,
                "role": place.role,
                "service": place.service.name(),
                "address": bound.address.ip().to_string(),
                "port": bound.address.port(),
                "inside": place.inside.to_string(),
                "from": place.from,
                "side": match place.side { Side::Inside => "inside", Side::Outside => "outside" },
                "tls": place.service.is_implicit_tls(),
                "fixed": place.fixed,
                "moved": bound.is_moved(),
                "command": command(bound, domain),
            })
        })
        .collect();
    serde_json::to_string_pretty(&rows).unwrap_or_default() + "\n"
}

/// Lines for `/etc/hosts`: the names of the world for its real addresses.
pub fn hosts(bounds: &[Bound]) -> String {
    let mut text = String::new();
    let mut seen = std::collections::BTreeSet::new();
    for bound in bounds.iter().filter(|bound| !bound.place.fixed && bound.address.is_ipv4()) {
        if seen.insert((bound.address.ip(), &bound.place.fqdn)) {
            let _ = writeln!(text, "{:<15} {} {}", bound.address.ip(), bound.place.fqdn, bound.place.host);
        }
    }
    text
}

/// How a real resolver is pointed at the world's name server.
pub fn resolv(bounds: &[Bound]) -> String {
    let Some(dns) = bounds.iter().find(|bound| bound.place.service.protocol() == Protocol::Dns) else {
        return "This scenario has no name server.\n".to_owned();
    };
    let (address, port) = (dns.address.ip(), dns.address.port());
    if port == 53 {
        return format!(
            "# /etc/resolv.conf of a shell of its own (sudo unshare --mount, then mount --bind):\nnameserver {address}\n"
        );
    }
    format!(
        "# resolv.conf(5) knows no ports. One program at a time:\n\
         dig @{address} -p {port} NAME\n\
         host -p {port} NAME {address}\n\
         drill -p {port} NAME @{address}\n\
         # systemd-resolved, until the next start:\n\
         sudo resolvectl dns lo {address}:{port} && sudo resolvectl domain lo '~.'\n\
         # With --real-ports (as root) the server is at port 53, and this works:\n\
         # nameserver ADDRESS\n"
    )
}
