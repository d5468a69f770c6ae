//! BDAT (RFC 3030).

use super::commands::error;
use super::restrictions::ErrorClass;
use super::session::Session;
use crate::host::Ctx;
use crate::mta::postfix::services::Services;
use crate::smtp::command::{Command, Word};
use crate::smtp::reply::Reply;
use crate::smtp::server::{Answer, Next};

/// How the chunks of a message stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Chunks {
    /// No chunk came yet.
    #[default]
    None,
    /// Some were taken: their octets, and those of the chunk under way.
    Taken {
        /// Octets of all chunks.
        total: u64,
        /// Octets of the last one.
        last: u64,
    },
    /// One was refused: the others up to the last one are skipped.
    Refused,
}

impl Session {
    /// Begins to take a chunk, or to skip it.
    pub(super) fn bdat(
        &mut self,
        command: &Command,
        words: &[Word<'_>],
        services: &mut Services,
        ctx: &mut Ctx<'_>,
    ) -> Answer {
        if self.discards("CHUNKING") {
            self.errors_seen.push(ErrorClass::Protocol);
            return Answer { next: Next::Close, ..error(521, "5.5.1 Error: command not implemented") };
        }
        let size = words.get(1).and_then(|word| word.text.parse::<u64>().ok());
        let last = words.get(2).map(|word| word.text.eq_ignore_ascii_case("LAST"));
        let (Some(size), true) = (size, last != Some(false) && words.len() <= 3) else {
            let (from, line) = (&self.peer.namaddr, command.text());
            let id = self.queue_id.as_deref().unwrap_or("NOQUEUE");
            let text = format!("{id}: malformed BDAT command syntax from {from}: {line:.100}");
            services.log.warn(ctx, &self.conf.tag, format_args!("{text}"));
            return Answer { next: Next::Close, ..error(521, "5.5.4 Syntax: BDAT count [LAST]") };
        };
        let last = last.is_some();
        if let Some(refusal) = self.refuse_chunk(size, last, services, ctx) {
            self.chunks = if last { Chunks::None } else { Chunks::Refused };
            self.after_chunk = Some(refusal);
            return Answer { reply: None, error: false, next: Next::Discard { size } };
        }
        let total = size + self.chunk_octets();
        self.chunks = Chunks::Taken { total, last: size };
        let limit = self.conf.message_size_limit;
        Answer { reply: None, error: false, next: Next::Chunk { size, last, limit } }
    }

    fn refuse_chunk(&mut self, size: u64, last: bool, services: &mut Services, ctx: &mut Ctx<'_>) -> Option<Answer> {
        let id = self.queue_id.clone();
        let id = id.as_deref().unwrap_or("NOQUEUE");
        if self.chunks == Chunks::Refused {
            return Some(error(551, format!("5.0.0 Discarded {size} bytes after earlier error")));
        }
        if size == 0 && !last {
            let from = &self.peer.namaddr;
            services.log.warn(ctx, &self.conf.tag, format_args!("{id}: null BDAT request from {from}"));
            return Some(error(551, "5.7.1 Null BDAT request"));
        }
        match &self.transaction {
            None => {
                self.errors_seen.push(ErrorClass::Protocol);
                return Some(error(503, "5.5.1 Error: need RCPT command"));
            }
            Some(transaction) if transaction.recipients.is_empty() => {
                return Some(error(554, "5.5.1 Error: no valid recipients"));
            }
            Some(_) => {}
        }
        let limit = self.conf.message_size_limit;
        if limit > 0 && size > limit.saturating_sub(self.chunk_octets()) {
            let from = &self.peer.namaddr;
            let text = format!("{id}: BDAT request from {from} exceeds message size limit");
            services.log.warn(ctx, &self.conf.tag, format_args!("{text}"));
            if let Some(id) = self.queue_id.clone() {
                self.abandon(bytes::Bytes::new(), id, services, ctx);
            }
            let stale = self.transaction.take().map_or(0, |transaction| transaction.recipients.len() as u64);
            self.stale_recipients += stale;
            return Some(error(552, "5.3.4 Chunk exceeds message size limit"));
        }
        None
    }

    /// Octets of all chunks so far.
    pub(super) fn chunk_octets(&self) -> u64 {
        match self.chunks {
            Chunks::Taken { total, .. } => total,
            Chunks::None | Chunks::Refused => 0,
        }
    }

    /// A chunk that was not the last one, or that was skipped, is complete.
    pub(super) fn chunk_done(&mut self) -> Answer {
        if let Some(answer) = self.after_chunk.take() {
            return answer;
        }
        let octets = match self.chunks {
            Chunks::Taken { last, .. } => last,
            Chunks::None | Chunks::Refused => 0,
        };
        Answer::ok(Reply::new(250, format!("2.0.0 Ok: {octets} bytes")))
    }
}
