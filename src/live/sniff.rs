//! Follows a dialogue just far enough to know when TLS begins, and where octets are no text.

use super::plan::Protocol;

/// The end of a line that is remembered; commands are shorter.
const MAX_LINE: usize = 512;

/// What the gateway knows of a dialogue.
#[derive(Clone, Debug)]
pub struct Sniffer {
    protocol: Protocol,
    line: Vec<u8>,
    /// The client's last whole line asked for TLS; in IMAP with this tag.
    asked: Option<Vec<u8>>,
    /// A message is being sent.
    in_data: bool,
    /// The client sends counted octets: they are not looked at.
    counted: bool,
}

impl Sniffer {
    /// At the beginning of a connection.
    pub fn new(protocol: Protocol) -> Sniffer {
        Sniffer { protocol, line: Vec::new(), asked: None, in_data: false, counted: protocol == Protocol::Dns }
    }

    /// Whether the client sends commands, line by line: then a person may be typing them.
    pub fn in_commands(&self) -> bool {
        !self.in_data && !self.counted
    }

    /// Notes what the client sends.
    pub fn client(&mut self, octets: &[u8]) {
        for octet in octets {
            if *octet != b'\n' {
                if self.line.len() < MAX_LINE {
                    self.line.push(*octet);
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = line.strip_suffix(b"\r").unwrap_or(&line);
            if self.in_data {
                self.in_data = line != b".";
                continue;
            }
            self.asked = self.asks_for_tls(line);
            self.counted |= match self.protocol {
                Protocol::Smtp => line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"BDAT"),
                Protocol::Imap => line.ends_with(b"}"),
                Protocol::Pop3 | Protocol::Dns => false,
            };
        }
    }

    fn asks_for_tls(&self, line: &[u8]) -> Option<Vec<u8>> {
        let line = line.trim_ascii();
        match self.protocol {
            Protocol::Smtp => line.eq_ignore_ascii_case(b"STARTTLS").then(Vec::new),
            Protocol::Pop3 => line.eq_ignore_ascii_case(b"STLS").then(Vec::new),
            Protocol::Imap => {
                let space = line.iter().position(|octet| *octet == b' ')?;
                let (tag, command) = line.split_at(space);
                command.trim_ascii().eq_ignore_ascii_case(b"STARTTLS").then(|| tag.to_vec())
            }
            Protocol::Dns => None,
        }
    }

    /// Notes what the server sends; true if TLS begins after it.
    pub fn server(&mut self, octets: &[u8]) -> bool {
        if self.protocol == Protocol::Smtp && !self.in_data {
            self.in_data = last_line(octets).starts_with(b"354");
        }
        let Some(tag) = &self.asked else { return false };
        let agreed = match self.protocol {
            Protocol::Smtp => octets.starts_with(b"220"),
            Protocol::Pop3 => octets.starts_with(b"+OK"),
            Protocol::Imap => octets
                .strip_prefix(tag.as_slice())
                .is_some_and(|rest| rest.len() > 3 && rest[..3].eq_ignore_ascii_case(b" OK")),
            Protocol::Dns => false,
        };
        if agreed {
            *self = Sniffer::new(self.protocol);
        }
        agreed
    }
}

/// The last whole line.
fn last_line(octets: &[u8]) -> &[u8] {
    let octets = octets.strip_suffix(b"\r\n").unwrap_or(octets);
    octets.rsplit(|octet| *octet == b'\n').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_begins_when_the_server_agrees() {
        for (protocol, command, refusal, consent) in [
            (Protocol::Smtp, "starttls\r\n", "454 no\r\n", "220 2.0.0 Ready to start TLS\r\n"),
            (Protocol::Pop3, "STLS\r\n", "-ERR no\r\n", "+OK Begin TLS\r\n"),
            (Protocol::Imap, "a1 STARTTLS\r\n", "a1 BAD no\r\n", "a1 OK Begin TLS\r\n"),
        ] {
            let mut sniffer = Sniffer::new(protocol);
            sniffer.client(command.as_bytes());
            assert!(!sniffer.server(refusal.as_bytes()), "{command}");
            sniffer.client(command.as_bytes());
            assert!(sniffer.server(consent.as_bytes()), "{command}");
        }
    }

    #[test]
    fn a_message_that_speaks_of_it_is_only_a_message() {
        let mut sniffer = Sniffer::new(Protocol::Smtp);
        sniffer.client(b"DATA\r\n");
        assert!(!sniffer.server(b"250 x\r\n354 End data with <CR><LF>.<CR><LF>\r\n"));
        assert!(!sniffer.in_commands());
        sniffer.client(b"Subject: x\r\n\r\nSTARTTLS\r\n.\r\n");
        assert!(!sniffer.server(b"220 strange\r\n"));
        assert!(sniffer.in_commands());
    }
}
