//! The lines of passwd(5), group(5) and shadow(5).

use crate::host::Host;
use crate::host::vfs::{Cred, Errno};

/// First id of ordinary users and groups, and the one after the last (`UID_MIN`, `UID_MAX`).
const ORDINARY: std::ops::Range<u32> = 1000..60_000;
/// First id of system users and groups, and the one after the last.
const SYSTEM: std::ops::Range<u32> = 100..1000;

/// The files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Passwd,
    Group,
    Shadow,
}

impl Table {
    fn path(self) -> &'static str {
        match self {
            Table::Passwd => "/etc/passwd",
            Table::Group => "/etc/group",
            Table::Shadow => "/etc/shadow",
        }
    }
}

/// A new account.
#[derive(Clone, Debug, Default)]
pub struct NewUser {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub comment: String,
    pub home: String,
    pub shell: String,
}

/// Changes the fields of a line; whether there is one of this name.
///
/// # Errors
/// The file cannot be written.
pub fn change(host: &mut Host, table: Table, name: &str, edit: impl FnOnce(&mut Vec<String>)) -> Result<bool, Errno> {
    let text = host.vfs.read_text(table.path(), &Cred::ROOT)?;
    let mut edit = Some(edit);
    let mut found = false;
    let mut changed = String::with_capacity(text.len());
    for line in text.lines() {
        if line.split(':').next() == Some(name)
            && let Some(edit) = edit.take()
        {
            let mut fields: Vec<String> = line.split(':').map(str::to_owned).collect();
            edit(&mut fields);
            found = true;
            if !fields.is_empty() {
                changed.push_str(&fields.join(":"));
                changed.push('\n');
            }
            continue;
        }
        changed.push_str(line);
        changed.push('\n');
    }
    if found {
        host.vfs.write(table.path(), changed, 0o644, &Cred::ROOT)?;
        host.accounts.refresh(&host.vfs);
    }
    Ok(found)
}

/// Takes a line away; whether there was one.
///
/// # Errors
/// The file cannot be written.
pub fn remove(host: &mut Host, table: Table, name: &str) -> Result<bool, Errno> {
    change(host, table, name, Vec::clear)
}

fn append(host: &mut Host, table: Table, line: String, mode: u16) -> Result<(), Errno> {
    host.vfs.append(table.path(), line + "\n", mode, &Cred::ROOT)?;
    host.accounts.refresh(&host.vfs);
    Ok(())
}

/// Adds an account without a password.
///
/// # Errors
/// A file cannot be written.
pub fn add_user(host: &mut Host, user: &NewUser) -> Result<(), Errno> {
    let NewUser { name, uid, gid, comment, home, shell } = user;
    append(host, Table::Passwd, format!("{name}:x:{uid}:{gid}:{comment}:{home}:{shell}"), 0o644)?;
    let days = host.vfs.now.micros() / 86_400_000_000;
    append(host, Table::Shadow, format!("{name}:!:{days}:0:99999:7:::"), 0o640)
}

/// Adds a group without members.
///
/// # Errors
/// The file cannot be written.
pub fn add_group(host: &mut Host, name: &str, gid: u32) -> Result<(), Errno> {
    append(host, Table::Group, format!("{name}:x:{gid}:"), 0o644)
}

/// Makes a user a member of a group; whether there is such a group.
///
/// # Errors
/// The file cannot be written.
pub fn join(host: &mut Host, user: &str, group: &str) -> Result<bool, Errno> {
    change(host, Table::Group, group, |fields| {
        fields.resize(4, String::new());
        let mut members: Vec<&str> = fields[3].split(',').filter(|member| !member.is_empty()).collect();
        if !members.contains(&user) {
            members.push(user);
        }
        fields[3] = members.join(",");
    })
}

/// Takes a user out of all groups but these.
///
/// # Errors
/// The file cannot be written.
pub fn leave_groups(host: &mut Host, user: &str, but: &[&str]) -> Result<(), Errno> {
    let names: Vec<String> = host
        .accounts
        .groups()
        .iter()
        .filter(|group| group.members.iter().any(|member| member == user) && !but.contains(&group.name.as_str()))
        .map(|group| group.name.to_string())
        .collect();
    for name in names {
        change(host, Table::Group, &name, |fields| {
            if let Some(members) = fields.get_mut(3) {
                *members = members.split(',').filter(|member| *member != user).collect::<Vec<_>>().join(",");
            }
        })?;
    }
    Ok(())
}

/// Makes a home directory with what lies in `/etc/skel`.
///
/// # Errors
/// It cannot be made.
pub fn make_home(host: &mut Host, user: &NewUser) -> Result<(), Errno> {
    let vfs = &mut host.vfs;
    if let Some((parent, _)) = user.home.rsplit_once('/') {
        vfs.mkdir_all(parent)?;
    }
    vfs.mkdir(&user.home, 0o755, &Cred::ROOT)?;
    let owner = (Some(user.uid), Some(user.gid));
    vfs.chown(&user.home, owner.0, owner.1, &Cred::ROOT)?;
    for (name, _) in vfs.list("/etc/skel", &Cred::ROOT).unwrap_or_default() {
        let Ok(content) = vfs.read(&format!("/etc/skel/{name}"), &Cred::ROOT).cloned() else { continue };
        let copy = format!("{}/{name}", user.home);
        vfs.write(&copy, content, 0o644, &Cred::ROOT)?;
        vfs.chown(&copy, owner.0, owner.1, &Cred::ROOT)?;
    }
    Ok(())
}

/// The next free id for a user, or for a group.
pub fn free_id(host: &Host, system: bool) -> u32 {
    let users = host.accounts.users().iter().map(|user| user.uid);
    let taken: Vec<u32> = users.chain(host.accounts.groups().iter().map(|group| group.gid)).collect();
    if system {
        return SYSTEM.rev().find(|id| !taken.contains(id)).unwrap_or(SYSTEM.start);
    }
    taken.into_iter().filter(|id| ORDINARY.contains(id)).max().map_or(ORDINARY.start, |id| id + 1)
}

/// The gid of a group by name or number.
pub fn gid(host: &Host, group: &str) -> Option<u32> {
    let by_name = host.accounts.group(group).map(|group| group.gid);
    by_name.or_else(|| host.accounts.by_gid(group.parse().ok()?).map(|group| group.gid))
}

/// Whether a name may be given (`NAME_REGEX` of shadow-utils).
pub fn is_valid_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && name.len() <= 32
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
}
