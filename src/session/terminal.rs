//! Terminals of a session: a person sits at a host, types, and sees what appears.
//!
//! Every shell of mxlab goes through this: `mxlab shell`, the tabs of the window, a grader that
//! plays a dialogue. What goes in is inputs ([`Session::open_terminal`], [`Session::type_text`],
//! [`Session::press`], [`Session::resize`], [`Session::answer`]), so it is recorded and can be
//! replayed, and going back takes terminals back, too. What comes out is read from a
//! [`TerminalView`], of the present world or of any other: where a view's reader stopped is a mark,
//! and [`Transcript::since`] gives what appeared since.
//!
//! A command has come back when [`TerminalView::doing`] is [`Doing::Prompt`] again.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::driver::Session;
use super::input::{Input, InputError};
use crate::host::Host;
use crate::host::Input as ProcessInput;
use crate::host::console::{Answer, Request, Window};
use crate::host::shell::complete::{Completion, Vocabulary, complete};
use crate::host::shell::{self, Doing, State, Stream, Transcript};
use crate::sim::{HostId, ProcId};
use crate::trace::Actor;
use crate::world::World;

/// Octets that may be typed with one input.
pub const MAX_TYPED: usize = 1 << 20;
/// Terminals that a session may open.
const MAX_TERMINALS: usize = 10_000;
/// Largest size of a window, in either direction.
const MAX_WINDOW: u32 = 10_000;

/// A terminal of a session, numbered from 1 in the order of opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TerminalId(pub u32);

/// What a person sits at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Device {
    /// A terminal: prompts, echo, keys.
    #[default]
    Terminal,
    /// Two pipes, as of `ssh host < script`: no prompts, standard error apart.
    Pipe,
}

/// Keys that do more than enter text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// `^C`: ends the command in the foreground.
    Interrupt,
    /// `^D`: ends its input, or logs out at the prompt.
    EndOfInput,
    /// `^Z`: stops the command in the foreground.
    Suspend,
}

impl Key {
    fn octet(self) -> u8 {
        match self {
            Key::Interrupt => 3,
            Key::EndOfInput => 4,
            Key::Suspend => 26,
        }
    }
}

/// What a person did about what a program asked ([`Doing::Asking`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The edited text, or `None` if the editor was left without saving.
    Edited(Option<String>),
    /// The other host was left again, where the person sat at this terminal.
    LoggedOut(TerminalId),
    /// It is not possible; why, in words for the program's error message.
    Refused(String),
}

/// A terminal that was opened for an `ssh`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Login {
    /// The terminal on the other host.
    pub terminal: TerminalId,
    /// Whether it is for one command: that ssh writes the output then, and the terminal is not to be
    /// shown.
    pub is_command: bool,
}

/// The terminals of a session so far, with their processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminals(Vec<(HostId, ProcId)>);

impl Terminals {
    /// All terminals that were opened, in order.
    pub fn ids(&self) -> impl Iterator<Item = TerminalId> {
        (1..=self.0.len() as u32).map(TerminalId)
    }

    /// A terminal's process.
    pub fn process(&self, terminal: TerminalId) -> Option<(HostId, ProcId)> {
        self.0.get((terminal.0 as usize).checked_sub(1)?).copied()
    }

