//! The commands and the content that a message needs on the wire.

use std::borrow::Cow;
use std::fmt::Write as _;

use bytes::Bytes;
use smol_str::{SmolStr, ToSmolStr as _};

use super::conf::SmtpConf;
use super::downgrade::downgrade;
use crate::host::Host;
use crate::mta::postfix::delivery::Request;
use crate::mta::postfix::maps::LookupError;
use crate::mta::postfix::maps::address::mail_addr_map;
use crate::mta::postfix::queue_file::{Message, Notify, Recipient, Ret};
use crate::smtp::extensions::Extensions;
use crate::smtp::framing::has_longer_line;
use crate::smtp::path::quote_address;

/// An address rewritten by `smtp_generic_maps`.
pub(super) fn generic<'a>(address: &'a str, conf: &SmtpConf, host: &Host) -> Result<Cow<'a, str>, LookupError> {
    if conf.generic.is_empty() || address.is_empty() {
        return Ok(Cow::Borrowed(address));
    }
    let found = mail_addr_map(&conf.generic, address, &conf.finder, host).map_err(|mut error| {
        error.warnings.push(format!("fatal: {} map lookup problem for {address}", conf.generic.title()));
        error
    })?;
    Ok(found.map_or(Cow::Borrowed(address), |(text, _)| Cow::Owned(text)))
}

/// What follows `MAIL FROM:`.
pub(super) fn mail(request: &Request, sender: &str, conf: &SmtpConf, offered: &Extensions, auth: bool) -> SmolStr {
    let attributes = &request.file.attributes;
    let mut line = path(sender);
    if offered.size.is_some() && !is_downgraded(request, conf, offered) {
        line.push_str(" SIZE=");
        line.push_str(&request.file.size.to_smolstr());
    }
    if offered.eight_bit_mime {
        match attributes.encoding.as_str() {
            "8bit" => line.push_str(" BODY=8BITMIME"),
            "7bit" => line.push_str(" BODY=7BIT"),
            _ => {}
        }
    }
    if offered.dsn {
        if !attributes.dsn_envid.is_empty() {
            let _ = write!(line, " ENVID={}", xtext(&attributes.dsn_envid));
        }
        match attributes.dsn_ret {
            Some(Ret::Full) => line.push_str(" RET=FULL"),
            Some(Ret::Headers) => line.push_str(" RET=HDRS"),
            None => {}
        }
    }
    if attributes.smtputf8 && offered.smtputf8 {
        line.push_str(" SMTPUTF8");
    }
    if auth && conf.sasl.dummy_mail_auth {
        line.push_str(" AUTH=<>");
    }
    line.into()
}

/// Whether 8-bit content must be converted for this server.
pub(super) fn is_downgraded(request: &Request, conf: &SmtpConf, offered: &Extensions) -> bool {
    !conf.no_mime_conversion && !offered.eight_bit_mime && request.file.attributes.encoding != "7bit"
}

/// What follows `RCPT TO:`.
pub(super) fn recipient(address: &str, recipient: Option<&Recipient>, offered: &Extensions) -> SmolStr {
    let mut line = path(address);
    let Some(recipient) = recipient.filter(|_| offered.dsn) else { return line.into() };
    if let Some((kind, address)) = recipient.orcpt.split_once(';') {
        push_orcpt(&mut line, kind, address);
    } else if !recipient.original.is_empty() {
        let kind = if recipient.original.is_ascii() { "rfc822" } else { "utf-8" };
        push_orcpt(&mut line, kind, &quote_address(&recipient.original));
    }
    if recipient.notify != Notify::default() {
        line.push_str(" NOTIFY=");
        line.push_str(&notify(recipient.notify));
    }
    line.into()
}

/// An address in angle brackets, with room for parameters behind it.
fn path(address: &str) -> String {
    let mut line = String::with_capacity(96);
    for part in ["<", &quote_address(address), ">"] {
        line.push_str(part);
    }
    line
}

fn push_orcpt(line: &mut String, kind: &str, address: &str) {
    for part in [" ORCPT=", kind, ";", &xtext(address)] {
        line.push_str(part);
    }
}

/// The values of `NOTIFY=`, separated by commas.
fn notify(notify: Notify) -> String {
    let values =
        [(notify.never, "NEVER"), (notify.success, "SUCCESS"), (notify.failure, "FAILURE"), (notify.delay, "DELAY")];
    values.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

/// `xtext` of RFC 3461, section 4.
fn xtext(text: &str) -> Cow<'_, str> {
    let special = |octet: u8| matches!(octet, b'+' | b'=') || !(33..=126).contains(&octet);
    if !text.bytes().any(special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        if special(octet) {
            let _ = write!(out, "+{octet:02X}");
        } else {
            out.push(octet as char);
        }
    }
    Cow::Owned(out)
}

