//! Words of configuration values: `mystrtok(3)`, `mystrtokq(3)` and `extpar(3)`.

/// White space and comma: what separates list members.
pub fn is_comma_space(c: char) -> bool {
    c == ',' || c.is_ascii_whitespace()
}

/// Words between separators, where `{…}` protects separators within.
pub fn words(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(&is_separator);
    while !rest.is_empty() {
        let mut depth = 0u32;
        let end = rest
            .char_indices()
            .find(|&(_, c)| {
                match c {
                    '{' => depth += 1,
                    '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                depth == 0 && is_separator(c)
            })
            .map_or(rest.len(), |(at, _)| at);
        let (word, tail) = rest.split_at(end);
        found.push(word);
        rest = tail.trim_start_matches(&is_separator);
    }
    found
}

/// Members of a list that is separated by commas or white space.
pub fn list(text: &str) -> Vec<&str> {
    words(text, is_comma_space)
}

/// Takes the outer braces off `{text}`, and white space within. Text after the closing brace and a
/// missing closing brace are errors, in Postfix's words.
///
/// # Errors
/// The braces do not match.
pub fn strip_braces(text: &str) -> Result<&str, String> {
    let Some(inner) = text.strip_prefix('{') else { return Ok(text) };
    let mut depth = 1u32;
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            if !inner[at + 1..].trim_ascii().is_empty() {
                return Err(format!("syntax error after '}}' in \"{text}\""));
            }
            return Ok(inner[..at].trim_ascii());
        }
    }
    Err(format!("missing '}}' in \"{text}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_protect_separators() {
        assert_eq!(list("a, {b, c} d,,e"), ["a", "{b, c}", "d", "e"]);
        assert_eq!(list("inline:{a=1,b=2}"), ["inline:{a=1,b=2}"]);
    }

    #[test]
    fn braces_must_match() {
        assert_eq!(strip_braces("{ a = b }"), Ok("a = b"));
        assert_eq!(strip_braces("{a"), Err("missing '}' in \"{a\"".to_owned()));
        assert_eq!(strip_braces("{a}b"), Err("syntax error after '}' in \"{a}b\"".to_owned()));
    }
}
