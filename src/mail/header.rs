//! The header lines of a message, and what is special about those that mail programs know.

use std::ops::Range;

/// Header fields that mail programs know (Postfix's `header_opts` table).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named as the fields")]
pub enum Name {
    ApparentlyTo,
    Bcc,
    Cc,
    ContentDescription,
    ContentDisposition,
    ContentId,
    ContentLength,
    ContentTransferEncoding,
    ContentType,
    DeliveredTo,
    DispositionNotificationTo,
    Date,
    ErrorsTo,
    From,
    MailFollowupTo,
    MessageId,
    MimeVersion,
    Received,
    ReplyTo,
    ResentBcc,
    ResentCc,
    ResentDate,
    ResentFrom,
    ResentMessageId,
    ResentReplyTo,
    ResentSender,
    ResentTo,
    ReturnPath,
    ReturnReceiptTo,
    Sender,
    To,
}

/// What kind of addresses a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// None.
    No,
    /// Senders: rewritten as sender addresses.
    Sender,
    /// Recipients: rewritten as recipient addresses.
    Recipient,
    /// Recipients that `sendmail -t` extracts.
    Extract,
}

const NAMES: [(&str, Name, Addresses); 31] = {
    use Addresses::{Extract, No, Recipient, Sender};
    [
        ("To", Name::To, Extract),
        ("Cc", Name::Cc, Extract),
        ("Bcc", Name::Bcc, Extract),
        ("Date", Name::Date, No),
        ("From", Name::From, Sender),
        ("Sender", Name::Sender, Sender),
        ("Received", Name::Received, No),
        ("Reply-To", Name::ReplyTo, Sender),
        ("Errors-To", Name::ErrorsTo, Sender),
        ("Resent-To", Name::ResentTo, Extract),
        ("Resent-Cc", Name::ResentCc, Extract),
        ("Message-Id", Name::MessageId, No),
        ("Content-Id", Name::ContentId, No),
        ("Resent-Bcc", Name::ResentBcc, Extract),
        ("Return-Path", Name::ReturnPath, Sender),
        ("Resent-From", Name::ResentFrom, Sender),
        ("Resent-Date", Name::ResentDate, No),
        ("Content-Type", Name::ContentType, No),
        ("MIME-Version", Name::MimeVersion, No),
        ("Delivered-To", Name::DeliveredTo, No),
        ("Apparently-To", Name::ApparentlyTo, Recipient),
        ("Resent-Sender", Name::ResentSender, Sender),
        ("Content-Length", Name::ContentLength, No),
        ("Resent-Reply-To", Name::ResentReplyTo, Recipient),
        ("Mail-Followup-To", Name::MailFollowupTo, Sender),
        ("Resent-Message-Id", Name::ResentMessageId, No),
        ("Return-Receipt-To", Name::ReturnReceiptTo, Sender),
        ("Content-Description", Name::ContentDescription, No),
        ("Content-Disposition", Name::ContentDisposition, No),
        ("Content-Transfer-Encoding", Name::ContentTransferEncoding, No),
        ("Disposition-Notification-To", Name::DispositionNotificationTo, Sender),
    ]
};

impl Name {
    /// The field with this name, in any case.
    pub fn find(name: &[u8]) -> Option<(Name, Addresses)> {
        NAMES
            .iter()
            // They stand in order of length.
            .take_while(|(known, ..)| known.len() <= name.len())
            .find(|(known, ..)| known.len() == name.len() && known.as_bytes().eq_ignore_ascii_case(name))
            .map(|&(_, field, addresses)| (field, addresses))
    }

    /// Whether it is one of the `Resent-` fields.
    pub fn is_resent(self) -> bool {
        matches!(
            self,
            Name::ResentBcc
                | Name::ResentCc
                | Name::ResentDate
                | Name::ResentFrom
                | Name::ResentMessageId
                | Name::ResentReplyTo
                | Name::ResentSender
                | Name::ResentTo
        )
    }

    /// Whether it is one of MIME's fields, which `mime_header_checks` look at.
    pub fn is_mime(self) -> bool {
        matches!(
            self,
            Name::ContentDescription
                | Name::ContentDisposition
                | Name::ContentId
                | Name::ContentTransferEncoding
                | Name::ContentType
                | Name::MimeVersion
        )
    }
}

/// A set of known fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names(u64);

impl Names {
    /// Adds one.
    pub fn insert(&mut self, name: Name) {
        self.0 |= 1 << name as u64;
    }

    /// Whether it is a member.
    pub fn contains(self, name: Name) -> bool {
        self.0 & (1 << name as u64) != 0
    }

