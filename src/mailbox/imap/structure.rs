//! The parts of a message: what `ENVELOPE`, `BODYSTRUCTURE` and `BODY[section]` speak of
//! (RFC 3501 section 7.4.2, RFC 2045).

use super::syntax::string;

/// Parts nested deeper than this are taken as text.
const MAX_DEPTH: u32 = 16;
/// Parts beyond this many are left out.
const MAX_PARTS: usize = 200;

/// A message or a part of one: places in the message's octets.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The header with the empty line after it.
    pub header: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

/// Splits header and body at the first empty line.
pub fn split(content: &[u8]) -> Part<'_> {
    if let Some(body) = content.strip_prefix(b"\r\n") {
        return Part { header: &content[..2], body };
    }
    let end = content.windows(4).position(|four| four == b"\r\n\r\n").map_or(content.len(), |at| at + 4);
    let (header, body) = content.split_at(end);
    Part { header, body }
}

/// The unfolded value of the first field of this name.
pub fn field(header: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut value: Option<Vec<u8>> = None;
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(line);
        match &mut value {
            Some(value) if line.starts_with(b" ") || line.starts_with(b"\t") => value.extend_from_slice(line),
            Some(_) => break,
            None => {
                let colon = line.iter().position(|byte| *byte == b':');
                if let Some(colon) =
                    colon.filter(|at| line[..*at].trim_ascii_end().eq_ignore_ascii_case(name.as_bytes()))
                {
                    value = Some(line[colon + 1..].to_vec());
                }
            }
        }
    }
    value.map(|value| value.trim_ascii().to_vec())
}

/// `Content-Type` and the like: the value, and its parameters in order.
fn parameters(value: &str) -> (String, Vec<(String, String)>) {
    let mut pieces = value.split(';');
    let main = pieces.next().unwrap_or_default().trim().to_owned();
    let parse = |piece: &str| {
        let (name, value) = piece.split_once('=')?;
        Some((name.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
    };
    (main, pieces.filter_map(parse).collect())
}

fn content_type(header: &[u8]) -> (String, String, Vec<(String, String)>) {
    let value = field(header, "Content-Type").map(|value| String::from_utf8_lossy(&value).into_owned());
    let (main, params) = parameters(&value.unwrap_or_else(|| "text/plain; charset=us-ascii".into()));
    match main.split_once('/') {
        Some((kind, subtype)) => (kind.trim().to_ascii_lowercase(), subtype.trim().to_ascii_lowercase(), params),
        None => ("text".into(), "plain".into(), params),
    }
}

/// The parts of a multipart; empty if it is none.
pub fn parts<'a>(part: Part<'a>) -> Vec<Part<'a>> {
    let (kind, _, params) = content_type(part.header);
    let Some((_, boundary)) = params.iter().find(|(name, _)| name.eq_ignore_ascii_case("boundary")) else {
        return Vec::new();
    };
    if kind != "multipart" || boundary.is_empty() {
        return Vec::new();
    }
    let delimiter = format!("--{boundary}");
    let mut found = Vec::new();
    let mut start = None;
    let mut at = 0;
    for line in part.body.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(delimiter.as_bytes()) {
            if let Some(start) = start.take() {
                // The line end before a boundary belongs to the boundary (RFC 2046 section 5.1.1).
                let end = if at >= 2 && part.body[..at].ends_with(b"\r\n") { at - 2 } else { at };
                found.push(split(&part.body[start..end.max(start)]));
            }
            let rest = &line[delimiter.len()..];
            if rest.starts_with(b"--") || found.len() >= MAX_PARTS {
                return found;
            }
            start = Some(at + line.len());
        }
        at += line.len();
    }
    if let Some(start) = start {
        found.push(split(&part.body[start.min(part.body.len())..]));
    }
    found
}

/// The part with this number (`1`, `2.1`), if there is one.
pub fn find<'a>(part: Part<'a>, path: &[usize]) -> Option<Part<'a>> {
    let Some((first, rest)) = path.split_first() else { return Some(part) };
    let inner = parts(part);
    let next = match inner.get(first.checked_sub(1)?) {
        Some(next) => *next,
        // A message without parts has one part: its body.
        None if inner.is_empty() && *first == 1 => part,
        None => return None,
    };
    if rest.is_empty() {
        return Some(next);
    }
    let (kind, subtype, _) = content_type(next.header);
    let next = if (kind.as_str(), subtype.as_str()) == ("message", "rfc822") { split(next.body) } else { next };
    find(next, rest)
}

fn nstring(value: Option<Vec<u8>>) -> Vec<u8> {
    value.map_or_else(|| b"NIL".to_vec(), |value| string(&value))
}

