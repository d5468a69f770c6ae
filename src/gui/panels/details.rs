//! An event by itself: its fields as in the JSON lines, and what belongs to its kind: a certificate, a datagram.

use egui::{RichText, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::{Selection, Stage};
use crate::gui::theme;
use crate::sim::Time;
use crate::trace::{CertificateFacts, Event, EventId, Kind};
use crate::view::packet;

/// The event itself, field by field as in the JSON lines.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage, event: EventId) {
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
    match &event.kind {
        Kind::SmtpTls { certificate: Some(facts), verdict, verified, peer_name, .. } => {
            certificate(ui, desk, facts, peer_name, (*verified, verdict), event.time);
        }
        Kind::DnsQuery { .. } | Kind::DnsAnswer { .. } => datagram(ui, desk, stage, event),
        _ => {}
    }
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(&event.kind) else { return };
    for (name, value) in fields {
        if name == "certificate" {
            continue;
        }
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

/// What a server's certificate says, and what the client made of it.
fn certificate(
    ui: &mut Ui,
    desk: &Desk<'_>,
    facts: &CertificateFacts,
    wanted: &str,
    (verified, verdict): (bool, &str),
    now: Time,
) {
    let theme = desk.theme;
    egui::Frame::new().fill(theme.card).inner_margin(8).corner_radius(f32::from(theme::RADIUS)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(RichText::new(desk.word("certificate-title")).color(theme.dim));
        let names = facts.names.join(", ");
        let matches = facts.names.iter().any(|name| covers(name, wanted));
        let valid = (facts.not_before..=facts.not_after).contains(&now);
        let span = format!("{} – {}", facts.not_before, facts.not_after);
        let lines = [
            ("certificate-names", names.as_str(), Some(matches)),
            ("certificate-wanted", wanted, None),
            ("certificate-issuer", facts.issuer.as_str(), None),
            ("certificate-valid", span.as_str(), Some(valid)),
            ("certificate-key", facts.key.as_str(), None),
            ("certificate-verdict", verdict, Some(verified)),
        ];
        for (word, text, good) in lines {
            let (mark, colour) = match good {
                Some(true) => ("✔", theme.good),
                Some(false) => ("✖", theme.bad),
                None => ("", theme.ink),
            };
            ui.label(RichText::new(desk.word(word)).font(theme.text(theme::NOTE)).color(theme.dim));
            let text = RichText::new(format!("{mark} {text}").trim()).font(theme.mono(13.0)).color(colour);
            ui.add(egui::Label::new(text).wrap());
        }
    });
}

/// Whether a name of a certificate covers a host's name (RFC 9525, section 6.3).
fn covers(name: &str, host: &str) -> bool {
    let host = host.trim_end_matches('.');
    match name.strip_prefix("*.") {
        Some(domain) => host.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain)),
        None => name.eq_ignore_ascii_case(host),
    }
}

/// The DNS message as it was on the wire. The past is played again for it, so it is made once.
fn datagram(ui: &mut Ui, desk: &Desk<'_>, stage: &Stage, event: &Event) {
    let id = ui.make_persistent_id(("datagram", stage.index.len(), event.id.0));
    let made = ui.data_mut(|data| data.get_temp::<Option<packet::Datagram>>(id));
    let made = made.unwrap_or_else(|| {
        let made = packet::dns(&stage.session, event);
        ui.data_mut(|data| data.insert_temp(id, made.clone()));
        made
    });
    let theme = desk.theme;
    let Some(datagram) = made else {
        ui.label(RichText::new(desk.word("datagram-none")).color(theme.dim));
        return;
    };
    egui::Frame::new().fill(theme.card).inner_margin(8).corner_radius(f32::from(theme::RADIUS)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        for line in &datagram.lines {
            ui.add(egui::Label::new(RichText::new(line).font(theme.mono(theme::NOTE))).wrap());
        }
        egui::CollapsingHeader::new(desk.word("inspector-octets")).id_salt("datagram").show(ui, |ui| {
            egui::ScrollArea::horizontal().id_salt("datagram-octets").show(ui, |ui| {
                for line in &datagram.octets {
                    let text = RichText::new(line).font(theme.mono(theme::NOTE)).color(theme.dim);
                    ui.add(egui::Label::new(text).extend());
                }
            });
        });
    });
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_wildcard_covers_one_label() {
        assert!(covers("*.example.org", "mx1.example.org"));
        assert!(!covers("*.example.org", "a.mx1.example.org"));
        assert!(covers("MX1.example.org", "mx1.example.org."));
    }
}
