//! Pictures without a display: a window that exists in memory only, drawn by the CPU.

pub use egui::epaint::ColorImage;
use egui::epaint::{ClippedShape, Shape};
use egui::{Painter, Pos2, RawInput, Rect, Ui, vec2};

use super::raster::Rasteriser;
use super::svg;
use super::theme::Theme;

/// A window in memory, for one picture or for many in a row.
pub struct Studio {
    ctx: egui::Context,
    rasteriser: Rasteriser,
    theme: Theme,
    size: [u32; 2],
    /// Pixels per point.
    scale: f32,
    time: f64,
}

/// What was drawn.
pub struct Drawn {
    shapes: Vec<ClippedShape>,
    theme: Theme,
    /// In points.
    size: [u32; 2],
}

impl Studio {
    /// A studio for pictures of so many pixels.
    pub fn new(size: [u32; 2], theme: Theme) -> Studio {
        let ctx = egui::Context::default();
        ctx.set_fonts(super::theme::fonts());
        theme.apply(&ctx);
        Studio { ctx, rasteriser: Rasteriser::default(), theme, size, scale: 1.0, time: 0.0 }
    }

    /// The same with so many pixels to a point: everything is drawn larger.
    #[must_use]
    pub fn enlarged(mut self, scale: f32) -> Studio {
        self.scale = scale;
        self
    }

    /// The picture's size in points.
    fn points(&self) -> egui::Vec2 {
        vec2(self.size[0] as f32, self.size[1] as f32) / self.scale
    }

    /// Draws panels: first their sizes are learned, then they are used.
    pub fn draw(&mut self, mut show: impl FnMut(&mut Ui)) -> Drawn {
        self.pass(&mut show);
        self.pass(&mut show)
    }

    /// Draws what needs no sizes.
    pub fn paint(&mut self, mut paint: impl FnMut(&Painter, Rect)) -> Drawn {
        self.pass(&mut |ui| paint(&ui.painter().clone(), ui.max_rect()))
    }

    fn pass(&mut self, show: &mut dyn FnMut(&mut Ui)) -> Drawn {
        let points = self.points();
        let rect = Rect::from_min_size(Pos2::ZERO, points);
        self.time += 1.0 / 60.0;
        let mut input = RawInput { screen_rect: Some(rect), time: Some(self.time), ..RawInput::default() };
        for viewport in input.viewports.values_mut() {
            viewport.native_pixels_per_point = Some(self.scale);
        }
        let mut output = self.ctx.run_ui(input, show);
        self.rasteriser.update(&mut output.textures_delta);
        let size = [points.x.round() as u32, points.y.round() as u32];
        Drawn { shapes: output.shapes, theme: self.theme, size }
    }

    /// What was drawn, as pixels.
    pub fn pixels(&self, drawn: Drawn) -> ColorImage {
        let primitives = self.ctx.tessellate(drawn.shapes, self.scale);
        let size = [self.size[0] as usize, self.size[1] as usize];
        self.rasteriser.draw(&primitives, size, self.scale, self.theme.paper)
    }
}

impl Drawn {
    /// Texts of which a part is hidden at the side, where nobody can scroll to.
    pub fn cut_texts(&self) -> Vec<String> {
        let screen = Rect::from_min_size(Pos2::ZERO, vec2(self.size[0] as f32, self.size[1] as f32));
        let mut cut = Vec::new();
        for clipped in &self.shapes {
            let Shape::Text(text) = &clipped.shape else { continue };
            let room = clipped.clip_rect.intersect(screen);
            let rect = text.visual_bounding_rect();
            let seen = room.is_positive() && rect.is_positive() && room.intersects(rect);
            if seen && (rect.right() > room.right() + 1.5 || rect.left() < room.left() - 1.5) {
                cut.push(text.galley.text().to_owned());
            }
        }
        cut
    }

    /// What was drawn, as SVG.
    pub fn svg(&self) -> String {
        svg::document(&self.shapes, self.size, self.theme.paper)
    }
}

/// Pixels as a PNG file.
///
/// # Errors
/// The encoder refuses, which only happens for sizes that no picture has.
pub fn png(image: &ColorImage) -> Result<Vec<u8>, image::ImageError> {
    use image::ImageEncoder as _;
    let mut file = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut file);
    let (width, height) = (image.size[0] as u32, image.size[1] as u32);
    encoder.write_image(&rgba(image), width, height, image::ExtendedColorType::Rgba8)?;
    Ok(file)
}

/// The octets of a picture, opaque.
pub fn rgba(image: &ColorImage) -> Vec<u8> {
    image.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b(), 255]).collect()
}
