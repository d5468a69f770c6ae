//! Sentences of the story as pictures need them: each event by itself.

use crate::session::story::{Narrator, Sentence, Tone, Who};
use crate::session::words::Words;
use crate::trace::{Event, Kind};

/// The sentence of an event that is seen by itself. A story tells a question together with its answer; in a
/// picture it is on its way, and nobody knows yet whether there will be one. A story has the lines around it that
/// say what a queue id or a printed line belongs to; a picture has not.
pub fn told(narrator: &Narrator<'_>, words: &Words, event: &Event) -> Option<Sentence> {
    let mut sentence = narrator.sentence(event)?;
    match &event.kind {
        Kind::DnsQuery { qname, qtype, .. } => {
            sentence.text = words.say("dns-asks", &[("type", qtype.into()), ("name", qname.into())]);
            sentence.tone = Tone::Plain;
        }
        Kind::QueueMove { queue_id, queue, reason, .. } => {
            let variables = [("id", queue_id.into()), ("queue", queue.into()), ("reason", reason.into())];
            sentence.text = words.say("told-queue", &variables);
        }
        Kind::QueueLeave { queue_id, .. } => sentence.text = words.say("told-leave", &[("id", queue_id.into())]),
        Kind::Bounce { report_id, to, .. } => {
            sentence.text = words.say("told-bounce", &[("to", to.into()), ("id", report_id.into())]);
        }
        Kind::ShellOutput { .. } => {
            sentence.text = words.say("told-output", &[("text", (&sentence.text).into())]);
        }
        Kind::DnsAnswer { cached, qtype, qname, .. } => {
            if let Some(answer) = narrator.answer(&event.kind) {
                let id = if *cached { "told-remembered" } else { "told-answer" };
                let variables = [("type", qtype.into()), ("name", qname.into()), ("answer", (&answer).into())];
                sentence.text = words.say(id, &variables);
            }
            if let Who::Says { from, to } = sentence.who {
                sentence.who = Who::Answers { from: to, to: from };
            }
        }
        _ => {}
    }
    // The fonts of pictures have the heavy marks only.
    sentence.text = sentence.text.replace('✓', "✔").replace('✗', "✖");
    Some(sentence)
}
