//! From a command name to a running task: the search through `PATH`, scripts with `#!`, shells.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::exec::Shell;
use super::files::Fds;
use super::machine::{Machine, TaskId, running};
use super::parser::Parser;
use super::pattern::absolute;
use super::state::{DEFAULT_PATH, Dialect, State};
use crate::host::Host;
use crate::host::layout::ProgramFile;
use crate::host::process::Ctx;
use crate::host::program::Entry;
use crate::host::tools::maileater;
use crate::host::vfs::{Content, Cred, Node};

/// What a command name leads to.
#[derive(Clone)]
pub enum Found {
    /// An installed command.
    Program(Entry),
    /// A shell.
    Shell(Dialect),
    /// A file with commands for a shell.
    Script {
        /// Which shell.
        dialect: Dialect,
        /// Its path as it was found.
        path: String,
        /// Its text.
        text: String,
    },
    /// Nothing.
    Missing,
    /// A file that may not be executed.
    Denied,
    /// A directory.
    Directory,
    /// A script for an interpreter that a simulated host does not have.
    NoInterpreter(String),
}

/// Directories whose commands run even where no file stands for them.
const SYSTEM_BINS: &[&str] =
    &["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/lib/postfix/sbin"];

fn shell_name(name: &str) -> Option<Dialect> {
    match name {
        "sh" | "dash" | "ash" => Some(Dialect::Dash),
        "bash" | "rbash" => Some(Dialect::Bash),
        _ => None,
    }
}

fn installed(name: &str, host: &Host) -> Option<Found> {
    shell_name(name).map(Found::Shell).or_else(|| host.programs.find(name).map(Found::Program))
}

/// Finds what a command name stands for.
pub fn find(name: &str, path_var: &str, cwd: &str, cred: &Cred, host: &Host) -> Found {
    if name.contains('/') {
        return look(&absolute(cwd, name), name, cred, host);
    }
    let mut denied = false;
    // Files come first: a command without a file of its own must not hide a script later in the path.
    for with_file in [true, false] {
        for dir in path_var.split(':') {
            let dir = if dir.is_empty() { cwd } else { dir };
            let path = format!("{}/{name}", dir.trim_end_matches('/'));
            if host.vfs.exists(&path) != with_file {
                continue;
            }
            match look(&path, &format!("{dir}/{name}"), cred, host) {
                Found::Missing | Found::Directory => {}
                Found::Denied => denied = true,
                found => return found,
            }
        }
    }
    if denied { Found::Denied } else { Found::Missing }
}

/// Where `PATH` leads for a name: the path of the command, for `which` and `type`.
pub fn path_of(name: &str, path_var: &str, cwd: &str, cred: &Cred, host: &Host) -> Option<String> {
    let is_command =
        |path: &str| !matches!(look(path, path, cred, host), Found::Missing | Found::Denied | Found::Directory);
    if name.contains('/') {
        return is_command(&absolute(cwd, name)).then(|| name.to_owned());
    }
    let in_sbin = crate::host::layout::tables::SBIN.contains(&name);
    path_var
        .split(':')
        .map(|dir| format!("{dir}/{name}"))
        .filter(|path| host.vfs.exists(path) || path.starts_with(if in_sbin { "/usr/sbin" } else { "/usr/bin" }))
        .find(|path| is_command(path))
}

fn look(path: &str, shown: &str, cred: &Cred, host: &Host) -> Found {
    let Ok(inode) = host.vfs.stat(path, cred) else {
        let (dir, base) = path.rsplit_once('/').unwrap_or_default();
        let found = SYSTEM_BINS.contains(&dir).then(|| installed(base, host)).flatten();
        return found.unwrap_or(Found::Missing);
    };
    let content = match &inode.node {
        Node::Dir(_) => return Found::Directory,
        Node::File(content) => content,
        _ => return Found::Denied,
    };
    if inode.mode & 0o111 == 0 || host.vfs.access(path, cred, 1).is_err() {
        return Found::Denied;
    }
    if let Some(program) = content.object::<ProgramFile>() {
        return installed(&program.0, host).unwrap_or(Found::Missing);
    }
    if host.vfs.access(path, cred, 4).is_err() {
        return Found::Denied;
    }
    script(content, shown)
}

