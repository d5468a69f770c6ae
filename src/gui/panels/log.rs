//! The log of a host: what wrote each line, and the moment of it.

use egui::{RichText, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::{Selection, Stage};
use crate::gui::theme;
use crate::sim::HostId;
use crate::trace::Kind;

/// The log of a host up to the present moment; a click goes to the moment of a line.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>, stage: &mut Stage, host: HostId) {
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
