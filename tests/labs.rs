//! Labs as a whole: their own solutions, and ways to go wrong.
#![allow(clippy::disallowed_methods, reason = "this test reads the labs from disk")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mxlab::grade::examine::examine;
use mxlab::lab::{Folder, Lab, Student};
use mxlab::session::{Input, Session};

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

fn full(lab: &Lab) -> u64 {
    lab.written().tasks.iter().map(|task| task.points * 100).sum()
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
