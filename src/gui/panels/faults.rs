//! Trouble on purpose: hosts off and on, cables pulled, ports blocked, delay. All are inputs, all can be undone.

use egui::{RichText, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::Stage;
use crate::session::{FaultEffect, Input};
use crate::sim::HostId;
use crate::sim::faults::Block;

/// The fault that is being put together.
#[derive(Default)]
pub struct Faults {
    other: Option<HostId>,
    port: Option<u16>,
}

impl Faults {
    /// Draws the panel for a host.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage, host: Option<HostId>) {
        let Some(host) = host else {
            ui.label(desk.word("inspector-choose-host"));
            return;
        };
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
