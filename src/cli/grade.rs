//! `mxlab grade`: replays what was handed in and writes down what it earns.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;

use super::{Outcome, files};
use crate::grade::class::{Class, Member};
use crate::grade::report::{self, Format, Grading, html};
use crate::grade::similar;
use crate::grade::submission::{self, Graded, MAX_SIZE, Rules, Submission, Ungraded};
use crate::lab::{Lab, Student};
use crate::session::story::Lang;

/// Folders in folders that are searched: learning systems pack one for each student.
const MAX_DEPTH: usize = 4;
/// Stack of a thread that grades: as much as a program's first thread has.
const STACK: usize = 8 << 20;
/// How often it is looked whether a submission takes too long.
const LOOK: Duration = Duration::from_millis(50);

/// Arguments of `mxlab grade`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The lab: a name, an id, or a folder
    lab: String,
    /// What was handed in: recordings (*.mxlab), scripts (*.sh), folders with hosts/NAME/…, or
    /// folders of all these
    #[arg(required = true)]
    submissions: Vec<PathBuf>,
    /// How the results are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where to; standard output if missing
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also write a page for the whole class
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// From which the names in probes are made; keep it, and the results can be repeated
    #[arg(long, default_value = "mxlab")]
    key: String,
    /// The class list: a table (CSV) with the columns id and name
    #[arg(long, value_name = "FILE")]
    class: Option<PathBuf>,
    /// The key of the class, if the list has no column for it
    #[arg(long, default_value = "", value_name = "KEY")]
    class_key: String,
    /// The student whose variant scripts are played in, if their file names tell nobody
    #[arg(long, default_value = "")]
    student: String,
    /// Count only what was done as an exam, in so many minutes
    #[arg(long, value_name = "MINUTES")]
    exam: Option<u64>,
    /// How many are graded at the same time; as many as there are processors if missing
    #[arg(long, short, default_value_t = 0, hide_default_value = true, value_name = "COUNT")]
    jobs: usize,
    /// Seconds that one submission may take
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    timeout: u64,
    /// Language of the reports
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
}

/// Grades.
pub fn main(args: &Args) -> Outcome {
    match grade(args) {
        Ok(outcome) => outcome,
        Err(error) => {
            eprintln!("mxlab: {error}");
            Outcome::Invalid
        }
    }
}

fn grade(args: &Args) -> Result<Outcome, String> {
    let lab = files::load_lab(&args.lab).ok_or("the lab cannot be used")?;
    let class = args.class.as_deref().map(|file| read_class(file, &args.class_key)).transpose()?;
    let paths = all(&args.submissions)?;
    if args.format.is_for_one() && paths.len() != 1 {
        let format = clap::ValueEnum::to_possible_value(&args.format);
        let name = format.as_ref().map_or("this", |format| format.get_name());
        return Err(format!("--format {name} is for one submission, and there are {}", paths.len()));
    }
    let student = Student { id: args.student.clone(), class: args.class_key.clone() };
    let results = grade_all(args, &lab, class.as_ref(), &student, &paths)?;
    let grading = Grading {
        lab: lab.written().id.clone(),
        title: lab.written().title.clone(),
        digest: lab.digest().to_owned(),
        pass: lab.written().pass,
        key: args.key.clone(),
        questions: questions(&lab, &results),
        missing: missing(class.as_ref(), &results),
        suspicions: similar::suspicions(&lab, &results, class.as_ref()),
        results,
    };
    if let Some(file) = &args.html {
        save(file, &html::page(&grading, args.lang))?;
    }
    let text = report::write(&grading, args.format, args.lang);
    match &args.output {
        Some(file) => save(file, &text)?,
        None => {
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
        }
    }
    let passed = grading.results.iter().all(|graded| graded.result.as_ref().is_ok_and(|report| report.passed));
    Ok(if passed { Outcome::Good } else { Outcome::Failed })
}

fn save(file: &Path, text: &str) -> Result<(), String> {
    files::write_atomically(file, text.as_bytes()).map_err(|error| format!("{}: {error}", file.display()))
}

fn read_class(file: &Path, key: &str) -> Result<Class, String> {
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("{shown}: {error}"))?;
    Class::parse(&text, key).map_err(|error| format!("{shown}: {error}"))
}

/// The questions before the fact, in words that name no variant's values.
fn questions(lab: &Lab, results: &[Graded]) -> Vec<crate::lab::written::Question> {
    let student = results.first().map(|graded| graded.student.clone()).unwrap_or_default();
    lab.instance(&student).map(|instance| instance.lab.predict).unwrap_or_default()
}

