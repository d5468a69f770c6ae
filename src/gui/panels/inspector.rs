//! The right side: everything about what is selected.

use egui::{RichText, ScrollArea, Ui};

use super::{Desk, config, details, faults, files, letter, log, mails, why};
use crate::gui::intent::{Intent, Tab};
use crate::gui::stage::{Depth, Selection, Stage};
use crate::gui::theme;
use crate::session::story::connection;
use crate::sim::{HostId, Socket};
use crate::trace::EventId;
use crate::view::dialogue::{Speaker, Spoken, dialogue};
use crate::view::index::session_of;
use crate::view::message::carried;

/// The inspector's own state.
#[derive(Default)]
pub struct Inspector {
    /// The tab that is shown.
    pub tab: Tab,
    /// Whether octets are shown.
    octets: bool,
    /// Files that are looked at and edited.
    pub files: files::Files,
    faults: faults::Faults,
    letter: letter::Shown,
    config: config::Shown,
}

const TABS: [(Tab, &str); 9] = [
    (Tab::Why, "tab-why"),
    (Tab::Dialogue, "tab-dialogue"),
    (Tab::Message, "tab-message"),
    (Tab::Event, "tab-event"),
    (Tab::Config, "tab-config"),
    (Tab::Mail, "tab-mail"),
    (Tab::Log, "tab-log"),
    (Tab::Files, "tab-files"),
    (Tab::Faults, "tab-faults"),
];

impl Inspector {
    /// Draws the inspector.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage) {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            for (tab, word) in TABS {
                if ui.selectable_label(self.tab == tab, desk.word(word)).clicked() {
                    desk.want(Intent::Tab(tab));
                }
            }
        });
        ui.separator();
        let event = stage.asked_about();
        ScrollArea::vertical().id_salt(("inspector", self.tab as u8)).auto_shrink(false).show(ui, |ui| {
            match self.tab {
                Tab::Why => why::show(ui, desk, stage, event),
                Tab::Dialogue => self.dialogue(ui, desk, stage, event),
                Tab::Message => self.message(ui, desk, stage, event),
                Tab::Event => details::show(ui, desk, stage, event),
                Tab::Config => with_host(ui, desk, stage, event, |ui, desk, stage, host| {
                    self.config.show(ui, desk, stage, host);
                }),
                Tab::Mail => with_host(ui, desk, stage, event, mails::store),
                Tab::Log => with_host(ui, desk, stage, event, log::show),
                Tab::Files => {
                    if let Some(host) = host_of(stage, event) {
                        self.files.show(ui, desk, stage, host);
                    } else {
                        choose_host(ui, desk, stage);
                    }
                }
                Tab::Faults => match host_of(stage, event) {
                    Some(host) => self.faults.show(ui, desk, stage, host),
                    None => choose_host(ui, desk, stage),
                },
            }
        });
    }

    /// The message of a connection, or of the mail that an event is about.
    fn message(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage, event: EventId) {
        let found = match socket_of(stage, event) {
            Some(socket) => stage.index.session_events(socket).first().copied(),
            None => crate::view::message::carrier(&stage.session, &stage.index, event),
        };
        match found.and_then(|event| carried(&stage.session, &stage.index, event)) {
            Some(letter) => self.letter.show(ui, desk, &letter),
            None => {
                ui.label(desk.word("letter-none"));
            }
        }
    }

    fn dialogue(&mut self, ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage, event: EventId) {
        let Some(socket) = socket_of(stage, event) else {
            ui.label(desk.word("inspector-no-dialogue"));
            return sessions(ui, desk, stage);
        };
        if let Some((client, server)) = stage.index.facts.ends(socket) {
            ui.horizontal(|ui| {
                ui.label(RichText::new(format!("{client} → {server}")).strong());
                ui.checkbox(&mut self.octets, desk.word("inspector-octets"));
                if ui.button(desk.word("inspector-dive")).clicked() {
                    desk.want(Intent::Dive(Depth::Session(socket)));
                }
            });
        }
        let upto = stage.present();
        for line in dialogue(&stage.session, &stage.index, desk.words, socket, upto) {
            spoken(ui, desk, &line, self.octets, line.event == event);
        }
    }
}

/// The host that is selected, or where the event happened.
fn host_of(stage: &Stage, event: EventId) -> Option<HostId> {
    match (stage.selection, stage.depth) {
        (Some(Selection::Host(host)), _) | (_, Depth::Host(host)) => Some(host),
        _ => stage.session.world().trace().get(event)?.host,
    }
}

fn socket_of(stage: &Stage, event: EventId) -> Option<Socket> {
    match (stage.selection, stage.depth) {
        (Some(Selection::Session(socket, _)), _) | (_, Depth::Session(socket)) => Some(connection(socket)),
        _ => session_of(stage.session.world().trace().get(event)?),
    }
}

fn with_host(
    ui: &mut Ui,
    desk: &mut Desk<'_>,
    stage: &mut Stage,
    event: EventId,
    show: impl FnOnce(&mut Ui, &mut Desk<'_>, &mut Stage, HostId),
) {
    match host_of(stage, event) {
        Some(host) => show(ui, desk, stage, host),
        None => choose_host(ui, desk, stage),
    }
}

/// All hosts, to choose from.
fn choose_host(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
    ui.label(desk.word("inspector-choose-host"));
    ui.horizontal_wrapped(|ui| {
        for host in stage.session.world().hosts() {
            if ui.button(host.name.as_str()).clicked() {
                desk.want(Intent::Select(Selection::Host(host.id)));
            }
        }
    });
}

/// All connections, to choose from.
fn sessions(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
    for socket in stage.index.sessions().take(200) {
        let Some((client, server)) = stage.index.facts.ends(socket) else { continue };
        let Some(first) = stage.index.session_events(socket).first() else { continue };
        if ui.link(format!("{client} → {server}")).clicked() {
            desk.want(Intent::Select(Selection::Session(socket, *first)));
        }
    }
}

/// A line of a dialogue with what it means.
fn spoken(ui: &mut Ui, desk: &mut Desk<'_>, line: &Spoken, octets: bool, lit: bool) {
    let theme = *desk.theme;
    let (mark, colour) = match line.speaker {
        Speaker::Client => ("→", theme.selected),
        Speaker::Server if line.refused => ("←", theme.bad),
        Speaker::Server => ("←", theme.good),
        Speaker::Note => ("·", theme.dim),
    };
    let text = if octets { line.octets.as_deref().unwrap_or(&line.text) } else { &line.text };
    let fill = if lit { theme.tint(theme.selected) } else { egui::Color32::TRANSPARENT };
    let frame = egui::Frame::new().fill(fill).inner_margin(2);
    let response = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let text = RichText::new(format!("{mark} {}", text.trim_end())).font(theme.mono(13.0)).color(colour);
        ui.add(egui::Label::new(text).wrap());
        if !line.meaning.is_empty() {
            let note = format!("{} {}", line.meaning, line.section);
            ui.label(RichText::new(note).font(theme.text(theme::NOTE)).color(theme.dim));
        }
    });
    let response = response.response.interact(egui::Sense::click());
    if response.clicked() {
        desk.want(Intent::Show(line.event));
    }
}
