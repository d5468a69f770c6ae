//! Icons, drawn from lines so that they are sharp at every size and need no font.

use egui::{Color32, Painter, Pos2, Rect, Stroke, StrokeKind, Vec2, pos2, vec2};

use crate::view::layout::Role;

/// The icon of a role in a square.
pub fn role(painter: &Painter, rect: Rect, role: Role, colour: Color32) {
    let width = (rect.width() / 14.0).clamp(1.0, 2.0);
    let stroke = Stroke::new(width, colour);
    let at = |x: f32, y: f32| rect.min + vec2(x, y) * rect.size();
    let line = |points: &[(f32, f32)]| {
        painter.line(points.iter().map(|(x, y)| at(*x, *y)).collect(), stroke);
    };
    let frame = |left: f32, top: f32, right: f32, bottom: f32| {
        let rect = Rect::from_min_max(at(left, top), at(right, bottom));
        let radius = if rect.height() < 10.0 { 0.0 } else { 2.0 };
        painter.rect_stroke(rect, radius, stroke, StrokeKind::Middle);
    };
    match role {
        // A screen on its foot.
        Role::Mua => {
            frame(0.08, 0.12, 0.92, 0.7);
            line(&[(0.3, 0.9), (0.7, 0.9)]);
            line(&[(0.5, 0.7), (0.5, 0.9)]);
        }
        // A letter box with its slot.
        Role::Msa => {
            frame(0.15, 0.1, 0.85, 0.9);
            line(&[(0.32, 0.35), (0.68, 0.35)]);
            line(&[(0.5, 0.5), (0.5, 0.75), (0.38, 0.63), (0.5, 0.75), (0.62, 0.63)]);
        }
        // Two arrows that pass each other.
        Role::Mta => {
            line(&[(0.08, 0.33), (0.92, 0.33), (0.72, 0.15), (0.92, 0.33), (0.72, 0.5)]);
            line(&[(0.92, 0.72), (0.08, 0.72), (0.28, 0.55), (0.08, 0.72), (0.28, 0.9)]);
        }
        // A shelf.
        Role::Mda => {
            frame(0.12, 0.1, 0.88, 0.9);
            line(&[(0.12, 0.37), (0.88, 0.37)]);
            line(&[(0.12, 0.63), (0.88, 0.63)]);
        }
        // A book.
        Role::Dns => {
            frame(0.1, 0.15, 0.5, 0.85);
            frame(0.5, 0.15, 0.9, 0.85);
            line(&[(0.2, 0.38), (0.4, 0.38)]);
            line(&[(0.6, 0.38), (0.8, 0.38)]);
            line(&[(0.6, 0.58), (0.8, 0.58)]);
        }
        // A head with a mask.
        Role::Outsider => {
            painter.circle_stroke(at(0.5, 0.5), rect.width() * 0.42, stroke);
            line(&[(0.1, 0.42), (0.9, 0.42)]);
            line(&[(0.14, 0.6), (0.86, 0.6)]);
        }
    }
}

/// A sealed envelope around a centre.
pub fn envelope(painter: &Painter, centre: Pos2, size: Vec2, fill: Color32, line: Color32) {
    let rect = Rect::from_center_size(centre, size);
    let stroke = Stroke::new(1.5, line);
    let radius = if size.y < 12.0 { 0.0 } else { 2.0 };
    painter.rect(rect, radius, fill, stroke, StrokeKind::Inside);
    let tip = rect.center() + vec2(0.0, rect.height() * 0.08);
    painter.line(vec![rect.left_top(), tip, rect.right_top()], stroke);
}

/// A padlock around a centre: closed, with a tick or a cross below the bow.
pub fn padlock(painter: &Painter, centre: Pos2, size: f32, good: bool, colour: Color32, ground: Color32) {
    let body = Rect::from_center_size(centre + vec2(0.0, size * 0.18), vec2(size * 0.84, size * 0.62));
    let stroke = Stroke::new(1.6, colour);
    let (left, right) = (body.left() + size * 0.16, body.right() - size * 0.16);
    let top = centre.y - size * 0.42;
    let bow = [pos2(left, body.top()), pos2(left, top), pos2(right, top), pos2(right, body.top())];
    painter.line(bow.to_vec(), stroke);
    painter.rect(body, 2.0, if good { colour } else { ground }, stroke, StrokeKind::Inside);
    let mark = if good { ground } else { colour };
    let middle = body.center();
    if good {
        let points = [vec2(-0.16, 0.0), vec2(-0.04, 0.12), vec2(0.18, -0.13)];
        painter.line(points.iter().map(|offset| middle + *offset * size).collect(), Stroke::new(1.6, mark));
    } else {
        painter.text(middle, egui::Align2::CENTER_CENTER, "!", egui::FontId::proportional(size * 0.6), mark);
    }
}

/// A wall of bricks.
pub fn wall(painter: &Painter, rect: Rect, fill: Color32, colour: Color32) {
    let stroke = Stroke::new(1.6, colour);
    painter.rect(rect, 1.0, fill, stroke, StrokeKind::Inside);
    let row = rect.height() / 3.0;
    for number in 0..3_u8 {
        let top = rect.top() + row * f32::from(number);
        if number > 0 {
            painter.hline(rect.x_range(), top, stroke);
        }
        let joints: &[f32] = if number % 2 == 0 { &[0.5] } else { &[0.25, 0.75] };
        for joint in joints {
            painter.vline(rect.left() + rect.width() * joint, top..=top + row, stroke);
        }
    }
}

/// A key around a centre.
pub fn key(painter: &Painter, centre: Pos2, size: f32, colour: Color32) {
    let stroke = Stroke::new((size / 9.0).max(1.4), colour);
    let ring = centre - vec2(size * 0.26, 0.0);
    painter.circle_stroke(ring, size * 0.22, stroke);
    let (start, end) = (ring + vec2(size * 0.22, 0.0), centre + vec2(size * 0.5, 0.0));
    painter.line_segment([start, end], stroke);
    for back in [0.04, 0.2] {
        let tooth = end - vec2(size * back, 0.0);
        painter.line_segment([tooth, tooth + vec2(0.0, size * 0.22)], stroke);
    }
}

/// A tick.
pub fn tick(painter: &Painter, centre: Pos2, radius: f32, colour: Color32) {
    let points = [vec2(-0.9, 0.0), vec2(-0.2, 0.8), vec2(1.0, -0.8)];
    painter.line(points.iter().map(|offset| centre + *offset * radius).collect(), Stroke::new(2.0, colour));
}

/// A clock face.
pub fn clock(painter: &Painter, centre: Pos2, radius: f32, colour: Color32) {
    let stroke = Stroke::new(1.3, colour);
    painter.circle_stroke(centre, radius, stroke);
    painter.line_segment([centre, centre - vec2(0.0, radius * 0.65)], stroke);
    painter.line_segment([centre, centre + vec2(radius * 0.5, 0.0)], stroke);
}

/// A cross.
pub fn cross(painter: &Painter, centre: Pos2, radius: f32, colour: Color32) {
    let stroke = Stroke::new(2.5, colour);
    let (a, b) = (vec2(radius, radius), vec2(radius, -radius));
    painter.line_segment([centre - a, centre + a], stroke);
    painter.line_segment([centre - b, centre + b], stroke);
}
