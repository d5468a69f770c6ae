//! What a login and an interactive shell say about one's mailbox: pam_mail(8), and bash's check
//! before a prompt (`MAIL`, `MAILCHECK`).

use super::exec::Shell;
use super::machine::{Machine, TaskId};
use super::state::State;
use crate::host::Host;
use crate::host::process::Ctx;
use crate::host::vfs::Cred;
use crate::sim::Time;

/// Seconds between two checks unless `MAILCHECK` says otherwise.
const INTERVAL: u64 = 60;

/// What a shell remembers of the mailbox.
#[derive(Clone, Debug, Default)]
pub struct MailCheck {
    /// When it looked, and how large the mailbox was; nothing before the first prompt.
    seen: Option<(Time, u64)>,
}

/// The mailbox of whoever the shell belongs to.
fn mailbox(state: &State, host: &Host) -> Option<String> {
    match state.get("MAIL") {
        Some("") => None,
        Some(path) => Some(path.to_owned()),
        None => host.accounts.by_uid(state.cred.uid).map(|user| format!("/var/mail/{}", user.name)),
    }
}

fn size(host: &Host, path: &str, cred: &Cred) -> u64 {
    host.vfs.stat(path, cred).map_or(0, |inode| inode.size())
}

impl Shell {
    /// Says before a prompt that there is new mail, if the mailbox has grown since the last look.
    pub(super) fn check_mail(&mut self, id: TaskId, machine: &mut Machine, ctx: &mut Ctx<'_>) {
        let interval = match self.state.get("MAILCHECK") {
            None => INTERVAL,
            Some(text) => match text.parse() {
                Ok(seconds) => seconds,
                // Anything else switches the check off.
                Err(_) => return,
            },
        };
        let Some(path) = mailbox(&self.state, ctx.host) else { return };
        let now = ctx.now;
        if self.mail.seen.is_some_and(|(last, _)| now.since(last).as_secs() < interval) {
            return;
        }
        let size = size(ctx.host, &path, &self.state.cred);
        let before = self.mail.seen.replace((now, size));
        if before.is_some_and(|(_, before)| size > before) {
            self.write(id, 2, format!("You have new mail in {path}\n").as_bytes(), machine, ctx);
        }
    }
}

/// What a login says of the user's mailbox; nothing if there is no mail.
pub(super) fn at_login(user: &str, host: &Host, cred: &Cred) -> Option<&'static str> {
    let text = host.vfs.read_text(&format!("/var/mail/{user}"), cred).ok().filter(|text| !text.is_empty())?;
    let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    // A mail reader marks what was there when it was left with `Status: O`.
    Some(if count("Status: ") < count("From ") { "You have new mail.\n" } else { "You have mail.\n" })
}
