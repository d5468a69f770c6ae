//! The window during an exam: the tasks and the terminals, and nothing that tells how the tasks stand.

use egui::{Align, CentralPanel, Frame, Panel, RichText, Ui};

use super::intent::{Bench, Intent};
use super::panels::{Desk, timeline};
use super::theme;
use super::window::Window;
use crate::session::exam::Stopped;

/// Lengths that are offered, in minutes.
pub const MINUTES: [u64; 4] = [15, 30, 45, 90];
/// How often the clock on the wall is looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(5);

/// What may be wanted while it goes on.
pub(super) fn permits(intent: &Intent) -> bool {
    matches!(
        intent,
        Intent::Language
            | Intent::Dark
            | Intent::HandIn
            | Intent::Close
            | Intent::OpenTerminal { .. }
            | Intent::Type(..)
            | Intent::Press(..)
            | Intent::LogIn(_)
            | Intent::Answer(..)
            | Intent::Wait(_)
            | Intent::Input(_)
    ) || matches!(intent, Intent::Bench(Bench::Terminal(_)))
}

impl Window {
    /// Draws an exam that goes on.
    pub(super) fn exam(&mut self, ui: &mut Ui, intents: &mut Vec<Intent>) {
        let Some(stage) = &mut self.stage else { return };
        ui.ctx().request_repaint_after(LOOK_EVERY);
        let theme = self.theme;
        let mut desk = Desk { theme: &theme, words: &self.words, intents };
        let bars = Frame::new().fill(theme.panel).inner_margin(egui::Margin::symmetric(10, 4));
        Panel::top("exam").exact_size(40.0).resizable(false).frame(bars).show(ui, |ui| {
            ui.horizontal_centered(|ui| {
                let title = &stage.session.scenario().title;
                ui.label(RichText::new(desk.words.lang().pick(&title.en, &title.de)).strong());
                if let Some(standing) = stage.session.exam().filter(|standing| standing.stopped == Stopped::NotYet) {
                    let left = [("left", standing.minutes_left().into()), ("all", standing.exam.minutes.into())];
                    ui.label(RichText::new(desk.words.say("exam-left", &left)).color(theme.later));
                }
                ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
                    desk.sign(ui, "◑", "bar-theme", Intent::Dark);
                    let other = desk.words.lang().pick("de", "en").to_owned();
                    desk.sign(ui, &other, "bar-language", Intent::Language);
                    ui.separator();
                    if ui.button(desk.word("exam-hand-in")).clicked() {
                        desk.want(Intent::HandIn);
                    }
                });
            });
        });
        let bench = self.bench;
        Panel::bottom("exam-hands").exact_size(40.0).resizable(false).frame(bars).show(ui, |ui| {
            ui.horizontal_centered(|ui| timeline::hands(ui, &mut desk, stage, bench));
        });
        let width = (ui.available_width() * 0.42).clamp(240.0, 620.0);
        let frame = Frame::new().fill(theme.panel).inner_margin(10);
        Panel::left("exam-tasks").default_size(width).resizable(true).frame(frame).show(ui, |ui| {
            self.lab.show(ui, &mut desk, stage);
        });
        CentralPanel::default().frame(Frame::new().fill(theme.paper).inner_margin(10)).show(ui, |ui| match bench {
            Some(Bench::Terminal(id)) => self.terminal.show(ui, &mut desk, stage, id),
            _ => {
                ui.label(RichText::new(desk.word("exam-sit")).font(theme.text(theme::NAME)).color(theme.dim));
            }
        });
    }
}
