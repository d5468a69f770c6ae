//! One real connection: its octets go to the driver, what the world answers goes back.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustls::CipherSuite;
use rustls::server::Acceptor;
use smol_str::SmolStr;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::driver::{Command, Handle, ToSocket};
use super::plan::Place;
use super::sniff::Sniffer;
use super::telnet::Filter;
use super::tls::Authority;
use crate::session::{CloseHow, TlsStep};
use crate::sim::outside::{OutsideId, Outward};
use crate::sim::{Time, TlsMessage};

/// Octets read at once.
const CHUNK: usize = 16 * 1024;
/// How long a client may take to read an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(300);
/// How long a TLS handshake may take (`smtpd_starttls_timeout`).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(300);

/// What every connection needs.
#[derive(Clone)]
pub struct Shared {
    /// Talks to the driver.
    pub driver: Handle,
    /// Makes certificates.
    pub authority: Arc<Authority>,
    /// The virtual moment that certificates' validity is counted from.
    pub start: Time,
}

/// How a dialogue in one layer ended.
enum End {
    /// The connection is over.
    Over,
    /// TLS begins.
    StartTls,
}

/// A connection with its way to the driver.
struct Conn {
    id: OutsideId,
    shared: Shared,
    answers: UnboundedReceiver<ToSocket>,
    sniffer: Sniffer,
    filter: Filter,
    /// Whether the driver takes more.
    ready: bool,
    /// The client has sent its last.
    half_closed: bool,
}

/// Serves a connection to its end.
pub async fn serve(mut stream: TcpStream, place: &Place, id: OutsideId, shared: Shared) {
    let _ = stream.set_nodelay(true);
    let (sender, answers) = unbounded_channel();
    let open = Command::Open { conn: id, from: place.from.clone(), to: place.inside, answers: sender };
    shared.driver.send(open);
    let mut conn = Conn {
        id,
        shared,
        answers,
        sniffer: Sniffer::new(place.service.protocol()),
        filter: Filter::default(),
        ready: true,
        half_closed: false,
    };
    match conn.answers.recv().await {
        Some(ToSocket::World(Outward::Open)) => {}
        // As from a kernel on which nobody listens.
        _ => return reset(&stream),
    }
    let outcome = if place.service.is_implicit_tls() {
        conn.secure(stream).await
    } else {
        match conn.talk(&mut stream, true).await {
            Ok(End::StartTls) => conn.secure(stream).await,
            other => other.map(|_| ()),
        }
    };
    if outcome.is_err() {
        conn.command(Command::Close(id, CloseHow::Reset));
    }
}

fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

/// The client is gone, or does not do what it should.
struct Lost;

impl From<std::io::Error> for Lost {
    fn from(_: std::io::Error) -> Lost {
        Lost
    }
}

impl Conn {
    fn command(&self, command: Command) {
        self.shared.driver.send(command);
    }

