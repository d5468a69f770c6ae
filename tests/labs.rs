//! Labs as a whole: their own solutions, and grading that cannot be fooled.
#![allow(clippy::disallowed_methods, reason = "this test reads the labs from disk")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mxlab::grade::examine::examine;
use mxlab::grade::report::{self, Format};
use mxlab::grade::submission::{Graded, Remark, Submission, Ungraded, grade};
use mxlab::lab::judge::Report;
use mxlab::lab::{Folder, Lab, Student};
use mxlab::session::recording::Entry;
use mxlab::session::story::Lang;
use mxlab::session::{Input, Recording, Session};
use mxlab::sim::Time;

const KEY: &str = "a key that no student knows";

fn files(root: &Path, dir: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            files(root, &entry, found);
        } else {
            let path = entry.strip_prefix(root).expect("below").to_string_lossy().into_owned();
            found.insert(path, fs::read(&entry).expect("a file"));
        }
    }
}

fn folders() -> Vec<PathBuf> {
    let all = fs::read_dir("labs").expect("labs").map(|entry| entry.expect("an entry").path());
    let mut labs: Vec<PathBuf> = all.filter(|path| path.join("lab.ron").is_file()).collect();
    labs.sort();
    labs
}

fn load(path: &Path) -> Lab {
    let mut found = BTreeMap::new();
    files(path, path, &mut found);
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    Lab::load(Folder { name, files: found }).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn first_mail() -> Lab {
    load(Path::new("labs/t05-telnet-first-mail"))
}

fn student(id: &str) -> Student {
    Student { id: id.into(), class: "7b".into() }
}

/// A session in which the model solution was played.
fn solved(lab: &Lab, id: &str) -> Session {
    let instance = lab.instance(&student(id)).expect("a variant");
    let solution = instance.solution.clone();
    let mut session = Session::for_lab(Arc::new(instance)).expect("a world");
    session.play(&solution).expect("a solution");
    session.note_digest();
    session
}

fn graded(lab: &Lab, text: &str) -> Graded {
    let submission = Submission { name: "work.mxlab".into(), content: text.as_bytes().to_vec() };
    grade(lab, &submission, &Student::default(), KEY)
}

fn earned(graded: &Graded) -> u64 {
    graded.result.as_ref().map_or(0, |report: &Report| report.earned)
}

fn full(lab: &Lab) -> u64 {
    lab.written().tasks.iter().map(|task| task.points * 100).sum()
}

/// A recording of nothing but these inputs.
fn recorded(lab: &Lab, id: &str, inputs: Vec<Input>) -> Recording {
    let instance = lab.instance(&student(id)).expect("a variant");
    let session = Session::for_lab(Arc::new(instance)).expect("a world");
    let start = session.world().now();
    let mut recording = session.recording().clone();
    for (number, input) in inputs.into_iter().enumerate() {
        let time = Time::from_micros(start.micros() + 1_000_000 * (number as u64 + 1));
        recording.entries.push(Entry::Input { seq: number as u64 + 1, time, input });
    }
    recording
}

fn command(host: &str, user: &str, line: &str) -> Input {
    Input::Command { host: host.into(), user: user.into(), line: line.into(), stdin: String::new() }
}

#[test]
fn every_lab_is_solved_by_its_solution_and_knows_its_wrong_ones() {
    for folder in folders() {
        let faults: Vec<String> = examine(&load(&folder), 1).iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "{}: {faults:#?}", folder.display());
    }
}

#[test]
fn every_lab_has_three_wrong_solutions_and_hints_for_every_task() {
    for folder in folders() {
        let lab = load(&folder);
        let instance = lab.instance(&student("x")).expect("a variant");
        assert!(instance.wrong.len() >= 3, "{}", folder.display());
        for task in &instance.lab.tasks {
            assert!(task.hints.len() >= 2, "{}: task {}", folder.display(), task.id);
        }
    }
}

#[test]
fn the_same_submission_gets_the_same_report_every_time() {
    let lab = first_mail();
    let text = solved(&lab, "ann").recording().to_text();
    let write = || report::write(&[graded(&lab, &text)], "T05", Format::Json, Lang::En);
    let first = write();
    assert_eq!(first, write());
    let whole: serde_json::Value = serde_json::from_str(&first).expect("JSON");
    assert_eq!(whole["submissions"][0]["earned"], whole["submissions"][0]["points"]);
    assert_eq!(whole["submissions"][0]["remarks"], serde_json::json!([]));
}

