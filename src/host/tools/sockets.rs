//! ss(8) and netstat(8): what the host listens on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

use super::processes::program_name;
use crate::host::Host;
use crate::host::program::Env;
use crate::sim::{Listener, ProcId};

/// The first port that the kernel gives to clients.
const EPHEMERAL: u16 = 32_768;

/// A socket that waits for connections or datagrams.
struct Open {
    udp: bool,
    addr: IpAddr,
    port: u16,
    proc: ProcId,
    name: String,
    fd: usize,
}

/// The sockets of a host: TCP before UDP, by address family and port.
fn sockets(host: &Host) -> Vec<Open> {
    let has_v6 = host.addrs.iter().any(IpAddr::is_ipv6);
    let mut bound: Vec<(bool, IpAddr, u16, ProcId)> = Vec::new();
    let mut everywhere = |udp, port, proc| {
        bound.push((udp, IpAddr::V4(Ipv4Addr::UNSPECIFIED), port, proc));
        if has_v6 {
            bound.push((udp, IpAddr::V6(Ipv6Addr::UNSPECIFIED), port, proc));
        }
    };
    for (listener, proc) in &host.listeners {
        if let Listener::Tcp { addr: None, port } = listener {
            everywhere(false, *port, *proc);
        }
    }
    // The ports that questions are asked from are no services.
    let services = host.udp_ports.iter().filter(|(port, _)| **port < EPHEMERAL);
    services.for_each(|(port, proc)| everywhere(true, *port, *proc));
    for (listener, proc) in &host.listeners {
        if let Listener::Tcp { addr: Some(addr), port } = listener {
            bound.push((false, *addr, *port, *proc));
        }
    }
    bound.sort_by_key(|(udp, addr, port, _)| (*udp, addr.is_ipv6(), *port));
    let name = |proc: &ProcId| host.processes.get(proc).map_or("-", |info| program_name(&info.command)).to_owned();
    let place = |(index, (udp, addr, port, proc)): (usize, (bool, IpAddr, u16, ProcId))| Open {
        udp,
        addr,
        port,
        proc,
        name: name(&proc),
        fd: 13 + index,
    };
    bound.into_iter().enumerate().map(place).collect()
}

/// The name of a port in `/etc/services`.
fn service(host: &Host, port: u16, udp: bool) -> Option<String> {
    let text = host.vfs.read_text("/etc/services", &crate::host::vfs::Cred::ROOT).ok()?;
    let wanted = format!("{port}/{}", if udp { "udp" } else { "tcp" });
    let line = text.lines().find(|line| line.split_whitespace().nth(1) == Some(&wanted))?;
    line.split_whitespace().next().map(str::to_owned)
}

/// What the letters of the options ask for.
struct Wanted {
    tcp: bool,
    udp: bool,
    numeric: bool,
    processes: bool,
    listening: bool,
}

impl Wanted {
    fn parse(args: &[String]) -> Wanted {
        let letters: String = args
            .iter()
            .skip(1)
            .map(|arg| match arg.as_str() {
                "--tcp" => "t",
                "--udp" => "u",
                "--numeric" => "n",
                "--processes" | "--programs" | "--program" => "p",
                "--listening" => "l",
                "--all" => "a",
                short => short.strip_prefix('-').unwrap_or_default(),
            })
            .collect();
        let has = |letter| letters.contains(letter);
        let any = has('t') || has('u');
        Wanted {
            tcp: has('t') || !any,
            udp: has('u') || !any,
            numeric: has('n'),
            processes: has('p'),
            listening: has('l') || has('a'),
        }
    }

    fn takes(&self, open: &Open) -> bool {
        self.listening && if open.udp { self.udp } else { self.tcp }
    }
}

