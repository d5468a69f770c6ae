//! What named(8) and named-checkzone(8) look at once a zone is read: whether the hosts that its
//! records name have addresses. And mistakes in BIND's words.

use hickory_proto::rr::{Name, RData, RecordType};

use super::name::name_text;
use super::zone::{Zone, ZoneError};

const ALIAS: &str = "is a CNAME (illegal)";

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether BIND does not load the zone for it.
    pub is_fatal: bool,
    /// In BIND's words.
    pub text: String,
}

/// The serial number of a zone.
pub fn serial(zone: &Zone) -> u32 {
    zone.rrset(zone.origin(), RecordType::SOA)
        .find_map(|record| match &record.data {
            RData::SOA(soa) => Some(soa.serial),
            _ => None,
        })
        .unwrap_or_default()
}

/// The name of a zone as BIND prints it: `example.org/IN`.
pub fn title(zone: &str) -> String {
    let name = zone.trim_end_matches('.');
    format!("{}/IN", if name.is_empty() { "." } else { name })
}

/// Looks at the targets of MX and NS records within the zone.
pub fn check(zone: &Zone) -> Vec<Finding> {
    let mut found = Vec::new();
    for (owner, records) in zone.iter() {
        for record in records {
            let (target, is_fatal, who) = match &record.data {
                RData::MX(mx) => (&mx.exchange, false, format!("{}/MX", name_text(owner))),
                RData::NS(ns) if owner == zone.origin() => (&ns.0, true, "NS".to_owned()),
                _ => continue,
            };
            if let Some(what) = missing(zone, target) {
                let (is_fatal, target) = (is_fatal && what != ALIAS, name_text(target));
                found.push(Finding { is_fatal, text: format!("{who} '{target}' {what}") });
            }
        }
    }
    found
}

/// What is wrong with a host that a record names; nothing if it lies in another zone.
fn missing(zone: &Zone, target: &Name) -> Option<&'static str> {
    let target = target.to_lowercase();
    if target.is_root() || !zone.origin().zone_of(&target) {
        return None;
    }
    let has = |rtype| zone.rrset(&target, rtype).next().is_some();
    if has(RecordType::CNAME) {
        return Some(ALIAS);
    }
    let mut above = target.clone();
    while above != *zone.origin() && !above.is_root() {
        if zone.rrset(&above, RecordType::NS).next().is_some() {
            return None;
        }
        above = above.base_name();
    }
    (!has(RecordType::A) && !has(RecordType::AAAA)).then_some("has no address records (A or AAAA)")
}

/// A mistake in a master file: the line about it, and the reason in short.
fn bind_words(error: &ZoneError) -> (String, &'static str) {
    let (file, line, found) = (&error.file, error.line, error.found.as_str());
    let near = |reason: &'static str, word: &str| {
        let place = if word.is_empty() { "eol".to_owned() } else { format!("'{word}'") };
        (format!("dns_rdata_fromtext: {file}:{line}: near {place}: {reason}"), reason)
    };
    if let Some((rtype, rest)) = found.split_once(" with `") {
        let words: Vec<&str> = rest.split('`').next().unwrap_or_default().split_whitespace().collect();
        return match (rtype, words.as_slice()) {
            ("A", [word, ..]) => near("bad dotted quad", word),
            ("AAAA", [word, ..]) => near("bad IPv6 address", word),
            ("MX" | "SRV", [word, ..]) if word.parse::<u16>().is_err() => near("not a valid number", word),
            (_, [] | [_]) => near("unexpected end of input", ""),
            (_, [.., word]) => near("syntax error", word),
        };
    }
    if let Some(word) = found.strip_prefix("unknown record type `") {
        return (format!("{file}:{line}: unknown RR type '{}'", word.trim_end_matches('`')), "unknown class/type");
    }
    if found.ends_with("CNAME and other data") {
        return (format!("dns_master_load: {file}:{line}: {found}"), "CNAME and other data");
    }
    if found.starts_with("no TTL") {
        return (format!("{file}:{line}: no TTL specified; zone rejected"), "no ttl");
    }
    if found.starts_with("a quoted string") {
        return (format!("dns_rdata_fromtext: {file}:{line}: unbalanced quotes"), "unbalanced quotes");
    }
    if found.contains("`(`") {
        return (
            format!("dns_rdata_fromtext: {file}:{line}: near eof: unbalanced parentheses"),
            "unbalanced parentheses",
        );
    }
    if found == "no record type" {
        return (format!("dns_master_load: {file}:{line}: unexpected end of line"), "unexpected end of input");
    }
    (format!("dns_master_load: {file}:{line}: {found}"), "syntax error")
}

/// All that BIND says about a zone that it could not load for these mistakes.
pub fn failure(zone: &str, file: &str, errors: &[ZoneError]) -> Vec<String> {
    let title = title(zone);
    let mut lines: Vec<String> =
        errors.iter().filter(|error| error.line > 0).map(|error| bind_words(error).0).collect();
    match errors.iter().find(|error| error.line > 0) {
        Some(first) => {
            lines.push(format!("zone {title}: loading from master file {file} failed: {}", bind_words(first).1));
        }
        None => {
            for error in errors {
                let what = if error.found.contains("SOA") { "has 0 SOA records" } else { "has no NS records" };
                lines.push(format!("zone {title}: {what}"));
            }
        }
    }
    lines.push(format!("zone {title}: not loaded due to errors."));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "$TTL 3600\n@ IN SOA ns hostmaster 5 3600 600 86400 300\n@ IN NS ns\nns IN A 192.0.2.53\n";

    #[test]
    fn targets_without_address_are_found() {
        let doubled = "example.com/MX 'mx.example.com.example.com' has no address records (A or AAAA)";
        for (line, text) in [
            ("@ MX 10 ns", None),
            ("@ MX 10 mx.other.test.", None),
            ("@ MX 10 mx.example.com", Some(doubled)),
            ("@ MX 10 al\nal CNAME ns", Some("example.com/MX 'al.example.com' is a CNAME (illegal)")),
            ("@ NS nope", Some("NS 'nope.example.com' has no address records (A or AAAA)")),
        ] {
            let zone = Zone::parse("example.com", &format!("{HEAD}{line}\n"), "db").unwrap();
            assert_eq!(serial(&zone), 5);
            let found: Vec<String> = check(&zone).into_iter().map(|finding| finding.text).collect();
            assert_eq!(found.first().map(String::as_str), text, "{line}");
        }
    }

    #[test]
    fn mistakes_are_told_in_binds_words() {
        for (line, words) in [
            ("x MXX 10 y", "db:5: unknown RR type 'MXX'"),
            ("x A 300.1.1.1", "dns_rdata_fromtext: db:5: near '300.1.1.1': bad dotted quad"),
            ("x AAAA zz", "dns_rdata_fromtext: db:5: near 'zz': bad IPv6 address"),
            ("@ MX ten mx", "dns_rdata_fromtext: db:5: near 'ten': not a valid number"),
            ("@ MX 10", "dns_rdata_fromtext: db:5: near eol: unexpected end of input"),
        ] {
            let errors = Zone::parse("example.com", &format!("{HEAD}{line}\n"), "db").unwrap_err();
            let lines = failure("example.com", "db", &errors.0);
            assert_eq!(lines[0], words, "{line}");
            assert_eq!(lines.last().unwrap(), "zone example.com/IN: not loaded due to errors.");
        }
    }
}
