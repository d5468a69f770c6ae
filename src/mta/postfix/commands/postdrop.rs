//! postdrop(1): puts a message into the `maildrop` queue and wakes pickup(8).

use std::sync::Arc;

use bytes::Bytes;
use smol_str::SmolStr;

use crate::host::Ctx;
use crate::host::vfs::{Content, Cred, Errno, Ino, Node};
use crate::mta::postfix::config::{Config, Fatal, Params};
use crate::mta::postfix::log;
use crate::mta::postfix::queue::id::{self, Form};
use crate::mta::postfix::queue_file::{Attributes, Message, QueueFile, Recipient};

/// Mail as the `sendmail` command hands it over.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Envelope sender.
    pub sender: SmolStr,
    /// Recipients.
    pub recipients: Vec<Recipient>,
    /// Options of the command.
    pub attributes: Attributes,
    /// Header and body, lines ending with LF.
    pub content: Bytes,
}

/// The configuration that commands run by users read.
///
/// # Errors
/// main.cf cannot be read.
pub fn load_config(ctx: &Ctx<'_>, directory: &str) -> Result<Config, Fatal> {
    Config::load_main(ctx.host, directory, &mut Vec::new())
}

/// Writes the queue file. Returns its name, and a warning if pickup(8) does not run: the mail then
/// waits until it does.
///
/// # Errors
/// The directory is missing or the disk is full.
pub fn submit(
    submission: Submission,
    cred: &Cred,
    params: &Params<'_>,
    ctx: &mut Ctx<'_>,
) -> Result<(SmolStr, Option<String>), Errno> {
    let (id, ino) = reserve(cred, params, ctx)?;
    let warning = fill(&id, ino, submission, params, ctx)?;
    Ok((id, warning))
}

/// Makes an empty file, which pickup(8) leaves alone.
///
/// # Errors
/// As [`submit`].
pub fn reserve(cred: &Cred, params: &Params<'_>, ctx: &mut Ctx<'_>) -> Result<(SmolStr, Ino), Errno> {
    let directory = params.get("queue_directory");
    let maildrop = ctx.host.vfs.resolve(&format!("{directory}/maildrop"), &Cred::ROOT)?;
    let form = if params.bool("enable_long_queue_ids").unwrap_or(false) { Form::Long } else { Form::Short };
    let now = ctx.now;
    let name = |ino: Ino| id::encode(form, now.secs(), now.subsec_micros(), ino.0);
    let owner = Cred { uid: cred.uid, gid: postdrop_group(params, ctx), groups: Vec::new() };
    let empty = Node::File(Content::from(Vec::new()));
    ctx.host.vfs.create_in_named(maildrop, name, empty, WRITING, &owner)
}

/// Fills a file made by [`reserve`] and wakes pickup(8); the rest is as with [`submit`].
///
/// # Errors
/// As [`submit`].
pub fn fill(
    id: &SmolStr,
    ino: Ino,
    submission: Submission,
    params: &Params<'_>,
    ctx: &mut Ctx<'_>,
) -> Result<Option<String>, Errno> {
    let now = ctx.now;
    let Submission { sender, recipients, attributes, content } = submission;
    let file = QueueFile {
        id: id.clone(),
        arrival: now,
        sender,
        recipients,
        attributes: Arc::new(attributes),
        message: Message { header: Bytes::new(), separator: false, body: content },
        size: 0,
        next_attempt: now,
        warn_at: None,
        forced_expire: false,
        cause: ctx.cause,
    };
    ctx.host.vfs.edit_ino(ino, |content| {
        *content = Content::Object(Arc::new(file));
        Ok(())
    })?;
    ctx.host.vfs.set_mode_ino(ino, READY);
    let pickup = format!("{}/public/pickup", params.get("queue_directory"));
    Ok(match ctx.host.vfs.resolve(&pickup, &Cred::ROOT) {
        Ok(_) => {
            ctx.trigger(pickup, &b"W"[..]);
            None
        }
        Err(error) => Some(format!("warning: unable to look up public/pickup: {error}")),
    })
}

/// File modes while the file is written and when it is complete.
const WRITING: u16 = 0o600;
const READY: u16 = 0o744;

fn postdrop_group(params: &Params<'_>, ctx: &Ctx<'_>) -> u32 {
    ctx.host.accounts.group(&params.get("setgid_group")).map_or(0, |group| group.gid)
}

/// Logs as a command of Postfix and says the same on its standard error.
pub fn complain(command: &str, text: &str, stderr: &mut Vec<u8>, ctx: &mut Ctx<'_>) {
    stderr.extend_from_slice(format!("{command}: {text}\n").as_bytes());
    log::record(ctx, &format!("postfix/{command}"), text);
}
