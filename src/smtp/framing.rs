//! From octets to lines and message content: line ends, line length, dots, chunks.

use bytes::{Buf, Bytes, BytesMut};

/// What to do with a line that ends with LF alone (`smtpd_forbid_bare_newline` in Postfix).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BareNewline {
    /// It ends a line, and `LF . CR LF` ends the data: what lets mail be smuggled.
    #[default]
    Accept,
    /// It ends a line, but only `CR LF . CR LF` ends the data.
    Normalize,
    /// The first one ends the session.
    Reject,
}

/// What a reader accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a command line that are kept; the rest of the line is dropped.
    pub line: usize,
    /// Longest response within AUTH, without the line end (`smtpd_sasl_response_limit`).
    pub response: usize,
    /// How a bare LF is treated.
    pub bare_newline: BareNewline,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { line: 2048, response: 12_288, bare_newline: BareNewline::Accept }
    }
}

/// A line without its line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its octets, cut to the limit.
    pub octets: Bytes,
    /// Whether it ended with LF alone.
    pub bare: bool,
}

/// Octets that arrived and were not used yet.
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    octets: BytesMut,
    /// Octets of the front that are known to have no LF.
    scanned: usize,
}

impl Buffer {
    /// Appends what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.octets.extend_from_slice(bytes);
    }

    /// Appends what arrived, without copying if nothing is there and nobody else holds it.
    pub fn receive(&mut self, bytes: Bytes) {
        if !self.octets.is_empty() {
            return self.push(&bytes);
        }
        match bytes.try_into_mut() {
            Ok(octets) => {
                self.octets = octets;
                self.scanned = 0;
            }
            Err(shared) => self.push(&shared),
        }
    }

    /// What is there and not used.
    pub fn peek(&self) -> &[u8] {
        &self.octets
    }

    /// Whether nothing is there.
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Forgets everything: what was sent in the clear before a TLS handshake must not count.
    pub fn clear(&mut self) {
        *self = Buffer::default();
    }

    /// Takes up to `count` octets, for a chunk of BDAT.
    pub fn take(&mut self, count: u64) -> Bytes {
        self.scanned = 0;
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(self.octets.len());
        self.octets.split_to(count).freeze()
    }

    /// Takes a line if one is complete.
    pub fn line(&mut self, limit: usize) -> Option<Line> {
        let Some(found) = memchr::memchr(b'\n', self.octets.get(self.scanned..).unwrap_or_default()) else {
            self.scanned = self.octets.len();
            self.cut(limit);
            return None;
        };
        let end = self.scanned + found;
        self.scanned = 0;
        let mut octets = self.octets.split_to(end + 1).freeze();
        let crlf = end > 0 && octets.get(end - 1) == Some(&b'\r');
        octets.truncate(limit.min(end - usize::from(crlf)));
        Some(Line { octets, bare: !crlf })
    }

    /// Drops what goes beyond the limit of an unfinished line, so that a line without end costs
    /// no memory. One octet before the end is kept: it tells whether the line ends with CR LF.
    fn cut(&mut self, limit: usize) {
        let len = self.octets.len();
        if len > limit + 1 {
            let last = self.octets.last().copied().unwrap_or_default();
            self.octets.truncate(limit);
            self.octets.extend_from_slice(&[last]);
            self.scanned = self.octets.len();
        }
    }
}

/// Why reading message content stopped short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataError {
    /// A bare LF under [`BareNewline::Reject`].
    BareNewline,
}

/// Reads the content after DATA: takes stuffed dots away, ends lines with LF, finds the end.
///
/// A line ends with LF; one CR before it is dropped. Any other CR is content.
#[derive(Clone, Debug)]
pub struct DataReader {
    content: Vec<u8>,
    /// Octets received with the line end counted as one, also those beyond the limit.
    size: u64,
    limit: u64,
    bare_newline: BareNewline,
    /// Whether the line before ended with CR LF (the one before the first did).
    after_crlf: bool,
    /// Whether the front of the buffer continues a line whose beginning was taken already.
    in_line: bool,
}

/// Pieces of one line beyond this size are taken before the line is complete.
const PIECE: usize = 4096;

impl DataReader {
    /// A reader that keeps at most `limit` octets (0: all).
    pub fn new(limit: u64, bare_newline: BareNewline) -> DataReader {
        DataReader { content: Vec::new(), size: 0, limit, bare_newline, after_crlf: true, in_line: false }
    }

