//! Triangles into pixels on the CPU: pictures without a display, the same on every machine.

use std::collections::HashMap;

use egui::epaint::{ClippedPrimitive, ColorImage, ImageData, Mesh, Primitive, Vertex};
use egui::{Color32, Pos2, Rect, TextureId, TexturesDelta};

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
        let texture = self.textures.get(&mesh.texture_id);
        for corners in mesh.indices.chunks_exact(3) {
            let corner = |number: usize| mesh.vertices.get(corners[number] as usize).copied();
            if let (Some(a), Some(b), Some(c)) = (corner(0), corner(1), corner(2)) {
                triangle([a, b, c], texture, clip, scale, image);
            }
        }
    }
}

/// The pixels that may be drawn on.
#[derive(Clone, Copy)]
struct Clip {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Clip {
    fn new(rect: Rect, scale: f32, size: [usize; 2]) -> Clip {
        let pixel = |value: f32, most: usize| (value * scale).round().clamp(0.0, most as f32) as usize;
        Clip {
            left: pixel(rect.min.x, size[0]),
            top: pixel(rect.min.y, size[1]),
            right: pixel(rect.max.x, size[0]),
            bottom: pixel(rect.max.y, size[1]),
        }
    }
}

/// Twice the signed area of a triangle.
fn area(a: Pos2, b: Pos2, c: Pos2) -> f32 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// Whether an edge belongs to the triangle that it bounds: neighbours draw each pixel once.
fn owns(from: Pos2, to: Pos2) -> bool {
    to.y < from.y || (to.y == from.y && to.x > from.x)
}

fn triangle(corners: [Vertex; 3], texture: Option<&ColorImage>, clip: Clip, scale: f32, image: &mut ColorImage) {
    let [a, mut b, mut c] = corners;
    for corner in [&a, &b, &c] {
        if !corner.pos.x.is_finite() || !corner.pos.y.is_finite() {
            return;
        }
    }
    let at = |vertex: &Vertex| Pos2::new(vertex.pos.x * scale, vertex.pos.y * scale);
    let (pa, mut pb, mut pc) = (at(&a), at(&b), at(&c));
    let mut whole = area(pa, pb, pc);
    if whole == 0.0 {
        return;
    }
    if whole < 0.0 {
        std::mem::swap(&mut b, &mut c);
        std::mem::swap(&mut pb, &mut pc);
        whole = -whole;
    }
    let low = |x: f32, y: f32, z: f32| x.min(y).min(z).floor().max(0.0) as usize;
    let high = |x: f32, y: f32, z: f32| x.max(y).max(z).ceil().max(0.0) as usize;
    let (top, bottom) = (low(pa.y, pb.y, pc.y).max(clip.top), high(pa.y, pb.y, pc.y).min(clip.bottom));
    let (left, right) = (low(pa.x, pb.x, pc.x).max(clip.left), high(pa.x, pb.x, pc.x).min(clip.right));
    let edges = [(pb, pc), (pc, pa), (pa, pb)].map(|(from, to)| (from, to, owns(from, to)));
    let flat = a.color == b.color && b.color == c.color;
    let same = a.uv == b.uv && b.uv == c.uv;
    for y in top..bottom {
        let (from, to) = span(&edges, y as f32 + 0.5, left, right);
        for x in from..to {
            let point = Pos2::new(x as f32 + 0.5, y as f32 + 0.5);
            let mut weights = [0.0_f32; 3];
            let inside = edges.iter().zip(&mut weights).all(|((from, to, owned), weight)| {
                *weight = area(*from, *to, point);
                *weight > 0.0 || (*weight == 0.0 && *owned)
            });
            if !inside {
                continue;
            }
            let [wa, wb, wc] = weights.map(|weight| weight / whole);
            let colour = if flat { a.color } else { blend([a.color, b.color, c.color], [wa, wb, wc]) };
            let texel = match texture {
                Some(texture) if same => sample(texture, a.uv),
                Some(texture) => {
                    let u = a.uv.x * wa + b.uv.x * wb + c.uv.x * wc;
                    sample(texture, Pos2::new(u, a.uv.y * wa + b.uv.y * wb + c.uv.y * wc))
                }
                None => Color32::WHITE,
            };
            over(&mut image.pixels[y * image.size[0] + x], multiply(colour, texel));
        }
    }
}

/// The pixels of a row that can lie between the edges.
fn span(edges: &[(Pos2, Pos2, bool); 3], y: f32, left: usize, right: usize) -> (usize, usize) {
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for (from, to, _) in edges {
        if (from.y <= y) != (to.y <= y) {
            let x = from.x + (y - from.y) / (to.y - from.y) * (to.x - from.x);
            (low, high) = (low.min(x), high.max(x));
        }
    }
    if low > high {
        return (0, 0);
    }
    // A pixel of slack on both sides for rounding; the edges decide.
    let from = (low - 1.0).floor().max(0.0) as usize;
    let to = (high + 1.0).ceil().max(0.0) as usize;
    (from.max(left), to.min(right))
}

fn blend(colours: [Color32; 3], weights: [f32; 3]) -> Color32 {
    let mut sum = [0.0_f32; 4];
    for (colour, weight) in colours.iter().zip(weights) {
        for (sum, channel) in sum.iter_mut().zip(colour.to_array()) {
            *sum += f32::from(channel) * weight;
        }
    }
    let [r, g, b, a] = sum.map(|value| value.round().clamp(0.0, 255.0) as u8);
    Color32::from_rgba_premultiplied(r, g, b, a)
}

/// The texture's colour at a place, between its four nearest pixels.
fn sample(texture: &ColorImage, uv: Pos2) -> Color32 {
    let [width, height] = texture.size;
    if width == 0 || height == 0 {
        return Color32::WHITE;
    }
    let x = (uv.x * width as f32 - 0.5).clamp(0.0, (width - 1) as f32);
    let y = (uv.y * height as f32 - 0.5).clamp(0.0, (height - 1) as f32);
    let (left, top) = (x.floor() as usize, y.floor() as usize);
    let (fx, fy) = (x - x.floor(), y - y.floor());
    let pixel = |x: usize, y: usize| texture.pixels[y.min(height - 1) * width + x.min(width - 1)];
    if fx == 0.0 && fy == 0.0 {
        return pixel(left, top);
    }
    let mut sum = [0.0_f32; 4];
    let corners = [
        (pixel(left, top), (1.0 - fx) * (1.0 - fy)),
        (pixel(left + 1, top), fx * (1.0 - fy)),
        (pixel(left, top + 1), (1.0 - fx) * fy),
        (pixel(left + 1, top + 1), fx * fy),
    ];
    for (colour, weight) in corners {
        for (sum, channel) in sum.iter_mut().zip(colour.to_array()) {
            *sum += f32::from(channel) * weight;
        }
    }
    let [r, g, b, a] = sum.map(|value| value.round().clamp(0.0, 255.0) as u8);
    Color32::from_rgba_premultiplied(r, g, b, a)
}

fn multiply(one: Color32, other: Color32) -> Color32 {
    if other == Color32::WHITE {
        return one;
    }
    let channel = |one: u8, other: u8| ((u16::from(one) * u16::from(other) + 127) / 255) as u8;
    Color32::from_rgba_premultiplied(
        channel(one.r(), other.r()),
        channel(one.g(), other.g()),
        channel(one.b(), other.b()),
        channel(one.a(), other.a()),
    )
}

/// Puts a colour with premultiplied alpha over a pixel.
fn over(pixel: &mut Color32, colour: Color32) {
    if colour.a() == 255 {
        *pixel = colour;
        return;
    }
    let rest = 255 - u16::from(colour.a());
    let channel = |top: u8, below: u8| (u16::from(top) + (u16::from(below) * rest + 127) / 255).min(255) as u8;
    *pixel = Color32::from_rgba_premultiplied(
        channel(colour.r(), pixel.r()),
        channel(colour.g(), pixel.g()),
        channel(colour.b(), pixel.b()),
        channel(colour.a(), pixel.a()),
    );
}

#[cfg(test)]
mod tests {
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
