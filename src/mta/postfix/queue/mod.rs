//! The mail queue: directories of files, as Postfix keeps them, with their events.
//!
//! The files are the truth: commands that change them directly (postsuper(1), `cp`) are seen.
//! Only what cleanup(8) has just written is also noted in memory, in place of the trigger that
//! wakes qmgr(8).

pub mod id;
mod layout;
pub(super) mod record;

use std::collections::VecDeque;
use std::sync::Arc;

use smol_str::SmolStr;

use super::queue_file::{QueueFile, QueueName};
use crate::host::Ctx;
use crate::host::vfs::{Content, Cred, Errno, Ino, Node, Object, Vfs};
use crate::sim::Time;
use crate::trace::{Kind, Via};
pub use layout::Layout;
use layout::Tops;
pub use record::{Record, RecordKind, records};

/// File modes of a message being written and of one that is complete.
const MODE_WRITING: u16 = 0o600;
const MODE_READY: u16 = 0o700;

/// The queue of one Postfix instance.
#[derive(Clone, Debug)]
pub struct Queue {
    layout: Layout,
    form: id::Form,
    root: Ino,
    tops: Tops,
    incoming: VecDeque<SmolStr>,
    last_id: Time,
    issued: u64,
}

impl Queue {
    /// Opens the queue and makes the directories that are missing.
    ///
    /// # Errors
    /// The queue directory cannot be made.
    pub fn open(layout: Layout, form: id::Form, vfs: &mut Vfs) -> Result<Queue, Errno> {
        layout.make(vfs)?;
        let root = vfs.resolve(&layout.directory, &Cred::ROOT)?;
        let tops = layout.tops(vfs, root);
        Ok(Queue { layout, form, root, tops, incoming: VecDeque::new(), last_id: Time::default(), issued: 0 })
    }

    /// Where files lie.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Reserves a queue id: an empty file in `incoming` that no one else looks at yet.
    ///
    /// # Errors
    /// The disk is full, or the directory is gone.
    pub fn allocate(&mut self, ctx: &mut Ctx<'_>) -> Result<SmolStr, Errno> {
        self.allocate_in(QueueName::Incoming, ctx)
    }

    /// Reserves a queue id in another queue: postdrop(1) writes to `maildrop`.
    ///
    /// # Errors
    /// The disk is full, or the directory is gone.
    pub fn allocate_in(&mut self, queue: QueueName, ctx: &mut Ctx<'_>) -> Result<SmolStr, Errno> {
        // A simulated moment can see many messages: each takes a microsecond of its own. The time
        // that programs spend between two messages keeps an id from coming back when exactly a
        // second has passed and the inode is free again.
        self.issued = self.issued.wrapping_add(1);
        let now = ctx.now + std::time::Duration::from_micros(self.issued % 1000);
        let next = self.last_id + std::time::Duration::from_micros(1);
        let moment = if now > self.last_id { now } else { next };
        self.last_id = moment;
        if !self.tops.is_current(&ctx.host.vfs) {
            self.tops = self.layout.tops(&ctx.host.vfs, self.root);
        }
        let dir = self.tops.find(&ctx.host.vfs, queue.as_str()).ok_or(Errno::NoEnt)?;
        let empty = Node::File(Content::from(Vec::new()));
        let form = self.form;
        let name = |ino: Ino| id::encode(form, moment.secs(), moment.subsec_micros(), ino.0);
        let (id, _) = ctx.host.vfs.create_in_named(dir, name, empty, MODE_WRITING, &self.layout.owner)?;
        Ok(id)
    }

    /// Gives up a reserved id.
    pub fn release(&mut self, id: &str, ctx: &mut Ctx<'_>) {
        self.release_from(QueueName::Incoming, id, ctx);
    }

    /// Gives up an id that was reserved in another queue.
    pub fn release_from(&mut self, queue: QueueName, id: &str, ctx: &mut Ctx<'_>) {
        if let Some(dir) = self.find_dir(queue, id, &ctx.host.vfs) {
            // Gone already is as good.
            let _ = ctx.host.vfs.unlink_in(dir, id);
        }
    }

