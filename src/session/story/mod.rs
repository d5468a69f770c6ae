//! A trace as a story for an 80-column terminal.
//!
//! An event is one line: the time since the beginning, who speaks to whom, and what. Dialogues
//! have arrows, the reason of a decision stands below it, and a summary closes the story.

mod ending;
mod facts;
mod sentence;
mod teller;
pub(crate) mod wrap;

use std::fmt::Write as _;

use super::Session;
pub use super::words::Lang;
use super::words::Words;
use crate::sim::Time;
pub use facts::{Facts, connection};
pub use sentence::{Narrator, Sentence, Who};
use teller::Teller;
use wrap::wrap;

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Narration, commands, outcomes, and the summary.
    Quiet,
    /// Also dialogues and the rules that decided.
    #[default]
    Normal,
    /// Everything, with all steps of all decisions, log lines, and how the hosts were set up.
    Verbose,
}

/// How a story is written.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// Language of narration and headings.
    pub lang: Lang,
    /// How much is told.
    pub detail: Detail,
    /// Whether colours are used.
    pub colour: bool,
    /// Only events whose type begins with one of these; all if empty.
    pub events: Vec<String>,
}

impl Style {
    /// Whether events of this type are wanted.
    pub fn wants(&self, name: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|wanted| name.starts_with(wanted.as_str()))
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        match tone.code().filter(|_| self.colour && !text.is_empty()) {
            Some(code) => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            None => text.to_owned(),
        }
    }
}

/// What a text is, which decides its colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// A heading.
    Title,
    /// The scenario's narration.
    Narration,
    /// It went well.
    Good,
    /// It failed for good.
    Bad,
    /// It failed for now.
    Waiting,
    /// Details.
    Dim,
}

impl Tone {
    /// The SGR parameters of ECMA-48.
    fn code(self) -> Option<&'static str> {
        match self {
            Tone::Plain => None,
            Tone::Title => Some("1"),
            Tone::Narration => Some("1;36"),
            Tone::Good => Some("32"),
            Tone::Bad => Some("31"),
            Tone::Waiting => Some("33"),
            Tone::Dim => Some("2"),
        }
    }
}

/// Columns of the terminal that the story is written for.
const WIDTH: usize = 80;

/// The whole story of a session: heading, events, ending.
pub fn tell(session: &Session, style: &Style) -> String {
    let words = Words::new(style.lang);
    let mut text = heading(session, style, &words);
    let facts = Facts::of(session.world());
    Teller::new(session, style, &words, &facts).events(&mut text);
    ending::tell(session, style, &words, &mut text);
    text
}

/// Title, summary, and the hosts with their addresses.
fn heading(session: &Session, style: &Style, words: &Words) -> String {
    let scenario = session.scenario();
    let title = style.lang.pick(&scenario.title.en, &scenario.title.de);
    let summary = style.lang.pick(&scenario.summary.en, &scenario.summary.de);
    let mut text = String::new();
    for line in wrap(title, WIDTH) {
        let _ = writeln!(text, "{}\n{}", style.paint(Tone::Title, &line), "=".repeat(line.chars().count()));
    }
    for line in wrap(summary, WIDTH) {
        let _ = writeln!(text, "{line}");
    }
    let begins = words.say("begins", &[("time", (&moment(scenario.start)).into())]);
    let _ = writeln!(text, "\n{begins}\n");
    let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let names = longest(&mut scenario.hosts.iter().map(|host| host.name.len()));
    let fqdns = longest(&mut scenario.hosts.iter().map(|host| host.fqdn.len()));
    for host in &scenario.hosts {
        let addrs: Vec<String> = host.addrs.iter().map(ToString::to_string).collect();
        let line = format!("{:<names$}  {:<fqdns$}  {}", host.name, host.fqdn, addrs.join(" "));
        for part in wrap(&line, WIDTH - 2) {
            let _ = writeln!(text, "  {part}");
        }
    }
    text
}

/// A moment as date and time in UTC, in seconds.
fn moment(time: Time) -> String {
    time.zoned(&jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
