//! Enhanced status codes (RFC 3463): `5.1.1`.

/// Splits `5.1.1 User unknown` into code and text. Without a valid code at the beginning, `default`
/// is the code and the whole text is the text (Postfix's `dsn_split`).
pub fn split<'a>(default: &'a str, text: &'a str) -> (&'a str, &'a str) {
    match prefix(text) {
        0 => (default, text),
        len => (&text[..len], text[len..].trim_start_matches([' ', '\t', '\n', '\r'])),
    }
}

/// Length of the enhanced status code at the beginning of a text; 0 if there is none. The code must
/// be followed by white space or the end (Postfix's `dsn_valid`).
pub fn prefix(text: &str) -> usize {
    let bytes = text.as_bytes();
    if !matches!(bytes.first(), Some(b'2' | b'4' | b'5')) || bytes.get(1) != Some(&b'.') {
        return 0;
    }
    let digits = |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let subject = digits(2);
    if !(1..=3).contains(&subject) || bytes.get(2 + subject) != Some(&b'.') {
        return 0;
    }
    let detail = digits(3 + subject);
    let len = 3 + subject + detail;
    let ends = bytes.get(len).is_none_or(u8::is_ascii_whitespace);
    if (1..=3).contains(&detail) && ends { len } else { 0 }
}

/// Whether a text is exactly one enhanced status code.
pub fn is_code(text: &str) -> bool {
    !text.is_empty() && prefix(text) == text.len()
}

/// The code with another class digit: `with_class('4', "5.1.1")` is `4.1.1`.
pub fn with_class(class: char, code: &str) -> String {
    let mut changed = String::with_capacity(code.len());
    changed.push(class);
    changed.push_str(code.get(1..).unwrap_or_default());
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_only_at_valid_codes() {
        for (text, code, rest) in [
            ("5.1.1 User unknown", "5.1.1", "User unknown"),
            ("5.1.1", "5.1.1", ""),
            ("4.10.123   x", "4.10.123", "x"),
            ("go away", "5.7.1", "go away"),
            ("3.1.1 no", "5.7.1", "3.1.1 no"),
            ("5.1.1234 no", "5.7.1", "5.1.1234 no"),
            ("5.1.1x", "5.7.1", "5.1.1x"),
            ("5.", "5.7.1", "5."),
            ("", "5.7.1", ""),
        ] {
            assert_eq!(split("5.7.1", text), (code, rest), "{text}");
        }
        assert!(is_code("2.0.0") && !is_code("2.0.0 ") && !is_code(""));
        assert_eq!(with_class('4', "5.7.1"), "4.7.1");
    }
}