fn missing(class: Option<&Class>, results: &[Graded]) -> Vec<Member> {
    let members = class.iter().flat_map(|class| &class.members);
    members.filter(|member| !results.iter().any(|graded| graded.student.id == member.id)).cloned().collect()
}

/// Grades every file, some at a time, in the order of the files however they come to their end.
fn grade_all(
    args: &Args,
    lab: &Lab,
    class: Option<&Class>,
    student: &Student,
    paths: &[PathBuf],
) -> Result<Vec<Graded>, String> {
    let bar = ProgressBar::new(paths.len() as u64);
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {eta}").unwrap_or(ProgressStyle::default_bar());
    bar.set_style(style);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.jobs).stack_size(STACK).build();
    let pool = pool.map_err(|error| error.to_string())?;
    let timeout = Duration::from_secs(args.timeout);
    let watch = Watch::default();
    let results = std::thread::scope(|scope| {
        scope.spawn(|| watch.run(timeout));
        let results = pool.install(|| {
            let graded = paths.par_iter().map(|path| {
                let stop = watch.begin();
                let rules = Rules {
                    key: &args.key,
                    student: student.clone(),
                    class,
                    exam: args.exam,
                    stop: stop.clone(),
                    ..Rules::default()
                };
                let graded = grade_one(lab, path, &rules);
                watch.end(&stop);
                bar.inc(1);
                graded
            });
            graded.collect()
        });
        watch.over.store(true, Ordering::Relaxed);
        results
    });
    bar.finish_and_clear();
    Ok(results)
}

/// Grades a file; one that cannot be read, or that mxlab fails at, is a result, too.
fn grade_one(lab: &Lab, path: &Path, rules: &Rules<'_>) -> Graded {
    let name = path.display().to_string();
    let guarded = |grade: &dyn Fn() -> Graded| {
        catch_unwind(AssertUnwindSafe(grade)).unwrap_or_else(|_| Graded::ungraded(&name, Ungraded::Crashed))
    };
    if path.is_dir() {
        return match files::read_folder(path) {
            Ok(found) => guarded(&|| submission::grade_folder(lab, &name, &found, rules)),
            Err(error) => Graded::ungraded(&name, Ungraded::Unreadable(error.to_string())),
        };
    }
    if fs::metadata(path).is_ok_and(|data| data.len() > MAX_SIZE as u64) {
        return Graded::ungraded(&name, Ungraded::TooLarge);
    }
    let content = match fs::read(path) {
        Ok(content) => content,
        Err(error) => return Graded::ungraded(&name, Ungraded::Unreadable(error.to_string())),
    };
    let submission = Submission { name: name.clone(), content };
    guarded(&|| submission::grade(lab, &submission, rules))
}

/// Submissions that are being graded, with the moment since when.
#[derive(Default)]
struct Watch {
    running: Mutex<Vec<(Instant, Arc<AtomicBool>)>>,
    over: AtomicBool,
}

impl Watch {
    fn begin(&self) -> Arc<AtomicBool> {
        let stop = Arc::new(AtomicBool::new(false));
        self.running.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now(), stop.clone()));
        stop
    }

    fn end(&self, stop: &Arc<AtomicBool>) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).retain(|(_, known)| !Arc::ptr_eq(known, stop));
    }

    /// Stops what takes too long, until all is over.
    fn run(&self, timeout: Duration) {
        while !self.over.load(Ordering::Relaxed) {
            for (since, stop) in self.running.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                if since.elapsed() > timeout {
                    stop.store(true, Ordering::Relaxed);
                }
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// The files, and those in folders, in order.
fn all(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            inside(path, MAX_DEPTH, &mut found)?;
        } else if path.is_file() {
            found.push(path.clone());
        } else {
            return Err(format!("{}: there is no such file", path.display()));
        }
    }
    if found.is_empty() {
        return Err("there is nothing to grade: no file ends in .mxlab or .sh".into());
    }
    Ok(found)
}

/// Recordings, scripts and folders of hosts' files in a folder. Links are not followed.
fn inside(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), String> {
    if folder.join("hosts").is_dir() {
        found.push(folder.to_owned());
        return Ok(());
    }
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        entries.push((entry.path(), entry.file_type().map_err(failed)?));
    }
    entries.sort_by(|one, other| one.0.cmp(&other.0));
    for (path, kind) in entries {
        let wanted = path.extension().is_some_and(|extension| extension == "mxlab" || extension == "sh");
        if kind.is_file() && wanted {
            found.push(path);
        } else if kind.is_dir() && depth > 0 {
            inside(&path, depth - 1, found)?;
        }
    }
    Ok(())
}
