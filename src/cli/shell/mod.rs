//! `mxlab shell`: a terminal on the hosts of a scenario.
//!
//! `console` is the loop of a person at a real terminal, `pipe` the one of a script on standard
//! input; `meta` are the commands that begin with a colon; `journal` keeps what is typed.

mod console;
mod editor;
mod greeting;
mod journal;
mod keyboard;
mod line_editor;
mod meta;
mod pipe;

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::{Outcome, files};
use crate::session::story::Lang;
use crate::session::terminal::{Device, TerminalId};
use crate::session::{Input, Recording, Session};
use journal::Journal;

/// Octets of a script on standard input.
const MAX_SCRIPT: u64 = 16 << 20;

/// Arguments of `mxlab shell`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A built-in scenario's name, or a file
    scenario: String,
    /// The host to sit at; the first one with Postfix if not given
    #[arg(long, short = 'H')]
    host: Option<String>,
    /// The user to log in as
    #[arg(long, short, default_value = "root")]
    user: String,
    /// Run this and leave, instead of reading commands
    #[arg(long, short, value_name = "COMMANDS")]
    command: Option<String>,
    /// Play the scenario's script first
    #[arg(long)]
    play: bool,
    /// Go on where a recording ends: the one of last time, or a file
    #[arg(long = "continue", value_name = "FILE", num_args = 0..=1, conflicts_with = "play")]
    resume: Option<Option<PathBuf>>,
    /// Another seed than the scenario's
    #[arg(long)]
    seed: Option<u64>,
    /// Write a recording
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Language of what mxlab itself says
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
}

/// Opens the shell.
pub fn main(args: &Args) -> ExitCode {
    match start(args) {
        Ok(code) => code,
        Err(text) => {
            eprintln!("mxlab: {text}");
            Outcome::Invalid.into()
        }
    }
}

fn start(args: &Args) -> Result<ExitCode, String> {
    let Some(scenario) = files::load(&args.scenario) else { return Ok(Outcome::Invalid.into()) };
    let scenario = Arc::new(scenario);
    let mut session = match &args.resume {
        Some(file) => resume(args, scenario, file.clone())?,
        None => {
            let mut session =
                Session::new(scenario, args.seed, None).map_err(|error| format!("{}: {error}", args.scenario))?;
            if args.play {
                session.run_script(None);
            }
            session.apply(Input::LeaveScript).map_err(|error| error.to_string())?;
            session
        }
    };
    let host = match &args.host {
        Some(host) => host.clone(),
        None => {
            greeting::usual_host(&session).ok_or_else(|| format!("{}: it has no host that is on", args.scenario))?
        }
    };
    let script = match &args.command {
        Some(command) => Some(format!("{command}\n")),
        None if std::io::stdin().is_terminal() => None,
        None => Some(read_script()?),
    };
    let journal_file = journal::usual_file(&session.scenario().name);
    let interactive = script.is_none();
    let mut journal = Journal::new(args.record.clone(), journal_file.filter(|_| interactive));
    let device = if interactive { Device::Terminal } else { Device::Pipe };
    let terminal = open(&mut session, &host, &args.user, device)?;
    journal.keep(&session);
    let status = match script {
        Some(script) => pipe::Pipe::new(&mut session, &mut journal, args.lang, terminal).run(&script),
        None => console::Console::new(&mut session, &mut journal, args.lang, terminal)?.run(),
    };
    let written = session.apply(Input::Pass).is_ok();
    debug_assert!(written);
    session.note_digest();
    journal.close(&session)?;
    Ok(ExitCode::from(status))
}

/// Opens a terminal; what is wrong is said with what would be right.
fn open(session: &mut Session, host: &str, user: &str, device: Device) -> Result<TerminalId, String> {
    session.open_terminal(host, user, device).map_err(|error| {
        let hosts = crate::session::terminal::host_names(session.world());
        let near = crate::scenario::problem::nearest(host, hosts.iter().map(String::as_str));
        match near.filter(|near| *near != host) {
            Some(near) => format!("{error}; did you mean `{near}`?"),
            None => format!("{error}; hosts: {}", hosts.join(", ")),
        }
    })
}

fn read_script() -> Result<String, String> {
    let mut octets = Vec::new();
    let read = std::io::stdin().lock().take(MAX_SCRIPT + 1).read_to_end(&mut octets);
    read.map_err(|error| format!("standard input: {error}"))?;
    if octets.len() as u64 > MAX_SCRIPT {
        return Err(format!("standard input: more than {MAX_SCRIPT} octets"));
    }
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

/// The session of a recording, at its end.
fn resume(args: &Args, scenario: Arc<crate::scenario::Scenario>, file: Option<PathBuf>) -> Result<Session, String> {
    let file = file.or_else(|| journal::usual_file(&scenario.name)).ok_or("there is no folder for recordings")?;
    let path = file.display();
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{path}: {error}"))?;
    let recording = match Recording::parse(&text) {
        Ok(recording) => recording,
        // What was typed until a shell was killed has no last line.
        Err(damage) => *damage.readable.ok_or_else(|| format!("{path}: line {}: {}", damage.line, damage.reason))?,
    };
    let (session, drift) = Session::replay(scenario, &recording).map_err(|error| format!("{path}: {error}"))?;
    if drift.iter().any(|drift| drift.comparable) {
        eprintln!("mxlab: {path}: it comes out differently than when it was recorded");
    }
    debug_assert!(args.resume.is_some());
    Ok(session)
}
