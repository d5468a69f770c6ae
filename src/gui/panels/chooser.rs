//! The first screen: what there is to see, each with a small picture of its map.

use egui::{Align2, Color32, Rect, RichText, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::map::icon;
use crate::gui::shelf::{Entry, EntryKind};
use crate::gui::theme;
use crate::view::layout::Layout;

/// The chooser's own state.
#[derive(Default)]
pub struct Chooser {
    filter: String,
    file: String,
}

/// What can be chosen, with its picture.
pub struct Choice {
    /// What it is.
    pub entry: Entry,
    /// Its map.
    pub layout: Option<Layout>,
}

const WIDTH: f32 = 292.0;
const HEIGHT: f32 = 150.0;

impl Chooser {
    /// Draws the chooser.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        desk: &mut Desk<'_>,
        choices: &[Choice],
        recent: &[String],
        error: Option<&str>,
    ) {
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            ui.label(RichText::new("mxlab").font(desk.theme.text(theme::HEAD)));
            ui.label(desk.word("chooser-title"));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                desk.sign(ui, "?", "bar-help", Intent::Help);
                desk.sign(ui, "◑", "bar-theme", Intent::Dark);
                let language = if desk.words.lang() == crate::session::words::Lang::En { "de" } else { "en" };
                desk.sign(ui, language, "bar-language", Intent::Language);
            });
        });
        ui.horizontal_wrapped(|ui| {
            let label = ui.label(desk.word("chooser-filter"));
            ui.add(egui::TextEdit::singleline(&mut self.filter).desired_width(180.0)).labelled_by(label.id);
            ui.add_space(16.0);
            let label = ui.label(desk.word("chooser-file"));
            let edit = ui.add(egui::TextEdit::singleline(&mut self.file).desired_width(240.0)).labelled_by(label.id);
            let entered = edit.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            if (ui.button(desk.word("chooser-open")).clicked() || entered) && !self.file.trim().is_empty() {
                desk.want(Intent::Open(self.file.trim().to_owned()));
            }
        });
        if let Some(error) = error {
            ui.label(RichText::new(error).color(desk.theme.bad));
        }
        if !recent.is_empty() {
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(desk.word("chooser-recent")).color(desk.theme.dim));
                for name in recent.iter().take(6) {
                    let shown = std::path::Path::new(name).file_name().map(|name| name.to_string_lossy());
                    if ui.link(shown.as_deref().unwrap_or(name)).on_hover_text(name).clicked() {
                        desk.want(Intent::Open(name.clone()));
                    }
                }
            });
        }
        ui.add_space(6.0);
        let lang = desk.words.lang();
        let wanted = self.filter.to_lowercase();
        let fits = |choice: &&Choice| {
            let Entry { name, title, summary, .. } = &choice.entry;
            let all = format!("{name} {} {}", lang.pick(&title.en, &title.de), lang.pick(&summary.en, &summary.de));
            all.to_lowercase().contains(&wanted)
        };
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for (kind, word) in [
                (EntryKind::Demonstration, "chooser-demonstrations"),
                (EntryKind::Lab, "chooser-labs"),
                (EntryKind::Recording, "chooser-recordings"),
            ] {
                let shown: Vec<&Choice> =
                    choices.iter().filter(|choice| choice.entry.kind == kind).filter(fits).collect();
                if !shown.is_empty() {
                    ui.label(RichText::new(desk.word(word)).font(desk.theme.text(theme::NAME)));
                    tiles(ui, desk, &shown);
                    ui.add_space(8.0);
                }
            }
        });
    }
}

fn tiles(ui: &mut Ui, desk: &mut Desk<'_>, shown: &[&Choice]) {
    let columns = ((ui.available_width() + 12.0) / (WIDTH + 12.0)).floor().max(1.0) as usize;
    let width = (ui.available_width() - 12.0 * (columns as f32 - 1.0) - 8.0) / columns as f32;
    for row in shown.chunks(columns) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing = vec2(12.0, 12.0);
            for choice in row {
                tile(ui, desk, choice, width);
            }
        });
        ui.add_space(6.0);
    }
}

fn tile(ui: &mut Ui, desk: &mut Desk<'_>, choice: &Choice, width: f32) {
    let theme = *desk.theme;
    let lang = desk.words.lang();
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click());
    let title = lang.pick(&choice.entry.title.en, &choice.entry.title.de).to_owned();
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, true, &title));
    if response.clicked() {
        desk.want(Intent::Open(choice.entry.name.clone()));
    }
    if !ui.is_rect_visible(rect) {
        return;
    }
    let lit = response.hovered() || response.has_focus();
    let stroke = if lit { Stroke::new(2.0, theme.selected) } else { Stroke::new(1.0, theme.line) };
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    painter.rect(rect, f32::from(theme::RADIUS), theme.card, stroke, egui::StrokeKind::Inside);
    let picture = Rect::from_min_size(rect.min + vec2(8.0, 8.0), vec2(92.0, 64.0));
    painter.rect_filled(picture, 4.0, theme.paper);
    if let Some(layout) = &choice.layout {
        thumbnail(&painter, picture.shrink(3.0), layout, &theme);
    }
    let left = picture.right() + 10.0;
    let heading = painter.layout(title, theme.text(theme::NAME), theme.ink, rect.right() - left - 8.0);
    painter.galley(pos2(left, rect.top() + 10.0), heading, theme.ink);
    let summary = lang.pick(&choice.entry.summary.en, &choice.entry.summary.de);
    let body = Rect::from_min_max(pos2(rect.left() + 10.0, picture.bottom() + 8.0), rect.max - vec2(10.0, 8.0));
    let text = clipped(&painter, summary, theme.text(13.0), theme.dim, body);
    painter.galley(body.min, text, theme.dim);
}

/// A text with as many words as there is room for.
fn clipped(
    painter: &egui::Painter,
    text: &str,
    font: egui::FontId,
    colour: Color32,
    room: Rect,
) -> std::sync::Arc<egui::Galley> {
    let mut words: Vec<&str> = text.split(' ').collect();
    let mut galley = painter.layout(text.to_owned(), font.clone(), colour, room.width());
    while galley.size().y > room.height() && words.len() > 1 {
        words.truncate(words.len() - 1 - words.len() / 12);
        galley = painter.layout(words.join(" ") + " …", font.clone(), colour, room.width());
    }
    galley
}

/// The map without words.
fn thumbnail(painter: &egui::Painter, rect: Rect, layout: &Layout, theme: &crate::gui::theme::Theme) {
    let camera = crate::gui::map::Camera::fit(layout, rect);
    let at = |x: f32, y: f32| rect.center() + vec2(x - camera.centre.x, y - camera.centre.y) * camera.zoom;
    for region in &layout.regions {
        let area =
            Rect::from_min_max(at(region.area.min.x, region.area.min.y), at(region.area.max.x, region.area.max.y));
        painter.rect(area, 2.0, theme.region, Stroke::new(1.0, theme.line), egui::StrokeKind::Inside);
    }
    for place in &layout.places {
        let area = Rect::from_min_max(at(place.area.min.x, place.area.min.y), at(place.area.max.x, place.area.max.y));
        let colour = theme.role(place.role);
        painter.rect(area, 1.0, theme.card, Stroke::new(1.0, colour), egui::StrokeKind::Inside);
        if area.height() > 9.0 {
            let side = (area.height() - 3.0).min(10.0);
            icon::role(
                painter,
                Align2::CENTER_CENTER.align_size_within_rect(vec2(side, side), area),
                place.role,
                colour,
            );
        }
    }
}
