//! The record format of queue files (`rec_type.h`), as `cat` and postcat(1) show it.
//!
//! A record is a type octet, its length in base 128 and its data. A file is envelope records,
//! `M`, the content line by line, `X`, what cleanup(8) extracted, `E`.

use std::borrow::Cow;

use crate::host::vfs::Object;
use crate::mta::postfix::queue_file::QueueFile;
use crate::sim::Time;

/// Types of records, with the letters that stand for them in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in rec_type(3)")]
pub enum RecordKind {
    Size,
    Time,
    Attribute,
    FullName,
    Sender,
    Verp,
    Original,
    OriginalRecipient,
    DsnEnvid,
    Recipient,
    Done,
    Message,
    Normal,
    Continued,
    Extracted,
    End,
}

impl RecordKind {
    /// The letter in the file.
    pub fn letter(self) -> u8 {
        match self {
            RecordKind::Size => b'C',
            RecordKind::Time => b'T',
            RecordKind::Attribute | RecordKind::DsnEnvid | RecordKind::OriginalRecipient => b'A',
            RecordKind::FullName => b'F',
            RecordKind::Sender => b'S',
            RecordKind::Verp => b'V',
            RecordKind::Original => b'O',
            RecordKind::Recipient => b'R',
            RecordKind::Done => b'D',
            RecordKind::Message => b'M',
            RecordKind::Normal => b'N',
            RecordKind::Continued => b'L',
            RecordKind::Extracted => b'X',
            RecordKind::End => b'E',
        }
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it is.
    pub kind: RecordKind,
    /// Its data.
    pub data: Cow<'a, [u8]>,
}

impl Record<'_> {
    /// Octets in the file.
    fn size(&self) -> u64 {
        let len = self.data.len() as u64;
        1 + u64::from(len.max(1).ilog2() / 7 + 1) + len
    }
}

/// A clock seldom shows less than six digits of microseconds; a virtual one may.
fn stamp_rounding(time: Time) -> u64 {
    6 - time.subsec_micros().to_string().len() as u64
}

/// Longest line kept in one record (`line_length_limit`); longer ones go on in the next.
const LINE_LENGTH_LIMIT: usize = 2048;

fn text(kind: RecordKind, data: &str) -> Record<'_> {
    Record { kind, data: Cow::Borrowed(data.as_bytes()) }
}

fn owned<'a>(kind: RecordKind, data: String) -> Record<'a> {
    Record { kind, data: Cow::Owned(data.into_bytes()) }
}

fn stamp<'a>(time: Time) -> Record<'a> {
    owned(RecordKind::Time, format!("{} {}", time.secs(), time.subsec_micros()))
}

/// The records of a queue file, in the file's order.
pub fn records(file: &QueueFile) -> Vec<Record<'_>> {
    let mut all = Vec::with_capacity(32 + file.recipients.len() * 2);
    let recipients = file.recipients.len();
    // What postdrop(1) wrote has no size yet.
    if file.size > 0 {
        all.push(owned(
            RecordKind::Size,
            format!("{:15} {:15} {recipients:15} {:15} {:15} {:15}", file.size, 0, 0, file.size, 0),
        ));
    }
    all.push(stamp(file.arrival));
    envelope(file, &mut all);
    all.push(text(RecordKind::Message, ""));
    if file.size > 0 {
        let offset = all.iter().map(Record::size).sum::<u64>() + stamp_rounding(file.arrival);
        all[0] = owned(
            RecordKind::Size,
            format!("{:15} {offset:15} {recipients:15} {:15} {:15} {:15}", file.size, 0, file.size, 0),
        );
    }
    content(&file.message.header, &mut all);
    if file.message.separator {
        all.push(text(RecordKind::Normal, ""));
    }
    content(&file.message.body, &mut all);
    all.push(text(RecordKind::Extracted, ""));
    all.push(text(RecordKind::End, ""));
    all
}

