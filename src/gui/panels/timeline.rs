//! The timeline: all steps as marks, idle stretches dashed with their length, and the branches.

use egui::{Align2, Rect, RichText, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::Desk;
use crate::gui::intent::{Bench, Intent};
use crate::gui::stage::Stage;
use crate::gui::theme;
use crate::sim::Duration;
use crate::sim::net::Listener;
use crate::view::Screen;
use crate::view::director::BeatKind;
use crate::view::index::Landmark;
use crate::view::timing::stretch;

/// Most marks that are drawn: more than there are pixels would not be seen.
const MOST_MARKS: usize = 4000;
/// Most other futures that are offered; the latest ones.
const MOST_FUTURES: usize = 4;
/// Ports on which servers can be talked to by hand.
const TALKING: [u16; 5] = [25, 587, 110, 143, 465];

/// Draws the timeline.
pub fn show(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage, bench: Option<Bench>) {
    track(ui, desk, stage);
    if desk.theme.scale > 1.0 {
        return;
    }
    ui.horizontal(|ui| {
        for (view, word) in [
            (Bench::Events, "bench-events"),
            (Bench::Sequence, "bench-sequence"),
            (Bench::Mails, "bench-mails"),
            (Bench::Text, "bench-text"),
            (Bench::Program, "bench-program"),
        ] {
            if ui.selectable_label(bench == Some(view), desk.word(word)).clicked() {
                desk.want(Intent::Bench(view));
            }
        }
        ui.separator();
        hands(ui, desk, stage, bench);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| branches(ui, desk, stage, bench));
    });
}

/// Terminals, dialogues by hand, and letting time pass.
pub fn hands(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage, bench: Option<Bench>) {
    for id in stage.session.terminals().ids() {
        let Some(terminal) = stage.session.terminal(id) else { continue };
        let label = format!("{} $", terminal.host().name);
        if ui.selectable_label(bench == Some(Bench::Terminal(id)), label).clicked() {
            desk.want(Intent::Bench(Bench::Terminal(id)));
        }
    }
    ui.menu_button(desk.word("bench-terminal"), |ui| terminals(ui, desk, stage));
    ui.menu_button("+ telnet", |ui| telnet(ui, desk, stage));
    ui.menu_button(desk.word("bench-wait"), |ui| waits(ui, desk));
}

/// A terminal on every host, as everybody who may work there.
fn terminals(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
    egui::ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
        for host in stage.session.world().hosts() {
            let users = stage.users(&host.name);
            // Root first, and by the host's name alone: that is what is wanted most.
            for (number, user) in users.into_iter().enumerate() {
                let label = if number == 0 { host.name.to_string() } else { format!("      {user}@{}", host.name) };
                if ui.button(label).clicked() {
                    desk.want(Intent::OpenTerminal { host: host.name.to_string(), user, first: None });
                    ui.close();
                }
            }
        }
    });
}

/// From where and to where one may talk by hand.
fn telnet(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
    let world = stage.session.world();
    let mut servers: Vec<(String, u16)> = Vec::new();
    for host in world.hosts() {
        let ports: std::collections::BTreeSet<u16> = host
            .listeners
            .keys()
            .filter_map(|listener| match listener {
                Listener::Tcp { port, .. } => Some(*port),
                Listener::Unix(_) => None,
            })
            .collect();
        let open = TALKING.into_iter().filter(|port| ports.contains(port));
        servers.extend(open.map(|port| (host.fqdn.to_string(), port)));
    }
    for host in world.hosts() {
        let Some(user) = stage.users(&host.name).into_iter().next() else { continue };
        ui.menu_button(host.name.as_str(), |ui| {
            for (server, port) in &servers {
                if ui.button(format!("telnet {server} {port}")).clicked() {
                    let first = Some(format!("telnet {server} {port}\n"));
                    desk.want(Intent::OpenTerminal { host: host.name.to_string(), user: user.clone(), first });
                    ui.close();
                }
            }
            if servers.is_empty() {
                ui.label(desk.word("telnet-nobody"));
            }
        });
    }
}

/// Stretches of virtual time that can be let pass.
fn waits(ui: &mut Ui, desk: &mut Desk<'_>) {
    for seconds in [10, 60, 300, 3600, 86_400] {
        let time = Duration::from_secs(seconds);
        if ui.button(stretch(time)).clicked() {
            desk.want(Intent::Wait(time));
            ui.close();
        }
    }
}

