//! Attacks: no altered file earns more than its inputs do, and the report says what is wrong.
//!
//! Each entry of the tables is one attack: what is done to a file, how many hundredths of points
//! it may earn at most, and words that the teacher must read.

use std::sync::atomic::{AtomicBool, Ordering};

use mxlab::grade::report::{Format, write};
use mxlab::grade::submission::{Limits, MAX_SIZE, Remark, Rules, Ungraded};
use mxlab::lab::Lab;
use mxlab::session::recording::Entry;
use mxlab::session::story::Lang;
use mxlab::session::terminal::{Key, TerminalId};
use mxlab::session::{FaultEffect, Input, Recording, TlsStep};
use mxlab::sim::Time;
use mxlab::sim::outside::OutsideId;
use mxlab::world::Spent;

use super::*;

/// What the teacher reads about a file.
fn told(lab: &Lab, text: &str) -> (u64, String) {
    let graded = graded(lab, text);
    let points = earned(&graded);
    (points, write(&grading(lab, vec![graded]), Format::Text, Lang::En))
}

#[test]
fn inputs_that_the_lab_does_not_permit_count_nothing_and_are_named() {
    let lab = first_mail();
    let values = lab.values(&student("eve"));
    let (friend, word) = (&values["friend"], &values["word"]);
    let mail = format!("From a Mon Mar  2 09:00:00 2026\nFrom: a\nTo: b\nSubject: c\n\n{word}\n\n");
    let write =
        |host: &str, path: &str, text: &str| Input::Write { host: host.into(), path: path.into(), text: text.into() };
    let outside: OutsideId = 1;
    let attacks: Vec<(&str, Input, &str)> = vec![
        (
            "root of the mail server",
            command("mailserver", "root", "postconf -e mynetworks=0.0.0.0/0; postfix reload"),
            "work on mailserver as root",
        ),
        (
            "root of the friend's host",
            command("fks1", "root", &format!("printf '{mail}' > /var/mail/{friend}")),
            "work on fks1 as root",
        ),
        (
            "root of the own laptop",
            command("laptop", "root", "telnet mailserver.example.com 25"),
            "work on laptop as root",
        ),
        ("another user", command("laptop", "nobody", "telnet mailserver.example.com 25"), "work on laptop as nobody"),
        ("a mailbox written by hand", write("fks1", &format!("/var/mail/{friend}"), &mail), "work on fks1 as root"),
        (
            "a log written by hand",
            write("mailserver", "/var/log/mail.log", "status=sent"),
            "work on mailserver as root",
        ),
        (
            "names in /etc/hosts",
            write("laptop", "/etc/hosts", "1.2.3.4 mailserver.example.com"),
            "work on laptop as root",
        ),
        (
            "the zone of a protected name server",
            write("ns", "/etc/bind/db.example.org", "@ MX 0 laptop"),
            "work on ns as root",
        ),
        ("a command on a protected host", command("ns", "root", "true"), "work on ns as root"),
        (
            "a terminal on a protected host",
            Input::Open { host: "mailserver".into(), user: "root".into(), device: Default::default() },
            "work on mailserver as root",
        ),
        ("a host switched off", Input::Power { host: "fks1".into(), up: false }, "switch fks1 off or on"),
        (
            "a cut cable",
            Input::Fault {
                name: "x".into(),
                from: None,
                to: None,
                port: None,
                effect: FaultEffect::LossPpm(1_000_000),
            },
            "disturb links",
        ),
        ("a fault repaired that the lab needs", Input::Repair { name: "x".into() }, "disturb links"),
        (
            "a host of one's own",
            Input::Join {
                host: "evil".into(),
                fqdn: "evil.example.com".into(),
                address: "192.0.2.66".parse().unwrap(),
            },
            "add hosts",
        ),
        (
            "a socket from inside a server",
            Input::Connect { conn: outside, from: "mailserver".into(), to: "192.0.2.10:25".parse().unwrap() },
            "connect from mailserver",
        ),
        ("questions to name servers from a server", Input::Ask { conn: outside, from: "ns".into() }, "connect from ns"),
        ("an answer to nothing", Input::Reply { question: "no-such".into(), text: "x".into() }, "question"),
        ("a hint for nothing", Input::Hint { task: "99".into() }, "task"),
        (
            "an answer as long as a book",
            Input::Reply { question: "queue-id".into(), text: "x".repeat(1 << 20) },
            "octets of an answer",
        ),
        ("a clock where there is no exam", Input::Clock { seconds: 1 }, "tell the time"),
        ("typing where no terminal is", Input::Type { terminal: TerminalId(7), text: "x\n".into() }, "terminal"),
        ("a key where no terminal is", Input::Press { terminal: TerminalId(9), key: Key::Interrupt }, "terminal"),
    ];
    for (name, input, words) in attacks {
        let (points, report) = told(&lab, &recorded(&lab, "eve", vec![input]).to_text());
        assert_eq!(points, 0, "{name}");
        assert!(report.contains("does not count: input 1") && report.contains(words), "{name}: {report}");
    }
}

