//! `mxlab check` and `mxlab list`.

use super::{Outcome, files};
use crate::scenario::Scenario;
use crate::session::story::Lang;

/// Arguments of `mxlab check`.
#[derive(clap::Args, Debug)]
pub struct CheckArgs {
    /// Scenarios: files, folders, or names of built-in ones
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
    let mut outcome = Outcome::Good;
    for path in &args.paths {
        let sources = match files::sources(path) {
            Ok(sources) => sources,
            Err(error) => {
                eprintln!("mxlab: {error}");
                outcome = Outcome::Invalid;
                continue;
            }
        };
        match Scenario::load(&sources) {
            Ok(scenario) => match scenario.build(scenario.seed, scenario.level) {
                Ok(_) => println!("{path}: good"),
                Err(error) => {
                    eprintln!("{path}: {error}");
                    outcome = Outcome::Invalid;
                }
            },
            Err(problems) => {
                files::print_problems(&sources, &problems);
                outcome = Outcome::Invalid;
            }
        }
    }
    outcome
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
