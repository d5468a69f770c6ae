//! Tables made of tables: `unionmap:`, `pipemap:`, `randmap:`, and `proxy:`.

use smol_str::SmolStr;

use super::{Answer, Dict, MapFlags, Table, Unavailable};
use crate::host::Host;
use crate::mta::postfix::config::tokens::{list, strip_braces};

/// The members of `{type:name, type:name}`.
fn members(kind: &str, name: &str, need: &str) -> Result<Vec<SmolStr>, String> {
    let bad = || format!("bad syntax: \"{kind}:{name}\"; need \"{kind}:{{{need}...}}\"");
    if !name.starts_with('{') {
        return Err(bad());
    }
    let inner = strip_braces(name).map_err(|_| bad())?;
    let members: Vec<SmolStr> = list(inner).into_iter().map(SmolStr::from).collect();
    if members.is_empty() { Err(bad()) } else { Ok(members) }
}

fn tables(kind: &str, name: &str, flags: MapFlags) -> Result<Vec<Table>, String> {
    let specs = members(kind, name, "type:name")?;
    if specs.iter().any(|spec| !spec.contains(':')) {
        return Err(format!("bad syntax: \"{kind}:{name}\"; need \"{kind}:{{type:name...}}\""));
    }
    Ok(specs.iter().map(|spec| Table::new(spec, flags)).collect())
}

fn ask(table: &Table, key: &str, host: &Host) -> Answer {
    match table.find(key, host) {
        Ok(found) => Ok(found.map(|found| (found.value, found.source))),
        Err(error) => Err(Unavailable(error.warnings)),
    }
}

/// `unionmap:`: the answers of all tables, joined by commas.
#[derive(Debug)]
pub(super) struct Union(Vec<Table>);

impl Union {
    pub(super) fn parse(name: &str, flags: MapFlags) -> Result<Union, String> {
        tables("unionmap", name, flags).map(Union)
    }
}

impl Dict for Union {
    fn lookup(&self, key: &str, host: &Host) -> Answer {
        let mut all: Option<(String, _)> = None;
        for table in &self.0 {
            if let Some((value, source)) = ask(table, key, host)? {
                match &mut all {
                    Some((joined, _)) => {
                        joined.push(',');
                        joined.push_str(&value);
                    }
                    None => all = Some((value.into(), source)),
                }
            }
        }
        Ok(all.map(|(joined, source)| (joined.into(), source)))
    }

    fn problems(&self, host: &Host) -> Vec<String> {
        self.0.iter().flat_map(|table| table.problems(host)).collect()
    }
}

/// `pipemap:`: the answer of one table is the key for the next.
#[derive(Debug)]
pub(super) struct Pipe(Vec<Table>);

impl Pipe {
    pub(super) fn parse(name: &str, flags: MapFlags) -> Result<Pipe, String> {
        tables("pipemap", name, flags).map(Pipe)
    }
}

impl Dict for Pipe {
    fn lookup(&self, key: &str, host: &Host) -> Answer {
        let mut answer = (SmolStr::from(key), None);
        for table in &self.0 {
            match ask(table, &answer.0, host)? {
                Some(next) => answer = next,
                None => return Ok(None),
            }
        }
        Ok(Some(answer))
    }

    fn problems(&self, host: &Host) -> Vec<String> {
        self.0.iter().flat_map(|table| table.problems(host)).collect()
    }
}

/// `randmap:{a, b}`: one of the results. Which one follows from the key, so that the same question
/// has the same answer in every run.
#[derive(Debug)]
pub(super) struct Random(Vec<SmolStr>);

impl Random {
    pub(super) fn parse(name: &str) -> Result<Random, String> {
        members("randmap", name, "value").map(Random)
    }
}

impl Dict for Random {
    fn lookup(&self, key: &str, host: &Host) -> Answer {
        let mut state = host.vfs.now.micros();
        for byte in key.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        let count = self.0.len() as u64;
        let at = usize::try_from((state >> 17) % count.max(1)).unwrap_or(0);
        Ok(self.0.get(at).map(|value| (value.clone(), None)))
    }
}

/// `proxy:type:name`: the table as proxymap(8) sees it.
#[derive(Debug)]
pub(super) struct Proxy(pub(super) Table);

impl Dict for Proxy {
    fn lookup(&self, key: &str, host: &Host) -> Answer {
        ask(&self.0, key, host)
    }

    fn problems(&self, host: &Host) -> Vec<String> {
        self.0.problems(host)
    }

    fn is_fixed(&self) -> bool {
        self.0.is_fixed()
    }
}
