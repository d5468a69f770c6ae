//! The services that every host can run, and which of them run once it is switched on.

use smol_str::SmolStr;

use super::World;
use crate::host::dnsbl::Desk;
use crate::host::layout::Layout;
use crate::host::named::NameServer;
use crate::host::saslauthd::Saslauthd;
use crate::host::services::{Activity, Unit, UnitKind, activity};
use crate::host::spamfilter::SpamFilter;
use crate::host::unbound::RecursiveResolver;
use crate::host::vfs::Cred;
use crate::host::{Command, Host, Process, Spawn};
use crate::mailbox::dovecot::Dovecot;
use crate::sim::HostId;
use crate::trace::Actor;

const MASTER: &str = "/usr/lib/postfix/sbin/master";

/// The unit that runs postfix(1), under this name.
const fn postfix(name: &'static str, description: &'static str, exec_start: &'static str) -> Unit {
    let kind = UnitKind::Command { command: "/usr/sbin/postfix", exec_start, prepare: |_| {} };
    Unit { name, description, docs: "man:postfix(1)", program: MASTER, tag: "postfix", kind }
}

/// Debian's unit brings the files in Postfix's chroot jail up to date (`configure-instance.sh`).
fn fill_chroot(host: &mut Host) {
    // On a full disk the old copies stay.
    let _ = crate::host::layout::copy_into_chroot(&mut host.vfs);
}

/// Makes the units known to the host's service manager. On Debian `postfix.service` only takes the
/// instance `postfix@-.service` along.
pub(super) fn register(host: &mut Host) {
    const AGENT: &str = "Postfix Mail Transport Agent";
    let is_debian = host.layout == Layout::Debian;
    let services = &mut host.services;
    if is_debian {
        let kind = UnitKind::Front { of: "postfix@-" };
        services.register(Unit { program: "", kind, ..postfix("postfix", AGENT, "") });
        let command = "/usr/sbin/postmulti -i - -p start";
        let kind = UnitKind::Command { command: "/usr/sbin/postfix", exec_start: command, prepare: fill_chroot };
        services.register(Unit { kind, ..postfix("postfix@-", "Postfix Mail Transport Agent (instance -)", command) });
    } else {
        services.register(postfix("postfix", AGENT, "/usr/sbin/postfix start"));
    }
    services.register(Unit {
        name: "dovecot",
        description: "Dovecot IMAP/POP3 email server",
        docs: "man:dovecot(1)",
        program: "/usr/sbin/dovecot",
        tag: "dovecot",
        kind: UnitKind::Daemon { make: || Box::new(Dovecot::new()) },
    });
    services.register(Unit {
        name: "named",
        description: "BIND Domain Name Server",
        docs: "man:named(8)",
        program: "/usr/sbin/named",
        tag: "named",
        kind: UnitKind::Daemon { make: || Box::new(NameServer::from_files()) },
    });
    services.register(Unit {
        name: "unbound",
        description: "Unbound DNS server",
        docs: "man:unbound(8)",
        program: "/usr/sbin/unbound",
        tag: "unbound",
        kind: UnitKind::Daemon { make: || Box::new(RecursiveResolver::from_files()) },
    });
    services.register(Unit {
        name: "saslauthd",
        description: "LSB: saslauthd startup script",
        docs: "man:systemd-sysv-generator(8)",
        program: "/usr/sbin/saslauthd",
        tag: "saslauthd",
        kind: UnitKind::Daemon { make: || Box::new(Saslauthd::default()) },
    });
    services.register(Unit {
        name: "dnsbld",
        description: "DNS block list with its delisting form",
        docs: "man:dnsbld(8)",
        program: "/usr/sbin/dnsbld",
        tag: "dnsbld",
        kind: UnitKind::Daemon { make: || Box::new(Desk::new()) },
    });
    services.register(Unit {
        name: "spamfilter",
        description: "Content filter for mail",
        docs: "man:spamfilter(8)",
        program: "/usr/sbin/spamfilter",
        tag: "spamfilter",
        kind: UnitKind::Daemon { make: || Box::new(SpamFilter::default()) },
    });
    services.register(Unit {
        name: "fetchmail",
        description: "LSB: init-Script for system wide fetchmail daemon",
        docs: "man:systemd-sysv-generator(8)",
        program: "/usr/bin/fetchmail",
        tag: "fetchmail",
        kind: UnitKind::Daemon { make: fetchmail },
    });
    services.register(Unit {
        name: "rsyslog",
        description: "System Logging Service",
        docs: "man:rsyslogd(8)",
        program: "/usr/sbin/rsyslogd",
        tag: "rsyslogd",
        kind: UnitKind::Syslog,
    });
}

