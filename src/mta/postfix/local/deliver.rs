//! Delivering to mailboxes, Maildirs and files (`mailbox.c`, `maildir.c`, `file.c` of Postfix).

use smol_str::SmolStr;

use super::plan::{Action, Target};
use super::settings::Settings;
use crate::host::Ctx;
use crate::host::vfs::{Cred, Ino, Place};
use crate::mta::postfix::mail_copy::{self, Envelope, Style};
use crate::mta::postfix::mbox_open::{self, Failure, Locking, Open};
use crate::mta::postfix::queue_file::QueueFile;

/// How a delivery into a file went.
pub(super) struct Stored {
    /// The reason for the log, or what went wrong.
    pub result: Result<String, Failure>,
    /// Warnings for the log.
    pub warnings: Vec<String>,
    /// With whose rights.
    pub uid: u32,
}

/// Delivers into a mailbox, Maildir or file; `None` for other actions. `original` is for
/// `X-Original-To:`, `date` for the `From ` line; `spool_place` is where the spool directory was found.
pub(super) fn store(
    target: &Target,
    file: &QueueFile,
    original: &str,
    date: &str,
    settings: &Settings,
    spool_place: &mut Place,
    ctx: &mut Ctx<'_>,
) -> Option<Stored> {
    let attributes = &target.attributes;
    let envelope = Envelope { sender: &attributes.sender, original, delivered: &attributes.delivered };
    match &target.action {
        Action::Mailbox { path, spool } => {
            let copy = mail_copy::copy(&file.message, envelope, Style::MBOX, date);
            // The spool directory's mode says whose rights are needed to make files in it.
            let spool =
                spool.then(|| ctx.host.vfs.revisit(spool_place, &settings.mail_spool_directory, &Cred::ROOT).ok());
            Some(mailbox(target, path, spool.flatten(), copy, settings, ctx))
        }
        Action::Maildir { path, own } => {
            let style = Style { delivered: settings.prepend_delivered_header.file, ..Style::MAILDIR };
            let copy = mail_copy::copy(&file.message, envelope, style, date);
            // The super-user's own mailbox is written with his rights.
            let cred = if *own { attributes.rights.cred() } else { attributes.rights.or(&settings.default_privs) };
            let host = &ctx.host.hostname;
            let (result, warnings) =
                mbox_open::maildir(&mut ctx.host.vfs, path, host, copy, settings.mailbox_size_limit, "5.2.0", &cred);
            Some(Stored { result: result.map(|()| "delivered to maildir".to_owned()), warnings, uid: cred.uid })
        }
        Action::File(path) => {
            let style = Style { delivered: settings.prepend_delivered_header.file, ..Style::MBOX };
            let copy = mail_copy::copy(&file.message, envelope, style, date);
            let cred = attributes.rights.or(&settings.default_privs);
            let lock = if settings.dot_lock { Locking::MayFail } else { Locking::None };
            let open = Open {
                cred: &cred,
                dir: None,
                owner: None,
                lock,
                strict_owner: None,
                limit: settings.mailbox_size_limit,
                refuse_executable: true,
                default_dsn: "5.2.0",
                stale: settings.stale_lock_time,
            };
            let (result, warnings) = mbox_open::append(&mut ctx.host.vfs, path, copy, &open);
            let result = result.map(|()| format!("delivered to file: {path}")).map_err(|failure| {
                let reason = format!("cannot append message to file {path}: {}", failure.reason);
                Failure { reason, ..failure }
            });
            Some(Stored { result, warnings, uid: cred.uid })
        }
        Action::Command(_) | Action::Pass(_) | Action::Forward | Action::Report { .. } => None,
    }
}

fn mailbox(
    target: &Target,
    path: &SmolStr,
    spool: Option<Ino>,
    copy: crate::mailbox::copy::Copy,
    settings: &Settings,
    ctx: &mut Ctx<'_>,
) -> Stored {
    let rights = &target.attributes.rights;
    let user = rights.cred();
    let cred = match spool.and_then(|dir| ctx.host.vfs.inode(dir)) {
        Some(dir) if dir.mode & 0o002 == 0 && dir.mode & 0o020 != 0 => Cred { gid: dir.gid, ..user },
        Some(dir) if dir.mode & 0o002 == 0 => Cred::ROOT,
        _ => user,
    };
    let open = Open {
        cred: &cred,
        dir: spool,
        owner: (cred.uid != rights.uid).then_some((rights.uid, rights.gid)),
        lock: if settings.dot_lock { Locking::Required } else { Locking::None },
        strict_owner: settings.strict_mailbox_ownership.then_some(rights.uid),
        limit: settings.mailbox_size_limit,
        refuse_executable: false,
        default_dsn: "5.2.0",
        stale: settings.stale_lock_time,
    };
    let (result, warnings) = mbox_open::append(&mut ctx.host.vfs, path, copy, &open);
    let result = result.map(|()| "delivered to mailbox".to_owned()).map_err(|failure| {
        let user = &target.attributes.user;
        let reason = format!("cannot update mailbox {path} for user {user}. {}", failure.reason);
        Failure { reason, ..failure }
    });
    Stored { result, warnings, uid: rights.uid }
}
