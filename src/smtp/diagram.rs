//! The state diagrams of both machines as data: what a view draws, and what the machines use to
//! say where they are.

use serde::Serialize;

use super::command::Verb;

/// A state of a session as the server sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    /// Connected, no greeting sent yet.
    #[default]
    Connected,
    /// The greeting is sent, HELO or EHLO is awaited.
    Greeted,
    /// The client has introduced itself; no transaction.
    Ready,
    /// In a TLS handshake.
    TlsHandshake,
    /// In a SASL exchange.
    Authenticating,
    /// MAIL was accepted.
    Mail,
    /// At least one RCPT was accepted.
    Rcpt,
    /// Content is being received.
    Data,
    /// QUIT was answered, or the connection is gone.
    Closed,
}

/// A state of a session as the client sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientState {
    /// The greeting is awaited.
    #[default]
    Connected,
    /// EHLO or HELO was sent.
    Hello,
    /// Between commands; no transaction.
    Ready,
    /// STARTTLS was sent, or the handshake is running.
    StartTls,
    /// AUTH was sent.
    Authenticating,
    /// MAIL was sent.
    Mail,
    /// RCPT was sent.
    Rcpt,
    /// DATA was sent.
    Data,
    /// The content was sent.
    Content,
    /// QUIT was sent.
    Quit,
    /// The connection is gone.
    Closed,
}

/// What moves a session from one state to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The server's greeting.
    Greeting,
    /// A command, answered positively (2xx or 3xx).
    Command(#[serde(serialize_with = "verb_name")] Verb),
    /// The end of the content, accepted or refused.
    EndOfData,
    /// The handshake has ended well.
    TlsEstablished,
    /// The SASL exchange has ended, well or not.
    AuthDone,
    /// The connection is gone: closed, reset, timed out, a 421 reply.
    Lost,
}

fn verb_name<S: serde::Serializer>(verb: &Verb, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(verb.as_str())
}

/// An arrow of a diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Transition<S> {
    /// Where it begins.
    pub from: S,
    /// What it takes.
    pub on: Trigger,
    /// Where it leads.
    pub to: S,
}

const fn arrow<S: Copy>(from: S, on: Trigger, to: S) -> Transition<S> {
    Transition { from, on, to }
}

/// The server's states in the order in which a normal session sees them.
pub const SERVER_STATES: [ServerState; 9] = [
    ServerState::Connected,
    ServerState::Greeted,
    ServerState::Ready,
    ServerState::TlsHandshake,
    ServerState::Authenticating,
    ServerState::Mail,
    ServerState::Rcpt,
    ServerState::Data,
    ServerState::Closed,
];

/// The server's arrows. [`Trigger::Lost`] and QUIT lead to `Closed` from everywhere.
pub const SERVER_TRANSITIONS: [Transition<ServerState>; 25] = {
    use ServerState::{Authenticating, Connected, Data, Greeted, Mail, Rcpt, Ready, TlsHandshake};
    use Trigger::{AuthDone, Command, EndOfData, Greeting, TlsEstablished};
    [
        arrow(Connected, Greeting, Greeted),
        arrow(Greeted, Command(Verb::Helo), Ready),
        arrow(Greeted, Command(Verb::Ehlo), Ready),
        // A server may do without a greeting of the client.
        arrow(Greeted, Command(Verb::Mail), Mail),
        arrow(Greeted, Command(Verb::Auth), Authenticating),
        arrow(Greeted, Command(Verb::StartTls), TlsHandshake),
        arrow(Ready, Command(Verb::StartTls), TlsHandshake),
        arrow(TlsHandshake, TlsEstablished, Greeted),
        arrow(Ready, Command(Verb::Auth), Authenticating),
        arrow(Authenticating, AuthDone, Ready),
        arrow(Ready, Command(Verb::Mail), Mail),
        arrow(Mail, Command(Verb::Rcpt), Rcpt),
        arrow(Mail, Command(Verb::StartTls), TlsHandshake),
        arrow(Rcpt, Command(Verb::Data), Data),
        arrow(Rcpt, Command(Verb::Bdat), Data),
        arrow(Data, Command(Verb::Bdat), Data),
        arrow(Data, EndOfData, Ready),
        arrow(Mail, Command(Verb::Rset), Ready),
        arrow(Rcpt, Command(Verb::Rset), Ready),
        arrow(Data, Command(Verb::Rset), Ready),
        arrow(Mail, Command(Verb::Helo), Ready),
        arrow(Mail, Command(Verb::Ehlo), Ready),
        arrow(Rcpt, Command(Verb::Helo), Ready),
        arrow(Rcpt, Command(Verb::Ehlo), Ready),
        arrow(Rcpt, Command(Verb::StartTls), TlsHandshake),
    ]
};

