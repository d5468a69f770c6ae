//! The configuration commands against recordings of the real ones.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

use super::*;
use crate::host::layout::{HostSpec, UserSpec, build};
use crate::host::program::Stdin;
use crate::host::vfs::Cred;
use crate::host::{Ctx, Env, Host};
use crate::sim::{HostId, ProcId, Time};
use crate::trace::{Actor, Trace};

/// What a command left behind.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    stdout: String,
    stderr: String,
    status: u8,
}

fn host() -> Host {
    let now = Time::from_secs(1_795_262_400);
    let mut spec = HostSpec::new(HostId(0), "mx1", "mx1.example.com", now);
    spec.addrs = vec!["192.0.2.10".parse().unwrap()];
    spec.users = ["alice", "bob"].map(|name| UserSpec { name: name.into(), ..UserSpec::default() }).to_vec();
    let mut host = build(&spec).unwrap();
    install(&mut host.programs);
    put(&mut host, "/etc/postfix/master.cf", include_str!("../../../../tests/golden/template/master.cf"));
    host
}

fn put(host: &mut Host, path: &str, text: &str) {
    host.vfs.write(path, text, 0o644, &Cred::ROOT).unwrap();
}

fn run(host: &mut Host, argv: &[&str], stdin: &str) -> Ran {
    let Some(Entry::Filter { run, .. }) = host.programs.find(argv[0]) else { panic!("{argv:?}") };
    let args: Vec<String> = argv.iter().map(|arg| (*arg).to_owned()).collect();
    let (mut trace, mut out, mut next_socket) = (Trace::default(), Vec::new(), 0);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let now = host.vfs.now;
    let mut ctx = Ctx {
        now,
        proc: ProcId(1),
        actor: Actor::Student,
        cause: None,
        host,
        trace: &mut trace,
        out: &mut out,
        next_socket: &mut next_socket,
    };
    let mut env = Env {
        ctx: &mut ctx,
        args: &args,
        vars: &BTreeMap::new(),
        cwd: "/root",
        cred: &Cred::ROOT,
        stdin: &mut Stdin::default(),
        stdout: &mut stdout,
        stderr: &mut stderr,
        reader_gone: false,
        tty: false,
    };
    let status = run(&mut env, Bytes::copy_from_slice(stdin.as_bytes()));
    let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
    Ran { stdout: text(stdout), stderr: text(stderr), status }
}

/// A recorded case with its host's files.
struct Case {
    expect: Value,
    host: Host,
}

fn case(text: &str) -> Case {
    let case: Value = serde_json::from_str(text).unwrap();
    let mut host = host();
    for (path, content) in case["hosts"]["mx1"]["files"].as_object().unwrap() {
        put(&mut host, path, content.as_str().unwrap());
    }
    Case { expect: case["expect"]["exec"].clone(), host }
}

impl Case {
    /// Runs a command and compares with the recording; lines of standard error in any order.
    fn check(&mut self, id: &str, argv: &[&str]) {
        let ran = run(&mut self.host, argv, "");
        let expected = &self.expect[id];
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(ran.stdout, expected["stdout"].as_str().unwrap(), "{id} {argv:?}");
        assert_eq!(sorted(&ran.stderr), sorted(expected["stderr"].as_str().unwrap()), "{id} {argv:?}");
        assert_eq!(u64::from(ran.status), expected["exit"].as_u64().unwrap(), "{id} {argv:?}");
    }
}

macro_rules! recorded {
    ($name:literal) => {
        case(include_str!(concat!("../../../../tests/golden/cases/", $name, ".json")))
    };
}

#[test]
fn postconf_shows_what_is_set() {
    recorded!("tools-postconf-n").check("e1", &["postconf", "-n"]);
    recorded!("tools-postconf-unused").check("e1", &["postconf", "-n"]);
    let mut case = recorded!("tools-postconf-no-main-cf");
    case.host.vfs.unlink("/etc/postfix/main.cf", &Cred::ROOT).unwrap();
    case.check("e1", &["postconf", "-n"]);
    recorded!("tools-compat-level").check("e2", &["postconf", "compatibility_level"]);
}

