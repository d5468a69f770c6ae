//! The one look: colours, sizes of type, spacing. Everything that is drawn takes them from here.

use std::sync::Arc;

use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Stroke, TextStyle, Vec2, Visuals};

use crate::session::story::Tone;
use crate::view::layout::Role;

/// Size of notes.
pub const NOTE: f32 = 12.0;
/// Size of text.
pub const TEXT: f32 = 14.0;
/// Size of names.
pub const NAME: f32 = 17.0;
/// Size of headings.
pub const HEAD: f32 = 22.0;
/// The unit of spacing.
pub const STEP: f32 = 4.0;
/// The one radius of corners.
pub const RADIUS: u8 = 6;
/// How much larger type is in presenter mode.
pub const PRESENTER: f32 = 1.5;

/// How much larger a window is drawn that has so many points in height: on a large screen people sit farther
/// away, and type that is small there is not read.
pub fn enlargement(height: f32) -> f32 {
    ((height / 900.0).clamp(1.0, 2.0) * 20.0).round() / 20.0
}

/// The colours of a theme. Those with meaning come from Okabe and Ito's palette, darkened for text on
/// paper so that every text has a contrast of at least 4.5 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Theme {
    /// Whether it is the dark one.
    pub dark: bool,
    /// Factor of all sizes of type.
    pub scale: f32,
    /// Background of the map.
    pub paper: Color32,
    /// Background of panels.
    pub panel: Color32,
    /// Background of cards and fields.
    pub card: Color32,
    /// Text.
    pub ink: Color32,
    /// Text that is less important.
    pub dim: Color32,
    /// Lines that carry no meaning.
    pub line: Color32,
    /// Background of regions.
    pub region: Color32,
    /// It went well.
    pub good: Color32,
    /// It failed for now.
    pub later: Color32,
    /// It failed for good.
    pub bad: Color32,
    /// Names and addresses.
    pub dns: Color32,
    /// Selected.
    pub selected: Color32,
    /// Mail at rest.
    pub rest: Color32,
}

impl Theme {
    /// For projectors.
    pub const LIGHT: Theme = Theme {
        dark: false,
        scale: 1.0,
        paper: Color32::from_rgb(0xf6, 0xf4, 0xef),
        panel: Color32::from_rgb(0xee, 0xeb, 0xe4),
        card: Color32::from_rgb(0xfd, 0xfc, 0xf9),
        ink: Color32::from_rgb(0x1c, 0x1b, 0x19),
        dim: Color32::from_rgb(0x5a, 0x57, 0x50),
        line: Color32::from_rgb(0xc4, 0xbf, 0xb3),
        region: Color32::from_rgb(0xe9, 0xe6, 0xdc),
        good: Color32::from_rgb(0x00, 0x6e, 0x50),
        later: Color32::from_rgb(0x8a, 0x5a, 0x00),
        bad: Color32::from_rgb(0xae, 0x45, 0x00),
        dns: Color32::from_rgb(0x1f, 0x6d, 0x9c),
        selected: Color32::from_rgb(0x00, 0x68, 0xa3),
        rest: Color32::from_rgb(0x93, 0x4a, 0x74),
    };

    /// For the desk.
    pub const DARK: Theme = Theme {
        dark: true,
        scale: 1.0,
        paper: Color32::from_rgb(0x17, 0x1a, 0x1f),
        panel: Color32::from_rgb(0x1f, 0x23, 0x2a),
        card: Color32::from_rgb(0x2a, 0x2f, 0x38),
        ink: Color32::from_rgb(0xee, 0xec, 0xe6),
        dim: Color32::from_rgb(0xb0, 0xb2, 0xb4),
        line: Color32::from_rgb(0x4c, 0x54, 0x60),
        region: Color32::from_rgb(0x20, 0x25, 0x2d),
        good: Color32::from_rgb(0x3c, 0xc8, 0x9e),
        later: Color32::from_rgb(0xf0, 0xb0, 0x3c),
        bad: Color32::from_rgb(0xff, 0x8c, 0x4a),
        dns: Color32::from_rgb(0x70, 0xc2, 0xf2),
        selected: Color32::from_rgb(0x5a, 0xb4, 0xf0),
        rest: Color32::from_rgb(0xe0, 0x96, 0xbe),
    };

    /// The theme by darkness and size.
    pub fn new(dark: bool, presenter: bool) -> Theme {
        let theme = if dark { Theme::DARK } else { Theme::LIGHT };
        Theme { scale: if presenter { PRESENTER } else { 1.0 }, ..theme }
    }

    /// The colour of a tone.
    pub fn tone(&self, tone: Tone) -> Color32 {
        match tone {
            Tone::Good => self.good,
            Tone::Bad => self.bad,
            Tone::Waiting => self.later,
            Tone::Dim => self.dim,
            Tone::Plain | Tone::Title | Tone::Narration => self.ink,
        }
    }

    /// The colour of a role.
    pub fn role(&self, role: Role) -> Color32 {
        match role {
            Role::Mua => self.rest,
            Role::Msa => self.selected,
            Role::Mta => self.good,
            Role::Mda => self.later,
            Role::Dns => self.dns,
            Role::Outsider => self.bad,
        }
    }

