//! Host cards and the stamps on them.

use std::sync::Arc;

use egui::{Align2, Color32, FontId, Galley, Rect, Stroke, pos2, vec2};

use super::{Canvas, FAR, Piece, Target, icon};
use crate::gui::theme::{self, mix};
use crate::session::story::Tone;
use crate::sim::Duration;
use crate::view::layout::{Place, Role};
use crate::view::scene::{Card, Stamp};
use crate::view::timing::stretch;

/// How much smaller a line may become before it is rather cut.
const SMALLER: f32 = 0.85;

impl Canvas<'_> {
    pub(super) fn cards(&mut self) {
        let map = self.map;
        for place in &map.layout.places {
            let rect = self.area(place.area);
            self.take(Piece::Card, rect);
            if !self.sees(rect) {
                continue;
            }
            let card = map.scene.cards.get(place.host.0 as usize).cloned().unwrap_or_default();
            self.card(place, &card, rect);
            let name = describe(place, &card);
            self.targets.push((rect, Target::Host(place.host), name));
        }
    }

    fn card(&self, place: &Place, card: &Card, rect: Rect) {
        let theme = self.theme();
        let role = theme.role(place.role);
        let selected = self.map.host == Some(place.host);
        let stroke = if selected {
            Stroke::new(3.0, theme.selected)
        } else if card.active {
            Stroke::new(2.5, role)
        } else {
            Stroke::new(1.0, theme.line)
        };
        let fill = if card.down { theme.region } else { theme.card };
        self.frame(rect, fill, stroke);
        if card.down {
            self.hatch(rect);
        }
        if self.zoom() < FAR {
            return self.far_card(place, card, rect);
        }
        let zoom = self.zoom();
        let pad = 10.0 * zoom;
        let ink = if card.down { theme.dim } else { theme.ink };
        let square = Rect::from_min_size(rect.min + vec2(pad, pad * 0.9), vec2(26.0, 26.0) * zoom);
        icon::role(self.painter, square, place.role, role);
        let word = match place.role {
            Role::Outsider => self.map.words.word("card-outside"),
            known => known.word().to_owned(),
        };
        let word = self.painter.layout_no_wrap(word, self.card_text(14.0), role);
        let word_width = word.size().x;
        self.painter.galley(pos2(rect.right() - pad - word_width, rect.top() + pad * 0.7), word, role);
        let font = self.card_text(22.0);
        let left = square.right() + 8.0 * zoom;
        let name = self.fitted(&place.name, &font, rect.right() - left - word_width - pad - 8.0);
        self.painter.text(pos2(left, square.center().y), Align2::LEFT_CENTER, name, font, ink);
        // Three lines under the name, evenly.
        let row = (rect.bottom() - square.bottom() - pad) / 3.0;
        let line = |number: f32| square.bottom() + row * (number + 0.5);
        // Services that have no room beside the address stand under it.
        let mut below = &card.services[..];
        if let Some(addr) = place.addr {
            let room = rect.width() - 2.0 * pad;
            // Rather smaller than without the names of the services.
            let sizes = [(15.0, 14.0), (14.0, 13.0), (12.0, 12.0)].map(|(mono, text)| (self.card_mono(mono), text));
            let fits = |count: usize, (mono, text): &(FontId, f32)| {
                let addr = self.painter.layout_no_wrap(addr.to_string(), mono.clone(), theme.dim);
                addr.size().x + self.services_width(&card.services[..count], *text) <= room
            };
            let ways = (1..=card.services.len()).rev().flat_map(|count| sizes.iter().map(move |size| (count, size)));
            let found = ways.into_iter().find(|(count, size)| fits(*count, size));
            let (count, (mono, text)) = found.unwrap_or((0, &sizes[0]));
            let addr = self.fitted(&addr.to_string(), mono, room);
            let place = pos2(rect.left() + pad, line(0.0));
            let written = self.painter.text(place, Align2::LEFT_CENTER, addr, mono.clone(), theme.dim);
            let (beside, rest) = card.services.split_at(count);
            self.services(beside, pos2(rect.right() - pad, line(0.0)), written.right() + 4.0, *text);
            below = rest;
        }
        let counted = self.chips(card, pos2(rect.left() + pad, line(1.0)), rect.right() - pad);
        self.services(below, pos2(rect.right() - pad, line(1.0)), counted, 12.0);
        if !card.log.is_empty() {
            let room = rect.width() - 2.0 * pad;
            let mut small = self.card_mono(12.0);
            let wide = self.painter.layout_no_wrap(card.log.to_string(), small.clone(), theme.dim).size().x;
            // Rather smaller than cut.
            small.size = (small.size * (room / wide).clamp(SMALLER, 1.0)).max(theme::NOTE).floor();
            let log = self.fitted(&card.log, &small, room);
            self.painter.text(pos2(rect.left() + pad, line(2.0)), Align2::LEFT_CENTER, log, small, theme.dim);
        }
    }

    /// How wide services are in a size of type, with the space before them.
    fn services_width(&self, services: &[(&str, bool)], size: f32) -> f32 {
        let width = |name: &str| {
            let galley = self.painter.layout_no_wrap(name.to_owned(), self.card_text(size), self.theme().dim);
            galley.size().x + 16.0 * self.zoom()
        };
        services.iter().map(|(name, _)| width(name)).sum::<f32>() + 4.0
    }

    /// Services from the right: a full point runs, a hollow one does not. Names where there is room.
    fn services(&self, services: &[(&str, bool)], at: egui::Pos2, left: f32, size: f32) {
        let theme = self.theme();
        let zoom = self.zoom();
        let mut right = at.x;
        for (name, runs) in services.iter().rev() {
            let colour = if *runs { theme.good } else { theme.bad };
            let galley = self.painter.layout_no_wrap((*name).to_owned(), self.card_text(size), theme.dim);
            let point = 12.0 * zoom;
            let named = right - galley.size().x - point >= left;
            let width = if named { galley.size().x + point } else { point };
            if right - width < left {
                return;
            }
            let dot = pos2(right - width + 4.0 * zoom, at.y);
            if *runs {
                self.painter.circle_filled(dot, 4.0 * zoom, colour);
            } else {
                self.painter.circle_stroke(dot, 3.5 * zoom, Stroke::new(1.8, colour));
            }
            if named {
                self.painter.galley(pos2(dot.x + 8.0 * zoom, at.y - galley.size().y / 2.0), galley, theme.dim);
            }
            right -= width + 4.0 * zoom;
        }
    }

    /// Counts: mails in mailboxes, mails in work, mails that wait and how long they still do; gives where they end.
    fn chips(&self, card: &Card, at: egui::Pos2, right: f32) -> f32 {
        let theme = self.theme();
        let words = self.map.words;
        let zoom = self.zoom().max(0.6);
        let font = self.card_text(15.0);
        let mut x = at.x;
        let mut chip = |symbol: &dyn Fn(egui::Pos2), text: String, colour: egui::Color32| {
            let galley = self.painter.layout_no_wrap(text, font.clone(), colour);
            let (width, indent) = (galley.size().x, 22.0 * zoom);
            if x + indent + width > right + 2.0 {
                return;
            }
            symbol(pos2(x + 8.0 * zoom, at.y));
            self.painter.galley(pos2(x + indent, at.y - galley.size().y / 2.0), galley, colour);
            x += indent + width + 12.0 * zoom;
        };
        if card.down {
            let text = words.word("card-down");
            chip(&|at| icon::cross(self.painter, at, 5.0 * zoom, theme.bad), text, theme.bad);
            return x;
        }
        let (rest, paper) = (theme.rest, theme.card);
        if card.deferred > 0 {
            let wait = card.next_attempt.map(|time| time.since(self.map.scene.time));
            let text = match wait.filter(|wait| wait.as_secs() > 0) {
                Some(wait) => {
                    let wait = stretch(Duration::from_secs(wait.as_secs()));
                    words.say("card-deferred", &[("count", card.deferred.into()), ("wait", (&wait).into())])
                }
                None => words.say("card-waiting", &[("count", card.deferred.into())]),
            };
            chip(&|at| icon::clock(self.painter, at, 7.0 * zoom, theme.later), text, theme.later);
        }
        if card.queued > 0 {
            let text = words.say("card-queue", &[("count", card.queued.into())]);
            chip(&|at| queue_icon(self.painter, at, zoom, theme.selected), text, theme.selected);
        }
        if card.delivered > 0 {
            let text = words.say("card-mailbox", &[("count", card.delivered.into())]);
            chip(&|at| icon::envelope(self.painter, at, vec2(17.0, 12.0) * zoom, paper, rest), text, rest);
        }
        x
    }

    /// Name and icon only, for maps of many hosts.
    fn far_card(&self, place: &Place, card: &Card, rect: Rect) {
        let theme = self.theme();
        let role = theme.role(place.role);
        let side = (rect.height() * 0.42).clamp(5.0, 18.0);
        let square = Rect::from_min_size(rect.min + vec2(4.0, 4.0), vec2(side, side));
        icon::role(self.painter, square, place.role, role);
        if rect.height() >= 20.0 {
            let mut font = FontId::proportional((rect.height() * 0.36).clamp(theme::NOTE, 20.0).round());
            let left = square.right() + 4.0;
            let room = rect.right() - left - 2.0;
            let wide = self.painter.layout_no_wrap(place.name.clone(), font.clone(), theme.ink).size().x;
            // Rather smaller than cut.
            font.size = (font.size * (room / wide).min(1.0)).max(theme::NOTE).floor();
            let name = self.fitted(&place.name, &font, room);
            self.painter.text(pos2(left, square.center().y), Align2::LEFT_CENTER, name, font, theme.ink);
        }
        let mono = FontId::monospace(theme::NOTE);
        if let Some(addr) = place.addr.filter(|_| rect.height() >= 54.0) {
            let addr = self.fitted(&addr.to_string(), &mono, rect.width() - 8.0);
            let under = pos2(rect.left() + 5.0, square.bottom() + 10.0);
            self.painter.text(under, Align2::LEFT_CENTER, addr, mono, theme.dim);
        }
        if rect.height() >= 36.0 {
            self.chips(card, pos2(rect.left() + 4.0, rect.bottom() - 11.0), rect.right() - 4.0);
        } else if card.deferred > 0 {
            self.painter.circle_filled(rect.right_top() + vec2(-4.0, 4.0), 3.0, theme.later);
        }
    }

    fn hatch(&self, rect: Rect) {
        let theme = self.theme();
        let painter = self.painter.with_clip_rect(rect.shrink(1.0).intersect(self.painter.clip_rect()));
        let stroke = Stroke::new(1.0, mix(theme.region, theme.line, 0.8));
        let mut x = rect.left() - rect.height();
        while x < rect.right() {
            painter.line_segment([pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())], stroke);
            x += 9.0;
        }
    }

    /// Keeps the places of stamps free.
    pub(super) fn reserve_stamps(&mut self) {
        let map = self.map;
        for stamp in &map.scene.stamps {
            if let Some((rect, _)) = self.stamp_place(stamp) {
                self.take(Piece::Stamp, rect);
            }
        }
    }

    /// Where a stamp stands, and its word.
    fn stamp_place(&self, stamp: &Stamp) -> Option<(Rect, Arc<Galley>)> {
        let card = self.card_rect(stamp.host).filter(|card| card.height() >= 36.0)?;
        let zoom = self.zoom().max(0.7);
        let text = self.map.words.word(stamp.verdict.word());
        let galley = self.painter.layout_no_wrap(text, self.card_text(16.0), Color32::PLACEHOLDER);
        let size = galley.size() + vec2(30.0 * zoom, 4.0 * zoom);
        let middle = pos2(card.right() - size.x / 2.0 + 8.0 * zoom, card.bottom() + 6.0 * zoom);
        let rect = Rect::from_center_size(middle, size);
        // A long word on a small card at the edge stays in the picture.
        let inside = (self.rect.left() + 4.0 - rect.left()).max(0.0);
        Some((rect.translate(vec2(if self.sees(card) { inside } else { 0.0 }, 0.0)), galley))
    }

    pub(super) fn stamps(&mut self) {
        let map = self.map;
        for stamp in &map.scene.stamps {
            self.stamp(stamp);
        }
    }

    /// A word with a thick edge across the lower edge of the card.
    fn stamp(&mut self, stamp: &Stamp) {
        let Some((rect, galley)) = self.stamp_place(stamp) else { return };
        let theme = *self.theme();
        let zoom = self.zoom().max(0.7);
        let colour = theme.tone(stamp.verdict.tone());
        // It fades, but not beyond what can be read.
        let fade = mix(colour, theme.dim, (stamp.age * 0.45).clamp(0.0, 0.45));
        // A new one is framed, an old one only a remark.
        let fill = if stamp.age < 1.0 { theme.tint(colour) } else { theme.card };
        self.frame(rect, fill, Stroke::new(if stamp.age < 1.0 { 2.0 } else { 1.0 }, fade));
        let mark = pos2(rect.left() + 13.0 * zoom, rect.center().y);
        match stamp.verdict.tone() {
            Tone::Good | Tone::Dim => icon::tick(self.painter, mark, 5.0 * zoom, fade),
            Tone::Waiting => icon::clock(self.painter, mark, 6.0 * zoom, fade),
            _ => icon::cross(self.painter, mark, 4.5 * zoom, fade),
        }
        self.painter.galley(pos2(rect.left() + 23.0 * zoom, rect.center().y - galley.size().y / 2.0), galley, fade);
        self.targets.push((rect, Target::Event(stamp.event), self.map.words.word(stamp.verdict.word())));
    }
}

fn queue_icon(painter: &egui::Painter, at: egui::Pos2, zoom: f32, colour: egui::Color32) {
    for row in [-4.5, 0.0, 4.5] {
        let ends = [at + vec2(-7.0, row) * zoom, at + vec2(7.0, row) * zoom];
        painter.line_segment(ends, Stroke::new(1.8 * zoom.min(1.4), colour));
    }
}

/// What a reader of the screen says for a card.
fn describe(place: &Place, card: &Card) -> String {
    let addr = place.addr.map_or(String::new(), |addr| format!(" {addr}"));
    let mut text = format!("host {}, {}{addr}", place.name, place.role.word());
    if card.down {
        text.push_str(", off");
    }
    for (count, word) in [(card.delivered, "mailbox"), (card.queued, "queue"), (card.deferred, "deferred")] {
        if count > 0 {
            text.push_str(&format!(", {word} {count}"));
        }
    }
    text
}
