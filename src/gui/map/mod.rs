//! The map: domains as regions, hosts as cards, and what moves between them.

mod bubble;
mod card;
pub mod icon;
mod mover;
mod note;

use egui::{Color32, CornerRadius, Painter, Pos2, Rect, Stroke, StrokeKind, Vec2, pos2, vec2};

use super::theme::{self, Theme};
use crate::session::words::Words;
use crate::sim::{HostId, Socket};
use crate::trace::EventId;
use crate::view::Scene;
use crate::view::geometry::{Area, Point};
use crate::view::layout::{CARD_HEIGHT, CARD_WIDTH, Layout, Place};

/// Below this zoom cards show names only.
const FAR: f32 = 0.6;

/// Most hosts of a map on which lines go around cards.
const MOST_BENT: usize = 60;

/// Which part of the map is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// The place in the middle.
    pub centre: Point,
    /// Points of the screen per map unit.
    pub zoom: f32,
}

impl Camera {
    /// The camera that shows everything in a rectangle.
    pub fn fit(layout: &Layout, rect: Rect) -> Camera {
        // Room for what hangs out of the outer regions.
        let bounds = layout.bounds.grown(24.0);
        let zoom = (rect.width() / bounds.width().max(1.0)).min(rect.height() / bounds.height().max(1.0));
        Camera { centre: bounds.centre(), zoom: zoom.clamp(0.05, 1.6) }
    }

    /// Zooms by a factor so that what is under a point of the screen stays there.
    pub fn zoom_at(&mut self, factor: f32, at: Pos2, rect: Rect) {
        let before = self.unproject(at, rect);
        self.zoom = (self.zoom * factor).clamp(0.05, 4.0);
        let after = self.unproject(at, rect);
        self.centre.x += before.x - after.x;
        self.centre.y += before.y - after.y;
    }

    /// The place under a point of the screen.
    pub fn unproject(&self, at: Pos2, rect: Rect) -> Point {
        let offset = (at - rect.center()) / self.zoom;
        Point::new(self.centre.x + offset.x, self.centre.y + offset.y)
    }
}

/// What the map shows and how.
pub struct Map<'a> {
    /// Where hosts stand.
    pub layout: &'a Layout,
    /// The picture.
    pub scene: &'a Scene,
    /// Colours and type.
    pub theme: &'a Theme,
    /// The language.
    pub words: &'a Words,
    /// The host that is selected.
    pub host: Option<HostId>,
    /// The event that is selected.
    pub event: Option<EventId>,
}

/// What lies under the pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A host's card.
    Host(HostId),
    /// What is said on a connection.
    Session(Socket, EventId),
    /// A mover, a note, a stamp.
    Event(EventId),
}

/// What was drawn where, for clicks and for readers of the screen; what lies on top comes last.
pub type Targets = Vec<(Rect, Target, String)>;

/// A way between two cards on the screen.
#[derive(Clone, Copy)]
pub(super) struct Way {
    pub(super) from: Pos2,
    pub(super) to: Pos2,
    /// Where it bends to, if cards stand in between.
    bend: Option<Pos2>,
}

impl Way {
    /// The point at a part of the way.
    pub(super) fn at(&self, part: f32) -> Pos2 {
        let straight = |from: Pos2, to: Pos2| from + (to - from) * part;
        match self.bend {
            None => straight(self.from, self.to),
            Some(bend) => straight(straight(self.from, bend), straight(bend, self.to)),
        }
    }

    /// The same way, moved.
    pub(super) fn moved(self, by: Vec2) -> Way {
        Way { from: self.from + by, to: self.to + by, bend: self.bend.map(|bend| bend + by) }
    }

    /// Draws the beginning of the way, up to a part of it.
    pub(super) fn draw(&self, painter: &Painter, part: f32, stroke: Stroke) {
        const PIECES: u8 = 24;
        if self.bend.is_none() {
            painter.line_segment([self.from, self.at(part)], stroke);
            return;
        }
        let points = (0..=PIECES).map(|piece| self.at(part * f32::from(piece) / f32::from(PIECES)));
        painter.line(points.collect(), stroke);
    }
}