/// `ss`.
pub fn ss(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let wanted = Wanted::parse(env.args);
    let root = env.cred.uid == 0;
    let host: &Host = env.ctx.host;
    let both = wanted.tcp && wanted.udp;
    let mut rows = Vec::new();
    for open in sockets(host).into_iter().filter(|open| wanted.takes(open)) {
        let unspecified = open.addr.is_unspecified();
        let numeric = Some(open.port.to_string());
        let port = if wanted.numeric { numeric } else { service(host, open.port, open.udp).or(numeric) };
        let (addr, peer) = match open.addr {
            IpAddr::V4(addr) => (addr.to_string(), "0.0.0.0"),
            IpAddr::V6(addr) => (format!("[{addr}]"), "[::]"),
        };
        let addr = if unspecified && open.addr.is_ipv6() { "[::]".to_owned() } else { addr };
        let process = match wanted.processes && root {
            true => format!(" users:((\"{}\",pid={},fd={}))", open.name, open.proc, open.fd),
            false => String::new(),
        };
        let (kind, state, queue) = if open.udp { ("udp", "UNCONN", "0") } else { ("tcp", "LISTEN", "100") };
        rows.push([kind, state, "0", queue, &addr, &port.unwrap_or_default(), peer, "*", &process].map(str::to_owned));
    }
    // The order of the kernel's table: UDP comes first.
    rows.sort_by(|a, b| b[0].cmp(&a[0]));
    let head = ["Netid", "State", "Recv-Q", "Send-Q", "Local Address", "Port", "Peer Address", "Port", "Process"];
    let width = |column: usize| rows.iter().map(|row| row[column].len()).fold(head[column].len(), usize::max);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows);
    for [kind, state, received, sent, addr, port, peer, peer_port, process] in lines {
        let kind = if both { format!("{kind:<w$} ", w = widths[0]) } else { String::new() };
        env.outln(format!(
            "{kind}{state:<a$} {received:<b$} {sent:<c$} {addr:>d$}:{port:<e$} {peer:>f$}:{peer_port:<g$}{process:<h$}",
            a = widths[1],
            b = widths[2],
            c = widths[3],
            d = widths[4],
            e = widths[5],
            f = widths[6],
            g = widths[7],
            h = widths[8]
        ));
    }
    0
}

/// `netstat`.
pub fn netstat(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let wanted = Wanted::parse(env.args);
    let root = env.cred.uid == 0;
    if wanted.processes && !root {
        env.errln("(Not all processes could be identified, non-owned process info\n will not be shown, you would have to be root to see it all.)");
    }
    let heading = if wanted.listening { "(only servers)" } else { "(w/o servers)" };
    env.outln(format!("Active Internet connections {heading}"));
    let program = if wanted.processes { " PID/Program name    " } else { "" };
    env.outln(format!("Proto Recv-Q Send-Q Local Address           Foreign Address         State      {program}"));
    let host: &Host = env.ctx.host;
    let mut lines = Vec::new();
    for open in sockets(host).into_iter().filter(|open| wanted.takes(open)) {
        let numeric = open.port.to_string();
        let port = if wanted.numeric { numeric } else { service(host, open.port, open.udp).unwrap_or(numeric) };
        let kind = format!("{}{}", if open.udp { "udp" } else { "tcp" }, if open.addr.is_ipv6() { "6" } else { "" });
        let peer = if open.addr.is_ipv6() { ":::*" } else { "0.0.0.0:*" };
        let state = if open.udp { "" } else { "LISTEN" };
        let local = format!("{}:{port}", open.addr);
        let program = match (wanted.processes, root) {
            (false, _) => String::new(),
            (true, true) => format!(" {:<20}", format!("{}/{}", open.proc, open.name)),
            (true, false) => format!(" {:<20}", "-"),
        };
        lines.push(format!("{kind:<5} {:>6} {:>6} {local:<23} {peer:<23} {state:<11}{program}", 0, 0));
    }
    lines.into_iter().for_each(|line| env.outln(line));
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::ProcessInfo;
    use crate::host::shell::harness::{host, run, run_as, text};

    fn listening() -> Host {
        let mut host = host();
        let command = "/usr/lib/postfix/sbin/master -w".into();
        let info = ProcessInfo { parent: None, uid: 0, command, started: host.vfs.now };
        host.processes.insert(ProcId(777), info);
        host.listeners.insert(Listener::Tcp { addr: None, port: 25 }, ProcId(777));
        host.listeners.insert(Listener::Tcp { addr: Some(Ipv4Addr::LOCALHOST.into()), port: 10025 }, ProcId(777));
        host
    }

    #[test]
    fn listeners_are_shown_with_their_processes() {
        for (line, output) in [
            (
                "ss -tlnp",
                "State  Recv-Q Send-Q Local Address:Port  Peer Address:PortProcess                          \n\
                 LISTEN 0      100          0.0.0.0:25         0.0.0.0:*    users:((\"master\",pid=777,fd=13))\n\
                 LISTEN 0      100        127.0.0.1:10025      0.0.0.0:*    users:((\"master\",pid=777,fd=14))\n",
            ),
            (
                "netstat -tlnp",
                "Active Internet connections (only servers)\n\
                 Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name    \n\
                 tcp        0      0 0.0.0.0:25              0.0.0.0:*               LISTEN      777/master          \n\
                 tcp        0      0 127.0.0.1:10025         0.0.0.0:*               LISTEN      777/master          \n",
            ),
        ] {
            let got = text(&run(&mut listening(), line));
            assert_eq!((got.0.as_str(), got.2), (output, 0), "{line}");
        }
    }

    #[test]
    fn processes_of_others_are_not_shown_to_users() {
        let got = text(&run_as(&mut listening(), "alice", "ss -tlnp | grep -c users", "", false));
        assert_eq!(got.0, "0\n");
    }
}
