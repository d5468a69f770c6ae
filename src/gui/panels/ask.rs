//! A question to the class: the picture stands before the decisive moment, answers are bars.

use egui::{Align2, Key, Pos2, Rect, RichText, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::Stage;
use crate::gui::theme;
use crate::lab::written::Question;
use crate::session::Input;

const KEYS: [Key; 9] =
    [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];

/// Draws the question that is being asked, if any, over the middle of a rectangle. In front of a class hands are
/// counted until the answer is shown; one learner's choice is the answer.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage, rect: Rect, class: bool) {
    let Some(number) = stage.questions.asked else { return };
    let Some(lab) = stage.session.lab().cloned() else { return };
    let Some(question) = lab.lab.predict.get(number) else { return };
    let given = stage.session.replies().get(&question.id).and_then(|replies| replies.last().cloned());
    let width = (rect.width() - 40.0).min(560.0 * desk.theme.scale);
    let theme = *desk.theme;
    let area = egui::Area::new(ui.scope_id().with("question"))
        .order(egui::Order::Foreground)
        .pivot(Align2::CENTER_CENTER)
        .constrain_to(rect)
        .fixed_pos(rect.center());
    area.show(ui.ctx(), |ui| {
        let frame = egui::Frame::new()
            .fill(theme.card)
            .stroke(Stroke::new(2.0, theme.selected))
            .corner_radius(f32::from(theme::RADIUS))
            .inner_margin(16);
        frame.show(ui, |ui| {
            ui.set_width(width);
            card(ui, desk, stage, (number, question), given.as_deref(), class);
        });
    });
}

fn card(
    ui: &mut Ui,
    desk: &mut Desk<'_>,
    stage: &Stage,
    (number, question): (usize, &Question),
    given: Option<&str>,
    class: bool,
) {
    let lang = desk.words.lang();
    ui.label(RichText::new(desk.word("ask-title")).color(desk.theme.dim));
    let text = lang.pick(&question.ask.en, &question.ask.de);
    ui.label(RichText::new(text).font(desk.theme.text(theme::NAME)).strong());
    let votes: Vec<u32> = (0..question.choices.len()).map(|choice| stage.questions.votes(number, choice)).collect();
    let all = votes.iter().sum::<u32>();
    let pressed = ui.input(|input| KEYS.iter().position(|key| input.key_pressed(*key)));
    for (choice, text) in question.choices.iter().enumerate() {
        let chosen = given.is_some_and(|given| given == (choice + 1).to_string());
        let right = (choice + 1) as u64 == question.right;
        let bar = Bar {
            key: choice + 1,
            text: lang.pick(&text.en, &text.de),
            // Without a count what one learner chose is everything.
            part: if all > 0 { votes[choice] as f32 / all as f32 } else { f32::from(u8::from(chosen)) },
            count: votes[choice],
            shown: given.map(|_| right),
            chosen,
        };
        let clicked = bar.show(ui, desk);
        if given.is_none() && (clicked || pressed == Some(choice)) {
            desk.want(Intent::Vote(number, choice));
            if !class {
                reply(desk, question, choice);
            }
        }
    }
    ui.add_space(4.0);
    match given {
        Some(_) => {
            ui.label(lang.pick(&question.why.en, &question.why.de));
            if ui.button(format!("▶ {}", desk.word("ask-go-on"))).clicked() {
                desk.want(Intent::Toggle);
            }
        }
        None if class => {
            ui.label(RichText::new(desk.word("ask-count")).color(desk.theme.dim));
            let majority = stage.questions.majority(number);
            let show = ui.add_enabled(majority.is_some(), egui::Button::new(desk.word("ask-show")));
            let enter = majority.is_some() && ui.input(|input| input.key_pressed(Key::Enter));
            if let Some(choice) = majority.filter(|_| show.clicked() || enter) {
                reply(desk, question, choice);
            }
        }
        None => {
            ui.label(RichText::new(desk.word("ask-choose")).color(desk.theme.dim));
        }
    }
}

fn reply(desk: &mut Desk<'_>, question: &Question, choice: usize) {
    let (question, text) = (question.id.clone(), (choice + 1).to_string());
    desk.want(Intent::Input(Input::Reply { question, text }));
}

/// A choice with the part of the class that is for it.
struct Bar<'a> {
    key: usize,
    text: &'a str,
    part: f32,
    count: u32,
    /// Once answers are shown: whether this is the right one.
    shown: Option<bool>,
    chosen: bool,
}

impl Bar<'_> {
    /// Draws it; whether it was clicked.
    fn show(&self, ui: &mut Ui, desk: &Desk<'_>) -> bool {
        let theme = desk.theme;
        let (mark, colour) = match (self.shown, self.chosen) {
            (Some(true), _) => ("✔", theme.good),
            (Some(false), true) => ("✖", theme.bad),
            (Some(false), false) => ("○", theme.dim),
            (None, _) => ("", theme.ink),
        };
        let left = 34.0 * theme.scale;
        let room = ui.available_width() - left - 50.0 * theme.scale;
        let galley = ui.painter().layout(self.text.to_owned(), theme.text(theme::TEXT), colour, room);
        let size = vec2(ui.available_width(), galley.size().y + 14.0);
        let (rect, response) = ui.allocate_exact_size(size, egui::Sense::click());
        let name = format!("{}: {}", self.key, self.text);
        response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, self.shown.is_none(), &name));
        let painter = ui.painter();
        let stroke = if response.hovered() || response.has_focus() {
            Stroke::new(2.0, theme.selected)
        } else {
            Stroke::new(1.0, theme.line)
        };
        painter.rect(rect, f32::from(theme::RADIUS), theme.paper, stroke, egui::StrokeKind::Inside);
        let filled = Rect::from_min_size(rect.min, vec2(rect.width() * self.part, rect.height())).shrink(2.0);
        if self.part > 0.0 {
            let tone = if self.shown == Some(true) { theme.good } else { theme.selected };
            painter.rect_filled(filled, 4.0, theme.tint(tone));
        }
        let text = |at: Pos2, align: Align2, text: String| {
            painter.text(at, align, text, theme.mono(theme::TEXT), colour);
        };
        let mark = if self.shown.is_some() { mark.to_owned() } else { self.key.to_string() };
        text(pos2(rect.left() + 10.0, rect.center().y), Align2::LEFT_CENTER, mark);
        if self.count > 0 {
            text(pos2(rect.right() - 10.0, rect.center().y), Align2::RIGHT_CENTER, self.count.to_string());
        }
        painter.galley(pos2(rect.left() + left, rect.top() + 7.0), galley, colour);
        response.clicked()
    }
}