    /// Puts a complete message under its reserved id into a queue. Mail for `incoming` is noted
    /// for [`Queue::take_incoming`].
    ///
    /// # Errors
    /// The disk is full.
    pub fn enter(
        &mut self,
        mut file: QueueFile,
        queue: QueueName,
        via: Via,
        ctx: &mut Ctx<'_>,
    ) -> Result<Arc<QueueFile>, Errno> {
        let id = file.id.clone();
        let from = self.dir(QueueName::Incoming, &id, &mut ctx.host.vfs)?;
        let ino = match layout::entry(&ctx.host.vfs, from, &id) {
            Some(ino) => ino,
            None => ctx.host.vfs.create_in(
                from,
                id.clone(),
                Node::File(Content::from(Vec::new())),
                MODE_READY,
                &self.layout.owner,
            )?,
        };
        // What does not fit has not entered.
        if Object::size(&file) > ctx.host.vfs.free_space() {
            return Err(Errno::NoSpc);
        }
        let event = ctx.emit(Kind::QueueEnter {
            queue_id: id.clone(),
            queue: SmolStr::new_static(queue.as_str()),
            sender: file.sender.clone(),
            rcpts: file.recipients.iter().map(|recipient| recipient.address.clone()).collect(),
            via,
        });
        file.cause = Some(event);
        let file = Arc::new(file);
        store(&mut ctx.host.vfs, ino, &file)?;
        if queue == QueueName::Incoming {
            self.incoming.push_back(id);
        } else {
            let to = self.dir(queue, &id, &mut ctx.host.vfs)?;
            ctx.host.vfs.move_in(from, &id, to, id.clone())?;
        }
        Ok(file)
    }

    /// The ids of new mail in `incoming`, in order of arrival; each is given once.
    pub fn take_incoming(&mut self) -> Option<SmolStr> {
        self.incoming.pop_front()
    }

    /// Whether there is new mail that was not taken.
    pub fn has_incoming(&self) -> bool {
        !self.incoming.is_empty()
    }

    /// Notes complete files in `incoming` that arrived behind the program's back, or before it
    /// started, and moves what was active at a crash back there.
    pub fn recover(&mut self, ctx: &mut Ctx<'_>) {
        for id in self.list(QueueName::Active, &ctx.host.vfs) {
            self.move_quietly(&id, QueueName::Active, QueueName::Incoming, &mut ctx.host.vfs);
        }
        self.rescan_incoming(&ctx.host.vfs);
    }

    /// Notes what lies in `incoming` now: files may have been moved there behind the program's
    /// back.
    pub fn rescan_incoming(&mut self, vfs: &Vfs) {
        self.incoming = self.scan(QueueName::Incoming, vfs).into_iter().map(|(id, _)| id).collect();
    }

    /// Whether a queue has no file at all.
    pub fn scan_is_empty(&self, queue: QueueName, vfs: &Vfs) -> bool {
        self.layout.is_empty(vfs, self.root, queue.as_str())
    }

    fn find_dir(&self, queue: QueueName, id: &str, vfs: &Vfs) -> Option<Ino> {
        self.layout.find_dir(vfs, self.tops.find(vfs, queue.as_str())?, queue.as_str(), id)
    }

    fn dir(&self, queue: QueueName, id: &str, vfs: &mut Vfs) -> Result<Ino, Errno> {
        let top = self.tops.find(vfs, queue.as_str()).ok_or(Errno::NoEnt)?;
        self.layout.dir(vfs, top, queue.as_str(), id)
    }

    fn find_ino(&self, queue: QueueName, id: &str, vfs: &Vfs) -> Option<Ino> {
        layout::entry(vfs, self.find_dir(queue, id, vfs)?, id)
    }

    /// The directory of a message's log under `bounce`, `defer` or `trace`, if there is one.
    pub fn find_log(&self, kind: &str, id: &str, vfs: &Vfs) -> Option<Ino> {
        let directory = self.layout.find_dir(vfs, self.tops.find(vfs, kind)?, kind, id)?;
        layout::entry(vfs, directory, id).map(|_| directory)
    }

    /// A message of a queue; `None` if there is none, or the file is not a queue file.
    pub fn get(&self, queue: QueueName, id: &str, vfs: &Vfs) -> Option<Arc<QueueFile>> {
        load(vfs, self.find_ino(queue, id, vfs)?)
    }

    /// When a message may be tried next: its file's modification time.
    pub fn mtime(&self, queue: QueueName, id: &str, vfs: &Vfs) -> Option<Time> {
        Some(vfs.inode(self.find_ino(queue, id, vfs)?)?.mtime)
    }

    /// The ids in a queue, in order of hashed directory and name.
    pub fn list(&self, queue: QueueName, vfs: &Vfs) -> Vec<SmolStr> {
        self.scan(queue, vfs).into_iter().map(|(id, _)| id).collect()
    }

