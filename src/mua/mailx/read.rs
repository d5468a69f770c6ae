//! Reading a mailbox with mail(1): the list, messages, marks, and what happens to them at the end.

use bytes::Bytes;

use super::list::{self, Seen};
use super::{Options, compose, help};
use crate::host::Env;
use crate::mail::address;
use crate::mailbox::mbox::{self, Entry};

/// Header fields that are not shown (Debian's `/etc/mail.rc`).
const IGNORED: [&str; 8] =
    ["received", "message-id", "resent-message-id", "status", "mail-from", "return-path", "via", "delivered-to"];

/// Lines that `top` shows.
const TOP_LINES: usize = 5;

/// Lines of the list that are shown at once.
const WINDOW: usize = 18;

#[derive(Clone, Debug)]
struct Message {
    entry: Entry,
    /// It was in the mailbox at an earlier reading.
    old: bool,
    read: bool,
    deleted: bool,
    saved: bool,
    preserved: bool,
}

/// What comes after the commands that were typed.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// More of them.
    Wait,
    /// The end.
    Leave,
    /// A message is written.
    Write(Box<Options>),
}

/// An open mailbox.
#[derive(Clone, Debug)]
pub(super) struct Session {
    path: String,
    home: String,
    /// A file named with `-f`: read messages stay in it.
    folder: bool,
    messages: Vec<Message>,
    /// The present message.
    dot: usize,
    /// Whether the present message was shown, so that the next is meant by an empty line.
    shown: bool,
}

impl Session {
    /// Opens a mailbox; `None` if there is no mail in it.
    pub fn open(path: &str, home: &str, folder: bool, env: &Env<'_, '_>) -> Option<Session> {
        let file = Bytes::from(env.ctx.host.vfs.read(path, env.cred).ok()?.to_vec());
        let messages: Vec<Message> = mbox::parse(&file).into_iter().map(Message::new).collect();
        if messages.is_empty() {
            return None;
        }
        let first = |want: &dyn Fn(&Message) -> bool| messages.iter().position(want);
        let dot =
            first(&|message| !message.old && !message.read).or_else(|| first(&|message| !message.read)).unwrap_or(0);
        Some(Session { path: path.into(), home: home.into(), folder, messages, dot, shown: false })
    }

    /// How many messages there are.
    pub fn announce(&self, env: &mut Env<'_, '_>) {
        let count = |want: fn(&Message) -> bool| self.messages.iter().filter(|message| want(message)).count();
        let (new, unread) = (count(|m| !m.old && !m.read), count(|m| m.old && !m.read));
        let total = self.messages.len();
        let mut line = format!("\"{}\": {total} message{}", self.path, if total == 1 { "" } else { "s" });
        if new > 0 {
            line.push_str(&format!(" {new} new"));
        }
        if unread > 0 {
            line.push_str(&format!(" {unread} unread"));
        }
        env.outln(line);
    }

    /// The list around the present message.
    pub fn list(&self, env: &mut Env<'_, '_>) {
        let from = self.dot / WINDOW * WINDOW;
        for (index, message) in self.messages.iter().enumerate().skip(from).take(WINDOW) {
            if !message.deleted {
                env.outln(message.line(index, index == self.dot));
            }
        }
    }

    pub fn prompt(&self, env: &mut Env<'_, '_>) {
        if env.tty {
            env.stdout.extend_from_slice(b"& ");
        }
    }

    /// Takes the commands that are there.
    pub fn go_on(&mut self, env: &mut Env<'_, '_>) -> Next {
        while let Some(line) = env.stdin.take_line() {
            let line = String::from_utf8_lossy(&line).trim().to_owned();
            match self.command(&line, env) {
                Next::Wait => self.prompt(env),
                next => return next,
            }
        }
        if env.stdin.eof {
            self.quit(env);
            return Next::Leave;
        }
        Next::Wait
    }

