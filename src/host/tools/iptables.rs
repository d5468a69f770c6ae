//! iptables(8) and ip6tables(8): the host's packet filter, table `filter`.
//!
//! Known are `-A`, `-I`, `-D`, `-R`-less editing, `-L`, `-S`, `-F` and `-P`, with the matches `-p`,
//! `-s`, `-d`, `-i`, `--dport` and the state of a connection.

use std::net::IpAddr;

use bytes::Bytes;

use crate::host::program::Env;
use crate::host::tools::processes::program_name;
use crate::host::vfs::{Cred, Vfs};
use crate::sim::firewall::{Chain, Filter, Network, Protocol, Table, Verdict};

/// What a command line asks for.
#[derive(Clone, Debug, Default)]
struct Request {
    action: Option<Action>,
    chain: Option<Chain>,
    /// A place, counted from 1.
    number: Option<usize>,
    filter: Filter,
    policy: Option<Verdict>,
    numeric: bool,
    verbose: bool,
    numbered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Append,
    Insert,
    Delete,
    Check,
    List,
    Specification,
    Flush,
    Policy,
    /// New and removed chains, zeroed counters: nothing of that shows.
    Nothing,
}

/// `iptables` and `ip6tables`.
pub fn iptables(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let tool = program_name(env.args.first().map_or("", String::as_str)).to_owned();
    if env.cred.uid != 0 {
        env.errln(format!(
            "{tool} v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)"
        ));
        return 4;
    }
    let six = tool.starts_with("ip6");
    let request = match parse(&env.args[1..], &env.ctx.host.vfs, six) {
        Ok(request) => request,
        Err(text) if text.starts_with('!') => {
            env.errln(format!("{tool}: {}", &text[1..]));
            return 1;
        }
        Err(text) => {
            env.errln(format!("{tool} v1.8.9 (nf_tables): {text}"));
            env.errln(format!("Try `{tool} -h' or '{tool} --help' for more information."));
            return 2;
        }
    };
    let mut firewall = env.ctx.host.firewall.clone();
    let table = if six { &mut firewall.v6 } else { &mut firewall.v4 };
    let chains: Vec<Chain> = request.chain.map_or(CHAINS.to_vec(), |chain| vec![chain]);
    let wrong = match request.action {
        Some(Action::List) => {
            let text = list(table, &chains, &request, &env.ctx.host.vfs, six);
            env.stdout.extend_from_slice(text.as_bytes());
            return 0;
        }
        Some(Action::Specification) => {
            specify(table, &chains).into_iter().for_each(|line| env.outln(line));
            return 0;
        }
        Some(Action::Nothing) | None => return 0,
        Some(action) => change(table, action, &chains, &request),
    };
    if let Err(text) = wrong {
        env.errln(format!("{tool}: {text}"));
        return 1;
    }
    env.ctx.set_firewall(firewall);
    0
}

/// `iptables-save` and `ip6tables-save`.
pub fn save(env: &mut Env<'_, '_>, _: Bytes) -> u8 {
    let six = program_name(env.args.first().map_or("", String::as_str)).starts_with("ip6");
    let firewall = env.ctx.host.firewall.clone();
    let table = if six { &firewall.v6 } else { &firewall.v4 };
    env.outln("*filter");
    for chain in CHAINS {
        env.outln(format!(":{} {} [0:0]", chain_name(chain), verdict_name(table.policy(chain))));
    }
    specify(table, &CHAINS).into_iter().filter(|line| line.starts_with("-A")).for_each(|line| env.outln(line));
    env.outln("COMMIT");
    0
}

const CHAINS: [Chain; 3] = [Chain::Input, Chain::Forward, Chain::Output];

fn chain_name(chain: Chain) -> &'static str {
    match chain {
        Chain::Input => "INPUT",
        Chain::Forward => "FORWARD",
        Chain::Output => "OUTPUT",
    }
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "ACCEPT",
        Verdict::Drop => "DROP",
        Verdict::Reject => "REJECT",
    }
}

fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Icmp => "icmp",
    }
}

fn change(table: &mut Table, action: Action, chains: &[Chain], request: &Request) -> Result<(), &'static str> {
    let chain = chains.first().copied().unwrap_or(Chain::Input);
    let rules = table.rules_mut(chain);
    match (action, request.number) {
        (Action::Append, _) => rules.push(request.filter.clone()),
        (Action::Insert, place) => {
            let place = place.unwrap_or(1).saturating_sub(1);
            if place > rules.len() {
                return Err("Index of insertion too big.");
            }
            rules.insert(place, request.filter.clone());
        }
        (Action::Delete, Some(place)) => {
            if place == 0 || place > rules.len() {
                return Err("Index of deletion too big.");
            }
            rules.remove(place - 1);
        }
        (Action::Delete | Action::Check, _) => {
            let found = rules.iter().position(|rule| *rule == request.filter);
            let place = found.ok_or("Bad rule (does a matching rule exist in that chain?).")?;
            if action == Action::Delete {
                rules.remove(place);
            }
        }
        (Action::Flush, _) => chains.iter().for_each(|chain| table.rules_mut(*chain).clear()),
        (Action::Policy, _) => table.set_policy(chain, request.policy.unwrap_or_default()),
        (Action::List | Action::Specification | Action::Nothing, _) => {}
    }
    Ok(())
}

