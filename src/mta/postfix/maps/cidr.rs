//! `cidr:` tables, and the address patterns of `mynetworks` and the like (cidr_table(5)).

use std::net::IpAddr;

use smol_str::SmolStr;

use super::cache::Parsed;
use super::{Answer, Dict, Unavailable};
use crate::host::Host;
use crate::mta::postfix::config::facts::network_of;
use crate::mta::postfix::config::lines::logical_lines;
use crate::trace::Source;

/// An address, or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    addr: IpAddr,
    prefix: u8,
}

impl Network {
    /// Parses `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`, `[2001:db8::]/32` or `[2001:db8::/32]`.
    ///
    /// # Errors
    /// It is no such pattern, or bits after the prefix are set; the words are Postfix's.
    pub fn parse(text: &str) -> Result<Network, String> {
        let plain = match text.strip_prefix('[') {
            Some(rest) => {
                let (inner, after) =
                    rest.split_once(']').ok_or_else(|| format!("missing ']' character after \"[{rest}\""))?;
                if !(after.is_empty() || after.starts_with('/')) {
                    return Err(format!("garbage after \"[{inner}]\""));
                }
                format!("{inner}{after}")
            }
            None => text.to_owned(),
        };
        let Some((addr, mask)) = plain.split_once('/') else {
            let addr: IpAddr = parse_addr(&plain).ok_or_else(|| format!("bad address pattern: \"{text}\""))?;
            return Ok(Network { addr, prefix: if addr.is_ipv4() { 32 } else { 128 } });
        };
        let longest = if addr.contains(':') { 128 } else { 32 };
        if mask.is_empty() || !mask.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("bad mask value in \"{text}\""));
        }
        let prefix = mask.parse::<u8>().ok().filter(|prefix| *prefix <= longest);
        let prefix = prefix.ok_or_else(|| format!("bad mask length in \"{text}\""))?;
        let addr = parse_addr(addr).ok_or_else(|| format!("bad address pattern: \"{text}\""))?;
        let network = network_of(addr, prefix);
        if network != addr {
            return Err(format!(
                "non-null host address bits in \"{addr}/{prefix}\", perhaps you should use \"{network}/{prefix}\" instead"
            ));
        }
        Ok(Network { addr, prefix })
    }

    /// Whether an address lies in the network.
    pub fn contains(&self, addr: IpAddr) -> bool {
        self.addr.is_ipv4() == addr.is_ipv4() && network_of(addr, self.prefix) == self.addr
    }

    /// Whether a rule with this pattern, or with its negation, matches; never for another kind of
    /// address.
    fn decides(&self, addr: IpAddr, negate: bool) -> bool {
        self.addr.is_ipv4() == addr.is_ipv4() && self.contains(addr) != negate
    }
}

