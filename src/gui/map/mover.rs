//! What is on its way between hosts: questions, answers, connections, letters.

use egui::{Color32, Pos2, Rect, Stroke, Vec2, pos2, vec2};

use super::{Canvas, Target, Way, ease, icon};
use crate::gui::theme;
use crate::view::scene::{Mover, MoverKind};

/// Most movers with words.
const MOST_CAPTIONS: usize = 3;

impl Canvas<'_> {
    pub(super) fn movers(&mut self) {
        let map = self.map;
        for (number, mover) in map.scene.movers.iter().enumerate() {
            let Some(way) = self.way(mover.from, mover.to) else { continue };
            let along = (way.to - way.from).normalized();
            // Those on the same way walk side by side.
            let side = Vec2::new(-along.y, along.x) * (mover.lane as f32 * 30.0);
            let captions = number < MOST_CAPTIONS;
            self.mover(mover, way.moved(side), captions);
        }
    }

    fn mover(&mut self, mover: &Mover, way: Way, captions: bool) {
        let theme = *self.theme();
        let part = ease(mover.part / 0.9);
        let at = way.at(part);
        match mover.kind {
            MoverKind::Question | MoverKind::Answer => self.dns(mover, way, part, captions),
            MoverKind::Connect => {
                let (colour, back) = (theme.selected, mover.part > 0.6);
                way.draw(self.painter, part, Stroke::new(2.5, colour));
                self.painter.circle_filled(at, 6.0, colour);
                if captions {
                    let text = if back { format!("{} ✓", mover.label) } else { mover.label.clone() };
                    self.tag(&text, "", at + vec2(0.0, -18.0), colour, mover);
                }
            }
            MoverKind::ConnectFailed(_) => {
                let part = part.min(0.86);
                let stop = way.at(part);
                way.draw(self.painter, part, Stroke::new(2.5, theme.bad));
                if mover.part > 0.5 {
                    icon::cross(self.painter, stop, 8.0, theme.bad);
                }
                let remark = if mover.part > 0.5 { mover.detail.as_str() } else { "" };
                let middle = way.at(0.5);
                self.tag(&mover.label, remark, middle + vec2(0.0, -20.0), theme.bad, mover);
            }
            MoverKind::Tls(good) => {
                let colour = if good { theme.good } else { theme.later };
                self.painter.circle_filled(at, 17.0, theme.paper);
                icon::padlock(self.painter, at, 24.0, good, colour, theme.paper);
                self.tag(&mover.label, &mover.detail, at + vec2(0.0, 36.0), colour, mover);
            }
            MoverKind::Letter => {
                let size = vec2(38.0, 26.0) * self.zoom().clamp(0.7, 1.2);
                icon::envelope(self.painter, at, size, theme.card, theme.rest);
                let rect = Rect::from_center_size(at, size);
                self.targets.push((rect, Target::Event(mover.event), mover.label.clone()));
                if captions {
                    let first = self.map.words.say("mover-from", &[("address", (&mover.label).into())]);
                    let second = self.map.words.say("mover-to", &[("address", (&mover.detail).into())]);
                    self.tag(&first, &second, at + vec2(0.0, size.y / 2.0 + 24.0), theme.rest, mover);
                }
            }
        }
    }

    /// A card with a question mark, or with records.
    fn dns(&mut self, mover: &Mover, way: Way, part: f32, captions: bool) {
        let theme = *self.theme();
        let at = way.at(part);
        let answer = mover.kind == MoverKind::Answer;
        if !captions {
            let rect = Rect::from_center_size(at, vec2(14.0, 14.0));
            self.frame(rect, theme.tint(theme.dns), Stroke::new(1.5, theme.dns));
            return;
        }
        let small = theme.mono(theme::NOTE);
        let head = self.fitted(&mover.label, &small, 230.0);
        let mut lines = vec![head];
        if answer {
            lines.extend(mover.detail.lines().map(|line| self.fitted(line, &small, 230.0)));
        }
        let galleys: Vec<_> = lines
            .into_iter()
            .enumerate()
            .map(|(number, line)| {
                let colour = if answer && number > 0 { theme.ink } else { theme.dns };
                (self.painter.layout_no_wrap(line, small.clone(), colour), colour)
            })
            .collect();
        let width = galleys.iter().map(|(galley, _)| galley.size().x).fold(0.0, f32::max) + 16.0;
        let height = galleys.iter().map(|(galley, _)| galley.size().y).sum::<f32>() + 8.0;
        let at = self.before_card(mover, way, part, vec2(width, height));
        let rect = self.inside(Rect::from_center_size(at, vec2(width, height)));
        self.frame(rect, theme.card, Stroke::new(2.0, theme.dns));
        let mut y = rect.top() + 4.0;
        for (galley, colour) in galleys {
            let height = galley.size().y;
            self.painter.galley(pos2(rect.left() + 8.0, y), galley, colour);
            y += height;
        }
        self.targets.push((rect, Target::Event(mover.event), mover.label.clone()));
    }

    /// Where a box on its way stands so that it does not cover the host that it leaves or comes to; the middle
    /// of the way if there is no such place.
    fn before_card(&self, mover: &Mover, way: Way, part: f32, size: Vec2) -> Pos2 {
        const STEP: f32 = 0.02;
        let (host, step) = if part > 0.5 { (mover.to, -STEP) } else { (mover.from, STEP) };
        let Some(card) = self.card_rect(host) else { return way.at(part) };
        let mut part = part;
        while (part - 0.5).abs() > STEP && card.intersects(Rect::from_center_size(way.at(part), size)) {
            part += step;
        }
        way.at(part)
    }

    /// A rectangle, moved into the map.
    fn inside(&self, rect: Rect) -> Rect {
        let room = self.rect.shrink(4.0);
        let x = (room.left() - rect.left()).max(0.0) - (rect.right() - room.right()).max(0.0);
        let y = (room.top() - rect.top()).max(0.0) - (rect.bottom() - room.bottom()).max(0.0);
        rect.translate(vec2(x, y))
    }

    /// Words beside a mover.
    fn tag(&mut self, first: &str, second: &str, centre: Pos2, colour: Color32, mover: &Mover) {
        let theme = *self.theme();
        let font = theme.mono(theme::NOTE);
        let lines = [first, second].map(|line| self.fitted(line, &font, 260.0));
        let galleys: Vec<_> = lines
            .iter()
            .filter(|line| !line.is_empty())
            .map(|line| self.painter.layout_no_wrap(line.clone(), font.clone(), colour))
            .collect();
        let width = galleys.iter().map(|galley| galley.size().x).fold(0.0, f32::max) + 12.0;
        let height = galleys.iter().map(|galley| galley.size().y).sum::<f32>() + 4.0;
        let rect = self.inside(Rect::from_center_size(centre, vec2(width, height)));
        self.painter.rect_filled(rect, 4.0, theme.paper);
        let mut y = rect.top() + 2.0;
        for galley in galleys {
            let size = galley.size();
            self.painter.galley(pos2(rect.center().x - size.x / 2.0, y), galley, colour);
            y += size.y;
        }
        self.targets.push((rect, Target::Event(mover.event), first.to_owned()));
    }
}
