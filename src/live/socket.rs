//! One real connection: its octets go to the driver, what the world answers goes back.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::ready;
use std::time::Duration;

use bytes::Bytes;
use rustls::CipherSuite;
use rustls::server::Acceptor;
use smol_str::SmolStr;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::command::{Command, Handle, Intake, ToSocket, outlet};
use super::plan::{Place, Protocol};
use super::sniff::Sniffer;
use super::telnet::Filter;
use super::tls::Authority;
use crate::session::{CloseHow, TlsStep};
use crate::sim::outside::{OutsideId, Outward};
use crate::sim::{Time, TlsMessage};

/// Octets that are read at once from a client whose server keeps up with it.
const CHUNK: usize = 64 * 1024;
/// The same in the beginning.
const FIRST_CHUNK: usize = 2 * 1024;
/// How long a connection that does not open keeps others from opening.
const LONGEST_OPENING: Duration = Duration::from_secs(1);
/// How long a client may take to read an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(300);
/// How long a TLS handshake may take (`smtpd_starttls_timeout`).
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(300);

/// How long a DNS client may keep a connection open without a question (RFC 7766 section 6.2.3).
const DNS_IDLE: Duration = Duration::from_secs(10);

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
    protocol: Protocol,
    answers: Intake,
    sniffer: Sniffer,
    filter: Filter,
    /// Whether the driver takes more.
    ready: bool,
    /// Octets that are read at once.
    chunk: usize,
    /// The client has sent its last.
    half_closed: bool,
}

/// Serves a connection to its end. `turn` is what it holds until it is open.
pub async fn serve(mut stream: TcpStream, place: &Place, id: OutsideId, shared: Shared, turn: OwnedSemaphorePermit) {
    let _ = stream.set_nodelay(true);
    let (outlet, answers) = outlet();
    let open = Command::Open { conn: id, from: place.from.clone(), to: place.inside, answers: outlet };
    shared.driver.send(open);
    let mut conn = Conn {
        id,
        shared,
        protocol: place.service.protocol(),
        answers,
        sniffer: Sniffer::new(place.service.protocol()),
        filter: Filter::default(),
        ready: true,
        chunk: FIRST_CHUNK,
        half_closed: false,
    };
    let answer = timeout(LONGEST_OPENING, conn.answers.next()).await;
    drop(turn);
    let answer = match answer {
        Ok(answer) => answer,
        // A host that says nothing keeps only its own visitors waiting.
        Err(_) => conn.answers.next().await,
    };
    match answer {
        Some(ToSocket::World(Outward::Open)) => {}
        Some(ToSocket::Full) => return turn_away(stream, place).await,
        // As from a kernel on which nobody listens.
        _ => {
            let _ = stream.set_zero_linger();
            return;
        }
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

/// Tells a client that nobody is let in any more, in the words of a Postfix that stops.
async fn turn_away(mut stream: TcpStream, place: &Place) {
    if place.service.protocol() == Protocol::Smtp && !place.service.is_implicit_tls() {
        let text = format!("421 4.3.2 {} Service not available, closing transmission channel\r\n", place.fqdn);
        // Who does not listen need not know.
        let _ = stream.write_all(text.as_bytes()).await;
    }
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
        let is_dns = self.protocol == Protocol::Dns;
        let mut idle = pin!(sleep(DNS_IDLE));
        loop {
            tokio::select! {
                biased;
                answer = self.answers.next() => match answer {
                    Some(ToSocket::Ready) => self.ready = true,
                    Some(ToSocket::World(Outward::Bytes(bytes))) => {
                        write(stream, &bytes).await?;
                        self.answers.taken(bytes.len());
                        if self.sniffer.server(&bytes) && is_plain {
                            return Ok(End::StartTls);
                        }
                    }
                    // The end of the driver is the end of all connections.
                    Some(ToSocket::World(Outward::Eof)) | None => {
                        let _ = stream.shutdown().await;
                        return Ok(End::Over);
                    }
                    Some(ToSocket::World(Outward::Reset | Outward::Refused(_))) => return Err(Lost),
                    Some(_) => {}
                },
                read = read(stream, self.chunk), if self.ready && !self.half_closed => match read {
                    Ok(chunk) if chunk.is_empty() => self.end_of_input(),
                    // A TLS client that leaves without a farewell.
                    Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => self.end_of_input(),
                    Err(_) => return Err(Lost),
                    Ok(chunk) => {
                        if is_dns {
                            idle.as_mut().reset(Instant::now() + DNS_IDLE);
                        }
                        // A few octets of POP3 or IMAP can ask for many: those come in small pieces.
                        if chunk.len() == self.chunk && self.protocol == Protocol::Smtp {
                            self.chunk = (self.chunk * 2).min(CHUNK);
                        }
                        let answer = self.received(chunk, is_plain);
                        if !answer.is_empty() {
                            write(stream, &answer).await?;
                        }
                    }
                },
                () = &mut idle, if is_dns => return Err(Lost),
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
            match self.answers.next().await {
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

/// Reads what is there, at most so many octets; none at the end. What comes takes no more memory
/// than its length, and who says nothing none at all.
async fn read<S: AsyncRead + Unpin>(stream: &mut S, limit: usize) -> std::io::Result<Bytes> {
    thread_local!(static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]));
    poll_fn(|cx| {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(&mut scratch[..limit]);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
            Ok(Bytes::copy_from_slice(buffer.filled())).into()
        })
    })
    .await
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> Result<(), Lost> {
    let written = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    timeout(WRITE_TIMEOUT, written).await.map_err(|_| Lost)?.map_err(Lost::from)
}
