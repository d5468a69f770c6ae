//! Inside a host: Postfix's programs and queues, and the mail that moves between them.

use egui::{Align2, Painter, Pos2, Rect, Stroke, StrokeKind, pos2, vec2};

use super::map::{fitted, icon};
use super::theme::{self, Theme, mix};
use crate::session::words::Words;
pub use crate::view::inside::Inside;
use crate::view::inside::{Shift, Station, Stop};

/// Letters of the longest name of a station, trivial-rewrite.
const LONGEST: f32 = 15.0;

/// Draws the inside of a host into a rectangle.
pub fn paint(painter: &Painter, rect: Rect, inside: &Inside, theme: &Theme, words: &Words) {
    painter.rect_filled(rect, 0.0, theme.paper);
    let theme = &Theme { scale: theme.scale.min(1.2) * (rect.height() / 620.0).clamp(0.8, 2.0), ..*theme };
    let line = 17.0 * theme.scale;
    let title = words.say("inside-title", &[("host", (&inside.name).into())]);
    painter.text(rect.left_top() + vec2(14.0, 10.0), Align2::LEFT_TOP, title, theme.text(theme::HEAD), theme.ink);
    let log_height = (20.0 + line * 5.0).min(rect.height() * 0.3);
    let body = Rect::from_min_max(
        rect.min + vec2(8.0, 22.0 + 16.0 * theme.scale),
        pos2(rect.right() - 8.0, rect.bottom() - log_height),
    );
    if inside.has_postfix {
        let board = Board { painter, body, theme, words };
        board.ways();
        for shift in &inside.shifts {
            board.track(shift);
        }
        for stop in &inside.stops {
            board.stop(stop);
        }
        for shift in &inside.shifts {
            board.shift(shift);
        }
    } else {
        super::poster::message(painter, body, theme, &words.word("inside-nothing"));
    }
    log(painter, Rect::from_min_max(pos2(rect.left(), body.bottom()), rect.max), inside, theme);
}

fn log(painter: &Painter, rect: Rect, inside: &Inside, theme: &Theme) {
    painter.rect_filled(rect, 0.0, theme.panel);
    painter.hline(rect.x_range(), rect.top(), Stroke::new(1.0, theme.line));
    let font = theme.mono(theme::NOTE);
    for (number, line) in inside.log.iter().enumerate() {
        let at = rect.min + vec2(14.0, 10.0 + number as f32 * 17.0 * theme.scale);
        let text = fitted(painter, line, &font, rect.width() - 28.0);
        painter.text(at, Align2::LEFT_TOP, text, font.clone(), theme.dim);
    }
}

struct Board<'a> {
    painter: &'a Painter,
    body: Rect,
    theme: &'a Theme,
    words: &'a Words,
}

