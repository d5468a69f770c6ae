//! What a word can be: a keyword, a name, an assignment, a descriptor.

use crate::host::shell::ast::{Assign, Assigned, Part, Word};

pub(super) fn literal(text: &str) -> Word {
    Word(vec![Part::Literal(text.to_owned())])
}

pub(super) fn is_redirection(op: &str) -> bool {
    op.contains(['<', '>'])
}

pub(super) fn is_descriptor(word: &Word) -> bool {
    match word.plain() {
        Some(text) => text == "-" || text.chars().all(|c| c.is_ascii_digit()),
        None => word.0.iter().any(|part| matches!(part, Part::Param(_))),
    }
}

/// Whether a word belongs to the grammar.
pub fn is_keyword(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "then", "until",
        "while", "{", "}", "[[", "]]",
    ];
    WORDS.contains(&word)
}

/// Whether a text can be the name of a variable.
pub fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn delimiter(word: &Word) -> (String, bool) {
    let mut text = String::new();
    let mut quoted = false;
    for part in &word.0 {
        match part {
            Part::Literal(piece) => text.push_str(piece),
            Part::Quoted(piece) => {
                quoted = true;
                text.push_str(piece);
            }
            Part::Double(parts) => {
                quoted = true;
                for part in parts {
                    if let Part::Quoted(piece) | Part::Literal(piece) = part {
                        text.push_str(piece);
                    }
                }
            }
            _ => {}
        }
    }
    (text, quoted)
}

/// `name=value`, `name+=value` or (bash) `name[key]=value`, if the word is one.
pub(super) fn assignment(word: &Word, bash: bool) -> Option<Assign> {
    let Part::Literal(first) = word.0.first()? else { return None };
    let end = first.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(first.len());
    let (name, rest) = first.split_at(end);
    if !is_identifier(name) {
        return None;
    }
    let (key, parts) = match rest.strip_prefix('[').filter(|_| bash) {
        Some(rest) => subscript(rest, &word.0[1..]).map(|(key, parts)| (Some(key), parts))?,
        None => (None, with_literal(rest, &word.0[1..])),
    };
    let Part::Literal(sign) = parts.first()? else { return None };
    let (append, rest) = match sign.strip_prefix("+=") {
        Some(rest) => (true, rest),
        None => (false, sign.strip_prefix('=')?),
    };
    let value = Assigned::Text(Word(with_literal(rest, &parts[1..])));
    Some(Assign { name: name.to_owned(), key, append, value })
}

/// An element between the parentheses of an array: its key, if it has one, and its value.
pub(super) fn element(word: Word) -> (Option<Word>, Word) {
    let Some(Part::Literal(first)) = word.0.first() else { return (None, word) };
    let Some(rest) = first.strip_prefix('[') else { return (None, word) };
    let Some((key, parts)) = subscript(rest, &word.0[1..]) else { return (None, word) };
    match parts.first() {
        Some(Part::Literal(sign)) if sign.starts_with('=') => (Some(key), Word(with_literal(&sign[1..], &parts[1..]))),
        _ => (None, word),
    }
}

/// What stands before the closing bracket of a subscript, and what comes behind it.
fn subscript(first: &str, rest: &[Part]) -> Option<(Word, Vec<Part>)> {
    let mut key = Vec::new();
    let mut parts = with_literal(first, rest).into_iter();
    while let Some(part) = parts.next() {
        if let Part::Literal(text) = &part
            && let Some((inside, outside)) = text.split_once(']')
        {
            key.extend(with_literal(inside, &[]));
            return Some((Word(key), with_literal(outside, parts.as_slice())));
        }
        key.push(part);
    }
    None
}

fn with_literal(text: &str, rest: &[Part]) -> Vec<Part> {
    let literal = (!text.is_empty()).then(|| Part::Literal(text.to_owned()));
    literal.into_iter().chain(rest.iter().cloned()).collect()
}
