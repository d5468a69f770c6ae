//! What is on its way between hosts: questions, answers, connections, letters.

use egui::{Color32, Pos2, Rect, Stroke, Vec2, pos2, vec2};

use super::{Canvas, Piece, Target, Way, ease, icon};
use crate::gui::theme;
use crate::trace::ConnectResult;
use crate::view::scene::{Mover, MoverKind};

/// Most movers with words.
const MOST_CAPTIONS: usize = 3;
/// The middle of the row of counts on a card, as a part of its height.
const DEPOSITED: f32 = 0.63;

/// The part of its way at which a connection fails: at the other end, or under way.
pub(super) fn failing_at(result: ConnectResult) -> f32 {
    if result == ConnectResult::Unreachable { 0.5 } else { 0.9 }
}

impl Canvas<'_> {
    pub(super) fn movers(&mut self) {
        let map = self.map;
        for (number, mover) in map.scene.movers.iter().enumerate() {
            let captions = number < MOST_CAPTIONS;
            if mover.kind == MoverKind::Deposit {
                self.deposit(mover, captions);
                continue;
            }
            let Some(way) = self.way(mover.from, mover.to) else { continue };
            let along = (way.to - way.from).normalized();
            // Those on the same way walk side by side.
            let side = Vec2::new(-along.y, along.x) * (mover.lane as f32 * 34.0 * self.loudness());
            self.mover(mover, way.moved(side), captions);
        }
    }

    fn mover(&mut self, mover: &Mover, way: Way, captions: bool) {
        let theme = *self.theme();
        let scale = self.loudness();
        let part = ease(mover.part / 0.9);
        let at = way.at(part);
        match mover.kind {
            MoverKind::Question | MoverKind::Answer => self.dns(mover, way, part, captions),
            MoverKind::Connect => {
                let (colour, open) = (theme.selected, mover.part > 0.6);
                way.draw(self.painter, part, Stroke::new(3.0, colour));
                self.painter.circle_filled(at, 7.0 * scale, colour);
                if captions {
                    let text = if open { format!("{} ✔", mover.label) } else { mover.label.clone() };
                    self.tag(&text, "", way.at(0.5) + vec2(0.0, -22.0 * scale), way.at(0.5), colour, mover);
                }
            }
            MoverKind::ConnectFailed(result) => self.failed(mover, way, result),
            MoverKind::Tls(good) => {
                let colour = if good { theme.good } else { theme.later };
                self.painter.circle_filled(at, 20.0 * scale, theme.paper);
                icon::padlock(self.painter, at, 28.0 * scale, good, colour, theme.paper);
                if captions {
                    self.tag(&mover.label, &mover.detail, way.at(0.5) + vec2(0.0, 46.0 * scale), at, colour, mover);
                }
            }
            MoverKind::Auth(ok) => {
                let colour = if ok { theme.good } else { theme.bad };
                self.painter.circle_filled(at, 18.0 * scale, theme.paper);
                icon::key(self.painter, at, 28.0 * scale, colour);
                if captions {
                    let sign = if ok { '✔' } else { '✖' };
                    let user = format!("{} {sign}", mover.detail);
                    self.tag(&mover.label, &user, way.at(0.5) + vec2(0.0, 46.0 * scale), at, colour, mover);
                }
            }
            MoverKind::Letter => self.letter(mover, way, part, captions && mover.lane == 0),
            MoverKind::Deposit => {}
        }
    }

    /// A connection that does not open: refused at the other end, never answered, or without a way.
    fn failed(&mut self, mover: &Mover, way: Way, result: ConnectResult) {
        let theme = *self.theme();
        let scale = self.loudness();
        let part = ease(mover.part / 0.6).min(1.0) * failing_at(result);
        let stroke = Stroke::new(3.0, theme.bad);
        let (stop, over) = (way.at(part), mover.part > 0.55);
        if result == ConnectResult::Timeout {
            way.dots(self.painter, Stroke::new(2.0, theme.bad));
        } else {
            way.draw(self.painter, part, stroke);
        }
        if over {
            self.painter.circle_filled(stop, 14.0 * scale, theme.paper);
            match result {
                ConnectResult::Timeout => icon::clock(self.painter, stop, 10.0 * scale, theme.bad),
                _ => icon::cross(self.painter, stop, 9.0 * scale, theme.bad),
            }
        } else {
            self.painter.circle_filled(stop, 7.0 * scale, theme.bad);
        }
        let remark = if over { mover.detail.as_str() } else { "" };
        self.tag(&mover.label, remark, way.at(0.5) + vec2(0.0, -26.0 * scale), stop, theme.bad, mover);
    }

    /// Mail that sinks into a mailbox of its host.
    fn deposit(&mut self, mover: &Mover, captions: bool) {
        let Some(card) = self.card_rect(mover.to) else { return };
        let theme = *self.theme();
        let scale = self.loudness();
        // It comes to rest in the row of the counts, where nothing is written on the right.
        let row = card.top() + card.height() * DEPOSITED;
        let part = ease(mover.part / 0.8);
        let size = vec2(38.0, 26.0) * scale * (1.0 - 0.45 * part);
        let (from, to) = (card.top() - 18.0 * scale, row);
        let at = pos2(card.right() - 34.0 * self.zoom(), from + (to - from) * part);
        icon::envelope(self.painter, at, size, theme.card, theme.rest);
        if captions {
            let above = pos2(card.center().x, card.top() - 12.0 * scale);
            self.tag(&mover.label, "", above, above, theme.rest, mover);
        }
    }

    /// A card with a question mark, or with records.
    fn dns(&mut self, mover: &Mover, way: Way, part: f32, captions: bool) {
        let theme = *self.theme();
        let at = way.at(part);
        let answer = mover.kind == MoverKind::Answer;
        if !captions {
            return self.small_question(at);
        }
        let small = self.speech_mono(14.0);
        let widest = 250.0 * self.loudness();
        let head = self.fitted(&mover.label, &small, widest);
        let mut lines = vec![head];
        if answer {
            lines.extend(mover.detail.lines().map(|line| self.fitted(line, &small, widest)));
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
        // Where it is on its way, or as near to that as it covers nothing.
        const STEP: f32 = 0.05;
        let near = (0..=18_u8).flat_map(|step| [1.0, -1.0].map(|side| part + side * f32::from(step) * STEP));
        let wishes: Vec<Pos2> = near.filter(|part| (0.0..=1.0).contains(part)).map(|part| way.at(part)).collect();
        let reach = 160.0 * self.loudness();
        let Some(rect) = self.place_box(Piece::Tag, vec2(width, height), &wishes, reach) else {
            return self.small_question(at);
        };
        self.leader(rect, at, theme.dns);
        self.frame(rect, theme.card, Stroke::new(2.0, theme.dns));
        let mut y = rect.top() + 4.0;
        for (galley, colour) in galleys {
            let height = galley.size().y;
            self.painter.galley(pos2(rect.left() + 8.0, y), galley, colour);
            y += height;
        }
        self.targets.push((rect, Target::Event(mover.event), mover.label.clone()));
    }

    /// A question or an answer without words.
    fn small_question(&self, at: Pos2) {
        let theme = self.theme();
        let rect = Rect::from_center_size(at, vec2(16.0, 16.0));
        self.frame(rect, theme.tint(theme.dns), Stroke::new(1.5, theme.dns));
    }

    /// Words beside a mover, where they cover nothing.
    fn tag(&mut self, first: &str, second: &str, centre: Pos2, about: Pos2, colour: Color32, mover: &Mover) {
        let theme = *self.theme();
        let font = self.speech_mono(14.0);
        let lines = [first, second].map(|line| self.fitted(line, &font, 280.0 * self.loudness()));
        let galleys: Vec<_> = lines
            .iter()
            .filter(|line| !line.is_empty())
            .map(|line| self.painter.layout_no_wrap(line.clone(), font.clone(), colour))
            .collect();
        let width = galleys.iter().map(|galley| galley.size().x).fold(0.0, f32::max) + 16.0;
        let height = galleys.iter().map(|galley| galley.size().y).sum::<f32>() + 6.0;
        let size = vec2(width, height);
        let below = vec2(0.0, 2.0 * (self.rect.center().y - centre.y).signum() * height);
        let wishes = [centre, centre + below, centre - below];
        let Some(rect) = self.place_box(Piece::Tag, size, &wishes, 200.0 * self.loudness()) else { return };
        if !rect.expand(40.0 * self.loudness()).contains(about) {
            self.leader(rect, about, colour);
        }
        self.frame(rect, theme.paper, Stroke::new(1.0, theme::mix(theme.line, colour, 0.5)));
        let mut y = rect.top() + 3.0;
        for galley in galleys {
            let size = galley.size();
            self.painter.galley(pos2(rect.center().x - size.x / 2.0, y), galley, colour);
            y += size.y;
        }
        self.targets.push((rect, Target::Event(mover.event), first.to_owned()));
    }
}
