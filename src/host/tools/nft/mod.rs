//! nft(8): the host's packet filter in the words of nftables.
//!
//! The tables are `ip filter` and `ip6 filter`, which iptables writes, too, and `inet filter` for
//! both families; their chains are those of the hooks input, forward and output. A rule's handle is
//! its place in the listing.

mod show;
mod words;

use bytes::Bytes;

use self::show::{first_handle, list};
use self::words::Words;
use super::iptables::{network, ports};
use crate::host::program::Env;
use crate::host::vfs::Vfs;
use crate::sim::firewall::{Chain, Filter, Firewall, Protocol, Table, Verdict};

const CHAINS: [(Chain, &str); 3] = [(Chain::Input, "input"), (Chain::Forward, "forward"), (Chain::Output, "output")];

/// The address family of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Ip,
    Ip6,
    Inet,
}

const FAMILIES: [(Family, &str); 3] = [(Family::Ip, "ip"), (Family::Ip6, "ip6"), (Family::Inet, "inet")];

impl Family {
    fn table(self, firewall: &mut Firewall) -> &mut Table {
        match self {
            Family::Ip => &mut firewall.v4,
            Family::Ip6 => &mut firewall.v6,
            Family::Inet => &mut firewall.inet,
        }
    }

    /// The name of a chain: iptables writes it in capitals.
    fn chain_name(self, name: &str) -> String {
        if self == Family::Inet { name.to_owned() } else { name.to_uppercase() }
    }
}

type Parsed<T> = Result<T, String>;

/// Whether commands come from standard input (`-f -`).
pub fn reads(args: &[String]) -> bool {
    args.windows(2).any(|pair| matches!(pair[0].as_str(), "-f" | "--file") && pair[1] == "-")
}

/// `nft [-a] [-f FILE] [COMMAND]`.
pub fn nft(env: &mut Env<'_, '_>, stdin: Bytes) -> u8 {
    if env.cred.uid != 0 {
        env.errln("Operation not permitted (you must be root)");
        return 1;
    }
    let (mut handles, mut file, mut words) = (false, None, Vec::new());
    let mut args = env.args.iter().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-a" | "--handle" => handles = true,
            "-n" | "-nn" | "--numeric" | "-s" | "-c" | "--check" | "-e" | "--echo" => {}
            "-f" | "--file" => file = args.next().cloned(),
            "-v" | "--version" => {
                env.outln("nftables v1.0.6 (Lester Gooch #5)");
                return 0;
            }
            _ => words.push(arg.clone()),
        }
    }
    let text = match file {
        None => words.join(" "),
        Some(name) => match super::input(env, &stdin, "internal:0:0-0: Error", &name) {
            Some(octets) => String::from_utf8_lossy(&octets).into_owned(),
            None => return 1,
        },
    };
    let mut words = Words::new(&text);
    words.skip_ends();
    if words.is_over() {
        env.errln("Usage: nft [ options ] [ cmds... ]");
        return 1;
    }
    let mut firewall = env.ctx.host.firewall.clone();
    let mut shown = String::new();
    while !words.is_over() {
        if let Err(text) = command(&mut words, &mut firewall, handles, &mut shown, &env.ctx.host.vfs) {
            env.errln(format!("Error: {text}"));
            return 1;
        }
        words.skip_ends();
    }
    env.stdout.extend_from_slice(shown.as_bytes());
    if firewall != env.ctx.host.firewall {
        env.ctx.set_firewall(firewall);
    }
    0
}