    /// A terminal in a world: the present one, or one of [`Session::at`] in which it is open.
    pub fn view<'a>(&self, world: &'a World, terminal: TerminalId) -> Option<TerminalView<'a>> {
        let (host, proc) = self.process(terminal)?;
        let (process, connected) = match world.process(host, proc) {
            Some(process) => (process, true),
            None => (world.past_process(host, proc)?, false),
        };
        let terminal = process.as_any().downcast_ref::<shell::Terminal>()?;
        Some(TerminalView { host: world.host(host), terminal, connected })
    }

    pub(super) fn open(
        &mut self,
        world: &mut World,
        (host, name): (HostId, &str),
        user: &str,
        device: Device,
    ) -> Result<(HostId, ProcId), InputError> {
        if !world.is_up(host) {
            return Err(InputError::HostIsOff(name.to_owned()));
        }
        if world.host(host).accounts.user(user).is_none() {
            return Err(InputError::UnknownUser(name.to_owned(), user.to_owned()));
        }
        if self.0.len() >= MAX_TERMINALS {
            return Err(InputError::TooMany("terminals", MAX_TERMINALS));
        }
        let terminal = match device {
            Device::Terminal => shell::Terminal::new(user),
            Device::Pipe => shell::Terminal::piped(user),
        };
        let proc = world.start(host, Box::new(terminal), Actor::Student);
        self.0.push((host, proc));
        Ok((host, proc))
    }

    fn send(&self, world: &mut World, terminal: TerminalId, input: ProcessInput) -> Result<(), InputError> {
        let (host, proc) = self.process(terminal).ok_or(InputError::UnknownTerminal(terminal.0))?;
        world.input(host, proc, input);
        Ok(())
    }

    pub(super) fn type_text(&self, world: &mut World, terminal: TerminalId, text: &str) -> Result<(), InputError> {
        if text.len() > MAX_TYPED {
            return Err(InputError::TooMany("octets typed at once", MAX_TYPED));
        }
        self.send(world, terminal, ProcessInput::Typed(Bytes::copy_from_slice(text.as_bytes())))
    }

    pub(super) fn press(&self, world: &mut World, terminal: TerminalId, key: Key) -> Result<(), InputError> {
        self.send(world, terminal, ProcessInput::Typed(Bytes::copy_from_slice(&[key.octet()])))
    }

    pub(super) fn resize(&self, world: &mut World, terminal: TerminalId, window: Window) -> Result<(), InputError> {
        let within = |size: u32| size.clamp(1, MAX_WINDOW);
        let window = Window { columns: within(window.columns), rows: within(window.rows) };
        self.send(world, terminal, ProcessInput::Resized(window))
    }

    pub(super) fn answer(&self, world: &mut World, terminal: TerminalId, reply: &Reply) -> Result<(), InputError> {
        let answer = match reply {
            Reply::Edited(Some(text)) if text.len() > MAX_TYPED => {
                return Err(InputError::TooMany("octets of an edited file", MAX_TYPED));
            }
            Reply::Edited(text) => Answer::Edited(text.clone()),
            Reply::Refused(why) => Answer::Refused(why.clone()),
            Reply::LoggedOut(other) => {
                let view = self.view(world, *other).ok_or(InputError::UnknownTerminal(other.0))?;
                let (stdout, stderr) = view.outputs();
                Answer::LoggedOut { status: view.status(), stdout: stdout.into(), stderr: stderr.into() }
            }
        };
        self.send(world, terminal, ProcessInput::Answered(answer))
    }
}

/// A terminal as a person sees it.
#[derive(Clone, Copy, Debug)]
pub struct TerminalView<'a> {
    host: &'a Host,
    terminal: &'a shell::Terminal,
    connected: bool,
}

impl<'a> TerminalView<'a> {
    /// The host that it is on.
    pub fn host(&self) -> &'a Host {
        self.host
    }

    /// Everything that appeared, with the streams that it came from.
    pub fn transcript(&self) -> &'a Transcript {
        self.terminal.transcript()
    }

    /// What it does now. A terminal whose host was switched off has ended with status 255, as the
    /// ssh of a broken connection.
    pub fn doing(&self) -> Doing {
        match self.terminal.doing() {
            Doing::Ended(status) => Doing::Ended(status),
            _ if !self.connected => Doing::Ended(255),
            doing => doing,
        }
    }

    /// The size of the terminal.
    pub fn window(&self) -> Window {
        self.terminal.window()
    }

    /// Whether somebody reads what is typed, and waits for nothing else.
    pub fn wants_input(&self) -> bool {
        self.connected && self.terminal.wants_input()
    }

    /// The prompt of the shell that the person types to: `root@mx1:/etc/postfix# `.
    pub fn prompt(&self) -> String {
        self.terminal.prompt(self.host)
    }

    /// What that shell knows: its directory, variables, aliases.
    pub fn state(&self) -> Option<&'a State> {
        self.terminal.state()
    }

    /// Completes the word before the cursor, an offset in octets, of a line that is being typed.
    /// `hosts` are the names of the world's hosts ([`host_names`]).
    pub fn complete(&self, hosts: &[String], line: &str, cursor: usize) -> Completion {
        let Some(state) = self.state() else { return Completion::default() };
        complete_with(self.host, state, hosts, line, cursor)
    }

    /// The command line in the foreground, if one runs.
    pub fn foreground(&self) -> Option<&'a str> {
        self.terminal.foreground()
    }

    /// Standard output and standard error so far, apart.
    fn outputs(&self) -> (Vec<u8>, Vec<u8>) {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        for span in self.transcript().since(0) {
            match span.stream {
                Stream::Output => stdout.extend(span.bytes),
                Stream::Error => stderr.extend(span.bytes),
                Stream::Typed => {}
            }
        }
        (stdout, stderr)
    }

    /// The exit status of the last command.
    pub fn status(&self) -> u8 {
        match self.doing() {
            Doing::Ended(status) => status,
            _ => self.terminal.status(),
        }
    }
}

