//! What files hold: ropes of shared chunks, and values that can show themselves as octets.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;

/// Content of a file that programs know as a value, and that can be read as bytes.
pub trait Object: Any + Send + Sync + std::fmt::Debug {
    /// The content as octets.
    fn bytes(&self) -> Vec<u8>;
    /// The size that `stat` shows.
    fn size(&self) -> u64;
}

/// A sequence of octets in shared chunks, cheap to append to and to clone.
#[derive(Clone, Debug, Default)]
pub struct Rope {
    chunks: Vec<Bytes>,
    tail: Vec<u8>,
    len: u64,
}

/// Pieces at least this long are shared instead of copied.
const SHARE_FROM: usize = 256;

impl Rope {
    /// Number of octets.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a copy.
    pub fn push_slice(&mut self, slice: &[u8]) {
        self.len += slice.len() as u64;
        self.tail.extend_from_slice(slice);
        if self.tail.len() >= 1 << 15 {
            self.seal();
        }
    }

    /// Appends, sharing the memory of long pieces.
    pub fn push(&mut self, bytes: Bytes) {
        if bytes.len() < SHARE_FROM {
            return self.push_slice(&bytes);
        }
        self.seal();
        self.len += bytes.len() as u64;
        self.chunks.push(bytes);
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.chunks.push(Bytes::copy_from_slice(&self.tail));
            self.tail.clear();
        }
    }

    /// The pieces in order.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.chunks
            .iter()
            .map(|chunk| &chunk[..])
            .chain(std::iter::once(&self.tail[..]))
            .filter(|piece| !piece.is_empty())
    }

    /// All octets in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(usize::try_from(self.len).unwrap_or(0));
        self.pieces().for_each(|piece| all.extend_from_slice(piece));
        all
    }

    /// The octets from `offset` on.
    pub fn since(&self, offset: u64) -> Vec<u8> {
        let mut skip = offset;
        let mut rest = Vec::new();
        for piece in self.pieces() {
            let len = piece.len() as u64;
            if skip < len {
                rest.extend_from_slice(&piece[skip as usize..]);
            }
            skip = skip.saturating_sub(len);
        }
        rest
    }

    /// Shortens to `len` octets.
    pub fn truncate(&mut self, len: u64) {
        if len < self.len {
            let mut all = self.to_vec();
            all.truncate(usize::try_from(len).unwrap_or(usize::MAX));
            *self = Rope::from(all);
        }
    }
}

impl From<Vec<u8>> for Rope {
    fn from(all: Vec<u8>) -> Rope {
        let len = all.len() as u64;
        if all.len() < SHARE_FROM {
            Rope { chunks: Vec::new(), tail: all, len }
        } else {
            Rope { chunks: vec![Bytes::from(all)], tail: Vec::new(), len }
        }
    }
}

/// What a file holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// Octets.
    Rope(Rope),
    /// A value that can show itself as octets.
    Object(Arc<dyn Object>),
}

impl Content {
    /// The size that `stat` shows.
    pub fn size(&self) -> u64 {
        match self {
            Content::Rope(rope) => rope.len(),
            Content::Object(object) => object.size(),
        }
    }

    /// All octets.
    pub fn to_vec(&self) -> Vec<u8> {
        match self {
            Content::Rope(rope) => rope.to_vec(),
            Content::Object(object) => object.bytes(),
        }
    }

    /// The octets, to be changed; a value becomes the octets that it shows itself as.
    pub fn rope_mut(&mut self) -> &mut Rope {
        if let Content::Object(object) = self {
            *self = Content::from(object.bytes());
        }
        match self {
            Content::Rope(rope) => rope,
            Content::Object(_) => unreachable!("replaced above"),
        }
    }

    /// The value, if it is one of this type.
    pub fn object<T: Object>(&self) -> Option<Arc<T>> {
        match self {
            Content::Object(object) => (Arc::clone(object) as Arc<dyn Any + Send + Sync>).downcast().ok(),
            Content::Rope(_) => None,
        }
    }
}

impl<T: Into<Vec<u8>>> From<T> for Content {
    fn from(all: T) -> Content {
        Content::Rope(Rope::from(all.into()))
    }
}
