//! `regexp:` and `pcre:` tables (regexp_table(5), pcre_table(5)).

use std::fmt::Write as _;

use fancy_regex::{Captures, Regex, RegexBuilder};
use smol_str::SmolStr;

use super::cache::Parsed;
use super::cidr::split_word;
use super::{Answer, Dict, MapFlags, Unavailable};
use crate::host::Host;
use crate::mta::postfix::config::lines::logical_lines;
use crate::trace::Source;

/// Which of the two languages of patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// POSIX extended regular expressions.
    Posix,
    /// Perl's.
    Perl,
}

impl Flavour {
    fn name(self) -> &'static str {
        match self {
            Flavour::Posix => "regexp",
            Flavour::Perl => "pcre",
        }
    }
}

/// A part of a result text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(SmolStr),
    Group(usize),
}

#[derive(Debug)]
struct Pattern {
    regex: Regex,
    negate: bool,
}

impl Pattern {
    /// A pattern that needs too many steps does not match.
    fn captures<'t>(&self, text: &'t str) -> Option<Option<Captures<'t>>> {
        let found = self.regex.captures(text).unwrap_or(None);
        match (found, self.negate) {
            (Some(captures), false) => Some(Some(captures)),
            (None, true) => Some(None),
            _ => None,
        }
    }

    fn holds(&self, text: &str) -> bool {
        self.regex.is_match(text).unwrap_or(false) != self.negate
    }
}

#[derive(Debug)]
enum Rule {
    Value { pattern: Pattern, result: Vec<Piece>, line: u32 },
    If { pattern: Pattern, end: usize },
}

#[derive(Debug, Default)]
struct Rules {
    rules: Vec<Rule>,
    notes: Vec<String>,
}

/// Reads a table. A bad line is left out, with a warning.
struct Reader<'a> {
    flavour: Flavour,
    path: &'a str,
    found: Rules,
    open: Vec<(usize, u32)>,
    line: u32,
}

fn parse_posix(path: &str, text: &str) -> Rules {
    Reader { flavour: Flavour::Posix, path, found: Rules::default(), open: Vec::new(), line: 0 }.read(text)
}

fn parse_perl(path: &str, text: &str) -> Rules {
    Reader { flavour: Flavour::Perl, path, found: Rules::default(), open: Vec::new(), line: 0 }.read(text)
}

