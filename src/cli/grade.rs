//! `mxlab grade`: replays what was handed in and writes down what it earns.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget};
use rayon::prelude::*;

use super::{Outcome, files};
use crate::grade::report::{self, Format};
use crate::grade::submission::{self, Graded, MAX_SIZE, Submission};
use crate::lab::{Lab, Student};
use crate::session::story::Lang;

/// Arguments of `mxlab grade`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The lab: a name, an id, or a folder
    lab: String,
    /// What was handed in: recordings, scripts (`*.sh`), or folders of them
    #[arg(required = true)]
    submissions: Vec<PathBuf>,
    /// How the results are written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where to; standard output if missing
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// From which the names in probes are made; keep it, and the results can be repeated
    #[arg(long, default_value = "mxlab")]
    key: String,
    /// The student whose variant scripts are played in
    #[arg(long, default_value = "")]
    student: String,
    /// The class key for scripts
    #[arg(long, default_value = "")]
    class: String,
    /// Language of the reports
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
}

/// Grades.
pub fn main(args: &Args) -> Outcome {
    let Some(lab) = files::load_lab(&args.lab) else { return Outcome::Invalid };
    let paths = match all(&args.submissions) {
        Ok(paths) => paths,
        Err(error) => {
            eprintln!("mxlab: {error}");
            return Outcome::Invalid;
        }
    };
    let student = Student { id: args.student.clone(), class: args.class.clone() };
    let bar = ProgressBar::new(paths.len() as u64);
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    // In the order of the files, however they come to their end.
    let results: Vec<Graded> = paths
        .par_iter()
        .map(|path| {
            let graded = grade(&lab, path, &student, &args.key);
            bar.inc(1);
            graded
        })
        .collect();
    bar.finish_and_clear();
    let text = report::write(&results, &lab.written().id, args.format, args.lang);
    let written = match &args.output {
        Some(file) => {
            files::write_atomically(file, text.as_bytes()).map_err(|error| format!("{}: {error}", file.display()))
        }
        None => {
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
            Ok(())
        }
    };
    if let Err(error) = written {
        eprintln!("mxlab: {error}");
        return Outcome::Invalid;
    }
    let passed = results.iter().all(|graded| graded.result.as_ref().is_ok_and(|report| report.passed));
    if passed { Outcome::Good } else { Outcome::Failed }
}

/// Grades a file; one that cannot be read is a result, too.
fn grade(lab: &Lab, path: &Path, student: &Student, key: &str) -> Graded {
    let name = path.display().to_string();
    let too_large = fs::metadata(path).is_ok_and(|data| data.len() > MAX_SIZE as u64);
    // One octet too many is enough to refuse it.
    let content = if too_large { vec![0; MAX_SIZE + 1] } else { fs::read(path).unwrap_or_default() };
    submission::grade(lab, &Submission { name, content }, student, key)
}

/// The files, and those in folders, in order.
fn all(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for path in paths {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        if path.is_dir() {
            let mut inside = Vec::new();
            for entry in fs::read_dir(path).map_err(failed)? {
                let entry = entry.map_err(failed)?.path();
                if entry.extension().is_some_and(|extension| extension == "mxlab" || extension == "sh") {
                    inside.push(entry);
                }
            }
            inside.sort();
            found.extend(inside);
        } else if path.is_file() {
            found.push(path.clone());
        } else {
            return Err(format!("{}: there is no such file", path.display()));
        }
    }
    Ok(found)
}
