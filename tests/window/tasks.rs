//! Labs as exams, ways back and forth in them, and a mail program that fetches.

use egui::Key;
use egui_kittest::kittest::Queryable as _;
use mxlab::gui::intent::{Bench, Intent};
use mxlab::gui::shelf::Settings;
use mxlab::lab::judge::Outcome;
use mxlab::session::Input;
use mxlab::trace::Kind;

use super::hands::{lab_window, labelled};
use super::{harness, window};

#[test]
fn an_exam_hides_what_happens_until_it_is_handed_in() {
    let mut harness = harness(lab_window("t05-telnet-first-mail", Settings::default()));
    assert!(labelled(&harness, "Why?"));
    assert!(labelled(&harness, "Do it as an exam"));
    harness.state_mut().carry_out(Intent::Exam(30));
    harness.run_steps(3);
    assert!(harness.state().stage().unwrap().session.hides_answers());
    assert!(labelled(&harness, "30 of 30 minutes left"));
    assert!(!labelled(&harness, "Why?") && !labelled(&harness, "Hint ("));
    // No key leads to what is hidden.
    for key in [Key::E, Key::Q, Key::ArrowRight, Key::Num1] {
        harness.key_press(key);
        harness.run_steps(2);
    }
    assert!(!labelled(&harness, "Why?"));
    let (host, user) = harness.state().stage().unwrap().seat().unwrap();
    harness.state_mut().carry_out(Intent::OpenTerminal { host, user, first: Some("hostname\n".into()) });
    harness.run_steps(3);
    assert!(harness.state().stage().unwrap().futures.is_empty());
    harness.get_by_label("Hand in").click();
    harness.run_steps(3);
    let stage = harness.state().stage().unwrap();
    assert!(!stage.session.hides_answers() && stage.report().is_some());
    assert!(stage.session.recording().inputs().any(|(_, input)| *input == Input::HandIn));
    assert!(labelled(&harness, "Why?"));
}

#[test]
fn an_exam_ends_with_its_time() {
    let mut harness = harness(lab_window("t05-telnet-first-mail", Settings::default()));
    let stage = harness.state_mut().stage_mut().unwrap();
    stage.begin_exam(1, 0);
    harness.run_steps(3);
    assert!(harness.state().stage().unwrap().session.hides_answers() && !labelled(&harness, "Why?"));
    let stage = harness.state_mut().stage_mut().unwrap();
    stage.session.apply(Input::Clock { seconds: 60 }).unwrap();
    harness.run_steps(3);
    assert!(!harness.state().stage().unwrap().session.hides_answers());
    assert!(labelled(&harness, "Why?"));
}

#[test]
fn a_lab_is_begun_in_its_middle_and_what_was_done_stays_as_another_future() {
    let mut harness = harness(lab_window("a13-aliases-forward", Settings::default()));
    let stage = harness.state().stage().unwrap();
    let task = stage.session.stages().first().cloned().expect("a stage");
    let first = stage.session.lab().unwrap().lab.tasks[0].id.clone();
    assert!(labelled(&harness, "Begin here"));
    harness.state_mut().carry_out(Intent::CatchUp(task.clone()));
    harness.run_steps(3);
    let stage = harness.state().stage().unwrap();
    assert_eq!(stage.error, None);
    assert_eq!(stage.futures.len(), 1);
    let done = |id: &str| {
        let report = harness.state().stage().unwrap().report().unwrap();
        report.tasks.iter().any(|known| known.id == id && known.outcome == Outcome::Done)
    };
    assert!(done(&first) && !done(&task));
    harness.state_mut().carry_out(Intent::BackTo(first));
    harness.run_steps(2);
    assert_eq!(harness.state().stage().unwrap().futures.len(), 2);
    harness.state_mut().carry_out(Intent::BackTo("nonsense".into()));
    assert_eq!(harness.state().stage().unwrap().note, Some("note-not-done"));
}

#[test]
fn a_mail_program_fetches_over_imap_and_shows_what_came() {
    let mut harness = harness(window("first-mail", Settings::default()));
    harness.key_press(Key::End);
    harness.run_steps(2);
    harness.state_mut().carry_out(Intent::Bench(Bench::Program));
    harness.run_steps(3);
    assert!(labelled(&harness, "Fetched by mail programs") && labelled(&harness, "On the servers"));
    let fetches = |harness: &egui_kittest::Harness<'_, mxlab::gui::window::Window>| {
        let world = harness.state().stage().unwrap().session.world();
        world.trace().iter().filter(|event| matches!(event.kind, Kind::MuaFetch { .. })).count()
    };
    assert_eq!(fetches(&harness), 1);
    harness.get_by_label_contains("IMAP hub").click();
    harness.run_steps(3);
    assert_eq!(fetches(&harness), 2);
    assert!(labelled(&harness, "/home/bob/Mail/inbox"));
}
