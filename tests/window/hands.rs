//! Doing something: other futures, questions, terminals, mail, and that nothing of it is lost.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use egui::Key;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mxlab::gui::intent::{Bench, Intent};
use mxlab::gui::shelf::{Entry, Settings, Shelf, Single};
use mxlab::gui::window::Window;
use mxlab::lab::Student;
use mxlab::session::{Input, Recording, Session};
use mxlab::sim::Duration;
use mxlab::trace::Kind;
use mxlab::view::Screen;

use super::repository::load;
use super::{at, harness, session, window};

/// A lab as a student begins it.
pub fn lab(name: &str) -> Session {
    let instance = load(name).instance(&Student::default()).unwrap();
    Session::for_lab(Arc::new(instance)).unwrap()
}

pub fn lab_window(name: &str, settings: Settings) -> Window {
    let mut window = Window::new(Box::new(Single { session: lab(name), settings }));
    window.open(name);
    window
}

/// Whether something on the screen says this.
pub fn labelled(harness: &Harness<'_, Window>, text: &str) -> bool {
    harness.query_all_by_label_contains(text).count() > 0
}

/// Goes back a little and switches a host off there.
fn another_future(harness: &mut Harness<'_, Window>) {
    harness.key_press(Key::ArrowRight);
    harness.run_steps(2);
    let stage = harness.state_mut().stage_mut().unwrap();
    stage.input(Input::Power { host: "fks1".into(), up: false });
    assert_eq!(stage.futures.len(), 1);
    harness.run_steps(2);
}

#[test]
fn two_futures_are_named_and_compared_with_their_first_difference() {
    let mut harness = harness(window("mx-preference", Settings::default()));
    another_future(&mut harness);
    harness.key_press(Key::K);
    harness.run_steps(3);
    assert!(labelled(&harness, "The first difference"));
    let compared = harness.state().stage().unwrap().compared().unwrap();
    let first = &compared.comparison.rows[compared.comparison.first.unwrap()];
    assert!(
        first.here.as_ref().is_some_and(|here| here.text.contains("fks1") || here.text.contains("off")),
        "{first:?}"
    );
    assert_eq!(compared.comparison.outcomes.map(|outcome| outcome.delivered), [1, 1]);
    harness.get_by_label_contains("● B").click();
    harness.run_steps(3);
    harness.get_by_label("Name of this future").focus();
    harness.run_steps(1);
    harness.get_by_label("Name of this future").type_text(" without fks1");
    harness.run_steps(1);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    assert_eq!(harness.state().stage().unwrap().branch, "B without fks1");
    harness.get_by_label_contains("○ A").click();
    harness.run_steps(3);
    let stage = harness.state().stage().unwrap();
    assert_eq!((stage.branch.as_str(), stage.futures[0].name.as_str()), ("A", "B without fks1"));
}

#[test]
fn a_question_stops_the_picture_before_its_moment_and_its_answer_lets_it_go_on() {
    let mut harness = harness(lab_window("d04-demo-alias-relay", Settings::default()));
    let lab = harness.state().stage().unwrap().session.lab().unwrap().clone();
    let question = lab.lab.predict[0].clone();
    let (host, user) = harness.state().stage().unwrap().seat().unwrap();
    let stage = harness.state_mut().stage_mut().unwrap();
    let line = "echo hello | /usr/sbin/sendmail root".to_owned();
    stage.input(Input::Command { host, user, line, stdin: String::new() });
    assert_eq!(stage.error, None);
    let event = stage.session.decisive(&question).unwrap();
    let moment = stage.index.director.moment_of(event);
    for _ in 0..600 {
        harness.step();
        if harness.state().stage().unwrap().questions.asked.is_some() {
            break;
        }
    }
    let stage = harness.state().stage().unwrap();
    assert_eq!(stage.questions.asked, Some(0));
    assert!(!stage.playhead.playing && stage.playhead.at < moment);
    harness.run_steps(2);
    assert!(labelled(&harness, &question.ask.en));
    harness.key_press(Key::Num1);
    harness.run_steps(3);
    assert!(labelled(&harness, &question.why.en));
    let stage = harness.state().stage().unwrap();
    assert_eq!(stage.session.replies()[&question.id], ["1"]);
    assert_eq!(stage.futures.len(), 0, "an answer begins no other future");
    harness.key_press(Key::Space);
    harness.run_steps(5);
    let stage = harness.state().stage().unwrap();
    assert!(stage.questions.asked.is_none() && stage.playhead.playing);
}