/// Reads a command line. A message that begins with `!` is one of the kernel, without the advice
/// that follows those about usage.
fn parse(args: &[String], vfs: &Vfs, six: bool) -> Result<Request, String> {
    let mut request = Request::default();
    let mut args = args.iter().peekable();
    while let Some(arg) = args.next() {
        let mut value = || args.next().cloned().ok_or_else(|| format!("option \"{arg}\" requires an argument"));
        match arg.as_str() {
            "-A" | "--append" => {
                request.action = Some(Action::Append);
                request.chain = Some(chain(&value()?)?);
            }
            "-I" | "--insert" | "-D" | "--delete" => {
                request.action =
                    Some(if arg.contains('I') || arg.contains("ins") { Action::Insert } else { Action::Delete });
                request.chain = Some(chain(&value()?)?);
                request.number = args.next_if(|next| next.parse::<usize>().is_ok()).and_then(|next| next.parse().ok());
            }
            "-C" | "--check" => {
                request.action = Some(Action::Check);
                request.chain = Some(chain(&value()?)?);
            }
            "-L" | "--list" | "-S" | "--list-rules" | "-F" | "--flush" => {
                request.action = Some(match arg.as_str() {
                    "-L" | "--list" => Action::List,
                    "-F" | "--flush" => Action::Flush,
                    _ => Action::Specification,
                });
                if let Some(name) = args.next_if(|next| !next.starts_with('-')) {
                    request.chain = Some(chain(name)?);
                }
            }
            "-P" | "--policy" => {
                request.action = Some(Action::Policy);
                request.chain = Some(chain(&value()?)?);
                let name = args.next().ok_or("-P requires a chain and a policy")?;
                request.policy = match name.as_str() {
                    "ACCEPT" => Some(Verdict::Accept),
                    "DROP" => Some(Verdict::Drop),
                    _ => return Err("!Bad policy name. Run `dmesg' for more information.".into()),
                };
            }
            "-Z" | "--zero" => request.action = Some(Action::Nothing),
            "-N" | "-X" | "-E" => {
                if args.next().is_some() {
                    return Err("!No chain/target/match by that name.".into());
                }
                request.action = Some(Action::Nothing);
            }
            "-t" | "--table" => {
                if value()? != "filter" {
                    return Err("!can't initialize iptables table: only `filter' is here".into());
                }
            }
            "-n" | "--numeric" => request.numeric = true,
            "-v" | "--verbose" => request.verbose = true,
            "--line-numbers" => request.numbered = true,
            "-w" | "--wait" => {}
            "-nL" | "-Ln" | "-vnL" | "-nvL" | "-vL" | "-Lnv" | "-Lvn" | "-Lv" => {
                request.action = Some(Action::List);
                request.numeric = arg.contains('n');
                request.verbose = arg.contains('v');
                if let Some(name) = args.next_if(|next| !next.starts_with('-')) {
                    request.chain = Some(chain(name)?);
                }
            }
            "-p" | "--protocol" => request.filter.protocol = protocol(&value()?)?,
            "-s" | "--source" | "--src" => request.filter.source = network(&value()?, six)?,
            "-d" | "--destination" | "--dst" => request.filter.destination = network(&value()?, six)?,
            "-i" | "--in-interface" | "-o" | "--out-interface" => request.filter.loopback = Some(value()? == "lo"),
            "-m" | "--match" => drop(value()?),
            "--dport" | "--destination-port" | "--dports" => {
                if !matches!(request.filter.protocol, Some(Protocol::Tcp | Protocol::Udp)) {
                    return Err(format!("unknown option \"{arg}\""));
                }
                request.filter.ports = Some(ports(&value()?, vfs)?);
            }
            "--ctstate" | "--state" => {
                let states = value()?.to_uppercase();
                request.filter.established = Some(states.contains("ESTABLISHED") || states.contains("RELATED"));
            }
            "-j" | "--jump" => {
                let name = value()?;
                request.filter.verdict = match name.as_str() {
                    "ACCEPT" => Verdict::Accept,
                    "DROP" => Verdict::Drop,
                    "REJECT" => Verdict::Reject,
                    _ => return Err(format!("Chain '{name}' does not exist")),
                };
            }
            "--reject-with" | "--comment" => drop(value()?),
            other => return Err(format!("unknown option \"{other}\"")),
        }
    }
    match request.action {
        Some(_) => Ok(request),
        None => Err("no command specified".into()),
    }
}