fn parameter_list(params: &[(String, String)]) -> Vec<u8> {
    if params.is_empty() {
        return b"NIL".to_vec();
    }
    let mut out = b"(".to_vec();
    for (at, (name, value)) in params.iter().enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend(string(name.as_bytes()));
        out.push(b' ');
        out.extend(string(value.as_bytes()));
    }
    out.push(b')');
    out
}

/// `BODYSTRUCTURE`, or `BODY` without the extension data.
pub fn body_structure(part: Part<'_>, extended: bool, depth: u32) -> Vec<u8> {
    let (kind, subtype, params) = content_type(part.header);
    let inner = if depth < MAX_DEPTH { parts(part) } else { Vec::new() };
    let mut out = b"(".to_vec();
    let mut push = |piece: &[u8]| {
        if out.len() > 1 && !(piece.starts_with(b"(") && out.ends_with(b")") && kind == "multipart") {
            out.push(b' ');
        }
        out.extend_from_slice(piece);
    };
    if !inner.is_empty() {
        for part in inner {
            push(&body_structure(part, extended, depth + 1));
        }
        push(&string(subtype.as_bytes()));
        if extended {
            push(&parameter_list(&params));
            push(b"NIL NIL NIL");
        }
    } else {
        push(&string(kind.as_bytes()));
        push(&string(subtype.as_bytes()));
        push(&parameter_list(&params));
        push(&nstring(field(part.header, "Content-Id")));
        push(&nstring(field(part.header, "Content-Description")));
        let encoding = field(part.header, "Content-Transfer-Encoding").unwrap_or_else(|| b"7bit".to_vec());
        push(&string(&encoding));
        push(part.body.len().to_string().as_bytes());
        let lines = part.body.iter().filter(|byte| **byte == b'\n').count();
        if kind == "message" && subtype == "rfc822" && depth < MAX_DEPTH {
            let message = split(part.body);
            push(&envelope(message.header));
            push(&body_structure(message, extended, depth + 1));
            push(lines.to_string().as_bytes());
        } else if kind == "text" {
            push(lines.to_string().as_bytes());
        }
        if extended {
            push(b"NIL NIL NIL NIL");
        }
    }
    out.push(b')');
    out
}

/// `ENVELOPE`: the fields of the header in the order of RFC 3501.
pub fn envelope(header: &[u8]) -> Vec<u8> {
    let mut out = b"(".to_vec();
    out.extend(nstring(field(header, "Date")));
    out.push(b' ');
    out.extend(nstring(field(header, "Subject")));
    let from = field(header, "From");
    for name in ["From", "Sender", "Reply-To", "To", "Cc", "Bcc"] {
        out.push(b' ');
        let value =
            field(header, name).or_else(|| if matches!(name, "Sender" | "Reply-To") { from.clone() } else { None });
        out.extend(addresses(value));
    }
    for name in ["In-Reply-To", "Message-Id"] {
        out.push(b' ');
        out.extend(nstring(field(header, name)));
    }
    out.push(b')');
    out
}

/// An address list as `((name route mailbox host) …)`.
fn addresses(value: Option<Vec<u8>>) -> Vec<u8> {
    let Some(value) = value else { return b"NIL".to_vec() };
    let text = String::from_utf8_lossy(&value).into_owned();
    let mut out = b"(".to_vec();
    for one in split_addresses(&text) {
        let (name, address) = match (one.find('<'), one.rfind('>')) {
            (Some(open), Some(close)) if open < close => {
                (one[..open].trim().trim_matches('"').to_owned(), one[open + 1..close].to_owned())
            }
            _ => (String::new(), one.trim().to_owned()),
        };
        if address.is_empty() {
            continue;
        }
        let (mailbox, host) = address.rsplit_once('@').unwrap_or((&address, ""));
        out.push(b'(');
        out.extend(if name.is_empty() { b"NIL".to_vec() } else { string(name.as_bytes()) });
        out.extend_from_slice(b" NIL ");
        out.extend(string(mailbox.as_bytes()));
        out.push(b' ');
        out.extend(if host.is_empty() { b"NIL".to_vec() } else { string(host.as_bytes()) });
        out.push(b')');
    }
    out.push(b')');
    if out.len() == 2 { b"NIL".to_vec() } else { out }
}

/// Splits at commas that stand neither in quotes nor in angle brackets.
fn split_addresses(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut quoted, mut angle) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '<' if !quoted => angle = true,
            '>' if !quoted => angle = false,
            ',' if !quoted && !angle => {
                pieces.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}
