//! Backslash sequences of `echo`, `printf` and `$'…'`.

use std::iter::Peekable;
use std::str::Chars;

/// Replaces `\n`, `\t`, `\NNN`, `\xHH` and so on. Stops at `\c`.
pub fn unescape(text: &str) -> String {
    unescape_until_stop(text).0
}

/// As [`unescape`], with whether `\c` was met, after which nothing more is to be written.
pub fn unescape_until_stop(text: &str) -> (String, bool) {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('e') => out.push('\u{1b}'),
            Some('f') => out.push('\u{c}'),
            Some('v') => out.push('\u{b}'),
            Some('c') => return (out, true),
            Some('x') => out.push(number(&mut chars, 16, 0, 2)),
            Some('0') => out.push(number(&mut chars, 8, 0, 3)),
            Some(c @ '1'..='7') => out.push(number(&mut chars, 8, c.to_digit(8).unwrap_or(0), 2)),
            Some(c @ ('\\' | '\'' | '"')) => out.push(c),
            Some(c) => out.extend(['\\', c]),
            None => out.push('\\'),
        }
    }
    (out, false)
}

/// A text as a shell would have to read it to get this word (`printf %q`).
pub fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "''".into();
    }
    let mut out = String::new();
    for c in text.chars() {
        if !c.is_alphanumeric() && !"-_./:=@%+,".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn number(chars: &mut Peekable<Chars<'_>>, radix: u32, first: u32, most: usize) -> char {
    let mut value = first;
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else { break };
        value = value * radix + digit;
        chars.next();
    }
    char::from_u32(value & 0xff).unwrap_or('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_sequences_of_echo() {
        for (raw, text) in [(r"a\tb\n", "a\tb\n"), (r"\101\x42\063", "AB3"), (r"a\qb\", r"a\qb\"), (r"one\ctwo", "one")]
        {
            assert_eq!(unescape(raw), text);
        }
    }
}