fn chain(name: &str) -> Result<Chain, String> {
    CHAINS.into_iter().find(|chain| chain_name(*chain) == name).ok_or("!No chain/target/match by that name.".into())
}

fn protocol(name: &str) -> Result<Option<Protocol>, String> {
    match name {
        "tcp" | "6" => Ok(Some(Protocol::Tcp)),
        "udp" | "17" => Ok(Some(Protocol::Udp)),
        "icmp" | "icmpv6" | "1" => Ok(Some(Protocol::Icmp)),
        "all" | "0" => Ok(None),
        _ => Err(format!("unknown protocol \"{name}\" specified")),
    }
}

/// `192.0.2.0/24`; the whole Internet is no condition.
pub(super) fn network(text: &str, six: bool) -> Result<Option<Network>, String> {
    let (addr, prefix) = text.split_once('/').map_or((text, None), |(addr, prefix)| (addr, Some(prefix)));
    let addr: IpAddr = addr.parse().map_err(|_| format!("host/network `{text}' not found"))?;
    let most = if addr.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => most,
        Some(prefix) => prefix
            .parse()
            .ok()
            .filter(|bits| *bits <= most)
            .ok_or_else(|| format!("invalid mask `{prefix}' specified"))?,
    };
    if addr.is_ipv6() != six {
        return Err(format!("host/network `{text}' not found"));
    }
    Ok((prefix > 0).then_some(Network { addr, prefix }))
}

/// A port by number or name, or a range `FIRST:LAST`.
pub(super) fn ports(text: &str, vfs: &Vfs) -> Result<(u16, u16), String> {
    let one = |text: &str| -> Result<u16, String> {
        let named = || {
            let services = vfs.read_text("/etc/services", &Cred::ROOT).unwrap_or_default();
            let line = services.lines().find(|line| line.split_whitespace().any(|word| word == text))?;
            line.split_whitespace().nth(1)?.split('/').next()?.parse().ok()
        };
        text.parse().ok().or_else(named).ok_or_else(|| format!("invalid port/service `{text}' specified"))
    };
    match text.split_once(':') {
        Some((first, last)) => Ok((one(first)?, one(last)?)),
        None => one(text).map(|port| (port, port)),
    }
}

/// The rules as they were given.
fn specify(table: &Table, chains: &[Chain]) -> Vec<String> {
    let mut lines: Vec<String> = chains
        .iter()
        .map(|chain| format!("-P {} {}", chain_name(*chain), verdict_name(table.policy(*chain))))
        .collect();
    for chain in chains {
        for rule in table.rules(*chain) {
            let mut line = format!("-A {}", chain_name(*chain));
            let place = |network: Network| format!("{}/{}", network.addr, network.prefix);
            if let Some(source) = rule.source {
                line.push_str(&format!(" -s {}", place(source)));
            }
            if let Some(destination) = rule.destination {
                line.push_str(&format!(" -d {}", place(destination)));
            }
            match rule.loopback {
                Some(true) if *chain == Chain::Output => line.push_str(" -o lo"),
                Some(true) => line.push_str(" -i lo"),
                Some(false) => line.push_str(" -i eth0"),
                None => {}
            }
            if let Some(protocol) = rule.protocol {
                let name = protocol_name(protocol);
                line.push_str(&format!(" -p {name}"));
                if let Some((first, last)) = rule.ports {
                    line.push_str(&format!(" -m {name} --dport {first}"));
                    if last != first {
                        line.push_str(&format!(":{last}"));
                    }
                }
            }
            if let Some(established) = rule.established {
                line.push_str(" -m conntrack --ctstate ");
                line.push_str(if established { "RELATED,ESTABLISHED" } else { "NEW" });
            }
            line.push_str(&format!(" -j {}", verdict_name(rule.verdict)));
            if rule.verdict == Verdict::Reject {
                line.push_str(" --reject-with icmp-port-unreachable");
            }
            lines.push(line);
        }
    }
    lines
}

