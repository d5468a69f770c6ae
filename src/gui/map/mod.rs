//! The map: domains as regions, hosts as cards, and what moves between them.

mod bubble;
mod card;
pub mod icon;
mod letter;
mod link;
mod mover;
mod note;

use egui::{Color32, CornerRadius, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2, pos2, vec2};

use super::theme::{self, Theme};
use crate::session::words::Words;
use crate::sim::{HostId, Socket};
use crate::trace::EventId;
use crate::view::Scene;
use crate::view::geometry::{Area, Point};
use crate::view::layout::{Layout, Place};
use crate::view::placing;

/// Below this zoom cards show names only.
const FAR: f32 = 0.55;

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
        let bounds = layout.bounds.grown(20.0);
        let zoom = (rect.width() / bounds.width().max(1.0)).min(rect.height() / bounds.height().max(1.0));
        Camera { centre: bounds.centre(), zoom: zoom.clamp(0.05, 2.2) }
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

/// What is to be read on the map, and must not cover anything else that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A host's card.
    Card,
    /// The name of a region.
    RegionName,
    /// A verdict, on the edge of its card.
    Stamp,
    /// What stands in the way of a line.
    Obstacle,
    /// What is true of a line: that it is encrypted, and who has logged in.
    Mark,
    /// A list or a tree beside a card.
    Note,
    /// Words beside a mover, or an opened letter.
    Tag,
    /// What is said on a connection, where it comes to rest.
    Bubble,
}

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

    /// Draws the way as dots.
    pub(super) fn dots(&self, painter: &Painter, stroke: Stroke) {
        const APART: f32 = 9.0;
        const MOST: f32 = 400.0;
        let count = ((self.to - self.from).length() / APART).clamp(1.0, MOST);
        for number in 0..count as u16 {
            let part = (f32::from(number) + 0.3) / count;
            painter.line_segment([self.at(part), self.at(part + 0.35 / count)], stroke);
        }
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
    /// Small places along the lines on which something happens.
    pub(super) lines: Vec<Rect>,
    /// Lines on which something stands, by number, and where.
    pub(super) marks: Vec<(usize, Rect)>,
    /// How many notes have been drawn.
    pub(super) noted: usize,
    /// Lines from boxes to what they are about, which run below all boxes.
    pub(super) leaders: Vec<Shape>,
    /// The same as what they are.
    pub(super) pieces: Vec<(Piece, Rect)>,
    pub(super) targets: Targets,
}

