//! Addresses as tokens (RFC 822 section 3.3), as Postfix's `tok822` reads and writes them.
//!
//! An address has two forms. The *external* form is what stands in headers and SMTP commands, with
//! quotes where the local part needs them: `"john doe"@example.com`. The *internal* form is without
//! those quotes: `john doe@example.com`. Programs compare and look up internal forms.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Characters that are tokens of their own.
const OPERATORS: &str = "|\"(),.:;<>@[]%!";

/// A piece of an address or of an address list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A word.
    Atom(String),
    /// A quoted string, without its quotes.
    Quoted(String),
    /// A domain literal, without its brackets.
    Literal(String),
    /// A comment, with its parentheses.
    Comment(String),
    /// A single character with a meaning.
    Operator(char),
    /// The colon after the name of a group.
    StartGroup,
    /// An address in a list.
    Address(Vec<Token>),
}

impl Token {
    /// Whether it is this operator.
    pub fn is(&self, operator: char) -> bool {
        *self == Token::Operator(operator)
    }

    fn is_word(&self) -> bool {
        matches!(self, Token::Atom(_) | Token::Quoted(_) | Token::Literal(_))
    }
}

/// Most tokens that are read from one text; what follows is ignored (`TOK822_MAX_TOKENS`).
const MAX_TOKENS: usize = 10_000;

/// Splits a text into tokens.
pub fn scan(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.chars();
    while tokens.len() < MAX_TOKENS {
        let here = rest.as_str();
        let Some(ch) = rest.next() else { break };
        tokens.push(match ch {
            ' ' | '\t' | '\r' | '\n' => continue,
            '(' => Token::Comment(comment(&mut rest)),
            '[' => Token::Literal(collect(&mut rest, |ch| ch != ']', true)),
            '"' => Token::Quoted(collect(&mut rest, |ch| ch != '"', true)),
            _ if ch != '\\' && OPERATORS.contains(ch) => Token::Operator(ch),
            _ => {
                rest = here.chars();
                let atom = collect(&mut rest, |ch| !is_blank(ch) && !OPERATORS.contains(ch), false);
                let special = |ch: char| is_blank(ch) || ch.is_ascii_control() || OPERATORS.contains(ch);
                if atom.contains(special) { Token::Quoted(atom) } else { Token::Atom(atom) }
            }
        });
    }
    tokens
}

fn is_blank(ch: char) -> bool {
    matches!(ch, ' ' | '\t' | '\r' | '\n')
}

/// Takes characters while `wanted`; a backslash makes the next one ordinary, line ends become blanks.
fn collect(rest: &mut std::str::Chars<'_>, wanted: impl Fn(char) -> bool, skip_last: bool) -> String {
    let mut text = String::new();
    loop {
        let before = rest.clone();
        let Some(mut ch) = rest.next() else { return text };
        if ch == '\\' {
            match rest.next() {
                Some(next) => ch = next,
                None => return text,
            }
        } else if !wanted(ch) {
            if !skip_last {
                *rest = before;
            }
            return text;
        }
        text.push(if is_blank(ch) { ' ' } else { ch });
    }
}

fn comment(rest: &mut std::str::Chars<'_>) -> String {
    let mut text = String::from("(");
    let mut depth = 1;
    while let Some(ch) = rest.next() {
        text.push(if is_blank(ch) { ' ' } else { ch });
        match ch {
            '\\' => text.extend(rest.next()),
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text;
        }
    }
    // Closed here so that what follows in the output is not swallowed.
    text.extend(std::iter::repeat_n(')', depth));
    text
}