    /// Carries out one command.
    fn command(&mut self, line: &str, env: &mut Env<'_, '_>) -> Next {
        let end = line.find(|c: char| !c.is_ascii_alphabetic() && c != '?' && c != '=').unwrap_or(line.len());
        let (verb, rest) = line.split_at(end);
        let rest = rest.trim();
        match verb {
            "" if rest.is_empty() => self.next(env),
            "" if matches!(rest, "+" | "-") => self.show_all(rest, env),
            "" => self.next_of(rest, env),
            "p" | "print" | "t" | "type" | "P" | "T" | "Print" | "Type" => self.show_all(rest, env),
            "n" | "next" if rest.is_empty() => self.next(env),
            "n" | "next" => self.next_of(rest, env),
            "h" | "headers" if rest.is_empty() => self.list(env),
            "h" | "headers" => {
                if let Some(first) = self.chosen(rest, false, env).first() {
                    self.dot = *first;
                    self.list(env);
                }
            }
            "z" => self.scroll(rest, env),
            "f" | "from" => {
                let chosen = self.chosen(rest, false, env);
                for index in &chosen {
                    let text = self.messages[*index].line(*index, *index == self.dot);
                    env.outln(text);
                }
                self.dot = chosen.last().copied().unwrap_or(self.dot);
            }
            "top" => {
                for index in self.chosen(rest, false, env) {
                    self.top(index, env);
                }
            }
            "d" | "delete" | "dp" | "dt" => {
                let chosen = self.chosen(rest, false, env);
                for index in &chosen {
                    (self.messages[*index].deleted, self.messages[*index].read) = (true, true);
                    self.dot = *index;
                }
                if !chosen.is_empty() {
                    self.after_delete(verb, env);
                }
            }
            "u" | "undelete" => {
                for index in self.chosen(rest, true, env) {
                    self.messages[index].deleted = false;
                    self.dot = index;
                }
            }
            "pre" | "preserve" | "ho" | "hold" if self.folder => env.outln("Cannot \"preserve\" in edit mode"),
            "pre" | "preserve" | "ho" | "hold" => {
                for index in self.chosen(rest, false, env) {
                    self.messages[index].preserved = true;
                }
            }
            "s" | "save" | "co" | "copy" | "c" | "w" | "write" => self.save(verb, rest, env),
            "=" => env.outln(format!("{}", self.dot + 1)),
            "size" => {
                for index in self.chosen(rest, false, env) {
                    let (lines, octets) = self.messages[index].size();
                    env.outln(format!("{}: {lines}/{octets}", index + 1));
                }
            }
            "unread" | "U" => {
                for index in self.chosen(rest, false, env) {
                    (self.messages[index].read, self.messages[index].old) = (false, true);
                }
            }
            "m" | "mail" => {
                let to: Vec<String> = super::names(rest).collect();
                match to.is_empty() {
                    true => env.outln("No recipients specified"),
                    false => return Next::Write(Box::new(Options { to, ..Options::default() })),
                }
            }
            "r" | "reply" | "respond" | "R" | "Reply" | "Respond" => {
                let to_all = verb.starts_with('r');
                if let Some(index) = self.chosen(rest, false, env).first().copied() {
                    return Next::Write(Box::new(self.reply(index, to_all, env)));
                }
            }
            "?" | "help" => env.stdout.extend_from_slice(help::HELP.as_bytes()),
            "x" | "exit" | "xit" => return Next::Leave,
            "q" | "quit" => {
                self.quit(env);
                return Next::Leave;
            }
            _ => env.outln(format!("Unknown command: \"{verb}\"")),
        }
        Next::Wait
    }

    fn show_all(&mut self, list: &str, env: &mut Env<'_, '_>) {
        for index in self.chosen(list, false, env) {
            self.show(index, env);
        }
    }

    /// Shows the first message of a list after the present one, with wrap-around.
    fn next_of(&mut self, list: &str, env: &mut Env<'_, '_>) {
        let chosen = self.chosen(list, false, env);
        if let Some(index) = chosen.iter().find(|index| **index > self.dot).or(chosen.first()) {
            self.show(*index, env);
        }
    }

    /// Goes a screenful forward or back.
    fn scroll(&mut self, direction: &str, env: &mut Env<'_, '_>) {
        let screen = self.dot / WINDOW;
        match direction {
            "-" if screen == 0 => return env.outln("On first screenful of messages"),
            "-" => self.dot = (screen - 1) * WINDOW,
            "" | "+" if (screen + 1) * WINDOW >= self.messages.len() => {
                return env.outln("On last screenful of messages");
            }
            "" | "+" => self.dot = (screen + 1) * WINDOW,
            other => return env.outln(format!("Unrecognized scrolling command \"{other}\"")),
        }
        self.list(env);
    }

