//! What happened to each mail; and what lies in the queues and mailboxes of a host.

use egui::{RichText, ScrollArea, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::{Selection, Stage};
use crate::gui::theme;
use crate::sim::HostId;
use crate::trace::EventId;
use crate::view::mail::mails;
use crate::view::mailbox::mailboxes;
use crate::view::timing::clock;

/// Most messages of a mailbox that are shown here.
const MOST: usize = 20;

/// Draws all mails with their stations.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
    let theme = *desk.theme;
    let world = stage.session.world();
    ScrollArea::vertical().id_salt("mails").auto_shrink(false).show(ui, |ui| {
        for mail in mails(&stage.session, &stage.index, desk.words, stage.present()) {
            let rcpts = mail.rcpts.join(", ");
            let head = format!("{}  <{}> → {rcpts}", clock(mail.time), mail.sender);
            let id = ui.make_persistent_id((mail.host.0, mail.queue_id.as_str()));
            egui::CollapsingHeader::new(RichText::new(head).font(theme.mono(13.0)))
                .id_salt(id)
                .default_open(true)
                .show(ui, |ui| {
                    for station in &mail.stations {
                        let text =
                            format!("{}  {:<8} {}", clock(station.time), world.host(station.host).name, station.text);
                        let label = RichText::new(text).font(theme.mono(theme::NOTE)).color(theme.tone(station.tone));
                        let response = ui.add(egui::Label::new(label).wrap().sense(egui::Sense::click()));
                        if response.clicked() {
                            desk.want(Intent::Show(station.event));
                            desk.want(Intent::Select(Selection::Event(station.event)));
                        }
                    }
                });
        }
    });
}

/// Queue and mailboxes of a host.
pub fn store(ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage, host: HostId) {
    let theme = *desk.theme;
    let before = EventId(stage.present().0 + 1);
    let standing = stage.index.standing(&stage.session, before);
    ui.label(RichText::new(stage.session.world().host(host).name.as_str()).strong());
    if let Some(here) = standing.host(host) {
        ui.label(RichText::new(desk.word("store-queue")).color(theme.dim));
        for (id, mail) in &here.queued {
            let text = format!("{id} ({})  <{}> → {}", mail.queue, mail.sender, mail.rcpts.join(", "));
            let response =
                ui.add(egui::Label::new(RichText::new(text).font(theme.mono(13.0))).wrap().sense(egui::Sense::click()));
            if response.clicked() {
                desk.want(Intent::Select(Selection::Event(mail.event)));
                desk.want(Intent::Tab(crate::gui::intent::Tab::Why));
            }
            let trace = stage.session.world().trace();
            let next = stage.index.next_attempt(trace, &(host, id.clone()), EventId(before.0 - 1));
            if let Some(time) = next.filter(|_| mail.queue == "deferred") {
                let text = desk.words.say("store-next", &[("time", (&clock(time)).into())]);
                ui.label(RichText::new(text).color(theme.later).font(theme.text(theme::NOTE)));
            }
        }
        if here.queued.is_empty() {
            ui.label(desk.word("store-empty"));
        }
    }
    ui.separator();
    ui.label(RichText::new(desk.word("store-mailboxes")).color(theme.dim));
    for mailbox in mailboxes(stage.world().host(host)) {
        let head = RichText::new(format!("{} ({})", mailbox.path, mailbox.letters.len())).font(theme.mono(13.0));
        egui::CollapsingHeader::new(head).id_salt(&mailbox.path).show(ui, |ui| {
            for letter in mailbox.letters.iter().rev().take(MOST) {
                let head =
                    format!("{}: {}", letter.field("From").unwrap_or("?"), letter.field("Subject").unwrap_or("–"));
                ui.label(RichText::new(head).strong());
                let text = RichText::new(letter.body.trim_end()).font(theme.mono(theme::NOTE));
                ui.add(egui::Label::new(text).wrap());
            }
        });
    }
    if ui.button(desk.word("bench-program")).clicked() {
        desk.want(Intent::Bench(crate::gui::intent::Bench::Program));
    }
}