/// The rules as a table.
fn list(table: &Table, chains: &[Chain], request: &Request, vfs: &Vfs, six: bool) -> String {
    let mut parts = Vec::new();
    for chain in chains {
        let counters = if request.verbose { " 0 packets, 0 bytes" } else { "" };
        let policy = verdict_name(table.policy(*chain));
        let mut text = format!("Chain {} (policy {policy}{counters})\n", chain_name(*chain));
        if request.numbered {
            text.push_str("num  ");
        }
        text.push_str(if request.verbose {
            " pkts bytes target     prot opt in     out     source               destination         \n"
        } else {
            "target     prot opt source               destination         \n"
        });
        for (rule, number) in table.rules(*chain).iter().zip(1..) {
            if request.numbered {
                text.push_str(&format!("{number:<5}"));
            }
            if request.verbose {
                text.push_str("    0     0 ");
            }
            let everywhere = match (request.numeric, six) {
                (false, _) => "anywhere",
                (true, false) => "0.0.0.0/0",
                (true, true) => "::/0",
            };
            let place = |network: Option<Network>| match network {
                None => everywhere.to_owned(),
                Some(Network { addr, prefix: 32 | 128 }) => addr.to_string(),
                Some(Network { addr, prefix }) => format!("{addr}/{prefix}"),
            };
            let protocol = match (rule.protocol, request.numeric) {
                (None, false) => "all",
                (None, true) => "0",
                (Some(Protocol::Tcp), true) => "6",
                (Some(Protocol::Udp), true) => "17",
                (Some(Protocol::Icmp), true) => "1",
                (Some(protocol), false) => protocol_name(protocol),
            };
            text.push_str(&format!("{:<10} {protocol:<4} --  ", verdict_name(rule.verdict)));
            if request.verbose {
                let interface = match rule.loopback {
                    Some(true) => "lo",
                    Some(false) => "eth0",
                    None => "*",
                };
                text.push_str(&format!("{interface:<6} *       "));
            }
            text.push_str(&format!("{:<20} {:<20}", place(rule.source), place(rule.destination)));
            if let (Some(protocol), Some((first, last))) = (rule.protocol, rule.ports) {
                let named = |port: u16| if request.numeric { port.to_string() } else { service(port, vfs) };
                let ports = if first == last {
                    format!("dpt:{}", named(first))
                } else {
                    format!("dpts:{}:{}", named(first), named(last))
                };
                text.push_str(&format!(" {} {ports}", protocol_name(protocol)));
            }
            if let Some(established) = rule.established {
                text.push_str(if established { " ctstate RELATED,ESTABLISHED" } else { " ctstate NEW" });
            }
            if rule.verdict == Verdict::Reject {
                text.push_str(" reject-with icmp-port-unreachable");
            }
            text.push('\n');
        }
        parts.push(text);
    }
    parts.join("\n")
}

/// The name of a port, if it has one.
fn service(port: u16, vfs: &Vfs) -> String {
    let services = vfs.read_text("/etc/services", &Cred::ROOT).unwrap_or_default();
    let wanted = format!("{port}/tcp");
    let line = services.lines().find(|line| line.split_whitespace().nth(1) == Some(&wanted));
    line.and_then(|line| line.split_whitespace().next()).map_or_else(|| port.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::shell::harness;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn rules_are_shown_as_they_were_given() {
        let host = harness::host();
        let mut table = Table::default();
        for line in [
            "-A INPUT -p tcp --dport smtp -j REJECT",
            "-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 587 -j DROP",
            "-I INPUT -i lo -j ACCEPT",
            "-P INPUT DROP",
        ] {
            let request = parse(&words(line), &host.vfs, false).unwrap();
            change(&mut table, request.action.unwrap(), &[request.chain.unwrap()], &request).unwrap();
        }
        assert_eq!(
            specify(&table, &[Chain::Input]),
            [
                "-P INPUT DROP",
                "-A INPUT -i lo -j ACCEPT",
                "-A INPUT -p tcp -m tcp --dport 25 -j REJECT --reject-with icmp-port-unreachable",
                "-A INPUT -s 192.0.2.0/24 -p tcp -m tcp --dport 587 -j DROP",
            ]
        );
        let shown = list(&table, &[Chain::Input], &Request::default(), &host.vfs, false);
        assert!(
            shown.contains("REJECT     tcp  --  anywhere             anywhere             tcp dpt:smtp reject-with"),
            "{shown}"
        );
    }

    #[test]
    fn mistakes_are_told_as_by_the_real_one() {
        let host = harness::host();
        for (line, error) in [
            ("", "no command specified"),
            ("-A FOO -j DROP", "!No chain/target/match by that name."),
            ("-A INPUT -j FOO", "Chain 'FOO' does not exist"),
            ("-A INPUT --dport 25 -j DROP", "unknown option \"--dport\""),
            ("-A INPUT -p tcp --dport xx -j DROP", "invalid port/service `xx' specified"),
            ("-A INPUT -s 1.2.3.4/40 -j DROP", "invalid mask `40' specified"),
        ] {
            assert_eq!(parse(&words(line), &host.vfs, false).unwrap_err(), error, "{line}");
        }
    }
}