    /// The complete messages of a queue with their modification times, in the same order.
    pub fn scan(&self, queue: QueueName, vfs: &Vfs) -> Vec<(SmolStr, Time)> {
        let all = self.layout.scan(vfs, queue.as_str()).unwrap_or_default();
        let ready = |ino: Ino| vfs.inode(ino).filter(|inode| inode.mode & 0o100 != 0).map(|inode| inode.mtime);
        all.into_iter().filter_map(|(id, ino)| Some((id, ready(ino)?))).collect()
    }

    /// Moves a message to another queue, with its event.
    ///
    /// # Errors
    /// There is no such file.
    pub fn move_to(
        &mut self,
        id: &SmolStr,
        from: QueueName,
        to: QueueName,
        reason: &'static str,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), Errno> {
        let from_dir = self.find_dir(from, id, &ctx.host.vfs).ok_or(Errno::NoEnt)?;
        let to_dir = self.dir(to, id, &mut ctx.host.vfs)?;
        ctx.host.vfs.move_in(from_dir, id, to_dir, id.clone())?;
        ctx.emit(Kind::QueueMove {
            queue_id: id.clone(),
            from: SmolStr::new_static(from.as_str()),
            queue: SmolStr::new_static(to.as_str()),
            reason: SmolStr::new_static(reason),
        });
        Ok(())
    }

    fn move_quietly(&self, id: &SmolStr, from: QueueName, to: QueueName, vfs: &mut Vfs) {
        let dirs = (self.find_dir(from, id, vfs), self.dir(to, id, vfs));
        if let (Some(from), Ok(to)) = dirs {
            // A file that vanished meanwhile needs no move.
            let _ = vfs.move_in(from, id, to, id.clone());
        }
    }

    /// Moves a message from `active` to `deferred`, to be tried again at its `next_attempt`.
    ///
    /// # Errors
    /// The message is gone, or the disk is full.
    pub fn defer(&mut self, file: &Arc<QueueFile>, reason: &'static str, ctx: &mut Ctx<'_>) -> Result<(), Errno> {
        self.update(file, QueueName::Active, &mut ctx.host.vfs)?;
        self.move_to(&file.id, QueueName::Active, QueueName::Deferred, reason, ctx)?;
        self.set_mtime(QueueName::Deferred, &file.id, file.next_attempt, &mut ctx.host.vfs);
        Ok(())
    }

    /// Sets the modification time of a message: when it may be tried next.
    pub fn set_mtime(&mut self, queue: QueueName, id: &str, mtime: Time, vfs: &mut Vfs) {
        if let Some(ino) = self.find_ino(queue, id, vfs) {
            vfs.set_mtime_ino(ino, mtime);
        }
    }

    /// Writes a changed message back in place.
    ///
    /// # Errors
    /// The message is gone, or the disk is full.
    pub fn update(&mut self, file: &Arc<QueueFile>, queue: QueueName, vfs: &mut Vfs) -> Result<(), Errno> {
        let ino = self.find_ino(queue, &file.id, vfs).ok_or(Errno::NoEnt)?;
        store(vfs, ino, file)
    }

    /// Removes a message, with its event.
    pub fn remove(&mut self, queue: QueueName, id: &SmolStr, reason: &'static str, ctx: &mut Ctx<'_>) {
        let Some(dir) = self.find_dir(queue, id, &ctx.host.vfs) else { return };
        if ctx.host.vfs.unlink_in(dir, id).is_ok() {
            ctx.emit(Kind::QueueLeave {
                queue_id: id.clone(),
                queue: SmolStr::new_static(queue.as_str()),
                reason: SmolStr::new_static(reason),
            });
        }
    }

    /// Whether the disk has room for a message as smtpd(8) asks before it accepts `MAIL FROM`:
    /// more than `queue_minfree`, more than 1.5 times `message_size_limit`, and the stated size.
    pub fn has_room(&self, vfs: &Vfs, minfree: u64, message_size_limit: u64, stated: u64) -> bool {
        let free = vfs.free_space();
        free > minfree && free > message_size_limit.saturating_add(message_size_limit / 2) && free > stated
    }
}

/// The queue file that an inode holds.
pub fn load(vfs: &Vfs, ino: Ino) -> Option<Arc<QueueFile>> {
    vfs.inode(ino)?.content()?.object()
}

fn store(vfs: &mut Vfs, ino: Ino, file: &Arc<QueueFile>) -> Result<(), Errno> {
    let object: Arc<dyn Object> = Arc::clone(file) as Arc<dyn Object>;
    vfs.edit_ino(ino, |content| {
        *content = Content::Object(object);
        Ok(())
    })?;
    vfs.set_mode_ino(ino, MODE_READY);
    Ok(())
}
