//! What a telnet client sends beside the text (RFC 854), and how a person types.

use bytes::{BufMut, Bytes, BytesMut};

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const ERASE_LINE: u8 = 248;
const ERASE_CHARACTER: u8 = 247;
const ARE_YOU_THERE: u8 = 246;
const SE: u8 = 240;
/// A chunk this short without an end of line was typed in character mode.
const TYPED: usize = 8;
/// A line that is longer than this is passed on though it has no end yet.
const MAX_LINE: usize = 4096;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Iac,
    /// After WILL, WONT, DO or DONT.
    Option(u8),
    Subnegotiation,
    SubnegotiationIac,
    /// After a carriage return in character mode.
    Cr,
}

/// Takes telnet's commands out of what a client sends, and lets a person who types in character
/// mode correct a line before it is sent.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    state: State,
    /// The client sends each key as it is typed.
    character_mode: bool,
    /// The line so far, in character mode.
    line: BytesMut,
}

/// What a chunk comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filtered {
    /// For the server.
    pub text: Bytes,
    /// Answers of the telnet layer for the client.
    pub answer: Bytes,
}

impl Filter {
    /// Takes what the client sent.
    pub fn receive(&mut self, chunk: Bytes) -> Filtered {
        let is_plain = self.state == State::Text && !self.character_mode;
        let is_typed = chunk.len() <= TYPED && !chunk.contains(&b'\n');
        if is_plain && !is_typed && memchr::memchr(IAC, &chunk).is_none() {
            return Filtered { text: chunk, answer: Bytes::new() };
        }
        self.character_mode |= is_typed && !chunk.contains(&IAC);
        let mut text = BytesMut::with_capacity(chunk.len());
        let mut answer = BytesMut::new();
        let mut rest: &[u8] = &chunk;
        while let Some((octet, after)) = rest.split_first() {
            if self.state == State::Text && !self.character_mode {
                // Up to the next command of telnet all is text.
                let end = memchr::memchr(IAC, rest).unwrap_or(rest.len());
                text.extend_from_slice(&rest[..end]);
                rest = &rest[end..];
                if end > 0 {
                    continue;
                }
            }
            self.octet(*octet, &mut text, &mut answer);
            rest = after;
        }
        if self.line.len() > MAX_LINE {
            text.unsplit(self.line.split());
        }
        Filtered { text: text.freeze(), answer: answer.freeze() }
    }

    /// What was typed and not yet sent, when the client closes.
    pub fn rest(&mut self) -> Bytes {
        self.line.split().freeze()
    }

    fn octet(&mut self, octet: u8, text: &mut BytesMut, answer: &mut BytesMut) {
        match std::mem::take(&mut self.state) {
            State::Text if octet == IAC => self.state = State::Iac,
            State::Text => self.key(octet, text),
            State::Cr => match octet {
                // A telnet client writes the Enter key as CR NUL or CR LF.
                0 | b'\n' => self.end_line(text),
                octet => {
                    self.line.put_u8(b'\r');
                    self.key(octet, text);
                }
            },
            State::Iac => match octet {
                IAC => self.key(IAC, text),
                WILL | WONT | DO | DONT => self.state = State::Option(octet),
                SB => self.state = State::Subnegotiation,
                ERASE_CHARACTER => _ = self.line.split_off(self.line.len().saturating_sub(1)),
                ERASE_LINE => self.line.clear(),
                ARE_YOU_THERE => answer.extend_from_slice(b"\r\n[Yes]\r\n"),
                _ => {}
            },
            // All options are refused; refusals need no answer (RFC 854).
            State::Option(WILL) => answer.extend_from_slice(&[IAC, DONT, octet]),
            State::Option(DO) => answer.extend_from_slice(&[IAC, WONT, octet]),
            State::Option(_) => {}
            State::Subnegotiation if octet == IAC => self.state = State::SubnegotiationIac,
            State::Subnegotiation => self.state = State::Subnegotiation,
            State::SubnegotiationIac if octet == SE => {}
            State::SubnegotiationIac => self.state = State::Subnegotiation,
        }
    }

    fn key(&mut self, octet: u8, text: &mut BytesMut) {
        if !self.character_mode {
            return text.put_u8(octet);
        }
        match octet {
            8 | 127 => _ = self.line.split_off(self.line.len().saturating_sub(1)),
            b'\r' => self.state = State::Cr,
            b'\n' => {
                self.line.put_u8(b'\n');
                text.unsplit(self.line.split());
            }
            octet => self.line.put_u8(octet),
        }
    }

    fn end_line(&mut self, text: &mut BytesMut) {
        self.line.extend_from_slice(b"\r\n");
        text.unsplit(self.line.split());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn play(chunks: &[&'static [u8]]) -> (Vec<u8>, Vec<u8>) {
        let mut filter = Filter::default();
        let (mut text, mut answer) = (Vec::new(), Vec::new());
        for chunk in chunks {
            let filtered = filter.receive(Bytes::from_static(chunk));
            text.extend_from_slice(&filtered.text);
            answer.extend_from_slice(&filtered.answer);
        }
        (text, answer)
    }

    #[test]
    fn negotiation_is_answered_and_kept_from_the_server() {
        type Case = (&'static [&'static [u8]], &'static [u8], &'static [u8]);
        let cases: [Case; 6] = [
            (&[b"EHLO a.example\r\n"], b"EHLO a.example\r\n", b""),
            (&[b"\xff\xfd\x01\xff\xfb\x1fEHLO a\r\n"], b"EHLO a\r\n", b"\xff\xfc\x01\xff\xfe\x1f"),
            (&[b"\xff\xfa\x1f\x00\x50\xff\xf0QUIT\r\n"], b"QUIT\r\n", b""),
            (&[b"a\xff\xffb long\r\n"], b"a\xffb long\r\n", b""),
            (&[b"\xff\xf6NOOP here\r\n"], b"NOOP here\r\n", b"\r\n[Yes]\r\n"),
            (&[b"HELO long enough\xff", b"\xfc\x01 x\r\n"], b"HELO long enough x\r\n", b""),
        ];
        for (chunks, text, answer) in cases {
            assert_eq!(play(chunks), (text.to_vec(), answer.to_vec()), "{chunks:?}");
        }
    }

    #[test]
    fn in_character_mode_a_line_can_be_corrected_before_it_is_sent() {
        let typed: [(&[&[u8]], &[u8]); 4] = [
            (&[b"Q", b"U", b"X", b"\x7f", b"I", b"T", b"\r\0"], b"QUIT\r\n"),
            (&[b"N", b"O", b"P", b"\x08", b"OP", b"\r\n"], b"NOOP\r\n"),
            (&[b"R", b"S", b"E", b"T", b"\n"], b"RSET\n"),
            (&[b"\x7f", b"Q", b"\r", b"\n"], b"Q\r\n"),
        ];
        for (keys, text) in typed {
            assert_eq!(play(keys).0, text, "{keys:?}");
        }
    }

    #[test]
    fn what_was_typed_without_an_end_of_line_is_not_lost() {
        let mut filter = Filter::default();
        assert!(filter.receive(Bytes::from_static(b"QUIT")).text.is_empty());
        assert_eq!(filter.rest(), "QUIT");
    }

    proptest! {
        #[test]
        fn nothing_grows_without_bound(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..9), 0..60)) {
            let mut filter = Filter::default();
            for chunk in chunks {
                filter.receive(Bytes::from(chunk));
                prop_assert!(filter.line.len() <= MAX_LINE + 16);
            }
        }
    }
}
