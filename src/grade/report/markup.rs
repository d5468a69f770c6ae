//! Text in HTML and XML.

/// Text within an element or an attribute in double quotes. What neither HTML nor XML 1.0 allows is
/// replaced.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_students_cannot_break_the_document() {
        assert_eq!(escape("<script>\"'&\u{1b}\u{ffff}\n"), "&lt;script&gt;&quot;&#39;&amp;\u{fffd}\u{fffd}\n");
    }
}
