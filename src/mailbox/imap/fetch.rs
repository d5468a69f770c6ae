//! FETCH: data items of a message (RFC 3501 section 6.4.5).

use crate::mailbox::store::{Flags, Mail};
use crate::sim::Time;

use super::structure;
use super::syntax::{Arg, string};

/// A data item that a client may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in RFC 3501 section 6.4.5")]
pub enum Item {
    Flags,
    Uid,
    InternalDate,
    Size,
    Envelope,
    Structure { extended: bool },
    Body { label: String, section: String, partial: Option<(usize, usize)>, peek: bool },
}

/// The items of a FETCH command; macros are resolved.
///
/// # Errors
/// An item that does not exist.
pub fn parse(arg: &Arg) -> Result<Vec<Item>, String> {
    let one = |arg: &Arg| -> Result<Vec<Item>, String> {
        let text = arg.text().ok_or("Invalid FETCH item")?;
        item(&text)
    };
    match arg {
        Arg::List(items) => items.iter().map(one).collect::<Result<Vec<_>, _>>().map(|all| all.concat()),
        arg => one(arg),
    }
}

fn item(text: &str) -> Result<Vec<Item>, String> {
    let body = |label: &str, section: &str, peek| Item::Body {
        label: label.into(),
        section: section.into(),
        partial: None,
        peek,
    };
    let fast = || vec![Item::Flags, Item::InternalDate, Item::Size];
    let upper = text.to_ascii_uppercase();
    Ok(match upper.as_str() {
        "FLAGS" => vec![Item::Flags],
        "UID" => vec![Item::Uid],
        "INTERNALDATE" => vec![Item::InternalDate],
        "RFC822.SIZE" => vec![Item::Size],
        "ENVELOPE" => vec![Item::Envelope],
        "BODY" => vec![Item::Structure { extended: false }],
        "BODYSTRUCTURE" => vec![Item::Structure { extended: true }],
        "RFC822" => vec![body("RFC822", "", false)],
        "RFC822.HEADER" => vec![body("RFC822.HEADER", "HEADER", true)],
        "RFC822.TEXT" => vec![body("RFC822.TEXT", "TEXT", false)],
        "FAST" => fast(),
        "ALL" => [fast(), vec![Item::Envelope]].concat(),
        "FULL" => [fast(), vec![Item::Envelope, Item::Structure { extended: false }]].concat(),
        _ => vec![section_item(&upper).ok_or_else(|| format!("Unknown parameter: {text}"))?],
    })
}

/// `BODY[section]<partial>` and `BODY.PEEK[section]<partial>`.
fn section_item(upper: &str) -> Option<Item> {
    let (peek, rest) = match upper.strip_prefix("BODY.PEEK[") {
        Some(rest) => (true, rest),
        None => (false, upper.strip_prefix("BODY[")?),
    };
    let (section, tail) = rest.rsplit_once(']')?;
    let partial = match tail.strip_prefix('<').and_then(|tail| tail.strip_suffix('>')) {
        Some(range) => {
            let (from, count) = range.split_once('.')?;
            Some((from.parse().ok()?, count.parse().ok()?))
        }
        None if tail.is_empty() => None,
        None => return None,
    };
    let label = match partial {
        Some((from, _)) => format!("BODY[{section}]<{from}>"),
        None => format!("BODY[{section}]"),
    };
    Some(Item::Body { label, section: section.to_owned(), partial, peek })
}

impl Item {
    /// Whether fetching it marks the message as read.
    pub fn marks_seen(&self) -> bool {
        matches!(self, Item::Body { peek: false, .. })
    }

    /// Appends name and value.
    pub fn write(&self, mail: &Mail, out: &mut Vec<u8>) {
        let put = |out: &mut Vec<u8>, name: &str, value: &[u8]| {
            out.extend_from_slice(name.as_bytes());
            out.push(b' ');
            out.extend_from_slice(value);
        };
        match self {
            Item::Flags => put(out, "FLAGS", flag_list(mail.flags).as_bytes()),
            Item::Uid => put(out, "UID", mail.uid.to_string().as_bytes()),
            Item::InternalDate => {
                put(out, "INTERNALDATE", format!("\"{}\"", internal_date(mail.internal_date)).as_bytes())
            }
            Item::Size => put(out, "RFC822.SIZE", mail.content.len().to_string().as_bytes()),
            Item::Envelope => put(out, "ENVELOPE", &structure::envelope(structure::split(&mail.content).header)),
            Item::Structure { extended } => {
                let name = if *extended { "BODYSTRUCTURE" } else { "BODY" };
                put(out, name, &structure::body_structure(structure::split(&mail.content), *extended, 0));
            }
            Item::Body { label, section, partial, .. } => {
                let text = section_text(&mail.content, section);
                let value = match (text, partial) {
                    (None, _) => b"NIL".to_vec(),
                    (Some(text), None) => string(&text),
                    (Some(text), Some((from, count))) => {
                        let start = (*from).min(text.len());
                        let end = start.saturating_add(*count).min(text.len());
                        string(&text[start..end])
                    }
                };
                put(out, label, &value);
            }
        }
    }
}

/// The octets of a section: `` (all), `HEADER`, `HEADER.FIELDS (…)`, `TEXT`, `1.2`, `1.MIME` …
fn section_text(content: &[u8], section: &str) -> Option<Vec<u8>> {
    let digits = section.split('.').take_while(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let path: Vec<usize> = digits.filter_map(|part| part.parse().ok()).collect();
    let rest = section.splitn(path.len() + 1, '.').nth(path.len()).unwrap_or_default();
    let whole = structure::split(content);
    let part = structure::find(whole, &path)?;
    // HEADER and TEXT of a part speak of the message that it holds.
    let message = if path.is_empty() { part } else { structure::split(part.body) };
    let keyword = rest.split([' ', '(']).next().unwrap_or_default();
    match keyword {
        "" if path.is_empty() => Some(content.to_vec()),
        "" => Some(part.body.to_vec()),
        "MIME" => Some(part.header.to_vec()),
        "HEADER" => Some(message.header.to_vec()),
        "TEXT" => Some(message.body.to_vec()),
        "HEADER.FIELDS" | "HEADER.FIELDS.NOT" => {
            let names = rest.split_once('(')?.1.trim_end_matches(')');
            let names: Vec<&str> = names.split_whitespace().map(|name| name.trim_matches('"')).collect();
            Some(header_fields(message.header, &names, keyword == "HEADER.FIELDS.NOT"))
        }
        _ => None,
    }
}

fn header_fields(header: &[u8], names: &[&str], others: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut wanted = false;
    for line in header.split_inclusive(|byte| *byte == b'\n') {
        if line == b"\r\n" {
            break;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default().trim_ascii_end();
            wanted = names.iter().any(|wanted| wanted.as_bytes().eq_ignore_ascii_case(name)) != others;
        }
        if wanted {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// `(\Seen \Recent)`.
pub fn flag_list(flags: Flags) -> String {
    let names = [
        ("\\Answered", flags.answered),
        ("\\Flagged", flags.flagged),
        ("\\Deleted", flags.deleted),
        ("\\Seen", flags.seen),
        ("\\Draft", flags.draft),
        ("\\Recent", flags.recent),
    ];
    let set: Vec<&str> = names.into_iter().filter(|(_, set)| *set).map(|(name, _)| name).collect();
    format!("({})", set.join(" "))
}

/// `21-Nov-2026 12:00:00 +0000`.
fn internal_date(time: Time) -> String {
    time.zoned(&jiff::tz::TimeZone::UTC).strftime("%d-%b-%Y %H:%M:%S %z").to_string()
}
