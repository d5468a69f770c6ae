//! The lines of a story: time, who, what, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::facts::{Facts, connection};
use super::sentence::{self, Narrator, Sentence, Who};
use super::wrap::wrap;
use super::{Detail, Style, Tone, WIDTH, moment};
use crate::session::Session;
use crate::session::words::Words;
use crate::sim::{Duration, Socket, Time};
use crate::trace::{Decision, Event, EventId, Kind};

/// Columns for the time.
const TIME: usize = 8;
/// Most columns for who speaks to whom.
const MAX_WHO: usize = 21;
/// A stretch of time without anything to tell that is said in words.
const GAP: Duration = Duration::from_secs(30);

pub(super) struct Teller<'a> {
    session: &'a Session,
    style: &'a Style,
    words: &'a Words,
    /// Columns for who speaks to whom.
    who: usize,
    /// Queries that got an answer: they are told together with it.
    answered: BTreeSet<EventId>,
    /// Connections whose opening is still to be told, with what their servers said before.
    unopened: BTreeMap<Socket, Vec<&'a Event>>,
    narrator: Narrator<'a>,
    last: Time,
    last_clock: String,
}

impl<'a> Teller<'a> {
    pub(super) fn new(session: &'a Session, style: &'a Style, words: &'a Words, facts: &'a Facts) -> Teller<'a> {
        let mut lengths: Vec<usize> = session.scenario().hosts.iter().map(|host| host.name.chars().count()).collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        let two: usize = lengths.iter().take(2).sum();
        Teller {
            session,
            style,
            words,
            who: (two + " ──▶ ".chars().count()).min(MAX_WHO),
            answered: answered(session),
            unopened: unopened(session),
            narrator: Narrator::new(session, words, facts),
            last: session.scenario().start,
            last_clock: String::new(),
        }
    }

    /// Tells all events that are wanted.
    pub(super) fn events(&mut self, text: &mut String) {
        let session = self.session;
        for event in session.world().trace().iter() {
            match &event.kind {
                // A server greets in the moment in which its client notices the connection.
                Kind::SmtpReply { session, .. } if self.unopened.contains_key(&connection(*session)) => {
                    self.unopened.entry(connection(*session)).or_default().push(event);
                }
                Kind::TcpConnect { sock, .. } => {
                    self.event(event, text);
                    for greeting in self.unopened.remove(&connection(*sock)).unwrap_or_default() {
                        self.event(greeting, text);
                    }
                }
                _ => self.event(event, text),
            }
        }
    }

    fn event(&mut self, event: &Event, text: &mut String) {
        let sentence = self.narrator.sentence(event);
        let verbose = self.style.detail == Detail::Verbose;
        let filtered = !self.style.events.is_empty();
        let set_up = event.id.0 <= self.session.set_up_events();
        // The answer tells the question, too.
        let told_later = self.answered.contains(&event.id);
        if !self.style.wants(event.kind.name()) || ((set_up || told_later) && !verbose && !filtered) {
            return;
        }
        if let Kind::Narrate { en, de } = &event.kind {
            self.gap(event.time, text);
            return self.narrate(self.words.lang().pick(en, de), text);
        }
        let Some(sentence) = sentence else { return };
        // A filter shows what it names, however detailed that is.
        if sentence.detail <= self.style.detail || filtered {
            self.gap(event.time, text);
            self.line(event, &sentence, text);
            if let Some(reply) = self.narrator.reply_of(event) {
                self.line(event, &reply, text);
            }
        }
    }

    fn narrate(&mut self, narration: &str, text: &mut String) {
        text.push('\n');
        let mut mark = "■ ";
        for line in wrap(narration, WIDTH - 2) {
            let _ = writeln!(text, "{}", self.style.paint(Tone::Narration, &format!("{mark}{line}")));
            mark = "  ";
        }
        self.last_clock.clear();
    }

    /// Folds a long time in which nothing is told.
    fn gap(&mut self, time: Time, text: &mut String) {
        if time > self.last + GAP {
            let gap = stretch(time.since(self.last));
            let line = self.words.say("gap", &[("gap", (&gap).into()), ("time", (&moment(time)).into())]);
            let _ = writeln!(text, "\n{:TIME$}  {}", "", self.style.paint(Tone::Dim, &format!("⋯ {line}")));
            self.last_clock.clear();
        }
        self.last = self.last.max(time);
    }

    fn line(&mut self, event: &Event, sentence: &Sentence, text: &mut String) {
        let clock = clock(event.time.since(self.session.scenario().start));
        let shown = if clock == self.last_clock { "" } else { clock.as_str() };
        let mut time = format!("{shown:>TIME$}");
        self.last_clock = clock;
        let who = match &sentence.who {
            Who::World => String::new(),
            Who::Host(host) => host.clone(),
            Who::Says { from, to } => format!("{from} ──▶ {to}"),
            Who::Answers { from, to } => format!("{to} ◀── {from}"),
        };
        let mut who = cut(&who, self.who);
        let columns = self.who;
        if let Kind::ShellOutput { text: output } = &event.kind {
            return self.output(output, text);
        }
        let parts = wrap(&sentence.text, WIDTH - TIME - columns - 4);
        for part in parts {
            let padding = " ".repeat(columns.saturating_sub(who.chars().count()));
            let shown = self.style.paint(sentence.tone, &part);
            let line = format!("{}  {who}{padding}  {shown}", self.style.paint(Tone::Dim, &time));
            let _ = writeln!(text, "{}", line.trim_end());
            (time, who) = (" ".repeat(TIME), String::new());
        }
        if let Some(why) = event.why.as_deref().filter(|_| self.style.detail > Detail::Quiet) {
            self.reason(event, why, text);
        }
    }

    /// What a command printed, in its own lines.
    fn output(&self, output: &str, text: &mut String) {
        const MARK: &str = "    │ ";
        for line in output.lines() {
            let letters: Vec<char> = expand_tabs(line).chars().filter(|letter| !letter.is_control()).collect();
            let parts = letters.chunks(WIDTH - MARK.chars().count()).map(|part| part.iter().collect::<String>());
            for part in parts.chain(letters.is_empty().then(String::new)) {
                let _ = writeln!(text, "{}", self.style.paint(Tone::Dim, format!("{MARK}{part}").trim_end()));
            }
        }
    }

    /// The steps that led to a verdict: those that applied, or all of them with the question.
    fn reason(&self, event: &Event, why: &Decision, text: &mut String) {
        let verbose = self.style.detail == Detail::Verbose;
        if !verbose && !sentence::needs_reason(&event.kind) {
            return;
        }
        let failed = sentence::is_failed_check(&event.kind);
        let margin = TIME + self.who + 4;
        let mut line = |mark: &str, content: &str| {
            let mut indent = "";
            for part in wrap(&format!("{mark} {content}"), WIDTH - margin - 2) {
                let shown = self.style.paint(Tone::Dim, &format!("{indent}{part}"));
                let _ = writeln!(text, "{:margin$}{shown}", "");
                indent = "  ";
            }
        };
        if verbose && !why.question.is_empty() {
            line("?", &why.question);
        }
        let because = self.words.word("because");
        let mut mark = because.as_str();
        for step in why.steps.iter().filter(|step| verbose || step.matched != failed) {
            let place = step.source.as_ref().map_or(String::new(), |source| format!(" ({source})"));
            let input = if step.input.is_empty() { String::new() } else { format!(" [{}]", step.input) };
            let shown = if step.matched || !verbose { mark } else { "-" };
            let outcome = if says(&event.kind, &step.outcome) { String::new() } else { format!(": {}", step.outcome) };
            line(shown, &format!("{}{place}{input}{outcome}", step.rule));
            mark = if verbose { because.as_str() } else { " " };
        }
        if verbose && !why.verdict.is_empty() {
            line("=", &why.verdict);
        }
    }
}

