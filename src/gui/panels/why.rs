//! Why? The chain of causes of what is selected, and each decision rule by rule.

use egui::{RichText, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::{Selection, Stage};
use crate::gui::theme;
use crate::trace::EventId;
use crate::view::why::{Cause, Reasons, why};

/// Draws the chain of an event.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage, event: EventId) {
    // How the hosts were set up explains nothing that anybody has asked for.
    if event.0 <= stage.index.set_up() && stage.selected_event().is_none() {
        ui.label(RichText::new(desk.word("why-nothing")).color(desk.theme.dim));
        return;
    }
    let chain = why(&stage.session, &stage.index, desk.words, event);
    for (number, cause) in chain.iter().enumerate() {
        if number > 0 {
            ui.label(RichText::new(desk.word("why-because")).color(desk.theme.dim).font(desk.theme.text(theme::NOTE)));
        }
        link(ui, desk, cause, number == 0);
    }
}

/// One link of the chain.
fn link(ui: &mut Ui, desk: &mut Desk<'_>, cause: &Cause, first: bool) {
    let colour = desk.theme.tone(cause.tone);
    ui.horizontal_wrapped(|ui| {
        if !cause.who.is_empty() {
            ui.label(RichText::new(&cause.who).color(desk.theme.dim));
        }
        let text = RichText::new(&cause.text).color(colour);
        let text = if first { text.strong() } else { text };
        let response = ui.add(egui::Label::new(text).wrap().sense(egui::Sense::click()));
        if response.on_hover_text(desk.words.word("story-jump")).clicked() {
            desk.want(Intent::Show(cause.event));
            desk.want(Intent::Select(Selection::Event(cause.event)));
        }
    });
    if let Some(reasons) = &cause.decision {
        decision(ui, desk, reasons, cause.event);
    }
}

/// A decision: the question, the rules in order, the verdict.
fn decision(ui: &mut Ui, desk: &mut Desk<'_>, reasons: &Reasons, event: EventId) {
    let theme = *desk.theme;
    egui::Frame::new().fill(theme.card).inner_margin(6).corner_radius(f32::from(theme::RADIUS)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(RichText::new(&reasons.question).color(theme.dim));
        for rule in &reasons.rules {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = 5.0;
                let (mark, colour) = if rule.matched { ("✔", theme.good) } else { ("–", theme.dim) };
                ui.label(RichText::new(mark).color(colour));
                let ink = if rule.matched { theme.ink } else { theme.dim };
                ui.label(RichText::new(&rule.rule).font(theme.mono(13.0)).color(ink));
                if !rule.input.is_empty() {
                    ui.label(RichText::new(format!("[{}]", rule.input)).font(theme.mono(theme::NOTE)).color(theme.dim));
                }
                if !rule.outcome.is_empty() {
                    ui.label(RichText::new(format!("→ {}", rule.outcome)).color(ink));
                }
                if let Some(source) = &rule.source
                    && ui.link(RichText::new(source.to_string()).font(theme.mono(theme::NOTE))).clicked()
                {
                    desk.want(Intent::File(source.file.to_string()));
                }
                if let Some(source) = rule.source.as_ref().filter(|source| rule.matched && source.line > 0) {
                    let button = ui.small_button(desk.word("why-without"));
                    if button.on_hover_text(desk.word("why-without-tip")).clicked() {
                        desk.want(Intent::Without(event, source.clone()));
                    }
                }
            });
        }
        if !reasons.verdict.is_empty() {
            ui.label(RichText::new(format!("= {}", reasons.verdict)).strong());
        }
        if let Some(next) = &reasons.otherwise {
            let text = desk.words.say("why-otherwise", &[("rule", next.into())]);
            ui.label(RichText::new(text).color(theme.dim).font(theme.text(theme::NOTE)));
        }
    });
}
