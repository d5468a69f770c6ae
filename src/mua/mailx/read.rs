//! Reading a mailbox with mail(1): the list, messages, marks, and what happens to them at the end.

use bytes::Bytes;

use crate::host::{Env, Progress};
use crate::mail::address;
use crate::mailbox::mbox::{self, Entry};

/// Header fields that are not shown (Debian's `/etc/mail.rc`).
const IGNORED: [&str; 8] =
    ["received", "message-id", "resent-message-id", "status", "mail-from", "return-path", "via", "delivered-to"];

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
    pub fn go_on(&mut self, env: &mut Env<'_, '_>) -> Progress {
        while let Some(line) = env.stdin.take_line() {
            let line = String::from_utf8_lossy(&line).trim().to_owned();
            if self.command(&line, env) {
                return Progress::Exit(0);
            }
            self.prompt(env);
        }
        if env.stdin.eof {
            self.quit(env);
            return Progress::Exit(0);
        }
        Progress::Wait
    }

    /// Carries out one command; `true` at the end of the session.
    fn command(&mut self, line: &str, env: &mut Env<'_, '_>) -> bool {
        let end = line.find(|c: char| !c.is_ascii_alphabetic() && c != '?' && c != '=').unwrap_or(line.len());
        let (verb, rest) = line.split_at(end);
        let rest = rest.trim();
        match verb {
            "" if rest.is_empty() => self.next(env),
            "" | "p" | "print" | "t" | "type" | "P" | "T" => {
                for index in self.chosen(rest, env) {
                    self.show(index, env);
                }
            }
            "n" | "next" => self.next(env),
            "h" | "headers" | "z" => self.list(env),
            "f" | "from" => {
                for index in self.chosen(rest, env) {
                    let text = self.messages[index].line(index, index == self.dot);
                    env.outln(text);
                }
            }
            "d" | "delete" | "dp" | "dt" => {
                for index in self.chosen(rest, env) {
                    self.messages[index].deleted = true;
                    self.dot = index;
                }
                self.after_delete(verb, env);
            }
            "u" | "undelete" => {
                for index in self.numbers(rest, env) {
                    self.messages[index].deleted = false;
                    self.dot = index;
                }
            }
            "pre" | "preserve" | "ho" | "hold" => {
                for index in self.chosen(rest, env) {
                    self.messages[index].preserved = true;
                }
            }
            "s" | "save" | "co" | "copy" | "w" | "write" => self.save(verb, rest, env),
            "=" => env.outln(format!("{}", self.dot + 1)),
            "size" => {
                for index in self.chosen(rest, env) {
                    let size = self.messages[index].size().1;
                    env.outln(format!("{}: {size}", index + 1));
                }
            }
            "?" | "help" => HELP.iter().for_each(|line| env.outln(line)),
            "x" | "exit" | "xit" => return true,
            "q" | "quit" => {
                self.quit(env);
                return true;
            }
            _ => env.outln(format!("Unknown command: \"{verb}\"")),
        }
        false
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
        let mut hidden = false;
        for line in String::from_utf8_lossy(&entry.header).lines() {
            if !line.starts_with([' ', '\t']) {
                let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
                hidden = IGNORED.contains(&name.as_str());
            }
            if !hidden {
                env.outln(line);
            }
        }
        env.stdout.push(b'\n');
        env.stdout.extend_from_slice(&entry.body);
        env.stdout.push(b'\n');
    }

    /// The messages that a list names and that are not deleted; the present one without a list.
    fn chosen(&self, list: &str, env: &mut Env<'_, '_>) -> Vec<usize> {
        let mut chosen = self.numbers(list, env);
        chosen.retain(|index| !self.messages[*index].deleted);
        if chosen.is_empty() && list.is_empty() {
            env.outln("No applicable messages");
        }
        chosen
    }

    fn numbers(&self, list: &str, env: &mut Env<'_, '_>) -> Vec<usize> {
        if list.is_empty() {
            return vec![self.dot];
        }
        let number = |text: &str| match text {
            "$" => Some(self.messages.len()),
            "^" => Some(1),
            "." => Some(self.dot + 1),
            text => text.parse().ok(),
        };
        let mut found = Vec::new();
        for word in list.split_whitespace() {
            let range = match word.split_once('-') {
                _ if word == "*" => Some((1, self.messages.len())),
                Some((from, to)) => number(from).zip(number(to)),
                None => number(word).map(|one| (one, one)),
            };
            match range {
                Some((from, to)) if from >= 1 && to <= self.messages.len() => found.extend(from - 1..to),
                Some((from, to)) => env.outln(format!("{}: Invalid message number", if from < 1 { from } else { to })),
                None => env.outln(format!("Unknown command: \"{word}\"")),
            }
        }
        found
    }

    fn save(&mut self, verb: &str, rest: &str, env: &mut Env<'_, '_>) {
        let (list, file) = match rest.rsplit_once(' ') {
            Some((list, file)) => (list.trim(), file),
            None => ("", rest),
        };
        if file.is_empty() {
            return env.outln("No file specified.");
        }
        let path = match file.strip_prefix("~/") {
            Some(below) => format!("{}/{below}", self.home),
            None => env.path(file),
        };
        let chosen = self.chosen(list, env);
        let entries: Vec<Entry> = chosen.iter().map(|index| self.messages[*index].entry.clone()).collect();
        let text = if verb.starts_with('w') {
            entries.iter().flat_map(|entry| entry.body.to_vec()).collect()
        } else {
            mbox::render(&entries)
        };
        let (lines, size) = (text.iter().filter(|octet| **octet == b'\n').count(), text.len());
        let known = if env.ctx.host.vfs.exists(&path) { "Appended" } else { "New file" };
        match env.ctx.host.vfs.append(&path, text, 0o600, env.cred) {
            Ok(_) => {
                env.outln(format!("\"{file}\" [{known}] {lines}/{size}"));
                for index in chosen.into_iter().filter(|_| !verb.starts_with('c')) {
                    self.messages[index].saved = true;
                }
            }
            Err(error) => env.errln(format!("{file}: {error}")),
        }
    }

    /// Puts read messages into `~/mbox`, drops deleted and saved ones, and keeps the others.
    fn quit(&mut self, env: &mut Env<'_, '_>) {
        let mut kept = Vec::new();
        let mut moved = Vec::new();
        for message in self.messages.drain(..).filter(|message| !message.deleted && !message.saved) {
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
                Ok(_) => env.outln(format!("Saved {} message{} in mbox", moved.len(), plural(moved.len()))),
                Err(error) => {
                    env.errln(format!("{path}: {error}"));
                    kept.extend(moved);
                }
            }
        }
        let text = mbox::render(&kept);
        if env.ctx.host.vfs.write(&self.path, text, 0o600, env.cred).is_err() {
            env.errln(format!("{}: Permission denied", self.path));
        } else if !kept.is_empty() && !self.folder {
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

/// The address without name and comments.
fn bare_address(field: &str) -> String {
    let first = address::parse_list(field).into_iter().find_map(|token| match token {
        address::Token::Address(tokens) => Some(address::internalize(&tokens)),
        _ => None,
    });
    first.unwrap_or_else(|| field.to_owned())
}

const HELP: [&str; 12] = [
    "    Mail Command                Description",
    "-------------------------   --------------------------------------------",
    "t [message list]            type message(s).",
    "n                           goto and type next message.",
    "f [message list]            give head lines of messages.",
    "d [message list]            delete message(s).",
    "s [message list] <file>     append message(s) to file.",
    "u [message list]            undelete message(s).",
    "pre [message list]          make messages go back to system mailbox.",
    "h                           print out active message headers.",
    "q                           quit, saving unresolved messages in mbox.",
    "x                           quit, do not remove system mailbox.",
];
