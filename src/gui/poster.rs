//! The map as a page: narration above, what happens below. For pictures, and for the presenter.

use egui::{Align2, Color32, Painter, Pos2, Rect, Stroke, pos2, vec2};

use super::map::{Camera, Map, Targets};
use super::theme::{self, Theme};
use crate::view::Scene;
use crate::view::timing::clock;

/// Height of the line that says what happens.
pub fn caption_height(theme: &Theme) -> f32 {
    56.0 * theme.scale.min(1.9)
}

/// How much larger a whole page is drawn than one of 720 points in height: for screens that are looked at as a whole.
pub fn enlargement(rect: Rect) -> f32 {
    (rect.height() / 720.0).clamp(1.0, 2.0)
}

/// Draws narration, map and caption into a rectangle.
pub fn paint(painter: &Painter, rect: Rect, map: &Map<'_>, title: &str, camera: Option<Camera>) -> Targets {
    let scale = (map.theme.scale * enlargement(rect)).min(2.0);
    let theme = &Theme { scale, ..*map.theme };
    painter.rect_filled(rect, 0.0, theme.panel);
    let top = heading(painter, rect, map.scene, theme, title);
    let bottom = rect.bottom() - caption_height(theme);
    let middle = Rect::from_min_max(pos2(rect.left(), top), pos2(rect.right(), bottom));
    let camera = camera.unwrap_or_else(|| Camera::fit(map.layout, middle.shrink(8.0)));
    let targets = map.paint(painter, middle, camera);
    let quiet = map.words.word(if map.scene.at.0 == 0 { "caption-begin" } else { "caption-rest" });
    caption(painter, Rect::from_min_max(pos2(rect.left(), bottom), rect.max), map.scene, theme, &quiet);
    targets
}

/// Title and narration; gives where they end.
fn heading(painter: &Painter, rect: Rect, scene: &Scene, theme: &Theme, title: &str) -> f32 {
    let margin = 14.0;
    let time = painter.layout_no_wrap(clock(scene.time), theme.mono(theme::TEXT), theme.dim);
    let at = pos2(rect.right() - margin - time.size().x, rect.top() + 12.0);
    let room = at.x - rect.left() - 2.0 * margin;
    painter.galley(at, time, theme.dim);
    let font = theme.text(theme::TEXT);
    let title = super::map::fitted(painter, title, &font, room);
    let head = painter.layout_no_wrap(title, font, theme.dim);
    let mut y = rect.top() + 8.0;
    let height = head.size().y;
    painter.galley(pos2(rect.left() + margin, y), head, theme.dim);
    y += height + 3.0;
    if let Some(narration) = &scene.narration {
        let width = rect.width() - 2.0 * margin;
        let text = painter.layout(narration.clone(), theme.text(theme::NAME), theme.ink, width);
        let height = text.size().y;
        painter.galley(pos2(rect.left() + margin, y), text, theme.ink);
        y += height + 4.0;
    }
    y + 4.0
}

/// The line that says what happens, how much time is folded, or else what can be said when nothing happens.
pub fn caption(painter: &Painter, rect: Rect, scene: &Scene, theme: &Theme, quiet: &str) {
    painter.rect_filled(rect, 0.0, theme.panel);
    painter.hline(rect.x_range(), rect.top(), Stroke::new(1.0, theme.line));
    let left = rect.left() + 14.0;
    if let Some(gap) = &scene.gap {
        let y = rect.center().y;
        let text = painter.layout_no_wrap(gap.clone(), theme.text(theme::HEAD - 2.0), theme.dim);
        let half = text.size().x / 2.0 + 12.0;
        let middle = rect.center().x;
        dashes(painter, pos2(left, y), middle - half, theme.dim);
        dashes(painter, pos2(middle + half, y), rect.right() - 14.0, theme.dim);
        painter.galley(rect.center() - text.size() / 2.0, text, theme.dim);
        return;
    }
    let (text, colour) = match &scene.caption {
        Some(caption) => (caption.text.as_str(), theme.tone(caption.tone)),
        None => (quiet, theme.dim),
    };
    let width = rect.width() - 28.0;
    // As large as it fits into two lines.
    let sizes = [theme::HEAD - 2.0, theme::NAME, theme::TEXT, theme::NOTE + 1.0];
    let galley = sizes.into_iter().map(|size| painter.layout(text.to_owned(), theme.text(size), colour, width));
    let mut galleys: Vec<_> = galley.collect();
    let fits = galleys.iter().position(|galley| galley.size().y <= rect.height() - 4.0).unwrap_or(galleys.len() - 1);
    let galley = galleys.swap_remove(fits);
    painter.galley(pos2(left, rect.center().y - galley.size().y / 2.0), galley, colour);
}

fn dashes(painter: &Painter, from: Pos2, to: f32, colour: Color32) {
    let mut x = from.x;
    while x < to {
        let end = (x + 6.0).min(to);
        painter.line_segment([pos2(x, from.y), pos2(end, from.y)], Stroke::new(1.5, colour));
        x += 11.0;
    }
}

/// A message in the middle of nothing.
pub fn message(painter: &Painter, rect: Rect, theme: &Theme, text: &str) {
    painter.rect_filled(rect, 0.0, theme.paper);
    let galley = painter.layout(text.to_owned(), theme.text(theme::NAME), theme.dim, rect.width() * 0.7);
    let at = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), rect).min + vec2(0.0, 0.0);
    painter.galley(at, galley, theme.dim);
}