#[test]
fn work_that_is_not_permitted_counts_nothing() {
    let lab = first_mail();
    let values = lab.instance(&student("eve")).expect("a variant").values;
    let (me, friend, word) = (&values["me"], &values["friend"], &values["word"]);
    let mail = format!("From {me} Mon Mar  2 09:00:00 2026\nFrom: a\nTo: b\nSubject: c\n\n{word}\n\n");
    let attacks = vec![
        // Root of servers, other users, the editor, other hosts, faults, power, new hosts.
        command("mailserver", "root", "postconf -e mynetworks=0.0.0.0/0; postfix reload"),
        command("fks1", "root", &format!("printf '{mail}' > /var/mail/{friend}")),
        command("laptop", "root", "telnet mailserver.example.com 25"),
        Input::Write { host: "fks1".into(), path: format!("/var/mail/{friend}"), text: mail },
        Input::Write { host: "laptop".into(), path: "/etc/hosts".into(), text: "1.2.3.4 x".into() },
        command("ns", "root", "true"),
        Input::Power { host: "fks1".into(), up: false },
        Input::Repair { name: "x".into() },
        Input::Open { host: "mailserver".into(), user: "root".into(), device: Default::default() },
        Input::Reply { question: "no-such".into(), text: "x".into() },
        Input::Hint { task: "99".into() },
    ];
    let count = attacks.len();
    let graded = graded(&lab, &recorded(&lab, "eve", attacks).to_text());
    assert_eq!(earned(&graded), 0);
    let refused = graded.remarks.iter().filter(|remark| matches!(remark, Remark::Refused { .. })).count();
    assert_eq!(refused, count, "{:?}", graded.remarks);
}

#[test]
fn mail_that_is_only_written_down_does_not_count() {
    let lab = first_mail();
    let values = lab.instance(&student("eve")).expect("a variant").values;
    let (me, friend, word) = (&values["me"], &values["friend"], &values["word"]);
    let forged = format!("printf 'From a Mon Mar  2 09:00:00 2026\\nFrom: a\\nTo: b\\nSubject: c\\n\\n{word}\\n\\n'");
    let attacks = vec![
        command("fks1", friend, &format!("{forged} >> /var/mail/{friend}")),
        command(
            "fks1",
            friend,
            &format!("{forged} > /tmp/m; cp /tmp/m /var/mail/{friend}; mv /tmp/m /var/mail/{friend}"),
        ),
        command("fks1", friend, "logger -t postfix/local 'ABC: to=<x>, relay=local, status=sent'"),
        command("laptop", me, "echo '220 mailserver ESMTP'; echo '250 2.0.0 Ok: queued as 4711'"),
        command("laptop", me, "telnet() { echo 250; }; telnet mailserver.example.com 25"),
    ];
    let graded = graded(&lab, &recorded(&lab, "eve", attacks).to_text());
    assert_eq!(earned(&graded), 0, "{:#?}", graded.result);
}

#[test]
fn a_recording_of_somebody_else_earns_what_its_inputs_do_in_the_own_variant() {
    let lab = first_mail();
    let mut copied = solved(&lab, "ann").recording().clone();
    if let Some(header) = &mut copied.header.lab {
        header.student = student("ben");
    }
    let own = lab.instance(&student("ben")).expect("a variant").values;
    let other = lab.instance(&student("ann")).expect("a variant").values;
    assert_ne!(own["word"], other["word"]);
    let graded = graded(&lab, &copied.to_text());
    assert!(earned(&graded) < full(&lab) / 2, "{}", earned(&graded));
    assert!(!graded.remarks.is_empty());
}

#[test]
fn seed_and_digests_of_the_file_count_nothing() {
    let lab = first_mail();
    let mut recording = recorded(&lab, "ann", Vec::new());
    recording.header.seed = 4711;
    let solved = solved(&lab, "ann");
    recording.entries.push(Entry::Digest {
        time: solved.world().now(),
        events: solved.world().trace().len(),
        digest: solved.world().digest(),
    });
    let graded = graded(&lab, &recording.to_text());
    assert_eq!(earned(&graded), 0);
    assert!(graded.remarks.iter().any(|remark| matches!(remark, Remark::Altered(_))), "{:?}", graded.remarks);
}

#[test]
fn a_truncated_file_is_graded_as_far_as_it_goes_and_a_changed_line_ends_it() {
    let lab = first_mail();
    let text = solved(&lab, "ann").recording().to_text();
    let half: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    let short = graded(&lab, &half);
    assert!(short.result.is_ok() && earned(&short) < full(&lab));
    assert!(matches!(short.remarks.first(), Some(Remark::Damaged(_))));
    let changed = text.replacen("HELO", "EHLO", 1);
    assert!(matches!(graded(&lab, &changed).remarks.first(), Some(Remark::Damaged(_))));
}

#[test]
fn what_is_no_recording_of_this_lab_is_said_so_and_harms_nothing() {
    let lab = first_mail();
    for text in ["", "{}", "garbage \u{0} \u{fffd}", "[1,2,3]"] {
        assert!(matches!(graded(&lab, text).result, Err(Ungraded::Unreadable(_))), "{text:?}");
    }
    let mut other = recorded(&lab, "ann", Vec::new());
    if let Some(header) = &mut other.header.lab {
        header.name = "t06-replies-envelope".into();
    }
    assert!(matches!(graded(&lab, &other.to_text()).result, Err(Ungraded::OtherLab(_))));
    if let Some(header) = &mut other.header.lab {
        header.name = lab.name().into();
        header.digest = "0".into();
    }
    assert_eq!(graded(&lab, &other.to_text()).result.unwrap_err(), Ungraded::OtherVersion);
}

