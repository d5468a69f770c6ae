use super::*;
use crate::host::vfs::{Content, Cred};
use crate::mta::postfix::config::{Config, Facts, MainCf, MasterCf};
use crate::sim::Time;

/// A host with a few tables.
pub(super) fn host() -> Host {
    let now = Time::from_secs(1_000_000);
    let spec = crate::host::layout::HostSpec::new(crate::sim::HostId(0), "mx1", "mx1.example.com", now);
    let mut host = crate::host::layout::build(&spec).unwrap();
    host.vfs.now = now;
    host
}

fn compile(host: &mut Host, path: &str, entries: &[(&str, &str)]) {
    let entries = entries
        .iter()
        .zip(1..)
        .map(|((key, value), line)| (SmolStr::from(*key), hash::Entry { value: SmolStr::from(*value), line }))
        .collect();
    let db = hash::HashDb { source: path.into(), entries };
    host.vfs.write(&format!("{path}.db"), Content::Object(Arc::new(db)), 0o644, &Cred::ROOT).unwrap();
}

fn finder(main: &str) -> AddressFinder {
    let main = MainCf::parse("/etc/postfix/main.cf", main, &mut Vec::new()).unwrap();
    let facts = Facts { hostname: "mx1".into(), ..Facts::default() };
    let config = Config { main, master: MasterCf::default(), directory: "/etc/postfix".into(), facts };
    AddressFinder::load(&config.global()).unwrap()
}

#[test]
fn compiled_tables_are_what_was_compiled() {
    let mut host = host();
    compile(&mut host, "/etc/postfix/virtual", &[("sales@example.com", "alice")]);
    let maps = Maps::parse("virtual_alias_maps", "hash:/etc/postfix/virtual", MapFlags::FOLDED).unwrap();
    let found = maps.find("Sales@Example.com", &host).unwrap().unwrap();
    assert_eq!((found.value.as_str(), found.table.as_str()), ("alice", "hash:/etc/postfix/virtual"));
    assert_eq!(found.source.unwrap().to_string(), "/etc/postfix/virtual:1");
    assert_eq!(maps.find("x", &host), Ok(None));
}

#[test]
fn a_table_that_was_never_compiled_is_unavailable() {
    let host = host();
    let maps = Maps::parse("x", "hash:/etc/postfix/virtual", MapFlags::FOLDED).unwrap();
    let reason = "open database /etc/postfix/virtual.db: No such file or directory";
    assert_eq!(maps.problems(&host), [format!("error: {reason}")]);
    let expected = [
        format!("warning: hash:/etc/postfix/virtual is unavailable. {reason}"),
        "warning: hash:/etc/postfix/virtual lookup error for \"a@b\"".to_owned(),
    ];
    assert_eq!(maps.find("a@b", &host).unwrap_err().warnings, expected);
    let maps = Maps::parse("x", "mysql:/etc/postfix/m.cf", MapFlags::FOLDED).unwrap();
    assert_eq!(maps.problems(&host), ["error: unsupported dictionary type: mysql"]);
}

#[test]
fn an_older_database_is_warned_about() {
    let mut host = host();
    compile(&mut host, "/etc/postfix/virtual", &[]);
    host.vfs.write("/etc/postfix/virtual", "a b\n", 0o644, &Cred::ROOT).unwrap();
    host.vfs.set_mtime("/etc/postfix/virtual.db", Time::from_secs(999_000), &Cred::ROOT).unwrap();
    host.vfs.set_mtime("/etc/postfix/virtual", Time::from_secs(999_100), &Cred::ROOT).unwrap();
    let maps = Maps::parse("x", "hash:/etc/postfix/virtual", MapFlags::FOLDED).unwrap();
    let expected = "warning: database /etc/postfix/virtual.db is older than source file /etc/postfix/virtual";
    assert_eq!(maps.problems(&host), [expected]);
}

