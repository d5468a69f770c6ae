//! Labs as a whole: their own solutions, and ways to go wrong.
#![allow(clippy::disallowed_methods, reason = "this test reads the labs from disk")]

#[path = "support/labs.rs"]
mod repository;

use std::sync::Arc;

use mxlab::grade::examine::examine;
use mxlab::lab::script::Step;
use mxlab::lab::{Lab, Student};
use mxlab::session::{Input, Session};
use repository::{load, names};

fn first_mail() -> Lab {
    load("t05-telnet-first-mail")
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
    for name in names() {
        let faults: Vec<String> = examine(&load(&name), 1).iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "{name}: {faults:#?}");
    }
}

#[test]
fn every_lab_has_three_wrong_solutions_and_hints_for_every_task() {
    for name in names() {
        let lab = load(&name);
        let instance = lab.instance(&student("x")).expect("a variant");
        assert!(instance.wrong.len() >= 3, "{name}");
        for task in &instance.lab.tasks {
            assert!(task.hints.len() >= 2, "{name}: task {}", task.id);
        }
    }
}

#[test]
fn every_stage_of_a_solution_leads_to_the_rest_of_the_points() {
    for name in names() {
        let lab = load(&name);
        let instance = Arc::new(lab.instance(&student("ann")).expect("a variant"));
        let stages: Vec<String> = Session::for_lab(instance.clone()).expect("a world").stages();
        assert!(!stages.is_empty(), "{name} has no stages");
        for task in stages {
            let mut session = Session::caught_up(instance.clone(), &task)
                .unwrap_or_else(|error| panic!("{name}: up to task {task}: {error}"));
            let done = stages_before(&instance.solution, &task);
            session
                .play(&instance.solution[done..])
                .unwrap_or_else(|error| panic!("{name}: from task {task}: {error}"));
            let report = session.judge(7).expect("a lab");
            for result in &report.tasks {
                let taken = result.reduced.iter().any(|why| why.en.starts_with("taken over"));
                let expected = if taken { 0 } else { result.points * 100 };
                assert_eq!(result.earned, expected, "{name}: caught up to task {task}: task {}", result.id);
            }
            assert!(report.tasks.iter().any(|result| result.id == task && result.earned > 0), "{name}: {task}");
        }
    }
}

/// The number of steps before a stage.
fn stages_before(solution: &[Step], task: &str) -> usize {
    solution.iter().position(|step| *step == Step::Task(task.to_owned())).expect("the stage")
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
    let lab = load("x20-fix-inbound");
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
    let lab = load("d03-demo-long-chain");
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
