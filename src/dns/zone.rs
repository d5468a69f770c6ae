//! Zones: master files read into records, with errors that name file and line.

use std::collections::BTreeMap;
use std::fmt;

use hickory_proto::rr::rdata::{NS, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::txt::{Parser, parse_ttl};
use smol_str::SmolStr;

use super::master_file::{self, Entry, Unbalanced};
use super::name::{name_text, wire_name};

/// How a server treats questions about a zone; all but the first are faults for demonstrations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers from its records.
    #[default]
    Normal,
    /// Answers SERVFAIL: the zone is configured, but could not be loaded.
    ServFail,
    /// Says nothing: the asker's time-out runs.
    Silent,
    /// Answers REFUSED: others delegate the zone here, but the server does not know of it.
    Lame,
}

/// A mistake in a master file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {found}; {expected}")]
pub struct ZoneError {
    /// The file, as the caller named it.
    pub file: SmolStr,
    /// Line, counted from 1; 0 if the whole file is meant.
    pub line: u32,
    /// What is wrong there.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

/// All mistakes of a master file, in order of lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ZoneErrors(pub Vec<ZoneError>);

impl fmt::Display for ZoneErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if index > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

/// A zone: the records at and below one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    origin: Name,
    /// The records of each name, in the order of the file. Canonical order of names (RFC 4034,
    /// section 6.1) puts a name right before those below it.
    nodes: BTreeMap<Name, Vec<Record>>,
    /// How questions about it are treated.
    pub behaviour: Behaviour,
}

/// Octets of a master file that are read at most.
const MAX_FILE: usize = 16 << 20;
/// Mistakes that are reported of one file at most.
const MAX_ERRORS: usize = 100;

impl Zone {
    /// Reads a complete master file, which must have a SOA and an NS record at the origin.
    ///
    /// # Errors
    /// All mistakes in the file, located.
    pub fn parse(origin: &str, text: &str, file: &str) -> Result<Zone, ZoneErrors> {
        let mut reader = Reader::new(origin, file)?;
        reader.read(text);
        reader.require_apex();
        reader.finish()
    }

    /// Reads the interesting part of a master file: `$TTL 3600` and, if there is no SOA, a SOA
    /// record with a negative TTL of 300 seconds and an NS record are put in front. The text
    /// `SERVFAIL` makes a zone that could not be loaded.
    ///
    /// # Errors
    /// All mistakes in the text, located.
    pub fn parse_fragment(origin: &str, text: &str, file: &str) -> Result<Zone, ZoneErrors> {
        let mut reader = Reader::new(origin, file)?;
        if text.trim() == "SERVFAIL" {
            reader.zone.behaviour = Behaviour::ServFail;
        } else {
            reader.ttl.default = Some(3600);
            reader.read(text);
        }
        reader.complete_apex();
        reader.finish()
    }

    /// A zone that has nothing but its SOA and NS record. As the root zone it makes every name
    /// elsewhere NXDOMAIN.
    pub fn empty(origin: Name) -> Zone {
        let mut zone = Zone { origin, nodes: BTreeMap::new(), behaviour: Behaviour::Normal };
        zone.complete_apex();
        zone
    }

    /// The name of the zone.
    pub fn origin(&self) -> &Name {
        &self.origin
    }

    /// The records of a name, all types, in the order of the file.
    pub fn records(&self, name: &Name) -> &[Record] {
        self.nodes.get(name).map_or(&[], Vec::as_slice)
    }

    /// The records of a name and type, in the order of the file.
    pub fn rrset(&self, name: &Name, rtype: RecordType) -> impl Iterator<Item = &Record> {
        self.records(name).iter().filter(move |record| record.record_type() == rtype)
    }

    /// Whether a name exists: it has records, or a name below it has (an empty non-terminal,
    /// RFC 4592, section 2.2.2).
    pub fn exists(&self, name: &Name) -> bool {
        self.nodes.range(name..).next().is_some_and(|(next, _)| name.zone_of(next))
    }

