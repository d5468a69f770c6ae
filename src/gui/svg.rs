//! Shapes as SVG: lines stay lines and text stays text.

use std::fmt::Write as _;

use egui::epaint::{ClippedShape, PathShape, RectShape, Shape, TextShape};
use egui::{Color32, FontFamily, Pos2, Rect, Stroke};

/// A document of shapes on a background.
pub fn document(shapes: &[ClippedShape], size: [u32; 2], ground: Color32) -> String {
    let [width, height] = size;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n"
    );
    let _ = writeln!(text, "<rect width=\"{width}\" height=\"{height}\" {}/>", fill(ground));
    let screen = Rect::from_min_size(Pos2::ZERO, egui::vec2(width as f32, height as f32));
    let mut clip = None;
    for (number, clipped) in shapes.iter().enumerate() {
        let visible = clipped.clip_rect.intersect(screen);
        if !visible.is_positive() {
            continue;
        }
        if clip != Some(visible) {
            if clip.is_some() {
                text.push_str("</g>\n");
            }
            let _ = write!(
                text,
                "<clipPath id=\"c{number}\"><rect {}/></clipPath>\n<g clip-path=\"url(#c{number})\">\n",
                place(visible)
            );
            clip = Some(visible);
        }
        shape(&clipped.shape, &mut text);
    }
    if clip.is_some() {
        text.push_str("</g>\n");
    }
    text.push_str("</svg>\n");
    text
}

fn place(rect: Rect) -> String {
    let (x, y) = (number(rect.min.x), number(rect.min.y));
    format!("x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\"", number(rect.width()), number(rect.height()))
}

/// A number with at most two digits behind the point.
fn number(value: f32) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn paint(name: &str, colour: Color32) -> String {
    let [r, g, b, a] = colour.to_srgba_unmultiplied();
    if a == 0 {
        return format!("{name}=\"none\"");
    }
    let opacity =
        if a == 255 { String::new() } else { format!(" {name}-opacity=\"{}\"", number(f32::from(a) / 255.0)) };
    format!("{name}=\"#{r:02x}{g:02x}{b:02x}\"{opacity}")
}

fn fill(colour: Color32) -> String {
    paint("fill", colour)
}

fn stroke(stroke: Stroke) -> String {
    if stroke.width == 0.0 {
        String::new()
    } else {
        format!("{} stroke-width=\"{}\"", paint("stroke", stroke.color), number(stroke.width))
    }
}

fn shape(shape: &Shape, text: &mut String) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|one| self::shape(one, text)),
        Shape::Circle(circle) => {
            let (x, y, r) = (number(circle.center.x), number(circle.center.y), number(circle.radius));
            let _ = writeln!(
                text,
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" {} {}/>",
                fill(circle.fill),
                stroke(circle.stroke)
            );
        }
        Shape::LineSegment { points, stroke: line } => {
            let [a, b] = points.map(|point| (number(point.x), number(point.y)));
            let _ =
                writeln!(text, "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {}/>", a.0, a.1, b.0, b.1, stroke(*line));
        }
        Shape::Path(path) => self::path(path, text),
        Shape::Rect(rect) => self::rect(rect, text),
        Shape::Text(words) => self::words(words, text),
        // Nothing that is drawn here uses the others.
        _ => {}
    }
}

fn path(path: &PathShape, text: &mut String) {
    let points: Vec<String> =
        path.points.iter().map(|point| format!("{},{}", number(point.x), number(point.y))).collect();
    let kind = if path.closed { "polygon" } else { "polyline" };
    let line = Stroke::new(path.stroke.width, path_colour(path));
    let _ = writeln!(text, "<{kind} points=\"{}\" {} {}/>", points.join(" "), fill(path.fill), stroke(line));
}

fn path_colour(path: &PathShape) -> Color32 {
    match &path.stroke.color {
        egui::epaint::ColorMode::Solid(colour) => *colour,
        egui::epaint::ColorMode::UV(_) => Color32::GRAY,
    }
}

fn rect(rect: &RectShape, text: &mut String) {
    let radius = rect.corner_radius.nw;
    let _ = writeln!(text, "<rect {} rx=\"{radius}\" {} {}/>", place(rect.rect), fill(rect.fill), stroke(rect.stroke));
}

fn words(words: &TextShape, text: &mut String) {
    for row in &words.galley.rows {
        let mut x = words.pos.x + row.pos.x;
        let y = words.pos.y + row.pos.y + row.row.size.y * 0.78;
        // Texts of pictures have one format each.
        let Some(format) = words.galley.job.sections.first().map(|section| &section.format) else { continue };
        let colour = words.override_text_color.unwrap_or(if format.color == Color32::PLACEHOLDER {
            words.fallback_color
        } else {
            format.color
        });
        let family = match format.font_id.family {
            FontFamily::Monospace => "monospace",
            _ => "sans-serif",
        };
        let content: String = row.row.glyphs.iter().map(|glyph| glyph.chr).collect();
        let width = row.row.size.x;
        let trimmed = content.trim_start();
        if trimmed.len() < content.len() {
            x += width * (content.len() - trimmed.len()) as f32 / content.len().max(1) as f32;
        }
        let _ = writeln!(
            text,
            "<text x=\"{}\" y=\"{}\" font-family=\"{family}\" font-size=\"{}\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\" {}>{}</text>",
            number(x),
            number(y),
            number(format.font_id.size),
            number(width),
            fill(colour),
            escape(trimmed)
        );
    }
}

/// Text without characters that mean something in XML.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_numbers_are_short() {
        assert_eq!(escape("<a@b> & \"c\""), "&lt;a@b&gt; &amp; &quot;c&quot;");
        assert_eq!(number(1.500), "1.5");
        assert_eq!(number(-2.0), "-2");
    }
}
