//! Checks of files, settings, queues and the DNS as they are now.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::fork::Fork;
use super::{Bench, Fields, Finding, matches_text, same, text};
use crate::host::vfs::Cred;
use crate::mta::postfix::maps::{MapFlags, Maps};
use crate::mta::postfix::master::Postfix;

/// So many queue IDs are shown at most.
const SHOWN: usize = 3;

/// What is in a queue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// The host.
    pub host: String,
    /// Which entries count, by `queue_name`, `sender`, `address` (of a recipient), `delay_reason`,
    /// `queue_id`; all if missing.
    #[serde(default)]
    pub fields: Fields,
    /// At least so many.
    #[serde(default)]
    pub at_least: u64,
    /// At most so many.
    #[serde(default)]
    pub at_most: Option<u64>,
}

impl Queue {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let mut fork = Fork::of(bench);
        let output = fork.run(&self.host, "root", "postqueue -j", "").map(|exit| exit.stdout).unwrap_or_default();
        let entries = output.split(|octet| *octet == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        let found: Vec<String> = entries.filter(|entry| self.counts(entry)).map(|entry| id(&entry)).collect();
        let count = found.len() as u64;
        let ok = count >= self.at_least && self.at_most.is_none_or(|most| count <= most);
        let what: Vec<String> = self.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let range = match self.at_most {
            Some(most) if most == self.at_least => most.to_string(),
            Some(most) => format!("{}-{most}", self.at_least),
            None => format!("\u{2265}{}", self.at_least),
        };
        let expected = same(format!("mailq@{}[{}]: {range}", self.host, what.join(", ")));
        let shown = found.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(" ");
        let more = if found.len() > SHOWN { " \u{2026}" } else { "" };
        Finding::new(ok, expected, same(format!("{count} {shown}{more}")))
    }

    fn counts(&self, entry: &Value) -> bool {
        self.fields.iter().all(|(name, wanted)| match name.as_str() {
            "address" | "delay_reason" => {
                let recipients = entry.get("recipients").and_then(Value::as_array);
                recipients
                    .into_iter()
                    .flatten()
                    .any(|rcpt| rcpt.get(name).and_then(Value::as_str).is_some_and(|found| matches_text(found, wanted)))
            }
            name => entry.get(name).and_then(Value::as_str).is_some_and(|found| matches_text(found, wanted)),
        })
    }
}

fn id(entry: &Value) -> String {
    entry.get("queue_id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The value of a Postfix parameter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The host.
    pub host: String,
    /// The parameter.
    pub name: String,
    /// Its value after expansion; blanks and commas count alike.
    pub value: String,
    /// Whether the daemons must use it, not only the file say so.
    #[serde(default = "yes")]
    pub running: bool,
}

fn yes() -> bool {
    true
}

/// The running instance of a host.
fn running<'a>(bench: &Bench<'a>, host: &str) -> Option<&'a Postfix> {
    let id = bench.world.find(host)?;
    bench.world.processes(id).find_map(|(_, process)| {
        process.as_any().downcast_ref::<Postfix>().filter(|postfix| postfix.config().is_some())
    })
}

/// The value of a parameter in the running daemons, after expansion.
pub(super) fn running_value(bench: &Bench<'_>, host: &str, name: &str) -> Option<String> {
    Some(running(bench, host)?.config()?.global().get(name).to_string())
}

/// The value of a parameter in the files, after expansion.
pub(super) fn file_value(bench: &Bench<'_>, host: &str, name: &str) -> Option<String> {
    let exit = Fork::of(bench).run(host, "root", &format!("postconf -xh {name}"), "")?;
    Some(String::from_utf8_lossy(&exit.stdout).trim().to_owned())
}

fn list(value: &str) -> String {
    value.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Parameter {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let value = if self.running {
            running_value(bench, &self.host, &self.name)
        } else {
            file_value(bench, &self.host, &self.name)
        };
        let expected = same(format!("{} = {}", self.name, self.value));
        match value {
            Some(value) => {
                let ok = matches_text(&list(&value), &list(&self.value));
                Finding::new(ok, expected, same(format!("{} = {value}", self.name)))
            }
            None => Finding::new(false, expected, text("Postfix does not run", "Postfix läuft nicht")),
        }
    }
}

/// What a lookup table says, as the daemons see it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The host.
    pub host: String,
    /// The table with its type: `hash:/etc/aliases`.
    pub table: String,
    /// The key.
    pub key: String,
    /// The result; the empty text for none.
    pub value: String,
}

impl Lookup {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let expected = same(format!("{} {} -> {}", self.table, self.key, self.value));
        let Some(id) = bench.world.find(&self.host) else {
            return Finding::new(false, expected, same(format!("{} ?", self.host)));
        };
        let found = Maps::parse("lab", &self.table, MapFlags::default())
            .ok()
            .map(|maps| maps.find(&self.key, bench.world.host(id)));
        let value = match found {
            Some(Ok(found)) => found.map_or(String::new(), |found| found.value.to_string()),
            _ => {
                return Finding::new(
                    false,
                    expected,
                    text("the table cannot be used", "die Tabelle ist nicht benutzbar"),
                );
            }
        };
        Finding::new(matches_text(&list(&value), &list(&self.value)), expected, same(format!("-> {value}")))
    }
}

/// What a file contains.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The host.
    pub host: String,
    /// The absolute path.
    pub path: String,
    /// A pattern that one of its lines must match; that it is there at all if missing.
    #[serde(default)]
    pub line: Option<String>,
    /// Its owner; any if missing.
    #[serde(default)]
    pub owner: Option<String>,
    /// Its permission bits in octal; any if missing.
    #[serde(default)]
    pub mode: Option<String>,
}