#[test]
fn postconf_shows_defaults() {
    let mut case = recorded!("tools-postconf-defaults");
    let text = case.expect["e1"]["stdout"].as_str().unwrap().to_owned();
    let names = text.lines().filter_map(|line| line.split(" =").next());
    let argv: Vec<&str> = ["postconf", "-d"].into_iter().chain(names).collect();
    case.check("e1", &argv);
}

#[test]
fn postconf_expands() {
    let mut case = recorded!("tools-postconf-macro");
    case.check("e1", &["postconf", "-x", "mydestination", "myorigin", "smtpd_banner"]);
    case.check("e2", &["postconf", "-x", "relay_domains", "mynetworks"]);
    case.check("e3", &["postconf", "-hx", "test_a", "test_b", "test_c", "test_d"]);
    recorded!("tools-postconf-loop").check("e1", &["postconf", "-x", "mydestination"]);
    recorded!("mistakes-undefined-parameter").check("e1", &["postconf", "-x", "mydestination"]);
}

#[test]
fn postconf_shows_master_cf() {
    let mut case = recorded!("tools-postconf-M");
    case.check("e1", &["postconf", "-M", "smtp/inet"]);
    case.check("e2", &["postconf", "-M"]);
    case.check("e3", &["postconf", "-F", "smtp/inet/chroot"]);
    case.check("e4", &["postconf", "-P"]);
    case.check("e5", &["postconf", "-Mf", "maildrop/unix"]);
}

#[test]
fn postconf_changes_master_cf() {
    let mut case = recorded!("tools-postconf-M-edit");
    case.check("e1", &["postconf", "-Me", "submission/inet=submission inet n - y - - smtpd"]);
    case.check("e2", &["postconf", "-P", "submission/inet/smtpd_tls_security_level=encrypt"]);
    case.check("e3", &["postconf", "-M", "submission/inet"]);
    let text = case.host.vfs.read_text("/etc/postfix/master.cf", &Cred::ROOT).unwrap();
    assert!(text.ends_with(case.expect["e4"]["stdout"].as_str().unwrap()), "{text}");
    assert_eq!(run(&mut case.host, &["postconf", "-MX", "submission/inet"], "").status, 0);
    case.check("e5", &["postconf", "-M", "submission/inet"]);
}

#[test]
fn postconf_changes_main_cf() {
    let mut case = recorded!("tools-postconf-n");
    let path = "/etc/postfix/main.cf";
    assert_eq!(run(&mut case.host, &["postconf", "-e", "relayhost = [x]", "new=1"], "").stderr, "");
    let text = case.host.vfs.read_text(path, &Cred::ROOT).unwrap();
    assert!(text.contains("\nrelayhost = [x]\n") && text.ends_with("\nnew = 1\n"), "{text}");
    run(&mut case.host, &["postconf", "-X", "relayhost", "new"], "");
    run(&mut case.host, &["postconf", "-#", "biff"], "");
    let text = case.host.vfs.read_text(path, &Cred::ROOT).unwrap();
    assert!(!text.contains("relayhost") && text.contains("\n#biff = no\n"), "{text}");
    let ran = run(&mut case.host, &["postconf", "-e", "foo"], "");
    assert_eq!(ran.stderr, "postconf: fatal: missing '=' after attribute name: \"foo\"\n");
}

#[test]
fn postmap_asks_all_kinds_of_tables() {
    let mut case = recorded!("tools-postmap-types");
    case.check("e1", &["postmap", "-q", "Subject: hello world", "regexp:/etc/postfix/re"]);
    case.check("e2", &["postmap", "-q", "abc123", "pcre:/etc/postfix/pc"]);
    case.check("e6", &["postmap", "-q", "alice", "unix:passwd.byname"]);
    case.check("e7", &["postmap", "-q", "x", "regexp:/etc/postfix/bad"]);
    let ran = run(&mut case.host, &["postmap", "-q", "192.0.2.77", "cidr:/etc/postfix/ci"], "");
    assert_eq!((ran.stdout.as_str(), ran.status), ("host\n", 0));
    assert_eq!(run(&mut case.host, &["postmap", "-q", "192.0.3.77", "cidr:/etc/postfix/ci"], "").status, 1);
}

