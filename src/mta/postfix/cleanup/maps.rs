//! Address tables of cleanup(8): canonical (one to one), virtual alias (one to many), masquerading.

use smol_str::SmolStr;

use super::conf::Table;
use super::state::{State, warn_of};
use super::status::Status;
use crate::host::Host;
use crate::mail::address::{self, Token};
use crate::mta::postfix::maps::{Found, FoundAddress, LookupError, MatchList, Strategy, Subject, mail_addr_find};
use crate::mta::postfix::trivial_rewrite::Context;
use crate::trace::Kind;

/// Most times that a canonical table is applied to its own result.
const MAX_RECURSION: u32 = 1000;

/// `masquerade_domains` and `masquerade_exceptions`.
#[derive(Clone, Debug, Default)]
pub struct Masquerade {
    /// Domains whose subdomains are hidden; `!` means "not this one".
    pub domains: Vec<SmolStr>,
    /// Local parts that are left alone.
    pub exceptions: MatchList,
}

impl Masquerade {
    /// The address with its subdomain stripped, if it has one to hide.
    pub fn apply(&self, address: &str, host: &Host) -> Option<SmolStr> {
        if self.domains.is_empty() {
            return None;
        }
        let (local, domain) = address.rsplit_once('@')?;
        if matches!(self.exceptions.matches(Subject::String(local), host), Ok(Some(_))) {
            return None;
        }
        let domain = domain.to_ascii_lowercase();
        for entry in &self.domains {
            let masked = entry.trim_start_matches('!').to_ascii_lowercase();
            let keep = (entry.len() - masked.len()) % 2 == 1;
            if domain == masked {
                return None;
            }
            if domain.strip_suffix(masked.as_str()).is_some_and(|rest| rest.ends_with('.')) {
                return (!keep).then(|| format!("{local}@{masked}").into());
            }
        }
        None
    }
}

impl State<'_, '_> {
    /// Looks up an address and reads the result as a list of addresses in internal form.
    fn map(&self, table: &Table, address: &str, propagate: bool) -> Result<Option<(Found, Vec<SmolStr>)>, LookupError> {
        let hit = mail_addr_find(&table.maps, address, &self.conf.finder, Strategy::DEFAULT, self.ctx.host)?;
        let Some(FoundAddress { found, extension, .. }) = hit else { return Ok(None) };
        let (local, _) = address::split(address);
        let value = match found.value.strip_prefix('@') {
            Some(_) => format!("{}{}", address::quote(&format!("{local}@")).trim_end_matches('@'), found.value),
            None => found.value.to_string(),
        };
        let extension =
            extension.filter(|extension| propagate && !extension.is_empty() && !found.value.starts_with('@'));
        let results = address::parse_list(&value)
            .into_iter()
            .filter_map(|token| match token {
                Token::Address(mut tokens) => {
                    self.conf.rewriter.tokens(Context::Local, &mut tokens);
                    Some(with_extension(&address::internalize(&tokens), extension.as_deref()))
                }
                _ => None,
            })
            .collect();
        Ok(Some((found, results)))
    }

    /// Applies a canonical table until nothing changes (`cleanup_map11.c`).
    pub(super) fn map_one(&mut self, table: &Table, address: SmolStr, field: &'static str) -> SmolStr {
        let mut current = address;
        for _ in 0..MAX_RECURSION {
            match self.map(table, &current, self.conf.propagate_canonical) {
                Ok(Some((_, results))) => {
                    if results.len() > 1 {
                        warn_of!(self, "{}: multi-valued {} entry for {current}", self.id, table.name);
                    }
                    let Some(next) = results.into_iter().next() else { return current };
                    if next != current {
                        let (from, to) = (current.clone(), next.clone());
                        self.ctx.note(|| Kind::Rewrite { kind: table.name.into(), field: field.into(), from, to });
                    }
                    let same = next.eq_ignore_ascii_case(&current);
                    current = next;
                    if same {
                        return current;
                    }
                }
                Ok(None) => return current,
                Err(error) => {
                    self.lookup_problem(table, Some(&current), error);
                    return current;
                }
            }
        }
        warn_of!(
            self,
            "{}: unreasonable {} map nesting for {current} -- message not accepted, try again later",
            self.id,
            table.name
        );
        self.errs |= Status::WRITE;
        current
    }

