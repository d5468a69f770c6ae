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
#[cfg(feature = "gui")]
mod open;
mod replay;
mod run;
#[cfg(feature = "live")]
mod serve;
mod shell;
#[cfg(feature = "gui")]
mod shot;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

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

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let Some(command) = Cli::parse().command else { return without_command().into() };
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