impl Reader<'_> {
    fn read(mut self, text: &str) -> Rules {
        for line in logical_lines(self.path, text, &mut self.found.notes) {
            self.line = line.first;
            if let Err(error) = self.rule(&line.text, line.first) {
                self.warn(line.first, &error);
            }
        }
        for (_, line) in std::mem::take(&mut self.open) {
            self.warn(line, "IF has no matching ENDIF");
        }
        self.found
    }

    fn warn(&mut self, line: u32, text: &str) {
        for text in text.lines() {
            let note = format!("warning: {} map {}, line {line}: {text}", self.flavour.name(), self.path);
            self.found.notes.push(note);
        }
    }

    fn rule(&mut self, text: &str, line: u32) -> Result<(), String> {
        let text = text.trim_ascii();
        let (word, rest) = split_word(text);
        if word.eq_ignore_ascii_case("endif") {
            if !rest.is_empty() {
                self.warn(line, "ignoring extra text after ENDIF");
            }
            let (start, _) = self.open.pop().ok_or("ignoring ENDIF without matching IF")?;
            let after = self.found.rules.len();
            if let Some(Rule::If { end, .. }) = self.found.rules.get_mut(start) {
                *end = after;
            }
            return Ok(());
        }
        if word.eq_ignore_ascii_case("if") || (text.starts_with("if") && text[2..].starts_with(['!', '/'])) {
            let rest = text.get(2..).unwrap_or_default().trim_ascii();
            let (pattern, extra) = self.pattern(rest)?;
            if !extra.is_empty() {
                self.warn(line, &format!("ignoring extra text after IF statement: \"{extra}\""));
                self.warn(line, "do not prepend whitespace to statements between IF and ENDIF");
            }
            self.open.push((self.found.rules.len(), line));
            self.found.rules.push(Rule::If { pattern, end: usize::MAX });
            return Ok(());
        }
        if text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err("ignoring unrecognized request".to_owned());
        }
        let (pattern, result) = self.pattern(text)?;
        let groups = pattern.regex.captures_len();
        let result = template(result, groups, pattern.negate, self.flavour)?;
        if result.is_empty() {
            self.warn(line, "no replacement text: using empty string");
        }
        self.found.rules.push(Rule::Value { pattern, result, line });
        Ok(())
    }

    /// `!/pattern/flags rest`.
    fn pattern<'t>(&mut self, text: &'t str) -> Result<(Pattern, &'t str), String> {
        let mut text = text;
        let mut negate = false;
        while let Some(rest) = text.strip_prefix('!') {
            negate = !negate;
            text = rest.trim_ascii_start();
        }
        let Some(delimiter) = text.chars().next() else {
            return Err("no regexp: skipping this rule".to_owned());
        };
        let body = &text[delimiter.len_utf8()..];
        let mut escaped = false;
        let end = body.char_indices().find(|&(_, c)| {
            let ends = c == delimiter && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let leaves = if self.flavour == Flavour::Perl { "ignoring" } else { "skipping" };
        let (end, _) = end.ok_or_else(|| format!("no closing regexp delimiter \"{delimiter}\": {leaves} this rule"))?;
        let after = &body[end + delimiter.len_utf8()..];
        let flags_end = after.find(|c: char| c.is_ascii_whitespace() || c == '!').unwrap_or(after.len());
        let (flags, rest) = after.split_at(flags_end);
        if self.flavour == Flavour::Perl && flags.contains('X') {
            self.warn(self.line, "ignoring obsolete regexp option \"X\"");
        }
        let regex = self.compile(&body[..end], flags)?;
        Ok((Pattern { regex, negate }, rest.trim_ascii()))
    }

    fn compile(&self, body: &str, flags: &str) -> Result<Regex, String> {
        let perl = self.flavour == Flavour::Perl;
        let (mut fold, mut lines, mut all, mut extended, mut anchored, mut lazy) =
            (true, false, true, false, false, false);
        for flag in flags.chars() {
            match flag {
                'i' => fold = !fold,
                'm' => lines = !lines,
                's' if perl => all = !all,
                'x' => extended = !extended,
                'A' if perl => anchored = !anchored,
                'U' if perl => lazy = !lazy,
                'E' | 'X' if perl => {}
                other => return Err(format!("unknown regexp option \"{other}\": skipping this rule")),
            }
        }
        let mut set = String::new();
        for (on, letter) in
            [(fold, 'i'), (lines, 'm'), (all && (perl || !lines), 's'), (extended && perl, 'x'), (lazy, 'U')]
        {
            if on {
                set.push(letter);
            }
        }
        let body = if perl { body.to_owned() } else { posix_to_perl(body) };
        let prefix = if set.is_empty() { String::new() } else { format!("(?{set})") };
        let anchor = if anchored { "\\A" } else { "" };
        RegexBuilder::new(&format!("{prefix}{anchor}{body}"))
            .backtrack_limit(100_000)
            .delegate_size_limit(1 << 20)
            .build()
            .map_err(|error| self.describe(&body, &error.to_string()))
    }

    /// The library's words for the commonest mistakes.
    fn describe(&self, body: &str, error: &str) -> String {
        let (posix, perl) = if error.contains("character class") || error.contains("nvalid class") {
            ("Unmatched [, [^, [:, [., or [=", "missing terminating ] for character class")
        } else if error.contains("nclosed") || error.contains("losing paren") || error.contains("unopened") {
            if body.matches('(').count() < body.matches(')').count() {
                ("Unmatched ) or \\)", "unmatched closing parenthesis")
            } else {
                ("Unmatched ( or \\(", "missing closing parenthesis")
            }
        } else if error.contains("repe") {
            ("Invalid preceding regular expression", "quantifier does not follow a repeatable item")
        } else {
            ("Invalid regular expression", "internal error: unexpected repeat")
        };
        match self.flavour {
            Flavour::Posix => posix.to_owned(),
            Flavour::Perl => format!("error in regex at offset {}: {perl}", body.len()),
        }
    }
}

/// A POSIX extended expression in the other language: within brackets a backslash stands for
/// itself, and `\<` and `\>` are the borders of words.
fn posix_to_perl(body: &str) -> String {
    let mut out = String::with_capacity(body.len() + 8);
    let mut chars = body.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('<') => out.push_str("\\b(?=\\w)"),
                Some('>') => out.push_str("\\b(?<=\\w)"),
                Some(next) if next.is_ascii_alphanumeric() && !"wWsSbB0123456789".contains(next) => out.push(next),
                Some(next) => {
                    out.push('\\');
                    out.push(next);
                }
                None => out.push_str("\\\\"),
            },
            '[' => {
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                let mut first = true;
                while let Some(inner) = chars.next() {
                    match inner {
                        ']' if !first => {
                            out.push(']');
                            break;
                        }
                        '[' if chars.peek() == Some(&':') => {
                            out.push('[');
                            for class in chars.by_ref() {
                                out.push(class);
                                if class == ']' {
                                    break;
                                }
                            }
                        }
                        '\\' | '[' | ']' | '&' | '~' => {
                            out.push('\\');
                            out.push(inner);
                        }
                        _ => out.push(inner),
                    }
                    first = false;
                }
            }
            _ => out.push(c),
        }
    }
    out
}

