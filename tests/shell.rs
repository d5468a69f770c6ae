//! `mxlab shell` with a script on standard input: what it answers, its exit status, its recording.

#![allow(clippy::disallowed_methods, reason = "these tests run the program and write its files")]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// An empty folder of this test run.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("shell").join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn shell(args: &[&str], script: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mxlab"))
        .arg("shell")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Standard output, standard error and status.
fn said(args: &[&str], script: &str) -> (String, String, i32) {
    let output = shell(args, script);
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
}

#[test]
fn a_script_gets_plain_output_and_the_status_of_its_last_command() {
    assert_eq!(said(&["first-mail"], "mailq\n"), ("Mail queue is empty\n".into(), String::new(), 0));
    let (stdout, stderr, status) = said(&["first-mail"], "hostname\nnosuch\nfalse\n");
    assert_eq!((stdout.as_str(), status), ("smtp\n", 1));
    assert_eq!(stderr, "bash: line 2: nosuch: command not found\n");
    assert_eq!(said(&["first-mail"], "exit 7\necho never\n"), (String::new(), String::new(), 7));
    assert_eq!(said(&["first-mail", "-c", "id -un; pwd", "-u", "alice", "-H", "ws1"], "").0, "alice\n/home/alice\n");
}

#[test]
fn commands_of_several_lines_and_dialogues_are_typed_as_they_stand() {
    let script = "cat <<END\none\n:two\nEND\nfor i in 1 2\ndo echo $i\ndone\ntelnet localhost 25\nQUIT\necho 'a\nb'\n";
    let (stdout, ..) = said(&["first-mail"], script);
    assert!(stdout.starts_with("one\n:two\n1\n2\nTrying 127.0.0.1...\n"), "{stdout}");
    assert!(stdout.ends_with("221 2.0.0 Bye\na\nb\n"), "{stdout}");
}

#[test]
fn a_mail_that_is_sent_arrives_while_time_passes() {
    let script = "echo hello | mail -s greetings alice\n:wait 10s\nmailq\nssh ws1 hostname | tr a-z A-Z\nssh hub\nhostname\n\
                  exit\nhostname\nsleep 600; date +%H:%M\n";
    let (stdout, stderr, status) = said(&["first-mail"], script);
    assert_eq!(stdout, "Mail queue is empty\nWS1\nhub\nsmtp\n08:10\n");
    assert_eq!(stderr, "Connection to hub closed.\n");
    assert_eq!(status, 0);
}

#[test]
fn what_cannot_be_done_in_a_script_names_what_can() {
    let (_, stderr, status) = said(&["first-mail"], "nano /etc/postfix/main.cf\n");
    assert!(
        stderr.contains("postconf -e") && stderr.contains("sed -i") && stderr.contains("here-document"),
        "{stderr}"
    );
    assert_eq!(status, 1);
    let (_, stderr, _) = said(&["first-mail"], ":wait soon\n:hots\n");
    assert!(stderr.contains("2h30m") && stderr.contains(":hosts"), "{stderr}");
    let (_, stderr, status) = said(&["first-mail", "-H", "wss1"], "");
    assert!(stderr.contains("did you mean `ws1`?"), "{stderr}");
    assert_eq!(status, 2);
    let (_, stderr, status) = said(&["first-mail"], "tail -f /var/log/mail.log\n");
    assert!(stderr.contains("still running"), "{stderr}");
    assert_eq!(status, 130);
}

#[test]
fn a_recording_replays_and_can_be_continued() {
    let file = folder("recording").join("x.mxrec");
    let path = file.to_str().unwrap();
    let script = "echo mine > /etc/motd\n:wait 1m\npostconf -e 'myorigin = example.org'\n";
    let (_, stderr, status) = said(&["first-mail", "--record", path], script);
    assert_eq!((stderr.as_str(), status), ("", 0));
    let replayed = Command::new(env!("CARGO_BIN_EXE_mxlab")).args(["replay", path]).output().unwrap();
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    let continued = said(&["first-mail", &format!("--continue={path}")], "cat /etc/motd; postconf -h myorigin\n");
    assert_eq!(continued.0, "mine\nexample.org\n");
    // A shell that was killed leaves a recording without its last lines.
    let text = fs::read_to_string(&file).unwrap();
    let kept: Vec<&str> =
        text.lines().filter(|line| !line.contains("digest\":") || line.contains("mxlab_recording")).collect();
    fs::write(&file, kept[..kept.len() - 1].join("\n") + "\n").unwrap();
    let continued = said(&["first-mail", &format!("--continue={path}")], "cat /etc/motd\n");
    assert_eq!(continued.0, "mine\n");
}

#[test]
fn the_script_of_the_scenario_is_played_only_if_asked_for() {
    let count = |args: &[&str]| said(args, "wc -l < /var/log/mail.log\n").0.trim().parse::<u64>().unwrap();
    assert!(count(&["first-mail", "--play"]) > count(&["first-mail"]));
}
