//! The right side: everything about what is selected.

use egui::{RichText, ScrollArea, Ui};

use super::{Desk, config, faults, files, mails, why};
use crate::gui::intent::{Intent, Tab};
use crate::gui::stage::{Depth, Selection, Stage};
use crate::gui::theme;
use crate::session::story::connection;
use crate::sim::{HostId, Socket};
use crate::trace::{EventId, Kind};
use crate::view::dialogue::{Speaker, Spoken, dialogue};
use crate::view::index::session_of;

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
}

const TABS: [(Tab, &str); 8] = [
    (Tab::Why, "tab-why"),
    (Tab::Dialogue, "tab-dialogue"),
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
        if let Some(error) = &stage.error {
            ui.label(RichText::new(error).color(desk.theme.bad));
        }
        ui.separator();
        let event = stage.selected_event().unwrap_or_else(|| present_event(stage));
        ScrollArea::vertical().id_salt(("inspector", self.tab as u8)).auto_shrink(false).show(ui, |ui| {
            match self.tab {
                Tab::Why => why::show(ui, desk, stage, event),
                Tab::Dialogue => self.dialogue(ui, desk, stage, event),
                Tab::Event => details(ui, desk, stage, event),
                Tab::Config => with_host(ui, desk, stage, event, config::show),
                Tab::Mail => with_host(ui, desk, stage, event, mails::store),
                Tab::Log => log(ui, desk, stage, event),
                Tab::Files => {
                    if let Some(host) = host_of(stage, event) {
                        self.files.show(ui, desk, stage, host);
                    } else {
                        ui.label(desk.word("inspector-choose-host"));
                    }
                }
                Tab::Faults => self.faults.show(ui, desk, stage, host_of(stage, event)),
            }
        });
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

/// The event of the present step that tells most.
fn present_event(stage: &Stage) -> EventId {
    let director = &stage.index.director;
    let trace = stage.session.world().trace();
    let beat = director.beat_at(stage.playhead.at).and_then(|number| director.beats().get(number));
    let Some(beat) = beat else { return EventId(stage.index.set_up()) };
    let events = (beat.first.0..beat.end.0).filter_map(|id| trace.get(EventId(id)));
    let millis = |event: &&crate::trace::Event| crate::view::director::millis_of(event, &stage.index.facts);
    events.max_by_key(millis).map_or(beat.first, |event| event.id)
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
        None => {
            ui.label(desk.word("inspector-choose-host"));
        }
    }
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

/// The event itself, field by field as in the JSON lines.
fn details(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage, event: EventId) {
    let trace = stage.session.world().trace();
    let Some(event) = trace.get(event) else { return };
    let theme = *desk.theme;
    ui.label(RichText::new(format!("{}  #{}", event.kind.name(), event.id.0)).strong());
    ui.label(RichText::new(event.time.to_string()).font(theme.mono(theme::NOTE)).color(theme.dim));
    if let Kind::SmtpData { bytes, .. } = &event.kind {
        let text = crate::view::dialogue::visible(bytes);
        ui.add(egui::Label::new(RichText::new(text).font(theme.mono(theme::NOTE))).wrap());
        return;
    }
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(&event.kind) else { return };
    for (name, value) in fields {
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(format!("{name}:")).color(theme.dim));
            let text = match value {
                serde_json::Value::String(text) => text,
                serde_json::Value::Array(all) => {
                    let all: Vec<String> =
                        all.iter().map(|one| one.as_str().map_or(one.to_string(), str::to_owned)).collect();
                    all.join("\n")
                }
                other => other.to_string(),
            };
            ui.add(egui::Label::new(RichText::new(text).font(theme.mono(13.0))).wrap());
        });
    }
    if let Some(cause) = event.cause
        && ui.link(desk.words.say("event-cause", &[("number", cause.0.into())])).clicked()
    {
        desk.want(Intent::Show(cause));
        desk.want(Intent::Select(Selection::Event(cause)));
    }
}

/// The log of a host up to the present moment; a click goes to the moment of a line.
fn log(ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage, event: EventId) {
    let Some(host) = host_of(stage, event) else {
        ui.label(desk.word("inspector-choose-host"));
        return;
    };
    let trace = stage.session.world().trace();
    let lines = stage.index.logs(host);
    let end = lines.partition_point(|id| *id <= stage.present());
    ui.label(RichText::new(stage.session.world().host(host).name.as_str()).strong());
    for id in lines[end.saturating_sub(200)..end].iter().rev() {
        let Some(event) = trace.get(*id) else { continue };
        let Kind::LogLine { text, .. } = &event.kind else { continue };
        let theme = desk.theme;
        let colour = if text.contains("warning:") || text.contains("status=deferred") {
            theme.later
        } else if text.contains("reject:") || text.contains("fatal:") || text.contains("status=bounced") {
            theme.bad
        } else {
            theme.ink
        };
        let label = RichText::new(text.as_str()).font(theme.mono(theme::NOTE)).color(colour);
        let response = ui.add(egui::Label::new(label).wrap().sense(egui::Sense::click()));
        if response.on_hover_text(explain(desk, text)).clicked() {
            desk.want(Intent::Show(*id));
            desk.want(Intent::Select(Selection::Event(*id)));
        }
    }
}

/// Which program of Postfix wrote a line, and what that one does.
fn explain(desk: &Desk<'_>, line: &str) -> String {
    let program = line.split("postfix/").nth(1).and_then(|rest| rest.split(['[', '/']).next()).unwrap_or_default();
    let id = match program {
        "smtpd" | "pickup" | "cleanup" | "qmgr" | "smtp" | "local" | "virtual" | "bounce" | "master" | "pipe"
        | "lmtp" => {
            format!("program-{program}")
        }
        _ => "story-jump".to_owned(),
    };
    desk.word(&id)
}
