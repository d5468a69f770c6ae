//! Where a session is in the server's state diagram, as far as its dialogue tells.

use crate::smtp::diagram::{ClientState, ServerState};
use crate::trace::{EventId, Kind, Trace};

/// The verb of a command line, in capitals.
pub fn verb_of(line: &str) -> String {
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

/// The client's state once it has sent a command line.
pub fn client_after_command(state: ClientState, line: &str) -> ClientState {
    match verb_of(line).as_str() {
        "HELO" | "EHLO" => ClientState::Hello,
        "STARTTLS" => ClientState::StartTls,
        "AUTH" => ClientState::Authenticating,
        "MAIL" => ClientState::Mail,
        "RCPT" => ClientState::Rcpt,
        "DATA" => ClientState::Data,
        "QUIT" => ClientState::Quit,
        _ => state,
    }
}

/// The client's state once it has read the reply to a command line.
pub fn client_after_reply(state: ClientState, line: &str, code: u16) -> ClientState {
    let good = (200..400).contains(&code);
    match (verb_of(line).as_str(), code) {
        (_, 221 | 421) => ClientState::Closed,
        ("HELO" | "EHLO" | "RSET", _) if good => ClientState::Ready,
        (_, 354) => ClientState::Content,
        _ if state == ClientState::Content => ClientState::Ready,
        _ if state == ClientState::Authenticating && code != 334 => ClientState::Ready,
        _ => state,
    }
}

/// The states that both sides of a connection have been in up to an event, the present ones last.
pub fn both(trace: &Trace, events: &[EventId], upto: EventId) -> (Vec<ServerState>, Vec<ClientState>) {
    let (mut server, mut client) = (ServerState::Connected, ClientState::Connected);
    let mut passed = (vec![server], vec![client]);
    let mut line = "";
    for event in events.iter().take_while(|id| **id <= upto).filter_map(|id| trace.get(*id)) {
        match &event.kind {
            Kind::SmtpCmd { line: said, .. } => {
                line = said;
                (server, client) = (after_command(server, line), client_after_command(client, line));
            }
            Kind::SmtpReply { code, .. } => {
                (server, client) = (after_reply(server, line, *code), client_after_reply(client, line, *code));
            }
            Kind::SmtpTls { .. } => (server, client) = (ServerState::Greeted, ClientState::Connected),
            _ => {}
        }
        if passed.0.last() != Some(&server) {
            passed.0.push(server);
        }
        if passed.1.last() != Some(&client) {
            passed.1.push(client);
        }
    }
    passed
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