#[test]
fn what_is_only_written_down_counts_nothing() {
    let lab = first_mail();
    let values = lab.values(&student("eve"));
    let (me, friend, word) = (&values["me"], &values["friend"], &values["word"]);
    let forged = format!("printf 'From a Mon Mar  2 09:00:00 2026\\nFrom: a\\nTo: b\\nSubject: c\\n\\n{word}\\n\\n'");
    let attacks = vec![
        ("appended to the mailbox", command("fks1", friend, &format!("{forged} >> /var/mail/{friend}"))),
        (
            "copied over the mailbox",
            command(
                "fks1",
                friend,
                &format!("{forged} > /tmp/m; cp /tmp/m /var/mail/{friend}; mv /tmp/m /var/mail/{friend}"),
            ),
        ),
        (
            "a log line by logger",
            command("fks1", friend, "logger -t postfix/local 'ABC: to=<x>, relay=local, status=sent'"),
        ),
        (
            "a dialogue by echo",
            command("laptop", me, "echo '220 mailserver ESMTP'; echo '250 2.0.0 Ok: queued as 4711'"),
        ),
        ("a function called telnet", command("laptop", me, "telnet() { echo 250; }; telnet mailserver.example.com 25")),
        (
            "a script called telnet",
            command(
                "laptop",
                me,
                "mkdir -p ~/bin; printf '#!/bin/sh\\necho 250 Ok\\n' > ~/bin/telnet; chmod +x ~/bin/telnet; PATH=~/bin:$PATH telnet mailserver.example.com 25",
            ),
        ),
        (
            "a link in place of the mailbox",
            command("fks1", friend, &format!("{forged} > /tmp/box; ln -sf /tmp/box /var/mail/{friend}")),
        ),
        ("octets of TLS on no connection", Input::Tls { conn: 3, step: TlsStep::Finished }),
    ];
    for (name, input) in attacks {
        let wait =
            Input::Command { host: "laptop".into(), user: me.clone(), line: "sleep 30".into(), stdin: String::new() };
        let (points, report) = told(&lab, &recorded(&lab, "eve", vec![input, wait]).to_text());
        assert_eq!(points, 0, "{name}: {report}");
    }
}

/// A recording with one thing changed, and its checksums right again.
fn tampered(lab: &Lab, change: impl FnOnce(&mut Recording)) -> String {
    let mut recording = solved(lab, "ann").recording().clone();
    change(&mut recording);
    recording.to_text()
}

#[test]
fn altered_files_earn_what_their_inputs_do_and_the_first_step_that_differs_is_named() {
    let lab = first_mail();
    let full = full(&lab);
    let solved = solved(&lab, "ann");
    let word = lab.values(&student("ann"))["word"].clone();
    let replace = |recording: &mut Recording, from: &str, to: &str| {
        for entry in &mut recording.entries {
            if let Entry::Input { input: Input::Command { line, .. }, .. } = entry {
                *line = line.replace(from, to);
            }
        }
    };
    type Change<'a> = Box<dyn Fn(&mut Recording) + 'a>;
    let attacks: Vec<(&str, Change<'_>, u64, &str)> = vec![
        (
            "another text, checksums recomputed",
            Box::new(|file| replace(file, &word, "whatever")),
            full - 100,
            "first step that differs from the replay is input 1",
        ),
        (
            "the dialogue taken out",
            Box::new(|file| replace(file, "telnet mailserver", "cat #")),
            full / 2,
            "first step that differs from the replay is input 1",
        ),
        (
            "digests of a world that never was",
            Box::new(|file| {
                file.entries.retain(|entry| !matches!(entry, Entry::Input { .. }));
            }),
            0,
            "differs from the replay from the beginning",
        ),
        (
            "numbers of events made up",
            Box::new(|file| {
                for entry in &mut file.entries {
                    if let Entry::Input { events: Some(events), .. } = entry {
                        *events += 1;
                    }
                }
            }),
            full,
            "differs from the replay from the beginning",
        ),
        (
            "a foreign seed",
            Box::new(|file| file.header.seed = 4711),
            full,
            "the seed in the file is not the one of this student",
        ),
        (
            "another student's name",
            Box::new(|file| {
                if let Some(lab) = &mut file.header.lab {
                    lab.student = student("ben");
                }
            }),
            full / 2,
            "the file was altered",
        ),
        (
            "the engine of tomorrow",
            Box::new(|file| {
                file.header.engine = "99.0.0".into();
                file.entries.push(Entry::Digest { time: solved.world().now(), events: 1, digest: "0".into() });
            }),
            full,
            "recorded with mxlab 99.0.0",
        ),
        (
            "time that runs backwards",
            Box::new(|file| {
                if let Some(Entry::Input { time, .. }) =
                    file.entries.iter_mut().rev().find(|entry| matches!(entry, Entry::Input { .. }))
                {
                    *time = Time::from_micros(0);
                }
            }),
            full,
            "out of order",
        ),
        (
            "inputs numbered twice",
            Box::new(|file| {
                let first = file.entries.first().cloned();
                file.entries.extend(first);
            }),
            full,
            "out of order",
        ),
        (
            "the model solution, marked as taken over",
            Box::new(|file| {
                let time = solved.world().now();
                let seq = file.inputs().count() as u64 + 1;
                file.entries.push(Entry::Input {
                    seq,
                    time,
                    events: None,
                    octets: None,
                    input: Input::CatchUp { task: "99".into() },
                });
            }),
            full,
            "does not count",
        ),
    ];
    for (name, change, most, words) in attacks {
        let (points, report) = told(&lab, &tampered(&lab, |file| change(file)));
        assert!(points <= most, "{name}: {points} of {most}\n{report}");
        assert!(report.contains(words), "{name}: {report}");
    }
}

