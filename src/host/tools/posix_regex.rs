//! POSIX regular expressions (regex(7)) in terms of the `regex` crate.

use regex::bytes::{Regex, RegexBuilder};

/// The two languages of POSIX, and plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `\(`, `\{`, and `\+`, `\?`, `\|` of GNU.
    Basic,
    /// `(`, `{`, `+`, `?`, `|`.
    Extended,
    /// No operators at all.
    Fixed,
    /// Perl's, as `grep -P`.
    Perl,
}

/// Compiles a pattern.
///
/// # Errors
/// What is wrong, in the words of GNU.
pub fn compile(pattern: &str, syntax: Syntax, ignore_case: bool) -> Result<Regex, String> {
    let translated = match syntax {
        Syntax::Fixed => regex::escape(pattern),
        Syntax::Perl => pattern.to_owned(),
        Syntax::Basic | Syntax::Extended => translate(pattern, syntax == Syntax::Extended)?,
    };
    RegexBuilder::new(&translated)
        .case_insensitive(ignore_case)
        .multi_line(true)
        .size_limit(1 << 20)
        .build()
        .map_err(|_| "Invalid regular expression".to_owned())
}

fn translate(pattern: &str, extended: bool) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    // Whether an operator like `*` would have nothing before it and so stands for itself.
    let mut at_start = true;
    let mut depth = 0_u32;
    while let Some(c) = chars.next() {
        let mut operator = |out: &mut String, c: char, at_start: &mut bool| match c {
            '(' => {
                depth += 1;
                out.push('(');
                *at_start = true;
                Ok(())
            }
            ')' if depth > 0 => {
                depth -= 1;
                out.push(')');
                Ok(())
            }
            ')' if extended => {
                out.push_str("\\)");
                Ok(())
            }
            ')' => Err("Unmatched ) or \\)".to_owned()),
            '|' => {
                out.push('|');
                *at_start = true;
                Ok(())
            }
            c => {
                out.push(c);
                Ok(())
            }
        };
        let was_start = std::mem::replace(&mut at_start, false);
        match c {
            '\\' => match chars.next() {
                None => return Err("Trailing backslash".into()),
                Some(c @ ('(' | ')' | '|' | '+' | '?')) if !extended => operator(&mut out, c, &mut at_start)?,
                Some('{') if !extended => interval(&mut chars, &mut out, true)?,
                Some('<' | '>') => out.push_str("\\b"),
                Some(c @ ('w' | 'W' | 's' | 'S' | 'b' | 'B')) => out.extend(['\\', c]),
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('`') => out.push_str("\\A"),
                Some('\'') => out.push_str("\\z"),
                Some(c) => out.push_str(&regex::escape(&c.to_string())),
            },
            '[' => bracket(&mut chars, &mut out)?,
            '*' if was_start => out.push_str("\\*"),
            '*' => out.push('*'),
            '.' => out.push('.'),
            '^' if extended || was_start => {
                out.push('^');
                at_start = true;
            }
            '^' => out.push_str("\\^"),
            '$' => {
                let mut ahead = chars.clone();
                let at_end = match (ahead.next(), ahead.next()) {
                    (None, _) => true,
                    (Some('\\'), Some(')' | '|')) => !extended,
                    (Some(')' | '|'), _) => extended,
                    _ => extended,
                };
                out.push_str(if at_end { "$" } else { "\\$" });
            }
            '+' | '?' if extended && was_start => out.push_str(&format!("\\{c}")),
            '(' | ')' | '|' | '+' | '?' if extended => operator(&mut out, c, &mut at_start)?,
            '{' if extended && chars.peek().is_some_and(|c| c.is_ascii_digit() || *c == ',') => {
                interval(&mut chars, &mut out, false)?;
            }
            c => out.push_str(&regex::escape(&c.to_string())),
        }
    }
    if depth > 0 { Err("Unmatched ( or \\(".into()) } else { Ok(out) }
}

fn interval(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    out: &mut String,
    escaped: bool,
) -> Result<(), String> {
    let mut inside = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\\' if escaped && chars.peek() == Some(&'}') => {
                chars.next();
                let inside = if inside.starts_with(',') { format!("0{inside}") } else { inside };
                out.push_str(&format!("{{{inside}}}"));
                return Ok(());
            }
            '}' if !escaped => {
                let inside = if inside.starts_with(',') { format!("0{inside}") } else { inside };
                out.push_str(&format!("{{{inside}}}"));
                return Ok(());
            }
            c if c.is_ascii_digit() || c == ',' => inside.push(c),
            _ => return Err("Invalid content of \\{\\}".into()),
        }
    }
    Err("Unmatched \\{".into())
}

/// A bracket expression after its `[`.
fn bracket(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) -> Result<(), String> {
    let unmatched = || "Unmatched [, [^, [:, [., or [=".to_owned();
    out.push('[');
    if chars.peek() == Some(&'^') {
        chars.next();
        // A negated set never matches a line end in these line-oriented tools.
        out.push_str("^\\n");
    }
    let mut first = true;
    loop {
        let c = chars.next().ok_or_else(unmatched)?;
        match c {
            ']' if !first => {
                out.push(']');
                return Ok(());
            }
            '[' if matches!(chars.peek(), Some(':' | '.' | '=')) => {
                let kind = chars.next().ok_or_else(unmatched)?;
                let mut name = String::new();
                loop {
                    match chars.next().ok_or_else(unmatched)? {
                        c if c == kind && chars.peek() == Some(&']') => {
                            chars.next();
                            break;
                        }
                        c => name.push(c),
                    }
                    if name.len() > 16 {
                        return Err(unmatched());
                    }
                }
                if kind == ':' {
                    out.push_str(&format!("[:{name}:]"));
                } else {
                    out.push_str(&regex::escape(&name));
                }
            }
            '-' => out.push_str(if first || chars.peek() == Some(&']') { "\\-" } else { "-" }),
            '\\' | '[' | ']' | '&' | '~' | '^' => out.extend(['\\', c]),
            c => out.push(c),
        }
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_languages_match_as_in_posix() {
        use Syntax::{Basic, Extended, Fixed};
        for (pattern, syntax, text, yes) in [
            ("[0-9-]\\{8,\\}", Basic, "2026-11-21", true),
            ("[0-9-]{8,}", Extended, "2026-11-21", true),
            ("a+b", Basic, "a+b", true),
            ("a\\+b", Basic, "aab", true),
            ("^*x", Basic, "*x", true),
            ("a|b", Basic, "b", false),
            ("a\\|b", Basic, "b", true),
            ("relay=[^,]*", Basic, "relay=x,", true),
            ("a$b", Basic, "a$b", true),
            ("[]x]", Basic, "]", true),
            ("[[:digit:]]+$", Extended, "x12", true),
            ("a.c", Fixed, "abc", false),
            ("^smtp      inet", Basic, "smtp      inet  n", true),
        ] {
            assert_eq!(compile(pattern, syntax, false).unwrap().is_match(text.as_bytes()), yes, "{pattern} {text}");
        }
        assert_eq!(compile("[a", Basic, false).unwrap_err(), "Unmatched [, [^, [:, [., or [=");
    }

    proptest! {
        #[test]
        fn any_pattern_compiles_or_is_refused(pattern in "[a-c\\\\()\\[\\]{}*+?|^$.,0-9:-]{0,16}") {
            for syntax in [Syntax::Basic, Syntax::Extended, Syntax::Fixed] {
                let _ = compile(&pattern, syntax, false);
            }
        }
    }
}
