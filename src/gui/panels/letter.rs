//! A message: the envelope beside the letter, the way that it came, the body, and its octets.

use egui::text::{LayoutJob, TextFormat};
use egui::{RichText, Ui};

use super::Desk;
use crate::gui::theme::{self, Theme};
use crate::view::message::{Hop, Letter};
use crate::view::timing::stretch;

/// Octets that are shown.
const MOST_OCTETS: usize = 16_384;
/// Header fields that a reader sees first.
const READ: [&str; 5] = ["From", "To", "Cc", "Date", "Subject"];

/// How messages are shown.
#[derive(Default)]
pub struct Shown {
    /// With all header fields.
    all: bool,
    /// As octets.
    octets: bool,
}

impl Shown {
    /// Draws a message.
    pub fn show(&mut self, ui: &mut Ui, desk: &Desk<'_>, letter: &Letter) {
        let theme = desk.theme;
        envelope(ui, desk, letter);
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| {
            ui.checkbox(&mut self.all, desk.word("letter-all"));
            ui.checkbox(&mut self.octets, desk.word("inspector-octets"));
        });
        if self.octets {
            ui.label(RichText::new(desk.word("letter-octets")).font(theme.text(theme::NOTE)).color(theme.dim));
            let shown = &letter.octets[..letter.octets.len().min(MOST_OCTETS)];
            ui.add(egui::Label::new(octets(shown, theme)).wrap());
            return;
        }
        for (name, value) in &letter.fields {
            let first = READ.iter().any(|read| read.eq_ignore_ascii_case(name));
            if self.all || first {
                field(ui, theme, name, value);
            }
        }
        if !letter.hops.is_empty() {
            ui.separator();
            ui.label(RichText::new(desk.word("letter-way")).color(theme.dim));
            for (number, hop) in letter.hops.iter().enumerate() {
                station(ui, desk, hop, number);
            }
        }
        ui.separator();
        ui.add(egui::Label::new(RichText::new(letter.body.trim_end()).font(theme.mono(13.0))).wrap());
    }
}

/// The two pairs of addresses beside each other; where they differ it is said.
fn envelope(ui: &mut Ui, desk: &Desk<'_>, letter: &Letter) {
    let theme = desk.theme;
    let from = match letter.envelope.from.as_deref() {
        Some("") => "<>".to_owned(),
        Some(from) => format!("<{from}>"),
        None => "?".to_owned(),
    };
    let to = if letter.envelope.to.is_empty() { "?".to_owned() } else { letter.envelope.to.join(", ") };
    let (head_from, head_to) = (letter.field("From").unwrap_or("–"), letter.field("To").unwrap_or("–"));
    // The lines of a column are not stretched.
    let plain = egui::Layout::top_down(egui::Align::Min);
    ui.columns(2, |columns| {
        let sides = [("letter-envelope", from.as_str(), to.as_str()), ("letter-header", head_from, head_to)];
        for (column, (title, from, to)) in columns.iter_mut().zip(sides) {
            let frame = egui::Frame::new().fill(theme.card).inner_margin(6).corner_radius(f32::from(theme::RADIUS));
            frame.show(column, |ui| {
                ui.set_width(ui.available_width());
                ui.with_layout(plain, |ui| {
                    ui.label(RichText::new(desk.word(title)).color(theme.dim).font(theme.text(theme::NOTE)));
                    for (word, address) in [("letter-from", from), ("letter-to", to)] {
                        ui.label(RichText::new(desk.word(word)).color(theme.dim).font(theme.text(theme::NOTE)));
                        ui.add(egui::Label::new(RichText::new(address).font(theme.mono(13.0))).wrap());
                    }
                });
            });
        }
    });
    let differs = |inner: &str, outer: &str| !outer.is_empty() && !inner.to_lowercase().contains(&outer.to_lowercase());
    let sender = letter.envelope.from.as_deref().is_some_and(|from| differs(head_from, from));
    if sender || letter.envelope.to.iter().any(|to| differs(head_to, to)) {
        ui.label(RichText::new(desk.word("letter-differs")).color(theme.later).font(theme.text(theme::NOTE)));
    }
}

fn field(ui: &mut Ui, theme: &Theme, name: &str, value: &str) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.label(RichText::new(format!("{name}:")).color(theme.dim).font(theme.mono(13.0)));
        ui.add(egui::Label::new(RichText::new(value).font(theme.mono(13.0))).wrap());
    });
}

/// One station with the time since the one before.
fn station(ui: &mut Ui, desk: &Desk<'_>, hop: &Hop, number: usize) {
    let theme = desk.theme;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        let delay = hop.delay.map(|delay| match delay.as_secs() {
            0 => "+0 s".to_owned(),
            _ => format!("+{}", stretch(delay)),
        });
        let slow = hop.delay.is_some_and(|delay| delay.as_secs() >= 60);
        let colour = if slow { theme.later } else { theme.dim };
        if number > 0 || !hop.from.is_empty() {
            ui.label(RichText::new(if number > 0 { "↓" } else { "●" }).color(theme.dim));
            ui.label(RichText::new(delay.unwrap_or_default()).color(colour).font(theme.text(theme::NOTE)));
        } else {
            ui.label(RichText::new("●").color(theme.dim));
        }
        ui.label(RichText::new(&hop.by).strong());
        let from = if hop.from.is_empty() {
            desk.word("letter-written")
        } else {
            desk.words.say("letter-by", &[("host", (&hop.from).into())])
        };
        let with = if hop.with.is_empty() { String::new() } else { format!(" · {}", hop.with) };
        ui.label(RichText::new(format!("{from}{with}")).color(theme.dim).font(theme.text(theme::NOTE)));
    })
    .response
    .on_hover_text(&hop.time);
}

/// Octets with their line ends made visible and doubled dots marked.
fn octets(bytes: &[u8], theme: &Theme) -> LayoutJob {
    let mut job = LayoutJob::default();
    let format = |colour| TextFormat { font_id: theme.mono(theme::NOTE), color: colour, ..TextFormat::default() };
    for line in bytes.split_inclusive(|octet| *octet == b'\n') {
        let text = crate::view::dialogue::visible(line);
        let dots = line.starts_with(b"..") || line == b".\r\n";
        let (dot, rest) = if dots { text.split_at(1) } else { ("", text.as_str()) };
        job.append(dot, 0.0, format(theme.bad));
        let end = rest.find("‹CR›").or_else(|| rest.find("‹LF›")).unwrap_or(rest.len());
        job.append(&rest[..end], 0.0, format(theme.ink));
        job.append(&rest[end..], 0.0, format(theme.dim));
    }
    job
}
