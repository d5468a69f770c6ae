//! What is known about a delivery at each point of its expansion.

use smol_str::{SmolStr, StrExt as _};

use super::settings::Expansion;
use super::template::Name;
use crate::host::accounts::User;
use crate::host::vfs::Cred;
use crate::trace::{Decision, Source};

/// With whose rights files are read and written and commands are run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// User id; 0 means that nobody was chosen yet (`default_privs` applies).
    pub uid: u32,
    /// Group id, likewise.
    pub gid: u32,
    /// Home directory.
    pub home: Option<SmolStr>,
    /// Login shell.
    pub shell: Option<SmolStr>,
}

impl Rights {
    /// Those of a user.
    pub fn of(user: &User) -> Rights {
        Rights { uid: user.uid, gid: user.gid, home: Some(user.home.clone()), shell: Some(user.shell.clone()) }
    }

    /// For file access: the super-user if nobody was chosen.
    pub fn cred(&self) -> Cred {
        Cred { uid: self.uid, gid: self.gid, groups: Vec::new() }
    }

    /// For delivery: `default` if nobody was chosen.
    pub fn or(&self, default: &Cred) -> Cred {
        let uid = if self.uid == 0 { default.uid } else { self.uid };
        let gid = if self.gid == 0 { default.gid } else { self.gid };
        Cred { uid, gid, groups: Vec::new() }
    }
}

/// The state of one branch of the expansion; branches have copies.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    /// Depth of the expansion.
    pub level: u32,
    /// Envelope sender; replaced by an `owner-` alias.
    pub sender: SmolStr,
    /// Who forwards: an `owner-` alias, the owner of a `.forward` file.
    pub owner: Option<SmolStr>,
    /// The address that is being delivered to.
    pub address: SmolStr,
    /// For `Delivered-To:`.
    pub delivered: SmolStr,
    /// The local part, lower case.
    pub local: SmolStr,
    /// The local part without extension.
    pub user: SmolStr,
    /// The domain.
    pub domain: SmolStr,
    /// The extension.
    pub extension: Option<SmolStr>,
    /// An extension that was not matched and is handed on to what the name expands to.
    pub unmatched: Option<SmolStr>,
    /// The name whose expansion led here.
    pub expanded_from: Option<SmolStr>,
    /// What kind of expansion led here.
    pub expansion: Expansion,
    /// Delivery rights.
    pub rights: Rights,
    /// How it came here; only in a full trace.
    pub why: Option<Decision>,
}

impl Attributes {
    /// Takes an address apart.
    pub fn set_address(&mut self, address: SmolStr, delimiters: &str) {
        let (local, domain) = address.rsplit_once('@').unwrap_or((&address, ""));
        self.local = local.to_lowercase_smolstr();
        self.domain = domain.into();
        let (user, extension) = split_extension(&self.local, delimiters);
        self.extension = extension.map(SmolStr::from);
        self.user = if extension.is_some() { user.into() } else { self.local.clone() };
        self.address = address;
    }

    /// The character that separates user and extension.
    pub fn delimiter(&self) -> Option<char> {
        self.extension.as_ref().and_then(|_| self.local[self.user.len()..].chars().next())
    }

    /// Notes a step of the decision; `step` gives rule, input, whether it matched, and outcome.
    pub fn note<R: Into<SmolStr>, I: Into<SmolStr>, O: Into<SmolStr>>(
        &mut self,
        source: Option<Source>,
        step: impl FnOnce() -> (R, I, bool, O),
    ) {
        if let Some(why) = &mut self.why {
            let (rule, input, matched, outcome) = step();
            why.step(rule, input, matched, outcome);
            why.at(source);
        }
    }

    /// What a name in a parameter stands for.
    pub(super) fn value(&self, name: Name) -> Option<SmolStr> {
        match name {
            Name::User => Some(self.user.clone()),
            Name::Home => self.rights.home.clone(),
            Name::Shell => self.rights.shell.clone(),
            Name::Domain => Some(self.domain.clone()).filter(|domain| !domain.is_empty()),
            Name::Local => Some(self.local.clone()),
            Name::Recipient => Some(self.address.clone()),
            Name::Extension => self.extension.clone(),
            Name::RecipientDelimiter => self.delimiter().map(|c| SmolStr::from(c.encode_utf8(&mut [0; 4]) as &str)),
            Name::Unknown => None,
        }
    }
}

/// Splits a local part at the first of the delimiter characters, unless it stands at the very
/// beginning or the name is one that is never split (`split_addr(3)`).
pub fn split_extension<'a>(local: &'a str, delimiters: &str) -> (&'a str, Option<&'a str>) {
    const RESERVED: [&str; 3] = ["mailer-daemon", "postmaster", "double-bounce"];
    if delimiters.is_empty() || RESERVED.iter().any(|name| local.eq_ignore_ascii_case(name)) {
        return (local, None);
    }
    let owner_names = local.len() > 6 && local.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("owner-"))
        || local.len() > 8 && local.get(local.len() - 8..).is_some_and(|end| end.eq_ignore_ascii_case("-request"));
    if delimiters.contains('-') && owner_names {
        return (local, None);
    }
    match local.char_indices().find(|(at, c)| *at > 0 && delimiters.contains(*c)) {
        Some((at, c)) => (&local[..at], Some(&local[at + c.len_utf8()..])),
        None => (local, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_delimiter_splits_and_special_names_stay_whole() {
        let cases = [
            ("alice+a-b", "alice", Some("a-b")),
            ("+alice", "+alice", None),
            ("owner-list", "owner-list", None),
            ("list-request", "list-request", None),
            ("MAILER-DAEMON", "MAILER-DAEMON", None),
        ];
        for (local, user, extension) in cases {
            assert_eq!(split_extension(local, "+-"), (user, extension));
        }
    }
}
