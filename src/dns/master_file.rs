//! The lines of a master file (RFC 1035, section 5.1): entries with their line numbers.
//!
//! hickory's parser knows record data but gives no line numbers, refuses `@` within record data
//! and would read included files from the real disk; so entries are separated here.

/// One entry: a directive or a record, with parentheses and comments taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Line on which it begins, counted from 1.
    pub line: u32,
    /// Whether it begins with blanks: the owner of the record before is meant.
    pub inherits_owner: bool,
    /// Its words; quoted ones with their quotes.
    pub words: Vec<String>,
}

/// Why the text cannot be separated into entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unbalanced {
    /// A quoted string does not end on its line.
    Quote,
    /// `(` without `)`.
    Open,
    /// `)` without `(`.
    Close,
}

/// Separates a text into entries; an error has the line where the unbalanced character stands.
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, (u32, Unbalanced)> {
    let mut entries = Vec::new();
    let mut current: Option<Entry> = None;
    let mut open_since = None;
    for (index, line) in text.lines().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let entry = current.get_or_insert_with(|| Entry {
            line: number,
            inherits_owner: line.starts_with([' ', '\t']),
            words: Vec::new(),
        });
        let mut rest = line;
        loop {
            rest = rest.trim_start_matches([' ', '\t', '\r']);
            match rest.as_bytes().first() {
                None | Some(b';') => break,
                Some(b'(') if open_since.is_none() => {
                    open_since = Some(number);
                    rest = &rest[1..];
                }
                Some(b')') if open_since.take().is_some() => rest = &rest[1..],
                Some(b'(') => return Err((number, Unbalanced::Open)),
                Some(b')') => return Err((number, Unbalanced::Close)),
                Some(b'"') => {
                    let end = quoted_end(rest).ok_or((number, Unbalanced::Quote))?;
                    entry.words.push(rest[..end].to_owned());
                    rest = &rest[end..];
                }
                Some(_) => {
                    let end = word_end(rest);
                    entry.words.push(rest[..end].to_owned());
                    rest = &rest[end..];
                }
            }
        }
        if open_since.is_none() {
            entries.extend(current.take().filter(|entry| !entry.words.is_empty()));
        }
    }
    match open_since {
        Some(line) => Err((line, Unbalanced::Open)),
        None => Ok(entries),
    }
}

/// The offset after the closing quote of a string that begins with a quote.
fn quoted_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, octet) in text.bytes().enumerate().skip(1) {
        match octet {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The offset of the end of an unquoted word.
fn word_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ' ' | '\t' | '\r' | ';' | '(' | ')' | '"' => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parentheses_join_lines_and_comments_vanish() {
        let text = "@ IN SOA ns1 host ( ; start\n  1 2\n  3 4 5 )\n\n; nothing\n  IN TXT \"a ; b\" c;d\n";
        let entries = entries(text).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].words.join(" "), "@ IN SOA ns1 host 1 2 3 4 5");
        assert_eq!((entries[1].line, entries[1].inherits_owner), (6, true));
        assert_eq!(entries[1].words, ["IN", "TXT", "\"a ; b\"", "c"]);
    }

    #[test]
    fn unbalanced_characters_are_located() {
        assert_eq!(entries("a\nb ( c\nd").unwrap_err(), (2, Unbalanced::Open));
        assert_eq!(entries("a\nb ) c").unwrap_err(), (2, Unbalanced::Close));
        assert_eq!(entries("x TXT \"abc\n").unwrap_err(), (1, Unbalanced::Quote));
    }
}
