//! Lines between hosts: where traffic may go, went and goes, and what is in its way.

use std::sync::Arc;

use egui::{Align2, Color32, Galley, Pos2, Rect, Stroke, StrokeKind, Vec2, pos2, vec2};

use super::mover::failing_at;
use super::{Canvas, FAR, Piece, Way, icon};
use crate::gui::theme::{self, mix};
use crate::view::barrier::Hindrance;
use crate::view::layout::TITLE;
use crate::view::scene::{Link, LinkState, MoverKind, Obstacle};

/// What is true of a line, measured.
struct Plate {
    /// Width of the padlock.
    lock: f32,
    size: Vec2,
    user: Option<Arc<Galley>>,
}

impl Canvas<'_> {
    pub(super) fn links(&mut self) {
        let map = self.map;
        for link in &map.scene.links {
            if let Some(way) = self.way(link.from, link.to) {
                self.link(link, way);
            }
        }
    }

    fn link(&self, link: &Link, way: Way) {
        let theme = self.theme();
        let rest = if link.names_only { mix(theme.line, theme.dns, 0.45) } else { mix(theme.line, theme.dim, 0.45) };
        let warm = link.warmth > 0.02;
        let cool = if link.state == LinkState::Open { mix(theme.line, theme.ink, 0.45) } else { rest };
        let colour = mix(cool, theme.selected, link.warmth.clamp(0.0, 1.0) * 0.8);
        let width = match link.state {
            LinkState::Open => 2.5,
            _ if warm => 2.0,
            _ if link.names_only => 1.0,
            _ => 1.5,
        };
        if link.state == LinkState::Route && !warm {
            way.dots(self.painter, Stroke::new(width, rest));
        } else {
            way.draw(self.painter, 1.0, Stroke::new(width, colour));
        }
    }

    /// Keeps the places of what stands on lines free.
    pub(super) fn reserve_marks(&mut self) {
        let map = self.map;
        let obstacles = map.scene.links.iter().filter_map(|link| Some((link, link.obstacle.as_ref()?)));
        for (link, obstacle) in obstacles {
            let Some(way) = self.way(link.from, link.to) else { continue };
            let (square, label) = self.obstacle_place(obstacle, way.at(0.5));
            self.take(Piece::Obstacle, label.map_or(square, |(rect, _)| square.union(rect)));
        }
        for mover in &map.scene.movers {
            let MoverKind::ConnectFailed(result) = mover.kind else { continue };
            let Some(way) = self.way(mover.from, mover.to) else { continue };
            let side = Vec2::splat(28.0 * self.loudness());
            self.taken.push(Rect::from_center_size(way.at(failing_at(result)), side));
        }
        self.reserve_plates();
    }

    /// Where an obstacle and its label stand.
    fn obstacle_place(&self, obstacle: &Obstacle, at: Pos2) -> (Rect, Option<(Rect, Arc<Galley>)>) {
        let scale = self.loudness();
        let square = Rect::from_center_size(at, vec2(26.0, 26.0) * scale);
        if obstacle.label.is_empty() {
            return (square, None);
        }
        let galley = self.painter.layout_no_wrap(obstacle.label.clone(), self.speech_mono(13.0), Color32::PLACEHOLDER);
        let place = pos2(at.x, square.bottom() + galley.size().y / 2.0 + 3.0);
        (square, Some((Rect::from_center_size(place, galley.size() + vec2(8.0, 2.0)), galley)))
    }

    /// Keeps the places of padlocks and names free: near the client, where they cover nothing.
    fn reserve_plates(&mut self) {
        if self.zoom() < FAR / 2.0 {
            return;
        }
        let map = self.map;
        for (number, link) in map.scene.links.iter().enumerate() {
            let size = self.plate(link).size;
            if size.x == 0.0 {
                continue;
            }
            let Some(way) = self.way(link.from, link.to) else { continue };
            let flat = (way.to - way.from).x.abs() >= (way.to - way.from).y.abs();
            let aside = if flat { vec2(0.0, size.y / 2.0 + 8.0) } else { vec2(size.x / 2.0 + 8.0, 0.0) };
            let along = |side: f32| (1..10_u8).map(move |step| (f32::from(step) * 0.07, side));
            let mut places = [0.0, -1.0, 1.0]
                .into_iter()
                .flat_map(along)
                .map(|(part, side)| Rect::from_center_size(way.at(part) + aside * side, size));
            let free = |rect: &Rect| !self.taken.iter().any(|taken| taken.intersects(rect.expand(1.0)));
            // Where there is no room at all it can be read in the inspector.
            let Some(rect) = places.find(|rect| free(rect)) else { continue };
            self.take(Piece::Mark, rect);
            self.marks.push((number, rect));
        }
    }

    /// What stands on lines, over everything that moves along them.
    pub(super) fn marks(&mut self) {
        let map = self.map;
        for (number, rect) in &self.marks {
            self.draw_plate(&map.scene.links[*number], *rect);
        }
        for link in &map.scene.links {
            let Some(obstacle) = &link.obstacle else { continue };
            if let Some(way) = self.way(link.from, link.to) {
                self.obstacle(obstacle, way.at(0.5));
            }
        }
    }

    /// Measures what is true of a line; nothing if there is nothing to be said.
    fn plate(&self, link: &Link) -> Plate {
        let scale = self.loudness();
        let lock = if link.tls.is_some() { 24.0 * scale } else { 0.0 };
        let user = link.user.as_ref().map(|user| {
            let font = self.speech_mono(13.0);
            self.painter.layout_no_wrap(user.to_string(), font, Color32::PLACEHOLDER)
        });
        let key = user.as_ref().map_or(0.0, |user| user.size().x + 28.0 * scale);
        let height = if lock + key > 0.0 { 24.0 * scale } else { 0.0 };
        Plate { lock, size: vec2(lock + key, height), user }
    }

    /// A padlock, and who has logged in, with a key.
    fn draw_plate(&self, link: &Link, rect: Rect) {
        let theme = *self.theme();
        let scale = self.loudness();
        let Plate { lock, user, .. } = self.plate(link);
        let colour = match link.tls {
            Some(false) => theme.later,
            _ => theme.good,
        };
        self.frame(rect, theme.paper, Stroke::new(1.0, colour));
        if let Some(good) = link.tls {
            let at = pos2(rect.left() + lock / 2.0, rect.center().y);
            icon::padlock(self.painter, at, 16.0 * scale, good, colour, theme.paper);
        }
        if let Some(user) = user {
            let left = rect.left() + lock;
            icon::key(self.painter, pos2(left + 11.0 * scale, rect.center().y), 13.0 * scale, theme.good);
            self.painter.galley(pos2(left + 22.0 * scale, rect.center().y - user.size().y / 2.0), user, theme.good);
        }
    }

    /// A firewall, a cut cable, a slow line.
    fn obstacle(&self, obstacle: &Obstacle, at: Pos2) {
        let theme = *self.theme();
        let scale = self.loudness();
        let colour = if obstacle.how == Hindrance::Slow { theme.later } else { theme.bad };
        let (square, label) = self.obstacle_place(obstacle, at);
        let side = square.width();
        let stroke = Stroke::new(2.0, colour);
        match obstacle.how {
            Hindrance::Wall | Hindrance::Refusal => {
                icon::wall(self.painter, square, theme.tint(colour), colour);
                if obstacle.how == Hindrance::Refusal {
                    icon::cross(self.painter, square.right_top(), 6.0 * scale, colour);
                }
            }
            Hindrance::Cut => {
                self.painter.rect_filled(square.shrink2(vec2(side * 0.2, 0.0)), 0.0, theme.paper);
                for offset in [-0.22, 0.22] {
                    let middle = at + vec2(offset * side, 0.0);
                    let half = vec2(side * 0.14, -side * 0.4);
                    self.painter.line_segment([middle - half, middle + half], stroke);
                }
            }
            Hindrance::Slow => {
                self.painter.circle_filled(at, side * 0.5, theme.paper);
                icon::clock(self.painter, at, side * 0.38, colour);
            }
        }
        if let Some((rect, galley)) = label {
            self.painter.rect(rect, 3.0, theme.paper, Stroke::NONE, StrokeKind::Inside);
            self.painter.galley(rect.min + vec2(4.0, 1.0), galley, colour);
        }
    }

    pub(super) fn regions(&mut self) {
        let theme = *self.theme();
        for region in &self.map.layout.regions {
            let rect = self.area(region.area);
            if !self.sees(rect) {
                continue;
            }
            let stroke = Stroke::new(1.0, theme.line);
            self.painter.rect(rect, f32::from(theme::RADIUS * 2), theme.region, stroke, StrokeKind::Inside);
        }
    }

    /// The names of regions lie over lines that pass below them.
    pub(super) fn region_names(&mut self) {
        let theme = *self.theme();
        for region in &self.map.layout.regions {
            let rect = self.area(region.area);
            let font = self.card_text(16.0);
            // It must fit above the cards.
            if !self.sees(rect) || font.size * 1.2 + 2.0 > TITLE * self.zoom() {
                continue;
            }
            let at = rect.left_top() + vec2(14.0, 5.0) * self.zoom().min(1.0);
            let name = self.fitted(&region.name, &font, rect.width() - 28.0 * self.zoom());
            let galley = self.painter.layout_no_wrap(name, font, theme.dim);
            let place = Align2::LEFT_TOP.anchor_size(at, galley.size());
            self.painter.rect_filled(place.expand2(vec2(4.0, 0.0)), 3.0, theme.region);
            self.painter.galley(place.min, galley, theme.dim);
            self.take(Piece::RegionName, place);
        }
    }
}
