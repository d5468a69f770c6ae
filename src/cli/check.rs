//! `mxlab check` and `mxlab list`.

use super::{Outcome, files};
use crate::scenario::Scenario;
use crate::session::story::Lang;

/// Arguments of `mxlab check`.
#[derive(clap::Args, Debug)]
pub struct CheckArgs {
    /// Scenarios: files, folders of them, or names of built-in ones
    #[arg(required = true)]
    paths: Vec<String>,
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
        match files::all_in(path) {
            Ok(paths) => {
                for path in paths {
                    good &= check_one(&path);
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

/// Whether one scenario is valid and its hosts can be set up; if not, why is printed.
fn check_one(path: &str) -> bool {
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
                println!("{path}: good");
                true
            }
            Err(error) => {
                eprintln!("{path}: {error}");
                false
            }
        },
        Err(problems) => {
            files::print_problems(&sources, &problems);
            false
        }
    }
}

/// Lists the built-in scenarios.
pub fn list(args: &ListArgs) -> Outcome {
    for name in files::built_in_names() {
        if let Some(scenario) = files::load(&name) {
            let title = if args.lang == Lang::De { &scenario.title.de } else { &scenario.title.en };
            println!("{name:<24} {title}");
        }
    }
    Outcome::Good
}
