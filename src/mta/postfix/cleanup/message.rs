//! Header and body (`cleanup_message.c`).

use bytes::Bytes;
use smol_str::SmolStr;

use super::checks::{Place, Verdict};
use super::conf::{Conf, FromFormat, Table};
use super::envelope::MAILER_DAEMON;
use super::state::{State, info_of, warn_of};
use super::status::Status;
use crate::mail::address::{self, Token};
use crate::mail::header::{self, Addresses, Field, Fields, Name};
use crate::mail::mime::{self, Class, Visitor};
use crate::mta::postfix::queue_file::Message;
use crate::mta::postfix::trivial_rewrite::Context;
use crate::smtp::framing::has_longer_line;

/// Rewritten address lists are folded at this width.
const FOLD_WIDTH: usize = 70;

/// Collects output lines; while nothing was changed it only remembers how far the input is good.
pub struct Writer {
    input: Bytes,
    /// Input up to here is output as it is.
    same: usize,
    changed: Option<Vec<u8>>,
}

impl Writer {
    fn new(input: &Bytes) -> Writer {
        Writer { input: input.clone(), same: 0, changed: None }
    }

    fn buffer(&mut self) -> &mut Vec<u8> {
        let (input, same) = (&self.input, self.same);
        self.changed.get_or_insert_with(|| {
            let mut buffer = Vec::with_capacity(input.len().min(same + 2048));
            buffer.extend_from_slice(&input[..same]);
            buffer
        })
    }

    /// Writes lines of our own; a final LF is added.
    pub(super) fn line(&mut self, line: &[u8]) {
        let buffer = self.buffer();
        buffer.extend_from_slice(line);
        buffer.push(b'\n');
    }

    /// Writes lines of the input that stand at this place, without their last LF.
    fn copy(&mut self, start: usize, lines: &[u8]) {
        let end = start + lines.len();
        if self.changed.is_none() && self.same == start && self.input.get(end) == Some(&b'\n') {
            self.same = end + 1;
        } else {
            self.line(lines);
        }
    }

    fn finish(self) -> Bytes {
        match self.changed {
            Some(changed) => Bytes::from(changed),
            None => self.input.slice(..self.same),
        }
    }
}

impl State<'_, '_> {
    /// Takes the content: checks, rewrites and completes the header, and checks the body.
    pub(super) fn take_message(&mut self, content: &Bytes) -> Message {
        let conf = self.conf.clone();
        let mut out = Writer::new(content);
        let mut fields = Fields::new(content);
        for field in fields.by_ref() {
            if self.out_ok() {
                self.primary_field(&conf, field, &mut out);
            }
        }
        let end = fields.end();
        if self.out_ok() {
            self.end_of_header(&conf, &mut out);
        }
        let separator = content.get(end).is_some();
        let start = end + usize::from(content.get(end) == Some(&b'\n'));
        let mut body = content.slice(start..);
        if self.out_ok() && self.flags.filter && conf.checks_parts() && !body.is_empty() {
            body = self.check_parts(&conf, content, start);
        }
        if !body.is_empty() && body.last() != Some(&b'\n') {
            body = [&body[..], b"\n"].concat().into();
        }
        Message { header: out.finish(), separator, body }
    }

    fn primary_field(&mut self, conf: &Conf, field: Field<'_>, out: &mut Writer) {
        let known = Name::find(field.name);
        let table = match known {
            Some((name, _)) if name.is_mime() => &conf.mime_header_checks,
            _ => &conf.header_checks,
        };
        match self.check(table, Place::Header, field.raw, out) {
            Verdict::Keep => {
                let too_long = field.raw.len() as u64 > conf.header_size_limit;
                let limit = usize::try_from(conf.header_size_limit).unwrap_or(usize::MAX);
                let raw = if too_long { &field.raw[..limit.min(field.raw.len())] } else { field.raw };
                self.known_field(conf, known, field, raw, out);
            }
            Verdict::Drop => {}
            Verdict::Replace(text) => {
                let replaced = Fields::new(text.as_bytes()).next();
                match replaced {
                    // It stands nowhere in the input.
                    Some(field) => {
                        let field = Field { start: usize::MAX / 2, ..field };
                        self.known_field(conf, Name::find(field.name), field, field.raw, out);
                    }
                    None => out.line(text.as_bytes()),
                }
            }
        }
    }