#[test]
fn changes_of_a_table_are_noticed() {
    let mut host = host();
    compile(&mut host, "/etc/aliases", &[]);
    let maps = Maps::parse("alias_maps", "hash:/etc/aliases", MapFlags::FOLDED).unwrap();
    let stamps = maps.stamps(&host);
    assert_eq!(maps.changed(&stamps, &host), None);
    host.vfs.now = Time::from_secs(1_000_100);
    compile(&mut host, "/etc/aliases", &[]);
    assert_eq!(maps.changed(&stamps, &host).unwrap(), "hash:/etc/aliases(0,lock|fold_fix|utf8_request)");
}

#[test]
fn text_tables_are_read_again_when_they_change() {
    let mut host = host();
    let path = "/etc/postfix/t";
    host.vfs.write(path, "a 1\n", 0o644, &Cred::ROOT).unwrap();
    let maps = Maps::parse("x", "texthash:/etc/postfix/t", MapFlags::FOLDED).unwrap();
    let fork = host.clone();
    assert_eq!(maps.find("a", &host).unwrap().unwrap().value, "1");
    host.vfs.write(path, "a 2\n", 0o644, &Cred::ROOT).unwrap();
    assert_eq!(maps.find("a", &host).unwrap().unwrap().value, "2");
    assert_eq!(maps.find("a", &fork).unwrap().unwrap().value, "1");
}

#[test]
fn combined_tables() {
    let host = host();
    let cases = [
        ("inline:{a=1,b=2}", "a", Some("1")),
        ("static:always", "whatever", Some("always")),
        ("unionmap:{inline:{alice=x},inline:{alice=y}}", "alice", Some("x,y")),
        ("pipemap:{inline:{alice=bob},inline:{bob=carol}}", "alice", Some("carol")),
        ("pipemap:{inline:{alice=bob},inline:{x=carol}}", "alice", None),
        ("proxy:inline:{a=1}", "A", Some("1")),
        ("inline:{x=1}, inline:{a=2}", "a", Some("2")),
    ];
    for (list, key, expected) in cases {
        let maps = Maps::parse("x", list, MapFlags::FOLDED).unwrap();
        let value = maps.find(key, &host).unwrap().map(|found| found.value);
        assert_eq!(value.as_deref(), expected, "{list}");
    }
}

#[test]
fn addresses_are_looked_up_in_parts() {
    let host = host();
    let finder = finder(
        "myhostname = mx1.example.com\nmyorigin = example.com\nmydestination = local.example\nrecipient_delimiter = +\n",
    );
    let list = "inline:{full+x@a.example=1,bare@a.example=2,user=3,@a.example=4}";
    let maps = Maps::parse("x", list, MapFlags::FOLDED).unwrap();
    let cases = [
        ("full+x@a.example", Some(("1", None))),
        ("bare+ext@a.example", Some(("2", Some("+ext")))),
        ("user@example.com", Some(("3", None))),
        ("user+y@local.example", Some(("3", Some("+y")))),
        ("user@b.example", None),
        ("any@a.example", Some(("4", None))),
    ];
    for (address, expected) in cases {
        let found = mail_addr_find(&maps, address, &finder, Strategy::DEFAULT, &host).unwrap();
        let found = found.as_ref().map(|found| (found.found.value.as_str(), found.extension.as_deref()));
        assert_eq!(found, expected, "{address}");
    }
}

#[test]
fn a_domain_value_keeps_the_local_part() {
    let finder = finder("myhostname = mx1.example.com\n");
    let maps = Maps::parse("x", "inline:{@old.example=@new.example}", MapFlags::FOLDED).unwrap();
    let (text, _) = address::mail_addr_map(&maps, "joe@old.example", &finder, &host()).unwrap().unwrap();
    assert_eq!(text, "joe@new.example");
    assert_eq!(address::with_extension(&text, "+x"), "joe+x@new.example");
}
