//! Bob's mail program fetches over POP3 and IMAP what lies in his mailbox on another host.

use mxlab::host::layout::{HostSpec, UserSpec, build};
use mxlab::host::vfs::Cred;
use mxlab::mailbox::dovecot::Dovecot;
use mxlab::mua::{Credentials, Errand, Fetch, Protocol, Reader};
use mxlab::sim::{Duration, HostId, Time};
use mxlab::trace::{Actor, Kind, Level};
use mxlab::world::World;

const MAIL: &str = "From alice@example.org  Sat Nov 21 12:00:00 2026\nSubject: one\n\n.dot\n\n\
                    From alice@example.org  Sat Nov 21 12:00:01 2026\nSubject: two\n\nbye\n\n";

fn host(world: &mut World, name: &str, addr: &str, users: &[(&str, &str)]) -> HostId {
    let mut spec = HostSpec::new(HostId(0), name, format!("{name}.example.org"), world.now());
    spec.addrs = vec![addr.parse().unwrap()];
    spec.users = users
        .iter()
        .map(|(user, password)| UserSpec {
            name: (*user).into(),
            password: Some((*password).to_owned()),
            ..UserSpec::default()
        })
        .collect();
    world.add_host(build(&spec).unwrap())
}

/// Fetches once: exit status, output, how many messages the mailbox has afterwards.
fn fetch(protocol: Protocol, password: &str, keep: bool) -> (u8, String, usize, World) {
    let mut world = World::new(7, Time::parse("2026-11-21T12:00:00Z").unwrap(), Level::Full);
    let server = host(&mut world, "mail", "192.0.2.10", &[("bob", "secret")]);
    let client = host(&mut world, "pc", "192.0.2.20", &[("bob", "other")]);
    let owner = Cred { uid: 1000, gid: 8, groups: Vec::new() };
    let vfs = &mut world.host_mut(server).vfs;
    vfs.write("/var/mail/bob", MAIL, 0o660, &Cred::ROOT).unwrap();
    vfs.chown("/var/mail/bob", Some(owner.uid), Some(owner.gid), &Cred::ROOT).unwrap();
    vfs.mkdir_all("/etc/dovecot").unwrap();
    vfs.write("/etc/dovecot/dovecot.conf", "disable_plaintext_auth = no\n", 0o644, &Cred::ROOT).unwrap();
    world.start(server, Box::new(Dovecot::new()), Actor::Daemon);
    let login = Credentials { user: "bob".into(), password: password.into() };
    let errand = Errand { login, keep, all: true, starttls: false };
    let fetch = Fetch { user: "bob".into(), server: "192.0.2.10".into(), protocol, errand };
    let proc = world.start(client, Box::new(Reader::new(fetch)), Actor::Scenario);
    let later = world.now() + Duration::from_secs(60);
    world.advance(later);
    let exit = world.exited(client, proc).expect("the mail program ended");
    let output = String::from_utf8_lossy(&[exit.stdout, exit.stderr].concat()).into_owned();
    let left = world.host(server).vfs.read_text("/var/mail/bob", &Cred::ROOT).unwrap_or_default();
    (exit.status, output, left.matches("From alice@").count(), world)
}

#[test]
fn both_protocols_fetch_everything_and_delete_or_keep() {
    for protocol in [Protocol::Pop3, Protocol::Imap] {
        for (keep, left) in [(false, 0), (true, 2)] {
            let (status, output, after, world) = fetch(protocol, "secret", keep);
            assert_eq!((status, output.as_str(), after), (0, "2\n", left), "{protocol:?} keep {keep}");
            let pc = world.find("pc").unwrap();
            let inbox = world.host(pc).vfs.read_text("/home/bob/Mail/inbox", &Cred::ROOT).unwrap();
            assert!(inbox.contains("Subject: one\n\n.dot\n") && inbox.contains("Subject: two\n\nbye\n"), "{inbox}");
            let told = world.trace().iter().any(|event| matches!(&event.kind, Kind::MuaFetch { count: 2, .. }));
            assert!(told, "mua.fetch");
        }
    }
}

#[test]
fn a_wrong_password_fetches_nothing() {
    for protocol in [Protocol::Pop3, Protocol::Imap] {
        let (status, output, after, _) = fetch(protocol, "wrong", false);
        assert_eq!((status, after), (1, 2), "{protocol:?}");
        assert!(output.starts_with("Authorization failure on bob"), "{output}");
    }
}
