//! Grading: what submissions earn, attacks on it, classes, exams, and the formats of the results.
#![allow(clippy::disallowed_methods, reason = "this test reads the labs from disk")]

mod attacks;
mod classes;
mod exams;
mod formats;
#[path = "../support/labs.rs"]
mod repository;

use std::sync::Arc;

use mxlab::grade::report::Grading;
use mxlab::grade::submission::{Graded, Rules, Submission, grade};
use mxlab::lab::judge::Report;
use mxlab::lab::{Lab, Student};
use mxlab::session::recording::Entry;
use mxlab::session::{Input, Recording, Session};
use mxlab::sim::Time;
use repository::load;

const KEY: &str = "a key that no student knows";

fn first_mail() -> Lab {
    load("t05-telnet-first-mail")
}

fn student(id: &str) -> Student {
    Student { id: id.into(), class: "7b".into() }
}

fn begun(lab: &Lab, id: &str) -> Session {
    Session::for_lab(Arc::new(lab.instance(&student(id)).expect("a variant"))).expect("a world")
}

/// A session in which the model solution was played.
fn solved(lab: &Lab, id: &str) -> Session {
    let mut session = begun(lab, id);
    let solution = session.lab().expect("a lab").solution.clone();
    session.play(&solution).expect("a solution");
    session.note_digest();
    session
}

/// A recording of nothing but these inputs, one a second.
fn recorded(lab: &Lab, id: &str, inputs: Vec<Input>) -> Recording {
    let session = begun(lab, id);
    let start = session.world().now();
    let mut recording = session.recording().clone();
    for (number, input) in inputs.into_iter().enumerate() {
        let time = Time::from_micros(start.micros() + 1_000_000 * (number as u64 + 1));
        recording.entries.push(Entry::Input { seq: number as u64 + 1, time, events: None, octets: None, input });
    }
    recording
}

fn command(host: &str, user: &str, line: &str) -> Input {
    Input::Command { host: host.into(), user: user.into(), line: line.into(), stdin: String::new() }
}

fn rules() -> Rules<'static> {
    Rules { key: KEY, ..Rules::default() }
}

fn graded_as(lab: &Lab, name: &str, text: &str, rules: &Rules<'_>) -> Graded {
    grade(lab, &Submission { name: name.into(), content: text.as_bytes().to_vec() }, rules)
}

fn graded(lab: &Lab, text: &str) -> Graded {
    graded_as(lab, "work.mxlab", text, &rules())
}

fn earned(graded: &Graded) -> u64 {
    graded.result.as_ref().map_or(0, |report: &Report| report.earned)
}

fn full(lab: &Lab) -> u64 {
    lab.written().tasks.iter().map(|task| task.points * 100).sum()
}

fn grading(lab: &Lab, results: Vec<Graded>) -> Grading {
    Grading {
        lab: lab.written().id.clone(),
        title: lab.written().title.clone(),
        digest: "0".repeat(64),
        pass: lab.written().pass,
        key: KEY.into(),
        questions: lab.instance(&student("x")).expect("a variant").lab.predict,
        missing: Vec::new(),
        suspicions: Vec::new(),
        results,
    }
}
