//! What a path does to traffic: latency, loss, bandwidth, blocked ports, cut links.
//!
//! Rules are data; the last rule that matches a property decides it. The kernel asks for a
//! [`Path`] and does what it says.

use serde::{Deserialize, Serialize};

use super::net::HostId;
use super::time::Duration;

/// What a blocked port looks like to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// Packets vanish: the caller waits until its time-out.
    Drop,
    /// The firewall answers with RST or ICMP: refused at once.
    Reject,
    /// The firewall, or the cut cable, makes the host unreachable.
    Unreachable,
}

/// Which traffic a rule is about. `None` matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// The host that opens the connection or sends the datagram.
    pub from: Option<HostId>,
    /// The host that is addressed.
    pub to: Option<HostId>,
    /// The port that is addressed.
    pub port: Option<u16>,
    /// Whether the rule holds in both directions.
    pub both_ways: bool,
}

/// A property that a rule gives to the traffic it selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// One-way delay.
    Latency(Duration),
    /// Lost packets in millionths: datagrams vanish, TCP segments come later.
    LossPpm(u32),
    /// Octets per second; zero means no limit.
    Bandwidth(u64),
    /// Nothing passes.
    Block(Block),
}

/// One rule of the world's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// A name to remove it by.
    pub name: String,
    /// What it is about.
    pub selector: Selector,
    /// What it does.
    pub effect: Effect,
}

/// What a path does to a packet now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// One-way delay.
    pub latency: Duration,
    /// Lost packets in millionths.
    pub loss_ppm: u32,
    /// Octets per second; zero means no limit.
    pub bandwidth: u64,
    /// Whether it is blocked.
    pub block: Option<Block>,
}

/// The rules in force, and the default path.
#[derive(Clone, Debug)]
pub struct Faults {
    default: Path,
    rules: Vec<Rule>,
}

impl Default for Faults {
    fn default() -> Faults {
        let default = Path { latency: Duration::from_micros(200), loss_ppm: 0, bandwidth: 0, block: None };
        Faults { default, rules: Vec::new() }
    }
}

impl Faults {
    /// Latency of paths for which no rule says otherwise.
    pub fn set_default_latency(&mut self, latency: Duration) {
        self.default.latency = latency;
    }

    /// Adds a rule after the others.
    pub fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    /// Removes all rules of this name; tells whether there were any.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.rules.len();
        self.rules.retain(|rule| rule.name != name);
        self.rules.len() != before
    }

    /// The rules in force, in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What happens to traffic between two hosts, addressed to this port.
    pub fn path(&self, from: HostId, to: HostId, port: u16) -> Path {
        let mut path = self.default;
        if from == to {
            path.latency = Duration::from_micros(10);
        }
        for rule in self.rules.iter().filter(|rule| rule.selector.matches(from, to, port)) {
            match rule.effect {
                Effect::Latency(latency) => path.latency = latency,
                Effect::LossPpm(ppm) => path.loss_ppm = ppm,
                Effect::Bandwidth(octets) => path.bandwidth = octets,
                Effect::Block(block) => path.block = Some(block),
            }
        }
        path
    }
}

impl Selector {
    fn matches(&self, from: HostId, to: HostId, port: u16) -> bool {
        let ends = |a: HostId, b: HostId| self.from.is_none_or(|h| h == a) && self.to.is_none_or(|h| h == b);
        self.port.is_none_or(|p| p == port) && (ends(from, to) || (self.both_ways && ends(to, from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_matching_rule_decides_each_property() {
        let mut faults = Faults::default();
        let selector = Selector { to: Some(HostId(2)), port: Some(25), ..Selector::default() };
        faults.add(Rule { name: "block".into(), selector: selector.clone(), effect: Effect::Block(Block::Drop) });
        faults.add(Rule { name: "slow".into(), selector, effect: Effect::Latency(Duration::from_secs(1)) });
        let path = faults.path(HostId(1), HostId(2), 25);
        assert_eq!((path.block, path.latency), (Some(Block::Drop), Duration::from_secs(1)));
        assert_eq!(faults.path(HostId(1), HostId(2), 587).block, None);
        assert_eq!(faults.path(HostId(2), HostId(1), 25).block, None);
        assert!(faults.remove("block"));
        assert_eq!(faults.path(HostId(1), HostId(2), 25).block, None);
    }
}