/// The content with LF line ends: header addresses rewritten, 8-bit parts converted if wanted,
/// long lines folded; and whether any line was.
pub(super) fn content(
    message: &Message,
    downgraded: bool,
    conf: &SmtpConf,
    host: &Host,
) -> Result<(Bytes, bool), LookupError> {
    let header =
        if conf.generic.is_empty() { Cow::Borrowed(&message.header[..]) } else { generic_header(message, conf, host)? };
    let mut all = Vec::with_capacity(header.len() + 1 + message.body.len());
    all.extend_from_slice(&header);
    if message.separator {
        all.push(b'\n');
    }
    all.extend_from_slice(&message.body);
    if downgraded {
        all = downgrade(&all);
    }
    let limit = conf.line_limit;
    let mut folded = false;
    if limit > 0 && has_longer_line(&all, limit) {
        all = fold(&all, limit);
        folded = true;
    }
    Ok((all.into(), folded))
}

/// Breaks lines that are longer than the limit: LF and a blank are put between the pieces.
fn fold(content: &[u8], limit: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + content.len() / limit.max(1) * 2);
    for line in content.split_inclusive(|octet| *octet == b'\n') {
        let (text, end) = line.strip_suffix(b"\n").map_or((line, &b""[..]), |text| (text, &b"\n"[..]));
        for (index, piece) in text.chunks(limit.max(1)).enumerate() {
            if index > 0 {
                out.extend_from_slice(b"\n ");
            }
            out.extend_from_slice(piece);
        }
        out.extend_from_slice(end);
    }
    out
}

/// Rewrites the addresses of the header's address fields.
fn generic_header<'a>(message: &'a Message, conf: &SmtpConf, host: &Host) -> Result<Cow<'a, [u8]>, LookupError> {
    use crate::mail::header::{Addresses, Fields, Name};
    let mut out = Vec::with_capacity(message.header.len());
    let mut changed = false;
    let mut fields = Fields::new(&message.header);
    for field in fields.by_ref() {
        let is_address = Name::find(field.name).is_some_and(|(_, addresses)| addresses != Addresses::No);
        let mut new: Option<String> = None;
        if is_address && let Ok(value) = std::str::from_utf8(field.value) {
            for address in address_specs(value) {
                let rewritten = generic(&address, conf, host)?;
                if rewritten != address {
                    new = Some(replace_address(new.as_deref().unwrap_or(value), &address, &rewritten));
                }
            }
        }
        match new {
            None => out.extend_from_slice(field.raw),
            Some(value) => {
                changed = true;
                out.extend_from_slice(field.name);
                out.push(b':');
                out.extend_from_slice(value.as_bytes());
            }
        }
        out.push(b'\n');
    }
    out.extend_from_slice(message.header.get(fields.end()..).unwrap_or_default());
    if !changed {
        return Ok(Cow::Borrowed(&message.header));
    }
    Ok(Cow::Owned(out))
}

fn is_atom(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.@".contains(c)
}

/// The `local@domain` words of a header value.
fn address_specs(value: &str) -> Vec<String> {
    let words = value.split(|c: char| !is_atom(c));
    let mut found: Vec<String> = words
        .filter(|word| word.find('@').is_some_and(|at| at > 0 && at + 1 < word.len()))
        .map(str::to_owned)
        .collect();
    found.dedup();
    found
}

/// Replaces an address where it stands as a whole word.
fn replace_address(value: &str, old: &str, new: &str) -> String {
    let mut out = String::with_capacity(value.len() + new.len());
    let mut rest = value;
    while let Some(at) = rest.find(old) {
        let (before, after) = (&rest[..at], &rest[at + old.len()..]);
        out.push_str(before);
        let whole = !before.ends_with(is_atom) && !after.starts_with(is_atom);
        out.push_str(if whole { new } else { old });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_with_a_blank() {
        assert_eq!(fold(b"abcdef\nxy\n", 4), b"abcd\n ef\nxy\n");
        assert_eq!(fold(b"abcd\n\nend", 4), b"abcd\n\nend");
    }

    #[test]
    fn xtext_hides_what_would_end_a_parameter() {
        assert_eq!(xtext("a+b=c d"), "a+2Bb+3Dc+20d");
    }

    #[test]
    fn only_whole_addresses_are_replaced() {
        assert_eq!(replace_address(" A <a@b>, xa@b, a@b.c", "a@b", "n@m"), " A <n@m>, xa@b, a@b.c");
    }
}
