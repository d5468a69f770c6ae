//! Mail and network tools in a world of their own: command lines, and what they print.
//!
//! Every snapshot is the transcript of a shell session of bob at `pc`: the command line, standard
//! output and standard error as they came, the exit status if it is not 0.

#![allow(clippy::disallowed_methods, reason = "tests read their cases")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mxlab::host::{Command, Spawn};
use mxlab::mua::{Credentials, Errand, Fetch, Protocol, Reader, Security, SendMail, Submission};
use mxlab::scenario::{Scenario, Sources};
use mxlab::session::Session;
use mxlab::sim::Duration;
use mxlab::trace::Actor;
use mxlab::world::World;

/// The world after its setup.
fn world() -> World {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/world.ron");
    let text = fs::read_to_string(path).unwrap();
    let sources = Sources { name: "tools".into(), file: "world.ron".into(), text, ..Sources::default() };
    let scenario = Scenario::load(&sources).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let mut session = Session::new(Arc::new(scenario), None, None).unwrap();
    session.run_script(None);
    session.world().clone()
}

/// Runs a command line as a user of a host, with everything on standard input from the beginning.
fn run(world: &mut World, host: &str, user: &str, line: &str, stdin: &str) -> String {
    let id = world.find(host).unwrap();
    let account = world.host(id).accounts.user(user).unwrap().clone();
    let spawn = Spawn {
        command: Command::Shell(line.to_owned()),
        cred: world.host(id).accounts.cred(&account),
        cwd: account.home.clone(),
        env: vec![
            ("HOME".into(), account.home.to_string()),
            ("USER".into(), user.to_owned()),
            ("LOGNAME".into(), user.to_owned()),
        ],
        umask: 0o022,
        stdin: stdin.to_owned().into(),
        tty: false,
    };
    let proc = world.spawn(id, spawn, Actor::Student);
    let end = world.now() + Duration::from_secs(400);
    let mut exit = None;
    while exit.is_none() && world.step(end) {
        exit = world.exited(id, proc);
    }
    let exit = exit.unwrap_or_else(|| panic!("{line}: still running"));
    let mut text = format!("$ {line}\n");
    for octets in [exit.stdout, exit.stderr] {
        text.push_str(&String::from_utf8_lossy(&octets).replace('\r', "␍"));
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    if exit.status != 0 {
        text.push_str(&format!("[status {}]\n", exit.status));
    }
    text
}

/// Without what depends on the moment and on process numbers.
fn steady(transcript: &str) -> String {
    let mut text = transcript.to_owned();
    for (pattern, replacement) in [
        ("queued as [0-9A-F]+", "queued as ID"),
        ("<[0-9]{14}[.][0-9]{6}@", "<ID@"),
        ("(?m)^40[0-9A-F]{10}0000:", "THREAD:"),
        ("334 [A-Za-z0-9+/=]{30,}", "334 CHALLENGE"),
        ("(?m)^( ~> |> )[A-Za-z0-9+/=]{40,}$", "${1}RESPONSE"),
        ("Mon, 23 Nov 2026 [0-9:]+", "Mon, 23 Nov 2026 TIME"),
        ("[0-9]+ --:--:-- --:--:-- --:--:-- +[0-9]+", "SPEED"),
        ("after [0-9]+ ms", "after N ms"),
    ] {
        text = regex::Regex::new(pattern).unwrap().replace_all(&text, replacement).into_owned();
    }
    text
}

/// The transcript of command lines of bob at pc.
fn session(lines: &[&str]) -> String {
    let mut world = world();
    lines.iter().map(|line| run(&mut world, "pc", "bob", line, "")).collect::<Vec<_>>().join("\n")
}

/// Compares with the snapshot named after the test, without repeating the command lines in its head.
macro_rules! check {
    ($transcript:expr) => {
        insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(steady(&$transcript)) })
    };
}

