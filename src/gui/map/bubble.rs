//! The dialogue as two-lane speech on the link: the client's line on one side, the reply on the other.

use egui::text::LayoutJob;
use egui::{Color32, Pos2, Rect, Stroke, Vec2, pos2, vec2};

use super::{Canvas, Piece, Target, ease};
use crate::gui::theme;
use crate::view::layout::CARD_WIDTH;
use crate::view::scene::{Bubble, Speech};

/// Most connections whose words are shown; further ones are in the inspector.
const MOST: usize = 3;
/// Widest bubble.
const WIDEST: f32 = 340.0;
/// A bubble is not made narrower than this to fit between two cards.
const NARROWEST: f32 = 200.0;
/// Most rows of words that are no refusal.
const MOST_ROWS: usize = 2;
/// The part of its step at which what is said now has come to rest.
const ARRIVED: f32 = 0.5;
/// How far from its line what was said before may stand.
const REACH: f32 = 150.0;

impl Canvas<'_> {
    /// Draws the words on connections on which something is said now, or on the others.
    pub(super) fn bubbles(&mut self, now: bool) {
        let map = self.map;
        let fresh =
            |bubble: &&Bubble| [&bubble.line, &bubble.reply].into_iter().flatten().any(|speech| speech.fresh.is_some());
        // What a mover is in the way of can wait.
        let movers = map.scene.movers.iter().any(|mover| mover.kind == crate::view::scene::MoverKind::Letter);
        let most = if movers { 1 } else { MOST };
        let fresh_count = map.scene.bubbles.iter().filter(fresh).count();
        if now {
            map.scene.bubbles.iter().filter(fresh).take(most).for_each(|bubble| self.bubble(bubble));
        } else {
            let before = map.scene.bubbles.iter().rev().filter(|bubble| !fresh(bubble));
            before.take(most.saturating_sub(fresh_count)).for_each(|bubble| self.bubble(bubble));
        }
    }

    fn bubble(&mut self, bubble: &Bubble) {
        let Some(way) = self.way(bubble.client, bubble.server) else { return };
        if bubble.client == bubble.server {
            return;
        }
        let (client, server, middle) = (way.from, way.to, way.at(0.5));
        if let Some(line) = &bubble.line {
            self.speech(bubble, line, client, middle, -1.0);
        }
        if let Some(reply) = &bubble.reply {
            self.speech(bubble, reply, server, middle, 1.0);
        }
    }

    /// One side's words; new ones come from who says them.
    fn speech(&mut self, bubble: &Bubble, speech: &Speech, from: Pos2, middle: Pos2, side: f32) {
        let theme = *self.theme();
        let mono = self.speech_mono(15.0);
        let scale = self.loudness();
        let refused = speech.code.is_some_and(|code| code >= 400);
        let colour = match speech.code {
            Some(500..) => theme.bad,
            Some(400..) => theme.later,
            Some(_) => theme.good,
            None => theme.selected,
        };
        let badge = speech.code.map(|code| self.painter.layout_no_wrap(code.to_string(), mono.clone(), theme.card));
        let badge_width = badge.as_ref().map_or(0.0, |badge| badge.size().x + 14.0 * scale);
        let flat = (middle - from).x.abs() >= (middle - from).y.abs();
        // Between two cards side by side there is no more room than that.
        let between =
            if flat { ((middle - from).x.abs() * 2.0 - 34.0 * scale).max(NARROWEST * scale) } else { f32::MAX };
        let room = (WIDEST * scale).min(self.rect.width() - 40.0).min(between) - badge_width;
        // A long refusal is rather tall than over something.
        let narrower: &[f32] = if refused { &[1.0, 0.8, 0.62] } else { &[1.0] };
        let reach = if speech.fresh.is_some() { f32::INFINITY } else { REACH * scale };
        let mut laid = None;
        for part in narrower {
            let mut job = LayoutJob::simple(speech.text.clone(), mono.clone(), theme.ink, room * part);
            job.wrap.max_rows = if refused { usize::MAX } else { MOST_ROWS };
            let text = self.painter.layout_job(job);
            let size = vec2(badge_width + text.size().x + 18.0 * scale, text.size().y + 9.0 * scale);
            let wishes = self.beside_line(from, middle, size, side);
            let (rest, free) = self.find_place(size, &wishes, reach, &[]);
            if free || laid.is_none() {
                laid = Some((text, size, rest, free));
            }
            if free {
                break;
            }
        }
        let Some((text, size, rest, free)) = laid else { return };
        // What is said now is shown in any case.
        if !free && speech.fresh.is_none() {
            return;
        }
        self.take(Piece::Bubble, rest);
        let away = vec2(0.0, side * (size.y / 2.0 + 6.0));
        let rect = match speech.fresh {
            // It is there when half of its time has passed, to be read.
            Some(part) => {
                let start = from + vec2(0.0, away.y);
                let centre = start + (rest.center() - start) * ease(part / ARRIVED);
                Rect::from_center_size(centre, size)
            }
            None => rest,
        };
        let edge = if speech.fresh.is_some() { colour } else { theme::mix(theme.line, colour, 0.5) };
        if speech.fresh.is_none_or(|part| part >= ARRIVED) {
            self.leader(rect, middle, edge);
        }
        self.frame(rect, theme.card, Stroke::new(if speech.fresh.is_some() { 2.0 } else { 1.0 }, edge));
        let mut left = rect.left() + 9.0 * scale;
        if let Some(badge) = badge {
            self.badge(rect, badge, colour);
            left += badge_width;
        }
        self.painter.galley(pos2(left, rect.center().y - text.size().y / 2.0), text, theme.ink);
        let name = speech.code.map_or_else(String::new, |code| format!("{code} ")) + &speech.text;
        self.targets.push((rect, Target::Session(bubble.session, speech.event), name));
    }

    /// Where words may stand: on their side of the line, in the order of preference.
    fn beside_line(&self, from: Pos2, middle: Pos2, size: Vec2, side: f32) -> Vec<Pos2> {
        let along = middle - from;
        let away = vec2(0.0, side * (size.y / 2.0 + 6.0));
        if along.x.abs() >= along.y.abs() {
            let beside = [0.0, -0.25, 0.25, -0.5, 0.5].map(|offset| middle + along * offset + away);
            let farther = [0.0, -0.3, 0.3].map(|offset| middle + along * offset + away * 3.2);
            return beside.into_iter().chain(farther).collect();
        }
        // Beside the cards of a column, in the empty middle of the map if that is near.
        let inwards = if middle.x > self.rect.center().x { -1.0 } else { 1.0 };
        let reach = (CARD_WIDTH / 2.0 + 26.0) * self.zoom() + size.x / 2.0;
        let near = size.x / 2.0 + 12.0;
        let aside = [0.0, inwards * near, -inwards * near, inwards * reach, -inwards * reach];
        aside.map(|x| middle + vec2(x, 0.0) + away).to_vec()
    }

    fn badge(&self, rect: Rect, badge: std::sync::Arc<egui::Galley>, colour: Color32) {
        let scale = self.loudness();
        let size = badge.size() + vec2(10.0 * scale, 0.0);
        let place = Rect::from_min_size(pos2(rect.left() + 5.0 * scale, rect.center().y - size.y / 2.0), size);
        self.painter.rect_filled(place, 3.0, colour);
        self.painter.galley(place.min + vec2(5.0 * scale, 0.0), badge, self.theme().card);
    }
}
