//! Lists of patterns: names, addresses, networks, files and tables, with `!` (`match_list(3)`,
//! `match_ops(3)`).

use std::net::IpAddr;

use smol_str::{SmolStr, format_smolstr};

use super::cidr::{Network, parse_addr};
use super::{LookupError, MapFlags, Table};
use crate::host::Host;
use crate::host::vfs::Cred;
use crate::mta::postfix::config::lines::logical_lines;
use crate::mta::postfix::config::{Fatal, tokens};
use crate::trace::Source;

/// What is compared with a list.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A plain string (`string_list_match(3)`).
    String(&'a str),
    /// A domain; patterns may match its parents (`domain_list_match(3)`).
    Domain(&'a str),
    /// An address (`addr_match_list_match(3)`).
    Addr(&'a str),
    /// A client's name and address (`namadr_list_match(3)`).
    Client {
        /// Verified name, or `unknown`.
        name: &'a str,
        /// Address.
        addr: &'a str,
    },
}

/// Which pattern matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The pattern.
    pub pattern: SmolStr,
    /// Where it stands, if it came from a file or a table.
    pub source: Option<Source>,
}

#[derive(Clone, Debug)]
enum Test {
    Plain {
        text: SmolStr,
        /// The pattern as an address or network, or why it is a wrong one; `None` for names.
        network: Option<Result<Network, String>>,
    },
    Table(Table),
    /// `/file/name` that is expanded in place.
    File(SmolStr),
}

#[derive(Clone, Debug)]
struct Pattern {
    negate: bool,
    test: Test,
}

/// A list of patterns; the first one that matches decides.
#[derive(Clone, Debug, Default)]
pub struct MatchList {
    title: SmolStr,
    parents: bool,
    patterns: Vec<Pattern>,
}

/// Deepest nesting of files that name files.
const MAX_FILES: u32 = 10;

impl MatchList {
    /// Parses a list. `parents`: a domain pattern matches subdomains too, without a leading dot.
    ///
    /// # Errors
    /// A `!` without a pattern.
    pub fn parse(title: &str, list: &str, parents: bool) -> Result<MatchList, Fatal> {
        let mut patterns = Vec::new();
        for word in tokens::list(list) {
            // A comment would be taken as patterns; Postfix stops there.
            if word.starts_with('#') {
                break;
            }
            patterns.push(Pattern::parse(title, word)?);
        }
        Ok(MatchList { title: title.into(), parents, patterns })
    }

    /// Whether the list has no patterns.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The first pattern that matches; `None` if none does, or if the first one has a `!`.
    ///
    /// # Errors
    /// A table or file cannot be read, or a network pattern before the matching one is malformed.
    pub fn matches(&self, subject: Subject<'_>, host: &Host) -> Result<Option<Match>, LookupError> {
        Ok(self.decide(&self.patterns, subject, host, 0)?.flatten())
    }

    /// `Some(None)`: decided by a pattern with `!`.
    fn decide(
        &self,
        patterns: &[Pattern],
        subject: Subject<'_>,
        host: &Host,
        depth: u32,
    ) -> Result<Option<Option<Match>>, LookupError> {
        for pattern in patterns {
            let found = match &pattern.test {
                Test::Plain { text, network } => {
                    self.plain(text, network, subject)?.then(|| Match { pattern: text.clone(), source: None })
                }
                Test::Table(table) => self.table(table, subject, host)?,
                Test::File(path) => {
                    if let Some(decided) = self.file(path, subject, host, depth)? {
                        let yes = decided.is_some() != pattern.negate;
                        return Ok(Some(if yes { decided.or_else(|| Some(self.negated(path))) } else { None }));
                    }
                    None
                }
            };
            if let Some(found) = found {
                return Ok(Some((!pattern.negate).then_some(found)));
            }
        }
        Ok(None)
    }

    fn negated(&self, path: &SmolStr) -> Match {
        Match { pattern: format_smolstr!("!{path}"), source: Some(Source { file: path.clone(), line: 0 }) }
    }

    fn file(
        &self,
        path: &SmolStr,
        subject: Subject<'_>,
        host: &Host,
        depth: u32,
    ) -> Result<Option<Option<Match>>, LookupError> {
        let problem = |text: String| LookupError { table: path.clone(), warnings: vec![text] };
        if depth >= MAX_FILES {
            return Err(problem(format!("warning: {}: {path}: too many nested files", self.title)));
        }
        let text = host.vfs.read_text(path, &Cred::ROOT).map_err(|errno| {
            let mut error = problem(format!("warning: non-existent:{path} is unavailable. open file {path}: {errno}"));
            error.warnings.push(format!("warning: {}: non-existent:{path}: table lookup problem", self.title));
            error
        })?;
        for line in logical_lines(path, &text, &mut Vec::new()) {
            for word in tokens::list(&line.text) {
                if word.starts_with('#') {
                    break;
                }
                let pattern = Pattern::parse(&self.title, word).map_err(|error| problem(error.0))?;
                if let Some(decided) = self.decide(std::slice::from_ref(&pattern), subject, host, depth + 1)? {
                    return Ok(Some(decided.map(|found| Match {
                        source: found.source.or(Some(Source { file: path.clone(), line: line.first })),
                        ..found
                    })));
                }
            }
        }
        Ok(None)
    }

    fn plain(
        &self,
        text: &str,
        network: &Option<Result<Network, String>>,
        subject: Subject<'_>,
    ) -> Result<bool, LookupError> {
        match subject {
            Subject::String(string) => Ok(string.eq_ignore_ascii_case(text)),
            Subject::Domain(name) => Ok(self.domain(text, name)),
            Subject::Addr(addr) => self.address(text, network, addr),
            Subject::Client { name, addr } => Ok(self.domain(text, name) || self.address(text, network, addr)?),
        }
    }

    fn domain(&self, pattern: &str, name: &str) -> bool {
        if name.eq_ignore_ascii_case(pattern) {
            return true;
        }
        let Some(start) = name.len().checked_sub(pattern.len()).filter(|start| *start > 0) else { return false };
        let tail_matches = name.get(start..).is_some_and(|tail| tail.eq_ignore_ascii_case(pattern));
        if self.parents {
            tail_matches && name.as_bytes().get(start - 1) == Some(&b'.')
        } else {
            pattern.starts_with('.') && tail_matches
        }
    }

    fn address(
        &self,
        pattern: &str,
        network: &Option<Result<Network, String>>,
        addr: &str,
    ) -> Result<bool, LookupError> {
        let plain = pattern.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(pattern);
        if plain.eq_ignore_ascii_case(addr) {
            return Ok(true);
        }
        let Some(network) = network else { return Ok(false) };
        // The families do not meet.
        let is_v6 = |text: &str| text.as_bytes().contains(&b':');
        if is_v6(addr) != is_v6(pattern) {
            return Ok(false);
        }
        match network {
            Ok(network) => Ok(parse_addr(addr).is_some_and(|addr: IpAddr| network.contains(addr))),
            Err(error) => Err(LookupError {
                table: self.title.clone(),
                warnings: vec![format!("warning: {}: {error}", self.title)],
            }),
        }
    }

    fn table(&self, table: &Table, subject: Subject<'_>, host: &Host) -> Result<Option<Match>, LookupError> {
        match subject {
            Subject::String(key) | Subject::Addr(key) => self.ask(table, key, host),
            Subject::Domain(name) => self.ask_parents(table, name, host),
            Subject::Client { name, addr } => match self.ask_parents(table, name, host)? {
                Some(found) => Ok(Some(found)),
                None => self.ask(table, addr, host),
            },
        }
    }

    fn ask_parents(&self, table: &Table, name: &str, host: &Host) -> Result<Option<Match>, LookupError> {
        let mut key = name;
        loop {
            if let Some(found) = self.ask(table, key, host)? {
                return Ok(Some(found));
            }
            // Parts of a name make no sense to patterns.
            let Some(dot) = key.get(1..).and_then(|rest| rest.find('.')).filter(|_| table.is_fixed()) else {
                return Ok(None);
            };
            key = if self.parents { &key[dot + 2..] } else { &key[dot + 1..] };
            if key.is_empty() {
                return Ok(None);
            }
        }
    }

    fn ask(&self, table: &Table, key: &str, host: &Host) -> Result<Option<Match>, LookupError> {
        match table.find(key, host) {
            Ok(found) => Ok(found.map(|found| Match { pattern: found.table, source: found.source })),
            Err(mut error) => {
                error.warnings.push(format!("warning: {}: {}: table lookup problem", self.title, error.table));
                Err(error)
            }
        }
    }

    /// The lines that a program logs when it opens the tables of the list.
    pub fn problems(&self, host: &Host) -> Vec<String> {
        let problems = self.patterns.iter().flat_map(|pattern| match &pattern.test {
            Test::Table(table) => table.problems(host),
            Test::File(path) => match host.vfs.read(path, &Cred::ROOT) {
                Ok(_) => Vec::new(),
                Err(error) => vec![format!("error: open file {path}: {error}")],
            },
            Test::Plain { .. } => Vec::new(),
        });
        problems.collect()
    }
}

impl Pattern {
    fn parse(title: &str, word: &str) -> Result<Pattern, Fatal> {
        let text = word.trim_start_matches('!');
        if text.is_empty() {
            return Err(Fatal(format!("{title}: no pattern after '!'")));
        }
        let negate = (word.len() - text.len()) % 2 == 1;
        let test = if text.starts_with('/') {
            Test::File(text.into())
        } else if !text.starts_with('[') && text.contains(':') {
            Test::Table(Table::new(text, MapFlags::FOLDED))
        } else {
            Test::Plain { text: text.into(), network: looks_like_network(text).then(|| Network::parse(text)) }
        };
        Ok(Pattern { negate, test })
    }
}

fn looks_like_network(pattern: &str) -> bool {
    pattern.chars().all(|c| c.is_ascii_hexdigit() || ".:/[]".contains(c)) && pattern.contains(['.', ':', '/'])
}

#[cfg(test)]
mod tests {
    use super::super::tests::host;
    use super::*;

    fn yes(list: &str, parents: bool, subject: Subject<'_>) -> bool {
        let list = MatchList::parse("mynetworks", list, parents).unwrap();
        list.matches(subject, &host()).unwrap().is_some()
    }

    #[test]
    fn the_first_match_decides() {
        let list = "!192.0.2.100, 192.0.2.0/24, 127.0.0.0/8 [::1]/128";
        let client = |addr| Subject::Client { name: "x.example.org", addr };
        assert!(!yes(list, false, client("192.0.2.100")));
        assert!(yes(list, false, client("192.0.2.101")));
        assert!(yes(list, false, client("::1")));
        assert!(!yes(list, false, client("::2")));
    }

    #[test]
    fn parents_match_with_or_without_a_dot() {
        let cases = [
            ("example.org", false, "a.example.org", false),
            ("example.org", true, "a.example.org", true),
            ("example.org", true, "aexample.org", false),
            (".example.org", false, "a.example.org", true),
            (".example.org", false, "example.org", false),
            ("EXAMPLE.org", false, "example.ORG", true),
        ];
        for (list, parents, name, expected) in cases {
            assert_eq!(yes(list, parents, Subject::Domain(name)), expected, "{list} {parents} {name}");
        }
        assert!(yes("inline:{example.org=x}", true, Subject::Domain("a.b.example.org")));
        assert!(yes("inline:{.example.org=x}", false, Subject::Domain("a.b.example.org")));
    }

    #[test]
    fn a_bad_network_is_an_error_when_it_is_reached() {
        let list = MatchList::parse("mynetworks", "127.0.0.0/8 192.0.2.10/24", false).unwrap();
        let client = |addr| Subject::Client { name: "localhost", addr };
        assert!(list.matches(client("127.0.0.1"), &host()).unwrap().is_some());
        let error = list.matches(client("192.0.2.100"), &host()).unwrap_err();
        assert_eq!(
            error.warnings,
            ["warning: mynetworks: non-null host address bits in \"192.0.2.10/24\", \
              perhaps you should use \"192.0.2.0/24\" instead"]
        );
    }

    #[test]
    fn a_missing_file_or_table_is_an_error() {
        let list = MatchList::parse("virtual_alias_domains", "hash:/etc/postfix/nothere", false).unwrap();
        let error = list.matches(Subject::Domain("a"), &host()).unwrap_err();
        assert_eq!(
            error.warnings[1],
            "warning: virtual_alias_domains: hash:/etc/postfix/nothere: table lookup problem"
        );
        assert!(MatchList::parse("x", "!", false).is_err());
    }
}
