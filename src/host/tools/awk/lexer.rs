//! The words of a script.

use super::parse::Parsed;

const OPERATORS: &[&str] = &[
    "**=", "&&", "||", "==", "!=", "<=", ">=", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", ">>", "**", "{", "}",
    "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", ">", "<", "|", "?", ":", "~", "$", "=",
];

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(String),
    Regex(String),
    Name(String),
    /// A name directly before `(`.
    Func(String),
    Op(&'static str),
    Newline,
    End,
}

pub(super) fn lex(text: &str) -> Parsed<Vec<Token>> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        match c {
            ' ' | '\t' | '\r' => at += 1,
            '\n' => {
                tokens.push(Token::Newline);
                at += 1;
            }
            '\\' if chars.get(at + 1) == Some(&'\n') => at += 2,
            '#' => at += chars[at..].iter().take_while(|c| **c != '\n').count(),
            '"' => {
                let (raw, next) = quoted(&chars, at + 1, '"')?;
                tokens.push(Token::Text(super::super::system::unescape(&raw.replace("\\/", "/"))));
                at = next;
            }
            '/' if regex_may_follow(tokens.last()) => {
                let (raw, next) = quoted(&chars, at + 1, '/')?;
                tokens.push(Token::Regex(raw.replace("\\/", "/")));
                at = next;
            }
            c if c.is_ascii_digit() || (c == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit)) => {
                let mut end = at;
                while chars.get(end).is_some_and(|c| c.is_ascii_digit() || *c == '.') {
                    end += 1;
                }
                if matches!(chars.get(end), Some('e' | 'E')) && chars.get(end + 1).is_some_and(char::is_ascii_digit) {
                    end += 2;
                    while chars.get(end).is_some_and(char::is_ascii_digit) {
                        end += 1;
                    }
                }
                let digits: String = chars[at..end].iter().collect();
                tokens.push(Token::Number(digits.parse().map_err(|_| format!("syntax error near {digits}"))?));
                at = end;
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let name: String = chars[at..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect();
                at += name.len();
                tokens.push(if chars.get(at) == Some(&'(') { Token::Func(name) } else { Token::Name(name) });
            }
            _ => {
                let rest: String = chars[at..].iter().take(3).collect();
                let op = OPERATORS.iter().find(|op| rest.starts_with(**op));
                let op = op.ok_or_else(|| format!("syntax error near {c}"))?;
                at += op.len();
                tokens.push(Token::Op(op));
            }
        }
    }
    tokens.push(Token::End);
    Ok(tokens)
}

pub(super) fn quoted(chars: &[char], mut at: usize, end: char) -> Parsed<(String, usize)> {
    let mut text = String::new();
    loop {
        match chars.get(at) {
            Some(c) if *c == end => return Ok((text, at + 1)),
            Some('\\') => {
                text.push('\\');
                text.extend(chars.get(at + 1));
                at += 2;
            }
            Some('\n') | None => return Err("unterminated string or regex".into()),
            Some(c) => {
                text.push(*c);
                at += 1;
            }
        }
    }
}

pub(super) fn regex_may_follow(last: Option<&Token>) -> bool {
    !matches!(last, Some(Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::Op(")" | "]" | "$" | "++" | "--")))
}
