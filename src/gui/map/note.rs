//! What hosts think: lists and trees beside their cards.

use std::sync::Arc;

use egui::{Color32, Galley, Rect, Shape, Stroke, pos2, vec2};

use super::{Canvas, FAR, Piece, Target, icon, mono, text};
use crate::view::alias::Leaf;
use crate::view::notes::{Line, Mark, Note};
use crate::view::scene::LinkState;

/// A line of a note, measured.
struct Row {
    line: Line,
    /// Where its text begins, from the note's left edge.
    left: f32,
    /// Where it ends.
    end: f32,
    text: Arc<Galley>,
    remark: Arc<Galley>,
    colour: Color32,
    remark_colour: Color32,
}

/// A note, measured.
struct Laid {
    rows: Vec<Row>,
    title: Arc<Galley>,
    rect: Rect,
    /// Whether it covers nothing.
    free: bool,
    scale: f32,
    head: f32,
    row_height: f32,
}

/// The smallest scale of notes, at which their words can still be read.
const SMALLEST: f32 = 0.92;
/// Most notes at a time; more are not read.
const MOST: usize = 6;
/// How far from its best place a note of a host may stand that nothing happens at.
const REACH: f32 = 130.0;

impl Canvas<'_> {
    /// Draws what hosts think: what they do now, or what is over.
    pub(super) fn notes(&mut self, over: bool) {
        if self.zoom() < FAR / 2.0 {
            return;
        }
        if !over {
            self.lines = self.lines();
        }
        let map = self.map;
        let first = |note: &Note| {
            let active = map.scene.cards.get(note.host.0 as usize).is_some_and(|card| card.active);
            map.host == Some(note.host) || active
        };
        let mut notes: Vec<&Note> = map.scene.notes.iter().filter(|note| note.over == over).collect();
        notes.sort_by_key(|note| !first(note));
        for note in notes.into_iter().take(2 * MOST) {
            if self.noted < MOST {
                self.note(note, first(note));
            }
        }
    }

    /// Small places along the lines that are drawn.
    fn lines(&self) -> Vec<Rect> {
        const PLACES: u8 = 16;
        let scene = self.map.scene;
        let links = scene
            .links
            .iter()
            .filter(|link| link.state == LinkState::Open || link.warmth > 0.05)
            .map(|link| (link.from, link.to));
        let movers = scene.movers.iter().map(|mover| (mover.from, mover.to));
        let ways = links.chain(movers).filter_map(|(from, to)| self.way(from, to));
        let along = |way: super::Way| (1..PLACES).map(move |place| way.at(f32::from(place) / f32::from(PLACES)));
        ways.flat_map(along).map(|at| Rect::from_center_size(at, vec2(16.0, 16.0))).collect()
    }

    /// Draws a note where it covers nothing. One that would have to stand far from its host is left out, unless
    /// its host is what is looked at.
    fn note(&mut self, note: &Note, first: bool) {
        let Some(card) = self.card_rect(note.host) else { return };
        // Rather smaller than over a line, and rather over a line than far away.
        let tries = [1.0, 0.85, 0.7].map(|part| (self.loudness() * part).max(SMALLEST));
        let off_lines = tries.iter().map(|scale| (*scale, true));
        let near = off_lines.chain([(tries[2], false)]).map(|(scale, off)| (scale, off, REACH * self.loudness()));
        let far = first.then_some((tries[2], false, f32::INFINITY));
        for (scale, off_lines, reach) in near.chain(far) {
            let laid = self.lay(note, card, scale, reach, off_lines);
            if laid.free {
                self.take(Piece::Note, laid.rect);
                self.noted += 1;
                return self.draw_note(note, card, laid);
            }
        }
    }

    /// Measures a note and finds a place for it.
    fn lay(&self, note: &Note, card: Rect, scale: f32, reach: f32, off_lines: bool) -> Laid {
        let theme = *self.theme();
        let (title_font, mono, small) = (text(13.0 * scale), mono(13.0 * scale), text(12.0 * scale));
        let widest = if scale < self.loudness() { 230.0 } else { 320.0 } * scale;
        let title = self.fitted(&note.title, &title_font, widest);
        let title = self.painter.layout_no_wrap(title, title_font, theme.dim);
        let colour = |mark: Mark| match mark {
            Mark::Plain if note.over => theme.dim,
            Mark::Plain => theme.ink,
            Mark::Lit => theme.selected,
            Mark::Good => theme.good,
            Mark::Merged => theme.dim,
            Mark::Struck | Mark::Bad | Mark::Looped => theme.bad,
        };
        let lay = |line: &Line| {
            let colour = colour(line.mark);
            let text = self.fitted(&line.text, &mono, widest);
            let text = self.painter.layout_no_wrap(text, mono.clone(), colour);
            let remark_colour = if line.mark == Mark::Plain { theme.dim } else { colour };
            let remark = self.fitted(&line.remark, &small, widest / 2.0);
            let remark = self.painter.layout_no_wrap(remark, small.clone(), remark_colour);
            let arcs = if matches!(line.mark, Mark::Merged | Mark::Looped) { 22.0 * scale } else { 0.0 };
            let left = (26.0 + line.depth as f32 * 18.0) * scale;
            let gap = if line.remark.is_empty() { 0.0 } else { remark.size().x + 10.0 * scale };
            Row {
                line: line.clone(),
                left,
                end: left + text.size().x + gap + arcs,
                text,
                remark,
                colour,
                remark_colour,
            }
        };
        let rows: Vec<Row> = note.lines.iter().map(lay).collect();
        let (row_height, head) = (20.0 * scale, 24.0 * scale);
        let width = rows.iter().map(|row| row.end).fold(title.size().x, f32::max) + 14.0 * scale;
        let size = vec2(width, head + rows.len() as f32 * row_height + 5.0 * scale);
        let gap = 14.0 + 12.0 * self.zoom();
        let centre = card.center();
        let (beside, under) = ((card.width() + size.x) / 2.0 + gap, (card.height() + size.y) / 2.0 + gap);
        let low = card.top() + size.y / 2.0;
        let inwards = if centre.x > self.rect.center().x { -1.0 } else { 1.0 };
        let wishes = [
            pos2(centre.x, centre.y - under - 14.0 * self.zoom()),
            pos2(centre.x, centre.y + under),
            pos2(centre.x + inwards * beside, low),
            pos2(centre.x - inwards * beside, low),
            pos2(centre.x + inwards * beside, centre.y - under),
            pos2(centre.x + inwards * beside, centre.y + under),
            pos2(centre.x - inwards * beside, centre.y - under),
            pos2(centre.x - inwards * beside, centre.y + under),
        ];
        // A note that covers a line is struck through by it; only notes avoid lines, bubbles ride on them.
        let lines: &[Rect] = if off_lines { &self.lines } else { &[] };
        let (rect, free) = self.find_place(size, &wishes, reach, lines);
        Laid { rows, title, rect, free, scale, head, row_height }
    }

    fn draw_note(&mut self, note: &Note, card: Rect, laid: Laid) {
        let theme = *self.theme();
        let Laid { rows, title, rect, scale, head, row_height, .. } = laid;
        let edge = card.clamp(rect.center());
        let line = if note.over { theme.line } else { theme.dim };
        self.leaders.push(Shape::line_segment([edge, rect.clamp(edge)], Stroke::new(1.5, line)));
        self.frame(rect, theme.card, Stroke::new(if note.over { 1.0 } else { 1.5 }, line));
        self.painter.galley(rect.min + vec2(9.0, 4.0) * scale, title, theme.dim);
        let middle = |number: usize| rect.top() + head + (number as f32 + 0.5) * row_height;
        self.branches(&rows, rect, scale, &middle);
        for (number, row) in rows.into_iter().enumerate() {
            let y = middle(number);
            let left = rect.left() + row.left;
            self.mark(&row.line, pos2(left - 11.0 * scale, y), scale, row.colour);
            let end = left + row.text.size().x;
            let half = row.text.size().y / 2.0;
            if matches!(row.line.mark, Mark::Struck) {
                self.painter.line_segment([pos2(left, y), pos2(end, y)], Stroke::new(1.5, row.colour));
            }
            self.painter.galley(pos2(left, y - half), row.text, row.colour);
            let at = pos2(end + 10.0 * scale, y - row.remark.size().y / 2.0);
            self.painter.galley(at, row.remark, row.remark_colour);
        }
        self.targets.push((rect, Target::Event(note.event), note.title.clone()));
    }

    /// The branches of a tree, and what leads back to rows above: copies merge, loops close.
    fn branches(&self, rows: &[Row], rect: Rect, scale: f32, middle: &dyn Fn(usize) -> f32) {
        let theme = self.theme();
        let stem = |row: &Row| rect.left() + row.left - 11.0 * scale;
        for (number, row) in rows.iter().enumerate().filter(|(_, row)| row.line.depth > 0) {
            let parent = rows[..number].iter().rposition(|above| above.line.depth < row.line.depth);
            let Some(parent) = parent else { continue };
            let x = stem(&rows[parent]);
            let points = [
                pos2(x, middle(parent) + 7.0 * scale),
                pos2(x, middle(number)),
                pos2(stem(row) - 7.0 * scale, middle(number)),
            ];
            self.painter.line(points.to_vec(), Stroke::new(1.0, theme.dim));
        }
        for (number, row) in rows.iter().enumerate() {
            if !matches!(row.line.mark, Mark::Merged | Mark::Looped) {
                continue;
            }
            let Some(first) = rows[..number].iter().position(|above| above.line.text == row.line.text) else {
                continue;
            };
            let stroke = Stroke::new(1.5, row.colour);
            let (from, to) = (middle(number), middle(first));
            let x = rect.right() - 8.0 * scale;
            let (start, end) = (rect.left() + row.end - 18.0 * scale, rect.left() + rows[first].end + 6.0 * scale);
            self.painter.line(vec![pos2(start, from), pos2(x, from), pos2(x, to), pos2(end, to)], stroke);
            let tip = 4.0 * scale;
            let arrow = [pos2(end + tip, to - tip), pos2(end, to), pos2(end + tip, to + tip)];
            self.painter.line(arrow.to_vec(), stroke);
        }
    }

    /// What a line stands for.
    fn mark(&self, line: &Line, at: egui::Pos2, scale: f32, colour: egui::Color32) {
        let stroke = Stroke::new(1.4 * scale.min(1.3), colour);
        let dash = |points: &[(f32, f32)]| {
            self.painter.line(points.iter().map(|(x, y)| at + vec2(*x, *y) * scale).collect(), stroke);
        };
        match (line.mark, line.leaf) {
            (Mark::Struck | Mark::Bad, _) => icon::cross(self.painter, at, 4.0 * scale, colour),
            (Mark::Good, _) => icon::tick(self.painter, at, 5.0 * scale, colour),
            (Mark::Lit, _) => dash(&[(-4.0, -4.0), (4.0, 0.0), (-4.0, 4.0), (-4.0, -4.0)]),
            (_, None) => {
                self.painter.circle_filled(at, 2.5 * scale, colour);
            }
            (_, Some(Leaf::Name)) => {
                self.painter.circle_filled(at, 3.5 * scale, colour);
            }
            (_, Some(Leaf::Address)) => dash(&[(-4.0, 0.0), (4.0, 0.0), (1.0, -3.0), (4.0, 0.0), (1.0, 3.0)]),
            (_, Some(Leaf::File)) => {
                dash(&[(-3.0, -5.0), (2.0, -5.0), (4.0, -2.0), (4.0, 5.0), (-3.0, 5.0), (-3.0, -5.0)])
            }
            (_, Some(Leaf::Command)) => dash(&[(-4.0, -4.0), (0.0, 0.0), (-4.0, 4.0)]),
            (_, Some(Leaf::Include)) => {
                dash(&[(-4.0, -3.0), (4.0, -3.0), (4.0, 0.0), (-4.0, 0.0), (-4.0, 3.0), (4.0, 3.0)])
            }
        }
    }
}