    /// Whether one of these is a member.
    pub fn contains_any(self, names: &[Name]) -> bool {
        names.iter().any(|&name| self.contains(name))
    }
}

/// One field of a header, as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// All its lines, without the last LF.
    pub raw: &'a [u8],
    /// The part before the colon, without white space at its end.
    pub name: &'a [u8],
    /// The part after the colon, with inner line ends.
    pub value: &'a [u8],
    /// Where it begins in the text.
    pub start: usize,
}

impl Field<'_> {
    /// The value without surrounding white space; empty if it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.value).unwrap_or_default().trim()
    }

    /// The value on one line: every line end with the white space after it becomes one blank.
    pub fn unfolded(&self) -> String {
        let text = String::from_utf8_lossy(self.value);
        text.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned()
    }
}

/// Length of the name of the header field that a line begins with; `None` if it does not begin with
/// a name and a colon (Postfix's `is_header`).
pub fn name_len(line: &[u8]) -> Option<usize> {
    let len = line.iter().take_while(|&&byte| byte > b' ' && byte < 127 && byte != b':').count();
    let blanks = line[len..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    (len > 0 && line.get(len + blanks) == Some(&b':')).then_some(len)
}

/// Walks over the fields at the beginning of a message.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields of a text whose lines end with LF.
    pub fn new(text: &'a [u8]) -> Fields<'a> {
        Fields { text, at: 0 }
    }

    /// Where the header ends: the offset of the empty line, or of the first line that is no header line.
    pub fn end(&self) -> usize {
        self.at
    }

    fn line(&self, from: usize) -> Range<usize> {
        let rest = &self.text[from..];
        from..from + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let text = self.text;
        let start = self.at;
        let mut line = self.line(start);
        let len = name_len(&text[line.clone()])?;
        let mut next = (line.end + 1).min(text.len());
        while matches!(text.get(next), Some(b' ' | b'\t')) {
            line = self.line(next);
            next = (line.end + 1).min(text.len());
        }
        self.at = next;
        let raw = &text[start..line.end];
        let colon = len + raw[len..].iter().position(|&byte| byte == b':')?;
        Some(Field { raw, name: &raw[..len], value: &raw[colon + 1..], start })
    }
}

/// A message in its parts: offset of the end of the header, whether an empty line follows, offset of the body.
pub fn split(text: &[u8]) -> (usize, bool, usize) {
    let mut fields = Fields::new(text);
    while fields.next().is_some() {}
    let end = fields.end();
    match text.get(end) {
        Some(b'\n') => (end, true, end + 1),
        Some(_) => (end, true, end),
        None => (end, false, end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn walks_over_folded_fields_up_to_the_empty_line() {
        let text = b"From: a\nSubject : long\n\tline\nX-1:\n\nbody: no\n";
        let fields: Vec<_> = Fields::new(text).map(|field| (field.name, field.unfolded())).collect();
        assert_eq!(fields[0], (&b"From"[..], "a".to_owned()));
        assert_eq!(fields[1], (&b"Subject"[..], "long line".to_owned()));
        assert_eq!(fields[2], (&b"X-1"[..], String::new()));
        assert_eq!(split(text), (34, true, 35));
    }

    #[test]
    fn a_body_may_follow_without_an_empty_line_or_be_missing() {
        assert_eq!(split(b"A: b\nhello\n"), (5, true, 5));
        assert_eq!(split(b"A: b\n"), (5, false, 5));
        assert_eq!(split(b"A: b"), (4, false, 4));
        assert_eq!(split(b""), (0, false, 0));
        assert_eq!(split(b"\nx\n"), (0, true, 1));
    }

    #[test]
    fn knows_fields_in_any_case() {
        assert_eq!(Name::find(b"MESSAGE-ID"), Some((Name::MessageId, Addresses::No)));
        assert_eq!(Name::find(b"bcc"), Some((Name::Bcc, Addresses::Extract)));
        assert_eq!(Name::find(b"X-To"), None);
        assert!(Name::ResentTo.is_resent() && !Name::To.is_resent());
    }

    proptest! {
        #[test]
        fn fields_and_rest_make_up_the_text(text in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b':'), Just(b' '), Just(b'a'), any::<u8>()], 0..200)) {
            let mut fields = Fields::new(&text);
            let mut covered = 0;
            for field in fields.by_ref() {
                prop_assert_eq!(field.start, covered);
                covered = (covered + field.raw.len() + 1).min(text.len());
            }
            prop_assert_eq!(fields.end(), covered);
            let (end, separator, body) = split(&text);
            prop_assert!(end <= body && body <= text.len() && (separator || body == text.len()));
        }
    }
}