#[test]
fn files_that_are_damaged_are_graded_as_far_as_they_can_be_read() {
    let lab = first_mail();
    let text = solved(&lab, "ann").recording().to_text();
    let lines: Vec<&str> = text.lines().collect();
    let join = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let attacks = [
        ("cut off", join(&lines[..2]), "the recording ends too early"),
        ("one letter changed", text.replacen("HELO", "EHLO", 1), "the checksum is wrong"),
        ("a line removed", join(&[&lines[..1], &lines[2..]].concat()), "the checksum is wrong"),
        ("a line added", join(&[&lines[..2], &lines[1..]].concat()), "the checksum is wrong"),
        ("lines after the end", format!("{text}{}\n", lines[1]), "text after the end"),
    ];
    for (name, file, words) in attacks {
        let graded = graded(&lab, &file);
        assert!(graded.result.is_ok(), "{name}: {:?}", graded.result);
        assert!(
            matches!(graded.remarks.first(), Some(Remark::Damaged(why)) if why.contains(words)),
            "{name}: {:?}",
            graded.remarks
        );
    }
}

#[test]
fn what_is_no_submission_harms_nothing() {
    let lab = first_mail();
    let nested = format!("00000000 {}", "[".repeat(200_000));
    for text in ["", "{}", "garbage \u{0} \u{fffd}", "[1,2,3]", "\n\n\n", &nested] {
        assert!(matches!(graded(&lab, text).result, Err(Ungraded::Unreadable(_))), "{text:.20}");
    }
    assert_eq!(graded(&lab, &"x".repeat(MAX_SIZE + 1)).result, Err(Ungraded::TooLarge));
    let claim = recorded(&lab, "ann", Vec::new()).to_text().replacen("\"seed\"", "\"earned\":20,\"seed\"", 1);
    assert!(graded(&lab, &claim).result.is_err(), "results claimed in the header");
    let mut other = recorded(&lab, "ann", Vec::new());
    let mut with = |name: &str, digest: &str| {
        if let Some(header) = &mut other.header.lab {
            (header.name, header.digest) = (name.into(), digest.into());
        }
        graded(&lab, &other.to_text()).result.unwrap_err()
    };
    assert_eq!(with("t06-replies-envelope", lab.digest()), Ungraded::OtherLab("t06-replies-envelope".into()));
    assert_eq!(with(lab.name(), "0"), Ungraded::OtherVersion);
}

#[test]
fn a_file_cannot_choose_what_is_recorded_or_that_the_lab_stands_still() {
    let lab = first_mail();
    let text = tampered(&lab, |file| {
        file.header.level = mxlab::trace::Level::Summary;
        file.header.script = false;
    });
    let (points, _) = told(&lab, &text);
    assert!(points <= full(&lab));
    let honest = graded(&lab, &solved(&lab, "ann").recording().to_text());
    assert_eq!(points, earned(&honest), "what was done earns the same");
}