#[test]
fn time_in_a_file_never_runs_backwards() {
    let lab = first_mail();
    let me = lab.instance(&student("ann")).expect("a variant").values["me"].clone();
    let mut recording = recorded(&lab, "ann", vec![command("laptop", &me, "date"), command("laptop", &me, "date")]);
    if let Some(Entry::Input { time, .. }) = recording.entries.last_mut() {
        *time = Time::from_micros(0);
    }
    assert!(graded(&lab, &recording.to_text()).result.is_ok_and(|report| report.earned == 0));
}

#[test]
fn scripts_are_played_in_the_variant_of_the_student_named() {
    let lab = first_mail();
    let values = lab.instance(&student("ann")).expect("a variant").values;
    let template = fs::read_to_string("labs/t05-telnet-first-mail/solution.sh").expect("a script");
    let script = mxlab::lab::variation::fill(&template, &values).expect("all names");
    let submission = Submission { name: "solution.sh".into(), content: script.into_bytes() };
    assert_eq!(earned(&grade(&lab, &submission, &student("ann"), KEY)), full(&lab));
    assert!(earned(&grade(&lab, &submission, &student("ben"), KEY)) < full(&lab));
}

#[test]
fn hints_cost_what_the_course_says() {
    let lab = first_mail();
    let mut session = solved(&lab, "ann");
    for expected in [true, true, true, false] {
        assert_eq!(session.take_hint("4").expect("a task").is_some(), expected);
    }
    let report = session.judge(7).expect("a lab");
    assert_eq!(report.earned, full(&lab) - 5 * 25);
}

#[test]
fn points_on_top_come_on_top_and_faults_lie_in_different_places() {
    let lab = load(Path::new("labs/x20-fix-inbound"));
    let mut drawn = std::collections::BTreeSet::new();
    for number in 0..30 {
        let values = lab.instance(&student(&number.to_string())).expect("a variant").values;
        let of = |field: &str| (1..=3).map(|n| values[&format!("fault.{n}.{field}")].clone()).collect::<Vec<_>>();
        let layers: std::collections::BTreeSet<String> = of("layer").into_iter().collect();
        assert_eq!(layers.len(), 3);
        drawn.insert(of("id"));
    }
    assert!(drawn.len() > 15, "{drawn:?}");
    let report = solved(&lab, "ann").judge(7).expect("a lab");
    assert_eq!((report.points, report.earned), (40, 4_500));
}

#[test]
fn an_answer_of_several_things_is_worth_what_is_right_in_it() {
    let lab = load(Path::new("labs/d03-demo-long-chain"));
    let instance = Arc::new(lab.instance(&student("ann")).expect("a variant"));
    let earned = |task: &str, question: &str, answers: &[&str]| {
        let mut session = Session::for_lab(instance.clone()).expect("a world");
        for answer in answers {
            session.apply(Input::Reply { question: question.into(), text: (*answer).into() }).expect("a question");
        }
        let report = session.judge(7).expect("a lab");
        report.tasks.iter().find(|found| found.id == task).map(|task| task.earned)
    };
    for (answers, hundredths) in [
        (&["MUA MSA MTA MTA MTA MDA MRA"][..], 200),
        (&["MUA MSA MTA MTA MDA MTA MRA"], 100),
        (&["MRA MDA"], 0),
        (&["?", "?", "MUA, MSA, MTA, MTA, MTA, MDA, MRA"], 100),
        (&["?", "?", "?", "MUA, MSA, MTA, MTA, MTA, MDA, MRA"], 0),
    ] {
        assert_eq!(earned("1", "agents", answers), Some(hundredths), "{answers:?}");
    }
    assert_eq!(earned("2", "queues", &["msa, out, gw, hub, home, fetchmail"]), Some(100));
}

#[test]
fn reports_have_the_shape_that_their_readers_expect() {
    let lab = first_mail();
    let me = lab.instance(&student("ann")).expect("a variant").values["me"].clone();
    let telnet = "(sleep 1; echo HELO me; sleep 1; echo QUIT; sleep 1) | telnet mailserver.example.com 25";
    let recording = recorded(&lab, "ann", vec![command("laptop", &me, telnet), Input::Pass]);
    let mut recording = recording;
    if let Some(Entry::Input { time, .. }) = recording.entries.last_mut() {
        *time = Time::from_micros(time.micros() + 60_000_000);
    }
    let results = [graded(&lab, &recording.to_text()), graded(&lab, "nothing")];
    let formats = [Format::Text, Format::Csv, Format::Junit, Format::Tap, Format::Gradescope];
    let written: Vec<String> = formats.iter().map(|format| report::write(&results, "T05", *format, Lang::En)).collect();
    insta::assert_snapshot!(written.join("\n-----\n"));
    insta::assert_snapshot!(report::write(&results, "T05", Format::Text, Lang::De));
}
