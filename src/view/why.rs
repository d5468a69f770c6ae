//! Why? For any event: the chain of causes that led to it, and the decisions on the way, rule by rule.

use serde::Serialize;

use super::asked::asked;
use super::caption::cut;
use super::index::Index;
use super::told::told;
use crate::session::Session;
use crate::session::story::{Narrator, Tone, Who};
use crate::session::words::Words;
use crate::trace::{Decision, Event, EventId, Kind, Source};

/// Most links of a chain that are shown.
const LONGEST_CHAIN: usize = 40;

/// One link of the chain: an event in words, with its decision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cause {
    /// The event.
    pub event: EventId,
    /// On which host.
    pub who: String,
    /// What happened.
    pub text: String,
    /// What it means for the mail.
    #[serde(skip)]
    pub tone: Tone,
    /// How it was decided.
    pub decision: Option<Reasons>,
}

/// A decision made ready for reading.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reasons {
    /// The question.
    pub question: String,
    /// The rules in the order in which they were looked at.
    pub rules: Vec<Rule>,
    /// The answer.
    pub verdict: String,
    /// What would have been looked at next if the deciding rule had not applied.
    pub otherwise: Option<String>,
}

/// A rule that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// The rule.
    pub rule: String,
    /// Where it stands: a link to the file.
    pub source: Option<Source>,
    /// What was compared.
    pub input: String,
    /// Whether it applied.
    pub matched: bool,
    /// What came of it.
    pub outcome: String,
}

/// The chain that led to an event, the event itself first.
pub fn why(session: &Session, index: &Index, words: &Words, event: EventId) -> Vec<Cause> {
    let trace = session.world().trace();
    let narrator = Narrator::new(session, words, &index.facts);
    let mut chain = Vec::new();
    let mut next = trace.get(event);
    while let Some(event) = next.filter(|_| chain.len() < LONGEST_CHAIN) {
        // Lines of the log repeat what the events say, and octets what the commands say.
        let tells = !matches!(event.kind, Kind::LogLine { .. } | Kind::SmtpData { .. } | Kind::ShellExit { .. });
        if tells || chain.is_empty() {
            chain.push(cause(session, &narrator, words, event));
        }
        next = event.cause.filter(|cause| *cause < event.id).and_then(|id| trace.get(id));
    }
    chain
}

/// One event in words.
pub fn cause(session: &Session, narrator: &Narrator<'_>, words: &Words, event: &Event) -> Cause {
    let host = event.host.map_or(String::new(), |host| session.world().trace().host_name(host).to_owned());
    let (who, text, tone) = match told(narrator, words, event) {
        Some(sentence) => {
            let who = match sentence.who {
                Who::World => host,
                Who::Host(host) => host,
                Who::Says { from, to } | Who::Answers { from, to } => format!("{from} → {to}"),
            };
            (who, sentence.text, sentence.tone)
        }
        None => match &event.kind {
            Kind::Narrate { en, de } => (host, words.lang().pick(en, de).to_owned(), Tone::Narration),
            kind => (host, kind.name().to_owned(), Tone::Plain),
        },
    };
    let decision = event.why.as_deref().map(|decision| reasons(decision, words));
    Cause { event: event.id, who, text: cut(&text.replace('\n', " "), 400), tone, decision }
}

fn reasons(decision: &Decision, words: &Words) -> Reasons {
    let rules: Vec<Rule> = decision
        .steps
        .iter()
        .map(|step| Rule {
            rule: step.rule.to_string(),
            source: step.source.clone(),
            input: step.input.to_string(),
            matched: step.matched,
            outcome: step.outcome.to_string(),
        })
        .collect();
    // Where one rule decides, the one after it would have been next; where several hold together, none is.
    let mut applied = rules.iter().enumerate().filter(|(_, rule)| rule.matched).map(|(at, _)| at);
    let decided = applied.next().filter(|_| applied.next().is_none());
    let otherwise = decided.and_then(|at| rules.get(at + 1)).map(|rule| rule.rule.clone());
    Reasons { question: asked(&decision.question, words), rules, verdict: decision.verdict.to_string(), otherwise }
}
