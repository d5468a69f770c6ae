//! A copy of a message on its way into a file or a command: the lines that delivery agents put in
//! front, and the message with its memory shared.

use bytes::Bytes;

use crate::host::vfs::Rope;

/// What is written for one delivery.
#[derive(Clone, Debug, Default)]
pub struct Copy {
    pieces: Vec<Bytes>,
    len: u64,
}

impl Copy {
    /// A copy that begins with these lines.
    pub fn starting(with: impl Into<Bytes>) -> Copy {
        let mut copy = Copy { pieces: Vec::with_capacity(4), len: 0 };
        copy.push(with.into());
        copy
    }

    /// Appends a piece.
    pub fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.len += piece.len() as u64;
            self.pieces.push(piece);
        }
    }

    /// Octets.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends everything to a file's content.
    pub fn append_to(self, rope: &mut Rope) {
        self.pieces.into_iter().for_each(|piece| rope.push(piece));
    }

    /// As the content of a new file.
    pub fn into_rope(self) -> Rope {
        let mut rope = Rope::default();
        self.append_to(&mut rope);
        rope
    }

    /// In one piece.
    pub fn into_bytes(self) -> Bytes {
        let mut all = Vec::with_capacity(usize::try_from(self.len).unwrap_or(0));
        self.pieces.iter().for_each(|piece| all.extend_from_slice(piece));
        all.into()
    }
}