/// Whether an event's own line has these words already.
fn says(kind: &Kind, words: &str) -> bool {
    match kind {
        Kind::PolicyVerdict { text, .. } => !text.is_empty() && text == words,
        _ => false,
    }
}

/// Queries that an answer follows, with the same asker, name and type.
fn answered(session: &Session) -> BTreeSet<EventId> {
    let mut open: BTreeMap<_, EventId> = BTreeMap::new();
    let mut answered = BTreeSet::new();
    for event in session.world().trace().iter() {
        match &event.kind {
            Kind::DnsQuery { from, resolver, qname, qtype } => {
                open.insert((*from, *resolver, qname, qtype), event.id);
            }
            Kind::DnsAnswer { from, to, qname, qtype, .. } => {
                answered.extend(open.remove(&(*to, *from, qname, qtype)));
            }
            _ => {}
        }
    }
    answered
}

/// Connections that are opened later in the trace than their servers' first words.
fn unopened(session: &Session) -> BTreeMap<Socket, Vec<&Event>> {
    let connects = session.world().trace().iter().filter_map(|event| match &event.kind {
        Kind::TcpConnect { sock, .. } => Some((connection(*sock), Vec::new())),
        _ => None,
    });
    connects.collect()
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Tabs as blanks up to the next multiple of eight.
fn expand_tabs(line: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for letter in line.chars() {
        let blanks = if letter == '\t' { 8 - column % 8 } else { 0 };
        text.extend(std::iter::repeat_n(' ', blanks));
        if blanks == 0 {
            text.push(letter);
        }
        column += blanks.max(1);
    }
    text
}

/// The time since the beginning as `12.345`, `3:04.5` or `2h05:00`.
fn clock(time: Duration) -> String {
    let (seconds, millis) = (time.as_secs(), time.subsec_millis());
    match seconds {
        0..60 => format!("{seconds}.{millis:03}"),
        60..3600 => format!("{}:{:02}.{}", seconds / 60, seconds % 60, millis / 100),
        _ => format!("{}h{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

/// A stretch of time in its two largest units: `2 d 3 h`.
fn stretch(time: Duration) -> String {
    let seconds = time.as_secs();
    let units = [(86_400, "d"), (3600, "h"), (60, "min"), (1, "s")];
    let mut parts = Vec::new();
    let mut rest = seconds;
    for (size, unit) in units {
        if rest >= size && parts.len() < 2 {
            parts.push(format!("{} {unit}", rest / size));
            rest %= size;
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(clock(Duration::from_millis(1_234)), "1.234");
        assert_eq!(clock(Duration::from_millis(184_500)), "3:04.5");
        assert_eq!(clock(Duration::from_secs(7_500)), "2h05:00");
    }

    #[test]
    fn stretches_have_their_two_largest_units() {
        assert_eq!(stretch(Duration::from_secs(1_798)), "29 min 58 s");
        assert_eq!(stretch(Duration::from_secs(86_400 * 2 + 7_205)), "2 d 2 h");
    }

    #[test]
    fn long_pairs_of_names_are_cut() {
        assert_eq!(cut("workstation ──▶ resolver", 12), "workstation…");
    }
}
