//! Brace expansion of bash: `{a,b}` and `{1..5}`.

use super::ast::{Part, Word};

/// Words that one brace expression may give at most.
const MAX_WORDS: i64 = 10_000;

/// The words that a word stands for; only unquoted text is looked at.
pub fn expand(word: &Word) -> Vec<Word> {
    for (at, part) in word.0.iter().enumerate() {
        let Part::Literal(text) = part else { continue };
        let Some((before, choices, after)) = find(text) else { continue };
        let mut words = Vec::new();
        for choice in choices {
            let mut parts = word.0.clone();
            parts[at] = Part::Literal(format!("{before}{choice}{after}"));
            words.extend(expand(&Word(parts)));
            if words.len() as i64 > MAX_WORDS {
                return vec![word.clone()];
            }
        }
        return words;
    }
    vec![word.clone()]
}

/// The first brace expression: the text before it, its choices, the text after it.
fn find(text: &str) -> Option<(&str, Vec<String>, &str)> {
    for (open, _) in text.match_indices('{') {
        let mut depth = 0;
        let mut commas = Vec::new();
        for (at, c) in text[open..].char_indices() {
            match c {
                '{' => depth += 1,
                ',' if depth == 1 => commas.push(open + at),
                '}' => depth -= 1,
                _ => continue,
            }
            if depth > 0 {
                continue;
            }
            let close = open + at;
            let inside = &text[open + 1..close];
            let (before, after) = (&text[..open], &text[close + 1..]);
            if !commas.is_empty() {
                let mut start = open + 1;
                let mut choices = Vec::new();
                for comma in commas.into_iter().chain([close]) {
                    choices.push(text[start..comma].to_owned());
                    start = comma + 1;
                }
                return Some((before, choices, after));
            }
            if let Some(choices) = sequence(inside) {
                return Some((before, choices, after));
            }
            break;
        }
    }
    None
}

fn sequence(inside: &str) -> Option<Vec<String>> {
    let (from, rest) = inside.split_once("..")?;
    let (to, step) = match rest.split_once("..") {
        Some((to, step)) => (to, step.parse::<i64>().ok()?.checked_abs()?.max(1)),
        None => (rest, 1),
    };
    // A number with a leading zero makes all of them as wide.
    let pads = |text: &str| text.trim_start_matches('-').len() > 1 && text.trim_start_matches('-').starts_with('0');
    let width = if pads(from) || pads(to) { from.len().max(to.len()) } else { 0 };
    let step = usize::try_from(step).ok()?;
    if let (Ok(from), Ok(to)) = (from.parse::<i64>(), to.parse::<i64>()) {
        if from.abs_diff(to) > MAX_WORDS as u64 {
            return None;
        }
        let numbers: Vec<i64> = if from <= to { (from..=to).collect() } else { (to..=from).rev().collect() };
        return Some(numbers.iter().step_by(step).map(|number| format!("{number:0width$}")).collect());
    }
    let (mut from, mut to) = (from.chars(), to.chars());
    match (from.next(), from.next(), to.next(), to.next()) {
        (Some(a), None, Some(b), None) if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
            Some(if a <= b { (a..=b).map(String::from).collect() } else { (b..=a).rev().map(String::from).collect() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_lists_and_sequences() {
        let expand_text = |text: &str| -> Vec<String> {
            expand(&Word(vec![Part::Literal(text.into())]))
                .iter()
                .map(|word| word.plain().unwrap_or_default().to_owned())
                .collect()
        };
        assert_eq!(expand_text("a{b,c}d"), ["abd", "acd"]);
        assert_eq!(expand_text("{3..1}"), ["3", "2", "1"]);
        assert_eq!(expand_text("{a,{b,c}}{1..2}"), ["a1", "a2", "b1", "b2", "c1", "c2"]);
        assert_eq!(expand_text("{a}"), ["{a}"]);
    }
}
