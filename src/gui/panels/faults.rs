//! Trouble on purpose: hosts off and on, cables pulled, ports blocked, delay. All are inputs, all can be undone.

use egui::{RichText, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::Stage;
use crate::session::{FaultEffect, Input, REFUSED};
use crate::sim::HostId;
use crate::sim::faults::Block;

/// The fault that is being put together.
#[derive(Default)]
pub struct Faults {
    other: Option<HostId>,
    port: Option<u16>,
    exact: Exact,
}

/// A refusal that is being put together.
struct Exact {
    times: u32,
    command: &'static str,
    address: String,
    code: u16,
}

impl Default for Exact {
    fn default() -> Self {
        Exact { times: 2, command: "RCPT", address: String::new(), code: 451 }
    }
}

impl Exact {
    /// Draws it: "the next 2 RCPT for bob: answer 451".
    fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, host: &str) {
        ui.label(RichText::new(desk.word("exact-title")).color(desk.theme.dim));
        ui.horizontal_wrapped(|ui| {
            let label = ui.label(desk.word("exact-next"));
            let times = egui::DragValue::new(&mut self.times).range(0..=1000);
            ui.add(times).labelled_by(label.id).on_hover_text(desk.word("exact-every"));
            let list = egui::ComboBox::from_id_salt("exact-command").selected_text(self.command);
            let response = list.show_ui(ui, |ui| {
                for command in REFUSED {
                    ui.selectable_value(&mut self.command, command, command);
                }
            });
            let name = desk.word("exact-stage");
            response.response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::ComboBox, true, &name));
            let label = ui.label(desk.word("exact-for"));
            let edit =
                egui::TextEdit::singleline(&mut self.address).desired_width(110.0).hint_text(desk.word("exact-any"));
            ui.add(edit).labelled_by(label.id);
            let label = ui.label(desk.word("exact-answer"));
            ui.add(egui::DragValue::new(&mut self.code).range(400..=599)).labelled_by(label.id);
            if ui.button(desk.word("exact-add")).clicked() {
                let address = Some(self.address.trim().to_owned()).filter(|address| !address.is_empty());
                let times = Some(self.times).filter(|times| *times > 0);
                let shown = times.map_or(String::new(), |times| format!("{times} × "));
                let to = address.as_deref().unwrap_or("*");
                let name = format!("{host}: {shown}{} {to} → {}", self.command, self.code);
                let (host, command) = (host.to_owned(), self.command.to_owned());
                desk.want(Intent::Input(Input::Refuse { name, host, command, address, times, code: self.code }));
            }
        });
    }
}

impl Faults {
    /// Draws the panel for a host.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage, host: HostId) {
        let world = stage.session.world();
        let name = world.host(host).name.to_string();
        let up = stage.index.standing(&stage.session, crate::trace::EventId(stage.present().0 + 1));
        let down = up.host(host).is_some_and(|host| host.down);
        ui.label(RichText::new(&name).strong());
        let word = if down { "fault-on" } else { "fault-off" };
        if ui.button(desk.word(word)).clicked() {
            desk.want(Intent::Input(Input::Power { host: name.clone(), up: down }));
        }
        ui.separator();
        let anybody = desk.word("anywhere");
        let shown = self.other.map_or(anybody.clone(), |other| world.host(other).name.to_string());
        ui.horizontal(|ui| {
            ui.label(desk.word("fault-between"));
            let list = egui::ComboBox::from_id_salt("fault-other").selected_text(shown.clone());
            let response = list.show_ui(ui, |ui| {
                ui.selectable_value(&mut self.other, None, anybody);
                for other in world.hosts().filter(|other| other.id != host) {
                    ui.selectable_value(&mut self.other, Some(other.id), other.name.as_str());
                }
            });
            let label = desk.word("fault-between");
            response.response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::ComboBox, true, &label));
        });
        ui.horizontal(|ui| {
            for (port, label) in [
                (None, desk.word("fault-all-ports")),
                (Some(25), "25".into()),
                (Some(587), "587".into()),
                (Some(53), "53".into()),
            ] {
                ui.selectable_value(&mut self.port, port, label);
            }
        });
        let to = self.other.map(|other| world.host(other).name.to_string());
        let effects = [
            ("fault-drop", FaultEffect::Block(Block::Drop)),
            ("fault-reject", FaultEffect::Block(Block::Reject)),
            ("fault-unreachable", FaultEffect::Block(Block::Unreachable)),
            ("fault-slow", FaultEffect::Latency(2000)),
            ("fault-loss", FaultEffect::LossPpm(300_000)),
        ];
        ui.horizontal_wrapped(|ui| {
            for (word, effect) in effects {
                if ui.button(desk.word(word)).clicked() {
                    let port = self.port.map_or(String::new(), |port| format!(":{port}"));
                    let fault = format!("{name} ↔ {shown}{port} ({})", desk.word(word));
                    let (from, port) = (Some(name.clone()), self.port);
                    desk.want(Intent::Input(Input::Fault { name: fault, from, to: to.clone(), port, effect }));
                }
            }
        });
        ui.separator();
        self.exact.show(ui, desk, &name);
        for refusal in world.hosts().flat_map(|host| host.refusals.iter()) {
            ui.horizontal_wrapped(|ui| {
                ui.label(refusal.name.as_str());
                if let Some(left) = refusal.left {
                    let left = desk.words.say("exact-left", &[("count", u64::from(left).into())]);
                    ui.label(RichText::new(left).color(desk.theme.later));
                }
                if ui.button(desk.word("fault-repair")).clicked() {
                    desk.want(Intent::Input(Input::Repair { name: refusal.name.to_string() }));
                }
            });
        }
        ui.separator();
        for rule in world.kernel().faults.rules() {
            ui.horizontal_wrapped(|ui| {
                ui.label(&rule.name);
                if ui.button(desk.word("fault-repair")).clicked() {
                    desk.want(Intent::Input(Input::Repair { name: rule.name.clone() }));
                }
            });
        }
    }
}
