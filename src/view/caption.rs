//! The one line under the picture: who does what, and why.

use crate::session::story::{Sentence, Who};
use crate::session::words::Words;
use crate::trace::{Event, Kind, Step};

/// Most letters of a caption's words.
const LONGEST: usize = 160;

/// The caption of an event: its sentence, who it is about, and the rule that decided.
pub fn caption(sentence: &Sentence, event: &Event, words: &Words) -> String {
    // Of many lines the first says what they are.
    let mut lines = sentence.text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    let text = if lines.next().is_some() { format!("{first} …") } else { first.to_owned() };
    let text = match &sentence.who {
        Who::World => text,
        Who::Host(host) => format!("{host}: {text}"),
        Who::Says { from, to } => format!("{from} → {to}: {text}"),
        Who::Answers { from, to } => format!("{from} → {to}: {text}"),
    };
    let text = cut(&text, LONGEST);
    match reason(event) {
        Some(reason) => format!("{text}, {} {}", words.word("because"), cut(&reason, LONGEST / 2)),
        None => text,
    }
}

/// The rule that decided, in short.
fn reason(event: &Event) -> Option<String> {
    let shows = matches!(
        event.kind,
        Kind::RouteDecide { .. } | Kind::PolicyVerdict { .. } | Kind::Deliver { .. } | Kind::Rewrite { .. }
    );
    let decision = event.why.as_deref().filter(|_| shows)?;
    let step: &Step = decision.steps.iter().find(|step| step.matched)?;
    let place = step.source.as_ref().map_or(String::new(), |source| format!(" ({source})"));
    let input = if step.input.is_empty() { String::new() } else { format!(" [{}]", step.input) };
    Some(format!("{}{place}{input}", step.rule))
}

/// At most so many letters of a text.
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!(cut("größer", 4), "grö…");
        assert_eq!(cut("kurz", 4), "kurz");
    }
}
