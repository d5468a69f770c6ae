//! The bar above everything: where we are, and the controls of time and look.

use egui::{Align, Layout, RichText, Ui};

use super::Desk;
use crate::gui::intent::Intent;
use crate::gui::stage::{Depth, Stage};
use crate::gui::theme;
use crate::view::playhead::Stride;
use crate::view::timing::clock;

/// Below this width only what is needed most is left; everything else has a key.
const NARROW: f32 = 660.0;

/// Draws the bar.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
    let narrow = ui.available_width() < NARROW * desk.theme.scale;
    ui.horizontal_centered(|ui| {
        desk.sign(ui, "☰", "bar-home", Intent::Close);
        if narrow {
            return few(ui, desk, stage);
        }
        let title = &stage.session.scenario().title;
        let title = desk.words.lang().pick(&title.en, &title.de).to_owned();
        let mut path = title;
        match stage.depth {
            Depth::Internet => {}
            Depth::Host(host) => path.push_str(&format!("  ▶  {}", stage.session.world().host(host).name)),
            Depth::Session(socket) => {
                if let Some((client, server)) = stage.index.facts.ends(socket) {
                    path.push_str(&format!("  ▶  {client} → {server}"));
                }
            }
        }
        let controls = 590.0 * desk.theme.scale;
        let room = (ui.available_width() - controls).max(60.0);
        let font = desk.theme.text(theme::TEXT);
        let text = crate::gui::map::fitted(ui.painter(), &path, &font, room);
        ui.label(RichText::new(text).font(font).strong());
        if stage.depth != Depth::Internet {
            desk.sign(ui, "↩", "bar-out", Intent::Out);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            desk.sign(ui, "?", "bar-help", Intent::Help);
            desk.sign(ui, "⛶", "bar-presenter", Intent::Presenter);
            desk.sign(ui, "◑", "bar-theme", Intent::Dark);
            let language = if desk.words.lang() == crate::session::words::Lang::En { "de" } else { "en" };
            desk.sign(ui, language, "bar-language", Intent::Language);
            desk.sign(ui, "🔌", "bar-sockets", Intent::Sockets);
            ui.separator();
            let time = clock(stage.time());
            ui.label(RichText::new(time).font(desk.theme.mono(theme::TEXT)));
            ui.separator();
            desk.sign(ui, "+", "bar-faster", Intent::Speed(true));
            let speed = f64::from(stage.playhead.speed) / 100.0;
            ui.label(RichText::new(format!("{speed}×")).font(desk.theme.mono(theme::TEXT)));
            desk.sign(ui, "−", "bar-slower", Intent::Speed(false));
            ui.separator();
            desk.sign(ui, "⏭", "bar-refusal", Intent::Step(Stride::Refusal, true));
            desk.sign(ui, "⏩", "bar-next", Intent::Step(Stride::Beat, true));
            play(ui, desk, stage);
            desk.sign(ui, "⏪", "bar-back", Intent::Step(Stride::Beat, false));
            desk.sign(ui, "⏮", "bar-start", Intent::Seek(crate::view::Screen(0)));
        });
    });
}

/// The controls of a narrow window.
fn few(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
    desk.sign(ui, "⏪", "bar-back", Intent::Step(Stride::Beat, false));
    play(ui, desk, stage);
    desk.sign(ui, "⏩", "bar-next", Intent::Step(Stride::Beat, true));
    desk.sign(ui, "?", "bar-help", Intent::Help);
    if ui.available_width() > 110.0 * desk.theme.scale {
        ui.label(RichText::new(clock(stage.time())).font(desk.theme.mono(theme::TEXT)));
    }
}

fn play(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
    let (sign, name) = if stage.playhead.playing { ("⏸", "bar-pause") } else { ("▶", "bar-play") };
    desk.sign(ui, sign, name, Intent::Toggle);
}
