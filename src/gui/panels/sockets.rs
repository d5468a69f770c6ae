//! The real sockets of the session: where programs of this machine find its hosts.

use egui::{Align2, RichText, ScrollArea, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::theme;

/// Draws the table of addresses; it can be moved away.
pub fn show(ui: &Ui, desk: &mut Desk<'_>, table: &str) {
    let mut open = true;
    let window = egui::Window::new(desk.words.word("sockets-title"))
        .id(egui::Id::unique("sockets"))
        .open(&mut open)
        .default_width(720.0)
        .anchor(Align2::CENTER_BOTTOM, [0.0, -90.0]);
    window.show(ui.ctx(), |ui| {
        ui.label(desk.words.word("sockets-note"));
        ScrollArea::both().max_height(260.0).show(ui, |ui| {
            let text = RichText::new(table.trim_end()).font(desk.theme.mono(theme::TEXT));
            ui.add(egui::Label::new(text).selectable(true).wrap_mode(egui::TextWrapMode::Extend));
        });
        if ui.button(desk.words.word("sockets-close")).clicked() {
            desk.intents.push(Intent::CloseSockets);
        }
    });
    if !open {
        desk.intents.push(Intent::Sockets);
    }
}
