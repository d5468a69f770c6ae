//! The left side: what is to be seen, what was told so far, and the tasks that tick themselves off.

use egui::{RichText, ScrollArea, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::Stage;
use crate::gui::theme;
use crate::scenario::{Expect, Step};
use crate::session::story::Narrator;
use crate::trace::{Event, Kind};
use crate::view::index::Landmark;
use crate::view::told::told;

/// Draws the story.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
    let lang = desk.words.lang();
    let scenario = stage.session.scenario();
    let trace = stage.session.world().trace();
    let now = stage.present();
    ScrollArea::vertical().id_salt("story").auto_shrink(false).show(ui, |ui| {
        ui.label(RichText::new(lang.pick(&scenario.summary.en, &scenario.summary.de)).color(desk.theme.dim));
        ui.separator();
        let told_here = stage.index.landmark(crate::trace::EventId(now.0 + 1), Landmark::Narration, false);
        for (id, landmark) in stage.index.landmarks() {
            let Some(Kind::Narrate { en, de }) = trace.get(*id).map(|event| &event.kind) else { continue };
            debug_assert_eq!(*landmark, Landmark::Narration);
            let here = told_here == Some(*id);
            let colour = if *id > now { desk.theme.dim } else { desk.theme.ink };
            let mark = match (here, *id > now) {
                (true, _) => "▶ ",
                (false, false) => "✔ ",
                (false, true) => "○ ",
            };
            let text =
                RichText::new(format!("{mark}{}", lang.pick(en, de))).color(colour).font(desk.theme.text(theme::TEXT));
            let text = if here { text.strong() } else { text };
            let response = ui.add(egui::Label::new(text).wrap().sense(egui::Sense::click()));
            if response.on_hover_text(desk.words.word("story-jump")).clicked() {
                desk.want(Intent::Show(*id));
            }
        }
        tasks(ui, desk, stage);
    });
}

/// The scenario's expectations: open until the moment at which they are met.
fn tasks(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
    let trace = stage.session.world().trace();
    let narrator = Narrator::new(&stage.session, desk.words, &stage.index.facts);
    let now = stage.present();
    let steps = stage.session.scenario().script.iter();
    let expected: Vec<_> =
        steps.filter_map(|step| if let Step::Expect(expect) = step { Some(expect) } else { None }).collect();
    // That events of a kind happened is for authors; a class reads of mail, queues and files.
    let for_authors = |event: &Event| {
        let number = stage.index.facts.ordinal(event.id);
        number.and_then(|number| expected.get(number)).is_some_and(|expect| matches!(expect, Expect::Event { .. }))
    };
    let shown = |event: &&Event| match event.kind {
        Kind::Expect { ok, .. } => !(ok && for_authors(event)),
        _ => false,
    };
    let all: Vec<_> = trace.since(stage.index.set_up()).filter(shown).take(100).collect();
    if all.is_empty() {
        return;
    }
    ui.add_space(8.0);
    ui.label(RichText::new(desk.words.word("story-checks")).color(desk.theme.dim));
    for event in all {
        let Kind::Expect { ok, .. } = &event.kind else { continue };
        let due = event.id <= now;
        let (mark, colour) = match (due, ok) {
            (false, _) => ("☐", desk.theme.dim),
            (true, true) => ("✔", desk.theme.good),
            (true, false) => ("✖", desk.theme.bad),
        };
        let text = told(&narrator, desk.words, event).map(|sentence| sentence.text).unwrap_or_default();
        // The sentence says whether it was met; before that it only says what is expected.
        let text = text.split_once(": ").map_or(text.as_str(), |(_, what)| what);
        let label = RichText::new(format!("{mark} {text}")).color(colour);
        let response = ui.add(egui::Label::new(label).wrap().sense(egui::Sense::click()));
        if response.clicked() {
            desk.want(Intent::Show(event.id));
        }
    }
}
