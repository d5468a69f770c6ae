//! Where regions of the map stand: few around an empty middle or in columns, many in rows.

use super::geometry::{Area, Point};

/// Space between regions one above the other.
const ABOVE: f32 = 84.0;
/// Space between regions side by side, where dialogues are read.
const BESIDE: f32 = 270.0;
/// The same when there are many.
const BESIDE_MANY: f32 = 200.0;
/// Space between regions in rows.
const BETWEEN: f32 = 44.0;
/// Height of the empty band between rows, as a part of the height of all rows.
const BAND: f32 = 0.24;
/// Most regions with such a band: on maps of more nothing can be read anyway.
const MOST_WITH_BAND: usize = 40;
/// Most regions with wide space between them.
const MOST_WIDE: usize = 4;
/// Most regions that stand in columns, and most of them one above the other: lines of more go behind cards.
const MOST_IN_COLUMNS: usize = 6;
const MOST_ABOVE: usize = 2;
/// How much larger a picture may be so that one line less goes through a region that it does not belong to.
const FREE_LINE: f32 = 0.05;

/// A region before it has its place.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Its width.
    pub width: f32,
    /// Its height.
    pub height: f32,
    /// Whether it only answers questions about names; such regions stand above.
    pub names_only: bool,
    /// Whether it has a name server.
    pub names: bool,
}

/// The middles of regions around an empty middle, for a picture whose width is so many times its height.
pub fn around(blocks: &[Block], aspect: f32) -> Vec<Point> {
    let angles = angles(blocks);
    let beside = if blocks.len() <= MOST_WIDE { BESIDE } else { BESIDE_MANY };
    let mut best: Option<(f32, f32, Vec<Point>)> = None;
    for across in 0..=60_u8 {
        for down in 0..=60_u8 {
            let (across, down) = (f32::from(across) * 40.0, f32::from(down) * 20.0);
            let centres: Vec<Point> =
                angles.iter().map(|(cos, sin)| Point::new(across * cos, down * sin).rounded()).collect();
            if !is_apart(blocks, &centres, beside) {
                continue;
            }
            let cost = cost(blocks, &centres, aspect);
            let spread = across + down;
            // As large as possible on the screen; of those that are equally large the most spacious.
            let better = best
                .as_ref()
                .is_none_or(|(least, widest, _)| cost < least - 0.5 || (cost < least + 0.5 && spread > *widest));
            if better {
                best = Some((cost, spread, centres));
            }
        }
    }
    best.map_or_else(|| rows(blocks, aspect), |(_, _, centres)| centres)
}

/// Cosine and sine of the direction of each region: name servers above, the first on the left, the next on
/// the right, further ones between them.
fn angles(blocks: &[Block]) -> Vec<(f32, f32)> {
    let above = blocks.iter().filter(|block| block.names_only).count();
    // Name servers alone stand as other regions do.
    let (above, others) = if above == blocks.len() { (0, above) } else { (above, blocks.len() - above) };
    let (mut top, mut other) = (0, 0);
    let angle = |block: &Block| {
        // In degrees, clockwise from the right; 270 is above.
        let angle = if block.names_only && above > 0 {
            top += 1;
            match (above, others) {
                // Four stand in the corners, so that nothing is between any two of them.
                (1, 3) => 315.0,
                _ => 225.0 + 90.0 * top as f32 / (above + 1) as f32,
            }
        } else {
            other += 1;
            match (above, others, other) {
                (_, 1, _) => 90.0,
                (0, 2, number) => [180.0, 0.0][number - 1],
                (_, 2, number) => [135.0, 45.0][number - 1],
                (0, 3, number) => [210.0, 330.0, 90.0][number - 1],
                (1, 3, number) => [135.0, 45.0, 225.0][number - 1],
                (0, 4, number) => [225.0, 315.0, 135.0, 45.0][number - 1],
                // From the upper left down, through the bottom, up to the upper right.
                (_, count, number) => 210.0 - 240.0 * (number - 1) as f32 / (count - 1) as f32,
            }
        };
        let angle = f32::to_radians(angle);
        (angle.cos(), angle.sin())
    };
    blocks.iter().map(angle).collect()
}

