//! Sentences of the story as pictures need them: each event by itself.

use crate::session::story::{Narrator, Sentence, Tone, Who};
use crate::session::words::Words;
use crate::trace::{Event, Kind};

/// The sentence of an event that is seen by itself. A story tells a question together with its answer; in a
/// picture it is on its way, and nobody knows yet whether there will be one.
pub fn told(narrator: &Narrator<'_>, words: &Words, event: &Event) -> Option<Sentence> {
    let mut sentence = narrator.sentence(event)?;
    match &event.kind {
        Kind::DnsQuery { qname, qtype, .. } => {
            sentence.text = words.say("dns-asks", &[("type", qtype.into()), ("name", qname.into())]);
            sentence.tone = Tone::Plain;
        }
        Kind::DnsAnswer { .. } => {
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
