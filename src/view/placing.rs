//! Where words stand on a picture: boxes that cover nothing that is to be read, as near as possible to what they
//! are about.

use super::geometry::{Area, Point};

/// How far apart the places are that are tried.
const STEP: f32 = 20.0;
/// Space around a box that stays free.
const MARGIN: f32 = 2.0;
/// What a point of distance from a wish costs, in points of area that are covered.
const FAR: f32 = 4.0;

/// A box that wants a place.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its width.
    pub width: f32,
    /// Its height.
    pub height: f32,
    /// Where its middle would stand best, the best place first.
    pub wishes: &'a [Point],
    /// How far from the best of these it may stand if all of them are taken.
    pub reach: f32,
}

/// Where a box stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Its rectangle, inside the picture if it fits there at all.
    pub area: Area,
    /// Whether it covers nothing.
    pub is_free: bool,
}

/// Finds a place for a box: the first of its wishes at which it covers nothing, or else the nearest place within
/// reach at which it covers nothing, or else the wish at which it covers least.
pub fn place(room: Area, taken: impl Iterator<Item = Area>, wanted: &Wanted<'_>) -> Found {
    let wishes: Vec<(Point, Area)> = wanted.wishes.iter().map(|wish| (*wish, inside(room, *wish, wanted))).collect();
    let Some(first) = wishes.first().map(|(_, area)| *area) else {
        return Found { area: inside(room, room.centre(), wanted), is_free: false };
    };
    // Only what is near can be covered.
    let wide = wishes.iter().fold(first, |all, (_, area)| all.union(area)).grown(MARGIN + wanted.reach.min(1e6));
    let near: Vec<Area> = taken.filter(|area| area.overlaps(&wide)).collect();
    let covered = |area: &Area| near.iter().map(|other| shared(other, &area.grown(MARGIN))).sum::<f32>();
    let mut best = (f32::INFINITY, first, false);
    for (wish, area) in &wishes {
        let covered = covered(area);
        let cost = covered + distance(*wish, area.centre()) * FAR;
        if cost + 0.5 < best.0 {
            best = (cost, *area, covered == 0.0);
        }
    }
    let (_, area, is_free) = best;
    if is_free {
        return Found { area, is_free };
    }
    let is_clear = |area: &Area| near.iter().all(|other| !other.overlaps(&area.grown(MARGIN)));
    match nearest(room, area, wanted.reach, is_clear) {
        Some(area) => Found { area, is_free: true },
        None => Found { area, is_free: false },
    }
}

/// The rectangle around a place, moved into the picture.
fn inside(room: Area, centre: Point, wanted: &Wanted<'_>) -> Area {
    let clamp = |value: f32, low: f32, high: f32| if low > high { (low + high) / 2.0 } else { value.clamp(low, high) };
    let (x, y) = (wanted.width / 2.0, wanted.height / 2.0);
    let centre =
        Point::new(clamp(centre.x, room.min.x + x, room.max.x - x), clamp(centre.y, room.min.y + y, room.max.y - y));
    Area::around(centre, wanted.width, wanted.height)
}

/// The place nearest to a rectangle's that is clear, within reach.
fn nearest(room: Area, wanted: Area, reach: f32, is_clear: impl Fn(&Area) -> bool) -> Option<Area> {
    if reach < STEP {
        return None;
    }
    let (width, height) = (wanted.width(), wanted.height());
    let steps = |length: f32| (length / STEP).clamp(0.0, 200.0) as u16;
    let mut best: Option<(f32, Area)> = None;
    for row in 0..=steps(room.height() - height) {
        for column in 0..=steps(room.width() - width) {
            let min = Point::new(room.min.x + f32::from(column) * STEP, room.min.y + f32::from(row) * STEP);
            let area = Area { min, max: Point::new(min.x + width, min.y + height) };
            let away = distance(area.centre(), wanted.centre());
            if away <= reach && best.is_none_or(|(least, _)| away < least) && is_clear(&area) {
                best = Some((away, area));
            }
        }
    }
    best.map(|(_, area)| area)
}

/// How much of two rectangles is the same.
fn shared(one: &Area, other: &Area) -> f32 {
    let width = one.max.x.min(other.max.x) - one.min.x.max(other.min.x);
    let height = one.max.y.min(other.max.y) - one.min.y.max(other.min.y);
    if width > 0.0 && height > 0.0 { width * height } else { 0.0 }
}

fn distance(one: Point, other: Point) -> f32 {
    (one.x - other.x).hypot(one.y - other.y)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROOM: Area = Area { min: Point::new(0.0, 0.0), max: Point::new(400.0, 300.0) };

    fn wanted(wishes: &[Point], reach: f32) -> Wanted<'_> {
        Wanted { width: 60.0, height: 20.0, wishes, reach }
    }

    fn middle(found: Found) -> (f32, f32) {
        (found.area.centre().x, found.area.centre().y)
    }

    #[test]
    fn the_first_free_wish_is_taken() {
        let card = Area::around(Point::new(100.0, 100.0), 80.0, 40.0);
        let wishes = [Point::new(100.0, 100.0), Point::new(100.0, 160.0), Point::new(300.0, 100.0)];
        let found = place(ROOM, [card].into_iter(), &wanted(&wishes, 0.0));
        assert_eq!((middle(found), found.is_free), ((100.0, 160.0), true));
    }

    #[test]
    fn if_all_wishes_are_taken_the_box_stands_beside() {
        let card = Area::around(Point::new(100.0, 100.0), 80.0, 40.0);
        let wishes = [Point::new(100.0, 100.0)];
        let found = place(ROOM, [card].into_iter(), &wanted(&wishes, 100.0));
        assert!(found.is_free && !found.area.overlaps(&card), "{found:?}");
        assert!(distance(found.area.centre(), wishes[0]) < 60.0, "{found:?}");
    }

    #[test]
    fn out_of_reach_nothing_is_free() {
        let wall = Area { min: Point::new(0.0, 0.0), max: Point::new(300.0, 300.0) };
        let wishes = [Point::new(40.0, 40.0)];
        assert!(!place(ROOM, [wall].into_iter(), &wanted(&wishes, 100.0)).is_free);
        assert!(place(ROOM, [wall].into_iter(), &wanted(&wishes, f32::INFINITY)).is_free);
    }

    #[test]
    fn a_box_stays_inside_the_picture() {
        let wishes = [Point::new(-50.0, 500.0)];
        let found = place(ROOM, std::iter::empty(), &wanted(&wishes, 0.0));
        assert_eq!(middle(found), (30.0, 290.0));
    }

    proptest! {
        #[test]
        fn what_is_free_covers_nothing(
            cards in prop::collection::vec((0.0_f32..400.0, 0.0_f32..300.0, 10.0_f32..120.0, 10.0_f32..80.0), 0..12),
            wish in (0.0_f32..400.0, 0.0_f32..300.0),
            reach in 0.0_f32..600.0,
        ) {
            let cards: Vec<Area> =
                cards.into_iter().map(|(x, y, width, height)| Area::around(Point::new(x, y), width, height)).collect();
            let wishes = [Point::new(wish.0, wish.1)];
            let found = place(ROOM, cards.iter().copied(), &wanted(&wishes, reach));
            prop_assert_eq!(ROOM.grown(0.01).union(&found.area), ROOM.grown(0.01));
            if found.is_free {
                prop_assert!(cards.iter().all(|card| !card.overlaps(&found.area)));
            }
        }
    }
}