#[test]
fn swaks_shows_who_says_what() {
    check!(session(&[
        "swaks --to bob@example.org --from alice@example.net --server mail.example.org --header 'Subject: hi' --body 'hello\\nworld'",
        "swaks --to nosuch@example.org --server mail.example.org",
        "swaks -t bob@example.org,nosuch@example.org -f a@example.net -s mail.example.org --pipeline --quit-after RCPT",
        "swaks -t bob@example.org -s mail.example.org -tls --quit-after HELO",
        "swaks -t bob@example.org -s mail.example.org -tls --tls-verify --quit-after HELO",
        "swaks -t bob@example.org -s mail.example.org -tls --tls-verify --tls-ca-path ca.pem --quit-after TLS",
        "swaks -t bob@example.org -s mail.example.org -p smtps -tlsc --quit-after HELO",
        "swaks -t bob@example.org -s mail.example.org -p 587 -tls -a PLAIN -au bob -ap sesame --quit-after AUTH",
        "swaks -t bob@example.org -s mail.example.org -p 587 -tls -a CRAM-MD5 -au bob -ap wrong",
        "swaks -t x@example.net -s mail.example.org -p 587 --quit-after RCPT -S 2",
        "swaks -t bob@example.org -s own.example.org -p 26",
        "swaks -t bob@example.org -s nosuch.example.org",
        "swaks -t bob@example.org --quit-after RCPT -n",
        "swaks -t bob@example.org -s mail.example.org --xclient NAME=x --quit-after RCPT",
        "swaks --quit-after FOO",
    ]));
}

#[test]
fn openssl_shows_certificates_and_talks_through_tls() {
    check!(session(&[
        "(sleep 2; echo 'EHLO pc'; sleep 1; echo quit; sleep 1) | openssl s_client -connect mail.example.org:25 -starttls smtp -crlf -CAfile ca.pem",
        "(sleep 2; echo quit; sleep 1) | openssl s_client -connect mail.example.org:465 -quiet",
        "(sleep 2; echo Q; sleep 1) | openssl s_client -connect own.example.org:25 -starttls smtp -brief",
        "(sleep 2; echo RCPT; sleep 1) | openssl s_client -connect mail.example.org:993 -brief -CAfile ca.pem -verify_hostname own.example.org",
        "(sleep 2; echo QUIT; sleep 1) | openssl s_client -connect mail.example.org:110 -starttls pop3 -brief -CAfile ca.pem",
        "(sleep 2; echo 'a LOGOUT'; sleep 1) | openssl s_client -connect mail.example.org:143 -starttls imap -quiet -crlf -CAfile ca.pem",
        "openssl s_client -connect mail.example.org:465 -verify_return_error -showcerts | grep -v '^[A-Za-z0-9+/=]*$'",
        "openssl s_client -connect mail.example.org:25",
        "openssl s_client -connect mail.example.org:26",
        "openssl s_client -connect nosuch.example.org:25",
        "openssl s_client -starttls foo",
        "openssl x509 -in ca.pem -noout -text -fingerprint",
    ]));
}