    /// Takes what it can from the buffer; true when the end of the data was found.
    pub fn read(&mut self, buffer: &mut Buffer) -> Result<bool, DataError> {
        let octets = buffer.octets.as_ref();
        let mut at = 0;
        let mut done = Ok(false);
        self.content.reserve(octets.len());
        for end in memchr::memchr_iter(b'\n', octets) {
            let crlf = end > at && octets[end - 1] == b'\r';
            let line = &octets[at..if crlf { end - 1 } else { end }];
            at = end + 1;
            if !crlf && self.bare_newline == BareNewline::Reject {
                done = Err(DataError::BareNewline);
                break;
            }
            if !self.in_line && line == b"." {
                let strict = self.bare_newline != BareNewline::Accept;
                if !strict || (crlf && self.after_crlf) {
                    done = Ok(true);
                    break;
                }
                // Nobody else may take it for an end of the data either.
                self.after_crlf = crlf;
                continue;
            }
            let line = if self.in_line { line } else { line.strip_prefix(b".").unwrap_or(line) };
            self.in_line = false;
            self.after_crlf = crlf;
            self.size += line.len() as u64 + 1;
            if self.limit == 0 || self.size <= self.limit {
                self.content.extend_from_slice(line);
                self.content.push(b'\n');
            }
        }
        let rest = octets.len() - at;
        if done == Ok(false) && rest > PIECE {
            // The last octet may be the CR of a line end.
            let piece = &octets[at..octets.len() - 1];
            let line = if self.in_line { piece } else { piece.strip_prefix(b".").unwrap_or(piece) };
            self.in_line = true;
            self.size += line.len() as u64;
            if self.limit == 0 || self.size <= self.limit {
                self.content.extend_from_slice(line);
            }
            at = octets.len() - 1;
        }
        buffer.octets.advance(at);
        buffer.scanned = 0;
        done
    }

    /// Octets received so far, line ends counted as two.
    pub fn octets(&self) -> u64 {
        self.size + memchr::memchr_iter(b'\n', &self.content).count() as u64
    }

    /// Octets received so far, line ends counted as one.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The content, with whether it went beyond the limit.
    pub fn finish(self) -> (Bytes, bool) {
        let over = self.limit > 0 && self.size > self.limit;
        (self.content.into(), over)
    }
}

/// Puts the chunks of BDAT together and turns CR LF into LF (RFC 3030: dots are not stuffed).
#[derive(Clone, Debug, Default)]
pub struct ChunkReader {
    content: Vec<u8>,
    size: u64,
    limit: u64,
}

impl ChunkReader {
    /// A reader that keeps at most `limit` octets (0: all).
    pub fn new(limit: u64) -> ChunkReader {
        ChunkReader { limit, ..ChunkReader::default() }
    }

    /// Appends a piece of a chunk. What is kept does not depend on where the pieces were cut.
    pub fn push(&mut self, piece: &[u8]) {
        let room = match self.limit {
            0 => piece.len(),
            // Line ends take two octets at most for one that is kept.
            limit => usize::try_from(limit.saturating_mul(2).saturating_sub(self.size)).unwrap_or(usize::MAX),
        };
        self.size += piece.len() as u64;
        for octet in piece.iter().take(room) {
            if *octet == b'\n' && self.content.last() == Some(&b'\r') {
                self.content.pop();
            }
            self.content.push(*octet);
        }
    }

    /// The content, with whether it went beyond the limit. An unfinished last line is finished.
    pub fn finish(mut self) -> (Bytes, bool) {
        if !matches!(self.content.last(), None | Some(b'\n')) {
            self.content.push(b'\n');
        }
        let limit = self.limit;
        let over = limit > 0 && (self.content.len() as u64 > limit || self.size > limit.saturating_mul(2));
        (self.content.into(), over)
    }
}

/// Whether a line has more octets than this, its LF not counted.
pub fn has_longer_line(text: &[u8], limit: usize) -> bool {
    let mut start = 0;
    // Whatever is left and is not longer than the limit has no such line.
    while text.len() - start > limit {
        match memchr::memrchr(b'\n', &text[start..=start + limit]) {
            Some(end) => start += end + 1,
            None => return true,
        }
    }
    false
}