#[test]
fn postmap_compiles_and_changes_tables() {
    let mut host = host();
    put(&mut host, "/etc/postfix/main.cf", "compatibility_level = 3.6\n");
    put(&mut host, "/root/t", "a 1\nB 2\nb 3\nlonely\n");
    let ran = run(&mut host, &["postmap", "t"], "");
    let expected = "postmap: warning: t.db: duplicate entry: \"b\"\n\
                    postmap: warning: t, line 4: expected format: key whitespace value\n";
    assert_eq!((ran.stderr.as_str(), ran.status), (expected, 0));
    assert_eq!(run(&mut host, &["postmap", "-s", "hash:t"], "").stdout, "b\t2\na\t1\n");
    assert_eq!(run(&mut host, &["postmap", "-q", "B", "t"], "").stdout, "2\n");
    assert_eq!(run(&mut host, &["postmap", "-q", "-", "t"], "a\nzz\n").stdout, "a\t1\n");
    assert_eq!(run(&mut host, &["postmap", "-d", "a", "t"], "").status, 0);
    assert_eq!(run(&mut host, &["postmap", "-d", "a", "t"], "").status, 1);
    let ran = run(&mut host, &["postmap", "-i", "t"], "n 9\nb 7\n");
    assert_eq!(ran.stderr, "postmap: warning: t.db: duplicate entry: \"b\"\n");
    run(&mut host, &["postmap", "-r", "-i", "t"], "b 7\n");
    assert_eq!(run(&mut host, &["postmap", "-s", "t"], "").stdout, "b\t7\nn\t9\n");
}

#[test]
fn postmap_refuses_what_it_cannot_do() {
    let mut host = host();
    put(&mut host, "/etc/postfix/main.cf", "compatibility_level = 3.6\n");
    put(&mut host, "/root/re", "/x/ y\n");
    let cases: [(&[&str], &str); 8] = [
        (&["nosuch"], "open nosuch: No such file or directory"),
        (&["regexp:re"], "unsupported dictionary type: regexp does not support bulk-mode creation."),
        (&["-q", "a", "hash:nosuch"], "open database nosuch.db: No such file or directory"),
        (&["-q", "a", "mysql:x"], "unsupported dictionary type: mysql"),
        (&["-q", "a", "fail:x"], "table fail:x: query error: Application error"),
        (&["-s", "regexp:re"], "table regexp:re: sequence operation is not supported"),
        (&["-q", "a", "-s", "x"], "specify only one of -s -q or -d"),
        (&["-q", "a", "inline:foo"], "bad syntax: \"inline:foo\"; need \"inline:{name=value...}\""),
    ];
    for (args, expected) in cases {
        let argv: Vec<&str> = ["postmap"].into_iter().chain(args.iter().copied()).collect();
        let ran = run(&mut host, &argv, "");
        assert_eq!((ran.stderr, ran.status), (format!("postmap: fatal: {expected}\n"), 1));
    }
}

#[test]
fn newaliases_compiles_the_alias_database() {
    let mut case = recorded!("alias-syntax-error");
    case.check("e1", &["newaliases"]);
    let listed = run(&mut case.host, &["postalias", "-s", "hash:/etc/aliases"], "").stdout;
    let mut lines: Vec<&str> = listed.lines().filter(|line| !line.starts_with("YP_LAST")).collect();
    lines.sort_unstable();
    let expected = case.expect["e2"]["stdout"].as_str().unwrap();
    let expected: Vec<&str> = expected.lines().filter(|line| !line.starts_with("YP_LAST")).collect();
    assert_eq!(lines, expected);
    assert_eq!(run(&mut case.host, &["postalias", "-q", "info", "hash:/etc/aliases"], "").status, 1);
    recorded!("tools-newaliases-errors").check("e1", &["newaliases"]);
}

#[test]
fn postmulti_lists_the_instances() {
    let mut case = recorded!("tools-postmulti");
    case.check("e1", &["postmulti", "-l"]);
    case.check("e2", &["postmulti", "-i", "-", "-x", "postconf", "mail_name"]);
    assert_eq!(run(&mut case.host, &["postmulti", "-e", "init"], "").status, 0);
}
