//! A script on standard input: no prompts, no colours, no clock on the wall. A command that waits
//! gets the time that it waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::journal::Journal;
use super::meta::{self, Meta};
use crate::host::console::Request;
use crate::host::shell::{Doing, Stream};
use crate::host::tools::NO_TERMINAL;
use crate::session::story::Lang;
use crate::session::terminal::{Device, Key, Reply, TerminalId};
use crate::session::{Session, errors};
use crate::sim::{Duration, Time};

/// Silence after which a dialogue gets its next line (telnet, mail).
const SILENCE: Duration = Duration::from_secs(2);
/// Time that commands get to come to an end.
const LONGEST: Duration = Duration::from_secs(86_400);
/// Status of a shell that was interrupted.
const INTERRUPTED: u8 = 130;

/// A script being typed.
pub struct Pipe<'a> {
    session: &'a mut Session,
    journal: &'a mut Journal,
    lang: Lang,
    /// The first terminal, and those opened by `ssh` from the one before.
    stack: Vec<TerminalId>,
    shown: BTreeMap<TerminalId, u64>,
    /// Terminals of `ssh HOST COMMAND`, whose output that ssh writes.
    unseen: BTreeSet<TerminalId>,
}

impl<'a> Pipe<'a> {
    /// A script for a terminal that was opened.
    pub fn new(session: &'a mut Session, journal: &'a mut Journal, lang: Lang, terminal: TerminalId) -> Pipe<'a> {
        Pipe { session, journal, lang, stack: vec![terminal], shown: BTreeMap::new(), unseen: BTreeSet::new() }
    }

    /// Plays the script; the exit status of its last command.
    pub fn run(mut self, script: &str) -> u8 {
        let mut status = 0;
        for line in script.split_inclusive('\n') {
            let Some(terminal) = self.stack.last().copied() else { return status };
            if meta::is_meta(line, self.session) && self.settle(LONGEST, true) {
                match Meta::parse(line, self.lang) {
                    Ok(Meta::Quit) => break,
                    Ok(command) => match command.run(self.session, self.lang) {
                        Ok(text) => write(&mut io::stdout().lock(), text.as_bytes()),
                        Err(text) => eprintln!("{}", errors::tell(self.lang, &text)),
                    },
                    Err(text) => eprintln!("{text}"),
                }
            } else if self.session.type_text(terminal, line).is_err() {
                return status;
            }
            self.settle(SILENCE, false);
            self.journal.keep(self.session);
            status = self.status().unwrap_or(status);
        }
        while let Some(terminal) = self.stack.last().copied() {
            let depth = self.stack.len();
            if self.session.press(terminal, Key::EndOfInput).is_err() {
                return status;
            }
            self.settle(LONGEST, true);
            if self.stack.len() == depth {
                self.show(terminal);
                eprintln!(
                    "mxlab: {}",
                    self.lang.pick("a command was still running after a day", "ein Befehl lief noch nach einem Tag")
                );
                return INTERRUPTED;
            }
            status = self.status().unwrap_or(status);
        }
        status
    }

    fn status(&self) -> Option<u8> {
        let terminal = self.stack.first().copied().unwrap_or(TerminalId(1));
        self.session.terminal(terminal).map(|view| view.status())
    }

    /// Lets time pass until the shell wants the next line; with `only_prompt` nothing else is good
    /// enough. Whether it does.
    fn settle(&mut self, patience: Duration, only_prompt: bool) -> bool {
        let mut quiet_since = self.session.world().now();
        loop {
            let Some(terminal) = self.stack.last().copied() else { return true };
            if self.show(terminal) {
                quiet_since = self.session.world().now();
            }
            let Some(view) = self.session.terminal(terminal) else { return false };
            let answer = match view.doing() {
                Doing::Prompt => return true,
                Doing::More => return !only_prompt,
                Doing::Running(_) => {
                    if (view.wants_input() && !only_prompt) || !self.step(quiet_since + patience) {
                        return false;
                    }
                    continue;
                }
                Doing::Ended(_) => {
                    self.stack.pop();
                    match self.stack.last() {
                        Some(before) => self.session.answer(*before, Reply::LoggedOut(terminal)),
                        None => return true,
                    }
                }
                Doing::Asking(Request::Edit { .. }) => {
                    self.session.answer(terminal, Reply::Refused(NO_TERMINAL.to_owned()))
                }
                Doing::Asking(Request::LogIn { .. }) => {
                    self.session.follow_login(terminal, Device::Pipe).map(|login| {
                        self.stack.extend(login.map(|login| login.terminal));
                        self.unseen.extend(login.filter(|login| login.is_command).map(|login| login.terminal));
                    })
                }
            };
            if answer.is_err() {
                return false;
            }
        }
    }

    /// Lets the next event happen, if it is due in time.
    fn step(&mut self, until: Time) -> bool {
        match self.session.world().next_time() {
            Some(next) if next <= until => {
                self.session.advance(next);
                true
            }
            _ => {
                self.session.advance(until);
                false
            }
        }
    }

    /// Writes what is new; whether there was something. What `ssh HOST COMMAND` wrote comes out of
    /// that ssh.
    fn show(&mut self, terminal: TerminalId) -> bool {
        let Some(view) = self.session.terminal(terminal) else { return false };
        let mark = self.shown.insert(terminal, view.transcript().end()).unwrap_or(0);
        let spans = view.transcript().since(mark);
        let seen = if self.unseen.contains(&terminal) { &[][..] } else { &spans[..] };
        for span in seen {
            match span.stream {
                Stream::Output => write(&mut io::stdout().lock(), &span.bytes),
                Stream::Error => write(&mut io::stderr().lock(), &span.bytes),
                Stream::Typed => {}
            }
        }
        !spans.is_empty()
    }
}

fn write(out: &mut dyn io::Write, octets: &[u8]) {
    // Whoever has closed the other end does not want it.
    let _ = out.write_all(octets).and_then(|()| out.flush());
}
