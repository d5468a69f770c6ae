//! Reading: every tab and view, in both languages and sizes, for eyes and for readers of the screen.

use egui::Key;
use egui_kittest::kittest::Queryable as _;
use mxlab::gui::intent::{Bench, Intent};
use mxlab::gui::keys;
use mxlab::gui::shelf::Settings;
use mxlab::gui::stage::Selection;
use mxlab::gui::studio::Studio;
use mxlab::gui::theme::Theme;
use mxlab::gui::window::Window;
use mxlab::trace::{Event, Kind};
use mxlab::view::Screen;

use super::hands::lab_window;
use super::{harness, window};

const TABS: [Key; 9] =
    [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];

const VIEWS: [Bench; 5] = [Bench::Events, Bench::Sequence, Bench::Mails, Bench::Text, Bench::Program];

/// Shows the first event of a kind.
fn show(window: &mut Window, is: impl Fn(&Event) -> bool) {
    let stage = window.stage_mut().unwrap();
    let event = stage.session.world().trace().iter().find(|event| is(event)).map(|event| event.id).unwrap();
    let index = stage.index.clone();
    stage.playhead.show(event, &index);
    stage.selection = Some(Selection::Event(event));
}

#[test]
fn no_tab_and_no_view_cuts_a_text() {
    for (german, size) in [(false, [1280, 720]), (true, [1280, 720]), (true, [1920, 1080])] {
        let settings = Settings { german, ..Settings::default() };
        for mut window in [window("starttls", settings.clone()), lab_window("t05-telnet-first-mail", settings)] {
            let mut studio = Studio::new(size, Theme::new(false, false));
            studio.draw(|ui| window.show(ui));
            let every = [Intent::Seek(Screen(u64::MAX))].into_iter();
            let every = every.chain(keys::bindings().into_iter().map(|binding| binding.intent));
            let tabs = every.filter(|intent| matches!(intent, Intent::Seek(Screen(u64::MAX)) | Intent::Tab(_)));
            for intent in tabs.chain(VIEWS.map(Intent::Bench)).chain([Intent::Help]) {
                window.carry_out(intent.clone());
                let cut = studio.draw(|ui| window.show(ui)).cut_texts();
                assert_eq!(cut, Vec::<String>::new(), "german={german} {size:?} {intent:?}");
            }
        }
    }
}

#[test]
fn the_envelope_stands_beside_the_header_and_the_way_has_its_stations() {
    let mut window = window("mua-msa-mta-mda-mra", Settings::default());
    show(&mut window, |event| matches!(&event.kind, Kind::SmtpCmd { line, .. } if line.starts_with("DATA")));
    let mut harness = harness(window);
    harness.key_press(Key::Num3);
    harness.run_steps(3);
    for text in ["MAIL FROM", "Header of the letter", "alice@example.com", "The long way"] {
        assert!(harness.query_all_by_label_contains(text).count() > 0, "{text}");
    }
}

#[test]
fn a_dns_answer_is_shown_as_it_was_on_the_wire() {
    let mut window = window("mx-preference", Settings::default());
    show(&mut window, |event| matches!(&event.kind, Kind::DnsAnswer { qtype, cached: false, .. } if qtype == "MX"));
    let mut harness = harness(window);
    harness.key_press(Key::Num4);
    harness.run_steps(3);
    for text in ["QUESTION", "ANSWER", "status NOERROR"] {
        assert!(harness.query_all_by_label_contains(text).count() > 0, "{text}");
    }
}

#[test]
fn a_certificate_is_laid_open() {
    let mut window = window("starttls", Settings::default());
    show(&mut window, |event| matches!(&event.kind, Kind::SmtpTls { certificate: Some(_), .. }));
    let mut harness = harness(window);
    harness.key_press(Key::Num4);
    harness.run_steps(3);
    for text in ["Certificate of the server", "Signed by", "Valid"] {
        assert!(harness.query_all_by_label_contains(text).count() > 0, "{text}");
    }
}

#[test]
fn a_table_answers_for_a_key() {
    let mut harness = harness(window("alias-expansion", Settings::default()));
    harness.key_press(Key::End);
    harness.run_steps(2);
    harness.key_press(Key::Num5);
    harness.run_steps(3);
    let host = harness.state().stage().unwrap().session.world().hosts().find(|host| host.vfs.exists("/etc/aliases.db"));
    let host = host.map(|host| host.id).unwrap();
    harness.state_mut().stage_mut().unwrap().selection = Some(Selection::Host(host));
    harness.run_steps(3);
    harness.get_by_label("key").focus();
    harness.run_steps(1);
    harness.event(egui::Event::Text("postmaster".to_owned()));
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("→ ").count() > 0);
}

#[test]
fn the_twin_tells_what_is_shown_and_why() {
    let mut window = window("bounce", Settings::default());
    assert!(window.twin().starts_with("screen: "));
    show(&mut window, |event| matches!(&event.kind, Kind::SmtpReply { code: 550, .. }));
    let twin = window.twin();
    assert!(twin.contains("plays: no") && twin.contains("why: "), "{twin}");
    assert!(twin.contains("550") && twin.contains("  rule: applies: "), "{twin}");
}

#[test]
fn everything_that_can_be_pressed_has_a_name() {
    // The harness refuses widgets without one; so all of them must be drawn.
    let mut harness = harness(window("bounce", Settings::default()));
    harness.key_press(Key::End);
    for key in TABS.into_iter().chain([Key::E, Key::Q, Key::M, Key::X, Key::U]) {
        harness.key_press(key);
        harness.run_steps(2);
    }
    assert!(harness.query_by_label("timeline").is_some());
}