impl Session {
    /// Opens a terminal on a host; the user is logged in.
    ///
    /// # Errors
    /// There is no such host or user, or the host is off.
    pub fn open_terminal(&mut self, host: &str, user: &str, device: Device) -> Result<TerminalId, InputError> {
        self.apply(Input::Open { host: host.to_owned(), user: user.to_owned(), device })?;
        Ok(TerminalId(self.terminals().0.len() as u32))
    }

    /// Types text; a line ends with `\n`. What is typed before somebody reads it waits for him.
    ///
    /// # Errors
    /// There is no such terminal, or the text is longer than [`MAX_TYPED`].
    pub fn type_text(&mut self, terminal: TerminalId, text: &str) -> Result<(), InputError> {
        self.apply(Input::Type { terminal, text: text.to_owned() }).map(drop)
    }

    /// Presses a key.
    ///
    /// # Errors
    /// There is no such terminal.
    pub fn press(&mut self, terminal: TerminalId, key: Key) -> Result<(), InputError> {
        self.apply(Input::Press { terminal, key }).map(drop)
    }

    /// Gives a terminal another size.
    ///
    /// # Errors
    /// There is no such terminal.
    pub fn resize(&mut self, terminal: TerminalId, window: Window) -> Result<(), InputError> {
        self.apply(Input::Resize { terminal, window }).map(drop)
    }

    /// Answers what a program asks ([`Doing::Asking`]): an editor was left, another host was.
    ///
    /// # Errors
    /// There is no such terminal, or the text is longer than [`MAX_TYPED`].
    pub fn answer(&mut self, terminal: TerminalId, reply: Reply) -> Result<(), InputError> {
        self.apply(Input::Answer { terminal, reply }).map(drop)
    }

    /// Follows an `ssh` that asks for another host ([`Request::LogIn`]): opens a terminal there, or
    /// two pipes that the named command runs on, if there is one. When it has ended, answer with
    /// [`Reply::LoggedOut`]. `None` if nothing was asked, or it was refused: then that was answered.
    ///
    /// # Errors
    /// There is no such terminal.
    pub fn follow_login(&mut self, from: TerminalId, device: Device) -> Result<Option<Login>, InputError> {
        let view = self.terminal(from).ok_or(InputError::UnknownTerminal(from.0))?;
        let Doing::Asking(Request::LogIn { user, host, command }) = view.doing() else { return Ok(None) };
        let is_command = command.is_some();
        let device = if is_command { Device::Pipe } else { device };
        let found = locate(self.world(), &host);
        let Some(name) = found else {
            let why = format!("Could not resolve hostname {host}: Name or service not known");
            return self.answer(from, Reply::Refused(why)).map(|()| None);
        };
        let opened = match self.open_terminal(&name, &user, device) {
            Ok(opened) => opened,
            Err(error) => {
                let why = match error {
                    InputError::UnknownUser(..) => format!("{user}@{host}: Permission denied (publickey,password)."),
                    InputError::HostIsOff(_) => format!("connect to host {host} port 22: No route to host"),
                    error => error.to_string(),
                };
                return self.answer(from, Reply::Refused(why)).map(|()| None);
            }
        };
        if let Some(command) = command {
            self.type_text(opened, &format!("{command}\n"))?;
            self.press(opened, Key::EndOfInput)?;
        }
        Ok(Some(Login { terminal: opened, is_command }))
    }

    /// A terminal as it is now.
    pub fn terminal(&self, terminal: TerminalId) -> Option<TerminalView<'_>> {
        self.terminals().view(self.world(), terminal)
    }
}

/// The names of a world's hosts, for [`TerminalView::complete`].
pub fn host_names(world: &World) -> Vec<String> {
    world.hosts().map(|host| host.name.to_string()).collect()
}

/// [`TerminalView::complete`] for a host and a shell that were put aside.
pub fn complete_with(host: &Host, state: &State, hosts: &[String], line: &str, cursor: usize) -> Completion {
    let parameters: Vec<String> = crate::mta::postfix::config::defaults::names().map(ToString::to_string).collect();
    complete(host, state, Vocabulary { hosts, parameters: &parameters }, line, cursor)
}

