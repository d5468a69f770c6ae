//! What hosts think: lists and trees beside their cards.

use egui::{Rect, Stroke, pos2, vec2};

use super::{Canvas, FAR, Target, icon};
use crate::gui::theme;
use crate::view::alias::Leaf;
use crate::view::notes::{Line, Mark, Note};

impl Canvas<'_> {
    pub(super) fn notes(&mut self) {
        if self.zoom() < FAR / 2.0 {
            return;
        }
        let map = self.map;
        // A note that covers a line is struck through by it; only notes avoid lines, bubbles ride on them.
        let lines = self.lines();
        let count = lines.len();
        self.taken.splice(0..0, lines);
        for note in &map.scene.notes {
            self.note(note);
        }
        self.taken.drain(..count);
    }

    /// Small places along the lines that are drawn.
    fn lines(&self) -> Vec<Rect> {
        const PLACES: u8 = 16;
        let scene = self.map.scene;
        let links = scene.links.iter().filter(|link| link.open || link.warmth > 0.05).map(|link| (link.from, link.to));
        let movers = scene.movers.iter().map(|mover| (mover.from, mover.to));
        let ways = links.chain(movers).filter_map(|(from, to)| self.way(from, to));
        let along = |way: super::Way| (1..PLACES).map(move |place| way.at(f32::from(place) / f32::from(PLACES)));
        ways.flat_map(along).map(|at| Rect::from_center_size(at, vec2(16.0, 16.0))).collect()
    }

    fn note(&mut self, note: &Note) {
        let Some(card) = self.card_rect(note.host) else { return };
        let theme = *self.theme();
        let title_font = theme.text(theme::NOTE);
        let mono = theme.mono(theme::NOTE);
        let title =
            self.painter.layout_no_wrap(self.fitted(&note.title, &title_font, 260.0), title_font.clone(), theme.dim);
        let rows: Vec<_> = note
            .lines
            .iter()
            .map(|line| {
                let colour = match line.mark {
                    Mark::Plain => theme.ink,
                    Mark::Lit => theme.selected,
                    Mark::Struck => theme.bad,
                    Mark::Merged => theme.dim,
                    Mark::Looped => theme.bad,
                };
                let text = self.painter.layout_no_wrap(self.fitted(&line.text, &mono, 210.0), mono.clone(), colour);
                let remark_colour = if line.mark == Mark::Plain { theme.dim } else { colour };
                let remark = self.painter.layout_no_wrap(
                    self.fitted(&line.remark, &title_font, 120.0),
                    title_font.clone(),
                    remark_colour,
                );
                (line, text, remark, colour, remark_colour)
            })
            .collect();
        const ROW: f32 = 18.0;
        let indent = |line: &Line| 26.0 + line.depth as f32 * 14.0;
        let row_width =
            |(line, text, remark, ..): &(&Line, std::sync::Arc<egui::Galley>, std::sync::Arc<egui::Galley>, _, _)| {
                indent(line) + text.size().x + if line.remark.is_empty() { 0.0 } else { remark.size().x + 10.0 }
            };
        let width = rows.iter().map(row_width).fold(title.size().x, f32::max) + 14.0;
        let size = vec2(width, 22.0 + rows.len() as f32 * ROW + 4.0);
        let gap = 12.0 + 16.0 * self.zoom();
        let centre = card.center();
        let (beside, under) = ((card.width() + size.x) / 2.0 + gap, (card.height() + size.y) / 2.0 + gap);
        let low = card.top() + size.y / 2.0;
        let wishes = [
            pos2(centre.x, centre.y + under),
            pos2(centre.x, centre.y - under - 12.0),
            pos2(centre.x + beside, low),
            pos2(centre.x - beside, low),
            pos2(centre.x + beside, centre.y + under),
            pos2(centre.x + beside, centre.y - under),
            pos2(centre.x - beside, centre.y + under),
            pos2(centre.x - beside, centre.y - under),
        ];
        let rect = self.place_box(size, &wishes);
        let edge = card.clamp(rect.center());
        self.painter.line_segment([edge, rect.clamp(edge)], Stroke::new(1.0, theme.dim));
        self.frame(rect, theme.card, Stroke::new(1.0, theme.dim));
        self.painter.galley(rect.min + vec2(8.0, 4.0), title, theme.dim);
        for (number, (line, text, remark, colour, remark_colour)) in rows.into_iter().enumerate() {
            let y = rect.top() + 22.0 + (number as f32 + 0.5) * ROW;
            let left = rect.left() + indent(line);
            let half = text.size().y / 2.0;
            self.mark(line, pos2(left - 10.0, y), colour);
            let end = left + text.size().x;
            if matches!(line.mark, Mark::Struck) {
                self.painter.line_segment([pos2(left, y), pos2(end, y)], Stroke::new(1.5, colour));
            }
            self.painter.galley(pos2(left, y - half), text, colour);
            self.painter.galley(pos2(end + 10.0, y - remark.size().y / 2.0), remark, remark_colour);
        }
        self.targets.push((rect, Target::Event(note.event), note.title.clone()));
    }

    /// What a line stands for.
    fn mark(&self, line: &Line, at: egui::Pos2, colour: egui::Color32) {
        let stroke = Stroke::new(1.3, colour);
        let dash = |points: &[(f32, f32)]| {
            self.painter.line(points.iter().map(|(x, y)| at + vec2(*x, *y)).collect(), stroke);
        };
        match (line.mark, line.leaf) {
            (Mark::Struck, _) => icon::cross(self.painter, at, 4.0, colour),
            (Mark::Lit, _) => dash(&[(-4.0, -4.0), (4.0, 0.0), (-4.0, 4.0), (-4.0, -4.0)]),
            (_, None) => {
                self.painter.circle_filled(at, 2.0, colour);
            }
            (_, Some(Leaf::Name)) if line.depth == 0 => {
                self.painter.circle_filled(at, 3.0, colour);
            }
            (_, Some(Leaf::Name)) => dash(&[(-4.0, -7.0), (-4.0, 0.0), (4.0, 0.0)]),
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
