//! Notices to the postmaster about a server that breaks the protocol (`smtp_chat_notify`).

use super::SmtpClient;
use crate::host::Ctx;
use crate::mta::postfix::notice::About;
use crate::mta::postfix::services::Services;
use crate::sim::Socket;

/// What was said on a connection, and whether the server broke the protocol.
#[derive(Clone, Debug, Default)]
pub(super) struct Transcript {
    text: Vec<u8>,
    partial: Vec<u8>,
    broken: bool,
    /// QUIT was said: nobody waits for the answer.
    left: bool,
}

impl Transcript {
    /// Notes commands, or the end of a message's content.
    pub fn said(&mut self, bytes: &[u8]) {
        for line in bytes.split_inclusive(|octet| *octet == b'\n') {
            self.line(b" Out: ", line);
            self.left |= line.starts_with(b"QUIT");
        }
    }

    /// Notes replies. A line that is none breaks the protocol.
    pub fn heard(&mut self, bytes: &[u8]) {
        if self.left {
            return;
        }
        self.partial.extend_from_slice(bytes);
        let end = memchr::memrchr(b'\n', &self.partial).map_or(0, |at| at + 1);
        let rest = self.partial.split_off(end);
        let lines = std::mem::replace(&mut self.partial, rest);
        for line in lines.split_inclusive(|octet| *octet == b'\n') {
            let digits = line.iter().take_while(|octet| octet.is_ascii_digit()).count();
            self.broken |= digits != 3 || !matches!(line.get(3), Some(b' ' | b'-' | b'\r' | b'\n'));
            self.line(b" In:  ", line);
        }
    }

    /// Judges the code of a reply that refuses something (`smtp_check_code`).
    pub fn refused(&mut self, code: u16) {
        self.broken |= !(400..600).contains(&code) || code == 555 || (500..510).contains(&code);
    }

    fn line(&mut self, mark: &[u8], line: &[u8]) {
        self.text.extend_from_slice(mark);
        let end = line.iter().rposition(|octet| !matches!(octet, b'\r' | b'\n')).map_or(0, |at| at + 1);
        self.text.extend(line.iter().take(end).map(|octet| if octet.is_ascii_control() { b'?' } else { *octet }));
        self.text.push(b'\n');
    }
}

impl SmtpClient {
    /// A connection has ended: mails its transcript if the postmaster wants it.
    pub(super) fn notify_postmaster(&mut self, sock: Socket, services: &mut Services, ctx: &mut Ctx<'_>) {
        let Some(connection) = self.connections.get_mut(&sock) else { return };
        let Some(transcript) = connection.transcript.take().filter(|transcript| transcript.broken) else { return };
        let peer = &connection.peer.name_port;
        let opening = format!("Unexpected response from {peer}.\n\n");
        let about = About { program: "SMTP client", peer, opening: &opening, closing: "" };
        connection.conf.notices.mail(about, &transcript.text, services, ctx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_lines_that_break_the_protocol_are_noticed() {
        let broken = |replies: &[u8], code: u16| {
            let mut transcript = Transcript::default();
            transcript.heard(replies);
            if code > 0 {
                transcript.refused(code);
            }
            transcript.broken
        };
        assert!(!broken(b"220 a ESMTP\r\n250-a\r\n250 SIZE\r\n", 550));
        assert!(broken(b"hello\r\n", 0));
        assert!(broken(b"502 no\r\n", 502));
        assert!(broken(b"555 no\r\n", 555));
        assert!(broken(b"250 what\r\n", 250));
    }

    #[test]
    fn a_transcript_has_whole_lines_in_order() {
        let mut transcript = Transcript::default();
        transcript.heard(b"220 a");
        transcript.heard(b" ESMTP\r\n");
        transcript.said(b"EHLO b\r\n");
        assert_eq!(transcript.text, b" In:  220 a ESMTP\n Out: EHLO b\n");
    }
}
