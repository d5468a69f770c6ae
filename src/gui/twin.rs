//! The window's twin in words: what is shown, for readers of the screen, braille displays, and whoever watches a
//! window from outside.

use std::fmt::Write as _;

use super::stage::{Selection, Stage};
use super::window::Window;
use crate::session::words::Words;
use crate::view::scene;
use crate::view::timing::clock;
use crate::view::why::why;

impl Window {
    /// What is shown, line by line: a name, a colon, and what it is. The reasons of the event that is selected, or
    /// of the present one, come last.
    pub fn twin(&self) -> String {
        let mut text = String::new();
        let Some(stage) = &self.stage else {
            let _ = writeln!(text, "screen: chooser");
            for choice in self.choices() {
                let title = &choice.entry.title;
                let _ = writeln!(text, "choice: {}", self.words.lang().pick(&title.en, &title.de));
            }
            if let Some(error) = self.error() {
                let _ = writeln!(text, "error: {error}");
            }
            return text;
        };
        let title = &stage.session.scenario().title;
        let _ = writeln!(text, "screen: {}", self.words.lang().pick(&title.en, &title.de));
        tell(&mut text, stage, &self.words);
        text
    }
}

fn tell(text: &mut String, stage: &Stage, words: &Words) {
    let scene = scene(&stage.session, &stage.index, words, stage.playhead.at);
    let _ = writeln!(text, "time: {}", clock(stage.time()));
    let _ = writeln!(text, "plays: {}", if stage.playhead.playing { "yes" } else { "no" });
    let _ = writeln!(text, "future: {}", stage.branch);
    for future in &stage.futures {
        let _ = writeln!(text, "other future: {}", future.name);
    }
    if let Some(narration) = &scene.narration {
        let _ = writeln!(text, "narration: {}", narration.replace('\n', " "));
    }
    if let Some(gap) = &scene.gap {
        let _ = writeln!(text, "gap: {gap}");
    }
    if let Some(caption) = &scene.caption {
        let _ = writeln!(text, "caption: {}", caption.text);
    }
    if let Some(note) = stage.note {
        let _ = writeln!(text, "note: {}", words.word(note));
    }
    if let Some(error) = &stage.error {
        let _ = writeln!(text, "error: {error}");
    }
    let asked = stage.questions.asked.and_then(|number| stage.session.lab()?.lab.predict.get(number).cloned());
    if let Some(question) = asked {
        let _ = writeln!(text, "question: {}", words.lang().pick(&question.ask.en, &question.ask.de));
    }
    let world = stage.session.world();
    if let Some(Selection::Host(host)) = stage.selection {
        let _ = writeln!(text, "host: {}", world.host(host).name);
    }
    for cause in why(&stage.session, &stage.index, words, stage.asked_about()) {
        let who = if cause.who.is_empty() { String::new() } else { format!("{}: ", cause.who) };
        let _ = writeln!(text, "why: {who}{}", cause.text);
        let Some(reasons) = cause.decision else { continue };
        for rule in reasons.rules {
            let mark = if rule.matched { "applies" } else { "no" };
            let source = rule.source.map_or(String::new(), |source| format!(" ({source})"));
            let _ = writeln!(text, "  rule: {mark}: {}{source} [{}] {}", rule.rule, rule.input, rule.outcome);
        }
        let _ = writeln!(text, "  verdict: {}", reasons.verdict);
    }
}