    fn known_field(
        &mut self,
        conf: &Conf,
        known: Option<(Name, Addresses)>,
        field: Field<'_>,
        raw: &[u8],
        out: &mut Writer,
    ) {
        let Some((name, addresses)) = known else {
            if conf.dropped_others.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(field.name)) {
                return;
            }
            return out.copy(field.start, raw);
        };
        self.headers_seen.insert(name);
        match name {
            Name::MessageId => info_of!(self, "{}: message-id={}", self.id, Printable(field.value)),
            Name::ResentMessageId => info_of!(self, "{}: resent-message-id={}", self.id, Printable(field.value)),
            Name::ContentTransferEncoding => self.note_encoding(field.text()),
            Name::Received => self.count_hop(conf),
            _ => {}
        }
        if !self.out_ok() {
            return;
        }
        if name.is_resent() {
            self.resent = "Resent-";
        }
        if conf.dropped_headers.contains(name) {
            return;
        }
        let rewritten = match (self.header_context, addresses) {
            (None, _) | (_, Addresses::No) => None,
            (Some(context), addresses) => self.rewrite_field(conf, context, addresses == Addresses::Sender, &field),
        };
        match rewritten {
            Some(lines) => out.line(lines.as_bytes()),
            None => out.copy(field.start, raw),
        }
    }

    fn note_encoding(&mut self, value: &str) {
        for encoding in ["8bit", "7bit"] {
            if value.eq_ignore_ascii_case(encoding) {
                self.attributes.encoding = encoding.into();
            }
        }
    }

    fn count_hop(&mut self, conf: &Conf) {
        self.attributes.hop_count += 1;
        if u64::from(self.attributes.hop_count) >= conf.hopcount_limit {
            warn_of!(self, "{}: message rejected: hopcount exceeded", self.id);
            self.errs |= Status::HOPS;
        }
    }

    /// Completes and maps the addresses of a field. `None` if none of them changes.
    fn rewrite_field(&mut self, conf: &Conf, context: Context, is_sender: bool, field: &Field<'_>) -> Option<String> {
        let maps = self.flags.map && !conf.headers_are_only_completed();
        if !maps && address::is_plain_list(field.value) {
            return None;
        }
        // Addresses in other character sets cannot be told apart from their surroundings.
        let value = std::str::from_utf8(field.value).ok()?;
        let name = String::from_utf8_lossy(field.name);
        let mut list = address::parse_list(value);
        let mut changed = false;
        for token in &mut list {
            let Token::Address(tokens) = token else { continue };
            if tokens.is_empty() {
                continue;
            }
            let before = address::externalize(tokens);
            conf.rewriter.tokens(context, tokens);
            if maps {
                let internal = SmolStr::from(address::internalize(tokens));
                let mapped = self.map_header_address(conf, internal.clone(), is_sender);
                if mapped != internal {
                    *tokens = address::scan(&address::quote(&mapped));
                }
            }
            let after = address::externalize(tokens);
            if after != before {
                changed = true;
                self.ctx.note(|| crate::trace::Kind::Rewrite {
                    kind: "header".into(),
                    field: name.as_ref().into(),
                    from: before.into(),
                    to: after.into(),
                });
            }
        }
        changed.then(|| fold(&format!("{name}: {}", address::print_list(&list, '\n'))))
    }

    fn map_header_address(&mut self, conf: &Conf, address: SmolStr, is_sender: bool) -> SmolStr {
        let own = if is_sender {
            (&conf.sender_canonical, conf.sender_canonical_classes)
        } else {
            (&conf.recipient_canonical, conf.recipient_canonical_classes)
        };
        self.canonical(
            address,
            "header",
            own,
            |classes| {
                if is_sender { classes.header_sender } else { classes.header_recipient }
            },
        )
    }

    /// Adds what the header lacks.
    fn end_of_header(&mut self, conf: &Conf, out: &mut Writer) {
        let complete = self.header_context.is_some() || conf.always_add_missing_headers;
        let resent = self.resent;
        let (message_id, date, from) = match resent {
            "" => (Name::MessageId, Name::Date, Name::From),
            _ => (Name::ResentMessageId, Name::ResentDate, Name::ResentFrom),
        };
        if complete && !self.headers_seen.contains(message_id) {
            let id = if conf.enable_long_queue_ids {
                format!("{}@{}", self.id, conf.myhostname)
            } else {
                let date = self.services.cleanup.dates.compact(self.ctx.now);
                format!("{date}.{}@{}", self.id, conf.myhostname)
            };
            out.line(format!("{resent}Message-Id: <{id}>").as_bytes());
            info_of!(self, "{}: {}message-id=<{id}>", self.id, if resent.is_empty() { "" } else { "resent-" });
            self.headers_seen.insert(message_id);
        }
        if !self.headers_seen.contains(Name::MessageId) {
            info_of!(self, "{}: message-id=<>", self.id);
        }
        if complete && !self.headers_seen.contains(date) {
            let now = self.services.cleanup.dates.rfc5322(self.ctx.now, &self.ctx.host.zone);
            out.line(format!("{resent}Date: {now}").as_bytes());
        }
        if complete && !self.headers_seen.contains(from) {
            out.line(self.missing_from(conf).as_bytes());
        }
        let visible = [Name::To, Name::Cc, Name::ResentTo, Name::ResentCc];
        let text = &conf.undisclosed_recipients_header;
        if complete && !text.is_empty() && !self.headers_seen.contains_any(&visible) {
            if header::name_len(text.as_bytes()).is_some() {
                out.line(text.as_bytes());
            } else {
                warn_of!(
                    self,
                    "bad undisclosed_recipients_header header text \"{text}\" -- need \"headername: headervalue\""
                );
            }
        }
    }

    fn missing_from(&self, conf: &Conf) -> String {
        let sender = if self.sender.is_empty() { MAILER_DAEMON } else { self.sender.as_str() };
        let sender = address::quote(sender);
        let resent = self.resent;
        if self.full_name.is_empty() || self.sender.is_empty() {
            return format!("{resent}From: {sender}");
        }
        match conf.from_format {
            FromFormat::Obsolete => format!("{resent}From: {sender} ({})", self.full_name),
            FromFormat::Standard => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b' ' || !byte.is_ascii();
                if self.full_name.bytes().all(plain) {
                    format!("{resent}From: {} <{sender}>", self.full_name)
                } else {
                    let quoted = self.full_name.replace('\\', "\\\\").replace('"', "\\\"");
                    format!("{resent}From: \"{quoted}\" <{sender}>")
                }
            }
        }
    }

    /// Applies header and body checks to what follows the message's own header.
    fn check_parts(&mut self, conf: &Conf, content: &Bytes, start: usize) -> Bytes {
        let mut parts = Parts { state: self, conf, out: Writer::new(content), at: start, seen_body: 0, primary: true };
        parts.out.same = start;
        if conf.disable_mime_input_processing {
            parts.primary = false;
            for line in content[start..].split_inclusive(|&byte| byte == b'\n') {
                parts.line(line.strip_suffix(b"\n").unwrap_or(line));
            }
        } else {
            mime::walk(content, &mut parts);
        }
        parts.out.finish().slice(start..)
    }
}

