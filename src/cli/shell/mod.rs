//! `mxlab shell`: a terminal on the hosts of a scenario.
//!
//! `console` is the loop of a person at a real terminal, `pipe` the one of a script on standard
//! input; `meta` are the commands that begin with a colon; `journal` keeps what is typed.

mod console;
mod editor;
mod greeting;
mod journal;
mod keyboard;
pub mod lab;
mod line_editor;
mod meta;
mod pipe;

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::{Outcome, files, language};
use crate::lab::Student;
use crate::session::story::Lang;
use crate::session::terminal::{Device, TerminalId};
use crate::session::{Input, Recording, Session};
use journal::Journal;

/// Octets of a script on standard input.
const MAX_SCRIPT: u64 = 16 << 20;

/// Arguments of `mxlab shell`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// A lab or a scenario: a built-in one's name, or a file
    scenario: String,
    /// The host to sit at; the lab's, or the first one with Postfix if not given
    #[arg(long, short = 'H')]
    host: Option<String>,
    /// The user to log in as; the lab's, or root if not given
    #[arg(long, short)]
    user: Option<String>,
    /// Of a lab: your id, which decides on your variant
    #[arg(long, default_value = "")]
    student: String,
    /// Of a lab: the key of your class
    #[arg(long, default_value = "")]
    class: String,
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
            eprintln!("mxlab: {}", language::told(&text));
            Outcome::Invalid.into()
        }
    }
}

fn start(args: &Args) -> Result<ExitCode, String> {
    let mut session = if files::is_lab(&args.scenario) { lab_session(args)? } else { scenario_session(args)? };
    let seat = session.lab().and_then(|lab| lab.seat().map(|(host, user)| (host.to_owned(), user.to_owned())));
    let (host, user) = match (&args.host, seat) {
        (Some(host), seat) => (host.clone(), seat.filter(|(at, _)| at == host).map(|(_, user)| user)),
        (None, Some((host, user))) => (host, Some(user)),
        (None, None) => {
            let host = greeting::usual_host(&session);
            (host.ok_or_else(|| format!("{}: it has no host that is on", args.scenario))?, None)
        }
    };
    let user = args.user.clone().or(user).unwrap_or_else(|| "root".to_owned());
    let script = match &args.command {
        Some(command) => Some(format!("{command}\n")),
        None if std::io::stdin().is_terminal() => None,
        None => Some(read_script()?),
    };
    let journal_file = journal::usual_file(&session.scenario().name);
    let interactive = script.is_none();
    let mut journal = Journal::new(args.record.clone(), journal_file.filter(|_| interactive));
    let device = if interactive { Device::Terminal } else { Device::Pipe };
    let terminal = open(&mut session, &host, &user, device)?;
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

fn scenario_session(args: &Args) -> Result<Session, String> {
    let scenario = Arc::new(files::load(&args.scenario).ok_or("the scenario cannot be used")?);
    if let Some(file) = &args.resume {
        return resume(scenario, file.clone());
    }
    let session = Session::new(scenario, args.seed, None);
    let mut session = session.map_err(|error| format!("{}: {error}", args.scenario))?;
    if !args.play {
        return Ok(session.without_script());
    }
    session.run_script(None);
    Ok(session)
}

/// A lab in the student's variant, from its beginning or where a recording ends. What the
/// scenario does besides goes on while the student works.
fn lab_session(args: &Args) -> Result<Session, String> {
    if let Some(file) = &args.resume {
        let file = file.clone().or_else(|| journal::usual_file(&args.scenario));
        return super::lab::resume(&file.ok_or("there is no folder for recordings")?);
    }
    let student = Student { id: args.student.clone(), class: args.class.clone() };
    let mut session = super::lab::begin(&args.scenario, &student, None)?;
    if args.play {
        session.run_script(None);
    }
    Ok(session)
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
fn resume(scenario: Arc<crate::scenario::Scenario>, file: Option<PathBuf>) -> Result<Session, String> {
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
    Ok(session)
}
