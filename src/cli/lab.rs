//! `mxlab lab`: doing a lab from the command line. Everything that was done lies in one file.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Outcome, files, language, shell};
use crate::grade::report;
use crate::grade::work::shown;
use crate::lab::judge::{self, Report};
use crate::lab::{Instance, Student};
use crate::session::exam::{Exam, Stopped};
use crate::session::story::Lang;
use crate::session::{Input, Recording, Session};
use crate::sim::Time;

/// Says a line; whoever closed the pipe does not want to hear it.
macro_rules! say {
    ($($words:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

/// Says something without ending the line.
macro_rules! say_on {
    ($($words:tt)*) => {{
        let _ = write!(std::io::stdout(), $($words)*);
    }};
}

/// Where work is kept if nobody says otherwise.
const DEFAULT_FILE: &str = "lab.mxlab";

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
        /// Do it as an exam: no hints, so many minutes, and how it stands only after `submit`
        #[arg(long, value_name = "MINUTES")]
        exam: Option<u64>,
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
        /// As whom; the lab's usual user of that host if missing
        #[arg(long)]
        user: Option<String>,
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
    /// Go back to where a task was done
    Back {
        /// The task
        task: String,
        #[command(flatten)]
        place: Place,
    },
    /// Begin again with the model solution's work for the tasks before one; they earn nothing then
    CatchUp {
        /// The task to go on with
        task: String,
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
    #[arg(long, short, default_value = DEFAULT_FILE)]
    file: PathBuf,
    /// Language of the instructions
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
}

/// Does what the subcommand says.
pub fn main(args: &Args) -> Outcome {
    let done = match &args.command {
        Command::Start { lab, student, class, exam, place } => {
            let student = Student { id: student.clone(), class: class.clone() };
            start(lab, &student, *exam, place)
        }
        Command::Status { place } => resume(&place.file).map(|session| {
            say!("{}", shell::lab::instructions(&session, place.lang));
            status(&session, place.lang, place)
        }),
        Command::Hint { task, place } => hint(task, place),
        Command::Answer { question, text, place } => change(place, |session| {
            let input = Input::Reply { question: question.clone(), text: text.join(" ") };
            session.apply(input).map_err(|error| error.to_string())?;
            say_on!("{}", shell::lab::answered(session, question, &text.join(" "), place.lang));
            Ok(())
        }),
        Command::Run { host, user, line, place } => run(host, user.as_deref(), line, place),
        Command::Undo { place } => undo(place),
        Command::Back { task, place } => back(task, place),
        Command::CatchUp { task, place } => catch_up(task, place),
        Command::Reset { place } => reset(place),
        Command::Submit { place } => submit(place),
    };
    done.unwrap_or_else(|error| {
        eprintln!("mxlab: {}", language::told(&error));
        Outcome::Invalid
    })
}

/// A student's variant of a lab.
pub fn variant(lab: &str, student: &Student) -> Result<Arc<Instance>, String> {
    let lab = files::load_lab(lab).ok_or("the lab cannot be used")?;
    let instance = lab.instance(student);
    instance.map(Arc::new).map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// The beginning of a student's variant of a lab; as an exam of so many minutes, or as long as the lab itself says.
///
/// # Errors
/// The lab cannot be used; in words for people.
pub fn begin(lab: &str, student: &Student, exam: Option<u64>) -> Result<Session, String> {
    let lab = variant(lab, student)?;
    let minutes = exam.or(lab.lab.exam);
    let session = Session::for_lab(lab).map_err(|error| error.to_string())?;
    Ok(match minutes {
        Some(minutes) => session.as_exam(Exam { minutes, began: seconds_now() }),
        None => session,
    })
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
    let lab = variant(&place_of(&header.name, file), &header.student)?;
    let replayed = Session::replay_lab(lab, &recording).map_err(|error| format!("{shown}: {error}"))?;
    let mut session = replayed.session;
    tell_clock(&mut session);
    Ok(session)
}

/// Tells an exam what the clock on the wall says.
pub fn tell_clock(session: &mut Session) {
    if session.exam().is_some() {
        session.tell_clock(seconds_now());
    }
}

#[allow(clippy::disallowed_methods, reason = "an exam goes by the clock on the wall")]
pub(super) fn seconds_now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// A session with all that happened in it, unless that is hidden.
///
/// # Errors
/// It is an exam that goes on; in words for people.
pub fn shown_whole(session: Session) -> Result<Session, String> {
    if session.hides_answers() { Err("what happened in an exam is shown when it is over".into()) } else { Ok(session) }
}

/// Where the lab of a recording is: a folder of its name beside the recording or here, alone or in
/// `labs`, or else the built-in one.
fn place_of(name: &str, recording: &Path) -> String {
    let beside = recording.parent().unwrap_or(Path::new(""));
    let is_plain = Path::new(name).components().count() == 1 && !name.starts_with('.');
    let places = [beside.join(name), beside.join("labs").join(name), Path::new("labs").join(name), PathBuf::from(name)];
    let found = places.iter().find(|place| is_plain && place.join("lab.ron").is_file());
    found.map_or_else(|| name.to_owned(), |place| place.display().to_string())
}

fn save(session: &Session, file: &Path) -> Result<(), String> {
    let text = session.recording().to_text();
    files::write_atomically(file, text.as_bytes()).map_err(|error| format!("{}: {error}", file.display()))
}

fn start(lab: &str, student: &Student, exam: Option<u64>, place: &Place) -> Result<Outcome, String> {
    if place.file.exists() {
        let file = place.file.display();
        return Err(place
            .lang
            .pick(
                &format!("{file} holds work already: take another --file, or begin again with `mxlab lab reset`"),
                &format!(
                    "in {file} liegt schon Arbeit: nimm eine andere --file, oder beginne neu mit `mxlab lab reset`"
                ),
            )
            .to_owned());
    }
    let session = begin(lab, student, exam)?;
    save(&session, &place.file)?;
    say!("{}", shell::lab::instructions(&session, place.lang));
    say_on!("{}", shell::lab::exam_status(&session, place.lang));
    say!("{}", what_next(&session, place));
    Ok(Outcome::Good)
}

/// How to go on after the beginning.
fn what_next(session: &Session, place: &Place) -> String {
    let (file, lang) = (place.file.display(), place.lang);
    let (host, user) = session.lab().and_then(|lab| lab.seat()).unwrap_or_default();
    let name = session.lab().map_or("", |lab| lab.name.as_str());
    let option = if place.file == Path::new(DEFAULT_FILE) { String::new() } else { format!(" --file {file}") };
    let sit = format!("mxlab shell {name} --continue {file} --record {file}");
    let run = format!("mxlab lab run{option} {host} --user {user} 'COMMAND'");
    match lang {
        Lang::En => format!("Your work is kept in {file}. Go on with\n  {sit}\n  {run}\n  mxlab lab status{option}\n"),
        Lang::De => {
            format!("Deine Arbeit liegt in {file}. Weiter geht es mit\n  {sit}\n  {run}\n  mxlab lab status{option}\n")
        }
    }
}

/// Prints how the tasks stand, and what a student may do next.
fn status(session: &Session, lang: Lang, place: &Place) -> Outcome {
    let Some(report) = session.progress() else {
        say_on!("{}", shell::lab::exam_status(session, lang));
        return Outcome::Good;
    };
    say_on!("{}", report::tell(&report, lang));
    if let Some(next) = report.tasks.iter().find(|task| task.outcome != judge::Outcome::Done) {
        let hints = session.lab().and_then(|lab| lab.lab.tasks.iter().find(|task| task.id == next.id));
        let left = hints.map_or(0, |task| task.hints.len() as u64).saturating_sub(next.hints);
        if left > 0 && session.exam().is_none() {
            let id = &next.id;
            let option = if place.file == Path::new(DEFAULT_FILE) {
                String::new()
            } else {
                format!(" --file {}", place.file.display())
            };
            let command = format!("mxlab lab hint{option} {id}");
            match (lang, next.hints) {
                (Lang::En, 0) => say!("  Stuck at {id}? The first hint is free: {command}"),
                (Lang::De, 0) => say!("  Du hängst bei {id}? Der erste Tipp ist frei: {command}"),
                (Lang::En, _) => say!("  Stuck at {id}? {left} more hints: {command}"),
                (Lang::De, _) => say!("  Du hängst bei {id}? Noch {left} Tipps: {command}"),
            }
        }
    }
    if report.passed { Outcome::Good } else { Outcome::Failed }
}

fn change(place: &Place, act: impl FnOnce(&mut Session) -> Result<(), String>) -> Result<Outcome, String> {
    let mut session = resume(&place.file)?;
    act(&mut session)?;
    save(&session, &place.file)?;
    status(&session, place.lang, place);
    Ok(Outcome::Good)
}

fn hint(task: &str, place: &Place) -> Result<Outcome, String> {
    let mut session = resume(&place.file)?;
    let taken = session.hints().get(task).copied().unwrap_or_default();
    match session.take_hint(task).map_err(|error| error.to_string())? {
        Some(hint) => {
            say!("{}", place.lang.pick(&hint.en, &hint.de));
            save(&session, &place.file)?;
            let cost = match taken {
                0 => ("", ""),
                1 => ("  (a tenth of the task's points)", "  (kostet ein Zehntel der Punkte der Aufgabe)"),
                _ => (
                    "  (a quarter of the task's points in all)",
                    "  (kostet zusammen ein Viertel der Punkte der Aufgabe)",
                ),
            };
            if taken > 0 {
                say!("{}", place.lang.pick(cost.0, cost.1));
            }
        }
        None => say!("{}", place.lang.pick("There is no further hint.", "Es gibt keinen weiteren Tipp.")),
    }
    Ok(Outcome::Good)
}

fn run(host: &str, user: Option<&str>, line: &[String], place: &Place) -> Result<Outcome, String> {
    let mut session = resume(&place.file)?;
    let user = user.map(str::to_owned).or_else(|| usual_user(&session, host)).unwrap_or_else(|| "root".to_owned());
    let before = session.progress();
    let output = session.run_to_rest(host, &user, &line.join(" ")).map_err(|error| error.to_string())?;
    say_on!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    save(&session, &place.file)?;
    for line in news(before.as_ref(), session.progress().as_ref(), place.lang) {
        say!("{line}");
    }
    Ok(if output.status == 0 { Outcome::Good } else { Outcome::Failed })
}

/// As whom a student works on a host, if the lab says so.
fn usual_user(session: &Session, host: &str) -> Option<String> {
    session.lab()?.lab.permits.hosts.get(host)?.first().cloned()
}

/// Tasks that are done now and were not, and the other way round.
fn news(before: Option<&Report>, after: Option<&Report>, lang: Lang) -> Vec<String> {
    let (Some(before), Some(after)) = (before, after) else { return Vec::new() };
    let pairs = before.tasks.iter().zip(&after.tasks);
    let changed = pairs.filter_map(|(was, is)| {
        let mark = match (was.outcome == judge::Outcome::Done, is.outcome == judge::Outcome::Done) {
            (false, true) => "[x]",
            (true, false) => "[ ]",
            _ => return None,
        };
        Some(format!("{mark} {} {}", is.id, lang.pick(&is.title.en, &is.title.de)))
    });
    changed.collect()
}

fn undo(place: &Place) -> Result<Outcome, String> {
    let session = resume(&place.file)?;
    if session.exam().is_some_and(|standing| standing.stopped != Stopped::NotYet) {
        return Err(place.lang.pick("the exam is over", "die Prüfung ist vorbei").to_owned());
    }
    // Beside what was done: letting time pass, and reading the clock. Hints and answers stay.
    let is_beside = |input: &Input| {
        matches!(
            input,
            Input::Pass | Input::Clock { .. } | Input::Hint { .. } | Input::Reply { .. } | Input::CatchUp { .. }
        )
    };
    let inputs: Vec<(Time, Input)> = session.recording().inputs().map(|(time, input)| (time, input.clone())).collect();
    let Some(last) = inputs.iter().rposition(|(_, input)| !is_beside(input)) else {
        return Err(place.lang.pick("nothing has been done yet", "es ist noch nichts geschehen").to_owned());
    };
    let mut again = Session::for_lab(session.lab().cloned().ok_or("no lab is being done")?);
    if let (Ok(begun), Some(standing)) = (&again, session.exam()) {
        again = Ok(begun.clone().as_exam(standing.exam));
    }
    let mut again = again.map_err(|error| error.to_string())?;
    for (number, (time, input)) in inputs.iter().enumerate() {
        if number < last {
            again.advance(*time);
        }
        if number < last || matches!(input, Input::Clock { .. } | Input::Hint { .. } | Input::Reply { .. }) {
            again.apply(input.clone()).map_err(|error| error.to_string())?;
        }
    }
    save(&again, &place.file)?;
    say!("{} {}", place.lang.pick("Taken back:", "Zurückgenommen:"), shown(&inputs[last].1));
    status(&again, place.lang, place);
    Ok(Outcome::Good)
}

fn back(task: &str, place: &Place) -> Result<Outcome, String> {
    let mut session = resume(&place.file)?;
    let kept = keep(&session, place, "before-back")?;
    say_on!("{}", shell::lab::back(&mut session, task, place.lang)?);
    save(&session, &place.file)?;
    say!("{} {}", place.lang.pick("What came later is kept in", "Was später kam, liegt in"), kept.display());
    Ok(Outcome::Good)
}

fn catch_up(task: &str, place: &Place) -> Result<Outcome, String> {
    let session = resume(&place.file)?;
    if session.exam().is_some() {
        let words = ("there is no model solution in an exam", "in einer Prüfung gibt es keine Musterlösung");
        return Err(place.lang.pick(words.0, words.1).to_owned());
    }
    let lab = session.lab().cloned().ok_or("no lab is being done")?;
    let caught_up = Session::caught_up(lab, task).map_err(|error| error.to_string())?;
    let kept = keep(&session, place, "before-catch-up")?;
    save(&caught_up, &place.file)?;
    status(&caught_up, place.lang, place);
    say!("{} {}", place.lang.pick("Your own work is kept in", "Deine eigene Arbeit liegt in"), kept.display());
    Ok(Outcome::Good)
}

/// Keeps work that is left beside the file.
fn keep(session: &Session, place: &Place, why: &str) -> Result<PathBuf, String> {
    let kept = place.file.with_extension(format!("{why}.mxlab"));
    save(session, &kept)?;
    Ok(kept)
}

fn reset(place: &Place) -> Result<Outcome, String> {
    let session = resume(&place.file)?;
    if session.exam().is_some() {
        let words = ("an exam is not begun again", "eine Prüfung wird nicht neu begonnen");
        return Err(place.lang.pick(words.0, words.1).to_owned());
    }
    let lab = session.lab().cloned().ok_or("no lab is being done")?;
    let kept = keep(&session, place, "before-reset")?;
    save(&Session::for_lab(lab).map_err(|error| error.to_string())?, &place.file)?;
    say!(
        "{} {}",
        place.lang.pick(
            "Everything is as at the beginning. Your work so far is kept in",
            "Alles ist wie am Anfang. Deine bisherige Arbeit liegt in"
        ),
        kept.display()
    );
    Ok(Outcome::Good)
}

fn submit(place: &Place) -> Result<Outcome, String> {
    let mut session = resume(&place.file)?;
    if session.hides_answers() {
        session.apply(Input::HandIn).map_err(|error| error.to_string())?;
    }
    session.note_digest();
    save(&session, &place.file)?;
    let outcome = status(&session, place.lang, place);
    say!("{} {}", place.lang.pick("Hand in this file:", "Gib diese Datei ab:"), place.file.display());
    Ok(outcome)
}
