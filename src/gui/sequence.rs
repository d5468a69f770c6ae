//! The sequence diagram: hosts as columns, arrows from top to bottom.

use egui::{Align2, Painter, Rect, Stroke, pos2, vec2};

use super::map::fitted;
use super::theme::{self, Theme};
use crate::session::Session;
use crate::session::story::{Narrator, Tone};
use crate::session::words::Words;
use crate::sim::HostId;
use crate::trace::EventId;
use crate::view::sequence::{Arrow, arrow};
use crate::view::timing::clock;
use crate::view::{Index, Scene};

/// Height of a row, and of the names of the hosts, in a theme.
pub fn row_height(theme: &Theme) -> f32 {
    (30.0 * theme.scale).round()
}

/// Width of the times.
fn times(theme: &Theme) -> f32 {
    (96.0 * theme.scale).round()
}

/// Where the columns stand.
pub struct Columns {
    left: f32,
    width: f32,
}

impl Columns {
    /// Columns for so many hosts in a rectangle.
    pub fn new(rect: Rect, hosts: u32, theme: &Theme) -> Columns {
        let times = times(theme);
        let width = (rect.width() - times - 12.0) / hosts.max(1) as f32;
        Columns { left: rect.left() + times, width }
    }

    fn x(&self, host: HostId) -> f32 {
        self.left + self.width * (host.0 as f32 + 0.5)
    }
}

/// One picture: the rows up to the present moment.
#[allow(clippy::too_many_arguments, reason = "everything that a page shows")]
pub fn page(
    painter: &Painter,
    rect: Rect,
    session: &Session,
    index: &Index,
    words: &Words,
    rows: &[EventId],
    scene: &Scene,
    theme: &Theme,
) {
    painter.rect_filled(rect, 0.0, theme.paper);
    let theme = &Theme { scale: theme.scale * super::poster::enlargement(rect), ..*theme };
    let tall = row_height(theme);
    let inner = rect.shrink(8.0);
    let columns = Columns::new(inner, session.world().host_count(), theme);
    let head = Rect::from_min_size(inner.min, vec2(inner.width(), tall));
    let body = Rect::from_min_max(pos2(inner.left(), head.bottom()), inner.max);
    let now = scene.event.unwrap_or(EventId(0));
    let end = rows.partition_point(|id| *id <= now);
    let fits = (body.height() / tall) as usize;
    let first = end.saturating_sub(fits);
    heads(painter, head, &columns, session, theme, body.bottom());
    let narrator = Narrator::new(session, words, &index.facts);
    for (number, event) in rows[first..end].iter().enumerate() {
        let top = body.top() + number as f32 * tall;
        let place = Rect::from_min_size(pos2(body.left(), top), vec2(body.width(), tall));
        if let Some(row) = arrow(session, &narrator, words, *event) {
            self::row(painter, place, &columns, &row, *event == now, theme);
        }
    }
}

/// The names of the hosts, and their lines down to somewhere.
pub fn heads(painter: &Painter, rect: Rect, columns: &Columns, session: &Session, theme: &Theme, bottom: f32) {
    for host in session.world().hosts() {
        let x = columns.x(host.id);
        painter.vline(x, rect.bottom()..=bottom, Stroke::new(1.0, theme.line));
        let font = theme.text(theme::TEXT);
        let name = fitted(painter, &host.name, &font, columns.width - 8.0);
        painter.text(pos2(x, rect.center().y), Align2::CENTER_CENTER, name, font, theme.ink);
    }
}

/// One arrow with its words.
pub fn row(painter: &Painter, rect: Rect, columns: &Columns, row: &Arrow, lit: bool, theme: &Theme) {
    if lit {
        painter.rect_filled(rect, 4.0, theme.tint(theme.selected));
    }
    let (small, times) = (theme.mono(theme::NOTE + 1.0), times(theme));
    let time = clock(row.time);
    painter.text(pos2(rect.left() + 2.0, rect.center().y), Align2::LEFT_CENTER, time, small.clone(), theme.dim);
    let colour = theme.tone(row.tone);
    let (Some(from), Some(to)) = (row.from, row.to) else {
        let font = theme.text(theme::TEXT);
        let text = fitted(painter, &row.text, &font, rect.width() - times - 16.0);
        let left = rect.left() + times;
        painter.hline(left..=rect.right(), rect.bottom() - 2.0, Stroke::new(1.0, theme.line));
        painter.text(pos2(left + 4.0, rect.center().y), Align2::LEFT_CENTER, text, font, theme.ink);
        return;
    };
    let (start, end) = (columns.x(from), columns.x(to));
    let y = rect.bottom() - 7.0 * theme.scale;
    if from == to {
        painter.circle_filled(pos2(start, rect.center().y), 4.0, colour);
        // On the side with more room.
        let (right, left) = (rect.right() - start - 12.0, start - rect.left() - times - 12.0);
        let (align, x) =
            if right >= left { (Align2::LEFT_CENTER, start + 10.0) } else { (Align2::RIGHT_CENTER, start - 10.0) };
        let text = fitted(painter, &row.text, &small, right.max(left));
        let galley = painter.layout_no_wrap(text, small, colour);
        let place = align.anchor_size(pos2(x, rect.center().y), galley.size());
        painter.rect_filled(place.expand(1.0), 2.0, if lit { theme.tint(theme.selected) } else { theme.paper });
        painter.galley(place.min, galley, colour);
        return;
    }
    let line = if row.tone == Tone::Plain { theme.dim } else { colour };
    let stroke = Stroke::new(1.5, line);
    let tip = if end > start { -7.0 } else { 7.0 };
    if row.answer {
        let mut x = start;
        let step: f32 = if end > start { 10.0 } else { -10.0 };
        while (end - x).abs() > 6.0 && (end - x).signum() == step.signum() {
            let next = x + step * 0.6;
            painter.line_segment([pos2(x, y), pos2(next, y)], stroke);
            x += step;
        }
    } else {
        painter.line_segment([pos2(start, y), pos2(end, y)], stroke);
    }
    painter.line(vec![pos2(end + tip, y - 4.0), pos2(end, y), pos2(end + tip, y + 4.0)], stroke);
    let span = (end - start).abs();
    let middle = (start + end) / 2.0;
    // Words may be wider than a short arrow.
    let room = (span - 12.0).max(300.0 * theme.scale).min(rect.width() - times);
    let galley = painter.layout_no_wrap(fitted(painter, &row.text, &small, room), small, colour);
    let half = galley.size().x / 2.0;
    let x = middle.clamp(rect.left() + times + half, (rect.right() - half).max(rect.left() + times + half));
    let place = Rect::from_center_size(pos2(x, y - 10.0 * theme.scale), galley.size());
    painter.rect_filled(place, 2.0, if lit { theme.tint(theme.selected) } else { theme.paper });
    painter.galley(place.min, galley, colour);
}