impl Map<'_> {
    /// Draws the map; gives what can be clicked.
    pub fn paint(&self, painter: &Painter, rect: Rect, camera: Camera) -> Targets {
        self.paint_pieces(painter, rect, camera).0
    }

    /// The same; gives also where everything came to stand that is to be read.
    pub fn paint_pieces(&self, painter: &Painter, rect: Rect, camera: Camera) -> (Targets, Vec<(Piece, Rect)>) {
        let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
        painter.rect_filled(rect, 0.0, self.theme.paper);
        let mut canvas = Canvas {
            map: self,
            painter: &painter,
            camera,
            rect,
            taken: Vec::new(),
            lines: Vec::new(),
            marks: Vec::new(),
            noted: 0,
            leaders: Vec::new(),
            pieces: Vec::new(),
            targets: Targets::new(),
        };
        canvas.regions();
        canvas.links();
        canvas.region_names();
        canvas.cards();
        canvas.reserve_stamps();
        canvas.reserve_marks();
        let below = painter.add(Shape::Noop);
        // What is said and what happens now takes its place first; what is over gets what is left.
        canvas.bubbles(true);
        canvas.notes(false);
        canvas.movers();
        canvas.marks();
        canvas.bubbles(false);
        canvas.notes(true);
        canvas.stamps();
        painter.set(below, Shape::Vec(std::mem::take(&mut canvas.leaders)));
        (canvas.targets, canvas.pieces)
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

    /// Text on cards: it grows with them, and is never too small to be read.
    pub(super) fn card_text(&self, size: f32) -> FontId {
        FontId::proportional((size * self.zoom()).max(theme::NOTE).round())
    }

    /// The same for words of machines.
    pub(super) fn card_mono(&self, size: f32) -> FontId {
        FontId::monospace((size * self.zoom()).max(theme::NOTE).round())
    }

    /// How large that is which moves and speaks: as cards are, within limits; larger for an audience.
    pub(super) fn loudness(&self) -> f32 {
        let audience = 1.0 + (self.theme().scale - 1.0) * 0.4;
        self.zoom().clamp(0.92, 2.0) * audience
    }

    /// Words of people that move, or stand beside cards.
    pub(super) fn speech_text(&self, size: f32) -> FontId {
        text(size * self.loudness())
    }

    /// Words of machines that move, or stand beside cards.
    pub(super) fn speech_mono(&self, size: f32) -> FontId {
        mono(size * self.loudness())
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
        let Some(bend) = self.bend(from, to, a, b) else {
            let (from, to) = (self.at(start.edge_towards(b)), self.at(end.edge_towards(a)));
            return Some(Way { from, to, bend: None });
        };
        let (from, to) = (self.at(start.edge_towards(bend)), self.at(end.edge_towards(bend)));
        Some(Way { from, to, bend: Some(self.at(bend)) })
    }

    /// The smallest bend of a way with which it goes past all other cards, rather inwards than outwards; `None`
    /// if it would leave the map for that: then it is better behind the cards.
    fn bend(&self, from: HostId, to: HostId, a: Point, b: Point) -> Option<Point> {
        const PIECES: u8 = 12;
        let (dx, dy) = (b.x - a.x, b.y - a.y);
        let length = dx.hypot(dy).max(1.0);
        let middle = a.towards(b, 0.5);
        let centre = self.map.layout.bounds.centre();
        let inwards = if (centre.x - middle.x) * -dy + (centre.y - middle.y) * dx < 0.0 { -1.0 } else { 1.0 };
        let bent = |offset: f32| Point::new(middle.x - dy / length * offset, middle.y + dx / length * offset);
        let others: Vec<Area> = self
            .map
            .layout
            .places
            .iter()
            .filter(|place| place.host != from && place.host != to)
            .map(|place| place.area.grown(6.0))
            .collect();
        let passes = |bend: Point| {
            let at = |piece: u8| {
                let part = f32::from(piece) / f32::from(PIECES);
                a.towards(bend, part).towards(bend.towards(b, part), part)
            };
            (0..PIECES).all(|piece| others.iter().all(|area| !area.crossed(at(piece), at(piece + 1))))
        };
        let offsets = (1..=10_u8).flat_map(|step| [inwards, -inwards].map(|side| side * f32::from(step) * 45.0));
        let map = self.map.layout.bounds.grown(12.0);
        // The way goes half as far aside as what it bends to.
        let inside = |bend: Point| {
            let top = middle.towards(bend, 0.5);
            map.min.x < top.x && top.x < map.max.x && map.min.y < top.y && top.y < map.max.y
        };
        offsets.map(bent).find(|bend| inside(*bend) && passes(*bend))
    }

    /// Whether something is drawn at all.
    pub(super) fn sees(&self, rect: Rect) -> bool {
        self.rect.intersects(rect)
    }

    /// As much of a text as fits into a width.
    pub(super) fn fitted(&self, text: &str, font: &egui::FontId, width: f32) -> String {
        fitted(self.painter, text, font, width)
    }

    /// Remembers that a place is taken.
    pub(super) fn take(&mut self, piece: Piece, rect: Rect) {
        self.taken.push(rect);
        self.pieces.push((piece, rect));
    }

    /// A place for a box where it covers nothing, at most so far from the best of several wishes; it is taken then.
    pub(super) fn place_box(&mut self, piece: Piece, size: Vec2, wishes: &[Pos2], reach: f32) -> Option<Rect> {
        let (rect, free) = self.find_place(size, wishes, reach, &[]);
        if free {
            self.take(piece, rect);
        }
        free.then_some(rect)
    }

    /// A place for a box at one of several wishes where it covers as little as possible, or else at the nearest
    /// place where it covers nothing, if that is within reach; and whether it covers nothing.
    pub(super) fn find_place(&self, size: Vec2, wishes: &[Pos2], reach: f32, besides: &[Rect]) -> (Rect, bool) {
        // On maps of very many hosts there is no room anyway.
        let few = self.map.layout.places.len() <= MOST_BENT;
        let wishes: Vec<Point> = wishes.iter().map(|wish| Point::new(wish.x, wish.y)).collect();
        let wanted =
            placing::Wanted { width: size.x, height: size.y, wishes: &wishes, reach: if few { reach } else { 0.0 } };
        let taken = self.taken.iter().chain(besides).map(|rect| area_of(*rect));
        let found = placing::place(area_of(self.rect.shrink(4.0)), taken, &wanted);
        let (min, max) = (found.area.min, found.area.max);
        (Rect::from_min_max(pos2(min.x, min.y), pos2(max.x, max.y)), found.is_free)
    }

    /// A thin line from a box to what it is about, if that is not beside it.
    pub(super) fn leader(&mut self, rect: Rect, to: Pos2, colour: Color32) {
        let from = rect.clamp(to);
        if from.distance(to) > 10.0 * self.loudness() {
            self.leaders.push(Shape::line_segment([from, to], Stroke::new(1.5, colour)));
            self.leaders.push(Shape::circle_filled(to, 3.0 * self.loudness(), colour));
        }
    }

    /// A box with a coloured edge.
    pub(super) fn frame(&self, rect: Rect, fill: Color32, stroke: Stroke) {
        // Corners stay in proportion, which also makes small ones cheap to draw.
        let radius = theme::RADIUS.min((rect.height() / 8.0) as u8);
        self.painter.rect(rect, CornerRadius::same(radius), fill, stroke, StrokeKind::Inside);
    }
}

/// Words of people, never too small to be read.
fn text(size: f32) -> FontId {
    FontId::proportional(size.max(theme::NOTE).round())
}

/// Words of machines, never too small to be read.
fn mono(size: f32) -> FontId {
    FontId::monospace(size.max(theme::NOTE).round())
}

/// A rectangle of the screen as the view knows it.
fn area_of(rect: Rect) -> Area {
    Area { min: Point::new(rect.left(), rect.top()), max: Point::new(rect.right(), rect.bottom()) }
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