fn branches(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage, bench: Option<Bench>) {
    if stage.futures.is_empty() {
        // Who only watches from the beginning is told nothing; who has stopped may want to do something.
        if !stage.is_now() && stage.playhead.at.0 > 0 && !stage.playhead.playing {
            let text = RichText::new(desk.word("past-notice")).color(desk.theme.dim).font(desk.theme.text(theme::NOTE));
            ui.add(egui::Label::new(text).truncate());
        }
        return;
    }
    let compares = matches!(bench, Some(Bench::Compare(_)));
    if ui.selectable_label(compares, desk.word("branch-compare")).clicked() {
        desk.want(Intent::Compare);
    }
    for (number, future) in stage.futures.iter().enumerate().rev().take(MOST_FUTURES) {
        if let Some(event) = future.parting.and_then(|parting| parting.here) {
            let name = desk.words.say("branch-parting", &[("name", (&future.name).into())]);
            let response = ui.small_button("≠").on_hover_text(&name);
            response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Button, true, &name));
            if response.clicked() {
                desk.want(Intent::Show(event));
            }
        }
        let response = ui.selectable_label(false, format!("○ {}", future.name));
        if response.on_hover_text(desk.word("branch-switch")).clicked() {
            desk.want(Intent::Switch(number));
        }
    }
    let present = format!("● {}", stage.branch);
    ui.menu_button(RichText::new(present).strong(), |ui| {
        let label = ui.label(desk.word("branch-name"));
        let id = ui.make_persistent_id("branch-name");
        let mut name = ui.data_mut(|data| data.get_temp::<String>(id)).unwrap_or_else(|| stage.branch.clone());
        let response = ui.add(egui::TextEdit::singleline(&mut name).desired_width(160.0)).labelled_by(label.id);
        let done = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        if done && !name.trim().is_empty() {
            desk.want(Intent::Name(name.trim().to_owned()));
            ui.data_mut(|data| data.remove::<String>(id));
            ui.close();
        } else {
            ui.data_mut(|data| data.insert_temp(id, name));
        }
    });
    ui.label(RichText::new(desk.word("branch-title")).color(desk.theme.dim));
}

/// The track with its marks, which is dragged and clicked.
fn track(ui: &mut Ui, desk: &mut Desk<'_>, stage: &Stage) {
    let theme = *desk.theme;
    let size = vec2(ui.available_width(), 30.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
    let director = &stage.index.director;
    let length = director.length().0.max(1);
    let name = desk.word("timeline-name");
    let part = stage.playhead.at.0 as f64 / length as f64;
    response.widget_info(|| WidgetInfo::slider(true, part * 100.0, &name));
    let line =
        Rect::from_min_max(pos2(rect.left() + 8.0, rect.top() + 4.0), pos2(rect.right() - 8.0, rect.bottom() - 4.0));
    let x_of = |at: Screen| line.left() + line.width() * (at.0 as f64 / length as f64) as f32;
    if let Some(pointer) = response.interact_pointer_pos() {
        let part = f64::from(((pointer.x - line.left()) / line.width()).clamp(0.0, 1.0));
        desk.want(Intent::Seek(Screen((part * length as f64) as u64)));
    }
    let painter = ui.painter();
    let y = line.center().y;
    painter.hline(line.x_range(), y, Stroke::new(2.0, theme.line));
    painter.hline(line.left()..=x_of(stage.playhead.at), y, Stroke::new(2.0, theme.selected));
    let beats = director.beats();
    let every = beats.len() / MOST_MARKS + 1;
    for beat in beats.iter().step_by(every) {
        if let BeatKind::Gap(time) = beat.kind {
            gap(painter, x_of(beat.at), x_of(beat.until()), y, &stretch(time), &theme);
        }
    }
    let landmarks = stage.index.landmarks();
    let every = landmarks.len() / MOST_MARKS + 1;
    for (event, landmark) in landmarks.iter().step_by(every) {
        let x = x_of(director.moment_of(*event));
        match landmark {
            Landmark::Refusal => {
                painter.vline(x, y - 9.0..=y + 9.0, Stroke::new(2.0, theme.bad));
            }
            Landmark::Bounce => {
                painter.circle_filled(pos2(x, y - 7.0), 3.5, theme.bad);
            }
            Landmark::Hop => {
                painter.circle_filled(pos2(x, y + 7.0), 3.0, theme.good);
            }
            Landmark::Narration => {
                painter.rect_filled(Rect::from_center_size(pos2(x, y), vec2(5.0, 16.0)), 1.0, theme.ink);
            }
            Landmark::Command | Landmark::Decision => {
                painter.vline(x, y - 4.0..=y + 4.0, Stroke::new(1.0, theme.dim));
            }
        }
    }
    let x = x_of(stage.playhead.at);
    painter.circle(pos2(x, y), 7.0, theme.selected, Stroke::new(2.0, theme.card));
}

/// A folded stretch: dashes, and its length if there is room.
fn gap(painter: &egui::Painter, from: f32, to: f32, y: f32, length: &str, theme: &crate::gui::theme::Theme) {
    painter.hline(from..=to, y, Stroke::new(4.0, theme.panel));
    let mut x = from;
    while x < to {
        painter.hline(x..=(x + 3.0).min(to), y, Stroke::new(2.0, theme.dim));
        x += 6.0;
    }
    let galley = painter.layout_no_wrap(length.to_owned(), theme.text(theme::NOTE), theme.dim);
    if galley.size().x < to - from - 6.0 {
        let place = Align2::CENTER_CENTER.anchor_size(pos2((from + to) / 2.0, y), galley.size());
        painter.rect_filled(place.expand(2.0), 2.0, theme.panel);
        painter.galley(place.min, galley, theme.dim);
    }
}