/// Reads the value of a header field with addresses: phrases, comments, commas and groups stay in
/// place, each address becomes a [`Token::Address`]. Missing commas are added.
pub fn parse_list(text: &str) -> Vec<Token> {
    let mut list = List { tokens: Vec::new() };
    let mut element = Vec::new();
    let mut angle = false;
    let tokens = scan(text);
    let last_end = tokens.iter().rposition(|token| token.is(';'));
    for (at, token) in tokens.into_iter().enumerate() {
        match token {
            Token::Operator(end @ (',' | ';')) if !angle => {
                list.element(std::mem::take(&mut element));
                list.tokens.push(Token::Operator(end));
            }
            // A bracket that was never opened ends an address all the same.
            Token::Operator('>') if !angle => list.element(std::mem::take(&mut element)),
            // A group ends with a semicolon; without one the colon is part of an address.
            Token::Operator(':')
                if !angle
                    && last_end.is_some_and(|end| end > at)
                    && element.iter().all(|token: &Token| !token.is('@')) =>
            {
                list.tokens.append(&mut element);
                list.tokens.push(Token::StartGroup);
            }
            token => {
                angle = (angle || token.is('<')) && !token.is('>');
                element.push(token);
            }
        }
    }
    list.element(element);
    list.tokens
}

struct List {
    tokens: Vec<Token>,
}

impl List {
    /// Adds what stands between two commas.
    fn element(&mut self, element: Vec<Token>) {
        let mut rest = element;
        while let Some(open) = rest.iter().position(|token| token.is('<')) {
            let tail = rest.split_off(open);
            self.tokens.append(&mut rest);
            let mut comments = Vec::new();
            let mut address = Vec::new();
            let mut tail = tail.into_iter().skip(1);
            for token in tail.by_ref().take_while(|token| !token.is('>')) {
                if matches!(token, Token::Comment(_)) { comments.push(token) } else { address.push(token) }
            }
            self.tokens.extend([Token::Operator('<'), Token::Address(address), Token::Operator('>')]);
            self.tokens.append(&mut comments);
            rest = tail.collect();
            if rest.iter().all(|token| matches!(token, Token::Comment(_))) {
                self.tokens.append(&mut rest);
                return;
            }
            self.tokens.push(Token::Operator(','));
        }
        self.bare(rest);
    }

    /// Adds addresses without angle brackets; two words side by side are two addresses.
    fn bare(&mut self, element: Vec<Token>) {
        let mut address: Vec<Token> = Vec::new();
        let mut comments = Vec::new();
        for token in element {
            if matches!(token, Token::Comment(_)) {
                comments.push(token);
            } else {
                if token.is_word() && address.last().is_some_and(Token::is_word) {
                    self.tokens.push(Token::Address(std::mem::take(&mut address)));
                    self.tokens.append(&mut comments);
                    self.tokens.push(Token::Operator(','));
                }
                if address.is_empty() {
                    self.tokens.append(&mut comments);
                }
                address.push(token);
            }
        }
        if !address.is_empty() {
            self.tokens.push(Token::Address(address));
        }
        self.tokens.append(&mut comments);
    }
}

/// Writes a list in external form; `after_comma` stands after each comma.
pub fn print_list(list: &[Token], after_comma: char) -> String {
    let mut text = String::new();
    for (index, token) in list.iter().enumerate() {
        if token.is(',') {
            text.push(',');
            text.push(after_comma);
            continue;
        }
        print_token(&mut text, token);
        if list.get(index + 1).is_some_and(|next| blank_between(token, next)) {
            text.push(' ');
        }
    }
    text
}

fn blank_between(token: &Token, next: &Token) -> bool {
    let operator = |token: &Token| matches!(token, Token::Operator(_) | Token::StartGroup);
    *token == Token::StartGroup || next.is('<') || (!operator(token) && !operator(next))
}

fn print_token(text: &mut String, token: &Token) {
    match token {
        Token::Atom(word) | Token::Comment(word) => text.push_str(word),
        Token::Quoted(word) => {
            text.push('"');
            copy_quoted(text, word, "\"\\\r\n");
            text.push('"');
        }
        Token::Literal(word) => {
            text.push('[');
            copy_quoted(text, word, "\\\r\n");
            text.push(']');
        }
        Token::Operator(ch) => text.push(*ch),
        Token::StartGroup => text.push(':'),
        // Quotes are set anew: only where the local part needs them (`tok822_externalize`).
        Token::Address(tokens) => text.push_str(&quote(&internalize(tokens))),
    }
}

fn copy_quoted(text: &mut String, word: &str, special: &str) {
    for ch in word.chars() {
        if special.contains(ch) {
            text.push('\\');
        }
        text.push(ch);
    }
}