/// Appends content as DATA sends it: LF becomes CR LF, a leading dot is doubled, and the final
/// `.` line follows.
pub fn stuff(content: &[u8], out: &mut Vec<u8>) {
    out.reserve(content.len() + content.len() / 32 + 8);
    let mut rest = content;
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
        rest = tail.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(b".\r\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(input: &[u8], policy: BareNewline) -> (Result<bool, DataError>, String, usize) {
        let mut buffer = Buffer::default();
        buffer.push(input);
        let mut reader = DataReader::new(0, policy);
        let done = reader.read(&mut buffer);
        let left = buffer.peek().len();
        (done, String::from_utf8(reader.finish().0.to_vec()).unwrap(), left)
    }

    #[test]
    fn long_lines_are_noticed() {
        for (text, limit, longer) in [
            ("", 4, false),
            ("abcd", 4, false),
            ("abcde", 4, true),
            ("abcd\nabcd\n\nab\n", 4, false),
            ("ab\nabcde\nab", 4, true),
            ("ab\ncd\nabcde", 4, true),
        ] {
            assert_eq!(has_longer_line(text.as_bytes(), limit), longer, "{text:?}");
        }
    }

    #[test]
    fn ends_of_data_depend_on_the_policy() {
        use BareNewline::{Accept, Normalize};
        for (input, policy, ends) in [
            ("a\r\n.\r\n", Accept, true),
            ("a\n.\r\n", Accept, true),
            ("a\n.\n", Accept, true),
            ("a\r\n.\n", Accept, true),
            ("a\r.\r", Accept, false),
            ("a\r.\r\n", Accept, false),
            ("a\r\n.\r\n", Normalize, true),
            (".\r\n", Normalize, true),
            ("a\n.\r\n", Normalize, false),
            ("a\r\n.\n", Normalize, false),
        ] {
            assert_eq!(read(input.as_bytes(), policy).0, Ok(ends), "{input:?} {policy:?}");
        }
        assert_eq!(read(b"a\nb", BareNewline::Reject).0, Err(DataError::BareNewline));
    }

    #[test]
    fn stuffed_dots_are_removed_and_the_rest_is_left() {
        let (done, content, left) = read(b"..\r\n..x\r\n.y\r\n .z\r\n.\r\nQUIT\r\n", BareNewline::Accept);
        assert_eq!((done, content.as_str(), left), (Ok(true), ".\n.x\ny\n .z\n", 6));
    }

    #[test]
    fn a_bare_cr_is_content() {
        assert_eq!(read(b"one\rtwo\r\n.\r\n", BareNewline::Accept).1, "one\rtwo\n");
    }

    #[test]
    fn content_beyond_the_limit_is_counted_but_not_kept() {
        let mut buffer = Buffer::default();
        buffer.push(b"12345\r\n12345\r\n.\r\n");
        let mut reader = DataReader::new(8, BareNewline::Accept);
        assert_eq!(reader.read(&mut buffer), Ok(true));
        assert_eq!(reader.size(), 12);
        let (content, over) = reader.finish();
        assert_eq!((content.as_ref(), over), (&b"12345\n"[..], true));
    }

    #[test]
    fn a_line_without_end_is_cut_at_the_limit() {
        let mut buffer = Buffer::default();
        for _ in 0..100 {
            buffer.push(b"xxxxxxxxxx");
            assert_eq!(buffer.line(16), None);
            assert!(buffer.peek().len() <= 30);
        }
        buffer.push(b"\r\nNOOP\r\n");
        assert_eq!(buffer.line(16).unwrap().octets.as_ref(), b"xxxxxxxxxxxxxxxx");
        assert_eq!(buffer.line(16), Some(Line { octets: Bytes::from_static(b"NOOP"), bare: false }));
    }

    #[test]
    fn too_large_a_chunk_is_over_the_limit_however_it_was_cut() {
        let octets = [b'a'; 50];
        let read = |pieces: usize| {
            let mut reader = ChunkReader::new(10);
            octets.chunks(pieces).for_each(|piece| reader.push(piece));
            reader.finish()
        };
        assert!(read(50).1);
        assert!((1..=50).all(|pieces| read(pieces) == read(50)));
    }

    #[test]
    fn chunks_may_cut_a_line_end() {
        let mut reader = ChunkReader::new(0);
        reader.push(b"one\r");
        reader.push(b"\n.two");
        assert_eq!(reader.finish().0.as_ref(), b"one\n.two\n");
    }

    fn lines_of(pieces: &[&[u8]]) -> Vec<Line> {
        let mut buffer = Buffer::default();
        let mut lines = Vec::new();
        for piece in pieces {
            buffer.push(piece);
            lines.extend(std::iter::from_fn(|| buffer.line(10)));
        }
        lines
    }

    proptest! {
        #[test]
        fn stuffing_is_undone_by_reading(lines in proptest::collection::vec("[.a\r ]{0,6}", 0..8)) {
            let content: String = lines.iter().map(|line| format!("{}\n", line.trim_end_matches('\r'))).collect();
            let mut wire = Vec::new();
            stuff(content.as_bytes(), &mut wire);
            let (done, read, left) = read(&wire, BareNewline::Normalize);
            prop_assert_eq!((done, read, left), (Ok(true), content, 0));
        }

        #[test]
        fn splitting_the_stream_changes_no_line(input in "[a\r\n]{0,60}", at in 0usize..60) {
            let (front, back) = input.as_bytes().split_at(at.min(input.len()));
            prop_assert_eq!(lines_of(&[front, back]), lines_of(&[input.as_bytes()]));
        }

        #[test]
        fn splitting_the_stream_changes_no_content(input in "[.a\r\n]{0,60}", at in 0usize..60) {
            let whole = read(input.as_bytes(), BareNewline::Accept);
            let (front, back) = input.as_bytes().split_at(at.min(input.len()));
            let mut buffer = Buffer::default();
            let mut reader = DataReader::new(0, BareNewline::Accept);
            buffer.push(front);
            let mut done = reader.read(&mut buffer);
            buffer.push(back);
            if done == Ok(false) {
                done = reader.read(&mut buffer);
            }
            let left = buffer.peek().len();
            let content = String::from_utf8(reader.finish().0.to_vec()).unwrap();
            prop_assert_eq!((done, content, left), whole);
        }
    }
}
