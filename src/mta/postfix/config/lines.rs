//! Logical lines, as Postfix reads all its text files (`readllines(3)`): empty lines and lines
//! that begin with `#` are skipped wherever they stand, a line that begins with white space
//! continues the one before.

/// A logical line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The text, joined; line ends are dropped, the white space of continuations is kept.
    pub text: String,
    /// Number of its first physical line, from 1.
    pub first: u32,
    /// Number of the last physical line that was read for it; comments within count.
    pub last: u32,
}

/// Longest part of a bad line that a warning repeats.
const SHOWN: usize = 30;

/// Splits text into logical lines. A continuation line without a line before it is left out, with
/// a warning that names `path`.
pub fn logical_lines(path: &str, text: &str, notes: &mut Vec<String>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    // Comments directly after a logical line do not belong to its last line.
    let mut open: Option<Line> = None;
    let mut number = 0;
    for physical in text.lines() {
        number += 1;
        let blank = physical.trim_ascii().is_empty();
        let comment = physical.trim_ascii_start().starts_with('#');
        if blank || comment {
            continue;
        }
        match open.as_mut() {
            Some(line) if physical.starts_with(|c: char| c.is_ascii_whitespace()) => {
                line.text.push_str(physical);
                line.last = number;
            }
            _ => {
                lines.extend(open.take());
                open = Some(Line { text: physical.to_owned(), first: number, last: number });
            }
        }
    }
    lines.extend(open);
    lines.retain(|line| {
        let bad = line.text.starts_with(|c: char| c.is_ascii_whitespace());
        if bad {
            let shown: String = line.text.chars().take(SHOWN).collect();
            let more = if shown.len() < line.text.len() { "..." } else { "" };
            notes.push(format!("warning: {path}: logical line must not start with whitespace: \"{shown}{more}\""));
        }
        !bad
    });
    lines
}

/// Why a line is not `name = value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameValueError {
    /// Nothing before `=`.
    #[error("missing attribute name")]
    MissingName,
    /// No `=` after the first word.
    #[error("missing '=' after attribute name")]
    MissingEquals,
}

/// Splits `name = value`, white space trimmed around both (`split_nameval(3)`).
///
/// # Errors
/// There is no name or no `=`.
pub fn split_nameval(text: &str) -> Result<(&str, &str), NameValueError> {
    let text = text.trim_ascii_start();
    let end = text.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Err(NameValueError::MissingName);
    }
    let value = rest.trim_ascii_start().strip_prefix('=').ok_or(NameValueError::MissingEquals)?;
    Ok((name, value.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_continuation_lines_across_comments() {
        let lines = logical_lines("f", "a = 1,\n# note\n\n  2\nb = 3\n", &mut Vec::new());
        assert_eq!(lines[0], Line { text: "a = 1,  2".to_owned(), first: 1, last: 4 });
        assert_eq!(lines[1].first, 5);
    }

    #[test]
    fn warns_about_white_space_at_the_first_line() {
        let mut notes = Vec::new();
        assert!(logical_lines("f", "  a = 1\n", &mut notes).is_empty());
        assert_eq!(notes, ["warning: f: logical line must not start with whitespace: \"  a = 1\""]);
    }

    #[test]
    fn splits_names_from_values() {
        assert_eq!(split_nameval("a=b = c "), Ok(("a", "b = c")));
        assert_eq!(split_nameval("a"), Err(NameValueError::MissingEquals));
        assert_eq!(split_nameval("= b"), Err(NameValueError::MissingName));
    }
}