#[test]
fn a_class_votes_and_sees_its_answers_as_counts() {
    let mut harness = harness(lab_window("d04-demo-alias-relay", Settings::default()));
    harness.key_press(Key::P);
    harness.run_steps(2);
    let stage = harness.state_mut().stage_mut().unwrap();
    stage.questions.asked = Some(0);
    let id = stage.session.lab().unwrap().lab.predict[0].id.clone();
    for key in [Key::Num2, Key::Num2, Key::Num1] {
        harness.key_press(key);
        harness.run_steps(2);
    }
    let stage = harness.state().stage().unwrap();
    assert_eq!((stage.questions.votes(0, 0), stage.questions.votes(0, 1)), (1, 2));
    assert!(!stage.session.replies().contains_key(&id));
    harness.get_by_label("Show the answer").click();
    harness.run_steps(3);
    assert_eq!(harness.state().stage().unwrap().session.replies()[&id], ["2"]);
}

#[test]
fn a_student_sits_down_and_types_while_the_picture_is_still_moving() {
    let mut harness = harness(lab_window("t05-telnet-first-mail", Settings::default()));
    harness.get_by_label_contains("Sit down at").click();
    harness.run_steps(4);
    for line in ["telnet mailserver.example.com 25", "HELO"] {
        // A terminal that is opened is typed at.
        harness.event(egui::Event::Text(line.to_owned()));
        harness.run_steps(1);
        harness.key_press(Key::Enter);
        harness.run_steps(3);
    }
    let stage = harness.state().stage().unwrap();
    assert_eq!(stage.futures.len(), 0, "nothing was done in the past");
    let refused = |kind: &Kind| matches!(kind, Kind::SmtpReply { code: 501, .. });
    assert!(stage.session.world().trace().iter().any(|event| refused(&event.kind)));
    assert!(labelled(&harness, "EHLO ws1.example.com"), "the coach says what was expected");
}

#[test]
fn a_mail_is_written_sent_and_read_in_the_mail_program() {
    let mut harness = harness(window("bounce", Settings::default()));
    harness.key_press(Key::End);
    harness.run_steps(2);
    harness.key_press(Key::U);
    harness.run_steps(3);
    harness.get_by_label_contains("Write").click();
    harness.run_steps(3);
    for (label, text) in [("To", "bob@example.org"), ("Subject", "a second try")] {
        harness.get_by_label(label).focus();
        harness.run_steps(1);
        harness.event(egui::Event::Text(text.to_owned()));
        harness.run_steps(1);
    }
    assert!(labelled(&harness, "mail -s 'a second try' bob@example.org"), "the command is shown");
    harness.get_by_label("✉ Send").click();
    harness.run_steps(3);
    let recording = harness.state().stage().unwrap().session.recording();
    let sent = |input: &Input| matches!(input, Input::Command { line, .. } if line.contains("a second try"));
    assert!(recording.inputs().any(|(_, input)| sent(input)));
    assert_eq!(harness.state().stage().unwrap().error, None);
}

#[test]
fn the_next_two_rcpt_are_refused_exactly_and_the_mail_arrives_at_the_third_attempt() {
    let mut harness = harness(window("first-mail", Settings::default()));
    harness.key_press(Key::ArrowRight);
    harness.run_steps(2);
    let stage = harness.state_mut().stage_mut().unwrap();
    let server = stage.session.world().trace().iter().find_map(|event| match &event.kind {
        Kind::SmtpCmd { line, .. } if line.starts_with("RCPT") => event.host,
        _ => None,
    });
    let host = stage.session.world().host(server.unwrap()).name.to_string();
    let input = |times| Input::Refuse {
        name: "practice".into(),
        host: host.clone(),
        command: "rcpt".into(),
        address: Some("bob".into()),
        times: Some(times),
        code: 451,
    };
    stage.input(input(2));
    assert_eq!(stage.error, None);
    let refused = |kind: &Kind| matches!(kind, Kind::SmtpReply { code: 451, text, .. } if text.contains("practice"));
    assert!(stage.session.world().trace().iter().any(|event| refused(&event.kind)));
    stage.wait(Duration::from_secs(3 * 3600));
    let count = stage.session.world().trace().iter().filter(|event| refused(&event.kind)).count();
    assert!((1..=2).contains(&count), "{count}");
    stage.input(Input::Refuse {
        name: "x".into(),
        host,
        command: "HURL".into(),
        address: None,
        times: None,
        code: 451,
    });
    assert!(stage.error.as_ref().is_some_and(|error| error.contains("HURL")));
}

