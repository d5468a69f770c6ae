//! Expansion against small sets of files, users and aliases.

use std::collections::BTreeMap;

use super::lookups::{Alias, Lookups, Route, Table, Unavailable};
use super::settings::Settings;
use super::*;
use crate::host::accounts::Accounts;
use crate::host::vfs::{Cred, Vfs};
use crate::trace::Source;

#[derive(Clone, Default)]
struct Fake {
    aliases: BTreeMap<&'static str, &'static str>,
}

impl Lookups for Fake {
    fn alias(&mut self, name: &str) -> Result<Option<Alias>, Unavailable> {
        let alias = |value: &&str| Alias {
            value: (*value).into(),
            table: "hash:/etc/aliases".into(),
            source: Some(Source { file: "/etc/aliases".into(), line: 1 }),
            owner: 0,
        };
        Ok(self.aliases.get(name).map(alias))
    }

    fn find(&mut self, _: Table, _: &str) -> Result<Option<SmolStr>, Unavailable> {
        Ok(None)
    }

    fn route(&mut self, _: &str, address: &str) -> Route {
        match address.split_once('@') {
            None => Route::Here(format!("{address}@example.com").into()),
            Some((_, "example.com")) => Route::Here(address.into()),
            Some(_) => Route::Elsewhere(address.into()),
        }
    }

    fn canonical(&mut self, address: &str) -> SmolStr {
        format!("{address}@example.com").into()
    }
}

struct World {
    settings: Settings,
    lookups: Fake,
    vfs: Vfs,
    accounts: Accounts,
    delivered_to: Vec<SmolStr>,
}

impl World {
    fn new(aliases: &[(&'static str, &'static str)]) -> World {
        let mut vfs = Vfs::new(1, Time::from_secs(1000));
        for (uid, user) in (1000..).zip(["alice", "bob"]) {
            vfs.mkdir_all(&format!("/home/{user}")).unwrap();
            vfs.chown(&format!("/home/{user}"), Some(uid), Some(uid), &Cred::ROOT).unwrap();
        }
        vfs.mkdir_all("/etc").unwrap();
        let passwd = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n";
        vfs.write("/etc/passwd", passwd, 0o644, &Cred::ROOT).unwrap();
        vfs.write("/etc/group", "", 0o644, &Cred::ROOT).unwrap();
        let mut accounts = Accounts::default();
        accounts.refresh(&vfs);
        let settings = Settings { recipient_delimiter: "+".into(), ..Settings::default() };
        World {
            settings,
            lookups: Fake { aliases: aliases.iter().copied().collect() },
            vfs,
            accounts,
            delivered_to: Vec::new(),
        }
    }

    fn forward(&mut self, user: &str, name: &str, text: &str) {
        let uid = self.accounts.user(user).unwrap().uid;
        let cred = Cred { uid, gid: uid, groups: vec![] };
        self.vfs.write(&format!("/home/{user}/{name}"), text, 0o644, &cred).unwrap();
    }

    fn expand(&self, address: &str) -> Plan {
        let mut lookups = self.lookups.clone();
        let mut expander = Expander {
            settings: &self.settings,
            lookups: &mut lookups,
            vfs: &self.vfs,
            accounts: &self.accounts,
            delivered_to: &self.delivered_to,
            probe: false,
            verify: false,
            success: false,
            queue_id: "Q",
            seen: BTreeSet::new(),
            plan: Plan::default(),
            full: true,
        };
        let attributes =
            Attributes { sender: "s@example.org".into(), why: Some(Decision::default()), ..Default::default() };
        expander.recipient(attributes, address.into());
        expander.plan
    }

    /// The targets as short texts.
    fn targets(&self, address: &str) -> Vec<String> {
        let show = |target: &Target| {
            let address = &target.attributes.address;
            match &target.action {
                Action::Mailbox { path, .. } => format!("{address} mailbox {path}"),
                Action::Maildir { path, .. } => format!("{address} maildir {path}"),
                Action::File(path) => format!("{address} file {path}"),
                Action::Command(line) => format!("{address} command {line}"),
                Action::Pass(transport) => format!("{address} pass {transport}"),
                Action::Forward => format!("forward {address} from {}", target.attributes.sender),
                Action::Report { dsn, reason, .. } => format!("{address} {dsn} {reason}"),
            }
        };
        self.expand(address).targets.iter().map(show).collect()
    }
}

