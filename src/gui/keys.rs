//! The keyboard: one table for what keys do and for the sheet that shows them.

use egui::{Event, Key};

use super::intent::{Bench, Intent, Tab};
use crate::sim::Duration;
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
        bind(Key::B, true, "B", "key-bounce-back", Intent::Step(Stride::Bounce, false)),
        bind(Key::D, false, "d", "key-decision", Intent::Step(Stride::Decision, true)),
        bind(Key::D, true, "D", "key-decision-back", Intent::Step(Stride::Decision, false)),
        bind(Key::N, false, "n", "key-narration", Intent::Step(Stride::Narration, true)),
        bind(Key::N, true, "N", "key-narration-back", Intent::Step(Stride::Narration, false)),
        bind(Key::W, false, "w", "key-wait", Intent::Wait(Duration::from_secs(60))),
        bind(Key::W, true, "W", "key-wait-long", Intent::Wait(Duration::from_secs(3600))),
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
        bind(Key::X, false, "x", "key-text", Intent::Bench(Bench::Text)),
        bind(Key::U, false, "u", "key-program", Intent::Bench(Bench::Program)),
        bind(Key::K, false, "k", "key-compare", Intent::Compare),
        bind(Key::V, false, "v", "key-future", Intent::NextFuture),
        bind(Key::Num1, false, "1", "tab-why", Intent::Tab(Tab::Why)),
        bind(Key::Num2, false, "2", "tab-dialogue", Intent::Tab(Tab::Dialogue)),
        bind(Key::Num3, false, "3", "tab-message", Intent::Tab(Tab::Message)),
        bind(Key::Num4, false, "4", "tab-event", Intent::Tab(Tab::Event)),
        bind(Key::Num5, false, "5", "tab-config", Intent::Tab(Tab::Config)),
        bind(Key::Num6, false, "6", "tab-mail", Intent::Tab(Tab::Mail)),
        bind(Key::Num7, false, "7", "tab-log", Intent::Tab(Tab::Log)),
        bind(Key::Num8, false, "8", "tab-files", Intent::Tab(Tab::Files)),
        bind(Key::Num9, false, "9", "tab-faults", Intent::Tab(Tab::Faults)),
        bind(Key::Questionmark, false, "?", "key-help", Intent::Help),
    ]
}

/// What the pressed keys want; nothing while somebody types.
pub fn pressed(ctx: &egui::Context, bindings: &[Binding]) -> Vec<Intent> {
    if ctx.text_edit_focused() {
        return Vec::new();
    }
    let meant = |event: &Event| {
        let Event::Key { key, pressed: true, modifiers, .. } = event else { return None };
        let plain = !modifiers.command && !modifiers.alt;
        // Signs may need Shift on some keyboards.
        let sign = !key.name().chars().all(|letter| letter.is_ascii_alphabetic());
        let fits = |binding: &&Binding| binding.key == *key && (sign || binding.shift == modifiers.shift);
        bindings.iter().find(fits).filter(|_| plain).map(|binding| binding.intent.clone())
    };
    // In the order in which they were pressed.
    ctx.input(|input| input.events.iter().filter_map(meant).collect())
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