impl Board<'_> {
    fn rect(&self, station: Station) -> Rect {
        let place = station.place();
        let size = vec2((self.body.width() * 0.135).clamp(76.0, 170.0), (self.body.height() * 0.125).clamp(30.0, 76.0));
        // In a very small window stations lie over each other, but somewhere.
        let room = Rect::from_center_size(self.body.center(), (self.body.size() - size).max(egui::Vec2::ZERO));
        let centre =
            pos2(self.body.left() + self.body.width() * place.x, self.body.top() + self.body.height() * place.y);
        Rect::from_center_size(room.clamp(centre), size)
    }

    fn ways(&self) {
        let stroke = Stroke::new(1.0, mix(self.theme.line, self.theme.dim, 0.3));
        for (from, to) in Station::WAYS {
            let (from, to) = (self.rect(from), self.rect(to));
            // Those of the queue manager fan out of its side, so that none runs behind another program.
            let fans = from.center().x < to.center().x && to.right() >= self.body.right() - to.width();
            let (start, end) = match fans {
                true => (from.right_center(), to.left_center()),
                false => (edge(from, to.center()), edge(to, from.center())),
            };
            self.painter.line_segment([start, end], stroke);
            let back = (start - end).normalized() * 7.0;
            let side = vec2(-back.y, back.x) * 0.5;
            self.painter.line(vec![end + back + side, end, end + back - side], stroke);
        }
    }

    fn stop(&self, stop: &Stop) {
        let theme = self.theme;
        let rect = self.rect(stop.station);
        let queue = stop.station.is_queue();
        let colour = if queue { theme.rest } else { theme.selected };
        let stroke = if stop.lit { Stroke::new(2.5, colour) } else { Stroke::new(1.0, theme.line) };
        let fill = if stop.lit { theme.tint(colour) } else { theme.card };
        // Programs have corners, queues are round: shape is the second cue beside colour.
        let radius = if queue { rect.height() / 2.0 } else { f32::from(theme::RADIUS) };
        self.painter.rect(rect, radius, fill, stroke, StrokeKind::Inside);
        let mut font = theme.mono(theme::NAME - 1.0);
        // The longest name fits.
        font.size = font.size.min((rect.width() - 12.0) / (0.61 * LONGEST)).floor();
        // People's type is narrower: rather that than too small.
        if font.size < theme::NOTE {
            font = theme.text(theme::NOTE);
        }
        let name = fitted(self.painter, stop.station.name(), &font, rect.width() - 10.0);
        let ink = if stop.lit { theme.ink } else { theme.dim };
        let count = stop.mails.len();
        let middle = if count > 0 && rect.height() >= 44.0 {
            rect.center() - vec2(0.0, rect.height() * 0.18)
        } else {
            rect.center()
        };
        self.painter.text(middle, Align2::CENTER_CENTER, name, font, ink);
        if count == 0 {
            return;
        }
        // Where there is no room in it, under it.
        let below = rect.center_bottom() + vec2(0.0, 9.0 * theme.scale);
        let at = if rect.height() >= 44.0 { rect.center() + vec2(0.0, rect.height() * 0.24) } else { below };
        let label = match stop.mails.as_slice() {
            [one] => one.to_string(),
            mails => self.words.say("inside-mails", &[("count", (mails.len() as u64).into())]),
        };
        let font = theme.mono(theme::TEXT);
        let label = fitted(self.painter, &label, &font, rect.width() - 34.0);
        let galley = self.painter.layout_no_wrap(label, font, theme.rest);
        let left = at.x - (galley.size().x + 20.0) / 2.0;
        if at == below {
            let ground = Rect::from_center_size(at, galley.size() + vec2(26.0, 0.0));
            self.painter.rect_filled(ground, 3.0, theme.paper);
        }
        icon::envelope(self.painter, pos2(left + 7.0, at.y), vec2(15.0, 11.0), theme.card, theme.rest);
        self.painter.galley(pos2(left + 20.0, at.y - galley.size().y / 2.0), galley, theme.rest);
    }

    fn track(&self, shift: &Shift) {
        let points = shift.way.iter().map(|station| self.rect(*station).center()).collect();
        self.painter.line(points, Stroke::new(2.0, self.theme.rest));
    }

    /// Where a mail stands at a station: on its upper edge, so that it covers neither name nor queue id.
    fn stand(&self, station: Station) -> Pos2 {
        self.rect(station).center_top()
    }

    fn shift(&self, shift: &Shift) {
        let points: Vec<Pos2> = shift.way.iter().map(|station| self.stand(*station)).collect();
        let Some(at) = along(&points, super::map::ease(shift.part / 0.9)) else { return };
        let theme = self.theme;
        icon::envelope(self.painter, at, vec2(36.0, 25.0) * theme.scale, theme.card, theme.rest);
        let galley = self.painter.layout_no_wrap(shift.label.to_string(), theme.mono(theme::TEXT), theme.rest);
        let size = galley.size() + vec2(8.0, 2.0);
        // Above it, or beside it where above there is no room.
        let above = at - vec2(0.0, 12.0 * theme.scale + size.y / 2.0 + 1.0);
        let beside = at - vec2(22.0 * theme.scale + size.x / 2.0, 0.0);
        let centre = if above.y - size.y / 2.0 < self.body.top() - 4.0 { beside } else { above };
        let rect = Rect::from_center_size(centre, size);
        self.painter.rect_filled(rect, 3.0, theme.paper);
        self.painter.galley(rect.min + vec2(4.0, 1.0), galley, theme.rest);
    }
}

/// Where the way to a place leaves a rectangle.
fn edge(rect: Rect, to: Pos2) -> Pos2 {
    let offset = to - rect.center();
    let across = if offset.x == 0.0 { f32::INFINITY } else { rect.width() / 2.0 / offset.x.abs() };
    let down = if offset.y == 0.0 { f32::INFINITY } else { rect.height() / 2.0 / offset.y.abs() };
    rect.center() + offset * across.min(down).min(1.0)
}

/// The place at a part of a way.
fn along(points: &[Pos2], part: f32) -> Option<Pos2> {
    let total: f32 = points.windows(2).map(|pair| pair[0].distance(pair[1])).sum();
    let mut left = total * part.clamp(0.0, 1.0);
    for pair in points.windows(2) {
        let length = pair[0].distance(pair[1]);
        if left <= length && length > 0.0 {
            return Some(pair[0] + (pair[1] - pair[0]) * (left / length));
        }
        left -= length;
    }
    points.last().copied()
}
