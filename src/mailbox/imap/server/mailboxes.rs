//! Commands about mailboxes as a whole: SELECT, RENAME, LIST, STATUS, APPEND (RFC 3501 section 6.3).

use super::selected::flags_of;
use super::{Server, State, capitalised, missing, send};
use crate::mailbox::imap::syntax::{self, Arg};
use crate::mailbox::output::Output;
use crate::mailbox::store::{Flags, Store};

impl Server {
    pub(super) fn select(
        &mut self,
        name: &str,
        read_only: bool,
        store: &mut dyn Store,
        out: &mut Vec<Output>,
    ) -> String {
        let user = self.user();
        let folder = match store.open(&user, name) {
            Ok(folder) => folder,
            Err(_) => {
                self.state = State::Authenticated { user };
                return format!("NO [NONEXISTENT] Mailbox doesn't exist: {name}");
            }
        };
        send(out, "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)");
        let permanent = if read_only { "()" } else { "(\\Answered \\Flagged \\Deleted \\Seen \\Draft)" };
        let note = if read_only { "Read-only mailbox." } else { "Flags permitted." };
        send(out, &format!("* OK [PERMANENTFLAGS {permanent}] {note}"));
        send(out, &format!("* {} EXISTS", folder.mails.len()));
        send(out, &format!("* {} RECENT", folder.mails.iter().filter(|mail| mail.flags.recent).count()));
        if let Some(first) = folder.mails.iter().position(|mail| !mail.flags.seen) {
            send(out, &format!("* OK [UNSEEN {}] First unseen.", first + 1));
        }
        send(out, &format!("* OK [UIDVALIDITY {}] UIDs valid", folder.uid_validity));
        send(out, &format!("* OK [UIDNEXT {}] Predicted next UID", folder.uid_next));
        self.state = State::Selected { user, name: name.to_owned(), folder, read_only };
        if read_only { "OK [READ-ONLY] Examine completed.".into() } else { "OK [READ-WRITE] Select completed.".into() }
    }

    pub(super) fn rename(&mut self, from: Option<String>, to: Option<String>, store: &mut dyn Store) -> String {
        let (Some(from), Some(to)) = (from, to) else { return missing("RENAME") };
        let user = self.user();
        let moved = store.open(&user, &from).and_then(|folder| {
            store.create(&user, &to)?;
            for mail in &folder.mails {
                store.append(&user, &to, mail.flags, &mail.content)?;
            }
            if from.eq_ignore_ascii_case("INBOX") {
                let all: Vec<u32> = folder.mails.iter().map(|mail| mail.uid).collect();
                return store.expunge(&user, &from, &all);
            }
            store.delete(&user, &from)
        });
        match moved {
            Ok(()) => "OK Rename completed.".into(),
            Err(error) => format!("NO [CANNOT] {error}"),
        }
    }

    pub(super) fn list(
        &mut self,
        verb: &str,
        reference: &str,
        pattern: &str,
        store: &mut dyn Store,
        out: &mut Vec<Output>,
    ) -> String {
        if pattern.is_empty() {
            send(out, "* LIST (\\Noselect) \"/\" \"\"");
        }
        let pattern = format!("{reference}{pattern}");
        for name in store.folders(&self.user()) {
            let inbox = name == "INBOX" && wildcard(&pattern.to_ascii_uppercase(), "INBOX");
            if inbox || wildcard(&pattern, &name) {
                let name = syntax::mailbox_name(&name);
                send(out, &format!("* {verb} (\\HasNoChildren) \"/\" {name}"));
            }
        }
        format!("OK {} completed.", capitalised(verb))
    }

    pub(super) fn status(
        &mut self,
        name: Option<String>,
        items: Option<&Arg>,
        store: &mut dyn Store,
        out: &mut Vec<Output>,
    ) -> String {
        let (Some(name), Some(Arg::List(items))) = (name, items) else { return missing("STATUS") };
        let Ok(folder) = store.open(&self.user(), &name) else {
            return format!("NO [NONEXISTENT] Mailbox doesn't exist: {name}");
        };
        let mut values = Vec::new();
        for item in items {
            let value = match item.keyword().as_str() {
                "MESSAGES" => folder.mails.len() as u64,
                "RECENT" => folder.mails.iter().filter(|mail| mail.flags.recent).count() as u64,
                "UNSEEN" => folder.mails.iter().filter(|mail| !mail.flags.seen).count() as u64,
                "UIDNEXT" => folder.uid_next.into(),
                "UIDVALIDITY" => folder.uid_validity.into(),
                other => return format!("BAD Error in IMAP command STATUS: Invalid status item {other}"),
            };
            values.push(format!("{} {value}", item.keyword()));
        }
        let name = syntax::mailbox_name(&name);
        send(out, &format!("* STATUS {name} ({})", values.join(" ")));
        "OK Status completed.".into()
    }

    pub(super) fn append(&mut self, args: &[Arg], store: &mut dyn Store) -> String {
        let (Some(name), Some(Arg::Text(content))) = (args.first().and_then(Arg::text), args.last()) else {
            return missing("APPEND");
        };
        let flags = match args.get(1) {
            Some(Arg::List(list)) => flags_of(list),
            _ => Flags::default(),
        };
        let user = self.user();
        match store.append(&user, &name, flags, content) {
            Ok(uid) => {
                let validity = store.open(&user, &name).map_or(0, |folder| folder.uid_validity);
                format!("OK [APPENDUID {validity} {uid}] Append completed.")
            }
            Err(crate::host::vfs::Errno::NoEnt) => format!("NO [TRYCREATE] Mailbox doesn't exist: {name}"),
            Err(error) => format!("NO [SERVERBUG] {error}"),
        }
    }
}

/// The reply to a command that changes a mailbox as a whole.
pub(super) fn folder_result(
    name: Option<String>,
    verb: &str,
    act: impl FnOnce(&str) -> Result<(), crate::host::vfs::Errno>,
) -> String {
    let Some(name) = name else { return missing(verb) };
    match act(&name) {
        Ok(()) => format!("OK {} completed.", capitalised(verb)),
        Err(crate::host::vfs::Errno::Exist) => format!("NO [ALREADYEXISTS] Mailbox already exists: {name}"),
        Err(crate::host::vfs::Errno::NoEnt) => format!("NO [NONEXISTENT] Mailbox doesn't exist: {name}"),
        Err(error) => format!("NO [CANNOT] {error}"),
    }
}

/// `*` matches anything, `%` anything without the separator.
fn wildcard(pattern: &str, name: &str) -> bool {
    // One row of the table per character of the pattern keeps this linear in pattern times name.
    let name: Vec<char> = name.chars().collect();
    let mut row = vec![false; name.len() + 1];
    row[0] = true;
    for c in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        for at in 0..=name.len() {
            next[at] = match c {
                '*' => row[at] || (at > 0 && next[at - 1]),
                '%' => row[at] || (at > 0 && next[at - 1] && name[at - 1] != '/'),
                c => at > 0 && row[at - 1] && name[at - 1] == c,
            };
        }
        row = next;
    }
    row[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stop_at_the_separator_only_for_percent() {
        assert!(wildcard("*", "a/b"));
        assert!(!wildcard("%", "a/b"));
        assert!(wildcard("a/%", "a/b"));
    }
}