#[test]
fn curl_sends_and_fetches_mail() {
    check!(session(&[
        "curl -sSv smtp://mail.example.org/pc.example.org --mail-from bob@example.org --mail-rcpt carol@example.org -T mail.txt",
        "curl smtp://mail.example.org --mail-from bob@example.org --mail-rcpt nosuch@example.org -T mail.txt",
        "curl -sSv --ssl-reqd --cacert ca.pem -u bob:sesame smtp://mail.example.org:587 --mail-from bob@example.org --mail-rcpt bob@example.org -T mail.txt",
        "curl -sS smtps://mail.example.org --mail-from bob@example.org --mail-rcpt bob@example.org -T mail.txt",
        "curl -sSk -u bob:wrong smtps://mail.example.org --mail-from bob@example.org --mail-rcpt bob@example.org -T mail.txt",
        "sleep 5",
        "curl -sSv -u bob:sesame pop3://mail.example.org/",
        "curl -sS -u bob:sesame pop3://mail.example.org/1 | grep -v -e ^Received -e '\tby' -e '\tid' -e '\tfor' -e X-UIDL",
        "curl -sS -u bob:wrong pop3://mail.example.org/",
        "curl -sSk -u bob:sesame pop3s://mail.example.org/7",
        "curl -sSv -u bob:sesame imap://mail.example.org/",
        "curl -sSk -u bob:sesame 'imaps://mail.example.org/INBOX;MAILINDEX=1;SECTION=HEADER.FIELDS%20(SUBJECT)'",
        "curl -sS -u bob:sesame 'imap://mail.example.org/INBOX?ALL'",
        "curl -sS -u bob:sesame imap://mail.example.org/INBOX -X 'STATUS INBOX (MESSAGES)'",
        "curl -sS -u bob:sesame 'imap://mail.example.org/INBOX;UID=77'",
        "curl -sS smtp://mail.example.org -X NOOP",
        "curl -sS smtp://mail.example.org:26",
        "curl -sS smtp://nosuch.example.org",
        "curl https://example.net/",
        "curl --foo",
        "curl",
    ]));
}

#[test]
fn names_and_routes_are_looked_up() {
    check!(session(&[
        "nslookup mail.example.org",
        "nslookup -type=mx example.org",
        "nslookup -type=txt example.org 203.0.113.53",
        "nslookup -q=soa example.org",
        "nslookup 192.0.2.10",
        "nslookup pop.example.org",
        "nslookup nope.example.org",
        "nslookup -type=mx mail.example.org",
        "printf 'set q=mx\\nexample.org\\nserver 203.0.113.53\\nset type=a\\nown.example.org\\nexit\\n' | nslookup",
        "ping -c 2 mail.example.org",
        "ping -c 1 192.0.2.77",
        "ping -c 1 nosuch.example.org",
        "ping",
        "ip addr",
        "ip -br a",
        "ip route",
        "ip route get 203.0.113.53",
        "ip link show dev eth0",
        "ip foo",
        "printf 'a b c\\nlonger x yy\\nq\\n' | column -t",
        "seq 12 | column -c 40",
    ]));
}

#[test]
fn servers_are_asked_whether_they_relay() {
    check!(session(&["relaytest mail.example.org", "relaytest", "relaytest own.example.org:26"]));
}

#[test]
fn an_open_relay_is_found() {
    let mut world = world();
    let open = "postconf -e 'mynetworks = 0.0.0.0/0'; postfix reload 2>/dev/null; sleep 2";
    run(&mut world, "own", "root", open, "");
    let shown = run(&mut world, "pc", "bob", "relaytest own.example.org", "");
    assert!(shown.contains("250  RELAYED\n") && shown.ends_with("this is an open relay.\n[status 1]\n"), "{shown}");
}

#[test]
fn fetchmail_verifies_certificates() {
    let mut world = world();
    let mut shown = String::new();
    for options in [
        "ssl",
        "ssl sslcertfile /home/bob/ca.pem",
        "sslcertfile /home/bob/ca.pem",
        "ssl no sslcertck sslfingerprint '00:11'",
        "no sslcertck",
        "sslproto ''",
        "sslproto '' port 26",
    ] {
        let rc = format!("poll mail.example.org proto pop3 user bob pass sesame {options} keep");
        let rc = rc.replace('\'', "\"");
        shown.push_str(&run(&mut world, "pc", "bob", &format!("echo '{rc}' >rc; chmod 600 rc; fetchmail -f rc"), ""));
        shown.push('\n');
    }
    shown.push_str(&run(&mut world, "pc", "bob", "chmod 644 rc; fetchmail -f rc", ""));
    check!(shown);
}

