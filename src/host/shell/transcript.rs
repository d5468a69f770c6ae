//! What appeared on a terminal, and where each stretch of it came from.

use crate::host::vfs::Rope;

/// Octets that a transcript keeps at least; of longer ones the beginning is forgotten.
const KEPT: u64 = 8 << 20;

/// Where a stretch of a transcript comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Programs' standard output; on a terminal their standard error, too.
    Output,
    /// Programs' standard error, where it is apart.
    Error,
    /// What the person typed, as the terminal shows it.
    Typed,
}

/// A stretch from one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it comes from.
    pub stream: Stream,
    /// Its octets.
    pub bytes: Vec<u8>,
}

/// Everything that appeared, in order. A clone shares the text.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    text: Rope,
    /// Offset of the first octet of `text`.
    first: u64,
    /// Where stretches begin.
    spans: Vec<(u64, Stream)>,
}

impl Transcript {
    /// The number of octets so far: a mark for [`Transcript::since`].
    pub fn end(&self) -> u64 {
        self.first + self.text.len()
    }

    /// Appends a stretch.
    pub fn push(&mut self, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.spans.last().is_none_or(|(_, last)| *last != stream) {
            self.spans.push((self.end(), stream));
        }
        self.text.push_slice(bytes);
        if self.text.len() > 2 * KEPT {
            self.forget(self.text.len() - KEPT);
        }
    }

    fn forget(&mut self, octets: u64) {
        self.text = Rope::from(self.text.since(octets));
        self.first += octets;
        let kept = self.spans.partition_point(|(begin, _)| *begin <= self.first).saturating_sub(1);
        self.spans.drain(..kept);
    }

    /// What appeared since a mark; from the beginning of what is kept if the mark is older.
    pub fn since(&self, mark: u64) -> Vec<Span> {
        let mark = mark.clamp(self.first, self.end());
        let rest = self.text.since(mark - self.first);
        let begun = self.spans.partition_point(|(begin, _)| *begin <= mark).saturating_sub(1);
        let spans = &self.spans[begun.min(self.spans.len())..];
        let ends = spans.iter().skip(1).map(|(begin, _)| *begin).chain([self.end()]);
        let mut at = mark;
        let mut found = Vec::new();
        for ((_, stream), end) in spans.iter().zip(ends) {
            let piece = |offset: u64| usize::try_from(offset - mark).unwrap_or(usize::MAX);
            if end > at {
                found.push(Span { stream: *stream, bytes: rest[piece(at)..piece(end)].to_vec() });
                at = end;
            }
        }
        found
    }

    /// Everything that is kept, as a person sees it on the screen.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.to_vec()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(stream: Stream, text: &str) -> Span {
        Span { stream, bytes: text.as_bytes().to_vec() }
    }

    #[test]
    fn stretches_keep_their_streams_and_can_be_read_from_a_mark() {
        let mut transcript = Transcript::default();
        assert_eq!(transcript.since(0), []);
        transcript.push(Stream::Output, b"$ ");
        transcript.push(Stream::Typed, b"ls\n");
        let mark = transcript.end();
        transcript.push(Stream::Output, b"a ");
        transcript.push(Stream::Output, b"b\n");
        assert_eq!(transcript.since(mark), [span(Stream::Output, "a b\n")]);
        let all = [span(Stream::Output, "$ "), span(Stream::Typed, "ls\n"), span(Stream::Output, "a b\n")];
        assert_eq!(transcript.since(0), all);
        assert_eq!(transcript.since(3), [span(Stream::Typed, "s\n"), span(Stream::Output, "a b\n")]);
        assert_eq!(transcript.since(1_000), []);
        assert_eq!(transcript.text(), "$ ls\na b\n");
    }

    #[test]
    fn long_transcripts_forget_their_beginning_and_keep_their_marks() {
        let mut transcript = Transcript::default();
        let block = vec![b'x'; 1 << 20];
        for _ in 0..40 {
            transcript.push(Stream::Output, &block);
            transcript.push(Stream::Typed, b"y");
        }
        assert_eq!(transcript.end(), 40 * ((1 << 20) + 1));
        assert!(transcript.text.len() <= 2 * KEPT);
        let mark = transcript.end() - 2;
        assert_eq!(transcript.since(mark), [span(Stream::Output, "x"), span(Stream::Typed, "y")]);
        let kept: usize = transcript.since(0).iter().map(|span| span.bytes.len()).sum();
        assert_eq!(kept as u64, transcript.text.len());
    }
}