fn script(content: &Content, shown: &str) -> Found {
    let text = String::from_utf8_lossy(&content.to_vec()).into_owned();
    let mut dialect = Dialect::Dash;
    if let Some(line) = text.strip_prefix("#!") {
        let line = line.lines().next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let mut interpreter = words.next().unwrap_or_default();
        if interpreter.ends_with("/env") {
            interpreter = words.find(|word| !word.starts_with('-')).unwrap_or_default();
        }
        match shell_name(interpreter.rsplit('/').next().unwrap_or_default()) {
            Some(found) => dialect = found,
            None if maileater::is_it(&text) => return Found::Program(maileater::ENTRY),
            None => return Found::NoInterpreter(interpreter.to_owned()),
        }
    }
    Found::Script { dialect, path: shown.to_owned(), text }
}

/// A command to be executed.
pub struct Exec {
    /// The command and its arguments.
    pub argv: Vec<String>,
    /// Its environment.
    pub vars: BTreeMap<SmolStr, String>,
    /// Its working directory.
    pub cwd: SmolStr,
    /// Its rights.
    pub cred: Cred,
    /// Permission bits that its new files do not get.
    pub umask: u16,
    /// Its descriptors.
    pub fds: Fds,
    /// Who runs it, for messages.
    pub caller: String,
}

/// Executes a command as a new task, as a program does with `execvp(3)`: functions and aliases do
/// not count.
///
/// # Errors
/// It cannot be executed: the exit status, after a message on its standard error.
pub fn exec(machine: &mut Machine, exec: Exec, ctx: &mut Ctx<'_>) -> Result<TaskId, u8> {
    let name = exec.argv.first().cloned().unwrap_or_default();
    let path_var = exec.vars.get("PATH").map_or(DEFAULT_PATH, String::as_str);
    let found = find(&name, path_var, &exec.cwd, &exec.cred, ctx.host);
    let stderr = exec.fds.get(&2).copied();
    let caller = exec.caller.clone();
    let (status, text) = match found {
        Found::Missing if super::builtins::is_builtin(&name) => {
            let env: Vec<(SmolStr, String)> = exec.vars.into_iter().collect();
            let pid = ctx.host.next_proc().0;
            let mut shell = Shell::new(State { umask: exec.umask, ..State::new(&env, exec.cwd, exec.cred, pid) });
            shell.state.arg0 = caller.clone();
            shell.run_argv(exec.argv);
            match machine.add_shell(shell, exec.fds, pid, name.clone()) {
                Ok(id) => return Ok(id),
                Err(_) => (126, "Cannot fork".into()),
            }
        }
        Found::Missing => (127, "No such file or directory".to_owned()),
        Found::Denied | Found::Directory => (126, "Permission denied".into()),
        Found::NoInterpreter(interpreter) => (127, format!("{interpreter}: not available on this host")),
        found => match start(machine, found, exec, ctx) {
            Ok(id) => return Ok(id),
            Err(text) => (126, text),
        },
    };
    let text = match caller.as_str() {
        "env" => format!("env: ‘{name}’: {text}\n"),
        "find" => format!("find: ‘{name}’: {text}\n"),
        "sudo" if status == 127 => format!("sudo: {name}: command not found\n"),
        _ => format!("{caller}: {name}: {text}\n"),
    };
    let _ = machine.write(stderr, text.as_bytes(), ctx);
    Err(status)
}