fn envelope<'a>(file: &'a QueueFile, all: &mut Vec<Record<'a>>) {
    let attributes = &*file.attributes;
    if file.size > 0 {
        all.push(owned(RecordKind::Attribute, format!("create_time={}", file.arrival.secs())));
    }
    for (name, value) in [
        ("rewrite_context", &attributes.rewrite_context),
        ("dsn_envid", &attributes.dsn_envid),
        ("encoding", &attributes.encoding),
        ("content_filter", &attributes.filter),
        ("redirect_to", &attributes.redirect),
    ] {
        if !value.is_empty() {
            all.push(owned(RecordKind::Attribute, format!("{name}={value}")));
        }
    }
    if !attributes.full_name.is_empty() {
        all.push(text(RecordKind::FullName, &attributes.full_name));
    }
    all.push(text(RecordKind::Sender, &file.sender));
    if !attributes.verp.is_empty() {
        all.push(text(RecordKind::Verp, &attributes.verp));
    }
    let client = [
        ("log_client_name", &attributes.client_name),
        ("log_client_address", &attributes.client_address),
        ("log_client_port", &attributes.client_port),
        ("log_helo_name", &attributes.helo_name),
        ("log_protocol_name", &attributes.protocol_name),
        ("client_name", &attributes.client_name),
        ("client_address", &attributes.client_address),
        ("client_port", &attributes.client_port),
        ("helo_name", &attributes.helo_name),
        ("protocol_name", &attributes.protocol_name),
        ("sasl_method", &attributes.sasl_method),
        ("sasl_username", &attributes.sasl_username),
    ];
    for (name, value) in client {
        if !value.is_empty() {
            all.push(owned(RecordKind::Attribute, format!("{name}={value}")));
        }
    }
    for recipient in &file.recipients {
        if !recipient.orcpt.is_empty() {
            all.push(owned(RecordKind::OriginalRecipient, format!("dsn_orig_rcpt={}", recipient.orcpt)));
        }
        if file.size > 0 {
            all.push(text(RecordKind::Original, &recipient.original));
        }
        let kind = if recipient.done { RecordKind::Done } else { RecordKind::Recipient };
        all.push(text(kind, &recipient.address));
    }
}

fn content<'a>(octets: &'a [u8], all: &mut Vec<Record<'a>>) {
    let octets = octets.strip_suffix(b"\n").unwrap_or(octets);
    if octets.is_empty() {
        return;
    }
    for line in octets.split(|octet| *octet == b'\n') {
        let mut rest = line;
        while rest.len() > LINE_LENGTH_LIMIT {
            let (head, tail) = rest.split_at(LINE_LENGTH_LIMIT);
            all.push(Record { kind: RecordKind::Continued, data: Cow::Borrowed(head) });
            rest = tail;
        }
        all.push(Record { kind: RecordKind::Normal, data: Cow::Borrowed(rest) });
    }
}

/// Octets of the file that postdrop(1) makes of a message in the maildrop queue.
pub fn maildrop_size(file: &QueueFile) -> u64 {
    const REWRITE_CONTEXT: &str = "rewrite_context=local";
    let record = |data: &str| data.len() as u64 + 2;
    let optional = |data: &str| if data.is_empty() { 0 } else { record(data) };
    let orcpt = |orcpt: &str| if orcpt.is_empty() { 0 } else { record("dsn_orig_rcpt=") + orcpt.len() as u64 };
    let recipients: u64 =
        file.recipients.iter().map(|recipient| record(&recipient.original) + orcpt(&recipient.orcpt)).sum();
    let mut lines = Vec::new();
    let message = file.message.to_vec();
    content(&message, &mut lines);
    let content: u64 = lines.iter().map(|line| line.data.len() as u64 + 2).sum();
    let marks = 3 * record("");
    let stamp = format!("{} {:06}", file.arrival.secs(), file.arrival.subsec_micros());
    stamp.len() as u64
        + record("")
        + optional(&file.attributes.full_name)
        + record(&file.sender)
        + if file.attributes.rewrite_context.is_empty() { 0 } else { record(REWRITE_CONTEXT) }
        + recipients
        + content
        + marks
}

impl Object for QueueFile {
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for record in records(self) {
            out.push(record.kind.letter());
            let mut len = record.data.len();
            while len >= 0x80 {
                out.push((len & 0x7F) as u8 | 0x80);
                len >>= 7;
            }
            out.push(len as u8);
            out.extend_from_slice(&record.data);
        }
        out
    }

    fn size(&self) -> u64 {
        // The envelope takes about this much; exact figures would cost a walk at every write.
        self.message.size() + 512
    }
}
