//! Bodies that went through lately, so that the same text to many recipients is kept once.

use bytes::Bytes;

/// The last body of each kind; a kind is what a few of its octets and its length say.
#[derive(Clone, Debug, Default)]
pub struct Bodies {
    slots: Vec<Bytes>,
}

/// How many bodies are remembered.
const SLOTS: usize = 64;
/// Longer bodies are not compared and stay where they are.
const LONGEST: usize = 1 << 16;

impl Bodies {
    /// The same octets, in memory that is shared with an equal body or holds nothing else.
    pub fn share(&mut self, body: Bytes) -> Bytes {
        if body.is_empty() {
            return Bytes::new();
        }
        if body.len() > LONGEST {
            return body;
        }
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, Bytes::new());
        }
        let slot = &mut self.slots[kind(&body)];
        if *slot != body {
            *slot = Bytes::copy_from_slice(&body);
        }
        slot.clone()
    }
}

fn kind(body: &[u8]) -> usize {
    let sample = [0, body.len() / 3, body.len() / 2, body.len() - 1];
    let sum = sample.iter().fold(body.len(), |sum, at| sum.wrapping_mul(31).wrapping_add(usize::from(body[*at])));
    sum % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bodies_share_their_memory() {
        let mut bodies = Bodies::default();
        let first = bodies.share(Bytes::from_static(b"Hello\n"));
        let other = bodies.share(Bytes::from_static(b"Good bye\n"));
        let again = bodies.share(Bytes::from(b"Hello\n".to_vec()));
        assert_eq!((&first[..], &other[..], &again[..]), (&b"Hello\n"[..], &b"Good bye\n"[..], &b"Hello\n"[..]));
        assert_eq!(first.as_ptr(), again.as_ptr());
        assert!(bodies.share(Bytes::from_static(b"Subject: x").slice(10..)).is_empty());
    }
}
