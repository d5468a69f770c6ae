//! Commands about messages of the selected mailbox: FETCH, STORE, SEARCH, COPY, MOVE, EXPUNGE, CLOSE
//! (RFC 3501 section 6.4).

use super::{Server, State, capitalised, missing, send};
use crate::mailbox::imap::fetch::{self, Item, flag_list};
use crate::mailbox::imap::search;
use crate::mailbox::imap::syntax::{Arg, SequenceSet};
use crate::mailbox::output::Output;
use crate::mailbox::store::{Flags, Folder, Store};

impl Server {
    pub(super) fn selected(
        &mut self,
        verb: &str,
        by_uid: bool,
        args: &[Arg],
        store: &mut dyn Store,
        out: &mut Vec<Output>,
    ) -> String {
        let State::Selected { user, name, folder, read_only } = &mut self.state else {
            return "BAD No mailbox selected.".into();
        };
        let writable = !*read_only;
        let last = folder.mails.len() as u32;
        let last_uid = folder.mails.last().map_or(0, |mail| mail.uid);
        let chosen = |arg: Option<&Arg>| -> Option<Vec<usize>> {
            let set = SequenceSet::parse(&arg?.text()?)?;
            let wanted = |(index, mail): (usize, &crate::mailbox::store::Mail)| {
                let hit = if by_uid { set.contains(mail.uid, last_uid) } else { set.contains(index as u32 + 1, last) };
                hit.then_some(index)
            };
            Some(folder.mails.iter().enumerate().filter_map(wanted).collect())
        };
        match verb {
            "SEARCH" => match search::parse(args) {
                Ok(key) => {
                    let mut line = "* SEARCH".to_owned();
                    for (number, mail) in (1..).zip(&folder.mails) {
                        if key.matches(number, mail, last, last_uid) {
                            line.push_str(&format!(" {}", if by_uid { mail.uid } else { number }));
                        }
                    }
                    send(out, &line);
                    "OK Search completed.".into()
                }
                Err(error) => format!("BAD Error in IMAP command SEARCH: {error}"),
            },
            "FETCH" => {
                let (Some(indices), Some(items)) = (chosen(args.first()), args.get(1)) else { return missing(verb) };
                let mut items = match fetch::parse(items) {
                    Ok(items) => items,
                    Err(error) => return format!("BAD Error in IMAP command FETCH: {error}"),
                };
                if by_uid && !items.contains(&Item::Uid) {
                    items.insert(0, Item::Uid);
                }
                let marks = writable && items.iter().any(Item::marks_seen);
                let mut changes = Vec::new();
                for index in indices {
                    let mail = &mut folder.mails[index];
                    let newly_seen = marks && !mail.flags.seen;
                    if newly_seen {
                        mail.flags.seen = true;
                        changes.push((mail.uid, mail.flags));
                    }
                    let mut line = format!("* {} FETCH (", index + 1).into_bytes();
                    for (at, item) in items.iter().enumerate() {
                        if at > 0 {
                            line.push(b' ');
                        }
                        item.write(mail, &mut line);
                    }
                    if newly_seen && !items.contains(&Item::Flags) {
                        line.extend_from_slice(format!(" FLAGS {}", flag_list(mail.flags)).as_bytes());
                    }
                    line.extend_from_slice(b")\r\n");
                    out.push(Output::Send(line));
                }
                match store.set_flags(user, name, &changes) {
                    Err(error) if !changes.is_empty() => format!("NO [SERVERBUG] {error}"),
                    _ => "OK Fetch completed.".into(),
                }
            }
            "STORE" => {
                let (Some(indices), Some(action), Some(value)) = (chosen(args.first()), args.get(1), args.get(2))
                else {
                    return missing(verb);
                };
                if !writable {
                    return "NO [READ-ONLY] Mailbox is read-only.".into();
                }
                let given = match value {
                    Arg::List(list) => flags_of(list),
                    one => flags_of(std::slice::from_ref(one)),
                };
                let action = action.keyword();
                let silent = action.ends_with(".SILENT");
                let mut changes = Vec::new();
                for index in indices {
                    let mail = &mut folder.mails[index];
                    mail.flags = combine(mail.flags, given, &action);
                    changes.push((mail.uid, mail.flags));
                    if !silent {
                        let uid = if by_uid { format!("UID {} ", mail.uid) } else { String::new() };
                        send(out, &format!("* {} FETCH ({uid}FLAGS {})", index + 1, flag_list(mail.flags)));
                    }
                }
                match store.set_flags(user, name, &changes) {
                    Ok(()) => "OK Store completed.".into(),
                    Err(error) => format!("NO [SERVERBUG] {error}"),
                }
            }
            "COPY" | "MOVE" => {
                let (Some(indices), Some(target)) = (chosen(args.first()), args.get(1).and_then(Arg::text)) else {
                    return missing(verb);
                };
                for index in &indices {
                    let mail = &folder.mails[*index];
                    if store.append(user, &target, mail.flags, &mail.content).is_err() {
                        return format!("NO [TRYCREATE] Mailbox doesn't exist: {target}");
                    }
                }
                if verb == "MOVE" {
                    let uids: Vec<u32> = indices.iter().map(|index| folder.mails[*index].uid).collect();
                    return expunge(store, user, name, folder, &uids, Some(out), "OK Move completed.");
                }
                "OK Copy completed.".into()
            }
            "EXPUNGE" | "CLOSE" | "UNSELECT" => {
                let uids: Vec<u32> =
                    folder.mails.iter().filter(|mail| mail.flags.deleted).map(|mail| mail.uid).collect();
                let uids = if writable && verb != "UNSELECT" { uids } else { Vec::new() };
                let done = format!("OK {} completed.", capitalised(verb));
                let told = (verb == "EXPUNGE").then_some(out);
                let reply = expunge(store, user, name, folder, &uids, told, &done);
                if verb != "EXPUNGE" {
                    self.state = State::Authenticated { user: self.user() };
                }
                reply
            }
            _ => format!("BAD Error in IMAP command {verb}: Unknown command."),
        }
    }
}