/// Writes an address in external form.
pub fn externalize(address: &[Token]) -> String {
    let mut text = String::new();
    address.iter().for_each(|token| print_token(&mut text, token));
    text
}

/// Writes an address in internal form: as [`externalize`] without quotes.
pub fn internalize(address: &[Token]) -> String {
    let mut text = String::new();
    for token in address {
        match token {
            Token::Quoted(word) => text.push_str(word),
            Token::Literal(word) => {
                let _ = write!(text, "[{word}]");
            }
            token => print_token(&mut text, token),
        }
    }
    text
}

/// Splits an address in internal form at its last `@`.
pub fn split(address: &str) -> (&str, Option<&str>) {
    match address.rsplit_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (address, None),
    }
}

/// From internal to external form: quotes the local part where RFC 822 demands it (`quote_822_local`).
/// The null address stays empty.
pub fn quote(address: &str) -> Cow<'_, str> {
    let end = address.bytes().rposition(|octet| octet == b'@').unwrap_or(address.len());
    let local = &address[..end];
    if address.is_empty() || is_dot_string(local) {
        return Cow::Borrowed(address);
    }
    let mut text = String::with_capacity(address.len() + 2);
    text.push('"');
    copy_quoted(&mut text, local, "\"\\\r\n");
    text.push('"');
    text.push_str(&address[end..]);
    Cow::Owned(text)
}

/// From external to internal form (`unquote_822_local`).
pub fn unquote(address: &str) -> Cow<'_, str> {
    if !address.contains(['"', '\\']) {
        return Cow::Borrowed(address);
    }
    let local_end = closing_at(address);
    let mut text = String::with_capacity(address.len());
    let mut chars = address[..local_end].chars();
    while let Some(ch) = chars.next() {
        match ch {
            '"' => {}
            '\\' => text.extend(chars.next()),
            ch => text.push(ch),
        }
    }
    text.push_str(&address[local_end..]);
    Cow::Owned(text)
}

/// Offset of the last `@` outside quotes; the length if there is none.
fn closing_at(address: &str) -> usize {
    let mut at = address.len();
    let mut quoted = false;
    let mut chars = address.char_indices();
    while let Some((index, ch)) = chars.next() {
        match ch {
            '\\' => drop(chars.next()),
            '"' => quoted = !quoted,
            '@' if !quoted => at = index,
            _ => {}
        }
    }
    at
}

/// Whether a local part needs no quotes: words of ordinary characters joined by single dots.
fn is_dot_string(local: &str) -> bool {
    let mut after_dot = true;
    for octet in local.bytes() {
        let dot = octet == b'.';
        if matches!(SHAPES[usize::from(octet)], Shape::Special | Shape::At) || (dot && after_dot) {
            return false;
        }
        after_dot = dot;
    }
    !after_dot
}

/// What an octet means for the shape of an address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// A letter, a digit, or `-_+`.
    Plain,
    Dot,
    At,
    /// Anything else that needs no quotes in a local part.
    Ordinary,
    /// What must be quoted in a local part.
    Special,
}

const SHAPES: [Shape; 256] = {
    let mut shapes = [Shape::Ordinary; 256];
    let mut octet = 0;
    while octet < 256 {
        shapes[octet] = match octet as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'+' => Shape::Plain,
            b'.' => Shape::Dot,
            b'@' => Shape::At,
            0..=b' ' | 127 | b'(' | b')' | b'<' | b'>' | b',' | b';' | b':' | b'\\' | b'"' | b'[' | b']' => {
                Shape::Special
            }
            _ => Shape::Ordinary,
        };
        octet += 1;
    }
    shapes
};

/// Whether a field value is only a list of plain addresses, `user@host.domain`, `<user@host.domain>` or
/// `Words <user@host.domain>`, which no rewriting of incomplete addresses can change.
pub fn is_plain_list(value: &[u8]) -> bool {
    value.split(|&byte| byte == b',').all(|element| {
        let element = element.trim_ascii();
        let address = match memchr::memchr(b'<', element) {
            Some(open) if element.last() == Some(&b'>') => {
                let phrase = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b' ';
                if !element[..open].iter().all(phrase) {
                    return false;
                }
                &element[open + 1..element.len() - 1]
            }
            _ => element,
        };
        is_plain(address)
    })
}

