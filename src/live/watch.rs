//! Dialogues of real clients as they happen, with what each line means beside it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::command::Watcher;
use super::notice::Notice;
use crate::scenario::enrol::CLASS_DOMAIN;
use crate::session::Session;
use crate::session::coach::{self, Hint};
use crate::session::words::{Lang, Words};
use crate::sim::Socket;
use crate::trace::{Decision, Event, Kind};
use crate::view::dialogue::{REPLY_MEANINGS, command_meaning, reply_meaning};
use crate::world::World;

/// Colours that tell connections apart (ECMA-48).
const COLOURS: [u8; 6] = [36, 33, 35, 32, 34, 31];
/// Columns for the dialogue; explanations stand beside it.
const WIDTH: usize = 58;
/// Connections that are remembered.
const MAX_KEPT: usize = 10_000;

/// A connection on the screen.
#[derive(Clone, Debug)]
struct Shown {
    number: u64,
    client: String,
    server: String,
    /// What the client said last.
    said: String,
    /// One of [`COLOURS`].
    colour: u8,
}

/// Writes dialogues to a terminal.
pub struct Watch {
    out: Box<dyn Write + Send>,
    lang: Lang,
    colour: bool,
    coach: bool,
    /// The texts of one language, since the bundle that makes them stays in its thread.
    texts: BTreeMap<&'static str, String>,
    meant: (String, String),
    shown: BTreeMap<Socket, Shown>,
    next: u64,
    focus: Focus,
}

/// The only host whose dialogues are shown, as client or server; all if there is none. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Focus(Arc<Mutex<Option<String>>>);

impl Focus {
    /// Shows only the dialogues of a host from now on, or all again.
    pub fn set(&self, host: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = host;
    }

    fn is_on(&self, ends: [&str; 2]) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_deref().is_none_or(|host| ends.contains(&host))
    }
}

impl Watch {
    /// Shows dialogues in a language; with `coach` also what was expected where something was
    /// refused.
    pub fn new(out: Box<dyn Write + Send>, lang: Lang, colour: bool, coach: bool) -> Watch {
        let words = Words::new(lang);
        let verbs = [
            "EHLO", "MAIL", "RCPT", "DATA", "RSET", "VRFY", "EXPN", "NOOP", "QUIT", "STARTTLS", "AUTH", "BDAT", "ETRN",
        ];
        let names = verbs.iter().map(|verb| command_meaning(verb).0).chain(REPLY_MEANINGS);
        let texts = names.chain(coach::TEXTS).map(|id| (id, words.word(id))).collect();
        // The word stands where the mark was.
        let pattern = words.say("coach-meant", &[("word", "\u{1}".into())]);
        let (before, after) = pattern.split_once('\u{1}').unwrap_or((&pattern, ""));
        let meant = (before.to_owned(), after.to_owned());
        Watch { out, lang, colour, coach, texts, meant, shown: BTreeMap::new(), next: 1, focus: Focus::default() }
    }

    /// Whose dialogues are shown, to be changed while it runs.
    pub fn focus(&self) -> Focus {
        self.focus.clone()
    }

    fn write(&mut self, text: &str) {
        // A terminal that is gone is no reason to stop serving.
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }

    fn text(&self, id: &str) -> &str {
        self.texts.get(id).map_or("", String::as_str)
    }

