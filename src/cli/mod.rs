//! The command line: the only part of mxlab that reads and writes files of the real machine.

#![allow(clippy::disallowed_methods, reason = "this is the room where files are read and written")]

mod check;
mod conform;
mod files;
#[cfg(feature = "gui")]
mod film;
mod grade;
#[cfg(feature = "gui")]
mod gui;
mod lab;
mod language;
mod new;
#[cfg(feature = "gui")]
mod open;
mod replay;
mod run;
#[cfg(feature = "live")]
mod serve;
mod shell;
#[cfg(feature = "gui")]
mod shot;
#[cfg(all(feature = "gui", feature = "live"))]
mod wire;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::session::story::Lang;

/// A mail internet in one process: hosts with real configuration files, DNS, and SMTP.
#[derive(Parser, Debug)]
#[command(name = "mxlab", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Play a scenario and tell what happened
    Run(run::Args),
    /// Open the window; without a name it shows what there is to see
    #[cfg(feature = "gui")]
    Gui(gui::Args),
    /// Draw a picture of a moment, without a display
    #[cfg(feature = "gui")]
    Shot(shot::Args),
    /// Draw an animation, without a display
    #[cfg(feature = "gui")]
    Film(film::Args),
    /// Put a scenario behind real sockets: telnet, dig and mail programs can use it
    #[cfg(feature = "live")]
    Serve(serve::Args),
    /// Sit at the hosts of a scenario
    Shell(shell::Args),
    /// Check scenarios and labs
    Check(check::CheckArgs),
    /// List the built-in scenarios and labs
    List(check::ListArgs),
    /// Play a recording again
    Replay(replay::Args),
    /// Do a lab
    Lab(lab::Args),
    /// Grade what was handed in
    Grade(grade::Args),
    /// Make a lab to begin with
    New(new::Args),
    /// Play golden cases and compare with what Postfix did
    Conform(conform::Args),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// How a command ended: the exit codes that all commands share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// All well.
    Good,
    /// An expectation failed.
    Failed,
    /// Wrong usage, or files that are not valid.
    Invalid,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(match outcome {
            Outcome::Good => 0,
            Outcome::Failed => 1,
            Outcome::Invalid => 2,
        })
    }
}

/// Whether a command line, with `mxlab` itself as its first word, is one that mxlab understands.
///
/// # Errors
/// What is wrong with it, in words for people.
pub fn understood(words: &[String]) -> Result<(), String> {
    Cli::command().try_get_matches_from(words).map(drop).map_err(|error| error.to_string())
}

/// The help of every command: how it is called, and what `--help` says.
pub fn help() -> Vec<(String, String)> {
    fn collect(command: &mut clap::Command, path: &str, help: &mut Vec<(String, String)>) {
        let name =
            if path.is_empty() { command.get_name().to_owned() } else { format!("{path} {}", command.get_name()) };
        help.push((name.clone(), command.render_long_help().to_string()));
        command.get_subcommands_mut().filter(|sub| sub.get_name() != "help").for_each(|sub| collect(sub, &name, help));
    }
    let mut help = Vec::new();
    collect(&mut Cli::command(), "", &mut help);
    help
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let lang = language::of_call(&args);
    let parsed = language::speak(Cli::command(), lang)
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let command = match parsed {
        Ok(cli) => cli.command,
        Err(error) if lang == Lang::De && error.use_stderr() => {
            eprint!("{}", language::german_error(&error));
            return Outcome::Invalid.into();
        }
        Err(error) => error.exit(),
    };
    let Some(command) = command else { return without_command().into() };
    match command {
        Command::Run(args) => run::main(&args),
        #[cfg(feature = "gui")]
        Command::Gui(args) => gui::main(&args),
        #[cfg(feature = "gui")]
        Command::Shot(args) => shot::main(&args),
        #[cfg(feature = "gui")]
        Command::Film(args) => film::main(&args),
        #[cfg(feature = "live")]
        Command::Serve(args) => serve::main(&args),
        Command::Shell(args) => return shell::main(&args),
        Command::Check(args) => check::check(&args),
        Command::List(args) => check::list(&args),
        Command::Replay(args) => replay::main(&args),
        Command::Lab(args) => lab::main(&args),
        Command::Grade(args) => grade::main(&args),
        Command::New(args) => new::main(&args),
        Command::Conform(args) => conform::main(&args),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "mxlab", &mut std::io::stdout());
            Outcome::Good
        }
    }
    .into()
}

/// `mxlab` alone opens the window.
#[cfg(feature = "gui")]
fn without_command() -> Outcome {
    gui::main(&gui::Args::default())
}

/// `mxlab` alone, where there is no window.
#[cfg(not(feature = "gui"))]
fn without_command() -> Outcome {
    eprintln!("{}", Cli::command().render_help());
    Outcome::Invalid
}
