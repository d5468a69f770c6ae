//! What the POP3 and IMAP machines want done.

/// What a machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send these octets.
    Send(Vec<u8>),
    /// Begin the TLS handshake, then tell the machine that it is secured.
    StartTls,
    /// A command and its reply, for the trace: user, line (passwords hidden), reply.
    Command(String, String, String),
    /// Close the connection.
    Close,
}
