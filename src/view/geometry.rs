//! Places on the map, in map units: one unit is one point of the screen at zoom 1.

use serde::Serialize;

/// A place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Point {
    /// To the right.
    pub x: f32,
    /// Downwards.
    pub y: f32,
}

impl Point {
    /// A place by its coordinates.
    pub const fn new(x: f32, y: f32) -> Point {
        Point { x, y }
    }

    /// The place that lies at `part` (0 to 1) of the way to another.
    #[must_use]
    pub fn towards(self, other: Point, part: f32) -> Point {
        Point::new(self.x + (other.x - self.x) * part, self.y + (other.y - self.y) * part)
    }

    /// The nearest place with whole coordinates: the same on every machine, whatever its cosine.
    #[must_use]
    pub fn rounded(self) -> Point {
        Point::new(self.x.round(), self.y.round())
    }
}

/// An upright rectangle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Area {
    /// Upper left corner.
    pub min: Point,
    /// Lower right corner.
    pub max: Point,
}

impl Area {
    /// The rectangle of this size around a centre.
    pub fn around(centre: Point, width: f32, height: f32) -> Area {
        let (x, y) = (width / 2.0, height / 2.0);
        Area { min: Point::new(centre.x - x, centre.y - y), max: Point::new(centre.x + x, centre.y + y) }
    }

    /// Its width.
    pub fn width(&self) -> f32 {
        self.max.x - self.min.x
    }

    /// Its height.
    pub fn height(&self) -> f32 {
        self.max.y - self.min.y
    }

    /// Its centre.
    pub fn centre(&self) -> Point {
        self.min.towards(self.max, 0.5)
    }

    /// The same, moved.
    #[must_use]
    pub fn moved(&self, x: f32, y: f32) -> Area {
        Area { min: Point::new(self.min.x + x, self.min.y + y), max: Point::new(self.max.x + x, self.max.y + y) }
    }

    /// The same with a margin on every side.
    #[must_use]
    pub fn grown(&self, margin: f32) -> Area {
        Area {
            min: Point::new(self.min.x - margin, self.min.y - margin),
            max: Point::new(self.max.x + margin, self.max.y + margin),
        }
    }

    /// Whether two rectangles have more than an edge in common.
    pub fn overlaps(&self, other: &Area) -> bool {
        self.min.x < other.max.x && other.min.x < self.max.x && self.min.y < other.max.y && other.min.y < self.max.y
    }

    /// The smallest rectangle around both.
    #[must_use]
    pub fn union(&self, other: &Area) -> Area {
        Area {
            min: Point::new(self.min.x.min(other.min.x), self.min.y.min(other.min.y)),
            max: Point::new(self.max.x.max(other.max.x), self.max.y.max(other.max.y)),
        }
    }

    /// Whether the straight way between two places goes through the rectangle.
    pub fn crossed(&self, from: Point, to: Point) -> bool {
        let (mut first, mut last) = (0.0_f32, 1.0_f32);
        for (start, end, low, high) in [(from.x, to.x, self.min.x, self.max.x), (from.y, to.y, self.min.y, self.max.y)]
        {
            let way = end - start;
            if way == 0.0 {
                if start <= low || start >= high {
                    return false;
                }
                continue;
            }
            let (enter, leave) = ((low - start) / way, (high - start) / way);
            first = first.max(enter.min(leave));
            last = last.min(enter.max(leave));
        }
        first < last
    }

    /// Where the straight way from the centre to a place leaves the rectangle.
    pub fn edge_towards(&self, to: Point) -> Point {
        let centre = self.centre();
        let (dx, dy) = ((to.x - centre.x).abs(), (to.y - centre.y).abs());
        let across = if dx > 0.0 { self.width() / 2.0 / dx } else { f32::INFINITY };
        let down = if dy > 0.0 { self.height() / 2.0 / dy } else { f32::INFINITY };
        centre.towards(to, across.min(down).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_go_through_or_past() {
        let area = Area::around(Point::new(0.0, 0.0), 10.0, 4.0);
        assert!(area.crossed(Point::new(-20.0, 0.0), Point::new(20.0, 1.0)));
        assert!(area.crossed(Point::new(0.0, -9.0), Point::new(0.0, 9.0)));
        assert!(!area.crossed(Point::new(-20.0, 3.0), Point::new(20.0, 3.0)));
        assert!(!area.crossed(Point::new(-20.0, 0.0), Point::new(-10.0, 0.0)));
    }

    #[test]
    fn ways_leave_a_rectangle_at_its_edge() {
        let area = Area::around(Point::new(0.0, 0.0), 10.0, 4.0);
        assert_eq!(area.edge_towards(Point::new(100.0, 0.0)), Point::new(5.0, 0.0));
        assert_eq!(area.edge_towards(Point::new(0.0, -100.0)), Point::new(0.0, -2.0));
    }
}