/// A map being drawn into a rectangle.
pub(super) struct Canvas<'a> {
    pub(super) map: &'a Map<'a>,
    pub(super) painter: &'a Painter,
    pub(super) camera: Camera,
    pub(super) rect: Rect,
    /// Places that are taken: cards, then notes and bubbles.
    pub(super) taken: Vec<Rect>,
    pub(super) targets: Targets,
}

impl Map<'_> {
    /// Draws the map; gives what can be clicked.
    pub fn paint(&self, painter: &Painter, rect: Rect, camera: Camera) -> Targets {
        let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
        painter.rect_filled(rect, 0.0, self.theme.paper);
        let mut canvas =
            Canvas { map: self, painter: &painter, camera, rect, taken: Vec::new(), targets: Targets::new() };
        canvas.regions();
        canvas.links();
        canvas.cards();
        canvas.notes();
        canvas.movers();
        canvas.bubbles();
        canvas.stamps();
        canvas.targets
    }
}

impl Canvas<'_> {
    pub(super) fn theme(&self) -> &Theme {
        self.map.theme
    }

    pub(super) fn zoom(&self) -> f32 {
        self.camera.zoom
    }

    pub(super) fn at(&self, point: Point) -> Pos2 {
        let offset = vec2(point.x - self.camera.centre.x, point.y - self.camera.centre.y) * self.camera.zoom;
        self.rect.center() + offset
    }

    pub(super) fn area(&self, area: Area) -> Rect {
        Rect::from_min_max(self.at(area.min), self.at(area.max))
    }

    /// The rectangle of a host's card on the screen.
    pub(super) fn card_rect(&self, host: HostId) -> Option<Rect> {
        self.map.layout.place(host).map(|place| self.area(place.area))
    }

    /// Text for people, as large as the zoom allows, but readable.
    pub(super) fn text_size(&self, size: f32) -> f32 {
        (size * self.zoom().clamp(0.5, 1.25)).max(theme::NOTE)
    }

    /// The way between the edges of two cards: straight, or around the cards that stand in between.
    pub(super) fn way(&self, from: HostId, to: HostId) -> Option<Way> {
        let places = &self.map.layout.places;
        let (start, end) = (self.map.layout.place(from)?.area, self.map.layout.place(to)?.area);
        let (a, b) = (start.centre(), end.centre());
        let blocks = |place: &&Place| place.host != from && place.host != to && place.area.crossed(a, b);
        // On maps of very many hosts nothing is read from the way of a line.
        let blocked = places.len() <= MOST_BENT && places.iter().any(|place| blocks(&place));
        if !blocked {
            let (from, to) = (self.at(start.edge_towards(b)), self.at(end.edge_towards(a)));
            return Some(Way { from, to, bend: None });
        }
        let across = (b.x - a.x).abs() < (b.y - a.y).abs();
        let middle = a.towards(b, 0.5);
        let centre = self.map.layout.bounds.centre();
        let bend = if across {
            let inwards = if middle.x > centre.x { -1.0 } else { 1.0 };
            Point::new(middle.x + inwards * CARD_WIDTH * 1.3, middle.y)
        } else {
            let inwards = if middle.y > centre.y { -1.0 } else { 1.0 };
            Point::new(middle.x, middle.y + inwards * CARD_HEIGHT * 2.0)
        };
        let (from, to) = (self.at(start.edge_towards(bend)), self.at(end.edge_towards(bend)));
        Some(Way { from, to, bend: Some(self.at(bend)) })
    }

    /// Whether something is drawn at all.
    pub(super) fn sees(&self, rect: Rect) -> bool {
        self.rect.intersects(rect)
    }

    fn regions(&mut self) {
        let theme = *self.theme();
        for region in &self.map.layout.regions {
            let rect = self.area(region.area);
            if !self.sees(rect) {
                continue;
            }
            let radius = CornerRadius::same(theme::RADIUS * 2);
            let stroke = Stroke::new(1.0, theme.line);
            self.painter.rect(rect, radius, theme.region, stroke, StrokeKind::Inside);
            let size = self.text_size(theme::TEXT);
            let font = theme.text(size);
            let at = rect.left_top() + vec2(14.0, 7.0) * self.zoom().min(1.0);
            let name = self.fitted(&region.name, &font, rect.width() - 16.0);
            let named = self.painter.text(at, egui::Align2::LEFT_TOP, name, font, theme.dim);
            self.taken.push(named);
        }
    }

    fn links(&mut self) {
        let theme = *self.theme();
        for link in &self.map.scene.links {
            let Some(way) = self.way(link.from, link.to) else { continue };
            let cool = if link.open { theme::mix(theme.line, theme.ink, 0.25) } else { theme.line };
            let colour = theme::mix(cool, theme.selected, link.warmth.clamp(0.0, 1.0) * 0.8);
            let width = if link.open { 2.0 } else { 1.5 };
            if link.open || link.warmth > 0.05 {
                way.draw(self.painter, 1.0, Stroke::new(width, colour));
            }
            if let Some(good) = link.tls {
                let colour = if good { theme.good } else { theme.later };
                let at = way.at(0.14);
                self.painter.circle_filled(at, 12.0, theme.paper);
                icon::padlock(self.painter, at, 16.0, good, colour, theme.paper);
            }
        }
    }

    /// As much of a text as fits into a width.
    pub(super) fn fitted(&self, text: &str, font: &egui::FontId, width: f32) -> String {
        fitted(self.painter, text, font, width)
    }

    /// A place for a box near an anchor where it covers as little as possible; it is taken then.
    pub(super) fn place_box(&mut self, size: Vec2, wishes: &[Pos2]) -> Rect {
        let room = self.rect.shrink(4.0);
        let fits = |centre: Pos2| {
            let half = size / 2.0;
            let clamp =
                |value: f32, low: f32, high: f32| if low > high { (low + high) / 2.0 } else { value.clamp(low, high) };
            let x = clamp(centre.x, room.left() + half.x, room.right() - half.x);
            let y = clamp(centre.y, room.top() + half.y, room.bottom() - half.y);
            Rect::from_center_size(pos2(x, y), size)
        };
        let covers = |rect: &Rect| -> f32 {
            self.taken
                .iter()
                .map(|taken| taken.intersect(rect.expand(2.0)))
                .filter(Rect::is_positive)
                .map(|r| r.area())
                .sum()
        };
        let mut best: Option<(f32, Rect)> = None;
        for wish in wishes {
            let rect = fits(*wish);
            let cost = covers(&rect) + wish.distance(rect.center()) * 4.0;
            if best.is_none_or(|(least, _)| cost + 0.5 < least) {
                best = Some((cost, rect));
            }
        }
        let rect = best.map_or_else(|| fits(room.center()), |(_, rect)| rect);
        self.taken.push(rect);
        rect
    }

    /// A box with a coloured edge.
    pub(super) fn frame(&self, rect: Rect, fill: Color32, stroke: Stroke) {
        self.painter.rect(rect, CornerRadius::same(theme::RADIUS), fill, stroke, StrokeKind::Inside);
    }
}

/// As much of a text as fits into a width, with an ellipsis if something is missing.
pub fn fitted(painter: &Painter, text: &str, font: &egui::FontId, width: f32) -> String {
    let measure = |text: &str| painter.layout_no_wrap(text.to_owned(), font.clone(), Color32::BLACK).size().x;
    if measure(text) <= width {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let (mut low, mut high) = (0, letters.len());
    while low < high {
        let middle = (low + high).div_ceil(2);
        let tried: String = letters[..middle].iter().chain(['…'].iter()).collect();
        if measure(&tried) <= width { low = middle } else { high = middle - 1 }
    }
    letters[..low].iter().chain(['…'].iter()).collect()
}

/// Slow at both ends of a way.
pub(super) fn ease(part: f32) -> f32 {
    let part = part.clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}