    /// Expands an address with the virtual alias table (`cleanup_map1n.c`).
    pub(super) fn map_many(&mut self, address: &SmolStr) -> Vec<SmolStr> {
        let conf = self.conf.clone();
        let table = &conf.virtual_alias;
        let mut results = vec![address.clone()];
        let mut done: Vec<SmolStr> = Vec::new();
        let mut at = 0;
        while at < results.len() {
            if results.len() as u64 > conf.virtual_alias_expansion_limit {
                return self.expansion_error(
                    address,
                    format_args!("unreasonable {} map expansion size for {address}", table.name),
                );
            }
            for depth in 0.. {
                let current = results[at].clone();
                if done.iter().any(|seen| seen.eq_ignore_ascii_case(&current)) {
                    break;
                }
                if depth >= conf.virtual_alias_recursion_limit {
                    return self.expansion_error(
                        address,
                        format_args!("unreasonable {} map nesting for {address}", table.name),
                    );
                }
                match self.map(table, &current, conf.propagate_virtual) {
                    Ok(Some((found, expanded))) => {
                        self.note_expansion(&current, &found, &expanded);
                        if let Some(long) =
                            expanded.iter().find(|result| result.len() as u64 > conf.virtual_alias_address_length_limit)
                        {
                            let text: String = long.chars().take(300).collect();
                            return self.expansion_error(
                                address,
                                format_args!("unreasonable {} result {text}...", table.name),
                            );
                        }
                        if expanded.iter().any(|result| result.eq_ignore_ascii_case(&current)) {
                            done.push(current);
                        }
                        let mut expanded = expanded.into_iter();
                        match expanded.next() {
                            Some(first) => results[at] = first,
                            None => break,
                        }
                        results.extend(expanded);
                    }
                    Ok(None) => break,
                    Err(error) => {
                        self.lookup_problem(table, Some(&current), error);
                        self.reason = Some("4.6.0 Alias expansion error".to_owned());
                        return vec![address.clone()];
                    }
                }
            }
            at += 1;
        }
        results
    }

    fn note_expansion(&mut self, name: &SmolStr, found: &Found, results: &[SmolStr]) {
        let source = || match &found.source {
            Some(source) => source.to_string().into(),
            None => found.table.clone(),
        };
        self.ctx.note(|| Kind::AliasExpand { name: name.clone(), source: source(), results: results.to_vec() });
    }

    fn expansion_error(&mut self, address: &SmolStr, what: std::fmt::Arguments<'_>) -> Vec<SmolStr> {
        warn_of!(self, "{}: {what} -- message not accepted, try again later", self.id);
        self.errs |= Status::DEFER;
        self.reason = Some("4.6.0 Alias expansion error".to_owned());
        vec![address.clone()]
    }

    /// A table cannot be read: the message must wait.
    pub(super) fn lookup_problem(&mut self, table: &Table, key: Option<&str>, error: LookupError) {
        for line in error.warnings {
            self.log_line(format_args!("{line}"));
        }
        let key = key.map_or_else(String::new, |key| format!(" for {key}"));
        warn_of!(self, "{}: {} map lookup problem{key} -- message not accepted, try again later", self.id, table.name);
        self.errs |= Status::WRITE;
    }
}

fn with_extension(address: &str, extension: Option<&str>) -> SmolStr {
    let Some(extension) = extension else { return address.into() };
    let (local, _) = address::split(address);
    format!("{local}{extension}{}", &address[local.len()..]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masquerading_hides_subdomains_in_order() {
        let now = crate::sim::Time::from_secs(1_000_000);
        let spec = crate::host::layout::HostSpec::new(crate::sim::HostId(0), "mx1", "mx1.example.com", now);
        let host = crate::host::layout::build(&spec).unwrap();
        let masquerade = Masquerade {
            domains: vec!["foo.example.com".into(), "!bar.example.com".into(), "example.com".into()],
            exceptions: MatchList::parse("masquerade_exceptions", "root", false).unwrap(),
        };
        for (address, masked) in [
            ("a@x.foo.example.com", Some("a@foo.example.com")),
            ("a@x.bar.example.com", None),
            ("a@host.example.com", Some("a@example.com")),
            ("a@example.com", None),
            ("root@host.example.com", None),
            ("a@notexample.com", None),
            ("a", None),
        ] {
            assert_eq!(masquerade.apply(address, &host).as_deref(), masked, "{address}");
        }
    }

    #[test]
    fn extensions_go_before_the_domain() {
        assert_eq!(with_extension("alice@example.com", Some("+tag")), "alice+tag@example.com");
        assert_eq!(with_extension("alice", None), "alice");
    }
}