/// Whether there is space between all regions.
fn is_apart(blocks: &[Block], centres: &[Point], beside: f32) -> bool {
    let wide =
        |number: usize| Area::around(centres[number], blocks[number].width + beside, blocks[number].height + ABOVE);
    (0..blocks.len()).all(|one| (0..one).all(|other| !wide(one).overlaps(&wide(other))))
}

/// How small everything becomes on the screen, and how many lines go through regions.
pub fn cost(blocks: &[Block], centres: &[Point], aspect: f32) -> f32 {
    let areas = areas(blocks, centres);
    let through = |one: usize, other: usize| {
        areas
            .iter()
            .enumerate()
            .any(|(number, area)| number != one && number != other && area.crossed(centres[one], centres[other]))
    };
    let pairs = (0..areas.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
    let crossed = pairs.filter(|(one, other)| through(*one, *other)).count() as f32;
    size(blocks, centres, aspect) * (1.0 + FREE_LINE * crossed)
}

/// The middles of regions in up to three columns with wide space between them: those that make everything largest;
/// `None` for many regions. Name servers stand at the top of their column, and the first region that has none on the
/// left, as one reads.
pub fn columns(blocks: &[Block], aspect: f32) -> Option<Vec<Point>> {
    const COLUMNS: usize = 3;
    if blocks.len() > MOST_IN_COLUMNS {
        return None;
    }
    let first = blocks.iter().position(|block| !block.names).unwrap_or(0);
    let beside = if blocks.len() <= MOST_WIDE { BESIDE } else { BESIDE_MANY };
    let mut best: Option<(f32, Vec<Point>)> = None;
    // Each number, written with so many digits, is one way to deal the regions out; the first ones go to the left.
    for deal in 0..COLUMNS.pow(blocks.len() as u32) {
        let column_of = |block: usize| deal / COLUMNS.pow((blocks.len() - 1 - block) as u32) % COLUMNS;
        let high = |column: usize| (0..blocks.len()).filter(|block| column_of(*block) == column).count();
        if column_of(first) > 0 || (0..COLUMNS).any(|column| high(column) > MOST_ABOVE) {
            continue;
        }
        let centres = in_columns(blocks, COLUMNS, &column_of, beside);
        let cost = cost(blocks, &centres, aspect);
        if best.as_ref().is_none_or(|(least, _)| cost < least - 0.5) {
            best = Some((cost, centres));
        }
    }
    best.map(|(_, centres)| centres)
}

/// The middles of regions of which each stands in its column.
fn in_columns(blocks: &[Block], count: usize, column_of: &dyn Fn(usize) -> usize, beside: f32) -> Vec<Point> {
    let mut centres = vec![Point::new(0.0, 0.0); blocks.len()];
    let mut left = 0.0;
    for column in 0..count {
        let mut here: Vec<usize> = (0..blocks.len()).filter(|block| column_of(*block) == column).collect();
        if here.is_empty() {
            continue;
        }
        here.sort_by_key(|block| !blocks[*block].names_only);
        let width = here.iter().map(|block| blocks[*block].width).fold(0.0, f32::max);
        let height: f32 = here.iter().map(|block| blocks[*block].height + ABOVE).sum::<f32>() - ABOVE;
        let mut top = -height / 2.0;
        for block in here {
            centres[block] = Point::new(left + width / 2.0, top + blocks[block].height / 2.0).rounded();
            top += blocks[block].height + ABOVE;
        }
        left += width + beside;
    }
    centres
}

/// The middles of regions in rows, as many to a row as make everything largest.
pub fn rows(blocks: &[Block], aspect: f32) -> Vec<Point> {
    const TRIES: u8 = 48;
    let widest = blocks.iter().map(|block| block.width).fold(0.0, f32::max);
    let all: f32 = blocks.iter().map(|block| block.width + BETWEEN).sum();
    let mut best: Option<(f32, Vec<Point>)> = None;
    for number in 0..=TRIES {
        let limit = widest + (all - widest) * (f32::from(number) / f32::from(TRIES)).powi(2);
        let centres = rows_up_to(blocks, limit);
        let size = size(blocks, &centres, aspect);
        if best.as_ref().is_none_or(|(least, _)| size < *least) {
            best = Some((size, centres));
        }
    }
    best.map(|(_, centres)| centres).unwrap_or_default()
}

/// The middles of regions in rows that are not wider than a limit.
fn rows_up_to(blocks: &[Block], limit: f32) -> Vec<Point> {
    let (mut x, mut y, mut tallest) = (0.0, 0.0, 0.0_f32);
    let mut centres = Vec::new();
    let mut rows = vec![0_usize];
    for block in blocks {
        if x > 0.0 && x + block.width > limit {
            (x, y, tallest) = (0.0, y + tallest + BETWEEN, 0.0);
            rows.push(centres.len());
        }
        centres.push(Point::new(x + block.width / 2.0, y + block.height / 2.0));
        x += block.width + BETWEEN;
        tallest = tallest.max(block.height);
    }
    if let Some(first) = rows.get(rows.len().div_ceil(2)).filter(|_| blocks.len() <= MOST_WITH_BAND) {
        let band = (y + tallest) * BAND;
        for centre in &mut centres[*first..] {
            centre.y += band;
        }
    }
    let middle =
        areas(blocks, &centres).into_iter().reduce(|one, other| one.union(&other)).unwrap_or_default().centre();
    centres.iter().map(|centre| Point::new(centre.x - middle.x, centre.y - middle.y).rounded()).collect()
}

fn areas(blocks: &[Block], centres: &[Point]) -> Vec<Area> {
    let area = |(block, centre): (&Block, &Point)| Area::around(*centre, block.width, block.height);
    blocks.iter().zip(centres).map(area).collect()
}

/// How small everything becomes on the screen.
pub fn size(blocks: &[Block], centres: &[Point], aspect: f32) -> f32 {
    let areas = areas(blocks, centres);
    let all = areas.into_iter().reduce(|one, other| one.union(&other)).unwrap_or_default();
    (all.width() / aspect).max(all.height())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(names: &[bool]) -> Vec<Block> {
        let block = |names: &bool| Block { width: 264.0, height: 172.0, names_only: *names, names: *names };
        names.iter().map(block).collect()
    }

    #[test]
    fn up_to_four_regions_see_each_other() {
        for names in [vec![false, false], vec![true, false, false], vec![true, false, false, false], vec![false; 4]] {
            let blocks = blocks(&names);
            let centres = around(&blocks, 1.9);
            let areas: Vec<Area> = centres.iter().map(|centre| Area::around(*centre, 264.0, 172.0)).collect();
            for (one, from) in centres.iter().enumerate() {
                for (other, to) in centres[..one].iter().enumerate() {
                    for (number, area) in areas.iter().enumerate() {
                        assert!(number == one || number == other || !area.crossed(*from, *to), "{names:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn in_columns_the_first_who_sends_stands_on_the_left() {
        let centres = columns(&blocks(&[true, false, false]), 1.9).unwrap();
        assert!(centres[1].x < centres[2].x, "{centres:?}");
        assert!(columns(&blocks(&[false; 7]), 1.9).is_none());
    }

    #[test]
    fn name_servers_alone_have_their_places_too() {
        for count in 1..=8 {
            assert_eq!(around(&blocks(&vec![true; count]), 1.9).len(), count);
        }
    }

    #[test]
    fn name_servers_stand_above() {
        let centres = around(&blocks(&[true, false, false]), 1.9);
        assert!(centres[0].y < centres[1].y && centres[1].x < centres[2].x, "{centres:?}");
    }
}
