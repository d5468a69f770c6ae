//! SEARCH: keys and what they match (RFC 3501 section 6.4.4).

use jiff::civil::Date;

use super::structure;
use super::syntax::{Arg, SequenceSet};
use crate::mailbox::store::{Flags, Mail};

/// A search key.
#[derive(Clone, Debug)]
pub enum Key {
    /// `ALL`.
    All,
    /// A flag that must be set, or not set.
    Flag(fn(Flags) -> bool, bool),
    /// A header field that contains a text.
    Header(String, String),
    /// `BODY`: the body contains a text; `TEXT`: header or body.
    Text(String, bool),
    /// `LARGER` and `SMALLER`.
    Larger(usize),
    /// See above.
    Smaller(usize),
    /// `BEFORE`, `ON`, `SINCE`, on the internal date.
    Date(std::cmp::Ordering, Date),
    /// Message numbers.
    Numbers(SequenceSet),
    /// `UID`.
    Uids(SequenceSet),
    /// `NOT`.
    Not(Box<Key>),
    /// `OR`.
    Or(Box<Key>, Box<Key>),
    /// Several keys that must all match.
    Every(Vec<Key>),
}

/// Reads the keys of a SEARCH command.
///
/// # Errors
/// A key that does not exist, or lacks its argument.
pub fn parse(args: &[Arg]) -> Result<Key, String> {
    let mut args = args.iter();
    let mut keys = Vec::new();
    while let Some(arg) = args.next() {
        if arg.keyword() == "CHARSET" {
            args.next();
            continue;
        }
        keys.push(key(arg, &mut args, 0)?);
    }
    if keys.is_empty() { Err("Missing search parameters".into()) } else { Ok(Key::Every(keys)) }
}

fn key<'a>(arg: &'a Arg, rest: &mut impl Iterator<Item = &'a Arg>, depth: u32) -> Result<Key, String> {
    if depth > 20 {
        return Err("Too many nested search keys".into());
    }
    if let Arg::List(inner) = arg {
        let mut inner = inner.iter();
        let mut keys = Vec::new();
        while let Some(arg) = inner.next() {
            keys.push(key(arg, &mut inner, depth + 1)?);
        }
        return Ok(Key::Every(keys));
    }
    let name = arg.keyword();
    let mut text = || rest.next().and_then(Arg::text).ok_or_else(|| format!("Missing parameter for argument {name}"));
    let flag = |get: fn(Flags) -> bool, set| Ok(Key::Flag(get, set));
    match name.as_str() {
        "ALL" => Ok(Key::All),
        "ANSWERED" => flag(|f| f.answered, true),
        "UNANSWERED" => flag(|f| f.answered, false),
        "DELETED" => flag(|f| f.deleted, true),
        "UNDELETED" => flag(|f| f.deleted, false),
        "DRAFT" => flag(|f| f.draft, true),
        "UNDRAFT" => flag(|f| f.draft, false),
        "FLAGGED" => flag(|f| f.flagged, true),
        "UNFLAGGED" => flag(|f| f.flagged, false),
        "SEEN" => flag(|f| f.seen, true),
        "UNSEEN" => flag(|f| f.seen, false),
        "RECENT" => flag(|f| f.recent, true),
        "OLD" => flag(|f| f.recent, false),
        "NEW" => flag(|f| f.recent && !f.seen, true),
        "FROM" | "TO" | "CC" | "BCC" | "SUBJECT" => Ok(Key::Header(name.clone(), text()?.to_lowercase())),
        "HEADER" => {
            let field = text()?;
            Ok(Key::Header(field, text()?.to_lowercase()))
        }
        "BODY" => Ok(Key::Text(text()?.to_lowercase(), false)),
        "TEXT" => Ok(Key::Text(text()?.to_lowercase(), true)),
        "LARGER" => number(&text()?).map(Key::Larger),
        "SMALLER" => number(&text()?).map(Key::Smaller),
        "BEFORE" | "SENTBEFORE" => date(&text()?).map(|date| Key::Date(std::cmp::Ordering::Less, date)),
        "ON" | "SENTON" => date(&text()?).map(|date| Key::Date(std::cmp::Ordering::Equal, date)),
        "SINCE" | "SENTSINCE" => date(&text()?).map(|date| Key::Date(std::cmp::Ordering::Greater, date)),
        "UID" => {
            let set = text()?;
            SequenceSet::parse(&set).map(Key::Uids).ok_or_else(|| "Invalid UID set".to_owned())
        }
        "NOT" => {
            let arg = rest.next().ok_or("Missing parameter for argument NOT")?;
            Ok(Key::Not(Box::new(key(arg, rest, depth + 1)?)))
        }
        "OR" => {
            let first = rest.next().ok_or("Missing parameter for argument OR")?;
            let first = key(first, rest, depth + 1)?;
            let second = rest.next().ok_or("Missing parameter for argument OR")?;
            Ok(Key::Or(Box::new(first), Box::new(key(second, rest, depth + 1)?)))
        }
        set => SequenceSet::parse(set).map(Key::Numbers).ok_or_else(|| format!("Unknown argument {set}")),
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("Invalid number: {text}"))
}

/// `1-Feb-2026`.
fn date(text: &str) -> Result<Date, String> {
    Date::strptime("%d-%b-%Y", text.trim_matches('"')).map_err(|_| format!("Invalid search date parameter: {text}"))
}

impl Key {
    /// Whether the message with this number matches.
    pub fn matches(&self, number: u32, mail: &Mail, last: u32, last_uid: u32) -> bool {
        let lower = |text: &[u8]| String::from_utf8_lossy(text).to_lowercase();
        match self {
            Key::All => true,
            Key::Flag(get, set) => get(mail.flags) == *set,
            Key::Header(name, text) => structure::field(structure::split(&mail.content).header, name)
                .is_some_and(|value| lower(&value).contains(text)),
            Key::Text(text, true) => lower(&mail.content).contains(text),
            Key::Text(text, false) => lower(structure::split(&mail.content).body).contains(text),
            Key::Larger(size) => mail.content.len() > *size,
            Key::Smaller(size) => mail.content.len() < *size,
            Key::Date(order, date) => {
                let stored = mail.internal_date.zoned(&jiff::tz::TimeZone::UTC).date();
                stored.cmp(date) == *order || (*order == std::cmp::Ordering::Greater && stored == *date)
            }
            Key::Numbers(set) => set.contains(number, last),
            Key::Uids(set) => set.contains(mail.uid, last_uid),
            Key::Not(key) => !key.matches(number, mail, last, last_uid),
            Key::Or(left, right) => {
                left.matches(number, mail, last, last_uid) || right.matches(number, mail, last, last_uid)
            }
            Key::Every(keys) => keys.iter().all(|key| key.matches(number, mail, last, last_uid)),
        }
    }
}
