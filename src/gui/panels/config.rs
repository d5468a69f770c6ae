//! The configuration of a host's Postfix: what `main.cf` sets, where, and what would hold otherwise.

use egui::{RichText, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::Stage;
use crate::gui::theme;
use crate::mta::postfix::config::Config;
use crate::sim::HostId;

/// Draws the parameters that are not at their defaults.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage, host: HostId) {
    let theme = *desk.theme;
    let world = stage.world();
    let host = world.host(host);
    ui.label(RichText::new(host.fqdn.as_str()).strong());
    let mut notes = Vec::new();
    let config = match Config::load_main(host, "/etc/postfix", &mut notes) {
        Ok(config) => config,
        Err(error) => {
            ui.label(RichText::new(error.to_string()).color(theme.dim));
            return;
        }
    };
    for note in &notes {
        ui.label(RichText::new(note).color(theme.later).font(theme.mono(theme::NOTE)));
    }
    let params = config.global();
    let files = ["/etc/postfix/main.cf", "/etc/postfix/master.cf"];
    ui.horizontal(|ui| {
        for file in files {
            if ui.link(file).clicked() {
                desk.want(Intent::File(file.to_owned()));
            }
        }
    });
    for name in config.main.names() {
        let Some(setting) = config.main.get(name) else { continue };
        let effective = params.get(name);
        let default = params.default_value(name);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            ui.label(RichText::new(name.as_str()).font(theme.mono(13.0)).strong());
            ui.label(RichText::new(format!("= {effective}")).font(theme.mono(13.0)));
            if ui.link(RichText::new(setting.source.to_string()).font(theme.mono(theme::NOTE))).clicked() {
                desk.want(Intent::File(setting.source.file.to_string()));
            }
        });
        let note = match default {
            None => desk.word("config-unknown"),
            Some(default) if params.expanded(&default) == effective => desk.word("config-as-default"),
            Some(default) => desk.words.say("config-default", &[("value", (&default).into())]),
        };
        ui.label(RichText::new(note).font(theme.text(theme::NOTE)).color(theme.dim));
    }
}