    /// A faint background in a colour.
    pub fn tint(&self, colour: Color32) -> Color32 {
        mix(self.card, colour, 0.14)
    }

    /// Text for people.
    pub fn text(&self, size: f32) -> FontId {
        FontId::new((size * self.scale).round().max(NOTE), FontFamily::Proportional)
    }

    /// Text of machines.
    pub fn mono(&self, size: f32) -> FontId {
        FontId::new((size * self.scale).round().max(NOTE), FontFamily::Monospace)
    }

    /// Gives a window this look.
    pub fn apply(&self, ctx: &egui::Context) {
        let mut visuals = if self.dark { Visuals::dark() } else { Visuals::light() };
        visuals.panel_fill = self.panel;
        visuals.window_fill = self.card;
        visuals.extreme_bg_color = self.card;
        visuals.faint_bg_color = self.region;
        visuals.code_bg_color = self.region;
        visuals.window_stroke = Stroke::new(1.0, self.line);
        visuals.weak_text_color = Some(self.dim);
        visuals.hyperlink_color = self.selected;
        visuals.selection.bg_fill = mix(self.card, self.selected, 0.35);
        visuals.selection.stroke = Stroke::new(1.0, self.ink);
        // Nothing blinks, and a window that stands still draws nothing.
        visuals.text_cursor.blink = false;
        visuals.warn_fg_color = self.later;
        visuals.error_fg_color = self.bad;
        let radius = CornerRadius::same(RADIUS);
        for widget in [
            &mut visuals.widgets.noninteractive,
            &mut visuals.widgets.inactive,
            &mut visuals.widgets.hovered,
            &mut visuals.widgets.active,
            &mut visuals.widgets.open,
        ] {
            widget.corner_radius = radius;
            widget.fg_stroke = Stroke::new(widget.fg_stroke.width.min(1.5), self.ink);
            widget.expansion = 0.0;
        }
        visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, self.line);
        visuals.widgets.inactive.weak_bg_fill = self.card;
        visuals.widgets.inactive.bg_fill = self.card;
        visuals.widgets.inactive.bg_stroke = Stroke::new(1.0, self.line);
        visuals.widgets.hovered.weak_bg_fill = self.tint(self.selected);
        visuals.widgets.hovered.bg_stroke = Stroke::new(1.0, self.selected);
        visuals.widgets.active.weak_bg_fill = mix(self.card, self.selected, 0.3);
        (visuals.window_corner_radius, visuals.menu_corner_radius) = (radius, radius);
        let theme = if self.dark { egui::Theme::Dark } else { egui::Theme::Light };
        ctx.set_theme(theme);
        ctx.set_visuals_of(theme, visuals);
        let own = *self;
        ctx.all_styles_mut(|style| {
            style.text_styles = [
                (TextStyle::Small, own.text(NOTE)),
                (TextStyle::Body, own.text(TEXT)),
                (TextStyle::Button, own.text(TEXT)),
                (TextStyle::Monospace, own.mono(13.0)),
                (TextStyle::Heading, own.text(NAME)),
            ]
            .into();
            style.spacing.item_spacing = Vec2::new(2.0 * STEP, 1.5 * STEP);
            style.spacing.button_padding = Vec2::new(2.0 * STEP, STEP);
            style.spacing.menu_margin = Margin::same(6);
            style.animation_time = 0.0;
        });
    }
}

/// People's type: the regular weight of Ubuntu. egui's own light one is too thin for the last row.
const REGULAR: &[u8] = include_bytes!("fonts/ubuntu-regular.ttf");

/// The fonts: arrows and the like come from the machines' family where people's has none.
pub fn fonts() -> egui::FontDefinitions {
    let mut fonts = egui::FontDefinitions::default();
    fonts.font_data.insert("Ubuntu".to_owned(), Arc::new(egui::FontData::from_static(REGULAR)));
    fonts.families.entry(FontFamily::Proportional).or_default().insert(0, "Ubuntu".to_owned());
    if let Some(family) = fonts.families.get_mut(&FontFamily::Proportional)
        && !family.iter().any(|name| name == "Hack")
    {
        family.push("Hack".to_owned());
    }
    fonts
}

/// A colour between two others.
pub fn mix(from: Color32, to: Color32, part: f32) -> Color32 {
    let channel = |from: u8, to: u8| (f32::from(from) + (f32::from(to) - f32::from(from)) * part).round() as u8;
    Color32::from_rgb(channel(from.r(), to.r()), channel(from.g(), to.g()), channel(from.b(), to.b()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance (WCAG 2.1).
    fn luminance(colour: Color32) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(colour.r()) + 0.7152 * channel(colour.g()) + 0.0722 * channel(colour.b())
    }

    fn contrast(one: Color32, other: Color32) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_text_stands_out_from_every_background() {
        for theme in [Theme::LIGHT, Theme::DARK] {
            let texts =
                [theme.ink, theme.dim, theme.good, theme.later, theme.bad, theme.dns, theme.selected, theme.rest];
            for text in texts {
                for ground in [theme.paper, theme.panel, theme.card, theme.region, theme.tint(text)] {
                    let contrast = contrast(text, ground);
                    assert!(contrast >= 4.5, "{text:?} on {ground:?}: {contrast:.2}");
                }
            }
        }
    }
}
