//! How quickly a class is graded: a thousand submissions of a lab, each in a variant of its own.
//!
//! The goal is under 10 s on two cores, that is 20 s of processor time, in under 500 MiB.
//! `cargo bench --bench grading -- write FOLDER` writes the submissions instead, for
//! `mxlab grade t05 FOLDER/t05-telnet-first-mail`.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads files and the clock")]

#[path = "../tests/support/labs.rs"]
mod repository;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use mxlab::grade::similar::suspicions;
use mxlab::grade::submission::{Graded, Rules, Submission, grade};
use mxlab::lab::{Lab, Student};
use mxlab::session::Session;
use rayon::prelude::*;
use repository::load;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LABS: [&str; 2] = ["t05-telnet-first-mail", "a13-aliases-forward"];
const SUBMISSIONS: usize = 1_000;
const GOAL_SECONDS: f64 = 20.0;
const GOAL_MIB: f64 = 500.0;

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
    let folder = args.next().filter(|word| word == "write").and_then(|_| args.next());
    for name in LABS {
        let lab = load(name);
        let submissions = submissions(&lab);
        if let Some(folder) = &folder {
            let folder = Path::new(folder).join(name);
            fs::create_dir_all(&folder).expect("a folder");
            for submission in &submissions {
                fs::write(folder.join(&submission.name), &submission.content).expect("a file");
            }
            continue;
        }
        let (begun, before) = (Instant::now(), processor_seconds());
        let rules = Rules { key: "a key", ..Rules::default() };
        let results: Vec<Graded> = submissions.par_iter().map(|submission| grade(&lab, submission, &rules)).collect();
        let found = suspicions(&lab, &results, None);
        let (wall, used) = (begun.elapsed().as_secs_f64(), processor_seconds() - before);
        let full = results.iter().filter(|graded| graded.result.as_ref().is_ok_and(|report| report.passed)).count();
        let memory = peak_mib();
        println!(
            "{name}: {} graded, {full} passed, {} suspicions: {used:.2} s of processor time ({:.0} % of the goal), \
             {wall:.2} s on the wall, {memory:.0} MiB at most ({:.0} % of the goal)",
            results.len(),
            found.len(),
            used / GOAL_SECONDS * 100.0,
            memory / GOAL_MIB * 100.0
        );
    }
}

/// What a class hands in that has solved the lab.
fn submissions(lab: &Lab) -> Vec<Submission> {
    let make = |number: usize| {
        let student = Student { id: format!("student{number}"), class: "7b".into() };
        let instance = lab.instance(&student).expect("a variant");
        let solution = instance.solution.clone();
        let mut session = Session::for_lab(Arc::new(instance)).expect("a world");
        session.play(&solution).expect("a solution");
        session.note_digest();
        Submission { name: format!("{}.mxlab", student.id), content: session.recording().to_text().into_bytes() }
    };
    (0..SUBMISSIONS).into_par_iter().map(make).collect()
}

/// Seconds that all threads have used so far; nothing is known but on Linux.
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after_name.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // User and system time, in hundredths of a second; the state is no number.
    fields.get(10..12).map_or(0.0, |ticks| ticks.iter().sum::<f64>() / 100.0)
}

/// The most memory that was in use so far.
fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