#[test]
fn answers_are_not_guessed_by_trying_all() {
    let lab = first_mail();
    let mut session = solved(&lab, "ann");
    let right = session.replies()["queue-id"].last().cloned().expect("an answer");
    let mut inputs: Vec<Input> = session.recording().inputs().map(|(_, input)| input.clone()).collect();
    inputs.retain(|input| !matches!(input, Input::Reply { .. }));
    session = begun(&lab, "ann");
    for input in inputs {
        if let Input::Command { host, user, line, .. } = &input {
            session.run_to_rest(host, user, line).expect("it ends");
        }
    }
    for guess in (0..20).map(|n| format!("{n:010X}")).chain([right]) {
        session.apply(Input::Reply { question: "queue-id".into(), text: guess }).expect("a question");
    }
    let graded = graded(&lab, &session.recording().to_text());
    let report = graded.result.as_ref().expect("a report");
    let task = report.tasks.iter().find(|task| task.id == "6").expect("task 6");
    assert!(task.parts.iter().any(|part| part.percent == 0), "{task:?}");
}

#[test]
fn probes_are_named_so_that_nobody_can_expect_them() {
    // An alias for every name that a probe had with another key fits none with this one.
    let lab = load("a13-aliases-forward");
    let text = solved(&lab, "ann").recording().to_text();
    let with = |key: &'static str| graded_as(&lab, "a.mxlab", &text, &Rules { key, ..rules() });
    assert_eq!(with("one").result.map(|report| report.earned), with("two").result.map(|report| report.earned));
}

/// Work that never ends, in a lab whose student is root.
#[test]
fn bombs_end_at_a_limit_and_say_which() {
    let lab = load("a13-aliases-forward");
    let bombs: Vec<(&str, &str)> = vec![
        ("forks", "f() { f | f & }; f; sleep 600"),
        ("a loop", "while :; do :; done"),
        ("a loop of mails", "while :; do echo x | sendmail root; done"),
        ("a file that grows", "while :; do head -c 3000000 /dev/zero >> /tmp/x; done"),
        ("files without number", "i=0; while :; do i=$((i+1)); echo x > /tmp/f$i; done"),
        (
            "a list that contains itself",
            "echo 'a: :include:/tmp/l' >> /etc/aliases; echo ':include:/tmp/l' > /tmp/l; echo a >> /tmp/l; newaliases; echo x | sendmail a; sleep 60",
        ),
        (
            "aliases in a circle",
            "printf 'a: b\\nb: c\\nc: a\\n' >> /etc/aliases; newaliases; echo x | sendmail a; sleep 60",
        ),
        (
            "a forward to itself",
            "printf 'user, root\\n' > ~user/.forward; printf 'user\\n' > ~root/.forward; echo x | sendmail user; sleep 60",
        ),
        ("output without end", "yes | head -c 1000000 | base64 | base64 | tail -1"),
        ("a variable that doubles", "x=0123456789; for i in $(seq 40); do x=$x$x; done; echo ${#x}"),
    ];
    for (name, bomb) in bombs {
        let text = recorded(&lab, "eve", vec![command("ubu", "root", bomb), Input::Pass]);
        let mut text = text;
        if let Some(Entry::Input { time, .. }) = text.entries.last_mut() {
            *time = Time::from_micros(time.micros() + 600_000_000);
        }
        // As much as a patient grader allows would take minutes here.
        let limits = Limits { steps: 50_000, probe_steps: 5_000, octets: 8 << 20, ..Limits::default() };
        let graded = graded_as(&lab, "eve.mxlab", &text.to_text(), &Rules { limits, ..rules() });
        assert!(earned(&graded) < full(&lab) / 4, "{name}: {:?}", graded.result);
    }
}

#[test]
fn what_takes_too_long_is_stopped_from_outside() {
    let lab = first_mail();
    let stop = std::sync::Arc::new(AtomicBool::new(true));
    let rules = Rules { stop: stop.clone(), ..rules() };
    let text = solved(&lab, "ann").recording().to_text();
    let result = graded_as(&lab, "a.mxlab", &text, &rules).result;
    assert!(matches!(result, Err(Ungraded::TooMuch { spent: Spent::Stopped, .. })), "{result:?}");
    stop.store(false, Ordering::Relaxed);
    assert!(graded_as(&lab, "a.mxlab", &text, &rules).result.is_ok());
}

#[test]
fn a_jump_of_a_hundred_years_fulfils_nothing() {
    let lab = first_mail();
    let mut recording = recorded(&lab, "eve", vec![Input::Pass, Input::Pass]);
    if let Some(Entry::Input { time, .. }) = recording.entries.last_mut() {
        *time = Time::from_micros(time.micros() + 100 * 366 * 86_400 * 1_000_000);
    }
    let limits = Limits { steps: 50_000, ..Limits::default() };
    let graded = graded_as(&lab, "a.mxlab", &recording.to_text(), &Rules { limits, ..rules() });
    assert!(matches!(graded.result, Err(Ungraded::TooMuch { spent: Spent::Steps, .. })), "{:?}", graded.result);
}