    fn paint(&self, code: u8, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// A line of a dialogue, with its meaning beside it or below.
    fn line(&self, event: &Event, shown: &Shown, arrow: &str, text: &str, meaning: &str) -> String {
        let Shown { number, client, server, colour, .. } = shown;
        let clock = clock(event);
        let who = format!("#{number} {client} {arrow} {server}");
        let head = format!("{clock} {}", self.paint(*colour, &who));
        let plain = clock.len() + 1 + who.chars().count();
        let indent = " ".repeat(plain + 2);
        let mut out = String::new();
        for (index, part) in text.lines().enumerate() {
            let part = printable(part);
            let _ = match index {
                0 if !meaning.is_empty() && part.chars().count() <= WIDTH - 10 => {
                    writeln!(out, "{head}  {part:<48}  {}", self.paint(2, meaning))
                }
                0 if !meaning.is_empty() => writeln!(out, "{head}  {part}\n{indent}{}", self.paint(2, meaning)),
                0 => writeln!(out, "{head}  {part}"),
                _ => writeln!(out, "{indent}{part}"),
            };
        }
        out
    }

    fn event(&mut self, event: &Event, world: &World) -> Option<String> {
        match &event.kind {
            Kind::SmtpSession { session, client, server, .. } => {
                let shown = self.open(*session, *client, *server, world);
                let Shown { number, client, server: name, .. } = &shown;
                let text = format!("#{number} {client} ● {name}, port {}", server.port());
                Some(format!("\n{}\n", self.paint(1, &text)))
            }
            Kind::SmtpCmd { session, line } => {
                let shown = self.shown.get_mut(session)?;
                shown.said = line.to_string();
                let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
                let (id, section) = command_meaning(&verb);
                let meaning = if id.is_empty() { String::new() } else { format!("{} {section}", self.text(id)) };
                let shown = self.shown.get(session)?;
                Some(self.line(event, shown, "▶", line, &meaning))
            }
            Kind::SmtpReply { session, code, enhanced, text } => {
                let shown = self.shown.get(session)?.clone();
                let enhanced = enhanced.as_deref().filter(|enhanced| !text.starts_with(*enhanced));
                let said = enhanced.map_or(format!("{code} {text}"), |enhanced| format!("{code} {enhanced} {text}"));
                let meaning = self.text(reply_meaning(*code, text).0).to_owned();
                let mut out = self.line(event, &shown, "◀", &said, &meaning);
                if *code >= 400 {
                    self.reasons(event.why.as_deref(), &mut out);
                    self.advise(coach::smtp(&shown.said, *code, text), &mut out);
                }
                Some(out)
            }
            Kind::PolicyVerdict { list, restriction, action, .. } if event.why.is_some() && action != "permit" => {
                let mut out = format!("{}\n", self.paint(2, &format!("         {list}: {restriction}: {action}")));
                self.reasons(event.why.as_deref(), &mut out);
                Some(out)
            }
            Kind::SmtpTls { session, version, cipher, .. } => {
                let shown = self.shown.get(session)?;
                Some(self.line(event, shown, "🔒", &format!("{version} {cipher}"), ""))
            }
            Kind::PopCmd { session, line, reply, .. } => {
                self.meet(*session, world);
                self.exchange(event, *session, line, reply, coach::pop3)
            }
            Kind::ImapCmd { session, line, reply, .. } => {
                self.meet(*session, world);
                self.exchange(event, *session, line, reply, coach::imap)
            }
            Kind::DnsAnswer { to, qname, qtype, rcode, records, cached: false, .. } if is_outside(event, world) => {
                let who = name(world, SocketAddr::new(*to, 0));
                let found = if records.is_empty() { rcode.to_string() } else { records.join(", ") };
                Some(printable(&format!("{} {who} ? {qname} {qtype}: {found}", clock(event))) + "\n")
            }
            Kind::Deliver { queue_id, rcpt, dsn, status, text, .. } => {
                let status = format!("{status:?}").to_ascii_lowercase();
                let line = format!("{} ✉ {queue_id} <{rcpt}>: {status} {dsn} ({text})", clock(event));
                Some(self.paint(2, &printable(&line)) + "\n")
            }
            _ => None,
        }
    }

    fn exchange(
        &mut self,
        event: &Event,
        sock: Socket,
        line: &str,
        reply: &str,
        coach: fn(&str, &str) -> Option<Hint>,
    ) -> Option<String> {
        let shown = self.shown.get(&sock)?;
        let mut out = self.line(event, shown, "▶", line, "");
        out += &self.line(event, shown, "◀", reply, "");
        self.advise(coach(line, reply), &mut out);
        Some(out)
    }

    /// A connection that is shown for the first time with a command.
    fn meet(&mut self, sock: Socket, world: &World) {
        if !self.shown.contains_key(&sock) {
            let ends = world.kernel().addresses_of(sock);
            let (server, client) =
                ends.map_or(("?".into(), "?".into()), |ends| (name(world, ends.0), name(world, ends.1)));
            self.number(sock, client, server, world);
        }
    }

    fn open(&mut self, sock: Socket, client: SocketAddr, server: SocketAddr, world: &World) -> Shown {
        self.number(sock, name(world, client), name(world, server), world)
    }

    /// Gives a connection its number and colour. All of a student have the same colour.
    fn number(&mut self, sock: Socket, client: String, server: String, world: &World) -> Shown {
        let host = world.find(&client).map(|host| world.host(host));
        let is_student = host.is_some_and(|host| host.fqdn.ends_with(CLASS_DOMAIN));
        let place = if is_student { client.bytes().map(u64::from).sum() } else { self.next - 1 };
        let colour = COLOURS[(place % COLOURS.len() as u64) as usize];
        let shown = Shown { number: self.next, client, server, said: String::new(), colour };
        self.next += 1;
        self.remember(sock, shown.clone());
        shown
    }

    /// Whether an event is of a dialogue that is to be shown.
    fn is_in_focus(&self, event: &Event, world: &World) -> bool {
        let session = match &event.kind {
            Kind::SmtpSession { session, .. }
            | Kind::SmtpCmd { session, .. }
            | Kind::SmtpReply { session, .. }
            | Kind::SmtpTls { session, .. }
            | Kind::PopCmd { session, .. }
            | Kind::ImapCmd { session, .. } => self.shown.get(session),
            Kind::DnsAnswer { to, .. } => return self.focus.is_on([&name(world, SocketAddr::new(*to, 0)), ""]),
            _ => None,
        };
        self.focus.is_on(session.map_or(["", ""], |shown| [&shown.client, &shown.server]))
    }

    fn remember(&mut self, sock: Socket, shown: Shown) {
        if self.shown.len() >= MAX_KEPT {
            self.shown.pop_first();
        }
        self.shown.insert(sock, shown);
    }

    /// The rules that led to a refusal.
    fn reasons(&self, why: Option<&Decision>, out: &mut String) {
        for step in why.iter().flat_map(|why| &why.steps).filter(|step| step.matched) {
            let place = step.source.as_ref().map_or(String::new(), |source| format!(" ({source})"));
            let text = format!("         ↳ {}{place}: {} {}", step.rule, step.input, step.outcome);
            let _ = writeln!(out, "{}", self.paint(2, &text));
        }
    }

    fn advise(&self, hint: Option<Hint>, out: &mut String) {
        let Some(Hint { id, meant }) = hint.filter(|_| self.coach) else { return };
        let meant = meant.map_or(String::new(), |word| format!("{}{word}{} ", self.meant.0, self.meant.1));
        let _ = writeln!(out, "{}", self.paint(32, &format!("         ✎ {meant}{}", self.text(id))));
    }
}

/// Without what would move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}

/// The time of day of an event.
fn clock(event: &Event) -> String {
    event.time.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// Whether the asker is somebody outside; programs of the world ask for themselves.
fn is_outside(event: &Event, world: &World) -> bool {
    let asked = event.cause.and_then(|cause| world.trace().get(cause));
    asked.is_some_and(|asked| asked.actor == crate::trace::Actor::Student && asked.kind.name() == "dns.query")
}

/// The host of an address, or the address.
fn name(world: &World, addr: SocketAddr) -> String {
    world.host_of(addr.ip()).map_or_else(|| addr.ip().to_string(), |host| world.host(host).name.to_string())
}

impl Watcher for Watch {
    fn look(&mut self, session: &Session, since: u64) {
        let world = session.world();
        let mut text = String::new();
        for event in world.trace().since(since) {
            if let Some(line) = self.event(event, world).filter(|_| self.is_in_focus(event, world)) {
                text.push_str(&line);
            }
        }
        if !text.is_empty() {
            self.write(&text);
        }
    }

    fn tell(&mut self, notice: Notice) {
        let text = self.paint(33, &format!("⚠ {}", notice.text(self.lang)));
        self.write(&format!("{text}\n"));
    }
}
