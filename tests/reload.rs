//! `postfix reload` while mail is on its way.

use mxlab::conform::{self, Verdict};

const CASE: &str = r#"{
 "name": "reload-under-way",
 "zones": {"example.net.": "@ IN MX 10 mail\nmail IN A 203.0.113.20\n"},
 "hosts": {
  "mx1": {"addr": "192.0.2.10", "fqdn": "mx1.example.com", "users": ["alice"], "files": {
    "/etc/postfix/main.cf": "compatibility_level = 3.6\nmyhostname = mx1.example.com\nmydestination = localhost\n"}},
  "mail": {"addr": "203.0.113.20", "fqdn": "mail.example.net", "sink": {"delay": 5}}
 },
 "steps": [
  {"exec": {"id": "send", "host": "mx1", "cmd": "echo hi | sendmail carol@example.net", "user": "alice"}},
  {"sleep": 1},
  {"exec": {"id": "reload", "host": "mx1", "cmd": "postfix reload"}},
  {"settle": true},
  {"exec": {"id": "queue", "host": "mx1", "cmd": "mailq"}}
 ]
}"#;

#[test]
fn a_delivery_goes_on_when_the_configuration_is_read_again() {
    let (verdict, recording) = conform::check(CASE);
    assert!(matches!(verdict, Verdict::Played));
    let recording = recording.expect("a case that was played has a recording");
    let log = &recording.mail_log.iter().find(|(host, _)| host == "mx1").expect("the host").1;
    let at = |text: &str| log.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}: {log:#?}"));
    assert!(at("reload -- version") < at("status=sent (250 2.0.0 Ok)"));
    let (_, queue) = recording.exec.iter().find(|(id, _)| id == "queue").expect("the command");
    assert_eq!(queue.stdout, "Mail queue is empty\n");
}