struct Parts<'p, 's, 'c> {
    state: &'p mut State<'s, 'c>,
    conf: &'p Conf,
    out: Writer,
    /// Where the next piece stands in the content.
    at: usize,
    /// Octets of the present body so far.
    seen_body: u64,
    /// Still in the message's own header, which was dealt with before.
    primary: bool,
}

impl Parts<'_, '_, '_> {
    fn copy(&mut self, lines: &[u8]) {
        self.out.copy(self.at, lines);
        self.at += lines.len() + 1;
    }

    fn apply(&mut self, table: &Table, place: Place, lines: &[u8]) {
        match self.state.check(table, place, lines, &mut self.out) {
            Verdict::Keep => self.copy(lines),
            Verdict::Drop => self.at += lines.len() + 1,
            Verdict::Replace(text) => {
                self.out.line(text.as_bytes());
                self.at += lines.len() + 1;
            }
        }
    }
}

impl Visitor for Parts<'_, '_, '_> {
    fn field(&mut self, class: Class, field: Field<'_>) {
        let known = Name::find(field.name);
        let table = match (class, known) {
            (Class::Primary, _) => return,
            (_, Some((name, _))) if name.is_mime() => &self.conf.mime_header_checks,
            (Class::Multipart, _) => &self.conf.mime_header_checks,
            (Class::Nested, _) => &self.conf.nested_header_checks,
        };
        self.apply(table, Place::Header, field.raw);
    }

    fn end_of_header(&mut self, class: Class, separator: bool) {
        self.seen_body = 0;
        if class == Class::Primary {
            self.primary = false;
        } else if separator {
            if self.out.input.get(self.at) == Some(&b'\n') {
                self.copy(b"");
            } else {
                self.out.line(b"");
            }
        }
    }

    fn line(&mut self, line: &[u8]) {
        if self.seen_body < self.conf.body_checks_size_limit {
            self.seen_body += line.len() as u64;
            self.apply(&self.conf.body_checks, Place::Body, line);
        } else {
            self.copy(line);
        }
    }
}

