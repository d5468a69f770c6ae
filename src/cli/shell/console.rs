//! A person at a real terminal: reads commands, shows what comes, lets time pass with the clock on
//! the wall.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use super::journal::Journal;
use super::keyboard::{Keyboard, Pressed};
use super::lab::{self, Ticks};
use super::line_editor::{LineEditor, Prompt, Typed};
use super::meta::{self, Meta};
use super::{editor, greeting};
use crate::cli::run::colour;
use crate::host::console::{Request, Typing, Window};
use crate::host::shell::{Doing, Stream};
use crate::session::story::Lang;
use crate::session::terminal::{Device, Key, Reply, TerminalId, host_names};
use crate::session::{Session, errors};

/// How often a running command is looked at.
const TICK: Duration = Duration::from_millis(40);
/// Time on the wall that is made up for at most, such as after a night with the lid closed.
const MOST_AT_ONCE: Duration = Duration::from_secs(86_400);
/// How far `^\` looks for something to happen.
const FARTHEST_SKIP: Duration = Duration::from_secs(30 * 86_400);
/// How long after what a command shows it is looked whether a task is done.
const TICK_AFTER: Duration = Duration::from_millis(300);
/// Silence after which it is said how to skip it.
const HINT_AFTER: Duration = Duration::from_secs(3);

/// The loop with what it keeps.
pub struct Console<'a> {
    session: &'a mut Session,
    journal: &'a mut Journal,
    lang: Lang,
    /// Where one sits: the first terminal, and those opened by `ssh` from the one before.
    stack: Vec<TerminalId>,
    /// Up to where each terminal was shown.
    shown: BTreeMap<TerminalId, u64>,
    /// Terminals of `ssh HOST COMMAND`, whose output that ssh writes.
    unseen: BTreeSet<TerminalId>,
    /// Whether the cursor is at the beginning of a line.
    at_line_start: bool,
    lines: LineEditor,
    colour: bool,
    /// The moment on the wall that the world has reached.
    clock: Instant,
    /// Whether it was said how to skip waiting.
    hinted: bool,
    ticks: Ticks,
}

/// Why the loop ends.
enum Flow {
    GoOn,
    Leave(u8),
}

