//! `mxlab check` and `mxlab list`.

use super::{Outcome, files};
use crate::grade::examine;
use crate::scenario::Scenario;
use crate::session::errors::{self, Errors};
use crate::session::story::Lang;

/// Arguments of `mxlab check`.
#[derive(clap::Args, Debug)]
pub struct CheckArgs {
    /// Scenarios and labs: files, folders of them, or names of built-in ones
    #[arg(required = true)]
    paths: Vec<String>,
    /// In how many students' variants a lab's solution is tried
    #[arg(long, default_value_t = 3, value_name = "COUNT")]
    variants: u64,
    /// Language of what is found
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
}

/// Arguments of `mxlab list`.
#[derive(clap::Args, Debug)]
pub struct ListArgs {
    /// Language of the titles
    #[arg(long, value_enum, default_value_t)]
    lang: Lang,
}

/// Checks scenarios and reports everything that is wrong with any of them.
pub fn check(args: &CheckArgs) -> Outcome {
    let mut good = true;
    for path in &args.paths {
        if files::is_lab(path) {
            good &= check_lab(path, args);
            continue;
        }
        match files::all_in(path) {
            Ok(paths) => {
                for path in paths {
                    good &= if files::is_lab(&path) { check_lab(&path, args) } else { check_one(&path, args.lang) };
                }
            }
            Err(error) => {
                eprintln!("mxlab: {error}");
                good = false;
            }
        }
    }
    if good { Outcome::Good } else { Outcome::Invalid }
}

/// Whether one lab is good: its files, its model solution, and its wrong ones.
fn check_lab(path: &str, args: &CheckArgs) -> bool {
    let Some(lab) = files::load_lab(path) else { return false };
    let faults = examine::examine(&lab, args.variants);
    let errors = Errors::new(args.lang);
    for fault in &faults {
        match fault {
            examine::Fault::File(problem) => eprintln!("{}", files::in_lab(path, problem, &errors)),
            fault => eprintln!("{path}/{}", errors.tell(&fault.to_string())),
        }
    }
    if faults.is_empty() {
        println!("{path}: {}", args.lang.pick("good", "gut"));
    }
    faults.is_empty()
}

/// Whether one scenario is valid and its hosts can be set up; if not, why is printed.
fn check_one(path: &str, lang: Lang) -> bool {
    let sources = match files::sources(path) {
        Ok(sources) => sources,
        Err(error) => {
            eprintln!("mxlab: {error}");
            return false;
        }
    };
    match Scenario::load(&sources) {
        Ok(scenario) => match scenario.build(scenario.seed, scenario.level) {
            Ok(_) => {
                println!("{path}: {}", lang.pick("good", "gut"));
                true
            }
            Err(error) => {
                eprintln!("{path}: {}", errors::tell(lang, &error));
                false
            }
        },
        Err(problems) => {
            files::print_problems(&sources, &problems);
            false
        }
    }
}

/// Lists the built-in scenarios and labs.
pub fn list(args: &ListArgs) -> Outcome {
    for name in files::built_in_names() {
        if let Some(scenario) = files::load(&name) {
            let title = if args.lang == Lang::De { &scenario.title.de } else { &scenario.title.en };
            println!("{name:<24} {title}");
        }
    }
    for name in files::built_in_labs() {
        if let Some(lab) = files::load_lab(&name) {
            let written = lab.written();
            let title = if args.lang == Lang::De { &written.title.de } else { &written.title.en };
            println!("{name:<24} {}: {title}", written.id);
        }
    }
    Outcome::Good
}