    /// All names with their records, in canonical order.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &[Record])> {
        self.nodes.iter().map(|(name, records)| (name, records.as_slice()))
    }

    /// The SOA record as it stands in negative answers: with the smaller of its own TTL and the
    /// zone's minimum (RFC 2308, section 3).
    pub fn negative_soa(&self) -> Option<Record> {
        let mut record = self.rrset(&self.origin, RecordType::SOA).next()?.clone();
        if let RData::SOA(soa) = &record.data {
            record.ttl = record.ttl.min(soa.minimum);
        }
        Some(record)
    }

    /// Adds a record unless the same data are there already; a set has one TTL (RFC 2181, section 5.2).
    fn insert(&mut self, mut record: Record) {
        let records = self.nodes.entry(record.name.clone()).or_default();
        if let Some(first) = records.iter().find(|other| other.record_type() == record.record_type()) {
            record.ttl = first.ttl;
        }
        if !records.iter().any(|other| other.data == record.data) {
            records.push(record);
        }
    }

    /// Puts a SOA and an NS record at the origin if there is no SOA.
    fn complete_apex(&mut self) {
        if self.rrset(&self.origin, RecordType::SOA).next().is_some() {
            return;
        }
        let name = |text| wire_name(text).unwrap_or_else(Name::root);
        let server = name("ns.oracle-dns.test");
        let soa = SOA::new(server.clone(), name("hostmaster.oracle-dns.test"), 1, 3600, 600, 86_400, 300);
        self.insert(Record::from_rdata(self.origin.clone(), 3600, RData::SOA(soa)));
        self.insert(Record::from_rdata(self.origin.clone(), 3600, RData::NS(NS(server))));
    }
}

/// The TTL of records that state none.
#[derive(Debug, Default)]
struct Ttl {
    /// `$TTL`.
    default: Option<u32>,
    /// That of the record before (RFC 1035).
    last: Option<u32>,
    /// The SOA's minimum, as BIND takes it without `$TTL`.
    minimum: Option<u32>,
}

/// Reads one file, collecting mistakes.
#[derive(Debug)]
struct Reader {
    file: SmolStr,
    zone: Zone,
    /// What relative names are relative to: `$ORIGIN`.
    relative_to: Name,
    owner: Option<Name>,
    ttl: Ttl,
    errors: Vec<ZoneError>,
}

impl Reader {
    fn new(origin: &str, file: &str) -> Result<Reader, ZoneErrors> {
        let file = SmolStr::new(file);
        let Some(origin) = wire_name(origin).map(|name| name.to_lowercase()) else {
            let found = format!("`{origin}` is not a domain name");
            let expected = "a zone is named as in example.org.".to_owned();
            return Err(ZoneErrors(vec![ZoneError { file, line: 0, found, expected }]));
        };
        let zone = Zone { origin: origin.clone(), nodes: BTreeMap::new(), behaviour: Behaviour::Normal };
        Ok(Reader { file, zone, relative_to: origin, owner: None, ttl: Ttl::default(), errors: Vec::new() })
    }