fn command(words: &mut Words, firewall: &mut Firewall, handles: bool, shown: &mut String, vfs: &Vfs) -> Parsed<()> {
    match words.next().as_str() {
        "list" => list(words, firewall, handles, shown),
        "flush" | "delete" if words.peek() == "ruleset" => {
            words.next();
            *firewall = Firewall::default();
            Ok(())
        }
        verb @ ("flush" | "delete" | "destroy") => {
            let kind = words.next();
            let family = table_name(words)?;
            if kind == "table" {
                *family.table(firewall) = Table::default();
                return Ok(());
            }
            let chain = chain_name(words)?;
            let rules = family.table(firewall).rules_mut(chain);
            match (verb, kind.as_str()) {
                (_, "chain") => {
                    rules.clear();
                    if verb != "flush" {
                        family.table(firewall).set_policy(chain, Verdict::Accept);
                    }
                    Ok(())
                }
                ("delete" | "destroy", "rule") => {
                    if !words.eat("handle") {
                        return words.unexpected();
                    }
                    let handle: Option<usize> = words.next().parse().ok();
                    let first = first_handle(firewall, family, chain);
                    let rules = family.table(firewall).rules_mut(chain);
                    let place = handle.and_then(|handle| handle.checked_sub(first)).filter(|at| *at < rules.len());
                    rules.remove(place.ok_or("Could not process rule: No such file or directory")?);
                    Ok(())
                }
                _ => words.unexpected(),
            }
        }
        verb @ ("add" | "insert" | "create") => match words.next().as_str() {
            "table" => table_name(words).map(drop),
            "chain" => {
                let family = table_name(words)?;
                let chain = chain_name(words)?;
                if words.eat("{") { block(words, family.table(firewall), chain, vfs) } else { Ok(()) }
            }
            "rule" => {
                let family = table_name(words)?;
                let chain = chain_name(words)?;
                if matches!(words.peek(), "position" | "index" | "handle") {
                    words.next();
                    words.next();
                }
                let new = rule(words, vfs)?;
                let rules = family.table(firewall).rules_mut(chain);
                let place = if verb == "insert" { 0 } else { rules.len() };
                rules.splice(place..place, new);
                Ok(())
            }
            _ => {
                words.at -= 1;
                words.unexpected()
            }
        },
        "table" => {
            let family = table_name(words)?;
            if !words.eat("{") {
                return Ok(());
            }
            loop {
                words.skip_ends();
                if words.eat("}") {
                    return Ok(());
                }
                if !words.eat("chain") {
                    return words.unexpected();
                }
                let chain = chain_name(words)?;
                if !words.eat("{") {
                    return words.unexpected();
                }
                block(words, family.table(firewall), chain, vfs)?;
            }
        }
        _ => {
            words.at -= 1;
            words.unexpected()
        }
    }
}

/// `[FAMILY] filter`.
fn table_name(words: &mut Words) -> Parsed<Family> {
    let found = FAMILIES.iter().find(|(_, name)| *name == words.peek());
    words.at += usize::from(found.is_some());
    let family = found.map_or(Family::Ip, |(family, _)| *family);
    match words.next().as_str() {
        "filter" => Ok(family),
        other => Err(format!("Could not process rule: No such file or directory: table {other}; only filter is here")),
    }
}

fn chain_name(words: &mut Words) -> Parsed<Chain> {
    let name = words.next();
    let found = CHAINS.iter().find(|(_, own)| own.eq_ignore_ascii_case(&name));
    found.map(|(chain, _)| *chain).ok_or_else(|| {
        format!("Could not process rule: No such file or directory: chain {name}; input, forward and output are here")
    })
}

/// What stands in the braces of a chain: its hook, its policy, its rules.
fn block(words: &mut Words, table: &mut Table, chain: Chain, vfs: &Vfs) -> Parsed<()> {
    loop {
        words.skip_ends();
        if words.is_over() {
            return words.unexpected();
        }
        match words.peek() {
            "}" => {
                words.next();
                return Ok(());
            }
            "type" | "hook" | "priority" | "comment" => {
                while !matches!(words.peek(), ";" | "}" | "") {
                    words.next();
                }
            }
            "policy" => {
                words.next();
                let verdict = match words.next().as_str() {
                    "accept" => Verdict::Accept,
                    "drop" => Verdict::Drop,
                    _ => {
                        words.at -= 1;
                        return words.unexpected();
                    }
                };
                table.set_policy(chain, verdict);
            }
            _ => {
                let new = rule(words, vfs)?;
                table.rules_mut(chain).extend(new);
            }
        }
    }
}