/// The scenario's name of a host that somebody names by any of its names or addresses.
fn locate(world: &World, name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let addr = name.parse().ok().and_then(|addr| world.host_of(addr));
    let is_it = |host: &&Host| {
        addr == Some(host.id) || [&host.name, &host.hostname, &host.fqdn].iter().any(|own| ***own == *lower)
    };
    world.hosts().find(is_it).map(|host| host.name.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::host::console::Typing;
    use crate::scenario::{Scenario, Sources};
    use crate::session::Recording;
    use crate::sim::Duration;

    const SCENARIO: &str = r#"(
  title: (en: "a", de: "b"), summary: (en: "", de: ""),
  hosts: [
    (name: "mx1", addresses: ["192.0.2.1"], users: [(name: "alice", password: "secret")]),
    (name: "off", addresses: ["192.0.2.2"], off: true),
  ],
)"#;

    fn session() -> Session {
        let sources = Sources { name: "x".into(), file: "x.ron".into(), text: SCENARIO.into(), ..Sources::default() };
        Session::new(Arc::new(Scenario::load(&sources).unwrap()), None, None).unwrap()
    }

    fn pass(session: &mut Session, seconds: u64) {
        let until = session.world().now() + Duration::from_secs(seconds);
        session.advance(until);
    }

    fn screen(session: &Session, terminal: TerminalId) -> String {
        session.terminal(terminal).unwrap().transcript().text()
    }

    fn doing(session: &Session, terminal: TerminalId) -> Doing {
        session.terminal(terminal).unwrap().doing()
    }

    #[test]
    fn a_dialogue_is_on_the_screen_recorded_and_replayed() {
        let mut session = session();
        let terminal = session.open_terminal("mx1", "alice", Device::Terminal).unwrap();
        assert_eq!(doing(&session, terminal), Doing::Prompt);
        session.type_text(terminal, "cd /etc; sleep 5; false\n").unwrap();
        assert_eq!(doing(&session, terminal), Doing::Running(Typing::Lines));
        assert_eq!(session.terminal(terminal).unwrap().foreground(), Some("sleep 5"));
        pass(&mut session, 6);
        assert_eq!(doing(&session, terminal), Doing::Prompt);
        assert_eq!(session.terminal(terminal).unwrap().status(), 1);
        session.type_text(terminal, "cat\n").unwrap();
        session.type_text(terminal, "a line\n").unwrap();
        session.press(terminal, Key::EndOfInput).unwrap();
        session.type_text(terminal, "sleep 9999\n").unwrap();
        session.press(terminal, Key::Interrupt).unwrap();
        session.type_text(terminal, "for x in 1\n").unwrap();
        assert_eq!(doing(&session, terminal), Doing::More);
        session.type_text(terminal, "do exit 3; done\n").unwrap();
        assert_eq!(doing(&session, terminal), Doing::Ended(3));
        let shown = "alice@mx1:~$ cd /etc; sleep 5; false\nalice@mx1:/etc$ cat\na line\na line\nalice@mx1:/etc$ sleep \
                     9999\n^C\nalice@mx1:/etc$ for x in 1\n> do exit 3; done\nlogout\n";
        assert_eq!(screen(&session, terminal), shown);

        session.note_digest();
        let recording = Recording::parse(&session.recording().to_text()).unwrap();
        let (again, drift) = Session::replay(Arc::new(session.scenario().clone()), &recording).unwrap();
        assert_eq!(drift, []);
        assert_eq!(screen(&again, terminal), shown);
    }

    #[test]
    fn going_back_takes_the_terminal_back() {
        let mut session = session();
        let terminal = session.open_terminal("mx1", "root", Device::Terminal).unwrap();
        pass(&mut session, 10);
        session.type_text(terminal, "cd /tmp\n").unwrap();
        let before = session.world().now();
        pass(&mut session, 10);
        let other = session.open_terminal("mx1", "alice", Device::Terminal).unwrap();
        session.type_text(terminal, "cd /etc\n").unwrap();
        let past = session.at(before);
        assert_eq!(session.terminals().view(&past, terminal).unwrap().prompt(), "root@mx1:/tmp# ");
        assert!(session.terminals().view(&past, other).is_none());
        assert_eq!(session.terminal(terminal).unwrap().prompt(), "root@mx1:/etc# ");
        session.rewind(before);
        assert_eq!(session.terminal(terminal).unwrap().prompt(), "root@mx1:/tmp# ");
        assert_eq!(session.terminals().ids().count(), 1);
    }

    #[test]
    fn a_pipe_has_no_prompts_and_keeps_errors_apart() {
        let mut session = session();
        let pipe = session.open_terminal("mx1", "root", Device::Pipe).unwrap();
        session.type_text(pipe, "echo out; echo err >&2\n").unwrap();
        session.type_text(pipe, "cat; echo more\n").unwrap();
        session.type_text(pipe, "for cat\n").unwrap();
        session.press(pipe, Key::EndOfInput).unwrap();
        assert_eq!(doing(&session, pipe), Doing::Ended(0));
        let spans = session.terminal(pipe).unwrap().transcript().since(0);
        let of = |stream: Stream| -> String {
            let own = spans.iter().filter(|span| span.stream == stream);
            own.map(|span| String::from_utf8_lossy(&span.bytes).into_owned()).collect()
        };
        assert_eq!(of(Stream::Output), "out\nfor cat\nmore\n");
        assert_eq!(of(Stream::Error), "err\n");
        assert_eq!(of(Stream::Typed), "");
    }

    #[test]
    fn what_is_not_there_is_refused_and_not_recorded() {
        let mut session = session();
        let open = |session: &mut Session, host: &str, user: &str| {
            session.open_terminal(host, user, Device::Terminal).unwrap_err().to_string()
        };
        assert_eq!(open(&mut session, "mx2", "root"), "unknown host `mx2`");
        assert_eq!(open(&mut session, "mx1", "bob"), "host `mx1` has no user `bob`");
        assert_eq!(open(&mut session, "off", "root"), "host `off` is switched off");
        assert_eq!(session.type_text(TerminalId(1), "x"), Err(InputError::UnknownTerminal(1)));
        assert_eq!(session.recording().entries.len(), 0);
        let terminal = session.open_terminal("mx1", "root", Device::Terminal).unwrap();
        let long = "x".repeat(MAX_TYPED + 1);
        assert!(matches!(session.type_text(terminal, &long), Err(InputError::TooMany(..))));
        session.apply(Input::Power { host: "mx1".into(), up: false }).unwrap();
        assert_eq!(doing(&session, terminal), Doing::Ended(255));
        assert_eq!(screen(&session, terminal), "root@mx1:~# ");
    }

    fn keys() -> impl Strategy<Value = Vec<String>> {
        let line = prop_oneof![
            4 => "[a-z$(){}|&;<>'\"*\\\\ /#=0-9-]{0,30}\n",
            1 => Just("f() { f | f & }; f\n".to_owned()),
            1 => Just("while :; do :; done\n".to_owned()),
            1 => Just("yes | head -c 100000 | cat\n".to_owned()),
            1 => Just("ln -s /tmp/a /tmp/b; ln -s /tmp/b /tmp/a; cat /tmp/a; ls -R /tmp\n".to_owned()),
            1 => Just("mkfifo /tmp/p; cat /tmp/p | tee /tmp/p &\n".to_owned()),
            1 => Just("less /etc/passwd\n".to_owned()),
            1 => Just("sudo -i; su alice; bash\n".to_owned()),
            1 => Just("nano /etc/hosts\n".to_owned()),
        ];
        let key = prop_oneof![Just("\u{3}"), Just("\u{4}"), Just("\u{1a}"), Just("q"), Just(" ")];
        proptest::collection::vec(prop_oneof![3 => line, 1 => key.prop_map(str::to_owned)], 0..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn whatever_is_typed_the_terminal_lives_and_replays(keys in keys()) {
            let mut session = session();
            let terminal = session.open_terminal("mx1", "alice", Device::Terminal).unwrap();
            for key in keys {
                session.type_text(terminal, &key).unwrap();
                pass(&mut session, 1);
                if let Doing::Asking(_) = doing(&session, terminal) {
                    session.answer(terminal, Reply::Edited(None)).unwrap();
                }
            }
            session.note_digest();
            let scenario = Arc::new(session.scenario().clone());
            let (again, drift) = Session::replay(scenario, session.recording()).unwrap();
            prop_assert_eq!(drift, []);
            prop_assert_eq!(screen(&again, terminal), screen(&session, terminal));
        }
    }
}
