//! Redirections: from words to open files.

use super::ast::RedirKind;
use super::expand::{Expander, Stop};
use super::files::{self, Fd, Open, OpenMode};
use super::machine::{Machine, TaskId};
use super::pattern::absolute;
use super::state::{Dialect, State};
use crate::host::process::Ctx;
use crate::host::vfs::Errno;

/// A redirection whose words are expanded.
#[derive(Clone, Debug)]
pub enum Target {
    /// A file.
    File(String, OpenMode),
    /// A file for standard output and standard error.
    Both(String, OpenMode),
    /// Another descriptor, or `-`.
    Duplicate(String),
    /// Text as input.
    Text(String),
}

/// Expands the words of a redirection.
///
/// # Errors
/// See [`Stop`].
pub fn prepare(kind: &RedirKind, expander: &mut Expander<'_>) -> Result<Target, Stop> {
    Ok(match kind {
        RedirKind::Read(word) => Target::File(expander.text(word)?, OpenMode::Read),
        RedirKind::Write(word) => Target::File(expander.text(word)?, OpenMode::Write),
        RedirKind::Append(word) => Target::File(expander.text(word)?, OpenMode::Append),
        RedirKind::ReadWrite(word) => Target::File(expander.text(word)?, OpenMode::ReadWrite),
        RedirKind::Duplicate(word) => Target::Duplicate(expander.text(word)?),
        RedirKind::Both { target, append } => {
            Target::Both(expander.text(target)?, if *append { OpenMode::Append } else { OpenMode::Write })
        }
        RedirKind::Here(body) => match body.get() {
            Some(word) => Target::Text(expander.text(word)?),
            None => Target::Text(String::new()),
        },
        RedirKind::HereString(word) => Target::Text(format!("{}\n", expander.text(word)?)),
    })
}

/// Changes the descriptors of a task; what they were before is returned.
///
/// # Errors
/// The message; nothing is changed then.
pub fn apply(
    id: TaskId,
    redirs: &[(u32, Target)],
    state: &State,
    machine: &mut Machine,
    ctx: &mut Ctx<'_>,
) -> Result<Vec<(u32, Option<Fd>)>, String> {
    if redirs.is_empty() {
        return Ok(Vec::new());
    }
    let Some(mut fds) = machine.task(id).map(|task| task.fds.clone()) else { return Ok(Vec::new()) };
    let mut saved = Vec::new();
    for (number, target) in redirs {
        saved.push((*number, fds.get(number).copied()));
        let fd = match target {
            Target::File(path, mode) => open(path, *mode, &fds, state, machine, ctx)?,
            Target::Both(path, mode) => {
                let fd = open(path, *mode, &fds, state, machine, ctx)?;
                saved.push((2, fds.get(&2).copied()));
                fds.insert(2, fd);
                fd
            }
            Target::Duplicate(text) if text == "-" => {
                fds.remove(number);
                continue;
            }
            Target::Duplicate(text) => {
                let source = text.parse::<u32>().ok().and_then(|from| fds.get(&from).copied());
                match (source, state.dialect) {
                    (Some(fd), _) => fd,
                    (None, Dialect::Dash) => return Err(format!("{text}: Bad file descriptor")),
                    (None, Dialect::Bash) => return Err(format!("{text}: Bad file descriptor")),
                }
            }
            Target::Text(text) => {
                let buffer = text.as_bytes().iter().copied().collect();
                let file = machine.files.add(Open::Input { buffer, eof: true, tty: false });
                Fd { file, write: false }
            }
        };
        fds.insert(*number, fd);
    }
    if let Some(task) = machine.task_mut(id) {
        task.fds = fds;
    }
    Ok(saved)
}

fn open(
    path: &str,
    mode: OpenMode,
    fds: &files::Fds,
    state: &State,
    machine: &mut Machine,
    ctx: &mut Ctx<'_>,
) -> Result<Fd, String> {
    let standard = match path {
        "/dev/stdin" => Some(0),
        "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        "/dev/tty" => Some(if mode == OpenMode::Read { 0 } else { 1 }),
        _ => path.strip_prefix("/dev/fd/").and_then(|number| number.parse().ok()),
    };
    if let Some(fd) = standard.and_then(|number| fds.get(&number)) {
        return Ok(*fd);
    }
    let result = if path.is_empty() {
        Err(Errno::NoEnt)
    } else {
        files::open(&absolute(&state.cwd, path), mode, state.umask, &state.cred, &mut ctx.host.vfs)
    };
    match result {
        Ok(open) => Ok(Fd { file: machine.files.add(open), write: mode != OpenMode::Read }),
        Err(error) => Err(match (state.dialect, mode, error) {
            (Dialect::Bash, _, _) => format!("{path}: {error}"),
            (Dialect::Dash, OpenMode::Read, Errno::NoEnt) => format!("cannot open {path}: No such file"),
            (Dialect::Dash, OpenMode::Read, _) => format!("cannot open {path}: {error}"),
            (Dialect::Dash, _, Errno::NoEnt | Errno::NotDir) => format!("cannot create {path}: Directory nonexistent"),
            (Dialect::Dash, _, _) => format!("cannot create {path}: {error}"),
        }),
    }
}
