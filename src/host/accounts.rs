//! Users and groups, read from the host's `/etc/passwd` and `/etc/group` (passwd(5), group(5)).

use smol_str::SmolStr;

use super::vfs::{Cred, Trail, Vfs};

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: SmolStr,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Comment field: full name, room, telephone numbers.
    pub gecos: SmolStr,
    /// Home directory.
    pub home: SmolStr,
    /// Login shell.
    pub shell: SmolStr,
}

/// A line of `/etc/group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name.
    pub name: SmolStr,
    /// Group id.
    pub gid: u32,
    /// Names of the members.
    pub members: Vec<SmolStr>,
}

/// The users and groups of a host, as its files say now.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    users: Vec<User>,
    groups: Vec<Group>,
    /// What the two files were when they were read.
    trails: [Trail; 2],
}

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";

impl Accounts {
    /// Reads the files again if they changed. Lines that are not well-formed are skipped, as by
    /// `getpwent(3)`.
    pub fn refresh(&mut self, vfs: &Vfs) {
        if self.trails.iter().all(|trail| vfs.is_unchanged(trail)) {
            return;
        }
        self.trails = ["passwd", "group"].map(|name| vfs.trail(&["etc", name]));
        let text = |path| vfs.read_text(path, &Cred::ROOT).unwrap_or_default();
        self.users = text(PASSWD).lines().filter_map(parse_user).collect();
        self.groups = text(GROUP).lines().filter_map(parse_group).collect();
    }

    /// The users in order of the file.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The groups in order of the file.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The user of this name (`getpwnam(3)`).
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// The user of this id (`getpwuid(3)`).
    pub fn by_uid(&self, uid: u32) -> Option<&User> {
        self.users.iter().find(|user| user.uid == uid)
    }

    /// The group of this name (`getgrnam(3)`).
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The group of this id (`getgrgid(3)`).
    pub fn by_gid(&self, gid: u32) -> Option<&Group> {
        self.groups.iter().find(|group| group.gid == gid)
    }

    /// The rights of a user: id, group and supplementary groups.
    pub fn cred(&self, user: &User) -> Cred {
        let groups =
            self.groups.iter().filter(|group| group.members.contains(&user.name)).map(|group| group.gid).collect();
        Cred { uid: user.uid, gid: user.gid, groups }
    }
}

fn parse_user(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with('#'))?.into();
    let _password = fields.next()?;
    let uid = fields.next()?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    let mut rest = || fields.next().unwrap_or_default().into();
    Some(User { name, uid, gid, gecos: rest(), home: rest(), shell: rest() })
}

fn parse_group(line: &str) -> Option<Group> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty() && !name.starts_with('#'))?.into();
    let _password = fields.next()?;
    let gid = fields.next()?.parse().ok()?;
    let members =
        fields.next().unwrap_or_default().split(',').filter(|name| !name.is_empty()).map(SmolStr::from).collect();
    Some(Group { name, gid, members })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Time;

    #[test]
    fn reads_users_again_after_the_file_changed() {
        let mut vfs = Vfs::new(100, Time::default());
        vfs.mkdir_all("/etc").unwrap();
        vfs.write(PASSWD, "root:x:0:0:root:/root:/bin/sh\nbroken\n", 0o644, &Cred::ROOT).unwrap();
        vfs.write(GROUP, "mail:x:8:alice\n", 0o644, &Cred::ROOT).unwrap();
        let mut accounts = Accounts::default();
        accounts.refresh(&vfs);
        assert_eq!(accounts.users().len(), 1);
        vfs.append(PASSWD, "alice:x:1000:1000:Alice,,,:/home/alice:/bin/sh\n", 0o644, &Cred::ROOT).unwrap();
        accounts.refresh(&vfs);
        let alice = accounts.user("alice").unwrap();
        assert_eq!(accounts.cred(alice), Cred { uid: 1000, gid: 1000, groups: vec![8] });
    }
}
