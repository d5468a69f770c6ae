//! Rules as `nft list` shows them.

use super::words::Words;
use super::{CHAINS, FAMILIES, Family, Parsed, chain_name, table_name};
use crate::sim::firewall::{Chain, Filter, Firewall, Protocol, Verdict};

/// The handle of a chain's first rule: tables and chains have the smaller ones.
pub(super) fn first_handle(firewall: &mut Firewall, family: Family, chain: Chain) -> usize {
    let table = family.table(firewall);
    let before = CHAINS.iter().take_while(|(own, _)| *own != chain);
    CHAINS.len() + 1 + before.map(|(own, _)| table.rules(*own).len()).sum::<usize>()
}

pub(super) fn list(words: &mut Words, firewall: &mut Firewall, handles: bool, shown: &mut String) -> Parsed<()> {
    let what = words.next();
    let (only, only_chain) = match what.as_str() {
        "ruleset" | "tables" => (None, None),
        "table" => (Some(table_name(words)?), None),
        "chain" => (Some(table_name(words)?), Some(chain_name(words)?)),
        _ => {
            words.at -= 1;
            return words.unexpected();
        }
    };
    for (family, name) in FAMILIES {
        let is_empty = family.table(firewall).is_open();
        if is_empty && only == Some(family) {
            return Err(format!("No such file or directory; table {name} filter"));
        }
        if is_empty || only.is_some_and(|only| only != family) {
            continue;
        }
        if what == "tables" {
            shown.push_str(&format!("table {name} filter\n"));
            continue;
        }
        let handle = |number: usize| if handles { format!(" # handle {number}") } else { String::new() };
        shown.push_str(&format!("table {name} filter {{{}\n", handle(1)));
        let mut first = true;
        for (nth, (chain, hook)) in CHAINS.into_iter().enumerate() {
            if only_chain.is_some_and(|only| only != chain) {
                continue;
            }
            if !std::mem::replace(&mut first, false) {
                shown.push('\n');
            }
            let start = first_handle(firewall, family, chain);
            let table = family.table(firewall);
            let policy = if table.policy(chain) == Verdict::Accept { "accept" } else { "drop" };
            let chain_name = family.chain_name(hook);
            shown.push_str(&format!("\tchain {chain_name} {{{}\n", handle(nth + 1)));
            shown.push_str(&format!("\t\ttype filter hook {hook} priority filter; policy {policy};\n"));
            for (nth, rule) in table.rules(chain).iter().enumerate() {
                shown.push_str(&format!("\t\t{}{}\n", statement(rule, family, chain), handle(start + nth)));
            }
            shown.push_str("\t}\n");
        }
        shown.push_str("}\n");
    }
    Ok(())
}

pub(super) fn statement(rule: &Filter, family: Family, chain: Chain) -> String {
    let mut words = Vec::new();
    if let Some(loopback) = rule.loopback {
        let way = if chain == Chain::Output { "oifname" } else { "iifname" };
        words.push(format!("{way} \"{}\"", if loopback { "lo" } else { "eth0" }));
    }
    for (side, network) in [("saddr", rule.source), ("daddr", rule.destination)] {
        let Some(network) = network else { continue };
        let whole = if network.addr.is_ipv4() { 32 } else { 128 };
        let kind = if network.addr.is_ipv4() { "ip" } else { "ip6" };
        let prefix = if network.prefix == whole { String::new() } else { format!("/{}", network.prefix) };
        words.push(format!("{kind} {side} {}{prefix}", network.addr));
    }
    match (rule.protocol, rule.ports) {
        (Some(protocol), Some((first, last))) => {
            let name = if protocol == Protocol::Udp { "udp" } else { "tcp" };
            let range = if first == last { first.to_string() } else { format!("{first}-{last}") };
            words.push(format!("{name} dport {range}"));
        }
        (Some(protocol), None) => {
            let name = match (protocol, family) {
                (Protocol::Tcp, _) => "tcp",
                (Protocol::Udp, _) => "udp",
                (Protocol::Icmp, Family::Ip6) => "ipv6-icmp",
                (Protocol::Icmp, _) => "icmp",
            };
            words.push(format!("meta l4proto {name}"));
        }
        (None, _) => {}
    }
    if let Some(established) = rule.established {
        words.push(format!("ct state {}", if established { "established,related" } else { "new" }));
    }
    // iptables counts with every rule.
    if family != Family::Inet {
        words.push("counter packets 0 bytes 0".into());
    }
    words.push(
        match rule.verdict {
            Verdict::Accept => "accept",
            Verdict::Drop => "drop",
            Verdict::Reject => "reject",
        }
        .into(),
    );
    words.join(" ")
}