/// Joins lines of a rewritten address list as long as they stay narrow, and indents the others.
fn fold(lines: &str) -> String {
    let mut out = String::with_capacity(lines.len() + 8);
    let mut width = 0;
    for (index, line) in lines.split('\n').enumerate() {
        if index > 0 && width + 1 + line.len() < FOLD_WIDTH {
            out.push(' ');
            width += 1;
        } else if index > 0 {
            out.push_str(if line.starts_with([' ', '\t']) { "\n" } else { "\n\t" });
            width = 0;
        }
        out.push_str(line);
        width += line.len();
    }
    out
}

/// A field's value as the log shows it.
struct Printable<'a>(&'a [u8]);

impl std::fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = String::from_utf8_lossy(self.0.trim_ascii_start());
        text.chars().try_for_each(|ch| std::fmt::Write::write_char(f, if ch.is_control() { '?' } else { ch }))
    }
}

/// The size of the content as the queue file's records take it: per line a type, a length in base
/// 128 and the text without LF; lines longer than the limit are split.
pub fn record_size(message: &Message, line_length_limit: u64) -> u64 {
    let header = lines_size(&message.header, line_length_limit);
    header + u64::from(message.separator) * 2 + lines_size(&message.body, line_length_limit)
}

fn lines_size(text: &[u8], limit: u64) -> u64 {
    const SHORT: usize = 127;
    if limit >= SHORT as u64 && text.last() == Some(&b'\n') && !has_longer_line(text, SHORT) {
        // Type and length of each record take an octet, and the LF goes.
        return (text.len() + memchr::memchr_iter(b'\n', text).count()) as u64;
    }
    let mut size = 0;
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text) {
        size += line_size((end - start) as u64, limit);
        start = end + 1;
    }
    size
}

fn line_size(len: u64, limit: u64) -> u64 {
    let record = |len: u64| 1 + u64::from(len.max(1).ilog2() / 7 + 1) + len;
    if len <= limit {
        return record(len);
    }
    // A line that fills its last record exactly needs no empty one after it.
    let full = (len - 1) / limit;
    full * record(limit) + record(len - full * limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_long_lists_only() {
        assert_eq!(fold("To: a@b,\nc@d"), "To: a@b, c@d");
        let long = "x".repeat(60);
        assert_eq!(
            fold(&format!("To: {long},\nsecond@example.com,\nc@d")),
            format!("To: {long},\n\tsecond@example.com, c@d")
        );
    }

    #[test]
    fn sizes_are_those_of_the_records() {
        let message = |header: &str, separator, body: String| Message {
            header: Bytes::from(header.to_owned()),
            separator,
            body: Bytes::from(body),
        };
        assert_eq!(record_size(&message("Subject: header only\n", false, String::new()), 2048), 22);
        assert_eq!(record_size(&message("", true, "body only\n".to_owned()), 2048), 2 + 11);
        assert_eq!(record_size(&message("", false, format!("{}\n", "x".repeat(127))), 2048), 129);
        assert_eq!(record_size(&message("", false, format!("{}\n", "x".repeat(128))), 2048), 131);
        assert_eq!(record_size(&message("", false, format!("{}\n", "x".repeat(3000))), 2048), 3006);
    }
}
