//! The source of an alias table (aliases(5)), as postalias(1) reads it.

use smol_str::SmolStr;

use super::hash::Entry;
use super::texthash::SourceTable;
use crate::mail::address::{Token, print_list, scan};
use crate::mta::postfix::config::lines::logical_lines;

/// Reads a whole alias file. `table` is what duplicate entries are reported for.
pub fn parse_aliases(path: &str, table: &str, text: &str, fold: bool) -> SourceTable {
    let mut found = SourceTable::default();
    for line in logical_lines(path, text, &mut found.notes) {
        let (key, value) = match split_alias(&line.text) {
            Ok(pair) => pair,
            Err(error) => {
                found.notes.push(format!("warning: {path}, line {}: {error}", line.first));
                continue;
            }
        };
        let key = if fold { SmolStr::from(key.to_lowercase()) } else { SmolStr::from(key) };
        if found.entries.contains_key(&key) {
            found.duplicates += 1;
            found.notes.push(format!("warning: {table}: duplicate entry: \"{key}\""));
            found.replaced.insert(key, Entry { value: value.into(), line: line.first });
            continue;
        }
        found.entries.insert(key, Entry { value: value.into(), line: line.first });
    }
    found
}

/// Why a line is no alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AliasError {
    /// No name, no colon or no value.
    #[error("need name:value pair")]
    NotAPair,
    /// The name has a domain.
    #[error("name must be local")]
    NotLocal,
}

/// Splits `name: value`. The name loses its quotes, the value is written anew from its tokens.
///
/// # Errors
/// The line is no alias.
pub fn split_alias(line: &str) -> Result<(String, String), AliasError> {
    let tokens = scan(line);
    let colon = tokens.iter().position(|token| token.is(':')).ok_or(AliasError::NotAPair)?;
    let (name, value) = (&tokens[..colon], &tokens[colon + 1..]);
    if name.is_empty() || value.is_empty() || name.iter().any(|token| token.is(',')) {
        return Err(AliasError::NotAPair);
    }
    if name.iter().any(|token| token.is('@')) {
        return Err(AliasError::NotLocal);
    }
    Ok((unquoted(name), print_list(value, ' ')))
}

/// The tokens without quotes, words apart.
fn unquoted(tokens: &[Token]) -> String {
    let plain: Vec<Token> = tokens
        .iter()
        .map(|token| match token {
            Token::Quoted(word) => Token::Atom(word.clone()),
            other => other.clone(),
        })
        .collect();
    print_list(&plain, ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_names_from_targets() {
        let cases = [
            ("postmaster: root", "postmaster", "root"),
            ("\"q r\": z, |\"foo bar\"", "q r", "z, |\"foo bar\""),
            ("inc: :include:/x, \"/file name\"", "inc", ":include:/x, \"/file name\""),
            ("list: \"unclosed, alice", "list", "\"unclosed, alice\""),
            ("trail: alice,", "trail", "alice, "),
            ("own: |/bin/foo", "own", "|/bin/foo"),
            ("comma: ,a,,b,", "comma", ", a, , b, "),
            ("quo: \"a\"b", "quo", "\"a\" b"),
            ("x y: z", "x y", "z"),
        ];
        for (line, name, value) in cases {
            assert_eq!(split_alias(line), Ok((name.to_owned(), value.to_owned())), "{line}");
        }
    }

    #[test]
    fn refuses_what_is_no_alias() {
        for line in ["info alice", "empty:", ":include:/foo: bar"] {
            assert_eq!(split_alias(line), Err(AliasError::NotAPair), "{line}");
        }
        assert_eq!(split_alias("@bad: alice"), Err(AliasError::NotLocal));
    }
}
