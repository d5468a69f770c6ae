//! Where a session is in the server's state diagram, as far as its dialogue tells.

use crate::smtp::diagram::ServerState;

fn verb_of(line: &str) -> String {
    line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase()
}

/// The state while a command waits for its reply.
pub fn after_command(state: ServerState, line: &str) -> ServerState {
    match verb_of(line).as_str() {
        "AUTH" => ServerState::Authenticating,
        _ => state,
    }
}

/// The state after the reply to a command line; the greeting answers an empty one.
pub fn after_reply(state: ServerState, line: &str, code: u16) -> ServerState {
    let good = (200..400).contains(&code);
    match (verb_of(line).as_str(), code) {
        (_, 221 | 421) => ServerState::Closed,
        ("", 220) => ServerState::Greeted,
        ("STARTTLS", 220) => ServerState::TlsHandshake,
        ("HELO" | "EHLO", _) if good => ServerState::Ready,
        ("AUTH", 334) => ServerState::Authenticating,
        // A SASL exchange goes on in lines that are no commands.
        _ if state == ServerState::Authenticating && code != 334 => ServerState::Ready,
        ("MAIL", _) if good => ServerState::Mail,
        ("RCPT", _) if good => ServerState::Rcpt,
        (_, 354) => ServerState::Data,
        ("RSET", _) if good => ServerState::Ready,
        _ if state == ServerState::Data => ServerState::Ready,
        _ => state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_goes_through_its_states() {
        let dialogue = [
            ("", 220, ServerState::Greeted),
            ("EHLO a.example", 250, ServerState::Ready),
            ("MAIL FROM:<a@a.example>", 250, ServerState::Mail),
            ("RCPT TO:<x@b.example>", 550, ServerState::Mail),
            ("rcpt to:<b@b.example>", 250, ServerState::Rcpt),
            ("DATA", 354, ServerState::Data),
            ("DATA", 250, ServerState::Ready),
            ("QUIT", 221, ServerState::Closed),
        ];
        let mut state = ServerState::Connected;
        for (line, code, expected) in dialogue {
            state = after_reply(after_command(state, line), line, code);
            assert_eq!(state, expected, "{line} {code}");
        }
    }

    #[test]
    fn logging_in_ends_with_its_last_reply() {
        let state = after_command(ServerState::Ready, "AUTH PLAIN AGFsaWNlAHNlc2FtZQ==");
        assert_eq!(state, ServerState::Authenticating);
        assert_eq!(after_reply(state, "AUTH LOGIN", 334), ServerState::Authenticating);
        assert_eq!(after_reply(state, "AGFsaWNl", 235), ServerState::Ready);
    }
}
