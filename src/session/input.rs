//! Inputs: the only things that change a running world from outside.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::outside::{CloseHow, TlsStep, octets};
use super::terminal::{Device, Key, Reply, TerminalId, Terminals};
use crate::host::console::Window;
use crate::host::refusal::Refusal;
use crate::host::vfs::Cred;
use crate::host::{Input as ProcessInput, Signal};
use crate::mua::{Credentials, Fetch, Protocol, Reader};
use crate::scenario::Scenario;
use crate::sim::faults::{Block, Effect, Rule, Selector};
use crate::sim::outside::{Inward, OutsideId, Pace};
use crate::sim::{Duration, HostId, ProcId};
use crate::smtp::rehearsal::{Failure, FaultRule, MAX_RULES, Stage};
use crate::trace::{Actor, Kind};
use crate::world::World;

/// Something that a person does. Hosts are named as in the scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// Lets time pass up to the moment of this input, and does nothing more.
    Pass,
    /// Runs a command line on a host.
    Command {
        /// Where.
        host: String,
        /// As whom.
        user: String,
        /// What.
        line: String,
        /// Standard input.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        stdin: String,
    },
    /// A person's mail program fetches what its server has, into `~/Mail/inbox`.
    Fetch {
        /// Where the person sits.
        host: String,
        /// Who it is.
        user: String,
        /// How.
        protocol: Protocol,
        /// The server, `host` or `host:port`.
        server: String,
        /// Login name there.
        login: String,
        /// Password.
        password: String,
        /// Whether the mail stays on the server.
        #[serde(default)]
        keep: bool,
        /// Whether STARTTLS (STLS) is used.
        #[serde(default)]
        tls: bool,
    },
    /// Interrupts a command (Ctrl-C).
    Interrupt {
        /// Where.
        host: String,
        /// Its process id.
        proc: u32,
    },
    /// Opens a terminal on a host; the user is logged in. Terminals are numbered from 1.
    Open {
        /// Where.
        host: String,
        /// As whom.
        user: String,
        /// What is sat at.
        #[serde(default, skip_serializing_if = "is_terminal")]
        device: Device,
    },
    /// Types text at a terminal.
    Type {
        /// Which.
        terminal: TerminalId,
        /// What.
        text: String,
    },
    /// Presses a key at a terminal.
    Press {
        /// Which terminal.
        terminal: TerminalId,
        /// Which key.
        key: Key,
    },
    /// Gives a terminal another size.
    Resize {
        /// Which.
        terminal: TerminalId,
        /// Its size now.
        window: Window,
    },
    /// Answers what a program at a terminal asks.
    Answer {
        /// Which terminal.
        terminal: TerminalId,
        /// What was done.
        reply: Reply,
    },
    /// Writes a file with an editor, as root.
    Write {
        /// Where.
        host: String,
        /// Absolute path.
        path: String,
        /// Content.
        text: String,
    },
    /// Switches a host on or off.
    Power {
        /// Which.
        host: String,
        /// On.
        up: bool,
    },
    /// Changes what paths do to traffic.
    Fault {
        /// A name to take it away by.
        name: String,
        /// One end; any if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// The other end; any if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// Only this port.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
        /// What it does.
        effect: FaultEffect,
    },
    /// Takes a fault away.
    Repair {
        /// Its name.
        name: String,
    },
    /// Something goes wrong in the SMTP dialogues of real sockets. [`Input::Repair`] ends it.
    Rehearse {
        /// A name to take it away by.
        name: String,
        /// Only clients at this host.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        who: Option<String>,
        /// Where.
        stage: Stage,
        /// Only the nth time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nth: Option<u32>,
        /// What.
        failure: Failure,
    },
    /// A server of the world refuses commands on purpose. [`Input::Repair`] ends it.
    Refuse {
        /// A name to take it away by.
        name: String,
        /// The server.
        host: String,
        /// The command: `RCPT`.
        command: String,
        /// A part of its argument; any if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// How many; all if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        times: Option<u32>,
        /// The code of the reply.
        code: u16,
    },
    /// Somebody joins with a workstation of their own.
    Join {
        /// Its name in this session.
        host: String,
        /// Its fully qualified name.
        fqdn: String,
        /// Its address.
        address: IpAddr,
    },
    /// A student of a class gets a workstation, a server and a domain.
    Enrol {
        /// Her name, which is her workstation's, too.
        student: String,
        /// Her number, from 1.
        number: u32,
        /// The host that her server is like.
        like: String,
    },
    /// A socket of the real machine connects to a server of the world.
    Connect {
        /// Its number.
        conn: OutsideId,
        /// The host that it is taken to sit at.
        from: String,
        /// Address and port inside the world.
        to: SocketAddr,
    },
    /// Octets of a real socket; within TLS, the plain text.
    Bytes {
        /// Its number.
        conn: OutsideId,
        /// What was sent.
        #[serde(with = "octets")]
        data: Bytes,
    },
    /// A step of TLS on a real socket.
    Tls {
        /// Its number.
        conn: OutsideId,
        /// Which.
        step: TlsStep,
    },
    /// A real socket is closed.
    Close {
        /// Its number.
        conn: OutsideId,
        /// How.
        how: CloseHow,
    },
    /// A real socket begins to ask name servers.
    Ask {
        /// Its number.
        conn: OutsideId,
        /// The host that it is taken to sit at.
        from: String,
    },
    /// A datagram of a real socket.
    Datagram {
        /// The number given with [`Input::Ask`].
        conn: OutsideId,
        /// Address and port inside the world.
        to: SocketAddr,
        /// Its content.
        #[serde(with = "octets")]
        data: Bytes,
    },
    /// From now on virtual time runs at another speed against the clock on the wall. Only what
    /// people can follow counts as their silence.
    Pace {
        /// In thousandths; none for a jump.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        permille: Option<u64>,
    },
    /// Answers a question of the lab.
    Reply {
        /// The question's id.
        question: String,
        /// The answer.
        text: String,
    },
    /// Takes the next hint for a task of the lab.
    Hint {
        /// The task.
        task: String,
    },
    /// From here on the work of the model solution is there, up to a task: the tasks before earn
    /// nothing.
    CatchUp {
        /// The task that is done next.
        task: String,
    },
    /// What the clock on the wall says in an exam.
    Clock {
        /// Seconds since it began.
        seconds: u64,
    },
    /// Hands in: an exam ends with it.
    HandIn,
}