/// The client's states in the order in which a normal session sees them.
pub const CLIENT_STATES: [ClientState; 11] = [
    ClientState::Connected,
    ClientState::Hello,
    ClientState::Ready,
    ClientState::StartTls,
    ClientState::Authenticating,
    ClientState::Mail,
    ClientState::Rcpt,
    ClientState::Data,
    ClientState::Content,
    ClientState::Quit,
    ClientState::Closed,
];

/// The client's arrows, labelled with what the client sends or, after `Content`, is told.
pub const CLIENT_TRANSITIONS: [Transition<ClientState>; 15] = {
    use ClientState::{Authenticating, Closed, Connected, Content, Data, Hello, Mail, Quit, Rcpt, Ready, StartTls};
    use Trigger::{AuthDone, Command, EndOfData, Greeting, Lost, TlsEstablished};
    [
        arrow(Connected, Greeting, Hello),
        arrow(Hello, Command(Verb::Helo), Hello),
        arrow(Hello, Command(Verb::Ehlo), Ready),
        arrow(Ready, Command(Verb::StartTls), StartTls),
        arrow(StartTls, TlsEstablished, Hello),
        arrow(Ready, Command(Verb::Auth), Authenticating),
        arrow(Authenticating, AuthDone, Ready),
        arrow(Ready, Command(Verb::Mail), Mail),
        arrow(Mail, Command(Verb::Rcpt), Rcpt),
        arrow(Rcpt, Command(Verb::Data), Data),
        arrow(Data, Command(Verb::Data), Content),
        arrow(Content, EndOfData, Ready),
        arrow(Rcpt, Command(Verb::Rset), Ready),
        arrow(Ready, Command(Verb::Quit), Quit),
        arrow(Quit, Lost, Closed),
    ]
};

impl ServerState {
    /// Where a trigger leads; the same state if there is no arrow for it.
    #[must_use]
    pub fn after(self, trigger: Trigger) -> ServerState {
        if matches!(trigger, Trigger::Lost | Trigger::Command(Verb::Quit)) {
            return ServerState::Closed;
        }
        SERVER_TRANSITIONS.iter().find(|arrow| arrow.from == self && arrow.on == trigger).map_or(self, |arrow| arrow.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normal_session_walks_through_the_server_diagram() {
        let mut state = ServerState::default();
        let mut seen = vec![state];
        for trigger in [
            Trigger::Greeting,
            Trigger::Command(Verb::Ehlo),
            Trigger::Command(Verb::Mail),
            Trigger::Command(Verb::Rcpt),
            Trigger::Command(Verb::Data),
            Trigger::EndOfData,
            Trigger::Command(Verb::Quit),
        ] {
            state = state.after(trigger);
            seen.push(state);
        }
        use ServerState::{Closed, Connected, Data, Greeted, Mail, Rcpt, Ready};
        assert_eq!(seen, [Connected, Greeted, Ready, Mail, Rcpt, Data, Ready, Closed]);
    }

    #[test]
    fn every_state_can_be_reached() {
        for state in
            SERVER_STATES.into_iter().filter(|state| !matches!(state, ServerState::Connected | ServerState::Closed))
        {
            assert!(SERVER_TRANSITIONS.iter().any(|arrow| arrow.to == state), "{state:?}");
        }
        for state in CLIENT_STATES.into_iter().skip(1) {
            assert!(CLIENT_TRANSITIONS.iter().any(|arrow| arrow.to == state), "{state:?}");
        }
    }
}