    fn error(&mut self, line: u32, found: impl Into<String>, expected: impl Into<String>) {
        let (file, found, expected) = (self.file.clone(), found.into(), expected.into());
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(ZoneError { file, line, found, expected });
        }
    }

    fn read(&mut self, text: &str) {
        if text.len() > MAX_FILE {
            return self.error(0, format!("{} octets", text.len()), format!("at most {MAX_FILE} are read"));
        }
        match master_file::entries(text) {
            Ok(entries) => entries.iter().for_each(|entry| self.entry(entry)),
            Err((line, Unbalanced::Quote)) => self.error(line, "a quoted string does not end", "close it with \""),
            Err((line, Unbalanced::Open)) => self.error(line, "`(` is never closed", "close it with `)`"),
            Err((line, Unbalanced::Close)) => self.error(line, "`)` without `(`", "remove it, or open with `(`"),
        }
    }

    fn entry(&mut self, entry: &Entry) {
        let Some((first, rest)) = entry.words.split_first() else { return };
        if let Some(directive) = first.strip_prefix('$') {
            return self.directive(entry.line, directive, rest);
        }
        let words = if entry.inherits_owner {
            &entry.words[..]
        } else {
            self.owner = self.absolute(entry.line, first);
            rest
        };
        match self.owner.clone() {
            Some(owner) => self.record(entry.line, owner, words),
            None if entry.inherits_owner => {
                self.error(entry.line, "a record without owner name", "begin the first line with a name or @")
            }
            None => {}
        }
    }

    fn directive(&mut self, line: u32, directive: &str, words: &[String]) {
        let value = words.first().map_or("", String::as_str);
        match directive.to_ascii_uppercase().as_str() {
            "ORIGIN" => {
                if let Some(origin) = self.absolute(line, value) {
                    self.relative_to = origin;
                }
            }
            "TTL" => match parse_ttl(value) {
                Ok(ttl) => self.ttl.default = Some(ttl),
                Err(_) => self.error(line, format!("$TTL `{value}`"), "give seconds, or a time as in 1h30m"),
            },
            "INCLUDE" => self.error(line, "$INCLUDE is not supported", "put the records into this file"),
            "GENERATE" => self.error(line, "$GENERATE is not supported", "write the records out"),
            _ => {
                self.error(line, format!("unknown directive `${directive}`"), "$ORIGIN and $TTL are known");
            }
        }
    }

    /// A name as it stands in the file, made absolute and lower case.
    fn absolute(&mut self, line: u32, text: &str) -> Option<Name> {
        if text == "@" {
            return Some(self.relative_to.clone());
        }
        let absolute = match text {
            "" => None,
            _ if text.ends_with('.') && !text.ends_with("\\.") => wire_name(text),
            _ => wire_name(text).and_then(|name| name.append_domain(&self.relative_to).ok()),
        };
        if absolute.is_none() {
            self.error(line, format!("`{text}` is not a domain name"), "labels have 1 to 63 octets, names up to 255");
        }
        absolute.map(|mut name| {
            name.set_fqdn(true);
            name.to_lowercase()
        })
    }

    fn record(&mut self, line: u32, owner: Name, words: &[String]) {
        let mut ttl = None;
        let mut words = words.iter();
        let rtype = loop {
            let Some(word) = words.next() else {
                return self.error(line, "no record type", "NAME [TTL] [IN] TYPE DATA, as in www IN A 192.0.2.1");
            };
            match word.to_ascii_uppercase().as_str() {
                "IN" => {}
                "CH" | "HS" | "CS" => return self.error(line, format!("class {word}"), "only IN is served"),
                upper => match (parse_ttl(word), upper.parse::<RecordType>()) {
                    (_, Ok(rtype)) if DATA_FORMS.iter().any(|(name, _)| *name == upper) => break rtype,
                    (Ok(seconds), _) => ttl = Some(seconds),
                    _ => return self.unknown_type(line, word),
                },
            }
        };
        if !self.zone.origin.zone_of(&owner) {
            let found = format!("`{}` is outside the zone {}", name_text(&owner), name_text(&self.zone.origin));
            return self.error(line, found, "leave out the final dot, or put it into its own zone");
        }
        let stated = ttl.or(self.ttl.default).or(self.ttl.last).or(self.ttl.minimum);
        self.ttl.last = ttl.or(self.ttl.last);
        let Some(mut record) = self.parse_data(line, &owner, rtype, words.as_slice()) else { return };
        if let RData::SOA(soa) = &record.data {
            self.ttl.minimum = Some(soa.minimum);
        }
        let Some(ttl) = stated.or(self.ttl.minimum) else {
            return self.error(line, "no TTL is known for this record", "begin the file with $TTL 3600");
        };
        record.ttl = ttl;
        self.insert(line, record);
    }

    fn unknown_type(&mut self, line: u32, word: &str) {
        let near = DATA_FORMS
            .iter()
            .map(|(name, _)| (strsim::damerau_levenshtein(name, &word.to_ascii_uppercase()), name))
            .min()
            .filter(|(distance, _)| *distance <= 2);
        let expected = match near {
            Some((_, name)) => format!("did you mean {name}?"),
            None => "known are A, AAAA, MX, CNAME, NS, SOA, PTR, TXT, SRV, TLSA, CAA and some more".to_owned(),
        };
        self.error(line, format!("unknown record type `{word}`"), expected);
    }

    /// Lets hickory read the data of one record; `@` becomes the origin in full.
    fn parse_data(&mut self, line: u32, owner: &Name, rtype: RecordType, words: &[String]) -> Option<Record> {
        let origin = self.relative_to.to_ascii();
        let words: Vec<&str> = words.iter().map(|word| if word == "@" { origin.as_str() } else { word }).collect();
        let data = words.join(" ");
        let text = format!("@ 0 IN {rtype} {data}\n");
        let parsed = Parser::new(text, None, Some(self.relative_to.clone())).parse();
        let record = parsed.map(|(_, sets)| {
            let set = sets.into_values().next();
            set.and_then(|set| set.records_without_rrsigs().next().cloned())
        });
        match record {
            Ok(Some(mut record)) => {
                record.name = owner.clone();
                Some(record)
            }
            Ok(None) => self.bad_data(line, rtype, &data, "nothing was read"),
            Err(error) => self.bad_data(line, rtype, &data, &error.to_string()),
        }
    }

    fn bad_data(&mut self, line: u32, rtype: RecordType, data: &str, reason: &str) -> Option<Record> {
        let rtype = rtype.to_string();
        let form = DATA_FORMS.iter().find(|(name, _)| *name == rtype).map_or("see RFC 1035", |(_, form)| form);
        self.error(line, format!("{rtype} with `{data}`: {reason}"), format!("right is {rtype} {form}"));
        None
    }

    fn insert(&mut self, line: u32, record: Record) {
        let rtype = record.record_type();
        let others = self.zone.records(&record.name);
        let is_cname = rtype == RecordType::CNAME;
        if others.iter().any(|other| (other.record_type() == RecordType::CNAME) != is_cname)
            || (is_cname && others.iter().any(|other| other.data != record.data))
        {
            let found = format!("{}: CNAME and other data", name_text(&record.name));
            return self.error(line, found, "a name with a CNAME record has no other records (RFC 1034, 3.6.2)");
        }
        if rtype == RecordType::SOA && record.name != self.zone.origin {
            return self.error(line, "a SOA record below the zone's name", "a zone has one SOA, at its origin");
        }
        if rtype == RecordType::SOA && others.iter().any(|other| other.record_type() == rtype) {
            return self.error(line, "a second SOA record", "a zone has one SOA");
        }
        self.zone.insert(record);
    }

    fn require_apex(&mut self) {
        let origin = self.zone.origin.clone();
        let zone = name_text(&origin);
        if self.zone.rrset(&origin, RecordType::SOA).next().is_none() {
            let expected = "add @ IN SOA ns1 hostmaster ( 1 3600 600 86400 300 )";
            self.error(0, format!("zone {zone} has no SOA record"), expected);
        }
        if self.zone.rrset(&origin, RecordType::NS).next().is_none() {
            self.error(0, format!("zone {zone} has no NS records"), "add @ IN NS ns1");
        }
    }

    fn complete_apex(&mut self) {
        self.zone.complete_apex();
    }

    fn finish(self) -> Result<Zone, ZoneErrors> {
        if self.errors.is_empty() { Ok(self.zone) } else { Err(ZoneErrors(self.errors)) }
    }
}

