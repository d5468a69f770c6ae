//! Real resolvers ask the world's name servers: hickory-server has the sockets, the simulated
//! server has the answers. Each question is a datagram or a connection inside the world, seen in
//! its trace; nothing is ever forwarded to a real server.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Header, HeaderCounts, Message, MessageType, Metadata, ResponseCode};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::driver::{Command, Handle, ToSocket};
use super::plan::Place;
use crate::session::CloseHow;
use crate::sim::outside::{OutsideId, Outward};

/// How long a simulated server may take (its host may be off, or its answer lost).
const PATIENCE: Duration = Duration::from_secs(4);
/// Questions of one socket that wait for their answers.
const MAX_WAITING: usize = 4096;

type Waiting = Arc<Mutex<Pending>>;

#[derive(Debug, Default)]
struct Pending {
    next: u16,
    answers: BTreeMap<u16, oneshot::Sender<Bytes>>,
}

/// Answers the questions of one real socket.
pub struct Handler {
    driver: Handle,
    place: Place,
    conn: OutsideId,
    ids: Arc<AtomicU64>,
    waiting: Waiting,
}

impl Handler {
    /// Begins to ask as the place's client. Must be called within a tokio runtime.
    pub fn new(driver: Handle, place: Place, ids: Arc<AtomicU64>) -> Handler {
        let conn = ids.fetch_add(1, Ordering::Relaxed);
        let (answers, mut inbox) = unbounded_channel();
        driver.send(Command::Ask { conn, from: place.from.clone(), answers });
        let waiting = Waiting::default();
        let found = waiting.clone();
        tokio::spawn(async move {
            while let Some(message) = inbox.recv().await {
                let ToSocket::World(Outward::Datagram { bytes, .. }) = message else { continue };
                let Some(id) = bytes.get(..2).map(|id| u16::from_be_bytes([id[0], id[1]])) else { continue };
                let asker = found.lock().unwrap_or_else(PoisonError::into_inner).answers.remove(&id);
                if let Some(asker) = asker {
                    let _ = asker.send(bytes);
                }
            }
        });
        Handler { driver, place, conn, ids, waiting }
    }

    /// Asks by datagram. The number of the message is ours inside the world: several real clients
    /// may use the same.
    async fn by_datagram(&self, question: &[u8]) -> Option<Bytes> {
        let (sender, answer) = oneshot::channel();
        let id = {
            let mut pending = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if pending.answers.len() >= MAX_WAITING {
                return None;
            }
            while pending.answers.contains_key(&pending.next) {
                pending.next = pending.next.wrapping_add(1);
            }
            let id = pending.next;
            pending.next = pending.next.wrapping_add(1);
            pending.answers.insert(id, sender);
            id
        };
        let mut octets = question.to_vec();
        octets.get_mut(..2)?.copy_from_slice(&id.to_be_bytes());
        self.driver.send(Command::Datagram(self.conn, self.place.inside, Bytes::from(octets)));
        let found = timeout(PATIENCE, answer).await;
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).answers.remove(&id);
        found.ok()?.ok()
    }

    /// Asks by a connection (RFC 7766).
    async fn by_connection(&self, question: &[u8]) -> Option<Bytes> {
        let conn = self.ids.fetch_add(1, Ordering::Relaxed);
        let (answers, mut inbox) = unbounded_channel();
        let (from, to) = (self.place.from.clone(), self.place.inside);
        self.driver.send(Command::Open { conn, from, to, answers });
        let length = u16::try_from(question.len()).ok()?.to_be_bytes();
        self.driver.send(Command::Bytes(conn, Bytes::from([length.as_slice(), question].concat())));
        let read = async {
            let mut found = Vec::new();
            loop {
                match inbox.recv().await? {
                    ToSocket::World(Outward::Bytes(bytes)) => found.extend_from_slice(&bytes),
                    ToSocket::World(Outward::Open) | ToSocket::Ready => continue,
                    ToSocket::World(_) => return None,
                }
                if let Some(length) = found.get(..2).map(|length| u16::from_be_bytes([length[0], length[1]]))
                    && let Some(message) = found.get(2..2 + usize::from(length))
                {
                    return Some(Bytes::copy_from_slice(message));
                }
            }
        };
        let answer = timeout(PATIENCE, read).await.ok().flatten();
        self.driver.send(Command::Close(conn, CloseHow::Reset));
        answer
    }
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut response: R) -> ResponseInfo {
        let answer = match request.protocol() {
            Protocol::Udp => self.by_datagram(request.as_slice()).await,
            _ => self.by_connection(request.as_slice()).await,
        };
        let answer = answer.and_then(|octets| Message::from_vec(&octets).ok());
        let mut builder = MessageResponseBuilder::from_message_request(request);
        let sent = match &answer {
            Some(answer) => {
                let mut metadata = answer.metadata;
                metadata.id = request.metadata.id;
                if let Some(edns) = &answer.edns {
                    builder.edns(edns);
                }
                let none = std::iter::empty();
                let (answers, authorities) = (answer.answers.iter(), answer.authorities.iter());
                response
                    .send_response(builder.build(metadata, answers, authorities, none, answer.additionals.iter()))
                    .await
            }
            None => response.send_response(builder.error_msg(&request.metadata, ResponseCode::ServFail)).await,
        };
        sent.unwrap_or_else(|_| {
            let mut metadata = Metadata::new(request.metadata.id, MessageType::Response, request.metadata.op_code);
            metadata.response_code = ResponseCode::ServFail;
            ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
        })
    }
}
