//! Addresses and parameters of MAIL and RCPT.

use smol_str::SmolStr;

use crate::mail::address::{internalize, is_plain, parse_list};
use crate::mta::postfix::queue_file::{Notify, Ret};
use crate::smtp::path::{domain_separator, split_route};

/// An address from a command, in internal form; `None` if it is no single address.
pub fn extract(text: &str, strict: bool) -> Option<SmolStr> {
    if strict && !text.starts_with('<') {
        return None;
    }
    let inner = text.strip_prefix('<').unwrap_or(text);
    let inner = inner.strip_suffix('>').unwrap_or(inner);
    let inner = inner.strip_prefix('<').and_then(|inner| inner.strip_suffix('>')).unwrap_or(inner);
    let (_, address) = split_route(inner);
    let plain = address.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"@.-_+=".contains(&octet));
    if plain {
        return Some(address.into());
    }
    let bare = without_comments(address);
    Some(internalize(&crate::mail::address::scan(&bare)).into())
}

/// The address of a usual path, `<user@host.domain>`, which is the same in internal form.
pub fn plain(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('<')?.strip_suffix('>')?;
    is_plain(inner.as_bytes()).then_some(inner)
}

/// Whether the form of an address is one that mail can go to: one address with a domain behind its
/// last `@` that has no empty labels, and no two words side by side.
pub fn is_well_formed(text: &str) -> bool {
    let inner = text.trim_start_matches('<').trim_end_matches('>');
    let (_, address) = split_route(inner);
    if has_loose_words(address) {
        return false;
    }
    let Some(at) = domain_separator(address) else { return true };
    let (local, domain) = address.split_at(at);
    let domain = domain.strip_prefix('@').unwrap_or_default();
    !domain.is_empty() && !domain.contains("..") && !local.ends_with('@')
}

/// Whether words stand side by side, or several addresses, outside quotes and comments.
fn has_loose_words(address: &str) -> bool {
    let mut before = None;
    let mut gap = false;
    let bare = without_comments(address);
    let mut chars = bare.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    if c == '\\' {
                        chars.next();
                    }
                }
            }
            ',' | ';' => return true,
            ' ' | '\t' => {
                gap = before.is_some();
                continue;
            }
            _ => {}
        }
        let is_operator = |c: char| "@.:%!".contains(c);
        if gap && !is_operator(c) && before.is_some_and(|before| !is_operator(before)) {
            return true;
        }
        gap = false;
        before = Some(c);
    }
    false
}

/// An address without what stands in parentheses outside quotes.
fn without_comments(address: &str) -> String {
    let (mut out, mut depth, mut quoted, mut escaped) = (String::with_capacity(address.len()), 0u32, false, false);
    for c in address.chars() {
        let was_escaped = escaped;
        escaped = c == '\\' && !was_escaped;
        match c {
            '"' if depth == 0 && !was_escaped => quoted = !quoted,
            '(' if !quoted && !was_escaped => depth += 1,
            ')' if !quoted && !was_escaped && depth > 0 => {
                depth -= 1;
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            out.push(c);
        }
    }
    out
}

/// Undoes the xtext encoding of RFC 3461, section 4.
pub fn xtext_decode(text: &str) -> Option<String> {
    if !text.contains('+') {
        return Some(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        if octet == b'+' {
            let digits = [octets.next()?, octets.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            out.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            out.push(octet);
        }
    }
    String::from_utf8(out).ok()
}

/// The `RET` values.
pub fn ret(text: &str) -> Option<Ret> {
    match text.to_ascii_uppercase().as_str() {
        "FULL" => Some(Ret::Full),
        "HDRS" => Some(Ret::Headers),
        _ => None,
    }
}

/// The `NOTIFY` values; the error is the word that is unknown, if there is one.
pub fn notify(text: &str) -> Result<Notify, Option<SmolStr>> {
    let mut notify = Notify::default();
    for word in text.split(',') {
        match word.to_ascii_uppercase().as_str() {
            "NEVER" => notify.never = true,
            "SUCCESS" => notify.success = true,
            "FAILURE" => notify.failure = true,
            "DELAY" => notify.delay = true,
            _ => return Err(Some(word.into())),
        }
    }
    let others = notify.success || notify.failure || notify.delay;
    if notify.never && others { Err(None) } else { Ok(notify) }
}

/// `ORCPT` as stored: `rfc822;user@example.com`, decoded.
pub fn orcpt(text: &str) -> Option<SmolStr> {
    let (kind, coded) = text.split_once(';')?;
    let address = xtext_decode(coded)?;
    if kind.is_empty() {
        return None;
    }
    Some([kind, ";", &address].concat().into())
}

/// Whether several addresses stand where one is wanted.
pub fn is_list(text: &str) -> bool {
    text.contains(',') && parse_list(text).iter().filter(|token| token.is(',')).count() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_brackets_routes_and_quotes() {
        for (text, address) in [
            ("<alice@example.com>", "alice@example.com"),
            ("alice@example.com", "alice@example.com"),
            ("<alice@example.com", "alice@example.com"),
            ("<@a,@b:alice@example.com>", "alice@example.com"),
            ("<\"a b\"@example.com>", "a b@example.com"),
            ("<alice@[192.0.2.1]>", "alice@[192.0.2.1]"),
        ] {
            assert_eq!(extract(text, false).as_deref(), Some(address), "{text}");
        }
        assert_eq!(extract("alice@example.com", true), None);
    }

    #[test]
    fn parameters_of_dsn_are_checked() {
        assert!(notify("SUCCESS,failure").is_ok_and(|notify| notify.success && notify.failure));
        assert_eq!(notify("SOMETIMES"), Err(Some("SOMETIMES".into())));
        assert_eq!(notify("NEVER,DELAY"), Err(None));
        assert_eq!(orcpt("rfc822;a+2Bb@c").as_deref(), Some("rfc822;a+b@c"));
        assert_eq!(orcpt("a@c"), None);
        assert_eq!(xtext_decode("a+2"), None);
    }
}