/// The record types that are read, and what their data look like.
const DATA_FORMS: [(&str, &str); 18] = [
    ("A", "ADDRESS, as in 192.0.2.10"),
    ("AAAA", "ADDRESS, as in 2001:db8::10"),
    ("MX", "PREFERENCE HOST, as in 10 mx1.example.org."),
    ("CNAME", "NAME, as in www.example.org."),
    ("NS", "HOST, as in ns1.example.org."),
    ("SOA", "SERVER MAILBOX ( SERIAL REFRESH RETRY EXPIRE MINIMUM )"),
    ("PTR", "NAME, as in mx1.example.org."),
    ("TXT", "\"TEXT\" [\"TEXT\" ...]"),
    ("SRV", "PRIORITY WEIGHT PORT HOST, as in 0 5 587 mail.example.org."),
    ("TLSA", "USAGE SELECTOR MATCHING HEX, as in 3 1 1 d2abde240d7cd3ee..."),
    ("CAA", "FLAGS TAG VALUE, as in 0 issue \"ca.example\""),
    ("HINFO", "CPU OS"),
    ("NAPTR", "ORDER PREFERENCE FLAGS SERVICE REGEXP REPLACEMENT"),
    ("SSHFP", "ALGORITHM TYPE HEX"),
    ("OPENPGPKEY", "BASE64"),
    ("SMIMEA", "USAGE SELECTOR MATCHING HEX"),
    ("SVCB", "PRIORITY TARGET [KEY=VALUE ...]"),
    ("HTTPS", "PRIORITY TARGET [KEY=VALUE ...]"),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZONE: &str = "\
$TTL 1h
@       IN SOA ns1 hostmaster ( 2026112101 3600 600
                                86400 300 )
        IN NS  ns1
        IN MX  10 @
        MX 20 mx2.example.net.
        TXT \"v=spf1 mx -all\" ; comment
ns1 600 IN A   192.0.2.53
www     CNAME  @
_25._tcp TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971
_submission._tcp SRV 0 5 587 mail
@       CAA 0 issue \"ca.example\"
*.w     A 192.0.2.9
$ORIGIN sub.example.org.
host    AAAA 2001:db8::1
";

    fn name(text: &str) -> Name {
        wire_name(text).unwrap()
    }

    fn show(zone: &Zone, owner: &str, rtype: RecordType) -> Vec<String> {
        zone.rrset(&name(owner), rtype).map(|record| format!("{} {}", record.ttl, record.data)).collect()
    }

    #[test]
    fn reads_directives_relative_names_and_at_in_data() {
        let zone = Zone::parse("example.org.", ZONE, "db").unwrap();
        let mx = show(&zone, "example.org", RecordType::MX);
        assert_eq!(mx, ["3600 10 example.org.", "3600 20 mx2.example.net."]);
        assert_eq!(show(&zone, "www.example.org", RecordType::CNAME), ["3600 example.org."]);
        assert_eq!(show(&zone, "ns1.example.org", RecordType::A), ["600 192.0.2.53"]);
        assert_eq!(show(&zone, "host.sub.example.org", RecordType::AAAA), ["3600 2001:db8::1"]);
        assert_eq!(show(&zone, "_submission._tcp.example.org", RecordType::SRV).len(), 1);
        assert_eq!(show(&zone, "_25._tcp.example.org", RecordType::TLSA).len(), 1);
        assert!(zone.exists(&name("sub.example.org")), "an empty non-terminal exists");
        assert!(!zone.exists(&name("su.example.org")));
        assert_eq!(zone.negative_soa().unwrap().ttl, 300);
    }

    #[test]
    fn mistakes_are_located_and_say_what_would_be_right() {
        for (text, line, found) in [
            ("$TTL 1h\n\n@ MXX 10 a\n", 3, "unknown record type `MXX`; did you mean MX?"),
            ("$TTL 1h\nwww A 192.0.2.300\n", 2, "right is A ADDRESS, as in 192.0.2.10"),
            ("$TTL 1h\n@ MX mail\n", 2, "right is MX PREFERENCE HOST"),
            ("$INCLUDE /etc/passwd\n", 1, "$INCLUDE is not supported"),
            ("$TTL 1h\nwww A 192.0.2.1\nwww CNAME x\n", 3, "CNAME and other data"),
            ("$TTL 1h\nwww.example.net. A 192.0.2.1\n", 2, "outside the zone example.org"),
            ("www A 192.0.2.1\n", 1, "no TTL is known"),
            ("  A 192.0.2.1\n", 1, "without owner name"),
            ("$TTL 1h\n@ SOA a b ( 1 2\n", 2, "`(` is never closed"),
            ("$TTL never\n", 1, "give seconds"),
            ("$TTL 1\na..b A 192.0.2.1\n", 2, "not a domain name"),
        ] {
            let errors = Zone::parse("example.org", text, "db").unwrap_err();
            let first = &errors.0[0];
            assert!(first.line == line && first.to_string().contains(found), "{text}: {first}");
        }
        let errors = Zone::parse("example.org", "$TTL 1h\na A x\nb A y\n", "db").unwrap_err();
        assert_eq!(errors.0.len(), 4, "two bad addresses, no SOA, no NS: {errors}");
    }

    #[test]
    fn fragments_are_completed() {
        let zone = Zone::parse_fragment("example.com.", "@ IN MX 10 mx1\nmx1 IN A 192.0.2.10\n", "z").unwrap();
        assert_eq!(show(&zone, "example.com", RecordType::MX), ["3600 10 mx1.example.com."]);
        assert_eq!(zone.negative_soa().unwrap().ttl, 300);
        assert_eq!(Zone::parse_fragment("x.", "SERVFAIL", "z").unwrap().behaviour, Behaviour::ServFail);
    }

    proptest! {
        #[test]
        fn any_text_gives_a_zone_or_located_errors(text in "(?s).{0,200}") {
            let lines = text.lines().count() as u32;
            if let Err(errors) = Zone::parse("example.org", &text, "db") {
                prop_assert!(errors.0.iter().all(|error| error.line <= lines));
            }
        }

        #[test]
        fn any_data_of_any_type_is_read_or_refused(which in 0..DATA_FORMS.len(), data in "[ -~]{0,60}") {
            let text = format!("$TTL 1h\n@ {} {data}\n", DATA_FORMS[which].0);
            let zone = Zone::parse_fragment("example.org", &text, "db");
            prop_assert!(zone.is_ok() || zone.is_err_and(|errors| !errors.0.is_empty()));
        }
    }
}
