//! Triangles into pixels on the CPU: pictures without a display, the same on every machine.

use std::collections::HashMap;

use egui::epaint::{ClippedPrimitive, ColorImage, ImageData, Mesh, Primitive, Vertex};
use egui::{Color32, Rect, TextureId, TexturesDelta};

/// The textures of a window, and what turns its triangles into pixels.
#[derive(Default)]
pub struct Rasteriser {
    textures: HashMap<TextureId, ColorImage>,
}

impl Rasteriser {
    /// Takes over new and changed textures.
    pub fn update(&mut self, delta: &mut TexturesDelta) {
        for (id, patches) in delta.set.drain() {
            for patch in patches {
                let ImageData::Color(image) = &patch.image;
                match patch.pos {
                    None => {
                        self.textures.insert(id, (**image).clone());
                    }
                    Some([left, top]) => {
                        let Some(texture) = self.textures.get_mut(&id) else { continue };
                        let [width, height] = image.size;
                        for row in 0..height.min(texture.size[1].saturating_sub(top)) {
                            let width = width.min(texture.size[0].saturating_sub(left));
                            let to = (top + row) * texture.size[0] + left;
                            let from = row * image.size[0];
                            texture.pixels[to..to + width].copy_from_slice(&image.pixels[from..from + width]);
                        }
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    /// Draws triangles onto a background.
    pub fn draw(&self, primitives: &[ClippedPrimitive], size: [usize; 2], scale: f32, ground: Color32) -> ColorImage {
        let mut image = ColorImage::filled(size, ground);
        for primitive in primitives {
            if let Primitive::Mesh(mesh) = &primitive.primitive {
                let clip = Clip::new(primitive.clip_rect, scale, size);
                self.mesh(mesh, clip, scale, &mut image);
            }
        }
        image
    }

    fn mesh(&self, mesh: &Mesh, clip: Clip, scale: f32, image: &mut ColorImage) {
        let texture = self.textures.get(&mesh.texture_id).filter(|texture| texture.size[0] > 0 && texture.size[1] > 0);
        for corners in mesh.indices.chunks_exact(3) {
            let corner = |number: usize| mesh.vertices.get(corners[number] as usize);
            if let (Some(a), Some(b), Some(c)) = (corner(0), corner(1), corner(2))
                && let Some(triangle) = Triangle::new([a, b, c], texture, scale)
            {
                triangle.draw(clip, image);
            }
        }
    }
}

/// The pixels that may be drawn on.
#[derive(Clone, Copy)]
struct Clip {
    left: i64,
    top: i64,
    right: i64,
    bottom: i64,
}

impl Clip {
    fn new(rect: Rect, scale: f32, size: [usize; 2]) -> Clip {
        let pixel = |value: f32, most: usize| (value * scale).round().clamp(0.0, most as f32) as i64;
        Clip {
            left: pixel(rect.min.x, size[0]),
            top: pixel(rect.min.y, size[1]),
            right: pixel(rect.max.x, size[0]),
            bottom: pixel(rect.max.y, size[1]),
        }
    }
}

/// Parts of a pixel that corners can lie at: with whole numbers a pixel is inside or outside, never both.
const PARTS: i64 = 256;

/// Pixels beyond which a corner is taken to lie on the border, so that areas stay within 64 bits.
const FARTHEST: f32 = 1_048_576.0;

/// A side of a triangle as a function that is positive inside.
#[derive(Clone, Copy)]
struct Edge {
    /// Its growth from one pixel to the next on the right.
    across: i64,
    /// Its growth from one row to the next.
    down: i64,
    /// Its value at the middle of the pixel at the origin.
    origin: i64,
    /// The least value that is inside: neighbours draw each pixel once.
    least: i64,
}

impl Edge {
    fn new(from: [i64; 2], to: [i64; 2]) -> Edge {
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        let half = PARTS / 2;
        let owned = dy < 0 || (dy == 0 && dx > 0);
        Edge {
            across: -dy * PARTS,
            down: dx * PARTS,
            origin: dx * (half - from[1]) - dy * (half - from[0]),
            least: if owned { 0 } else { 1 },
        }
    }

    fn at(&self, x: i64, y: i64) -> i64 {
        self.origin + self.across * x + self.down * y
    }

    /// The pixels of a row that are inside, of those from `left` up to `right`.
    fn narrow(&self, y: i64, left: i64, right: i64) -> (i64, i64) {
        // Inside is where `across * x >= missing`.
        let missing = self.least - self.at(0, y);
        match self.across {
            0 if missing > 0 => (left, left),
            0 => (left, right),
            across if across > 0 => (left.max(-(-missing).div_euclid(across)), right),
            across => (left, right.min((-missing).div_euclid(-across) + 1)),
        }
    }
}

/// A value that grows evenly over a triangle.
#[derive(Clone, Copy)]
struct Slope {
    across: f32,
    down: f32,
    origin: f32,
}

impl Slope {
    /// The value at the middle of a pixel.
    fn at(&self, x: i64, y: i64) -> f32 {
        self.origin + self.across * x as f32 + self.down * y as f32
    }
}

/// A triangle on the screen.
struct Triangle<'a> {
    edges: [Edge; 3],
    top: i64,
    bottom: i64,
    left: i64,
    right: i64,
    fill: Fill<'a>,
}

/// What a triangle is filled with.
enum Fill<'a> {
    /// One colour.
    Flat([u8; 4]),
    /// Colours that run into each other.
    Gradient([Slope; 4]),
    /// A texture, in a colour.
    Texture { texture: &'a ColorImage, u: Slope, v: Slope, colour: [u8; 4] },
    /// A texture in colours that run into each other.
    Both { texture: &'a ColorImage, u: Slope, v: Slope, colours: [Slope; 4] },
}

impl<'a> Triangle<'a> {
    /// A triangle of vertices; nothing if it has no area.
    fn new(corners: [&Vertex; 3], texture: Option<&'a ColorImage>, scale: f32) -> Option<Triangle<'a>> {
        if corners.iter().any(|corner| !corner.pos.x.is_finite() || !corner.pos.y.is_finite()) {
            return None;
        }
        let fixed = |value: f32| ((value * scale).clamp(-FARTHEST, FARTHEST) * PARTS as f32).round() as i64;
        let [a, mut b, mut c] = corners;
        let place = |vertex: &Vertex| [fixed(vertex.pos.x), fixed(vertex.pos.y)];
        let (pa, mut pb, mut pc) = (place(a), place(b), place(c));
        let mut area = (pb[0] - pa[0]) * (pc[1] - pa[1]) - (pb[1] - pa[1]) * (pc[0] - pa[0]);
        if area == 0 {
            return None;
        }
        if area < 0 {
            std::mem::swap(&mut b, &mut c);
            std::mem::swap(&mut pb, &mut pc);
            area = -area;
        }
        let edges = [Edge::new(pb, pc), Edge::new(pc, pa), Edge::new(pa, pb)];
        let slope = |values: [f32; 3]| {
            let sum = |part: fn(&Edge) -> i64| {
                let mut sum = 0.0_f64;
                for (value, edge) in values.iter().zip(&edges) {
                    sum += f64::from(*value) * part(edge) as f64;
                }
                (sum / area as f64) as f32
            };
            Slope { across: sum(|edge| edge.across), down: sum(|edge| edge.down), origin: sum(|edge| edge.origin) }
        };
        let all = [a, b, c];
        let flat = a.color == b.color && b.color == c.color;
        let colours = all.map(|corner| corner.color.to_array());
        let gradient = || [0, 1, 2, 3].map(|channel| slope(colours.map(|colour| f32::from(colour[channel]))));
        let fill = match texture {
            Some(texture) if !(a.uv == b.uv && b.uv == c.uv) => {
                let (width, height) = (texture.size[0] as f32, texture.size[1] as f32);
                let u = slope(all.map(|corner| corner.uv.x * width - 0.5));
                let v = slope(all.map(|corner| corner.uv.y * height - 0.5));
                if flat {
                    Fill::Texture { texture, u, v, colour: colours[0] }
                } else {
                    Fill::Both { texture, u, v, colours: gradient() }
                }
            }
            _ => {
                // One place of a texture: a colour like any other. Plain shapes use a white one.
                let texel = texture.map_or([255; 4], |texture| {
                    let (width, height) = (texture.size[0] as f32, texture.size[1] as f32);
                    sample(texture, a.uv.x * width - 0.5, a.uv.y * height - 0.5)
                });
                match (flat, texture) {
                    (true, _) => Fill::Flat(multiply(colours[0], texel)),
                    (false, Some(texture)) if texel != [255; 4] => {
                        let still = |place: f32| Slope { across: 0.0, down: 0.0, origin: place };
                        let u = still(a.uv.x * texture.size[0] as f32 - 0.5);
                        let v = still(a.uv.y * texture.size[1] as f32 - 0.5);
                        Fill::Both { texture, u, v, colours: gradient() }
                    }
                    (false, _) => Fill::Gradient(gradient()),
                }
            }
        };
        let range = |axis: usize| {
            let (low, high) = (pa[axis].min(pb[axis]).min(pc[axis]), pa[axis].max(pb[axis]).max(pc[axis]));
            (low.div_euclid(PARTS), high.div_euclid(PARTS) + 1)
        };
        let ((left, right), (top, bottom)) = (range(0), range(1));
        Some(Triangle { edges, top, bottom, left, right, fill })
    }

    fn draw(&self, clip: Clip, image: &mut ColorImage) {
        let width = image.size[0];
        for y in self.top.max(clip.top)..self.bottom.min(clip.bottom) {
            let (mut left, mut right) = (self.left.max(clip.left), self.right.min(clip.right));
            for edge in &self.edges {
                (left, right) = edge.narrow(y, left, right);
            }
            if left < right {
                let row = y as usize * width;
                self.row(left, y, &mut image.pixels[row + left as usize..row + right as usize]);
            }
        }
    }

    /// Fills the pixels of a row, of which the first is given.
    fn row(&self, left: i64, y: i64, pixels: &mut [Color32]) {
        match &self.fill {
            Fill::Flat(colour) if colour[3] == 255 => pixels.fill(solid(*colour)),
            Fill::Flat(colour) if *colour == [0; 4] => {}
            Fill::Flat(colour) => pixels.iter_mut().for_each(|pixel| over(pixel, *colour)),
            Fill::Gradient(slopes) => {
                for (x, pixel) in (left..).zip(pixels) {
                    over(pixel, blend(slopes, x, y));
                }
            }
            Fill::Texture { texture, u, v, colour } => {
                for (x, pixel) in (left..).zip(pixels) {
                    over(pixel, multiply(*colour, sample(texture, u.at(x, y), v.at(x, y))));
                }
            }
            Fill::Both { texture, u, v, colours } => {
                for (x, pixel) in (left..).zip(pixels) {
                    over(pixel, multiply(blend(colours, x, y), sample(texture, u.at(x, y), v.at(x, y))));
                }
            }
        }
    }
}

fn solid(colour: [u8; 4]) -> Color32 {
    Color32::from_rgba_premultiplied(colour[0], colour[1], colour[2], colour[3])
}

fn blend(slopes: &[Slope; 4], x: i64, y: i64) -> [u8; 4] {
    // A conversion to octets keeps to their range.
    let channel = |slope: &Slope| (slope.at(x, y) + 0.5) as u8;
    [channel(&slopes[0]), channel(&slopes[1]), channel(&slopes[2]), channel(&slopes[3])]
}

/// The texture's colour at a place in its pixels, between the four nearest.
fn sample(texture: &ColorImage, x: f32, y: f32) -> [u8; 4] {
    let [width, height] = texture.size;
    let x = (x.clamp(0.0, (width - 1) as f32) * 256.0 + 0.5) as usize;
    let y = (y.clamp(0.0, (height - 1) as f32) * 256.0 + 0.5) as usize;
    let (left, top, fx, fy) = (x / 256, y / 256, (x % 256) as u32, (y % 256) as u32);
    let at = top * width + left;
    // Glyphs lie on whole pixels, as nearly as numbers allow.
    if (fx <= 2 || fx >= 254) && (fy <= 2 || fy >= 254) {
        let right = usize::from(fx >= 254 && left + 1 < width);
        let below = if fy >= 254 && top + 1 < height { width } else { 0 };
        return texture.pixels[at + right + below].to_array();
    }
    let right = usize::from(left + 1 < width);
    let below = if top + 1 < height { width } else { 0 };
    let corners = [at, at + right, at + below, at + right + below].map(|at| texture.pixels[at].to_array());
    let weights = [(256 - fx) * (256 - fy), fx * (256 - fy), (256 - fx) * fy, fx * fy];
    let mut sum = [32_768_u32; 4];
    for (corner, weight) in corners.into_iter().zip(weights) {
        for (sum, channel) in sum.iter_mut().zip(corner) {
            *sum += u32::from(channel) * weight;
        }
    }
    sum.map(|sum| (sum >> 16) as u8)
}

fn multiply(one: [u8; 4], other: [u8; 4]) -> [u8; 4] {
    if other == [255; 4] {
        return one;
    }
    let channel = |one: u8, other: u8| ((u32::from(one) * u32::from(other) + 127) / 255) as u8;
    [channel(one[0], other[0]), channel(one[1], other[1]), channel(one[2], other[2]), channel(one[3], other[3])]
}

/// Puts a colour with premultiplied alpha over a pixel.
fn over(pixel: &mut Color32, colour: [u8; 4]) {
    match colour[3] {
        255 => *pixel = solid(colour),
        0 if colour == [0; 4] => {}
        alpha => {
            let rest = 255 - u32::from(alpha);
            let below = pixel.to_array();
            let channel = |top: u8, below: u8| (u32::from(top) + (u32::from(below) * rest + 127) / 255).min(255) as u8;
            *pixel = solid([
                channel(colour[0], below[0]),
                channel(colour[1], below[1]),
                channel(colour[2], below[2]),
                channel(alpha, below[3]),
            ]);
        }
    }
}

#[cfg(test)]
mod tests {
    use egui::Pos2;

    use super::*;

    fn vertex(x: f32, y: f32) -> Vertex {
        Vertex { pos: Pos2::new(x, y), uv: Pos2::ZERO, color: Color32::from_rgba_premultiplied(100, 0, 0, 100) }
    }

    #[test]
    fn neighbouring_triangles_draw_each_pixel_once() {
        let vertices = vec![vertex(0.0, 0.0), vertex(8.0, 0.0), vertex(8.0, 8.0), vertex(0.0, 8.0)];
        let mesh = Mesh { vertices, indices: vec![0, 1, 2, 0, 2, 3], ..Mesh::default() };
        let clip_rect = Rect::from_min_max(Pos2::ZERO, Pos2::new(8.0, 6.0));
        let primitive = ClippedPrimitive { clip_rect, primitive: Primitive::Mesh(mesh) };
        let image = Rasteriser::default().draw(&[primitive], [10, 10], 1.0, Color32::BLACK);
        for (index, pixel) in image.pixels.iter().enumerate() {
            let inside = index % 10 < 8 && index / 10 < 6;
            assert_eq!(pixel.r(), if inside { 100 } else { 0 }, "pixel {index}");
        }
    }

    #[test]
    fn triangles_that_are_no_triangles_do_no_harm() {
        let vertices = vec![vertex(0.0, f32::NAN), vertex(1e30, 0.0), vertex(-1e30, 5.0), vertex(2.0, 2.0)];
        let mesh = Mesh { vertices, indices: vec![0, 1, 2, 1, 2, 3, 1, 1, 1, 9, 9, 9], ..Mesh::default() };
        let clip_rect = Rect::EVERYTHING;
        let primitive = ClippedPrimitive { clip_rect, primitive: Primitive::Mesh(mesh) };
        let image = Rasteriser::default().draw(&[primitive], [4, 4], 1.0, Color32::BLACK);
        assert_eq!(image.pixels.len(), 16);
    }
}
