//! A copy of a message on its way into a file or a command: the lines that delivery agents put in
//! front, and the message with its memory shared.

use bytes::Bytes;

use crate::host::vfs::Rope;

/// What is written for one delivery.
#[derive(Clone, Debug, Default)]
pub struct Copy {
    pieces: Vec<Piece>,
    len: u64,
}

#[derive(Clone, Debug)]
enum Piece {
    /// Lines of this copy alone.
    Own(Vec<u8>),
    /// Octets that others keep too.
    Shared(Bytes),
}

impl Copy {
    /// A copy that begins with these lines.
    pub fn starting(with: impl Into<Vec<u8>>) -> Copy {
        let own = with.into();
        let len = own.len() as u64;
        let mut pieces = Vec::with_capacity(3);
        pieces.push(Piece::Own(own));
        Copy { pieces, len }
    }

    /// Appends octets whose memory is shared.
    pub fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.len += piece.len() as u64;
            self.pieces.push(Piece::Shared(piece));
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
        for piece in self.pieces {
            match piece {
                Piece::Own(octets) => rope.push_slice(&octets),
                Piece::Shared(octets) => rope.push(octets),
            }
        }
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
        for piece in &self.pieces {
            match piece {
                Piece::Own(octets) => all.extend_from_slice(octets),
                Piece::Shared(octets) => all.extend_from_slice(octets),
            }
        }
        all.into()
    }
}
