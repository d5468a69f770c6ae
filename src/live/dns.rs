//! Real resolvers ask the world's name servers by datagrams: hickory-server has the socket, the
//! simulated server has the answers. Each question is a datagram inside the world, seen in its
//! trace; nothing is ever forwarded to a real server. Connections pass octets like all others.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Header, HeaderCounts, Message, MessageType, Metadata, ResponseCode};
use hickory_server::proto::rr::RecordType;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::command::{Command, Handle, ToSocket, outlet};
use super::plan::Place;
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
    waiting: Waiting,
}

impl Handler {
    /// Begins to ask as the place's client. Must be called within a tokio runtime.
    pub fn new(driver: Handle, place: Place, ids: &AtomicU64) -> Handler {
        let conn = ids.fetch_add(1, Ordering::Relaxed);
        let (answers, mut inbox) = outlet();
        driver.send(Command::Ask { conn, from: place.from.clone(), answers });
        let waiting = Waiting::default();
        let found = waiting.clone();
        tokio::spawn(async move {
            while let Some(message) = inbox.next().await {
                let ToSocket::World(Outward::Datagram { bytes, .. }) = message else { continue };
                let Some(id) = bytes.get(..2).map(|id| u16::from_be_bytes([id[0], id[1]])) else { continue };
                let asker = found.lock().unwrap_or_else(PoisonError::into_inner).answers.remove(&id);
                if let Some(asker) = asker {
                    let _ = asker.send(bytes);
                }
            }
        });
        Handler { driver, place, conn, waiting }
    }

    /// Asks. The number of the message is ours inside the world: several real clients may use the
    /// same.
    async fn ask(&self, question: &[u8], from: SocketAddr) -> Option<Bytes> {
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
        let (conn, to, data) = (self.conn, self.place.inside, Bytes::from(octets));
        self.driver.send(Command::Datagram { conn, sender: number(from), to, data });
        let found = timeout(PATIENCE, answer).await;
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).answers.remove(&id);
        found.ok()?.ok()
    }
}

/// A number for a sender that no connection has.
fn number(from: SocketAddr) -> u64 {
    let mut hasher = DefaultHasher::new();
    from.hash(&mut hasher);
    hasher.finish() | 1 << 63
}

#[async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut response: R) -> ResponseInfo {
        let mut builder = MessageResponseBuilder::from_message_request(request);
        // A datagram's sender may be forged: who wants all records has to ask by a connection, so that nobody
        // is sent more than somebody spent (as with `refuse-any` of NSD).
        let wants_all = request.request_info().is_ok_and(|info| info.query.query_type() == RecordType::ANY);
        let answer = match wants_all {
            true => None,
            false => {
                self.ask(request.as_slice(), request.src()).await.and_then(|octets| Message::from_vec(&octets).ok())
            }
        };
        let sent = match &answer {
            None if wants_all => {
                let mut metadata = Metadata::response_from_request(&request.metadata);
                metadata.truncation = true;
                response.send_response(builder.build_no_records(metadata)).await
            }
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
