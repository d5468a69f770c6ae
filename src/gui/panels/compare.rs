//! Two futures side by side, with the first difference marked.

use egui::{RichText, ScrollArea, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::{Selection, Stage};
use crate::gui::theme;
use crate::view::compare::{Happened, Outcome};
use crate::view::timing::clock;

/// Draws the comparison with another future, by its number.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage, number: usize) {
    stage.compare(number, desk.words);
    let (Some(future), Some(compared)) = (stage.futures.get(number), stage.compared()) else {
        ui.label(desk.word("note-no-future"));
        return;
    };
    let comparison = &compared.comparison;
    ui.horizontal(|ui| {
        for (other, future) in stage.futures.iter().enumerate() {
            if ui.selectable_label(other == number, &future.name).clicked() && other != number {
                desk.want(Intent::Bench(crate::gui::intent::Bench::Compare(other)));
            }
        }
        if ui.button(desk.word("branch-switch")).clicked() {
            desk.want(Intent::Switch(number));
        }
    });
    ui.columns(2, |columns| {
        let names = [&stage.branch, &future.name];
        for ((column, name), outcome) in columns.iter_mut().zip(names).zip(&comparison.outcomes) {
            column.label(RichText::new(name).font(desk.theme.text(theme::NAME)).strong());
            let text = RichText::new(ends(desk, outcome)).color(desk.theme.dim);
            column.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| ui.label(text));
        }
    });
    ui.separator();
    if comparison.first.is_none() {
        ui.label(desk.word("compare-same"));
        return;
    }
    ScrollArea::vertical().id_salt("compare").auto_shrink(false).show(ui, |ui| {
        for (at, row) in comparison.rows.iter().enumerate() {
            if comparison.first == Some(at) {
                let text = RichText::new(desk.word("compare-first")).color(desk.theme.selected).strong();
                ui.label(text);
            }
            let fill = if row.same { egui::Color32::TRANSPARENT } else { desk.theme.tint(desk.theme.later) };
            egui::Frame::new().fill(fill).inner_margin(2).show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.columns(2, |columns| {
                    if let Some(happened) = &row.here
                        && side(&mut columns[0], desk, happened, row.same)
                    {
                        desk.want(Intent::Show(happened.event));
                        desk.want(Intent::Select(Selection::Event(happened.event)));
                    }
                    if let Some(happened) = &row.there
                        && side(&mut columns[1], desk, happened, row.same)
                    {
                        desk.want(Intent::ShowIn(number, happened.event));
                    }
                });
            });
        }
        if comparison.cut {
            ui.label(desk.word("compare-cut"));
        }
    });
}

/// How a future ends, in numbers.
fn ends(desk: &Desk<'_>, outcome: &Outcome) -> String {
    let Outcome { delivered, waiting, bounced, refused } = *outcome;
    let count = |id: &str, count: u64| desk.words.say(id, &[("count", count.into())]);
    [
        count("total-delivered", delivered),
        count("total-waiting", waiting),
        count("total-bounced", bounced),
        count("total-refused", refused),
    ]
    .join("   ")
}

/// One side of a line; whether it was clicked.
fn side(ui: &mut Ui, desk: &Desk<'_>, happened: &Happened, same: bool) -> bool {
    let theme = desk.theme;
    let colour = if same { theme.dim } else { theme.tone(happened.tone) };
    let text = format!("{}  {}  {}", clock(happened.time), happened.who, happened.text);
    let label = RichText::new(text).font(theme.text(theme::NOTE + 1.0)).color(colour);
    let label = egui::Label::new(label).wrap().sense(egui::Sense::click());
    let response = ui.with_layout(egui::Layout::top_down(egui::Align::Min), |ui| ui.add(label)).inner;
    response.on_hover_text(desk.word("story-jump")).clicked()
}
