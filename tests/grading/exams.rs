//! Exams: time, hints and the end are recomputed from the inputs, under the grader's limit.

use mxlab::grade::submission::{Remark, Rules, Ungraded};
use mxlab::session::InputError;
use mxlab::session::exam::{Exam, Stopped};

use super::*;

const BEGAN: u64 = 1_780_000_000;

fn exam(lab: &Lab, minutes: u64) -> Session {
    begun(lab, "ann").as_exam(Exam { minutes, began: BEGAN })
}

fn solve(session: &mut Session) {
    let solution = session.lab().expect("a lab").solution.clone();
    session.play(&solution).expect("a solution");
}

fn graded_exam(lab: &Lab, session: &Session, minutes: Option<u64>) -> Graded {
    graded_as(lab, "a.mxlab", &session.recording().to_text(), &Rules { exam: minutes, ..rules() })
}

#[test]
fn how_the_tasks_stand_is_told_after_the_exam_only() {
    let lab = first_mail();
    let mut session = exam(&lab, 30);
    solve(&mut session);
    assert!(session.hides_answers() && session.progress().is_none());
    assert!(matches!(session.take_hint("1"), Err(InputError::NotPermitted(_))));
    session.tell_clock(BEGAN + 600);
    session.apply(Input::HandIn).expect("it is handed in");
    assert_eq!(session.progress().expect("a report").earned, full(&lab));
    assert_eq!(session.apply(command("laptop", "dude", "ls")).unwrap_err(), {
        // Whoever sits there: nothing is done any more.
        let me = lab.values(&student("ann"))["me"].clone();
        if me == "dude" { InputError::ExamIsOver } else { InputError::NotPermitted("work on laptop as dude".into()) }
    });
    let graded = graded_exam(&lab, &session, Some(30));
    assert_eq!(earned(&graded), full(&lab));
    assert_eq!(graded.remarks, [Remark::Exam { minutes: 10, limit: 30, stopped: Stopped::HandedIn }]);
}

#[test]
fn what_is_done_when_the_time_is_over_does_not_count() {
    let lab = first_mail();
    let mut session = exam(&lab, 30);
    session.tell_clock(BEGAN + 31 * 60);
    assert_eq!(session.exam().expect("an exam").stopped, Stopped::TimeOver);
    let me = lab.values(&student("ann"))["me"].clone();
    assert_eq!(session.apply(command("laptop", &me, "ls")).unwrap_err(), InputError::ExamIsOver);
    // A file with a limit of its own.
    let mut generous = exam(&lab, 600);
    generous.tell_clock(BEGAN + 31 * 60);
    solve(&mut generous);
    assert_eq!(earned(&graded_exam(&lab, &generous, None)), full(&lab));
    let strict = graded_exam(&lab, &generous, Some(30));
    assert_eq!(earned(&strict), 0);
    assert!(strict.remarks.iter().any(|remark| matches!(remark, Remark::Refused { why, .. } if why.contains("over"))));
}

#[test]
fn work_that_was_not_begun_as_an_exam_is_none() {
    let lab = first_mail();
    let session = solved(&lab, "ann");
    assert_eq!(graded_exam(&lab, &session, Some(30)).result, Err(Ungraded::NoExam));
}

#[test]
fn the_clock_of_an_exam_is_not_put_back() {
    let lab = first_mail();
    let mut session = exam(&lab, 30);
    session.tell_clock(BEGAN + 1_200);
    assert!(matches!(session.apply(Input::Clock { seconds: 3 }), Err(InputError::NotPermitted(_))));
    session.tell_clock(BEGAN + 60);
    assert_eq!(session.exam().expect("an exam").seconds, 1_200);
}

#[test]
fn work_taken_over_from_the_model_solution_earns_nothing() {
    let lab = load("a13-aliases-forward");
    let instance = Arc::new(lab.instance(&student("ann")).expect("a variant"));
    let stages = begun(&lab, "ann").stages();
    assert!(Session::caught_up(instance.clone(), "no-such").is_err());
    let task = stages.last().expect("the solution has stages").clone();
    let session = Session::caught_up(instance, &task).expect("a stage");
    let report = session.progress().expect("a report");
    assert_eq!(report.earned, 0, "{:#?}", report.tasks);
    let graded = graded(&lab, &session.recording().to_text());
    assert_eq!(earned(&graded), 0);
}

#[test]
fn one_returns_to_where_a_task_was_done() {
    let lab = first_mail();
    let mut session = solved(&lab, "ann");
    let all = session.recording().inputs().count();
    assert!(!session.return_to("no-such"));
    assert!(session.return_to("4"));
    assert!(session.recording().inputs().count() < all);
    let report = session.progress().expect("a report");
    let task = report.tasks.iter().find(|task| task.id == "4").expect("task 4");
    assert_eq!(task.outcome, mxlab::lab::judge::Outcome::Done);
}