/// Starts what was found as a task.
///
/// # Errors
/// Why it could not be started.
pub fn start(machine: &mut Machine, found: Found, exec: Exec, ctx: &mut Ctx<'_>) -> Result<TaskId, String> {
    let pid = ctx.host.next_proc().0;
    let too_many = |_| "Cannot fork".to_owned();
    let command = exec.argv.join(" ");
    match found {
        Found::Program(entry) => {
            let task = running(entry, exec.argv, exec.vars, exec.cwd, exec.cred);
            machine.add_program(task, exec.fds, pid).map_err(too_many)
        }
        Found::Script { dialect, path, text } => {
            let mut shell = fresh(&exec, dialect, pid);
            shell.state.script = true;
            shell.state.arg0 = path;
            shell.state.positional = exec.argv.get(1..).unwrap_or_default().to_vec().into();
            shell.run_text(&text);
            machine.add_shell(shell, exec.fds, pid, command).map_err(too_many)
        }
        Found::Shell(dialect) => {
            let on_terminal = machine.files.is_tty(exec.fds.get(&0)) && machine.files.is_tty(exec.fds.get(&2));
            let shell = shell_command(&exec, dialect, pid, on_terminal, ctx.host)?;
            machine.add_shell(shell, exec.fds, pid, command).map_err(too_many)
        }
        _ => Err("Exec format error".into()),
    }
}

fn fresh(exec: &Exec, dialect: Dialect, pid: u32) -> Shell {
    let env: Vec<(SmolStr, String)> = exec.vars.clone().into_iter().collect();
    let mut state = State::new(&env, exec.cwd.clone(), exec.cred.clone(), pid);
    state.dialect = dialect;
    state.umask = exec.umask;
    Shell::new(state)
}

/// A shell from its command line: `sh [-eux] [-c COMMAND | FILE] [ARGUMENT…]`.
fn shell_command(exec: &Exec, dialect: Dialect, pid: u32, on_terminal: bool, host: &Host) -> Result<Shell, String> {
    let mut shell = fresh(exec, dialect, pid);
    let arg0 = exec.argv.first().cloned().unwrap_or_default();
    shell.state.arg0 = arg0.clone();
    let mut rest = exec.argv.get(1..).unwrap_or_default().iter().cloned();
    let (mut command, mut from_stdin) = (false, false);
    let mut operands = Vec::new();
    for argument in rest.by_ref() {
        match argument.strip_prefix('-') {
            Some("-") => break,
            Some(letters) if !letters.is_empty() && !letters.starts_with('-') => {
                for letter in letters.chars() {
                    match letter {
                        'c' => command = true,
                        's' => from_stdin = true,
                        letter => {
                            if let Some(option) = shell.state.options.by_letter(letter) {
                                *option = true;
                            }
                        }
                    }
                }
            }
            Some(long) if long.starts_with('-') => {}
            _ => {
                operands.push(argument);
                break;
            }
        }
    }
    operands.extend(rest);
    let mut operands = operands.into_iter();
    if command {
        let Some(line) = operands.next() else { return Err("-c requires an argument".into()) };
        if let Some(name) = operands.next() {
            shell.state.arg0 = name;
        }
        shell.state.positional = operands.collect::<Vec<_>>().into();
        shell.run_text(&line);
    } else if let Some(file) = operands.next().filter(|_| !from_stdin) {
        let text = host.vfs.read(&absolute(&exec.cwd, &file), &exec.cred);
        shell.state.positional = operands.collect::<Vec<_>>().into();
        match text {
            Ok(content) => {
                shell.state.script = true;
                shell.state.arg0 = file;
                shell.run_text(&String::from_utf8_lossy(&content.to_vec()));
            }
            Err(error) => {
                let words =
                    if error == crate::host::vfs::Errno::NoEnt { "No such file".into() } else { error.to_string() };
                let text = match dialect {
                    Dialect::Dash => format!("{arg0}: 0: cannot open {file}: {words}"),
                    Dialect::Bash => format!("{arg0}: {file}: {error}"),
                };
                shell.fail_at_start(text, if dialect == Dialect::Dash { 2 } else { 127 });
            }
        }
    } else {
        shell.state.positional = operands.collect::<Vec<_>>().into();
        shell.state.interactive = on_terminal;
        shell.told = on_terminal;
        shell.run_stdin(Parser::new(Vec::new(), dialect == Dialect::Bash));
    }
    Ok(shell)
}