/// Commands that can be refused on purpose.
pub const REFUSED: [&str; 11] =
    ["HELO", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "VRFY", "QUIT"];

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultEffect {
    /// Delay in one direction, in milliseconds.
    Latency(u64),
    /// Lost packets in millionths.
    LossPpm(u32),
    /// Octets per second.
    Bandwidth(u64),
    /// Nothing passes.
    Block(Block),
}

/// Why an input cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// There is no such host.
    #[error("unknown host `{0}`")]
    UnknownHost(String),
    /// The host has no such user.
    #[error("host `{0}` has no user `{1}`")]
    UnknownUser(String, String),
    /// Nobody can log in there.
    #[error("host `{0}` is switched off")]
    HostIsOff(String),
    /// No such terminal was opened.
    #[error("there is no terminal {0}")]
    UnknownTerminal(u32),
    /// There is a limit.
    #[error("more than {1} {0}")]
    TooMany(&'static str, usize),
    /// A host of this name or address is there already, or there are too many.
    #[error("`{0}` ({1}) cannot join: the name or the address is taken, or the world is full")]
    CannotJoin(String, IpAddr),
    /// A student's name or number is taken or impossible, or the class has no model for a server.
    #[error("`{0}` cannot join: the name is taken or no host name, or the class is full")]
    CannotEnrol(String),
    /// The lab does not permit it.
    #[error("this lab does not permit to {0}")]
    NotPermitted(String),
    /// The lab has no such question or task, or there is no lab.
    #[error("there is no {0} `{1}`")]
    UnknownPart(&'static str, String),
    /// The exam was handed in, or its time is over.
    #[error("the exam is over")]
    ExamIsOver,
    /// The file cannot be written.
    #[error("{0}: {1}")]
    File(String, crate::host::vfs::Errno),
}

impl Input {
    /// On whose behalf it is: it follows from the kind, never from a field of a file.
    pub fn actor(&self) -> Actor {
        match self {
            Input::Pass
            | Input::Command { .. }
            | Input::Fetch { .. }
            | Input::Interrupt { .. }
            | Input::Open { .. }
            | Input::Type { .. }
            | Input::Press { .. }
            | Input::Resize { .. }
            | Input::Answer { .. }
            | Input::Write { .. }
            | Input::Power { .. }
            | Input::Fault { .. }
            | Input::Repair { .. }
            | Input::Rehearse { .. }
            | Input::Refuse { .. }
            | Input::Join { .. }
            | Input::Enrol { .. }
            | Input::Connect { .. }
            | Input::Bytes { .. }
            | Input::Tls { .. }
            | Input::Close { .. }
            | Input::Ask { .. }
            | Input::Datagram { .. }
            | Input::Pace { .. }
            | Input::Reply { .. }
            | Input::Hint { .. }
            | Input::CatchUp { .. }
            | Input::Clock { .. }
            | Input::HandIn => Actor::Student,
        }
    }

    /// Applies it to a world at the present moment; a command's process id is returned. `cast` is
    /// the scenario with the hosts that joined.
    pub(super) fn apply(
        &self,
        world: &mut World,
        terminals: &mut Terminals,
        cast: &mut Arc<Scenario>,
    ) -> Result<Option<(HostId, ProcId)>, InputError> {
        let actor = self.actor();
        match self {
            // A student's words change nothing in the world.
            Input::Pass
            | Input::Reply { .. }
            | Input::Hint { .. }
            | Input::CatchUp { .. }
            | Input::Clock { .. }
            | Input::HandIn => {}
            Input::Command { host, user, line, stdin } => return command(world, host, user, line, stdin).map(Some),
            Input::Fetch { host, user, protocol, server, login, password, keep, tls } => {
                let id = find(world, host)?;
                known_user(world, id, user)?;
                let login = Credentials { user: login.into(), password: password.into() };
                let fetch = Fetch::new(user, server, *protocol, login, *keep, *tls);
                return Ok(Some((id, world.start(id, Box::new(Reader::new(fetch)), actor))));
            }
            Input::Interrupt { host, proc } => {
                let id = find(world, host)?;
                world.input(id, ProcId(*proc), ProcessInput::Signal(Signal::Int));
            }
            Input::Open { host, user, device } => {
                let id = find(world, host)?;
                return terminals.open(world, (id, host), user, *device).map(Some);
            }
            Input::Type { terminal, text } => terminals.type_text(world, *terminal, text)?,
            Input::Press { terminal, key } => terminals.press(world, *terminal, *key)?,
            Input::Resize { terminal, window } => terminals.resize(world, *terminal, *window)?,
            Input::Answer { terminal, reply } => terminals.answer(world, *terminal, reply)?,
            Input::Write { host, path, text } => {
                let id = find(world, host)?;
                let written = world.host_mut(id).vfs.write(path, text.as_str(), 0o644, &Cred::ROOT);
                written.map_err(|error| InputError::File(path.clone(), error))?;
                world.note(Some(id), actor, Kind::FileWrite { path: path.as_str().into(), by: "editor".into() });
            }
            Input::Power { host, up } => {
                let id = find(world, host)?;
                if *up {
                    world.boot(id);
                } else {
                    world.set_up(id, false);
                }
                let what = if *up { "switched on" } else { "switched off" };
                world.note(Some(id), actor, Kind::Fault { what: what.into() });
            }
            Input::Fault { name, from, to, port, effect } => {
                let end = |name: &Option<String>| name.as_deref().map(|name| find(world, name)).transpose();
                let selector = Selector { from: end(from)?, to: end(to)?, port: *port, both_ways: true };
                let effect = match *effect {
                    FaultEffect::Latency(millis) => Effect::Latency(Duration::from_millis(millis)),
                    FaultEffect::LossPpm(ppm) => Effect::LossPpm(ppm),
                    FaultEffect::Bandwidth(octets) => Effect::Bandwidth(octets),
                    FaultEffect::Block(block) => Effect::Block(block),
                };
                world.faults_mut().add(Rule { name: name.clone(), selector, effect });
                world.note(None, actor, Kind::Fault { what: name.as_str().into() });
            }
            Input::Repair { name } => {
                world.faults_mut().remove(name);
                world.remove_fault_rule(name);
                let armed = world.hosts().filter(|host| host.refusals.has(name)).map(|host| host.id);
                for id in armed.collect::<Vec<_>>() {
                    world.host_mut(id).refusals.remove(name);
                }
                world.note(None, actor, Kind::Fault { what: format!("{name} is repaired").into() });
            }
            Input::Rehearse { name, who, stage, nth, failure } => {
                who.as_deref().map(|host| find(world, host)).transpose()?;
                let (name, who, failure) = (name.clone(), who.clone(), failure.clone());
                let what = name.as_str().into();
                if !world.add_fault_rule(FaultRule { name, who, stage: *stage, nth: *nth, failure, seen: 0 }) {
                    return Err(InputError::TooMany("rules for faults", MAX_RULES));
                }
                world.note(None, actor, Kind::Fault { what });
            }
            Input::Refuse { name, host, command, address, times, code } => {
                let id = find(world, host)?;
                let verb = command.to_ascii_uppercase();
                if !REFUSED.contains(&verb.as_str()) {
                    return Err(InputError::UnknownPart("command", command.clone()));
                }
                if !(400..600).contains(code) {
                    return Err(InputError::UnknownPart("refusing code", code.to_string()));
                }
                let address = address.as_deref().map(Into::into);
                let refusal = Refusal { name: name.into(), verb: verb.into(), address, left: *times, code: *code };
                if !world.host_mut(id).refusals.add(refusal) {
                    return Err(InputError::TooMany("refusals on purpose", MAX_RULES));
                }
                world.note(Some(id), actor, Kind::Fault { what: name.as_str().into() });
            }
            Input::Join { host, fqdn, address } => super::outside::join(world, cast, host, fqdn, *address)?,
            Input::Enrol { student, number, like } => {
                super::outside::enrol(world, cast, student, *number, like)?;
            }
            Input::Connect { conn, from, to } => world.connect_outside(*conn, find(world, from)?, *to),
            Input::Ask { conn, from } => world.ask_outside(*conn, find(world, from)?),
            // A server may have closed at the same moment; then there is nobody to tell.
            Input::Bytes { conn, data } => {
                world.outside_input(*conn, Inward::Bytes(data.clone()));
            }
            Input::Tls { conn, step } => {
                world.outside_input(*conn, Inward::Tls(Arc::new(step.message())));
            }
            Input::Close { conn, how } => {
                let what = match how {
                    CloseHow::Eof => Inward::Eof,
                    CloseHow::Reset => Inward::Reset,
                };
                world.outside_input(*conn, what);
            }
            Input::Datagram { conn, to, data } => {
                world.outside_input(*conn, Inward::Datagram { to: *to, bytes: data.clone() });
            }
            Input::Pace { permille } => world.set_pace(permille.map_or(Pace::Jump, Pace::Permille)),
        }
        Ok(None)
    }
}

fn is_terminal(device: &Device) -> bool {
    *device == Device::Terminal
}

fn find(world: &World, name: &str) -> Result<HostId, InputError> {
    world.find(name).ok_or_else(|| InputError::UnknownHost(name.to_owned()))
}

/// Refuses somebody whom a host does not know.
fn known_user(world: &World, host: HostId, user: &str) -> Result<(), InputError> {
    let host = world.host(host);
    match host.accounts.user(user) {
        Some(_) => Ok(()),
        None => Err(InputError::UnknownUser(host.name.to_string(), user.to_owned())),
    }
}

fn command(world: &mut World, host: &str, user: &str, line: &str, stdin: &str) -> Result<(HostId, ProcId), InputError> {
    let id = find(world, host)?;
    known_user(world, id, user)?;
    let spawn = crate::scenario::login_spawn(world.host(id), Some(user), line, stdin);
    Ok((id, world.spawn(id, spawn, Actor::Student)))
}
