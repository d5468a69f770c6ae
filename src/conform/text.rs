//! Octets as text, the way recordings write them: Python's `surrogateescape`.
//!
//! An octet that is not UTF-8 is written in JSON as a lone surrogate, `\udc80` to `\udcff`. Rust
//! text cannot hold one, so that inside mxlab such an octet is a character of a private plane.

use std::borrow::Cow;

use crate::scenario::octets::PRIVATE;
pub use crate::scenario::octets::decode;

/// Reads a recording: lone surrogates become private characters.
pub fn unescape_surrogates(json: &str) -> Cow<'_, str> {
    if !json.contains("\\udc") {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find("\\udc") {
        let (before, escape) = rest.split_at(at);
        let octet = escape.get(4..6).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let escaped = before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
        let after_high_half = before.len().checked_sub(6).and_then(|at| before.get(at..)).is_some_and(is_high_half);
        out.push_str(before);
        match octet.filter(|octet| *octet >= 0x80 && !escaped && !after_high_half) {
            Some(octet) => {
                out.extend(char::from_u32(PRIVATE + octet));
                rest = &escape[6..];
            }
            None => {
                out.push_str("\\udc");
                rest = &escape[4..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn is_high_half(escape: &str) -> bool {
    let lower = escape.to_ascii_lowercase();
    ["\\ud8", "\\ud9", "\\uda", "\\udb"].iter().any(|start| lower.starts_with(start))
}

/// Writes a recording: private characters become lone surrogates.
pub fn escape_surrogates(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        match u32::from(character).checked_sub(PRIVATE) {
            Some(octet @ 0x80..=0xff) => out.push_str(&format!("\\udc{octet:02x}")),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_that_are_not_utf8_survive_the_way_to_json_and_back() {
        let text = decode(b"a\xffb\xc3\xa4");
        let json = serde_json::to_string(&text).unwrap();
        let written = escape_surrogates(&json);
        assert_eq!(written, "\"a\\udcffb\u{e4}\"");
        let read: String = serde_json::from_str(&unescape_surrogates(&written)).unwrap();
        assert_eq!(read, text);
    }

    #[test]
    fn pairs_and_escaped_backslashes_stay_as_they_are() {
        for json in [r#""\ud83d\udc80""#, r#""\\udcff""#] {
            assert_eq!(unescape_surrogates(json), json);
        }
    }
}
