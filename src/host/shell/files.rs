//! Open files of a shell and its children: pipes, regular files, the terminal, captured output.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use smol_str::SmolStr;

use crate::host::process::Ctx;
use crate::host::vfs::{Content, Device, Errno, Ino, Node, Rope, Special};
use crate::host::vfs::{Cred, Vfs};

/// Number of an open file description. Descriptors of several tasks may share one, and with it
/// the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId(u32);

/// A file descriptor: which open file, and which end of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fd {
    /// The open file.
    pub file: FileId,
    /// Whether it is for writing (it may be for both).
    pub write: bool,
}

/// The descriptors of a task.
pub type Fds = BTreeMap<u32, Fd>;

/// What a descriptor is open on.
#[derive(Clone, Debug)]
pub enum Open {
    /// Nothing: a directory, or what was closed.
    Null,
    /// A character device.
    Device {
        /// Which.
        device: Device,
        /// What its random octets follow from.
        seed: u64,
        /// Where the next octet is read.
        offset: u64,
    },
    /// A regular file.
    File {
        /// Which.
        ino: Ino,
        /// Its generation when it was opened.
        generation: u64,
        /// Where the next octet is read or written.
        offset: u64,
        /// Whether writing always goes to the end.
        append: bool,
    },
    /// A named pipe that some process reads.
    Fifo(SmolStr),
    /// A pipe between tasks.
    Pipe(VecDeque<u8>),
    /// Input from outside: given in advance, or typed.
    Input {
        /// What was not read yet.
        buffer: VecDeque<u8>,
        /// Whether no more will come.
        eof: bool,
        /// Whether somebody types it.
        tty: bool,
    },
    /// Output collected for whoever started the shell.
    Capture {
        /// What was written and not taken yet.
        data: Vec<u8>,
        /// Whether it is a terminal.
        tty: bool,
    },
}

/// What reading gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Octets, at least one.
    Data(Vec<u8>),
    /// The end.
    Eof,
    /// Nothing now.
    Wait,
}

/// Why writing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// Nobody reads the pipe any more.
    BrokenPipe,
    /// The file does not take it.
    Errno(Errno),
    /// More output than a shell may make.
    Limit,
}

/// Octets that a pipe holds before the writer has to wait.
pub const PIPE_CAPACITY: usize = 65_536;
/// Octets that one shell with its children may write.
const MAX_WRITTEN: u64 = 1 << 28;
/// Octets that may be collected for whoever started it.
const MAX_CAPTURED: usize = 1 << 26;

/// The open files of a shell process.
#[derive(Clone, Debug, Default)]
pub struct Files {
    open: BTreeMap<FileId, Open>,
    last: u32,
    written: u64,
}

impl Files {
    /// Adds an open file.
    pub fn add(&mut self, open: Open) -> FileId {
        self.last += 1;
        self.open.insert(FileId(self.last), open);
        FileId(self.last)
    }

    /// An open file.
    pub fn get(&self, file: FileId) -> Option<&Open> {
        self.open.get(&file)
    }

    /// An open file, to change it.
    pub fn get_mut(&mut self, file: FileId) -> Option<&mut Open> {
        self.open.get_mut(&file)
    }

    /// Forgets the files that no descriptor refers to.
    pub fn retain(&mut self, used: &BTreeSet<FileId>) {
        self.open.retain(|file, _| used.contains(file));
    }

    /// Whether a descriptor is a terminal.
    pub fn is_tty(&self, fd: Option<&Fd>) -> bool {
        match fd.and_then(|fd| self.get(fd.file)) {
            Some(Open::Capture { tty, .. } | Open::Input { tty, .. }) => *tty,
            _ => false,
        }
    }

    /// Whether a pipe is full, so that who writes to it has to wait.
    pub fn is_full(&self, fd: Option<&Fd>) -> bool {
        matches!(fd.and_then(|fd| self.get(fd.file)), Some(Open::Pipe(buffer)) if buffer.len() >= PIPE_CAPACITY)
    }

    /// Reads up to `most` octets. `writers` tells whether a pipe still has any.
    pub fn read(&mut self, fd: Fd, most: usize, writers: bool, vfs: &Vfs) -> Read {
        match self.open.get_mut(&fd.file) {
            None | Some(Open::Null | Open::Fifo(_)) => Read::Eof,
            Some(Open::Capture { .. }) => Read::Eof,
            Some(Open::Device { device, .. }) if !device.is_endless() => Read::Eof,
            Some(Open::Device { device, seed, offset }) => {
                let octets = device.octets(*seed, *offset, most.min(PIPE_CAPACITY));
                *offset += octets.len() as u64;
                Read::Data(octets)
            }
            Some(Open::Pipe(buffer)) if buffer.is_empty() => {
                if writers {
                    Read::Wait
                } else {
                    Read::Eof
                }
            }
            Some(Open::Input { buffer, eof, .. }) if buffer.is_empty() => {
                if *eof {
                    Read::Eof
                } else {
                    Read::Wait
                }
            }
            Some(Open::Pipe(buffer)) => Read::Data(buffer.drain(..most.min(buffer.len())).collect()),
            Some(Open::Input { buffer, tty, .. }) => {
                let line = buffer.iter().position(|octet| *octet == b'\n').map_or(buffer.len(), |end| end + 1);
                let count = if *tty { line.min(most) } else { most.min(buffer.len()) };
                Read::Data(buffer.drain(..count).collect())
            }
            Some(Open::File { ino, generation, offset, .. }) => {
                let Some(inode) = vfs.inode(*ino).filter(|inode| inode.generation == *generation) else {
                    return Read::Eof;
                };
                let mut data = match inode.content() {
                    Some(Content::Rope(rope)) => rope.since(*offset),
                    Some(Content::Object(object)) => {
                        object.bytes().split_off((*offset).min(object.bytes().len() as u64) as usize)
                    }
                    None => Vec::new(),
                };
                data.truncate(most);
                *offset += data.len() as u64;
                if data.is_empty() { Read::Eof } else { Read::Data(data) }
            }
        }
    }