/// What is said after the reason why a result text cannot be parsed.
const BAD_REPLACEMENT: &str = "bad replacement syntax: skipping this rule";

/// Splits a result text at `$1`, `${1}` and `$(1)`; `$$` is a dollar sign. `groups` counts the
/// whole match as one.
fn template(text: &str, groups: usize, negate: bool, flavour: Flavour) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            plain.push('$');
            rest = after;
            continue;
        }
        let (name, after) = match rest.chars().next() {
            Some(open @ ('{' | '(')) => {
                let close = if open == '{' { '}' } else { ')' };
                rest[1..].split_once(close).ok_or_else(|| format!("truncated macro reference: \"{text}\""))?
            }
            _ => rest.split_at(rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())),
        };
        if negate {
            return Err("$number found in negative match replacement text: skipping this rule".to_owned());
        }
        let number: usize =
            name.parse().map_err(|_| format!("non-numeric replacement index \"{name}\"\n{BAD_REPLACEMENT}"))?;
        if number == 0 || number >= groups {
            return Err(match flavour {
                _ if number > 0 => format!("out of range replacement index \"{name}\": skipping this rule"),
                Flavour::Posix => format!("out of range replacement index \"{name}\": skipping this rule"),
                Flavour::Perl => format!("out of range replacement index \"{name}\"\n{BAD_REPLACEMENT}"),
            });
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain).into()));
        }
        pieces.push(Piece::Group(number));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain.into()));
    }
    Ok(pieces)
}

fn render(pieces: &[Piece], captures: Option<&Captures<'_>>) -> SmolStr {
    if let [Piece::Text(text)] = pieces {
        return text.clone();
    }
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Group(number) => {
                let group = captures.and_then(|captures| captures.get(*number));
                let _ = out.write_str(group.map_or("", |group| group.as_str()));
            }
        }
    }
    out.into()
}

/// An open `regexp:` or `pcre:` table.
#[derive(Debug)]
pub(super) struct RegexpTable {
    name: SmolStr,
    flags: MapFlags,
    file: Parsed<Rules>,
}

impl RegexpTable {
    pub(super) fn new(flavour: Flavour, path: &str, flags: MapFlags) -> RegexpTable {
        let parse = match flavour {
            Flavour::Posix => parse_posix,
            Flavour::Perl => parse_perl,
        };
        let name = smol_str::format_smolstr!("{}:{path}", flavour.name());
        RegexpTable { name, flags, file: Parsed::new(path, parse) }
    }

    /// `$1` in a result where an outsider's text must not decide.
    fn is_forbidden(&self, rule: &Rule) -> bool {
        let substitutes = |result: &[Piece]| result.iter().any(|piece| matches!(piece, Piece::Group(_)));
        self.flags.no_regsub && matches!(rule, Rule::Value { result, .. } if substitutes(result))
    }
}