    /// Passes octets both ways until one side ends, or TLS begins. `is_plain` is false within TLS.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: &mut S, is_plain: bool) -> Result<End, Lost> {
        let mut buffer = BytesMut::with_capacity(CHUNK);
        loop {
            buffer.reserve(CHUNK);
            tokio::select! {
                biased;
                answer = self.answers.recv() => match answer {
                    Some(ToSocket::Ready) => self.ready = true,
                    Some(ToSocket::World(Outward::Bytes(bytes))) => {
                        write(stream, &bytes).await?;
                        if self.sniffer.server(&bytes) && is_plain {
                            return Ok(End::StartTls);
                        }
                    }
                    Some(ToSocket::World(Outward::Eof)) => {
                        let _ = stream.shutdown().await;
                        return Ok(End::Over);
                    }
                    Some(ToSocket::World(Outward::Reset | Outward::Refused(_))) | None => return Err(Lost),
                    Some(ToSocket::World(_)) => {}
                },
                read = stream.read_buf(&mut buffer), if self.ready && !self.half_closed => match read {
                    Ok(0) => self.end_of_input(),
                    // A TLS client that leaves without a farewell.
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => self.end_of_input(),
                    Err(_) => return Err(Lost),
                    Ok(_) => {
                        let answer = self.received(buffer.split().freeze(), is_plain);
                        if !answer.is_empty() {
                            write(stream, &answer).await?;
                        }
                    }
                },
            }
        }
    }

    /// Gives what the client sent to the driver; what is to be answered at once comes back.
    fn received(&mut self, chunk: Bytes, is_plain: bool) -> Bytes {
        let (text, answer) = if is_plain && self.sniffer.in_commands() {
            let filtered = self.filter.receive(chunk);
            (filtered.text, filtered.answer)
        } else {
            (chunk, Bytes::new())
        };
        self.pass(text);
        answer
    }

    fn pass(&mut self, text: Bytes) {
        if !text.is_empty() {
            self.sniffer.client(&text);
            self.ready = false;
            self.command(Command::Bytes(self.id, text));
        }
    }

    fn end_of_input(&mut self) {
        let rest = self.filter.rest();
        self.pass(rest);
        self.half_closed = true;
        self.command(Command::Close(self.id, CloseHow::Eof));
    }

    /// Lets TLS begin and goes on within it.
    async fn secure(&mut self, stream: TcpStream) -> Result<(), Lost> {
        let mut first = [0];
        if timeout(HANDSHAKE_TIMEOUT, stream.peek(&mut first)).await.map_err(|_| Lost)?? == 1 && first[0] != 22 {
            // No handshake record: the simulated server shall say what it makes of it.
            let mut stream = stream;
            return self.talk(&mut stream, false).await.map(|_| ());
        }
        let mut tls = timeout(HANDSHAKE_TIMEOUT, self.handshake(stream)).await.map_err(|_| Lost)??;
        self.talk(&mut tls, false).await.map(|_| ())
    }

    async fn handshake(&mut self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Lost> {
        let start = match LazyConfigAcceptor::new(Acceptor::default(), stream).await {
            Ok(start) => start,
            Err(error) => return self.failed(&error.to_string()),
        };
        let hello = start.client_hello();
        let has_13 = hello.cipher_suites().iter().any(|suite| {
            matches!(
                suite,
                CipherSuite::TLS13_AES_128_GCM_SHA256
                    | CipherSuite::TLS13_AES_256_GCM_SHA384
                    | CipherSuite::TLS13_CHACHA20_POLY1305_SHA256
            )
        });
        let versions: &[&'static str] = if has_13 { &["TLSv1.3", "TLSv1.2"] } else { &["TLSv1.2"] };
        let step = TlsStep::Hello {
            server_name: hello.server_name().map(SmolStr::new),
            versions: versions.iter().copied().map(SmolStr::new_static).collect(),
        };
        self.command(Command::Tls(self.id, step));
        let (version, chain) = loop {
            match self.answers.recv().await {
                Some(ToSocket::World(Outward::Tls(message))) => match &*message {
                    TlsMessage::ServerHello { version, chain, .. } => break (version.clone(), chain.clone()),
                    _ => return Err(Lost),
                },
                Some(ToSocket::Ready) => self.ready = true,
                _ => return Err(Lost),
            }
        };
        let config = match self.shared.authority.server_config(&chain, &version, self.shared.start) {
            Ok(config) => config,
            Err(error) => return self.failed(&error.to_string()),
        };
        match start.into_stream(config).await {
            Ok(tls) => {
                self.command(Command::Tls(self.id, TlsStep::Finished));
                self.ready = true;
                Ok(tls)
            }
            Err(error) => self.failed(&error.to_string()),
        }
    }

    fn failed<T>(&self, why: &str) -> Result<T, Lost> {
        self.command(Command::Tls(self.id, TlsStep::Alert(SmolStr::new(why))));
        Err(Lost)
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> Result<(), Lost> {
    let written = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    timeout(WRITE_TIMEOUT, written).await.map_err(|_| Lost)?.map_err(Lost::from)
}
