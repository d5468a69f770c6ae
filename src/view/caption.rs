//! The one line under the picture: who does what, and why, or what it means.

use super::dialogue::{command_meaning, reply_meaning, verb};
use crate::session::story::{Sentence, Who};
use crate::session::words::Words;
use crate::trace::{DeliveryStatus, Event, Kind, Step};

/// Most letters of a caption's words.
const LONGEST: usize = 160;

/// The caption of an event: its sentence, who it is about, and the rule that decided or what the words mean.
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
    if let Some(rule) = rule(event) {
        return words.say("caption-rule", &[("text", (&text).into()), ("rule", (&cut(&rule, LONGEST / 2)).into())]);
    }
    match meaning(event, words) {
        Some(meaning) if text.chars().count() + meaning.chars().count() <= LONGEST => format!("{text} – {meaning}"),
        _ => text,
    }
}

/// The rule that decided, and where it stands. What it looked at is under Why?.
fn rule(event: &Event) -> Option<String> {
    let shows = match &event.kind {
        Kind::RouteDecide { .. } | Kind::PolicyVerdict { .. } | Kind::Rewrite { .. } => true,
        // A rule names the mailbox; why it could not be written is in the text.
        Kind::Deliver { status, .. } => *status == DeliveryStatus::Sent,
        _ => false,
    };
    let decision = event.why.as_deref().filter(|_| shows)?;
    let step: &Step = decision.steps.iter().find(|step| step.matched)?;
    let place = step.source.as_ref().map_or(String::new(), |source| format!(" ({source})"));
    Some(format!("{}{place}", step.rule))
}

/// What the words of a dialogue mean.
fn meaning(event: &Event, words: &Words) -> Option<String> {
    let (id, _) = match &event.kind {
        Kind::SmtpCmd { line, .. } => command_meaning(&verb(line)),
        Kind::SmtpReply { code, text, .. } => reply_meaning(*code, text),
        _ => return None,
    };
    (!id.is_empty()).then(|| words.word(id))
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