#[test]
fn a_mail_program_submits_and_fetches_with_tls_from_the_start() {
    let mut world = world();
    let pc = world.find("pc").unwrap();
    let login = || Credentials { user: "bob".into(), password: "sesame".into() };
    let mail = SendMail {
        user: "bob".into(),
        from: "bob@example.org".into(),
        to: vec!["bob@example.org".into()],
        subject: "over 465".into(),
        body: "hello\n".into(),
        server: "mail.example.org:465".into(),
        auth: Some(login()),
        security: Security::Implicit,
    };
    let submission = world.start(pc, Box::new(Submission::new(mail)), Actor::Scenario);
    let later = world.now() + Duration::from_secs(30);
    world.advance(later);
    assert_eq!(world.exited(pc, submission).map(|exit| exit.status), Some(0));
    for (protocol, port) in [(Protocol::Pop3, 995), (Protocol::Imap, 993)] {
        let errand = Errand { login: login(), keep: true, all: true, security: Security::Implicit };
        let server = format!("mail.example.org:{port}").into();
        let fetch = Fetch { user: "bob".into(), server, protocol, errand };
        let reader = world.start(pc, Box::new(Reader::new(fetch)), Actor::Scenario);
        let later = world.now() + Duration::from_secs(30);
        world.advance(later);
        let exit = world.exited(pc, reader).expect("it has ended");
        assert_eq!((exit.status, exit.stdout.as_slice()), (0, &b"1\n"[..]), "{protocol:?}");
    }
}

/// Three messages, as the recordings of the real program have them.
const BOX: &str = "From alice@example.org  Sat Nov 21 12:00:00 2026\nFrom: Alice Adams <alice@example.org>\nTo: \
    bob@example.com, carol@example.com\nCc: dave@example.com\nSubject: one\nMessage-ID: <1@x>\nDate: Sat, 21 Nov 2026 \
    12:00:00 +0000\n\nhello\n\nFrom carol@example.org  Sat Nov 21 13:00:00 2026\nFrom: carol@example.org\nTo: \
    bob@example.com\nSubject: two\nDate: Sat, 21 Nov 2026 13:00:00 +0000\n\nsecond\nmail\n\nFrom dave@example.org  Sun \
    Nov 22 13:00:00 2026\nFrom: dave@example.org\nTo: bob@example.com\nSubject: Re: three\n\nthird\n\n";

#[test]
fn mail_reads_a_mailbox_at_its_prompt() {
    let mut world = world();
    let mut shown = String::new();
    for commands in [
        "h\np 2\nd 1\nh\nu 1\nq\n",
        "n\nn\nn\nn\nx\n",
        "s 2 saved\nw 1 w\nq\n",
        "d *\nq\n",
        "7\nfoo\nz\nz-\nf 1-3\nf *\n=\nx\n",
        "dp\ndt\nx\n",
        "top 2\nsize\nfrom alice\n/one\nx\n",
        "d carol\nh\nu *\nh\nx\n",
        "r 2\nI agree.\n",
        "pre 1\nq\n",
        "?\nx\n",
    ] {
        let id = world.find("mail").unwrap();
        world.host_mut(id).vfs.write("/home/bob/box", BOX, 0o666, &mxlab::host::vfs::Cred::ROOT).unwrap();
        shown.push_str(&format!("{commands:?}\n"));
        shown.push_str(&run(&mut world, "mail", "bob", "mail -f box; grep -c '^From ' box", commands));
    }
    check!(shown);
}

#[test]
fn dovecot_is_administered() {
    let mut world = world();
    let mut shown = String::new();
    for line in [
        "doveconf -n",
        "doveconf protocols",
        "doveconf -h ssl",
        "doveadm user carol",
        "doveadm user nosuch",
        "doveadm auth test carol hunter2",
        "doveadm auth test carol wrong",
        "doveadm mailbox list -u bob",
        "doveadm mailbox status -u bob 'messages unseen' INBOX",
        "testsaslauthd -u bob -p sesame",
        "echo frob = 1 >>/etc/dovecot/dovecot.conf; doveconf -n",
    ] {
        shown.push_str(&run(&mut world, "mail", "root", line, ""));
        shown.push('\n');
    }
    check!(shown);
}
