//! The window without a screen: what it says, what clicks and keys do, in both languages and sizes.
#![cfg(feature = "gui")]
#![allow(clippy::disallowed_methods, reason = "tests read their cases")]

#[path = "window/hands.rs"]
mod hands;
#[path = "window/reading.rs"]
mod reading;
#[path = "support/labs.rs"]
mod repository;
#[path = "window/tasks.rs"]
mod tasks;

use std::sync::Arc;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use mxlab::gui::shared::{Deed, Shared};
use mxlab::gui::shelf::{Entry, EntryKind, Settings, Shelf, Single};
use mxlab::gui::stage::{Depth, Selection};
use mxlab::gui::studio::Studio;
use mxlab::gui::theme::Theme;
use mxlab::gui::window::Window;
use mxlab::scenario::{Scenario, Sources};
use mxlab::session::Session;
use mxlab::trace::Kind;
use mxlab::view::Screen;

fn session(name: &str) -> Session {
    let file = format!("{}/scenarios/{name}.ron", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap();
    let sources = Sources { name: name.into(), file, text, ..Sources::default() };
    let scenario = Scenario::load(&sources).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let mut session = Session::new(Arc::new(scenario), None, None).unwrap();
    session.run_script(None);
    session
}

fn window(name: &str, settings: Settings) -> Window {
    let mut window = Window::new(Box::new(Single { session: session(name), settings }));
    window.open(name);
    window
}

fn harness<'a>(window: Window) -> Harness<'a, Window> {
    let mut harness =
        Harness::builder().with_size([1280.0, 720.0]).build_ui_state(|ui, window: &mut Window| window.show(ui), window);
    harness.run_steps(2);
    harness
}

fn at(harness: &Harness<'_, Window>) -> Screen {
    harness.state().stage().unwrap().playhead.at
}

#[test]
fn play_and_pause_by_button_and_by_key() {
    let mut harness = harness(window("mx-preference", Settings::default()));
    harness.get_by_label("play").click();
    harness.run_steps(10);
    assert!(harness.state().stage().unwrap().playhead.playing);
    let reached = at(&harness);
    assert!(reached > Screen(0));
    harness.key_press(egui::Key::Space);
    harness.run_steps(3);
    assert!(!harness.state().stage().unwrap().playhead.playing);
    let stopped = at(&harness);
    harness.run_steps(5);
    assert_eq!(at(&harness), stopped);
}

#[test]
fn steps_go_forth_and_back_to_the_same_moment() {
    let mut harness = harness(window("mx-preference", Settings::default()));
    let mut moments = Vec::new();
    for _ in 0..6 {
        harness.key_press(egui::Key::ArrowRight);
        harness.run_steps(2);
        moments.push(at(&harness));
    }
    assert!(moments.is_sorted_by(|one, other| one < other), "{moments:?}");
    for moment in moments.iter().rev().skip(1) {
        harness.key_press(egui::Key::ArrowLeft);
        harness.run_steps(2);
        assert_eq!(at(&harness), *moment);
    }
}

#[test]
fn a_host_can_be_selected_and_entered() {
    let mut harness = harness(window("mx-preference", Settings::default()));
    harness.get_by_label_contains("host fks1").click();
    harness.run_steps(3);
    let stage = harness.state().stage().unwrap();
    let fks1 = stage.session.world().find("fks1").unwrap();
    assert_eq!(stage.selection, Some(Selection::Host(fks1)));
    assert_eq!(stage.depth, Depth::Internet);
}

#[test]
fn the_next_refusal_explains_itself() {
    let mut harness = harness(window("null-mx", Settings::default()));
    harness.key_press(egui::Key::B);
    harness.run_steps(3);
    let stage = harness.state().stage().unwrap();
    let present = stage.present();
    let kind = &stage.session.world().trace().get(present).unwrap().kind;
    assert!(at(&harness) > Screen(0), "{kind:?}");
    assert!(
        harness.query_all_by_label_contains("nullMX").count() > 0
            || matches!(kind, Kind::Deliver { .. } | Kind::Bounce { .. })
    );
}

#[test]
fn doing_something_in_the_past_keeps_the_other_future() {
    let mut harness = harness(window("mx-preference", Settings::default()));
    let before = harness.state().stage().unwrap().session.world().trace().len();
    harness.key_press(egui::Key::ArrowRight);
    harness.run_steps(2);
    let stage = harness.state_mut().stage_mut().unwrap();
    let input = mxlab::session::Input::Power { host: "fks1".into(), up: false };
    stage.act(move |session| session.apply(input)).unwrap();
    assert_eq!(stage.futures.len(), 1);
    assert_eq!(stage.futures[0].session.world().trace().len(), before);
    let fallback = |kind: &Kind| matches!(kind, Kind::Deliver { target, .. } if target == "lax1.example.org");
    assert!(stage.session.world().trace().iter().any(|event| fallback(&event.kind)), "the other server takes it");
    stage.switch(0);
    assert_eq!(stage.session.world().trace().len(), before);
    assert!(stage.futures[0].parting.is_some());
}

#[test]
fn every_view_of_the_bench_opens_with_its_key() {
    let mut harness = harness(window("bounce", Settings::default()));
    harness.key_press(egui::Key::End);
    harness.run_steps(2);
    for (key, found) in [(egui::Key::E, "smtp.reply"), (egui::Key::M, "bob"), (egui::Key::Q, "alice")] {
        harness.key_press(key);
        harness.run_steps(4);
        assert!(harness.query_all_by_label_contains(found).count() > 0, "{key:?} {found}");
    }
}

#[test]
fn the_sheet_of_keys_opens_and_closes() {
    let mut harness = harness(window("mx-preference", Settings::default()));
    harness.key_press(egui::Key::Questionmark);
    harness.run_steps(2);
    assert!(harness.query_by_label("laser pointer").is_some());
    harness.key_press(egui::Key::Escape);
    harness.run_steps(2);
    assert!(harness.query_by_label("laser pointer").is_none());
}

#[test]
fn the_language_changes_at_once() {
    let mut harness = harness(window("mx-preference", Settings::default()));
    assert!(harness.query_by_label("Why?").is_some());
    harness.key_press(egui::Key::G);
    harness.run_steps(2);
    assert!(harness.query_by_label("Warum?").is_some());
    assert!(harness.query_by_label("Why?").is_none());
}

/// A shelf on which one thing cannot be opened.
struct Broken;

impl Shelf for Broken {
    fn now(&self) -> u64 {
        0
    }

    fn demonstrations(&self) -> Vec<Entry> {
        let scenario = session("bounce").scenario().clone();
        let kind = EntryKind::Demonstration;
        vec![Entry { name: "bounce".into(), title: scenario.title, summary: scenario.summary, kind }]
    }

    fn open(&self, name: &str) -> Result<Session, String> {
        Err(format!("{name}: it is broken"))
    }

    fn sitting(&self, _: &Session) -> String {
        String::new()
    }

    fn keep(&self, _: &str, _: Option<&str>, _: &Session) -> Result<(), String> {
        Ok(())
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn remember(&self, _: &Settings) {}
}

#[test]
fn what_cannot_be_opened_is_said_and_the_chooser_stays() {
    let window = Window::new(Box::new(Broken));
    let mut harness = harness(window);
    let title = session("bounce").scenario().title.en.clone();
    harness.get_by_label(&title).click();
    harness.run_steps(3);
    assert!(harness.query_by_label("bounce: it is broken").is_some());
    assert!(harness.state().stage().is_none());
}

/// The moments that are looked at: beginning, middle, end.
fn moments(window: &Window) -> [Screen; 3] {
    let length = window.stage().unwrap().index.director.length().0;
    [Screen(0), Screen(length / 2), Screen(length)]
}

#[test]
fn no_text_is_cut_in_either_language_size_or_theme() {
    for name in ["mx-preference", "open-relay", "mua-msa-mta-mda-mra", "alias-expansion"] {
        for (german, size) in [(false, [1280, 720]), (true, [1280, 720]), (true, [1920, 1080])] {
            let settings = Settings { german, dark: german, ..Settings::default() };
            let mut window = window(name, settings);
            let mut studio = Studio::new(size, Theme::new(german, false));
            for at in moments(&window) {
                let stage = window.stage_mut().unwrap();
                let index = stage.index.clone();
                stage.playhead.seek(at, &index);
                let drawn = studio.draw(|ui| window.show(ui));
                assert_eq!(drawn.cut_texts(), Vec::<String>::new(), "{name} german={german} {size:?} {at:?}");
            }
        }
    }
}

#[test]
fn small_windows_and_presenters_are_drawn_without_panics() {
    for size in [[320, 240], [640, 480], [1280, 720]] {
        let mut window = window("starttls", Settings::default());
        let mut studio = Studio::new(size, Theme::new(false, false));
        let end = moments(&window)[2];
        let stage = window.stage_mut().unwrap();
        let index = stage.index.clone();
        stage.playhead.seek(end, &index);
        for depth in
            [Depth::Internet, Depth::Host(mxlab::sim::HostId(1)), Depth::Session(index.sessions().next().unwrap())]
        {
            window.stage_mut().unwrap().depth = depth;
            let drawn = studio.draw(|ui| window.show(ui));
            let image = studio.pixels(drawn);
            let first = image.pixels[0];
            assert!(image.pixels.iter().any(|pixel| *pixel != first), "{size:?} {depth:?} is empty");
        }
    }
}

/// Somebody else who drives a session.
struct Elsewhere(std::sync::Arc<std::sync::Mutex<(Session, bool)>>);

impl Shared for Elsewhere {
    fn look(&mut self) -> Option<Session> {
        let mut state = self.0.lock().unwrap();
        std::mem::take(&mut state.1).then(|| state.0.clone())
    }

    fn act(&self, deed: Deed) {
        let mut state = self.0.lock().unwrap();
        deed(&mut state.0);
        state.1 = true;
    }

    fn table(&self) -> &str {
        "mail smtp 127.0.0.1:2525"
    }

    fn close(self: Box<Self>) -> Option<Session> {
        Some(self.0.lock().unwrap().0.clone())
    }
}

#[test]
fn a_session_that_is_driven_elsewhere_is_followed_and_acted_in_at_its_present_moment() {
    let state = std::sync::Arc::new(std::sync::Mutex::new((session("first-mail"), true)));
    let mut window = Window::new(Box::new(Broken));
    window.share("first-mail", Box::new(Elsewhere(state.clone())));
    let mut harness = harness(window);
    harness.run_steps(2);
    let seen = harness.state().stage().unwrap().session.world().trace().len();
    {
        let mut state = state.lock().unwrap();
        let down = mxlab::session::Input::Power { host: "ws1".into(), up: false };
        state.0.apply(down).unwrap();
        state.1 = true;
    }
    harness.run_steps(2);
    let stage = harness.state_mut().stage_mut().unwrap();
    assert!(stage.session.world().trace().len() > seen, "what happens elsewhere is seen");
    let up = mxlab::session::Input::Power { host: "ws1".into(), up: true };
    stage.playhead.seek(Screen(0), &stage.index);
    stage.act(move |session| session.apply(up)).unwrap();
    assert!(stage.futures.is_empty(), "nobody can leave what others share");
    let recorded = state.lock().unwrap().0.recording().inputs().count();
    assert_eq!(recorded, 2);
    harness.get_by_label("open sockets for real programs").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("mail smtp 127.0.0.1:2525").is_some());
}
