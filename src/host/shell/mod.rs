//! The command language of a host: dash and bash as far as administrators type them, resumable.
//!
//! `parser` makes commands of text, `expand` arguments of words, `exec` runs commands on a
//! stack of frames, `machine` runs several shells and programs at the same time, connected by
//! pipes. [`ShellProcess`] is all of that as a process of a host; [`Terminal`] is one that a
//! person types to. Nothing blocks: what waits is left as it is until the world has news for it.

mod arith;
mod array;
mod ast;
mod braces;
pub mod builtins;
pub mod complete;
mod compound;
mod exec;
mod expand;
mod files;
mod foreground;
#[cfg(test)]
pub mod harness;
mod jobs;
pub mod launch;
mod lexer;
mod machine;
mod mail_check;
mod missing;
pub mod parser;
pub mod pattern;
mod process;
mod redirect;
mod simple;
mod source;
mod state;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod transcript;

pub use arith::{Variables, evaluate};
pub use parser::needs_more;
pub use process::{ShellProcess, run_spawn};
pub use state::{DEFAULT_PATH, State};
pub use terminal::{Doing, Terminal};
pub use transcript::{Span, Stream, Transcript};

use super::Host;

/// The prompt: `root@mx1:/etc/postfix# `.
pub fn prompt(state: &State, host: &Host) -> String {
    let name = host.accounts.by_uid(state.cred.uid).map_or_else(|| state.cred.uid.to_string(), |u| u.name.to_string());
    let home = state.home();
    let place = match state.cwd.strip_prefix(home) {
        Some(rest) if home != "/" && (rest.is_empty() || rest.starts_with('/')) => format!("~{rest}"),
        _ => state.cwd.to_string(),
    };
    let sign = if state.cred.uid == 0 { '#' } else { '$' };
    format!("{name}@{}:{place}{sign} ", host.hostname)
}
