//! `mxlab run`: plays a scenario and tells what happened.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Outcome, files};
use crate::session::sequence::{self, Dialect};
use crate::session::story::{self, Detail, Lang, Style};
use crate::session::{Input, Session};

/// What is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A readable story.
    #[default]
    Text,
    /// One JSON object per event.
    Json,
    /// A Mermaid sequence diagram.
    Mermaid,
    /// A PlantUML sequence diagram.
    Plantuml,
}

/// How a trace is shown; the same for `run` and `replay`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Language of narration and headings
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
    /// Only narration, outcomes and summary
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Everything, with all steps of all decisions and log lines
    #[arg(long, short)]
    verbose: bool,
    /// Only these types of events, by the beginnings of their names: smtp,dns.answer
    #[arg(long, value_name = "FILTER", value_delimiter = ',')]
    events: Vec<String>,
}

/// Arguments of `mxlab run`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A built-in scenario's name, or a file
    scenario: String,
    /// Stop so long after the beginning: 90s, 2h
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Another seed than the scenario's
    #[arg(long)]
    seed: Option<u64>,
    /// Write a recording
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write the packets for Wireshark and tcpdump
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    #[command(flatten)]
    show: Show,
}

/// Plays the scenario.
pub fn main(args: &Args) -> Outcome {
    let until = match args.until.as_deref().map(|text| (text, crate::scenario::parse_duration(text))) {
        Some((text, None)) => {
            eprintln!("mxlab: --until {text}: not a stretch of time; write 90s or 2h30m");
            return Outcome::Invalid;
        }
        Some((_, time)) => time,
        None => None,
    };
    let Some(scenario) = files::load(&args.scenario) else { return Outcome::Invalid };
    let start = scenario.start;
    let mut session = match Session::new(Arc::new(scenario), args.seed, None) {
        Ok(session) => session,
        Err(error) => {
            eprintln!("mxlab: {}: {error}", args.scenario);
            return Outcome::Invalid;
        }
    };
    if args.pcap.is_some() {
        session.tap();
    }
    session.run_script(until.map(|time| start + time));
    if let Some(file) = &args.pcap {
        let packets = crate::session::pcap::file(&session.take_packets());
        if let Err(error) = files::write_atomically(file, &packets) {
            eprintln!("mxlab: {}: {error}", file.display());
            return Outcome::Invalid;
        }
    }
    if let Some(file) = &args.record {
        // The end of the run is an input, too: time has passed up to it.
        let recorded = session.apply(Input::Pass).is_ok();
        session.note_digest();
        if let Err(error) = files::write_atomically(file, session.recording().to_text().as_bytes()) {
            eprintln!("mxlab: {}: {error}", file.display());
            return Outcome::Invalid;
        }
        debug_assert!(recorded);
    }
    show(&session, &args.show);
    if session.failed_expectations() > 0 { Outcome::Failed } else { Outcome::Good }
}

/// Prints the trace of a session as wanted.
pub fn show(session: &Session, args: &Show) {
    let world = session.world();
    let detail = match (args.quiet, args.verbose) {
        (true, _) => Detail::Quiet,
        (_, true) => Detail::Verbose,
        _ => Detail::Normal,
    };
    let style = Style { lang: args.lang, detail, colour: colour(), events: args.events.clone() };
    let text = match args.format {
        Format::Text => story::tell(session, &style),
        Format::Json => {
            let trace = world.trace();
            let wanted = trace.iter().filter(|event| style.wants(event.kind.name()));
            wanted.map(|event| trace.json(event) + "\n").collect()
        }
        Format::Mermaid => sequence::diagram(world, Dialect::Mermaid, args.lang),
        Format::Plantuml => sequence::diagram(world, Dialect::PlantUml, args.lang),
    };
    // A reader that has seen enough (head) is no error.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Whether standard output takes colours.
pub fn colour() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
