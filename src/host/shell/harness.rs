//! Runs command lines on a lone host, for tests: time passes, nothing else is there.

use std::collections::BTreeMap;

use super::process::run_spawn;
use super::terminal::environment;
use crate::host::Host;
use crate::host::layout::{HostSpec, UserSpec, build};
use crate::host::process::{Command, Ctx, Effect, Exit, Input, Process, Spawn};
use crate::host::vfs::Cred;
use crate::sim::{HostId, ProcId, Time};
use crate::trace::{Actor, Level, Trace};

/// A host with the users alice and bob, and all text tools.
pub fn host() -> Host {
    let now = Time::parse("2026-11-21T12:00:00Z").unwrap();
    let user = |name: &str| UserSpec { name: name.into(), password: Some("secret".into()), full_name: None };
    let spec =
        HostSpec { users: vec![user("alice"), user("bob")], ..HostSpec::new(HostId(0), "mx1", "mx1.example.com", now) };
    let mut host = build(&spec).unwrap();
    crate::host::tools::install(&mut host.programs);
    host
}

/// Runs a command line as root, or as a user, with standard input.
pub fn run_as(host: &mut Host, user: &str, line: &str, stdin: &str, tty: bool) -> Exit {
    let account = host.accounts.user(user).unwrap().clone();
    let spawn = Spawn {
        command: Command::Shell(line.to_owned()),
        cred: host.accounts.cred(&account),
        cwd: account.home.clone(),
        env: environment(user, &account.home),
        umask: 0o022,
        stdin: stdin.to_owned().into(),
        tty,
    };
    drive(host, run_spawn(spawn), &[])
}

/// Runs a command line as root.
pub fn run(host: &mut Host, line: &str) -> Exit {
    run_as(host, "root", line, "", false)
}

/// Runs a process to its end, giving it these inputs after its start; an empty exit if it only
/// waits for more.
pub fn drive(host: &mut Host, process: Box<dyn Process>, inputs: &[Input]) -> Exit {
    drive_keeping(host, process, inputs).0
}

/// As [`drive`], returning the process too.
pub fn drive_keeping(host: &mut Host, process: Box<dyn Process>, inputs: &[Input]) -> (Exit, Box<dyn Process>) {
    let mut trace = Trace::new(Level::Full);
    let root = host.next_proc();
    let mut processes: BTreeMap<ProcId, (Option<ProcId>, Box<dyn Process>)> = BTreeMap::from([(root, (None, process))]);
    let mut queue: BTreeMap<(Time, u64), (ProcId, Input)> = BTreeMap::new();
    let mut seq = 0;
    let mut now = host.vfs.now;
    let mut push = |queue: &mut BTreeMap<_, _>, time, proc, input| {
        seq += 1;
        queue.insert((time, seq), (proc, input));
    };
    push(&mut queue, now, root, Input::Start);
    for input in inputs {
        push(&mut queue, now, root, input.clone());
    }
    let mut exit = Exit::default();
    let mut next_socket = 2;
    for _ in 0..100_000 {
        let Some(((time, _), (proc, input))) = queue.pop_first() else { break };
        now = time;
        host.vfs.now = now;
        host.accounts.refresh(&host.vfs);
        let Some((parent, mut process)) = processes.remove(&proc) else { continue };
        let mut out = Vec::new();
        let mut ctx = Ctx {
            now,
            proc,
            actor: Actor::Scenario,
            cause: None,
            host,
            trace: &mut trace,
            out: &mut out,
            next_socket: &mut next_socket,
        };
        process.handle(input, &mut ctx);
        processes.insert(proc, (parent, process));
        for (effect, _) in out {
            match effect {
                Effect::WakeAt { time, token, .. } => push(&mut queue, time, proc, Input::Wake(token)),
                Effect::Spawn { child, spawn } => {
                    processes.insert(child, (Some(proc), run_spawn(*spawn)));
                    push(&mut queue, now, child, Input::Start);
                }
                Effect::Start { child, process } => {
                    processes.insert(child, (Some(proc), process));
                    push(&mut queue, now, child, Input::Start);
                }
                Effect::Exit(ended) => {
                    if proc == root {
                        exit = ended;
                    } else if let Some(parent) = parent {
                        push(&mut queue, now, parent, Input::ChildExited { child: proc, exit: ended });
                    }
                }
                _ => {}
            }
        }
    }
    let process = processes.remove(&root).unwrap().1;
    (exit, process)
}

/// Text of an exit, for comparisons: output, errors, status.
pub fn text(exit: &Exit) -> (String, String, u8) {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    (text(&exit.stdout), text(&exit.stderr), exit.status)
}

/// Writes a file as root.
pub fn write(host: &mut Host, path: &str, text: &str) {
    host.vfs.write(path, text, 0o644, &Cred::ROOT).unwrap();
}