/// Whether an address is `user@host.domain` of letters, digits and `-_+.` only, without odd dots.
pub fn is_plain(address: &[u8]) -> bool {
    let (mut at, mut dot_behind_at, mut after_separator) = (false, false, true);
    for octet in address {
        match SHAPES[usize::from(*octet)] {
            Shape::Plain => {
                after_separator = false;
                continue;
            }
            Shape::At if !at && !after_separator => at = true,
            Shape::Dot if !after_separator => dot_behind_at |= at,
            _ => return false,
        }
        after_separator = true;
    }
    dot_behind_at && !after_separator
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn addresses(text: &str) -> Vec<String> {
        let address = |token: &Token| match token {
            Token::Address(tokens) => Some(externalize(tokens)),
            _ => None,
        };
        parse_list(text).iter().filter_map(address).collect()
    }

    #[test]
    fn finds_the_addresses_of_a_list() {
        for (text, found) in [
            ("alice@example.com", vec!["alice@example.com"]),
            ("Alice A. <alice@example.com>, bob (the \"b\")", vec!["alice@example.com", "bob"]),
            ("\"Smith, John\" <js@example.com>", vec!["js@example.com"]),
            ("friends: alice, bob@x;, carol", vec!["alice", "bob@x", "carol"]),
            ("\"john doe\"@example.com", vec!["\"john doe\"@example.com"]),
            ("<@a,@b:carol@example.net>", vec!["@a,@b:carol@example.net"]),
            ("alice bob", vec!["alice", "bob"]),
            ("dave@[192.0.2.1]", vec!["dave@[192.0.2.1]"]),
            ("", vec![]),
        ] {
            assert_eq!(addresses(text), found, "{text}");
        }
    }

    #[test]
    fn keeps_the_layout_of_a_list() {
        for text in ["Alice A. <alice@example.com>, bob (the b), \"x, y\" <z@w>", "friends: alice, bob;"] {
            assert_eq!(print_list(&parse_list(text), ' '), text);
        }
        assert_eq!(print_list(&parse_list("a b <c@d> e"), ' '), "a b <c@d>, e");
    }

    #[test]
    fn quotes_local_parts_that_need_it() {
        for (internal, external) in [
            ("alice@example.com", "alice@example.com"),
            ("john doe@example.com", "\"john doe\"@example.com"),
            ("a\"b\\c@x", "\"a\\\"b\\\\c\"@x"),
            ("a@b@c", "\"a@b\"@c"),
            ("..@x", "\"..\"@x"),
            ("", ""),
        ] {
            assert_eq!(quote(internal), external);
            assert_eq!(unquote(external), internal);
        }
    }

    #[test]
    fn recognises_lists_that_need_no_rewriting() {
        assert!(is_plain_list(b" Alice Smith <alice@example.com>, bob@x.org"));
        for odd in
            ["bob", "bob@x", "bob@x.org.", "a%b@x.org", "\"b\" <b@x.org>", "b@x.org (b)", "a b@x.org", "", "a@b.c,"]
        {
            assert!(!is_plain_list(odd.as_bytes()), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "[a@.,:;<>()\\[\\]\"\\\\ %!é]{0,60}") {
            let list = parse_list(&text);
            let printed = print_list(&list, ' ');
            // What was printed reads as the same list again.
            prop_assert_eq!(print_list(&parse_list(&printed), ' ').len() < printed.len() * 3 + 10, true);
            let _ = (unquote(&text), internalize(&scan(&text)));
        }

        #[test]
        fn quoting_can_be_undone(local in "[ -~]{0,20}", domain in "[a-z]{1,5}") {
            let internal = format!("{local}@{domain}");
            let external = quote(&internal).into_owned();
            prop_assert_eq!(unquote(&external).into_owned(), internal);
        }

        #[test]
        fn plain_lists_stay_as_they_are(names in proptest::collection::vec("[a-z]{1,4}@[a-z]{1,4}\\.[a-z]{2}", 1..4)) {
            let text = names.join(", ");
            prop_assert!(is_plain_list(text.as_bytes()));
            prop_assert_eq!(print_list(&parse_list(&text), ' '), text);
        }
    }
}
