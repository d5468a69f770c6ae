//! `mxlab lab`: doing a lab from the command line. Everything that was done lies in one file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Outcome, files, shell};
use crate::grade::report;
use crate::lab::{Instance, Student};
use crate::session::story::Lang;
use crate::session::{Input, Recording, Session};
use crate::sim::Time;

/// Key of a student's own probes; a grader uses another one.
const OWN_KEY: u64 = 1;

/// Arguments of `mxlab lab`.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Begin a lab
    Start {
        /// The lab's name or id: t05, or a folder
        lab: String,
        /// Your id; it decides which variant you get
        #[arg(long, default_value = "")]
        student: String,
        /// The key of your class
        #[arg(long, default_value = "")]
        class: String,
        #[command(flatten)]
        place: Place,
    },
    /// The instructions, and how every task stands
    Status {
        #[command(flatten)]
        place: Place,
    },
    /// The next hint for a task
    Hint {
        /// The task
        task: String,
        #[command(flatten)]
        place: Place,
    },
    /// Answer a question of a task
    Answer {
        /// The question's name
        question: String,
        /// The answer
        text: Vec<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Run commands on a host, and let the mail come to rest
    Run {
        /// The host
        host: String,
        /// As whom
        #[arg(long, default_value = "root")]
        user: String,
        /// The command line
        line: Vec<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Take back the last thing that was done
    Undo {
        #[command(flatten)]
        place: Place,
    },
    /// Begin again
    Reset {
        #[command(flatten)]
        place: Place,
    },
    /// Judge everything once more, and say which file to hand in
    Submit {
        #[command(flatten)]
        place: Place,
    },
}

/// Which file, and which language.
#[derive(clap::Args, Debug)]
struct Place {
    /// The file that holds your work
    #[arg(long, short, default_value = "lab.mxlab")]
    file: PathBuf,
    /// Language of the instructions
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
}

/// Does what the subcommand says.
pub fn main(args: &Args) -> Outcome {
    let done = match &args.command {
        Command::Start { lab, student, class, place } => start(lab, student, class, place),
        Command::Status { place } => resume(&place.file).map(|session| {
            println!("{}", shell::lab::instructions(&session, place.lang));
            status(&session, place.lang)
        }),
        Command::Hint { task, place } => hint(task, place),
        Command::Answer { question, text, place } => change(place, |session| {
            let input = Input::Reply { question: question.clone(), text: text.join(" ") };
            session.apply(input).map(drop).map_err(|error| error.to_string())
        }),
        Command::Run { host, user, line, place } => run(host, user, line, place),
        Command::Undo { place } => undo(place),
        Command::Reset { place } => reset(place),
        Command::Submit { place } => submit(place),
    };
    done.unwrap_or_else(|error| {
        eprintln!("mxlab: {error}");
        Outcome::Invalid
    })
}

/// A student's variant of a lab.
pub fn variant(lab: &str, student: &Student) -> Result<Arc<Instance>, String> {
    let lab = files::load_lab(lab).ok_or("the lab cannot be used")?;
    let instance = lab.instance(student);
    instance.map(Arc::new).map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// The session that a file holds.
///
/// # Errors
/// The file cannot be read, or is no lab of this mxlab; in words for people.
pub fn resume(file: &Path) -> Result<Session, String> {
    let shown = file.display();
    let text =
        fs::read_to_string(file).map_err(|error| format!("{shown}: {error}; begin with `mxlab lab start LAB`"))?;
    let recording = match Recording::parse(&text) {
        Ok(recording) => recording,
        // What was typed until a shell was killed has no last line.
        Err(damage) => *damage.readable.ok_or_else(|| format!("{shown}: line {}: {}", damage.line, damage.reason))?,
    };
    let header = recording.header.lab.clone().ok_or_else(|| format!("{shown} is of a scenario, not of a lab"))?;
    let lab = variant(&header.name, &header.student)?;
    let replayed = Session::replay_lab(lab, &recording).map_err(|error| format!("{shown}: {error}"))?;
    Ok(replayed.session)
}

fn save(session: &Session, file: &Path) -> Result<(), String> {
    let text = session.recording().to_text();
    files::write_atomically(file, text.as_bytes()).map_err(|error| format!("{}: {error}", file.display()))
}

fn start(lab: &str, student: &str, class: &str, place: &Place) -> Result<Outcome, String> {
    if place.file.exists() {
        let file = place.file.display();
        return Err(format!("{file} holds work already; take another --file, or `mxlab lab reset`"));
    }
    let student = Student { id: student.to_owned(), class: class.to_owned() };
    let session = Session::for_lab(variant(lab, &student)?).map_err(|error| error.to_string())?;
    save(&session, &place.file)?;
    println!("{}", shell::lab::instructions(&session, place.lang));
    println!("{}", place.file.display());
    Ok(Outcome::Good)
}

fn status(session: &Session, lang: Lang) -> Outcome {
    let Some(report) = session.judge(OWN_KEY) else { return Outcome::Invalid };
    print!("{}", report::tell(&report, lang));
    if report.passed { Outcome::Good } else { Outcome::Failed }
}

fn change(place: &Place, act: impl FnOnce(&mut Session) -> Result<(), String>) -> Result<Outcome, String> {
    let mut session = resume(&place.file)?;
    act(&mut session)?;
    save(&session, &place.file)?;
    status(&session, place.lang);
    Ok(Outcome::Good)
}

fn hint(task: &str, place: &Place) -> Result<Outcome, String> {
    let mut session = resume(&place.file)?;
    match session.take_hint(task).map_err(|error| error.to_string())? {
        Some(hint) => {
            println!("{}", if place.lang == Lang::De { hint.de } else { hint.en });
            save(&session, &place.file)?;
        }
        None => println!(
            "{}",
            if place.lang == Lang::De { "Es gibt keinen weiteren Tipp." } else { "There is no further hint." }
        ),
    }
    Ok(Outcome::Good)
}

fn run(host: &str, user: &str, line: &[String], place: &Place) -> Result<Outcome, String> {
    let mut session = resume(&place.file)?;
    let output = session.run_to_rest(host, user, &line.join(" ")).map_err(|error| error.to_string())?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    save(&session, &place.file)?;
    Ok(if output.status == 0 { Outcome::Good } else { Outcome::Failed })
}

fn undo(place: &Place) -> Result<Outcome, String> {
    let session = resume(&place.file)?;
    let mut moments: Vec<(Time, bool)> =
        session.recording().inputs().map(|(time, input)| (time, matches!(input, Input::Pass))).collect();
    // Letting time pass belongs to what was done before.
    while moments.last().is_some_and(|(_, passing)| *passing) {
        moments.pop();
    }
    let keep = moments.len().saturating_sub(1);
    let mut recording = session.recording().clone();
    recording.truncate(keep);
    files::write_atomically(&place.file, recording.to_text().as_bytes())
        .map_err(|error| format!("{}: {error}", place.file.display()))?;
    Ok(status(&resume(&place.file)?, place.lang)).map(|_| Outcome::Good)
}

fn reset(place: &Place) -> Result<Outcome, String> {
    let session = resume(&place.file)?;
    let lab = session.lab().cloned().ok_or("no lab is being done")?;
    let kept = place.file.with_extension("before-reset.mxlab");
    save(&session, &kept)?;
    save(&Session::for_lab(lab).map_err(|error| error.to_string())?, &place.file)?;
    println!("{}", kept.display());
    Ok(Outcome::Good)
}

fn submit(place: &Place) -> Result<Outcome, String> {
    let mut session = resume(&place.file)?;
    session.note_digest();
    save(&session, &place.file)?;
    let outcome = status(&session, place.lang);
    println!("{}", place.file.display());
    Ok(outcome)
}