impl Dict for RegexpTable {
    fn lookup(&self, key: &str, host: &Host) -> Answer {
        let table = self.file.get(host).map_err(|errno| {
            Unavailable(vec![format!("warning: {} is unavailable. open {}: {errno}", self.name, self.file.path())])
        })?;
        let mut at = 0;
        while let Some(rule) = table.rules.get(at) {
            at += 1;
            match rule {
                Rule::If { pattern, end } => {
                    if !pattern.holds(key) {
                        at = *end;
                    }
                }
                Rule::Value { .. } if self.is_forbidden(rule) => {}
                Rule::Value { pattern, result, line } => {
                    if let Some(captures) = pattern.captures(key) {
                        let source = Source { file: self.file.path().into(), line: *line };
                        return Ok(Some((render(result, captures.as_ref()), Some(source))));
                    }
                }
            }
        }
        Ok(None)
    }

    fn problems(&self, host: &Host) -> Vec<String> {
        match self.file.get(host) {
            Ok(table) => {
                let forbidden = table.rules.iter().filter(|rule| self.is_forbidden(rule)).map(|rule| {
                    let line = if let Rule::Value { line, .. } = rule { *line } else { 0 };
                    let kind = self.name.split(':').next().unwrap_or_default();
                    let path = self.file.path();
                    format!("warning: {kind} map {path}, line {line}: regular expression substitution is not allowed: skipping this rule")
                });
                table.notes.iter().cloned().chain(forbidden).collect()
            }
            Err(errno) => vec![format!("error: open {}: {errno}", self.file.path())],
        }
    }

    fn is_fixed(&self) -> bool {
        false
    }

    fn file(&self) -> Option<&str> {
        Some(self.file.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(rules: &Rules, key: &str) -> Option<SmolStr> {
        let mut at = 0;
        while let Some(rule) = rules.rules.get(at) {
            at += 1;
            match rule {
                Rule::If { pattern, end } if !pattern.holds(key) => at = *end,
                Rule::If { .. } => {}
                Rule::Value { pattern, result, .. } => {
                    if let Some(captures) = pattern.captures(key) {
                        return Some(render(result, captures.as_ref()));
                    }
                }
            }
        }
        None
    }

    #[test]
    fn matches_and_substitutes() {
        let table = parse_posix("/r", "/^Subject: (.*) world/ REPLACE Subject: $1\n!/^Subject/ DUNNO\n/[.\\]x/ dot\n");
        assert_eq!(answer(&table, "subject: Hello world").as_deref(), Some("REPLACE Subject: Hello"));
        assert_eq!(answer(&table, "From: x").as_deref(), Some("DUNNO"));
        assert_eq!(answer(&table, "Subject: a\\x").as_deref(), Some("dot"));
        let table =
            parse_perl("/p", "if /^Subject:/\n/\\bSECRET\\b/ REJECT\n/(\\d{4}) offers/ $1-${1}\nendif\n/x/ X\n");
        assert_eq!(answer(&table, "Subject: 2026 offers").as_deref(), Some("2026-2026"));
        assert_eq!(answer(&table, "x 2026 offers").as_deref(), Some("X"));
    }

    #[test]
    fn bad_lines_are_skipped_with_a_warning() {
        let table = parse_posix("/r", "/unclosed( REJECT\nno slashes\n/x/\n/a(b)/ $2\n/x/z y\n!/q/ $1\n/un(x/ y\n");
        let expected = [
            "1: no closing regexp delimiter \"/\": skipping this rule",
            "2: ignoring unrecognized request",
            "3: no replacement text: using empty string",
            "4: out of range replacement index \"2\": skipping this rule",
            "5: unknown regexp option \"z\": skipping this rule",
            "6: $number found in negative match replacement text: skipping this rule",
            "7: Unmatched ( or \\(",
        ];
        for (note, expected) in table.notes.iter().zip(expected) {
            assert_eq!(*note, format!("warning: regexp map /r, line {expected}"));
        }
        assert_eq!(table.notes.len(), expected.len());
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "[a-c/!()\\[\\]\\\\$1if \n{}*+?^-]{0,60}") {
            let posix = parse_posix("/r", &text);
            let perl = parse_perl("/r", &text);
            prop_assert!(posix.rules.len() + perl.rules.len() <= 2 * text.lines().count());
        }
    }
}
