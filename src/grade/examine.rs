//! Whether a lab is good: the model solution earns everything, nothing is given away, and every
//! known way to go wrong is told so.

use std::sync::Arc;

use crate::lab::judge::{Outcome, Report, TaskResult};
use crate::lab::script::Step;
use crate::lab::{Instance, Lab, Student};
use crate::scenario::Problem;
use crate::session::Session;

/// Key of the probes of an examination: any will do.
const KEY: u64 = 0x006d_786c_6162;

/// What is wrong with a lab.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A file is wrong.
    #[error("{0}")]
    File(Problem),
    /// A script cannot be played, or the world not be built.
    #[error("{what}: in the variant of {student}: {why}")]
    Play {
        /// Whose variant.
        student: String,
        /// Which script.
        what: String,
        /// Why.
        why: String,
    },
    /// A task earns something before anything was done.
    #[error(
        "lab.ron: in the variant of {student} task {task} earns something before anything was done; add a part that does not hold at the beginning"
    )]
    GivenAway {
        /// Whose variant.
        student: String,
        /// Which task.
        task: String,
    },
    /// The model solution does not earn everything.
    #[error("solution.sh: in the variant of {student} it does not earn all points of task {task}: {why}")]
    Unsolved {
        /// Whose variant.
        student: String,
        /// Which task.
        task: String,
        /// What is missing.
        why: String,
    },
    /// A wrong solution is taken for a right one, or gets other words than it should.
    #[error("wrong/{name}.sh: in the variant of {student} task {task} {why}")]
    Misjudged {
        /// Whose variant.
        student: String,
        /// The wrong solution.
        name: String,
        /// Which task.
        task: String,
        /// What was said instead.
        why: String,
    },
}

/// Tries a lab in the variants of so many students.
pub fn examine(lab: &Lab, students: u64) -> Vec<Fault> {
    let mut faults = Vec::new();
    for number in 0..students.max(1) {
        let student = Student { id: format!("student{number}"), class: "check".into() };
        match lab.instance(&student) {
            // A file that is wrong for one student is wrong for all.
            Err(problems) => {
                faults.extend(problems.into_iter().map(Fault::File));
                break;
            }
            Ok(instance) => examine_variant(&Arc::new(instance), number == 0, &mut faults),
        }
    }
    faults
}

fn examine_variant(lab: &Arc<Instance>, with_wrong: bool, faults: &mut Vec<Fault>) {
    let student = lab.student.id.clone();
    let failed = |what: &str, why: String| Fault::Play { student: student.clone(), what: what.to_owned(), why };
    match played(lab, &[]) {
        Err(why) => return faults.push(failed("the beginning", why)),
        Ok(report) => {
            let given = report.tasks.iter().filter(|task| task.outcome == Outcome::Done || task.earned > 0);
            faults.extend(given.map(|task| Fault::GivenAway { student: student.clone(), task: task.id.clone() }));
        }
    }
    match played(lab, &lab.solution) {
        Err(why) => faults.push(failed("solution.sh", why)),
        Ok(report) => {
            let unsolved = report.tasks.iter().filter(|task| task.earned != task.points * 100);
            faults.extend(unsolved.map(|task| {
                let (student, task, why) = (student.clone(), task.id.clone(), what_is_missing(task));
                Fault::Unsolved { student, task, why }
            }));
        }
    }
    if !with_wrong {
        return;
    }
    for (name, wrong) in &lab.wrong {
        match played(lab, &wrong.steps) {
            Err(why) => faults.push(failed(&format!("wrong/{name}.sh"), why)),
            Ok(report) => {
                let Some(task) = report.tasks.iter().find(|task| task.id == wrong.task) else { continue };
                let said = feedback(task);
                if task.earned == task.points * 100 || !said.contains(&wrong.feedback) {
                    faults.push(Fault::Misjudged {
                        student: student.clone(),
                        name: name.clone(),
                        task: wrong.task.clone(),
                        why: format!(
                            "should not earn everything and be told `{}`; it earns {} of {} and is told: {said}",
                            wrong.feedback,
                            task.earned / 100,
                            task.points
                        ),
                    });
                }
            }
        }
    }
}

fn played(lab: &Arc<Instance>, steps: &[Step]) -> Result<Report, String> {
    let mut session = Session::for_lab(lab.clone()).map_err(|error| error.to_string())?;
    session.play(steps).map_err(|error| error.to_string())?;
    session.judge(KEY).ok_or_else(|| "no lab is being done".to_owned())
}

fn what_is_missing(task: &TaskResult) -> String {
    let missing = task.parts.iter().filter(|part| part.percent < 100);
    let mut words: Vec<String> = missing
        .map(|part| {
            format!("{}: expected {}, found {}", part.name.en, part.finding.expected.en, part.finding.actual.en)
        })
        .collect();
    words.extend(task.reduced.iter().map(|reduced| reduced.en.clone()));
    if let Outcome::Waiting(other) = &task.outcome {
        words.push(format!("waits for task {other}"));
    }
    words.join("; ")
}

/// All that a student reads about a task.
fn feedback(task: &TaskResult) -> String {
    let mut words = Vec::new();
    if let Outcome::Stuck(say) | Outcome::Lost(say) = &task.outcome {
        words.push(say.en.clone());
    }
    words.extend(task.reduced.iter().map(|reduced| reduced.en.clone()));
    words.push(what_is_missing(task));
    words.join(" | ")
}