/// Words of a set `{ a, b }`, or a single one.
fn set(words: &mut Words) -> Vec<String> {
    if !words.eat("{") {
        let mut all = vec![words.next()];
        while words.eat(",") {
            all.push(words.next());
        }
        return all;
    }
    let mut all = Vec::new();
    while !words.is_over() {
        match words.next().as_str() {
            "}" => break,
            "," => {}
            word => all.push(word.to_owned()),
        }
    }
    all
}

/// A rule; one with a set is as many as the set has members.
fn rule(words: &mut Words, vfs: &Vfs) -> Parsed<Vec<Filter>> {
    let mut rules = vec![Filter::default()];
    let mut never = false;
    let spread = |rules: Vec<Filter>, values: Vec<Filter>, mix: fn(Filter, &Filter) -> Filter| -> Vec<Filter> {
        rules.iter().flat_map(|rule| values.iter().map(|value| mix(rule.clone(), value)).collect::<Vec<_>>()).collect()
    };
    let mut decided = false;
    while !matches!(words.peek(), ";" | "}" | "") {
        match words.next().as_str() {
            "iif" | "iifname" | "oif" | "oifname" => {
                let other = words.eat("!=");
                let is_loopback = words.next() == "lo";
                rules.iter_mut().for_each(|rule| rule.loopback = Some(is_loopback != other));
            }
            family @ ("ip" | "ip6") => {
                let side = words.next();
                if matches!(side.as_str(), "protocol" | "nexthdr") {
                    let protocol = protocol(&words.next())?;
                    rules.iter_mut().for_each(|rule| rule.protocol = Some(protocol));
                    continue;
                }
                let mut values = Vec::new();
                for text in set(words) {
                    let place = network(&text, family == "ip6")?;
                    values.push(match side.as_str() {
                        "saddr" => Filter { source: place, ..Filter::default() },
                        "daddr" => Filter { destination: place, ..Filter::default() },
                        other => return Err(format!("syntax error, unexpected {other}")),
                    });
                }
                rules = spread(rules, values, |rule, value| Filter {
                    source: value.source.or(rule.source),
                    destination: value.destination.or(rule.destination),
                    ..rule
                });
            }
            "meta" => {
                let key = words.next();
                let value = words.next();
                if key == "l4proto" {
                    let protocol = protocol(&value)?;
                    rules.iter_mut().for_each(|rule| rule.protocol = Some(protocol));
                }
            }
            name @ ("tcp" | "udp") => {
                let protocol = protocol(name)?;
                if words.next() != "dport" {
                    words.at -= 1;
                    return words.unexpected();
                }
                let mut values = Vec::new();
                for text in set(words) {
                    let ports = Some(ports(&text.replace('-', ":"), vfs)?);
                    values.push(Filter { protocol: Some(protocol), ports, ..Filter::default() });
                }
                rules = spread(rules, values, |rule, value| Filter {
                    protocol: value.protocol,
                    ports: value.ports,
                    ..rule
                });
            }
            "icmp" | "icmpv6" => {
                words.next();
                set(words);
                rules.iter_mut().for_each(|rule| rule.protocol = Some(Protocol::Icmp));
            }
            "ct" => {
                words.next();
                let states = set(words);
                let established = states.iter().any(|state| matches!(state.as_str(), "established" | "related"));
                never |= states.iter().all(|state| state == "invalid");
                rules.iter_mut().for_each(|rule| rule.established = Some(established));
            }
            "counter" => {
                if words.eat("packets") {
                    words.next();
                    words.next();
                    words.next();
                }
            }
            "log" | "comment" | "prefix" | "level" => {
                if !matches!(words.peek(), "accept" | "drop" | "reject" | "prefix" | "level") {
                    words.next();
                }
            }
            verdict @ ("accept" | "drop" | "reject") => {
                let verdict = match verdict {
                    "accept" => Verdict::Accept,
                    "drop" => Verdict::Drop,
                    _ => Verdict::Reject,
                };
                rules.iter_mut().for_each(|rule| rule.verdict = verdict);
                decided = true;
                if words.eat("with") {
                    while !matches!(words.peek(), ";" | "}" | "" | "comment") {
                        words.next();
                    }
                }
            }
            _ => {
                words.at -= 1;
                return words.unexpected();
            }
        }
    }
    // A rule without a verdict only counts; a packet that nothing knows is never seen here.
    Ok(if decided && !never { rules } else { Vec::new() })
}

