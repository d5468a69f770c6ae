//! The sheet of keys.

use egui::{RichText, Ui};

use super::Desk;
use crate::gui::keys::Binding;
use crate::gui::theme;

/// Draws all keys with what they do, in three columns.
pub fn show(ui: &mut Ui, desk: &Desk<'_>, bindings: &[Binding]) {
    ui.label(RichText::new(desk.word("help-title")).font(desk.theme.text(theme::HEAD)));
    ui.label(RichText::new(desk.word("help-mouse")).color(desk.theme.dim));
    ui.add_space(8.0);
    let rows = bindings.len().div_ceil(3);
    ui.columns(3, |columns| {
        for (column, part) in columns.iter_mut().zip(bindings.chunks(rows)) {
            for binding in part {
                column.horizontal_wrapped(|ui| {
                    let key =
                        RichText::new(binding.shown).font(desk.theme.mono(theme::TEXT)).color(desk.theme.selected);
                    ui.label(key);
                    ui.label(desk.word(binding.word));
                });
            }
        }
    });
}
