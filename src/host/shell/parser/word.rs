//! What a word can be: a keyword, a name, an assignment, a descriptor.

use crate::host::shell::ast::{Assign, Part, Word};

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

/// `name=value` or `name+=value`, if the word is one.
pub(super) fn assignment(word: &Word) -> Option<Assign> {
    let Part::Literal(first) = word.0.first()? else { return None };
    let (name, rest) = first.split_once('=')?;
    let (name, append) = match name.strip_suffix('+') {
        Some(name) => (name, true),
        None => (name, false),
    };
    if !is_identifier(name) {
        return None;
    }
    let mut parts = Vec::new();
    if !rest.is_empty() {
        parts.push(Part::Literal(rest.to_owned()));
    }
    parts.extend_from_slice(&word.0[1..]);
    Some(Assign { name: name.to_owned(), append, value: Word(parts) })
}
