//! What the client is told, and what it tells.

use bytes::Bytes;
use smol_str::SmolStr;

use super::Stage;
use crate::sim::Time;
use crate::smtp::auth::{ClientExchange, ClientProblem};
use crate::smtp::reply::Reply;

/// One message to hand over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// What follows `MAIL FROM:`: `<a@b> SIZE=99 BODY=8BITMIME`.
    pub mail: SmolStr,
    /// What follows each `RCPT TO:`: `<c@d> NOTIFY=SUCCESS`.
    pub recipients: Vec<SmolStr>,
    /// The content, lines ending with LF.
    pub content: Bytes,
}

/// How to introduce oneself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hello {
    /// EHLO, and HELO if that is refused.
    EhloOrHelo,
    /// EHLO only.
    Ehlo,
    /// HELO only.
    Helo,
    /// LHLO: the server answers the content once per recipient (RFC 2033).
    Lhlo,
}

/// What the machine is told to do. It must be idle, except for `Quit`.
#[derive(Clone, Debug)]
pub enum Order {
    /// Introduce oneself with this name.
    Hello {
        /// How.
        how: Hello,
        /// The name.
        name: SmolStr,
    },
    /// Ask for TLS. When the server agrees, [`Output::StartTls`] follows.
    StartTls,
    /// Log in.
    Auth(ClientExchange),
    /// Hand over a message.
    Send(Transaction),
    /// Ask about sender and recipients only: no DATA follows.
    Probe(Transaction),
    /// Forget a transaction, or see whether a connection that was kept still lives.
    Reset,
    /// Say goodbye.
    Quit,
}

/// What the machine is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// Octets of the server.
    Bytes(Bytes),
    /// The server closed, or the connection broke.
    Lost,
    /// The time asked for has come.
    Wake,
    /// What to do next.
    Order(Order),
    /// The TLS handshake has ended well. Say hello again.
    TlsEstablished,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The server's greeting.
    Greeting(Reply),
    /// The introduction was answered; what the server offers is in [`Client::extensions`](super::Client::extensions).
    Hello {
        /// To EHLO, HELO or LHLO.
        stage: Stage,
        /// The reply; if it is negative the server does not talk with us.
        reply: Reply,
    },
    /// STARTTLS was answered.
    StartTls(Reply),
    /// The SASL exchange has ended with this reply.
    Auth(Reply),
    /// The server's challenge makes no sense; the exchange is not carried on.
    AuthMalformed {
        /// The challenge.
        reply: Reply,
        /// What is wrong with it.
        problem: ClientProblem,
    },
    /// MAIL was answered.
    Mail(Reply),
    /// RCPT was answered.
    Rcpt {
        /// Which recipient of the transaction.
        index: usize,
        /// The reply.
        reply: Reply,
    },
    /// DATA was answered.
    Data(Reply),
    /// The content was answered: once, or with LMTP once per accepted recipient.
    EndOfData {
        /// Which recipient, with LMTP.
        index: Option<usize>,
        /// The reply.
        reply: Reply,
    },
    /// RSET was answered.
    Reset(Reply),
    /// QUIT was answered.
    Quit(Reply),
    /// The order is carried out; the machine is idle. If [`Client::in_transaction`](super::Client::in_transaction), the server
    /// still waits within one and needs a reset or a goodbye.
    Idle,
    /// The connection was lost while this was awaited.
    Lost(Stage),
    /// No reply came in time.
    TimedOut(Stage),
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send these octets.
    Send(Bytes),
    /// Begin a TLS handshake.
    StartTls,
    /// Close the connection.
    Close,
    /// Call with [`Input::Wake`] at this time.
    WakeAt(Time),
    /// Something became known.
    Fact(Fact),
}