#[test]
fn what_would_have_happened_without_a_line_is_played_and_compared() {
    let mut harness = harness(window("open-relay", Settings::default()));
    let stage = harness.state_mut().stage_mut().unwrap();
    let decided = stage.session.world().trace().iter().find_map(|event| {
        let Kind::PolicyVerdict { .. } = &event.kind else { return None };
        let step = event.why.as_ref()?.steps.iter().find(|step| step.matched && step.source.is_some())?;
        let source = step.source.clone().filter(|source| source.line > 0)?;
        Some((event.id, source))
    });
    let (event, source) = decided.expect("a decision by a line of main.cf");
    harness.state_mut().carry_out(Intent::Without(event, source.clone()));
    harness.run_steps(3);
    let stage = harness.state().stage().unwrap();
    assert_eq!(stage.error, None);
    assert_eq!(stage.futures.len(), 1);
    let writes = |input: &Input| matches!(input, Input::Write { path, .. } if *path == source.file);
    assert!(stage.session.recording().inputs().any(|(_, input)| writes(input)));
    assert!(labelled(&harness, "The first difference"));
}

#[test]
fn jumping_to_what_is_not_there_says_so() {
    let mut harness = harness(window("mx-preference", Settings::default()));
    harness.key_press(Key::R);
    harness.run_steps(2);
    assert!(labelled(&harness, "No further refusal"));
    harness.key_press(Key::ArrowRight);
    harness.run_steps(2);
    assert!(!labelled(&harness, "No further refusal"));
    assert!(at(&harness) > Screen(0));
}

#[test]
fn time_passes_on_demand_and_is_recorded() {
    let mut harness = harness(lab_window("t05-telnet-first-mail", Settings::default()));
    let before = harness.state().stage().unwrap().session.world().now();
    harness.key_press(Key::W);
    harness.run_steps(2);
    let stage = harness.state().stage().unwrap();
    assert!(stage.session.world().now() >= before + Duration::from_secs(60));
    assert!(stage.session.recording().inputs().any(|(_, input)| *input == Input::Pass));
}

/// What was kept, by sitting and future.
type Kept = Rc<RefCell<BTreeMap<String, String>>>;

struct Keeping(Kept);

impl Shelf for Keeping {
    fn now(&self) -> u64 {
        0
    }

    fn demonstrations(&self) -> Vec<Entry> {
        Vec::new()
    }

    fn open(&self, name: &str) -> Result<Session, String> {
        Ok(session(name))
    }

    fn sitting(&self, _: &Session) -> String {
        "here".into()
    }

    fn keep(&self, sitting: &str, branch: Option<&str>, session: &Session) -> Result<(), String> {
        let name = format!("{sitting}{}", branch.map_or(String::new(), |branch| format!(".{branch}")));
        self.0.borrow_mut().insert(name, session.recording().to_text());
        Ok(())
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn remember(&self, _: &Settings) {}
}

#[test]
fn whatever_is_done_is_kept_in_the_same_frame_in_every_future() {
    let kept = Kept::default();
    let mut window = Window::new(Box::new(Keeping(kept.clone())));
    window.open("mx-preference");
    let mut harness = harness(window);
    harness.key_press(Key::End);
    harness.run_steps(2);
    harness.key_press(Key::W);
    harness.step();
    let inputs = |name: &str| {
        let text = kept.borrow().get(name).cloned().unwrap_or_default();
        Recording::parse(&text).map(|recording| recording.inputs().count()).unwrap_or(0)
    };
    let first = inputs("here");
    assert!(first > 0, "{kept:?}");
    harness.key_press(Key::Home);
    harness.run_steps(2);
    harness.key_press(Key::W);
    harness.step();
    assert_eq!(inputs("here.A"), first, "the future that was left");
    assert!(inputs("here") > 0);
}

#[test]
fn a_view_that_belongs_to_no_session_is_remembered() {
    let settings = Settings { view: Bench::Mails.name().map(str::to_owned), ..Settings::default() };
    let mut harness = harness(window("bounce", settings));
    harness.key_press(Key::End);
    harness.run_steps(3);
    assert!(labelled(&harness, "bob"));
    let node = harness.get_by_label("Mails");
    assert!(node.accesskit_node().is_selected().unwrap_or(true));
}
