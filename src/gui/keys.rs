//! The keyboard: one table for what keys do and for the sheet that shows them.

use egui::{Key, Modifiers};

use super::intent::{Bench, Intent};
use crate::view::playhead::Stride;

/// A key with what it does.
pub struct Binding {
    /// The key.
    pub key: Key,
    /// With Shift.
    pub shift: bool,
    /// How it is written on the sheet.
    pub shown: &'static str,
    /// The name of its words in the language files.
    pub word: &'static str,
    /// What it does.
    pub intent: Intent,
}

fn bind(key: Key, shift: bool, shown: &'static str, word: &'static str, intent: Intent) -> Binding {
    Binding { key, shift, shown, word, intent }
}

/// All keys.
pub fn bindings() -> Vec<Binding> {
    vec![
        bind(Key::Space, false, "Space", "key-play", Intent::Toggle),
        bind(Key::ArrowRight, false, "→", "key-next", Intent::Step(Stride::Beat, true)),
        bind(Key::ArrowLeft, false, "←", "key-back", Intent::Step(Stride::Beat, false)),
        bind(Key::PageDown, false, "PgDn", "key-next", Intent::Step(Stride::Beat, true)),
        bind(Key::PageUp, false, "PgUp", "key-back", Intent::Step(Stride::Beat, false)),
        bind(Key::C, false, "c", "key-command", Intent::Step(Stride::Command, true)),
        bind(Key::C, true, "C", "key-command-back", Intent::Step(Stride::Command, false)),
        bind(Key::H, false, "h", "key-hop", Intent::Step(Stride::Hop, true)),
        bind(Key::H, true, "H", "key-hop-back", Intent::Step(Stride::Hop, false)),
        bind(Key::R, false, "r", "key-refusal", Intent::Step(Stride::Refusal, true)),
        bind(Key::R, true, "R", "key-refusal-back", Intent::Step(Stride::Refusal, false)),
        bind(Key::B, false, "b", "key-bounce", Intent::Step(Stride::Bounce, true)),
        bind(Key::D, false, "d", "key-decision", Intent::Step(Stride::Decision, true)),
        bind(Key::N, false, "n", "key-narration", Intent::Step(Stride::Narration, true)),
        bind(Key::Plus, false, "+", "key-faster", Intent::Speed(true)),
        bind(Key::Minus, false, "-", "key-slower", Intent::Speed(false)),
        bind(Key::Home, false, "Home", "key-start", Intent::Seek(crate::view::Screen(0))),
        bind(Key::End, false, "End", "key-end", Intent::Seek(crate::view::Screen(u64::MAX))),
        bind(Key::F, false, "f", "key-fit", Intent::Fit),
        bind(Key::Escape, false, "Esc", "key-out", Intent::Out),
        bind(Key::P, false, "p", "key-presenter", Intent::Presenter),
        bind(Key::Period, false, ".", "key-black", Intent::Black),
        bind(Key::L, false, "l", "key-laser", Intent::Laser),
        bind(Key::G, false, "g", "key-language", Intent::Language),
        bind(Key::T, false, "t", "key-theme", Intent::Dark),
        bind(Key::S, false, "s", "key-story", Intent::Story),
        bind(Key::I, false, "i", "key-inspector", Intent::Inspector),
        bind(Key::E, false, "e", "key-events", Intent::Bench(Bench::Events)),
        bind(Key::Q, false, "q", "key-sequence", Intent::Bench(Bench::Sequence)),
        bind(Key::M, false, "m", "key-mails", Intent::Bench(Bench::Mails)),
        bind(Key::Questionmark, false, "?", "key-help", Intent::Help),
    ]
}

/// What the pressed keys want; nothing while somebody types.
pub fn pressed(ctx: &egui::Context, bindings: &[Binding]) -> Vec<Intent> {
    if ctx.text_edit_focused() {
        return Vec::new();
    }
    ctx.input(|input| {
        let plain = !input.modifiers.command && !input.modifiers.alt;
        let shift = input.modifiers.contains(Modifiers::SHIFT);
        let hit = |binding: &&Binding| {
            // Signs may need Shift on some keyboards.
            let sign = !binding.key.name().chars().all(|letter| letter.is_ascii_alphabetic());
            plain && input.key_pressed(binding.key) && (sign || binding.shift == shift)
        };
        bindings.iter().filter(hit).map(|binding| binding.intent.clone()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things() {
        let bindings = bindings();
        for (number, binding) in bindings.iter().enumerate() {
            let same = |other: &&Binding| (other.key, other.shift) == (binding.key, binding.shift);
            assert_eq!(bindings[..number].iter().filter(same).count(), 0, "{}", binding.shown);
        }
    }
}