/// Removes messages from the store and from the open folder.
fn expunge(
    store: &mut dyn Store,
    user: &str,
    name: &str,
    folder: &mut Folder,
    uids: &[u32],
    out: Option<&mut Vec<Output>>,
    done: &str,
) -> String {
    if let Err(error) = if uids.is_empty() { Ok(()) } else { store.expunge(user, name, uids) } {
        return format!("NO [SERVERBUG] {error}");
    }
    if let Some(out) = out {
        for (index, _) in folder.mails.iter().enumerate().rev().filter(|(_, mail)| uids.contains(&mail.uid)) {
            send(out, &format!("* {} EXPUNGE", index + 1));
        }
    }
    folder.mails.retain(|mail| !uids.contains(&mail.uid));
    done.to_owned()
}

/// The flags of a list.
pub(super) fn flags_of(list: &[Arg]) -> Flags {
    let has = |name: &str| list.iter().any(|arg| arg.keyword() == name);
    Flags {
        seen: has("\\SEEN"),
        answered: has("\\ANSWERED"),
        flagged: has("\\FLAGGED"),
        deleted: has("\\DELETED"),
        draft: has("\\DRAFT"),
        recent: false,
    }
}

/// `FLAGS`, `+FLAGS` and `-FLAGS`; `\Recent` cannot be changed.
fn combine(old: Flags, given: Flags, action: &str) -> Flags {
    let one = |old: bool, given: bool| match action.as_bytes().first() {
        Some(b'+') => old || given,
        Some(b'-') => old && !given,
        _ => given,
    };
    Flags {
        seen: one(old.seen, given.seen),
        answered: one(old.answered, given.answered),
        flagged: one(old.flagged, given.flagged),
        deleted: one(old.deleted, given.deleted),
        draft: one(old.draft, given.draft),
        recent: old.recent,
    }
}
