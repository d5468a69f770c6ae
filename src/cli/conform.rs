//! `mxlab conform`: golden cases.

use std::any::Any;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::Outcome;
use crate::conform::{self, Verdict, report, text};

/// Arguments of `mxlab conform`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Case files, or folders of them
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Write each case's raw result to this folder
    #[arg(long, value_name = "DIR")]
    emit: Option<PathBuf>,
    /// Cases played at the same time; as many as there are processors if not given
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Print only cases that fail
    #[arg(long, short)]
    quiet: bool,
}

/// Plays the cases, prints verdicts in their order, and closes with the count.
pub fn main(args: &Args) -> Outcome {
    let files = match case_files(&args.paths) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("mxlab: {error}");
            return Outcome::Invalid;
        }
    };
    if let Some(dir) = &args.emit
        && let Err(error) = fs::create_dir_all(dir)
    {
        eprintln!("mxlab: {}: {error}", dir.display());
        return Outcome::Invalid;
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = args.jobs.unwrap_or(processors).clamp(1, 64);
    let (mut passed, mut failed) = (0u64, 0u64);
    play_all(&files, jobs, args, |file, verdict| {
        let good = matches!(verdict, Verdict::Passed | Verdict::Played);
        *(if good { &mut passed } else { &mut failed }) += 1;
        if !good || !args.quiet {
            print!("{}", report::verdict(&name_of(file), &verdict, 120));
        }
    });
    println!("{passed} passed, {failed} failed");
    if failed == 0 { Outcome::Good } else { Outcome::Failed }
}

/// The case files meant by these paths, in order of names within a folder.
fn case_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        if path.is_dir() {
            let mut inside = Vec::new();
            for entry in fs::read_dir(path).map_err(failed)? {
                let file = entry.map_err(failed)?.path();
                if file.extension().is_some_and(|extension| extension == "json") {
                    inside.push(file);
                }
            }
            inside.sort();
            files.extend(inside);
        } else if path.exists() {
            files.push(path.clone());
        } else {
            return Err(format!("{}: no such file", path.display()));
        }
    }
    Ok(files)
}

fn name_of(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Plays the files on some threads and hands out the verdicts in the order of the files.
fn play_all(files: &[PathBuf], jobs: usize, args: &Args, mut done: impl FnMut(&Path, Verdict)) {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(index) else { return };
                    if sender.send((index, play(file, args.emit.as_deref()))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = std::collections::BTreeMap::new();
        let mut at = 0;
        for (index, verdict) in receiver {
            waiting.insert(index, verdict);
            while let Some(verdict) = waiting.remove(&at) {
                done(&files[at], verdict);
                at += 1;
            }
        }
    });
}

/// Plays one case. A case that makes mxlab itself fail counts as failed, the others go on.
fn play(file: &Path, emit: Option<&Path>) -> Verdict {
    let content = match fs::read_to_string(file) {
        Ok(content) => content,
        Err(error) => return Verdict::Failed(error.to_string()),
    };
    let checked = std::panic::catch_unwind(|| conform::check(&content));
    let (verdict, recording) = match checked {
        Ok(result) => result,
        Err(panic) => return Verdict::Failed(format!("mxlab failed: {}", message(&*panic))),
    };
    if let (Some(dir), Some(recording)) = (emit, recording) {
        let json = serde_json::to_string_pretty(&recording.to_json()).unwrap_or_default();
        let path = dir.join(format!("{}.json", name_of(file)));
        if let Err(error) = fs::write(&path, text::escape_surrogates(&json) + "\n") {
            return Verdict::Failed(format!("{}: {error}", path.display()));
        }
    }
    verdict
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}
