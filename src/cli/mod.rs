//! The command line: the only part of mxlab that reads and writes files of the real machine.

mod conform;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A mail internet in one process: hosts with real configuration files, DNS, and SMTP.
#[derive(Parser, Debug)]
#[command(name = "mxlab", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Play golden cases and compare with what Postfix did
    Conform(conform::Args),
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
    match Cli::parse().command {
        Command::Conform(args) => conform::main(&args),
    }
    .into()
}
