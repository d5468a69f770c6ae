//! The configuration of a host's Postfix: what holds and where it comes from, and the lookup tables, which can
//! be asked.

use std::collections::BTreeSet;

use egui::{RichText, Ui};
use smol_str::SmolStr;

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::Stage;
use crate::gui::theme;
use crate::host::Host;
use crate::mta::postfix::config::{Config, Params, defaults};
use crate::mta::postfix::maps::{MapFlags, Table};
use crate::sim::HostId;

/// What is looked for.
#[derive(Default)]
pub struct Shown {
    /// Parts of parameters' names.
    filter: String,
    /// With those at their defaults.
    all: bool,
    /// What tables are asked for.
    key: String,
}

impl Shown {
    /// Draws parameters and tables.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage, host: HostId) {
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
        ui.horizontal_wrapped(|ui| {
            for file in ["/etc/postfix/main.cf", "/etc/postfix/master.cf"] {
                if ui.link(file).clicked() {
                    desk.want(Intent::File(file.to_owned()));
                }
            }
        });
        ui.horizontal_wrapped(|ui| {
            let label = ui.label(desk.word("config-filter"));
            ui.add(egui::TextEdit::singleline(&mut self.filter).desired_width(120.0)).labelled_by(label.id);
            ui.checkbox(&mut self.all, desk.word("config-all"));
        });
        let params = config.global();
        let mut names: BTreeSet<SmolStr> = config.main.names().cloned().collect();
        if self.all {
            names.extend(defaults::names().cloned());
        }
        for name in names.iter().filter(|name| name.contains(self.filter.trim())) {
            parameter(ui, desk, &config, &params, name);
        }
        self.tables(ui, desk, host, &config);
    }

    /// The lookup tables that parameters name, whether they are up to date, and what they say to a key.
    fn tables(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, host: &Host, config: &Config) {
        let theme = *desk.theme;
        let params = config.global();
        let mut seen: BTreeSet<SmolStr> = BTreeSet::new();
        let mut tables = Vec::new();
        for name in config.main.names().map(SmolStr::as_str).chain(["alias_maps"]) {
            let value = params.get(name);
            let named = value.split([',', ' ', '\t', '\n']).filter(|word| is_table(word));
            let new: Vec<SmolStr> = named.map(SmolStr::new).filter(|spec| seen.insert(spec.clone())).collect();
            tables.extend(new.into_iter().map(|spec| (name.to_owned(), spec)));
        }
        if tables.is_empty() {
            return;
        }
        ui.separator();
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(desk.word("config-tables")).color(theme.dim));
            let label = ui.label(desk.word("config-ask"));
            ui.add(egui::TextEdit::singleline(&mut self.key).desired_width(140.0)).labelled_by(label.id);
        });
        for (parameter, spec) in tables {
            let table = Table::new(&spec, MapFlags::of_parameter(&parameter));
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = 5.0;
                let file = spec.split_once(':').map_or("", |(_, file)| file);
                if ui.link(RichText::new(spec.as_str()).font(theme.mono(13.0))).clicked() {
                    desk.want(Intent::File(file.to_owned()));
                }
                ui.label(RichText::new(&parameter).font(theme.text(theme::NOTE)).color(theme.dim));
                let entries = table.entries(host).map_or(0, |entries| entries.len() as u64);
                let count = desk.words.say("config-entries", &[("count", entries.into())]);
                ui.label(RichText::new(count).font(theme.text(theme::NOTE)).color(theme.dim));
            });
            for problem in table.problems(host) {
                ui.label(RichText::new(problem).color(theme.later).font(theme.mono(theme::NOTE)));
            }
            if !self.key.trim().is_empty() {
                let (text, colour) = match table.find(self.key.trim(), host) {
                    Ok(Some(found)) => (format!("→ {}", found.value), theme.good),
                    Ok(None) => (desk.word("config-nothing"), theme.dim),
                    Err(error) => (error.to_string(), theme.bad),
                };
                ui.label(RichText::new(text).color(colour).font(theme.mono(13.0)));
            }
        }
    }
}

/// Whether a word of a parameter is a table with a file.
fn is_table(word: &str) -> bool {
    let kinds = ["hash:/", "btree:/", "lmdb:/", "cdb:/", "texthash:/", "regexp:/", "pcre:/", "cidr:/", "inline:"];
    kinds.iter().any(|kind| word.starts_with(kind))
}

/// A parameter with its value, where it is set, and what would hold otherwise.
fn parameter(ui: &mut Ui, desk: &mut Desk<'_>, config: &Config, params: &Params<'_>, name: &str) {
    let theme = *desk.theme;
    let setting = config.main.get(name);
    let effective = params.get(name);
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.label(RichText::new(name).font(theme.mono(13.0)).strong());
        ui.label(RichText::new(format!("= {effective}")).font(theme.mono(13.0)));
        if let Some(setting) = setting
            && ui.link(RichText::new(setting.source.to_string()).font(theme.mono(theme::NOTE))).clicked()
        {
            desk.want(Intent::File(setting.source.file.to_string()));
        }
    });
    let note = match (setting, params.default_value(name)) {
        (None, _) => desk.word("config-is-default"),
        (Some(_), None) => desk.word("config-unknown"),
        (Some(_), Some(default)) if params.expanded(&default) == effective => desk.word("config-as-default"),
        (Some(_), Some(default)) => desk.words.say("config-default", &[("value", (&default).into())]),
    };
    ui.label(RichText::new(note).font(theme.text(theme::NOTE)).color(theme.dim));
}