/// An address as Postfix takes it: four decimal numbers, or IPv6 without zone.
pub fn parse_addr(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

#[derive(Debug)]
enum Rule {
    Value { negate: bool, network: Network, value: SmolStr, line: u32 },
    If { negate: bool, network: Network, end: usize },
}

#[derive(Debug, Default)]
struct Rules {
    rules: Vec<Rule>,
    notes: Vec<String>,
}

fn parse_rules(path: &str, text: &str) -> Rules {
    let mut found = Rules::default();
    let lines = logical_lines(path, text, &mut found.notes);
    let mut open: Vec<(usize, u32)> = Vec::new();
    for line in lines {
        if let Err(error) = parse_rule(&line.text, line.first, &mut found.rules, &mut open) {
            let text = format!("warning: cidr map {path}, line {}: {error}: skipping this rule", line.first);
            found.notes.push(text);
        }
    }
    for (_, line) in open {
        found.notes.push(format!("warning: cidr map {path}, line {line}: IF has no matching ENDIF"));
    }
    found
}

fn parse_rule(text: &str, line: u32, rules: &mut Vec<Rule>, open: &mut Vec<(usize, u32)>) -> Result<(), String> {
    let text = text.trim_ascii();
    let (word, rest) = split_word(text);
    if word.eq_ignore_ascii_case("endif") {
        if !rest.is_empty() {
            return Err("garbage after ENDIF".to_owned());
        }
        let (start, _) = open.pop().ok_or("ENDIF without IF")?;
        let after = rules.len();
        if let Some(Rule::If { end, .. }) = rules.get_mut(start) {
            *end = after;
        }
        return Ok(());
    }
    let is_if = word.eq_ignore_ascii_case("if");
    let text = if is_if { rest } else { text };
    let (negate, text) = match text.strip_prefix('!') {
        Some(text) => (true, text.trim_ascii_start()),
        None => (false, text),
    };
    if is_if {
        if text.is_empty() {
            return Err("no address pattern".to_owned());
        }
        let network = Network::parse(text)?;
        open.push((rules.len(), line));
        rules.push(Rule::If { negate, network, end: usize::MAX });
        return Ok(());
    }
    let (pattern, value) = split_word(text);
    if pattern.is_empty() {
        return Err("no address pattern".to_owned());
    }
    let network = Network::parse(pattern)?;
    if value.is_empty() {
        return Err("no lookup result".to_owned());
    }
    rules.push(Rule::Value { negate, network, value: value.into(), line });
    Ok(())
}

/// The first word and the rest without the white space between.
pub(super) fn split_word(text: &str) -> (&str, &str) {
    text.split_once(|c: char| c.is_ascii_whitespace()).map_or((text, ""), |(word, rest)| (word, rest.trim_ascii()))
}

/// An open `cidr:` table.
#[derive(Debug)]
pub(super) struct CidrTable {
    name: SmolStr,
    file: Parsed<Rules>,
}

impl CidrTable {
    pub(super) fn new(path: &str) -> CidrTable {
        CidrTable { name: smol_str::format_smolstr!("cidr:{path}"), file: Parsed::new(path, parse_rules) }
    }
}

impl Dict for CidrTable {
    fn lookup(&self, key: &str, host: &Host) -> Answer {
        let table = self.file.get(host).map_err(|errno| {
            Unavailable(vec![format!("warning: {} is unavailable. open {}: {errno}", self.name, self.file.path())])
        })?;
        let Some(addr) = parse_addr(key) else { return Ok(None) };
        let mut at = 0;
        while let Some(rule) = table.rules.get(at) {
            at += 1;
            match rule {
                Rule::If { negate, network, end } => {
                    if !network.decides(addr, *negate) {
                        at = *end;
                    }
                }
                Rule::Value { negate, network, value, line } => {
                    if network.decides(addr, *negate) {
                        let source = Source { file: self.file.path().into(), line: *line };
                        return Ok(Some((value.clone(), Some(source))));
                    }
                }
            }
        }
        Ok(None)
    }

    fn problems(&self, host: &Host) -> Vec<String> {
        match self.file.get(host) {
            Ok(table) => table.notes.clone(),
            Err(errno) => vec![format!("error: open {}: {errno}", self.file.path())],
        }
    }

    fn is_fixed(&self) -> bool {
        false
    }

    fn file(&self) -> Option<&str> {
        Some(self.file.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_must_not_have_host_bits() {
        let error = Network::parse("192.0.2.10/24").unwrap_err();
        let expected =
            "non-null host address bits in \"192.0.2.10/24\", perhaps you should use \"192.0.2.0/24\" instead";
        assert_eq!(error, expected);
        for text in ["192.0.2.0/24", "0.0.0.0/0", "[::1]/128", "2001:db8::/32", "192.0.2.1"] {
            assert!(Network::parse(text).is_ok(), "{text}");
        }
        for text in ["192.0.2.0/33", "x/8", "192.0.2.0/", "[::1"] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn contains_by_prefix() {
        let network = Network::parse("192.0.2.0/25").unwrap();
        assert!(network.contains([192, 0, 2, 127].into()));
        assert!(!network.contains([192, 0, 2, 128].into()));
    }

    #[test]
    fn unknown_lines_are_skipped_with_a_warning() {
        let rules = parse_rules("/c", "192.0.2.0/24 a\nif 10.0.0.0/8\n10.1.0.0/16 b\nbad c\n");
        assert_eq!(rules.rules.len(), 3);
        assert_eq!(rules.notes[0], "warning: cidr map /c, line 4: bad address pattern: \"bad\": skipping this rule");
        assert_eq!(rules.notes[1], "warning: cidr map /c, line 2: IF has no matching ENDIF");
    }
}