fn protocol(name: &str) -> Parsed<Protocol> {
    match name {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        "icmp" | "icmpv6" | "ipv6-icmp" => Ok(Protocol::Icmp),
        other => Err(format!("Could not resolve protocol name: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::host::shell::harness::{host, run, text};

    #[test]
    fn rules_are_written_listed_and_taken_away() {
        let mut host = host();
        assert_eq!(text(&run(&mut host, "nft list ruleset")), (String::new(), String::new(), 0));
        let file = "table inet filter {\n chain input {\n  type filter hook input priority 0; policy drop;\n  iif lo accept\n  \
                    ct state established,related accept # answers\n  ip saddr 192.0.2.0/24 tcp dport { smtp, 587 } accept\n }\n}";
        let line = format!(
            "printf '{}' > /etc/nftables.conf; nft -f /etc/nftables.conf; nft list ruleset",
            file.replace('\n', "\\n")
        );
        let shown = text(&run(&mut host, &line));
        let begin = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\
                     \t\tiifname \"lo\" accept\n\t\tct state established,related accept\n\
                     \t\tip saddr 192.0.2.0/24 tcp dport 25 accept\n\t\tip saddr 192.0.2.0/24 tcp dport 587 accept\n\t}\n";
        assert!(shown.0.starts_with(begin), "{shown:?}");
        let line = "nft -a list chain inet filter input | grep 587; nft delete rule inet filter input handle 7; nft list chain inet filter input | grep -c dport";
        let shown = text(&run(&mut host, line)).0;
        assert_eq!(shown, "\t\tip saddr 192.0.2.0/24 tcp dport 587 accept # handle 7\n1\n");
        assert_eq!(text(&run(&mut host, "nft flush ruleset; nft list ruleset")), (String::new(), String::new(), 0));
    }

    #[test]
    fn iptables_and_nft_show_the_same_filter() {
        let mut host = host();
        let shown = text(&run(&mut host, "iptables -A INPUT -p tcp --dport 25 -j DROP; nft list ruleset")).0;
        assert!(
            shown.contains("\tchain INPUT {\n") && shown.contains("\t\ttcp dport 25 counter packets 0 bytes 0 drop\n"),
            "{shown}"
        );
        let line = "nft insert rule ip filter INPUT tcp dport 22 accept; iptables -S INPUT";
        let shown = text(&run(&mut host, line)).0;
        assert_eq!(
            shown,
            "-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 25 -j DROP\n"
        );
    }

    #[test]
    fn mistakes_change_nothing() {
        let mut host = host();
        for (line, error) in [
            ("nft add rule ip filter INPUT tcp dport 25 acept", "Error: syntax error, unexpected acept\n"),
            ("nft lst ruleset", "Error: syntax error, unexpected lst\n"),
            ("nft add rule ip filter INPUT tcp dport", "Error: invalid port/service `' specified\n"),
        ] {
            let got = text(&run(&mut host, line));
            assert_eq!((got.1.as_str(), got.2), (error, 1), "{line}");
        }
        assert!(host.firewall.is_open());
    }
}