    /// A reply to a message, to its sender or to all recipients as well; its header is shown.
    fn reply(&mut self, index: usize, to_all: bool, env: &mut Env<'_, '_>) -> Options {
        let entry = &self.messages[index].entry;
        let addresses = |name: &str| entry.field(name).map(|field| all_addresses(&field)).unwrap_or_default();
        let own = env.ctx.host.accounts.by_uid(env.cred.uid).map(|user| user.name.to_string()).unwrap_or_default();
        let reply_to = addresses("Reply-To");
        let (mut to, mut cc) = (reply_to.clone(), Vec::new());
        if reply_to.is_empty() {
            if to_all {
                to = addresses("To").into_iter().filter(|address| *address != own).collect();
                cc = addresses("Cc").into_iter().filter(|address| *address != own).collect();
            }
            to.extend(addresses("From"));
        }
        if to.is_empty() {
            to.push(entry.sender.to_string());
        }
        let subject = entry.field("Subject").unwrap_or_default();
        let is_reply = subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
        let subject = if is_reply { subject } else { format!("Re: {subject}") };
        env.outln(format!("To: {}\nSubject: {subject}", to.join(" ")));
        if !cc.is_empty() {
            env.outln(format!("Cc: {}", cc.join(" ")));
        }
        for (name, value) in compose::MIME {
            env.outln(format!("{name}: {value}"));
        }
        env.stdout.push(b'\n');
        self.dot = index;
        self.messages[index].read = true;
        Options { subject: Some(subject), to, cc, ..Options::default() }
    }

    fn next(&mut self, env: &mut Env<'_, '_>) {
        let from = if self.shown { self.dot + 1 } else { self.dot };
        match (from..self.messages.len()).find(|index| !self.messages[*index].deleted) {
            Some(index) => self.show(index, env),
            None => env.outln("At EOF"),
        }
    }

    fn after_delete(&mut self, verb: &str, env: &mut Env<'_, '_>) {
        let alive = |index: &usize| !self.messages[*index].deleted;
        if let Some(next) = (self.dot..self.messages.len()).find(alive).or_else(|| (0..self.dot).rev().find(alive)) {
            self.dot = next;
            self.shown = false;
            if verb != "d" && verb != "delete" {
                self.show(next, env);
            }
        }
    }

    fn show(&mut self, index: usize, env: &mut Env<'_, '_>) {
        self.dot = index;
        self.shown = true;
        let message = &mut self.messages[index];
        message.read = true;
        let entry = &message.entry;
        env.outln(format!("Message {}:", index + 1));
        env.outln(format!("From {}  {}", entry.sender, entry.date));
        shown_header(entry).iter().for_each(|line| env.outln(line));
        env.stdout.push(b'\n');
        env.stdout.extend_from_slice(&entry.body);
        env.stdout.push(b'\n');
    }

    /// The first lines of a message.
    fn top(&mut self, index: usize, env: &mut Env<'_, '_>) {
        self.dot = index;
        let entry = &self.messages[index].entry;
        env.outln(format!("Message {}:\nFrom {}  {}", index + 1, entry.sender, entry.date));
        shown_header(entry).iter().take(TOP_LINES - 1).for_each(|line| env.outln(line));
        env.stdout.push(b'\n');
    }

    /// The messages that a list names, deleted ones or others.
    fn chosen(&self, list: &str, deleted: bool, env: &mut Env<'_, '_>) -> Vec<usize> {
        let seen: Vec<Seen> = self.messages.iter().map(Message::seen).collect();
        match list::resolve(list, &seen, self.dot, deleted) {
            Ok(chosen) => chosen,
            Err(text) => {
                env.outln(text);
                Vec::new()
            }
        }
    }

    fn save(&mut self, verb: &str, rest: &str, env: &mut Env<'_, '_>) {
        let (list, file) = match rest.rsplit_once(' ') {
            Some((list, file)) => (list.trim(), file),
            None => ("", rest),
        };
        // Without a file the mailbox of read messages is meant.
        let own = format!("{}/mbox", self.home);
        let file = if file.is_empty() { own.as_str() } else { file };
        let path = match file.strip_prefix("~/") {
            Some(below) => format!("{}/{below}", self.home),
            None => env.path(file),
        };
        let chosen = self.chosen(list, false, env);
        let entries: Vec<Entry> = chosen.iter().map(|index| self.messages[*index].entry.clone()).collect();
        let text = if verb.starts_with('w') {
            entries.iter().flat_map(|entry| entry.body.to_vec()).collect()
        } else {
            mbox::render(&entries)
        };
        let known = if env.ctx.host.vfs.exists(&path) { "Appended" } else { "New file" };
        match env.ctx.host.vfs.append(&path, text, 0o600, env.cred) {
            Ok(_) => {
                env.outln(format!("\"{file}\" [{known}]"));
                for index in chosen {
                    self.messages[index].read = true;
                    self.messages[index].saved |= !verb.starts_with('c');
                }
            }
            Err(error) => env.errln(format!("{file}: {error}")),
        }
    }