#[test]
fn aliases_lead_to_every_kind_of_target() {
    let world = World::new(&[
        ("team", "alice, bob, carol@example.net"),
        ("prog", "\"|/srv/filter arg\""),
        ("archive", "/srv/archive, /srv/box/"),
        ("loop", "loop2"),
        ("loop2", "loop"),
        ("root", "root, alice"),
        ("keep", "\\alice, bob"),
        ("info+x", "bob"),
        ("info", "alice"),
    ]);
    let cases: [(&str, &[&str]); 7] = [
        (
            "team@example.com",
            &[
                "alice@example.com mailbox /var/mail/alice",
                "bob@example.com mailbox /var/mail/bob",
                "forward carol@example.net from s@example.org",
            ],
        ),
        ("prog@example.com", &["prog@example.com command /srv/filter arg"]),
        ("archive@example.com", &["archive@example.com file /srv/archive", "archive@example.com maildir /srv/box/"]),
        ("root@example.com", &["root@example.com mailbox /var/mail/root", "alice@example.com mailbox /var/mail/alice"]),
        ("keep@example.com", &["alice@example.com mailbox /var/mail/alice", "bob@example.com mailbox /var/mail/bob"]),
        ("info+x@example.com", &["bob@example.com mailbox /var/mail/bob"]),
        ("info+y@example.com", &["alice@example.com mailbox /var/mail/alice"]),
    ];
    for (address, expected) in cases {
        assert_eq!(world.targets(address), expected, "{address}");
    }
    let looped = world.targets("loop@example.com");
    assert!(looped[0].contains("5.4.6 alias database loop for loop"), "{looped:?}");
}

#[test]
fn an_owner_alias_replaces_the_sender_and_makes_new_messages() {
    let world = World::new(&[("list", "alice, carol@example.net"), ("owner-list", "bob")]);
    assert_eq!(
        world.targets("list@example.com"),
        [
            "forward alice@example.com from owner-list@example.com",
            "forward carol@example.net from owner-list@example.com"
        ]
    );
}

#[test]
fn forward_files_are_read_in_the_order_of_the_path_and_only_from_their_owner() {
    let mut world = World::new(&[]);
    world.forward("alice", ".forward", "\\alice, bob\n# comment\n~/kept\n");
    world.forward("alice", ".forward+lists", "|cat\n");
    assert_eq!(
        world.targets("alice+x@example.com"),
        [
            "alice@example.com mailbox /var/mail/alice",
            "forward bob@example.com from s@example.org",
            "alice+x@example.com file /home/alice/kept"
        ]
    );
    assert_eq!(world.targets("alice+lists@example.com"), ["alice+lists@example.com command cat"]);
    world.forward("bob", ".forward", "");
    assert_eq!(world.targets("bob@example.com"), ["bob@example.com mailbox /var/mail/bob"]);
    world.vfs.chown("/home/bob/.forward", Some(1000), None, &Cred::ROOT).unwrap();
    assert_eq!(world.expand("bob@example.com").warnings, ["file /home/bob/.forward has bad owner uid 1000"]);
}

#[test]
fn include_files_are_always_sent_on_and_may_not_name_commands() {
    let mut world = World::new(&[("list", ":include:/etc/list"), ("bad", ":include:list")]);
    world.vfs.write("/etc/list", "# members\nalice\nbob, \"|sh\"\n", 0o644, &Cred::ROOT).unwrap();
    assert_eq!(
        world.targets("list@example.com"),
        [
            "forward alice@example.com from s@example.org",
            "forward bob@example.com from s@example.org",
            "list@example.com 5.7.1 mail to command is restricted"
        ]
    );
    assert_eq!(world.targets("bad@example.com"), ["bad@example.com 5.3.5 mail system configuration error"]);
}

#[test]
fn unknown_users_bounce_or_go_where_the_relay_says() {
    let mut world = World::new(&[]);
    assert_eq!(world.targets("Nobody@example.com"), ["Nobody@example.com 5.1.1 unknown user: \"nobody\""]);
    assert_eq!(world.targets("mailer-daemon@example.com"), ["mailer-daemon@example.com 2.0.0 discarded"]);
    world.settings.luser_relay = "$user@example.net".into();
    assert_eq!(world.targets("who@example.com"), ["forward who@example.net from s@example.org"]);
    world.settings.fallback_transport = "lmtp:unix:x".into();
    assert_eq!(world.targets("who@example.com"), ["who@example.com pass lmtp:unix:x"]);
}

#[test]
fn mail_that_was_here_before_bounces() {
    let mut world = World::new(&[]);
    world.delivered_to = vec!["alice@example.com".into()];
    assert_eq!(
        world.targets("Alice@example.com"),
        ["Alice@example.com 5.4.6 mail forwarding loop for Alice@example.com"]
    );
}

#[test]
fn every_step_of_an_expansion_is_told() {
    let world = World::new(&[("info", "alice")]);
    let plan = world.expand("info@example.com");
    let why = plan.targets[0].attributes.why.as_ref().unwrap();
    let rules: Vec<_> = why.steps.iter().map(|step| (step.rule.as_str(), step.input.as_str(), step.matched)).collect();
    assert_eq!(rules[0], ("alias_maps", "info", true));
    assert_eq!(why.steps[0].source.as_ref().unwrap().to_string(), "/etc/aliases:1");
    assert_eq!(rules.last(), Some(&("mail_spool_directory", "/var/mail/alice", true)));
    assert_eq!(plan.expanded[0].results, ["alice"]);
}
