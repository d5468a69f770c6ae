//! The table of events, the sequence diagram to scroll in, and the trace as text.

use egui::{Rect, RichText, ScrollArea, Sense, Ui, pos2, vec2};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::sequence::{self, Columns};
use crate::gui::stage::{Selection, Stage};
use crate::gui::theme;
use crate::session::story::{self, Detail, Narrator, Style};
use crate::trace::EventId;
use crate::view::timing::clock;
use crate::view::told::told;

/// The state of these views.
#[derive(Default)]
pub struct Events {
    filter: String,
    /// The filter that `rows` was made for, and how long the trace was.
    made: Option<(String, u64)>,
    rows: Vec<EventId>,
    sequence: Option<(u64, Vec<EventId>)>,
    text: Option<(u64, bool, String)>,
    /// The moment that was scrolled to.
    shown: Option<EventId>,
}

impl Events {
    /// Forgets what was made for another trace.
    pub fn forget(&mut self) {
        (self.made, self.sequence, self.text) = (None, None, None);
    }

    /// Draws the table of events.
    pub fn table(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
        let theme = *desk.theme;
        ui.horizontal(|ui| {
            let label = ui.label(desk.word("events-filter"));
            ui.add(egui::TextEdit::singleline(&mut self.filter).desired_width(200.0)).labelled_by(label.id);
            for kind in ["dns", "tcp", "smtp", "policy", "queue", "deliver", "log", "shell"] {
                let on = self.filter == kind;
                if ui.selectable_label(on, RichText::new(kind).font(theme.mono(theme::NOTE))).clicked() {
                    self.filter = if on { String::new() } else { kind.to_owned() };
                }
            }
            ui.label(RichText::new(desk.word("events-hint")).color(theme.dim).font(theme.text(theme::NOTE)));
        });
        let key = (self.filter.clone(), stage.index.len());
        if self.made.as_ref() != Some(&key) {
            let wanted: Vec<&str> = self.filter.split([',', ' ']).filter(|part| !part.is_empty()).collect();
            let trace = stage.session.world().trace();
            let fits = |event: &&crate::trace::Event| {
                let host = event.host.map_or("", |host| trace.host_name(host));
                wanted.iter().all(|part| event.kind.name().starts_with(part) || host == *part)
            };
            self.rows = trace.since(stage.index.set_up()).filter(fits).map(|event| event.id).collect();
            self.made = Some(key);
        }
        let now = stage.present();
        let height = 18.0 * theme.scale;
        let mut area = ScrollArea::vertical().id_salt("events").auto_shrink(false);
        if self.shown != Some(now) {
            self.shown = Some(now);
            let row = self.rows.partition_point(|id| *id <= now) as f32;
            area = area.vertical_scroll_offset((row * height - ui.available_height() * 0.6).max(0.0));
        }
        let narrator = Narrator::new(&stage.session, desk.words, &stage.index.facts);
        let trace = stage.session.world().trace();
        ui.spacing_mut().item_spacing.y = 0.0;
        area.show_rows(ui, height, self.rows.len(), |ui, range| {
            for id in &self.rows[range] {
                let Some(event) = trace.get(*id) else { continue };
                let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
                let sentence = told(&narrator, desk.words, event);
                let host = event.host.map_or("", |host| trace.host_name(host));
                let text = sentence.as_ref().map_or_else(String::new, |sentence| sentence.text.replace('\n', " "));
                let name = format!("#{} {} {host} {text}", id.0, event.kind.name());
                response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Row, true, &name));
                if stage.selected_event() == Some(*id) || *id == now {
                    ui.painter().rect_filled(rect, 2.0, theme.tint(theme.selected));
                }
                let ink = if *id > now {
                    theme.dim
                } else {
                    sentence.map_or(theme.ink, |sentence| theme.tone(sentence.tone))
                };
                let font = theme.mono(theme::NOTE);
                let columns = [
                    (0.0, clock(event.time)),
                    (96.0, event.kind.name().to_owned()),
                    (210.0, host.to_owned()),
                    (290.0, text),
                ];
                for (left, text) in columns {
                    let at = pos2(rect.left() + 4.0 + left * theme.scale, rect.center().y);
                    let text = crate::gui::map::fitted(ui.painter(), &text, &font, rect.right() - at.x - 4.0);
                    ui.painter().text(at, egui::Align2::LEFT_CENTER, text, font.clone(), ink);
                }
                if response.clicked() {
                    desk.want(Intent::Show(*id));
                    desk.want(Intent::Select(Selection::Event(*id)));
                }
            }
        });
    }

    /// Draws the sequence diagram.
    pub fn sequence(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
        let theme = *desk.theme;
        if self.sequence.as_ref().is_none_or(|(length, _)| *length != stage.index.len()) {
            self.sequence = Some((stage.index.len(), crate::view::sequence::rows(&stage.session, &stage.index)));
        }
        let Some((_, rows)) = &self.sequence else { return };
        ui.horizontal(|ui| {
            for (label, dialect) in [
                ("Mermaid", crate::session::sequence::Dialect::Mermaid),
                ("PlantUML", crate::session::sequence::Dialect::PlantUml),
            ] {
                if ui.button(desk.words.say("sequence-copy", &[("format", label.into())])).clicked() {
                    ui.ctx().copy_text(crate::session::sequence::diagram(
                        stage.session.world(),
                        dialect,
                        desk.words.lang(),
                    ));
                }
            }
        });
        let tall = sequence::row_height(&theme);
        let (head, _) = ui.allocate_exact_size(vec2(ui.available_width(), tall), Sense::hover());
        let columns = Columns::new(head, stage.session.world().host_count(), &theme);
        sequence::heads(ui.painter(), head, &columns, &stage.session, &theme, ui.max_rect().bottom());
        let now = stage.present();
        let narrator = Narrator::new(&stage.session, desk.words, &stage.index.facts);
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut area = ScrollArea::vertical().id_salt("sequence").auto_shrink(false);
        if self.shown != Some(now) {
            self.shown = Some(now);
            let row = rows.partition_point(|id| *id <= now) as f32;
            area = area.vertical_scroll_offset((row * tall - ui.available_height() * 0.6).max(0.0));
        }
        let last = rows.partition_point(|id| *id <= now).checked_sub(1).map(|at| rows[at]);
        area.show_rows(ui, tall, rows.len(), |ui, range| {
            for id in &rows[range] {
                let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), tall), Sense::click());
                let Some(arrow) = crate::view::sequence::arrow(&stage.session, &narrator, desk.words, *id) else {
                    continue;
                };
                let rect = Rect::from_min_max(pos2(head.left(), rect.top()), pos2(head.right(), rect.bottom()));
                sequence::row(ui.painter(), rect, &columns, &arrow, last == Some(*id), &theme);
                let name = arrow.text.clone();
                response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Row, true, &name));
                if response.clicked() {
                    desk.want(Intent::Show(*id));
                    desk.want(Intent::Select(Selection::Event(*id)));
                }
            }
        });
    }

    /// Draws the whole story as text, for readers of the screen and for copying.
    pub fn text(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
        let german = desk.words.lang() == story::Lang::De;
        let key = (stage.index.len(), german);
        if self.text.as_ref().is_none_or(|(length, lang, _)| (*length, *lang) != key) {
            let style = Style { lang: desk.words.lang(), detail: Detail::Normal, ..Style::default() };
            let text = story::tell(&stage.session, &style).replace('✓', "✔").replace('✗', "✖");
            self.text = Some((key.0, key.1, text));
        }
        let Some((_, _, text)) = &self.text else { return };
        let font = desk.theme.mono(13.0);
        let lines: Vec<&str> = text.lines().collect();
        let height = 17.0 * desk.theme.scale;
        ui.spacing_mut().item_spacing.y = 0.0;
        ScrollArea::vertical().id_salt("text").auto_shrink(false).show_rows(ui, height, lines.len(), |ui, range| {
            for line in &lines[range] {
                ui.label(RichText::new(*line).font(font.clone()));
            }
        });
    }
}
