//! What is there after the last step: logs, mailboxes, queues, what sinks heard.

use serde_json::Value;

use super::case::{Case, HostKind};
use super::run::Runner;
use super::text::decode;
use crate::host::vfs::{Cred, Node, Vfs};
use crate::sim::{HostId, Time};

/// Directories in which all files that the case did not write are mailboxes.
const ROOTS: [&str; 3] = ["/var/mail", "/home", "/root"];
/// Lines that real hosts write now and then because of their file system.
const NOISE: [&str; 2] = ["file system clock is", "resetting file time stamps"];

impl Runner {
    /// Collects all sections that are not results of steps.
    pub(super) fn collect(&mut self, case: &Case) {
        for member in self.members.clone() {
            match (member.kind, member.sink) {
                (HostKind::Postfix, _) => self.collect_host(case, &member.name, member.id),
                (_, Some(proc)) => {
                    let sessions = self.sink(member.id, proc).map(|sink| sink.sessions().to_vec());
                    self.recording.received.push((member.name, sessions.unwrap_or_default()));
                }
                _ => {}
            }
        }
    }

    fn collect_host(&mut self, case: &Case, name: &str, id: HostId) {
        let log = self.log_of(id);
        let lines = log.lines().filter(|line| !NOISE.iter().any(|noise| line.contains(noise)));
        self.recording.mail_log.push((name.to_owned(), lines.map(str::to_owned).collect()));
        let listing = self.command(id, "postqueue -j", None, "", false).stdout;
        let entries: Vec<Value> =
            listing.lines().filter(|line| line.starts_with('{')).flat_map(serde_json::from_str).collect();
        self.recording.queue.push((name.to_owned(), entries));
        let given = case.hosts.get(name);
        let further = case.collect.get(name).into_iter().flatten().map(String::as_str);
        let vfs = &self.world.host(id).vfs;
        let mut found = Vec::new();
        for root in ROOTS.into_iter().chain(further) {
            files_below(vfs, root, &mut found);
        }
        found.retain(|path| {
            let own = given.is_some_and(|spec| spec.files.get(path).is_some());
            !own && !path.ends_with(".db") && !path.starts_with("/root/.")
        });
        for path in found {
            let Ok(content) = vfs.read(&path, &Cred::ROOT) else { continue };
            let text = decode(&content.to_vec());
            match maildir_of(&path) {
                Some(dir) => add_message(&mut self.recording.mailboxes, format!("{name}:{dir}"), text),
                None => self.recording.mailboxes.push((format!("{name}:{path}"), split_mbox(&text))),
            }
        }
    }
}

fn add_message(mailboxes: &mut Vec<(String, Vec<String>)>, name: String, text: String) {
    match mailboxes.iter_mut().find(|(known, _)| *known == name) {
        Some((_, messages)) => messages.push(text),
        None => mailboxes.push((name, vec![text])),
    }
}

/// `new`, `cur` or `tmp` of a Maildir, if the file lies in one.
fn maildir_of(path: &str) -> Option<&str> {
    let (dir, _) = path.rsplit_once('/')?;
    let (_, last) = dir.rsplit_once('/')?;
    ["new", "cur", "tmp"].contains(&last).then_some(dir)
}

/// The regular files at or below a path: a directory's own in order of time, then those of its
/// directories in order of names.
fn files_below(vfs: &Vfs, path: &str, found: &mut Vec<String>) {
    let Ok(ino) = vfs.resolve_link(path, &Cred::ROOT) else { return };
    match vfs.inode(ino).map(|inode| &inode.node) {
        Some(Node::File(_)) => found.push(path.to_owned()),
        Some(Node::Dir(entries)) => {
            let mut files: Vec<(Time, String)> = Vec::new();
            let mut dirs = Vec::new();
            for (name, ino) in entries {
                let below = format!("{}/{name}", path.trim_end_matches('/'));
                match vfs.inode(*ino).map(|inode| (&inode.node, inode.mtime)) {
                    Some((Node::Dir(_), _)) => dirs.push(below),
                    Some((Node::File(_), mtime)) if !name.ends_with(".lock") => files.push((mtime, below)),
                    _ => {}
                }
            }
            files.sort();
            found.extend(files.into_iter().map(|(_, path)| path));
            dirs.iter().for_each(|dir| files_below(vfs, dir, found));
        }
        _ => {}
    }
}

/// The messages of an mbox file with their `From ` lines; any other file is one piece.
fn split_mbox(text: &str) -> Vec<String> {
    if !text.starts_with("From ") {
        return if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
    }
    let (mut messages, mut current, mut blank) = (Vec::new(), String::new(), true);
    for line in text.split_inclusive('\n') {
        if line.starts_with("From ") && blank && !current.is_empty() {
            messages.push(std::mem::take(&mut current));
        }
        current.push_str(line);
        blank = line == "\n" || line == "\r\n";
    }
    messages.push(current);
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mbox_files_are_split_at_from_lines_after_empty_ones() {
        let text = "From a\n\nFrom inside is not escaped\n\nFrom b\n\nx\n";
        assert_eq!(split_mbox(text).len(), 3);
        assert_eq!(split_mbox("From a\nFrom here\n\n").len(), 1);
        assert_eq!(split_mbox("log line\n"), ["log line\n"]);
        assert!(split_mbox("").is_empty());
    }

    #[test]
    fn files_in_maildirs_are_messages() {
        assert_eq!(maildir_of("/home/bob/Maildir/new/1.x"), Some("/home/bob/Maildir/new"));
        assert_eq!(maildir_of("/home/bob/new"), None);
    }
}
