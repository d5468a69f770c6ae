//! A DNS block list (RFC 5782): a zone that lists hosts which sent mail to spam traps, and the desk
//! where their administrators ask to be taken off.
//!
//! The list is the zone's master file and nothing else. `/etc/dnsbl.conf` says which zone that is,
//! and when a host is listed. `dnsbl-trap` is the command behind the aliases of spam traps; it tells
//! the desk (`desk`) which host handed the mail in. `delist` asks the desk to test a host.

mod client;
mod desk;

pub use client::{Delist, Trap};
pub use desk::Desk;

use std::net::Ipv4Addr;
use std::time::Duration;

use smol_str::SmolStr;

use super::vfs::{Cred, Vfs};

/// The settings.
const CONFIG: &str = "/etc/dnsbl.conf";
/// Where the desk waits: it is a web form.
const PORT: u16 = 80;
/// The zone that `delist` asks unless told otherwise.
const USUAL_ZONE: &str = "dnsbl.test";

/// What `/etc/dnsbl.conf` says, line by line: a word and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Config {
    zone: SmolStr,
    /// Its master file.
    file: SmolStr,
    /// Mails to traps after which a host is listed.
    threshold: u64,
    /// How long a host that failed its test has to wait for the next one.
    penalty: Duration,
}

/// What is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum ConfigError {
    #[error("{CONFIG}: {0}")]
    Unreadable(super::vfs::Errno),
    #[error("{CONFIG}:{line}: expected zone NAME, file PATH, threshold NUMBER or penalty HOURS")]
    Line { line: usize },
    #[error("{CONFIG}: it names no zone")]
    NoZone,
}

impl Config {
    fn read(vfs: &Vfs) -> Result<Config, ConfigError> {
        let text = vfs.read_text(CONFIG, &Cred::ROOT).map_err(ConfigError::Unreadable)?;
        let (mut zone, mut file, mut threshold, mut hours) = (None, None, 10, 24);
        for (nth, line) in text.lines().enumerate() {
            let error = ConfigError::Line { line: nth + 1 };
            let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
            let number = |word: &str| word.parse::<u64>().map_err(|_| error.clone());
            match words.as_slice() {
                [] => {}
                ["zone", name] => zone = Some(SmolStr::new(name.trim_end_matches('.'))),
                ["file", path] => file = Some(SmolStr::new(path)),
                ["threshold", count] => threshold = number(count)?.max(1),
                ["penalty", count] => hours = number(count)?.min(24 * 365),
                _ => return Err(error),
            }
        }
        let zone = zone.ok_or(ConfigError::NoZone)?;
        let file = file.unwrap_or_else(|| format!("/etc/bind/db.{zone}").into());
        Ok(Config { zone, file, threshold, penalty: Duration::from_secs(hours * 3600) })
    }
}

/// The name under which an address is listed, without the zone: `10.2.0.192`.
fn label(addr: Ipv4Addr) -> String {
    let [a, b, c, d] = addr.octets();
    format!("{d}.{c}.{b}.{a}")
}

/// Whether a master file lists an address.
fn is_listed(text: &str, addr: Ipv4Addr) -> bool {
    let label = label(addr);
    text.lines().any(|line| line.split_whitespace().next() == Some(label.as_str()))
}

/// The master file with an address listed, and a new serial.
fn listed(text: &str, addr: Ipv4Addr, reason: &str) -> String {
    let label = label(addr);
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let text = with_next_serial(text);
    format!("{text}{end}{label} A 127.0.0.2\n{label} TXT \"{reason}\"\n")
}

/// The master file without an address, and with a new serial.
fn unlisted(text: &str, addr: Ipv4Addr) -> String {
    let label = label(addr);
    let kept = text.split_inclusive('\n').filter(|line| line.split_whitespace().next() != Some(label.as_str()));
    with_next_serial(&kept.collect::<String>())
}

/// The master file with the next serial in its SOA record: the third field after the type, be it on
/// that line or on one further down.
fn with_next_serial(text: &str) -> String {
    let Some(soa) = text.find(" SOA ").or_else(|| text.find("\tSOA\t")).or_else(|| text.find("\tSOA ")) else {
        return text.to_owned();
    };
    let mut at = soa + 5;
    let mut fields = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() || c == '(' {
            at += c.len_utf8();
            continue;
        }
        if c == ';' {
            at += text[at..].find('\n').unwrap_or(text.len() - at);
            continue;
        }
        let end = text[at..].find(|c: char| c.is_whitespace() || "();".contains(c)).map_or(text.len(), |end| at + end);
        fields += 1;
        if fields == 3 {
            return match text[at..end].parse::<u32>() {
                Ok(serial) => format!("{}{}{}", &text[..at], serial.wrapping_add(1), &text[end..]),
                Err(_) => text.to_owned(),
            };
        }
        at = end;
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str = "$TTL 60\n@ IN SOA ns.dnsbl.test. h.dnsbl.test. ( ; the authority\n  7 ; serial\n  3600 600 86400 60 )\n\
                        @ NS ns\nns A 203.0.113.90\n";

    #[test]
    fn a_host_is_listed_and_taken_off_with_a_new_serial_each_time() {
        let addr = Ipv4Addr::new(192, 0, 2, 10);
        let on = listed(ZONE, addr, "spam");
        assert!(
            on.contains("  8 ; serial") && on.ends_with("10.2.0.192 A 127.0.0.2\n10.2.0.192 TXT \"spam\"\n"),
            "{on}"
        );
        assert!(is_listed(&on, addr) && !is_listed(ZONE, addr));
        assert_eq!(unlisted(&on, addr), ZONE.replace("  7 ;", "  9 ;"));
        assert!(crate::dns::Zone::parse("dnsbl.test", &on, "db").is_ok());
    }

    #[test]
    fn settings_are_read_with_the_place_of_mistakes() {
        let mut vfs = Vfs::new(1, crate::sim::Time::default());
        assert!(matches!(Config::read(&vfs), Err(ConfigError::Unreadable(_))));
        let mut write = |text: &str| {
            vfs.mkdir_all("/etc").unwrap();
            vfs.write(CONFIG, text.to_owned(), 0o644, &Cred::ROOT).unwrap();
            Config::read(&vfs)
        };
        let config = write("# list\nzone dnsbl.test.\nthreshold 3\n").unwrap();
        assert_eq!((config.file.as_str(), config.threshold), ("/etc/bind/db.dnsbl.test", 3));
        assert_eq!(config.penalty, Duration::from_secs(86_400));
        assert_eq!(write("zone a\nthreshold many\n").unwrap_err(), ConfigError::Line { line: 2 });
        assert_eq!(write("threshold 3\n").unwrap_err(), ConfigError::NoZone);
    }
}
