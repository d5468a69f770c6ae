//! Conversion of 8-bit content for servers without 8BITMIME (`mime_state_downgrade()`, RFC 6152
//! section 3): parts that say they are 8bit or binary become quoted-printable.

use crate::mail::header::{Field, Name};
use crate::mail::mime::{Class, Visitor, walk};

/// Output lines longer than this get a soft line break before the next character.
const SOFT_LIMIT: usize = 72;

/// The content with 7-bit encodings only; text without MIME header stays as it is.
pub(super) fn downgrade(content: &[u8]) -> Vec<u8> {
    let mut out = Downgrade { out: Vec::with_capacity(content.len() + content.len() / 8), ..Downgrade::default() };
    walk(content, &mut out);
    out.out
}

#[derive(Default)]
struct Downgrade {
    out: Vec<u8>,
    /// The header being read names an 8-bit encoding.
    eight_bit: bool,
    /// The header being read is that of a multipart or an attached message, which must not be
    /// encoded as a whole.
    composite: bool,
    /// Lines of the present body are to be encoded.
    encode: bool,
}

impl Visitor for Downgrade {
    fn field(&mut self, _class: Class, field: Field<'_>) {
        match Name::find(field.name) {
            Some((Name::ContentTransferEncoding, _)) => {
                let value = field.unfolded().to_ascii_lowercase();
                self.eight_bit = value.starts_with("8bit") || value.starts_with("binary");
                if self.eight_bit {
                    return;
                }
            }
            Some((Name::ContentType, _)) => {
                let value = field.unfolded().to_ascii_lowercase();
                self.composite = value.starts_with("multipart/") || value.starts_with("message/");
            }
            _ => {}
        }
        self.out.extend_from_slice(field.raw);
        self.out.push(b'\n');
    }

    fn end_of_header(&mut self, _class: Class, separator: bool) {
        if self.eight_bit {
            let encoding = if self.composite { "7bit" } else { "quoted-printable" };
            self.out.extend_from_slice(b"Content-Transfer-Encoding: ");
            self.out.extend_from_slice(encoding.as_bytes());
            self.out.push(b'\n');
        }
        if separator {
            self.out.push(b'\n');
        }
        self.encode = self.eight_bit && !self.composite;
        (self.eight_bit, self.composite) = (false, false);
    }

    fn line(&mut self, line: &[u8]) {
        if self.encode {
            quoted_printable(line, &mut self.out);
        } else {
            self.out.extend_from_slice(line);
        }
        self.out.push(b'\n');
    }

    fn boundary(&mut self, line: &[u8]) {
        self.encode = false;
        self.line(line);
    }
}

fn quote(octet: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[b'=', DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]);
}

/// One line in quoted-printable (RFC 2045, section 6.7).
fn quoted_printable(line: &[u8], out: &mut Vec<u8>) {
    let mut start = out.len();
    for octet in line {
        if out.len() - start > SOFT_LIMIT {
            out.extend_from_slice(b"=\n");
            start = out.len();
        }
        match octet {
            b'\t' | b' '..=b'<' | b'>'..=b'~' => out.push(*octet),
            octet => quote(*octet, out),
        }
    }
    // White space at the end of a line may get lost on the way.
    if let Some(last) = line.last().copied().filter(|last| matches!(last, b' ' | b'\t')) {
        out.pop();
        quote(last, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(text: &str) -> String {
        String::from_utf8(downgrade(text.as_bytes())).unwrap()
    }

    #[test]
    fn eight_bit_parts_become_quoted_printable() {
        assert_eq!(
            converted("Content-Transfer-Encoding: 8bit\nSubject: x\n\nä = b \nplain\n"),
            "Subject: x\nContent-Transfer-Encoding: quoted-printable\n\n=C3=A4 =3D b=20\nplain\n"
        );
        let text = "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: 8bit\n\nä\n--b\n\
                    Content-Transfer-Encoding: 8bit\n\nö\n--b\n\nü\n--b--\nß\n";
        assert_eq!(
            converted(text),
            "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: 7bit\n\nä\n--b\n\
             Content-Transfer-Encoding: quoted-printable\n\n=C3=B6\n--b\n\nü\n--b--\nß\n"
        );
    }

    #[test]
    fn what_does_not_say_that_it_is_8bit_stays() {
        for text in ["Subject: x\n\nä\n", "Content-Transfer-Encoding: base64\n\nw6Q=\n"] {
            assert_eq!(converted(text), text);
        }
    }

    #[test]
    fn long_lines_are_broken_softly() {
        let mut out = Vec::new();
        quoted_printable("x".repeat(80).as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), format!("{}=\n{}", "x".repeat(73), "x".repeat(7)));
    }
}