impl<'a> Console<'a> {
    /// A loop at a terminal that was opened.
    ///
    /// # Errors
    /// The real terminal cannot be used; in words for people.
    pub fn new(
        session: &'a mut Session,
        journal: &'a mut Journal,
        lang: Lang,
        terminal: TerminalId,
    ) -> Result<Console<'a>, String> {
        let ticks = Ticks::at(session, lang);
        Ok(Console {
            session,
            journal,
            lang,
            stack: vec![terminal],
            shown: BTreeMap::new(),
            unseen: BTreeSet::new(),
            at_line_start: true,
            lines: LineEditor::new()?,
            colour: colour(),
            clock: Instant::now(),
            hinted: false,
            ticks,
        })
    }

    /// Runs until the person leaves; the status of the first terminal's shell.
    pub fn run(&mut self) -> u8 {
        print(greeting::text(self.session, self.lang).as_bytes());
        loop {
            self.fit_window();
            crate::cli::lab::tell_clock(self.session);
            match self.turn() {
                Ok(Flow::GoOn) => {}
                Ok(Flow::Leave(status)) => return status,
                Err(text) => {
                    eprintln!("mxlab: {}", errors::tell(self.lang, &text));
                    return 1;
                }
            }
            self.journal.keep(self.session);
        }
    }

    fn top(&self) -> TerminalId {
        self.stack.last().copied().unwrap_or(TerminalId(1))
    }

    fn doing(&self) -> Doing {
        self.session.terminal(self.top()).map_or(Doing::Ended(255), |view| view.doing())
    }

    fn turn(&mut self) -> Result<Flow, String> {
        let doing = self.doing();
        self.show(doing == Doing::Prompt || doing == Doing::More);
        match doing {
            Doing::Ended(status) => return self.logged_out(status),
            Doing::Prompt | Doing::More => return self.prompt(doing == Doing::Prompt),
            Doing::Running(typing) => self.attend(typing)?,
            Doing::Asking(Request::Edit { path, text, line, writable }) => self.edit(&path, &text, line, writable)?,
            Doing::Asking(Request::LogIn { .. }) => {
                let opened = self.session.follow_login(self.top(), Device::Terminal);
                if let Some(login) = opened.map_err(|error| error.to_string())? {
                    self.stack.push(login.terminal);
                    if login.is_command {
                        self.unseen.insert(login.terminal);
                    }
                }
            }
        }
        Ok(Flow::GoOn)
    }

    fn logged_out(&mut self, status: u8) -> Result<Flow, String> {
        let left = self.top();
        self.stack.pop();
        if self.stack.is_empty() {
            return Ok(Flow::Leave(status));
        }
        let answered = self.session.answer(self.top(), Reply::LoggedOut(left));
        answered.map_err(|error| error.to_string())?;
        Ok(Flow::GoOn)
    }

    /// Shows what is new on the terminal. The shell's own prompt is left to the line editor.
    fn show(&mut self, at_prompt: bool) {
        let terminal = self.top();
        let Some(view) = self.session.terminal(terminal) else { return };
        let mark = self.shown.insert(terminal, view.transcript().end()).unwrap_or(0);
        if self.unseen.contains(&terminal) {
            return;
        }
        let mut new = Vec::new();
        for span in view.transcript().since(mark) {
            match span.stream {
                Stream::Output | Stream::Error => new.extend(span.bytes),
                // The real terminal has shown it already, except for the line end after a `^C`.
                Stream::Typed if span.bytes.starts_with(b"^") => new.push(b'\n'),
                Stream::Typed => self.at_line_start |= span.bytes.ends_with(b"\n"),
            }
        }
        if at_prompt {
            for prompt in [view.prompt().into_bytes(), b"> ".to_vec()] {
                if new.ends_with(&prompt) {
                    new.truncate(new.len() - prompt.len());
                    break;
                }
            }
        }
        print(&new);
        if let Some(last) = new.last() {
            self.at_line_start = *last == b'\n';
        }
        if at_prompt && !self.at_line_start {
            print(b"\n");
            self.at_line_start = true;
        }
    }

    fn prompt(&mut self, whole: bool) -> Result<Flow, String> {
        if whole {
            print(self.ticks.news(self.session, self.lang).as_bytes());
        }
        let prompt = self.prompt_text(whole);
        let hosts = host_names(self.session.world());
        let typed = self.lines.read(&prompt, self.session.terminal(self.top()), &hosts)?;
        self.at_line_start = true;
        self.catch_up();
        let terminal = self.top();
        let done = match typed {
            Typed::Text(text) if whole && meta::is_meta(&text, self.session) => return self.meta(&text),
            Typed::Text(text) => {
                let typed = self.session.type_text(terminal, &format!("{text}\n"));
                self.journal.keep(self.session);
                typed
            }
            // The line editor has given up the line; the shell gives up what came before it.
            Typed::Interrupt if whole => Ok(()),
            Typed::Interrupt => self.session.press(terminal, Key::Interrupt),
            Typed::End => self.session.press(terminal, Key::EndOfInput),
        };
        done.map_err(|error| error.to_string())?;
        Ok(Flow::GoOn)
    }

    /// The virtual shell's own prompt with the virtual time before it.
    fn prompt_text(&self, whole: bool) -> Prompt {
        let Some(view) = self.session.terminal(self.top()) else {
            return Prompt { plain: String::new(), coloured: String::new(), whole_commands: false };
        };
        let time = self.session.world().now().zoned(&view.host().zone).strftime("%H:%M:%S").to_string();
        let prompt = if whole { view.prompt() } else { "> ".into() };
        let plain = format!("{time} {prompt}");
        let coloured = match (self.colour, prompt.split_once(':')) {
            (false, _) => plain.clone(),
            (true, Some((who, place))) => {
                let (place, sign) = place.split_at(place.len().saturating_sub(2));
                let root = if who.starts_with("root@") { 31 } else { 32 };
                format!("\x1b[2m{time}\x1b[0m \x1b[1;{root}m{who}\x1b[0m:\x1b[1;34m{place}\x1b[0m{sign}")
            }
            (true, None) => format!("\x1b[2m{time}\x1b[0m {prompt}"),
        };
        Prompt { plain, coloured, whole_commands: whole }
    }

    /// Lets the world reach the present moment on the wall.
    fn catch_up(&mut self) {
        let passed = self.clock.elapsed().min(MOST_AT_ONCE);
        self.clock = Instant::now();
        let until = self.session.world().now() + passed;
        self.session.advance(until);
    }

    /// Stays with a running command until it ends or wants something else.
    fn attend(&mut self, typing: Typing) -> Result<(), String> {
        let keyboard = Keyboard::new(typing);
        let mut quiet_since = Instant::now();
        let mut answered: Option<Instant> = None;
        loop {
            let view = self.session.terminal(self.top());
            let wanted = view.is_some_and(|view| view.wants_input());
            let pressed = keyboard.wait(self.pause(), wanted);
            self.catch_up();
            let terminal = self.top();
            for key in pressed {
                let done = match key {
                    // Also in the middle of a dialogue a hint can be had.
                    Pressed::Text(text) if lab::is_aside(&text, self.session) => {
                        self.meta(&text)?;
                        Ok(())
                    }
                    Pressed::Text(text) => self.session.type_text(terminal, &text),
                    Pressed::Interrupt => self.session.press(terminal, Key::Interrupt),
                    Pressed::Suspend => self.session.press(terminal, Key::Suspend),
                    Pressed::End => self.session.press(terminal, Key::EndOfInput),
                    Pressed::Skip => {
                        self.skip();
                        Ok(())
                    }
                };
                done.map_err(|error| error.to_string())?;
                self.journal.keep(self.session);
            }
            if self.doing() != Doing::Running(typing) {
                return Ok(());
            }
            let before = self.shown.get(&terminal).copied();
            self.show(false);
            if self.shown.get(&terminal).copied() != before {
                answered = Some(Instant::now());
            } else if answered.take_if(|since| since.elapsed() > TICK_AFTER).is_some() {
                print(self.ticks.news(self.session, self.lang).as_bytes());
            }
            if self.shown.get(&terminal).copied() != before || wanted {
                quiet_since = Instant::now();
            } else if quiet_since.elapsed() > HINT_AFTER && !std::mem::replace(&mut self.hinted, true) {
                let hint = self.lang.pick(
                    "[still waiting; Ctrl+\\ jumps to what happens next, Ctrl+C ends the command]",
                    "[noch nichts; Strg+\\ springt zum nächsten Geschehen, Strg+C beendet den Befehl]",
                );
                eprintln!("{hint}");
            }
        }
    }

    /// How long to wait for keys: until the next event is due, at most a tick.
    fn pause(&self) -> Duration {
        let world = self.session.world();
        let due = world.next_time().map(|next| next.since(world.now()));
        due.map_or(TICK, |due| due.min(TICK)).saturating_sub(self.clock.elapsed()).max(Duration::from_millis(1))
    }

    /// Lets time pass until something is shown or the command ends.
    fn skip(&mut self) {
        let terminal = self.top();
        let look = |session: &Session| session.terminal(terminal).map(|view| (view.transcript().end(), view.doing()));
        let (before, limit) = (look(self.session), self.session.world().now() + FARTHEST_SKIP);
        while look(self.session) == before {
            match self.session.world().next_time() {
                Some(next) if next <= limit => self.session.advance(next),
                _ => break,
            }
        }
        self.clock = Instant::now();
    }

    fn edit(&mut self, path: &str, text: &str, line: Option<u64>, writable: bool) -> Result<(), String> {
        if !writable {
            eprintln!("{path}: {}", self.lang.pick("you cannot write to it", "nicht beschreibbar"));
        }
        let reply = match editor::edit(path, text, line) {
            Ok(edited) => Reply::Edited(edited),
            Err(why) => Reply::Refused(why),
        };
        self.catch_up();
        self.session.answer(self.top(), reply).map_err(|error| error.to_string())
    }

    fn meta(&mut self, text: &str) -> Result<Flow, String> {
        let command = match Meta::parse(text, self.lang) {
            Ok(command) => command,
            Err(text) => {
                eprintln!("{text}");
                return Ok(Flow::GoOn);
            }
        };
        if command == Meta::Quit {
            return Ok(Flow::Leave(0));
        }
        match command.run(self.session, self.lang) {
            Ok(text) => print(text.as_bytes()),
            Err(text) => eprintln!("{}", errors::tell(self.lang, &text)),
        }
        self.clock = Instant::now();
        if let Meta::Back(_) = command {
            self.come_back()?;
        }
        Ok(Flow::GoOn)
    }

    /// After going back: terminals that were not open yet are left.
    fn come_back(&mut self) -> Result<(), String> {
        let session = &*self.session;
        self.stack.retain(|terminal| session.terminal(*terminal).is_some());
        if self.stack.is_empty() {
            let host = greeting::usual_host(self.session).ok_or("no host is on")?;
            self.stack.push(super::open(self.session, &host, "root", Device::Terminal)?);
        }
        self.shown.clear();
        for terminal in self.session.terminals().ids() {
            let end = self.session.terminal(terminal).map_or(0, |view| view.transcript().end());
            self.shown.insert(terminal, end);
        }
        Ok(())
    }

    /// Tells the terminal how large the real one is.
    fn fit_window(&mut self) {
        let Some(window) = self.lines.window() else { return };
        let terminal = self.top();
        let known = self.session.terminal(terminal).map(|view| view.window());
        if known.is_some_and(|known| known != window) {
            // Only the size: a terminal that has ended needs none.
            let _ = self.session.resize(terminal, window);
        }
    }
}

fn print(octets: &[u8]) {
    let mut out = io::stdout().lock();
    // Whoever has closed the other end does not want it.
    let _ = out.write_all(octets).and_then(|()| out.flush());
}

impl LineEditor {
    fn window(&mut self) -> Option<Window> {
        let (columns, rows) = self.dimensions()?;
        Some(Window { columns: u32::from(columns), rows: u32::from(rows) })
    }
}
