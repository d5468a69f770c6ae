//! `unix:passwd.byname` and `unix:group.byname`: the host's accounts.

use smol_str::{SmolStr, ToSmolStr as _, format_smolstr};

use super::{Answer, Dict};
use crate::host::Host;
use crate::trace::Source;

/// Which of the two.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unix {
    /// Users by name; the value is the line of `/etc/passwd`.
    Passwd,
    /// Groups by name; the value is the line of `/etc/group`.
    Group,
}

impl Dict for Unix {
    fn lookup(&self, key: &str, host: &Host) -> Answer {
        let (value, file): (Option<SmolStr>, &str) = match self {
            Unix::Passwd => {
                let line = host.accounts.user(key).map(|user| {
                    let (uid, gid) = (user.uid.to_smolstr(), user.gid.to_smolstr());
                    let fields = [&user.name, "x", &uid, &gid, &user.gecos, &user.home, &user.shell];
                    fields.join(":").into()
                });
                (line, "/etc/passwd")
            }
            Unix::Group => {
                let line = host
                    .accounts
                    .group(key)
                    .map(|group| format_smolstr!("{}:x:{}:{}", group.name, group.gid, group.members.join(",")));
                (line, "/etc/group")
            }
        };
        Ok(value.map(|value| (value, Some(Source { file: file.into(), line: 0 }))))
    }
}