/// The system-wide daemon, which polls what `/etc/fetchmailrc` says.
fn fetchmail() -> Box<dyn Process> {
    let words = ["/usr/bin/fetchmail", "--nodetach", "-d", "300", "-f", "/etc/fetchmailrc"];
    crate::host::shell::run_spawn(daemon(Command::Exec(words.map(str::to_owned).to_vec())))
}

/// What the service manager runs: as root, with a plain environment.
fn daemon(command: Command) -> Spawn {
    Spawn {
        command,
        cred: Cred::ROOT,
        cwd: SmolStr::new_static("/"),
        env: vec![
            ("LANG".into(), "C.UTF-8".into()),
            ("PATH".into(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin".into()),
        ],
        umask: 0o022,
        stdin: Default::default(),
        tty: false,
    }
}

impl World {
    /// Switches a host on, if it is off, and starts its enabled services. They are ready a moment
    /// later.
    pub fn boot(&mut self, id: HostId) {
        self.set_up(id, true);
        let now = self.now();
        let host = self.host_mut(id);
        host.booted = now;
        host.services.boot();
        let units: Vec<Unit> = host.services.units().copied().collect();
        let enabled = |unit: &Unit| host.services.is_enabled(unit);
        // An instance runs when the unit that takes it along does.
        let wanted = |unit: &Unit| {
            enabled(unit)
                && units.iter().all(|other| match other.kind {
                    UnitKind::Front { of } if of == unit.name => enabled(other),
                    _ => true,
                })
        };
        let wanted: Vec<Unit> = units.iter().filter(|unit| wanted(unit)).copied().collect();
        host.syslog.running = wanted.iter().any(|unit| matches!(unit.kind, UnitKind::Syslog));
        for unit in wanted {
            match (unit.kind, activity(self.host(id), &unit)) {
                (_, Activity::Running(..)) => {}
                (UnitKind::Daemon { make }, _) => drop(self.start(id, make(), Actor::Daemon)),
                (UnitKind::Command { command, prepare, .. }, _) => {
                    prepare(self.host_mut(id));
                    let line = Command::Exec(vec![command.to_owned(), "start".to_owned()]);
                    self.spawn(id, daemon(line), Actor::Daemon);
                }
                (UnitKind::Front { .. } | UnitKind::Syslog, _) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::host::layout::{HostSpec, build};
    use crate::host::vfs::Cred;
    use crate::host::{Command, Spawn};
    use crate::sim::{Duration, HostId, Time};
    use crate::trace::{Actor, Level};
    use crate::world::{World, install_programs};

    /// Runs a command line: its output and status.
    fn run(world: &mut World, line: &str) -> (String, u8) {
        let spawn = Spawn {
            command: Command::Shell(line.to_owned()),
            cred: Cred::ROOT,
            cwd: "/root".into(),
            env: Vec::new(),
            umask: 0o022,
            stdin: Default::default(),
            tty: false,
        };
        let proc = world.spawn(HostId(0), spawn, Actor::Student);
        let end = world.now() + Duration::from_secs(5);
        world.advance(end);
        let exit = world.exited(HostId(0), proc).expect("it has ended");
        (String::from_utf8_lossy(&[exit.stdout, exit.stderr].concat()).into_owned(), exit.status)
    }

    #[test]
    fn what_is_started_listens_and_what_is_stopped_does_not() {
        let mut world = World::new(1, Time::from_secs(1_800_000_000), Level::Full);
        let mut host = build(&HostSpec::new(HostId(0), "ns", "ns.test", world.now())).unwrap();
        install_programs(&mut host);
        world.add_host(host);
        let listens = "ss -tln | grep -c :53";
        assert_eq!(run(&mut world, listens), ("0\n".into(), 1));
        assert_eq!(run(&mut world, "systemctl start named"), (String::new(), 0));
        assert_eq!(run(&mut world, listens), ("1\n".into(), 0));
        assert_eq!(run(&mut world, "systemctl is-active named"), ("active\n".into(), 0));
        assert_eq!(run(&mut world, "systemctl restart named; systemctl stop named"), (String::new(), 0));
        assert_eq!(run(&mut world, listens), ("0\n".into(), 1));
    }

    #[test]
    fn a_faulty_configuration_stops_the_start_with_the_reason_in_log_and_status() {
        let mut world = World::new(1, Time::from_secs(1_800_000_000), Level::Full);
        let mut host = build(&HostSpec::new(HostId(0), "mx", "mx.test", world.now())).unwrap();
        install_programs(&mut host);
        world.add_host(host);
        let line = "mkdir -p /etc/postfix; echo 'mydomain =' >/etc/postfix/main.cf; echo 'smtp x' >/etc/postfix/master.cf; systemctl start postfix";
        run(&mut world, line);
        let (shown, status) = run(&mut world, "systemctl status postfix@-");
        assert!(shown.contains("Active: failed (Result: exit-code)") && shown.contains("fatal: "), "{shown}");
        assert_eq!(status, 3);
    }

    #[test]
    fn names_are_asked_for_and_servers_talked_to_by_hand() {
        let mut world = World::new(1, Time::from_secs(1_800_000_000), Level::Full);
        let mut host = build(&HostSpec::new(HostId(0), "ns", "ns.test", world.now())).unwrap();
        install_programs(&mut host);
        world.add_host(host);
        let zone = "$TTL 3600\n@ IN SOA ns.example.org. root.example.org. 1 2 3 4 5\n@ IN NS ns\nns IN A 127.0.0.1\n\
                    @ IN MX 10 fks1\n@ IN MX 50 lax1\nfks1 IN A 192.0.2.1\n";
        let files = &mut world.host_mut(HostId(0)).vfs;
        files.mkdir_all("/etc/bind").unwrap();
        files.write("/etc/bind/example.org.zone", zone, 0o644, &Cred::ROOT).unwrap();
        files.write("/etc/resolv.conf", "nameserver 127.0.0.1\n", 0o644, &Cred::ROOT).unwrap();
        for (line, output, status) in [
            ("systemctl start named", "", 0),
            (
                "host -t MX example.org",
                "example.org mail is handled by 10 fks1.example.org.\nexample.org mail is handled by 50 lax1.example.org.\n",
                0,
            ),
            ("host fks1.example.org", "fks1.example.org has address 192.0.2.1\n", 0),
            ("host -t MX fks1.example.org", "fks1.example.org has no MX record\n", 0),
            ("host nope.example.org", "Host nope.example.org not found: 3(NXDOMAIN)\n", 1),
            ("dig mx example.org +short", "10 fks1.example.org.\n50 lax1.example.org.\n", 0),
            ("dig +noall +answer fks1.example.org", "fks1.example.org.\t3600\tIN\tA\t192.0.2.1\n", 0),
            ("dig example.org -t mx | grep -cE 'status: NOERROR|^;example.org.\t\t\tIN\tMX|MSG SIZE'", "3\n", 0),
            (
                "telnet 127.0.0.1 26",
                "Trying 127.0.0.1...\ntelnet: Unable to connect to remote host: Connection refused\n",
                1,
            ),
            ("nc -zv 127.0.0.1 53", "Connection to 127.0.0.1 53 port [tcp/domain] succeeded!\n", 0),
            ("nc -zv 127.0.0.1 26", "nc: connect to 127.0.0.1 port 26 (tcp) failed: Connection refused\n", 1),
        ] {
            assert_eq!(run(&mut world, line), (output.to_owned(), status), "{line}");
        }
    }
}