impl File {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let wanted = [Some(self.path.clone()), self.line.clone(), self.owner.clone(), self.mode.clone()];
        let expected = same(wanted.into_iter().flatten().collect::<Vec<_>>().join(" "));
        let Some(id) = bench.world.find(&self.host) else {
            return Finding::new(false, expected, same(format!("{} ?", self.host)));
        };
        let host = bench.world.host(id);
        let Ok(inode) = host.vfs.stat(&self.path, &Cred::ROOT) else {
            return Finding::new(false, expected, text("there is no such file", "die Datei gibt es nicht"));
        };
        let owner = host.accounts.by_uid(inode.uid).map_or(inode.uid.to_string(), |user| user.name.to_string());
        let mode = format!("{:o}", inode.mode & 0o7777);
        let content = host.vfs.read_text(&self.path, &Cred::ROOT).unwrap_or_default();
        let has_line = self.line.as_ref().is_none_or(|wanted| {
            content
                .lines()
                .any(|line| matches_text(line.split_whitespace().collect::<Vec<_>>().join(" ").as_str(), wanted))
        });
        let ok = has_line
            && self.owner.as_ref().is_none_or(|wanted| *wanted == owner)
            && self.mode.as_ref().is_none_or(|wanted| matches_text(&mode, wanted));
        let size = content.lines().count();
        Finding::new(
            ok,
            expected,
            text(format!("{owner} {mode}, {size} lines"), format!("{owner} {mode}, {size} Zeilen")),
        )
    }
}

/// What a command writes, run in a copy of the world.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The host.
    pub host: String,
    /// The user.
    #[serde(default = "root")]
    pub user: String,
    /// The command line.
    pub run: String,
    /// What a line of its output must match; any if missing.
    #[serde(default)]
    pub line: Option<String>,
    /// Its exit status; any if missing.
    #[serde(default)]
    pub status: Option<u8>,
}

fn root() -> String {
    "root".into()
}

impl Command {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let wanted = [self.line.clone(), self.status.map(|status| format!("exit {status}"))];
        let expected = same(format!("{}: {}", self.run, wanted.into_iter().flatten().collect::<Vec<_>>().join(" ")));
        let Some(exit) = Fork::of(bench).run(&self.host, &self.user, &self.run, "") else {
            return Finding::new(false, expected, text("it does not end", "es endet nicht"));
        };
        let output = String::from_utf8_lossy(&exit.stdout);
        let has_line =
            self.line.as_ref().is_none_or(|wanted| output.lines().any(|line| matches_text(line.trim(), wanted)));
        let ok = has_line && self.status.is_none_or(|status| status == exit.status);
        let shown: String = output.lines().take(3).collect::<Vec<_>>().join(" / ");
        Finding::new(ok, expected, same(format!("{shown} (exit {})", exit.status)))
    }
}

/// What the DNS says to a host that asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// Who asks.
    pub host: String,
    /// The name.
    pub name: String,
    /// The type: `MX`.
    pub qtype: String,
    /// The records as `dig +short` prints them, in any order; a final dot does not matter.
    pub records: Vec<String>,
}

impl Dns {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let expected = same(format!("{} {}: {}", self.name, self.qtype, self.records.join(", ")));
        // A cached answer is no news: a copy asks the resolver that it asks anyway.
        let line = format!("dig +short {} {}", self.qtype, self.name);
        let Some(exit) = Fork::of(bench).run(&self.host, "root", &line, "") else {
            return Finding::new(false, expected, text("no answer", "keine Antwort"));
        };
        let output = String::from_utf8_lossy(&exit.stdout).into_owned();
        let found: BTreeSet<String> = output.lines().map(record).collect();
        let wanted: BTreeSet<String> = self.records.iter().map(|wanted| record(wanted)).collect();
        let shown = found.iter().cloned().collect::<Vec<_>>().join(", ");
        let actual = if shown.is_empty() { text("no record", "kein Eintrag") } else { same(shown) };
        Finding::new(found == wanted, expected, actual)
    }
}

fn record(line: &str) -> String {
    let words: Vec<String> = line
        .split_whitespace()
        .map(|word| if word == "." { ".".to_owned() } else { word.trim_end_matches('.').to_lowercase() })
        .collect();
    words.join(" ")
}

/// Whether something listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listens {
    /// Who tries.
    pub from: String,
    /// `host:port` or `address:port`.
    pub to: String,
    /// Whether it should be reached.
    #[serde(default = "yes")]
    pub open: bool,
}

impl Listens {
    pub(super) fn look(&self, bench: &Bench<'_>) -> Finding {
        let (en, de) =
            if self.open { ("is reached", "ist erreichbar") } else { ("is not reached", "ist nicht erreichbar") };
        let expected =
            text(format!("{} {en} from {}", self.to, self.from), format!("{} {de} von {}", self.to, self.from));
        let mut fork = Fork::of(bench);
        let Some(server) = fork.server(&self.to, 25) else {
            return Finding::new(false, expected, same(format!("{} ?", self.to)));
        };
        let Some(result) = fork.talk(&self.from, server, false, Vec::new()) else {
            return Finding::new(!self.open, expected, text("no answer", "keine Antwort"));
        };
        let open = result.error.is_none();
        let actual = match (result.error, result.lines.first()) {
            (Some(error), _) => same(error),
            (None, Some(banner)) => same(banner.clone()),
            (None, None) => text("connected", "verbunden"),
        };
        Finding::new(open == self.open, expected, actual)
    }
}
