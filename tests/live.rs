//! The gateway over real loopback sockets, in this process.
#![cfg(feature = "live")]
#![allow(clippy::disallowed_methods, reason = "these tests are real clients: they connect and wait")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use mxlab::live::class::Plan;
use mxlab::live::control::Control;
use mxlab::live::plan::{Choice, Service};
use mxlab::live::{Gateway, Options};
use mxlab::scenario::{Scenario, Sources};
use mxlab::session::words::Lang;
use mxlab::session::{Recording, Session};

fn session(name: &str) -> Session {
    let text = std::fs::read_to_string(format!("scenarios/{name}.ron")).expect("a built-in scenario");
    let sources = Sources { name: name.into(), file: format!("{name}.ron"), text, ..Sources::default() };
    let scenario = Scenario::load(&sources).expect("it is valid");
    Session::new(Arc::new(scenario), None, None).expect("it can be built").without_script()
}

fn gateway(name: &str) -> Gateway {
    let choice = Choice { any_port: true, ..Choice::default() };
    Gateway::start(session(name), Options { choice, ..Options::default() }).expect("loopback sockets can be opened")
}

/// A line-wise client that gives up after ten seconds.
struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    fn connect(to: SocketAddr) -> Client {
        let stream = TcpStream::connect(to).expect("the gateway listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
        Client { reader: BufReader::new(stream) }
    }

    fn send(&mut self, text: &str) {
        self.reader.get_mut().write_all(text.as_bytes()).expect("the connection is open");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("a line within ten seconds");
        line.trim_end().to_owned()
    }

    /// A whole SMTP reply: its last line.
    fn reply(&mut self) -> String {
        loop {
            let line = self.line();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    fn say(&mut self, command: &str) -> String {
        self.send(&format!("{command}\r\n"));
        self.reply()
    }

    fn rest(mut self) -> String {
        let mut rest = String::new();
        self.reader.read_to_string(&mut rest).expect("the server closes");
        rest
    }
}

#[test]
fn a_message_goes_in_by_telnet_and_the_recording_brings_it_back() {
    let gateway = gateway("submission-auth");
    let mut client = Client::connect(gateway.address("mx1", Service::Smtp).expect("mx1 serves SMTP"));
    assert!(client.reply().starts_with("220 mx1.example.com ESMTP"));
    for (command, reply) in [
        ("EHLO ws1.example.com", "250 CHUNKING"),
        ("MAIL FROM:<bob@example.org>", "250 2.1.0 Ok"),
        ("RCPT TO:<alice@example.com>", "250 2.1.5 Ok"),
        ("RCPT TO:<carol@elsewhere.test>", "454 4.7.1 <carol@elsewhere.test>: Relay access denied"),
        ("DATA", "354 End data with <CR><LF>.<CR><LF>"),
    ] {
        assert_eq!(client.say(command), reply, "{command}");
    }
    assert!(client.say("Subject: hello\r\n\r\nHello.\r\n.").starts_with("250 2.0.0 Ok: queued as "));
    assert_eq!(client.say("QUIT"), "221 2.0.0 Bye");
    assert_eq!(client.rest(), "");
    let session = gateway.stop().expect("the driver ends in good order");
    let mailbox = |session: &Session| {
        let host = session.world().find("mx1").expect("mx1");
        session.world().host(host).vfs.read_text("/var/mail/alice", &mxlab::host::vfs::Cred::ROOT).unwrap_or_default()
    };
    assert!(mailbox(&session).contains("Subject: hello\n"));
    let recording = Recording::parse(&session.recording().to_text()).expect("an intact recording");
    let mut scenario = session.scenario().clone();
    scenario.script.clear();
    let (again, _) = Session::replay(Arc::new(scenario), &recording).expect("it can be replayed");
    assert_eq!(again.world().digest(), session.world().digest());
    assert_eq!(mailbox(&again), mailbox(&session));
}

#[test]
fn a_client_that_has_said_all_still_reads_the_answers() {
    let gateway = gateway("practice");
    let server = gateway.address("mail", Service::Smtp).expect("mail serves SMTP");
    let mut client = Client::connect(server);
    client.send("EHLO a.example\r\nNOOP\r\nQUIT\r\n");
    client.reader.get_ref().shutdown(std::net::Shutdown::Write).expect("the connection is open");
    assert!(client.rest().ends_with("250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n"));
}

#[test]
fn a_magic_address_brings_its_fault_and_nothing_else() {
    let gateway = gateway("practice");
    let mut client = Client::connect(gateway.address("mail", Service::Smtp).expect("mail serves SMTP"));
    client.reply();
    for (command, reply) in [
        ("EHLO a.example", "250 CHUNKING"),
        ("MAIL FROM:<alice@example.com>", "250 2.1.0 Ok"),
        ("RCPT TO:<451.rcpt@fault.test>", "451 4.3.0 A fault for practice"),
        ("RCPT TO:<554.message@fault.test>", "250 2.1.5 Ok"),
        ("DATA", "354 End data with <CR><LF>.<CR><LF>"),
        ("Subject: x\r\n\r\nx\r\n.", "554 5.3.0 A fault for practice"),
        ("MAIL FROM:<alice@example.com>", "250 2.1.0 Ok"),
        ("RCPT TO:<bob@example.com>", "250 2.1.5 Ok"),
        ("QUIT", "221 2.0.0 Bye"),
    ] {
        assert_eq!(client.say(command), reply, "{command}");
    }
}

#[test]
fn keys_of_a_telnet_client_in_character_mode_make_a_line() {
    let gateway = gateway("first-mail");
    let server = gateway.bounds().iter().find(|bound| bound.place.service == Service::Smtp).expect("SMTP").address;
    let mut client = Client::connect(server);
    client.reply();
    client.send("\u{8}");
    for key in ["Q", "I", "\u{7f}", "U", "I", "T", "\r\0"] {
        client.send(key);
        std::thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(client.reply(), "221 2.0.0 Bye");
}

#[test]
fn a_carriage_return_that_telnet_sends_as_cr_nul_does_no_harm_in_line_mode() {
    let gateway = gateway("practice");
    let mut client = Client::connect(gateway.address("mail", Service::Smtp).expect("mail serves SMTP"));
    client.reply();
    assert_eq!(client.say("EHLO a.example\r\0"), "250 CHUNKING");
    assert_eq!(client.say("MAIL FROM:<alice@example.com>\r\0"), "250 2.1.0 Ok");
    assert_eq!(client.say("RCPT TO:<bob@example.com>\r\0"), "250 2.1.5 Ok");
}

#[test]
fn what_nobody_serves_is_refused_with_a_reset() {
    let gateway = gateway("submission-auth");
    let address = gateway.address("mx1", Service::Smtp).expect("mx1 serves SMTP");
    let stop = mxlab::session::Input::Command {
        host: "mx1".into(),
        user: "root".into(),
        line: "postfix stop".into(),
        stdin: String::new(),
    };
    gateway.driver().act(|session| session.apply(stop)).expect("the driver runs").expect("postfix can be stopped");
    std::thread::sleep(Duration::from_millis(300));
    let mut stream = TcpStream::connect(address).expect("the gateway itself listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    let read = stream.read(&mut [0; 16]);
    assert_eq!(read.map_err(|error| error.kind()), Err(std::io::ErrorKind::ConnectionReset));
}

#[test]
fn a_jump_of_an_hour_does_not_cut_off_a_learner() {
    let gateway = gateway("first-mail");
    let server = gateway.bounds().iter().find(|bound| bound.place.service == Service::Smtp).expect("SMTP").address;
    let mut client = Client::connect(server);
    client.reply();
    let before = gateway.control(Control::Status).expect("a report").time;
    let after = gateway.control(Control::Jump(Duration::from_secs(3600))).expect("a report").time;
    assert!(after.since(before) >= Duration::from_secs(3600));
    assert_eq!(client.say("NOOP"), "250 2.0.0 Ok");
}

#[test]
fn while_time_stands_input_waits() {
    let gateway = gateway("first-mail");
    let server = gateway.bounds().iter().find(|bound| bound.place.service == Service::Smtp).expect("SMTP").address;
    let mut client = Client::connect(server);
    client.reply();
    assert!(gateway.control(Control::Pause).expect("a report").paused);
    client.send("NOOP\r\n");
    client.reader.get_ref().set_read_timeout(Some(Duration::from_millis(300))).expect("a time-out");
    let mut line = String::new();
    assert!(client.reader.read_line(&mut line).is_err());
    gateway.control(Control::Resume);
    client.reader.get_ref().set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    assert_eq!(client.reply(), "250 2.0.0 Ok");
}

#[test]
fn a_step_ends_though_nothing_happens() {
    let gateway = gateway("practice");
    let mut before = gateway.control(Control::Pause).expect("a report");
    for _ in 0..3 {
        let after = gateway.control(Control::Step).expect("a report");
        assert!(after.paused && after.time.since(before.time) <= Duration::from_secs(3600));
        assert!(after.time > before.time || after.events > before.events);
        before = after;
    }
}

/// Asks by UDP: response code and number of answers.
fn ask(server: SocketAddr, qname: &str, qtype: u16) -> (u8, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in qname.split('.') {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, (qtype >> 8) as u8, qtype as u8, 0, 1]);
    socket.send_to(&message, server).expect("sent");
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer).expect("an answer within ten seconds");
    assert!(length >= 12);
    assert_eq!(answer[..2], [0x12, 0x34]);
    (answer[3] & 15, u16::from_be_bytes([answer[6], answer[7]]))
}

#[test]
fn names_are_answered_from_the_worlds_zones_and_never_from_elsewhere() {
    let gateway = gateway("submission-auth");
    let server = gateway.address("dns", Service::Dns).expect("dns serves names");
    const MX: u16 = 15;
    const AXFR: u16 = 252;
    for (qname, qtype, expect) in [
        ("example.com", MX, (0, 1)),
        ("nobody.example.com", MX, (3, 0)),
        ("www.rust-lang.org", 1, (3, 0)),
        ("example.com", AXFR, (5, 0)),
    ] {
        assert_eq!(ask(server, qname, qtype), expect, "{qname}");
    }
    let session = gateway.stop().expect("the driver ends in good order");
    let asked = session.world().trace().iter().filter(|event| event.kind.name() == "dns.query").count();
    assert!(asked >= 4, "{asked} questions in the trace");
}

#[test]
fn a_client_that_speaks_garbage_or_nothing_harms_nobody_else() {
    let gateway = gateway("submission-auth");
    let server = gateway.address("mx1", Service::Smtp).expect("mx1 serves SMTP");
    // Postfix lets one client have fifty connections.
    let silent: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(server).expect("room")).collect();
    let mut garbage = TcpStream::connect(server).expect("room");
    let noise: Vec<u8> = (0..200_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    // The server may well hang up in the middle of it.
    let _ = garbage.write_all(&noise);
    let mut endless = TcpStream::connect(server).expect("room");
    let _ = endless.write_all(&vec![b'A'; 1 << 20]);
    let mut client = Client::connect(server);
    assert!(client.reply().starts_with("220 "));
    assert_eq!(client.say("NOOP"), "250 2.0.0 Ok");
    drop(silent);
}

/// Joins a class: the table that she gets, as pairs of a service on a host and its address.
fn join(class: SocketAddr, code: &str, name: &str) -> Vec<(String, String, SocketAddr)> {
    let mut client = Client::connect(class);
    client.send(&format!("{code}\r\n{name}\r\n"));
    let text = client.rest();
    let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = |words: Vec<&str>| {
        let parsed = |word: &&str| word.trim_end_matches('*').parse::<SocketAddr>().ok();
        let place = words.iter().position(|word| parsed(word).is_some())?;
        let (service, address) = (words.get(place.checked_sub(1)?)?, parsed(&words[place])?);
        Some(((*words.first()?).to_owned(), (*service).to_owned(), address))
    };
    rows.filter_map(row).collect()
}

#[test]
fn a_student_who_knows_the_code_gets_a_domain_and_a_server_of_her_own() {
    let choice = Choice { any_port: true, ..Choice::default() };
    let loopback = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    let plan = Plan { address: loopback, port: 0, code: "blue4711".into(), lang: Lang::En };
    let options = Options { choice, class: Some(plan), ..Options::default() };
    let gateway = Gateway::start(session("practice"), options).expect("loopback sockets can be opened");
    let door = gateway.class().expect("a class").address();
    let mut stranger = Client::connect(door);
    stranger.send("red\r\nred\r\nred\r\n");
    assert_eq!(stranger.rest().matches("That is not the code.").count(), 3);
    let anna = join(door, "BLUE4711", "Anna");
    let ben = join(door, "blue4711", "ben");
    assert_eq!(join(door, "blue4711", "anna"), anna, "the same name brings the same table");
    let find = |table: &[(String, String, SocketAddr)], host: &str, service: &str| {
        let found = table.iter().find(|row| row.0 == host && row.1 == service);
        found.unwrap_or_else(|| panic!("{host} {service}: {table:?}")).2
    };
    // Her server is being set up in the time of the world.
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let mut client = loop {
        let mut client = Client::connect(find(&anna, "mail-anna", "smtp"));
        let mut line = String::new();
        if client.reader.read_line(&mut line).is_ok_and(|length| length > 0) {
            assert!(line.starts_with("220 mail.anna.class.test ESMTP"), "{line}");
            break client;
        }
        assert!(std::time::Instant::now() < deadline, "her server does not start");
        std::thread::sleep(Duration::from_millis(200));
    };
    for (command, reply) in [
        ("EHLO anna.anna.class.test", "250 CHUNKING"),
        ("MAIL FROM:<alice@anna.class.test>", "250 2.1.0 Ok"),
        ("RCPT TO:<bob@ben.class.test>", "250 2.1.5 Ok"),
        ("DATA", "354 End data with <CR><LF>.<CR><LF>"),
    ] {
        assert_eq!(client.say(command), reply, "{command}");
    }
    assert!(client.say("Subject: from anna\r\n\r\nHello.\r\n.").starts_with("250 2.0.0 Ok: queued as "));
    const MX: u16 = 15;
    assert_eq!(ask(find(&ben, "dns", "domain"), "anna.class.test", MX), (0, 1));
    gateway.control(Control::Jump(Duration::from_secs(60))).expect("a report");
    assert!(gateway.class().expect("a class").roll().contains("anna"));
    let session = gateway.stop().expect("the driver ends in good order");
    let world = session.world();
    let host = world.find("mail-ben").expect("ben's server");
    let mailbox = world.host(host).vfs.read_text("/var/mail/bob", &mxlab::host::vfs::Cred::ROOT).unwrap_or_default();
    assert!(mailbox.contains("Subject: from anna\n"), "{mailbox}");
    assert!(mailbox.contains("from anna.anna.class.test (anna.anna.class.test [10.77.1.200])"), "{mailbox}");
    let text = session.recording().to_text();
    assert!(text.contains(r#""do":"connect","conn":"#) && text.contains(r#""from":"anna""#));
    let recording = Recording::parse(&text).expect("an intact recording");
    let mut scenario = session.scenario().clone();
    scenario.script.clear();
    let (again, _) = Session::replay(Arc::new(scenario), &recording).expect("it can be replayed");
    assert_eq!(again.world().digest(), session.world().digest());
}