    /// Gives back octets that were read and not used.
    pub fn unread(&mut self, fd: Fd, rest: &[u8]) {
        match self.open.get_mut(&fd.file) {
            Some(Open::File { offset, .. } | Open::Device { offset, .. }) => {
                *offset = offset.saturating_sub(rest.len() as u64)
            }
            Some(Open::Pipe(buffer) | Open::Input { buffer, .. }) => {
                for octet in rest.iter().rev() {
                    buffer.push_front(*octet);
                }
            }
            _ => {}
        }
    }

    /// Starts counting anew what is written.
    pub(super) fn reset_written(&mut self) {
        self.written = 0;
    }

    /// Writes. `readers` tells whether a pipe still has any.
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn write(&mut self, fd: Fd, bytes: &[u8], readers: bool, ctx: &mut Ctx<'_>) -> Result<(), WriteError> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.written += bytes.len() as u64;
        if self.written > MAX_WRITTEN {
            return Err(WriteError::Limit);
        }
        match self.open.get_mut(&fd.file) {
            Some(Open::Device { device: Device::Full, .. }) => Err(WriteError::Errno(Errno::NoSpc)),
            None | Some(Open::Null | Open::Device { .. } | Open::Input { .. }) => Ok(()),
            Some(Open::Fifo(path)) => {
                ctx.trigger(path.clone(), bytes.to_vec());
                Ok(())
            }
            Some(Open::Pipe(buffer)) => {
                if !readers {
                    return Err(WriteError::BrokenPipe);
                }
                buffer.extend(bytes);
                Ok(())
            }
            Some(Open::Capture { data, .. }) => {
                if data.len() + bytes.len() > MAX_CAPTURED {
                    return Err(WriteError::Limit);
                }
                data.extend_from_slice(bytes);
                Ok(())
            }
            Some(Open::File { ino, generation, offset, append }) => {
                if ctx.host.vfs.inode(*ino).is_none_or(|inode| inode.generation != *generation) {
                    return Ok(());
                }
                let (at, append) = (*offset, *append);
                ctx.host
                    .vfs
                    .edit_ino(*ino, |content| {
                        write_at(content, if append { content.size() } else { at }, bytes);
                        Ok(())
                    })
                    .map_err(WriteError::Errno)?;
                *offset += bytes.len() as u64;
                Ok(())
            }
        }
    }
}

fn write_at(content: &mut Content, at: u64, bytes: &[u8]) {
    if let Content::Rope(rope) = content
        && rope.len() == at
    {
        rope.push_slice(bytes);
        return;
    }
    let mut all = content.to_vec();
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    // A write after the end of a file that was shortened meanwhile leaves zeros, as in reality,
    // but not without bound.
    let at = at.min(all.len() + (1 << 20));
    let end = at + bytes.len();
    if all.len() < end {
        all.resize(end, 0);
    }
    all[at..end].copy_from_slice(bytes);
    *content = Content::Rope(Rope::from(all));
}

/// How a file is to be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// For reading.
    Read,
    /// Emptied or created, for writing.
    Write,
    /// Created, for writing at the end.
    Append,
    /// Created, for both.
    ReadWrite,
}

/// Opens a file by its absolute path.
///
/// # Errors
/// As `open(2)`.
pub fn open(path: &str, mode: OpenMode, umask: u16, cred: &Cred, vfs: &mut Vfs) -> Result<Open, Errno> {
    let special = match vfs.stat(path, cred).map(|inode| &inode.node) {
        Ok(Node::Special(special)) => Some(*special),
        Ok(Node::Dir(_)) if mode != OpenMode::Read => return Err(Errno::IsDir),
        Ok(Node::Dir(_)) => {
            vfs.access(path, cred, 4)?;
            return Ok(Open::Null);
        }
        _ => None,
    };
    match special {
        Some(Special::Device(device)) => {
            return Ok(Open::Device { device, seed: vfs.random_seed(), offset: 0 });
        }
        Some(Special::Fifo) => {
            vfs.access(path, cred, if mode == OpenMode::Read { 4 } else { 2 })?;
            return Ok(Open::Fifo(path.into()));
        }
        Some(Special::Socket) => return Err(Errno::NxIo),
        None => {}
    }
    let ino = match mode {
        OpenMode::Read => {
            vfs.access(path, cred, 4)?;
            vfs.resolve(path, cred)?
        }
        _ => vfs.edit(path, 0o666 & !umask, cred, |content| {
            if mode == OpenMode::Write {
                *content = Content::from(Vec::new());
            }
            Ok(())
        })?,
    };
    let generation = vfs.inode(ino).ok_or(Errno::NoEnt)?.generation;
    Ok(Open::File { ino, generation, offset: 0, append: mode == OpenMode::Append })
}