    /// Puts read messages into `~/mbox`, drops deleted and saved ones, and keeps the others.
    fn quit(&mut self, env: &mut Env<'_, '_>) {
        let mut kept = Vec::new();
        let mut moved = Vec::new();
        let is_folder = self.folder;
        let drops = |message: &Message| message.deleted || (message.saved && !is_folder);
        for message in self.messages.drain(..).filter(|message| !drops(message)) {
            let mut entry = message.entry;
            entry.set_field("Status", if message.read { "RO" } else { "O" });
            if message.read && !message.preserved && !self.folder {
                moved.push(entry);
            } else {
                kept.push(entry);
            }
        }
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        if !moved.is_empty() {
            let path = format!("{}/mbox", self.home);
            match env.ctx.host.vfs.append(&path, mbox::render(&moved), 0o600, env.cred) {
                Ok(_) => env.outln(format!("Saved {} message{} in {path}", moved.len(), plural(moved.len()))),
                Err(error) => {
                    env.errln(format!("{path}: {error}"));
                    kept.extend(moved);
                }
            }
        }
        let text = mbox::render(&kept);
        if env.ctx.host.vfs.write(&self.path, text, 0o600, env.cred).is_err() {
            env.errln(format!("{}: Permission denied", self.path));
        } else if self.folder {
            env.outln(format!("\"{}\" {}", self.path, if kept.is_empty() { "truncated" } else { "complete" }));
        } else if !kept.is_empty() {
            env.outln(format!("Held {} message{} in {}", kept.len(), plural(kept.len()), self.path));
        }
    }
}

impl Message {
    fn new(entry: Entry) -> Message {
        let status = entry.field("Status").unwrap_or_default();
        let (old, read) = (status.contains('O'), status.contains('R'));
        Message { entry, old, read, deleted: false, saved: false, preserved: false }
    }

    /// What lists look at.
    fn seen(&self) -> Seen {
        Seen {
            sender: self.entry.field("From").unwrap_or_else(|| self.entry.sender.to_string()),
            subject: self.entry.field("Subject").unwrap_or_default(),
            new: !self.old && !self.read,
            read: self.read,
            old: self.old,
            deleted: self.deleted,
        }
    }

    /// Lines and octets in the mailbox.
    fn size(&self) -> (usize, usize) {
        let text = mbox::render(std::slice::from_ref(&self.entry));
        (text.iter().filter(|octet| **octet == b'\n').count(), text.len())
    }

    /// Its line in the list.
    fn line(&self, index: usize, present: bool) -> String {
        let mark = match (self.saved, self.preserved, self.read, self.old) {
            (true, ..) => '*',
            (_, true, ..) => 'P',
            (_, _, false, false) => 'N',
            (_, _, false, true) => 'U',
            _ => ' ',
        };
        let from = self.entry.field("From").unwrap_or_else(|| self.entry.sender.to_string());
        let from = bare_address(&from);
        let (lines, octets) = self.size();
        let date = self.entry.date.get(..16).unwrap_or(&self.entry.date);
        let head = format!(
            "{}{mark}{:3} {:18.18} {date:16.16} {lines:4}/{octets:<5}",
            if present { '>' } else { ' ' },
            index + 1,
            from
        );
        match self.entry.field("Subject") {
            Some(subject) => format!("{head} {}", subject.chars().take(26).collect::<String>()),
            None => head,
        }
    }
}

/// The header as it is shown.
fn shown_header(entry: &Entry) -> Vec<String> {
    let mut hidden = false;
    let text = String::from_utf8_lossy(&entry.header);
    let lines = text.lines().filter(|line| {
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            hidden = IGNORED.contains(&name.as_str());
        }
        !hidden
    });
    lines.map(str::to_owned).collect()
}

/// All addresses of a field, without names and comments.
fn all_addresses(field: &str) -> Vec<String> {
    let addresses = address::parse_list(field).into_iter().filter_map(|token| match token {
        address::Token::Address(tokens) => Some(address::internalize(&tokens)),
        _ => None,
    });
    addresses.collect()
}

/// The address without name and comments.
fn bare_address(field: &str) -> String {
    let first = all_addresses(field).into_iter().next();
    first.unwrap_or_else(|| field.to_owned())
}
