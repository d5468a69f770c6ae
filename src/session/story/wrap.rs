//! Breaking text into lines.

/// Breaks a text at blanks into lines of at most `width` characters; a longer word is cut.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split([' ', '\n', '\t']) {
        let mut letters: Vec<char> =
            word.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        if used > 0 && used + 1 + letters.len() > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        while letters.len() > width {
            let rest = letters.split_off(width);
            lines.push(letters.into_iter().collect());
            letters = rest;
        }
        if used > 0 || (!line.is_empty() && !letters.is_empty()) {
            line.push(' ');
            used += 1;
        }
        used += letters.len();
        line.extend(letters);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_blanks() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("", 9), [""]);
    }

    #[test]
    fn what_fits_in_no_line_is_cut() {
        assert_eq!(wrap("a bcdefgh", 3), ["a", "bcd", "efg", "h"]);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(wrap("a\u{1b}[31mb\nc", 20), ["a [31mb c"]);
    }
}
