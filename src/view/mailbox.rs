//! The mailboxes of a host, with their messages taken apart.

use super::message::{Envelope, Letter, letter};
use crate::host::Host;
use crate::host::vfs::{Cred, Vfs};
use crate::mailbox::{maildir, mbox};

/// Folders that mailboxes lie in, and how deep.
const PLACES: [(&str, u32); 3] = [("/var/mail", 3), ("/home", 3), ("/root", 1)];
/// Most messages of a mailbox that are shown; the newest ones.
const MOST: usize = 500;

/// A mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The file, or the folder of a Maildir.
    pub path: String,
    /// Its messages, oldest first.
    pub letters: Vec<Letter>,
}

/// All mailboxes of a host, by path.
pub fn mailboxes(host: &Host) -> Vec<Mailbox> {
    let mut found = Vec::new();
    for (place, depth) in PLACES {
        search(&host.vfs, place, depth, &mut found);
    }
    found
}

fn search(vfs: &Vfs, folder: &str, depth: u32, found: &mut Vec<Mailbox>) {
    let Ok(entries) = vfs.list(folder, &Cred::ROOT) else { return };
    for (name, _) in entries {
        let path = format!("{folder}/{name}");
        if vfs.list(&path, &Cred::ROOT).is_err() {
            found.extend(file(vfs, &path));
        } else if vfs.exists(&format!("{path}/new")) && vfs.exists(&format!("{path}/tmp")) {
            found.extend(folder_of(vfs, &path));
        } else if depth > 1 {
            search(vfs, &path, depth - 1, found);
        }
    }
}

/// An mbox file; `None` for files that are none.
fn file(vfs: &Vfs, path: &str) -> Option<Mailbox> {
    let content = vfs.read(path, &Cred::ROOT).ok()?.to_vec();
    let empty = content.is_empty() && path.starts_with("/var/mail");
    if !empty && !begins_like_a_mailbox(&content) {
        return None;
    }
    let entries = mbox::parse(&content.into());
    let first = entries.len().saturating_sub(MOST);
    let letters = entries[first..].iter().map(|entry| {
        let path = return_path(|name| entry.field(name)).unwrap_or_else(|| entry.sender.to_string());
        let envelope = Envelope { from: Some(path), to: delivered_to(|name| entry.field(name)) };
        letter(envelope, &entry.content(), false)
    });
    Some(Mailbox { path: path.to_owned(), letters: letters.collect() })
}

/// Whether a file begins with an mbox separator: `From`, who sent it, and a date that begins with the
/// day of the week (mbox(5)).
fn begins_like_a_mailbox(content: &[u8]) -> bool {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let first = content.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(first);
    let mut words = line.split_whitespace();
    line.starts_with("From ") && words.nth(2).is_some_and(|word| DAYS.contains(&word))
}

fn folder_of(vfs: &Vfs, path: &str) -> Option<Mailbox> {
    let entries = maildir::list(vfs, path, &Cred::ROOT).ok()?;
    let first = entries.len().saturating_sub(MOST);
    let letters = entries[first..].iter().filter_map(|entry| {
        let content = maildir::read(vfs, entry, &Cred::ROOT).ok()?;
        let read = letter(Envelope::default(), &content, false);
        let field = |name: &str| read.field(name).map(str::to_owned);
        let envelope = Envelope { from: return_path(field), to: delivered_to(field) };
        Some(Letter { envelope, ..read })
    });
    Some(Mailbox { path: path.to_owned(), letters: letters.collect() })
}

/// The envelope's sender, as the program that stored it has noted.
fn return_path(field: impl Fn(&str) -> Option<String>) -> Option<String> {
    field("Return-Path").map(|path| path.trim_matches(['<', '>']).to_owned())
}

/// For whom it was, as the program that stored it has noted.
fn delivered_to(field: impl Fn(&str) -> Option<String>) -> Vec<String> {
    field("X-Original-To").or_else(|| field("Delivered-To")).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::scenario::{Scenario, Sources};
    use crate::session::Session;

    #[test]
    fn files_and_maildirs_are_found_and_other_files_are_not() {
        let text = "(title: (en: \"a\", de: \"b\"), summary: (en: \"\", de: \"\"), \
                    hosts: [(name: \"ws1\", addresses: [\"192.0.2.1\"])])";
        let sources = Sources { name: "x".into(), file: "x.ron".into(), text: text.into(), ..Sources::default() };
        let session = Session::new(Arc::new(Scenario::load(&sources).unwrap()), None, None).unwrap();
        let mut host = session.world().host(crate::sim::HostId(0)).clone();
        let mail = "From alice@example.com  Sat Nov 21 12:00:00 2026\nX-Original-To: bob@example.org\nSubject: one\n\nhello\n\n";
        for (path, text) in [
            ("/var/mail/bob", mail),
            ("/var/mail/vhosts/example.org/eve", mail),
            ("/home/carol/Maildir/new/1.x", "Return-Path: <alice@example.com>\nSubject: two\n\nhi\n"),
            ("/home/carol/Maildir/tmp/.keep", ""),
            ("/home/carol/Maildir/cur/.keep", ""),
            ("/home/carol/notes", "From here on\n"),
        ] {
            let folder = path.rsplit_once('/').unwrap().0;
            maildir::make_dirs(&mut host.vfs, folder, &Cred::ROOT).unwrap();
            host.vfs.write(path, text, 0o644, &Cred::ROOT).unwrap();
        }
        let found = mailboxes(&host);
        let seen: Vec<(&str, Option<&str>, Option<&str>)> = found
            .iter()
            .flat_map(|mailbox| mailbox.letters.iter().map(|letter| (mailbox.path.as_str(), letter)))
            .map(|(path, letter)| (path, letter.field("Subject"), letter.envelope.from.as_deref()))
            .collect();
        let alice = Some("alice@example.com");
        assert_eq!(
            seen,
            [
                ("/var/mail/bob", Some("one"), alice),
                ("/var/mail/vhosts/example.org/eve", Some("one"), alice),
                ("/home/carol/Maildir", Some("two"), alice),
            ]
        );
        assert_eq!(found[0].letters[0].envelope.to, ["bob@example.org"]);
    }
}
